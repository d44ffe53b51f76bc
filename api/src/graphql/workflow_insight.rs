//! Workflow insights.

use std::sync::Arc;

use async_graphql::{Context, Enum, ID, InputObject, Object};
use domain::id::{AnalysisId, SessionId};
use domain::insight::InsightType;
use domain::roi::Priority;
use futures::FutureExt as _;
use service::page::{Direction, Key};
use service::row::Columns;
use service::workflow_insight::{self as row, Insights, Table};

use super::analysis_result::Analysis;
use super::at_once::AtHand;
use super::automation_opportunity::spans;
use super::context::{InRequest as _, Read};
use super::error::{Result, alone};
use super::guard::Needs;
use super::page::{Connection, OrderDirection, RowObject, arguments, find, get, optional_id};
use super::recording_session::RecordingSession;
use super::scalar::{DateTime, Decimal, Json, TimeSpan};

/// A pattern, a bottleneck, or something that could be done differently.
pub struct WorkflowInsight {
    read: Read,
    row: Arc<row::Row>,
}

impl AtHand for WorkflowInsight {}

impl RowObject for WorkflowInsight {
    type Table = Table;

    fn columns(field: &str) -> Columns {
        match field {
            "insightType" => Table::INSIGHT_TYPE,
            "title" => Table::TITLE,
            "description" => Table::DESCRIPTION,
            "confidenceScore" => Table::CONFIDENCE_SCORE,
            "timeSavedSeconds" => Table::TIME_SAVED_SECONDS,
            "roiScore" => Table::ROI_SCORE,
            "automationPotential" => Table::AUTOMATION_POTENTIAL,
            "priority" => Table::PRIORITY,
            "metadata" => Table::METADATA,
            "evidence" => Table::EVIDENCE,
            "createdAt" => Table::CREATED_AT,
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

/// A pattern, a bottleneck, or something that could be done differently, with the seconds of the recording that show it.
#[Object]
impl WorkflowInsight {
    /// Its id.
    pub async fn id(&self) -> Result<ID> {
        Ok(self.row.id()?.into())
    }

    /// The recording that it is about.
    async fn session(&self, ctx: &Context<'_>) -> Result<RecordingSession> {
        get(ctx, &self.read, self.row.session_id()?).await
    }

    /// The analysis that wrote it; null for one that belongs to the session alone.
    async fn analysis(&self, ctx: &Context<'_>) -> Option<Result<Analysis>> {
        alone(async {
            match self.row.analysis_id()? {
                Some(analysis) => find(ctx, &self.read, analysis).await,
                None => Ok(None),
            }
        })
        .await
    }

    /// What it is about.
    fn insight_type(&self) -> Result<InsightType> {
        Ok(self.row.insight_type()?)
    }

    /// The insight in a few words.
    fn title(&self) -> Result<&str> {
        Ok(self.row.title()?)
    }

    /// The insight in sentences, with the figures that support it.
    fn description(&self) -> Result<&str> {
        Ok(self.row.description()?)
    }

    /// The analyser's own estimate, 0 to 1; null when it gives none.
    fn confidence_score(&self) -> Result<Option<f64>> {
        Ok(self.row.confidence_score()?)
    }

    /// What acting on it could save per occurrence, in seconds; null when that is not known.
    fn time_saved_seconds(&self) -> Result<Option<f64>> {
        Ok(self.row.time_saved_seconds()?)
    }

    /// Annual saving divided by cost; null without a cost.
    fn roi_score(&self) -> Result<Option<Decimal>> {
        Ok(self.row.roi_score()?.map(Into::into))
    }

    /// The share that could be automated, 0 to 1; null when that is not known.
    fn automation_potential(&self) -> Result<Option<f64>> {
        Ok(self.row.automation_potential()?)
    }

    /// How soon it deserves attention; null when that was not worked out.
    fn priority(&self) -> Result<Option<Priority>> {
        Ok(self.row.priority()?)
    }

    /// The rule that found it and its inputs.
    fn metadata(&self) -> Result<Json> {
        Ok(Json(self.row.metadata()?))
    }

    /// The stretches of the recording that show it.
    fn evidence(&self) -> Result<Vec<TimeSpan>> {
        spans(self.row.evidence()?)
    }

    /// When it was written.
    fn created_at(&self) -> Result<DateTime> {
        Ok(self.row.created_at()?.into())
    }
}

/// Which insights; what is left out does not restrict.
#[derive(Default, InputObject)]
pub struct InsightFilter {
    /// Of this session.
    session_id: Option<ID>,
    /// Of this analysis.
    analysis_id: Option<ID>,
    /// About one of these.
    insight_type: Option<Vec<InsightType>>,
    /// Of one of these priorities.
    priority: Option<Vec<Priority>>,
}

impl InsightFilter {
    fn insights(self) -> Result<Insights> {
        Ok(Insights {
            session: optional_id::<SessionId>(self.session_id.as_ref(), "filter.sessionId")?,
            analysis: optional_id::<AnalysisId>(self.analysis_id.as_ref(), "filter.analysisId")?,
            insight_type: self.insight_type,
            priority: self.priority,
        })
    }
}

/// What insights can be ordered by.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Enum)]
pub enum InsightOrderField {
    /// When it was written.
    CreatedAt,
    /// Urgency: CRITICAL is largest.
    Priority,
    /// What acting on it could save per occurrence.
    TimeSaved,
}

/// One key of an order of insights.
#[derive(InputObject)]
pub struct InsightOrder {
    /// By what.
    field: InsightOrderField,
    /// Which way.
    #[graphql(default_with = "OrderDirection::Desc")]
    direction: OrderDirection,
}

impl InsightOrder {
    fn keys(orders: Option<Vec<Self>>) -> Vec<(Key, Direction)> {
        let key = |order: Self| {
            let key = match order.field {
                InsightOrderField::CreatedAt => row::CREATED_AT,
                InsightOrderField::Priority => row::PRIORITY,
                InsightOrderField::TimeSaved => row::TIME_SAVED,
            };
            (key, order.direction.into())
        };
        orders.unwrap_or_default().into_iter().map(key).collect()
    }
}

/// Queries about insights.
#[derive(Default)]
pub struct InsightQuery;

#[Object]
impl InsightQuery {
    /// The organization's insights, the newest first unless ordered otherwise.
    #[graphql(guard = "Needs::Member")]
    async fn insights(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "Which insights.")] filter: Option<InsightFilter>,
        #[graphql(desc = "The order, by the first key first; newest first unless said.")] order_by: Option<
            Vec<InsightOrder>,
        >,
        #[graphql(desc = "How many from the start: 20 unless said, 100 at most.")] first: Option<i32>,
        #[graphql(desc = "Only those behind this cursor.")] after: Option<String>,
        #[graphql(desc = "How many from the end, 100 at most.")] last: Option<i32>,
        #[graphql(desc = "Only those before this cursor.")] before: Option<String>,
    ) -> Result<Option<Connection<WorkflowInsight>>> {
        let read = ctx.request()?.read()?;
        let which = Arc::new(filter.unwrap_or_default().insights()?);
        let counted = Arc::clone(&which);
        let connection = Connection::list(
            ctx,
            &read,
            row::order(InsightOrder::keys(order_by)),
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
