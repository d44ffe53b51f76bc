//! Screens drawn for tests and for the benchmark: a canvas in YUV 4:2:0, text in a real font, and an encoder at the end
//! of a pipe. Deterministic, and small enough to be made anew each time.

#![allow(
    dead_code,
    clippy::allow_attributes,
    clippy::unwrap_used,
    clippy::many_single_char_names,
    missing_docs,
    reason = "shared by several test targets, each of which uses a part"
)]

pub mod office;

use std::collections::HashMap;
use std::io::Write;
use std::path::Path;
use std::process::{Child, Command, Stdio};

/// Luma and the two colour differences.
pub type Colour = (u8, u8, u8);

pub const WHITE: Colour = (235, 128, 128);
pub const BLACK: Colour = (16, 128, 128);
pub const INK: Colour = (36, 128, 128);
pub const GREY: Colour = (200, 128, 128);
pub const PALE: Colour = (224, 128, 128);
pub const BLUE: Colour = (82, 170, 110);
pub const NAVY: Colour = (45, 145, 122);
pub const GREEN: Colour = (140, 90, 90);
pub const RED: Colour = (92, 110, 200);

/// Glyphs of `DejaVu` Sans Mono at one size, rendered once by ffmpeg.
struct Face {
    cell: usize,
    height: usize,
    width: usize,
    pixels: Vec<u8>,
}

const FIRST: u8 = b' ';
const LAST: u8 = b'~';

impl Face {
    fn render(size: usize) -> Self {
        // The advance of this face is 0.602 em.
        let cell = (size as f64 * 0.602).round() as usize;
        let height = (size * 3 / 2 + 1) & !1;
        let count = usize::from(LAST - FIRST) + 1;
        let width = (cell * count + 1) & !1;
        let dir = tempfile::tempdir().unwrap();
        let text = dir.path().join("glyphs.txt");
        std::fs::write(&text, (FIRST..=LAST).collect::<Vec<u8>>()).unwrap();
        let filter = format!(
            "drawtext=font=DejaVu Sans Mono:fontsize={size}:fontcolor=white:x=0:y_align=baseline:y={}:expansion=none:textfile={}",
            size / 8,
            text.display()
        );
        let filter = filter.replace("y_align=baseline:", "");
        let output = Command::new("ffmpeg")
            .args(["-v", "error", "-f", "lavfi", "-i"])
            .arg(format!("color=black:s={width}x{height}"))
            .args([
                "-vf",
                &filter,
                "-frames:v",
                "1",
                "-f",
                "rawvideo",
                "-pix_fmt",
                "gray",
                "-",
            ])
            .output()
            .unwrap();
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
        assert_eq!(output.stdout.len(), width * height);
        // Limited range: 16 is black, 235 is white.
        let pixels = output.stdout;
        Self {
            cell,
            height,
            width,
            pixels,
        }
    }
}

/// A picture in YUV 4:2:0.
#[derive(Clone)]
pub struct Canvas {
    pub width: usize,
    pub height: usize,
    pub y: Vec<u8>,
    pub u: Vec<u8>,
    pub v: Vec<u8>,
}

impl Canvas {
    pub fn new(width: usize, height: usize, colour: Colour) -> Self {
        let chroma = width.div_ceil(2) * height.div_ceil(2);
        Self {
            width,
            height,
            y: vec![colour.0; width * height],
            u: vec![colour.1; chroma],
            v: vec![colour.2; chroma],
        }
    }

    /// A filled rectangle; what lies outside of the canvas is cut off.
    pub fn fill(&mut self, x: i64, y: i64, width: i64, height: i64, colour: Colour) {
        let clip = |value: i64, limit: usize| value.clamp(0, limit as i64) as usize;
        let (x0, x1) = (clip(x, self.width), clip(x + width, self.width));
        let (y0, y1) = (clip(y, self.height), clip(y + height, self.height));
        for row in y0..y1 {
            self.y[row * self.width + x0..row * self.width + x1].fill(colour.0);
        }
        let stride = self.width.div_ceil(2);
        let (cx0, cx1) = (x0.div_ceil(2), x1.div_ceil(2));
        for row in y0.div_ceil(2)..y1.div_ceil(2) {
            self.u[row * stride + cx0..row * stride + cx1].fill(colour.1);
            self.v[row * stride + cx0..row * stride + cx1].fill(colour.2);
        }
    }

    /// A frame, one or more pixels thick.
    pub fn outline(&mut self, x: i64, y: i64, width: i64, height: i64, thick: i64, colour: Colour) {
        self.fill(x, y, width, thick, colour);
        self.fill(x, y + height - thick, width, thick, colour);
        self.fill(x, y, thick, height, colour);
        self.fill(x + width - thick, y, thick, height, colour);
    }

