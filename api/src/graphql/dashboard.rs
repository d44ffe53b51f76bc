//! Sums over the organization.

use async_graphql::{ComplexObject, Context, Object, SimpleObject};
use domain::category::WorkflowCategory;
use service::dashboard::{self, ByState};
use service::valuation::Contributed;

use super::context::InRequest as _;
use super::error::Result;
use super::guard::Needs;
use super::page::{DateTimeRange, range};
use super::process_contribution::ProcessContribution;
use super::scalar::{Decimal, Money};

/// Three different sums; each holds the next.
#[derive(SimpleObject)]
pub struct ValueByState {
    /// Potential of everything that was found and not dismissed.
    identified: Decimal,
    /// Of these, what people accepted or implemented.
    accepted: Decimal,
    /// Of these, what is implemented: the only sum that may be called saved.
    implemented: Decimal,
}

impl ValueByState {
    fn of(sums: ByState) -> Self {
        Self {
            identified: sums.identified.into(),
            accepted: sums.accepted.into(),
            implemented: sums.implemented.into(),
        }
    }
}

/// Three different sums of money; each holds the next.
#[derive(SimpleObject)]
pub struct MoneyByState {
    /// Potential of everything that was found and not dismissed.
    identified: Money,
    /// Of these, what people accepted or implemented.
    accepted: Money,
    /// Of these, what is implemented: the only sum that may be called saved.
    implemented: Money,
}

impl MoneyByState {
    fn of(sums: ByState, currency: &str) -> Self {
        Self {
            identified: Money::of(sums.identified, currency),
            accepted: Money::of(sums.accepted, currency),
            implemented: Money::of(sums.implemented, currency),
        }
    }
}

/// The current analyses of recordings of one kind of work. A process counts once, however many recordings show it.
#[derive(SimpleObject)]
#[graphql(complex)]
pub struct WorkflowTypePerformance {
    /// The kind of work; null for recordings that nobody classified.
    workflow_type: Option<WorkflowCategory>,
    /// Recordings with a completed analysis.
    total_recordings: i64,
    /// Mean of the analysers' own estimates, 0 to 1; null without any.
    average_confidence: Option<f64>,
    /// Opportunities in these analyses, counted or not.
    total_opportunities: i64,
    /// Hours a week, base scenario.
    weekly_hours: ValueByState,
    /// Money a year, base scenario.
    annual_cost: MoneyByState,
    #[graphql(skip)]
    contributed: Vec<Contributed>,
    #[graphql(skip)]
    currency: String,
}

#[ComplexObject]
impl WorkflowTypePerformance {
    /// What the sums are made of: each process once, the highest saving first.
    async fn processes(
        &self,
        #[graphql(desc = "How many, 1 to 100; 20 if not said.")] first: Option<i32>,
        #[graphql(desc = "How many to pass over.")] skip: Option<i32>,
    ) -> Result<Vec<ProcessContribution>> {
        ProcessContribution::list(&self.contributed, &self.currency, first, skip)
    }
}

/// The current analyses whose first workflow is of one kind.
#[derive(SimpleObject)]
pub struct WorkflowPattern {
    /// The kind of work; null where an analysis names none.
    category: Option<WorkflowCategory>,
    /// How many analyses.
    analyses: i64,
    /// Mean time that an analysis took, in seconds; null where none was measured.
    average_processing_seconds: Option<f64>,
    /// Mean number of frames that an analysis looked at closely.
    average_frames: Option<f64>,
}

/// What analyses have found and people have made of it. A process counts once, however many recordings show it.
#[derive(SimpleObject)]
#[graphql(complex)]
pub struct BusinessImpact {
    /// Recordings, analysed or not.
    recordings: i64,
    /// Recordings with a completed analysis.
    analyses: i64,
    /// Hours a year, base scenario.
    annual_hours: ValueByState,
    /// Money a year, base scenario.
    annual_savings: MoneyByState,
    /// Mean of the analysers' own estimates, 0 to 1; null without any.
    mean_confidence: Option<f64>,
    /// accepted / (accepted + dismissed) opportunities, implemented ones being accepted; null below ten reviews.
    review_precision: Option<f64>,
    #[graphql(skip)]
    contributed: Vec<Contributed>,
    #[graphql(skip)]
    currency: String,
}

#[ComplexObject]
impl BusinessImpact {
    /// What the sums are made of: each process once, the highest saving first.
    async fn processes(
        &self,
        #[graphql(desc = "How many, 1 to 100; 20 if not said.")] first: Option<i32>,
        #[graphql(desc = "How many to pass over.")] skip: Option<i32>,
    ) -> Result<Vec<ProcessContribution>> {
        ProcessContribution::list(&self.contributed, &self.currency, first, skip)
    }
}

/// Queries for dashboards.
#[derive(Default)]
pub struct DashboardQuery;

#[Object]
impl DashboardQuery {
    /// How the organization does by kind of work: the newest completed analysis of each recording, highest potential first.
    #[graphql(guard = "Needs::Member")]
    async fn organization_performance(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "Only recordings started in this range.")] during: Option<DateTimeRange>,
    ) -> Result<Option<Vec<WorkflowTypePerformance>>> {
        let during = range(during);
        let rows = ctx
            .request()?
            .read()?
            .load(async |scope| dashboard::performance(scope, &during).await)
            .await?;
        let performance = |row: dashboard::Performance| WorkflowTypePerformance {
            workflow_type: row.workflow_type,
            total_recordings: row.recordings,
            average_confidence: row.confidence,
            total_opportunities: row.opportunities,
            weekly_hours: ValueByState::of(row.weekly_hours),
            annual_cost: MoneyByState::of(row.annual_cost, &row.currency),
            contributed: row.processes,
            currency: row.currency,
        };
        Ok(Some(rows.into_iter().map(performance).collect()))
    }

    /// The newest completed analysis of each recording by the category of its first workflow, most analyses first.
    #[graphql(guard = "Needs::Member")]
    async fn workflow_patterns(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "Only recordings started in this range.")] during: Option<DateTimeRange>,
    ) -> Result<Option<Vec<WorkflowPattern>>> {
        let during = range(during);
        let rows = ctx
            .request()?
            .read()?
            .load(async |scope| dashboard::patterns(scope, &during).await)
            .await?;
        let pattern = |row: dashboard::Pattern| WorkflowPattern {
            category: row.category,
            analyses: row.analyses,
            average_processing_seconds: row.processing_seconds,
            average_frames: row.frames,
        };
        Ok(Some(rows.into_iter().map(pattern).collect()))
    }

    /// What analyses have found and people have made of it, over the whole organization.
    #[graphql(guard = "Needs::Member")]
    async fn business_impact(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "Only recordings started in this range.")] during: Option<DateTimeRange>,
    ) -> Result<Option<BusinessImpact>> {
        let during = range(during);
        let impact = ctx
            .request()?
            .read()?
            .load(async |scope| dashboard::impact(scope, &during).await)
            .await?;
        Ok(Some(BusinessImpact {
            recordings: impact.recordings,
            analyses: impact.analyses,
            annual_hours: ValueByState::of(impact.annual_hours),
            annual_savings: MoneyByState::of(impact.annual_savings, &impact.currency),
            mean_confidence: impact.mean_confidence,
            review_precision: impact.reviews.precision(),
            contributed: impact.processes,
            currency: impact.currency,
        }))
    }
}
