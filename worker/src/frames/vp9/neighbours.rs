//! What is remembered of the blocks above and beside the one that is read.

use super::blocks::NEAREST;
use super::motion::Vector;

/// What of a block is of use to those below it and to its right.
#[derive(Clone, Copy)]
#[repr(align(8))]
pub struct Neighbour {
    pub skip: bool,
    pub reference: u8,
    pub tx: u8,
    pub mode: u8,
    pub filter: u8,
    /// Whether its parts have motion of their own.
    pub parted: bool,
}

const NOBODY: Neighbour = Neighbour {
    skip: false,
    reference: 0,
    tx: 0,
    mode: NEAREST,
    filter: 0,
    parted: false,
};

/// The blocks above the ones to come.
pub struct Above {
    pub partition: Vec<u8>,
    pub blocks: Vec<Neighbour>,
    /// The motion of the parts of those that are parted.
    pub parts: Vec<[Vector; 4]>,
    /// Of each plane and square of 64 a bit for each 4 samples: whether there are coefficients.
    pub nonzero: [Vec<u16>; 3],
}

impl Above {
    /// For so many columns of 8x8, and what of the last square of 64 lies beyond.
    pub fn new(columns: usize) -> Self {
        let padded = columns.next_multiple_of(8) + 8;
        Self {
            partition: vec![0; padded],
            blocks: vec![NOBODY; padded],
            parts: vec![[[0; 2]; 4]; padded],
            nonzero: [(); 3].map(|()| vec![0; padded / 8]),
        }
    }
}

/// The blocks to the left, in a square of 64.
pub struct Beside {
    pub partition: [u8; 8],
    pub blocks: [Neighbour; 8],
    pub parts: [[Vector; 4]; 8],
    pub nonzero: [u16; 3],
}

impl Default for Beside {
    fn default() -> Self {
        Self {
            partition: [0; 8],
            blocks: [NOBODY; 8],
            parts: [[[0; 2]; 4]; 8],
            nonzero: [0; 3],
        }
    }
}
