//! Recordings as browsers make them, to the end; and personal data on a screen, which ends nowhere.

use std::process::Command;

use domain::sampling::Analyser;

use super::*;

/// Recordings of the system that this one replaces; beside the project, not in it.
fn shared() -> Option<PathBuf> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../shared/recordings");
    if folder.is_dir() {
        Some(folder)
    } else {
        eprintln!("skipped: {} is not there", folder.display());
        None
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn recordings_of_the_earlier_system_are_analysed_to_the_end() {
    let Some(folder) = shared() else { return };
    let whole = std::fs::read(folder.join("single-blob-10s.webm")).unwrap();
    let mut slices: Vec<_> = std::fs::read_dir(folder.join("timeslices-5s"))
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .collect();
    slices.sort();
    let slices: Vec<Vec<u8>> = slices.iter().map(|path| std::fs::read(path).unwrap()).collect();
    let slices: Vec<&[u8]> = slices.iter().map(Vec::as_slice).collect();
    let house = House::new().await;
    house
        .run("update public.organizations set max_parallel_analyses = 2")
        .await;
    let whole = house.records(1, &[&whole]).await;
    let parted = house.records(2, &slices).await;
    let here = house.works_here(2, decoder()).await;
    // Reading full pages of text takes seconds a frame; a few of them show as much as all.
    let coarse = Sampling {
        frames_per_second: 0.1,
        max_frames: 20,
        scene_threshold: 0.5,
    };
    let asked = [
        (house.asks_with('a', whole, Analyser::Local, coarse).await, 8.0..=12.0),
        (house.asks_with('a', parted, Analyser::Local, coarse).await, 35.0..=45.0),
    ];
    for (analysis, seconds) in asked {
        house.ends_with(analysis, "completed").await;
        let told = house
            .value(&format!("select jsonb_build_array(s.duration_seconds, a.coverage, a.frames_analyzed, (select count(*) from public.analysis_frames f where f.analysis_id = a.id), a.error_code)
                               from public.analysis_results a join public.recording_sessions s on s.id = a.session_id where a.id = '{analysis}'"))
            .await;
        assert!(seconds.contains(&told[0].as_f64().unwrap()), "{told}");
        assert!(told[1].as_f64().unwrap() > 0.95, "{told}");
        assert!(told[2].as_i64().unwrap() >= 1 && told[2] == told[3], "{told}");
    }
    here.stops().await;
}

/// What is written on the screen and may be found nowhere.
const PLANTED: [&str; 3] = ["NL91 ABNA 0417 1643 00", "111222333", "jan.jansen@example.com"];

/// Draws a screen with a customer's data, then one without, then the first again.
fn customer(file: &Path) {
    let page = |lines: &[String]| {
        let texts: Vec<String> = lines
            .iter()
            .enumerate()
            .map(|(at, line)| {
                format!(
                    "drawtext=font=DejaVu Sans Mono:fontsize=28:fontcolor=black:x=60:y={}:text={}",
                    60 + at * 70,
                    line.replace(':', "\\\\:")
                )
            })
            .collect();
        format!("color=white:s=1280x720:d=3:r=5,{}", texts.join(","))
    };
    let [iban, bsn, mail] = PLANTED;
    let with: Vec<String> = vec![
        "Stockline WMS - Customer card".into(),
        format!("IBAN {iban}"),
        format!("BSN {bsn}"),
        format!("E-mail {mail}"),
        "Opening hours 9 to 17".into(),
    ];
    let without: Vec<String> = vec![
        "Stockline WMS - Stock".into(),
        "Pallets in aisle four".into(),
        "Forklift in repair".into(),
    ];
    let graph = format!(
        "{}[a];{}[b];{}[c];[a][b][c]concat=n=3",
        page(&with),
        page(&without),
        page(&with)
    );
    let made = Command::new("ffmpeg")
        .args([
            "-v",
            "error",
            "-y",
            "-filter_complex",
            &graph,
            "-c:v",
            "libvpx",
            "-b:v",
            "2M",
            "-f",
            "webm",
        ])
        .arg(file)
        .output()
        .unwrap();
    assert!(made.status.success(), "{}", String::from_utf8_lossy(&made.stderr));
}

/// Letters and digits only, so that spaces and how they are read do not matter.
fn bare(text: &str) -> String {
    text.chars()
        .filter(char::is_ascii_alphanumeric)
        .collect::<String>()
        .to_lowercase()
}

fn read(picture: &Path) -> String {
    let output = Command::new("tesseract")
        .arg(picture)
        .args(["stdout", "--psm", "11", "--dpi", "150"])
        .env("OMP_THREAD_LIMIT", "1")
        .output()
        .unwrap();
    String::from_utf8_lossy(&output.stdout).into_owned()
}

pub(super) fn pictures(folder: &Path) -> Vec<PathBuf> {
    let mut found = Vec::new();
    for entry in std::fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            found.extend(pictures(&path));
        } else if path.extension().is_some_and(|extension| extension == "jpg") {
            found.push(path);
        }
    }
    found
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn personal_data_on_a_screen_is_in_no_row_no_event_no_log_and_no_stored_frame() {
    let house = House::new().await;
    let video = house.folder.path().join("customer.webm");
    customer(&video);
    let session = house.records(1, &[&std::fs::read(&video).unwrap()]).await;
    let analysis = house.asks(session, Analyser::Local).await;
    let worker = house.worker(&[("NEWSYSTEM_LOG", "debug".to_owned())]);
    house.ends_with(analysis, "completed").await;
    house.is_quiet().await;

    // Every row of every table, as text.
    let tables = house
        .value("select jsonb_agg(format('%I.%I', schemaname, tablename)) from pg_tables where schemaname not in ('pg_catalog', 'information_schema')")
        .await;
    let mut everything = String::new();
    for table in tables.as_array().unwrap() {
        let rows = house
            .value(&format!(
                "select coalesce(string_agg(to_jsonb(t)::text, ' '), '') from {} t",
                table.as_str().unwrap()
            ))
            .await;
        everything.push_str(rows.as_str().unwrap());
        everything.push(' ');
    }
    let log = worker.log();
    let frames = pictures(&house.objects());
    let on_frames: String = frames.iter().map(|frame| read(frame)).collect();
    // It was looked at: the rest of the same screens is there.
    assert!(
        frames.len() >= 2 && bare(&on_frames).contains("customercard") && bare(&on_frames).contains("aislefour"),
        "{on_frames}"
    );
    assert!(bare(&everything).contains("stockline"), "nothing was read");
    assert!(log.contains("an analysis is done"), "{log}");
    assert!(
        house
            .is("select count(*) > 0 from public.analysis_frames where redacted")
            .await
    );
    for planted in PLANTED {
        for (place, text) in [
            ("a row", &everything),
            ("the log", &log),
            ("a stored frame", &on_frames),
        ] {
            assert!(!text.contains(planted), "{planted} is in {place}");
            assert!(
                !bare(text).contains(&bare(planted)),
                "{planted} is in {place}, written otherwise"
            );
        }
    }
}
