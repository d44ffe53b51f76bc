//! Founding, changing and deleting an organization; what its people are shown before they are recorded.

use chrono::{DateTime, TimeDelta, Utc};
use domain::id::OrganizationId;
use domain::money::Currency;
use domain::roi::{Assumptions, Overrides, ValueSource};
use rust_decimal::Decimal;
use sea_orm::{FromQueryResult, Value};
use uuid::Uuid;

use crate::act::{Act, Change, Once};
use crate::caller::{Actor, Caller};
use crate::db::{Db, Scope, call};
use crate::error::{Error, Result};

/// How long a deletion can be undone by the platform's operator.
pub const GRACE: TimeDelta = TimeDelta::days(7);

/// A new organization and its first owner.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Foundation {
    /// Its name.
    pub name: String,
    /// ISO 4217; EUR without.
    pub currency: Option<String>,
    /// `en`, `nl`, `fr` or `de`; `en` without.
    pub locale: Option<String>,
    /// IANA name; `Europe/Amsterdam` without.
    pub time_zone: Option<String>,
    /// The owner's first name.
    pub first_name: Option<String>,
    /// The owner's last name.
    pub last_name: Option<String>,
    /// The owner's job.
    pub job_title: Option<String>,
}

/// Checks an organization's name.
fn check_name(name: &str) -> Result<()> {
    if name.trim().is_empty() || name.chars().count() > 200 || name.contains('\0') {
        return Err(Error::invalid("input.name", "must have 1 to 200 characters"));
    }
    Ok(())
}

fn check_currency(code: &str) -> Result<Currency> {
    code.parse()
        .map_err(|error: domain::money::UnknownCurrency| Error::invalid("input.currency", error.to_string()))
}

fn check_locale(locale: &str) -> Result<()> {
    if ["en", "nl", "fr", "de"].contains(&locale) {
        Ok(())
    } else {
        Err(Error::invalid("input.locale", "must be en, nl, fr or de"))
    }
}

fn check_time_zone(name: &str) -> Result<()> {
    name.parse::<chrono_tz::Tz>()
        .map(|_| ())
        .map_err(|_| Error::invalid("input.timeZone", "must be an IANA name, such as Europe/Amsterdam"))
}

/// Checks a name or job title of a person.
///
/// # Errors
/// [`Error::Invalid`].
pub fn check_person(field: &str, text: Option<&str>) -> Result<()> {
    if text.is_some_and(|text| text.chars().count() > 200 || text.contains('\0')) {
        return Err(Error::invalid(field, "must have at most 200 characters"));
    }
    Ok(())
}

/// Founds an organization; the person owns it. Repeating it with the same key answers the same organization.
///
/// # Errors
/// [`Error::Conflict`] for a person who belongs to one, [`Error::Forbidden`] for a key, [`Error::Invalid`].
pub async fn create(
    db: &Db,
    caller: &Caller,
    foundation: &Foundation,
    once: Option<&Once>,
    act: &Act,
) -> Result<OrganizationId> {
    let Actor::Person(person) = caller.actor else {
        return Err(Error::Forbidden {
            why: "a key cannot found an organization",
        });
    };
    check_name(&foundation.name)?;
    let currency = check_currency(foundation.currency.as_deref().unwrap_or("EUR"))?;
    let locale = foundation.locale.as_deref().unwrap_or("en");
    check_locale(locale)?;
    let time_zone = foundation.time_zone.as_deref().unwrap_or("Europe/Amsterdam");
    check_time_zone(time_zone)?;
    for (field, text) in [
        ("input.firstName", &foundation.first_name),
        ("input.lastName", &foundation.last_name),
        ("input.jobTitle", &foundation.job_title),
    ] {
        check_person(field, text.as_deref())?;
    }
    let id = Uuid::now_v7();
    let system = db.system();
    let made: Result<()> = async {
        let _: sqlx::postgres::PgRow = call!(
            system,
            fetch_one,
            "select private.create_organization($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13)",
            id,
            person.uuid(),
            caller.email.as_deref(),
            &foundation.name,
            currency.code(),
            locale,
            time_zone,
            foundation.first_name.as_deref(),
            foundation.last_name.as_deref(),
            foundation.job_title.as_deref(),
            once.map(|once| once.key.as_str()),
            once.map(|once| once.request_sha256.as_str()),
            act.now,
        );
        Ok(())
    }
    .await;
    match made {
        Ok(()) => Ok(id.into()),
        Err(error) if error.constraint() == Some("user_profiles_one_organization") => {
            if let Some(once) = once {
                // A repeat whose first answer was lost; or a member of another organization, which keeps no such key.
                let member = system.sign_in(person, None).await?;
                let scope = db.scope(&member).await?;
                if let Some(earlier) = once.earlier(&scope, act.now).await? {
                    return Ok(earlier.into());
                }
            }
            Err(Error::conflict("you already belong to an organization"))
        }
        Err(error) => Err(error),
    }
}

