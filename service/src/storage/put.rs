//! Storing: streams in constant memory, whole or not at all, and why one was not stored.

use std::sync::Arc;

use bytes::{Bytes, BytesMut};
use futures::{Stream, StreamExt, TryStreamExt};
use object_store::buffered::BufWriter;
use object_store::{ObjectStoreExt, WriteMultipart};
use sha2::{Digest, Sha256};
use tokio::io::AsyncWriteExt;
use tokio_util::sync::CancellationToken;

use super::Storage;
use crate::error::{Error, Result};

/// Bytes of one part of a write, of which two are held in memory: what S3 wants at least, and less where a folder takes any.
const PART_BYTES: usize = 5 * 1024 * 1024;
const FOLDER_PART_BYTES: usize = 256 * 1024;
/// Bytes of one part of a write whose size is not known in advance, of which three are held in memory.
const LARGE_PART_BYTES: std::ops::RangeInclusive<u64> = 16 * 1024 * 1024..=64 * 1024 * 1024;
/// Fewer than S3's 10,000, since a size that is expected may be exceeded.
const MOST_PARTS: u64 = 9_000;
/// What can be stored as one object whose size is not known in advance, in bytes.
pub const MOST_STREAMED: u64 = MOST_PARTS * *LARGE_PART_BYTES.end();

/// What was stored.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Stored {
    /// How many bytes.
    pub bytes: u64,
    /// Their SHA-256, in hexadecimal.
    pub sha256: String,
}

/// Why a stream was not stored; nothing is left behind in any case.
#[derive(Debug, thiserror::Error)]
pub enum PutError {
    /// More bytes came than were announced.
    #[error("more than the announced {limit} bytes")]
    TooLarge {
        /// What was announced.
        limit: u64,
    },
    /// Size or hash differ from what was announced.
    #[error("the bytes are not the announced ones")]
    Mismatch {
        /// What came.
        got: Stored,
    },
    /// The sender broke off.
    #[error("the upload broke off")]
    Source(#[source] std::io::Error),
    /// There is no room left.
    #[error("the object storage is full")]
    Full,
    /// The storage failed.
    #[error("the object storage is unavailable, try again")]
    Storage(#[source] object_store::Error),
}

impl From<object_store::Error> for PutError {
    fn from(error: object_store::Error) -> Self {
        if is_full(&error) {
            Self::Full
        } else {
            Self::Storage(error)
        }
    }
}

/// A full storage said by name: it is nobody's fault and passes by somebody making room.
fn full(error: object_store::Error) -> Error {
    if is_full(&error) {
        Error::Unavailable {
            what: "room in the object storage",
        }
    } else {
        error.into()
    }
}

/// Whether a disk, or its owner's share of it, is full: that passes by somebody making room, not by trying again.
fn is_full(error: &object_store::Error) -> bool {
    let mut cause: Option<&(dyn std::error::Error + 'static)> = Some(error);
    while let Some(error) = cause {
        let kind = error.downcast_ref::<std::io::Error>().map(std::io::Error::kind);
        if matches!(
            kind,
            Some(std::io::ErrorKind::StorageFull | std::io::ErrorKind::QuotaExceeded)
        ) {
            return true;
        }
        cause = error.source();
    }
    false
}

impl Storage {
    /// Stores a stream in constant memory; nothing is stored unless exactly `expected` came.
    ///
    /// # Errors
    /// [`PutError`].
    pub async fn put_expected<S>(&self, key: &str, expected: &Stored, stream: S) -> Result<(), PutError>
    where
        S: Stream<Item = std::io::Result<Bytes>> + Send,
    {
        let mut stream = std::pin::pin!(stream);
        let part = if self.folder.is_some() {
            FOLDER_PART_BYTES
        } else {
            PART_BYTES
        };
        let mut writer = WriteMultipart::new_with_chunk_size(self.store.put_multipart(&self.path(key)).await?, part);
        let mut hash = Sha256::new();
        let mut bytes = 0_u64;
        // Copied, since a piece holds on to the whole buffer of the connection that it came from.
        let mut collected = BytesMut::with_capacity(part);
        let refusal = 'read: loop {
            let mut piece = match stream.next().await {
                None => {
                    let got = Stored {
                        bytes,
                        sha256: hex::encode(hash.finalize()),
                    };
                    if got == *expected {
                        writer.put(collected.freeze());
                        writer.finish().await?;
                        return Ok(());
                    }
                    break PutError::Mismatch { got };
                }
                Some(Err(error)) => break PutError::Source(error),
                Some(Ok(piece)) => piece,
            };
            bytes += piece.len() as u64;
            if bytes > expected.bytes {
                break PutError::TooLarge { limit: expected.bytes };
            }
            hash.update(&piece);
            while !piece.is_empty() {
                let fits = piece.len().min(part - collected.len());
                collected.extend_from_slice(&piece.split_to(fits));
                if collected.len() == part {
                    if let Err(error) = writer.wait_for_capacity(1).await {
                        break 'read error.into();
                    }
                    writer.put(std::mem::replace(&mut collected, BytesMut::with_capacity(part)).freeze());
                }
            }
        };
        // What was written so far is dropped; should that fail too, the first reason is the one to tell.
        let _ = writer.abort().await;
        Err(refusal)
    }

    /// Stores a stream of about `expected` bytes in constant memory, whole or not at all; answers its size in bytes. Ends between two
    /// pieces when `stop` fires.
    ///
    /// # Errors
    /// That of the stream, [`Error::Storage`], and [`Error::Unavailable`] when it was stopped or the storage is full.
    pub async fn put_stream<S>(&self, key: &str, expected: u64, stream: S, stop: &CancellationToken) -> Result<u64>
    where
        S: Stream<Item = Result<Bytes>> + Send,
    {
        let part = if self.folder.is_some() {
            FOLDER_PART_BYTES
        } else {
            let part = (expected / MOST_PARTS).clamp(*LARGE_PART_BYTES.start(), *LARGE_PART_BYTES.end());
            usize::try_from(part).unwrap_or(FOLDER_PART_BYTES)
        };
        let mut writer =
            BufWriter::with_capacity(Arc::clone(&self.store), self.path(key), part).with_max_concurrency(1);
        let mut stream = std::pin::pin!(stream);
        let mut bytes = 0;
        let written = async {
            loop {
                let piece = tokio::select! {
                    biased;
                    () = stop.cancelled() => return Err(Error::Unavailable { what: "the work" }),
                    piece = stream.try_next() => piece?,
                };
                let Some(mut piece) = piece else { return Ok(()) };
                bytes += piece.len() as u64;
                while !piece.is_empty() {
                    let some = piece.split_to(part.min(piece.len()));
                    writer.put(some).await.map_err(full)?;
                }
            }
        };
        if let Err(error) = written.await {
            // What was written so far is dropped; should that fail too, the first reason is the one to tell.
            let _ = writer.abort().await;
            return Err(error);
        }
        // Takes back by itself what it cannot complete.
        writer.shutdown().await.map_err(|error| {
            full(object_store::Error::Generic {
                store: "storage",
                source: Box::new(error),
            })
        })?;
        Ok(bytes)
    }

    /// Stores some bytes whole.
    ///
    /// # Errors
    /// [`Error::Storage`].
    pub async fn put(&self, key: &str, bytes: Bytes) -> Result<()> {
        self.store.put(&self.path(key), bytes.into()).await?;
        Ok(())
    }
}
