//! Analyses: settings, progress, outcome, and what they found.

use std::sync::Arc;

use async_graphql::{Context, Enum, ID, InputObject, Object, SimpleObject, Value};
use domain::analysis_error::AnalysisErrorCode;
use domain::flow::{LayoutAlgorithm, VisualizationType};
use domain::id::{AnalysisId, SessionId};
use domain::sampling::{Analyser, SamplingPreset};
use domain::status::{AnalysisStage, AnalysisStatus};
use futures::FutureExt as _;
use service::analysis_result::{self as row, Analyses, Table, attempt, disclosure};
use service::look::Look;
use service::page::{Below, Direction, Key};
use service::row::Columns;
use service::shape::Part;

use super::analysis_frame::AnalysisFrame;
use super::at_once::{Asked, AtHand, AtOnce};
use super::automation_opportunity::{AutomationOpportunity, OpportunityOrder};
use super::context::{InRequest as _, Read};
use super::cost_analysis::CostAnalysis;
use super::error::{Result, alone};
use super::generated_report::Report;
use super::guard::Needs;
use super::insight::StructuredInsights;
use super::loader::{AttemptCostOf, CostOf, InsightsOf, RawReplyOf};
use super::look;
use super::page::{
    Connection, DateTimeRange, OrderDirection, RowObject, arguments, find, get, id, newest, optional_id, range, whole,
};
use super::recording_session::RecordingSession;
use super::scalar::{BigInt, DateTime, Decimal, Json, Money};
use super::workflow_insight::WorkflowInsight;
use super::workflow_visualization::WorkflowVisualization;
use super::written::{Plain, Related};

/// One analysis of a recording.
pub struct Analysis {
    read: Read,
    row: Arc<row::Row>,
}

impl AtHand for Analysis {
    fn at_hand(&self, asked: &Asked<'_>) -> Option<Value> {
        Self::plain(asked.field())?.at_hand(&self.row, asked)
    }
}

impl Analysis {
    fn annual_savings(&self) -> Result<Option<Money>> {
        let (Some(amount), Some(currency)) = (self.row.cost_savings_annual()?, self.row.currency()?) else {
            return Ok(None);
        };
        Ok(Some(Money::of(amount, currency)))
    }
}

impl RowObject for Analysis {
    type Table = Table;

    fn plain(field: &str) -> Option<Plain> {
        Some(match field {
            "id" => Plain::Column(Table::ID),
            "status" => Plain::Column(Table::STATUS),
            "stage" => Plain::Column(Table::STAGE),
            "progress" => Plain::Column(Table::PROGRESS),
            "isCurrent" => Plain::Column(Table::IS_CURRENT),
            "errorCode" => Plain::Column(Table::ERROR_CODE),
            "framesAnalyzed" => Plain::Column(Table::FRAMES_ANALYZED),
            "coverage" => Plain::Column(Table::COVERAGE),
            "confidenceScore" => Plain::Column(Table::CONFIDENCE_SCORE),
            "processingTimeSeconds" => Plain::Column(Table::PROCESSING_TIME_SECONDS),
            "automationOpportunitiesCount" => Plain::Column(Table::AUTOMATION_OPPORTUNITIES_COUNT),
            "timeSavingsHoursWeekly" => Plain::Column(Table::TIME_SAVINGS_HOURS_WEEKLY),
            "costSavingsAnnual" => Plain::Money(Table::COST_SAVINGS_ANNUAL, Table::CURRENCY),
            "queuedAt" => Plain::Column(Table::QUEUED_AT),
            "createdAt" => Plain::Column(Table::CREATED_AT),
            "updatedAt" => Plain::Column(Table::UPDATED_AT),
            _ => return None,
        })
    }

    fn related(field: &Related<'_>) -> Option<Part> {
        match field.field() {
            "session" => field.parent::<Table, RecordingSession>(Table::SESSION_ID),
            "opportunities" => {
                let order = OpportunityOrder::order(field.argument("orderBy")?);
                field.page::<AutomationOpportunity>(BELOW, &order)
            }
            "costAnalysis" => field.first::<CostAnalysis>(BELOW, service::cost_analysis::order(Vec::new())),
            "costAnalyses" => field.page::<CostAnalysis>(BELOW, &service::cost_analysis::order(Vec::new())),
            _ => None,
        }
    }

