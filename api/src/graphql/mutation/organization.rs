//! Founding, changing and deleting organizations; partners' keys.

use async_graphql::{Context, ID, InputObject, Object, SimpleObject};
use domain::id::{ApiKeyId, OrganizationId};
use domain::roi::{Assumption, Overrides};
use domain::role::Role;
use rust_decimal::prelude::FromPrimitive as _;
use service::api_key::manage::{self as keys, NewKey};
use service::organization::manage::{self, Foundation, Update};

use super::super::api_key::ApiKey;
use super::super::context::{InRequest as _, Read};
use super::super::error::{Failure, Result};
use super::super::organization::Organization;
use super::super::page::{get, id};
use super::super::scalar::{DateTime, Decimal};
use super::super::user_profile::Member;
use super::{act, once, parts};

/// A new organization and its first owner.
#[derive(Debug, InputObject)]
pub struct CreateOrganizationInput {
    /// Its name, 1 to 200 characters.
    name: String,
    /// ISO 4217 code of a currency with hundredths; EUR where it is left out.
    currency: Option<String>,
    /// en, nl, fr or de; en where it is left out.
    locale: Option<String>,
    /// IANA name; Europe/Amsterdam where it is left out.
    time_zone: Option<String>,
    /// The owner's first name.
    first_name: Option<String>,
    /// The owner's last name.
    last_name: Option<String>,
    /// The owner's job.
    job_title: Option<String>,
    /// A repeat with the same key answers the same organization.
    idempotency_key: Option<String>,
}

/// How long things are kept.
#[derive(Debug, Default, InputObject)]
pub struct RetentionRulesInput {
    /// Days until videos are deleted, 0 to 3650.
    video_days: Option<i32>,
    /// Days until frames are deleted, 0 to 3650.
    frame_days: Option<i32>,
    /// Days until raw replies are deleted, 0 to 3650.
    raw_reply_days: Option<i32>,
    /// Whether a video is deleted as soon as its analysis is completed.
    delete_video_after_analysis: Option<bool>,
}

/// Assumptions of calculations; what is left out stays.
#[derive(Debug, Default, InputObject)]
pub struct RoiDefaultsInput {
    /// Loaded cost of an hour of work.
    hourly_rate: Option<Decimal>,
    /// Working days in a year.
    working_days_per_year: Option<i32>,
    /// Working hours in a day.
    hours_per_day: Option<Decimal>,
    /// Cost of an hour of building an automation.
    implementation_hourly_rate: Option<Decimal>,
    /// Hours to build an easy automation.
    effort_hours_low: Option<Decimal>,
    /// Hours to build one of medium difficulty.
    effort_hours_medium: Option<Decimal>,
    /// Hours to build a hard one.
    effort_hours_high: Option<Decimal>,
    /// Share of an easy process that can be automated, 0 to 1.
    automatable_share_low: Option<f64>,
    /// The same for one of medium difficulty.
    automatable_share_medium: Option<f64>,
    /// The same for a hard one.
    automatable_share_high: Option<f64>,
    /// Upkeep in a year, as a share of what building cost, 0 to 1.
    maintenance_share_per_year: Option<f64>,
    /// Licences of one automation in a month.
    licence_per_month: Option<Decimal>,
    /// Yearly interest by which later cash is discounted, 0 to 1.
    discount_rate: Option<f64>,
    /// Share of occurrences that go through an automation in the WORST scenario.
    adoption_worst: Option<f64>,
    /// The same in the BASE scenario.
    adoption_base: Option<f64>,
    /// The same in the BEST scenario.
    adoption_best: Option<f64>,
    /// Months until an automation is fully used.
    ramp_up_months: Option<i32>,
    /// Months that cash is looked at.
    horizon_months: Option<i32>,
}

/// The overrides of an input. A share that is no number is left for the bounds' check to refuse.
pub fn overrides(input: &RoiDefaultsInput) -> Overrides {
    let share = |value: Option<f64>| {
        value.map(|value| rust_decimal::Decimal::from_f64(value).unwrap_or(rust_decimal::Decimal::NEGATIVE_ONE))
    };
    let whole = |value: Option<i32>| value.map(rust_decimal::Decimal::from);
    let number = |value: Option<Decimal>| value.map(|value| value.0);
    [
        (Assumption::HourlyRate, number(input.hourly_rate)),
        (Assumption::WorkingDaysPerYear, whole(input.working_days_per_year)),
        (Assumption::HoursPerDay, number(input.hours_per_day)),
        (
            Assumption::ImplementationHourlyRate,
            number(input.implementation_hourly_rate),
        ),
        (Assumption::EffortHoursLow, number(input.effort_hours_low)),
        (Assumption::EffortHoursMedium, number(input.effort_hours_medium)),
        (Assumption::EffortHoursHigh, number(input.effort_hours_high)),
        (Assumption::AutomatableShareLow, share(input.automatable_share_low)),
        (
            Assumption::AutomatableShareMedium,
            share(input.automatable_share_medium),
        ),
        (Assumption::AutomatableShareHigh, share(input.automatable_share_high)),
        (
            Assumption::MaintenanceSharePerYear,
            share(input.maintenance_share_per_year),
        ),
        (Assumption::LicencePerMonth, number(input.licence_per_month)),
        (Assumption::DiscountRate, share(input.discount_rate)),
        (Assumption::AdoptionWorst, share(input.adoption_worst)),
        (Assumption::AdoptionBase, share(input.adoption_base)),
        (Assumption::AdoptionBest, share(input.adoption_best)),
        (Assumption::RampUpMonths, whole(input.ramp_up_months)),
        (Assumption::HorizonMonths, whole(input.horizon_months)),
    ]
    .into_iter()
    .filter_map(|(assumption, value)| Some((assumption, value?)))
    .collect()
}

