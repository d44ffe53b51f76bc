//! Inverse transforms (section 8.7), exact to the bit.
#![expect(clippy::many_single_char_names, reason = "they are stages of one computation")]

/// Cosines of so many 64ths of a half turn, times 2^14.
const COS: [i32; 32] = [
    16384, 16364, 16305, 16207, 16069, 15893, 15679, 15426, 15137, 14811, 14449, 14053, 13623, 13160, 12665, 12140,
    11585, 11003, 10394, 9760, 9102, 8423, 7723, 7005, 6270, 5520, 4756, 3981, 3196, 2404, 1606, 804,
];
/// Sines of so many 9ths.
const SIN: [i32; 5] = [0, 5283, 9929, 13377, 15212];

/// Of what an encoder writes nothing is cut off here.
const fn round(value: i32) -> i32 {
    value.wrapping_add(1 << 13) >> 14
}

/// Sums and products wrap: only what no encoder writes is too large for them.
type Wide = std::num::Wrapping<i32>;

const fn wide(value: i32) -> Wide {
    std::num::Wrapping(value)
}

/// Two values turned by an angle.
fn turn(a: i32, b: i32, cos: usize, sin: usize) -> (i32, i32) {
    let (a, b, cos, sin) = (wide(a), wide(b), wide(COS[cos]), wide(COS[sin]));
    (round((a * cos - b * sin).0), round((a * sin + b * cos).0))
}

/// The same without rounding.
fn turned(a: i32, b: i32, cos: usize, sin: usize) -> (Wide, Wide) {
    let (a, b, cos, sin) = (wide(a), wide(b), wide(COS[cos]), wide(COS[sin]));
    (a * cos + b * sin, a * sin - b * cos)
}

/// Sums of the first half and the second, then differences, from the middle out.
fn mirrored<const HALF: usize, const FULL: usize>(even: [i32; HALF], odd: [i32; HALF]) -> [i32; FULL] {
    let mut out = [0; FULL];
    for i in 0..HALF {
        out[i] = even[i] + odd[HALF - 1 - i];
        out[FULL - 1 - i] = even[i] - odd[HALF - 1 - i];
    }
    out
}

fn cosine_4(v: [i32; 4]) -> [i32; 4] {
    let (difference, sum) = turn(v[0], v[2], 16, 16);
    let (low, high) = turn(v[1], v[3], 24, 8);
    [sum + high, difference + low, difference - low, sum - high]
}

fn cosine_8(v: [i32; 8]) -> [i32; 8] {
    let even = cosine_4([v[0], v[2], v[4], v[6]]);
    let (a, d) = turn(v[1], v[7], 28, 4);
    let (b, c) = turn(v[5], v[3], 12, 20);
    let (a, b, c, d) = (a + b, a - b, d - c, c + d);
    let (b, c) = turn(c, b, 16, 16);
    mirrored(even, [a, b, c, d])
}

fn cosine_16(v: [i32; 16]) -> [i32; 16] {
    let even = cosine_8([v[0], v[2], v[4], v[6], v[8], v[10], v[12], v[14]]);
    let mut s = [0; 8];
    (s[0], s[7]) = turn(v[1], v[15], 30, 2);
    (s[1], s[6]) = turn(v[9], v[7], 14, 18);
    (s[2], s[5]) = turn(v[5], v[11], 22, 10);
    (s[3], s[4]) = turn(v[13], v[3], 6, 26);
    s = [
        s[0] + s[1],
        s[0] - s[1],
        s[3] - s[2],
        s[2] + s[3],
        s[4] + s[5],
        s[4] - s[5],
        s[7] - s[6],
        s[6] + s[7],
    ];
    (s[1], s[6]) = turn(s[6], s[1], 24, 8);
    (s[2], s[5]) = turn(-s[2], s[5], 24, 8);
    s = [
        s[0] + s[3],
        s[1] + s[2],
        s[1] - s[2],
        s[0] - s[3],
        s[7] - s[4],
        s[6] - s[5],
        s[5] + s[6],
        s[4] + s[7],
    ];
    (s[2], s[5]) = turn(s[5], s[2], 16, 16);
    (s[3], s[4]) = turn(s[4], s[3], 16, 16);
    mirrored(even, s)
}

