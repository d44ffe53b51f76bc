//! What can be read and changed in a VP9 frame header without decoding (VP9 Bitstream & Decoding Process Specification,
//! section 6.2): its bits are plain, everything after them is arithmetic coded.

/// Switches the loop filter of a packet's first frame off: its level is six plain bits, and level 0 means no filter.
///
/// ffmpeg's VP9 decoder knows no `skip_loop_filter`, and Chromium's recorder asks for level 63 on frames in which
/// nothing moves. Returns whether the header was understood.
pub fn without_loop_filter(packet: &mut [u8]) -> bool {
    let Some(position) = filter_level_position(packet) else {
        return false;
    };
    for bit in position..position + 6 {
        let Some(byte) = packet.get_mut(bit / 8) else {
            return false;
        };
        *byte &= !(0x80 >> (bit % 8));
    }
    true
}

/// Where the six bits of the filter level start. `None` on key frames, which are worth filtering: everything after is
/// predicted from them, and they are few.
fn filter_level_position(packet: &[u8]) -> Option<usize> {
    let mut bits = Bits {
        data: packet,
        position: 0,
    };
    if bits.read(2)? != 2 {
        return None;
    }
    let profile = bits.read(1)? | bits.read(1)? << 1;
    if profile == 3 {
        bits.read(1)?;
    }
    let show_existing_frame = bits.flag()?;
    let inter_frame = !show_existing_frame && bits.flag()?;
    if !inter_frame {
        return None;
    }
    let show_frame = bits.flag()?;
    let error_resilient = bits.flag()?;
    let intra_only = !show_frame && bits.flag()?;
    if intra_only {
        return None;
    }
    if !error_resilient {
        bits.read(2)?; // reset_frame_context
    }
    bits.read(8)?; // refresh_frame_flags
    bits.read(3 * (3 + 1))?; // three references and their sign biases
    let mut size_from_reference = false;
    for _ in 0..3 {
        if bits.flag()? {
            size_from_reference = true;
            break;
        }
    }
    if !size_from_reference {
        bits.read(32)?;
    }
    if bits.flag()? {
        bits.read(32)?; // render size
    }
    bits.read(1)?; // allow_high_precision_mv
    let switchable = bits.flag()?;
    if !switchable {
        bits.read(2)?; // interpolation filter
    }
    if !error_resilient {
        bits.read(2)?; // refresh_frame_context, frame_parallel_decoding_mode
    }
    bits.read(2)?; // frame_context_idx
    Some(bits.position)
}

struct Bits<'a> {
    data: &'a [u8],
    position: usize,
}

impl Bits<'_> {
    fn flag(&mut self) -> Option<bool> {
        Some(self.read(1)? == 1)
    }

    fn read(&mut self, count: usize) -> Option<u32> {
        let mut value = 0;
        for bit in self.position..self.position + count {
            value = value << 1 | u32::from(self.data.get(bit / 8)? >> (7 - bit % 8) & 1);
        }
        self.position += count;
        Some(value)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The header of an inter frame written by Chromium, up to the filter: level 63, sharpness 0.
    fn inter_frame(level: u32) -> Vec<u8> {
        let fields = [
            (2, 2),
            (0, 2),
            (0, 1),
            (1, 1),
            (1, 1),
            (0, 1),
            (0, 2),
            (1, 8),
            (0, 4),
            (2, 4),
            (4, 4),
            (1, 1),
            (0, 1),
            (1, 1),
            (1, 1),
            (1, 1),
            (1, 1),
            (0, 2),
            (level, 6),
            (0, 3),
            (1, 1),
        ];
        let mut bits = Vec::new();
        for (value, count) in fields {
            bits.extend((0..count).rev().map(|shift| (value >> shift & 1) as u8));
        }
        bits.resize(bits.len().div_ceil(8) * 8, 1);
        bits.chunks(8)
            .map(|byte| byte.iter().fold(0, |sum, bit| sum << 1 | bit))
            .collect()
    }

    #[test]
    fn only_the_filter_level_changes() {
        let mut packet = inter_frame(63);
        assert!(without_loop_filter(&mut packet));
        assert_eq!(packet, inter_frame(0));
    }

    #[test]
    fn nothing_else_is_touched() {
        for mut packet in [
            vec![],
            vec![0x82],
            vec![0x82, 0x49, 0x83, 0x42],
            vec![0x86, 0x40],
            vec![0x17; 20],
            vec![0x88],
        ] {
            let before = packet.clone();
            assert!(!without_loop_filter(&mut packet));
            assert_eq!(packet, before);
        }
    }
}
