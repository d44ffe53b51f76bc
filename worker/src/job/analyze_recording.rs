//! The main job: from a recording to steps, routines, opportunities and money, each with the seconds that show it.
//!
//! Take up, put together, choose frames, redact, measure or ask, interpret, record. No transaction is open while any of this
//! works. A guard beside it keeps the lease alive and hears of cancellation; whatever stops the work, the verdict comes from one
//! place.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use chrono::{DateTime, Utc};
use domain::analysis_error::AnalysisErrorCode;
use domain::flow::{self, LayoutAlgorithm, VisualizationType};
use domain::id::{AnalysisId, OrganizationId, SessionId};
use domain::insight::{self, Reading};
use domain::sampling::Analyser;
use domain::span::TimeSpan;
use domain::status::AnalysisStage;
use service::analysis_result::run::{self, Begun, Diagram, Inputs, Outcome, Progress, Renewal, StoredFrame};
use service::db::{Db, Lease};
use service::model_request::Account;
use service::queue::{Job, Verdict};
use service::storage::{self, Storage};
use sha2::{Digest, Sha256};
use tokio::io::AsyncReadExt;
use tokio::sync::watch;
use tokio_util::sync::CancellationToken;

use crate::frames::{self, DecodeLimits, DecoderProgram, Extraction};
use crate::job::stop::{Stop, failed};
use crate::runner::Worker;
use crate::vision::ledger::DatabaseLedger;
use crate::vision::local::{self, Context, LocalReply};
use crate::vision::ocr::{LANGUAGES, Tesseract};
use crate::vision::openai::{Consents, Permit, Question, Redaction, Remote, RemoteConfig};
use crate::vision::redact::{self, Readings, Rules};
use crate::vision::stored::{self, Stored};

/// From which length of a standstill on time is idle, in seconds.
const IDLE_THRESHOLD_SECONDS: f64 = 60.0;
/// How often a running job looks whether somebody asked to stop: half of the two seconds that a cancellation may take.
const LISTEN_EVERY: Duration = Duration::from_secs(1);
/// Progress is written at most four times a second.
const REPORT_EVERY: Duration = Duration::from_millis(250);

/// What the job works with.
pub struct Tools {
    db: Db,
    storage: Storage,
    decoder: DecoderProgram,
    remote: RemoteConfig,
    tesseract: Option<PathBuf>,
    scratch: PathBuf,
    name: String,
    clock: fn() -> DateTime<Utc>,
}

impl Tools {
    /// Those of a worker process.
    pub fn new(worker: Worker) -> Self {
        let Worker {
            db,
            storage,
            decoder,
            remote,
            tesseract,
            scratch,
            name,
            clock,
        } = worker;
        Self {
            db,
            storage,
            decoder,
            remote,
            tesseract,
            scratch,
            name,
            clock,
        }
    }
}

/// What is being analysed, under which lease.
struct Work<'a> {
    tools: &'a Tools,
    analysis: AnalysisId,
    session: SessionId,
    organization: OrganizationId,
    lease: Lease,
    progress: watch::Sender<Progress>,
    cancel: CancellationToken,
}

/// Makes an analysis, or finds that there is nothing to do.
pub async fn run(tools: &Tools, job: &Job) -> Verdict {
    let analysis = AnalysisId::new(job.subject);
    let (lease, organization, session) = loop {
        match run::begin(&tools.db, analysis, &tools.name).await {
            Ok(Begun::Ours {
                lease,
                organization,
                session,
            }) => break (lease, organization, session),
            Ok(Begun::Nothing) => return Verdict::Done,
            // An earlier attempt of a worker that died: its lease ends by itself.
            Ok(Begun::Wait(wait)) => tokio::select! {
                () = tokio::time::sleep(wait) => {}
                () = job.shutdown.cancelled() => return Verdict::HandedBack,
            },
            Err(error) => {
                tracing::warn!(analysis.id = %analysis, error = &error as &dyn std::error::Error, "an analysis could not be taken up");
                return Verdict::Retry {
                    reason: "the database did not let it begin".to_owned(),
                };
            }
        }
    };
    let (progress, reported) = watch::channel(Progress {
        stage: AnalysisStage::Assembling,
        progress: 0.0,
        frames_done: 0,
        frames_total: None,
        message: None,
    });
    let work = Work {
        tools,
        analysis,
        session,
        organization,
        lease: lease.clone(),
        progress,
        cancel: CancellationToken::new(),
    };
    let started = Instant::now();
    let made = tokio::select! {
        made = work.make(started) => made,
        stop = guard(&tools.db, analysis, &lease) => Err(stop),
        () = job.shutdown.cancelled() => Err(Stop::Shutdown),
        () = report(&tools.db, analysis, &lease, reported) => Err(Stop::LeaseLost),
    };
    // The decoder and the recogniser are children of the future that was dropped; this reaches what it left running.
    work.cancel.cancel();
    work.conclude(made, job).await
}

