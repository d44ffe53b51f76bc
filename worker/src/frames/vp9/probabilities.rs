//! What a stream has told of its probabilities (sections 6.3 and 10.5).

use super::arithmetic::{Arithmetic, ArithmeticWriter};
use super::header::Header;
use super::tables;

/// Tokens: transform size, plane (luma or not), prediction (another picture or not), band, context.
pub type Coefficients = [[[[[[u8; 3]; 6]; 6]; 2]; 2]; 4];

/// The probabilities that a picture is read with.
#[derive(Clone, PartialEq, Eq)]
pub struct Probabilities {
    pub tx_8: [[u8; 1]; 2],
    pub tx_16: [[u8; 2]; 2],
    pub tx_32: [[u8; 3]; 2],
    pub coefficients: Box<Coefficients>,
    pub skip: [u8; 3],
    pub inter_mode: [[u8; 3]; 7],
    pub interpolation: [[u8; 2]; 4],
    pub is_inter: [u8; 4],
    pub single_reference: [[u8; 2]; 5],
    pub y_mode: [[u8; 9]; 4],
    pub partition: [[[u8; 3]; 4]; 4],
    pub motion_joints: [u8; 3],
    /// Down and across: sign, ten classes, class 0, ten bits, twice three fractions of class 0, three of the others, and the
    /// last eighth of both.
    pub motion: [[u8; 33]; 2],
}

impl Default for Probabilities {
    fn default() -> Self {
        let mut coefficients: Box<Coefficients> = Box::default();
        let flat = coefficients
            .iter_mut()
            .flatten()
            .flatten()
            .flatten()
            .flatten()
            .flatten();
        for (probability, given) in flat.zip(tables::COEFFICIENTS) {
            *probability = given;
        }
        Self {
            tx_8: tables::TX_8,
            tx_16: tables::TX_16,
            tx_32: tables::TX_32,
            coefficients,
            skip: tables::SKIP,
            inter_mode: tables::INTER_MODE,
            interpolation: tables::INTERPOLATION,
            is_inter: tables::IS_INTER,
            single_reference: tables::SINGLE_REFERENCE,
            y_mode: tables::Y_MODE,
            partition: tables::PARTITION,
            motion_joints: tables::MOTION_JOINTS,
            motion: tables::MOTION,
        }
    }
}

/// How large transforms are: a size for all, or told block by block.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct TxMode {
    pub largest: usize,
    pub select: bool,
}

/// The chance, in 256ths, that a probability stays as it is.
const STAYS: u8 = 252;

/// Probabilities that are told together.
struct Section<'a> {
    /// One bit says whether any of them changes.
    optional: bool,
    /// Told as they are, not as differences.
    plain: bool,
    probabilities: Vec<&'a mut u8>,
}

impl Probabilities {
    /// What a compressed header may tell, in its order.
    fn sections(&mut self, header: &Header, mode: TxMode) -> Vec<Section<'_>> {
        let mut sections = Vec::with_capacity(12);
        let section = |probabilities| Section {
            optional: false,
            plain: false,
            probabilities,
        };
        if mode.select {
            let sizes = self.tx_8.as_flattened_mut().iter_mut();
            let sizes = sizes
                .chain(self.tx_16.as_flattened_mut())
                .chain(self.tx_32.as_flattened_mut());
            sections.push(section(sizes.collect()));
        }
        for size in &mut self.coefficients[..=mode.largest] {
            let bands = size.as_flattened_mut().as_flattened_mut().iter_mut().enumerate();
            // The first of six bands has three contexts.
            let used =
                bands.flat_map(|(band, contexts)| contexts[..if band % 6 == 0 { 3 } else { 6 }].as_flattened_mut());
            sections.push(Section {
                optional: true,
                plain: false,
                probabilities: used.collect(),
            });
        }
        let mut others: Vec<&mut u8> = self.skip.iter_mut().collect();
        if header.key {
            sections.push(section(others));
            return sections;
        }
        others.extend(self.inter_mode.as_flattened_mut());
        if header.interpolation.is_none() {
            others.extend(self.interpolation.as_flattened_mut());
        }
        others.extend(&mut self.is_inter);
        others.extend(self.single_reference.as_flattened_mut());
        others.extend(self.y_mode.as_flattened_mut());
        others.extend(self.partition.as_flattened_mut().as_flattened_mut());
        sections.push(section(others));
        let mut motion: Vec<&mut u8> = self.motion_joints.iter_mut().collect();
        let [down, across] = &mut self.motion;
        let (down, down_last) = down.split_at_mut(31);
        let (across, across_last) = across.split_at_mut(31);
        let (down, down_fractions) = down.split_at_mut(22);
        let (across, across_fractions) = across.split_at_mut(22);
        for part in [down, across, down_fractions, across_fractions] {
            motion.extend(part);
        }
        if header.precise_motion {
            motion.extend(down_last);
            motion.extend(across_last);
        }
        sections.push(Section {
            optional: false,
            plain: true,
            probabilities: motion,
        });
        sections
    }

    /// Reads the compressed header of a picture without compound prediction.
    pub fn read(&mut self, reader: &mut Arithmetic<'_>, header: &Header) -> TxMode {
        let mode = if header.lossless() {
            TxMode {
                largest: 0,
                select: false,
            }
        } else {
            let mut mode = reader.literal(2);
            if mode == 3 {
                mode += reader.literal(1);
            }
            TxMode {
                largest: mode.min(3),
                select: mode == 4,
            }
        };
        for section in self.sections(header, mode) {
            if section.optional && reader.literal(1) == 0 {
                continue;
            }
            for probability in section.probabilities {
                if reader.flag(STAYS) {
                    *probability = if section.plain {
                        (reader.literal(7) << 1 | 1) as u8
                    } else {
                        remapped(read_difference(reader), *probability)
                    };
                }
            }
        }
        mode
    }

    /// A compressed header that makes these probabilities from those before. None if a header of this kind cannot.
    pub fn written(&self, mut before: Self, header: &Header, mode: TxMode) -> Option<Vec<u8>> {
        if header.lossless() {
            return None;
        }
        let mut writer = ArithmeticWriter::default();
        writer.literal(mode.largest, 2);
        if mode.largest == 3 {
            writer.literal(usize::from(mode.select), 1);
        }
        let mut wanted = self.clone();
        for (section, wanted) in before
            .sections(header, mode)
            .into_iter()
            .zip(wanted.sections(header, mode))
        {
            let mut pairs: Vec<(&mut u8, u8)> = section
                .probabilities
                .into_iter()
                .zip(wanted.probabilities.into_iter().map(|p| *p))
                .collect();
            if section.optional {
                let any = pairs.iter().any(|(before, wanted)| **before != *wanted);
                writer.literal(usize::from(any), 1);
                if !any {
                    continue;
                }
            }
            for (before, wanted) in &mut pairs {
                let changes = **before != *wanted;
                writer.flag(changes, STAYS);
                if changes && section.plain {
                    writer.literal(usize::from(*wanted >> 1), 7);
                } else if changes {
                    let difference = (0..=254).find(|difference| remapped(*difference, **before) == *wanted)?;
                    write_difference(&mut writer, difference);
                }
                **before = *wanted;
            }
        }
        (before == *self).then(|| writer.finished())
    }
}

