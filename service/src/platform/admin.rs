//! What only the platform's operator does: plans and limits, undoing a deletion, revoking a key, stopping remote analysis. Each
//! act and its reason stand in the audit logs of the organizations that it concerns, where their owners read them.

use chrono::{DateTime, Utc};
use domain::id::{ApiKeyId, OrganizationId};
use domain::quota::{SubscriptionStatus, SubscriptionTier};
use rust_decimal::Decimal;
use sea_orm::{FromQueryResult, Value};
use serde::Serialize;
use uuid::Uuid;

use crate::db::{Owner, Scope};
use crate::error::{Error, Result};
use crate::organization::manage::GRACE;

/// An organization, its plan and how much of it is used.
#[derive(Debug, Clone, PartialEq, Serialize, FromQueryResult)]
pub struct Organization {
    /// Its id.
    pub id: Uuid,
    /// Its name.
    pub name: String,
    /// The plan.
    pub subscription_tier: String,
    /// The state of the subscription.
    pub subscription_status: String,
    /// Members.
    pub members: i64,
    /// Members at most.
    pub max_users: i32,
    /// Recordings started in the running month of its time zone.
    pub recordings_this_month: i64,
    /// Recordings at most in a month.
    pub max_recordings_per_month: i32,
    /// Bytes of recordings, frames and reports that are kept.
    pub storage_bytes: i64,
    /// Bytes at most.
    pub max_storage_bytes: i64,
    /// Seconds of the longest recording.
    pub max_recording_seconds: i32,
    /// Analyses at the same time.
    pub max_parallel_analyses: i32,
    /// Spent on models in the running month, in USD.
    pub model_cost_usd: Decimal,
    /// What models may cost in a month, in USD.
    pub model_budget_monthly_usd: Decimal,
    /// What models may cost for one analysis, in USD.
    pub model_budget_per_analysis_usd: Decimal,
    /// Whether its owners let anything be sent to a model.
    pub remote_analysis_allowed: bool,
    /// When it was founded.
    pub created_at: DateTime<Utc>,
    /// When an owner asked for its deletion.
    pub deletion_requested_at: Option<DateTime<Utc>>,
}

impl Organization {
    /// When it is erased, if nobody undoes it.
    pub fn erased_at(&self) -> Option<DateTime<Utc>> {
        Some(self.deletion_requested_at? + GRACE)
    }
}

/// A partner's key.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, FromQueryResult)]
pub struct Key {
    /// Its id.
    pub id: Uuid,
    /// Its name.
    pub name: String,
    /// How it begins.
    pub prefix: String,
    /// What it may do.
    pub role: String,
    /// Whether it only reads.
    pub read_only: bool,
    /// When it was last used.
    pub last_used_at: Option<DateTime<Utc>>,
    /// When it ends.
    pub expires_at: Option<DateTime<Utc>>,
    /// When it was revoked.
    pub revoked_at: Option<DateTime<Utc>>,
}

/// Organizations, the newest first; with `only`, that one.
///
/// # Errors
/// Those of the database.
pub async fn organizations(
    owner: &Owner,
    only: Option<OrganizationId>,
    now: DateTime<Utc>,
) -> Result<Vec<Organization>> {
    owner
        .snapshot()
        .await?
        .rows(
            "select g.id, g.name, g.subscription_tier, g.subscription_status, (select count(*) from public.user_profiles p where p.organization_id = g.id) as members, g.max_users,
                    (select count(*) from public.recording_sessions s where s.organization_id = g.id and s.created_at >= m.since) as recordings_this_month, g.max_recordings_per_month,
                    ((select coalesce(sum(c.file_size_bytes), 0) from public.video_chunks c where c.organization_id = g.id and c.upload_status = 'completed')
                      + (select coalesce(sum(f.file_size_bytes), 0) from public.analysis_frames f where f.organization_id = g.id)
                      + (select coalesce(sum(r.file_size_bytes), 0) from public.generated_reports r where r.organization_id = g.id))::bigint as storage_bytes,
                    g.max_storage_bytes, g.max_recording_seconds, g.max_parallel_analyses,
                    (select coalesce(sum(q.cost_usd), 0) from public.model_requests q where q.organization_id = g.id and q.created_at >= m.since) as model_cost_usd,
                    g.model_budget_monthly_usd, g.model_budget_per_analysis_usd, g.remote_analysis_allowed, g.created_at, g.deletion_requested_at
               from public.organizations g
               cross join lateral (select date_trunc('month', $2 at time zone g.time_zone) at time zone g.time_zone as since) m
              where $1::uuid is null or g.id = $1 order by g.created_at desc, g.id",
            [only.map(OrganizationId::uuid).into(), now.into()],
        )
        .await
}