/// Keeps the lease alive; ends when it is lost or somebody asks to stop.
async fn guard(db: &Db, analysis: AnalysisId, lease: &Lease) -> Stop {
    let mut renewed = Instant::now();
    loop {
        tokio::time::sleep(LISTEN_EVERY).await;
        let stop = if renewed.elapsed() >= run::LEASE / 4 {
            match run::renew(db, analysis, lease).await {
                Ok(Renewal::Alive) => {
                    renewed = Instant::now();
                    None
                }
                Ok(Renewal::Cancelled) => Some(Stop::Cancelled),
                // The database is away: work on until the lease would have ended.
                Err(_) if renewed.elapsed() < run::LEASE => None,
                Ok(Renewal::Lost) | Err(_) => Some(Stop::LeaseLost),
            }
        } else {
            match run::cancel_requested(db, analysis, lease).await {
                Ok(true) => match run::renew(db, analysis, lease).await {
                    Ok(Renewal::Lost) => Some(Stop::LeaseLost),
                    _ => Some(Stop::Cancelled),
                },
                _ => None,
            }
        };
        if let Some(stop) = stop {
            return stop;
        }
    }
}

/// Writes the newest progress, at most four times a second; a write that fails is made up for by the next. Never ends but with
/// the lease.
async fn report(db: &Db, analysis: AnalysisId, lease: &Lease, mut progress: watch::Receiver<Progress>) {
    while progress.changed().await.is_ok() {
        let newest = progress.borrow_and_update().clone();
        if matches!(
            run::report(db, analysis, lease, &newest).await,
            Err(service::Error::LeaseLost)
        ) {
            return;
        }
        tokio::time::sleep(REPORT_EVERY).await;
    }
    std::future::pending::<()>().await;
}

