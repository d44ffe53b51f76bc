//! What becomes of a block: where it comes from, and the coefficients that are added (sections 6.4.21 to 6.4.23).

use super::arithmetic::Arithmetic;
use super::blocks::{BLOCK_8X8, Beside, Block, HEIGHT, Picture, WIDTH};
use super::coefficients::{self, Transform};
use super::edits::{Edit, What};
use super::motion::Vector;
use super::predict::Edges;

/// The transform of luma that goes with an intra mode: 1 has a vertical sine, 2 a horizontal one.
const TRANSFORMS: [u8; 13] = [0, 1, 2, 0, 3, 1, 2, 2, 1, 3, 0, 0, 0];

/// How a block is predicted.
pub struct Predicted {
    pub inter: bool,
    pub skip: bool,
    pub tx: usize,
    pub reference: u8,
    pub modes: [u8; 4],
    pub uv_mode: u8,
    pub vectors: [Vector; 4],
    pub filter: u8,
}

impl Picture<'_> {
    /// Predictions and coefficients of a block, plane by plane. Whether it had no coefficients.
    pub fn residual(&mut self, reader: &mut Arithmetic<'_>, beside: &mut Beside, block: &Block, of: &Predicted) -> bool {
        let Block { size, row, column } = *block;
        let (wide, high) = ((1 << WIDTH[size]).max(2), (1 << HEIGHT[size]).max(2));
        let mut empty = true;
        for plane in 0..3 {
            let half = usize::from(plane > 0);
            let (wide, high): (usize, usize) = (wide >> half, high >> half);
            // In units of 4 pixels of the plane.
            let (left, top) = (column * 2 >> half, row * 2 >> half);
            let (end_x, end_y) = (self.columns * 2 >> half, self.rows * 2 >> half);
            let beside_at = top % (16 >> half);
            if of.inter {
                self.moves(plane, (left, top), (wide.min(end_x - left), high.min(end_y - top)), size < BLOCK_8X8, of);
            }
            if of.skip {
                self.above.nonzero[plane][left..left + wide].fill(0);
                beside.nonzero[plane][beside_at..beside_at + high].fill(0);
                if of.inter {
                    continue;
                }
            }
            let tx = if plane == 0 { of.tx } else {
                let most = if size < BLOCK_8X8 { 0 } else { wide.min(high).ilog2() as usize };
                of.tx.min(most)
            };
            let step = 1 << tx;
            for y in (0..high).step_by(step) {
                for x in (0..wide).step_by(step) {
                    if left + x >= end_x || top + y >= end_y {
                        continue;
                    }
                    let mode = match (plane, of.inter) {
                        (0, _) if size < BLOCK_8X8 => of.modes[y * 2 + x],
                        (0, _) => of.modes[0],
                        _ => of.uv_mode,
                    };
                    let (at_x, at_y) = ((left + x) * 4, (top + y) * 4);
                    if !of.inter {
                        let what = What::Predict {
                            mode,
                            size: tx,
                            edges: Edges { above: top + y > 0, left: x > 0 || column > self.tile.0, right: x + step < wide },
                        };
                        self.out.edits.push(Edit { plane, x: at_x, y: at_y, what });
                    }
                    if of.skip {
                        continue;
                    }
                    let kind = if plane == 0 && !of.inter && tx < 3 { TRANSFORMS[usize::from(mode)] } else { 0 };
                    let above = &mut self.above.nonzero[plane][left + x..left + x + step];
                    let beside = &mut beside.nonzero[plane][beside_at + y..beside_at + y + step];
                    let context = usize::from(above.iter().any(|n| *n != 0)) + usize::from(beside.iter().any(|n| *n != 0));
                    let from = self.out.coefficients.len();
                    let transform = Transform {
                        probabilities: &self.probabilities.coefficients[tx][half][usize::from(of.inter)],
                        size: tx,
                        kind,
                        context,
                        steps: self.steps[half],
                    };
                    coefficients::read(reader, transform, &mut self.out.coefficients);
                    let to = self.out.coefficients.len();
                    let some = u8::from(to > from);
                    for (index, nonzero) in above.iter_mut().enumerate() {
                        *nonzero = if left + x + index < end_x { some } else { 0 };
                    }
                    for (index, nonzero) in beside.iter_mut().enumerate() {
                        *nonzero = if top + y + index < end_y { some } else { 0 };
                    }
                    if to > from {
                        empty = false;
                        self.out.edits.push(Edit { plane, x: at_x, y: at_y, what: What::Add { size: tx, kind, from, to } });
                    }
                }
            }
        }
        empty
    }

    /// What of a block comes from elsewhere; place and size in units of 4 samples of the plane.
    fn moves(&mut self, plane: usize, (left, top): (usize, usize), (wide, high): (usize, usize), small: bool, of: &Predicted) {
        let mut one = |x: usize, y: usize, width: usize, height: usize, vector: [i32; 2]| {
            if of.reference != 1 || vector != [0; 2] {
                let what = What::Move { reference: of.reference, vector, filter: of.filter, width: width * 4, height: height * 4 };
                self.out.edits.push(Edit { plane, x: x * 4, y: y * 4, what });
            }
        };
        let wide_vector = |vector: Vector| vector.map(i32::from);
        match (plane, small) {
            (0, false) => one(left, top, wide, high, wide_vector(of.vectors[0]).map(|part| part * 2)),
            (_, false) => one(left, top, wide, high, wide_vector(of.vectors[0])),
            (0, true) => {
                for (sub, vector) in of.vectors.iter().enumerate() {
                    one(left + sub % 2, top + sub / 2, 1, 1, wide_vector(*vector).map(|part| part * 2));
                }
            }
            (_, true) => {
                // The mean of the four, halves away from zero.
                let sum = of.vectors.iter().fold([0; 2], |[a, b], [c, d]| [a + i32::from(*c), b + i32::from(*d)]);
                one(left, top, 1, 1, sum.map(|sum: i32| (sum + 2 * sum.signum()) / 4));
            }
        }
    }
}
