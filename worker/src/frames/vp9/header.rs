//! What is plain of a VP9 frame (VP9 Bitstream & Decoding Process Specification, section 6.2): everything after it is arithmetic
//! coded.

/// A key frame is filtered only above this level, since everything after is predicted from it. Of fine recordings, where Chromium
/// asks for 1 to 4, it moves luma by a mean square error of 0.08 at most, and takes 3 % of the time of decoding.
const FAINT_FILTER: u32 = 8;

/// Switches the loop filter of a packet's first frame off: its level is six plain bits, and level 0 means no filter.
///
/// ffmpeg's VP9 decoder knows no `skip_loop_filter`, and Chromium's recorder asks for level 63 on frames in which
/// nothing moves. Returns whether the filter is off.
pub fn without_loop_filter(packet: &mut [u8]) -> bool {
    // The size does not lie before the filter's level.
    let Some(header) = Header::read(packet, Some((1, 1))) else {
        return false;
    };
    let stays = header.shows_existing || header.intra_only || (header.key && header.filter_level > FAINT_FILTER);
    if stays {
        return false;
    }
    for bit in header.filter_level_at..header.filter_level_at + 6 {
        let Some(byte) = packet.get_mut(bit / 8) else {
            return false;
        };
        *byte &= !(0x80 >> (bit % 8));
    }
    true
}

/// What is told of a picture before anything is arithmetic coded.
#[derive(Debug, Clone, PartialEq, Eq)]
#[expect(clippy::struct_excessive_bools, reason = "the flags of the format")]
pub struct Header {
    pub profile: u32,
    pub shows_existing: bool,
    pub key: bool,
    pub intra_only: bool,
    pub shown: bool,
    pub error_resilient: bool,
    pub refreshes: u8,
    pub references: [usize; 3],
    /// Whether references lie on both sides of time: then prediction from two at once is possible.
    pub compound: bool,
    /// None: that of a reference.
    pub size: Option<(u32, u32)>,
    pub precise_motion: bool,
    /// None: told block by block.
    pub interpolation: Option<u32>,
    pub refreshes_context: bool,
    pub adapts: bool,
    pub context: usize,
    /// Where the six bits of the loop filter's level lie.
    pub filter_level_at: usize,
    pub filter_level: u32,
    pub quantizer: i32,
    /// Of luma's first, chroma's first and chroma's other coefficients.
    pub quantizer_deltas: [i32; 3],
    pub segments: bool,
    pub tile_columns_log2: u32,
    pub tile_rows_log2: u32,
    pub compressed_bytes: usize,
    /// Where the sixteen bits of its length lie.
    pub compressed_bytes_at: usize,
    /// Where the compressed header starts.
    pub bytes: usize,
}

