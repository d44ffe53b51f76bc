//! One child process that is started again when it ends, and that ends with us: asked when we stop in order, told by the
//! kernel when we are killed.

use std::io;
use std::os::unix::process::{CommandExt, ExitStatusExt};
use std::process::{Child, Command, ExitStatus};
use std::sync::mpsc::{Receiver, RecvTimeoutError, Sender, channel};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use anyhow::Context;
use worker::process::die_with_parent;

/// How often the child is looked at.
const LOOK: Duration = Duration::from_millis(100);

/// When a child is started again.
#[derive(Debug, Clone, Copy)]
pub struct Patience {
    /// The first pause; each further one is twice as long.
    pub first: Duration,
    /// The longest pause.
    pub longest: Duration,
    /// A child that lived this long is forgiven what went before.
    pub forgiven_after: Duration,
    /// How long a child may take to end when it is asked to.
    pub grace: Duration,
}

impl Default for Patience {
    fn default() -> Self {
        Self {
            first: Duration::from_millis(500),
            longest: Duration::from_secs(30),
            forgiven_after: Duration::from_mins(1),
            grace: Duration::from_secs(30),
        }
    }
}

/// Keeps the child running until it is stopped.
#[derive(Debug)]
pub struct Supervisor {
    stop: Sender<()>,
    thread: Option<JoinHandle<()>>,
}

impl Supervisor {
    /// Starts the child that `command` makes. The first start must succeed.
    ///
    /// The thread that starts a child lives as long as the supervisor: the kernel ends a child with the *thread* that started
    /// it, so a thread of a pool would not do.
    pub fn start(
        name: &'static str,
        command: impl Fn() -> Command + Send + 'static,
        patience: Patience,
    ) -> anyhow::Result<Self> {
        let (stop, stopped) = channel();
        let (started, first) = channel();
        let thread = std::thread::Builder::new()
            .name(format!("{name} supervisor"))
            .spawn(move || {
                supervise(name, &command, patience, &stopped, &started);
            })?;
        match first.recv() {
            Ok(Ok(())) => Ok(Self {
                stop,
                thread: Some(thread),
            }),
            Ok(Err(error)) => Err(error).with_context(|| format!("cannot start the {name}")),
            Err(_) => anyhow::bail!("the supervisor of the {name} ended early"),
        }
    }

    /// Asks the child to end, waits for it, and kills it when its grace is over.
    pub async fn stop(mut self) {
        let _ = self.stop.send(());
        if let Some(thread) = self.thread.take() {
            let _ = tokio::task::spawn_blocking(move || thread.join()).await;
        }
    }
}

impl Drop for Supervisor {
    /// Without an orderly stop the child is still asked, and not left behind.
    fn drop(&mut self) {
        let _ = self.stop.send(());
        if let Some(thread) = self.thread.take() {
            let _ = thread.join();
        }
    }
}

fn supervise(
    name: &'static str,
    command: &dyn Fn() -> Command,
    patience: Patience,
    stopped: &Receiver<()>,
    started: &Sender<io::Result<()>>,
) {
    let mut pause = patience.first;
    let mut first = Some(started);
    loop {
        let since = Instant::now();
        match spawn(command()) {
            Ok(mut child) => {
                if let Some(first) = first.take() {
                    let _ = first.send(Ok(()));
                }
                tracing::info!(child = name, pid = child.id(), "started");
                match watch(&mut child, stopped) {
                    Some(status) => {
                        tracing::warn!(child = name, status = %describe(status), "ended; it is started again");
                    }
                    None => return end(name, &mut child, patience.grace),
                }
            }
            Err(error) => {
                if let Some(first) = first.take() {
                    let _ = first.send(Err(error));
                    return;
                }
                tracing::error!(child = name, %error, "could not be started");
            }
        }
        if since.elapsed() >= patience.forgiven_after {
            pause = patience.first;
        }
        match stopped.recv_timeout(pause) {
            Err(RecvTimeoutError::Timeout) => {}
            Ok(()) | Err(RecvTimeoutError::Disconnected) => return,
        }
        pause = (pause * 2).min(patience.longest);
    }
}

/// The child's end, or `None` when we are to stop first.
fn watch(child: &mut Child, stopped: &Receiver<()>) -> Option<ExitStatus> {
    loop {
        if let Ok(Some(status)) = child.try_wait() {
            return Some(status);
        }
        match stopped.recv_timeout(LOOK) {
            Err(RecvTimeoutError::Timeout) => {}
            Ok(()) | Err(RecvTimeoutError::Disconnected) => return None,
        }
    }
}

fn end(name: &'static str, child: &mut Child, grace: Duration) {
    terminate(child);
    let asked = Instant::now();
    while asked.elapsed() < grace {
        if let Ok(Some(status)) = child.try_wait() {
            tracing::info!(child = name, status = %describe(status), "stopped");
            return;
        }
        std::thread::sleep(LOOK);
    }
    tracing::warn!(
        child = name,
        grace_seconds = grace.as_secs(),
        "did not stop in time and is killed"
    );
    let _ = child.kill();
    let _ = child.wait();
}

