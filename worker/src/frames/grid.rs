//! Two pictures compared block by block on luma. Pure; the hot loop of the extraction lives here.

use super::plane::Plane;

/// Side of a block in pixels.
pub const BLOCK: usize = 16;

/// Two samples differ when their luma does by more than this: more than what recoding the same text does to the edges of its
/// glyphs in the recordings tried, less than grey (40) or black (200) ink on white.
const SAMPLE_DIFFERS: u8 = 32;

/// A block differs when so many of its 128 samples do. Every other line is sampled: a caret two pixels wide gives 16.
const BLOCK_DIFFERS: u8 = 4;

impl Plane<'_> {
    pub fn columns(&self) -> usize {
        self.width.div_ceil(BLOCK)
    }

    pub fn rows(&self) -> usize {
        self.height.div_ceil(BLOCK)
    }

    pub fn same_size(&self, other: &Plane<'_>) -> bool {
        self.width == other.width && self.height == other.height
    }

    /// The lines of a row of blocks that are sampled.
    fn sampled_lines(&self, block_row: usize) -> impl Iterator<Item = usize> + use<> {
        (block_row * BLOCK..((block_row + 1) * BLOCK).min(self.height)).step_by(2)
    }
}

/// The blocks in which two pictures of one size differ, by index (row by row).
pub fn differing_blocks(before: &Plane<'_>, after: &Plane<'_>, found: &mut Vec<u32>) {
    found.clear();
    let columns = before.columns();
    // How many sampled lines differ, column by column of samples: one instruction for many of them.
    let mut counts = vec![0_u8; before.width];
    for block_row in 0..before.rows() {
        let mut touched = false;
        for y in before.sampled_lines(block_row) {
            let (a, b) = (before.row(y), after.row(y));
            // Most lines of a screen are bit for bit those of the picture before.
            if a == b {
                continue;
            }
            touched = true;
            for ((count, a), b) in counts.iter_mut().zip(a).zip(b) {
                *count += u8::from(a.abs_diff(*b) > SAMPLE_DIFFERS);
            }
        }
        if touched {
            for (column, counts) in counts.chunks(BLOCK).enumerate() {
                // At most 8 lines of 16 samples: 128 fits.
                if counts.iter().sum::<u8>() >= BLOCK_DIFFERS {
                    found.push((block_row * columns + column) as u32);
                }
            }
            counts.fill(0);
        }
    }
}

/// Whether one block differs.
pub fn block_differs(before: &Plane<'_>, after: &Plane<'_>, block: u32) -> bool {
    let (block_row, column) = (block as usize / before.columns(), block as usize % before.columns());
    let from = column * BLOCK;
    let to = (from + BLOCK).min(before.width);
    let mut count = 0_u8;
    for y in before.sampled_lines(block_row) {
        count += differing_samples(&before.row(y)[from..to], &after.row(y)[from..to]);
    }
    count >= BLOCK_DIFFERS
}

fn differing_samples(a: &[u8], b: &[u8]) -> u8 {
    // At most 8 lines of 16 samples: 128 fits.
    if let (Ok(a), Ok(b)) = (<&[u8; BLOCK]>::try_from(a), <&[u8; BLOCK]>::try_from(b)) {
        let mut count = 0;
        for (a, b) in a.iter().zip(b) {
            count += u8::from(a.abs_diff(*b) > SAMPLE_DIFFERS);
        }
        count
    } else {
        a.iter()
            .zip(b)
            .map(|(a, b)| u8::from(a.abs_diff(*b) > SAMPLE_DIFFERS))
            .sum()
    }
}

/// A block whose samples differ by more than this has something drawn on it.
const EDGE: u8 = 40;

/// Whether these differing blocks are at least such a share (`0..=1`) of what is drawn, now or before. Paper does not count.
pub fn are_most_of_drawn(differing: &[u32], after: &Plane<'_>, share: f64) -> bool {
    let columns = after.columns();
    let mut others = (differing.len() as f64 / share - differing.len() as f64).floor();
    let mut next = differing.iter().copied().peekable();
    for block_row in 0..after.rows() {
        for column in 0..columns {
            let block = (block_row * columns + column) as u32;
            if next.next_if_eq(&block).is_none() && has_edge(after, block_row, column) {
                others -= 1.0;
                if others < 0.0 {
                    return false;
                }
            }
        }
    }
    true
}

fn has_edge(luma: &Plane<'_>, block_row: usize, column: usize) -> bool {
    let from = column * BLOCK;
    let to = (from + BLOCK).min(luma.width);
    let (mut darkest, mut brightest) = ([u8::MAX; BLOCK], [u8::MIN; BLOCK]);
    for y in luma.sampled_lines(block_row) {
        let samples = &luma.row(y)[from..to];
        for ((darkest, brightest), sample) in darkest.iter_mut().zip(&mut brightest).zip(samples) {
            *darkest = (*darkest).min(*sample);
            *brightest = (*brightest).max(*sample);
        }
    }
    let (darkest, brightest) = (darkest.into_iter().min(), brightest.into_iter().max());
    brightest
        .zip(darkest)
        .is_some_and(|(brightest, darkest)| brightest.saturating_sub(darkest) > EDGE)
}

/// A rectangle in pixels, half open.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Bounds {
    pub left: usize,
    pub top: usize,
    pub right: usize,
    pub bottom: usize,
}

impl Bounds {
    pub fn width(&self) -> usize {
        self.right - self.left
    }