    fn columns(field: &str) -> Columns {
        match field {
            "settings" => {
                Table::ANALYSER | Table::PRESET | Table::FRAMES_PER_SECOND | Table::MAX_FRAMES | Table::SCENE_THRESHOLD
            }
            "errorMessage" => Table::ERROR_MESSAGE | Table::ERROR_CODE,
            "gptVersion" => Table::GPT_VERSION,
            "promptVersion" => Table::PROMPT_VERSION,
            "cancelRequestedAt" => Table::CANCEL_REQUESTED_AT,
            "processingStartedAt" => Table::PROCESSING_STARTED_AT,
            "processingCompletedAt" => Table::PROCESSING_COMPLETED_AT,
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

/// Children name their analysis in this column.
const BELOW: Below = Below::all("analysis_id");

/// One analysis of a recording: how it was made, how far it is, and what it found.
#[Object]
impl Analysis {
    /// Its id.
    pub async fn id(&self) -> Result<ID> {
        Ok(self.row.id()?.into())
    }

    /// The recording that it is about.
    async fn session(&self, ctx: &Context<'_>) -> Result<RecordingSession> {
        get(ctx, &self.read, self.row.session_id()?).await
    }

    /// Where it stands.
    fn status(&self) -> Result<AnalysisStatus> {
        Ok(self.row.status()?)
    }

    /// What a worker is doing with it.
    fn stage(&self) -> Result<AnalysisStage> {
        Ok(self.row.stage()?)
    }

    /// How far it is, 0 to 1.
    fn progress(&self) -> Result<f64> {
        Ok(self.row.progress()?)
    }

    /// Whether it is the newest completed one of its session: what every sum counts.
    fn is_current(&self) -> Result<bool> {
        Ok(self.row.is_current()?)
    }

    /// How it looks at the recording.
    fn settings(&self) -> Result<AnalysisSettings> {
        Ok(AnalysisSettings {
            analyser: self.row.analyser()?,
            preset: self.row.preset()?,
            frames_per_second: self.row.frames_per_second()?,
            max_frames: self.row.max_frames()?,
            scene_threshold: self.row.scene_threshold()?,
        })
    }

    /// The tries of workers at it, the first one first.
    async fn attempts(&self, ctx: &Context<'_>) -> Result<Vec<AnalysisAttempt>> {
        whole(ctx, &self.read, self.row.id()?, BELOW, attempt::order()).await
    }

    /// Why it failed; null unless its status is FAILED.
    fn error_code(&self) -> Result<Option<AnalysisErrorCode>> {
        Ok(self.row.error_code()?)
    }

    /// Why it failed and what to do about it, in a sentence; null unless its status is FAILED.
    fn error_message(&self) -> Result<Option<&str>> {
        Ok(match self.row.error_message()? {
            Some(message) => Some(message),
            None => self.row.error_code()?.map(AnalysisErrorCode::sentence),
        })
    }

    /// The model that answered, as it named itself; null for local analyses.
    fn gpt_version(&self) -> Result<Option<&str>> {
        Ok(self.row.gpt_version()?)
    }

    /// The version of the questions that the model was asked; null for local analyses.
    fn prompt_version(&self) -> Result<Option<&str>> {
        Ok(self.row.prompt_version()?)
    }

    /// How many frames were looked at closely.
    fn frames_analyzed(&self) -> Result<i32> {
        Ok(self.row.frames_analyzed()?)
    }

    /// Share of the recording that the chosen frames stand for, 0 to 1; null before they are chosen.
    fn coverage(&self) -> Result<Option<f64>> {
        Ok(self.row.coverage()?)
    }

    /// The analyser's own estimate, 0 to 1: not an accuracy. Null before the end, or when it gives none.
    fn confidence_score(&self) -> Result<Option<f64>> {
        Ok(self.row.confidence_score()?)
    }

    /// What the model cost, in USD; null while unknown, when the model has no price, and to operators.
    async fn analysis_cost_usd(&self) -> Option<Result<Decimal>> {
        alone(async { Ok(self.cost().await?.and_then(|cost| cost.usd).map(Into::into)) }).await
    }

    /// Tokens that went into the model; null while unknown, and to operators.
    async fn prompt_tokens(&self) -> Option<Result<i64>> {
        alone(async { Ok(self.cost().await?.and_then(|cost| cost.prompt_tokens)) }).await
    }

    /// Tokens that came out of the model; null while unknown, and to operators.
    async fn completion_tokens(&self) -> Option<Result<i64>> {
        alone(async { Ok(self.cost().await?.and_then(|cost| cost.completion_tokens)) }).await
    }

    /// How long it took, in seconds; null before the end.
    fn processing_time_seconds(&self) -> Result<Option<f64>> {
        Ok(self.row.processing_time_seconds()?)
    }

    /// How many opportunities it found.
    fn automation_opportunities_count(&self) -> Result<i32> {
        Ok(self.row.automation_opportunities_count()?)
    }

    /// Hours a week that could be saved: potential, base scenario; null where nothing can be counted.
    fn time_savings_hours_weekly(&self) -> Result<Option<Decimal>> {
        Ok(self.row.time_savings_hours_weekly()?.map(Into::into))
    }

    /// Money a year that could be saved: potential, base scenario; null where nothing can be counted.
    fn cost_savings_annual(&self) -> Result<Option<Money>> {
        self.annual_savings()
    }

    /// The model's reply, unmodified. For the recorded person, admins and owners; audited; null to others and once it was
    /// deleted.
    async fn raw_gpt_response(&self, ctx: &Context<'_>) -> Option<Result<Json>> {
        alone(async {
            let reply = self.read.get(RawReplyOf(self.row.uuid()?)).await?;
            if reply.is_some() {
                look::note(ctx, &self.read, Look::RawReply, self.row.session_id()?);
            }
            Ok(reply.map(|reply| Json((*reply).clone())))
        })
        .await
    }

    /// What was read from the recording: steps, applications, routines; null before the end.
    async fn structured_insights(&self) -> Option<Result<StructuredInsights>> {
        alone(async {
            let insights = self.read.get(InsightsOf(self.row.uuid()?)).await?;
            Ok(insights
                .map(|insights| StructuredInsights::new(&self.read, self.row.uuid().unwrap_or_default(), insights)))
        })
        .await
    }

    /// Opportunities that it found, highest potential savings first.
    async fn opportunities(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "The order; by estimatedCostSavingsMonthly, highest first, unless said.")] order_by: Option<
            Vec<OpportunityOrder>,
        >,
        #[graphql(desc = "How many from the start: 20 unless said, 100 at most.")] first: Option<i32>,
        #[graphql(desc = "Only those behind this cursor.")] after: Option<String>,
        #[graphql(desc = "How many from the end, 100 at most.")] last: Option<i32>,
        #[graphql(desc = "Only those before this cursor.")] before: Option<String>,
    ) -> Result<Connection<AutomationOpportunity>> {
        Connection::below(
            ctx,
            &self.read,
            self.row.id()?,
            BELOW,
            OpportunityOrder::order(order_by),
            arguments(first, after, last, before),
        )
        .await
    }

    /// Its newest cost analysis; null before the first.
    async fn cost_analysis(&self, ctx: &Context<'_>) -> Option<Result<AtOnce<CostAnalysis>>> {
        alone(async {
            let order = service::cost_analysis::order(Vec::new());
            newest(ctx, &self.read, self.row.id()?, BELOW, order).await
        })
        .await
    }

    /// Its cost analyses, the newest first: corrections and new assumptions each made one.
    async fn cost_analyses(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "How many from the start: 20 unless said, 100 at most.")] first: Option<i32>,
        #[graphql(desc = "Only those behind this cursor.")] after: Option<String>,
        #[graphql(desc = "How many from the end, 100 at most.")] last: Option<i32>,
        #[graphql(desc = "Only those before this cursor.")] before: Option<String>,
    ) -> Result<Connection<CostAnalysis>> {
        Connection::below(
            ctx,
            &self.read,
            self.row.id()?,
            BELOW,
            service::cost_analysis::order(Vec::new()),
            arguments(first, after, last, before),
        )
        .await
    }

    /// Its diagrams.
    async fn visualizations(&self, ctx: &Context<'_>) -> Result<Vec<WorkflowVisualization>> {
        whole(
            ctx,
            &self.read,
            self.row.id()?,
            BELOW,
            service::workflow_visualization::order(),
        )
        .await
    }

    /// Its diagram of one kind; null where there is none.
    async fn visualization(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "What it shows.", name = "type")] kind: VisualizationType,
        #[graphql(desc = "How its nodes are placed; the oldest one of the kind unless said.")] layout: Option<
            LayoutAlgorithm,
        >,
    ) -> Option<Result<WorkflowVisualization>> {
        alone(async {
            for diagram in whole::<WorkflowVisualization>(
                ctx,
                &self.read,
                self.row.id()?,
                BELOW,
                service::workflow_visualization::order(),
            )
            .await?
            {
                if diagram.is(kind, layout)? {
                    return Ok(Some(diagram));
                }
            }
            Ok(None)
        })
        .await
    }

    /// Insights that it wrote, the newest first.
    async fn insights(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "How many from the start: 20 unless said, 100 at most.")] first: Option<i32>,
        #[graphql(desc = "Only those behind this cursor.")] after: Option<String>,
        #[graphql(desc = "How many from the end, 100 at most.")] last: Option<i32>,
        #[graphql(desc = "Only those before this cursor.")] before: Option<String>,
    ) -> Result<Connection<WorkflowInsight>> {
        Connection::below(
            ctx,
            &self.read,
            self.row.id()?,
            BELOW,
            service::workflow_insight::order(Vec::new()),
            arguments(first, after, last, before),
        )
        .await
    }

    /// Frames kept as evidence, in the order of the recording. For the recorded person, admins and owners; empty to others.
    async fn frames(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "How many from the start: 20 unless said, 100 at most.")] first: Option<i32>,
        #[graphql(desc = "Only those behind this cursor.")] after: Option<String>,
        #[graphql(desc = "How many from the end, 100 at most.")] last: Option<i32>,
        #[graphql(desc = "Only those before this cursor.")] before: Option<String>,
    ) -> Result<Connection<AnalysisFrame>> {
        Connection::below(
            ctx,
            &self.read,
            self.row.id()?,
            BELOW,
            service::analysis_frame::order(),
            arguments(first, after, last, before),
        )
        .await
    }

    /// Reports made from it, the newest first.
    async fn reports(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "How many from the start: 20 unless said, 100 at most.")] first: Option<i32>,
        #[graphql(desc = "Only those behind this cursor.")] after: Option<String>,
        #[graphql(desc = "How many from the end, 100 at most.")] last: Option<i32>,
        #[graphql(desc = "Only those before this cursor.")] before: Option<String>,
    ) -> Result<Connection<Report>> {
        Connection::below(
            ctx,
            &self.read,
            self.row.id()?,
            BELOW,
            service::generated_report::order(Vec::new()),
            arguments(first, after, last, before),
        )
        .await
    }

    /// What left the house for it: one entry per request to a model; empty for local analyses.
    async fn disclosures(&self, ctx: &Context<'_>) -> Result<Vec<Disclosure>> {
        whole(ctx, &self.read, self.row.id()?, BELOW, disclosure::order()).await
    }

    /// When someone asked to cancel it; null unless that happened.
    fn cancel_requested_at(&self) -> Result<Option<DateTime>> {
        Ok(self.row.cancel_requested_at()?.map(Into::into))
    }

    /// When it was last queued.
    fn queued_at(&self) -> Result<DateTime> {
        Ok(self.row.queued_at()?.into())
    }

    /// When a worker first took it up; null before.
    fn processing_started_at(&self) -> Result<Option<DateTime>> {
        Ok(self.row.processing_started_at()?.map(Into::into))
    }

    /// When it was completed; null before.
    fn processing_completed_at(&self) -> Result<Option<DateTime>> {
        Ok(self.row.processing_completed_at()?.map(Into::into))
    }

    /// When it was asked for.
    fn created_at(&self) -> Result<DateTime> {
        Ok(self.row.created_at()?.into())
    }

    /// When it was last changed.
    fn updated_at(&self) -> Result<DateTime> {
        Ok(self.row.updated_at()?.into())
    }
}

