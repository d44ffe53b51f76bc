//! The object store of a deployment: opened from its configuration, and proved to keep what it is given.

use std::sync::Arc;

use bytes::Bytes;
use object_store::aws::AmazonS3Builder;
use object_store::local::LocalFileSystem;
use object_store::path::Path;
use object_store::{ObjectStore, ObjectStoreExt};

use crate::config::{Bucket, StorageConfig};

/// Why the store is of no use.
#[derive(Debug, thiserror::Error)]
pub enum StorageFault {
    /// The folder cannot be made.
    #[error("the folder cannot be made: {0}")]
    Folder(std::io::Error),
    /// The store refused or could not be reached.
    #[error("{act}: {cause}")]
    Store {
        /// What was tried.
        act: &'static str,
        /// What the store said.
        cause: object_store::Error,
    },
    /// What came back is not what was written.
    #[error("what was read back is not what was written")]
    Changed,
}

/// Opens the store. A folder is made if it is missing; a bucket is not asked anything yet.
///
/// # Errors
/// [`StorageFault`] for a folder that cannot be made or settings that the store's client refuses.
pub fn open(config: &StorageConfig) -> Result<Arc<dyn ObjectStore>, StorageFault> {
    match config {
        StorageConfig::Folder(path) => {
            std::fs::create_dir_all(path).map_err(StorageFault::Folder)?;
            let store = LocalFileSystem::new_with_prefix(path).map_err(fault("open the folder"))?;
            Ok(Arc::new(store.with_automatic_cleanup(true)))
        }
        StorageConfig::Bucket(bucket) => {
            let store = builder(bucket).build().map_err(fault("open the bucket"))?;
            if bucket.prefix.is_empty() {
                Ok(Arc::new(store))
            } else {
                Ok(Arc::new(object_store::prefix::PrefixStore::new(
                    store,
                    bucket.prefix.as_str(),
                )))
            }
        }
    }
}

/// The client of a bucket, for those who sign addresses with it.
pub fn builder(bucket: &Bucket) -> AmazonS3Builder {
    let mut builder = AmazonS3Builder::new()
        .with_bucket_name(&bucket.name)
        .with_region(&bucket.region);
    if let Some(endpoint) = &bucket.endpoint {
        // Whether http is acceptable was decided when the settings were read.
        builder = builder
            .with_endpoint(endpoint.as_str().trim_end_matches('/'))
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
    builder
}

/// Writes an object, reads it back, deletes it. `name` makes its key one that nobody else uses.
///
/// # Errors
/// [`StorageFault`] with the act that failed.
pub async fn probe(store: &dyn ObjectStore, name: &str) -> Result<(), StorageFault> {
    let key = Path::from(format!("probes/{name}"));
    let written = Bytes::from(format!("newsystem doctor {name}"));
    store.put(&key, written.clone().into()).await.map_err(fault("write"))?;
    let read = async { store.get(&key).await?.bytes().await }
        .await
        .map_err(fault("read"));
    store.delete(&key).await.map_err(fault("delete"))?;
    if read? == written {
        Ok(())
    } else {
        Err(StorageFault::Changed)
    }
}

fn fault(act: &'static str) -> impl FnOnce(object_store::Error) -> StorageFault {
    move |cause| StorageFault::Store { act, cause }
}

#[cfg(test)]
mod tests {
    use super::{open, probe};
    use crate::config::StorageConfig;

    #[tokio::test]
    async fn a_folder_keeps_what_it_is_given_and_nothing_of_the_probe() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("new/objects");
        let store = open(&StorageConfig::Folder(path.clone())).unwrap();
        probe(&*store, "one").await.unwrap();
        let left: Vec<_> = std::fs::read_dir(&path).unwrap().collect();
        assert!(left.is_empty(), "{left:?}");
    }

    #[tokio::test]
    async fn a_folder_that_is_a_file_is_a_fault() {
        let file = tempfile::NamedTempFile::new().unwrap();
        assert!(open(&StorageConfig::Folder(file.path().into())).is_err());
    }
}
