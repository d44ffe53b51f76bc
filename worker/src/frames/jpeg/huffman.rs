//! Symbols, and the tables that write these symbols in the fewest bits (ITU-T T.81, annexes F.1.2 and K.2).
#![expect(
    clippy::inline_always,
    reason = "what a loop of many rounds calls, and what is compiled for wider registers with its caller"
)]

/// No code is longer.
const LONGEST: usize = 16;
const END_OF_BLOCK: u8 = 0;
const SIXTEEN_ZEROS: u8 = 0xf0;

/// The symbols of a picture in order, and how often each occurs.
pub struct Symbols {
    /// Sixteen further bits, the symbol, and which table it is in.
    all: Vec<u32>,
    /// Of luma and chroma: first coefficients and others.
    counts: [[[u32; 256]; 2]; 2],
}

impl Default for Symbols {
    fn default() -> Self {
        Self {
            all: Vec::with_capacity(1 << 17),
            counts: [[[0; 256]; 2]; 2],
        }
    }
}

impl Symbols {
    #[inline(always)]
    fn add(&mut self, component: usize, others: usize, symbol: u8, bits: u16) {
        self.counts[component][others][usize::from(symbol)] += 1;
        self.all
            .push((component << 25 | others << 24) as u32 | u32::from(symbol) << 16 | u32::from(bits));
    }

    #[inline(always)]
    /// By how much the first coefficient differs from that of the block before.
    pub fn first(&mut self, component: usize, difference: i32) {
        let (size, bits) = sized(difference);
        self.add(component, 0, size, bits);
    }

    #[inline(always)]
    /// Another coefficient, after so many zeros.
    pub fn other(&mut self, component: usize, mut zeros: u32, value: i32) {
        while zeros >= 16 {
            self.add(component, 1, SIXTEEN_ZEROS, 0);
            zeros -= 16;
        }
        let (size, bits) = sized(value);
        self.add(component, 1, (zeros << 4) as u8 | size, bits);
    }

    #[inline(always)]
    /// The rest of a block is zeros.
    pub fn end(&mut self, component: usize) {
        self.add(component, 1, END_OF_BLOCK, 0);
    }

    pub fn tables(&self) -> [[Table; 2]; 2] {
        self.counts.each_ref().map(|counts| counts.each_ref().map(Table::new))
    }

    #[inline(always)]
    pub fn write(&self, tables: &[[Table; 2]; 2], out: &mut Vec<u8>) {
        // By table and symbol: the code, moved up by the further bits, and the length with these.
        let mut codes = [(0_u32, 0_u8); 4 * 256];
        for (index, (code, whole)) in codes.iter_mut().enumerate() {
            let further = index as u8 & 0xf;
            let (plain, length) = tables[index >> 9][index >> 8 & 1].codes[index & 0xff];
            (*code, *whole) = (u32::from(plain) << further, length + further);
        }
        let mut waiting = 0_u64;
        let mut count = 0;
        for &entry in &self.all {
            let (code, length) = codes[(entry >> 16) as usize % codes.len()];
            waiting = waiting << length | u64::from(code | entry & 0xffff);
            count += u32::from(length);
            if count >= 32 {
                count -= 32;
                push(((waiting >> count) as u32).to_be_bytes(), out);
            }
        }
        // Filled up with ones.
        for index in 0..count.div_ceil(8) {
            let byte = ((waiting << 8 | 0xff) >> (count - 8 * index)) as u8;
            out.push(byte);
            if byte == 0xff {
                out.push(0);
            }
        }
    }
}

/// Bytes of all ones are followed by a zero, since they are no marker.
fn push(bytes: [u8; 4], out: &mut Vec<u8>) {
    if bytes.contains(&0xff) {
        for byte in bytes {
            out.push(byte);
            if byte == 0xff {
                out.push(0);
            }
        }
    } else {
        out.extend(bytes);
    }
}

#[inline(always)]
/// How many bits a value takes, and these: those of a negative one are those of its like above 0, turned over.
fn sized(value: i32) -> (u8, u16) {
    let size = 32 - value.unsigned_abs().leading_zeros();
    let bits = if value < 0 { value - 1 } else { value };
    (size as u8, (bits & ((1 << size) - 1)) as u16)
}