fn cosine_32(v: [i32; 32]) -> [i32; 32] {
    let even = cosine_16(std::array::from_fn(|i| v[2 * i]));
    let mut s = [0; 16];
    for (i, (one, other)) in [
        (1, 31),
        (17, 15),
        (9, 23),
        (25, 7),
        (5, 27),
        (21, 11),
        (13, 19),
        (29, 3),
    ]
    .into_iter()
    .enumerate()
    {
        (s[i], s[15 - i]) = turn(v[one], v[other], other, one);
    }
    // Fours: sums outside, differences inside, mirrored in every other pair.
    for i in (0..16).step_by(4) {
        let (a, b, c, d) = (s[i], s[i + 1], s[i + 2], s[i + 3]);
        (s[i], s[i + 1], s[i + 2], s[i + 3]) = (a + b, a - b, d - c, c + d);
    }
    (s[1], s[14]) = turn(s[14], s[1], 28, 4);
    (s[2], s[13]) = turn(-s[2], s[13], 28, 4);
    (s[5], s[10]) = turn(s[10], s[5], 12, 20);
    (s[6], s[9]) = turn(-s[6], s[9], 12, 20);
    for i in (0..16).step_by(8) {
        let eight: [i32; 8] = std::array::from_fn(|j| s[i + j]);
        let [a, b, c, d, e, f, g, h] = eight;
        let summed = [a + d, b + c, b - c, a - d, h - e, g - f, f + g, e + h];
        s[i..i + 8].copy_from_slice(&summed);
    }
    (s[2], s[13]) = turn(s[13], s[2], 24, 8);
    (s[3], s[12]) = turn(s[12], s[3], 24, 8);
    (s[4], s[11]) = turn(-s[4], s[11], 24, 8);
    (s[5], s[10]) = turn(-s[5], s[10], 24, 8);
    let mut t = [0; 16];
    for i in 0..4 {
        (t[i], t[7 - i]) = (s[i] + s[7 - i], s[i] - s[7 - i]);
        (t[15 - i], t[8 + i]) = (s[8 + i] + s[15 - i], s[15 - i] - s[8 + i]);
    }
    for i in 4..8 {
        (t[i], t[15 - i]) = turn(t[15 - i], t[i], 16, 16);
    }
    mirrored(even, t)
}

fn sine_4(v: [i32; 4]) -> [i32; 4] {
    let [a, b, c, d] = v.map(wide);
    let sin = SIN.map(wide);
    let first = sin[1] * a + sin[4] * c + sin[2] * d;
    let second = sin[2] * a - sin[1] * c - sin[4] * d;
    let third = sin[3] * b;
    [
        first + third,
        second + third,
        sin[3] * (a - c + d),
        first + second - third,
    ]
    .map(|sum| round(sum.0))
}

/// Rounded sums and differences of two halves.
fn halves<const N: usize>(s: &[Wide; N]) -> [i32; N] {
    std::array::from_fn(|i| {
        if i < N / 2 {
            round((s[i] + s[i + N / 2]).0)
        } else {
            round((s[i - N / 2] - s[i]).0)
        }
    })
}

fn sine_8(v: [i32; 8]) -> [i32; 8] {
    let mut s = [wide(0); 8];
    (s[0], s[1]) = turned(v[7], v[0], 2, 30);
    (s[2], s[3]) = turned(v[5], v[2], 10, 22);
    (s[4], s[5]) = turned(v[3], v[4], 18, 14);
    (s[6], s[7]) = turned(v[1], v[6], 26, 6);
    let x = halves(&s);
    let low = [x[0] + x[2], x[1] + x[3], x[0] - x[2], x[1] - x[3]];
    let (a, b) = turned(x[4], x[5], 8, 24);
    let (d, c) = turned(x[7], x[6], 24, 8);
    let high = halves(&[a, b, c, d]);
    let middle = |a: i32, b: i32| {
        let (a, b, cos) = (wide(a), wide(b), wide(COS[16]));
        (round((cos * (a + b)).0), round((cos * (a - b)).0))
    };
    let (x2, x3) = middle(low[2], low[3]);
    let (x6, x7) = middle(high[2], high[3]);
    [low[0], -high[0], x6, -x2, x3, -x7, high[1], -low[1]]
}

