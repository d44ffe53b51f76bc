//! The organization, its rules, its assumptions and its usage.

use std::sync::Arc;

use async_graphql::{Context, ID, Object, SimpleObject};
use domain::quota::{SubscriptionStatus, SubscriptionTier};
use domain::roi::ValueSource;
use domain::roi::assumptions::{Assumption, Assumptions};
use rust_decimal::prelude::ToPrimitive as _;
use service::dashboard;
use service::organization::{self as row, Table};
use service::row::Columns;

use super::at_once::AtHand;
use super::context::{InRequest as _, Read};
use super::error::Result;
use super::guard::Needs;
use super::page::{RowObject, find};
use super::scalar::{BigInt, DateTime, Decimal, Money};

/// An organization: the company whose work is recorded.
pub struct Organization {
    read: Read,
    row: Arc<row::Row>,
}

impl AtHand for Organization {}

impl RowObject for Organization {
    type Table = Table;

    fn columns(field: &str) -> Columns {
        match field {
            "name" => Table::NAME,
            "subscriptionTier" => Table::SUBSCRIPTION_TIER,
            "subscriptionStatus" => Table::SUBSCRIPTION_STATUS,
            "maxUsers" => Table::MAX_USERS,
            "maxRecordingsPerMonth" => Table::MAX_RECORDINGS_PER_MONTH,
            "currency" => Table::CURRENCY,
            "locale" => Table::LOCALE,
            "timeZone" => Table::TIME_ZONE,
            "remoteAnalysisAllowed" => Table::REMOTE_ANALYSIS_ALLOWED,
            "modelBudgetMonthlyUsd" => Table::MODEL_BUDGET_MONTHLY_USD,
            "modelBudgetPerAnalysisUsd" => Table::MODEL_BUDGET_PER_ANALYSIS_USD,
            "retention" => {
                Table::RETENTION_VIDEO_DAYS
                    | Table::RETENTION_FRAME_DAYS
                    | Table::RETENTION_RAW_REPLY_DAYS
                    | Table::DELETE_VIDEO_AFTER_ANALYSIS
            }
            "roiDefaults" => row::ASSUMPTIONS,
            "deletionRequestedAt" => Table::DELETION_REQUESTED_AT,
            "createdAt" => Table::CREATED_AT,
            "updatedAt" => Table::UPDATED_AT,
            _ => Columns::NONE,
        }
    }

    fn of(read: &Read, row: Arc<row::Row>) -> Self {
        Self {
            read: read.clone(),
            row,
        }
    }
}

/// An organization: the company whose work is recorded, with its plan, rules and assumptions.
#[Object]
impl Organization {
    /// Its id.
    pub async fn id(&self) -> Result<ID> {
        Ok(self.row.id()?.into())
    }

    /// Its name.
    fn name(&self) -> Result<&str> {
        Ok(self.row.name()?)
    }

    /// The plan that sets its limits.
    fn subscription_tier(&self) -> Result<SubscriptionTier> {
        Ok(self.row.subscription_tier()?)
    }

    /// Whether it may add recordings and analyses.
    fn subscription_status(&self) -> Result<SubscriptionStatus> {
        Ok(self.row.subscription_status()?)
    }

    /// How many members the plan allows.
    fn max_users(&self) -> Result<i32> {
        Ok(self.row.max_users()?)
    }

    /// How many recordings the plan allows in a month.
    fn max_recordings_per_month(&self) -> Result<i32> {
        Ok(self.row.max_recordings_per_month()?)
    }

    /// The currency of its money figures, by its ISO 4217 code.
    fn currency(&self) -> Result<&str> {
        Ok(self.row.currency()?)
    }

    /// The language of its reports: en, nl, fr or de.
    fn locale(&self) -> Result<&str> {
        Ok(self.row.locale()?)
    }

    /// The IANA name of its time zone; months and days are counted in it.
    fn time_zone(&self) -> Result<&str> {
        Ok(self.row.time_zone()?)
    }

    /// Whether an owner has allowed screens to be sent to a model's endpoint.
    fn remote_analysis_allowed(&self) -> Result<bool> {
        Ok(self.row.remote_analysis_allowed()?)
    }

    /// What models may cost in a month, in USD.
    fn model_budget_monthly_usd(&self) -> Result<Decimal> {
        Ok(self.row.model_budget_monthly_usd()?.into())
    }

