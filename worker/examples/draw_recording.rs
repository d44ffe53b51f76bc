//! Draws the benchmark's recording.
#[path = "../tests/drawn/mod.rs"]
mod drawn;

fn main() {
    let mut arguments = std::env::args().skip(1);
    let output = arguments.next().unwrap_or_default();
    let seconds: u32 = arguments
        .next()
        .and_then(|text| text.parse().ok())
        .unwrap_or(300);
    let keyframes = arguments.next().unwrap_or_else(|| "9999".into());
    let script = drawn::office::day();
    let mut pen = drawn::Pen::default();
    let mut arguments = drawn::BROWSER_VP9.to_vec();
    arguments.extend(["-g", &keyframes]);
    let mut encoder = drawn::Encoder::start(1920, 1080, 10.0, &arguments, output.as_ref());
    for frame in 0..seconds * 10 {
        encoder.add(&drawn::office::draw(
            &mut pen,
            &script,
            f64::from(frame) / 10.0,
        ));
    }
    encoder.finish();
}