fn sine_16(v: [i32; 16]) -> [i32; 16] {
    let mut s = [wide(0); 16];
    for i in 0..8 {
        (s[2 * i], s[2 * i + 1]) = turned(v[15 - 2 * i], v[2 * i], 4 * i + 1, 31 - 4 * i);
    }
    let x = halves(&s);
    let (a0, a1) = turned(x[8], x[9], 4, 28);
    let (a2, a3) = turned(x[10], x[11], 20, 12);
    let (b1, b0) = turned(x[13], x[12], 28, 4);
    let (b3, b2) = turned(x[15], x[14], 12, 20);
    let high = halves(&[a0, a1, a2, a3, b0, b1, b2, b3]);
    let low: [i32; 8] = std::array::from_fn(|i| if i < 4 { x[i] + x[i + 4] } else { x[i - 4] - x[i] });
    let quarter = |x: [i32; 8]| -> [i32; 8] {
        let (a, b) = turned(x[4], x[5], 8, 24);
        let (d, c) = turned(x[7], x[6], 24, 8);
        let high = halves(&[a, b, c, d]);
        [
            x[0] + x[2],
            x[1] + x[3],
            x[0] - x[2],
            x[1] - x[3],
            high[0],
            high[1],
            high[2],
            high[3],
        ]
    };
    let (l, h) = (quarter(low), quarter(high));
    let scaled = |value: Wide| round((wide(COS[16]) * value).0);
    let w = wide;
    let x2 = scaled(-(w(l[2]) + w(l[3])));
    let x3 = scaled(w(l[2]) - w(l[3]));
    let x6 = scaled(w(l[6]) + w(l[7]));
    let x7 = scaled(w(l[7]) - w(l[6]));
    let x10 = scaled(w(h[2]) + w(h[3]));
    let x11 = scaled(w(h[3]) - w(h[2]));
    let x14 = scaled(-(w(h[6]) + w(h[7])));
    let x15 = scaled(w(h[6]) - w(h[7]));
    [
        l[0], -h[0], h[4], -l[4], x6, x14, x10, x2, x3, x11, x15, x7, l[5], -h[5], h[1], -l[1],
    ]
}

/// Adds the transform of these coefficients (position row by row, value) to a square of samples. `kind`: 1 has a sine down, 2 a
/// sine across, 3 both. `inside`: so far right and down of the first sample the picture goes.
pub fn add(
    coefficients: &[(u16, i32)],
    size: usize,
    kind: u8,
    samples: &mut [u8],
    stride: usize,
    inside: (usize, usize),
) {
    match size {
        0 => square::<4>(coefficients, kind, 4, samples, (stride, inside), (cosine_4, sine_4)),
        1 => square::<8>(coefficients, kind, 5, samples, (stride, inside), (cosine_8, sine_8)),
        2 => square::<16>(coefficients, kind, 6, samples, (stride, inside), (cosine_16, sine_16)),
        _ => square::<32>(coefficients, 0, 6, samples, (stride, inside), (cosine_32, cosine_32)),
    }
}

type OneWay<const N: usize> = fn([i32; N]) -> [i32; N];