impl Analysis {
    /// What the model cost; nothing is asked of the database for a caller who may not see it.
    async fn cost(&self) -> Result<Option<row::ModelCost>> {
        if self.read.caller().is_manager() {
            self.read.get(CostOf(self.row.uuid()?)).await
        } else {
            Ok(None)
        }
    }
}

/// How an analysis looks at a recording.
#[derive(SimpleObject)]
pub struct AnalysisSettings {
    /// Who reads the recording.
    analyser: Analyser,
    /// The named choice that the values come from; CUSTOM where any was replaced.
    preset: SamplingPreset,
    /// Frames looked at per second of recording, 0.1 to 3.
    frames_per_second: f64,
    /// Frames kept at most, 20 to 300.
    max_frames: i32,
    /// Share of a screen that must change to be another screen, 0.1 to 0.5.
    scene_threshold: f64,
}

/// One try of a worker at an analysis.
pub struct AnalysisAttempt {
    read: Read,
    row: Arc<attempt::Row>,
}

impl AtHand for AnalysisAttempt {}

impl RowObject for AnalysisAttempt {
    type Table = attempt::Table;

    fn columns(field: &str) -> Columns {
        use attempt::Table;
        match field {
            "number" => Table::NUMBER,
            "startedAt" => Table::STARTED_AT,
            "endedAt" => Table::ENDED_AT,
            "errorCode" => Table::ERROR_CODE,
            "message" => Table::MESSAGE,
            _ => Columns::NONE,
        }
    }

