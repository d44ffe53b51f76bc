//! The local analyser on whole recordings: the demo, three drawn ones, and planted personal data.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on ends here")]

mod scene;

use std::path::{Path, PathBuf};

use image::{Rgb, RgbImage};
use scene::Scene;
use scene::run::{Analysed, analyse_file};
use scene::score::{Score, Truth};
use tokio_util::sync::CancellationToken;
use worker::frames::{Extraction, Frame, TimeSpan};
use worker::vision::local::{Context, analyse, interpret};
use worker::vision::ocr::{LANGUAGES, Tesseract, Word};
use worker::vision::redact::{self, Rules};

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../tests")
}

async fn scene(name: &str) -> (Score, Analysed) {
    let dir = tempfile::tempdir().unwrap();
    let scene = Scene::read(&root().join(format!("bench/scenes/{name}.json")));
    let video = dir.path().join("scene.webm");
    scene.draw(&video);
    let frames = dir.path().join("frames");
    std::fs::create_dir(&frames).unwrap();
    let analysed = analyse_file(&video, &frames, Rules::default(), scene.idle_threshold_seconds).await;
    (scene.truth().score(&analysed.reply, &analysed.reading), analysed)
}

/// Active, waiting and idle time are the length of every stay, and stays do not overlap.
fn time_adds_up(analysed: &Analysed) {
    let mut last = 0.0;
    for stay in &analysed.reply.timeline {
        assert!(stay.span.start_seconds() >= last - 1e-6, "stays overlap at {last}");
        last = stay.span.end_seconds();
        let taken: Vec<_> = stay.waiting.iter().chain(&stay.idle).copied().collect();
        let sum: f64 = taken.iter().map(|s| s.seconds()).sum();
        assert!(
            (domain::span::union_seconds(&taken) - sum).abs() < 1e-6,
            "waiting and idle overlap"
        );
        assert!(sum <= stay.span.seconds() + 1e-6);
    }
    for routine in &analysed.reading.insights.routines {
        for o in &routine.occurrences {
            assert!(o.active_seconds + o.waiting_seconds + o.idle_seconds <= o.span.seconds() + 1e-6);
        }
    }
}

#[tokio::test]
async fn the_demo_holds_one_routine_and_it_is_found_exactly() {
    let dir = tempfile::tempdir().unwrap();
    let demo = root().join("fixtures/demo");
    let analysed = analyse_file(&demo.join("demo.webm"), dir.path(), Rules::default(), 60.0).await;
    let score = Truth::of_demo(&demo.join("truth.json")).score(&analysed.reply, &analysed.reading);
    assert!(score.boundary_f1 >= 0.9, "{score:?}");
    assert_eq!((score.count_error, score.exact_occurrences), (0, (6, 6)), "{score:?}");
    assert!(score.duration_error.unwrap() <= 0.10, "{score:?}");
    assert!(
        (score.jaccard.unwrap() - 1.0).abs() < 1e-9 && score.false_routines == 0,
        "{score:?}"
    );
    // 20 seconds of waiting and 66 of absence, within the two places where they were.
    assert!(score.waiting_error < 3.0, "{score:?}");
    time_adds_up(&analysed);

    let [opportunity] = analysed.reading.opportunities.as_slice() else {
        panic!("one opportunity: {:?}", analysed.reading.opportunities)
    };
    assert!(
        opportunity.title.contains("New outbound order") && opportunity.title.contains("Stockline WMS"),
        "{}",
        opportunity.title
    );
    assert!(opportunity.title.contains("Northgate Mail"), "{}", opportunity.title);
    assert_eq!(opportunity.evidence.len(), 6);
    assert!(!opportunity.frames.is_empty());
    let applications: Vec<&str> = analysed
        .reading
        .insights
        .applications
        .iter()
        .map(|a| a.name.as_str())
        .collect();
    for name in ["Stockline WMS", "Northgate Mail", "Gridwork Sheets", "Harbour Intranet"] {
        assert!(applications.contains(&name), "{applications:?}");
    }
    let titles: Vec<&str> = analysed.reading.drafts.iter().map(|d| d.title.as_str()).collect();
    assert!(titles.contains(&"Waiting for Stockline WMS"), "{titles:?}");
    assert!(
        titles.contains(&"Typed over from Northgate Mail to Stockline WMS"),
        "{titles:?}"
    );
    // Six senders' addresses stand on the screens; none may stand in what is stored.
    let stored = serde_json::to_string(&analysed.reply).unwrap() + &serde_json::to_string(&analysed.reading).unwrap();
    assert!(!stored.contains('@') && !stored.contains(".example"));
}

