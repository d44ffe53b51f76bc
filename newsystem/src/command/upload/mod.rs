//! `upload`: a recording from a file, in chunks, over a connection that may break, to the session that a browser would have made.

mod notice;
mod plan;
mod state;
mod transfer;
mod wire;

#[cfg(test)]
mod tests;

use std::collections::BTreeMap;
use std::fs::File;
use std::ops::ControlFlow;
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::sync::Arc;
use std::time::Duration;

use anyhow::{Context, bail};
use domain::category::WorkflowCategory;
use domain::container::{Container, sniff};
use serde_json::{Value, json};
use tokio_util::sync::CancellationToken;
use uuid::Uuid;

use super::dev;
use super::meter::Meter;
use crate::client::backoff::Backoff;
use crate::client::{ClientConfig, Failure, Server, ServerArgs, Target};
use crate::client_file::ClientFile;
use crate::environment::{self, Environment};
use crate::shutdown;
use plan::{Piece, plan};
use state::{Identity, Memory, State};
use transfer::Transfer;
use wire::{ARRIVING, Arriving, FINISH, Finished, SO_FAR, START, SoFar, Started};

#[derive(Debug, clap::Args)]
pub struct Args {
    /// The recording: webm, mkv, mp4 or mov
    file: PathBuf,
    /// Only store it: no analysis is started
    #[arg(long)]
    no_analyze: bool,
    #[command(flatten)]
    options: Options,
    #[command(flatten)]
    server: ServerArgs,
}

/// What is said about a recording, and how it is sent.
#[derive(Debug, Clone, clap::Args)]
#[command(next_help_heading = "Recording")]
pub struct Options {
    /// Its title. Default: the file's name
    #[arg(long)]
    title: Option<String>,
    /// What it shows, in a sentence
    #[arg(long)]
    description: Option<String>,
    /// The kind of work, such as order-entry or customs. Default: the analysis finds it
    #[arg(long, value_name = "KIND", value_parser = category)]
    workflow_type: Option<WorkflowCategory>,
    /// How often a day the process is done, by people's account. Default: measured
    #[arg(long, value_name = "NUMBER", value_parser = positive)]
    occurrences_per_day: Option<f64>,
    /// How many people do it
    #[arg(long, value_name = "NUMBER", value_parser = clap::value_parser!(i32).range(1..))]
    people: Option<i32>,
    /// The version of the recording notice that the recorded person was shown and agreed to. Default: it is shown now
    #[arg(long, value_name = "VERSION")]
    notice_version: Option<String>,
    /// The recorded person knows the notice in force and agrees: do not ask
    #[arg(long)]
    accept_notice: bool,
    /// Bytes of a chunk
    #[arg(long, value_name = "BYTES", default_value_t = 5 * 1024 * 1024, value_parser = clap::value_parser!(u64).range(1024..=1024 * 1024 * 1024), help_heading = "Transfer")]
    chunk_bytes: u64,
    /// Chunks that are sent at once
    #[arg(long, value_name = "NUMBER", default_value_t = 4, value_parser = clap::value_parser!(u8).range(1..=16), help_heading = "Transfer")]
    parallel: u8,
}

fn category(text: &str) -> Result<WorkflowCategory, String> {
    let text = text.to_lowercase().replace('-', "_");
    text.parse().map_err(|_| {
        let known: Vec<String> = WorkflowCategory::ALL
            .iter()
            .map(|kind| kind.as_str().replace('_', "-"))
            .collect();
        format!("expected one of {}", known.join(", "))
    })
}

fn positive(text: &str) -> Result<f64, String> {
    let number: f64 = text.parse().map_err(|_| "not a number".to_owned())?;
    if number.is_finite() && number > 0.0 {
        Ok(number)
    } else {
        Err("must be more than 0".to_owned())
    }
}

/// What is to become of the recording once it is there.
#[derive(Debug, Clone, Default)]
pub struct Wish {
    /// Start an analysis.
    pub analyze: bool,
    /// With which settings (`AnalysisSettingsInput`); null for the defaults.
    pub settings: Value,
    /// Whether the session allows a remote model to see it.
    pub allow_remote: bool,
}

