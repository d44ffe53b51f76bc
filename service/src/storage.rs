//! Where recordings, frames and reports lie: a folder by default, S3 or anything that speaks it by address.
//!
//! Keys are made of ids and numbers only; nothing of a caller's text becomes part of a path. Every write is whole or absent:
//! a folder writes beside and renames, S3 completes a multipart upload.

use std::path::{Path as FilePath, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use bytes::{Bytes, BytesMut};
use domain::id::{AnalysisId, OrganizationId, ReportId, SessionId};
use futures::{Stream, StreamExt, TryStreamExt};
use object_store::aws::{AmazonS3, AmazonS3Builder};
use object_store::buffered::BufWriter;
use object_store::local::LocalFileSystem;
use object_store::path::Path;
use object_store::signer::Signer;
use object_store::{GetOptions, ObjectStore, ObjectStoreExt, WriteMultipart};
use sha2::{Digest, Sha256};
use tokio::io::AsyncWriteExt;
use tokio_util::sync::CancellationToken;
use url::Url;

use crate::config::{Bucket, StorageConfig};
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

/// The key of one chunk of a recording.
pub fn chunk_key(organization: OrganizationId, session: SessionId, index: i32) -> String {
    format!("organizations/{organization}/recordings/{session}/chunks/{index}")
}

/// The key of a frame kept as evidence.
pub fn frame_key(organization: OrganizationId, session: SessionId, analysis: AnalysisId, index: u32) -> String {
    format!("organizations/{organization}/recordings/{session}/analyses/{analysis}/frames/{index}.jpg")
}

/// Everything that an analysis has stored.
pub fn analysis_prefix(organization: OrganizationId, session: SessionId, analysis: AnalysisId) -> String {
    format!("organizations/{organization}/recordings/{session}/analyses/{analysis}")
}

/// The key of a generated report.
pub fn report_key(organization: OrganizationId, report: ReportId, extension: &'static str) -> String {
    format!("organizations/{organization}/reports/{report}.{extension}")
}

/// All chunks of one session.
pub fn chunks_prefix(organization: OrganizationId, session: SessionId) -> String {
    format!("organizations/{organization}/recordings/{session}/chunks")
}

/// Everything of one session: chunks and frames.
pub fn session_prefix(organization: OrganizationId, session: SessionId) -> String {
    format!("organizations/{organization}/recordings/{session}")
}

/// Everything of one organization.
pub fn organization_prefix(organization: OrganizationId) -> String {
    format!("organizations/{organization}")
}

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

/// The object storage. Cheap to clone.
#[derive(Clone)]
pub struct Storage {
    store: Arc<dyn ObjectStore>,
    s3: Option<Arc<AmazonS3>>,
    folder: Option<PathBuf>,
    /// In front of every key; empty for none.
    prefix: String,
}

impl std::fmt::Debug for Storage {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Storage")
            .field("folder", &self.folder)
            .field("s3", &self.s3.is_some())
            .finish_non_exhaustive()
    }
}

impl Storage {
    /// A folder, made when it is missing. Writes are flushed to the disk before they count.
    ///
    /// # Errors
    /// When the folder cannot be made or written.
    pub fn folder(path: &FilePath) -> Result<Self> {
        std::fs::create_dir_all(path)
            .map_err(|error| Error::internal(format!("the storage folder cannot be made: {error}")))?;
        let store = LocalFileSystem::new_with_prefix(path)?
            .with_automatic_cleanup(true)
            .with_fsync(true);
        Ok(Self {
            store: Arc::new(store),
            s3: None,
            folder: Some(path.to_path_buf()),
            prefix: String::new(),
        })
    }

