//! From which picture a block comes, and how far away (sections 6.4.18 to 6.4.20 and 6.4.22).

use super::arithmetic::Arithmetic;
use super::blocks::{Block, HEIGHT, Left, NEAR, NEAREST, NEW, Picture, WIDTH, ZERO};
use super::motion::{self, AROUND, Candidates, Motion, UNKNOWN, Vector};
use super::neighbours::Beside;

impl Picture<'_> {
    /// The motion of a block of 8x8 or more.
    pub fn vector(
        &mut self,
        reader: &mut Arithmetic<'_>,
        block: &Block,
        reference: u8,
        mode: u8,
    ) -> Result<Vector, Left> {
        if mode == ZERO {
            return Ok([0; 2]);
        }
        let wanted = if mode == NEAR { 2 } else { 1 };
        let list = self.candidates(block, reference, wanted, None)?;
        let best = motion::lowered(list[wanted - 1], self.precise);
        Ok(if mode == NEW {
            motion::read(reader, self.probabilities, best, self.precise)
        } else {
            best
        })
    }

    /// The motion of a part of a block of 8x8.
    pub fn small_vector(
        &mut self,
        reader: &mut Arithmetic<'_>,
        beside: &Beside,
        block: &Block,
        (reference, mode): (u8, u8),
        (sub, vectors): (usize, &[Vector; 4]),
    ) -> Result<Vector, Left> {
        if mode == ZERO || mode == NEW {
            return self.vector(reader, block, reference, mode);
        }
        // Its own parts before it are the nearest.
        let own: &[usize] = match sub {
            0 => &[],
            3 => &[2, 1, 0],
            _ => &[0],
        };
        if mode == NEAREST
            && let [first, ..] = own
        {
            return Ok(vectors[*first]);
        }
        let (column, row) = (block.column, block.row % 8);
        let neighbours = [
            self.above.blocks[column].parted.then(|| self.above.parts[column]),
            beside.blocks[row].parted.then(|| beside.parts[row]),
        ];
        let list = self.candidates(
            block,
            reference,
            if mode == NEAR { 2 } else { 1 },
            Some((sub, neighbours)),
        )?;
        let Some((first, rest)) = own.split_first() else {
            return Ok(list[usize::from(mode - NEAREST)]);
        };
        let rest = rest.iter().map(|sub| vectors[*sub]);
        Ok(rest
            .chain(list)
            .find(|vector| *vector != vectors[*first])
            .unwrap_or_default())
    }

    /// The first so many different vectors that neighbours and the picture before suggest. `sub`: for which part of a block of
    /// 8x8, and the parts of the neighbours above and beside.
    fn candidates(
        &mut self,
        block: &Block,
        reference: u8,
        wanted: usize,
        sub: Option<(usize, [Option<[Vector; 4]>; 2])>,
    ) -> Result<[Vector; 2], Left> {
        /// Of a neighbour beside and above, the part next to a part.
        const NEXT: [[usize; 2]; 4] = [[1, 2], [1, 3], [3, 2], [3, 3]];
        let mut found = Candidates::default();
        let mut neighbours = [UNKNOWN; 8];
        for (index, (down, across)) in AROUND[block.size].into_iter().enumerate() {
            let (Some(r), Some(c)) = (
                block.row.checked_add_signed(down),
                block.column.checked_add_signed(across),
            ) else {
                continue;
            };
            if r >= self.rows || c < self.tile.0 || c >= self.tile.1 {
                continue;
            }
            let motion = self.field[r * self.columns + c];
            neighbours[index] = motion;
            if motion.reference() == Some(reference) {
                found.add(match sub {
                    Some((sub, parts)) if index < 2 => {
                        let above = usize::from(across == 0);
                        parts[1 - above].map_or(motion.vector(), |parts| parts[NEXT[sub][above]])
                    }
                    _ => motion.vector(),
                });
                if found.count == wanted {
                    break;
                }
            }
        }
        if found.count < wanted {
            let at = block.row * self.columns + block.column;
            let before = self.before[at];
            if before == UNKNOWN {
                return Err(Left::Unknown);
            }
            let with = |before: Motion| {
                let mut found = found;
                if before.reference() == Some(reference) {
                    found.add(before.vector());
                }
                for other in neighbours.iter().chain([&before]) {
                    if other.reference().is_some_and(|other| other != reference) {
                        found.add(other.vector());
                    }
                }
                found
            };
            let other = self.other.get(at).copied().unwrap_or(UNKNOWN);
            if other != before {
                self.depends |= other == UNKNOWN || with(other).list[..wanted] != with(before).list[..wanted];
            }
            found = with(before);
        }
        // No further than two small blocks beyond the picture.
        let (wide, high) = ((1 << WIDTH[block.size]) / 2, (1 << HEIGHT[block.size]) / 2);
        let bounds = |at: usize, size: usize, end: usize| {
            let (at, size, end) = (at as i32, size.max(1) as i32, end as i32);
            (-(at * 64) - 128, (end - size - at) * 64 + 128)
        };
        let (top, bottom) = bounds(block.row, high, self.rows);
        let (left, right) = bounds(block.column, wide, self.columns);
        let clamped = |value: i16, (least, most): (i32, i32)| i32::from(value).clamp(least.min(most), most) as i16;
        Ok(found
            .list
            .map(|[down, across]| [clamped(down, (top, bottom)), clamped(across, (left, right))]))
    }

    /// Which of the three references (1 to 3) a block is predicted from.
    pub fn reference(
        &self,
        reader: &mut Arithmetic<'_>,
        beside: &Beside,
        intra: (Option<bool>, Option<bool>),
        column: usize,
        r: usize,
    ) -> u8 {
        const LAST: u8 = 1;
        const GOLDEN: u8 = 2;
        let p = &self.probabilities.single_reference;
        let (a, l) = (self.above.blocks[column].reference, beside.blocks[r].reference);
        let one = |is: bool| usize::from(is);
        let context = match intra {
            (Some(true) | None, Some(true) | None) => 2,
            (Some(false), Some(false)) => 2 * one(a == LAST) + 2 * one(l == LAST),
            (Some(false), _) => 4 * one(a == LAST),
            (_, Some(false)) => 4 * one(l == LAST),
        };
        if !reader.flag(p[context][0]) {
            return 1;
        }
        let context = match intra {
            (Some(true) | None, Some(true) | None) => 2,
            (Some(false), Some(false)) => match (a == LAST, l == LAST) {
                (true, true) => 3,
                (true, false) => 4 * one(l == GOLDEN),
                (false, true) => 4 * one(a == GOLDEN),
                (false, false) => 2 * one(a == GOLDEN) + 2 * one(l == GOLDEN),
            },
            (Some(false), Some(true)) => {
                if a == LAST {
                    3
                } else {
                    4 * one(a == GOLDEN)
                }
            }
            (Some(true), Some(false)) => {
                if l == LAST {
                    3
                } else {
                    4 * one(l == GOLDEN)
                }
            }
            (Some(false), None) => {
                if a == LAST {
                    2
                } else {
                    4 * one(a == GOLDEN)
                }
            }
            (None, Some(false)) => {
                if l == LAST {
                    2
                } else {
                    4 * one(l == GOLDEN)
                }
            }
        };
        2 + reader.bit(p[context][1]) as u8
    }
}