/// An organization's keys, the newest first.
///
/// # Errors
/// Those of the database.
pub async fn keys(owner: &Owner, organization: OrganizationId) -> Result<Vec<Key>> {
    owner
        .snapshot()
        .await?
        .rows(
            "select id, name, prefix, role, read_only, last_used_at, expires_at, revoked_at from public.api_keys where organization_id = $1 order by created_at desc, id",
            [organization.uuid().into()],
        )
        .await
}

/// What an operator may set; absent fields are left alone, but for those that a new tier brings.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Plan {
    /// Another tier, with all of its limits and budgets.
    pub tier: Option<SubscriptionTier>,
    /// Another state.
    pub status: Option<SubscriptionStatus>,
    /// Members at most.
    pub max_users: Option<i32>,
    /// Recordings at most in a month.
    pub max_recordings_per_month: Option<i32>,
    /// Bytes at most.
    pub max_storage_bytes: Option<i64>,
    /// Seconds of the longest recording.
    pub max_recording_seconds: Option<i32>,
    /// Analyses at the same time.
    pub max_parallel_analyses: Option<i32>,
    /// USD in a month.
    pub model_budget_monthly_usd: Option<Decimal>,
    /// USD for one analysis.
    pub model_budget_per_analysis_usd: Option<Decimal>,
}

impl Plan {
    /// The same with what its tier starts with, where nothing else is said.
    fn complete(mut self) -> Self {
        if let Some(tier) = self.tier {
            let quota = tier.quota();
            let number = |limit: u32| i32::try_from(limit).ok();
            self.max_users = self.max_users.or(number(quota.max_users));
            self.max_recordings_per_month = self.max_recordings_per_month.or(number(quota.max_recordings_per_month));
            self.max_storage_bytes = self.max_storage_bytes.or(i64::try_from(quota.max_storage_bytes).ok());
            self.max_recording_seconds = self.max_recording_seconds.or(number(quota.max_recording_seconds));
            self.max_parallel_analyses = self.max_parallel_analyses.or(number(quota.max_parallel_analyses));
            self.model_budget_monthly_usd = self.model_budget_monthly_usd.or(Some(quota.model_budget_monthly_usd));
            self.model_budget_per_analysis_usd = self
                .model_budget_per_analysis_usd
                .or(Some(quota.model_budget_per_analysis_usd));
        }
        self
    }

