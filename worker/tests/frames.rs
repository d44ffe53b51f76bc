//! Recordings as browsers and phones make them, read through the door that a worker uses.
#![expect(clippy::unwrap_used, reason = "tests")]

mod drawn;

use std::ffi::OsString;
use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use drawn::{Canvas, Encoder, INK, Pen, WHITE, Words};
use tempfile::TempDir;
use tokio_util::sync::CancellationToken;
use worker::frames::{
    ChangeKind, DecodeLimits, DecoderProgram, Extraction, FrameError, Sampling, decoder_main, extract,
    extract_in_process, probe,
};

const STANDARD: Sampling = Sampling {
    frames_per_second: 1.0,
    max_frames: 120,
    scene_threshold: 0.2,
};
const H264: &[&str] = &[
    "-c:v",
    "libx264",
    "-preset",
    "ultrafast",
    "-crf",
    "20",
    "-pix_fmt",
    "yuv420p",
];

/// What the child does: this test program starts itself with this test as its only one.
#[test]
#[ignore = "run by the tests below as their child process"]
fn decoder_child() {
    decoder_main();
}

fn child() -> DecoderProgram {
    let args = [
        "decoder_child",
        "--exact",
        "--ignored",
        "--nocapture",
        "--test-threads=2",
    ];
    DecoderProgram {
        program: std::env::current_exe().unwrap(),
        args: args.map(OsString::from).to_vec(),
    }
}

fn shell(script: &str) -> DecoderProgram {
    DecoderProgram {
        program: "/bin/sh".into(),
        args: vec!["-c".into(), script.into()],
    }
}

async fn reads(program: DecoderProgram, file: &Path, limits: DecodeLimits) -> Result<Extraction, FrameError> {
    let out = tempfile::tempdir().unwrap();
    extract(
        file,
        out.path(),
        &STANDARD,
        &limits,
        &program,
        |_| {},
        CancellationToken::new(),
    )
    .await
}

struct Studio {
    dir: TempDir,
    pen: Pen,
}

impl Studio {
    fn new() -> Self {
        Self {
            dir: tempfile::tempdir().unwrap(),
            pen: Pen::default(),
        }
    }

    /// Films what `scene` draws for each tenth of a second.
    fn film(
        &mut self,
        name: &str,
        (width, height): (usize, usize),
        tenths: u32,
        arguments: &[&str],
        mut scene: impl FnMut(&mut Pen, &mut Canvas, u32),
    ) -> PathBuf {
        let file = self.dir.path().join(name);
        let mut encoder = Encoder::start(width, height, 10.0, arguments, &file);
        for tenth in 0..tenths {
            let mut canvas = Canvas::new(width, height, WHITE);
            scene(&mut self.pen, &mut canvas, tenth);
            encoder.add(&canvas);
        }
        encoder.finish();
        file
    }

    /// Two screens of two seconds each.
    fn two_screens(&mut self, name: &str, size: (usize, usize), arguments: &[&str]) -> PathBuf {
        self.film(name, size, 40, arguments, |pen, canvas, tenth| {
            page(pen, canvas, 1 + u64::from(tenth / 20));
        })
    }

    fn read(&self, file: &Path) -> Extraction {
        self.read_with(file, &STANDARD)
    }

    fn read_with(&self, file: &Path, sampling: &Sampling) -> Extraction {
        let out = self.dir.path().join("out");
        std::fs::create_dir_all(&out).unwrap();
        let extraction = extract_in_process(file, &out, sampling, &DecodeLimits::default(), &mut |_| {}).unwrap();
        for frame in &extraction.frames {
            let picture = image::open(&frame.file).unwrap();
            assert_eq!(
                (picture.width(), picture.height()),
                (frame.width_pixels, frame.height_pixels)
            );
        }
        let stray = std::fs::read_dir(&out).unwrap().count() - extraction.frames.len();
        assert_eq!(stray, 0, "files of frames that were not kept");
        extraction
    }
}

/// A page of text of its own: a heading block whose place depends on the page, and lines.
fn page(pen: &mut Pen, canvas: &mut Canvas, number: u64) {
    let mut words = Words::new(number);
    let shift = (number % 5) as i64 * 40;
    canvas.fill(shift, 0, canvas.width as i64 / 3, 40, drawn::NAVY);
    let letters = canvas.width / 14;
    for line in 0..(canvas.height as i64 - 60) / 30 {
        if !words.number().is_multiple_of(3) {
            let length = letters / 4 + words.number() as usize % letters / 2;
            pen.write(canvas, shift / 2 + 4, 50 + line * 30, 15, INK, &words.line(length));
        }
    }
}

