//! Recording: start, change and finish a session, within the organization's limits and the person's rights.
//! Every function takes a [`Scope`], so none can see another organization's rows.

use chrono::{DateTime, Utc};
use domain::category::WorkflowCategory;
use domain::container::{SNIFF_BYTES, sniff};
use domain::id::{AnalysisId, SessionId};
use domain::status::SessionStatus;
use sea_orm::{FromQueryResult, Value};
use serde_json::json;
use uuid::Uuid;

use crate::act::{Act, Change, Once, once};
use crate::analysis_result::request::{self, Settings};
use crate::caller::Caller;
use crate::db::{Db, Scope};
use crate::error::{Error, Result};
use crate::recording_notice::PLATFORM_VERSION;
use crate::storage::Storage;

/// How a recording is to be treated, as far as a person says so; each may only be stricter than the organization's rule.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct PrivacyInput {
    /// Cover personal data.
    pub redact_personal_data: Option<bool>,
    /// Cover passwords.
    pub blur_passwords: Option<bool>,
    /// Words and windows to leave out.
    pub custom_exclusions: Option<Vec<String>>,
    /// Whether it may be sent to a model where the organization allows it.
    pub allow_remote_analysis: Option<bool>,
    /// Days until the video is deleted.
    pub retain_video_days: Option<i32>,
}

/// A new session.
#[derive(Debug, Clone, PartialEq)]
pub struct Start {
    /// What it is called.
    pub title: String,
    /// What it shows.
    pub description: Option<String>,
    /// The kind of work.
    pub workflow_type: Option<WorkflowCategory>,
    /// The notice that its person was shown.
    pub notice_version: String,
    /// How it is to be treated.
    pub privacy: PrivacyInput,
    /// How often a day a person does this.
    pub declared_occurrences_per_day: Option<f64>,
    /// How many people do it.
    pub people_count: Option<i32>,
    /// What the recorder says of itself.
    pub metadata: Option<serde_json::Value>,
}

/// What may change about a session; absent fields are left alone.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Update {
    /// What it is called.
    pub title: Option<String>,
    /// What it shows.
    pub description: Option<String>,
    /// The kind of work.
    pub workflow_type: Option<WorkflowCategory>,
    /// How it is to be treated.
    pub privacy: Option<PrivacyInput>,
    /// How often a day a person does this.
    pub declared_occurrences_per_day: Option<f64>,
    /// How many people do it.
    pub people_count: Option<i32>,
}

#[derive(FromQueryResult)]
struct Limits {
    max_recordings_per_month: i32,
    retention_video_days: i32,
    recordings: i64,
    notice: Option<String>,
}

/// Starts a session; its person has been shown the notice in force.
///
/// # Errors
/// [`Error::QuotaExceeded`] in a full month, [`Error::Conflict`] for a notice that is no longer in force, [`Error::Invalid`],
/// [`Error::SubscriptionInactive`], [`Error::Forbidden`].
pub async fn start(scope: &Scope, start: &Start, once_key: Option<&Once>, act: &Act) -> Result<SessionId> {
    let member = scope.caller()?.writer()?;
    check_title(&start.title)?;
    check_description(start.description.as_deref())?;
    check_declared(start.declared_occurrences_per_day, start.people_count)?;
    check_metadata(start.metadata.as_ref())?;
    let id = once(scope, once_key, act, async || {
        // Everything that is counted against a limit is counted under one lock, in the transaction that adds to it.
        scope.run("select private.lock_quota()", []).await?;
        let limits: Limits = scope
            .row(
                "select o.max_recordings_per_month, o.retention_video_days,
                        (select count(*) from public.recording_sessions s where s.organization_id = o.id and s.created_at >= date_trunc('month', $2 at time zone o.time_zone) at time zone o.time_zone) as recordings,
                        (select n.version from public.recording_notices n where n.organization_id = o.id order by n.created_at desc, n.id desc limit 1) as notice
                   from public.organizations o where o.id = $1",
                [member.organization.uuid().into(), act.now.into()],
            )
            .await?
            .ok_or(Error::NotFound { what: "organization" })?;
        if limits.recordings >= i64::from(limits.max_recordings_per_month) {
            return Err(Error::QuotaExceeded {
                why: format!("this month's {} recordings are used up; the next month starts anew", limits.max_recordings_per_month),
            });
        }
        let notice = limits.notice.as_deref().unwrap_or(PLATFORM_VERSION);
        if start.notice_version != notice {
            return Err(Error::conflict(format!("the notice in force is {notice}: show it to the person and start again")));
        }
        let privacy = privacy(&json!({}), &start.privacy, limits.retention_video_days)?;
        let id = Uuid::now_v7();
        let caller = scope.caller()?;
        scope
            .run(
                "insert into public.recording_sessions (id, organization_id, user_id, api_key_id, title, description, workflow_type, classified_by, privacy_settings, metadata,
                        declared_occurrences_per_day, people_count, notice_version, consent_at, created_at)
                 values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $14)",
                [
                    id.into(),
                    member.organization.uuid().into(),
                    caller.user().map(domain::id::UserId::uuid).into(),
                    caller.api_key().map(domain::id::ApiKeyId::uuid).into(),
                    start.title.clone().into(),
                    start.description.clone().into(),
                    start.workflow_type.map(WorkflowCategory::as_str).into(),
                    start.workflow_type.map(|_| "user").into(),
                    privacy.into(),
                    start.metadata.clone().unwrap_or_else(|| json!({})).into(),
                    start.declared_occurrences_per_day.into(),
                    start.people_count.unwrap_or(1).into(),
                    start.notice_version.clone().into(),
                    act.now.into(),
                ],
            )
            .await?;
        act.note(
            scope,
            Change { action: "recording_session.start", subject_type: "recording_session", subject: id, fields: &[] },
        )
        .await?;
        Ok(id)
    })
    .await?;
    Ok(id.into())
}