/// What may change about an organization; absent fields are left alone.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Update {
    /// Its name.
    pub name: Option<String>,
    /// ISO 4217; refused once amounts are stored in another.
    pub currency: Option<String>,
    /// Its language.
    pub locale: Option<String>,
    /// Its time zone.
    pub time_zone: Option<String>,
    /// Whether anything may be sent to a model. Owners.
    pub remote_analysis_allowed: Option<bool>,
    /// USD in a month. Owners.
    pub model_budget_monthly_usd: Option<Decimal>,
    /// USD for one analysis. Owners.
    pub model_budget_per_analysis_usd: Option<Decimal>,
    /// Days until videos are deleted. Owners.
    pub video_days: Option<i32>,
    /// Days until frames are deleted. Owners.
    pub frame_days: Option<i32>,
    /// Days until raw replies are deleted. Owners.
    pub raw_reply_days: Option<i32>,
    /// Whether a video is deleted right after its analysis. Owners.
    pub delete_video_after_analysis: Option<bool>,
    /// Assumptions that the organization sets itself.
    pub roi_defaults: Overrides,
    /// A new version of the notice: language and text. Owners.
    pub notice: Option<(String, String)>,
}

/// Changes an organization. Budgets, permissions, retention and notice are for owners; the rest for admins too.
///
/// # Errors
/// [`Error::Forbidden`], [`Error::Invalid`], [`Error::Conflict`] for a currency that is in use.
pub async fn update(scope: &Scope, update: &Update, act: &Act) -> Result<()> {
    let caller = scope.caller()?;
    let member = caller.managing_writer()?;
    if caller.user().is_none() {
        return Err(Error::Forbidden {
            why: "a key does not change its organization",
        });
    }
    let owners = update.remote_analysis_allowed.is_some()
        || update.model_budget_monthly_usd.is_some()
        || update.model_budget_per_analysis_usd.is_some()
        || update.video_days.is_some()
        || update.frame_days.is_some()
        || update.raw_reply_days.is_some()
        || update.delete_video_after_analysis.is_some()
        || update.currency.is_some()
        || update.notice.is_some();
    if owners {
        caller.owning_writer()?;
    }
    check_update(update)?;
    let overrides = merged_assumptions(scope, member.organization, update).await?;
    let changed = scope
        .run(
            "update public.organizations set name = coalesce($2, name), currency = coalesce($3, currency), locale = coalesce($4, locale), time_zone = coalesce($5, time_zone),
                    remote_analysis_allowed = coalesce($6, remote_analysis_allowed), model_budget_monthly_usd = coalesce($7, model_budget_monthly_usd),
                    model_budget_per_analysis_usd = coalesce($8, model_budget_per_analysis_usd), retention_video_days = coalesce($9, retention_video_days),
                    retention_frame_days = coalesce($10, retention_frame_days), retention_raw_reply_days = coalesce($11, retention_raw_reply_days),
                    delete_video_after_analysis = coalesce($12, delete_video_after_analysis), roi_defaults = coalesce($13, roi_defaults) where id = $1",
            [
                member.organization.uuid().into(),
                update.name.clone().into(),
                update.currency.clone().into(),
                update.locale.clone().into(),
                update.time_zone.clone().into(),
                update.remote_analysis_allowed.into(),
                update.model_budget_monthly_usd.into(),
                update.model_budget_per_analysis_usd.into(),
                update.video_days.into(),
                update.frame_days.into(),
                update.raw_reply_days.into(),
                update.delete_video_after_analysis.into(),
                Value::Json(overrides.map(Box::new)),
            ],
        )
        .await
        .map_err(|error| match error.constraint() {
            Some("organizations_currency_in_use") => Error::conflict("the currency cannot change once amounts are stored in it"),
            _ => error,
        })?;
    if changed == 0 {
        return Err(Error::NotFound { what: "organization" });
    }
    if let Some((locale, text)) = &update.notice {
        // The version is the moment: rising, and never the same twice.
        scope
            .run(
                "insert into public.recording_notices (organization_id, version, locale, text, created_by, created_at) values ($1, $2, $3, $4, $5, $6)",
                [
                    member.organization.uuid().into(),
                    act.now.format("%Y-%m-%dT%H:%M:%S%.3fZ").to_string().into(),
                    locale.clone().into(),
                    text.clone().into(),
                    caller.user().map(domain::id::UserId::uuid).into(),
                    act.now.into(),
                ],
            )
            .await?;
    }
    let fields = fields(update);
    act.note(
        scope,
        Change {
            action: "organization.update",
            subject_type: "organization",
            subject: member.organization.uuid(),
            fields: &fields,
        },
    )
    .await
}