impl Work<'_> {
    fn now(&self) -> DateTime<Utc> {
        (self.tools.clock)()
    }

    fn at(&self, stage: AnalysisStage, share: f64) {
        self.progress.send_modify(|progress| {
            progress.stage = stage;
            progress.progress = share;
        });
    }

    /// Everything but the verdict.
    async fn make(&self, started: Instant) -> Result<(), Stop> {
        let scope = self.tools.db.worker_scope(&self.lease).await?;
        let inputs = run::inputs(&scope, self.analysis, self.session).await?;
        drop(scope);
        let outcome = match &inputs.earlier {
            Some(earlier) => {
                self.at(AnalysisStage::Interpreting, 0.5);
                read_anew(earlier, started)
            }
            None => self.read(&inputs, started).await?,
        };
        self.at(AnalysisStage::Storing, 0.98);
        let scope = self.tools.db.worker_scope(&self.lease).await?;
        run::record(
            &scope,
            self.organization,
            self.session,
            self.analysis,
            &outcome,
            self.now(),
        )
        .await?;
        scope.commit().await?;
        Ok(())
    }

    /// Looks at the recording.
    async fn read(&self, inputs: &Inputs, started: Instant) -> Result<Outcome, Stop> {
        if inputs.session.video_deleted_at.is_some() || inputs.chunks.is_empty() {
            return Err(failed(AnalysisErrorCode::VideoGone, "the recording's chunks are gone"));
        }
        let disk = |error: std::io::Error| failed(AnalysisErrorCode::StorageUnavailable, error);
        std::fs::create_dir_all(&self.tools.scratch).map_err(disk)?;
        let scratch = tempfile::Builder::new()
            .prefix("analysis-")
            .tempdir_in(&self.tools.scratch)
            .map_err(disk)?;
        let video = scratch.path().join("recording");
        self.at(AnalysisStage::Assembling, 0.01);
        self.tools.storage.append_to_file(&inputs.chunks, &video).await?;
        let content_sha256 = digest(&video).await.map_err(disk)?;

        self.at(AnalysisStage::ExtractingFrames, 0.05);
        let mut extraction = self.extract(inputs, &video, &scratch.path().join("frames")).await?;
        let long = extraction.duration_seconds;
        self.look(inputs, &mut extraction, content_sha256, started)
            .await
            .map_err(|stop| match stop {
                Stop::Failed { code, cause, again, .. } => Stop::Failed {
                    code,
                    cause,
                    duration_seconds: Some(long),
                    again,
                },
                other => other,
            })
    }

    async fn extract(&self, inputs: &Inputs, video: &Path, frames: &Path) -> Result<Extraction, Stop> {
        std::fs::create_dir_all(frames).map_err(|error| failed(AnalysisErrorCode::StorageUnavailable, error))?;
        let limits = DecodeLimits {
            max_recording_seconds: f64::from(inputs.organization.max_recording_seconds),
            ..DecodeLimits::default()
        };
        let sampling = frames::Sampling {
            frames_per_second: inputs.sampling.frames_per_second,
            max_frames: inputs.sampling.max_frames,
            scene_threshold: inputs.sampling.scene_threshold,
        };
        let progress = |done: frames::Progress| {
            let share = if done.total_seconds > 0.0 {
                (done.done_seconds / done.total_seconds).clamp(0.0, 1.0)
            } else {
                0.0
            };
            self.at(AnalysisStage::ExtractingFrames, 0.05 + 0.35 * share);
        };
        Ok(frames::extract(
            video,
            frames,
            &sampling,
            &limits,
            &self.tools.decoder,
            progress,
            self.cancel.child_token(),
        )
        .await?)
    }

    /// Redacts, stores what is evidence, and measures or asks.
    async fn look(
        &self,
        inputs: &Inputs,
        extraction: &mut Extraction,
        content_sha256: String,
        started: Instant,
    ) -> Result<Outcome, Stop> {
        let rules = rules(&inputs.session.privacy_settings);
        self.at(AnalysisStage::Redacting, 0.4);
        let tesseract = Tesseract::find(self.tools.tesseract.clone(), &LANGUAGES).await;
        let tesseract = tesseract?;
        let frames_total = i32::try_from(extraction.frames.len()).unwrap_or(i32::MAX);
        self.progress
            .send_modify(|progress| progress.frames_total = Some(frames_total));
        let readings = redact::read(extraction, &rules, &tesseract, &self.cancel, |share| {
            self.progress.send_modify(|progress| {
                progress.progress = 0.4 + 0.4 * share;
                progress.frames_done = (share * f64::from(frames_total)).round() as i32;
            });
        })
        .await?;
        redact::cover(extraction, &readings).await?;
        let frames = self.keep(extraction, &readings).await?;

        let context = Context {
            tesseract,
            idle_threshold_seconds: IDLE_THRESHOLD_SECONDS,
            rules,
            readings: Some(readings),
            cancel: self.cancel.child_token(),
        };
        let reply = local::analyse(extraction, &context, |_| {}).await?;
        let measured = local::interpret(&reply);
        let observed_seconds = observed_seconds(&reply);
        let mut outcome = Outcome {
            diagrams: Vec::new(),
            reading: measured,
            raw_reply: serde_json::to_value(&reply).map_err(|error| failed(AnalysisErrorCode::Internal, error))?,
            gpt_version: local::VERSION.to_owned(),
            prompt_version: None,
            cost_usd: None,
            prompt_tokens: None,
            completion_tokens: None,
            coverage: extraction.coverage,
            duration_seconds: extraction.duration_seconds,
            observed_seconds,
            content_sha256,
            frames,
            processing_seconds: 0.0,
        };
        if inputs.analyser == Analyser::Remote {
            self.ask(inputs, extraction, &mut outcome).await?;
        }
        self.at(AnalysisStage::ComputingCosts, 0.95);
        outcome.diagrams = diagrams(&outcome.reading, Some(&reply));
        outcome.processing_seconds = started.elapsed().as_secs_f64();
        Ok(outcome)
    }

    /// Stores the frames as evidence, after redaction.
    async fn keep(&self, extraction: &Extraction, readings: &Readings) -> Result<Vec<StoredFrame>, Stop> {
        let mut stored = Vec::with_capacity(extraction.frames.len());
        for frame in &extraction.frames {
            let bytes = tokio::fs::read(&frame.file)
                .await
                .map_err(|error| failed(AnalysisErrorCode::StorageUnavailable, error))?;
            let key = storage::frame_key(self.organization, self.session, self.analysis, frame.index);
            let size = bytes.len() as u64;
            self.tools.storage.put(&key, bytes.into()).await?;
            let redacted = readings
                .frames
                .iter()
                .any(|reading| reading.index == frame.index && !reading.covered.is_empty());
            stored.push(StoredFrame {
                index: frame.index,
                timestamp_seconds: frame.timestamp_seconds,
                span: TimeSpan::new(frame.span.start_seconds, frame.span.end_seconds)
                    .map_err(|error| failed(AnalysisErrorCode::Internal, error))?,
                screen: frame.screen,
                width_pixels: frame.width_pixels,
                height_pixels: frame.height_pixels,
                key,
                bytes: size,
                redacted,
            });
        }
        Ok(stored)
    }

    /// Asks the model where everybody allows it; counts and times stay the measured ones.
    async fn ask(&self, inputs: &Inputs, extraction: &Extraction, outcome: &mut Outcome) -> Result<(), Stop> {
        let privacy = &inputs.session.privacy_settings;
        let consents = Consents {
            organization: inputs.organization.remote_analysis_allowed,
            session: flag(privacy, "allow_remote_analysis", false),
            redaction: if flag(privacy, "redact_personal_data", true) {
                Redaction::Done
            } else {
                Redaction::NotAskedFor
            },
        };
        let permit = Permit::grant(&self.tools.remote, consents)?;
        self.at(AnalysisStage::AskingModel, 0.8);
        let remote = Remote::new(self.tools.remote.clone())?;
        let question = Question {
            analysis: self.analysis,
            frames: &extraction.frames,
            duration_seconds: extraction.duration_seconds,
            locale: &inputs.organization.locale,
        };
        let ledger = DatabaseLedger {
            account: Account {
                db: self.tools.db.clone(),
                lease: self.lease.clone(),
                organization: self.organization,
                session: self.session,
                analysis: self.analysis,
            },
            clock: self.tools.clock,
        };
        let answer = remote
            .ask(&permit, &question, &ledger, &self.cancel, |progress| {
                let share = f64::from(progress.requests_done) / f64::from(progress.requests_total.max(1));
                self.at(AnalysisStage::AskingModel, 0.8 + 0.12 * share);
            })
            .await?;
        self.at(AnalysisStage::Interpreting, 0.93);
        let measured = std::mem::take(&mut outcome.reading);
        let mut reading = insight::parse::merge_measured(answer.reading.clone(), &measured);
        mask(&mut reading);
        outcome.raw_reply = serde_json::json!({ "model": answer.document(), "measured": outcome.raw_reply });
        outcome.reading = reading;
        outcome.gpt_version.clone_from(&answer.gpt_version);
        outcome.prompt_version = Some(answer.prompt_version.to_owned());
        outcome.cost_usd = answer.cost_usd;
        outcome.prompt_tokens = answer.prompt_tokens.and_then(|tokens| i64::try_from(tokens).ok());
        outcome.completion_tokens = answer.completion_tokens.and_then(|tokens| i64::try_from(tokens).ok());
        Ok(())
    }

    /// The one place that decides what becomes of the analysis and of its job.
    async fn conclude(&self, made: Result<(), Stop>, job: &Job) -> Verdict {
        let (code, cause, duration, again) = match made {
            Ok(()) => {
                tracing::info!(analysis.id = %self.analysis, attempt = job.attempt, "an analysis is done");
                return Verdict::Done;
            }
            // Whoever has it now tells how it ends; if nobody has, the next try finds the lease ended.
            Err(Stop::LeaseLost) => {
                return Verdict::Retry {
                    reason: "the lease was lost".to_owned(),
                };
            }
            Err(Stop::Shutdown) => {
                if let Err(error) = run::hand_back(&self.tools.db, self.analysis, &self.lease).await {
                    tracing::warn!(analysis.id = %self.analysis, error = &error as &dyn std::error::Error, "an analysis could not be handed back; its lease ends by itself");
                }
                return Verdict::HandedBack;
            }
            Err(Stop::Cancelled) => (AnalysisErrorCode::Cancelled, None, None, false),
            Err(Stop::Failed {
                code,
                cause,
                duration_seconds,
                again,
            }) => (code, Some(cause), duration_seconds, again),
        };
        if let Some(cause) = &cause {
            tracing::warn!(analysis.id = %self.analysis, attempt = job.attempt, code = %code, error = cause.as_ref() as &dyn std::error::Error, "an attempt failed");
        }
        let again = again && !job.is_last_attempt();
        match self.settle(code, duration, again).await {
            Ok(()) if again => {
                // Jitter on top of the queue's back-off, so that what failed together does not come back together.
                tokio::time::sleep(Duration::from_millis(rand::random_range(0..1500))).await;
                Verdict::Retry {
                    reason: code.to_string(),
                }
            }
            Ok(()) => Verdict::Done,
            Err(error) => {
                tracing::warn!(analysis.id = %self.analysis, error = &error as &dyn std::error::Error, "a verdict could not be written; the next try finds the lease ended");
                Verdict::Retry {
                    reason: "the verdict could not be written".to_owned(),
                }
            }
        }
    }

    async fn settle(&self, code: AnalysisErrorCode, duration: Option<f64>, again: bool) -> service::Result<()> {
        let scope = self.tools.db.worker_scope(&self.lease).await?;
        if again {
            run::put_back(&scope, self.analysis, code, self.now()).await?;
        } else {
            run::fail(&scope, self.session, self.analysis, code, duration, self.now()).await?;
        }
        scope.commit().await
    }
}