fn check_title(title: &str) -> Result<()> {
    let characters = title.chars().count();
    if title.trim().is_empty() || characters > 300 || title.contains('\0') {
        return Err(Error::invalid("input.title", "must have 1 to 300 characters"));
    }
    Ok(())
}

fn check_description(description: Option<&str>) -> Result<()> {
    if description.is_some_and(|text| text.chars().count() > 5_000 || text.contains('\0')) {
        return Err(Error::invalid(
            "input.description",
            "must have at most 5,000 characters",
        ));
    }
    Ok(())
}

fn check_declared(per_day: Option<f64>, people: Option<i32>) -> Result<()> {
    if per_day.is_some_and(|times| !(times > 0.0 && times <= 10_000.0)) {
        return Err(Error::invalid(
            "input.declaredOccurrencesPerDay",
            "must be more than 0 and at most 10,000",
        ));
    }
    if people.is_some_and(|people| !(1..=100_000).contains(&people)) {
        return Err(Error::invalid("input.peopleCount", "must be between 1 and 100,000"));
    }
    Ok(())
}

fn check_metadata(metadata: Option<&serde_json::Value>) -> Result<()> {
    let Some(metadata) = metadata else { return Ok(()) };
    let text = metadata.to_string();
    if !metadata.is_object() || text.len() > 16_384 || text.contains("\\u0000") {
        return Err(Error::invalid("input.metadata", "must be an object of at most 16 KiB"));
    }
    Ok(())
}

/// Lays what a person says over what holds. What the organization rules (remote analysis, retention) may only become stricter.
fn privacy(current: &serde_json::Value, input: &PrivacyInput, organization_days: i32) -> Result<serde_json::Value> {
    let held = |name: &str, absent: bool| current.get(name).and_then(serde_json::Value::as_bool).unwrap_or(absent);
    if let Some(days) = input.retain_video_days
        && !(0..=organization_days).contains(&days)
    {
        return Err(Error::invalid(
            "input.privacySettings.retainVideoDays",
            format!("must be between 0 and the organization's {organization_days} days"),
        ));
    }
    let exclusions = match &input.custom_exclusions {
        None => current.get("custom_exclusions").cloned().unwrap_or_else(|| json!([])),
        Some(words)
            if words.len() > 100
                || words
                    .iter()
                    .any(|word| word.trim().is_empty() || word.chars().count() > 200 || word.contains('\0')) =>
        {
            return Err(Error::invalid(
                "input.privacySettings.customExclusions",
                "must be at most 100 texts of 1 to 200 characters",
            ));
        }
        Some(words) => json!(words),
    };
    Ok(json!({
        "redact_personal_data": input.redact_personal_data.unwrap_or_else(|| held("redact_personal_data", true)),
        "blur_passwords": input.blur_passwords.unwrap_or_else(|| held("blur_passwords", true)),
        "custom_exclusions": exclusions,
        "allow_remote_analysis": input.allow_remote_analysis.unwrap_or_else(|| held("allow_remote_analysis", true)),
        "retain_video_days": input.retain_video_days.map_or_else(|| current.get("retain_video_days").cloned().unwrap_or_default(), Into::into),
    }))
}

/// A session under a lock, as changes of its state see it.
#[derive(Debug, Clone, FromQueryResult)]
struct Locked {
    status: String,
    privacy_settings: serde_json::Value,
    chunk_count: Option<i32>,
}

