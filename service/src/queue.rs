//! The queue of long work, over `graphile_worker`: what a worker process runs, and how it hears of a job.
//!
//! Adding a job is `private.enqueue` in the caller's own transaction ([`enqueue`]); here is the other side. `worker` never sees
//! the crate: it is handed a plain [`Job`] and answers a [`Verdict`].

use std::fmt;
use std::sync::Arc;
use std::time::{Duration, Instant};

use graphile_worker::{IntoTaskHandlerResult, TaskHandler, WorkerContext, WorkerOptions, WorkerRecoveryConfig};
use sea_orm::Value;
use serde::{Deserialize, Serialize};
use sqlx::postgres::{PgPool, PgPoolOptions};
use tokio::sync::Semaphore;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;
use uuid::Uuid;

use crate::db::Scope;
use crate::error::{Error, Result};

/// How many times a job is tried; the database's `private.add_job` says the same.
pub const MAX_ATTEMPTS: u32 = 3;

/// A worker that was not heard of for this long is dead; its jobs run again at the next sweep.
const DEAD_AFTER: Duration = Duration::from_secs(15);
const HEARTBEAT: Duration = Duration::from_secs(5);

/// What a job is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum JobKind {
    /// Make an analysis.
    AnalyzeRecording,
    /// Make the archive of an export.
    ExportData,
    /// Calculate all current costs anew.
    RecalculateCosts,
}

impl JobKind {
    /// The name in the queue.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::AnalyzeRecording => "analyze_recording",
            Self::ExportData => "export_data",
            Self::RecalculateCosts => "recalculate_costs",
        }
    }
}

/// A job in hand.
#[derive(Debug, Clone)]
pub struct Job {
    /// What it is for.
    pub kind: JobKind,
    /// What it is about: an analysis, an export, or an organization whose costs are calculated anew.
    pub subject: Uuid,
    /// This try's number, from 1.
    pub attempt: u32,
    /// Fires when the worker shuts down: finish soon, or hand back.
    pub shutdown: CancellationToken,
}

impl Job {
    /// Whether the queue will try no more after this.
    pub const fn is_last_attempt(&self) -> bool {
        self.attempt >= MAX_ATTEMPTS
    }
}

/// How a job ended.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Verdict {
    /// Done, or nothing was to be done.
    Done,
    /// Worth another try, after the queue's back-off.
    Retry {
        /// For the queue's own record; no contents.
        reason: String,
        /// Not before this time has passed, where somebody asked for that.
        after: Option<Duration>,
    },
    /// Not now: the try does not count, and the next comes after this time.
    Later(Duration),
    /// Given back unfinished by a worker that shuts down: the try does not count.
    HandedBack,
}

/// What a worker does with a job. It must not panic; if it does, the queue counts a failed try.
#[async_trait::async_trait]
pub trait Handler: Send + Sync + 'static {
    /// Does the work.
    async fn handle(&self, job: Job) -> Verdict;
}

/// How to reach the queue.
#[derive(Debug, Clone)]
pub struct QueueSettings {
    /// `postgres://…` of `newsystem_queue`, on a direct or session-pooled connection.
    pub url: String,
    /// Jobs at once in this process.
    pub concurrency: usize,
    /// How long jobs may take to finish or to hand themselves back after a shutdown was asked for.
    pub grace: Duration,
}

/// Adds a job in the caller's transaction: it becomes visible with the rows that it is about, or not at all.
///
/// # Errors
/// [`Error::Forbidden`] when the subject is not the caller's to have done.
pub async fn enqueue(scope: &Scope, kind: JobKind, subject: Uuid) -> Result<()> {
    scope
        .run(
            "select private.enqueue($1, $2)",
            [Value::from(kind.as_str()), Value::from(subject)],
        )
        .await
        .map(|_| ())
}

/// Makes or updates the queue's tables, as `newsystem_queue`; run by `migrate`, never by a worker.
///
/// # Errors
/// When the database refuses; the role needs CREATE on the database.
pub async fn migrate(url: &str) -> Result<()> {
    let pool = pool(url, 2).await?;
    let built = async {
        WorkerOptions::default()
            .pg_pool(pool.clone())
            .init()
            .await
            .map_err(|error| error.to_string())?;
        sqlx::query(JOBS_BY_QUEUE)
            .execute(&pool)
            .await
            .map_err(|error| error.to_string())
    };
    let built = built.await;
    pool.close().await;
    built
        .map(|_| ())
        .map_err(|error| Error::internal(format!("the queue's tables could not be made: {error}")))
}

