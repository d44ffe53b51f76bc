//! The program as a process of its own, as whoever runs it has it: for what only a process can show. `./dev test` builds it
//! before the tests.

mod process;
mod serve;

use std::ffi::OsStr;
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};

pub use process::{Process, lives, signal};
pub use serve::{SECRET, Serve, token, token_of};

/// Where it is: beside the folder of the test programs; `NEWSYSTEM_TEST_PROGRAM` names another.
///
/// # Panics
/// When it was not built.
pub fn path() -> PathBuf {
    if let Some(path) = std::env::var_os("NEWSYSTEM_TEST_PROGRAM") {
        return path.into();
    }
    let path = std::env::current_exe()
        .ok()
        .and_then(|test| Some(test.parent()?.parent()?.join("newsystem")))
        .unwrap_or_default();
    assert!(path.exists(), "{} is missing: cargo build -p newsystem", path.display());
    path
}

/// The command with these arguments and settings and no others of this machine, in a folder, not yet started.
fn command<'a>(
    arguments: impl IntoIterator<Item = impl AsRef<OsStr>>,
    settings: impl IntoIterator<Item = (&'a str, &'a str)>,
    folder: &Path,
) -> Command {
    let mut command = Command::new(path());
    command
        .args(arguments)
        .env_clear()
        .env("PATH", std::env::var_os("PATH").unwrap_or_default())
        .envs(settings)
        .current_dir(folder)
        .stdin(Stdio::null());
    command
}

/// A command in an empty folder of its own.
pub struct Program {
    folder: tempfile::TempDir,
    settings: Vec<(String, String)>,
}

/// What a finished run said.
#[derive(Debug)]
pub struct Said {
    /// Its exit code.
    pub code: Option<i32>,
    /// Standard output.
    pub out: String,
    /// Standard error.
    pub err: String,
}

impl Program {
    /// With these settings and no others.
    ///
    /// # Errors
    /// When there is no room for a folder.
    pub fn with(settings: &[(&str, &str)]) -> std::io::Result<Self> {
        Ok(Self {
            folder: tempfile::Builder::new().prefix("newsystem-it-").tempdir()?,
            settings: settings
                .iter()
                .map(|(name, value)| ((*name).to_owned(), (*value).to_owned()))
                .collect(),
        })
    }

    /// The folder that it runs in.
    pub fn folder(&self) -> &Path {
        self.folder.path()
    }

    /// The command with these arguments, not yet started.
    pub fn command(&self, arguments: impl IntoIterator<Item = impl AsRef<OsStr>>) -> Command {
        let settings = self
            .settings
            .iter()
            .map(|(name, value)| (name.as_str(), value.as_str()));
        command(arguments, settings, self.folder.path())
    }

    /// Runs it to its end.
    ///
    /// # Errors
    /// When it cannot be started.
    pub fn run(&self, arguments: impl IntoIterator<Item = impl AsRef<OsStr>>) -> std::io::Result<Said> {
        let Output { status, stdout, stderr } = self.command(arguments).output()?;
        Ok(Said {
            code: status.code(),
            out: String::from_utf8_lossy(&stdout).into_owned(),
            err: String::from_utf8_lossy(&stderr).into_owned(),
        })
    }
}
