//! Events: an organization's log of what happened, read on from a position, and the doorbell that says there is more.
//!
//! The log is written by the database itself (migration `event`), gapless and in commit order. A [`listener`] hears doorbells;
//! a missed one costs latency, never an event, because whoever reads goes on from its own position.

pub mod listener;

use chrono::{DateTime, Utc};
use domain::event::EventKind;
use domain::id::{AnalysisId, ApiKeyId, OrganizationId, SessionId, UserId};
use domain::status::{AnalysisStage, AnalysisStatus};
use sqlx::Row as _;
use sqlx::postgres::PgRow;
use uuid::Uuid;

use crate::db::{Db, read};
use crate::error::{Error, Result};

/// One event of an organization.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Event {
    /// Rises by exactly one from event to event of an organization.
    pub sequence: i64,
    /// What happened.
    pub kind: EventKind,
    /// To which row.
    pub subject: Uuid,
    /// The state that it left, where it is a change of state.
    pub from: Option<String>,
    /// The state that it came to.
    pub to: Option<String>,
    /// Who did it; nobody for keys, workers and sweeps.
    pub actor: Option<UserId>,
    /// The key that did it, if one did.
    pub key: Option<ApiKeyId>,
    /// When.
    pub at: DateTime<Utc>,
}

/// How far a log reaches.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Bounds {
    /// The oldest event that is still kept; none while there is none.
    pub oldest: Option<i64>,
    /// The newest, 0 before the first.
    pub newest: i64,
}

impl Bounds {
    /// Whether everything after this position is still there.
    pub const fn reach_back_to(self, position: i64) -> bool {
        match self.oldest {
            Some(oldest) => position >= oldest - 1,
            None => position >= self.newest,
        }
    }
}

fn event(row: &PgRow) -> Result<Event> {
    Ok(Event {
        sequence: row.try_get("sequence")?,
        kind: row
            .try_get::<&str, _>("kind")?
            .parse()
            .map_err(|_| Error::internal("an event of an unknown kind"))?,
        subject: row.try_get("subject_id")?,
        from: row.try_get("from_status")?,
        to: row.try_get("to_status")?,
        actor: row.try_get::<Option<Uuid>, _>("actor_user_id")?.map(UserId::new),
        key: row.try_get::<Option<Uuid>, _>("actor_api_key_id")?.map(ApiKeyId::new),
        at: row.try_get("at")?,
    })
}

/// Events after a position, oldest first, at most so many.
///
/// # Errors
/// Those of the database.
pub async fn after(db: &Db, organization: OrganizationId, position: i64, most: i32) -> Result<Vec<Event>> {
    let system = db.system();
    let rows = read!(
        system,
        "select sequence, kind, subject_id, from_status, to_status, actor_user_id, actor_api_key_id, at from private.events_after($1, $2, $3)",
        organization.uuid(),
        position,
        most
    );
    rows.iter().map(event).collect()
}

/// How far an organization's log reaches.
///
/// # Errors
/// Those of the database.
pub async fn bounds(db: &Db, organization: OrganizationId) -> Result<Bounds> {
    let system = db.system();
    let rows = read!(
        system,
        "select oldest, newest from private.event_bounds($1)",
        organization.uuid()
    );
    let row = rows.first().ok_or_else(|| Error::internal("no bounds of a log"))?;
    Ok(Bounds {
        oldest: row.try_get("oldest")?,
        newest: row.try_get("newest")?,
    })
}

/// The newest positions of many organizations, in one read.
///
/// # Errors
/// Those of the database.
pub async fn positions(db: &Db, organizations: &[OrganizationId]) -> Result<Vec<(OrganizationId, i64)>> {
    let system = db.system();
    let ids: Vec<Uuid> = organizations.iter().map(|organization| organization.uuid()).collect();
    let rows = read!(
        system,
        "select organization_id, newest from private.event_positions($1)",
        ids.as_slice()
    );
    rows.iter()
        .map(|row| {
            Ok((
                OrganizationId::new(row.try_get("organization_id")?),
                row.try_get("newest")?,
            ))
        })
        .collect()
}

