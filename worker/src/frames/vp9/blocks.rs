//! The blocks of a picture (section 6.4): how it is divided, and what each is predicted from.

use super::arithmetic::Arithmetic;
use super::edits::Edits;
use super::header::Header;
use super::motion::{Motion, UNKNOWN};
use super::neighbours::{Above, Beside, Neighbour};
use super::probabilities::{Probabilities, TxMode};
use super::residual::Predicted;
use super::tables;

/// Width and height of a block size in pixels of 4, as powers of 2.
pub const WIDTH: [usize; 13] = [0, 0, 1, 1, 1, 2, 2, 2, 3, 3, 3, 4, 4];
pub const HEIGHT: [usize; 13] = [0, 1, 0, 1, 2, 1, 2, 3, 2, 3, 4, 3, 4];
const LARGEST_TX: [usize; 13] = [0, 0, 0, 1, 1, 1, 2, 2, 2, 3, 3, 3, 3];
const SIZE_GROUP: [usize; 13] = [0, 0, 0, 1, 1, 1, 2, 2, 2, 3, 3, 3, 3];
/// What a block leaves above and to the left for the partitions of its neighbours.
const LEFT_ABOVE: [u8; 13] = [15, 15, 14, 14, 14, 12, 12, 12, 8, 8, 8, 0, 0];
const LEFT_BESIDE: [u8; 13] = [15, 14, 15, 14, 12, 14, 12, 8, 12, 8, 0, 8, 0];
pub const BLOCK_8X8: usize = 3;
/// Size by partition (none, across, along, four) and size of the square (8, 16, 32, 64).
const PARTED: [[usize; 4]; 4] = [[3, 6, 9, 12], [2, 5, 8, 11], [1, 4, 7, 10], [0, 3, 6, 9]];

const PARTITIONS: [[i8; 2]; 3] = [[0, 1], [-1, 2], [-2, -3]];
const INTRA_MODES: [[i8; 2]; 9] = [
    [0, 1],
    [-9, 2],
    [-1, 3],
    [4, 6],
    [-2, 5],
    [-4, -5],
    [-3, 7],
    [-8, 8],
    [-6, -7],
];

/// Zero, nearest, near and new.
const INTER_MODES: [[i8; 2]; 3] = [[-2, 1], [0, 2], [-1, -3]];

/// Two neighbours' modes make a context: 0 to 9 intra, then these.
pub const NEAREST: u8 = 10;
pub const NEAR: u8 = 11;
pub const ZERO: u8 = 12;
pub const NEW: u8 = 13;

/// No encoder says so much in a packet that is read here: a bound for what a hostile one may take of memory, 6 MB.
const MOST_EDITS: usize = 1 << 16;

/// Why a picture is left to ffmpeg.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Left {
    /// It depends on the motion of a picture that was not read.
    Unknown,
    /// It is not what an encoder writes, or not what is understood here.
    Strange,
}

/// A picture while it is read.
pub struct Picture<'a> {
    pub probabilities: &'a Probabilities,
    tx_mode: TxMode,
    filter_told: bool,
    filter: u8,
    /// First and other steps, of luma and chroma.
    pub steps: [[i32; 2]; 2],
    pub rows: usize,
    pub columns: usize,
    /// In pixels; blocks of 8x8 may reach beyond.
    pub visible: (usize, usize),
    pub above: Above,
    pub precise: bool,
    pub before: &'a [Motion],
    pub other: &'a [Motion],
    /// The first and last column of the tile.
    pub tile: (usize, usize),
    /// The motion of this picture, as far as it was read.
    pub field: Vec<Motion>,
    /// Whether it would be another picture if the one before had had the other motion.
    pub depends: bool,
    pub out: Edits,
}

/// Place and size, in blocks of 8x8.
#[derive(Clone, Copy)]
pub struct Block {
    pub size: usize,
    pub row: usize,
    pub column: usize,
}

/// What came before a picture.
#[derive(Clone, Copy)]
pub struct Before<'a> {
    pub probabilities: &'a Probabilities,
    /// The motion of the picture before, by blocks of 8x8.
    pub motion: &'a [Motion],
    /// Another such motion: whether it would make another picture is to be told.
    pub other: &'a [Motion],
}

/// A picture that was read.
pub struct Found {
    pub edits: Edits,
    pub motion: Vec<Motion>,
    pub depends: bool,
}

