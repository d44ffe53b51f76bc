//! `analyze`: a recording's way to its findings: uploaded if it is a file, analysed, followed, shown.

mod findings;
mod follow;
mod render;

use std::path::PathBuf;
use std::process::ExitCode;

use anyhow::{Context, bail};
use clap::ArgGroup;
use domain::sampling::SamplingPreset;
use serde::Deserialize;
use serde_json::{Value, json};
use uuid::Uuid;

use super::dev;
use super::meter::Meter;
use super::upload::{self, Options, Upload, Wish};
use super::words::clean;
use crate::client::{Failure, Server, ServerArgs};
use crate::environment::Environment;
use crate::shutdown;
use findings::{FINDINGS, Findings};

#[derive(Debug, clap::Args)]
#[command(group(ArgGroup::new("what").required(true).args(["file", "session", "analysis"])))]
pub struct Args {
    /// The recording: webm, mkv, mp4 or mov
    file: Option<PathBuf>,
    /// A session that is there: its analysis, or a new one if it has none of this kind
    #[arg(long, value_name = "ID")]
    session: Option<Uuid>,
    /// An analysis that is there
    #[arg(long, value_name = "ID", conflicts_with_all = ["remote", "preset", "again"])]
    analysis: Option<Uuid>,
    /// A new analysis, whatever the session has
    #[arg(long, requires = "session")]
    again: bool,
    /// Ask the remote model, as far as the organization allows it. A recording that is uploaded allows it with this
    #[arg(long)]
    remote: bool,
    /// How closely to look: quick, standard, detailed or forensic
    #[arg(long, value_parser = preset)]
    preset: Option<SamplingPreset>,
    /// Print the findings as JSON, all of them
    #[arg(long)]
    json: bool,
    #[command(flatten)]
    options: Options,
    #[command(flatten)]
    server: ServerArgs,
}

fn preset(text: &str) -> Result<SamplingPreset, String> {
    match text.to_lowercase().parse() {
        Ok(SamplingPreset::Custom) | Err(_) => Err("expected quick, standard, detailed or forensic".to_owned()),
        Ok(preset) => Ok(preset),
    }
}

impl Args {
    /// `AnalysisSettingsInput`, or null for the defaults.
    fn settings(&self) -> Value {
        let mut settings = json!({});
        if self.remote {
            settings["analyser"] = "REMOTE".into();
        }
        if let Some(preset) = self.preset {
            settings["preset"] = preset.as_str().to_uppercase().into();
        }
        if settings == json!({}) { Value::Null } else { settings }
    }
}

pub async fn run(environment: &Environment, args: &Args) -> anyhow::Result<ExitCode> {
    let server = upload::server(environment, &args.server)?;
    let settings = args.settings();
    let (analysis, stopping) = if let Some(file) = &args.file {
        let wish = Wish {
            analyze: true,
            settings: settings.clone(),
            allow_remote: args.remote,
        };
        let data_dir = dev::data_folder(environment)?;
        let upload = Upload::begin(&server, &data_dir, file, &args.options, &wish).await?;
        let stopping = shutdown::on_signal()?;
        let Some(uploaded) = upload.run(&stopping).await? else {
            return Ok(upload::interrupted());
        };
        let analysis = match uploaded.analysis {
            Some(analysis) => analysis,
            None => enqueue(&server, &uploaded.session, &settings).await?,
        };
        (analysis, stopping)
    } else if let Some(session) = &args.session {
        let stopping = shutdown::on_signal()?;
        (
            of_session(&server, &session.to_string(), &settings, args.again).await?,
            stopping,
        )
    } else {
        let analysis = args.analysis.context("nothing to analyse is named")?;
        (analysis.to_string(), shutdown::on_signal()?)
    };

    let meter = Meter::stages();
    let followed = tokio::select! {
        followed = follow::to_the_end(&server, &analysis, &meter) => Some(followed),
        () = stopping.cancelled() => None,
    };
    meter.clear();
    let come_back = format!("the analysis goes on; come back with: newsystem analyze --analysis {analysis}");
    match followed {
        None => {
            eprintln!("{come_back}");
            return Ok(ExitCode::from(130));
        }
        Some(Err(failure)) if failure.passes() => return Err(anyhow::Error::new(failure).context(come_back)),
        Some(followed) => followed?,
    }
    show(&server, &analysis, args.json).await
}

#[derive(Deserialize)]
struct Found {
    analysis: Option<Value>,
}

