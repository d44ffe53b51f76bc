//! What is due by the clock, across organizations: dead work and its leftovers, idle recordings, abandoned chunks, objects to
//! delete, retention, erasure of organizations, old events. Each finding is handled in a transaction of its own, so that one that
//! fails delays no other.

use std::path::PathBuf;
use std::time::Duration;

use chrono::{DateTime, TimeDelta, Utc};
use service::db::Db;
use service::storage::Storage;
use service::sweep;
use tokio_util::sync::CancellationToken;

use crate::scratch;

/// How often dead work and deleted objects are looked for.
const OFTEN: Duration = Duration::from_secs(5);
/// How many of [`OFTEN`] pass between looks at what is due after hours and days.
const SELDOM: u32 = 60;

/// A recording that nothing was added to for so long is closed, and a chunk that was begun so long ago abandoned.
pub const IDLE: TimeDelta = TimeDelta::days(1);
/// Events are kept for so long; an older cursor is refused.
pub const EVENTS_KEPT: TimeDelta = TimeDelta::days(7);

/// Sweeps until `shutdown`.
pub async fn run(
    db: Db,
    storage: Storage,
    scratch: PathBuf,
    clock: fn() -> DateTime<Utc>,
    shutdown: CancellationToken,
) {
    let mut turn = 0_u32;
    loop {
        let now = clock();
        note("stale analyses", sweep::stale_analyses(&db).await);
        note("stale exports", sweep::stale_exports(&db).await);
        note("stale recalculations", sweep::stale_recalculations(&db, now).await);
        note("object deletions", sweep::delete_objects(&db, &storage).await);
        let removed = scratch::sweep(&scratch).map_err(|_| service::Error::Unavailable {
            what: "the worker's disk",
        });
        note("recordings of dead workers", removed);
        if turn.is_multiple_of(SELDOM) {
            note("idle sessions", sweep::close_idle_sessions(&db, now - IDLE).await);
            note("abandoned chunks", sweep::drop_abandoned_chunks(&db, now - IDLE).await);
            note("retention", sweep::apply_retention(&db, now).await);
            note("organizations", sweep::erase_organizations(&db, now).await);
            note("exports", sweep::forget_exports(&db, now).await);
            note("old events", sweep::forget_events(&db, now - EVENTS_KEPT).await);
        }
        turn = turn.wrapping_add(1);
        tokio::select! {
            () = shutdown.cancelled() => return,
            () = tokio::time::sleep(OFTEN) => {}
        }
    }
}

fn note(what: &'static str, swept: service::Result<u64>) {
    match swept {
        Ok(0) => {}
        Ok(count) => tracing::info!(sweep = what, count, "swept"),
        Err(error) => tracing::warn!(
            sweep = what,
            error = &error as &dyn std::error::Error,
            "a sweep failed; the next one tries again"
        ),
    }
}
