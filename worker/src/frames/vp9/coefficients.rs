//! The coefficients of a transform (section 6.4.24).
#![expect(clippy::inline_always, reason = "what a loop of many rounds calls")]

use super::arithmetic::Arithmetic;
use super::tables;

/// A coefficient in the order of the stream: its position row by row, and those of two neighbours that were read before.
#[derive(Clone, Copy)]
struct Step {
    position: u16,
    neighbours: [u16; 2],
}

/// Which of the neighbours above and beside count.
#[derive(Clone, Copy)]
enum Along {
    Both,
    Above,
    Beside,
}

const fn order<const N: usize>(scan: &[u16; N], along: Along) -> [Step; N] {
    let width = N.isqrt() as u16;
    let mut steps = [Step {
        position: 0,
        neighbours: [0; 2],
    }; N];
    let mut at = 1;
    while at < N {
        let position = scan[at];
        let (above, beside) = (position.wrapping_sub(width), position.wrapping_sub(1));
        let neighbours = match (position >= width, !position.is_multiple_of(width), along) {
            (true, true, Along::Both) => [above, beside],
            (true, true, Along::Above) | (true, false, _) => [above, above],
            _ => [beside, beside],
        };
        steps[at] = Step { position, neighbours };
        at += 1;
    }
    steps
}

static DEFAULT_4: [Step; 16] = order(&tables::DEFAULT_SCAN_4, Along::Both);
static ROWS_4: [Step; 16] = order(&tables::ROW_SCAN_4, Along::Beside);
static COLUMNS_4: [Step; 16] = order(&tables::COLUMN_SCAN_4, Along::Above);
static DEFAULT_8: [Step; 64] = order(&tables::DEFAULT_SCAN_8, Along::Both);
static ROWS_8: [Step; 64] = order(&tables::ROW_SCAN_8, Along::Beside);
static COLUMNS_8: [Step; 64] = order(&tables::COLUMN_SCAN_8, Along::Above);
static DEFAULT_16: [Step; 256] = order(&tables::DEFAULT_SCAN_16, Along::Both);
static ROWS_16: [Step; 256] = order(&tables::ROW_SCAN_16, Along::Beside);
static COLUMNS_16: [Step; 256] = order(&tables::COLUMN_SCAN_16, Along::Above);
static DEFAULT_32: [Step; 1024] = order(&tables::DEFAULT_SCAN_32, Along::Both);

/// After so many coefficients of 4x4, and of larger transforms, the next band begins.
const BANDS: [[u8; 32]; 2] = [bands(13), bands(21)];

const fn bands(last: usize) -> [u8; 32] {
    let ends = [1, 3, 6, 10, last];
    let mut bands = [5; 32];
    let (mut at, mut band) = (0, 0);
    while at < last {
        if at == ends[band as usize] {
            band += 1;
        }
        bands[at] = band;
        at += 1;
    }
    bands
}

const LARGE_3: [u8; 3] = [173, 148, 140];
const LARGE_4: [u8; 4] = [176, 155, 140, 135];
const LARGE_5: [u8; 5] = [180, 157, 141, 134, 130];
const LARGE_6: [u8; 14] = [254, 254, 254, 252, 249, 243, 230, 196, 177, 153, 140, 133, 130, 129];

/// What is known of a transform before its coefficients are read.
#[derive(Clone, Copy)]
pub struct Transform<'a> {
    pub probabilities: &'a [[[u8; 3]; 6]; 6],
    /// Its side is 4 << `size`.
    pub size: usize,
    /// 1 has a sine down, 2 a sine across, 3 both.
    pub kind: u8,
    /// How many of the neighbouring transforms have coefficients.
    pub context: usize,
    /// What the first and what the other coefficients count.
    pub steps: [i32; 2],
}

