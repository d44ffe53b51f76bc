//! Which kept pictures show the same screen. Pure.
//!
//! Two pictures show the same screen when most of what is drawn on them agrees: the same form with other contents, the
//! same mail program with another message, the same table scrolled. Paper does not count, since every screen is mostly
//! paper: only blocks in which at least one of the two has an edge. A block on which both have something, but not the
//! same, counts half: text where text was is the same layout with other contents.

use super::grid::BLOCK;
use super::plane::Plane;

/// Side of the square whose mean is remembered: half a block, about one character.
const CELL: usize = BLOCK / 2;
/// A block whose brightest and darkest cells differ by more than this, or whose samples do, has something drawn on it.
const EDGE: u8 = 40;
/// Means of a cell that differ by no more than this are equal: recoding moves single samples, hardly their mean, while ink on a
/// twentieth of a cell's paper moves it by 10.
const CELL_EQUAL: u8 = 8;
/// Most, as the definition above says.
const SAME_SHARE: f64 = 0.5;
/// Fingerprints further apart than this are not compared block by block. A common choice for duplicates is 5 bits of 64; a
/// form whose contents changed may lie further away, and the blocks have the last word.
const FINGERPRINT_BITS: u32 = 20;

/// What is remembered of a picture: 33 KB for full HD instead of 2 MB.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Sketch {
    columns: usize,
    rows: usize,
    /// Four means per block.
    means: Vec<[u8; 4]>,
    /// Whether something is drawn on a block.
    drawn: Vec<bool>,
    pub fingerprint: u64,
}

impl Sketch {
    pub fn of(luma: &Plane<'_>) -> Self {
        let (columns, rows) = (luma.columns(), luma.rows());
        let mut means = vec![[0; 4]; columns * rows];
        let mut drawn = Vec::with_capacity(columns * rows);
        // Line by line first, which is one instruction for many samples, and across at the end.
        let mut sums = vec![0_u16; luma.width];
        let (mut darkest, mut brightest) = (vec![0; luma.width], vec![0; luma.width]);
        for (row, means) in means.chunks_mut(columns).enumerate() {
            darkest.fill(u8::MAX);
            brightest.fill(u8::MIN);
            for lower in 0..2 {
                let top = (row * BLOCK + lower * CELL).min(luma.height - 1);
                let bottom = (top + CELL).min(luma.height);
                sums.fill(0);
                for y in top..bottom {
                    let line = luma.row(y);
                    for (sum, sample) in sums.iter_mut().zip(line) {
                        *sum += u16::from(*sample);
                    }
                    for (darkest, sample) in darkest.iter_mut().zip(line) {
                        *darkest = (*darkest).min(*sample);
                    }
                    for (brightest, sample) in brightest.iter_mut().zip(line) {
                        *brightest = (*brightest).max(*sample);
                    }
                }
                for (column, mean) in means.iter_mut().enumerate() {
                    for right in 0..2 {
                        let from = (column * BLOCK + right * CELL).min(luma.width - 1);
                        let to = (from + CELL).min(luma.width);
                        let sum: u32 = sums[from..to].iter().map(|sum| u32::from(*sum)).sum();
                        mean[lower * 2 + right] = (sum / ((bottom - top) * (to - from)) as u32) as u8;
                    }
                }
            }
            drawn.extend(
                darkest
                    .chunks(BLOCK)
                    .zip(brightest.chunks(BLOCK))
                    .map(|(darkest, brightest)| {
                        let (darkest, brightest) = (darkest.iter().min(), brightest.iter().max());
                        brightest
                            .zip(darkest)
                            .is_some_and(|(brightest, darkest)| brightest - darkest > EDGE)
                    }),
            );
        }
        let fingerprint = fingerprint(&means, columns, rows);
        Self {
            columns,
            rows,
            means,
            drawn,
            fingerprint,
        }
    }

    /// How far (`0..=1`) the drawn blocks of two pictures agree.
    pub fn agreement(&self, other: &Self) -> f64 {
        if (self.columns, self.rows) != (other.columns, other.rows) {
            return 0.0;
        }
        let (mut all, mut agreeing) = (0_u32, 0.0);
        for block in 0..self.means.len() {
            let equal = close(self.means[block], other.means[block]);
            let (here, there) = (self.drawn[block], other.drawn[block]);
            if here || there || !equal {
                all += 1;
                agreeing += match (equal, here && there) {
                    (true, _) => 1.0,
                    (false, true) => 0.5,
                    (false, false) => 0.0,
                };
            }
        }
        if all == 0 { 1.0 } else { agreeing / f64::from(all) }
    }