    /// Columns and values, in one order.
    fn columns(&self) -> [(&'static str, bool, Value); 9] {
        [
            (
                "subscription_tier",
                self.tier.is_some(),
                self.tier.map(SubscriptionTier::as_str).into(),
            ),
            (
                "subscription_status",
                self.status.is_some(),
                self.status.map(SubscriptionStatus::as_str).into(),
            ),
            ("max_users", self.max_users.is_some(), self.max_users.into()),
            (
                "max_recordings_per_month",
                self.max_recordings_per_month.is_some(),
                self.max_recordings_per_month.into(),
            ),
            (
                "max_storage_bytes",
                self.max_storage_bytes.is_some(),
                self.max_storage_bytes.into(),
            ),
            (
                "max_recording_seconds",
                self.max_recording_seconds.is_some(),
                self.max_recording_seconds.into(),
            ),
            (
                "max_parallel_analyses",
                self.max_parallel_analyses.is_some(),
                self.max_parallel_analyses.into(),
            ),
            (
                "model_budget_monthly_usd",
                self.model_budget_monthly_usd.is_some(),
                self.model_budget_monthly_usd.into(),
            ),
            (
                "model_budget_per_analysis_usd",
                self.model_budget_per_analysis_usd.is_some(),
                self.model_budget_per_analysis_usd.into(),
            ),
        ]
    }
}

/// Sets an organization's plan.
///
/// # Errors
/// [`Error::NotFound`]; [`Error::Invalid`] for a reason or a limit that makes no sense.
pub async fn set(
    owner: &Owner,
    organization: OrganizationId,
    plan: Plan,
    reason: &str,
    now: DateTime<Utc>,
) -> Result<()> {
    let columns = plan.complete().columns();
    let fields: Vec<&str> = columns
        .iter()
        .filter(|(_, set, _)| *set)
        .map(|(name, _, _)| *name)
        .collect();
    if fields.is_empty() {
        return Err(Error::invalid("organization", "nothing to set"));
    }
    let scope = owner.scope().await?;
    let assignments: Vec<String> = columns
        .iter()
        .zip(2..)
        .map(|((name, _, _), at)| format!("{name} = coalesce(${at}, {name})"))
        .collect();
    let mut values: Vec<Value> = vec![organization.uuid().into()];
    values.extend(columns.into_iter().map(|(_, _, value)| value));
    let touched = scope
        .run(
            &format!(
                "update public.organizations set {} where id = $1",
                assignments.join(", ")
            ),
            values,
        )
        .await
        .map_err(|error| match error.constraint() {
            Some(constraint) => Error::invalid("organization", format!("refused by {constraint}")),
            None => error,
        })?;
    found(touched, "organization")?;
    note(
        &scope,
        Some(organization),
        "organization.set",
        ("organization", Some(organization.uuid())),
        &fields,
        reason,
        now,
    )
    .await?;
    scope.commit().await
}

/// Takes back an owner's wish to delete the organization, while it is still there.
///
/// # Errors
/// [`Error::NotFound`] once it is erased, [`Error::Conflict`] when nobody asked for its deletion.
pub async fn restore(owner: &Owner, organization: OrganizationId, reason: &str, now: DateTime<Utc>) -> Result<()> {
    #[derive(FromQueryResult)]
    struct Held {
        deletion_requested_at: Option<DateTime<Utc>>,
    }
    let scope = owner.scope().await?;
    let held: Held = scope
        .row(
            "select deletion_requested_at from public.organizations where id = $1 for update",
            [organization.uuid().into()],
        )
        .await?
        .ok_or(Error::NotFound { what: "organization" })?;
    if held.deletion_requested_at.is_none() {
        return Err(Error::conflict("nobody asked for this organization's deletion"));
    }
    scope
        .run(
            "update public.organizations set deletion_requested_at = null where id = $1",
            [organization.uuid().into()],
        )
        .await?;
    let subject = ("organization", Some(organization.uuid()));
    note(
        &scope,
        Some(organization),
        "organization.restore",
        subject,
        &["deletion_requested_at"],
        reason,
        now,
    )
    .await?;
    scope.commit().await
}

/// Revokes a key of any organization, from now on and on open sockets. Answers whose it is.
///
/// # Errors
/// [`Error::NotFound`]; [`Error::Conflict`] for one that is revoked already.
pub async fn revoke_key(owner: &Owner, key: ApiKeyId, reason: &str, now: DateTime<Utc>) -> Result<OrganizationId> {
    #[derive(FromQueryResult)]
    struct Held {
        organization_id: Uuid,
        revoked_at: Option<DateTime<Utc>>,
    }
    let scope = owner.scope().await?;
    let held: Held = scope
        .row(
            "select organization_id, revoked_at from public.api_keys where id = $1 for update",
            [key.uuid().into()],
        )
        .await?
        .ok_or(Error::NotFound { what: "key" })?;
    if let Some(at) = held.revoked_at {
        return Err(Error::conflict(format!(
            "this key was revoked on {}",
            at.format("%Y-%m-%d")
        )));
    }
    scope
        .run(
            "update public.api_keys set revoked_at = $2 where id = $1",
            [key.uuid().into(), now.into()],
        )
        .await?;
    let organization = OrganizationId::new(held.organization_id);
    let subject = ("api_key", Some(key.uuid()));
    note(
        &scope,
        Some(organization),
        "api_key.revoke",
        subject,
        &["revoked_at"],
        reason,
        now,
    )
    .await?;
    scope.commit().await?;
    Ok(organization)
}

/// Since when nothing may leave the house; none while each organization decides for itself.
///
/// # Errors
/// Those of the database.
pub async fn remote_stopped_at(owner: &Owner) -> Result<Option<DateTime<Utc>>> {
    #[derive(FromQueryResult)]
    struct Held {
        remote_analysis_stopped_at: Option<DateTime<Utc>>,
    }
    let held: Option<Held> = owner
        .snapshot()
        .await?
        .row("select remote_analysis_stopped_at from private.platform", [])
        .await?;
    Ok(held.and_then(|held| held.remote_analysis_stopped_at))
}

/// Stops all remote analysis from the next request to a model on, or lets organizations decide again. Every organization reads it
/// in its audit log.
///
/// # Errors
/// [`Error::Conflict`] when it is so already.
pub async fn switch_remote(owner: &Owner, stop: bool, reason: &str, now: DateTime<Utc>) -> Result<()> {
    let scope = owner.scope().await?;
    let touched = scope
        .run(
            "update private.platform set remote_analysis_stopped_at = case when $1 then $2 end where (remote_analysis_stopped_at is null) = $1",
            [stop.into(), now.into()],
        )
        .await?;
    if touched == 0 {
        return Err(Error::conflict(if stop {
            "remote analysis is stopped already"
        } else {
            "remote analysis is not stopped"
        }));
    }
    let action = if stop {
        "platform.stop_remote_analysis"
    } else {
        "platform.allow_remote_analysis"
    };
    note(
        &scope,
        None,
        action,
        ("platform", None),
        &["remote_analysis_stopped_at"],
        reason,
        now,
    )
    .await?;
    scope.commit().await
}

fn found(touched: u64, what: &'static str) -> Result<()> {
    if touched == 0 {
        return Err(Error::NotFound { what });
    }
    Ok(())
}

/// Writes an act into the audit log of one organization, or of each.
async fn note(
    scope: &Scope,
    organization: Option<OrganizationId>,
    action: &str,
    (subject_type, subject): (&str, Option<Uuid>),
    fields: &[&str],
    reason: &str,
    now: DateTime<Utc>,
) -> Result<()> {
    if reason.trim().is_empty() || reason.chars().count() > 500 || reason.contains('\0') {
        return Err(Error::invalid("reason", "must have 1 to 500 characters"));
    }
    scope
        .run(
            "insert into public.audit_log (organization_id, at, actor_system, action, subject_type, subject_id, reason, changed_fields)
             select g.id, $2, 'operator', $3, $4, $5, $6, string_to_array($7, ',') from public.organizations g where $1::uuid is null or g.id = $1",
            [
                organization.map(OrganizationId::uuid).into(),
                now.into(),
                action.into(),
                subject_type.into(),
                subject.into(),
                reason.trim().into(),
                fields.join(",").into(),
            ],
        )
        .await
        .map(|_| ())
}