/// From the stored reply, without looking at the recording or asking anybody.
fn read_anew(earlier: &run::Earlier, started: Instant) -> Outcome {
    let table: insight::parse::FrameTable = earlier.frames.iter().map(|frame| (frame.index, frame.span)).collect();
    let Stored { local, reading } = stored::read(&earlier.raw_reply, &table);
    let observed_seconds = local.as_ref().map_or(earlier.observed_seconds, observed_seconds);
    let reading = reading.unwrap_or_default();
    Outcome {
        diagrams: diagrams(&reading, local.as_ref()),
        reading,
        raw_reply: earlier.raw_reply.clone(),
        gpt_version: earlier.gpt_version.clone(),
        prompt_version: earlier.prompt_version.clone(),
        cost_usd: earlier.cost_usd,
        prompt_tokens: earlier.prompt_tokens,
        completion_tokens: earlier.completion_tokens,
        frames: earlier.frames.clone(),
        coverage: earlier.coverage,
        duration_seconds: earlier.duration_seconds,
        observed_seconds,
        content_sha256: earlier.content_sha256.clone(),
        processing_seconds: started.elapsed().as_secs_f64(),
    }
}

/// Recorded time without idle time.
fn observed_seconds(reply: &LocalReply) -> f64 {
    let idle: f64 = reply
        .timeline
        .iter()
        .flat_map(|stay| &stay.idle)
        .copied()
        .map(TimeSpan::seconds)
        .sum();
    (reply.duration_seconds - idle).max(0.0)
}