fn square<const N: usize>(
    coefficients: &[(u16, i32)],
    kind: u8,
    shift: u32,
    samples: &mut [u8],
    (stride, (width, height)): (usize, (usize, usize)),
    (cosine, sine): (OneWay<N>, OneWay<N>),
) {
    let half = 1 << (shift - 1);
    if let ([(0, value)], 0) = (coefficients, kind) {
        let once = round(*value * COS[16]);
        let added = (round(once * COS[16]) + half) >> shift;
        for line in samples.chunks_mut(stride).take(N.min(height)) {
            for sample in &mut line[..N.min(width)] {
                *sample = (i32::from(*sample) + added).clamp(0, 255) as u8;
            }
        }
        return;
    }
    let mut rows = [[0; N]; N];
    for (position, value) in coefficients {
        let position = usize::from(*position);
        rows[position / N][position % N] = *value;
    }
    let (across, down) = (
        if kind & 2 != 0 { sine } else { cosine },
        if kind & 1 != 0 { sine } else { cosine },
    );
    for row in &mut rows {
        if row.iter().any(|value| *value != 0) {
            *row = across(*row);
        }
    }
    let mut columns = [[0; N]; N];
    for (x, column) in columns.iter_mut().enumerate() {
        *column = down(std::array::from_fn(|y| rows[y][x]));
    }
    for (y, line) in samples.chunks_mut(stride).take(N.min(height)).enumerate() {
        for (x, sample) in line[..N.min(width)].iter_mut().enumerate() {
            *sample = (i32::from(*sample) + ((columns[x][y] + half) >> shift)).clamp(0, 255) as u8;
        }
    }
}

#[cfg(test)]
mod tests {
    use std::f64::consts::PI;

    use super::super::arithmetic::tests::Numbers;
    use super::*;

    /// The value at `x` of the wave `k` of `n`, cosine or sine.
    fn wave(n: usize, sine: bool, k: usize, x: usize) -> f64 {
        let (n, k, x) = (n as f64, k as f64, x as f64);
        match (sine, n as usize) {
            // Of 4 samples the sine is another (DST-VII), of more it is DST-IV.
            (true, 4) => 2.0 / 3.0 * (PI * (2.0 * k + 1.0) * (x + 1.0) / 9.0).sin(),
            (true, _) => (2.0 / n).sqrt() * (PI * (2.0 * k + 1.0) * (2.0 * x + 1.0) / (4.0 * n)).sin(),
            (false, _) if k == 0.0 => (1.0 / n).sqrt(),
            (false, _) => (2.0 / n).sqrt() * (PI * k * (2.0 * x + 1.0) / (2.0 * n)).cos(),
        }
    }

    #[test]
    fn transforms_are_those_of_the_books_but_for_rounding() {
        let mut numbers = Numbers(3);
        for (size, kinds) in [(0, 4), (1, 4), (2, 4), (3, 1)] {
            let n = 4 << size;
            // Coefficients are eight times those of a transform that keeps lengths, of 32 four times.
            let scale = if size == 3 { 4.0 } else { 8.0 };
            for kind in 0..kinds {
                for count in [1, 2, 20] {
                    let mut coefficients: Vec<(u16, i32)> = (0..count)
                        .map(|_| (numbers.below((n * n) as u64) as u16, numbers.below(800) as i32 - 400))
                        .collect();
                    coefficients.sort_unstable();
                    coefficients.dedup_by_key(|(position, _)| *position);
                    let mut samples = vec![128; n * n];
                    add(&coefficients, size, kind, &mut samples, n, (n, n));
                    for (at, sample) in samples.into_iter().enumerate() {
                        let (y, x) = (at / n, at % n);
                        let sum: f64 = coefficients
                            .iter()
                            .map(|(position, value)| {
                                let (row, column) = (usize::from(*position) / n, usize::from(*position) % n);
                                f64::from(*value) * wave(n, kind & 1 != 0, row, y) * wave(n, kind & 2 != 0, column, x)
                            })
                            .sum();
                        let expected = (128.0 + sum / scale).clamp(0.0, 255.0);
                        assert!(
                            (f64::from(sample) - expected).abs() < 1.6,
                            "{n} kind {kind}: {sample} for {expected} at {x},{y}"
                        );
                    }
                }
            }
        }
    }

    #[test]
    fn nothing_is_written_outside() {
        let mut samples = vec![9; 20 * 20];
        add(&[(0, 4000), (1, 100)], 2, 0, &mut samples, 20, (8, 4));
        for (at, sample) in samples.into_iter().enumerate() {
            let inside = at / 20 < 4 && at % 20 < 8;
            assert_eq!(sample == 9, !inside, "at {at}");
        }
    }
}
