//! A ZIP archive, written as its parts come: stored, not compressed (videos and pictures are already), with sizes and check
//! sums behind each part, and 64-bit throughout (PKWARE's APPNOTE 6.3.10, sections 4.3 and 4.5.3).

use bytes::{BufMut as _, Bytes, BytesMut};
use chrono::{DateTime, Datelike as _, Timelike as _, Utc};

const VERSION: u16 = 45;
/// Sizes follow the data; names are UTF-8.
const FLAGS: u16 = 0x0808;
const ELSEWHERE: u32 = u32::MAX;

/// One part that is done.
struct Part {
    name: String,
    crc: u32,
    bytes: u64,
    offset: u64,
}

/// An archive in the making. Every method answers bytes to be sent, in this order.
pub struct Archive {
    /// As MS-DOS has it: date, then time.
    moment: (u16, u16),
    parts: Vec<Part>,
    crc: crc32fast::Hasher,
    open: Option<(String, u64)>,
    part_bytes: u64,
    offset: u64,
}

impl Archive {
    /// An empty archive, whose parts are dated so.
    pub fn new(now: DateTime<Utc>) -> Self {
        let years = u16::try_from(now.year() - 1980).unwrap_or(0).min(127);
        let date = years << 9 | (now.month() as u16) << 5 | now.day() as u16;
        let time = (now.hour() as u16) << 11 | (now.minute() as u16) << 5 | (now.second() / 2) as u16;
        Self {
            moment: (date, time),
            parts: Vec::new(),
            crc: crc32fast::Hasher::new(),
            open: None,
            part_bytes: 0,
            offset: 0,
        }
    }

    /// Begins a part.
    pub fn begin(&mut self, name: String) -> Bytes {
        let mut out = BytesMut::with_capacity(64 + name.len());
        out.put_u32_le(0x0403_4b50);
        out.put_u16_le(VERSION);
        self.common(&mut out, 0, &name, 20);
        // Both sizes, unknown yet; their place makes the sizes behind the data 64 bits wide.
        out.put_u16_le(1);
        out.put_u16_le(16);
        out.put_u64_le(0);
        out.put_u64_le(0);
        self.open = Some((name, self.offset));
        self.part_bytes = 0;
        self.crc = crc32fast::Hasher::new();
        self.count(out)
    }

    /// What a local and a central header share, up to the name.
    fn common(&self, out: &mut BytesMut, crc: u32, name: &str, extra: u16) {
        out.put_u16_le(FLAGS);
        out.put_u16_le(0);
        out.put_u16_le(self.moment.1);
        out.put_u16_le(self.moment.0);
        out.put_u32_le(crc);
        out.put_u32_le(ELSEWHERE);
        out.put_u32_le(ELSEWHERE);
        out.put_u16_le(name.len() as u16);
        out.put_u16_le(extra);
        if extra == 20 {
            out.put_slice(name.as_bytes());
        }
    }

    /// Data of the part that is open.
    pub fn data(&mut self, bytes: Bytes) -> Bytes {
        self.crc.update(&bytes);
        self.part_bytes += bytes.len() as u64;
        self.offset += bytes.len() as u64;
        bytes
    }

    /// Ends the part that is open.
    pub fn end(&mut self) -> Bytes {
        let crc = std::mem::take(&mut self.crc).finalize();
        if let Some((name, offset)) = self.open.take() {
            self.parts.push(Part {
                name,
                crc,
                bytes: self.part_bytes,
                offset,
            });
        }
        let mut out = BytesMut::with_capacity(24);
        out.put_u32_le(0x0807_4b50);
        out.put_u32_le(crc);
        out.put_u64_le(self.part_bytes);
        out.put_u64_le(self.part_bytes);
        self.count(out)
    }

    /// The directory, which ends the archive.
    pub fn finish(mut self) -> Bytes {
        let start = self.offset;
        let mut out = BytesMut::new();
        for part in &self.parts {
            out.put_u32_le(0x0201_4b50);
            // Made on a Unix.
            out.put_u16_le(3 << 8 | VERSION);
            out.put_u16_le(VERSION);
            self.common(&mut out, part.crc, &part.name, 28);
            out.put_u16_le(0); // comment
            out.put_u16_le(0); // disk
            out.put_u16_le(0); // internal attributes
            out.put_u32_le(0o100_600 << 16);
            out.put_u32_le(ELSEWHERE);
            out.put_slice(part.name.as_bytes());
            out.put_u16_le(1);
            out.put_u16_le(24);
            out.put_u64_le(part.bytes);
            out.put_u64_le(part.bytes);
            out.put_u64_le(part.offset);
        }
        let (count, size) = (self.parts.len() as u64, out.len() as u64);
        out.put_u32_le(0x0606_4b50);
        out.put_u64_le(44);
        out.put_u16_le(3 << 8 | VERSION);
        out.put_u16_le(VERSION);
        out.put_u32_le(0);
        out.put_u32_le(0);
        out.put_u64_le(count);
        out.put_u64_le(count);
        out.put_u64_le(size);
        out.put_u64_le(start);
        out.put_u32_le(0x0706_4b50);
        out.put_u32_le(0);
        out.put_u64_le(start + size);
        out.put_u32_le(1);
        out.put_u32_le(0x0605_4b50);
        out.put_u16_le(0);
        out.put_u16_le(0);
        out.put_u16_le(u16::MAX);
        out.put_u16_le(u16::MAX);
        out.put_u32_le(ELSEWHERE);
        out.put_u32_le(ELSEWHERE);
        out.put_u16_le(0);
        self.count(out)
    }

    fn count(&mut self, out: BytesMut) -> Bytes {
        self.offset += out.len() as u64;
        out.freeze()
    }
}
