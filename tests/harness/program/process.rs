//! A running program, which tests kill.

use std::fs::File;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitStatus, Stdio};

use anyhow::Context as _;

use super::command;

/// A running `newsystem`. Dropped, it is killed.
pub struct Process {
    child: Child,
    log: PathBuf,
}

impl Process {
    /// Starts it with these settings and no others, in this folder, which takes its log too.
    ///
    /// # Errors
    /// When it cannot be started.
    pub fn start(arguments: &[&str], settings: &[(&str, String)], folder: &Path) -> anyhow::Result<Self> {
        let log = tempfile::Builder::new().prefix("log-").tempfile_in(folder)?.keep()?.1;
        let said = File::create(&log)?;
        let child = command(
            arguments,
            settings.iter().map(|(name, value)| (*name, value.as_str())),
            folder,
        )
        .stdout(Stdio::from(said.try_clone()?))
        .stderr(Stdio::from(said))
        .spawn()
        .context("starting newsystem")?;
        Ok(Self { child, log })
    }

    /// Its process id.
    pub fn id(&self) -> u32 {
        self.child.id()
    }

    /// kill -9, and waits until it is gone.
    pub fn kill(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }

    /// SIGTERM.
    ///
    /// # Errors
    /// When there is no process to send it to.
    pub fn ask_to_stop(&self) -> anyhow::Result<()> {
        signal("TERM", self.id())
    }

    /// How it ended, if it has.
    ///
    /// # Errors
    /// When the system does not say.
    pub fn ended(&mut self) -> anyhow::Result<Option<ExitStatus>> {
        Ok(self.child.try_wait()?)
    }

    /// What it has said so far.
    pub fn log(&self) -> String {
        std::fs::read_to_string(&self.log).unwrap_or_default()
    }

    /// A child of its whose command line has this word.
    pub fn child(&self, word: &str) -> Option<u32> {
        children(self.id())
            .into_iter()
            .find(|child| command_line(*child).is_some_and(|line| line.contains(word)))
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        self.kill();
    }
}

/// Sends a signal by its name.
///
/// # Errors
/// When there is no such process.
pub fn signal(name: &str, process: u32) -> anyhow::Result<()> {
    let sent = Command::new("sh")
        .args(["-c", &format!("kill -{name} {process}")])
        .status()?;
    anyhow::ensure!(sent.success(), "no process {process} for SIG{name}");
    Ok(())
}

/// Whether a process is there and no zombie.
pub fn lives(process: u32) -> bool {
    std::fs::read_to_string(format!("/proc/{process}/stat")).is_ok_and(|stat| {
        !stat
            .rsplit(')')
            .next()
            .unwrap_or_default()
            .trim_start()
            .starts_with('Z')
    })
}

fn children(process: u32) -> Vec<u32> {
    let threads = std::fs::read_dir(format!("/proc/{process}/task"));
    let threads = threads.into_iter().flatten().flatten();
    threads
        .filter_map(|thread| std::fs::read_to_string(thread.path().join("children")).ok())
        .flat_map(|ids| {
            ids.split_whitespace()
                .filter_map(|id| id.parse().ok())
                .collect::<Vec<_>>()
        })
        .collect()
}

fn command_line(process: u32) -> Option<String> {
    let line = std::fs::read(format!("/proc/{process}/cmdline")).ok()?;
    Some(String::from_utf8_lossy(&line).replace('\0', " "))
}
