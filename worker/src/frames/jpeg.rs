//! Baseline JPEG (ITU-T T.81) of planes in 4:2:0, with Huffman tables made for each picture. Pure.
//!
//! Screens are mostly paper: a block of one colour costs next to nothing here, which is why this is written out
//! (`docs/adr/0005-frame-selection.md`).
#![expect(
    clippy::inline_always,
    reason = "what a loop of many rounds calls, and what is compiled for wider registers with its caller"
)]

mod huffman;

use super::plane::Plane;
use huffman::{Symbols, Table};

/// What samples mean.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Range {
    /// Luma from 16 to 235, chroma from 16 to 240.
    Limited,
    /// All from 0 to 255.
    Full,
}

/// A plane whose samples are to be stretched.
#[derive(Clone, Copy)]
enum Limited {
    Luma,
    Chroma,
}

/// Steps of the coefficients, row by row: for all but the mean a quarter of MPEG-1's for pictures that stand alone. Keeps small text
/// clean (a full HD form takes about 100 KB, a page full of text 550).
const STEPS: [u8; 64] = [
    8, 4, 4, 5, 6, 6, 7, 8, //
    4, 4, 5, 6, 6, 7, 8, 9, //
    4, 5, 6, 6, 7, 8, 8, 9, //
    5, 5, 6, 6, 7, 8, 9, 10, //
    5, 6, 6, 7, 8, 8, 10, 12, //
    6, 6, 7, 8, 8, 10, 12, 14, //
    6, 6, 7, 8, 9, 11, 14, 17, //
    6, 7, 8, 9, 11, 14, 17, 20, //
];

/// Positions, row by row, in the order of the stream.
const ZIGZAG: [u8; 64] = zigzag();

const fn zigzag() -> [u8; 64] {
    let mut order = [0; 64];
    let (mut row, mut column, mut at) = (0_u8, 0_u8, 0);
    while at < 64 {
        order[at] = row * 8 + column;
        let up = (row + column) % 2 == 0;
        match (up, row, column) {
            (true, _, 7) | (false, 0..7, 0) => row += 1,
            (true, 0, _) | (false, 7, _) => column += 1,
            (true, ..) => {
                row -= 1;
                column += 1;
            }
            (false, ..) => {
                row += 1;
                column -= 1;
            }
        }
        at += 1;
    }
    order
}

/// Column by column, where a position comes in the stream.
const PLACES: [[u8; 8]; 8] = {
    let mut places = [[0; 8]; 8];
    let mut at = 0;
    while at < 64 {
        let position = ZIGZAG[at] as usize;
        places[position % 8][position / 8] = at as u8;
        at += 1;
    }
    places
};

/// How samples become coefficients.
struct Scale {
    /// What makes steps of a coefficient, column by column.
    factors: [[f32; 8]; 8],
    /// The same for the mean of a block of one colour.
    flat: f32,
}

impl Scale {
    fn new() -> Self {
        // The transform leaves these factors out (Arai, Agui and Nakajima, 1988).
        const LEFT_OUT: [f32; 8] = [
            1.0,
            1.387_039_8,
            1.306_563,
            1.175_875_6,
            1.0,
            0.785_694_96,
            0.541_196_1,
            0.275_899_38,
        ];
        let mut factors = [[0.0; 8]; 8];
        for (column, factors) in factors.iter_mut().enumerate() {
            for (row, factor) in factors.iter_mut().enumerate() {
                let step = f32::from(STEPS[row * 8 + column]);
                *factor = 1.0 / (8.0 * step * LEFT_OUT[row] * LEFT_OUT[column]);
            }
        }
        Self {
            factors,
            flat: 8.0 / f32::from(STEPS[0]),
        }
    }
}

/// The sample that is the middle of the range.
const MIDDLE: f32 = 128.0;

/// By so much of a step a coefficient counts for less than it is: what is hardly there takes bits and shows nothing (the bias of
/// ffmpeg's encoder, 3/8 instead of 1/2).
const LESS: f32 = 0.125;

