//! The arithmetic decoder (section 9.2).
#![expect(
    clippy::inline_always,
    reason = "what a loop of many rounds calls, and what is compiled for wider registers with its caller"
)]

/// Reads bits of given probabilities from what is left of a packet.
#[derive(Clone)]
pub struct Arithmetic<'a> {
    data: &'a [u8],
    position: usize,
    /// The first bits are the ones that count; as many as `ready` below them were read already.
    value: u64,
    range: u32,
    ready: i32,
}

impl<'a> Arithmetic<'a> {
    /// None if the data does not start as an encoder's does.
    pub fn new(data: &'a [u8]) -> Option<Self> {
        if data.is_empty() {
            return None;
        }
        let mut reader = Self {
            data,
            position: 0,
            value: 0,
            range: 255,
            ready: -8,
        };
        (!reader.flag(128)).then_some(reader)
    }

    /// One bit, of which 0 has a probability of so many 256ths.
    #[inline(always)]
    pub fn flag(&mut self, probability: u8) -> bool {
        if self.ready < 0 {
            self.value = self.value << 48 | next_six(self.data, self.position);
            self.position += 6;
            self.ready += 48;
        }
        let split = 1 + (((self.range - 1) * u32::from(probability)) >> 8);
        let large = u64::from(split) << self.ready;
        let one = self.value >= large;
        if one {
            self.range -= split;
            self.value -= large;
        } else {
            self.range = split;
        }
        let shift = self.range.leading_zeros() - 24;
        self.range <<= shift;
        self.ready -= shift as i32;
        one
    }

    /// Whether all but the last byte was used, which an encoder fills up: what is read then may be made up.
    pub fn is_at_the_end(&self) -> bool {
        let used = self.position as i64 * 8 - 8 - i64::from(self.ready);
        used >= self.data.len() as i64 * 8 - 8
    }

    pub fn bit(&mut self, probability: u8) -> usize {
        usize::from(self.flag(probability))
    }

    /// So many bits of even probability.
    pub fn literal(&mut self, bits: usize) -> usize {
        (0..bits).fold(0, |value, _| value << 1 | self.bit(128))
    }

    /// A leaf of a tree: pairs of what follows a node's two answers, a leaf negative.
    pub fn tree(&mut self, tree: &[[i8; 2]], probabilities: &[u8]) -> usize {
        let mut node = 0;
        loop {
            let next = tree[node][self.bit(probabilities[node])];
            match usize::try_from(next) {
                Ok(inner) if inner > 0 => node = inner,
                _ => return usize::from(next.unsigned_abs()),
            }
        }
    }
}

/// Six bytes. Behind the end there are zeros, as the specification has it of valid data.
#[cold]
fn next_six(data: &[u8], position: usize) -> u64 {
    let eight = data.get(position..position + 8).and_then(|bytes| bytes.try_into().ok());
    let eight = eight.map_or_else(
        || {
            let rest = data.get(position..).unwrap_or_default().iter();
            rest.chain(&[0; 8])
                .take(8)
                .fold(0, |sum, byte| sum << 8 | u64::from(*byte))
        },
        u64::from_be_bytes,
    );
    eight >> 16
}

/// Writes what [`Arithmetic`] reads.
pub struct ArithmeticWriter {
    bytes: Vec<u8>,
    low: u64,
    range: u32,
    /// Bits of `low` that are no whole byte yet, less 24.
    waiting: i32,
}

impl Default for ArithmeticWriter {
    fn default() -> Self {
        let mut writer = Self {
            bytes: Vec::new(),
            low: 0,
            range: 255,
            waiting: -24,
        };
        writer.flag(false, 128);
        writer
    }
}

impl ArithmeticWriter {
    pub fn flag(&mut self, one: bool, probability: u8) {
        let split = 1 + (((self.range - 1) * u32::from(probability)) >> 8);
        if one {
            self.low += u64::from(split);
            self.range -= split;
        } else {
            self.range = split;
        }
        let shift = self.range.leading_zeros() - 24;
        self.range <<= shift;
        for _ in 0..shift {
            self.low <<= 1;
            self.waiting += 1;
            if self.waiting == 0 {
                self.push();
            }
        }
    }

    /// The upper eight bits are done, but for what is carried into them.
    fn push(&mut self) {
        if self.low >> 32 != 0 {
            for byte in self.bytes.iter_mut().rev() {
                *byte = byte.wrapping_add(1);
                if *byte != 0 {
                    break;
                }
            }
        }
        self.bytes.push((self.low >> 24) as u8);
        self.low &= 0xff_ffff;
        self.waiting = -8;
    }

    pub fn literal(&mut self, value: usize, bits: usize) {
        (0..bits).rev().for_each(|bit| self.flag(value >> bit & 1 == 1, 128));
    }

    pub fn finished(mut self) -> Vec<u8> {
        self.literal(0, 32);
        self.bytes
    }
}

#[cfg(test)]
pub mod tests {
    use super::*;

    /// The same numbers each time.
    pub struct Numbers(pub u64);

    impl Numbers {
        pub fn below(&mut self, end: u64) -> u64 {
            // xorshift64 (Marsaglia, 2003).
            self.0 ^= self.0 << 13;
            self.0 ^= self.0 >> 7;
            self.0 ^= self.0 << 17;
            self.0 % end
        }
    }

    #[test]
    fn what_is_written_is_read() {
        let mut numbers = Numbers(1);
        for length in [0, 1, 7, 100, 5000] {
            let flags: Vec<(bool, u8)> = (0..length)
                .map(|_| {
                    let probability = 1 + numbers.below(255) as u8;
                    // Mostly the likelier, and long runs of it carry into what is written already.
                    (numbers.below(300) >= u64::from(probability), probability)
                })
                .collect();
            let mut writer = ArithmeticWriter::default();
            for (flag, probability) in &flags {
                writer.flag(*flag, *probability);
            }
            let bytes = writer.finished();
            let mut reader = Arithmetic::new(&bytes).unwrap();
            for (index, (flag, probability)) in flags.into_iter().enumerate() {
                assert_eq!(reader.flag(probability), flag, "flag {index} of {length}");
            }
            assert!(!reader.is_at_the_end());
            reader.literal(100);
            assert!(reader.is_at_the_end());
        }
        assert!(Arithmetic::new(&[]).is_none());
        assert!(Arithmetic::new(&[0xff]).is_none());
    }
}