/// Sends a heartbeat to every listener of this database, so that silence means a dead connection. It is nobody's statement, and
/// not counted among them.
///
/// # Errors
/// Those of the database.
pub async fn beat(db: &Db) -> Result<()> {
    let mut transaction = db.begin_system().await?;
    sqlx::query("select pg_notify($1, '')")
        .bind(listener::HEARTBEAT)
        .persistent(db.persistent())
        .execute(&mut *transaction)
        .await?;
    Ok(transaction.commit().await?)
}

/// Where an analysis stands, as its watchers see it.
#[derive(Debug, Clone, PartialEq)]
pub struct AnalysisState {
    /// Its session.
    pub session: SessionId,
    /// Its status.
    pub status: AnalysisStatus,
    /// The stage in hand.
    pub stage: AnalysisStage,
    /// Share of the whole, `0..=1`.
    pub progress: f64,
    /// Frames chosen or read so far.
    pub frames_done: i32,
    /// Frames in all, once that is known.
    pub frames_total: Option<i32>,
    /// A sentence for people.
    pub message: Option<String>,
    /// Since when it stands there.
    pub at: DateTime<Utc>,
}

/// Where an analysis of an organization stands now, and the newest position of the organization's log in the same snapshot:
/// the state contains every event up to there. None once it is gone, and for another organization's.
///
/// # Errors
/// Those of the database.
pub async fn analysis_state(
    db: &Db,
    organization: OrganizationId,
    analysis: AnalysisId,
) -> Result<Option<(AnalysisState, i64)>> {
    let system = db.system();
    let rows = read!(
        system,
        "select session_id, status, stage, progress, frames_done, frames_total, message, at, newest from private.analysis_progress($1, $2)",
        organization.uuid(),
        analysis.uuid()
    );
    let Some(row) = rows.first() else { return Ok(None) };
    let state = AnalysisState {
        session: SessionId::new(row.try_get("session_id")?),
        status: row
            .try_get::<&str, _>("status")?
            .parse()
            .map_err(|_| Error::internal("an analysis of an unknown status"))?,
        stage: row
            .try_get::<&str, _>("stage")?
            .parse()
            .map_err(|_| Error::internal("an analysis in an unknown stage"))?,
        progress: row.try_get("progress")?,
        frames_done: row.try_get("frames_done")?,
        frames_total: row.try_get("frames_total")?,
        message: row.try_get("message")?,
        at: row.try_get("at")?,
    };
    Ok(Some((state, row.try_get("newest")?)))
}

/// Where an upload stands.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct UploadState {
    /// Chunks that are stored.
    pub completed: i32,
    /// Chunks that failed and were not put again yet.
    pub failed: i32,
    /// Chunks in all, once the session is finished.
    pub total: Option<i32>,
    /// Bytes of the completed ones.
    pub bytes: i64,
    /// Since when it stands there.
    pub at: DateTime<Utc>,
}

/// Where an upload of an organization stands now; none once its session is gone, and for another organization's.
///
/// # Errors
/// Those of the database.
pub async fn upload_state(db: &Db, organization: OrganizationId, session: SessionId) -> Result<Option<UploadState>> {
    let system = db.system();
    let rows = read!(
        system,
        "select completed, failed, total, bytes, at from private.upload_progress($1, $2)",
        organization.uuid(),
        session.uuid()
    );
    let Some(row) = rows.first() else { return Ok(None) };
    let count = |name: &str| {
        row.try_get::<i64, _>(name)
            .map(|count| i32::try_from(count).unwrap_or(i32::MAX))
    };
    Ok(Some(UploadState {
        completed: count("completed")?,
        failed: count("failed")?,
        total: row.try_get("total")?,
        bytes: row.try_get("bytes")?,
        at: row.try_get("at")?,
    }))
}

#[cfg(test)]
mod tests {
    use super::Bounds;

    #[test]
    fn a_log_reaches_back_to_the_event_before_its_oldest() {
        for (oldest, newest, position, reaches) in [
            (None, 0, 0, true),
            (None, 9, 9, true),
            (None, 9, 8, false),
            (Some(5), 9, 4, true),
            (Some(5), 9, 3, false),
            (Some(5), 9, 9, true),
            (Some(1), 9, 0, true),
        ] {
            assert_eq!(
                Bounds { oldest, newest }.reach_back_to(position),
                reaches,
                "{oldest:?} {newest} {position}"
            );
        }
    }
}
