//! Ends other than success: failed for good, or put back for another try.

use chrono::{DateTime, Utc};
use domain::analysis_error::AnalysisErrorCode;
use domain::id::{AnalysisId, SessionId};

use super::lease::{fence, owned};
use crate::analysis_result::request::END_WITHOUT_RESULTS;
use crate::db::Scope;
use crate::error::Result;

/// Fails the analysis for good, in its own words. One that was completed before, and was only being read anew, goes back to the
/// results that it had; the try that failed stays among its attempts.
///
/// # Errors
/// [`Error::LeaseLost`]; those of the database.
pub async fn fail(
    scope: &Scope,
    session: SessionId,
    analysis: AnalysisId,
    code: AnalysisErrorCode,
    duration_seconds: Option<f64>,
    now: DateTime<Utc>,
) -> Result<()> {
    fence(scope, analysis).await?;
    end_attempt(scope, analysis, Some((code, code.sentence())), now).await?;
    // A recording that is no video is unusable itself; whatever else went wrong, the recording is as good as before.
    let unusable = matches!(code, AnalysisErrorCode::NotAVideo | AnalysisErrorCode::VideoUnreadable);
    scope
        .run(
            "update public.recording_sessions s set status = case when $2 and not exists (select from public.analysis_results a where a.session_id = s.id and a.is_current) then 'failed' else 'completed' end,
                    error_message = case when $2 then $3 else error_message end, completed_at = coalesce(completed_at, $4), duration_seconds = coalesce($5, duration_seconds)
              where s.id = $1 and s.status = 'processing'",
            [session.uuid().into(), unusable.into(), code.sentence().into(), now.into(), duration_seconds.into()],
        )
        .await?;
    let touched = scope
        .run(
            &format!(
                "update public.analysis_results set {END_WITHOUT_RESULTS}, lease_token = null, lease_expires_at = null,
                        analysis_cost = coalesce((select sum(m.cost_usd) from public.model_requests m where m.analysis_id = $1), analysis_cost)
                  where id = $1"
            ),
            [analysis.uuid().into(), code.as_str().into(), code.sentence().into(), now.into()],
        )
        .await?;
    owned(touched)
}

/// Puts the analysis back into the queue after a try that may succeed next time; the queue itself brings the job again.
///
/// # Errors
/// [`Error::LeaseLost`]; those of the database.
pub async fn put_back(scope: &Scope, analysis: AnalysisId, code: AnalysisErrorCode, now: DateTime<Utc>) -> Result<()> {
    fence(scope, analysis).await?;
    end_attempt(scope, analysis, Some((code, code.sentence())), now).await?;
    let touched = scope
        .run(
            "update public.analysis_results set status = 'queued', stage = 'waiting', progress_message = $2, lease_token = null, lease_expires_at = null where id = $1",
            [analysis.uuid().into(), format!("will be tried again: {}", code.sentence()).into()],
        )
        .await?;
    owned(touched)
}

pub(super) async fn end_attempt(
    scope: &Scope,
    analysis: AnalysisId,
    error: Option<(AnalysisErrorCode, &str)>,
    now: DateTime<Utc>,
) -> Result<()> {
    scope
        .run(
            "update public.analysis_attempts set ended_at = $2, error_code = $3, message = $4 where analysis_id = $1 and ended_at is null",
            [
                analysis.uuid().into(),
                now.into(),
                error.map(|(code, _)| code.as_str()).into(),
                error.map(|(_, sentence)| sentence).into(),
            ],
        )
        .await
        .map(|_| ())
}
