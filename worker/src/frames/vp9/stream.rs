//! A stream, packet by packet: which pictures can be made of the one before, and what a decoder must be told that did not see
//! them.
//!
//! A decoder remembers of its packets three things: pictures, probabilities and the motion of the last picture. Pictures are
//! changed in its own memory. The probabilities are told to it by another compressed header of the next packet that it is
//! given, and that packet is chosen so that it means the same whatever moved before.

use std::rc::Rc;

use super::arithmetic::Arithmetic;
use super::blocks::{Before, Left, Picture};
use super::edits::Edits;
use super::header::Header;
use super::motion::{self, Motion};
use super::probabilities::{Probabilities, TxMode};

/// Packets up to this size are read here. Larger ones change so much that ffmpeg's decoder, which works on many samples at once,
/// is faster.
const SMALL_BYTES: usize = 4000;

/// What a reader of packets remembers.
#[derive(Clone)]
struct Memory {
    probabilities: Rc<Probabilities>,
    /// By blocks of 8x8.
    motion: Rc<Vec<Motion>>,
}

/// A stream of packets without a loop filter.
pub struct Stream {
    /// `(width, height)` of its pictures; none before the first key frame, and after what is not understood, up to the next.
    size: Option<(u32, u32)>,
    ours: Memory,
    theirs: Memory,
    /// Which picture lies where.
    slots: [u32; 8],
    /// The latest picture that a decoder made.
    latest: u32,
    /// Memory for the next picture's motion.
    spare: Vec<Motion>,
    /// Larger pictures are not looked at.
    max_pixels: u64,
}

/// A packet.
pub enum Look {
    /// Its picture can be made of the one before.
    Small(Box<Small>),
    /// It starts afresh: nothing before it is referred to any more.
    Key,
    /// It is left to the decoder.
    Other,
}

/// What makes a picture of the one before.
pub struct Small {
    edits: Edits,
    /// Numbers of the pictures that it changes or takes from: the one before and two others.
    references: [u32; 3],
    /// Pictures that become the same.
    copies: Vec<u32>,
    header: Header,
    tx_mode: TxMode,
    /// What it is read with.
    probabilities: Rc<Probabilities>,
    /// Whether it would be another picture after the motion that the decoder remembers.
    depends: bool,
}

impl Small {
    pub fn edits(&self) -> &Edits {
        &self.edits
    }

    pub fn references(&self) -> [u32; 3] {
        self.references
    }

    pub fn copies(&self) -> &[u32] {
        &self.copies
    }
}

impl Stream {
    pub fn new(max_pixels: u64) -> Self {
        let nothing = Memory {
            probabilities: Rc::default(),
            motion: Rc::default(),
        };
        Self {
            size: None,
            ours: nothing.clone(),
            theirs: nothing,
            slots: [0; 8],
            latest: 0,
            spare: Vec::new(),
            max_pixels,
        }
    }

    /// Looks at the next packet. `there` tells which pictures are at hand.
    pub fn look(&mut self, packet: &[u8], there: impl Fn(u32) -> bool) -> Look {
        if let Some(look) = self.read(packet, there) {
            look
        } else {
            self.lose();
            Look::Other
        }
    }

    /// What follows cannot be read up to the next key frame.
    pub fn lose(&mut self) {
        self.size = None;
    }

    /// A packet is given to the decoder as it is. Answers with the number of its picture.
    pub fn given(&mut self, packet: &[u8]) -> u32 {
        self.latest += 1;
        let refreshes = Header::read(packet, self.size).map_or(0xff, |header| header.refreshes);
        for (slot, number) in self.slots.iter_mut().enumerate() {
            if refreshes >> slot & 1 == 1 {
                *number = self.latest;
            }
        }
        self.latest
    }

    #[cfg(test)]
    pub fn given_so_far(&self) -> usize {
        self.latest as usize
    }

    /// The decoder has now been given everything up to the last packet looked at.
    pub fn caught_up(&mut self) {
        self.theirs = self.ours.clone();
    }

    /// Whether a picture may still be referred to.
    pub fn holds(&self, number: u32) -> bool {
        self.slots.contains(&number)
    }

    /// The packet for a decoder that was not given those before. None if that cannot be.
    pub fn rewritten(&self, small: &Small, packet: &[u8]) -> Option<Vec<u8>> {
        if small.depends || !small.header.refreshes_context {
            return None;
        }
        let header = &small.header;
        let before = (*self.theirs.probabilities).clone();
        let compressed = small.probabilities.written(before, &small.header, small.tx_mode)?;
        let length = u16::try_from(compressed.len()).ok()?;
        let mut rewritten = packet.get(..header.bytes)?.to_vec();
        for bit in 0..16 {
            let at = header.compressed_bytes_at + bit;
            let mask = 0x80 >> (at % 8);
            let byte = rewritten.get_mut(at / 8)?;
            *byte = if length >> (15 - bit) & 1 == 1 {
                *byte | mask
            } else {
                *byte & !mask
            };
        }
        rewritten.extend(compressed);
        rewritten.extend_from_slice(packet.get(header.bytes + header.compressed_bytes..)?);
        Some(rewritten)
    }