async fn lock(scope: &Scope, session: SessionId) -> Result<Locked> {
    scope
        .row(
            "select status, privacy_settings, chunk_count from public.recording_sessions where id = $1 for update",
            [session.uuid().into()],
        )
        .await?
        .ok_or(Error::NotFound {
            what: "recording session",
        })
}

/// Changes what people say about a session.
///
/// # Errors
/// [`Error::NotFound`], [`Error::Forbidden`] for an operator on another's, [`Error::Invalid`].
pub async fn update(scope: &Scope, session: SessionId, update: &Update, act: &Act) -> Result<()> {
    let member = scope.caller()?.writer()?;
    if let Some(title) = &update.title {
        check_title(title)?;
    }
    check_description(update.description.as_deref())?;
    check_declared(update.declared_occurrences_per_day, update.people_count)?;
    let locked = lock_own(scope, session).await?;
    let privacy_settings = match &update.privacy {
        None => None,
        Some(input) => {
            #[derive(FromQueryResult)]
            struct Days {
                retention_video_days: i32,
            }
            let rule: Days = scope
                .row(
                    "select retention_video_days from public.organizations where id = $1",
                    [member.organization.uuid().into()],
                )
                .await?
                .ok_or(Error::NotFound { what: "organization" })?;
            Some(privacy(&locked.privacy_settings, input, rule.retention_video_days)?)
        }
    };
    let changed: Vec<&str> = [
        ("title", update.title.is_some()),
        ("description", update.description.is_some()),
        ("workflow_type", update.workflow_type.is_some()),
        ("privacy_settings", privacy_settings.is_some()),
        (
            "declared_occurrences_per_day",
            update.declared_occurrences_per_day.is_some(),
        ),
        ("people_count", update.people_count.is_some()),
    ]
    .into_iter()
    .filter_map(|(name, set)| set.then_some(name))
    .collect();
    scope
        .run(
            "update public.recording_sessions set title = coalesce($2, title), description = coalesce($3, description), workflow_type = coalesce($4, workflow_type),
                    classified_by = case when $4::text is null then classified_by else 'user' end, privacy_settings = coalesce($5, privacy_settings),
                    declared_occurrences_per_day = coalesce($6, declared_occurrences_per_day), people_count = coalesce($7, people_count) where id = $1",
            [
                session.uuid().into(),
                update.title.clone().into(),
                update.description.clone().into(),
                update.workflow_type.map(WorkflowCategory::as_str).into(),
                Value::Json(privacy_settings.map(Box::new)),
                update.declared_occurrences_per_day.into(),
                update.people_count.into(),
            ],
        )
        .await?;
    act.note(
        scope,
        Change {
            action: "recording_session.update",
            subject_type: "recording_session",
            subject: session.uuid(),
            fields: &changed,
        },
    )
    .await
}

/// Locks a session that the caller may write: `for update` finds only those that the policy for updates lets through, so what
/// is visible but not found there is another person's.
async fn lock_own(scope: &Scope, session: SessionId) -> Result<Locked> {
    #[derive(FromQueryResult)]
    struct Seen {
        seen: bool,
    }
    match lock(scope, session).await {
        Err(Error::NotFound { what }) => {
            let seen: Option<Seen> = scope
                .row(
                    "select exists (select from public.recording_sessions where id = $1) as seen",
                    [session.uuid().into()],
                )
                .await?;
            if seen.is_some_and(|row| row.seen) {
                Err(Error::Forbidden {
                    why: "only the recorded person, an admin or an owner may do this",
                })
            } else {
                Err(Error::NotFound { what })
            }
        }
        locked => locked,
    }
}

/// What finishing came to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Finished {
    /// The analysis that was queued, now or by the first call.
    pub analysis: Option<AnalysisId>,
}

#[derive(FromQueryResult)]
struct Arrived {
    chunk_index: i32,
    upload_status: String,
    file_path: Option<String>,
    file_size_bytes: i64,
}