#[tokio::test]
async fn random_work_has_no_routine() {
    let (score, analysed) = scene("08-random").await;
    assert_eq!(analysed.reading.insights.routines, []);
    assert_eq!(analysed.reading.opportunities, []);
    assert!(score.boundary_f1 >= 0.9 && score.v_measure >= 0.85, "{score:?}");
    time_adds_up(&analysed);
}

#[tokio::test]
async fn unrelated_work_between_and_inside_does_not_hide_a_routine() {
    let (score, analysed) = scene("02-interleaved-dutch").await;
    assert!(
        score.count_error <= 1 && score.jaccard.unwrap() >= 0.75 && score.false_routines == 0,
        "{score:?}"
    );
    assert!(
        score.boundary_f1 >= 0.9 && score.duration_error.unwrap() <= 0.15,
        "{score:?}"
    );
    time_adds_up(&analysed);
}

#[tokio::test]
async fn waiting_and_absence_are_told_apart_on_a_dark_screen() {
    let (score, analysed) = scene("04-dark-french-waits").await;
    assert!(
        score.count_error <= 1 && score.jaccard.unwrap() >= 0.75 && score.false_routines == 0,
        "{score:?}"
    );
    assert!(score.waiting_error <= 10.0, "{score:?}");
    time_adds_up(&analysed);
}

/// Pictures with planted personal data, as frames of a recording.
struct Planted {
    _dir: tempfile::TempDir,
    extraction: Extraction,
}

fn planted(pages: &[&[&str]], blurb: bool) -> Planted {
    let dir = tempfile::tempdir().unwrap();
    let frames = pages
        .iter()
        .enumerate()
        .map(|(index, lines)| {
            let file = dir.path().join(format!("{index}.jpg"));
            let mut graph = String::from("color=c=white:s=1280x720");
            for (row, line) in lines.iter().enumerate() {
                let text = dir.path().join(format!("{index}-{row}.txt"));
                std::fs::write(&text, line).unwrap();
                let drawn = format!(
                    ",drawtext=fontfile=/usr/share/fonts/truetype/dejavu/DejaVuSans.ttf:fontsize=17:x=60:y={}:expansion=none:textfile={}",
                    60 + 44 * row,
                    text.display()
                );
                graph += &drawn;
            }
            let status = std::process::Command::new("ffmpeg")
                .args(["-v", "error", "-y", "-f", "lavfi", "-i", &graph, "-frames:v", "1", "-q:v", "3"])
                .arg(&file)
                .status()
                .unwrap();
            assert!(status.success());
            if blurb {
                dots(&file);
            }
            let index = index as u32;
            Frame {
                index,
                timestamp_seconds: 10.0 * f64::from(index),
                span: TimeSpan { start_seconds: 10.0 * f64::from(index), end_seconds: 10.0 * f64::from(index + 1) },
                screen: index,
                width_pixels: 1280,
                height_pixels: 720,
                file,
                fingerprint: u64::from(index) * 0x0f0f_1234_5678_9abc,
            }
        })
        .collect::<Vec<_>>();
    let duration_seconds = 10.0 * frames.len() as f64;
    let extraction = Extraction {
        duration_seconds,
        coverage: 1.0,
        unreadable_seconds: 0.0,
        codec: "vp8".into(),
        width_pixels: 1280,
        height_pixels: 720,
        frames,
        changes: Vec::new(),
    };
    Planted { _dir: dir, extraction }
}

/// A password field with nine dots at (400, 600).
fn dots(file: &Path) {
    let mut picture: RgbImage = image::open(file).unwrap().to_rgb8();
    for i in 0..9 {
        for (x, y) in (0..9).flat_map(|x| (0..9).map(move |y| (x, y))) {
            if (f64::from(x) - 4.0).hypot(f64::from(y) - 4.0) <= 4.2 {
                picture.put_pixel(400 + 12 * i + x, 600 + y, Rgb([20, 20, 20]));
            }
        }
    }
    picture.save(file).unwrap();
}

async fn read_again(extraction: &Extraction) -> String {
    let tesseract = Tesseract::find(None, &LANGUAGES).await.unwrap();
    let mut all = String::new();
    for frame in &extraction.frames {
        let picture = image::open(&frame.file).unwrap().to_luma8();
        let words: Vec<Word> = tesseract.words(&picture, &CancellationToken::new()).await.unwrap();
        for word in words {
            all.push_str(&word.text);
            all.push(' ');
        }
    }
    all
}

