//! The lease: taking the work up, keeping it, giving it back, and what may be written only while it lives.

use std::time::Duration;

use domain::id::{AnalysisId, OrganizationId, SessionId};
use domain::status::AnalysisStage;
use sea_orm::FromQueryResult;
use sqlx::Row;
use sqlx::postgres::PgRow;

use crate::db::{Db, Lease, LeaseSubject, Scope};
use crate::error::{Error, Result};

/// How long a lease lives without being renewed; renewals come every quarter of it.
pub const LEASE: Duration = Duration::from_secs(20);

/// What taking an analysis up came to.
#[derive(Debug, Clone, PartialEq)]
pub enum Begun {
    /// It is ours, under this lease.
    Ours {
        /// The lease.
        lease: Lease,
        /// Its tenant.
        organization: OrganizationId,
        /// Its session.
        session: SessionId,
        /// How many tries since it was queued ended without a word: their workers were killed or crashed.
        crashes: i64,
    },
    /// Another attempt's lease is still alive for so long.
    Wait(Duration),
    /// Finished, cancelled or gone.
    Nothing,
}

/// Takes an analysis up as a new attempt of this worker.
///
/// # Errors
/// Those of the database.
pub async fn begin(db: &Db, analysis: AnalysisId, worker: &str) -> Result<Begun> {
    let system = db.system();
    let row: Option<PgRow> = crate::db::call!(
        system,
        fetch_optional,
        "select attempt, lease, organization_id, session_id, wait_seconds, crashes from private.begin_analysis($1, $2, $3)",
        analysis.uuid(),
        worker,
        i32::try_from(LEASE.as_secs()).unwrap_or(i32::MAX),
    );
    let Some(row) = row else { return Ok(Begun::Nothing) };
    match row.try_get("lease")? {
        None => Ok(Begun::Wait(Duration::from_secs_f64(
            row.try_get::<f64, _>("wait_seconds")?.max(0.1),
        ))),
        Some(token) => Ok(Begun::Ours {
            lease: Lease {
                subject: LeaseSubject::Analysis(analysis),
                attempt: row.try_get("attempt")?,
                token,
            },
            organization: OrganizationId::new(row.try_get("organization_id")?),
            session: SessionId::new(row.try_get("session_id")?),
            crashes: row.try_get("crashes")?,
        }),
    }
}

/// Whether the lease lives on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Renewal {
    /// For another [`LEASE`].
    Alive,
    /// Alive, but somebody asked to stop.
    Cancelled,
    /// Another attempt has the work, or it is over: stop, write nothing.
    Lost,
}

/// Renews a lease.
///
/// # Errors
/// Those of the database; the lease may then still be alive.
pub async fn renew(db: &Db, analysis: AnalysisId, lease: &Lease) -> Result<Renewal> {
    let system = db.system();
    let row: PgRow = crate::db::call!(
        system,
        fetch_one,
        "select alive, cancelled from private.renew_lease($1, $2, $3)",
        analysis.uuid(),
        lease.token,
        i32::try_from(LEASE.as_secs()).unwrap_or(i32::MAX),
    );
    Ok(match (row.try_get("alive")?, row.try_get("cancelled")?) {
        (true, false) => Renewal::Alive,
        (true, true) => Renewal::Cancelled,
        (false, _) => Renewal::Lost,
    })
}

/// Gives the work back unfinished; it is queued again at once.
///
/// # Errors
/// Those of the database; the work then waits for the lease to end.
pub async fn hand_back(db: &Db, analysis: AnalysisId, lease: &Lease) -> Result<bool> {
    let system = db.system();
    let row: PgRow = crate::db::call!(
        system,
        fetch_one,
        "select private.hand_back_analysis($1, $2) as done",
        analysis.uuid(),
        lease.token
    );
    Ok(row.try_get("done")?)
}

/// Whether somebody asked to stop; also true when the lease is over. Cheap: one read.
///
/// # Errors
/// Those of the database.
pub async fn cancel_requested(db: &Db, analysis: AnalysisId, lease: &Lease) -> Result<bool> {
    #[derive(FromQueryResult)]
    struct Asked {
        asked: bool,
    }
    let scope = db.worker_scope(lease).await?;
    let row: Option<Asked> = scope
        .row(
            "select cancel_requested_at is not null as asked from public.analysis_results where id = $1",
            [analysis.uuid().into()],
        )
        .await?;
    Ok(row.is_none_or(|row| row.asked))
}

/// How far the job is.
#[derive(Debug, Clone, PartialEq)]
pub struct Progress {
    /// The stage in hand.
    pub stage: AnalysisStage,
    /// Share of the whole, `0..=1`.
    pub progress: f64,
    /// Frames chosen or read so far.
    pub frames_done: i32,
    /// Frames in all, once that is known.
    pub frames_total: Option<i32>,
    /// A sentence for people; never a word from the screen.
    pub message: Option<String>,
}

/// Writes the progress on the row. The worker calls it at most four times a second.
///
/// # Errors
/// [`Error::LeaseLost`]; those of the database.
pub async fn report(db: &Db, analysis: AnalysisId, lease: &Lease, progress: &Progress) -> Result<()> {
    let scope = db.worker_scope(lease).await?;
    let touched = scope
        .run(
            "update public.analysis_results set stage = $2, progress = $3, frames_done = $4, frames_total = $5, progress_message = $6
              where id = $1 and lease_token = $7 and status is not distinct from 'processing'",
            [
                analysis.uuid().into(),
                progress.stage.as_str().into(),
                progress.progress.clamp(0.0, 1.0).into(),
                progress.frames_done.into(),
                progress.frames_total.into(),
                progress.message.clone().into(),
                // The policy has looked before this waits for a row that is being completed; these are looked at again after it.
                lease.token.into(),
            ],
        )
        .await?;
    if touched == 0 {
        return Err(Error::LeaseLost);
    }
    scope.commit().await
}

pub(super) const fn owned(touched: u64) -> Result<()> {
    if touched == 1 { Ok(()) } else { Err(Error::LeaseLost) }
}

/// Locks the analysis and refuses unless this attempt still owns it: nobody can take it over until the commit.
pub(crate) async fn fence(scope: &Scope, analysis: AnalysisId) -> Result<()> {
    #[derive(FromQueryResult)]
    struct Mine {
        mine: Option<uuid::Uuid>,
    }
    // The row's lock first, the lease's check second: between them nothing can change any more.
    scope
        .run(
            // Nothing here changes the key: whoever holds the row against deletion only, and waits for its turn, is not in the way.
            "select id from public.analysis_results where id = $1 for no key update",
            [analysis.uuid().into()],
        )
        .await?;
    let row: Option<Mine> = scope.row("select private.job_analysis() as mine", []).await?;
    match row.and_then(|row| row.mine) {
        Some(mine) if mine == analysis.uuid() => Ok(()),
        _ => Err(Error::LeaseLost),
    }
}
