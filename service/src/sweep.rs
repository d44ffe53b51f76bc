//! What the worker's clock brings about, across organizations, through the definer functions; every finding in a transaction
//! of its own. Each function answers how many it handled.

use chrono::{DateTime, TimeDelta, Utc};
use domain::analysis_error::AnalysisErrorCode;
use sqlx::Row;
use sqlx::postgres::PgRow;
use uuid::Uuid;

use crate::automation_opportunity::recalculate;
use crate::db::{Db, call};
use crate::error::Result;
use crate::organization::manage::GRACE;
use crate::queue::{JobKind, MAX_ATTEMPTS};
use crate::storage::Storage;

/// Findings handled in one sweep.
const MOST: i32 = 500;

/// Analyses whose job is exhausted are failed (their worker died each time); those whose job vanished are queued again.
///
/// # Errors
/// Those of the database.
pub async fn stale_analyses(db: &Db) -> Result<u64> {
    let system = db.system();
    let rows: Vec<PgRow> = call!(
        system,
        fetch_all,
        "select id as subject, id, attempt from private.stale_analyses($1)",
        MOST
    );
    stale(db, JobKind::AnalyzeRecording, rows).await
}

/// The same for exports.
///
/// # Errors
/// Those of the database.
pub async fn stale_exports(db: &Db) -> Result<u64> {
    let system = db.system();
    let rows: Vec<PgRow> = call!(
        system,
        fetch_all,
        "select id as subject, id, attempt from private.stale_exports($1)",
        MOST
    );
    stale(db, JobKind::ExportData, rows).await
}

/// The same for calculations of all costs that have not moved for half a minute.
///
/// # Errors
/// Those of the database.
pub async fn stale_recalculations(db: &Db, now: DateTime<Utc>) -> Result<u64> {
    let system = db.system();
    let rows: Vec<PgRow> = call!(
        system,
        fetch_all,
        "select organization_id as subject, id, 0 as attempt from private.stale_recalculations($1, $2)",
        now - TimeDelta::seconds(30),
        MOST
    );
    stale(db, JobKind::RecalculateCosts, rows).await
}

/// What the job is about, the row that waits for it, and how often it was taken up.
async fn stale(db: &Db, job: JobKind, rows: Vec<PgRow>) -> Result<u64> {
    let system = db.system();
    let kind = job.as_str();
    let mut handled = 0;
    for row in rows {
        let (subject, id, attempt): (Uuid, Uuid, i32) =
            (row.try_get("subject")?, row.try_get("id")?, row.try_get("attempt")?);
        let state: PgRow = call!(
            system,
            fetch_one,
            "select private.job_state($1, $2) as state",
            kind,
            subject
        );
        let exhausted = match state.try_get::<&str, _>("state")? {
            "exhausted" => true,
            "absent" => attempt >= i32::try_from(MAX_ATTEMPTS).unwrap_or(i32::MAX),
            _ => continue,
        };
        let done = if exhausted {
            // A row that is held now delays no other.
            fail(db, job, id).await.unwrap_or_else(|error| {
                tracing::warn!(
                    kind,
                    error = &error as &dyn std::error::Error,
                    "dead work could not be given up; the next sweep tries again"
                );
                false
            })
        } else {
            let queued: PgRow = call!(
                system,
                fetch_one,
                "select private.enqueue_stale($1, $2) as done",
                kind,
                subject
            );
            queued.try_get("done")?
        };
        handled += u64::from(done);
    }
    Ok(handled)
}

/// Fails what its workers died of; by its own id, for a request that came meanwhile is another's.
async fn fail(db: &Db, job: JobKind, id: Uuid) -> Result<bool> {
    let system = db.system();
    let code = AnalysisErrorCode::WorkerCrashed;
    let failed: PgRow = match job {
        JobKind::AnalyzeRecording => call!(
            system,
            fetch_one,
            "select private.fail_analysis($1, $2, $3) as done",
            id,
            code.as_str(),
            code.sentence()
        ),
        JobKind::ExportData => call!(
            system,
            fetch_one,
            "select private.fail_export($1, $2) as done",
            id,
            "its workers ended without a word, one after the other: export anew"
        ),
        JobKind::RecalculateCosts => return recalculate::fail(db, id, "every try at it failed").await,
    };
    Ok(failed.try_get("done")?)
}

/// Closes recordings that nothing was added to since then, with what had arrived, and has them analysed.
///
/// # Errors
/// Those of the database.
pub async fn close_idle_sessions(db: &Db, idle_since: DateTime<Utc>) -> Result<u64> {
    let system = db.system();
    let rows: Vec<PgRow> = call!(
        system,
        fetch_all,
        "select id from private.idle_sessions($1, $2)",
        idle_since,
        MOST
    );
    let mut handled = 0;
    for row in rows {
        let id: Uuid = row.try_get("id")?;
        let closed: PgRow = call!(
            system,
            fetch_one,
            "select private.close_idle_session($1, $2) as chunks",
            id,
            idle_since
        );
        // The analysis that this made has no job yet: the sweep for stale analyses adds it.
        handled += u64::from(closed.try_get::<Option<i32>, _>("chunks")?.is_some());
    }
    Ok(handled)
}