    /// The share (`0..=1`) of all blocks that differ.
    pub fn distance(&self, other: &Self) -> f64 {
        if (self.columns, self.rows) != (other.columns, other.rows) {
            return 1.0;
        }
        let differing = self
            .means
            .iter()
            .zip(&other.means)
            .filter(|(a, b)| !close(**a, **b))
            .count();
        differing as f64 / self.means.len() as f64
    }
}

fn close(a: [u8; 4], b: [u8; 4]) -> bool {
    a.iter().zip(b).all(|(a, b)| a.abs_diff(b) <= CELL_EQUAL)
}

/// A difference hash: is each of 8x8 fields brighter than the one to its right, in a 9x8 picture of the screen.
fn fingerprint(means: &[[u8; 4]], columns: usize, rows: usize) -> u64 {
    let mut fields = [[0_u32; 9]; 8];
    for (y, line) in fields.iter_mut().enumerate() {
        for (x, field) in line.iter_mut().enumerate() {
            let (top, bottom) = (y * rows / 8, ((y + 1) * rows / 8).max(y * rows / 8 + 1).min(rows));
            let (left, right) = (
                x * columns / 9,
                ((x + 1) * columns / 9).max(x * columns / 9 + 1).min(columns),
            );
            let mut sum = 0_u32;
            let mut count = 0_u32;
            for row in top..bottom {
                for block in &means[row * columns + left..row * columns + right] {
                    sum += block.iter().map(|mean| u32::from(*mean)).sum::<u32>();
                    count += 4;
                }
            }
            // Sixteenths of a level, so that faint slopes count.
            *field = sum * 16 / count.max(1);
        }
    }
    let mut hash = 0;
    for line in &fields {
        for pair in line.windows(2) {
            hash = hash << 1 | u64::from(pair[0] > pair[1]);
        }
    }
    hash
}

/// The screens seen so far.
#[derive(Debug, Default)]
pub struct Screens {
    examples: Vec<Sketch>,
}

impl Screens {
    /// The number of the screen that a picture shows, a new one if it is like none before.
    pub fn number(&mut self, sketch: &Sketch) -> u32 {
        let best = self
            .examples
            .iter()
            .enumerate()
            .filter(|(_, known)| (known.fingerprint ^ sketch.fingerprint).count_ones() <= FINGERPRINT_BITS)
            .map(|(number, known)| (number, known.agreement(sketch)))
            .max_by(|a, b| a.1.total_cmp(&b.1));
        match best {
            Some((number, agreement)) if agreement >= SAME_SHARE => number as u32,
            _ => {
                self.examples.push(sketch.clone());
                self.examples.len() as u32 - 1
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::grid::tests::{ink, paper};
    use super::*;

    fn sketch(marks: &[(usize, usize)]) -> Sketch {
        let mut data = paper(320, 160);
        for (left, top) in marks {
            ink(&mut data, 320, *left, *top, (30, 10));
        }
        Sketch::of(&Plane {
            data: &data,
            stride: 320,
            width: 320,
            height: 160,
        })
    }

    #[test]
    fn a_form_with_other_contents_is_the_same_screen() {
        let labels = [(4, 4), (4, 40), (4, 80), (4, 120)];
        let mut screens = Screens::default();
        assert_eq!(screens.number(&sketch(&labels)), 0);
        let filled: Vec<_> = labels.into_iter().chain([(100, 4), (100, 40)]).collect();
        assert_eq!(screens.number(&sketch(&filled)), 0);
        assert_eq!(screens.number(&sketch(&[(200, 10), (200, 60), (260, 100)])), 1);
        assert_eq!(screens.number(&sketch(&labels)), 0);
    }

    #[test]
    fn paper_alone_makes_no_two_screens_equal() {
        let (a, b) = (sketch(&[(4, 4)]), sketch(&[(204, 104)]));
        assert!(a.agreement(&b) < 0.01);
        assert!(a.distance(&b) < 0.1);
    }
}
