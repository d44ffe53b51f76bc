//! Recordings as browsers and phones make them, read through the door that a worker uses.
//!
//! Here files of every kind; apart: which frames are chosen, and the decoder as a child process.
#![expect(clippy::unwrap_used, reason = "tests")]

mod choice;
mod decoder;
#[path = "../drawn/mod.rs"]
mod drawn;

use std::path::{Path, PathBuf};
use std::process::Command;

use tempfile::TempDir;
use worker::frames::{ChangeKind, DecodeLimits, Extraction, Sampling, decoder_main, extract_in_process, probe};

use drawn::{Canvas, Encoder, INK, Pen, WHITE, Words};

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
