//! The parts of `./dev bench frames`: draws the recording, reads it (the script measures this process), and compares what was
//! found with what was drawn.
#![expect(clippy::unwrap_used, reason = "a benchmark stops where it stands")]

#[path = "../tests/drawn/mod.rs"]
mod drawn;

use std::path::{Path, PathBuf};

use drawn::office;
use worker::frames::{DecodeLimits, Extraction, Sampling, extract_in_process};

fn main() {
    let arguments: Vec<PathBuf> = std::env::args_os().skip(1).map(PathBuf::from).collect();
    match arguments
        .iter()
        .map(|argument| argument.to_str().unwrap_or_default())
        .collect::<Vec<_>>()[..]
    {
        ["draw", file, seconds] => draw(Path::new(file), seconds.parse().unwrap()),
        ["read", file, out_dir] => read(Path::new(file), Path::new(out_dir)),
        ["score", out_dir, drawn] => score(Path::new(out_dir), drawn == "drawn"),
        _ => panic!("usage: bench_frames draw FILE SECONDS | read FILE OUT_DIR | score OUT_DIR drawn|real"),
    }
}

fn draw(file: &Path, seconds: u32) {
    let script = office::day();
    let mut pen = drawn::Pen::default();
    let mut encoder = drawn::Encoder::start(1920, 1080, 10.0, drawn::BROWSER_VP9, file);
    for tenth in 0..seconds * 10 {
        encoder.add(&office::draw(&mut pen, &script, f64::from(tenth) / 10.0));
    }
    encoder.finish();
}

fn read(file: &Path, out_dir: &Path) {
    std::fs::create_dir_all(out_dir).unwrap();
    let sampling = Sampling {
        frames_per_second: 1.0,
        max_frames: 120,
        scene_threshold: 0.2,
    };
    let extraction = extract_in_process(file, out_dir, &sampling, &DecodeLimits::default(), &mut |_| {}).unwrap();
    std::fs::write(
        out_dir.join("extraction.json"),
        serde_json::to_vec(&extraction).unwrap(),
    )
    .unwrap();
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let peak = status
        .lines()
        .find_map(|line| line.strip_prefix("VmHWM:"))
        .unwrap_or_default();
    let kilobytes: u64 = peak.trim().trim_end_matches(" kB").parse().unwrap_or_default();
    println!("{}", kilobytes / 1024);
}

fn score(out_dir: &Path, drawn: bool) {
    let extraction: Extraction =
        serde_json::from_slice(&std::fs::read(out_dir.join("extraction.json")).unwrap()).unwrap();
    println!(
        "recording       {:.1} s, {}x{}, {}",
        extraction.duration_seconds, extraction.width_pixels, extraction.height_pixels, extraction.codec
    );
    println!(
        "frames          {} of {} screens",
        extraction.frames.len(),
        extraction
            .frames
            .iter()
            .map(|frame| frame.screen)
            .max()
            .map_or(0, |most| most + 1)
    );
    println!("coverage        {:.3}", extraction.coverage);
    println!("changes         {}", extraction.changes.len());
    if drawn {
        let lasting: Vec<_> = office::settled(&office::day())
            .into_iter()
            .filter(|settled| {
                settled.end <= extraction.duration_seconds + 0.1 && settled.end - settled.start >= 2.0 - 1e-6
            })
            .collect();
        let missing: Vec<f64> = lasting
            .iter()
            .filter(|settled| {
                !extraction
                    .frames
                    .iter()
                    .any(|frame| (settled.start - 0.05..settled.end).contains(&frame.timestamp_seconds))
            })
            .map(|settled| settled.start)
            .collect();
        println!(
            "screens >= 2 s  {} of {} found{}",
            lasting.len() - missing.len(),
            lasting.len(),
            if missing.is_empty() {
                String::new()
            } else {
                format!(", missing at {missing:?}")
            }
        );
    }
    // Independent of the extraction's own measure: pixels of the stored JPEGs that differ by more than 40 levels.
    let mut least = (u64::MAX, 0.0);
    for pair in extraction.frames.windows(2) {
        let [a, b] = [0, 1].map(|side| image::open(&pair[side].file).unwrap().to_luma8());
        let differing = a
            .pixels()
            .zip(b.pixels())
            .filter(|(a, b)| a.0[0].abs_diff(b.0[0]) > 40)
            .count() as u64;
        if differing < least.0 {
            least = (differing, pair[1].timestamp_seconds);
        }
    }
    println!(
        "most alike      two neighbours at {:.1} s differ in {} pixels (a word of three letters: about 120)",
        least.1, least.0
    );
}
