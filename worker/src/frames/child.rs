//! The decoder in a process of its own: what it may use is bounded, and its death is an answer like any other.
//!
//! The parent writes one job as a line of JSON to the child's input and keeps that pipe open; the child answers with lines of
//! JSON on its output and ends itself when its input closes, that is, when the parent is gone, however it went.

use std::ffi::OsString;
use std::io::{BufRead, BufReader, Read, Write};
use std::os::unix::process::{CommandExt, ExitStatusExt};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitCode, Stdio};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use serde::{Deserialize, Serialize};
use tokio::sync::mpsc;
use tokio_util::sync::CancellationToken;

use super::{DecodeLimits, Extraction, FrameError, Progress, Sampling};
use crate::process::die_with_parent;

/// How to start the decoder: this program with a hidden subcommand that calls [`decoder_main`].
#[derive(Debug, Clone)]
pub struct DecoderProgram {
    pub program: PathBuf,
    pub args: Vec<OsString>,
}

/// Of what a decoder says on its error output, so much is kept (the end, where the cause is).
const STDERR_BYTES: usize = 4096;
/// A line of its answer may be this long: the changes of a long recording are many.
const LINE_BYTES: u64 = 256 << 20;

#[derive(Debug, Serialize, Deserialize)]
struct Job {
    input: PathBuf,
    out_dir: PathBuf,
    sampling: Sampling,
    limits: DecodeLimits,
}

#[derive(Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
enum Answer {
    Progress(Progress),
    Done(Box<Extraction>),
    NotAVideo,
    Unreadable(String),
    TooLong { limit_seconds: f64 },
    Crashed(String),
}

/// The child's whole life. Answers on the standard output; everything else a decoder prints goes to the error output.
pub fn decoder_main() -> ExitCode {
    let mut line = String::new();
    let mut input = BufReader::new(std::io::stdin());
    if input.read_line(&mut line).is_err() {
        return ExitCode::FAILURE;
    }
    let Ok(job) = serde_json::from_str::<Job>(&line) else {
        return ExitCode::FAILURE;
    };
    std::thread::spawn(move || {
        // Nothing more is ever sent: this returns when the parent closes the pipe or dies.
        let _ = input.read(&mut [0]);
        std::process::exit(1);
    });
    let result = super::extract_in_process(&job.input, &job.out_dir, &job.sampling, &job.limits, &mut |progress| {
        say(&Answer::Progress(progress));
    });
    say(&match result {
        Ok(extraction) => Answer::Done(Box::new(extraction)),
        Err(FrameError::NotAVideo) => Answer::NotAVideo,
        Err(FrameError::TooLong { limit_seconds }) => Answer::TooLong { limit_seconds },
        Err(FrameError::Unreadable(reason)) => Answer::Unreadable(reason),
        Err(FrameError::DecoderCrashed(reason)) => Answer::Crashed(reason),
        Err(other) => Answer::Crashed(other.to_string()),
    });
    ExitCode::SUCCESS
}

fn say(answer: &Answer) {
    if let Ok(line) = serde_json::to_string(answer) {
        let mut output = std::io::stdout().lock();
        let _ = writeln!(output, "{line}").and_then(|()| output.flush());
    }
}

/// Reads a recording in a child process. Dropping the future kills the child.
pub async fn extract(
    input: &Path,
    out_dir: &Path,
    sampling: &Sampling,
    limits: &DecodeLimits,
    decoder: &DecoderProgram,
    mut on_progress: impl FnMut(Progress),
    cancel: CancellationToken,
) -> Result<Extraction, FrameError> {
    let job = Job {
        input: input.into(),
        out_dir: out_dir.into(),
        sampling: *sampling,
        limits: *limits,
    };
    let (sender, mut answers) = mpsc::channel(16);
    let process = Arc::new(Process::default());
    let _killer = Killer(process.clone());
    let (decoder, limits) = (decoder.clone(), *limits);
    // A thread of its own for the child's whole life: the kernel kills a child whose parent *thread* ends.
    std::thread::Builder::new().name("decoder".into()).spawn(move || {
        let end = supervise(&decoder, &job, &process, &sender);
        let _ = sender.blocking_send(Event::Ended(end));
    })?;
    let deadline = tokio::time::sleep(Duration::from_secs(limits.wall_seconds));
    tokio::pin!(deadline);
    let mut outcome = None;
    loop {
        let event = tokio::select! {
            () = cancel.cancelled() => return Err(FrameError::Cancelled),
            () = &mut deadline => return Err(FrameError::DecoderCrashed("out of its time limit".into())),
            event = answers.recv() => event,
        };
        match event {
            Some(Event::Said(Answer::Progress(progress))) => on_progress(progress),
            Some(Event::Said(answer)) => outcome = Some(answer),
            Some(Event::Ended(end)) => {
                return match outcome {
                    Some(Answer::Done(extraction)) => Ok(*extraction),
                    Some(Answer::NotAVideo) => Err(FrameError::NotAVideo),
                    Some(Answer::TooLong { limit_seconds }) => Err(FrameError::TooLong { limit_seconds }),
                    Some(Answer::Unreadable(reason)) => Err(FrameError::Unreadable(reason)),
                    Some(Answer::Crashed(reason)) => Err(FrameError::DecoderCrashed(reason)),
                    Some(Answer::Progress(_)) | None => Err(end?),
                };
            }
            None => return Err(FrameError::DecoderCrashed("its supervisor is gone".into())),
        }
    }
}

