//! Cost analyses: what an analysis is worth, and what that rests on.

use std::str::FromStr as _;
use std::sync::Arc;

use async_graphql::{Context, Enum, ID, InputObject, Object, SimpleObject};
use domain::id::{AnalysisId, CostAnalysisId, SessionId};
use domain::roi::assumptions::Assumptions;
use domain::roi::{ConfidenceLevel, ScenarioName, ValueSource};
use futures::FutureExt as _;
use rust_decimal::prelude::ToPrimitive as _;
use serde_json::Value;
use service::cost_analysis::{self as row, CostAnalyses, Table};
use service::organization;
use service::page::{Direction, Key};
use service::row::Columns;
use service::shape::Part;
use service::valuation::Contributed;

use super::analysis_result::Analysis;
use super::at_once::{Asked, AtHand};
use super::context::{InRequest as _, Read};
use super::error::Result;
use super::guard::Needs;
use super::loader::{AssumptionsOf, ById, ScenariosOf};
use super::page::{Connection, DateTimeRange, OrderDirection, RowObject, arguments, find, get, id, optional_id, range};
use super::process_contribution::ProcessContribution;
use super::recording_session::RecordingSession;
use super::scalar::{DateTime, Decimal, Json, Money};
use super::written::{Plain, Related};

/// What an analysis is worth.
pub struct CostAnalysis {
    read: Read,
    row: Arc<row::Row>,
}

impl AtHand for CostAnalysis {
    fn at_hand(&self, asked: &Asked<'_>) -> Option<async_graphql::Value> {
        Self::plain(asked.field())?.at_hand(&self.row, asked)
    }
}

impl RowObject for CostAnalysis {
    type Table = Table;

    fn plain(field: &str) -> Option<Plain> {
        Some(match field {
            "id" => Plain::Column(Table::ID),
            "currentMonthlyHours" => Plain::Column(Table::CURRENT_MONTHLY_HOURS),
            "projectedMonthlyHours" => Plain::Column(Table::PROJECTED_MONTHLY_HOURS),
            "currentMonthlyCost" => Plain::Money(Table::CURRENT_MONTHLY_COST, Table::CURRENCY),
            "projectedMonthlyCost" => Plain::Money(Table::PROJECTED_MONTHLY_COST, Table::CURRENCY),
            "totalImplementationCost" => Plain::Money(Table::TOTAL_IMPLEMENTATION_COST, Table::CURRENCY),
            "monthlySavings" => Plain::Money(Table::MONTHLY_SAVINGS, Table::CURRENCY),
            "annualSavings" => Plain::Money(Table::ANNUAL_SAVINGS, Table::CURRENCY),
            "paybackPeriodDays" => Plain::Column(Table::PAYBACK_PERIOD_DAYS),
            "roiPercentage" => Plain::Column(Table::ROI_PERCENTAGE),
            "createdAt" => Plain::Column(Table::CREATED_AT),
            _ => return None,
        })
    }

    fn related(field: &Related<'_>) -> Option<Part> {
        match field.field() {
            "analysis" => field.parent::<Table, Analysis>(Table::ANALYSIS_ID),
            "session" => field.parent::<Table, RecordingSession>(Table::SESSION_ID),
            _ => None,
        }
    }