    /// What models may cost in one analysis, in USD.
    fn model_budget_per_analysis_usd(&self) -> Result<Decimal> {
        Ok(self.row.model_budget_per_analysis_usd()?.into())
    }

    /// How long what is kept.
    fn retention(&self) -> Result<RetentionRules> {
        Ok(RetentionRules {
            video_days: self.row.retention_video_days()?,
            frame_days: self.row.retention_frame_days()?,
            raw_reply_days: self.row.retention_raw_reply_days()?,
            delete_video_after_analysis: self.row.delete_video_after_analysis()?,
        })
    }

    /// What every calculation starts from.
    fn roi_defaults(&self) -> Result<RoiDefaults> {
        Ok(RoiDefaults {
            assumptions: self.row.assumptions()?,
        })
    }

    /// How much of the plan is used in the running month.
    async fn usage(&self) -> Result<Usage> {
        usage(&self.read).await
    }

    /// When its deletion was asked for; null unless it is to be deleted.
    fn deletion_requested_at(&self) -> Result<Option<DateTime>> {
        Ok(self.row.deletion_requested_at()?.map(Into::into))
    }

    /// When it was founded.
    fn created_at(&self) -> Result<DateTime> {
        Ok(self.row.created_at()?.into())
    }

    /// When it was last changed.
    fn updated_at(&self) -> Result<DateTime> {
        Ok(self.row.updated_at()?.into())
    }
}

/// How long what is kept, in days.
#[derive(SimpleObject)]
pub struct RetentionRules {
    /// Days until a recording's video is deleted; a session may only be stricter.
    video_days: i32,
    /// Days until frames kept as evidence are deleted.
    frame_days: i32,
    /// Days until a model's raw reply is deleted; null keeps it as long as the analysis.
    raw_reply_days: Option<i32>,
    /// Whether the video is deleted as soon as an analysis of it is complete.
    delete_video_after_analysis: bool,
}

/// What every calculation starts from. All of it is editable; `sources` says where each value comes from.
pub struct RoiDefaults {
    assumptions: Assumptions,
}

impl RoiDefaults {
    fn decimal(&self, assumption: Assumption) -> Decimal {
        self.assumptions.value(assumption).into()
    }

    fn float(&self, assumption: Assumption) -> f64 {
        self.assumptions.value(assumption).to_f64().unwrap_or_default()
    }

    fn whole(&self, assumption: Assumption) -> i32 {
        self.assumptions.value(assumption).to_i32().unwrap_or_default()
    }

    fn money(&self, assumption: Assumption) -> Money {
        Money::of(self.assumptions.value(assumption), self.assumptions.currency().code())
    }
}

/// What every calculation starts from. All of it is editable; `sources` says where each value comes from.
#[Object]
impl RoiDefaults {
    /// What an hour of work costs the employer, loaded with all contributions.
    fn hourly_rate(&self) -> Money {
        self.money(Assumption::HourlyRate)
    }

    /// Working days in a year.
    fn working_days_per_year(&self) -> i32 {
        self.whole(Assumption::WorkingDaysPerYear)
    }

    /// Working hours of a person on a working day.
    fn hours_per_day(&self) -> Decimal {
        self.decimal(Assumption::HoursPerDay)
    }

    /// What an hour of building an automation costs.
    fn implementation_hourly_rate(&self) -> Money {
        self.money(Assumption::ImplementationHourlyRate)
    }

    /// Hours to build an automation of LOW complexity.
    fn effort_hours_low(&self) -> Decimal {
        self.decimal(Assumption::EffortHoursLow)
    }

    /// Hours to build an automation of MEDIUM complexity.
    fn effort_hours_medium(&self) -> Decimal {
        self.decimal(Assumption::EffortHoursMedium)
    }

    /// Hours to build an automation of HIGH complexity.
    fn effort_hours_high(&self) -> Decimal {
        self.decimal(Assumption::EffortHoursHigh)
    }

    /// Share of a process's time that an automation of LOW complexity takes over, 0 to 1.
    fn automatable_share_low(&self) -> f64 {
        self.float(Assumption::AutomatableShareLow)
    }

    /// Share of a process's time that an automation of MEDIUM complexity takes over, 0 to 1.
    fn automatable_share_medium(&self) -> f64 {
        self.float(Assumption::AutomatableShareMedium)
    }