/// A Huffman table.
pub struct Table {
    /// How many codes there are of each length from 1.
    lengths: [u8; LONGEST],
    /// Symbols by the length of their codes.
    symbols: Vec<u8>,
    /// Code and length of each symbol.
    codes: [(u16, u8); 256],
}

impl Table {
    fn new(counts: &[u32; 256]) -> Self {
        // One more that is never used takes the code of all ones.
        let mut weights: Vec<(u64, Vec<usize>)> = counts
            .iter()
            .enumerate()
            .filter(|(_, count)| **count > 0)
            .map(|(symbol, count)| (u64::from(*count), vec![symbol]))
            .collect();
        weights.push((0, vec![256]));
        let mut depths = [0_usize; 257];
        while weights.len() > 1 {
            // The rarest two join; among equals those of more symbols later.
            weights.sort_by(|a, b| b.0.cmp(&a.0).then(a.1.len().cmp(&b.1.len())));
            let (Some(rarest), Some(next)) = (weights.pop(), weights.pop()) else {
                break;
            };
            let joined: Vec<usize> = rarest.1.into_iter().chain(next.1).collect();
            for &symbol in &joined {
                depths[symbol] += 1;
            }
            weights.push((rarest.0 + next.0, joined));
        }
        let mut lengths = [0_u32; 258];
        for &depth in depths.iter().filter(|depth| **depth > 0) {
            lengths[depth] += 1;
        }
        // Codes that are too long: two of them take the place of one, beneath another that is short enough.
        for length in (LONGEST + 1..lengths.len()).rev() {
            while lengths[length] > 0 {
                let shorter = (1..length - 1).rev().find(|shorter| lengths[*shorter] > 0).unwrap_or(1);
                lengths[length] -= 2;
                lengths[length - 1] += 1;
                lengths[shorter] -= 1;
                lengths[shorter + 1] += 2;
            }
        }
        // The unused one is the last of the longest.
        if let Some(longest) = (1..=LONGEST).rev().find(|length| lengths[*length] > 0) {
            lengths[longest] -= 1;
        }
        let mut symbols: Vec<u8> = (0..=255_u8).filter(|symbol| counts[usize::from(*symbol)] > 0).collect();
        symbols.sort_by_key(|symbol| depths[usize::from(*symbol)]);
        let mut codes = [(0, 0); 256];
        let (mut code, mut next) = (0_u32, symbols.iter());
        for (length, count) in lengths.iter().enumerate().take(LONGEST + 1).skip(1) {
            for symbol in next.by_ref().take(*count as usize) {
                codes[usize::from(*symbol)] = (code as u16, length as u8);
                code += 1;
            }
            code <<= 1;
        }
        Self {
            lengths: std::array::from_fn(|length| lengths[length + 1] as u8),
            symbols,
            codes,
        }
    }

    /// As it is told in the file: `id` holds its class and number.
    pub fn told(&self, id: u8) -> Vec<u8> {
        [&[id], &self.lengths[..], &self.symbols[..]].concat()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn codes_are_short_enough_and_none_starts_another() {
        let fibonacci: Vec<u32> = std::iter::successors(Some((1_u32, 1_u32)), |(a, b)| Some((*b, a + b)))
            .map(|(a, _)| a)
            .take(40)
            .collect();
        for used in [1, 2, 17, 40] {
            let mut counts = [0; 256];
            counts[..used].copy_from_slice(&fibonacci[..used]);
            let table = Table::new(&counts);
            let codes: Vec<(u32, u32)> = (0..used)
                .map(|symbol| table.codes[symbol])
                .map(|(code, length)| (u32::from(code), u32::from(length)))
                .collect();
            for (index, (code, length)) in codes.iter().enumerate() {
                assert!((1..=16).contains(length), "{used}: {length}");
                assert!(*code < (1 << length) - 1, "all ones are no code");
                for (other, longer) in codes
                    .iter()
                    .skip(index + 1)
                    .chain(&codes[..index])
                    .filter(|(_, other)| other >= length)
                {
                    assert_ne!(other >> (longer - length), *code);
                }
            }
            assert_eq!(
                table.lengths.iter().map(|count| usize::from(*count)).sum::<usize>(),
                used
            );
        }
    }
}