#[tokio::test]
async fn planted_personal_data_is_in_no_picture_and_no_text() {
    let mut planted = planted(
        &[
            &[
                "Customer card - Order Desk",
                "Name Jansen",
                "E-mail anke.jansen@bakker-foods.nl",
                "IBAN NL91 ABNA 0417 1643 00",
                "BSN 111222333",
                "Order PO-48213",
            ],
            &[
                "Refund - Order Desk",
                "Pay to BE68539007547034 today",
                "Contact: tom@hensen.example",
                "Citizen service number (BSN): 123456782",
                "Amount 24.00",
            ],
        ],
        true,
    );
    let before = read_again(&planted.extraction).await;
    assert!(
        before.contains("BE68539007547034") && before.contains("111222333") && before.contains("hensen"),
        "the pictures are legible: {before}"
    );

    let tesseract = Tesseract::find(None, &LANGUAGES).await.unwrap();
    let cancel = CancellationToken::new();
    let readings = redact::read(&planted.extraction, &Rules::default(), &tesseract, &cancel, |_| {})
        .await
        .unwrap();
    redact::cover(&mut planted.extraction, &readings).await.unwrap();
    let context = Context {
        tesseract,
        idle_threshold_seconds: 60.0,
        rules: Rules::default(),
        readings: Some(readings.clone()),
        cancel,
    };
    let reply = analyse(&planted.extraction, &context, |_| {}).await.unwrap();
    let texts = [
        read_again(&planted.extraction).await,
        serde_json::to_string(&readings).unwrap(),
        serde_json::to_string(&reply).unwrap(),
        serde_json::to_string(&interpret(&reply)).unwrap(),
    ];
    for text in &texts {
        for secret in [
            "anke",
            "bakker",
            "@",
            "0417",
            "1643",
            "NL91",
            "ABNA",
            "BE68",
            "5390",
            "7034",
            "hensen",
            "111222333",
            "123456782",
        ] {
            assert!(
                !text.to_lowercase().contains(&secret.to_lowercase()),
                "{secret} in {text}"
            );
        }
    }
    // What is no personal data stays.
    assert!(
        texts[0].contains("48213") && texts[0].contains("Refund") && texts[2].contains("Desk"),
        "{}",
        texts[0]
    );
    // The dots are covered.
    let picture = image::open(&planted.extraction.frames[0].file).unwrap().to_luma8();
    let light = (400..500).filter(|x| picture.get_pixel(*x, 604).0[0] > 60).count();
    assert_eq!(light, 0, "the password's dots can still be counted");
}

#[tokio::test]
async fn an_excluded_screen_is_dropped_whole_and_its_time_kept_as_excluded() {
    let mut planted = planted(
        &[
            &["Orders - Order Desk", "Order 4711 for Gent"],
            &["Payslip - Salary Desk", "Net pay 2400 this month"],
            &["Orders - Order Desk", "Order 4712 for Lille"],
        ],
        false,
    );
    let rules = Rules {
        exclusions: vec!["salary desk".into()],
        ..Rules::default()
    };
    let tesseract = Tesseract::find(None, &LANGUAGES).await.unwrap();
    let cancel = CancellationToken::new();
    let readings = redact::read(&planted.extraction, &rules, &tesseract, &cancel, |_| {})
        .await
        .unwrap();
    let hidden = planted.extraction.frames[1].file.clone();
    redact::cover(&mut planted.extraction, &readings).await.unwrap();
    assert!(!hidden.exists());
    assert_eq!(
        planted.extraction.frames.iter().map(|f| f.index).collect::<Vec<_>>(),
        [0, 2]
    );
    let context = Context {
        tesseract,
        idle_threshold_seconds: 60.0,
        rules,
        readings: Some(readings),
        cancel,
    };
    let reply = analyse(&planted.extraction, &context, |_| {}).await.unwrap();
    let excluded: Vec<(f64, f64)> = reply
        .excluded
        .iter()
        .map(|s| (s.start_seconds(), s.end_seconds()))
        .collect();
    assert_eq!(excluded, [(10.0, 20.0)]);
    let stored = serde_json::to_string(&reply).unwrap();
    assert!(!stored.contains("Salary") && !stored.contains("Payslip") && !stored.contains("2400"));
    let reading = interpret(&reply);
    assert!(
        reading.insights.description.contains("10 s on excluded screens"),
        "{}",
        reading.insights.description
    );
}
