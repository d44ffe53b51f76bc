//! Prediction of samples: from neighbours in the same picture (section 8.5.1), from another place of another picture (8.5.2).

use super::super::plane::Plane;
use super::tables;

/// What of a square's surroundings may be read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Edges {
    pub above: bool,
    pub left: bool,
    /// Above and to the right of it.
    pub right: bool,
}

const LARGEST: usize = 32;

/// Predicts a square of 4 << `size` samples from those around it. The mode is one of ten in the order of the specification.
pub fn from_neighbours(
    mode: u8,
    size: usize,
    edges: Edges,
    plane: &mut [u8],
    stride: usize,
    (width, height): (usize, usize),
    (x, y): (usize, usize),
) {
    let n = 4 << size;
    // Above from the corner on: above[0] is the corner.
    let mut above = [127_u8; 2 * LARGEST + 1];
    let mut left = [129_u8; LARGEST];
    if edges.above {
        let line = (y - 1) * stride;
        let wanted = if edges.right { 2 * n } else { n };
        let there = wanted.min(width - x);
        above[1..=there].copy_from_slice(&plane[line + x..line + x + there]);
        let last = above[there];
        above[there + 1..=2 * n].fill(last);
        above[0] = if edges.left { plane[line + x - 1] } else { 129 };
    }
    if edges.left {
        let there = n.min(height - y);
        for (i, left) in left[..there].iter_mut().enumerate() {
            *left = plane[(y + i) * stride + x - 1];
        }
        let last = left[there - 1];
        left[there..n].fill(last);
    }
    let corner = above[0];
    let above = &above[1..];
    let mut out = [[0_u8; LARGEST]; LARGEST];
    let two = |a: u8, b: u8| ((u16::from(a) + u16::from(b) + 1) >> 1) as u8;
    let three = |a: u8, b: u8, c: u8| ((u16::from(a) + 2 * u16::from(b) + u16::from(c) + 2) >> 2) as u8;
    // Once around the corner: from the lowest on the left up, over the corner, to the right.
    let around = |i: isize| -> u8 {
        match i {
            0 => corner,
            1.. => above[i as usize - 1],
            _ => left[-i as usize - 1],
        }
    };
    let bent = |i: isize| three(around(i - 1), around(i), around(i + 1));
    let sum = |samples: &[u8]| samples.iter().map(|sample| u32::from(*sample)).sum::<u32>();
    match mode {
        1 => each(&mut out, n, |_, j| above[j]),
        2 => each(&mut out, n, |i, _| left[i]),
        3 => each(&mut out, n, |i, j| match i + j {
            at if at + 2 < 2 * n => three(above[at], above[at + 1], above[at + 2]),
            _ => above[2 * n - 1],
        }),
        4 => each(&mut out, n, |i, j| bent(j as isize - i as isize)),
        // Two rows for one step to the right.
        5 => each(&mut out, n, |i, j| match j as isize - (i / 2) as isize {
            along @ 0.. if i % 2 == 0 => two(around(along), around(along + 1)),
            along @ 0.. => bent(along),
            along => bent(2 * along + 1 - (i % 2) as isize),
        }),
        // Two columns for one step down.
        6 => each(&mut out, n, |i, j| match i as isize - (j / 2) as isize {
            along @ 0.. if j % 2 == 0 => two(around(-along), around(-along - 1)),
            along @ 0.. => bent(-along),
            _ => bent((j - 2 * i) as isize - 1),
        }),
        7 => each(&mut out, n, |i, j| {
            let left = |further: usize| left[(i + j / 2 + further).min(n - 1)];
            if j % 2 == 0 {
                two(left(0), left(1))
            } else {
                three(left(0), left(1), left(2))
            }
        }),
        8 => each(&mut out, n, |i, j| {
            let at = j + i / 2;
            if i % 2 == 0 {
                two(above[at], above[at + 1])
            } else {
                three(above[at], above[at + 1], above[at + 2])
            }
        }),
        9 => each(&mut out, n, |i, j| {
            let value = i16::from(left[i]) + i16::from(above[j]) - i16::from(corner);
            value.clamp(0, 255) as u8
        }),
        _ => {
            let count = n as u32;
            let mean = match (edges.above, edges.left) {
                (true, true) => (sum(&above[..n]) + sum(&left[..n]) + count) / (2 * count),
                (true, false) => (sum(&above[..n]) + count / 2) / count,
                (false, true) => (sum(&left[..n]) + count / 2) / count,
                (false, false) => 128,
            };
            each(&mut out, n, |_, _| mean as u8);
        }
    }
    let (wide, high) = (n.min(width - x), n.min(height - y));
    for (i, row) in out[..high].iter().enumerate() {
        let line = (y + i) * stride + x;
        plane[line..line + wide].copy_from_slice(&row[..wide]);
    }
}

type Square = [[u8; LARGEST]; LARGEST];

/// Fills the first rows and columns with what is said of each.
fn each(square: &mut Square, side: usize, sample: impl Fn(usize, usize) -> u8) {
    for (i, row) in square.iter_mut().enumerate().take(side) {
        for (j, place) in row.iter_mut().enumerate().take(side) {
            *place = sample(i, j);
        }
    }
}

/// Appends the samples of a rectangle that lie `vector` (down and across, in sixteenths) away in another picture.
pub fn from_elsewhere(
    source: Plane<'_>,
    (x, y): (usize, usize),
    vector: [i32; 2],
    filter: usize,
    (wide, high): (usize, usize),
    out: &mut Vec<u8>,
) {
    let [down, across] = vector;
    let (top, left) = (y as i32 + (down >> 4), x as i32 + (across >> 4));
    let (down, across) = ((down & 15) as usize, (across & 15) as usize);
    let row = |line: i32| {
        let line = line.clamp(0, source.height as i32 - 1) as usize * source.stride;
        &source.data[line..line + source.width]
    };
    let last = source.width as i32 - 1;
    let taps = |filter: &[i32; 8], samples: [i32; 8]| {
        let sum: i32 = filter.iter().zip(samples).map(|(filter, sample)| filter * sample).sum();
        ((sum + 64) >> 7).clamp(0, 255) as u8
    };
    let line_of = |line: i32, into: &mut Vec<u8>| {
        let samples = row(line);
        if across == 0 {
            if left >= 0 && left as usize + wide <= source.width {
                into.extend_from_slice(&samples[left as usize..left as usize + wide]);
            } else {
                into.extend((0..wide as i32).map(|i| samples[(left + i).clamp(0, last) as usize]));
            }
            return;
        }
        let filter = &tables::SUBPIXEL[filter][across];
        for i in 0..wide as i32 {
            let from = left + i - 3;
            let eight = std::array::from_fn(|tap| i32::from(samples[(from + tap as i32).clamp(0, last) as usize]));
            into.push(taps(filter, eight));
        }
    };
    if down == 0 {
        (0..high as i32).for_each(|i| line_of(top + i, out));
        return;
    }
    let mut lines = Vec::with_capacity((high + 7) * wide);
    (0..high as i32 + 7).for_each(|i| line_of(top + i - 3, &mut lines));
    let filter = &tables::SUBPIXEL[filter][down];
    for i in 0..high {
        for j in 0..wide {
            let eight = std::array::from_fn(|tap| i32::from(lines[(i + tap) * wide + j]));
            out.push(taps(filter, eight));
        }
    }
}
