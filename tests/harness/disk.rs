//! A disk that is soon full.

use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

/// A file system of a given size, mounted for one test. Only root may mount.
pub struct SmallDisk(PathBuf);

impl SmallDisk {
    /// Mounts one of so many megabytes; none where that is not allowed.
    ///
    /// # Errors
    /// When its folder cannot be made.
    pub fn mount(at: PathBuf, megabytes: u32) -> std::io::Result<Option<Self>> {
        std::fs::create_dir_all(&at)?;
        let size = format!("size={megabytes}m,mode=755");
        let mounted = Command::new("mount")
            .args(["-t", "tmpfs", "-o", &size, "tmpfs"])
            .arg(&at)
            .stderr(Stdio::null())
            .status();
        Ok(mounted.is_ok_and(|status| status.success()).then(|| Self(at)))
    }

    /// Where it is.
    pub fn path(&self) -> &Path {
        &self.0
    }

    /// Makes room: so many megabytes in all.
    ///
    /// # Panics
    /// When it cannot be made larger.
    pub fn grow(&self, megabytes: u32) {
        let size = format!("remount,size={megabytes}m");
        let grown = Command::new("mount").args(["-o", &size]).arg(&self.0).status();
        assert!(grown.is_ok_and(|status| status.success()), "the disk does not grow");
    }
}

impl Drop for SmallDisk {
    fn drop(&mut self) {
        let _ = Command::new("umount").arg(&self.0).status();
    }
}
