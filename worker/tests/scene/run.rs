//! One recording through the whole local analyser, as the worker does it.

use std::path::Path;
use std::time::{Duration, Instant};

use domain::insight::Reading;
use tokio_util::sync::CancellationToken;
use worker::frames::{DecodeLimits, Extraction, Sampling, extract_in_process};
use worker::vision::local::{Context, LocalReply, analyse, interpret};
use worker::vision::ocr::{LANGUAGES, Tesseract};
use worker::vision::redact::Rules;

pub struct Analysed {
    pub extraction: Extraction,
    pub reply: LocalReply,
    pub reading: Reading,
    pub frames_time: Duration,
    pub analysis_time: Duration,
}

pub async fn analyse_file(file: &Path, frames: &Path, rules: Rules, idle_threshold_seconds: f64) -> Analysed {
    let started = Instant::now();
    // The standard preset.
    let sampling = Sampling {
        frames_per_second: 1.0,
        max_frames: 120,
        scene_threshold: 0.2,
    };
    let extraction = extract_in_process(file, frames, &sampling, &DecodeLimits::default(), &mut |_| {}).unwrap();
    let frames_time = started.elapsed();
    let started = Instant::now();
    let context = Context {
        tesseract: Tesseract::find(None, &LANGUAGES).await.unwrap(),
        idle_threshold_seconds,
        rules,
        readings: None,
        cancel: CancellationToken::new(),
    };
    let reply = analyse(&extraction, &context, |_| {}).await.unwrap();
    // As it is stored and read back.
    let stored = serde_json::to_string(&reply).unwrap();
    let reply: LocalReply = serde_json::from_str(&stored).unwrap();
    let reading = interpret(&reply);
    Analysed {
        extraction,
        reply,
        reading,
        frames_time,
        analysis_time: started.elapsed(),
    }
}