    /// S3 or what speaks it; path-style addresses where an endpoint is named.
    ///
    /// # Errors
    /// When the settings make no client.
    pub fn bucket(bucket: &Bucket) -> Result<Self> {
        let mut builder = AmazonS3Builder::new()
            .with_bucket_name(&bucket.name)
            .with_region(&bucket.region);
        if let Some(endpoint) = &bucket.endpoint {
            // Whether http is acceptable was decided when the settings were read.
            builder = builder
                .with_endpoint(endpoint.as_str().trim_end_matches('/'))
                .with_virtual_hosted_style_request(false)
                .with_allow_http(endpoint.scheme() == "http");
        }
        if let Some((key, secret)) = &bucket.credentials {
            builder = builder
                .with_access_key_id(key.expose())
                .with_secret_access_key(secret.expose());
        }
        if let Some(token) = &bucket.session_token {
            builder = builder.with_token(token.expose());
        }
        let s3 = Arc::new(builder.build()?);
        Ok(Self {
            store: Arc::clone(&s3) as Arc<dyn ObjectStore>,
            s3: Some(s3),
            folder: None,
            prefix: bucket.prefix.clone(),
        })
    }

    /// What the configuration names.
    ///
    /// # Errors
    /// As [`Storage::folder`] and [`Storage::bucket`].
    pub fn open(config: &StorageConfig) -> Result<Self> {
        match config {
            StorageConfig::Folder(path) => Self::folder(path),
            StorageConfig::Bucket(bucket) => Self::bucket(bucket),
        }
    }

    fn path(&self, key: &str) -> Path {
        if self.prefix.is_empty() {
            Path::from(key)
        } else {
            Path::from(format!("{}/{key}", self.prefix.trim_end_matches('/')))
        }
    }

    /// True when clients put and get at the storage itself, by presigned addresses.
    pub fn presigns(&self) -> bool {
        self.s3.is_some()
    }

    /// An address to PUT one object to, or to GET it from; nothing on a folder, whose addresses are our own.
    ///
    /// # Errors
    /// When signing fails.
    pub async fn presign(&self, method: PresignedMethod, key: &str, lifetime: Duration) -> Result<Option<Url>> {
        let Some(s3) = &self.s3 else { return Ok(None) };
        let method = match method {
            PresignedMethod::Put => reqwest_method("PUT")?,
            PresignedMethod::Get => reqwest_method("GET")?,
        };
        Ok(Some(s3.signed_url(method, &self.path(key), lifetime).await?))
    }

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

    /// An object as a stream, with its size.
    ///
    /// # Errors
    /// [`Error::NotFound`] when it is gone, [`Error::Storage`].
    pub async fn get(&self, key: &str) -> Result<(u64, impl Stream<Item = Result<Bytes>> + Send + 'static)> {
        let object = self.store.get(&self.path(key)).await.map_err(absent)?;
        Ok((object.meta.size, object.into_stream().map_err(Error::from)))
    }

    /// A part of an object, `start..end` in bytes.
    ///
    /// # Errors
    /// As [`Storage::get`].
    pub async fn get_range(&self, key: &str, range: std::ops::Range<u64>) -> Result<Bytes> {
        self.store.get_range(&self.path(key), range).await.map_err(absent)
    }

    /// As [`Storage::get_range`], as a stream.
    ///
    /// # Errors
    /// As [`Storage::get`].
    pub async fn stream_range(
        &self,
        key: &str,
        range: std::ops::Range<u64>,
    ) -> Result<impl Stream<Item = Result<Bytes>> + Send + use<>> {
        let options = GetOptions::new().with_range(Some(range));
        let object = self.store.get_opts(&self.path(key), options).await.map_err(absent)?;
        Ok(object.into_stream().map_err(Error::from))
    }

    /// Whether an object is there.
    ///
    /// # Errors
    /// [`Error::Storage`].
    pub async fn exists(&self, key: &str) -> Result<bool> {
        match self.store.head(&self.path(key)).await {
            Ok(_) => Ok(true),
            Err(object_store::Error::NotFound { .. }) => Ok(false),
            Err(error) => Err(error.into()),
        }
    }

