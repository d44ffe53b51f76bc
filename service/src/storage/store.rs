//! The storage itself: opened from the configuration, asked for addresses, and probed. What is done with objects lies beside.

use std::path::{Path as FilePath, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use object_store::ObjectStore;
use object_store::aws::{AmazonS3, AmazonS3Builder};
use object_store::local::LocalFileSystem;
use object_store::path::Path;
use object_store::signer::Signer;
use url::Url;

use crate::config::{Bucket, StorageConfig};
use crate::error::{Error, Result};

/// The object storage. Cheap to clone.
#[derive(Clone)]
pub struct Storage {
    pub(super) store: Arc<dyn ObjectStore>,
    s3: Option<Arc<AmazonS3>>,
    pub(super) folder: Option<PathBuf>,
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

    pub(super) fn path(&self, key: &str) -> Path {
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
