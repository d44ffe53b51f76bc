//! Making an analysis: put together, choose frames, redact, measure or ask, record.

use std::path::Path;
use std::sync::atomic::Ordering;
use std::time::Instant;

use domain::analysis_error::AnalysisErrorCode;
use domain::insight;
use domain::sampling::Analyser;
use domain::span::TimeSpan;
use domain::status::AnalysisStage;
use service::analysis_result::run::{self, Inputs, Made, Outcome, StoredFrame};
use service::model_request::Account;
use service::storage;
use sha2::{Digest, Sha256};
use tokio::io::AsyncReadExt;

use super::reading::{diagrams, flag, observed_seconds, read_anew, rules};
use super::{Away, Work};
use crate::frames::{self, DecodeLimits, Extraction};
use crate::job::stop::{Stop, failed};
use crate::vision::ledger::DatabaseLedger;
use crate::vision::local::{self, Context};
use crate::vision::ocr::{LANGUAGES, Tesseract};
use crate::vision::openai::{Consents, Permit, Question, Redaction, Remote};
use crate::vision::redact::{self, Readings};
use crate::vision::stored;

/// From which length of a standstill on time is idle, in seconds.
const IDLE_THRESHOLD_SECONDS: f64 = 60.0;

impl Work<'_> {
    /// Everything but the verdict.
    pub(super) async fn make(&self, started: Instant) -> Result<(), Stop> {
        let mut away = Away::default();
        let inputs = loop {
            let inputs = self.inputs().await;
            if !away.again(&inputs).await {
                break inputs?;
            }
        };
        self.fresh
            .store(inputs.earlier.is_none() && !inputs.has_results, Ordering::Relaxed);
        let outcome = match &inputs.earlier {
            Some(earlier) => {
                self.at(AnalysisStage::Interpreting, 0.5);
                let rules = rules(&inputs.session.privacy_settings, inputs.analyser);
                let earlier = earlier.clone();
                tokio::task::spawn_blocking(move || read_anew(earlier, &rules, started))
                    .await
                    .map_err(|error| failed(AnalysisErrorCode::Internal, error))??
            }
            None => self.read(&inputs, started).await?,
        };
        self.at(AnalysisStage::Storing, 0.98);
        let prefix = storage::analysis_prefix(self.organization, self.session, self.analysis);
        let stored = self.tools.storage.keys(&prefix).await?;
        // Hours of work are not lost because the database restarts at the last moment. Should the commit have come through
        // although its answer did not, the lease is gone, and the next try finds nothing to do.
        let mut away = Away::default();
        loop {
            let recorded = self.record(&outcome, &stored).await;
            if !away.again(&recorded).await {
                return Ok(recorded?);
            }
        }
    }

    async fn inputs(&self) -> service::Result<Inputs> {
        let scope = self.tools.db.worker_scope(&self.lease).await?;
        run::inputs(&scope, self.analysis, self.session).await
    }

    async fn record(&self, outcome: &Outcome, stored: &[String]) -> service::Result<()> {
        let scope = self.tools.db.worker_scope(&self.lease).await?;
        run::record(
            &scope,
            self.organization,
            self.session,
            self.analysis,
            outcome,
            stored,
            self.now(),
        )
        .await?;
        scope.commit().await
    }

    /// Looks at the recording.
    async fn read(&self, inputs: &Inputs, started: Instant) -> Result<Outcome, Stop> {
        if inputs.session.video_deleted_at.is_some() || inputs.chunks.is_empty() {
            return Err(failed(AnalysisErrorCode::VideoGone, "the recording's chunks are gone"));
        }
        if inputs.analyser == Analyser::Remote {
            // What is not allowed is told at once, not after minutes of work.
            self.permit(inputs)?;
        }
        let disk = |error: std::io::Error| failed(AnalysisErrorCode::StorageUnavailable, error);
        let scratch = tempfile::Builder::new()
            .prefix("analysis-")
            .tempdir_in(&self.tools.scratch)
            .map_err(disk)?;
        let video = scratch.path().join("recording");
        self.at(AnalysisStage::Assembling, 0.01);
        let assembled = self.tools.storage.append_to_file(&inputs.chunks, &video).await;
        assembled.map_err(|error| match error {
            // Its row is there, so nobody deleted it: the storage may have it again in a moment.
            service::Error::NotFound { .. } => Stop::Failed {
                code: AnalysisErrorCode::VideoGone,
                cause: error.into(),
                duration_seconds: None,
                after: None,
                again: true,
            },
            other => other.into(),
        })?;
        let content_sha256 = digest(&video).await.map_err(disk)?;

        self.at(AnalysisStage::ExtractingFrames, 0.05);
        let mut extraction = self.extract(inputs, &video, &scratch.path().join("frames")).await?;
        let long = extraction.duration_seconds;
        self.look(inputs, &mut extraction, content_sha256, started)
            .await
            .map_err(|stop| match stop {
                Stop::Failed {
                    code,
                    cause,
                    after,
                    again,
                    ..
                } => Stop::Failed {
                    code,
                    cause,
                    duration_seconds: Some(long),
                    after,
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
            self.ending.now.child_token(),
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
        let rules = rules(&inputs.session.privacy_settings, inputs.analyser);
        self.at(AnalysisStage::Redacting, 0.4);
        let tesseract = Tesseract::find(self.tools.tesseract.clone(), &LANGUAGES).await;
        let tesseract = tesseract?.within(&self.tools.scratch);
        let frames_total = i32::try_from(extraction.frames.len()).unwrap_or(i32::MAX);
        self.progress
            .send_modify(|progress| progress.frames_total = Some(frames_total));
        let readings = redact::read(extraction, &rules, &tesseract, &self.ending.now, |share| {
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
            cancel: self.ending.now.child_token(),
        };
        let reply = local::analyse(extraction, &context, |_| {}).await?;
        let measured = local::interpret(&reply);
        let observed_seconds = observed_seconds(&reply);
        let mut outcome = Outcome {
            diagrams: Vec::new(),
            reading: measured,
            made: Made {
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
            },
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

    /// Whether everybody agrees that screens leave the house. Without text recognition nothing comes this far.
    fn permit(&self, inputs: &Inputs) -> Result<Permit, Stop> {
        let privacy = &inputs.session.privacy_settings;
        let consents = Consents {
            organization: inputs.organization.remote_analysis_allowed,
            session: flag(privacy, "allow_remote_analysis", false),
            redaction: Redaction::Done,
        };
        Ok(Permit::grant(&self.tools.remote, consents)?)
    }

    /// Asks the model where everybody allows it; counts and times stay the measured ones.
    async fn ask(&self, inputs: &Inputs, extraction: &Extraction, outcome: &mut Outcome) -> Result<(), Stop> {
        let permit = self.permit(inputs)?;
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
                privacy: inputs.session.privacy_settings.clone(),
            },
            clock: self.tools.clock,
        };
        let answer = remote
            .ask(&permit, &question, &ledger, &self.ending, |progress| {
                let share = f64::from(progress.requests_done) / f64::from(progress.requests_total.max(1));
                self.at(AnalysisStage::AskingModel, 0.8 + 0.12 * share);
            })
            .await?;
        self.at(AnalysisStage::Interpreting, 0.93);
        let measured = std::mem::take(&mut outcome.reading);
        let reading = stored::masked(insight::parse::merge_measured(answer.reading.clone(), &measured));
        outcome.made.raw_reply = serde_json::json!({ "model": answer.document(), "measured": outcome.made.raw_reply });
        outcome.reading = reading;
        outcome.made.gpt_version.clone_from(&answer.gpt_version);
        outcome.made.prompt_version = Some(answer.prompt_version.to_owned());
        outcome.made.cost_usd = answer.cost_usd;
        outcome.made.prompt_tokens = answer.prompt_tokens.and_then(|tokens| i64::try_from(tokens).ok());
        outcome.made.completion_tokens = answer.completion_tokens.and_then(|tokens| i64::try_from(tokens).ok());
        Ok(())
    }
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