/// What became of it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Uploaded {
    pub session: String,
    pub analysis: Option<String>,
}

pub async fn run(environment: &Environment, args: &Args) -> anyhow::Result<ExitCode> {
    let server = server(environment, &args.server)?;
    let wish = Wish {
        analyze: !args.no_analyze,
        ..Wish::default()
    };
    let data_dir = dev::data_folder(environment)?;
    let upload = Upload::begin(&server, &data_dir, &args.file, &args.options, &wish).await?;
    let Some(uploaded) = upload.run(&shutdown::on_signal()?).await? else {
        return Ok(interrupted());
    };
    // For people and for scripts alike: the id alone is on standard output.
    println!("{}", uploaded.session);
    match uploaded.analysis {
        Some(analysis) => eprintln!("stored; follow its analysis with: newsystem analyze --analysis {analysis}"),
        None => eprintln!(
            "stored; analyse it with: newsystem analyze --session {}",
            uploaded.session
        ),
    }
    Ok(ExitCode::SUCCESS)
}

/// The server that arguments, settings or a running `dev` name.
pub fn server(environment: &Environment, args: &ServerArgs) -> anyhow::Result<Server> {
    let config = ClientConfig::load(&|name| environment.get(name))?;
    let data_dir = dev::data_folder(environment)?;
    let target = Target::choose(args, config, || ClientFile::read(&data_dir), environment::now())?;
    Server::new(target)
}

/// Said when a signal ends an upload.
pub fn interrupted() -> ExitCode {
    eprintln!("interrupted; the same command goes on from here");
    ExitCode::from(130)
}

/// Says that a request is tried again, and why.
pub fn said(failure: &Failure, pause: Duration) {
    eprintln!("{}", pause_line(failure, pause));
}

fn pause_line(failure: &Failure, pause: Duration) -> String {
    format!("{failure}; again in {:.1} s", pause.as_secs_f64())
}

/// What can be done with a session that was begun earlier.
#[derive(Debug, PartialEq, Eq)]
enum Earlier {
    /// It takes chunks.
    GoOn,
    /// It is finished; only the answer was lost.
    Finished,
    /// It is of no more use.
    Gone(&'static str),
}

fn earlier(session: Option<(&str, bool)>) -> Earlier {
    match session {
        None => Earlier::Gone("the interrupted upload is not on the server any more"),
        Some(("RECORDING", _)) => Earlier::GoOn,
        Some((_, true)) => Earlier::Gone("the server has closed the interrupted upload with what had arrived"),
        Some(("FAILED", _)) => Earlier::Gone("the server could not use the interrupted upload"),
        Some(_) => Earlier::Finished,
    }
}

/// An upload whose session is there.
pub struct Upload<'a> {
    server: &'a Server,
    path: &'a Path,
    identity: Identity,
    memory: Memory,
    session: String,
    pieces: Vec<Piece>,
    /// What is stored already, from an earlier try: hashes by index.
    stored: BTreeMap<u32, String>,
    finished: bool,
    content_type: &'static str,
    parallel: usize,
    wish: Wish,
}

impl<'a> Upload<'a> {
    /// Goes on with the upload of this file that was interrupted, or starts a session for it.
    pub async fn begin(
        server: &'a Server,
        data_dir: &Path,
        path: &'a Path,
        options: &Options,
        wish: &Wish,
    ) -> anyhow::Result<Self> {
        let identity = Identity::of(path)?;
        let content_type = content_type(&identity).with_context(|| {
            format!(
                "{} is no recording: its first bytes are neither webm (mkv) nor mp4 (mov)",
                path.display()
            )
        })?;
        let memory = Memory::of(data_dir, server.base(), &identity);
        let mut upload = Self {
            server,
            path,
            pieces: plan(identity.size, options.chunk_bytes)
                .with_context(|| format!("cannot upload {}", path.display()))?,
            identity,
            memory,
            session: String::new(),
            stored: BTreeMap::new(),
            finished: false,
            content_type,
            parallel: options.parallel.into(),
            wish: wish.clone(),
        };
        let state = upload.memory.recall();
        if let Some(state) = &state
            && upload.resume(state).await?
        {
            return Ok(upload);
        }
        // The nonce of a start whose answer was lost finds what was made.
        let nonce = state
            .filter(|state| state.session.is_none())
            .map_or_else(Uuid::new_v4, |state| state.nonce);
        let state = State {
            server: server.base().to_string(),
            chunk_bytes: options.chunk_bytes,
            nonce,
            session: None,
        };
        upload.start(state, options).await?;
        Ok(upload)
    }

