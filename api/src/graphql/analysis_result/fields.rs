//! What can be asked of an analysis: its fields. Apart from its row because they are many.

use async_graphql::{Context, ID, Object};
use domain::analysis_error::AnalysisErrorCode;
use domain::flow::{LayoutAlgorithm, VisualizationType};
use domain::status::{AnalysisStage, AnalysisStatus};
use service::analysis_result::{self as row, attempt, disclosure};
use service::look::Look;

use super::{Analysis, AnalysisAttempt, AnalysisSettings, BELOW, Disclosure};
use crate::graphql::analysis_frame::AnalysisFrame;
use crate::graphql::at_once::AtOnce;
use crate::graphql::automation_opportunity::{AutomationOpportunity, OpportunityOrder};
use crate::graphql::cost_analysis::CostAnalysis;
use crate::graphql::error::{Result, alone};
use crate::graphql::generated_report::Report;
use crate::graphql::insight::StructuredInsights;
use crate::graphql::loader::{CostOf, InsightsOf, RawReplyOf};
use crate::graphql::look;
use crate::graphql::page::{Connection, arguments, get, newest, whole};
use crate::graphql::recording_session::RecordingSession;
use crate::graphql::scalar::{DateTime, Decimal, Json, Money};
use crate::graphql::workflow_insight::WorkflowInsight;
use crate::graphql::workflow_visualization::WorkflowVisualization;

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

    /// Whether it is the newest one with results of its session: what every sum counts, also while it is read anew.
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

    /// When the results that it has were completed, or it failed; null before.
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