    /// Size and hash of an object, read once in constant memory; nothing when it is absent.
    ///
    /// # Errors
    /// [`Error::Storage`].
    pub async fn inspect(&self, key: &str) -> Result<Option<Stored>> {
        let object = match self.store.get(&self.path(key)).await {
            Ok(object) => object,
            Err(object_store::Error::NotFound { .. }) => return Ok(None),
            Err(error) => return Err(error.into()),
        };
        let mut stream = object.into_stream();
        let mut hash = Sha256::new();
        let mut bytes = 0_u64;
        while let Some(piece) = stream.try_next().await? {
            bytes += piece.len() as u64;
            hash.update(&piece);
        }
        Ok(Some(Stored {
            bytes,
            sha256: hex::encode(hash.finalize()),
        }))
    }

    /// Copies an object and reads the copy once: its size and hash; nothing when there is none to copy.
    ///
    /// # Errors
    /// [`Error::Storage`].
    pub async fn copy_and_inspect(&self, from: &str, to: &str) -> Result<Option<Stored>> {
        match self.store.copy(&self.path(from), &self.path(to)).await {
            Ok(()) => self.inspect(to).await,
            Err(object_store::Error::NotFound { .. }) => Ok(None),
            Err(error) => Err(error.into()),
        }
    }

    /// Appends objects byte by byte, in this order, into a file: how a recording is put together again.
    ///
    /// # Errors
    /// [`Error::NotFound`] when an object is gone, [`Error::Storage`], [`Error::Unavailable`] when the local disk is full.
    pub async fn append_to_file(&self, keys: &[String], file: &FilePath) -> Result<u64> {
        let disk = |_| Error::Unavailable {
            what: "the worker's disk",
        };
        let mut target = tokio::io::BufWriter::new(tokio::fs::File::create(file).await.map_err(disk)?);
        let mut bytes = 0;
        for key in keys {
            let (_, stream) = self.get(key).await?;
            let mut stream = std::pin::pin!(stream);
            while let Some(piece) = stream.try_next().await? {
                bytes += piece.len() as u64;
                target.write_all(&piece).await.map_err(disk)?;
            }
        }
        target.flush().await.map_err(disk)?;
        Ok(bytes)
    }

    /// Deletes an object; an absent one counts as deleted.
    ///
    /// # Errors
    /// [`Error::Storage`].
    pub async fn delete(&self, key: &str) -> Result<()> {
        match self.store.delete(&self.path(key)).await {
            Ok(()) | Err(object_store::Error::NotFound { .. }) => Ok(()),
            Err(error) => Err(error.into()),
        }
    }

    /// Deletes everything under a prefix; answers how many objects and bytes.
    ///
    /// # Errors
    /// [`Error::Storage`].
    pub async fn delete_prefix(&self, prefix: &str) -> Result<(u64, u64)> {
        let prefix = self.path(prefix);
        let mut objects = self.store.list(Some(&prefix));
        let (mut count, mut bytes) = (0, 0);
        while let Some(object) = objects.try_next().await? {
            match self.store.delete(&object.location).await {
                Ok(()) | Err(object_store::Error::NotFound { .. }) => {}
                Err(error) => return Err(error.into()),
            }
            count += 1;
            bytes += object.size;
        }
        if let Some(folder) = &self.folder {
            // What a killed process had half-written is no object, and yet somebody's data.
            let left = prefix
                .parts()
                .fold(folder.clone(), |folder, part| folder.join(part.as_ref()));
            match tokio::fs::remove_dir_all(&left).await {
                Ok(()) => {}
                Err(error) if error.kind() == std::io::ErrorKind::NotFound => {}
                Err(error) => {
                    return Err(Error::internal(format!(
                        "a folder of the storage cannot be removed: {error}"
                    )));
                }
            }
        }
        Ok((count, bytes))
    }

