//! The main job: from a recording to steps, routines, opportunities and money, each with the seconds that show it.
//!
//! Take up, put together, choose frames, redact, measure or ask, interpret, record. No transaction is open while any of this
//! works. A guard beside it keeps the lease alive and hears of cancellation; whatever stops the work, the verdict comes from one
//! place.

mod make;
mod reading;

use std::path::PathBuf;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use chrono::{DateTime, Utc};
use domain::analysis_error::AnalysisErrorCode;
use domain::id::{AnalysisId, OrganizationId, SessionId};
use domain::status::AnalysisStage;
use service::analysis_result::run::{self, Begun, Progress, Renewal};
use service::db::{Db, Lease};
use service::queue::{Job, Verdict};
use service::storage::{self, Storage};
use tokio::sync::watch;

use crate::frames::DecoderProgram;
use crate::job::retry;
use crate::job::stop::{Stop, failed};
use crate::runner::Worker;
use crate::vision::openai::{Ending, RemoteConfig};

/// How often a running job looks whether somebody asked to stop: a quarter of the two seconds that a cancellation may take.
const LISTEN_EVERY: Duration = Duration::from_millis(500);
/// Progress is written at most four times a second.
const REPORT_EVERY: Duration = Duration::from_millis(250);
/// Work that is told to stop may close what it has open for so long: a request's line in the ledger, say.
const CLOSING: Duration = Duration::from_millis(400);
/// Deleting what a failed analysis has stored may take so long: less than its lease lives.
const FORGETTING: Duration = Duration::from_secs(10);
/// After so many workers that ended without a word, the analysis is taken to be the cause. The queue gives such tries back, so
/// that nobody pays for a neighbour's crash.
const MOST_CRASHES: i64 = 10;
/// Waits between the tries of a transaction while the database is away: together less than a lease lives.
const AWAY: [Duration; 5] = [
    Duration::from_millis(250),
    Duration::from_millis(500),
    Duration::from_secs(1),
    Duration::from_secs(2),
    Duration::from_secs(4),
];

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
    /// How long a job may go on once the process is asked to stop.
    grace: Duration,
}