fn describe(status: ExitStatus) -> String {
    match (status.code(), status.signal()) {
        (Some(code), _) => format!("exit code {code}"),
        (None, Some(signal)) => format!("signal {signal}"),
        (None, None) => "unknown".to_owned(),
    }
}

/// Starts a child in a process group of its own, so that Ctrl-C in a terminal reaches us only and the order of stopping is ours.
fn spawn(mut command: Command) -> io::Result<Child> {
    command.process_group(0);
    // Where the system cannot, the child looks after its parent itself (`worker --parent`).
    die_with_parent(&mut command, libc::SIGTERM);
    command.spawn()
}

#[expect(unsafe_code, reason = "the standard library can only kill, not ask")]
fn terminate(child: &Child) {
    // SAFETY: the child has not been waited for, so its process id is still its own.
    let _ = unsafe { libc::kill(child.id().cast_signed(), libc::SIGTERM) };
}

#[cfg(test)]
mod tests {
    use std::path::Path;
    use std::process::Command;
    use std::time::{Duration, Instant};

    use super::{Patience, Supervisor};

    fn shell(script: String) -> impl Fn() -> Command + Send + 'static {
        move || {
            let mut command = Command::new("/bin/sh");
            command.arg("-c").arg(&script);
            command
        }
    }

    fn quick() -> Patience {
        Patience {
            first: Duration::from_millis(20),
            longest: Duration::from_millis(200),
            grace: Duration::from_secs(5),
            ..Patience::default()
        }
    }

    fn wait_for(lines: usize, path: &Path) -> Vec<String> {
        let since = Instant::now();
        loop {
            let text = std::fs::read_to_string(path).unwrap_or_default();
            if text.lines().count() >= lines || since.elapsed() > Duration::from_secs(10) {
                return text.lines().map(str::to_owned).collect();
            }
            std::thread::sleep(Duration::from_millis(20));
        }
    }

    #[tokio::test]
    async fn a_child_that_dies_is_started_again_and_stopped_when_asked() {
        let folder = tempfile::tempdir().unwrap();
        let log = folder.path().join("log");
        let shown = log.display();
        // Dies at once twice; then lives until it is asked to end, and says so. It can hear before it says that it is there.
        let script = format!(
            "trap 'echo asked >> {shown}; exit 0' TERM; echo start >> {shown}; [ $(wc -l < {shown}) -lt 3 ] && kill -9 $$; while :; do sleep 0.05; done"
        );
        let supervisor = Supervisor::start("test", shell(script), quick()).unwrap();
        assert_eq!(wait_for(3, &log), ["start", "start", "start"]);
        supervisor.stop().await;
        assert_eq!(wait_for(4, &log), ["start", "start", "start", "asked"]);
    }

    #[tokio::test]
    async fn a_child_that_does_not_listen_is_killed_after_its_grace() {
        let folder = tempfile::tempdir().unwrap();
        let log = folder.path().join("log");
        let script = format!(
            "trap '' TERM; echo $$ >> {}; while :; do sleep 0.05; done",
            log.display()
        );
        let patience = Patience {
            grace: Duration::from_millis(300),
            ..quick()
        };
        let supervisor = Supervisor::start("test", shell(script), patience).unwrap();
        let pid = wait_for(1, &log).remove(0);
        let asked = Instant::now();
        supervisor.stop().await;
        assert!(asked.elapsed() >= Duration::from_millis(300));
        assert!(!Path::new(&format!("/proc/{pid}")).exists(), "the child {pid} is gone");
    }

    /// Not a test of its own: the process that the next one kills. It works in its current folder.
    #[test]
    #[ignore = "run by a_child_ends_when_its_parent_is_killed"]
    fn a_parent_that_will_be_killed() {
        let script = "echo $$ >> log; while :; do sleep 0.05; done".to_owned();
        let _supervisor = Supervisor::start("test", shell(script), quick()).unwrap();
        std::thread::sleep(Duration::from_secs(20));
    }

    #[test]
    #[cfg(target_os = "linux")]
    fn a_child_ends_when_its_parent_is_killed() {
        let folder = tempfile::tempdir().unwrap();
        let mut parent = Command::new(std::env::current_exe().unwrap())
            .args([
                "--exact",
                "supervisor::tests::a_parent_that_will_be_killed",
                "--ignored",
            ])
            .current_dir(folder.path())
            .stdout(std::process::Stdio::null())
            .spawn()
            .unwrap();
        let child = wait_for(1, &folder.path().join("log")).remove(0);
        let child = Path::new("/proc").join(child);
        assert!(child.exists());
        parent.kill().unwrap();
        parent.wait().unwrap();
        let since = Instant::now();
        while child.exists() && since.elapsed() < Duration::from_secs(10) {
            std::thread::sleep(Duration::from_millis(20));
        }
        assert!(!child.exists(), "the child outlived its parent");
    }

    #[test]
    fn a_program_that_is_not_there_is_a_fault_of_the_start() {
        let error = Supervisor::start("test", || Command::new("/no/such/program"), quick()).unwrap_err();
        assert_eq!(error.to_string(), "cannot start the test");
    }
}