fn times(extraction: &Extraction) -> Vec<f64> {
    extraction
        .frames
        .iter()
        .map(|frame| (frame.timestamp_seconds * 10.0).round() / 10.0)
        .collect()
}

fn screens(extraction: &Extraction) -> Vec<u32> {
    extraction.frames.iter().map(|frame| frame.screen).collect()
}

fn assert_two_screens(extraction: &Extraction, codec: &str) {
    let [first, second] = &extraction.frames[..] else {
        panic!("{codec}: {:?}", times(extraction))
    };
    assert_eq!(extraction.codec, codec);
    assert!(
        (extraction.duration_seconds - 4.0).abs() < 0.11,
        "{codec}: {}",
        extraction.duration_seconds
    );
    assert!(
        extraction.coverage > 0.99 && extraction.unreadable_seconds < 1e-6,
        "{codec}: {extraction:?}"
    );
    assert!(
        first.timestamp_seconds < 2.0 && (2.0..4.0).contains(&second.timestamp_seconds),
        "{codec}"
    );
    assert!(
        (second.span.start_seconds - 2.0).abs() < 0.11,
        "{codec}: {:?}",
        second.span
    );
    assert_ne!(first.screen, second.screen, "{codec}");
    let change = extraction
        .changes
        .iter()
        .find(|change| change.kind == ChangeKind::Screen)
        .unwrap();
    assert!((change.at_seconds - 2.0).abs() < 0.11, "{codec}: {change:?}");
}

#[test]
fn every_codec_of_browsers_and_phones_is_read() {
    let mut studio = Studio::new();
    let cases: [(&str, &str, &[&str]); 7] = [
        (
            "vp8",
            "a.webm",
            &[
                "-c:v",
                "libvpx",
                "-deadline",
                "realtime",
                "-cpu-used",
                "8",
                "-b:v",
                "2M",
            ],
        ),
        ("vp9", "b.webm", drawn::BROWSER_VP9),
        ("av1", "c.webm", &["-c:v", "libsvtav1", "-preset", "12", "-crf", "35"]),
        (
            "av1",
            "d.mp4",
            &[
                "-c:v",
                "libaom-av1",
                "-cpu-used",
                "8",
                "-usage",
                "realtime",
                "-crf",
                "35",
            ],
        ),
        (
            "h264",
            "e.mp4",
            &["-c:v", "libx264", "-preset", "veryfast", "-pix_fmt", "yuv420p"],
        ),
        ("h264", "f.mov", H264),
        (
            "hevc",
            "g.mp4",
            &[
                "-c:v",
                "libx265",
                "-preset",
                "ultrafast",
                "-x265-params",
                "log-level=none",
            ],
        ),
    ];
    for (codec, name, arguments) in cases {
        let file = studio.two_screens(name, (640, 360), arguments);
        assert_two_screens(&studio.read(&file), codec);
        let probed = probe(&file).unwrap();
        assert_eq!(
            (probed.codec.as_str(), probed.width_pixels, probed.height_pixels),
            (codec, 640, 360)
        );
        assert!((probed.duration_seconds - 4.0).abs() < 0.11);
    }
}

#[test]
fn sound_is_ignored_and_an_odd_size_is_kept() {
    let mut studio = Studio::new();
    let mut arguments = vec![
        "-f",
        "lavfi",
        "-i",
        "sine=frequency=440:duration=4",
        "-c:a",
        "libopus",
        "-map",
        "0:v",
        "-map",
        "1:a",
    ];
    arguments.extend(drawn::BROWSER_VP9);
    let file = studio.two_screens("odd.webm", (643, 361), &arguments);
    let extraction = studio.read(&file);
    assert_two_screens(&extraction, "vp9");
    assert_eq!((extraction.width_pixels, extraction.height_pixels), (643, 361));
    assert_eq!(extraction.frames[0].width_pixels, 643);
}

#[test]
fn pictures_come_when_something_happens() {
    let mut studio = Studio::new();
    let vfr = [
        "-vf",
        "select='eq(n,0)+eq(n,1)+eq(n,20)+eq(n,21)+eq(n,39)'",
        "-vsync",
        "vfr",
    ];
    let arguments: Vec<&str> = vfr.iter().chain(drawn::BROWSER_VP9).copied().collect();
    let file = studio.two_screens("vfr.webm", (640, 360), &arguments);
    let extraction = studio.read(&file);
    assert_eq!(extraction.frames.len(), 2, "{:?}", times(&extraction));
    assert!((extraction.frames[1].span.start_seconds - 2.0).abs() < 0.05);
    assert!(extraction.coverage > 0.99);
}