    pub fn height(&self) -> usize {
        self.bottom - self.top
    }

    pub fn union(self, other: Self) -> Self {
        Self {
            left: self.left.min(other.left),
            top: self.top.min(other.top),
            right: self.right.max(other.right),
            bottom: self.bottom.max(other.bottom),
        }
    }
}

/// Blocks that touch, also at corners.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Component {
    pub blocks: Vec<u32>,
}

/// Groups blocks (in ascending order) into components.
pub fn components(blocks: &[u32], columns: usize) -> Vec<Component> {
    let mut found = Vec::new();
    let mut taken = vec![false; blocks.len()];
    for start in 0..blocks.len() {
        if taken[start] {
            continue;
        }
        taken[start] = true;
        let mut members = vec![blocks[start]];
        let mut next = 0;
        while next < members.len() {
            let block = members[next] as usize;
            next += 1;
            let (row, column) = (block / columns, block % columns);
            for near_row in row.saturating_sub(1)..=row + 1 {
                let from = (near_row * columns + column.saturating_sub(1)) as u32;
                let to = (near_row * columns + (column + 1).min(columns - 1)) as u32;
                let mut position = blocks.partition_point(|block| *block < from);
                while let Some(near) = blocks.get(position).copied().filter(|near| *near <= to) {
                    if !taken[position] {
                        taken[position] = true;
                        members.push(near);
                    }
                    position += 1;
                }
            }
        }
        found.push(Component { blocks: members });
    }
    found
}

/// The box around the samples of these blocks that differ, or around the blocks if none does.
pub fn bounds(before: &Plane<'_>, after: &Plane<'_>, blocks: &[u32]) -> Bounds {
    let columns = after.columns();
    let mut exact: Option<Bounds> = None;
    for &block in blocks {
        let left = block as usize % columns * BLOCK;
        let whole = bounds_of_blocks(&[block], after);
        for y in whole.top..whole.bottom {
            let (a, b) = (&before.row(y)[left..whole.right], &after.row(y)[left..whole.right]);
            for (x, (a, b)) in a.iter().zip(b).enumerate() {
                if a.abs_diff(*b) > SAMPLE_DIFFERS {
                    let point = Bounds {
                        left: left + x,
                        top: y,
                        right: left + x + 1,
                        bottom: y + 1,
                    };
                    exact = Some(exact.map_or(point, |sum| sum.union(point)));
                }
            }
        }
    }
    exact.unwrap_or_else(|| bounds_of_blocks(blocks, after))
}

/// The box around whole blocks.
pub fn bounds_of_blocks(blocks: &[u32], luma: &Plane<'_>) -> Bounds {
    let columns = luma.columns();
    let mut sum: Option<Bounds> = None;
    for &block in blocks {
        let (top, left) = (block as usize / columns * BLOCK, block as usize % columns * BLOCK);
        let area = Bounds {
            left,
            top,
            right: (left + BLOCK).min(luma.width),
            bottom: (top + BLOCK).min(luma.height),
        };
        sum = Some(sum.map_or(area, |sum| sum.union(area)));
    }
    sum.unwrap_or(Bounds {
        left: 0,
        top: 0,
        right: 0,
        bottom: 0,
    })
}

#[cfg(test)]
pub mod tests {
    use super::*;

    pub fn paper(width: usize, height: usize) -> Vec<u8> {
        vec![230; width * height]
    }

    pub fn ink(data: &mut [u8], width: usize, left: usize, top: usize, size: (usize, usize)) {
        for y in top..top + size.1 {
            data[y * width + left..][..size.0].fill(30);
        }
    }

    fn luma(data: &[u8], width: usize) -> Plane<'_> {
        Plane {
            data,
            stride: width,
            width,
            height: data.len() / width,
        }
    }

    #[test]
    fn a_caret_is_noticed_and_noise_is_not() {
        let before = paper(100, 70);
        let mut after: Vec<u8> = before.iter().enumerate().map(|(i, v)| v - (i % 25) as u8).collect();
        let mut found = Vec::new();
        differing_blocks(&luma(&before, 100), &luma(&after, 100), &mut found);
        assert!(found.is_empty());
        ink(&mut after, 100, 40, 20, (2, 12));
        differing_blocks(&luma(&before, 100), &luma(&after, 100), &mut found);
        assert_eq!(found, [9]);
        let bounds = bounds(&luma(&before, 100), &luma(&after, 100), &found);
        assert_eq!(
            bounds,
            Bounds {
                left: 40,
                top: 20,
                right: 42,
                bottom: 32
            }
        );
    }

    #[test]
    fn touching_blocks_are_one_component() {
        let found = components(&[0, 1, 11, 13, 20, 27], 10);
        let blocks: Vec<_> = found.into_iter().map(|part| part.blocks).collect();
        assert_eq!(blocks, [vec![0, 1, 11, 20], vec![13], vec![27]]);
        // The end of a row and the start of the next do not touch.
        assert_eq!(components(&[9, 10], 10).len(), 2);
    }

    #[test]
    fn edges_that_fill_no_block_are_compared() {
        let before = paper(37, 19);
        let mut after = before.clone();
        ink(&mut after, 37, 33, 16, (4, 3));
        let mut found = Vec::new();
        differing_blocks(&luma(&before, 37), &luma(&after, 37), &mut found);
        assert_eq!(found, [5]);
        assert!(block_differs(&luma(&before, 37), &luma(&after, 37), 5));
    }
}
