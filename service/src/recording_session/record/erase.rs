//! Erasing a session with everything of it, against a receipt.

use chrono::{DateTime, Utc};
use domain::id::SessionId;
use sea_orm::FromQueryResult;
use uuid::Uuid;

use crate::act::{Act, Change};
use crate::db::Scope;
use crate::error::{Error, Result};

/// What was erased, without what it was.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Receipt {
    /// The receipt's id.
    pub id: Uuid,
    /// When.
    pub at: DateTime<Utc>,
    /// Rows that are gone.
    pub rows: i32,
    /// Objects that are deleted from storage.
    pub objects: i32,
    /// Their bytes.
    pub bytes: i64,
}

/// Erases a session with everything of it: chunks, frames, replies, analyses, opportunities, reports and links. Its objects are
/// deleted by the worker right after the commit; the receipt counts them.
///
/// # Errors
/// [`Error::NotFound`], [`Error::Forbidden`].
pub async fn erase(scope: &Scope, session: SessionId, reason: &'static str, act: &Act) -> Result<Receipt> {
    #[derive(FromQueryResult)]
    struct Extent {
        erased_rows: i64,
        objects: i64,
        bytes: i64,
    }
    let member = scope.caller()?.eraser()?;
    let exists: Option<Extent> = scope
        .row(
            "select 1 + (select count(*) from public.video_chunks where session_id = s.id) + (select count(*) from public.analysis_results where session_id = s.id)
                      + (select count(*) from public.analysis_attempts where session_id = s.id) + (select count(*) from public.analysis_frames where session_id = s.id)
                      + (select count(*) from public.automation_opportunities where session_id = s.id) + (select count(*) from public.workflow_insights where session_id = s.id)
                      + (select count(*) from public.workflow_visualizations where session_id = s.id) + (select count(*) from public.cost_analyses where session_id = s.id)
                      + (select count(*) from public.generated_reports where session_id = s.id) as erased_rows,
                    (select count(*) from public.video_chunks where session_id = s.id and file_path is not null) + (select count(*) from public.analysis_frames where session_id = s.id)
                      + (select count(*) from public.generated_reports where session_id = s.id and file_url is not null) as objects,
                    ((select coalesce(sum(file_size_bytes), 0) from public.video_chunks where session_id = s.id and file_path is not null)
                      + (select coalesce(sum(file_size_bytes), 0) from public.analysis_frames where session_id = s.id)
                      + (select coalesce(sum(file_size_bytes), 0) from public.generated_reports where session_id = s.id))::bigint as bytes
               from public.recording_sessions s where s.id = $1",
            [session.uuid().into()],
        )
        .await?;
    let extent = exists.ok_or(Error::NotFound {
        what: "recording session",
    })?;
    // Reports lie beside the recordings; everything else of a session lies under one prefix.
    scope
        .run(
            "insert into public.object_deletions (organization_id, object_key) select organization_id, file_url from public.generated_reports where session_id = $1 and file_url is not null",
            [session.uuid().into()],
        )
        .await?;
    scope
        .run(
            "insert into public.object_deletions (organization_id, object_key, is_prefix) values ($1, $2, true)",
            [
                member.organization.uuid().into(),
                crate::storage::session_prefix(member.organization, session).into(),
            ],
        )
        .await?;
    let gone = scope
        .run(
            "delete from public.recording_sessions where id = $1",
            [session.uuid().into()],
        )
        .await?;
    if gone == 0 {
        return Err(Error::Forbidden {
            why: "only the recorded person, an admin or an owner may do this",
        });
    }
    let receipt = Receipt {
        id: Uuid::now_v7(),
        at: act.now,
        rows: i32::try_from(extent.erased_rows).unwrap_or(i32::MAX),
        objects: i32::try_from(extent.objects).unwrap_or(i32::MAX),
        bytes: extent.bytes,
    };
    scope
        .run(
            "insert into public.erasure_receipts (id, organization_id, subject_type, subject_id, reason, requested_by, at, erased_rows, erased_objects, erased_bytes) values ($1, $2, 'recording_session', $3, $4, $5, $6, $7, $8, $9)",
            [
                receipt.id.into(),
                member.organization.uuid().into(),
                session.uuid().into(),
                reason.into(),
                scope.caller()?.user().map(domain::id::UserId::uuid).into(),
                act.now.into(),
                receipt.rows.into(),
                receipt.objects.into(),
                receipt.bytes.into(),
            ],
        )
        .await?;
    act.note(
        scope,
        Change {
            action: "recording_session.erase",
            subject_type: "recording_session",
            subject: session.uuid(),
            fields: &[],
        },
    )
    .await?;
    Ok(receipt)
}