impl<'a> Picture<'a> {
    /// `(width, height)` in pixels; `field` is memory for motion. None if it is of a kind that is left to ffmpeg.
    pub fn new(
        header: &Header,
        tx_mode: TxMode,
        (width, height): (usize, usize),
        before: Before<'a>,
        mut field: Vec<Motion>,
    ) -> Option<Self> {
        let (columns, rows) = (width.div_ceil(8), height.div_ceil(8));
        let step = |table: &[i32; 256], delta: i32| table[(header.quantizer + delta).clamp(0, 255) as usize];
        let [luma_first, chroma_first, chroma_others] = header.quantizer_deltas;
        // In the header smooth comes before regular; bilinear is not understood.
        let filter = match header.interpolation {
            None | Some(1) => 0,
            Some(0) => 1,
            Some(2) => 2,
            Some(_) => return None,
        };
        Some(Self {
            probabilities: before.probabilities,
            tx_mode,
            filter_told: header.interpolation.is_none(),
            filter,
            steps: [
                [step(&tables::DC_QUANTIZER, luma_first), step(&tables::AC_QUANTIZER, 0)],
                [
                    step(&tables::DC_QUANTIZER, chroma_first),
                    step(&tables::AC_QUANTIZER, chroma_others),
                ],
            ],
            rows,
            columns,
            visible: (width, height),
            above: Above::new(columns),
            precise: header.precise_motion,
            before: before.motion,
            other: before.other,
            tile: (0, 0),
            field: {
                field.clear();
                field.resize(rows * columns, UNKNOWN);
                field
            },
            depends: false,
            out: Edits::default(),
        })
    }

    /// Reads the tiles of a picture.
    pub fn read(mut self, data: &[u8], tile_columns_log2: u32) -> Result<Found, Left> {
        for (from, to, mut reader) in self.tiles(data, tile_columns_log2)? {
            self.tile = (from, to);
            for row in (0..self.rows).step_by(8) {
                let mut beside = Beside::default();
                for column in (from..to).step_by(8) {
                    if reader.is_at_the_end() {
                        return Err(Left::Strange);
                    }
                    self.square(&mut reader, &mut beside, 3, row, column)?;
                }
            }
            // ffmpeg refuses what ends too soon, and is to tell.
            if reader.is_at_the_end() {
                return Err(Left::Strange);
            }
        }
        Ok(Found {
            edits: self.out,
            motion: self.field,
            depends: self.depends,
        })
    }

    /// Reads the first square of each tile only, which is all of a picture that motion in the next may depend on without a
    /// neighbour to go by. What was not read stays unknown.
    pub fn first_squares(mut self, data: &[u8], tile_columns_log2: u32) -> Vec<Motion> {
        for (from, to, mut reader) in self.tiles(data, tile_columns_log2).unwrap_or_default() {
            self.tile = (from, to);
            if self.square(&mut reader, &mut Beside::default(), 3, 0, from).is_err() {
                for line in self.field.chunks_mut(self.columns).take(8) {
                    line[from..(from + 8).min(to)].fill(UNKNOWN);
                }
            }
        }
        self.field
    }