impl Tools {
    /// Those of a worker process that gives its jobs so long to end.
    pub fn new(worker: Worker, grace: Duration) -> Self {
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
            grace,
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
    ending: Ending,
    /// Whether no row names what this analysis has stored: it was never completed.
    fresh: AtomicBool,
}

/// Makes an analysis, or finds that there is nothing to do.
pub async fn run(tools: &Tools, job: &Job) -> Verdict {
    let analysis = AnalysisId::new(job.subject);
    let (lease, organization, session, crashes) = loop {
        match run::begin(&tools.db, analysis, &tools.name).await {
            Ok(Begun::Ours {
                lease,
                organization,
                session,
                crashes,
            }) => break (lease, organization, session, crashes),
            Ok(Begun::Nothing) => return Verdict::Done,
            // An earlier attempt of a worker that died: its lease ends by itself.
            Ok(Begun::Wait(wait)) => tokio::select! {
                () = tokio::time::sleep(wait) => {}
                () = job.shutdown.cancelled() => return Verdict::HandedBack,
            },
            Err(error) => {
                tracing::warn!(analysis.id = %analysis, error = &error as &dyn std::error::Error, "an analysis could not be taken up");
                return retry("the database did not let it begin");
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
        ending: Ending::default(),
        fresh: AtomicBool::new(false),
    };
    let made = if crashes < MOST_CRASHES {
        Box::pin(work.until_stopped(job, reported)).await
    } else {
        Err(failed(
            AnalysisErrorCode::WorkerCrashed,
            "its workers ended without a word, one after the other",
        ))
    };
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

    /// Works until it is made, or somebody or something stops it.
    async fn until_stopped(&self, job: &Job, reported: watch::Receiver<Progress>) -> Result<(), Stop> {
        let made = self.make(Instant::now());
        tokio::pin!(made);
        let guard = guard(&self.tools.db, self.analysis, &self.lease);
        tokio::pin!(guard);
        let mut stop = tokio::select! {
            made = &mut made => return made,
            stop = &mut guard => stop,
            () = job.shutdown.cancelled() => Stop::Shutdown,
            () = report(&self.tools.db, self.analysis, &self.lease, reported) => Stop::LeaseLost,
        };
        if matches!(stop, Stop::Shutdown) && self.progress.borrow().stage == AnalysisStage::AskingModel {
            // The request under way is paid for: its answer is awaited and kept for as long as this process may last.
            self.ending.soon.cancel();
            stop = tokio::select! {
                made = &mut made => return made.map_err(|stop| match stop {
                    Stop::Cancelled => Stop::Shutdown,
                    other => other,
                }),
                stop = &mut guard => stop,
                () = tokio::time::sleep(self.tools.grace.saturating_sub(4 * CLOSING)) => Stop::Shutdown,
            };
        }
        // Reaches the decoder, the recogniser and the request in flight. Whatever does not end by itself is dropped.
        self.ending.now.cancel();
        match tokio::time::timeout(CLOSING, made).await {
            Ok(Ok(())) => Ok(()),
            _ => Err(stop),
        }
    }

    /// The one place that decides what becomes of the analysis and of its job.
    async fn conclude(&self, made: Result<(), Stop>, job: &Job) -> Verdict {
        let (code, cause, duration, after, again) = match made {
            Ok(()) => {
                tracing::info!(analysis.id = %self.analysis, attempt = job.attempt, "an analysis is done");
                return Verdict::Done;
            }
            // Whoever has it now tells how it ends; if nobody has, the next try finds the lease ended.
            Err(Stop::LeaseLost) => {
                return retry("the lease was lost");
            }
            Err(Stop::Shutdown) => {
                if let Err(error) = run::hand_back(&self.tools.db, self.analysis, &self.lease).await {
                    tracing::warn!(analysis.id = %self.analysis, error = &error as &dyn std::error::Error, "an analysis could not be handed back; its lease ends by itself");
                }
                return Verdict::HandedBack;
            }
            Err(Stop::Cancelled) => (AnalysisErrorCode::Cancelled, None, None, None, false),
            Err(Stop::Failed {
                code,
                cause,
                duration_seconds,
                after,
                again,
            }) => (code, Some(cause), duration_seconds, after, again),
        };
        if let Some(cause) = &cause {
            tracing::warn!(analysis.id = %self.analysis, attempt = job.attempt, code = %code, error = cause.as_ref() as &dyn std::error::Error, "an attempt failed");
        }
        let again = again && !job.is_last_attempt();
        if !again && self.fresh.load(Ordering::Relaxed) {
            self.forget(if code == AnalysisErrorCode::Cancelled {
                CLOSING
            } else {
                FORGETTING
            })
            .await;
        }
        match self.settle(code, duration, again).await {
            Ok(()) if again => {
                // Jitter under the queue's back-off, so that what failed together does not come back together.
                let jitter = Duration::from_millis(rand::random_range(0..1500));
                Verdict::Retry {
                    reason: code.to_string(),
                    after: Some(after.unwrap_or_default() + jitter),
                }
            }
            Ok(()) => Verdict::Done,
            Err(error) => {
                tracing::warn!(analysis.id = %self.analysis, error = &error as &dyn std::error::Error, "a verdict could not be written; the next try finds the lease ended");
                retry("the verdict could not be written")
            }
        }
    }

    /// Deletes the frames that were stored, as long as the work is ours: no row will name them, so no retention would find them.
    async fn forget(&self, most: Duration) {
        let prefix = storage::analysis_prefix(self.organization, self.session, self.analysis);
        if !matches!(
            tokio::time::timeout(most, self.tools.storage.delete_prefix(&prefix)).await,
            Ok(Ok(_))
        ) {
            tracing::warn!(analysis.id = %self.analysis, "frames of a failed analysis are left in the storage until their session is erased");
        }
    }

    async fn settle(&self, code: AnalysisErrorCode, duration: Option<f64>, again: bool) -> service::Result<()> {
        let mut away = Away::default();
        loop {
            let done = self.settle_once(code, duration, again).await;
            if !away.again(&done).await {
                return done;
            }
        }
    }

    async fn settle_once(&self, code: AnalysisErrorCode, duration: Option<f64>, again: bool) -> service::Result<()> {
        let scope = self.tools.db.worker_scope(&self.lease).await?;
        if again {
            run::put_back(&scope, self.analysis, code, self.now()).await?;
        } else {
            run::fail(&scope, self.session, self.analysis, code, duration, self.now()).await?;
        }
        scope.commit().await
    }
}

/// Whether a transaction is to be run again, after a pause: the database is away. It must be one that may run twice.
#[derive(Default)]
struct Away {
    tries: usize,
}

impl Away {
    async fn again<T: Sync>(&mut self, done: &service::Result<T>) -> bool {
        let Err(service::Error::Unavailable { .. } | service::Error::Timeout) = done else {
            return false;
        };
        let Some(pause) = AWAY.get(self.tries) else {
            return false;
        };
        self.tries += 1;
        tokio::time::sleep(*pause).await;
        true
    }
}