    /// None for what is not understood.
    fn read(&mut self, packet: &[u8], there: impl Fn(u32) -> bool) -> Option<Look> {
        const SEVERAL_FRAMES: u8 = 0b110;
        if packet.last()? >> 5 == SEVERAL_FRAMES {
            return None;
        }
        let header = Header::read(packet, self.size)?;
        let strange = header.profile != 0
            || header.shows_existing
            || header.intra_only
            || !header.shown
            || header.error_resilient
            || header.adapts
            || header.compound
            || header.segments
            || header.context != 0
            || header.tile_rows_log2 != 0;
        if strange || (!header.key && header.size.is_some_and(|told| Some(told) != self.size)) {
            return None;
        }
        let compressed = packet.get(header.bytes..)?.get(..header.compressed_bytes)?;
        let mut reader = Arithmetic::new(compressed)?;
        if header.key {
            let (width, height) = header.size?;
            if u64::from(width) * u64::from(height) > self.max_pixels {
                return None;
            }
            self.size = header.size;
            let mut probabilities = Probabilities::default();
            probabilities.read(&mut reader, &header);
            let probabilities = if header.refreshes_context {
                Rc::new(probabilities)
            } else {
                Rc::default()
            };
            let motion = Rc::new(vec![
                motion::NONE;
                width.div_ceil(8) as usize * height.div_ceil(8) as usize
            ]);
            self.ours = Memory { probabilities, motion };
            return Some(Look::Key);
        }
        let (width, height) = self.size?;
        let size = (width as usize, height as usize);
        let mut probabilities = (*self.ours.probabilities).clone();
        let tx_mode = probabilities.read(&mut reader, &header);
        if reader.is_at_the_end() {
            return None;
        }
        let probabilities = Rc::new(probabilities);
        let tiles = packet.get(header.bytes + header.compressed_bytes..)?;
        let before = Before {
            probabilities: &probabilities,
            motion: &self.ours.motion,
            other: &self.theirs.motion,
        };
        let spare = std::mem::take(&mut self.spare);
        let picture = |spare| Picture::new(&header, tx_mode, size, before, spare);
        let found = if packet.len() <= SMALL_BYTES && !header.lossless() {
            match picture(spare)?.read(tiles, header.tile_columns_log2) {
                Ok(found) => Some(found),
                Err(Left::Unknown) => None,
                Err(Left::Strange) => return None,
            }
        } else {
            None
        };
        let (look, motion) = match found {
            Some(found) if !self.may_edit(&header, &there) => (Look::Other, found.motion),
            Some(found) => {
                let [last, ..] = header.references;
                let copies = (0..8).filter(|slot| *slot != last && header.refreshes >> slot & 1 == 1);
                let small = Small {
                    edits: found.edits,
                    references: header.references.map(|slot| self.slots[slot]),
                    copies: copies.map(|slot| self.slots[slot]).collect(),
                    tx_mode,
                    probabilities: probabilities.clone(),
                    depends: found.depends,
                    header: header.clone(),
                };
                (Look::Small(Box::new(small)), found.motion)
            }
            None => (
                Look::Other,
                picture(Vec::new())?.first_squares(tiles, header.tile_columns_log2),
            ),
        };
        if header.refreshes_context {
            self.ours.probabilities = probabilities;
        }
        let gone = std::mem::replace(&mut self.ours.motion, Rc::new(motion));
        self.spare = Rc::try_unwrap(gone).unwrap_or_default();
        Some(look)
    }

    /// Whether the picture before may be changed in place: nothing else is that picture, and what is taken from others is there.
    fn may_edit(&self, header: &Header, there: impl Fn(u32) -> bool) -> bool {
        let alone = |slot: usize| self.slots.iter().filter(|number| **number == self.slots[slot]).count() == 1;
        let [last, ..] = header.references;
        let before = self.slots[last];
        header.filter_level == 0
            // The one made last: what is not seen yet was made of it, too.
            && before == self.latest
            && header.references[1..].iter().all(|slot| self.slots[*slot] != before)
            && header.refreshes >> last & 1 == 1
            && (0..8)
                .filter(|slot| header.refreshes >> slot & 1 == 1)
                .all(|slot| alone(slot) && there(self.slots[slot]))
            && header.references.iter().all(|slot| there(self.slots[*slot]))
    }
}
