//! How analyses are asked for: one by its id, or a list by filter and order. Apart from what one is.

use std::sync::Arc;

use async_graphql::{Context, Enum, ID, InputObject, Object};
use domain::id::{AnalysisId, SessionId};
use domain::status::AnalysisStatus;
use futures::FutureExt as _;
use service::analysis_result::{self as row, Analyses};
use service::page::{Direction, Key};

use super::Analysis;
use crate::graphql::context::InRequest as _;
use crate::graphql::error::Result;
use crate::graphql::guard::Needs;
use crate::graphql::page::{Connection, DateTimeRange, OrderDirection, arguments, find, id, optional_id, range};

/// Which analyses; what is left out does not restrict.
#[derive(Default, InputObject)]
pub struct AnalysisFilter {
    /// In one of these states.
    status: Option<Vec<AnalysisStatus>>,
    /// Of this session.
    session_id: Option<ID>,
    /// True for the newest completed one of each session only.
    current_only: Option<bool>,
    /// Asked for in this range.
    created: Option<DateTimeRange>,
    /// Changed in this range.
    updated: Option<DateTimeRange>,
}

impl AnalysisFilter {
    fn analyses(self) -> Result<Analyses> {
        Ok(Analyses {
            status: self.status,
            session: optional_id::<SessionId>(self.session_id.as_ref(), "filter.sessionId")?,
            current_only: self.current_only.unwrap_or(false),
            created: range(self.created),
            updated: range(self.updated),
        })
    }
}

/// What analyses can be ordered by.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Enum)]
pub enum AnalysisOrderField {
    /// When it was asked for.
    CreatedAt,
    /// When it was last changed.
    UpdatedAt,
    /// The analyser's own estimate.
    Confidence,
    /// Potential savings a year.
    CostSavingsAnnual,
}

/// One key of an order of analyses.
#[derive(InputObject)]
pub struct AnalysisOrder {
    /// By what.
    field: AnalysisOrderField,
    /// Which way.
    #[graphql(default_with = "OrderDirection::Desc")]
    direction: OrderDirection,
}

impl AnalysisOrder {
    fn keys(orders: Option<Vec<Self>>) -> Vec<(Key, Direction)> {
        let key = |order: Self| {
            let key = match order.field {
                AnalysisOrderField::CreatedAt => row::CREATED_AT,
                AnalysisOrderField::UpdatedAt => row::UPDATED_AT,
                AnalysisOrderField::Confidence => row::CONFIDENCE,
                AnalysisOrderField::CostSavingsAnnual => row::COST_SAVINGS_ANNUAL,
            };
            (key, order.direction.into())
        };
        orders.unwrap_or_default().into_iter().map(key).collect()
    }
}

/// Queries about analyses.
#[derive(Default)]
pub struct AnalysisQuery;

#[Object]
impl AnalysisQuery {
    /// An analysis by its id; null when there is none that the caller may see.
    #[graphql(guard = "Needs::Member")]
    async fn analysis(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "The analysis's id.", name = "id")] analysis: ID,
    ) -> Result<Option<Analysis>> {
        find(ctx, &ctx.request()?.read()?, id::<AnalysisId>(&analysis, "id")?).await
    }

    /// The organization's analyses, the newest first unless ordered otherwise.
    #[graphql(guard = "Needs::Member")]
    async fn analyses(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "Which analyses.")] filter: Option<AnalysisFilter>,
        #[graphql(desc = "The order, by the first key first; newest first unless said.")] order_by: Option<
            Vec<AnalysisOrder>,
        >,
        #[graphql(desc = "How many from the start: 20 unless said, 100 at most.")] first: Option<i32>,
        #[graphql(desc = "Only those behind this cursor.")] after: Option<String>,
        #[graphql(desc = "How many from the end, 100 at most.")] last: Option<i32>,
        #[graphql(desc = "Only those before this cursor.")] before: Option<String>,
    ) -> Result<Option<Connection<Analysis>>> {
        let read = ctx.request()?.read()?;
        let which = Arc::new(filter.unwrap_or_default().analyses()?);
        let counted = Arc::clone(&which);
        let connection = Connection::list(
            ctx,
            &read,
            row::order(AnalysisOrder::keys(order_by)),
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
