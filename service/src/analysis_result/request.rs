//! What people ask about analyses: make one, cancel it, try it again, read its reply anew.

use chrono::{DateTime, Utc};
use domain::id::{AnalysisId, SessionId};
use domain::sampling::{Analyser, Sampling, SamplingPreset};
use domain::status::{AnalysisStatus, SessionStatus};
use sea_orm::FromQueryResult;

use crate::db::Scope;
use crate::error::{Error, Result};
use crate::queue::{self, JobKind};

/// How an analysis is to be made.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Settings {
    /// Which analyser.
    pub analyser: Analyser,
    /// The preset that `sampling` came from.
    pub preset: SamplingPreset,
    /// How frames are chosen.
    pub sampling: Sampling,
}

#[derive(FromQueryResult)]
struct SessionRow {
    status: String,
    video_deleted_at: Option<DateTime<Utc>>,
    chunk_count: Option<i32>,
}

/// Locks a session for a change of state; foreign and absent are the same refusal.
async fn lock_session(scope: &Scope, session: SessionId) -> Result<SessionRow> {
    scope
        .row(
            "select status, video_deleted_at, chunk_count from public.recording_sessions where id = $1 for update",
            [session.uuid().into()],
        )
        .await?
        .ok_or(Error::NotFound {
            what: "recording session",
        })
}

/// Queues an analysis of a finished session; row and job are committed together.
///
/// # Errors
/// [`Error::NotFound`]; [`Error::Conflict`] when the session is still recording, its video was deleted, or an analysis is
/// under way; [`Error::Forbidden`] for an operator on another's session.
pub async fn enqueue(scope: &Scope, session: SessionId, settings: &Settings, id: AnalysisId) -> Result<AnalysisId> {
    let member = scope.caller()?.writer()?;
    let row = lock_session(scope, session).await?;
    if let Some(deleted) = row.video_deleted_at {
        return Err(Error::conflict(format!(
            "the recording was deleted on {}: it cannot be analysed again",
            deleted.date_naive()
        )));
    }
    if row.status == SessionStatus::Recording.as_str() || row.chunk_count.is_none() {
        return Err(Error::conflict("the session is still recording: finish it first"));
    }
    let inserted = scope
        .run(
            "insert into public.analysis_results (id, session_id, organization_id, analyser, preset, frames_per_second, max_frames, scene_threshold, requested_by)
             values ($1, $2, $3, $4, $5, $6, $7, $8, $9) on conflict do nothing",
            [
                id.uuid().into(),
                session.uuid().into(),
                member.organization.uuid().into(),
                settings.analyser.as_str().into(),
                settings.preset.as_str().into(),
                settings.sampling.frames_per_second.into(),
                i32::try_from(settings.sampling.max_frames).unwrap_or(i32::MAX).into(),
                settings.sampling.scene_threshold.into(),
                scope.caller()?.user().map(domain::id::UserId::uuid).into(),
            ],
        )
        .await?;
    if inserted == 0 {
        return Err(Error::conflict(
            "an analysis of this session is under way: wait for it, or cancel it",
        ));
    }
    queue::enqueue(scope, JobKind::AnalyzeRecording, id.uuid()).await?;
    to_processing(scope, session).await?;
    Ok(id)
}

async fn to_processing(scope: &Scope, session: SessionId) -> Result<()> {
    scope
        .run(
            "update public.recording_sessions set status = 'processing' where id = $1 and status in ('completed', 'failed')",
            [session.uuid().into()],
        )
        .await
        .map(|_| ())
}

#[derive(FromQueryResult)]
struct AnalysisRow {
    session_id: uuid::Uuid,
    status: String,
}

/// What an analysis goes back to when reading it anew is cancelled or fails: its results are still there, and so is their end, which
/// only one that was completed before has while it is queued or processing. `$2` is the code, `$3` the sentence, `$4` the instant.
pub(super) const END_WITHOUT_RESULTS: &str = "status = case when processing_completed_at is null then 'failed' else 'completed' end, stage = 'done',
    error_code = case when processing_completed_at is null then $2 end, error_message = case when processing_completed_at is null then $3 end,
    progress = case when processing_completed_at is null then progress else 1 end, progress_message = null, frames_done = case when processing_completed_at is null then frames_done else frames_analyzed end,
    frames_total = case when processing_completed_at is null then frames_total else frames_analyzed end, processing_completed_at = coalesce(processing_completed_at, $4)";

async fn lock_analysis(scope: &Scope, analysis: AnalysisId) -> Result<(SessionId, AnalysisStatus)> {
    let row: AnalysisRow = scope
        .row(
            "select session_id, status from public.analysis_results where id = $1 for update",
            [analysis.uuid().into()],
        )
        .await?
        .ok_or(Error::NotFound { what: "analysis" })?;
    let status = row
        .status
        .parse()
        .map_err(|_| Error::internal("an analysis holds an unknown status"))?;
    Ok((row.session_id.into(), status))
}