/// A new version of the text that people are shown before they are recorded.
#[derive(Debug, InputObject)]
pub struct RecordingNoticeInput {
    /// en, nl, fr or de.
    locale: String,
    /// The text, 1 to 20,000 characters.
    text: String,
}

/// What changes about an organization; what is left out stays.
#[derive(Debug, InputObject)]
pub struct UpdateOrganizationInput {
    /// Its name.
    name: Option<String>,
    /// ISO 4217; owners, and only while no amounts are stored.
    currency: Option<String>,
    /// en, nl, fr or de.
    locale: Option<String>,
    /// IANA name; months and days are counted in it.
    time_zone: Option<String>,
    /// Whether recordings may be sent to a model at all; owners, and audited.
    remote_analysis_allowed: Option<bool>,
    /// USD that models may cost in a month; owners.
    model_budget_monthly_usd: Option<Decimal>,
    /// USD that one analysis may cost; owners.
    model_budget_per_analysis_usd: Option<Decimal>,
    /// How long things are kept; owners.
    retention: Option<RetentionRulesInput>,
    /// Assumptions that the organization sets itself; admins and owners.
    roi_defaults: Option<RoiDefaultsInput>,
    /// A new version of the notice; owners.
    recording_notice: Option<RecordingNoticeInput>,
}

/// An organization to be deleted.
#[derive(Debug, InputObject)]
pub struct DeleteOrganizationInput {
    /// Its name, repeated.
    confirm_name: String,
}

/// A new key for a partner.
#[derive(Debug, InputObject)]
pub struct CreateApiKeyInput {
    /// What it is for, 1 to 200 characters.
    name: String,
    /// What it may do; never manage keys, members or roles.
    role: Role,
    /// Whether it only reads.
    #[graphql(default = true)]
    read_only: bool,
    /// From when on it is refused; never where it is left out.
    expires_at: Option<DateTime>,
    /// A repeat with the same key is refused, since the secret is shown once.
    idempotency_key: Option<String>,
}

/// A key to be revoked.
#[derive(Debug, InputObject)]
pub struct RevokeApiKeyInput {
    /// The key.
    api_key_id: ID,
}

/// An organization that was founded.
pub struct CreateOrganizationPayload {
    read: Read,
    organization: OrganizationId,
    member: uuid::Uuid,
}

/// An organization that was founded.
#[Object]
impl CreateOrganizationPayload {
    /// The organization.
    async fn organization(&self, ctx: &Context<'_>) -> Result<Organization> {
        get(ctx, &self.read, self.organization).await
    }

    /// Its first owner.
    async fn member(&self, ctx: &Context<'_>) -> Result<Member> {
        get(ctx, &self.read, self.member).await
    }
}

/// An organization that was changed.
pub struct UpdateOrganizationPayload {
    read: Read,
    organization: OrganizationId,
}

/// An organization that was changed.
#[Object]
impl UpdateOrganizationPayload {
    /// The organization.
    async fn organization(&self, ctx: &Context<'_>) -> Result<Organization> {
        get(ctx, &self.read, self.organization).await
    }
}

/// An organization that will be erased.
#[derive(SimpleObject)]
pub struct DeleteOrganizationPayload {
    /// The organization.
    organization_id: ID,
    /// When everything of it but receipts and audit is erased; until then the platform's operator can undo it.
    erased_at: DateTime,
}

/// A key that was made.
pub struct CreateApiKeyPayload {
    read: Read,
    key: ApiKeyId,
    secret: String,
}

/// A key that was made. Its secret is shown here once.
#[Object]
impl CreateApiKeyPayload {
    /// The key.
    async fn api_key(&self, ctx: &Context<'_>) -> Result<ApiKey> {
        get(ctx, &self.read, self.key).await
    }

    /// The secret, to be sent as `Authorization: Bearer` or `X-API-Key`; shown here once.
    async fn secret(&self) -> &str {
        &self.secret
    }
}

/// A key that was revoked.
pub struct RevokeApiKeyPayload {
    read: Read,
    key: ApiKeyId,
}