    /// Takes over what is there. Says whether there was anything of use.
    async fn resume(&mut self, state: &State) -> anyhow::Result<bool> {
        let Some(session) = &state.session else {
            return Ok(false);
        };
        let (known, stored) = self.so_far(session).await?;
        match earlier(known.as_ref().map(|(status, truncated)| (status.as_str(), *truncated))) {
            Earlier::Gone(why) => {
                eprintln!("{why}; beginning anew");
                self.memory.forget();
                return Ok(false);
            }
            Earlier::GoOn => {}
            Earlier::Finished => self.finished = true,
        }
        self.pieces = plan(self.identity.size, state.chunk_bytes)?;
        self.session.clone_from(session);
        self.stored = stored;
        eprintln!(
            "going on with an interrupted upload: {} of {} chunks are stored",
            self.stored.len(),
            self.pieces.len()
        );
        Ok(true)
    }

    /// Status and truncation of a session, if it is there, and its completed chunks.
    async fn so_far(&self, session: &str) -> anyhow::Result<(Option<(String, bool)>, BTreeMap<u32, String>)> {
        let mut stored = BTreeMap::new();
        let mut after = None;
        loop {
            let variables = json!({ "id": session, "after": after });
            let answer: Result<SoFar, Failure> = self.server.ask_patiently(SO_FAR, &variables, said).await;
            let session = match answer {
                Ok(answer) => answer.recording_session,
                Err(failure) if failure.code() == Some("NOT_FOUND") => None,
                Err(failure) => return Err(failure.into()),
            };
            let Some(session) = session else {
                return Ok((None, stored));
            };
            let completed = session
                .chunks
                .nodes
                .into_iter()
                .filter(|chunk| chunk.upload_status == "COMPLETED");
            stored.extend(completed.filter_map(|chunk| Some((chunk.index, chunk.sha256?))));
            after = session.chunks.page_info.end_cursor;
            if !session.chunks.page_info.has_next_page || after.is_none() {
                return Ok((Some((session.status, session.truncated)), stored));
            }
        }
    }

    async fn start(&mut self, mut state: State, options: &Options) -> anyhow::Result<()> {
        let notice = notice::agreed(self.server, options).await?;
        let input = start_input(self.path, options, &self.wish, &notice, state.nonce);
        // Written before it is asked: a lost answer is asked for again.
        self.memory.keep(&state)?;
        let answer: Started = self
            .server
            .ask_patiently(START, &json!({ "input": input }), said)
            .await?;
        self.session = answer.start_recording_session.session.id;
        state.session = Some(self.session.clone());
        self.memory.keep(&state)
    }

    /// Sends what is missing and finishes the session. None when `stopping` came first.
    pub async fn run(self, stopping: &CancellationToken) -> anyhow::Result<Option<Uploaded>> {
        let work = async {
            if !self.finished {
                self.send().await?;
            }
            self.finish().await
        };
        let done = tokio::select! {
            done = work => done,
            () = stopping.cancelled() => return Ok(None),
        };
        match done {
            Ok(uploaded) => {
                self.memory.forget();
                Ok(Some(uploaded))
            }
            Err(error) if error.downcast_ref().is_some_and(Failure::passes) => {
                Err(error.context("the upload stopped; the same command goes on from here"))
            }
            Err(error) => Err(error),
        }
    }

