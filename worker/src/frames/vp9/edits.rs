//! What a picture changes of the one before, and making it so.

use super::super::grid::BLOCK;
use super::super::plane::Plane;
use super::predict::{self, Edges};
use super::transform;

/// Something that changes samples.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Edit {
    /// 0 is luma.
    pub plane: usize,
    /// In samples of the plane.
    pub x: usize,
    pub y: usize,
    pub what: What,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub enum What {
    /// Another place, down and across in sixteenths, of a reference: 1 is the picture before, 2 and 3 are others.
    Move {
        reference: u8,
        vector: [i32; 2],
        filter: u8,
        width: usize,
        height: usize,
    },
    /// Predicted from its neighbours; the side is 4 << `size`.
    Predict { mode: u8, size: usize, edges: Edges },
    /// Coefficients are added.
    Add {
        size: usize,
        kind: u8,
        from: usize,
        to: usize,
    },
}

/// Everything that a picture changes, in its order.
#[derive(Debug, Default)]
pub struct Edits {
    pub edits: Vec<Edit>,
    /// Position and value.
    pub coefficients: Vec<(u16, i32)>,
}

/// A picture in the memory of a decoder, 4:2:0 with 8 bits.
pub struct PictureMut<'a> {
    pub planes: [PlaneMut<'a>; 3],
}

pub struct PlaneMut<'a> {
    pub data: &'a mut [u8],
    pub stride: usize,
    pub width: usize,
    pub height: usize,
    /// Width and height in whole blocks of 8x8, that may reach beyond what is seen.
    pub whole: (usize, usize),
}

impl PlaneMut<'_> {
    fn read(&self) -> Plane<'_> {
        Plane {
            data: self.data,
            stride: self.stride,
            width: self.width,
            height: self.height,
        }
    }
}

impl Edits {
    /// Makes the picture of the one before. `others` are the second and third reference.
    pub fn apply(&self, picture: &mut PictureMut<'_>, others: [[Plane<'_>; 3]; 2]) {
        // What moves is read before anything is written: it may come from where something else goes.
        let mut moved = Vec::new();
        for edit in &self.edits {
            if let What::Move {
                reference,
                vector,
                filter,
                width,
                height,
            } = edit.what
            {
                let source = match reference {
                    1 => picture.planes[edit.plane].read(),
                    other => others[usize::from(other) - 2][edit.plane],
                };
                predict::from_elsewhere(
                    source,
                    (edit.x, edit.y),
                    vector,
                    usize::from(filter),
                    (width, height),
                    &mut moved,
                );
            }
        }
        let mut taken = 0;
        for edit in &self.edits {
            let PlaneMut {
                data, stride, whole, ..
            } = &mut picture.planes[edit.plane];
            let (stride, whole) = (*stride, *whole);
            let start = edit.y * stride + edit.x;
            match edit.what {
                What::Move { width, height, .. } => {
                    for (line, samples) in moved[taken..taken + width * height].chunks(width).enumerate() {
                        data[start + line * stride..][..width].copy_from_slice(samples);
                    }
                    taken += width * height;
                }
                What::Predict { mode, size, edges } => {
                    predict::from_neighbours(mode, size, edges, data, stride, whole, (edit.x, edit.y));
                }
                What::Add { size, kind, from, to } => {
                    transform::add(
                        &self.coefficients[from..to],
                        size,
                        kind,
                        &mut data[start..],
                        stride,
                        (whole.0 - edit.x, whole.1 - edit.y),
                    );
                }
            }
        }
    }

    /// The blocks that are compared, row by row, of a picture of this size, whose luma may change, in ascending order.
    pub fn touched(&self, (width, height): (usize, usize)) -> Vec<u32> {
        let (columns, rows) = (width.div_ceil(BLOCK), height.div_ceil(BLOCK));
        let mut touched = Vec::new();
        let seen = |edit: &&Edit| edit.plane == 0 && edit.x < width && edit.y < height;
        for edit in self.edits.iter().filter(seen) {
            let (wide, high) = match edit.what {
                What::Move { width, height, .. } => (width, height),
                What::Predict { size, .. } | What::Add { size, .. } => (4 << size, 4 << size),
            };
            for row in edit.y / BLOCK..(edit.y + high).div_ceil(BLOCK).min(rows) {
                for column in edit.x / BLOCK..(edit.x + wide).div_ceil(BLOCK).min(columns) {
                    touched.push((row * columns + column) as u32);
                }
            }
        }
        touched.sort_unstable();
        touched.dedup();
        touched
    }
}
