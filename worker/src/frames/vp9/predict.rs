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
pub fn from_neighbours(mode: u8, size: usize, edges: Edges, plane: &mut [u8], stride: usize, (width, height): (usize, usize), (x, y): (usize, usize)) {
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
    match mode {
        1 => out.iter_mut().for_each(|row| row[..n].copy_from_slice(&above[..n])),
        2 => out[..n].iter_mut().zip(left).for_each(|(row, left)| row[..n].fill(left)),
        3 => {
            for (i, row) in out[..n].iter_mut().enumerate() {
                for (j, sample) in row[..n].iter_mut().enumerate() {
                    let at = i + j;
                    *sample = if at + 2 < 2 * n { three(above[at], above[at + 1], above[at + 2]) } else { above[2 * n - 1] };
                }
            }
        }
        4 => {
            for (i, row) in out[..n].iter_mut().enumerate() {
                for (j, sample) in row[..n].iter_mut().enumerate() {
                    *sample = bent(j as isize - i as isize);
                }
            }
        }
        5 => {
            for i in 0..n {
                for j in 0..n {
                    // Two rows for one step to the right.
                    let along = j as isize - (i / 2) as isize;
                    out[i][j] = if along >= 0 {
                        if i % 2 == 0 { two(around(along), around(along + 1)) } else { bent(along) }
                    } else {
                        bent(2 * along + 1 - (i % 2) as isize)
                    };
                }
            }
        }
        6 => {
            for i in 0..n {
                for j in 0..n {
                    let along = i as isize - (j / 2) as isize;
                    out[i][j] = if along >= 0 {
                        if j % 2 == 0 { two(around(-along), around(-along - 1)) } else { bent(-along) }
                    } else {
                        bent((j - 2 * i) as isize - 1)
                    };
                }
            }
        }
        7 => {
            for i in 0..n {
                for j in 0..n {
                    let at = i + j / 2;
                    let left = |i: usize| left[i.min(n - 1)];
                    out[i][j] = if j % 2 == 0 { two(left(at), left(at + 1)) } else { three(left(at), left(at + 1), left(at + 2)) };
                }
            }
        }
        8 => {
            for i in 0..n {
                for j in 0..n {
                    let at = j + i / 2;
                    out[i][j] = if i % 2 == 0 { two(above[at], above[at + 1]) } else { three(above[at], above[at + 1], above[at + 2]) };
                }
            }
        }
        9 => {
            for (row, left) in out[..n].iter_mut().zip(left) {
                for (sample, above) in row[..n].iter_mut().zip(above) {
                    *sample = (i16::from(left) + i16::from(*above) - i16::from(corner)).clamp(0, 255) as u8;
                }
            }
        }
        _ => {
            let sum = |samples: &[u8]| samples.iter().map(|sample| u32::from(*sample)).sum::<u32>();
            let n32 = n as u32;
            let mean = match (edges.above, edges.left) {
                (true, true) => (sum(&above[..n]) + sum(&left[..n]) + n32) / (2 * n32),
                (true, false) => (sum(&above[..n]) + n32 / 2) / n32,
                (false, true) => (sum(&left[..n]) + n32 / 2) / n32,
                (false, false) => 128,
            };
            out[..n].iter_mut().for_each(|row| row[..n].fill(mean as u8));
        }
    }
    let (wide, high) = (n.min(width - x), n.min(height - y));
    for (i, row) in out[..high].iter().enumerate() {
        let line = (y + i) * stride + x;
        plane[line..line + wide].copy_from_slice(&row[..wide]);
    }
}

/// Appends the samples of a rectangle that lie `vector` (down and across, in sixteenths) away in another picture.
pub fn from_elsewhere(source: Plane<'_>, (x, y): (usize, usize), vector: [i32; 2], filter: usize, (wide, high): (usize, usize), out: &mut Vec<u8>) {
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