    async fn send(&self) -> anyhow::Result<()> {
        let meter = Meter::bytes(self.identity.size);
        let file = File::open(self.path).with_context(|| format!("cannot read {}", self.path.display()))?;
        let transfer = Transfer {
            server: self.server,
            meter: &meter,
            file: Arc::new(file),
            session: &self.session,
            content_type: self.content_type,
            parallel: self.parallel,
        };
        let sent = tokio::select! {
            sent = transfer.run(&self.pieces, &self.stored) => sent,
            never = self.watch(&meter) => match never {},
        };
        meter.clear();
        if sent.is_err() && Identity::of(self.path).ok().as_ref() != Some(&self.identity) {
            bail!(
                "{} changes while it is uploaded: finish the recording first",
                self.path.display()
            );
        }
        sent
    }

    /// Shows what the server has stored, as it says itself. Sending does not depend on it.
    async fn watch(&self, meter: &Meter) -> std::convert::Infallible {
        let patient = Backoff {
            attempts: u32::MAX,
            ..Backoff::REQUEST
        };
        let mut failures = 0;
        loop {
            let variables = json!({ "id": self.session });
            let followed = self.server.follow(ARRIVING, &variables, |event: Arriving| {
                failures = 0;
                meter.aside(format!(
                    "{} of {} chunks stored",
                    event.upload_progress.chunks_completed,
                    self.pieces.len()
                ));
                ControlFlow::Continue(())
            });
            let again = followed.await.err().is_none_or(|failure| failure.passes());
            failures += 1;
            match patient.pause(failures, rand::random(), None) {
                Some(pause) if again => tokio::time::sleep(pause).await,
                _ => std::future::pending().await,
            }
        }
    }

    async fn finish(&self) -> anyhow::Result<Uploaded> {
        let mut input = json!({
            "sessionId": self.session,
            "chunkCount": self.pieces.len(),
            "analyze": self.wish.analyze,
        });
        if self.wish.analyze && !self.wish.settings.is_null() {
            input["analysis"] = self.wish.settings.clone();
        }
        let answer: Finished = self
            .server
            .ask_patiently(FINISH, &json!({ "input": input }), said)
            .await?;
        let finished = answer.finish_recording_session;
        Ok(Uploaded {
            session: finished.session.id,
            analysis: finished.analysis.map(|analysis| analysis.id),
        })
    }
}

/// What the first bytes promise.
fn content_type(identity: &Identity) -> Option<&'static str> {
    Some(match sniff(&identity.first)? {
        Container::Matroska => "video/webm",
        Container::IsoMedia => "video/mp4",
    })
}

/// The input that starts the session. Its idempotency key belongs to this very input: with other words it is another start.
fn start_input(path: &Path, options: &Options, wish: &Wish, notice: &str, nonce: Uuid) -> Value {
    let name = path.file_stem().unwrap_or_default().to_string_lossy();
    let title = options
        .title
        .clone()
        .unwrap_or_else(|| name.chars().take(200).collect());
    let mut input = json!({
        "title": title,
        "noticeVersion": notice,
        "metadata": { "uploadedBy": concat!("newsystem/", env!("CARGO_PKG_VERSION")) },
    });
    let kind = options.workflow_type.map(|kind| kind.as_str().to_uppercase());
    for (name, value) in [
        ("description", options.description.clone().map(Value::from)),
        ("workflowType", kind.map(Value::from)),
        (
            "declaredOccurrencesPerDay",
            options.occurrences_per_day.map(Value::from),
        ),
        ("peopleCount", options.people.map(Value::from)),
        (
            "privacySettings",
            wish.allow_remote.then(|| json!({ "allowRemoteAnalysis": true })),
        ),
    ] {
        if let Some(value) = value {
            input[name] = value;
        }
    }
    let key = Uuid::new_v5(&nonce, input.to_string().as_bytes());
    input["idempotencyKey"] = key.to_string().into();
    input
}
