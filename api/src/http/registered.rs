//! Registered operations: documents that the server knows by their SHA-256, and may be told to accept alone.

use std::{collections::HashMap, fmt::Write as _, io, path::Path, sync::Arc};

use sha2::{Digest as _, Sha256};

/// Documents by the lowercase hexadecimal SHA-256 of their text.
#[derive(Debug, Clone, Default)]
pub struct Registered(HashMap<String, Arc<str>>);

impl Registered {
    /// Reads every `.graphql` file of a folder (not of folders within). A file's text is known as it stands and trimmed,
    /// since some clients strip the last line break.
    pub fn load(folder: &Path) -> io::Result<Self> {
        let mut registered = Self::default();
        for entry in std::fs::read_dir(folder)? {
            let path = entry?.path();
            if path.extension().is_some_and(|extension| extension == "graphql") {
                registered.insert(&std::fs::read_to_string(&path)?);
            }
        }
        Ok(registered)
    }

    /// Adds one document.
    pub fn insert(&mut self, text: &str) {
        for text in [text, text.trim()] {
            self.0.insert(hash(text), text.into());
        }
    }

    /// How many texts are known.
    pub fn len(&self) -> usize {
        self.0.len()
    }

    /// Whether nothing is known.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    pub(super) fn get(&self, hash: &str) -> Option<Arc<str>> {
        self.0.get(hash).cloned()
    }
}

/// The id of a document.
pub fn hash(text: &str) -> String {
    Sha256::digest(text.as_bytes())
        .iter()
        .fold(String::with_capacity(64), |mut hex, byte| {
            let _ = write!(hex, "{byte:02x}");
            hex
        })
}
