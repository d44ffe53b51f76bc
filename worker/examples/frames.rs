//! Reads one recording and prints what was found: for people, and for the benchmark, which measures this process.

use std::path::PathBuf;

use worker::frames::{DecodeLimits, Sampling, extract_in_process};

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let mut arguments = std::env::args_os().skip(1).map(PathBuf::from);
    let (Some(input), Some(out_dir)) = (arguments.next(), arguments.next()) else {
        return Err("usage: frames RECORDING OUT_DIR".into());
    };
    std::fs::create_dir_all(&out_dir)?;
    let sampling = Sampling {
        frames_per_second: 1.0,
        max_frames: 120,
        scene_threshold: 0.2,
    };
    let extraction = extract_in_process(
        &input,
        &out_dir,
        &sampling,
        &DecodeLimits::default(),
        &mut |_| {},
    )?;
    println!("{}", serde_json::to_string(&extraction)?);
    Ok(())
}