/// Masks personal data in every text that a model gave back.
fn mask(reading: &mut Reading) {
    insight::parse::each_text(reading, |text| *text = redact::mask(text));
}

fn rules(privacy: &serde_json::Value) -> Rules {
    Rules {
        personal_data: flag(privacy, "redact_personal_data", true),
        passwords: flag(privacy, "blur_passwords", true),
        exclusions: privacy
            .get("custom_exclusions")
            .and_then(serde_json::Value::as_array)
            .map(|words| {
                words
                    .iter()
                    .filter_map(serde_json::Value::as_str)
                    .map(str::to_owned)
                    .collect()
            })
            .unwrap_or_default(),
    }
}

fn flag(settings: &serde_json::Value, name: &str, absent: bool) -> bool {
    settings
        .get(name)
        .and_then(serde_json::Value::as_bool)
        .unwrap_or(absent)
}

/// Each kind of diagram, in the layout that suits it.
const DIAGRAMS: [(VisualizationType, LayoutAlgorithm); 3] = [
    (VisualizationType::FlowChart, LayoutAlgorithm::Dagre),
    (VisualizationType::Timeline, LayoutAlgorithm::Hierarchical),
    (VisualizationType::ProcessMap, LayoutAlgorithm::Dagre),
];

fn diagrams(reading: &Reading, local: Option<&LocalReply>) -> Vec<Diagram> {
    let names: BTreeMap<u32, String> = local
        .iter()
        .flat_map(|reply| &reply.screens)
        .map(|screen| {
            let parts = [screen.object.as_str(), screen.application.as_str()];
            (
                screen.id,
                parts
                    .into_iter()
                    .filter(|part| !part.is_empty())
                    .collect::<Vec<_>>()
                    .join(" · "),
            )
        })
        .filter(|(_, name)| !name.is_empty())
        .collect();
    DIAGRAMS
        .into_iter()
        .filter_map(|(kind, layout)| {
            let data = serde_json::to_value(flow::draw(kind, layout, &reading.insights, &names)).ok()?;
            Some(Diagram { kind, layout, data })
        })
        .collect()
}

async fn digest(file: &Path) -> std::io::Result<String> {
    let mut file = tokio::fs::File::open(file).await?;
    let mut hash = Sha256::new();
    let mut buffer = vec![0; 256 * 1024];
    loop {
        match file.read(&mut buffer).await? {
            0 => return Ok(hex::encode(hash.finalize())),
            read => hash.update(&buffer[..read]),
        }
    }
}
