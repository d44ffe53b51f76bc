//! The pinned Node and the npm packages of a folder. `./dev test` installs them before the tests; whoever runs one test by hand
//! gets them here.

use std::ffi::OsStr;
use std::fs::File;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};

/// A folder below the workspace.
pub fn folder(path: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("..").join(path)
}

/// Installs the packages of a folder as its lock file says, without running any script of theirs, if they are not there.
///
/// # Panics
/// When npm cannot.
pub fn install(path: &str) {
    let folder = folder(path);
    let is_there = || folder.join("node_modules/.package-lock.json").exists();
    if is_there() {
        return;
    }
    // Tests run in processes of their own: one installs, the others wait.
    let lock = File::create(std::env::temp_dir().join("newsystem-tests-node.lock"));
    let Ok(lock) = lock.and_then(|lock| lock.lock().map(|()| lock)) else {
        panic!("no lock for npm");
    };
    if !is_there() {
        let done = Command::new("npm")
            .args(["ci", "--ignore-scripts", "--no-audit", "--no-fund", "--loglevel=error"])
            .current_dir(&folder)
            .status();
        assert!(
            done.is_ok_and(|status| status.success()) && is_there(),
            "`npm ci` in {path} must succeed"
        );
    }
    drop(lock);
}

/// Runs the pinned Node in a folder below the workspace.
///
/// # Panics
/// When it cannot be started.
pub fn run(path: &str, arguments: impl IntoIterator<Item = impl AsRef<OsStr>>) -> Output {
    install("tests/node");
    install(path);
    let output = Command::new(folder("tests/node/node"))
        .args(arguments)
        .current_dir(folder(path))
        .output();
    output.unwrap_or_else(|error| panic!("no Node: {error}"))
}

/// Runs it and expects it to end well.
///
/// # Panics
/// With all that it said, when not.
pub fn passes(path: &str, arguments: impl IntoIterator<Item = impl AsRef<OsStr>>) -> String {
    let output = run(path, arguments);
    let said = [&output.stdout, &output.stderr].map(|text| String::from_utf8_lossy(text).into_owned());
    assert!(output.status.success(), "{}", said.concat());
    said.concat()
}