/// Prints what was found. An analysis that failed is told with its sentence.
async fn show(server: &Server, analysis: &str, as_json: bool) -> anyhow::Result<ExitCode> {
    let found: Found = server
        .ask_patiently(FINDINGS, &json!({ "id": analysis }), upload::said)
        .await?;
    let Some(found) = found.analysis else {
        bail!("no analysis with the id {analysis} is to be seen")
    };
    let findings: Findings = serde_json::from_value(found.clone()).context("the findings were not understood")?;
    let failed = findings.status == "FAILED";
    if as_json {
        println!("{}", serde_json::to_string_pretty(&found)?);
    } else if !failed {
        print!("{}", render::render(&findings));
    }
    if !failed {
        return Ok(ExitCode::SUCCESS);
    }
    let why = findings
        .error_message
        .as_deref()
        .unwrap_or("the server gives no reason");
    let code = findings.error_code.as_deref().unwrap_or("UNKNOWN");
    eprintln!(
        "the analysis {} failed: {} ({})",
        clean(&findings.id),
        clean(why),
        clean(code)
    );
    Ok(ExitCode::FAILURE)
}

const OF_SESSION: &str = "\
query AnalysesOfSession($id: ID!) {
  recordingSession(id: $id) {
    analysis { id status settings { analyser preset } }
    currentAnalysis { id status settings { analyser preset } }
  }
}";

const ENQUEUE: &str = "\
mutation Analyze($input: EnqueueAnalysisInput!) { enqueueAnalysis(input: $input) { analysis { id } } }";

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct OfSession {
    recording_session: Option<Analyses>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Analyses {
    analysis: Option<Known>,
    current_analysis: Option<Known>,
}

#[derive(Debug, Clone, Deserialize)]
struct Known {
    id: String,
    status: String,
    settings: Value,
}

/// The analysis of a session that is meant: a running one of this kind, else a completed one, else a new one.
async fn of_session(server: &Server, session: &str, settings: &Value, again: bool) -> anyhow::Result<String> {
    if !again {
        let answer: OfSession = server
            .ask_patiently(OF_SESSION, &json!({ "id": session }), upload::said)
            .await?;
        let Some(known) = answer.recording_session else {
            bail!("no session with the id {session} is to be seen")
        };
        if let Some(id) = meant(known.analysis, known.current_analysis, settings) {
            return Ok(id);
        }
    }
    Ok(enqueue(server, session, settings).await?)
}

fn meant(newest: Option<Known>, current: Option<Known>, settings: &Value) -> Option<String> {
    // What was not asked for may be as it is.
    let fits = |known: &Known| {
        let asked = settings.as_object().into_iter().flatten();
        asked
            .into_iter()
            .all(|(name, value)| known.settings.get(name) == Some(value))
    };
    let running = newest.filter(|known| matches!(known.status.as_str(), "QUEUED" | "PROCESSING"));
    [running, current]
        .into_iter()
        .flatten()
        .find(fits)
        .map(|known| known.id)
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Enqueued {
    enqueue_analysis: OfEnqueued,
}

#[derive(Deserialize)]
struct OfEnqueued {
    analysis: Identified,
}

#[derive(Deserialize)]
struct Identified {
    id: String,
}

async fn enqueue(server: &Server, session: &str, settings: &Value) -> Result<String, Failure> {
    // One key for all tries of this request.
    let mut input = json!({ "sessionId": session, "idempotencyKey": Uuid::new_v4().to_string() });
    if !settings.is_null() {
        input["settings"] = settings.clone();
    }
    let answer: Enqueued = server
        .ask_patiently(ENQUEUE, &json!({ "input": input }), upload::said)
        .await?;
    Ok(answer.enqueue_analysis.analysis.id)
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::{Known, meant};

    #[test]
    fn a_session_that_is_there_is_not_analysed_twice_for_nothing() {
        let known = |id: &str, status: &str, analyser: &str| {
            Some(Known {
                id: id.to_owned(),
                status: status.to_owned(),
                settings: json!({ "analyser": analyser, "preset": "STANDARD" }),
            })
        };
        let remote = json!({ "analyser": "REMOTE" });
        let completed = || known("done", "COMPLETED", "LOCAL");
        for (newest, current, settings, wanted) in [
            (None, None, Value::Null, None),
            (known("new", "QUEUED", "LOCAL"), completed(), Value::Null, Some("new")),
            (completed(), completed(), Value::Null, Some("done")),
            (known("bad", "FAILED", "LOCAL"), None, Value::Null, None),
            (known("bad", "FAILED", "LOCAL"), completed(), Value::Null, Some("done")),
            (completed(), completed(), remote.clone(), None),
            (known("new", "PROCESSING", "REMOTE"), completed(), remote, Some("new")),
        ] {
            assert_eq!(
                meant(newest.clone(), current, &settings).as_deref(),
                wanted,
                "{newest:?} {settings}"
            );
        }
    }
}