#[test]
fn a_phone_held_upright_is_turned() {
    let mut studio = Studio::new();
    let flat = studio.two_screens("flat.mp4", (640, 360), H264);
    for (angle, size) in [("90", (360, 640)), ("180", (640, 360)), ("270", (360, 640))] {
        let file = studio.dir.path().join(format!("turned{angle}.mp4"));
        let status = Command::new("ffmpeg")
            .args(["-v", "error", "-i"])
            .arg(&flat)
            .args(["-c", "copy", "-metadata:s:v:0", &format!("rotate={angle}")])
            .arg(&file)
            .status()
            .unwrap();
        assert!(status.success());
        let extraction = studio.read(&file);
        assert_eq!((extraction.width_pixels, extraction.height_pixels), size);
        // ffmpeg's own command turns it for display.
        let shown = studio.dir.path().join(format!("shown{angle}.png"));
        let status = Command::new("ffmpeg")
            .args(["-v", "error", "-ss", "1", "-i"])
            .arg(&file)
            .args(["-frames:v", "1"])
            .arg(&shown)
            .status();
        assert!(status.unwrap().success());
        let (ours, theirs) = (
            image::open(&extraction.frames[0].file).unwrap().to_luma8(),
            image::open(shown).unwrap().to_luma8(),
        );
        assert_eq!(ours.dimensions(), theirs.dimensions());
        let error: u64 = ours
            .pixels()
            .zip(theirs.pixels())
            .map(|(a, b)| u64::from(a.0[0].abs_diff(b.0[0])))
            .sum();
        assert!(error / (640 * 360) < 6, "{angle}: mean error {}", error / (640 * 360));
    }
}

#[test]
fn a_cut_off_recording_gives_what_there_is() {
    let mut studio = Studio::new();
    let file = studio.two_screens("whole.webm", (640, 360), drawn::BROWSER_VP9);
    let bytes = std::fs::read(&file).unwrap();
    let cut = studio.dir.path().join("cut.webm");
    std::fs::write(&cut, &bytes[..bytes.len() * 55 / 100]).unwrap();
    let extraction = studio.read(&cut);
    assert!(!extraction.frames.is_empty());
    assert!(extraction.duration_seconds < 3.9);
    assert!(extraction.coverage > 0.9);
}

#[test]
fn damage_in_the_middle_is_skipped_and_told() {
    let mut studio = Studio::new();
    // Three screens of two seconds, a key frame every second, and the bytes of one second overwritten.
    let mut arguments = drawn::BROWSER_VP9.to_vec();
    arguments.extend(["-g", "10"]);
    let file = studio.film("whole.webm", (640, 360), 60, &arguments, |pen, canvas, tenth| {
        page(pen, canvas, 1 + u64::from(tenth / 20));
    });
    let mut bytes = std::fs::read(&file).unwrap();
    let packets = Command::new("ffprobe")
        .args([
            "-v",
            "error",
            "-show_entries",
            "packet=pts_time,size,pos",
            "-of",
            "csv=p=0",
        ])
        .arg(&file)
        .output()
        .unwrap();
    for line in String::from_utf8(packets.stdout).unwrap().lines() {
        let fields: Vec<f64> = line.split(',').filter_map(|field| field.parse().ok()).collect();
        let (at, size, position) = (fields[0], fields[1] as usize, fields[2] as usize);
        if (2.0..2.95).contains(&at) {
            // A block's own header is a few bytes long.
            bytes[position + 8..position + size].fill(0);
        }
    }
    let damaged = studio.dir.path().join("damaged.webm");
    std::fs::write(&damaged, bytes).unwrap();
    let extraction = studio.read(&damaged);
    assert!(
        (extraction.unreadable_seconds - 1.0).abs() < 0.11,
        "{}",
        extraction.unreadable_seconds
    );
    assert!(
        (extraction.coverage - 5.0 / 6.0).abs() < 0.04,
        "{}",
        extraction.coverage
    );
    assert_eq!(screens(&extraction), [0, 1, 2], "{:?}", times(&extraction));
    assert!(
        (extraction.frames[1].timestamp_seconds - 3.5).abs() < 0.6,
        "{:?}",
        times(&extraction)
    );
}

