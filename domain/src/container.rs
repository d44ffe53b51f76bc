//! Which container a file's first bytes announce.

/// The containers that recorders of browsers and phones write.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Container {
    /// `WebM` or another Matroska file.
    Matroska,
    /// MP4 or `QuickTime` (ISO base media file format).
    IsoMedia,
}

/// Bytes that [`sniff`] wants to see; fewer may do.
pub const SNIFF_BYTES: usize = 64;

/// EBML's magic number (RFC 8794, section 11.2.1).
const EBML: [u8; 4] = [0x1A, 0x45, 0xDF, 0xA3];

/// Boxes with which an ISO media or `QuickTime` file may open (ISO/IEC 14496-12; `wide`, `free` and `skip` are padding that
/// `QuickTime` writes before `mdat`).
const FIRST_BOXES: [&[u8; 4]; 7] = [b"ftyp", b"styp", b"moov", b"mdat", b"wide", b"free", b"skip"];

/// The container that a file opening with these bytes may be. A promise about the first bytes only: the rest may be anything.
pub fn sniff(first_bytes: &[u8]) -> Option<Container> {
    if first_bytes.starts_with(&EBML) {
        return Some(Container::Matroska);
    }
    let size = first_bytes.first_chunk::<4>().map(|bytes| u32::from_be_bytes(*bytes))?;
    let kind = first_bytes.get(4..8)?;
    // A box is at least its own header long; 0 means "to the end of the file" and 1 "see the 64-bit size that follows".
    let plausible = size == 0 || size == 1 || size >= 8;
    (plausible && FIRST_BOXES.iter().any(|known| kind == known.as_slice())).then_some(Container::IsoMedia)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn browsers_and_phones_are_recognized() {
        let cases: [(&[u8], Option<Container>); 9] = [
            (&[0x1A, 0x45, 0xDF, 0xA3, 0x9F, 0x42], Some(Container::Matroska)),
            (b"\0\0\0\x20ftypisom\0\0\x02\0", Some(Container::IsoMedia)),
            (b"\0\0\0\x14ftypqt  \0\0\0\0", Some(Container::IsoMedia)),
            (b"\0\0\0\x08wide\0\x01\0\0mdat", Some(Container::IsoMedia)),
            (b"\0\0\0\x01mdat\0\0\0\0\x01\0\0\0", Some(Container::IsoMedia)),
            (b"PK\x03\x04\x14\0\0\0", None),
            (b"\0\0\0\x03ftypisom", None),
            (b"\0\0\0\x20ft", None),
            (b"", None),
        ];
        for (bytes, expected) in cases {
            assert_eq!(sniff(bytes), expected, "{bytes:02x?}");
        }
    }
}
