//! What can stop a private cluster from starting, each as one sentence that says what to do.

use std::{io, path::PathBuf};

/// The oldest and newest major versions that the program is tested with.
pub const SUPPORTED: std::ops::RangeInclusive<u32> = 15..=18;

/// How to get a PostgreSQL on this system.
pub const INSTALL: &str = if cfg!(target_os = "macos") {
    "`brew install postgresql@17`"
} else {
    "`apt-get install postgresql` (`./dev run` does it on Debian)"
};

/// A private cluster could not be started, found or stopped.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// No folder has `initdb`, `postgres` and `pg_ctl`.
    #[error(
        "PostgreSQL is not installed: install version 15 to 18 with {INSTALL}, or set DATABASE_URL to a server of your own"
    )]
    NotInstalled,
    /// Only versions before or after the tested ones are installed.
    #[error(
        "the installed PostgreSQL is version {found}, which this program does not run on: install version 15 to 18 with {INSTALL}, or set DATABASE_URL to a server of your own"
    )]
    UnsupportedVersion { found: String },
    /// The data was made by a major version that is not installed.
    #[error("the data in {folder} was made by PostgreSQL {found} but version {installed} is installed: install PostgreSQL {found}, or move that folder away to start with an empty database", folder = folder.display())]
    OtherVersionsData {
        folder: PathBuf,
        found: String,
        installed: String,
    },
    /// The file system is full, or a quota is reached.
    #[error("the disk that holds {folder} is full: free some space there (PostgreSQL needs about 100 MB to start), or point NEWSYSTEM_DATA_DIR elsewhere", folder = folder.display())]
    DiskFull { folder: PathBuf },
    /// A live program holds the folder's lock.
    #[error("another newsystem (process {holder}) already uses the database in {folder}: stop it first, or set NEWSYSTEM_DATA_DIR to another folder", folder = folder.display())]
    InUse { folder: PathBuf, holder: String },
    /// The cluster was made by root and lives where only root may go.
    #[error("the database of {folder} was made by root: start as root again, or set NEWSYSTEM_DATA_DIR to another folder", folder = folder.display())]
    MadeByRoot { folder: PathBuf },
    /// Root has no user to run PostgreSQL as.
    #[error(
        "PostgreSQL refuses to run as root and there is no user `postgres` or `nobody` to run it: start as another user, or create one with `useradd --system postgres`"
    )]
    NoUser,
    /// A container's user without an entry in the list of users.
    #[error(
        "PostgreSQL refuses to run as a user without a name: add this user to /etc/passwd, or start as another user"
    )]
    NamelessUser,
    /// The data is there, its secret is not.
    #[error("the password of the database in {folder} is gone: put the file `secret` back, or move that folder away to start with an empty database", folder = folder.display())]
    SecretLost { folder: PathBuf },
    /// Something other than a cluster is in its place.
    #[error("{path} is in the way and is not a database of this program: move it away", path = path.display())]
    InTheWay { path: PathBuf },
    /// The folder may not be written or entered.
    #[error("this user may not use {path} ({source}): change its owner, or set NEWSYSTEM_DATA_DIR to another folder", path = path.display())]
    NotPermitted { path: PathBuf, source: io::Error },
    /// A file could not be read or written.
    #[error("cannot use {path}: {source}", path = path.display())]
    File { path: PathBuf, source: io::Error },
    /// A program of PostgreSQL failed for a reason that only it knows.
    #[error("{what} failed: {detail}")]
    Failed { what: &'static str, detail: String },
}

impl Error {
    /// The fault behind a file operation.
    pub fn file(path: impl Into<PathBuf>) -> impl FnOnce(io::Error) -> Self {
        let path = path.into();
        move |source| match source.kind() {
            io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded => Self::DiskFull { folder: path },
            io::ErrorKind::PermissionDenied | io::ErrorKind::ReadOnlyFilesystem => Self::NotPermitted { path, source },
            _ => Self::File { path, source },
        }
    }

    /// The fault behind what a program of PostgreSQL wrote before it gave up.
    pub fn program(what: &'static str, folder: impl Into<PathBuf>, output: &str) -> Self {
        if output.contains("No space left on device") || output.contains("Disk quota exceeded") {
            return Self::DiskFull { folder: folder.into() };
        }
        if output.contains("could not look up effective user ID") {
            return Self::NamelessUser;
        }
        let lines = || output.lines().map(str::trim).filter(|line| !line.is_empty());
        let telling = lines().find(|line| {
            ["FATAL:", "PANIC:", "error:", "could not"]
                .iter()
                .any(|mark| line.contains(mark))
        });
        Self::Failed {
            what,
            detail: telling
                .or_else(|| lines().next_back())
                .unwrap_or("it said nothing")
                .to_owned(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_full_disk_is_recognised_in_what_postgres_says() {
        let said = "running bootstrap script ... 2026-11-01 FATAL:  could not write to file \"pg_wal/xlogtemp.29\": No space left on device\n";
        assert!(matches!(Error::program("initdb", "/x", said), Error::DiskFull { .. }));
    }

    #[test]
    fn the_telling_line_of_a_failure_is_kept() {
        let said = "LOG:  starting\nFATAL:  configuration file contains errors\nLOG:  database system is shut down\n";
        assert_eq!(
            Error::program("postgres", "/x", said).to_string(),
            "postgres failed: FATAL:  configuration file contains errors"
        );
        assert_eq!(
            Error::program("postgres", "/x", "").to_string(),
            "postgres failed: it said nothing"
        );
    }
}