#[test]
fn a_screen_of_two_seconds_is_found_and_a_returning_one_recognized() {
    let mut studio = Studio::new();
    let file = studio.film("visit.mp4", (1280, 720), 100, H264, |pen, canvas, tenth| match tenth {
        40..60 => page(pen, canvas, 8),
        _ => page(pen, canvas, 1),
    });
    let extraction = studio.read(&file);
    assert_eq!(screens(&extraction), [0, 1, 0], "{:?}", times(&extraction));
    let visit = &extraction.frames[1];
    assert!(
        (visit.span.start_seconds - 4.0).abs() < 0.11 && (visit.span.end_seconds - 6.0).abs() < 0.11,
        "{:?}",
        visit.span
    );
    assert_eq!(extraction.frames[0].fingerprint, extraction.frames[2].fingerprint);
}

#[test]
fn one_edited_word_is_a_new_frame_of_the_same_screen() {
    let mut studio = Studio::new();
    let file = studio.film("word.mp4", (1280, 720), 60, H264, |pen, canvas, tenth| {
        page(pen, canvas, 1);
        canvas.fill(600, 600, 400, 60, WHITE);
        pen.write(
            canvas,
            620,
            620,
            15,
            INK,
            if tenth < 30 { "status open" } else { "status paid" },
        );
    });
    let extraction = studio.read(&file);
    assert_eq!(screens(&extraction), [0, 0], "{:?}", times(&extraction));
    assert!((extraction.frames[1].span.start_seconds - 3.0).abs() < 0.11);
    let change = extraction
        .changes
        .iter()
        .find(|change| change.kind == ChangeKind::Text)
        .unwrap();
    assert!((change.at_seconds - 3.0).abs() < 0.11);
    let [x0, y0, x1, y1] = change.region.map(f64::from);
    assert!(x0 > 0.45 && x1 < 0.62 && y0 > 0.82 && y1 < 0.92, "{:?}", change.region);
}

#[test]
fn caret_clock_and_pointer_make_no_frames() {
    let mut studio = Studio::new();
    let file = studio.film("idle.mp4", (1280, 720), 120, H264, |pen, canvas, tenth| {
        page(pen, canvas, 1);
        canvas.fill(600, 580, 680, 140, WHITE);
        if tenth * 100 / 530 % 2 == 0 {
            canvas.fill(700, 600, 2, 24, INK);
        }
        let second = tenth / 10;
        pen.write(canvas, 1180, 690, 15, INK, &format!("09:59:{:02}", 50 + second % 10));
        // The pointer wanders for two seconds.
        let x = 620 + i64::from(tenth.clamp(40, 60) - 40) * 12;
        for row in 0..18 {
            canvas.fill(x, 640 + row, 2 + row * 2 / 3, 1, INK);
        }
    });
    let extraction = studio.read(&file);
    assert_eq!(times(&extraction).len(), 1, "{:?}", times(&extraction));
    assert!(extraction.coverage > 0.99);
    assert!(extraction.changes.len() > 25, "{}", extraction.changes.len());
    let loud: Vec<_> = extraction
        .changes
        .iter()
        .filter(|change| change.kind != ChangeKind::Small)
        .collect();
    assert!(loud.is_empty(), "{loud:?}");
}

#[test]
fn forty_screens_in_twenty_frames_keep_the_tail() {
    let mut studio = Studio::new();
    let file = studio.film("many.mp4", (640, 360), 480, H264, |pen, canvas, tenth| {
        page(pen, canvas, 1 + u64::from(tenth / 12));
    });
    let all = studio.read(&file);
    assert_eq!(all.frames.len(), 40, "{:?}", times(&all));
    for frame in &all.frames {
        std::fs::remove_file(&frame.file).unwrap();
    }
    let few = studio.read_with(
        &file,
        &Sampling {
            max_frames: 20,
            ..STANDARD
        },
    );
    assert_eq!(few.frames.len(), 20);
    assert!(few.frames.first().unwrap().timestamp_seconds < 1.2);
    assert!(few.frames.last().unwrap().timestamp_seconds >= 46.8);
    assert!((few.frames.last().unwrap().span.end_seconds - few.duration_seconds).abs() < 1e-6);
    let covered: f64 = few
        .frames
        .iter()
        .map(|frame| frame.span.end_seconds - frame.span.start_seconds)
        .sum();
    assert!((few.coverage - covered / few.duration_seconds).abs() < 1e-6);
    assert!(
        few.coverage < 0.95,
        "time that no frame stands for is told: {}",
        few.coverage
    );
}