enum Event {
    Said(Answer),
    Ended(Result<FrameError, FrameError>),
}

/// The child's id for as long as it may be killed: until it is reaped, after which the id may be someone else's.
#[derive(Default)]
struct Process(Mutex<State>);

#[derive(Default)]
struct State {
    child: Option<Child>,
    killed: bool,
}

struct Killer(Arc<Process>);

impl Drop for Killer {
    fn drop(&mut self) {
        let mut state = self.0.0.lock().unwrap_or_else(PoisonError::into_inner);
        state.killed = true;
        if let Some(child) = &mut state.child {
            // Fails only if it has ended by itself.
            let _ = child.kill();
        }
    }
}

/// Starts the child, passes on what it says, and tells how it ended.
fn supervise(
    decoder: &DecoderProgram,
    job: &Job,
    process: &Process,
    events: &mpsc::Sender<Event>,
) -> Result<FrameError, FrameError> {
    let mut child = start(decoder, &job.limits)?;
    let (stdin, stdout, stderr) = (child.stdin.take(), child.stdout.take(), child.stderr.take());
    {
        let mut state = process.0.lock().unwrap_or_else(PoisonError::into_inner);
        if state.killed {
            let _ = child.kill();
        }
        state.child = Some(child);
    }
    let complaints = std::thread::spawn(move || stderr.map(tail).unwrap_or_default());
    let mut stdin = stdin;
    if let Some(pipe) = &mut stdin {
        let line = serde_json::to_string(job).map_err(std::io::Error::from)?;
        // A child that died at once is told by its status.
        let _ = writeln!(pipe, "{line}");
    }
    let mut lines = BufReader::new(
        stdout
            .into_iter()
            .fold(Box::new(std::io::empty()) as Box<dyn Read>, |_, out| Box::new(out)),
    );
    loop {
        let mut line = String::new();
        match (&mut lines).take(LINE_BYTES).read_line(&mut line) {
            Ok(0) | Err(_) => break,
            Ok(_) => {}
        }
        // A decoder may print what it likes; only answers count.
        if let Ok(answer) = serde_json::from_str(&line)
            && events.blocking_send(Event::Said(answer)).is_err()
        {
            break;
        }
    }
    drop(stdin);
    let status = loop {
        let mut state = process.0.lock().unwrap_or_else(PoisonError::into_inner);
        match state.child.as_mut().map(Child::try_wait) {
            Some(Ok(Some(status))) => {
                state.child = None;
                break Some(status);
            }
            Some(Ok(None)) => {}
            Some(Err(_)) | None => break None,
        }
        drop(state);
        std::thread::sleep(Duration::from_millis(5));
    };
    let complaints = complaints.join().unwrap_or_default();
    let how = match status.map(|status| (status.signal(), status.code())) {
        Some((Some(libc::SIGXCPU), _)) => "out of its processor time limit".to_owned(),
        Some((Some(signal), _)) => format!("killed by signal {signal}"),
        Some((None, Some(code))) => format!("ended with status {code} without an answer"),
        _ => "ended without an answer".to_owned(),
    };
    let detail = complaints.trim();
    Ok(FrameError::DecoderCrashed(if detail.is_empty() {
        how
    } else {
        format!("{how}: {detail}")
    }))
}

#[expect(unsafe_code, reason = "limits must be set between fork and exec")]
fn start(decoder: &DecoderProgram, limits: &DecodeLimits) -> Result<Child, FrameError> {
    let limits = [
        // Private writable memory: heap and anonymous maps. The address space would count the program's own text too.
        (libc::RLIMIT_DATA, limits.memory_bytes, 0),
        // SIGXCPU first, so that the cause is told; SIGKILL for who ignores it.
        (libc::RLIMIT_CPU, limits.cpu_seconds, 2),
        (libc::RLIMIT_NOFILE, 64, 0),
        (libc::RLIMIT_FSIZE, 64 << 20, 0),
        (libc::RLIMIT_CORE, 0, 0),
    ];
    let mut command = Command::new(&decoder.program);
    command
        .args(&decoder.args)
        // Nothing of ours: neither keys nor addresses are within reach of a hostile file.
        .env_clear()
        // The allocator takes a gigabyte of addresses at once; only what is used of it is to count.
        .env("MIMALLOC_ARENA_EAGER_COMMIT", "0")
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped());
    die_with_parent(&mut command, libc::SIGKILL);
    // SAFETY: between fork and exec only async-signal-safe calls are made and nothing is allocated.
    unsafe {
        command.pre_exec(move || {
            for (resource, value, grace) in limits {
                let limit = libc::rlimit {
                    rlim_cur: value,
                    rlim_max: value + grace,
                };
                if libc::setrlimit(resource, &raw const limit) != 0 {
                    return Err(std::io::Error::last_os_error());
                }
            }
            let one: libc::c_ulong = 1;
            if libc::prctl(libc::PR_SET_NO_NEW_PRIVS, one, 0, 0, 0) != 0 {
                return Err(std::io::Error::last_os_error());
            }
            Ok(())
        });
    }
    Ok(command.spawn()?)
}

/// The end of an output, however long it is.
fn tail(mut output: impl Read) -> String {
    let mut kept = Vec::new();
    let mut buffer = [0; 4096];
    while let Ok(count @ 1..) = output.read(&mut buffer) {
        kept.extend_from_slice(&buffer[..count]);
        let surplus = kept.len().saturating_sub(STDERR_BYTES);
        kept.drain(..surplus);
    }
    String::from_utf8_lossy(&kept).into_owned()
}