/// Drops chunks that were announced or begun and left alone since then.
///
/// # Errors
/// Those of the database.
pub async fn drop_abandoned_chunks(db: &Db, untouched_since: DateTime<Utc>) -> Result<u64> {
    let system = db.system();
    let rows: Vec<PgRow> = call!(
        system,
        fetch_all,
        "select id from private.abandoned_chunks($1, $2)",
        untouched_since,
        MOST
    );
    let mut handled = 0;
    for row in rows {
        let id: Uuid = row.try_get("id")?;
        let dropped: PgRow = call!(
            system,
            fetch_one,
            "select private.drop_abandoned_chunk($1, $2) as done",
            id,
            untouched_since
        );
        handled += u64::from(dropped.try_get::<bool, _>("done")?);
    }
    Ok(handled)
}

/// Deletes objects whose rows are gone: at once, and again after the last address to put them to has ended. A line is struck off
/// only then.
///
/// # Errors
/// Those of the database and of the storage; what was not deleted stays due.
pub async fn delete_objects(db: &Db, storage: &Storage) -> Result<u64> {
    let system = db.system();
    let rows: Vec<PgRow> = call!(
        system,
        fetch_all,
        "select id, object_key, is_prefix from private.due_object_deletions($1)",
        MOST
    );
    let mut handled = 0;
    for row in rows {
        let (id, key): (Uuid, String) = (row.try_get("id")?, row.try_get("object_key")?);
        if row.try_get("is_prefix")? {
            storage.delete_prefix(&key).await?;
        } else {
            storage.delete(&key).await?;
        }
        let _: PgRow = call!(system, fetch_one, "select private.object_deleted($1)", id);
        handled += 1;
    }
    Ok(handled)
}

/// Deletes videos, frames and raw replies whose time is over by then, with a receipt each.
///
/// # Errors
/// Those of the database.
pub async fn apply_retention(db: &Db, now: DateTime<Utc>) -> Result<u64> {
    let system = db.system();
    let rows: Vec<PgRow> = call!(
        system,
        fetch_all,
        "select session_id, video_due, frames_due, raw_replies_due from private.due_retention($1, $2)",
        now,
        MOST
    );
    let mut handled = 0;
    for row in rows {
        let session: Uuid = row.try_get("session_id")?;
        let (video, frames, replies): (bool, bool, bool) = (
            row.try_get("video_due")?,
            row.try_get("frames_due")?,
            row.try_get("raw_replies_due")?,
        );
        let _: PgRow = call!(
            system,
            fetch_one,
            "select private.apply_retention($1, $2, $3, $4, $5) as objects",
            session,
            video,
            frames,
            replies,
            now
        );
        handled += 1;
    }
    Ok(handled)
}

/// Erases organizations whose deletion was asked for longer ago than it can be undone, with a receipt each.
///
/// # Errors
/// Those of the database.
pub async fn erase_organizations(db: &Db, now: DateTime<Utc>) -> Result<u64> {
    let system = db.system();
    let asked_before = now - GRACE;
    let rows: Vec<PgRow> = call!(
        system,
        fetch_all,
        "select id from private.due_erasures($1, $2)",
        asked_before,
        MOST
    );
    let mut handled = 0;
    for row in rows {
        let id: Uuid = row.try_get("id")?;
        let erased: PgRow = call!(
            system,
            fetch_one,
            "select private.erase_organization($1, $2, $3) as done",
            id,
            asked_before,
            now
        );
        handled += u64::from(erased.try_get::<bool, _>("done")?);
    }
    Ok(handled)
}

/// Deletes the archives whose day is over.
///
/// # Errors
/// Those of the database.
pub async fn forget_exports(db: &Db, now: DateTime<Utc>) -> Result<u64> {
    let system = db.system();
    let row: PgRow = call!(system, fetch_one, "select private.forget_exports($1) as forgotten", now);
    Ok(row.try_get::<i64, _>("forgotten")?.unsigned_abs())
}

/// Forgets events older than this, but never an organization's newest.
///
/// # Errors
/// Those of the database.
pub async fn forget_events(db: &Db, older_than: DateTime<Utc>) -> Result<u64> {
    let system = db.system();
    let row: PgRow = call!(
        system,
        fetch_one,
        "select private.forget_events($1) as forgotten",
        older_than
    );
    Ok(row.try_get::<i64, _>("forgotten")?.unsigned_abs())
}