#[tokio::test]
async fn the_child_answers_as_the_process_itself() {
    let mut studio = Studio::new();
    let file = studio.two_screens("a.webm", (640, 360), drawn::BROWSER_VP9);
    let out = tempfile::tempdir().unwrap();
    let mut heard = Vec::new();
    let limits = DecodeLimits::default();
    let extraction = extract(
        &file,
        out.path(),
        &STANDARD,
        &limits,
        &child(),
        |progress| heard.push(progress),
        CancellationToken::new(),
    )
    .await
    .unwrap();
    assert_two_screens(&extraction, "vp9");
    assert!(
        extraction
            .frames
            .iter()
            .all(|frame| frame.file.starts_with(out.path()) && frame.file.exists())
    );
    assert!(
        heard.len() > 5 && heard.is_sorted_by(|a, b| a.done_seconds <= b.done_seconds),
        "{heard:?}"
    );
}

#[tokio::test]
async fn hostile_files_fail_cleanly() {
    let mut studio = Studio::new();
    let good = std::fs::read(studio.two_screens("good.webm", (640, 360), drawn::BROWSER_VP9)).unwrap();
    let mut words = Words::new(9);
    let noise: Vec<u8> = std::iter::repeat_with(|| words.number() as u8).take(100_000).collect();
    // The first key frame says that it is 65536x65536: after the sync code and four bits, two fields of 16.
    let mut huge = good.clone();
    let sync = huge.windows(3).position(|bytes| bytes == [0x49, 0x83, 0x42]).unwrap();
    huge[sync + 3] |= 0x0F;
    huge[sync + 4..sync + 7].fill(0xFF);
    huge[sync + 7] |= 0xF0;
    let cases = [
        ("noise", noise.clone()),
        ("zip", [b"PK\x03\x04\x14\0\0\0\x08\0".as_slice(), &noise].concat()),
        ("empty", Vec::new()),
        ("webm header, then noise", [&good[..64], &noise].concat()),
        (
            "mp4 header, then noise",
            [b"\0\0\0\x20ftypisom\0\0\x02\0isomiso2avc1mp41".as_slice(), &noise].concat(),
        ),
        ("a playlist", b"#EXTM3U\n#EXTINF:1,\nfile:///etc/passwd\n".to_vec()),
    ];
    for (what, bytes) in cases {
        let file = studio.dir.path().join("hostile");
        std::fs::write(&file, bytes).unwrap();
        let error = reads(child(), &file, DecodeLimits::default()).await.unwrap_err();
        assert!(
            matches!(error, FrameError::NotAVideo | FrameError::Unreadable(_)),
            "{what}: {error:?}"
        );
    }
    let file = studio.dir.path().join("huge.webm");
    std::fs::write(&file, huge).unwrap();
    let error = reads(child(), &file, DecodeLimits::default()).await.unwrap_err();
    assert!(
        matches!(error, FrameError::Unreadable(_) | FrameError::DecoderCrashed(_)),
        "{error:?}"
    );
}

#[tokio::test]
async fn the_limits_hold() {
    let mut studio = Studio::new();
    let file = studio.two_screens("a.webm", (1920, 1080), H264_IN_MATROSKA);
    let tight = DecodeLimits {
        memory_bytes: 24 << 20,
        ..DecodeLimits::default()
    };
    let error = reads(child(), &file, tight).await.unwrap_err();
    assert!(matches!(error, FrameError::DecoderCrashed(_)), "{error:?}");
    let short = DecodeLimits {
        max_recording_seconds: 2.0,
        ..DecodeLimits::default()
    };
    let error = reads(child(), &file, short).await.unwrap_err();
    assert!(
        matches!(error, FrameError::TooLong { limit_seconds } if (limit_seconds - 2.0).abs() < 1e-9),
        "{error:?}"
    );
    let small = DecodeLimits {
        max_pixels: 1280 * 720,
        ..DecodeLimits::default()
    };
    assert!(matches!(
        reads(child(), &file, small).await.unwrap_err(),
        FrameError::Unreadable(_)
    ));
    let brief = DecodeLimits {
        cpu_seconds: 1,
        ..DecodeLimits::default()
    };
    let error = reads(shell("while :; do :; done"), &file, brief).await.unwrap_err();
    assert!(
        matches!(&error, FrameError::DecoderCrashed(how) if how.contains("processor time")),
        "{error:?}"
    );
    let brief = DecodeLimits {
        wall_seconds: 1,
        ..DecodeLimits::default()
    };
    let error = reads(shell("exec sleep 60"), &file, brief).await.unwrap_err();
    assert!(
        matches!(&error, FrameError::DecoderCrashed(how) if how.contains("time limit")),
        "{error:?}"
    );
}

