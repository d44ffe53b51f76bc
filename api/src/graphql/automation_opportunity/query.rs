//! How opportunities are asked for: one by its id, or a list by filter and order. Apart from what one is.

use std::sync::Arc;

use async_graphql::{Context, Enum, ID, InputObject, Object};
use domain::category::WorkflowCategory;
use domain::id::{AnalysisId, OpportunityId, SessionId};
use domain::roi::{Complexity, FrequencyBasis, Priority};
use domain::status::OpportunityStatus;
use futures::FutureExt as _;
use service::automation_opportunity::{self as row, Bounds, Opportunities};
use service::page::{Direction, Key, Order};

use super::AutomationOpportunity;
use crate::graphql::context::InRequest as _;
use crate::graphql::error::Result;
use crate::graphql::guard::Needs;
use crate::graphql::page::{Connection, DateTimeRange, OrderDirection, arguments, find, id, optional_id, range};
use crate::graphql::scalar::Decimal;

/// Bounds of an exact number; what is left out does not bound.
#[derive(Default, InputObject)]
pub struct DecimalFilter {
    /// Greater than this.
    gt: Option<Decimal>,
    /// This or greater.
    gte: Option<Decimal>,
    /// Less than this.
    lt: Option<Decimal>,
    /// This or less.
    lte: Option<Decimal>,
}

impl DecimalFilter {
    fn bounds(self) -> Bounds {
        let bound = |number: Option<Decimal>| number.map(|number| number.0);
        Bounds {
            gt: bound(self.gt),
            gte: bound(self.gte),
            lt: bound(self.lt),
            lte: bound(self.lte),
        }
    }
}

/// Which opportunities; what is left out does not restrict.
#[derive(Default, InputObject)]
pub struct OpportunityFilter {
    /// Of this session.
    session_id: Option<ID>,
    /// Of this analysis.
    analysis_id: Option<ID>,
    /// Of this process.
    process_key: Option<String>,
    /// Of one of these kinds of work.
    opportunity_type: Option<Vec<WorkflowCategory>>,
    /// Of one of these priorities.
    priority: Option<Vec<Priority>>,
    /// In one of these states.
    status: Option<Vec<OpportunityStatus>>,
    /// Of one of these complexities.
    automation_complexity: Option<Vec<Complexity>>,
    /// With a frequency known in one of these ways.
    frequency_basis: Option<Vec<FrequencyBasis>>,
    /// With a return on investment within these bounds, in percent.
    roi_percentage: Option<DecimalFilter>,
    /// True for those of the newest completed analysis of each session only.
    current_only: Option<bool>,
    /// Changed in this range.
    updated: Option<DateTimeRange>,
}

impl OpportunityFilter {
    fn opportunities(self) -> Result<Opportunities> {
        Ok(Opportunities {
            session: optional_id::<SessionId>(self.session_id.as_ref(), "filter.sessionId")?,
            analysis: optional_id::<AnalysisId>(self.analysis_id.as_ref(), "filter.analysisId")?,
            process_key: self.process_key,
            opportunity_type: self.opportunity_type,
            priority: self.priority,
            status: self.status,
            automation_complexity: self.automation_complexity,
            frequency_basis: self.frequency_basis,
            roi_percentage: self.roi_percentage.unwrap_or_default().bounds(),
            current_only: self.current_only.unwrap_or(false),
            updated: range(self.updated),
        })
    }
}

/// What opportunities can be ordered by.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Enum)]
pub enum OpportunityOrderField {
    /// Potential saving a month.
    EstimatedCostSavingsMonthly,
    /// Return on investment.
    RoiPercentage,
    /// Days until it has paid for itself.
    PaybackPeriod,
    /// Urgency: CRITICAL is largest.
    Priority,
    /// When it was found.
    CreatedAt,
    /// When it was last changed.
    UpdatedAt,
}

/// One key of an order of opportunities.
#[derive(InputObject)]
pub struct OpportunityOrder {
    /// By what.
    field: OpportunityOrderField,
    /// Which way.
    #[graphql(default_with = "OrderDirection::Desc")]
    direction: OrderDirection,
}

impl OpportunityOrder {
    fn keys(orders: Option<Vec<Self>>) -> Vec<(Key, Direction)> {
        let key = |order: Self| {
            let key = match order.field {
                OpportunityOrderField::EstimatedCostSavingsMonthly => row::ESTIMATED_COST_SAVINGS_MONTHLY,
                OpportunityOrderField::RoiPercentage => row::ROI_PERCENTAGE,
                OpportunityOrderField::PaybackPeriod => row::PAYBACK_PERIOD,
                OpportunityOrderField::Priority => row::PRIORITY,
                OpportunityOrderField::CreatedAt => row::CREATED_AT,
                OpportunityOrderField::UpdatedAt => row::UPDATED_AT,
            };
            (key, order.direction.into())
        };
        orders.unwrap_or_default().into_iter().map(key).collect()
    }

    /// The order of a list.
    pub fn order(orders: Option<Vec<Self>>) -> Order {
        row::order(Self::keys(orders))
    }
}

/// Queries about opportunities.
#[derive(Default)]
pub struct OpportunityQuery;

#[Object]
impl OpportunityQuery {
    /// An opportunity by its id; null when there is none that the caller may see.
    #[graphql(guard = "Needs::Member")]
    async fn opportunity(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "The opportunity's id.", name = "id")] opportunity: ID,
    ) -> Result<Option<AutomationOpportunity>> {
        find(ctx, &ctx.request()?.read()?, id::<OpportunityId>(&opportunity, "id")?).await
    }

    /// The organization's opportunities, highest potential saving first unless ordered otherwise; those of earlier analyses too
    /// unless `currentOnly`.
    #[graphql(guard = "Needs::Member")]
    async fn opportunities(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "Which opportunities.")] filter: Option<OpportunityFilter>,
        #[graphql(
            desc = "The order, by the first key first; by estimatedCostSavingsMonthly, highest first, unless said."
        )]
        order_by: Option<Vec<OpportunityOrder>>,
        #[graphql(desc = "How many from the start: 20 unless said, 100 at most.")] first: Option<i32>,
        #[graphql(desc = "Only those behind this cursor.")] after: Option<String>,
        #[graphql(desc = "How many from the end, 100 at most.")] last: Option<i32>,
        #[graphql(desc = "Only those before this cursor.")] before: Option<String>,
    ) -> Result<Option<Connection<AutomationOpportunity>>> {
        let read = ctx.request()?.read()?;
        let which = Arc::new(filter.unwrap_or_default().opportunities()?);
        let counted = Arc::clone(&which);
        let connection = Connection::list(
            ctx,
            &read,
            OpportunityOrder::order(order_by),
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
