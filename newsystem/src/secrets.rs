//! The secrets of a development machine: made once, kept in `.newsystem/secrets.json` (0600). A deployment has its own, in
//! its settings. Passwords of the database's roles are not here: the private cluster derives them from its own secret.

use std::path::{Path, PathBuf};

use anyhow::Context;
use rand::Rng;
use serde::{Deserialize, Serialize};
use service::config::Secret;

use crate::private_file;

/// What `dev` signs with.
#[derive(Debug, Clone)]
pub struct DevelopmentSecrets {
    /// Signs tokens of people (HS256).
    pub jwt_secret: Secret,
    /// Signs upload and download addresses.
    pub signing_key: Secret,
}

#[derive(Serialize, Deserialize)]
struct Stored {
    jwt_secret: String,
    signing_key: String,
}

impl DevelopmentSecrets {
    /// The secrets of a data folder, if it has any.
    pub fn find(data_dir: &Path) -> anyhow::Result<Option<Self>> {
        let path = path(data_dir);
        let text = match std::fs::read_to_string(&path) {
            Ok(text) => text,
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(None),
            Err(error) => return Err(error).with_context(|| format!("cannot read {}", path.display())),
        };
        private_file::tighten(&path)?;
        let stored: Stored = serde_json::from_str(&text)
            .with_context(|| format!("{} is damaged: remove it, and new secrets are made", path.display()))?;
        Ok(Some(Self {
            jwt_secret: Secret::new(stored.jwt_secret),
            signing_key: Secret::new(stored.signing_key),
        }))
    }

    /// The secrets of a data folder, made now if it has none. Two processes that start together get the same.
    pub fn find_or_make(data_dir: &Path) -> anyhow::Result<Self> {
        if let Some(found) = Self::find(data_dir)? {
            return Ok(found);
        }
        let stored = Stored {
            jwt_secret: random(),
            signing_key: random(),
        };
        private_file::write_new(&path(data_dir), &serde_json::to_string_pretty(&stored)?)?;
        Self::find(data_dir)?.context("the secrets vanished while they were made")
    }
}

fn path(data_dir: &Path) -> PathBuf {
    data_dir.join("secrets.json")
}

/// 256 bits, in hexadecimal.
fn random() -> String {
    let mut bytes = [0_u8; 32];
    rand::rng().fill_bytes(&mut bytes);
    hex::encode(bytes)
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::PermissionsExt;

    use super::{DevelopmentSecrets, path};

    #[test]
    fn secrets_are_made_once_and_for_their_owner_only() {
        let folder = tempfile::tempdir().unwrap();
        let data_dir = folder.path().join("data");
        assert!(DevelopmentSecrets::find(&data_dir).unwrap().is_none());
        let first = DevelopmentSecrets::find_or_make(&data_dir).unwrap();
        let found = DevelopmentSecrets::find_or_make(&data_dir).unwrap();
        assert_eq!(
            (&first.jwt_secret, &first.signing_key),
            (&found.jwt_secret, &found.signing_key)
        );
        assert_ne!(first.jwt_secret, first.signing_key);
        assert_eq!(first.jwt_secret.expose().len(), 64);
        let mode = |path: &std::path::Path| std::fs::metadata(path).unwrap().permissions().mode() & 0o777;
        assert_eq!((mode(&path(&data_dir)), mode(&data_dir)), (0o600, 0o700));
        std::fs::set_permissions(path(&data_dir), std::fs::Permissions::from_mode(0o644)).unwrap();
        DevelopmentSecrets::find(&data_dir).unwrap();
        assert_eq!(mode(&path(&data_dir)), 0o600);
    }

    #[test]
    fn a_damaged_file_is_said_to_be_one() {
        let folder = tempfile::tempdir().unwrap();
        std::fs::write(path(folder.path()), "{}").unwrap();
        let error = DevelopmentSecrets::find_or_make(folder.path()).unwrap_err().to_string();
        assert!(error.contains("is damaged: remove it"), "{error}");
    }
}