/// Reads the coefficients of one transform, as positions and values times their step. That there are any was read before.
pub fn read(reader: &mut Arithmetic<'_>, transform: Transform<'_>, out: &mut Vec<(u16, i32)>) {
    match (transform.size, transform.kind) {
        (0, 1) => in_order(reader, transform, &ROWS_4, out),
        (0, 2) => in_order(reader, transform, &COLUMNS_4, out),
        (0, _) => in_order(reader, transform, &DEFAULT_4, out),
        (1, 1) => in_order(reader, transform, &ROWS_8, out),
        (1, 2) => in_order(reader, transform, &COLUMNS_8, out),
        (1, _) => in_order(reader, transform, &DEFAULT_8, out),
        (2, 1) => in_order(reader, transform, &ROWS_16, out),
        (2, 2) => in_order(reader, transform, &COLUMNS_16, out),
        (2, _) => in_order(reader, transform, &DEFAULT_16, out),
        _ => in_order(reader, transform, &DEFAULT_32, out),
    }
}

fn in_order<const N: usize>(
    reader: &mut Arithmetic<'_>,
    of: Transform<'_>,
    order: &[Step; N],
    out: &mut Vec<(u16, i32)>,
) {
    // A copy stays in registers.
    let mut here = reader.clone();
    tokens(&mut here, of, order, out);
    *reader = here;
}

#[inline(always)]
fn tokens<const N: usize>(
    reader: &mut Arithmetic<'_>,
    of: Transform<'_>,
    order: &[Step; N],
    out: &mut Vec<(u16, i32)>,
) {
    let bands = &BANDS[usize::from(of.size > 0)];
    let band = |at: usize| &of.probabilities[usize::from(*bands.get(at).unwrap_or(&5))];
    let mut p = &band(0)[of.context];
    let mut classes = [0_u8; N];
    let mut at = 0;
    loop {
        while !reader.flag(p[1]) {
            at += 1;
            if at == N {
                return;
            }
            p = &band(at)[around(order[at], &classes)];
        }
        let (value, class) = if reader.flag(p[2]) { large(reader, p[2]) } else { (1, 1) };
        let value = value * of.steps[usize::from(at > 0)];
        let value = if of.size == 3 { value / 2 } else { value };
        let position = order[at].position;
        classes[usize::from(position)] = class;
        let value = if reader.flag(128) { -value } else { value };
        // What does not fit is not what an encoder writes; ffmpeg cuts it off like this.
        out.push((position, i32::from(value as i16)));
        at += 1;
        if at == N {
            return;
        }
        p = &band(at)[around(order[at], &classes)];
        if !reader.flag(p[0]) {
            return;
        }
    }
}

/// The context of a coefficient, from the classes of its neighbours.
fn around<const N: usize>(step: Step, classes: &[u8; N]) -> usize {
    let [one, other] = step.neighbours.map(|at| usize::from(classes[usize::from(at)]));
    (1 + one + other) >> 1
}

#[inline(always)]
/// A coefficient of two or more, and its class for its neighbours' contexts.
fn large(reader: &mut Arithmetic<'_>, probability: u8) -> (i32, u8) {
    let row = usize::from(probability) * 8;
    let p = &tables::PARETO[row..row + 8];
    let more = |reader: &mut Arithmetic<'_>, least: i32, bits: &[u8]| {
        least
            + bits
                .iter()
                .fold(0, |value, bit| value << 1 | i32::from(reader.flag(*bit)))
    };
    if !reader.flag(p[0]) {
        if !reader.flag(p[1]) {
            return (2, 2);
        }
        return (3 + i32::from(reader.flag(p[2])), 3);
    }
    if !reader.flag(p[3]) {
        let value = if reader.flag(p[4]) {
            more(reader, 7, &[165, 145])
        } else {
            more(reader, 5, &[159])
        };
        return (value, 4);
    }
    let value = if !reader.flag(p[5]) {
        if reader.flag(p[6]) {
            more(reader, 19, &LARGE_4)
        } else {
            more(reader, 11, &LARGE_3)
        }
    } else if reader.flag(p[7]) {
        more(reader, 67, &LARGE_6)
    } else {
        more(reader, 35, &LARGE_5)
    };
    (value, 5)
}
