//! A file, cut into chunks.

use anyhow::bail;

/// Chunks that a session holds at most.
pub const MOST_CHUNKS: u64 = 100_000;

/// A stretch of the file.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Piece {
    /// Its place, from 0.
    pub index: u32,
    /// Where it begins in the file.
    pub offset: u64,
    pub bytes: u64,
}

/// Cuts `size` bytes into pieces of `chunk_bytes`; the last one has the rest.
pub fn plan(size: u64, chunk_bytes: u64) -> anyhow::Result<Vec<Piece>> {
    if size == 0 {
        bail!("the file is empty");
    }
    let chunk_bytes = chunk_bytes.max(1);
    let count = size.div_ceil(chunk_bytes);
    if count > MOST_CHUNKS {
        let needed = size.div_ceil(MOST_CHUNKS);
        bail!("the file makes {count} chunks, {MOST_CHUNKS} are possible: give --chunk-bytes {needed} or more");
    }
    let pieces = (0..count).map(|index| Piece {
        index: index as u32,
        offset: index * chunk_bytes,
        bytes: chunk_bytes.min(size - index * chunk_bytes),
    });
    Ok(pieces.collect())
}

#[cfg(test)]
mod tests {
    use super::{MOST_CHUNKS, Piece, plan};

    #[test]
    fn pieces_cover_the_file_once_and_in_order() {
        for (size, chunk, count) in [
            (1, 5, 1),
            (5, 5, 1),
            (6, 5, 2),
            (10, 5, 2),
            (11, 5, 3),
            (7, 1, 7),
            (7, 100, 1),
        ] {
            let pieces = plan(size, chunk).unwrap();
            assert_eq!(pieces.len(), count, "{size} by {chunk}");
            let mut end = 0;
            for (place, piece) in pieces.iter().enumerate() {
                assert_eq!((piece.index as usize, piece.offset), (place, end));
                assert!(piece.bytes > 0 && piece.bytes <= chunk);
                end += piece.bytes;
            }
            assert_eq!(end, size);
        }
        let last = Piece {
            index: 2,
            offset: 10,
            bytes: 1,
        };
        assert_eq!(plan(11, 5).unwrap().last(), Some(&last));
    }

    #[test]
    fn what_cannot_be_cut_is_refused_with_what_would_do() {
        assert_eq!(plan(0, 5).unwrap_err().to_string(), "the file is empty");
        let error = plan(MOST_CHUNKS * 3 + 1, 3).unwrap_err().to_string();
        assert!(error.ends_with("give --chunk-bytes 4 or more"), "{error}");
        assert_eq!(
            plan(MOST_CHUNKS * 3 + 1, 4).unwrap().len() as u64,
            (MOST_CHUNKS * 3 + 1).div_ceil(4)
        );
    }
}