    fn of(read: &Read, row: Arc<attempt::Row>) -> Self {
        Self {
            read: read.clone(),
            row,
        }
    }
}

/// One try of a worker at an analysis.
#[Object]
impl AnalysisAttempt {
    /// Its number, from 1.
    fn number(&self) -> Result<i32> {
        Ok(self.row.number()?)
    }

    /// When it began.
    fn started_at(&self) -> Result<DateTime> {
        Ok(self.row.started_at()?.into())
    }

    /// When it ended; null while it runs.
    fn ended_at(&self) -> Result<Option<DateTime>> {
        Ok(self.row.ended_at()?.map(Into::into))
    }

    /// Why it failed; null when it did not.
    fn error_code(&self) -> Result<Option<AnalysisErrorCode>> {
        Ok(self.row.error_code()?)
    }

    /// What was said about its end; null when nothing was.
    fn message(&self) -> Result<Option<&str>> {
        Ok(self.row.message()?)
    }

    /// What it cost, in USD; null while unknown, and to operators.
    async fn cost_usd(&self) -> Option<Result<Decimal>> {
        alone(async {
            if !self.read.caller().is_manager() {
                return Ok(None);
            }
            Ok(self.read.get(AttemptCostOf(self.row.uuid()?)).await?.map(Into::into))
        })
        .await
    }
}