    fn columns(field: &str) -> Columns {
        match field {
            "currentHourlyRate" => Table::CURRENT_HOURLY_RATE | Table::CURRENCY,
            "confidenceLevel" => Table::CONFIDENCE_LEVEL,
            "scenarios" | "processes" => Table::CURRENCY,
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

impl CostAnalysis {
    fn money(&self, amount: Option<rust_decimal::Decimal>) -> Result<Option<Money>> {
        amount
            .map(|amount| Ok(Money::of(amount, self.row.currency()?)))
            .transpose()
    }

    async fn stored_assumptions(&self) -> Result<Arc<Value>> {
        let stored = self.read.get(AssumptionsOf(self.row.uuid()?)).await?;
        Ok(stored.ok_or_else(|| service::Error::internal("a cost analysis without assumptions"))?)
    }
}

/// What an analysis is worth, with the assumptions that the figures rest on: potential, base scenario.
#[Object]
impl CostAnalysis {
    /// Its id.
    pub async fn id(&self) -> Result<ID> {
        Ok(self.row.id()?.into())
    }

    /// The analysis that it is about.
    async fn analysis(&self, ctx: &Context<'_>) -> Result<Analysis> {
        get(ctx, &self.read, self.row.analysis_id()?).await
    }

    /// The recording that it is about.
    async fn session(&self, ctx: &Context<'_>) -> Result<RecordingSession> {
        get(ctx, &self.read, self.row.session_id()?).await
    }

    /// Hours a month that the processes take now; null where nothing can be counted, as are all figures.
    fn current_monthly_hours(&self) -> Result<Option<Decimal>> {
        Ok(self.row.current_monthly_hours()?.map(Into::into))
    }

    /// What these hours cost.
    fn current_monthly_cost(&self) -> Result<Option<Money>> {
        self.money(self.row.current_monthly_cost()?)
    }

    /// Hours a month that they would still take.
    fn projected_monthly_hours(&self) -> Result<Option<Decimal>> {
        Ok(self.row.projected_monthly_hours()?.map(Into::into))
    }

    /// What these hours, upkeep and licences would cost.
    fn projected_monthly_cost(&self) -> Result<Option<Money>> {
        self.money(self.row.projected_monthly_cost()?)
    }

    /// What building the automations costs.
    fn total_implementation_cost(&self) -> Result<Option<Money>> {
        self.money(self.row.total_implementation_cost()?)
    }

    /// Potential saving a month, after upkeep and licences.
    fn monthly_savings(&self) -> Result<Option<Money>> {
        self.money(self.row.monthly_savings()?)
    }

    /// Potential saving a year: twelve months.
    fn annual_savings(&self) -> Result<Option<Money>> {
        self.money(self.row.annual_savings()?)
    }

    /// Days until the saving has paid for the building, as a simple quotient; null when it never does.
    fn payback_period_days(&self) -> Result<Option<i32>> {
        Ok(self.row.payback_period_days()?)
    }

    /// Return in the first year of steady state, net, in percent of the cost; null without a cost.
    fn roi_percentage(&self) -> Result<Option<Decimal>> {
        Ok(self.row.roi_percentage()?.map(Into::into))
    }

    /// What an hour of work costs, as calculated with.
    fn current_hourly_rate(&self) -> Result<Option<Money>> {
        self.money(self.row.current_hourly_rate()?)
    }

    /// How far the figures can be relied on; null when that was not judged.
    fn confidence_level(&self) -> Result<Option<ConfidenceLevel>> {
        Ok(self.row.confidence_level()?)
    }

    /// Every value that was calculated with, and where it comes from.
    async fn assumptions(&self) -> Result<Json> {
        Ok(Json((*self.stored_assumptions().await?).clone()))
    }

    /// What the figures are made of: each process that counts, the highest saving first. Empty for one made before it was kept.
    async fn processes(
        &self,
        #[graphql(desc = "How many, 1 to 100; 20 if not said.")] first: Option<i32>,
        #[graphql(desc = "How many to pass over.")] skip: Option<i32>,
    ) -> Result<Vec<ProcessContribution>> {
        let stored = self.stored_assumptions().await?;
        let unreadable = |_| service::Error::internal("what a cost analysis is made of cannot be read");
        let contributed: Vec<Contributed> = match stored.get("processes") {
            Some(list) => serde_json::from_value(list.clone()).map_err(unreadable)?,
            None => Vec::new(),
        };
        ProcessContribution::list(&contributed, self.row.currency()?, first, skip)
    }

    /// Whether the organization's assumptions have changed since, so that recalculateCosts would give other figures.
    async fn assumptions_outdated(&self) -> Result<bool> {
        let stored = self.stored_assumptions().await?;
        let organization = self.read.caller().member()?.organization.uuid();
        let now = self
            .read
            .get(ById::<organization::Table>::new(
                organization,
                organization::ASSUMPTIONS,
            ))
            .await?;
        let now = now
            .ok_or_else(|| service::Error::internal("an organization without a row"))?
            .assumptions()?;
        Ok(outdated(&stored, &now))
    }

    /// Three views of the same savings: WORST, BASE and BEST.
    async fn scenarios(&self) -> Result<Vec<CostScenario>> {
        let stored = self.read.get(ScenariosOf(self.row.uuid()?)).await?;
        let stored = stored.ok_or_else(|| service::Error::internal("a cost analysis without scenarios"))?;
        let currency = self.row.currency()?;
        let list = stored.as_array().map(Vec::as_slice).unwrap_or_default();
        let unreadable = || service::Error::internal("a stored scenario cannot be read");
        Ok(list
            .iter()
            .map(|scenario| CostScenario::read(scenario, currency).ok_or_else(unreadable))
            .collect::<service::Result<_>>()?)
    }

    /// When it was made.
    fn created_at(&self) -> Result<DateTime> {
        Ok(self.row.created_at()?.into())
    }
}

/// Whether what an analysis of costs started from is no longer what one would start from now. Values that people entered for
/// this analysis alone are meant to differ.
fn outdated(stored: &Value, now: &Assumptions) -> bool {
    let Ok(then) = serde_json::from_value::<Assumptions>(stored.clone()) else {
        return true;
    };
    then.currency() != now.currency()
        || then.all().any(|(assumption, sourced)| {
            sourced.source != ValueSource::Reviewer && sourced.value != now.value(assumption)
        })
}

/// One view of the savings. BASE equals the stored figures to the cent.
#[derive(SimpleObject)]
pub struct CostScenario {
    /// Which one.
    name: ScenarioName,
    /// Share of occurrences that go through the automations, 0 to 1.
    adoption: f64,
    /// Saving a month in steady state.
    monthly_savings: Money,
    /// Today's worth of all cash within the horizon.
    net_present_value: Money,
    /// Days until the cash is back, with ramp-up; null when it never is.
    cash_payback_days: Option<i32>,
    /// The cash after each month: first the building, then one value for each month of the horizon.
    cumulative_cash: Vec<Money>,
}

impl CostScenario {
    fn read(stored: &Value, currency: &str) -> Option<Self> {
        let money = |value: &Value| Some(Money::of(decimal(value)?, currency));
        Some(Self {
            name: stored.get("name")?.as_str()?.parse().ok()?,
            adoption: decimal(stored.get("adoption")?)?.to_f64()?,
            monthly_savings: money(stored.get("monthly_savings")?)?,
            net_present_value: money(stored.get("net_present_value")?)?,
            cash_payback_days: stored
                .get("cash_payback_days")
                .and_then(Value::as_i64)
                .and_then(|days| i32::try_from(days).ok()),
            cumulative_cash: stored
                .get("cumulative_cash")?
                .as_array()?
                .iter()
                .map(money)
                .collect::<Option<_>>()?,
        })
    }
}

/// A decimal in JSON: a text, or a number.
fn decimal(value: &Value) -> Option<rust_decimal::Decimal> {
    match value {
        Value::String(text) => rust_decimal::Decimal::from_str(text).ok(),
        Value::Number(number) => rust_decimal::Decimal::from_str(&number.to_string()).ok(),
        _ => None,
    }
}

/// Which cost analyses; what is left out does not restrict.
#[derive(Default, InputObject)]
pub struct CostAnalysisFilter {
    /// Of this session.
    session_id: Option<ID>,
    /// Of this analysis.
    analysis_id: Option<ID>,
    /// Made in this range.
    created: Option<DateTimeRange>,
}

impl CostAnalysisFilter {
    fn cost_analyses(self) -> Result<CostAnalyses> {
        Ok(CostAnalyses {
            session: optional_id::<SessionId>(self.session_id.as_ref(), "filter.sessionId")?,
            analysis: optional_id::<AnalysisId>(self.analysis_id.as_ref(), "filter.analysisId")?,
            created: range(self.created),
        })
    }
}

/// What cost analyses can be ordered by.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Enum)]
pub enum CostAnalysisOrderField {
    /// When it was made.
    CreatedAt,
    /// Potential saving a year.
    AnnualSavings,
}

/// One key of an order of cost analyses.
#[derive(InputObject)]
pub struct CostAnalysisOrder {
    /// By what.
    field: CostAnalysisOrderField,
    /// Which way.
    #[graphql(default_with = "OrderDirection::Desc")]
    direction: OrderDirection,
}

impl CostAnalysisOrder {
    fn keys(orders: Option<Vec<Self>>) -> Vec<(Key, Direction)> {
        let key = |order: Self| {
            let key = match order.field {
                CostAnalysisOrderField::CreatedAt => row::CREATED_AT,
                CostAnalysisOrderField::AnnualSavings => row::ANNUAL_SAVINGS,
            };
            (key, order.direction.into())
        };
        orders.unwrap_or_default().into_iter().map(key).collect()
    }
}

/// Queries about cost analyses.
#[derive(Default)]
pub struct CostAnalysisQuery;

#[Object]
impl CostAnalysisQuery {
    /// A cost analysis by its id; null when there is none that the caller may see.
    #[graphql(guard = "Needs::Member")]
    async fn cost_analysis(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "The cost analysis's id.", name = "id")] cost_analysis: ID,
    ) -> Result<Option<CostAnalysis>> {
        find(
            ctx,
            &ctx.request()?.read()?,
            id::<CostAnalysisId>(&cost_analysis, "id")?,
        )
        .await
    }

    /// The organization's cost analyses, the newest first unless ordered otherwise.
    #[graphql(guard = "Needs::Member")]
    async fn cost_analyses(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "Which cost analyses.")] filter: Option<CostAnalysisFilter>,
        #[graphql(desc = "The order, by the first key first; newest first unless said.")] order_by: Option<
            Vec<CostAnalysisOrder>,
        >,
        #[graphql(desc = "How many from the start: 20 unless said, 100 at most.")] first: Option<i32>,
        #[graphql(desc = "Only those behind this cursor.")] after: Option<String>,
        #[graphql(desc = "How many from the end, 100 at most.")] last: Option<i32>,
        #[graphql(desc = "Only those before this cursor.")] before: Option<String>,
    ) -> Result<Option<Connection<CostAnalysis>>> {
        let read = ctx.request()?.read()?;
        let which = Arc::new(filter.unwrap_or_default().cost_analyses()?);
        let counted = Arc::clone(&which);
        let connection = Connection::list(
            ctx,
            &read,
            row::order(CostAnalysisOrder::keys(order_by)),
            arguments(first, after, last, before),
            async |scope, columns, window| row::list(scope, columns, &which, window).await,
            move |reader| {
                let which = Arc::clone(&counted);
                async move { reader.load(async |scope| row::count(scope, &which).await).await }.boxed()
            },
        );
        Ok(Some(connection.await?))
    }
}
