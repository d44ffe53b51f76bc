//! The queue of long work, over `graphile_worker`: what a worker process runs, and how it hears of a job.
//!
//! Adding a job is `private.enqueue` in the caller's own transaction ([`enqueue`]); here is the other side. `worker` never sees
//! the crate: it is handed a plain [`Job`] and answers a [`Verdict`].

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use graphile_worker::{IntoTaskHandlerResult, TaskHandler, WorkerContext, WorkerOptions, WorkerRecoveryConfig};
use sea_orm::Value;
use serde::{Deserialize, Serialize};
use sqlx::postgres::{PgPool, PgPoolOptions};
use tokio_util::sync::CancellationToken;
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
}

impl JobKind {
    /// The name in the queue.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::AnalyzeRecording => "analyze_recording",
        }
    }
}

/// A job in hand.
#[derive(Debug, Clone)]
pub struct Job {
    /// What it is for.
    pub kind: JobKind,
    /// What it is about: an analysis.
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
    },
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
    /// How long jobs may go on after a shutdown was asked for.
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
    let built = WorkerOptions::default().pg_pool(pool.clone()).init().await;
    pool.close().await;
    built
        .map(|_| ())
        .map_err(|error| Error::internal(format!("the queue's tables could not be made: {error}")))
}

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

/// Runs jobs until the shutdown fires and those in hand are finished or handed back.
///
/// # Errors
/// When the queue cannot be reached at start, or fails for good.
pub async fn run<H: Handler>(settings: &QueueSettings, handler: Arc<H>, shutdown: CancellationToken) -> Result<()> {
    let connections = u32::try_from(settings.concurrency)
        .unwrap_or(u32::MAX)
        .saturating_add(4);
    let pool = pool(&settings.url, connections).await?;
    let extension = Shared {
        handler,
        shutdown: shutdown.clone(),
        pool: pool.clone(),
    };
    let stop = shutdown.clone();
    let worker = WorkerOptions::default()
        .pg_pool(pool.clone())
        .concurrency(settings.concurrency)
        .poll_interval(Duration::from_secs(2))
        .listen_os_shutdown_signals(false)
        .shutdown_signal(async move { stop.cancelled().await })
        .shutdown_grace_period(settings.grace)
        .shutdown_interrupted_job_retry_delay(Duration::ZERO)
        .worker_recovery(
            WorkerRecoveryConfig::default()
                .heartbeat_interval(HEARTBEAT)
                .sweep_interval(HEARTBEAT)
                .sweep_threshold(DEAD_AFTER)
                .recovery_delay(Duration::ZERO),
        )
        .add_extension(extension)
        .define_job::<AnalyzeRecording>()
        .init()
        .await
        .map_err(|error| Error::internal(format!("the queue did not start: {error}")))?;
    let outcome = worker
        .run()
        .await
        .map_err(|error| Error::internal(format!("the queue failed: {error}")));
    pool.close().await;
    outcome
}

/// What a handler needs, as the queue's crate passes it on.
#[derive(Clone)]
struct Shared {
    handler: Arc<dyn Handler>,
    shutdown: CancellationToken,
    pool: PgPool,
}

impl fmt::Debug for Shared {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Shared")
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
    match shared.handler.handle(job).await {
        Verdict::Done => Ok(()),
        Verdict::Retry { reason } => Err(reason),
        Verdict::HandedBack => {
            // Best effort: should it fail, the try counts, and nothing else is lost.
            if let Err(error) = uncount(&shared.pool, *context.job().id()).await {
                tracing::warn!(
                    error = &error as &dyn std::error::Error,
                    "a handed-back job keeps its counted try"
                );
            }
            Err("handed back at shutdown".to_owned())
        }
    }
}

async fn uncount(pool: &PgPool, job: i64) -> Result<(), sqlx::Error> {
    sqlx::query("update graphile_worker._private_jobs set attempts = greatest(attempts - 1, 0) where id = $1")
        .bind(job)
        .execute(pool)
        .await
        .map(|_| ())
}
