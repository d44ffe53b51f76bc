//! `.newsystem/client.json`: where the running `dev` is reached and with which token, for the commands that are its clients.

use std::path::{Path, PathBuf};

use anyhow::Context;
use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};

use crate::private_file;

/// What a client on this machine needs.
#[derive(Clone, Serialize, Deserialize)]
pub struct ClientFile {
    /// The server, without a path: `http://127.0.0.1:8080/`.
    pub address: String,
    /// A token of the demo organization's owner; absent where somebody else signs people in.
    pub token: Option<String>,
    /// When the token ends.
    pub expires_at: Option<DateTime<Utc>>,
}

impl std::fmt::Debug for ClientFile {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("ClientFile")
            .field("address", &self.address)
            .field("token", &"[redacted]")
            .finish_non_exhaustive()
    }
}

impl ClientFile {
    /// Writes it, readable by its owner only.
    pub fn write(&self, data_dir: &Path) -> anyhow::Result<()> {
        private_file::write(&path(data_dir), &serde_json::to_string_pretty(self)?)
    }

    /// Reads it.
    pub fn read(data_dir: &Path) -> anyhow::Result<Self> {
        let path = path(data_dir);
        let text = std::fs::read_to_string(&path)
            .with_context(|| format!("cannot read {}: is `newsystem dev` running here?", path.display()))?;
        serde_json::from_str(&text)
            .with_context(|| format!("{} is damaged: start `newsystem dev` again", path.display()))
    }

    /// Removes it once the server has stopped.
    pub fn remove(data_dir: &Path) {
        // Left behind, it only makes a client fail with "connection refused".
        let _ = std::fs::remove_file(path(data_dir));
    }
}

fn path(data_dir: &Path) -> PathBuf {
    data_dir.join("client.json")
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::PermissionsExt;

    use super::{ClientFile, path};

    #[test]
    fn what_was_written_is_read_and_others_cannot_read_it() {
        let folder = tempfile::tempdir().unwrap();
        let file = ClientFile {
            address: "http://127.0.0.1:1/".to_owned(),
            token: Some("t".to_owned()),
            expires_at: None,
        };
        file.write(folder.path()).unwrap();
        file.write(folder.path()).unwrap();
        assert_eq!(ClientFile::read(folder.path()).unwrap().token.as_deref(), Some("t"));
        assert_eq!(
            std::fs::metadata(path(folder.path())).unwrap().permissions().mode() & 0o777,
            0o600
        );
        assert!(!format!("{file:?}").contains("\"t\""));
        ClientFile::remove(folder.path());
        let error = ClientFile::read(folder.path()).unwrap_err().to_string();
        assert!(error.contains("is `newsystem dev` running here?"), "{error}");
    }
}