    /// Share of a process's time that an automation of HIGH complexity takes over, 0 to 1.
    fn automatable_share_high(&self) -> f64 {
        self.float(Assumption::AutomatableShareHigh)
    }

    /// Yearly upkeep as a share of the cost to build, 0 to 1.
    fn maintenance_share_per_year(&self) -> f64 {
        self.float(Assumption::MaintenanceSharePerYear)
    }

    /// Licences a month for each automation.
    fn licence_per_month(&self) -> Money {
        self.money(Assumption::LicencePerMonth)
    }

    /// Yearly rate at which later money is worth less, 0 to 1.
    fn discount_rate(&self) -> f64 {
        self.float(Assumption::DiscountRate)
    }

    /// Share of occurrences that go through the automation in the WORST scenario, 0 to 1.
    fn adoption_worst(&self) -> f64 {
        self.float(Assumption::AdoptionWorst)
    }

    /// Share of occurrences that go through the automation in the BASE scenario, 0 to 1.
    fn adoption_base(&self) -> f64 {
        self.float(Assumption::AdoptionBase)
    }

    /// Share of occurrences that go through the automation in the BEST scenario, 0 to 1.
    fn adoption_best(&self) -> f64 {
        self.float(Assumption::AdoptionBest)
    }

    /// Months until an automation has its full effect, rising evenly.
    fn ramp_up_months(&self) -> i32 {
        self.whole(Assumption::RampUpMonths)
    }

    /// Months that a scenario looks ahead.
    fn horizon_months(&self) -> i32 {
        self.whole(Assumption::HorizonMonths)
    }

    /// Where each value comes from.
    fn sources(&self) -> Vec<RoiDefaultSource> {
        self.assumptions
            .all()
            .map(|(assumption, sourced)| RoiDefaultSource {
                name: assumption.api_name(),
                source: sourced.source,
                reference: sourced.reference.clone(),
            })
            .collect()
    }
}

/// Where one value of the assumptions comes from.
#[derive(SimpleObject)]
pub struct RoiDefaultSource {
    /// The value's field in `RoiDefaults`.
    name: &'static str,
    /// Who set it.
    source: ValueSource,
    /// The statistic behind a default, or that it is an assumption; null for values that people entered.
    reference: Option<String>,
}

/// How much of its plan an organization uses, in the running month of its own time zone.
#[derive(SimpleObject)]
pub struct Usage {
    /// The month: 2026-11.
    month: String,
    /// Recordings started in it.
    recordings: i64,
    /// How many the plan allows in a month.
    max_recordings: i32,
    /// Members.
    members: i64,
    /// How many members the plan allows.
    max_users: i32,
    /// Bytes of recordings, frames and reports that are kept, as far as the caller may see them.
    storage_bytes: BigInt,
    /// What models have cost this month, in USD; null to operators.
    model_cost_usd: Option<Decimal>,
    /// What models may cost in a month, in USD.
    model_budget_usd: Decimal,
}

async fn usage(read: &Read) -> Result<Usage> {
    let now = read.api().clock.now();
    let usage = read.load(async |scope| dashboard::usage(scope, now).await).await?;
    Ok(Usage {
        month: usage.month,
        recordings: usage.recordings,
        max_recordings: usage.max_recordings,
        members: usage.members,
        max_users: usage.max_users,
        storage_bytes: usage.storage_bytes.into(),
        model_cost_usd: usage.model_cost_usd.map(Into::into),
        model_budget_usd: usage.model_budget_usd.into(),
    })
}

/// Queries about the organization.
#[derive(Default)]
pub struct OrganizationQuery;

#[Object]
impl OrganizationQuery {
    /// The caller's organization; null to a person who belongs to none yet.
    #[graphql(guard = "Needs::Known")]
    async fn organization(&self, ctx: &Context<'_>) -> Result<Option<Organization>> {
        let read = ctx.request()?.read()?;
        match read.caller().membership {
            Some(membership) => find(ctx, &read, membership.organization).await,
            None => Ok(None),
        }
    }

    /// How much of its plan the organization uses.
    #[graphql(guard = "Needs::Member")]
    async fn usage(&self, ctx: &Context<'_>) -> Result<Option<Usage>> {
        Ok(Some(usage(&ctx.request()?.read()?).await?))
    }
}
