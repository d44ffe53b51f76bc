//! What becomes of a block: where it comes from, and the coefficients that are added (sections 6.4.21 to 6.4.23).

use super::arithmetic::Arithmetic;
use super::blocks::{BLOCK_8X8, Block, HEIGHT, Picture, WIDTH};
use super::coefficients::{self, Transform};
use super::edits::{Edit, What};
use super::motion::Vector;
use super::neighbours::Beside;
use super::predict::Edges;

/// The transform of luma that goes with an intra mode: 1 has a vertical sine, 2 a horizontal one.
const TRANSFORMS: [u8; 13] = [0, 1, 2, 0, 3, 1, 2, 2, 1, 3, 0, 0, 0];

/// A block in a plane, and where the plane ends, in units of 4 samples; and the size of its transforms.
struct Area {
    plane: usize,
    tx: usize,
    left: usize,
    top: usize,
    wide: usize,
    high: usize,
    end_x: usize,
    end_y: usize,
    /// Whether its parts of 4x4 have modes of their own.
    parted: bool,
}

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
    pub fn residual(
        &mut self,
        reader: &mut Arithmetic<'_>,
        beside: &mut Beside,
        block: &Block,
        of: &Predicted,
    ) -> bool {
        let Block { size, row, column } = *block;
        let (wide, high) = ((1 << WIDTH[size]).max(2), (1 << HEIGHT[size]).max(2));
        let mut empty = true;
        for plane in 0..3 {
            let half = usize::from(plane > 0);
            let (wide, high): (usize, usize) = (wide >> half, high >> half);
            // In units of 4 pixels of the plane.
            let (left, top) = ((column * 2) >> half, (row * 2) >> half);
            let (end_x, end_y) = ((self.columns * 2) >> half, (self.rows * 2) >> half);
            if of.inter {
                self.moves(
                    plane,
                    (left, top),
                    (wide.min(end_x - left), high.min(end_y - top)),
                    size < BLOCK_8X8,
                    of,
                );
            }
            let tx = match plane {
                0 => of.tx,
                _ if size < BLOCK_8X8 => 0,
                _ => of.tx.min(wide.min(high).ilog2() as usize),
            };
            let area = Area {
                plane,
                tx,
                left,
                top,
                wide,
                high,
                end_x,
                end_y,
                parted: size < BLOCK_8X8,
            };
            empty &= self.of_plane(reader, beside, &area, of);
        }
        empty
    }

    /// A block that stays as it was.
    pub fn nothing(&mut self, beside: &mut Beside, block: &Block) {
        let bits = |count: usize| (1_u32 << count) - 1;
        for (plane, half) in [(0, 0), (1, 1), (2, 1)] {
            let (wide, high) = (
                (1 << WIDTH[block.size]).max(2) >> half,
                (1 << HEIGHT[block.size]).max(2) >> half,
            );
            let (at_left, at_top) = ((block.column % 8 * 2) >> half, (block.row % 8 * 2) >> half);
            self.above.nonzero[plane][block.column / 8] &= !(bits(wide) << at_left) as u16;
            beside.nonzero[plane] &= !(bits(high) << at_top) as u16;
        }
    }

    /// The same of one plane.
    fn of_plane(&mut self, reader: &mut Arithmetic<'_>, beside: &mut Beside, area: &Area, of: &Predicted) -> bool {
        let Area {
            plane,
            tx,
            left,
            top,
            wide,
            high,
            ..
        } = *area;
        let half = usize::from(plane > 0);
        // Where the block lies on the edges of its square, a bit for each 4 samples.
        let (square, at_left, at_top) = (left / (16 >> half), left % (16 >> half), top % (16 >> half));
        let bits = |count: usize| (1_u32 << count) - 1;
        let mut above = u32::from(self.above.nonzero[plane][square]);
        let mut beside_bits = u32::from(beside.nonzero[plane]);
        if of.skip {
            above &= !(bits(wide) << at_left);
            beside_bits &= !(bits(high) << at_top);
        }
        let mut empty = true;
        if !(of.skip && of.inter) {
            let step = 1 << tx;
            let (wide_inside, high_inside) = (wide.min(area.end_x - left), high.min(area.end_y - top));
            let (inside_x, inside_y) = (
                bits((at_left + wide_inside).min(16)),
                bits((at_top + high_inside).min(16)),
            );
            let probabilities = &self.probabilities.coefficients[tx][half][usize::from(of.inter)];
            let mut y = 0;
            while y < high_inside {
                let down = bits(step) << (at_top + y);
                let mut x = 0;
                while x < wide_inside {
                    let mut kind = 0;
                    if !of.inter {
                        let mode = match plane {
                            0 if area.parted => of.modes[y * 2 + x],
                            0 => of.modes[0],
                            _ => of.uv_mode,
                        };
                        let edges = Edges {
                            above: top + y > 0,
                            left: left + x > (self.tile.0 * 2) >> half,
                            // Of larger squares what is above and to the right does not count.
                            right: tx == 0 && x + step < wide,
                        };
                        self.push(area, x, y, What::Predict { mode, size: tx, edges });
                        if plane == 0 && tx < 3 {
                            kind = TRANSFORMS[usize::from(mode)];
                        }
                    }
                    if !of.skip {
                        let across = bits(step) << (at_left + x);
                        let context = usize::from(above & across != 0) + usize::from(beside_bits & down != 0);
                        above &= !across;
                        beside_bits &= !down;
                        if reader.flag(probabilities[0][context][0]) {
                            let from = self.out.coefficients.len();
                            let transform = Transform {
                                probabilities,
                                size: tx,
                                kind,
                                context,
                                steps: self.steps[half],
                            };
                            coefficients::read(reader, transform, &mut self.out.coefficients);
                            let to = self.out.coefficients.len();
                            above |= across & inside_x;
                            beside_bits |= down & inside_y;
                            empty = false;
                            self.push(
                                area,
                                x,
                                y,
                                What::Add {
                                    size: tx,
                                    kind,
                                    from,
                                    to,
                                },
                            );
                        }
                    }
                    x += step;
                }
                y += step;
            }
        }
        self.above.nonzero[plane][square] = above as u16;
        beside.nonzero[plane] = beside_bits as u16;
        empty
    }

    fn push(&mut self, area: &Area, x: usize, y: usize, what: What) {
        self.out.edits.push(Edit {
            plane: area.plane,
            x: (area.left + x) * 4,
            y: (area.top + y) * 4,
            what,
        });
    }

    /// What of a block comes from elsewhere; place and size in units of 4 samples of the plane.
    fn moves(
        &mut self,
        plane: usize,
        (left, top): (usize, usize),
        (wide, high): (usize, usize),
        small: bool,
        of: &Predicted,
    ) {
        let half = usize::from(plane > 0);
        let (seen_x, seen_y) = ((self.visible.0 + half) >> half, (self.visible.1 + half) >> half);
        let mut push = |x: usize, y: usize, width: usize, height: usize, vector: [i32; 2]| {
            let what = What::Move {
                reference: of.reference,
                vector,
                filter: of.filter,
                width,
                height,
            };
            self.out.edits.push(Edit { plane, x, y, what });
        };
        let mut one = |x: usize, y: usize, width: usize, height: usize, vector: [i32; 2]| {
            let (x, y, width, height) = (x * 4, y * 4, width * 4, height * 4);
            if of.reference != 1 || vector != [0; 2] {
                push(x, y, width, height, vector);
                return;
            }
            // It stays, but beyond what is seen it becomes like the nearest that is, for those who are predicted from it.
            let (beyond_x, beyond_y) = (x.max(seen_x), y.max(seen_y));
            if beyond_x < x + width {
                push(beyond_x, y, x + width - beyond_x, height, vector);
            }
            if beyond_y < y + height {
                push(x, beyond_y, width, y + height - beyond_y, vector);
            }
        };
        let wide_vector = |vector: Vector| vector.map(i32::from);
        match (plane, small) {
            (0, false) => one(left, top, wide, high, wide_vector(of.vectors[0]).map(|part| part * 2)),
            (_, false) => one(left, top, wide, high, wide_vector(of.vectors[0])),
            (0, true) => {
                for (sub, vector) in of.vectors.iter().enumerate() {
                    one(
                        left + sub % 2,
                        top + sub / 2,
                        1,
                        1,
                        wide_vector(*vector).map(|part| part * 2),
                    );
                }
            }
            (_, true) => {
                // The mean of the four, halves away from zero.
                let sum = of
                    .vectors
                    .iter()
                    .fold([0; 2], |[a, b], [c, d]| [a + i32::from(*c), b + i32::from(*d)]);
                one(left, top, 1, 1, sum.map(|sum: i32| (sum + 2 * sum.signum()) / 4));
            }
        }
    }
}
