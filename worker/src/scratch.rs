//! Where recordings are put together while they are read: a folder of this process, locked for as long as it lives.
//!
//! Recordings show people at work, and a worker that is killed cleans nothing up: whoever works on the same disk removes what
//! the dead have left.

use std::fs::{File, TryLockError};
use std::io;
use std::path::{Path, PathBuf};

/// What the folders of processes are called.
const PREFIX: &str = "worker-";
/// Held by its process, inside its folder.
const LOCK: &str = "lock";

/// This process's folder. Dropped, it is removed.
pub struct Scratch {
    root: PathBuf,
    folder: tempfile::TempDir,
    _lock: File,
}

impl Scratch {
    /// Makes the folder in this root, and removes what dead processes have left there.
    pub fn open(root: &Path) -> io::Result<Self> {
        std::fs::create_dir_all(root)?;
        // A folder is not taken for a dead one's between being made and being locked.
        let turn = File::create(root.join(LOCK))?;
        turn.lock()?;
        remove_leftovers(root)?;
        let folder = tempfile::Builder::new().prefix(PREFIX).tempdir_in(root)?;
        let lock = File::create(folder.path().join(LOCK))?;
        lock.lock()?;
        Ok(Self {
            root: root.to_owned(),
            folder,
            _lock: lock,
        })
    }

    /// The folder.
    pub fn path(&self) -> &Path {
        self.folder.path()
    }

    /// Where this process and others have theirs.
    pub fn root(&self) -> &Path {
        &self.root
    }
}

/// Removes the folders of dead processes, unless somebody else is at it; answers how many.
pub fn sweep(root: &Path) -> io::Result<u64> {
    let turn = File::create(root.join(LOCK))?;
    match turn.try_lock() {
        Ok(()) => remove_leftovers(root),
        Err(TryLockError::WouldBlock) => Ok(0),
        Err(TryLockError::Error(error)) => Err(error),
    }
}

fn remove_leftovers(root: &Path) -> io::Result<u64> {
    let mut removed = 0;
    for entry in std::fs::read_dir(root)? {
        let entry = entry?;
        if !entry.file_name().to_string_lossy().starts_with(PREFIX) {
            continue;
        }
        // Without its lock it never began to live.
        let dead = match File::open(entry.path().join(LOCK)) {
            Ok(lock) => lock.try_lock().is_ok(),
            Err(error) => error.kind() == io::ErrorKind::NotFound,
        };
        if dead {
            std::fs::remove_dir_all(entry.path())?;
            removed += 1;
        }
    }
    Ok(removed)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_the_dead_left_is_removed_and_what_the_living_have_is_not() {
        let root = tempfile::tempdir().unwrap();
        let living = Scratch::open(root.path()).unwrap();
        std::fs::write(living.path().join("recording"), "x").unwrap();
        for (name, file) in [("worker-dead", LOCK), ("worker-never", "recording"), ("else", LOCK)] {
            std::fs::create_dir(root.path().join(name)).unwrap();
            std::fs::write(root.path().join(name).join(file), "x").unwrap();
        }
        assert_eq!(sweep(root.path()).unwrap(), 2);
        assert!(living.path().join("recording").exists() && root.path().join("else").exists());
        assert!(!root.path().join("worker-dead").exists() && !root.path().join("worker-never").exists());
        let path = living.path().to_owned();
        drop(living);
        assert!(!path.exists());
    }
}