/// Finishes a recording of exactly the chunks `0..chunk_count`, and queues its analysis where that is asked for. Again with the
/// same count, it changes nothing.
///
/// # Errors
/// [`Error::Conflict`] naming what is missing or superfluous, or when it was finished with another count; [`Error::Invalid`]
/// when its first bytes are no video; [`Error::NotFound`], [`Error::Forbidden`].
pub async fn finish(
    db: &Db,
    caller: &Caller,
    storage: &Storage,
    session: SessionId,
    chunk_count: i32,
    analyze: Option<&Settings>,
    act: &Act,
) -> Result<Finished> {
    caller.writer()?;
    if !(1..=100_000).contains(&chunk_count) {
        return Err(Error::invalid("input.chunkCount", "must be between 1 and 100,000"));
    }
    // What is no video is refused before anything is locked: storage is slow, and no transaction waits for it.
    let looking = db.scope(caller).await?;
    let first: Option<Arrived> = looking
        .row(
            "select chunk_index, upload_status, file_path, file_size_bytes from public.video_chunks where session_id = $1 and chunk_index = 0 and upload_status = 'completed'",
            [session.uuid().into()],
        )
        .await?;
    drop(looking);
    if let Some(Arrived {
        file_path: Some(key),
        file_size_bytes,
        ..
    }) = &first
    {
        let end = u64::try_from(*file_size_bytes).unwrap_or(0).min(SNIFF_BYTES as u64);
        let head = storage.get_range(key, 0..end).await?;
        if sniff(&head).is_none() {
            return Err(Error::invalid(
                "input.sessionId",
                "the recording is no video: its first bytes are neither WebM/Matroska nor MP4/QuickTime",
            ));
        }
    }
    let scope = db.scope(caller).await?;
    let locked = lock_own(&scope, session).await?;
    if locked.status != SessionStatus::Recording.as_str() {
        return match locked.chunk_count {
            Some(count) if count == chunk_count => Ok(Finished {
                analysis: newest_analysis(&scope, session).await?,
            }),
            Some(count) => Err(Error::conflict(format!("the session was finished with {count} chunks"))),
            None => Err(Error::conflict(format!("the session is {}", locked.status))),
        };
    }
    let chunks: Vec<Arrived> = scope
        .rows(
            "select chunk_index, upload_status, file_path, file_size_bytes from public.video_chunks where session_id = $1 order by chunk_index",
            [session.uuid().into()],
        )
        .await?;
    let completed: Vec<&Arrived> = chunks
        .iter()
        .filter(|chunk| chunk.upload_status == "completed")
        .collect();
    refuse_gaps(&completed, chunk_count)?;
    if completed.first().map(|chunk| &chunk.file_path) != first.as_ref().map(|chunk| &chunk.file_path) {
        return Err(Error::conflict(
            "somebody else changed this at the same moment, try again",
        ));
    }
    let bytes: i64 = completed.iter().map(|chunk| chunk.file_size_bytes).sum();
    let status = if analyze.is_some() {
        SessionStatus::Processing
    } else {
        SessionStatus::Completed
    };
    scope
        .run(
            "update public.recording_sessions set status = $2, chunk_count = $3, file_size_bytes = $4, finished_at = $5, completed_at = case when $2 = 'completed' then $5 end where id = $1",
            [
                session.uuid().into(),
                status.as_str().into(),
                chunk_count.into(),
                bytes.into(),
                act.now.into(),
            ],
        )
        .await?;
    let analysis = match analyze {
        Some(settings) => Some(request::enqueue(&scope, session, settings, Uuid::now_v7().into()).await?),
        None => None,
    };
    act.note(
        &scope,
        Change {
            action: "recording_session.finish",
            subject_type: "recording_session",
            subject: session.uuid(),
            fields: &["status", "chunk_count"],
        },
    )
    .await?;
    scope.commit().await?;
    Ok(Finished { analysis })
}

/// Refuses unless exactly `0..count` arrived, naming the first that are missing or too many.
fn refuse_gaps(completed: &[&Arrived], count: i32) -> Result<()> {
    let arrived: std::collections::BTreeSet<i32> = completed.iter().map(|chunk| chunk.chunk_index).collect();
    let list = |indexes: Vec<i32>| {
        let shown: Vec<String> = indexes.iter().take(20).map(ToString::to_string).collect();
        let more = indexes.len().saturating_sub(20);
        if more == 0 {
            shown.join(", ")
        } else {
            format!("{} and {more} more", shown.join(", "))
        }
    };
    let missing: Vec<i32> = (0..count).filter(|index| !arrived.contains(index)).collect();
    if !missing.is_empty() {
        return Err(Error::conflict(format!("chunks are missing: {}", list(missing))));
    }
    let superfluous: Vec<i32> = arrived.into_iter().filter(|index| *index >= count).collect();
    if !superfluous.is_empty() {
        return Err(Error::conflict(format!(
            "more chunks arrived than chunkCount says: {}",
            list(superfluous)
        )));
    }
    Ok(())
}

async fn newest_analysis(scope: &Scope, session: SessionId) -> Result<Option<AnalysisId>> {
    #[derive(FromQueryResult)]
    struct Id {
        id: Uuid,
    }
    let row: Option<Id> = scope
        .row(
            "select id from public.analysis_results where session_id = $1 order by created_at desc, id desc limit 1",
            [session.uuid().into()],
        )
        .await?;
    Ok(row.map(|row| row.id.into()))
}

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
                      + (select count(*) from public.disclosures where session_id = s.id) + (select count(*) from public.model_requests where session_id = s.id)
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