    pub fn encode_into(&self, sink: &mut impl Write) -> std::io::Result<()> {
        sink.write_all(&self.y)?;
        sink.write_all(&self.u)?;
        sink.write_all(&self.v)
    }
}

/// Draws text; keeps the faces that it has rendered.
#[derive(Default)]
pub struct Pen {
    faces: HashMap<usize, Face>,
}

impl Pen {
    /// Returns the width drawn.
    pub fn write(&mut self, canvas: &mut Canvas, x: i64, y: i64, size: usize, colour: Colour, text: &str) -> i64 {
        let face = self.faces.entry(size).or_insert_with(|| Face::render(size));
        for (position, byte) in text.bytes().enumerate() {
            let glyph = usize::from(byte.clamp(FIRST, LAST) - FIRST) * face.cell;
            let left = x + (position * face.cell) as i64;
            if left < 0 || left + face.cell as i64 > canvas.width as i64 {
                continue;
            }
            for row in 0..face.height {
                let line = y + row as i64;
                if line < 0 || line >= canvas.height as i64 {
                    continue;
                }
                let from = &face.pixels[row * face.width + glyph..][..face.cell];
                let start = line as usize * canvas.width + left as usize;
                for (pixel, &ink) in canvas.y[start..start + face.cell].iter_mut().zip(from) {
                    let alpha = i32::from(ink);
                    let paper = i32::from(*pixel);
                    *pixel = (paper + (i32::from(colour.0) - paper) * alpha / 255) as u8;
                }
            }
        }
        (text.len() * face.cell) as i64
    }
}

/// An encoder process that takes raw pictures.
pub struct Encoder {
    child: Child,
}

impl Encoder {
    /// `arguments` are ffmpeg's, after the input and before the output.
    pub fn start(width: usize, height: usize, frames_per_second: f64, arguments: &[&str], output: &Path) -> Self {
        let child = Command::new("ffmpeg")
            .args(["-v", "error", "-y", "-f", "rawvideo", "-pix_fmt", "yuv420p", "-s"])
            .arg(format!("{width}x{height}"))
            .args(["-r", &frames_per_second.to_string(), "-i", "-"])
            .args(arguments)
            .arg(output)
            .stdin(Stdio::piped())
            .spawn()
            .unwrap();
        Self { child }
    }

    pub fn add(&mut self, canvas: &Canvas) {
        canvas.encode_into(self.child.stdin.as_mut().unwrap()).unwrap();
    }

    pub fn finish(mut self) {
        drop(self.child.stdin.take());
        assert!(self.child.wait().unwrap().success());
    }
}

/// What Chromium's recorder asks of libvpx: real time, one pass, variable bit rate, no look-ahead, a key frame at least
/// every 100 pictures (`kf_max_dist`) and wherever libvpx wants one; on a stream, so without duration. Tuned to screens and
/// with a least quantizer of 2, as the headers of its packets show (`base_q_idx` 8): 60 s of the office, recorded by Chromium
/// itself, are 3.4 MB, of which one packet in 20 is above 29 KB; 4.1 MB and 36 KB with these arguments; 15 MB and 312 KB
/// without the last two.
pub const BROWSER_VP9: &[&str] = &[
    "-c:v",
    "libvpx-vp9",
    "-deadline",
    "realtime",
    "-cpu-used",
    "7",
    "-b:v",
    "3500k",
    "-lag-in-frames",
    "0",
    "-auto-alt-ref",
    "0",
    "-g",
    "100",
    "-tune-content",
    "screen",
    "-qmin",
    "2",
    "-threads",
    "2",
    "-f",
    "webm",
    "-live",
    "1",
];

/// Words that need no meaning, the same ones each time.
pub struct Words(u64);

const VOCABULARY: &[&str] = &[
    "order",
    "pallet",
    "carrier",
    "Rotterdam",
    "invoice",
    "dock",
    "12",
    "weight",
    "net",
    "container",
    "MSKU",
    "booking",
    "arrival",
    "customs",
    "clearance",
    "warehouse",
    "inbound",
    "label",
    "4711",
    "reference",
    "delay",
    "ETA",
    "truck",
    "Antwerp",
    "planner",
    "slot",
    "17:30",
    "confirm",
    "shipment",
    "goods",
    "Luxembourg",
    "units",
    "carton",
    "missing",
];

impl Words {
    pub fn new(seed: u64) -> Self {
        Self(seed.wrapping_mul(0x9E37_79B9_7F4A_7C15) | 1)
    }

    pub fn number(&mut self) -> u64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        self.0 >> 8
    }

    pub fn word(&mut self) -> &'static str {
        VOCABULARY[self.number() as usize % VOCABULARY.len()]
    }

    /// Words up to a length in characters.
    pub fn line(&mut self, length: usize) -> String {
        let mut line = String::new();
        while line.len() < length {
            line.push_str(self.word());
            line.push(' ');
        }
        line.truncate(length);
        line
    }
}
