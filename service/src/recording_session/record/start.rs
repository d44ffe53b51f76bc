//! A new session, counted against the month's limit and with the notice that its person was shown.

use domain::category::WorkflowCategory;
use domain::id::SessionId;
use sea_orm::FromQueryResult;
use serde_json::json;
use uuid::Uuid;

use super::input::{PrivacyInput, check_declared, check_description, check_metadata, check_title, privacy};
use crate::act::{Act, Change, Once, once};
use crate::db::Scope;
use crate::error::{Error, Result};
use crate::recording_notice::PLATFORM_VERSION;

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
