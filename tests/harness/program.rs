//! The program itself, as a process of its own: for what only a process can show.

use std::path::PathBuf;
use std::process::{Child, Command, Stdio};

/// The built program: `cargo build -p newsystem` makes it, as `./dev test` does.
///
/// # Panics
/// When it was not built.
pub fn program() -> PathBuf {
    let tests = std::env::current_exe().unwrap_or_default();
    let built = tests.ancestors().nth(2).map(|folder| folder.join("newsystem"));
    match built {
        Some(path) if path.is_file() => path,
        path => panic!("{path:?} is not there: build it with `cargo build -p newsystem`"),
    }
}

/// A running program, killed with this value at the latest.
pub struct Process(Child);

impl Process {
    /// Starts it with these arguments and this environment, and nothing of the test's own.
    ///
    /// # Panics
    /// When it does not start.
    pub fn start(arguments: &[&str], environment: &[(&str, String)]) -> Self {
        let mut command = Command::new(program());
        command
            .args(arguments)
            .env_clear()
            .env("PATH", std::env::var_os("PATH").unwrap_or_default())
            .envs(environment.iter().map(|(name, value)| (name, value)))
            .current_dir(std::env::temp_dir())
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped());
        match command.spawn() {
            Ok(child) => Self(child),
            Err(error) => panic!("newsystem {arguments:?} does not start: {error}"),
        }
    }

    /// Kills it, as the kernel does when memory runs out.
    pub fn kill(mut self) {
        // Dead already is dead, too.
        let _ = self.0.kill();
        let _ = self.0.wait();
    }

    /// Waits for its end: whether it was well, what it said, and what it complained of.
    ///
    /// # Panics
    /// When its output cannot be read.
    pub fn output(mut self) -> (bool, String, String) {
        let read = |source: Option<&mut dyn std::io::Read>| {
            let mut text = String::new();
            if let Some(source) = source {
                let _ = source.read_to_string(&mut text);
            }
            text
        };
        let said = read(self.0.stdout.take().as_mut().map(|source| source as _));
        let complained = read(self.0.stderr.take().as_mut().map(|source| source as _));
        let well = self.0.wait().is_ok_and(|status| status.success());
        (well, said, complained)
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}
