//! Deleting: one object, or everything under a prefix with what a killed process left there.

use futures::TryStreamExt;
use object_store::ObjectStoreExt;

use super::Storage;
use crate::error::{Error, Result};

impl Storage {
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
}