/// Writes planes of luma and two of chroma, half as wide and half as high. Sides may be odd; none is 0 or above 65,535.
pub fn encode(planes: [Plane<'_>; 3], range: Range) -> Vec<u8> {
    #[cfg(target_arch = "x86_64")]
    if is_x86_feature_detected!("avx2") && is_x86_feature_detected!("bmi1") && is_x86_feature_detected!("lzcnt") {
        #[expect(unsafe_code, reason = "the same, by instructions that not every processor has")]
        // SAFETY: this one has them.
        return unsafe { encode_wide(planes, range) };
    }
    encode_here(planes, range)
}

#[cfg(target_arch = "x86_64")]
#[target_feature(enable = "avx2,bmi1,lzcnt")]
fn encode_wide(planes: [Plane<'_>; 3], range: Range) -> Vec<u8> {
    encode_here(planes, range)
}

#[inline(always)]
fn encode_here(planes: [Plane<'_>; 3], range: Range) -> Vec<u8> {
    let [luma, ..] = planes;
    let scale = Scale::new();
    let mut symbols = Symbols::default();
    let mut before = [0; 3];
    let mut bands = [Vec::new(), Vec::new(), Vec::new()];
    let squares = luma.width.div_ceil(16);
    let sides = [(16, Limited::Luma), (8, Limited::Chroma), (8, Limited::Chroma)];
    for row in 0..luma.height.div_ceil(16) {
        for ((plane, band), (side, limited)) in planes.iter().zip(&mut bands).zip(sides) {
            let limited = Some(limited).filter(|_| range == Range::Limited);
            copy_band(plane, limited, row * side, side, squares * side, band);
        }
        let [luma, chroma @ ..] = &bands;
        for square in 0..squares {
            for (x, y) in [(0, 0), (8, 0), (0, 8), (8, 8)] {
                let at = y * squares * 16 + square * 16 + x;
                block(&luma[at..], squares * 16, &scale, 0, &mut before[0], &mut symbols);
            }
            for (band, before) in chroma.iter().zip(&mut before[1..]) {
                block(&band[square * 8..], squares * 8, &scale, 1, before, &mut symbols);
            }
        }
    }
    let tables = symbols.tables();
    let mut out = head(&luma, &tables);
    symbols.write(&tables, &mut out);
    out.extend([0xff, 0xd9]);
    out
}

fn head(luma: &Plane<'_>, tables: &[[Table; 2]; 2]) -> Vec<u8> {
    fn segment(out: &mut Vec<u8>, marker: u8, body: &[u8]) {
        out.extend([0xff, marker]);
        out.extend((body.len() as u16 + 2).to_be_bytes());
        out.extend_from_slice(body);
    }
    let mut out = vec![0xff, 0xd8];
    // Version 1.1, square samples, no thumbnail.
    segment(&mut out, 0xe0, b"JFIF\0\x01\x01\0\0\x01\0\x01\0\0");
    let steps = ZIGZAG.map(|position| STEPS[usize::from(position)]);
    segment(&mut out, 0xdb, &[&[0], &steps[..]].concat());
    let [height_high, height_low] = (luma.height as u16).to_be_bytes();
    let [width_high, width_low] = (luma.width as u16).to_be_bytes();
    let frame = [
        8,
        height_high,
        height_low,
        width_high,
        width_low,
        3,
        1,
        0x22,
        0,
        2,
        0x11,
        0,
        3,
        0x11,
        0,
    ];
    segment(&mut out, 0xc0, &frame);
    for (component, [first, others]) in tables.iter().enumerate() {
        segment(&mut out, 0xc4, &first.told(component as u8));
        segment(&mut out, 0xc4, &others.told(0x10 | component as u8));
    }
    segment(&mut out, 0xda, &[3, 1, 0x00, 2, 0x11, 3, 0x11, 0, 63, 0]);
    out
}

#[inline(always)]
/// Copies so many lines in full range, with the nearest samples for what lies outside.
fn copy_band(plane: &Plane<'_>, range: Option<Limited>, top: usize, lines: usize, width: usize, band: &mut Vec<u8>) {
    band.clear();
    for y in top..top + lines {
        let row = plane.row(y.min(plane.height - 1));
        let from = band.len();
        band.extend_from_slice(row);
        let copied = &mut band[from..];
        // The upper half of a product of 16 bits is one instruction for many samples: 4 * x * factor / 2^16.
        match range {
            None => {}
            Some(Limited::Luma) => {
                for sample in copied {
                    let above_black = 4 * u16::from(sample.saturating_sub(16));
                    *sample = (((u32::from(above_black) * 19_078) >> 16) as u16).min(255) as u8;
                }
            }
            Some(Limited::Chroma) => {
                for sample in copied {
                    let from_grey = 4 * (i16::from(*sample) - 128);
                    *sample = (128 + ((i32::from(from_grey) * 18_651) >> 16) as i16).clamp(0, 255) as u8;
                }
            }
        }
        let last = band[band.len() - 1];
        band.resize(from + width, last);
    }
}

#[inline(always)]
/// One block of 8x8, as symbols.
fn block(samples: &[u8], stride: usize, scale: &Scale, component: usize, before: &mut i32, symbols: &mut Symbols) {
    let mut rows = [[0_u8; 8]; 8];
    for (y, row) in rows.iter_mut().enumerate() {
        row.copy_from_slice(&samples[y * stride..y * stride + 8]);
    }
    let colour = rows[0][0];
    let paper = u64::from_ne_bytes([colour; 8]);
    let mut other = 0;
    for row in &rows {
        other |= u64::from_ne_bytes(*row) ^ paper;
    }
    if other == 0 {
        let mean = rounded((f32::from(colour) - MIDDLE) * scale.flat);
        symbols.first(component, mean - std::mem::replace(before, mean));
        symbols.end(component);
        return;
    }
    let mut samples = [[0.0; 8]; 8];
    for (samples, row) in samples.iter_mut().zip(&rows) {
        for (value, sample) in samples.iter_mut().zip(row) {
            *value = f32::from(*sample) - MIDDLE;
        }
    }
    // Down, then across: what comes out lies column by column.
    let columns = transformed(&transposed(&transformed(&samples)));
    let mut steps = [[0_i16; 8]; 8];
    for (steps, (column, factors)) in steps.iter_mut().zip(columns.iter().zip(&scale.factors)) {
        for (step, (value, factor)) in steps.iter_mut().zip(column.iter().zip(factors)) {
            let value = value * factor;
            *step = rounded(value - LESS.copysign(value)) as i16;
        }
    }
    let mean = rounded(columns[0][0] * scale.factors[0][0]);
    symbols.first(component, mean - std::mem::replace(before, mean));
    // Which are not zero, in the order of the stream.
    let mut ordered = [0_i16; 64];
    let mut left_over = 0_u64;
    for (steps, places) in steps.iter().zip(&PLACES) {
        let mut any = 0;
        for step in steps {
            any |= step;
        }
        if any == 0 {
            continue;
        }
        for (step, place) in steps.iter().zip(places) {
            ordered[usize::from(place % 64)] = *step;
            left_over |= u64::from(*step != 0) << (place % 64);
        }
    }
    left_over &= !1;
    let mut last = 0;
    while left_over != 0 {
        let at = left_over.trailing_zeros();
        left_over &= left_over - 1;
        symbols.other(component, at - last - 1, i32::from(ordered[at as usize % 64]));
        last = at;
    }
    if last < 63 {
        symbols.end(component);
    }
}

/// To the nearest whole number; only for values far from the limits of 22 bits.
#[inline(always)]
fn rounded(value: f32) -> i32 {
    // So large that the last bit of the fraction is a one.
    const LARGE: f32 = 12_582_912.0;
    (value + LARGE).to_bits().cast_signed() - LARGE.to_bits().cast_signed()
}

#[inline(always)]
fn transposed(rows: &[[f32; 8]; 8]) -> [[f32; 8]; 8] {
    let mut columns = [[0.0; 8]; 8];
    for (at, row) in rows.iter().enumerate() {
        for (column, value) in columns.iter_mut().zip(row) {
            column[at] = *value;
        }
    }
    columns
}

type Row = [f32; 8];

#[inline(always)]
fn plus(a: &Row, b: &Row) -> Row {
    let mut sums = *a;
    for (sum, b) in sums.iter_mut().zip(b) {
        *sum += b;
    }
    sums
}

#[inline(always)]
fn minus(a: &Row, b: &Row) -> Row {
    let mut differences = *a;
    for (difference, b) in differences.iter_mut().zip(b) {
        *difference -= b;
    }
    differences
}

#[inline(always)]
fn times(a: &Row, factor: f32) -> Row {
    let mut products = *a;
    for product in &mut products {
        *product *= factor;
    }
    products
}

#[inline(always)]
/// The cosine transform of eight columns at once, but for its factors (Arai, Agui and Nakajima, 1988).
fn transformed(rows: &[[f32; 8]; 8]) -> [[f32; 8]; 8] {
    let mirrored = |at: usize| (&rows[at], &rows[7 - at]);
    let sum = |at| {
        let (one, other) = mirrored(at);
        plus(one, other)
    };
    let left = |at| {
        let (one, other) = mirrored(at);
        minus(one, other)
    };
    let (outer, inner) = (plus(&sum(0), &sum(3)), plus(&sum(1), &sum(2)));
    let (outer_left, inner_left) = (minus(&sum(0), &sum(3)), minus(&sum(1), &sum(2)));
    let turned = times(&plus(&inner_left, &outer_left), std::f32::consts::FRAC_1_SQRT_2);
    let (low, middle, high) = (
        plus(&left(3), &left(2)),
        plus(&left(2), &left(1)),
        plus(&left(1), &left(0)),
    );
    let shared = times(&minus(&low, &high), 0.382_683_43);
    let low = plus(&times(&low, 0.541_196_1), &shared);
    let high = plus(&times(&high, 1.306_563), &shared);
    let middle = times(&middle, std::f32::consts::FRAC_1_SQRT_2);
    let (near, far) = (plus(&left(0), &middle), minus(&left(0), &middle));
    [
        plus(&outer, &inner),
        plus(&near, &high),
        plus(&outer_left, &turned),
        minus(&far, &low),
        minus(&outer, &inner),
        plus(&far, &low),
        minus(&outer_left, &turned),
        minus(&near, &high),
    ]
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Text-like strokes on paper, of one colour.
    fn drawn(width: usize, height: usize, [blue, red]: [u8; 2]) -> [Vec<u8>; 3] {
        let luma = (0..width * height).map(|at| {
            let (x, y) = (at % width, at / width);
            if (x * 7 + y / 3 * 13) % 23 < 3 && y % 24 < 12 {
                40
            } else {
                235
            }
        });
        let small = width.div_ceil(2) * height.div_ceil(2);
        [luma.collect(), vec![blue; small], vec![red; small]]
    }

    fn planes(data: &[Vec<u8>; 3], width: usize, height: usize) -> [Plane<'_>; 3] {
        let plane = |index: usize, width, height| Plane {
            data: &data[index],
            stride: width,
            width,
            height,
        };
        let (wide, high) = (width.div_ceil(2), height.div_ceil(2));
        [plane(0, width, height), plane(1, wide, high), plane(2, wide, high)]
    }

    #[test]
    fn another_decoder_reads_what_was_written() {
        for (width, height) in [(1, 1), (16, 16), (33, 17), (640, 360)] {
            for (range, black, white) in [(Range::Full, 0.0, 255.0), (Range::Limited, 16.0, 235.0)] {
                for colour in [[128, 128], [110, 150]] {
                    let data = drawn(width, height, colour);
                    let file = encode(planes(&data, width, height), range);
                    let picture = image::load_from_memory_with_format(&file, image::ImageFormat::Jpeg)
                        .unwrap()
                        .into_rgb8();
                    assert_eq!((picture.width() as usize, picture.height() as usize), (width, height));
                    let (mut sum, mut worst) = (0.0, 0.0_f64);
                    for (pixel, luma) in picture.pixels().zip(&data[0]) {
                        // ITU-T T.871.
                        let stretched =
                            |sample: u8, middle: f64, span: f64| (f64::from(sample) - middle) / span * 255.0;
                        let luma = stretched(*luma, black, white - black);
                        let span = if range == Range::Full { 255.0 } else { 224.0 };
                        let [blue, red] = colour.map(|sample| stretched(sample, 128.0, span));
                        let expected = [
                            luma + 1.402 * red,
                            luma - 0.344_136 * blue - 0.714_136 * red,
                            luma + 1.772 * blue,
                        ];
                        for (sample, expected) in pixel.0.into_iter().zip(expected) {
                            let error = (f64::from(sample) - expected.clamp(0.0, 255.0)).abs();
                            sum += error;
                            worst = worst.max(error);
                        }
                    }
                    let mean = sum / (3 * width * height) as f64;
                    assert!(
                        mean < 2.5 && worst < 20.0,
                        "{width}x{height} {range:?} {colour:?}: {mean}, {worst}"
                    );
                }
            }
        }
    }

    #[test]
    fn wide_instructions_write_the_same() {
        let data = drawn(333, 222, [90, 140]);
        for range in [Range::Full, Range::Limited] {
            assert!(encode(planes(&data, 333, 222), range) == encode_here(planes(&data, 333, 222), range));
        }
    }
}