/// Without it, what an organization has waiting (`private.add_job`) could be counted only by reading the jobs of all.
const JOBS_BY_QUEUE: &str =
    "create index if not exists newsystem_jobs_by_queue on graphile_worker._private_jobs (job_queue_id)";

#[expect(
    clippy::disallowed_methods,
    reason = "the queue's own connections, as its own role, which owns nothing but the queue"
)]
async fn pool(url: &str, connections: u32) -> Result<PgPool> {
    Ok(PgPoolOptions::new()
        .max_connections(connections)
        .acquire_timeout(Duration::from_secs(10))
        .connect(url)
        .await?)
}

/// After a fault of the queue, so long is waited before it is tried again; twice as long each time, up to the second.
const PAUSE: (Duration, Duration) = (Duration::from_millis(250), Duration::from_secs(5));
/// How long the queue's crate waits for a slot whose job does not end at a shutdown. The job itself has the settings' grace.
const SLOT_GRACE: Duration = Duration::from_secs(2);

/// Runs jobs until the shutdown fires and those in hand are finished or handed back. While the database is away it waits, and
/// what is in hand goes on: work is a task of its own, so that a slot that fails with its connection does not take it along.
///
/// # Errors
/// When the queue cannot be reached at start.
pub async fn run<H: Handler>(settings: &QueueSettings, handler: Arc<H>, shutdown: CancellationToken) -> Result<()> {
    let connections = u32::try_from(settings.concurrency)
        .unwrap_or(u32::MAX)
        .saturating_add(4);
    let pool = pool(&settings.url, connections).await?;
    let shared = Shared {
        handler,
        shutdown: shutdown.clone(),
        pool: pool.clone(),
        in_hand: TaskTracker::new(),
        places: Arc::new(Semaphore::new(settings.concurrency)),
    };
    let first = worker(&shared, settings.concurrency).await;
    let mut worker = Some(first.map_err(|error| Error::internal(format!("the queue did not start: {error}")))?);
    let mut pause = PAUSE.0;
    while !shutdown.is_cancelled() {
        let began = Instant::now();
        let ended = match worker.take() {
            Some(worker) => worker.run().await.map_err(|error| error.to_string()),
            None => Ok(()),
        };
        if shutdown.is_cancelled() {
            break;
        }
        if let Err(error) = ended {
            tracing::warn!(
                error,
                "the queue failed; it is tried again, and what is in hand goes on"
            );
        }
        if began.elapsed() > Duration::from_mins(1) {
            pause = PAUSE.0;
        }
        tokio::select! {
            () = shutdown.cancelled() => break,
            () = tokio::time::sleep(pause) => pause = (pause * 2).min(PAUSE.1),
        }
        // Under another name: what the last one had claimed and lost is recovered as from a dead worker.
        worker = match self::worker(&shared, settings.concurrency).await {
            Ok(worker) => Some(worker),
            Err(error) => {
                tracing::warn!(error, "the queue is out of reach");
                None
            }
        };
    }
    shared.in_hand.close();
    if tokio::time::timeout(settings.grace, shared.in_hand.wait())
        .await
        .is_err()
    {
        tracing::warn!("jobs did not end in time; their leases end by themselves");
    }
    pool.close().await;
    Ok(())
}

async fn worker(shared: &Shared, concurrency: usize) -> Result<graphile_worker::Worker, String> {
    let stop = shared.shutdown.clone();
    WorkerOptions::default()
        .pg_pool(shared.pool.clone())
        .concurrency(concurrency)
        .poll_interval(Duration::from_secs(2))
        .listen_os_shutdown_signals(false)
        .shutdown_signal(async move { stop.cancelled().await })
        .shutdown_grace_period(SLOT_GRACE)
        .shutdown_interrupted_job_retry_delay(Duration::ZERO)
        .worker_recovery(
            WorkerRecoveryConfig::default()
                .heartbeat_interval(HEARTBEAT)
                .sweep_interval(HEARTBEAT)
                .sweep_threshold(DEAD_AFTER)
                .recovery_delay(Duration::ZERO),
        )
        .add_extension(shared.clone())
        .define_job::<AnalyzeRecording>()
        .define_job::<ExportData>()
        .define_job::<RecalculateCosts>()
        .init()
        .await
        .map_err(|error| error.to_string())
}

