//! Motion of blocks: what it may be, and how it is told (sections 6.4.20 and 6.4.22).

use super::arithmetic::Arithmetic;
use super::probabilities::Probabilities;

/// Down and across, in eighths of a pixel.
pub type Vector = [i16; 2];

/// What a block of 8x8 is predicted from, and with which motion, in one number, since a picture has many.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Motion(u32);

/// From its own picture.
pub const NONE: Motion = Motion(0);
/// It was not read.
pub const UNKNOWN: Motion = Motion(1);

impl Motion {
    /// None if it reaches further than is allowed.
    pub fn new(reference: u8, vector: Vector) -> Option<Self> {
        const FURTHEST: u16 = 1 << 14;
        if vector.iter().any(|part| part.unsigned_abs() >= FURTHEST) {
            return None;
        }
        let [down, across] = vector.map(|part| u32::from(part.cast_unsigned() & 0x7fff));
        Some(Self(u32::from(reference) << 30 | down << 15 | across))
    }

    /// 1 to 3 for another picture.
    pub fn reference(self) -> Option<u8> {
        Some((self.0 >> 30) as u8).filter(|reference| *reference > 0)
    }

    pub fn vector(self) -> Vector {
        [self.0 >> 15, self.0].map(|part| ((part << 1) as u16).cast_signed() >> 1)
    }
}

/// Where candidates for a block's motion are looked for, nearest first, by the block's size: rows down and columns across, in
/// blocks of 8x8.
pub const AROUND: [[(isize, isize); 8]; 13] = [
    SMALL,
    SMALL,
    SMALL,
    SMALL,
    [
        (0, -1),
        (-1, 0),
        (1, -1),
        (-1, -1),
        (0, -2),
        (-2, 0),
        (-2, -1),
        (-1, -2),
    ],
    [
        (-1, 0),
        (0, -1),
        (-1, 1),
        (-1, -1),
        (-2, 0),
        (0, -2),
        (-1, -2),
        (-2, -1),
    ],
    [(-1, 0), (0, -1), (-1, 1), (1, -1), (-1, -1), (-3, 0), (0, -3), (-3, -3)],
    [(0, -1), (-1, 0), (2, -1), (-1, -1), (-1, 1), (0, -3), (-3, 0), (-3, -3)],
    [(-1, 0), (0, -1), (-1, 2), (-1, -1), (1, -1), (-3, 0), (0, -3), (-3, -3)],
    [(-1, 1), (1, -1), (-1, 2), (2, -1), (-1, -1), (-3, 0), (0, -3), (-3, -3)],
    [(0, -1), (-1, 0), (4, -1), (-1, 2), (-1, -1), (0, -3), (-3, 0), (2, -1)],
    [(-1, 0), (0, -1), (-1, 4), (2, -1), (-1, -1), (-3, 0), (0, -3), (-1, 2)],
    [(-1, 3), (3, -1), (-1, 4), (4, -1), (-1, -1), (-1, 0), (0, -1), (-1, 6)],
];
const SMALL: [(isize, isize); 8] = [
    (-1, 0),
    (0, -1),
    (-1, -1),
    (-2, 0),
    (0, -2),
    (-2, -1),
    (-1, -2),
    (-2, -2),
];

/// Up to two different vectors.
#[derive(Clone, Copy, Default)]
pub struct Candidates {
    pub list: [Vector; 2],
    pub count: usize,
}

impl Candidates {
    pub fn add(&mut self, vector: Vector) {
        if self.count == 0 || (self.count == 1 && self.list[0] != vector) {
            self.list[self.count] = vector;
            self.count += 1;
        }
    }
}

/// Whether a vector is short enough for eighths.
fn short(vector: Vector) -> bool {
    vector.iter().all(|part| part.unsigned_abs() < 64)
}

/// A vector without its eighths where those are not told.
pub fn lowered(vector: Vector, precise: bool) -> Vector {
    if precise && short(vector) {
        return vector;
    }
    vector.map(|part| if part & 1 == 0 { part } else { part - part.signum() })
}

const JOINTS: [[i8; 2]; 3] = [[0, 1], [-1, 2], [-2, -3]];
const CLASSES: [[i8; 2]; 10] = [
    [0, 1],
    [-1, 2],
    [3, 4],
    [-2, -3],
    [5, 6],
    [-4, -5],
    [-6, 7],
    [8, 9],
    [-7, -8],
    [-9, -10],
];

/// Reads how a vector differs from its best candidate.
pub fn read(reader: &mut Arithmetic<'_>, probabilities: &Probabilities, best: Vector, precise: bool) -> Vector {
    let precise = precise && short(best);
    let joint = reader.tree(&JOINTS, &probabilities.motion_joints);
    let mut vector = best;
    if joint & 2 != 0 {
        vector[0] = vector[0].wrapping_add(part(reader, &probabilities.motion[0], precise));
    }
    if joint & 1 != 0 {
        vector[1] = vector[1].wrapping_add(part(reader, &probabilities.motion[1], precise));
    }
    vector
}

fn part(reader: &mut Arithmetic<'_>, p: &[u8; 33], precise: bool) -> i16 {
    let (classes, zero, bits) = (&p[1..11], p[11], &p[12..22]);
    let negative = reader.flag(p[0]);
    let class = reader.tree(&CLASSES, classes);
    let (whole, fraction, last, smallest) = if class == 0 {
        let whole = reader.bit(zero);
        (whole, &p[22 + 3 * whole..25 + 3 * whole], p[31], 0)
    } else {
        let whole = bits[..class]
            .iter()
            .enumerate()
            .fold(0, |sum, (i, bit)| sum | reader.bit(*bit) << i);
        (whole, &p[28..31], p[32], 2 << (class + 2))
    };
    let fraction = reader.tree(&JOINTS, fraction);
    let last = if precise { reader.bit(last) } else { 1 };
    let size = (smallest + (whole << 3 | fraction << 1 | last) + 1) as i16;
    if negative { -size } else { size }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn motion_is_one_number_and_back() {
        for vector in [[0, 0], [-1, 1], [16_383, -16_383], [-8, 255]] {
            for reference in 1..=3 {
                let motion = Motion::new(reference, vector).unwrap();
                assert_eq!((motion.reference(), motion.vector()), (Some(reference), vector));
            }
        }
        assert_eq!(Motion::new(1, [0, -16_384]), None);
        assert_eq!((NONE.reference(), UNKNOWN.reference()), (None, None));
        assert_ne!(NONE, UNKNOWN);
        assert_eq!(Motion::new(0, [0, 0]), Some(NONE));
    }
}
