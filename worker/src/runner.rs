//! The worker process: jobs from the queue, sweeps by the clock, until it is asked to stop.

use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use service::db::Db;
use service::queue::{self, Handler, Job, JobKind, QueueSettings, Verdict};
use service::storage::Storage;
use tokio::sync::Semaphore;
use tokio_util::sync::CancellationToken;

use crate::frames::DecoderProgram;
use crate::job::analyze_recording::{self, Tools};
use crate::job::{export_data, recalculate_costs, sweep};
use crate::scratch::Scratch;
use crate::vision::openai::RemoteConfig;

/// How long an export waits that finds no place in this process.
const AGAIN: Duration = Duration::from_secs(5);

/// What a worker process works with.
pub struct Worker {
    /// The database, as `newsystem_worker`.
    pub db: Db,
    /// Where recordings lie and frames go.
    pub storage: Storage,
    /// The program that decodes, apart from this process.
    pub decoder: DecoderProgram,
    /// The remote model.
    pub remote: RemoteConfig,
    /// The word recogniser's program; `tesseract` on the path without one.
    pub tesseract: Option<PathBuf>,
    /// Where recordings are put together while they are read; on a disk with room for the longest one per job.
    pub scratch: PathBuf,
    /// How this process calls itself in attempts and logs.
    pub name: String,
    /// What time it is.
    pub clock: fn() -> chrono::DateTime<chrono::Utc>,
}

/// Works until `shutdown` fires and the jobs in hand are finished or handed back.
///
/// # Errors
/// When the queue cannot be reached at start, or fails for good.
pub async fn run(mut worker: Worker, settings: &QueueSettings, shutdown: CancellationToken) -> service::Result<()> {
    let scratch = Scratch::open(&worker.scratch).map_err(|error| {
        tracing::error!(error = &error as &dyn std::error::Error, folder = %worker.scratch.display(), "the folder for recordings cannot be used");
        service::Error::Unavailable {
            what: "the worker's disk",
        }
    })?;
    scratch.path().clone_into(&mut worker.scratch);
    let sweeper = tokio::spawn(sweep::run(
        worker.db.clone(),
        worker.storage.clone(),
        scratch.root().to_owned(),
        worker.clock,
        shutdown.clone(),
    ));
    let handler = Arc::new(Jobs {
        db: worker.db.clone(),
        storage: worker.storage.clone(),
        clock: worker.clock,
        exports: Semaphore::new(settings.concurrency.saturating_sub(1).max(1)),
        tools: Tools::new(worker, settings.grace),
    });
    let outcome = queue::run(settings, handler, shutdown.clone()).await;
    shutdown.cancel();
    // The sweeper ends within a sweep; one that panicked has said so in the log.
    let _ = tokio::time::timeout(Duration::from_secs(10), sweeper).await;
    outcome
}

struct Jobs {
    db: Db,
    storage: Storage,
    clock: fn() -> chrono::DateTime<chrono::Utc>,
    /// One place fewer than there are jobs: exports of hours leave one to analyses.
    exports: Semaphore,
    tools: Tools,
}

#[async_trait::async_trait]
impl Handler for Jobs {
    async fn handle(&self, job: Job) -> Verdict {
        match job.kind {
            JobKind::AnalyzeRecording => Box::pin(analyze_recording::run(&self.tools, &job)).await,
            JobKind::ExportData => {
                let Ok(_place) = self.exports.try_acquire() else {
                    return Verdict::Later(AGAIN);
                };
                Box::pin(export_data::run(&self.db, &self.storage, self.clock, &job)).await
            }
            JobKind::RecalculateCosts => Box::pin(recalculate_costs::run(&self.db, self.clock, &job)).await,
        }
    }
}