/// What left the house in one request to a model.
pub struct Disclosure {
    row: Arc<disclosure::Row>,
}

impl AtHand for Disclosure {}

impl RowObject for Disclosure {
    type Table = disclosure::Table;

    fn columns(field: &str) -> Columns {
        use disclosure::Table;
        match field {
            "endpoint" => Table::ENDPOINT,
            "model" => Table::MODEL,
            "frames" => Table::FRAMES,
            "bytes" => Table::BYTES,
            "at" => Table::AT,
            _ => Columns::NONE,
        }
    }

    fn of(_: &Read, row: Arc<disclosure::Row>) -> Self {
        Self { row }
    }
}

/// What left the house in one request to a model.
#[Object]
impl Disclosure {
    /// Where it went.
    fn endpoint(&self) -> Result<&str> {
        Ok(self.row.endpoint()?)
    }

    /// To which model.
    fn model(&self) -> Result<&str> {
        Ok(self.row.model()?)
    }

    /// How many frames were in it.
    fn frames(&self) -> Result<i32> {
        Ok(self.row.frames()?)
    }

    /// How many bytes it had.
    fn bytes(&self) -> Result<BigInt> {
        Ok(self.row.bytes()?.into())
    }

    /// When it was sent.
    fn at(&self) -> Result<DateTime> {
        Ok(self.row.at()?.into())
    }
}

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