fn check_update(update: &Update) -> Result<()> {
    if let Some(name) = &update.name {
        check_name(name)?;
    }
    if let Some(code) = &update.currency {
        check_currency(code)?;
    }
    if let Some(locale) = &update.locale {
        check_locale(locale)?;
    }
    if let Some(zone) = &update.time_zone {
        check_time_zone(zone)?;
    }
    for (field, budget) in [
        ("input.modelBudgetMonthlyUsd", update.model_budget_monthly_usd),
        ("input.modelBudgetPerAnalysisUsd", update.model_budget_per_analysis_usd),
    ] {
        if budget.is_some_and(|usd| usd < Decimal::ZERO || usd > Decimal::from(100_000)) {
            return Err(Error::invalid(field, "must be between 0 and 100,000"));
        }
    }
    for (field, days) in [
        ("input.retention.videoDays", update.video_days),
        ("input.retention.frameDays", update.frame_days),
        ("input.retention.rawReplyDays", update.raw_reply_days),
    ] {
        if days.is_some_and(|days| !(0..=3650).contains(&days)) {
            return Err(Error::invalid(field, "must be between 0 and 3650 days"));
        }
    }
    if let Some((locale, text)) = &update.notice {
        check_locale(locale).map_err(|_| Error::invalid("input.recordingNotice.locale", "must be en, nl, fr or de"))?;
        if text.trim().is_empty() || text.chars().count() > 20_000 || text.contains('\0') {
            return Err(Error::invalid(
                "input.recordingNotice.text",
                "must have 1 to 20,000 characters",
            ));
        }
    }
    Ok(())
}

/// The organization's own assumptions with the new ones laid over, checked together.
async fn merged_assumptions(
    scope: &Scope,
    organization: OrganizationId,
    update: &Update,
) -> Result<Option<serde_json::Value>> {
    #[derive(FromQueryResult)]
    struct Held {
        roi_defaults: serde_json::Value,
        currency: String,
        time_zone: String,
    }
    if update.roi_defaults.is_empty() {
        return Ok(None);
    }
    let held: Held = scope
        .row(
            "select roi_defaults, currency, time_zone from public.organizations where id = $1 for update",
            [organization.uuid().into()],
        )
        .await?
        .ok_or(Error::NotFound { what: "organization" })?;
    let mut overrides: Overrides = serde_json::from_value(held.roi_defaults)
        .map_err(|error| Error::internal(format!("the organization's assumptions cannot be read: {error}")))?;
    overrides.extend(
        update
            .roi_defaults
            .iter()
            .map(|(assumption, value)| (*assumption, *value)),
    );
    let currency = check_currency(update.currency.as_deref().unwrap_or(&held.currency))?;
    Assumptions::defaults(currency, update.time_zone.as_deref().unwrap_or(&held.time_zone))
        .with(&overrides, ValueSource::Organization)
        .map_err(|error| Error::invalid(format!("input.roiDefaults.{}", error.field), error.reason))?;
    serde_json::to_value(&overrides)
        .map(Some)
        .map_err(|error| Error::internal(format!("assumptions cannot be stored: {error}")))
}

fn fields(update: &Update) -> Vec<&'static str> {
    [
        ("name", update.name.is_some()),
        ("currency", update.currency.is_some()),
        ("locale", update.locale.is_some()),
        ("time_zone", update.time_zone.is_some()),
        ("remote_analysis_allowed", update.remote_analysis_allowed.is_some()),
        ("model_budget_monthly_usd", update.model_budget_monthly_usd.is_some()),
        (
            "model_budget_per_analysis_usd",
            update.model_budget_per_analysis_usd.is_some(),
        ),
        ("retention_video_days", update.video_days.is_some()),
        ("retention_frame_days", update.frame_days.is_some()),
        ("retention_raw_reply_days", update.raw_reply_days.is_some()),
        (
            "delete_video_after_analysis",
            update.delete_video_after_analysis.is_some(),
        ),
        ("roi_defaults", !update.roi_defaults.is_empty()),
        ("recording_notice", update.notice.is_some()),
    ]
    .into_iter()
    .filter_map(|(name, set)| set.then_some(name))
    .collect()
}

/// Asks for the organization's deletion: from now on it only reads, and after [`GRACE`] everything but receipts and audit is
/// erased. Again, it changes nothing. Answers when.
///
/// # Errors
/// [`Error::Forbidden`] for all but owners, [`Error::Invalid`] unless its name is repeated.
pub async fn delete(scope: &Scope, confirm_name: &str, act: &Act) -> Result<DateTime<Utc>> {
    #[derive(FromQueryResult)]
    struct Held {
        name: String,
        deletion_requested_at: Option<DateTime<Utc>>,
    }
    let caller = scope.caller()?;
    let member = caller.eraser()?;
    if !caller.is_owner() {
        return Err(Error::Forbidden {
            why: "only an owner may do this",
        });
    }
    let held: Held = scope
        .row(
            "select name, deletion_requested_at from public.organizations where id = $1 for update",
            [member.organization.uuid().into()],
        )
        .await?
        .ok_or(Error::NotFound { what: "organization" })?;
    if held.name != confirm_name {
        return Err(Error::invalid("input.confirmName", "must be the organization's name"));
    }
    if let Some(asked) = held.deletion_requested_at {
        return Ok(asked + GRACE);
    }
    scope
        .run(
            "update public.organizations set deletion_requested_at = $2 where id = $1",
            [member.organization.uuid().into(), act.now.into()],
        )
        .await?;
    act.note(
        scope,
        Change {
            action: "organization.delete",
            subject_type: "organization",
            subject: member.organization.uuid(),
            fields: &["deletion_requested_at"],
        },
    )
    .await?;
    Ok(act.now + GRACE)
}