    /// First column, column after the last, and what of the data is of each tile.
    fn tiles<'d>(&self, mut data: &'d [u8], log2: u32) -> Result<Vec<(usize, usize, Arithmetic<'d>)>, Left> {
        let tiles = 1_usize << log2;
        let squares = self.columns.div_ceil(8);
        let bound = |tile: usize| (((tile * squares) >> log2) * 8).min(self.columns);
        let mut found = Vec::with_capacity(tiles);
        for tile in 0..tiles {
            let bytes = if tile + 1 == tiles {
                data.len()
            } else {
                let (size, rest) = data.split_first_chunk::<4>().ok_or(Left::Strange)?;
                data = rest;
                u32::from_be_bytes(*size) as usize
            };
            let (own, rest) = data.split_at_checked(bytes).ok_or(Left::Strange)?;
            data = rest;
            found.push((bound(tile), bound(tile + 1), Arithmetic::new(own).ok_or(Left::Strange)?));
        }
        Ok(found)
    }

    /// A square of 8 << `log2` pixels.
    fn square(
        &mut self,
        reader: &mut Arithmetic<'_>,
        beside: &mut Beside,
        log2: usize,
        row: usize,
        column: usize,
    ) -> Result<(), Left> {
        if row >= self.rows || column >= self.columns {
            return Ok(());
        }
        let half = (1 << log2) >> 1;
        let (has_rows, has_columns) = (row + half < self.rows, column + half < self.columns);
        let context = usize::from(self.above.partition[column] >> log2 & 1)
            + 2 * usize::from(beside.partition[row % 8] >> log2 & 1);
        let probabilities = &self.probabilities.partition[log2][context];
        let partition = match (has_rows, has_columns) {
            (true, true) => reader.tree(&PARTITIONS, probabilities),
            (false, true) => 1 + 2 * reader.bit(probabilities[1]),
            (true, false) => 2 + reader.bit(probabilities[2]),
            (false, false) => 3,
        };
        let size = PARTED[partition][log2];
        let block = |row, column| Block { size, row, column };
        if log2 == 0 || partition == 0 {
            self.block(reader, beside, &block(row, column))?;
        } else if partition == 1 {
            self.block(reader, beside, &block(row, column))?;
            if has_rows {
                self.block(reader, beside, &block(row + half, column))?;
            }
        } else if partition == 2 {
            self.block(reader, beside, &block(row, column))?;
            if has_columns {
                self.block(reader, beside, &block(row, column + half))?;
            }
        } else {
            for (down, across) in [(0, 0), (0, half), (half, 0), (half, half)] {
                self.square(reader, beside, log2 - 1, row + down, column + across)?;
            }
        }
        if log2 == 0 || partition != 3 {
            let eights = 1 << log2;
            fill(&mut self.above.partition, column, eights, LEFT_ABOVE[size]);
            fill(&mut beside.partition, row % 8, eights, LEFT_BESIDE[size]);
        }
        Ok(())
    }

    fn block(&mut self, reader: &mut Arithmetic<'_>, beside: &mut Beside, block: &Block) -> Result<(), Left> {
        let Block { size, row, column } = *block;
        let (has_above, has_left) = (row > 0, column > self.tile.0);
        let r = row % 8;
        let p = self.probabilities;
        let (above, left) = (self.above.blocks[column], beside.blocks[r]);
        let context = usize::from(has_above && above.skip) + usize::from(has_left && left.skip);
        let skip = reader.flag(p.skip[context]);
        // Intra above, intra beside: none where there is no neighbour.
        let intra_above = has_above.then_some(above.reference == 0);
        let intra_left = has_left.then_some(left.reference == 0);
        let context = match (intra_above, intra_left) {
            (Some(true), Some(true)) => 3,
            (Some(a), Some(b)) => usize::from(a || b),
            (Some(one), None) | (None, Some(one)) => 2 * usize::from(one),
            (None, None) => 0,
        };
        let inter = reader.flag(p.is_inter[context]);
        let largest = LARGEST_TX[size];
        let tx = if self.tx_mode.select && size >= BLOCK_8X8 && (!skip || !inter) {
            let neighbour =
                |there: bool, skip: bool, tx: u8| there.then_some(if skip { largest } else { usize::from(tx) });
            let a = neighbour(has_above, above.skip, above.tx);
            let l = neighbour(has_left, left.skip, left.tx);
            let sum = match (a, l) {
                (Some(a), Some(l)) => a + l,
                (Some(one), None) | (None, Some(one)) => 2 * one,
                (None, None) => 2 * largest,
            };
            let context = usize::from(sum > largest);
            let probabilities: &[u8] = match largest {
                1 => &p.tx_8[context],
                2 => &p.tx_16[context],
                _ => &p.tx_32[context],
            };
            let mut tx = 0;
            while tx < largest && reader.flag(probabilities[tx]) {
                tx += 1;
            }
            tx
        } else {
            largest.min(self.tx_mode.largest)
        };
        let mut modes = [ZERO; 4];
        let mut uv_mode = 0;
        let mut reference = 0;
        let mut vectors = [[0; 2]; 4];
        let mut filter = self.filter;
        if inter {
            reference = self.reference(reader, beside, (intra_above, intra_left), column, r);
            let across = match size {
                12 => 3,
                9 => 1,
                _ => 0,
            };
            let context = mode_context(self.above.blocks[column + across].mode, beside.blocks[r + across].mode);
            let read_mode =
                |reader: &mut Arithmetic<'_>| NEAREST + reader.tree(&INTER_MODES, &p.inter_mode[context]) as u8;
            if size >= BLOCK_8X8 {
                modes = [read_mode(reader); 4];
            }
            if self.filter_told {
                let a = if intra_above == Some(false) { above.filter } else { 3 };
                let l = if intra_left == Some(false) { left.filter } else { 3 };
                let context = if a == l || a == 3 {
                    l
                } else if l == 3 {
                    a
                } else {
                    3
                };
                let probabilities = &p.interpolation[usize::from(context)];
                filter = if reader.flag(probabilities[0]) {
                    1 + u8::from(reader.flag(probabilities[1]))
                } else {
                    0
                };
            }
            if size >= BLOCK_8X8 {
                vectors = [self.vector(reader, block, reference, modes[0])?; 4];
            } else {
                for y in (0..2).step_by(1 << HEIGHT[size]) {
                    for x in (0..2).step_by(1 << WIDTH[size]) {
                        let sub = y * 2 + x;
                        let mode = read_mode(reader);
                        let vector = self.small_vector(reader, beside, block, (reference, mode), (sub, &vectors))?;
                        for sub in [sub, sub + WIDTH[size], sub + 2 * HEIGHT[size]] {
                            (modes[sub], vectors[sub]) = (mode, vector);
                        }
                    }
                }
            }
        } else {
            if size >= BLOCK_8X8 {
                modes = [reader.tree(&INTRA_MODES, &p.y_mode[SIZE_GROUP[size]]) as u8; 4];
            } else {
                for y in (0..2).step_by(1 << HEIGHT[size]) {
                    for x in (0..2).step_by(1 << WIDTH[size]) {
                        let mode = reader.tree(&INTRA_MODES, &p.y_mode[0]) as u8;
                        let sub = y * 2 + x;
                        for sub in [sub, sub + WIDTH[size], sub + 2 * HEIGHT[size]] {
                            modes[sub] = mode;
                        }
                    }
                }
            }
            uv_mode = reader.tree(&INTRA_MODES, &tables::UV_MODE[usize::from(modes[3])]) as u8;
        }
        let (wide, high) = ((1 << WIDTH[size]) / 2, (1 << HEIGHT[size]) / 2);
        let (wide, high) = (wide.max(1), high.max(1));
        let seen_whole = (column + wide) * 8 <= self.visible.0 && (row + high) * 8 <= self.visible.1;
        let empty = if skip && inter && reference == 1 && vectors == [[0; 2]; 4] && seen_whole {
            self.nothing(beside, block);
            true
        } else {
            self.residual(
                reader,
                beside,
                block,
                &Predicted {
                    inter,
                    skip,
                    tx,
                    reference,
                    modes,
                    uv_mode,
                    vectors,
                    filter,
                },
            )
        };
        if self.out.edits.len() > MOST_EDITS {
            return Err(Left::Strange);
        }
        let skip = skip || (inter && size >= BLOCK_8X8 && empty);
        let end = (column + wide).min(self.columns);
        let motion = Motion::new(reference, vectors[3]).ok_or(Left::Strange)?;
        for line in row..(row + high).min(self.rows) {
            fill(&mut self.field, line * self.columns + column, end - column, motion);
        }
        let parted = inter && size < BLOCK_8X8;
        let own = Neighbour {
            skip,
            reference,
            tx: tx as u8,
            mode: modes[3],
            filter,
            parted,
        };
        fill(&mut self.above.blocks, column, wide, own);
        fill(&mut beside.blocks, r, high, own);
        if parted {
            self.above.parts[column] = vectors;
            beside.parts[r] = vectors;
        }
        Ok(())
    }
}

/// Fills so many places, mostly eight, where calling a function for it takes longer than doing it.
fn fill<T: Copy>(places: &mut [T], from: usize, count: usize, value: T) {
    let places = &mut places[from..from + count];
    if let Ok(eight) = <&mut [T; 8]>::try_from(&mut *places) {
        *eight = [value; 8];
    } else {
        for place in places {
            *place = value;
        }
    }
}

/// The context of an inter mode: of neighbours without motion, those with nearest stand for what is not there.
fn mode_context(above: u8, left: u8) -> usize {
    match (above, left) {
        (0..NEAREST, 0..NEAREST) => 6,
        (0..NEAREST, _) | (_, 0..NEAREST) => 5,
        (NEW, NEW) => 4,
        (NEW, _) | (_, NEW) => 3,
        (ZERO, ZERO) => 0,
        (ZERO, _) | (_, ZERO) => 1,
        _ => 2,
    }
}