/// Cancels an analysis: a queued one at once, a running one within two seconds (its worker hears of it at its next renewal of
/// the lease, or by the doorbell). One that is over stays as it is; one that was only being read anew goes back to its results.
///
/// # Errors
/// [`Error::NotFound`], [`Error::Forbidden`].
pub async fn cancel(scope: &Scope, analysis: AnalysisId, now: DateTime<Utc>) -> Result<()> {
    scope.caller()?.writer()?;
    let (session, status) = lock_analysis(scope, analysis).await?;
    let code = domain::analysis_error::AnalysisErrorCode::Cancelled;
    let touched = match status {
        AnalysisStatus::Completed | AnalysisStatus::Failed => return Ok(()),
        AnalysisStatus::Queued => {
            let touched = scope
                .run(
                    &format!("update public.analysis_results set {END_WITHOUT_RESULTS}, cancel_requested_at = $4 where id = $1 and status = 'queued'"),
                    [analysis.uuid().into(), code.as_str().into(), code.sentence().into(), now.into()],
                )
                .await?;
            scope
                .run(
                    "update public.recording_sessions set status = 'completed', completed_at = coalesce(completed_at, $2) where id = $1 and status = 'processing'",
                    [session.uuid().into(), now.into()],
                )
                .await?;
            touched
        }
        AnalysisStatus::Processing => {
            scope
                .run(
                    "update public.analysis_results set cancel_requested_at = coalesce(cancel_requested_at, $2) where id = $1",
                    [analysis.uuid().into(), now.into()],
                )
                .await?
        }
    };
    if touched == 0 {
        Err(Error::Forbidden {
            why: "only the recorded person, an admin or an owner may do this",
        })
    } else {
        Ok(())
    }
}

/// Tries a failed analysis again, in the same row; what a model already answered is not asked for again.
///
/// # Errors
/// [`Error::NotFound`]; [`Error::Conflict`] unless it failed, its video is still there, and no other is under way.
pub async fn retry(scope: &Scope, analysis: AnalysisId, now: DateTime<Utc>) -> Result<()> {
    scope.caller()?.writer()?;
    let (session, status) = lock_analysis(scope, analysis).await?;
    if status != AnalysisStatus::Failed {
        return Err(Error::conflict(format!(
            "only a failed analysis can be tried again; this one is {status}"
        )));
    }
    let row = lock_session(scope, session).await?;
    if let Some(deleted) = row.video_deleted_at {
        return Err(Error::conflict(format!(
            "the recording was deleted on {}: it cannot be analysed again",
            deleted.date_naive()
        )));
    }
    if has_active(scope, session).await? {
        return Err(Error::conflict(
            "another analysis of this session is under way: wait for it, or cancel it",
        ));
    }
    let touched = scope
        .run(
            "update public.analysis_results set status = 'queued', stage = 'waiting', progress = 0, progress_message = null, frames_done = 0, frames_total = null, error_code = null, error_message = null,
                    cancel_requested_at = null, queued_at = $2, processing_started_at = null, processing_completed_at = null where id = $1 and status = 'failed'",
            [analysis.uuid().into(), now.into()],
        )
        .await?;
    if touched == 0 {
        return Err(Error::Forbidden {
            why: "only the recorded person, an admin or an owner may do this",
        });
    }
    queue::enqueue(scope, JobKind::AnalyzeRecording, analysis.uuid()).await?;
    to_processing(scope, session).await
}

async fn has_active(scope: &Scope, session: SessionId) -> Result<bool> {
    #[derive(FromQueryResult)]
    struct Active {
        active: bool,
    }
    let row: Option<Active> = scope
        .row(
            "select exists (select from public.analysis_results where session_id = $1 and status in ('queued', 'processing')) as active",
            [session.uuid().into()],
        )
        .await?;
    Ok(row.is_some_and(|row| row.active))
}

/// Derives everything again from the stored raw reply, without asking the model: the same row goes through the queue once
/// more, and its job finds the reply. Until that has come to new results it keeps the ones it has, and its place in the sums.
///
/// # Errors
/// [`Error::NotFound`]; [`Error::Conflict`] unless it completed and its reply is still kept, and no other is under way.
pub async fn reinterpret(scope: &Scope, analysis: AnalysisId, now: DateTime<Utc>) -> Result<()> {
    #[derive(FromQueryResult)]
    struct Kept {
        kept: bool,
    }
    scope.caller()?.managing_writer()?;
    let (session, status) = lock_analysis(scope, analysis).await?;
    if status != AnalysisStatus::Completed {
        return Err(Error::conflict(format!(
            "only a completed analysis can be read anew; this one is {status}"
        )));
    }
    let kept: Option<Kept> = scope
        .row(
            "select exists (select from private.raw_replies(array[$1]::uuid[]) where raw_gpt_response is not null) as kept",
            [analysis.uuid().into()],
        )
        .await?;
    if !kept.is_some_and(|row| row.kept) {
        return Err(Error::conflict(
            "the reply is no longer kept: nothing is there to read anew",
        ));
    }
    if has_active(scope, session).await? {
        return Err(Error::conflict(
            "another analysis of this session is under way: wait for it, or cancel it",
        ));
    }
    let touched = scope
        .run(
            "update public.analysis_results set status = 'queued', stage = 'interpreting', progress = 0, progress_message = null, error_code = null, error_message = null,
                    cancel_requested_at = null, queued_at = $2, processing_started_at = null, processing_completed_at = coalesce(processing_completed_at, updated_at) where id = $1 and status = 'completed'",
            [analysis.uuid().into(), now.into()],
        )
        .await?;
    if touched == 0 {
        return Err(Error::Forbidden {
            why: "only an admin or owner may do this",
        });
    }
    queue::enqueue(scope, JobKind::AnalyzeRecording, analysis.uuid()).await?;
    to_processing(scope, session).await
}