fn read_difference(reader: &mut Arithmetic<'_>) -> usize {
    let mut larger = 0;
    while larger < 3 && reader.literal(1) == 1 {
        larger += 1;
    }
    match larger {
        0 => reader.literal(4),
        1 => 16 + reader.literal(4),
        2 => 32 + reader.literal(5),
        _ => match reader.literal(7) {
            value @ 0..65 => 64 + value,
            value => (value << 1) - 1 + reader.literal(1),
        },
    }
}

fn write_difference(writer: &mut ArithmeticWriter, difference: usize) {
    match difference {
        0..16 => writer.literal(difference, 1 + 4),
        16..32 => writer.literal(0b10 << 4 | (difference - 16), 2 + 4),
        32..64 => writer.literal(0b110 << 5 | (difference - 32), 3 + 5),
        64..129 => writer.literal(0b111 << 7 | (difference - 64), 3 + 7),
        _ => writer.literal(0b111 << 8 | (difference + 1), 3 + 8),
    }
}

/// Coarse steps come first in the order of differences, the others follow.
fn remapped(delta: usize, probability: u8) -> u8 {
    const COARSE: usize = 20;
    let steps = if delta < COARSE {
        7 + 13 * delta
    } else {
        // The others are those from 1 on that are no coarse one.
        let mut value = delta - COARSE + 1;
        let mut coarse = 7;
        while coarse <= value && coarse <= 7 + 13 * (COARSE - 1) {
            value += 1;
            coarse += 13;
        }
        value.min(253)
    };
    let before = usize::from(probability) - 1;
    let after = if before << 1 <= 255 {
        1 + recentered(steps, before)
    } else {
        255 - recentered(steps, 254 - before)
    };
    after as u8
}

fn recentered(value: usize, middle: usize) -> usize {
    if value > 2 * middle {
        value
    } else if value % 2 == 1 {
        middle - value.div_ceil(2)
    } else {
        middle + value / 2
    }
}

#[cfg(test)]
mod tests {
    use super::super::arithmetic::tests::Numbers;
    use super::super::header::tests::inter_frame;
    use super::*;

    fn header() -> Header {
        Header {
            quantizer: 60,
            ..Header::read(&inter_frame(0), Some((640, 360))).unwrap()
        }
    }

    #[test]
    fn a_written_header_makes_one_state_of_another() {
        let mut numbers = Numbers(7);
        let header = header();
        for (largest, select) in [(0, false), (2, false), (3, false), (3, true)] {
            let mode = TxMode { largest, select };
            let before = Probabilities::default();
            let mut wanted = before.clone();
            for section in wanted.sections(&header, mode) {
                for probability in section.probabilities {
                    if numbers.below(4) == 0 {
                        *probability = if section.plain {
                            2 * numbers.below(128) as u8 + 1
                        } else {
                            1 + numbers.below(255) as u8
                        };
                    }
                }
            }
            let bytes = wanted.written(before.clone(), &header, mode).unwrap();
            let mut read = before;
            assert_eq!(read.read(&mut Arithmetic::new(&bytes).unwrap(), &header), mode);
            assert!(read == wanted);
        }
    }

    #[test]
    fn what_a_header_of_its_kind_cannot_tell_is_not_written() {
        let header = header();
        let mut wanted = Probabilities::default();
        // Sizes of transforms are told only where they are chosen block by block.
        wanted.tx_32[0][0] += 1;
        let chosen = TxMode {
            largest: 3,
            select: true,
        };
        assert!(wanted.written(Probabilities::default(), &header, chosen).is_some());
        let fixed = TxMode {
            largest: 3,
            select: false,
        };
        assert!(wanted.written(Probabilities::default(), &header, fixed).is_none());
    }

    #[test]
    fn every_probability_can_become_every_other() {
        for from in 1..=255_u8 {
            let reached: std::collections::BTreeSet<u8> =
                (0..=254).map(|difference| remapped(difference, from)).collect();
            assert!((1..=255).all(|to| to == from || reached.contains(&to)), "from {from}");
        }
    }
}
