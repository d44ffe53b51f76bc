//! Reading: objects and parts of them as streams, their size and hash, and a recording put together from its chunks.

use std::path::Path as FilePath;

use bytes::Bytes;
use futures::{Stream, TryStreamExt};
use object_store::path::Path;
use object_store::{GetOptions, ObjectStoreExt};
use sha2::{Digest, Sha256};
use tokio::io::AsyncWriteExt;

use super::{Storage, Stored};
use crate::error::{Error, Result};

impl Storage {
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

    /// The keys of all objects under a prefix.
    ///
    /// # Errors
    /// [`Error::Storage`].
    pub async fn keys(&self, prefix: &str) -> Result<Vec<String>> {
        let root = self.path("");
        let objects = self.store.list(Some(&self.path(prefix)));
        let keys = objects.map_ok(|object| match object.location.prefix_match(&root) {
            Some(parts) => parts.collect::<Path>().to_string(),
            None => object.location.to_string(),
        });
        Ok(keys.try_collect().await?)
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
}

fn absent(error: object_store::Error) -> Error {
    match error {
        object_store::Error::NotFound { .. } => Error::NotFound { what: "stored object" },
        other => other.into(),
    }
}