    /// Writes, reads and deletes one small object, for readiness and `doctor`.
    ///
    /// # Errors
    /// [`Error::Storage`], or [`Error::Internal`] when something else comes back.
    pub async fn probe(&self) -> Result<()> {
        let key = format!("probes/{}", uuid::Uuid::now_v7());
        self.put(&key, Bytes::from_static(b"newsystem")).await?;
        let back = self.get_range(&key, 0..9).await?;
        self.delete(&key).await?;
        if back.as_ref() == b"newsystem" {
            Ok(())
        } else {
            Err(Error::internal("the storage gave back other bytes"))
        }
    }
}

/// What a presigned address is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum PresignedMethod {
    /// Storing.
    Put,
    /// Reading.
    Get,
}

fn reqwest_method(name: &str) -> Result<http::Method> {
    http::Method::from_bytes(name.as_bytes()).map_err(|_| Error::internal("no such method"))
}

fn absent(error: object_store::Error) -> Error {
    match error {
        object_store::Error::NotFound { .. } => Error::NotFound { what: "stored object" },
        other => other.into(),
    }
}

#[cfg(test)]
mod tests {
    use futures::stream;

    use super::*;

    fn expected(bytes: &[u8]) -> Stored {
        Stored {
            bytes: bytes.len() as u64,
            sha256: hex::encode(Sha256::digest(bytes)),
        }
    }

    fn pieces(pieces: &[&'static [u8]]) -> impl Stream<Item = std::io::Result<Bytes>> + Send + use<> {
        stream::iter(
            pieces
                .iter()
                .map(|piece| Ok(Bytes::from_static(piece)))
                .collect::<Vec<_>>(),
        )
    }

    #[tokio::test]
    async fn only_the_announced_bytes_are_stored() {
        let folder = tempfile::tempdir().unwrap();
        let storage = Storage::folder(folder.path()).unwrap();
        let announced = expected(b"hello world");
        assert!(matches!(
            storage.put_expected("a", &announced, pieces(&[b"hello"])).await,
            Err(PutError::Mismatch { .. })
        ));
        assert!(matches!(
            storage.put_expected("a", &announced, pieces(&[b"hello world!"])).await,
            Err(PutError::TooLarge { limit: 11 })
        ));
        let broken = pieces(&[b"hello"]).chain(stream::iter([Err(std::io::Error::other("gone"))]));
        assert!(matches!(
            storage.put_expected("a", &announced, broken).await,
            Err(PutError::Source(_))
        ));
        assert_eq!(storage.inspect("a").await.unwrap(), None);
        assert_eq!(
            std::fs::read_dir(folder.path()).unwrap().count(),
            0,
            "nothing is left behind"
        );
        storage
            .put_expected("a", &announced, pieces(&[b"hello ", b"world"]))
            .await
            .unwrap();
        assert_eq!(storage.inspect("a").await.unwrap(), Some(announced));
    }

    #[tokio::test]
    async fn chunks_are_appended_in_order_and_prefixes_deleted_whole() {
        let folder = tempfile::tempdir().unwrap();
        let storage = Storage::folder(folder.path()).unwrap();
        for (key, bytes) in [
            ("s/chunks/1", b"b".as_slice()),
            ("s/chunks/0", b"a"),
            ("t/chunks/0", b"x"),
        ] {
            storage.put(key, Bytes::from_static(bytes)).await.unwrap();
        }
        let file = folder.path().join("whole");
        let bytes = storage
            .append_to_file(&["s/chunks/0".into(), "s/chunks/1".into()], &file)
            .await
            .unwrap();
        assert_eq!((bytes, std::fs::read(&file).unwrap()), (2, b"ab".to_vec()));
        assert_eq!(storage.delete_prefix("s").await.unwrap(), (2, 2));
        assert!(matches!(
            storage.append_to_file(&["s/chunks/0".into()], &file).await,
            Err(Error::NotFound { .. })
        ));
        assert_eq!(
            storage.inspect("t/chunks/0").await.unwrap().map(|stored| stored.bytes),
            Some(1)
        );
        storage.probe().await.unwrap();
    }
}
