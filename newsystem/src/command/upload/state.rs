//! What is remembered of an upload, so that the same command goes on where it was interrupted: a small file for each, below
//! the data folder. It holds no secret and nothing of the recording.

use std::fs::File;
use std::io::Read as _;
use std::os::unix::fs::MetadataExt as _;
use std::path::{Path, PathBuf};

use anyhow::Context;
use serde::{Deserialize, Serialize};
use sha2::{Digest as _, Sha256};
use url::Url;
use uuid::Uuid;

use crate::private_file;

/// How much of the file's beginning is looked at.
const HEAD_BYTES: u64 = 1024 * 1024;

/// What tells a file from another, and from itself after a change.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Identity {
    pub size: u64,
    modified: (i64, i64),
    head: [u8; 32],
    /// Its first bytes, which tell a video from something else.
    pub first: Vec<u8>,
}

impl Identity {
    pub fn of(path: &Path) -> anyhow::Result<Self> {
        let read = || {
            let file = File::open(path)?;
            let metadata = file.metadata()?;
            let mut head = Vec::new();
            file.take(HEAD_BYTES).read_to_end(&mut head)?;
            Ok::<_, std::io::Error>((metadata, head))
        };
        let (metadata, head) = read().with_context(|| format!("cannot read {}", path.display()))?;
        anyhow::ensure!(metadata.is_file(), "{} is no file", path.display());
        Ok(Self {
            size: metadata.len(),
            modified: (metadata.mtime(), metadata.mtime_nsec()),
            head: Sha256::digest(&head).into(),
            first: head[..head.len().min(domain::container::SNIFF_BYTES)].to_vec(),
        })
    }

    /// The name under which an upload to this server is remembered.
    fn key(&self, server: &Url) -> String {
        let mut hash = Sha256::new();
        hash.update(self.size.to_be_bytes());
        hash.update(self.modified.0.to_be_bytes());
        hash.update(self.modified.1.to_be_bytes());
        hash.update(self.head);
        hash.update(server.as_str());
        hex::encode(&hash.finalize()[..16])
    }
}

/// An upload that was begun.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct State {
    /// The server, for people who look into the file.
    pub server: String,
    /// How the file was cut: a session's chunks keep their sizes.
    pub chunk_bytes: u64,
    /// What makes the start of the session repeatable.
    pub nonce: Uuid,
    /// The session, once it is started.
    pub session: Option<String>,
}

/// Where the state of one upload is kept.
#[derive(Debug)]
pub struct Memory {
    path: PathBuf,
}

impl Memory {
    pub fn of(data_dir: &Path, server: &Url, file: &Identity) -> Self {
        let path = data_dir.join("uploads").join(format!("{}.json", file.key(server)));
        Self { path }
    }

    /// What was written last. A damaged file is as good as none: the upload begins anew.
    pub fn recall(&self) -> Option<State> {
        let text = std::fs::read_to_string(&self.path).ok()?;
        serde_json::from_str(&text).ok()
    }

    pub fn keep(&self, state: &State) -> anyhow::Result<()> {
        private_file::write(&self.path, &serde_json::to_string_pretty(state)?)
    }

    pub fn forget(&self) {
        // Left behind, it only costs one question at the next upload of the file.
        let _ = std::fs::remove_file(&self.path);
    }
}

#[cfg(test)]
mod tests {
    use std::fs::File;
    use std::path::Path;
    use std::time::{Duration, SystemTime};

    use url::Url;
    use uuid::Uuid;

    use super::{Identity, Memory, State};

    fn write(path: &Path, bytes: &[u8], seconds: u64) {
        std::fs::write(path, bytes).unwrap();
        let at = SystemTime::UNIX_EPOCH + Duration::from_secs(seconds);
        File::options()
            .write(true)
            .open(path)
            .unwrap()
            .set_modified(at)
            .unwrap();
    }

    #[test]
    fn an_upload_is_remembered_until_the_file_or_the_server_is_another() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("a.webm");
        let server: Url = "https://a.test/".parse().unwrap();
        write(&file, b"abc", 1_000);
        let memory = || Memory::of(folder.path(), &server, &Identity::of(&file).unwrap());
        assert_eq!(memory().recall(), None);
        let state = State {
            server: server.to_string(),
            chunk_bytes: 5,
            nonce: Uuid::from_u128(7),
            session: Some("s".to_owned()),
        };
        memory().keep(&state).unwrap();
        assert_eq!(memory().recall(), Some(state.clone()));

        let other: Url = "https://b.test/".parse().unwrap();
        assert_eq!(
            Memory::of(folder.path(), &other, &Identity::of(&file).unwrap()).recall(),
            None
        );
        for (bytes, seconds) in [(&b"abd"[..], 1_000), (b"abcd", 1_000), (b"abc", 1_001)] {
            write(&file, bytes, seconds);
            assert_eq!(memory().recall(), None, "{bytes:?} {seconds}");
        }
        write(&file, b"abc", 1_000);
        let moved = folder.path().join("b.webm");
        std::fs::rename(&file, &moved).unwrap();
        let memory = Memory::of(folder.path(), &server, &Identity::of(&moved).unwrap());
        assert_eq!(memory.recall(), Some(state), "a new name is the same file");
        memory.forget();
        assert_eq!(memory.recall(), None);
    }

    #[test]
    fn a_damaged_memory_is_none_and_what_is_no_file_is_said() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("a.webm");
        write(&file, b"abc", 1);
        let memory = Memory::of(
            folder.path(),
            &"https://a.test/".parse().unwrap(),
            &Identity::of(&file).unwrap(),
        );
        std::fs::create_dir_all(memory.path.parent().unwrap()).unwrap();
        std::fs::write(&memory.path, "{").unwrap();
        assert_eq!(memory.recall(), None);
        assert!(Identity::of(folder.path()).is_err());
        let missing = Identity::of(&folder.path().join("none")).unwrap_err().to_string();
        assert!(missing.starts_with("cannot read "), "{missing}");
    }
}