impl Header {
    /// The header of a frame; `size` is that of its references. None if it is cut off, or with other samples than 8 bits and 4:2:0
    /// where it says which.
    pub fn read(packet: &[u8], size: Option<(u32, u32)>) -> Option<Self> {
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
        let mut header = Self {
            profile,
            shows_existing: bits.flag()?,
            key: false,
            intra_only: false,
            shown: true,
            error_resilient: false,
            refreshes: 0,
            references: [0; 3],
            compound: false,
            size: None,
            precise_motion: false,
            interpolation: Some(0),
            refreshes_context: false,
            adapts: false,
            context: 0,
            filter_level_at: 0,
            filter_level: 0,
            quantizer: 0,
            quantizer_deltas: [0; 3],
            segments: false,
            tile_columns_log2: 0,
            tile_rows_log2: 0,
            compressed_bytes: 0,
            compressed_bytes_at: 0,
            bytes: 0,
        };
        if header.shows_existing {
            return Some(header);
        }
        header.key = !bits.flag()?;
        header.shown = bits.flag()?;
        header.error_resilient = bits.flag()?;
        if profile != 0 && header.key {
            return None;
        }
        if header.key {
            header.refreshes = 0xff;
            bits.sync_code()?;
            if bits.read(3)? == 7 {
                return None; // RGB
            }
            bits.read(1)?; // color_range
            header.size = Some(bits.size()?);
        } else {
            header.intra_only = !header.shown && bits.flag()?;
            if !header.error_resilient {
                bits.read(2)?; // reset_frame_context
            }
            if profile != 0 && header.intra_only {
                return None;
            }
            if header.intra_only {
                bits.sync_code()?;
                header.refreshes = bits.read(8)? as u8;
                header.size = Some(bits.size()?);
            } else {
                header.refreshes = bits.read(8)? as u8;
                let mut biases = [false; 3];
                for (reference, bias) in header.references.iter_mut().zip(&mut biases) {
                    *reference = bits.read(3)? as usize;
                    *bias = bits.flag()?;
                }
                header.compound = biases != [biases[0]; 3];
                let mut of_reference = false;
                for _ in 0..3 {
                    of_reference = bits.flag()?;
                    if of_reference {
                        break;
                    }
                }
                if of_reference {
                    if bits.flag()? {
                        bits.read(32)?; // render_size
                    }
                } else {
                    header.size = Some(bits.size()?);
                }
                header.precise_motion = bits.flag()?;
                header.interpolation = if bits.flag()? { None } else { Some(bits.read(2)?) };
            }
        }
        if !header.error_resilient {
            header.refreshes_context = bits.flag()?;
            header.adapts = !bits.flag()?;
        }
        header.context = bits.read(2)? as usize;
        header.filter_level_at = bits.position;
        header.filter_level = bits.read(6)?;
        bits.read(3)?; // sharpness
        if bits.flag()? && bits.flag()? {
            for _ in 0..4 + 2 {
                if bits.flag()? {
                    bits.read(7)?;
                }
            }
        }
        header.quantizer = bits.read(8)? as i32;
        for delta in &mut header.quantizer_deltas {
            if bits.flag()? {
                let value = bits.read(4)? as i32;
                *delta = if bits.flag()? { -value } else { value };
            }
        }
        header.segments = bits.flag()?;
        if header.segments {
            // What follows depends on them; such pictures are left to ffmpeg.
            return Some(header);
        }
        let (width, _) = header.size.or(size)?;
        let columns = width.div_ceil(64);
        let mut least = 0;
        while 64 << least < columns {
            least += 1;
        }
        let mut most = 1;
        while columns >> most >= 4 {
            most += 1;
        }
        header.tile_columns_log2 = least;
        while header.tile_columns_log2 < most - 1 && bits.flag()? {
            header.tile_columns_log2 += 1;
        }
        header.tile_rows_log2 = bits.read(1)?;
        if header.tile_rows_log2 == 1 {
            header.tile_rows_log2 += bits.read(1)?;
        }
        header.compressed_bytes_at = bits.position;
        header.compressed_bytes = bits.read(16)? as usize;
        header.bytes = bits.position.div_ceil(8);
        Some(header)
    }

    pub fn lossless(&self) -> bool {
        self.quantizer == 0 && self.quantizer_deltas == [0; 3]
    }
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

    fn sync_code(&mut self) -> Option<()> {
        (self.read(24)? == 0x49_83_42).then_some(())
    }

    /// The size of the picture, and that it is shown at, which does not count here.
    fn size(&mut self) -> Option<(u32, u32)> {
        let size = (self.read(16)? + 1, self.read(16)? + 1);
        if self.flag()? {
            self.read(32)?;
        }
        Some(size)
    }
}

#[cfg(test)]
pub mod tests {
    use super::*;

    fn written(fields: &[(u32, usize)]) -> Vec<u8> {
        let mut bits = Vec::new();
        for (value, count) in fields {
            bits.extend((0..*count).rev().map(|shift| (value >> shift & 1) as u8));
        }
        // What follows the filter: its sharpness, no deltas, a quantizer, nothing more.
        bits.resize((bits.len() + 60).div_ceil(8) * 8, 0);
        bits.chunks(8)
            .map(|byte| byte.iter().fold(0, |sum, bit| sum << 1 | bit))
            .collect()
    }

    /// The header of a key frame written by Chromium, up to the filter.
    fn key_frame(level: u32) -> Vec<u8> {
        written(&[
            (2, 2),
            (0, 2),
            (0, 1),
            (0, 1),
            (1, 1),
            (0, 1),
            (0x49_83_42, 24),
            (2, 3),
            (0, 1),
            (1919, 16),
            (1079, 16),
            (0, 1),
            (1, 1),
            (1, 1),
            (0, 2),
            (level, 6),
            (0, 3),
            (1, 1),
        ])
    }

    /// The header of an inter frame written by Chromium, up to the filter: level 63, sharpness 0.
    pub fn inter_frame(level: u32) -> Vec<u8> {
        written(&[
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
        ])
    }

    #[test]
    fn only_the_filter_level_changes() {
        let mut packet = inter_frame(63);
        assert!(without_loop_filter(&mut packet));
        assert_eq!(packet, inter_frame(0));
        let mut packet = key_frame(4);
        assert!(without_loop_filter(&mut packet));
        assert_eq!(packet, key_frame(0));
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
            key_frame(FAINT_FILTER + 1),
        ] {
            let before = packet.clone();
            assert!(!without_loop_filter(&mut packet));
            assert_eq!(packet, before);
        }
    }
}