/// What a handler needs, as the queue's crate passes it on.
#[derive(Clone)]
struct Shared {
    handler: Arc<dyn Handler>,
    shutdown: CancellationToken,
    pool: PgPool,
    /// Jobs that are worked on, whether or not a slot still waits for them.
    in_hand: TaskTracker,
    /// As many as there are slots: one that outlived its slot keeps its place.
    places: Arc<Semaphore>,
}

impl fmt::Debug for Shared {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Shared")
    }
}

impl Shared {
    async fn work(self, job: Job) -> Verdict {
        let place = tokio::select! {
            place = self.places.acquire() => place,
            () = self.shutdown.cancelled() => return Verdict::HandedBack,
        };
        let verdict = self.handler.handle(job).await;
        drop(place);
        verdict
    }
}

/// The payload of every job.
#[derive(Deserialize, Serialize)]
struct Subject {
    id: Uuid,
}

macro_rules! tasks {
    ($($name:ident => $kind:expr),+ $(,)?) => { $(
        #[derive(Deserialize, Serialize)]
        #[serde(transparent)]
        struct $name(Subject);

        impl TaskHandler for $name {
            const IDENTIFIER: &'static str = $kind.as_str();

            async fn run(self, context: WorkerContext) -> impl IntoTaskHandlerResult {
                handle($kind, self.0.id, context).await
            }
        }
    )+ };
}

tasks! {
    AnalyzeRecording => JobKind::AnalyzeRecording,
    ExportData => JobKind::ExportData,
    RecalculateCosts => JobKind::RecalculateCosts,
}

async fn handle(kind: JobKind, subject: Uuid, context: WorkerContext) -> Result<(), String> {
    let shared = context
        .get_ext::<Shared>()
        .ok_or("the worker was built without its handler")?;
    let job = Job {
        kind,
        subject,
        attempt: u32::try_from(*context.job().attempts()).unwrap_or(1),
        shutdown: shared.shutdown.clone(),
    };
    let verdict = shared
        .in_hand
        .spawn(shared.clone().work(job))
        .await
        .map_err(|_| "the handler panicked")?;
    let id = *context.job().id();
    // Best effort: should one of them fail, the try counts or comes sooner, and nothing else is lost.
    match verdict {
        // The queue ends a job whoever says that it is done; a worker that was taken for dead would end another's, and leave the
        // line that it stands in locked.
        Verdict::Done if is_anothers(&shared.pool, id, context.worker_id()).await => {
            Err("another worker has it by now".to_owned())
        }
        Verdict::Done => Ok(()),
        Verdict::Retry { reason, after } => {
            if let Some(after) = after
                && let Err(error) = postpone(&shared.pool, id, after).await
            {
                tracing::warn!(
                    error = &error as &dyn std::error::Error,
                    "a job is tried again too soon"
                );
            }
            Err(reason)
        }
        Verdict::Later(after) => {
            give_back(&shared.pool, id, Some(after)).await;
            Err("there is no room for it now".to_owned())
        }
        Verdict::HandedBack => {
            give_back(&shared.pool, id, None).await;
            Err("handed back at shutdown".to_owned())
        }
    }
}

/// Whether another worker holds the job. While nobody knows, it is ours.
async fn is_anothers(pool: &PgPool, job: i64, worker: &str) -> bool {
    let held: Result<Option<bool>, _> =
        sqlx::query_scalar("select locked_by is distinct from $2 from graphile_worker._private_jobs where id = $1")
            .bind(job)
            .bind(worker)
            .fetch_optional(pool)
            .await;
    matches!(held, Ok(Some(true)))
}

/// Takes a try back.
async fn give_back(pool: &PgPool, job: i64, after: Option<Duration>) {
    let given = async {
        if let Some(after) = after {
            postpone(pool, job, after).await?;
        }
        uncount(pool, job).await
    };
    if let Err(error) = given.await {
        tracing::warn!(
            error = &error as &dyn std::error::Error,
            "a job that was given back keeps its counted try"
        );
    }
}

async fn uncount(pool: &PgPool, job: i64) -> Result<(), sqlx::Error> {
    sqlx::query("update graphile_worker._private_jobs set attempts = greatest(attempts - 1, 0) where id = $1")
        .bind(job)
        .execute(pool)
        .await
        .map(|_| ())
}

/// The queue's own back-off starts from here.
async fn postpone(pool: &PgPool, job: i64, after: Duration) -> Result<(), sqlx::Error> {
    sqlx::query("update graphile_worker._private_jobs set run_at = now() + make_interval(secs => $2) where id = $1")
        .bind(job)
        .bind(after.as_secs_f64())
        .execute(pool)
        .await
        .map(|_| ())
}
