//! Reviewing opportunities and calculating their worth anew.

use async_graphql::{Context, ID, InputObject, Object};
use domain::id::{AnalysisId, CostAnalysisId, OpportunityId};
use domain::roi::{Complexity, Priority};
use domain::status::OpportunityStatus;
use service::automation_opportunity::recalculate;
use service::automation_opportunity::review::{self, Review};

use super::super::automation_opportunity::AutomationOpportunity;
use super::super::context::{InRequest as _, Read};
use super::super::cost_analysis::CostAnalysis;
use super::super::error::{Failure, Result};
use super::super::page::{find, get, id, optional_id};
use super::super::scalar::{DateTime, Decimal};
use super::act;
use super::organization::{RoiDefaultsInput, overrides};

/// What a reviewer enters about an opportunity; what is left out stays.
#[derive(Debug, InputObject)]
pub struct UpdateOpportunityInput {
    /// The opportunity.
    opportunity_id: ID,
    /// What was decided.
    status: Option<OpportunityStatus>,
    /// A priority that overrides the rule's.
    priority: Option<Priority>,
    /// Another title, at most 300 characters.
    title: Option<String>,
    /// The process that it really is, at most 500 characters.
    process_key: Option<String>,
    /// Seconds that one occurrence takes.
    current_time_per_occurrence_seconds: Option<f64>,
    /// How often one person does it on a working day; makes the frequency DECLARED.
    occurrences_per_day: Option<f64>,
    /// How many people do it.
    people_count: Option<i32>,
    /// How hard it is to automate.
    automation_complexity: Option<Complexity>,
    /// Hours to build it; makes the effort ENTERED.
    implementation_effort_hours: Option<Decimal>,
    /// A remark, at most 5,000 characters.
    note: Option<String>,
    /// Why it was dismissed, at most 5,000 characters; only for one that is DISMISSED, and gone when it no longer is.
    dismissal_reason: Option<String>,
    /// Since when it is implemented; now, where it becomes so without a date. Only for one that is IMPLEMENTED, and gone when it no longer is.
    implemented_at: Option<DateTime>,
    /// What building it cost, in the organization's currency.
    actual_implementation_cost: Option<Decimal>,
    /// Seconds that one occurrence takes since then; what is saved follows from it.
    measured_seconds_after: Option<f64>,
}

/// What is to be calculated anew: exactly one of `analysisId` and `all`.
#[derive(Debug, InputObject)]
pub struct RecalculateCostsInput {
    /// One analysis.
    analysis_id: Option<ID>,
    /// True for the current analysis of every session.
    all: Option<bool>,
    /// Assumptions for this calculation alone; the organization's where they are left out.
    assumptions: Option<RoiDefaultsInput>,
}

/// An opportunity that was reviewed.
pub struct UpdateOpportunityPayload {
    read: Read,
    reviewed: review::Reviewed,
}

/// An opportunity that was reviewed.
#[Object]
impl UpdateOpportunityPayload {
    /// The opportunity.
    async fn opportunity(&self, ctx: &Context<'_>) -> Result<AutomationOpportunity> {
        get(ctx, &self.read, self.reviewed.opportunity).await
    }

    /// The cost analysis that was written because of it.
    async fn cost_analysis(&self, ctx: &Context<'_>) -> Result<Option<CostAnalysis>> {
        find(ctx, &self.read, self.reviewed.cost_analysis).await
    }
}

/// What was calculated anew.
pub struct RecalculateCostsPayload {
    read: Read,
    cost_analysis: Option<CostAnalysisId>,
    queued: Option<i32>,
}

/// What was calculated anew.
#[Object]
impl RecalculateCostsPayload {
    /// The new cost analysis; null with `all`.
    async fn cost_analysis(&self, ctx: &Context<'_>) -> Result<Option<CostAnalysis>> {
        match self.cost_analysis {
            Some(cost_analysis) => find(ctx, &self.read, cost_analysis).await,
            None => Ok(None),
        }
    }

    /// With `all`: how many analyses will be calculated anew, by a worker; null otherwise.
    async fn queued(&self) -> Option<i32> {
        self.queued
    }
}

/// Reviewing opportunities and calculating their worth anew.
#[derive(Default)]
pub struct ValueMutation;

/// Reviewing opportunities and calculating their worth anew.
#[Object]
impl ValueMutation {
    /// Enters a review: admins and owners. Money, summary and a new cost analysis follow in the same transaction.
    async fn update_opportunity(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "The review.")] input: UpdateOpportunityInput,
    ) -> Result<Option<UpdateOpportunityPayload>> {
        let request = ctx.request()?;
        let opportunity: OpportunityId = id(&input.opportunity_id, "input.opportunityId")?;
        let review = Review {
            status: input.status,
            priority: input.priority,
            title: input.title,
            process_key: input.process_key,
            current_time_per_occurrence_seconds: input.current_time_per_occurrence_seconds,
            occurrences_per_day: input.occurrences_per_day,
            people_count: input.people_count,
            automation_complexity: input.automation_complexity,
            implementation_effort_hours: input.implementation_effort_hours.map(|hours| hours.0),
            note: input.note,
            dismissal_reason: input.dismissal_reason,
            implemented_at: input.implemented_at.map(|at| at.0),
            actual_implementation_cost: input.actual_implementation_cost.map(|cost| cost.0),
            measured_seconds_after: input.measured_seconds_after,
        };
        let scope = request.scope().await?;
        let reviewed = review::update(&scope, opportunity, &review, &act(ctx)?).await?;
        scope.commit().await?;
        Ok(Some(UpdateOpportunityPayload {
            read: request.fresh()?,
            reviewed,
        }))
    }

    /// Calculates costs anew: admins and owners. One analysis at once, all of them soon. Takes what the sessions declare now, where no reviewer
    /// entered something else. Earlier cost analyses stay as history.
    async fn recalculate_costs(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "What, and with which assumptions.")] input: RecalculateCostsInput,
    ) -> Result<Option<RecalculateCostsPayload>> {
        let request = ctx.request()?;
        let act = act(ctx)?;
        let overrides = overrides(&input.assumptions.unwrap_or_default());
        let analysis: Option<AnalysisId> = optional_id(input.analysis_id.as_ref(), "input.analysisId")?;
        match (analysis, input.all.unwrap_or(false)) {
            (Some(analysis), false) => {
                let scope = request.scope().await?;
                let cost = recalculate::one(&scope, analysis, &overrides, &act).await?;
                scope.commit().await?;
                Ok(Some(RecalculateCostsPayload {
                    read: request.fresh()?,
                    cost_analysis: Some(cost),
                    queued: None,
                }))
            }
            (None, true) => {
                let scope = request.scope().await?;
                let current = recalculate::all(&scope, &overrides, &act).await?;
                scope.commit().await?;
                let queued = i32::try_from(current).unwrap_or(i32::MAX);
                Ok(Some(RecalculateCostsPayload {
                    read: request.fresh()?,
                    cost_analysis: None,
                    queued: Some(queued),
                }))
            }
            _ => Err(Failure::invalid(
                "input",
                "exactly one of analysisId and all must be given",
            )),
        }
    }
}