/// A key that was revoked.
#[Object]
impl RevokeApiKeyPayload {
    /// The key.
    async fn api_key(&self, ctx: &Context<'_>) -> Result<ApiKey> {
        get(ctx, &self.read, self.key).await
    }
}

/// Founding, changing and deleting organizations; partners' keys.
#[derive(Default)]
pub struct OrganizationMutation;

/// Founding, changing and deleting organizations; partners' keys.
#[Object]
impl OrganizationMutation {
    /// Founds an organization: a signed-in person who belongs to none, and who then owns it.
    async fn create_organization(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "The organization and its owner.")] input: CreateOrganizationInput,
    ) -> Result<Option<CreateOrganizationPayload>> {
        let request = ctx.request()?;
        let (db, caller) = parts(request)?;
        let foundation = Foundation {
            name: input.name,
            currency: input.currency,
            locale: input.locale,
            time_zone: input.time_zone,
            first_name: input.first_name,
            last_name: input.last_name,
            job_title: input.job_title,
        };
        let key = once(ctx, input.idempotency_key.as_ref(), "createOrganization")?;
        let organization = manage::create(db, caller, &foundation, key.as_ref(), &act(ctx)?).await?;
        Ok(Some(CreateOrganizationPayload {
            read: request.fresh()?,
            organization,
            member: caller.actor.uuid(),
        }))
    }

    /// Changes an organization: admins and owners; budgets, permissions, retention, currency and notice are for owners.
    async fn update_organization(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "What changes.")] input: UpdateOrganizationInput,
    ) -> Result<Option<UpdateOrganizationPayload>> {
        let request = ctx.request()?;
        let retention = input.retention.unwrap_or_default();
        let update = Update {
            name: input.name,
            currency: input.currency,
            locale: input.locale,
            time_zone: input.time_zone,
            remote_analysis_allowed: input.remote_analysis_allowed,
            model_budget_monthly_usd: input.model_budget_monthly_usd.map(|usd| usd.0),
            model_budget_per_analysis_usd: input.model_budget_per_analysis_usd.map(|usd| usd.0),
            video_days: retention.video_days,
            frame_days: retention.frame_days,
            raw_reply_days: retention.raw_reply_days,
            delete_video_after_analysis: retention.delete_video_after_analysis,
            roi_defaults: overrides(&input.roi_defaults.unwrap_or_default()),
            notice: input.recording_notice.map(|notice| (notice.locale, notice.text)),
        };
        let scope = request.scope().await?;
        let organization = scope.organization()?;
        manage::update(&scope, &update, &act(ctx)?).await?;
        scope.commit().await?;
        Ok(Some(UpdateOrganizationPayload {
            read: request.fresh()?,
            organization,
        }))
    }

    /// Seven days to undo by the platform's operator; then everything but the receipt is erased. Owners.
    async fn delete_organization(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "The organization's name, repeated.")] input: DeleteOrganizationInput,
    ) -> Result<Option<DeleteOrganizationPayload>> {
        let request = ctx.request()?;
        let scope = request.scope().await?;
        let organization = scope.organization()?;
        let erased_at = manage::delete(&scope, &input.confirm_name, &act(ctx)?).await?;
        scope.commit().await?;
        Ok(Some(DeleteOrganizationPayload {
            organization_id: organization.uuid().into(),
            erased_at: erased_at.into(),
        }))
    }

    /// Makes a key for a partner: owners, at most 20. Its secret is answered once.
    async fn create_api_key(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "The key.")] input: CreateApiKeyInput,
    ) -> Result<Option<CreateApiKeyPayload>> {
        let request = ctx.request()?;
        let key = once(ctx, input.idempotency_key.as_ref(), "createApiKey")?;
        let new = NewKey {
            name: input.name,
            role: input.role,
            read_only: input.read_only,
            expires_at: input.expires_at.map(|at| at.0),
        };
        if new.role == Role::Owner {
            return Err(Failure::invalid(
                "input.role",
                "a key is an ADMIN or an OPERATOR: none owns an organization",
            ));
        }
        let scope = request.scope().await?;
        let (id, secret) = keys::create(&scope, &new, key.as_ref(), &act(ctx)?).await?;
        scope.commit().await?;
        Ok(Some(CreateApiKeyPayload {
            read: request.fresh()?,
            key: id,
            secret,
        }))
    }

    /// Revokes a key within a second, on open sockets too: owners.
    async fn revoke_api_key(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "The key.")] input: RevokeApiKeyInput,
    ) -> Result<Option<RevokeApiKeyPayload>> {
        let request = ctx.request()?;
        let key: ApiKeyId = id(&input.api_key_id, "input.apiKeyId")?;
        let scope = request.scope().await?;
        keys::revoke(&scope, key, &act(ctx)?).await?;
        scope.commit().await?;
        request.api().hub.rights_changed(key.uuid());
        Ok(Some(RevokeApiKeyPayload {
            read: request.fresh()?,
            key,
        }))
    }
}
