//! The archive of an export: made from a member's rows and media, under a lease that says as whom the worker reads.
//!
//! Whatever ends it, the row tells how. A worker that is killed leaves an archive that no row names: the next attempt writes to a key
//! of its own, and the old one is deleted.

use std::time::{Duration, Instant};

use chrono::{DateTime, Utc};
use domain::id::ExportId;
use service::data_export::run::{self, Begun, LEASE, Work};
use service::db::Db;
use service::queue::{Job, Verdict};
use service::storage::Storage;
use service::{Error, Result};
use tokio_util::sync::CancellationToken;

use super::retry;

/// How often the lease is renewed, and the progress written.
const RENEW_EVERY: Duration = Duration::from_secs(1);
/// What is being written when the work is stopped may be taken back for so long.
const CLOSING: Duration = Duration::from_secs(2);

/// Makes an export, or finds that there is nothing to do.
pub async fn run(db: &Db, storage: &Storage, clock: fn() -> DateTime<Utc>, job: &Job) -> Verdict {
    let export = ExportId::new(job.subject);
    let work = loop {
        match run::begin(db, export).await {
            Ok(Begun::Ours(work)) => break work,
            Ok(Begun::Nothing) => return Verdict::Done,
            Ok(Begun::Wait(wait)) => tokio::select! {
                () = tokio::time::sleep(wait) => {}
                () = job.shutdown.cancelled() => return Verdict::HandedBack,
            },
            Err(error) => {
                tracing::warn!(export.id = %export, error = &error as &dyn std::error::Error, "an export could not be taken up");
                return retry("the database did not let it begin");
            }
        }
    };
    let stop = CancellationToken::new();
    let made = work.make(db, storage, clock(), &stop);
    tokio::pin!(made);
    let stopped = tokio::select! {
        made = &mut made => return conclude(db, &work, made, clock(), export, job).await,
        () = guard(db, &work) => retry("the lease was lost"),
        () = job.shutdown.cancelled() => Verdict::HandedBack,
    };
    stop.cancel();
    // What does not end by itself is dropped; its beginning is deleted with its key.
    let _ = tokio::time::timeout(CLOSING, made).await;
    if stopped == Verdict::HandedBack
        && let Err(error) = work.hand_back(db).await
    {
        tracing::warn!(export.id = %export, error = &error as &dyn std::error::Error, "an export could not be handed back; its lease ends by itself");
    }
    stopped
}

/// Keeps the lease alive; ends when it is lost.
async fn guard(db: &Db, work: &Work) {
    let mut renewed = Instant::now();
    loop {
        tokio::time::sleep(RENEW_EVERY).await;
        match work.renew(db).await {
            Ok(true) => renewed = Instant::now(),
            // The database is away: work on until the lease would have ended.
            Err(_) if renewed.elapsed() < LEASE => {}
            Ok(false) | Err(_) => return,
        }
    }
}

async fn conclude(db: &Db, work: &Work, made: Result<u64>, now: DateTime<Utc>, export: ExportId, job: &Job) -> Verdict {
    let (told, verdict) = match made {
        Ok(bytes) => {
            tracing::info!(export.id = %export, bytes, "an export is made");
            (work.ready(db, bytes, now).await, Verdict::Done)
        }
        Err(error) => {
            tracing::warn!(export.id = %export, attempt = job.attempt, error = &error as &dyn std::error::Error, "an attempt at an export failed");
            let again = matches!(error, Error::Storage(_) | Error::Unavailable { .. } | Error::Timeout);
            if again && !job.is_last_attempt() {
                (work.hand_back(db).await, retry(&error.to_string()))
            } else {
                (work.fail(db, &error.to_string()).await, Verdict::Done)
            }
        }
    };
    match told {
        Ok(true) => verdict,
        Ok(false) => retry("the lease was lost"),
        Err(error) => {
            tracing::warn!(export.id = %export, error = &error as &dyn std::error::Error, "how an export ended could not be written; the next try finds the lease ended");
            retry("the outcome could not be written")
        }
    }
}