const H264_IN_MATROSKA: &[&str] = &[
    "-c:v",
    "libx264",
    "-preset",
    "ultrafast",
    "-pix_fmt",
    "yuv420p",
    "-f",
    "matroska",
];

#[tokio::test]
async fn a_dead_decoder_is_an_answer() {
    let file = Path::new("/nowhere");
    for (script, expected) in [
        ("read job; kill -KILL $$", "signal 9"),
        ("read job; echo alas >&2; kill -SEGV $$", "signal 11: alas"),
        ("exit 3", "status 3"),
        (
            "echo nonsense; echo '{\"progress\":{\"done_seconds\":1,\"total_seconds\":2}}'",
            "status 0",
        ),
    ] {
        let error = reads(shell(script), file, DecodeLimits::default()).await.unwrap_err();
        assert!(
            matches!(&error, FrameError::DecoderCrashed(how) if how.contains(expected)),
            "{script}: {error:?}"
        );
    }
    let missing = DecoderProgram {
        program: "/nowhere/decoder".into(),
        args: Vec::new(),
    };
    assert!(matches!(
        reads(missing, file, DecodeLimits::default()).await.unwrap_err(),
        FrameError::Io(_)
    ));
}

fn alive(pid: &str) -> bool {
    let status = std::fs::read_to_string(format!("/proc/{pid}/status")).unwrap_or_default();
    !status.is_empty() && !status.contains("State:\tZ")
}

async fn wait_until(what: &str, mut holds: impl FnMut() -> bool) {
    for _ in 0..200 {
        if holds() {
            return;
        }
        tokio::time::sleep(Duration::from_millis(25)).await;
    }
    panic!("{what}");
}

#[tokio::test]
async fn nobody_waits_for_a_cancelled_decoder() {
    let dir = tempfile::tempdir().unwrap();
    for drop_it in [false, true] {
        let note = dir.path().join(format!("pid{drop_it}"));
        let program = shell(&format!("echo $$ > {}; exec sleep 60", note.display()));
        let cancel = CancellationToken::new();
        let (stop, out) = (cancel.clone(), dir.path().to_owned());
        let task = tokio::spawn(async move {
            extract(
                Path::new("/nowhere"),
                &out,
                &STANDARD,
                &DecodeLimits::default(),
                &program,
                |_| {},
                stop,
            )
            .await
        });
        let pid = || std::fs::read_to_string(&note).unwrap_or_default().trim().to_owned();
        wait_until("the child starts", || !pid().is_empty()).await;
        assert!(alive(&pid()));
        if drop_it {
            task.abort();
            assert!(task.await.unwrap_err().is_cancelled());
        } else {
            cancel.cancel();
            assert!(matches!(task.await.unwrap().unwrap_err(), FrameError::Cancelled));
        }
        wait_until("the child is gone", || !alive(&pid())).await;
    }
}

#[test]
fn a_decoder_ends_when_its_parent_does() {
    let dir = tempfile::tempdir().unwrap();
    // A pipe that nobody writes to: reading the recording never ends.
    let pipe = dir.path().join("pipe");
    assert!(Command::new("mkfifo").arg(&pipe).status().unwrap().success());
    let program = child();
    let mut process = Command::new(program.program)
        .args(program.args)
        .stdin(Stdio::piped())
        .stdout(Stdio::null())
        .spawn()
        .unwrap();
    let job = serde_json::json!({ "input": pipe, "out_dir": dir.path(), "sampling": STANDARD, "limits": DecodeLimits::default() });
    let mut stdin = process.stdin.take().unwrap();
    writeln!(stdin, "{job}").unwrap();
    std::thread::sleep(Duration::from_millis(300));
    assert!(process.try_wait().unwrap().is_none(), "it should be at work");
    drop(stdin);
    let began = Instant::now();
    while process.try_wait().unwrap().is_none() {
        if began.elapsed() > Duration::from_secs(5) {
            process.kill().unwrap();
            panic!("it went on without its parent");
        }
        std::thread::sleep(Duration::from_millis(10));
    }
}
