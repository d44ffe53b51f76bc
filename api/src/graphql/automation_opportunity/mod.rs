//! Automation opportunities.
//!
//! Here an opportunity with its fields; apart: what people said about one, and how they are asked for.

mod query;
mod review;

use std::sync::Arc;

use async_graphql::{Context, ID, Object, Value};
use domain::category::WorkflowCategory;
use domain::roi::{Complexity, EffortBasis, FrequencyBasis, Priority};
use domain::status::OpportunityStatus;
use service::automation_opportunity::{self as row, Table};
use service::row::Columns;
use service::shape::Part;

use super::analysis_frame::AnalysisFrame;
use super::analysis_result::Analysis;
use super::at_once::{Asked, AtHand};
use super::context::Read;
use super::error::Result;
use super::loader::FrameAt;
use super::page::{RowObject, asked, get};
use super::recording_session::RecordingSession;
use super::scalar::{DateTime, Decimal, Json, Money, TimeSpan};
use super::written::{Plain, Related};

pub use query::{DecimalFilter, OpportunityFilter, OpportunityOrder, OpportunityOrderField, OpportunityQuery};
pub use review::Review;

/// Something that could be automated.
pub struct AutomationOpportunity {
    read: Read,
    row: Arc<row::Row>,
}

impl AtHand for AutomationOpportunity {
    fn at_hand(&self, asked: &Asked<'_>) -> Option<Value> {
        Self::plain(asked.field())?.at_hand(&self.row, asked)
    }
}

impl RowObject for AutomationOpportunity {
    type Table = Table;

    fn plain(field: &str) -> Option<Plain> {
        Some(match field {
            "id" => Plain::Column(Table::ID),
            "title" => Plain::Column(Table::TITLE),
            "description" => Plain::Column(Table::DESCRIPTION),
            "processKey" => Plain::Column(Table::PROCESS_KEY),
            "opportunityType" => Plain::Column(Table::OPPORTUNITY_TYPE),
            "status" => Plain::Column(Table::STATUS),
            "priority" => Plain::Column(Table::PRIORITY),
            "counted" => Plain::Column(Table::COUNTED),
            "occurrencesObserved" => Plain::Column(Table::OCCURRENCES_OBSERVED),
            "paybackPeriodDays" => Plain::Column(Table::PAYBACK_PERIOD_DAYS),
            "confidenceScore" => Plain::Column(Table::CONFIDENCE_SCORE),
            "roiPercentage" => Plain::Column(Table::ROI_PERCENTAGE),
            "hoursSavedMonthly" => Plain::Column(Table::HOURS_SAVED_MONTHLY),
            "estimatedCostSavingsMonthly" => Plain::Money(Table::ESTIMATED_COST_SAVINGS_MONTHLY, Table::CURRENCY),
            "monthlySavingsLow" => Plain::Money(Table::MONTHLY_SAVINGS_LOW, Table::CURRENCY),
            "monthlySavingsHigh" => Plain::Money(Table::MONTHLY_SAVINGS_HIGH, Table::CURRENCY),
            "estimatedImplementationCost" => Plain::Money(Table::ESTIMATED_IMPLEMENTATION_COST, Table::CURRENCY),
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
            "workflowSteps" => Table::WORKFLOW_STEPS,
            "currentTimePerOccurrenceSeconds" => Table::CURRENT_TIME_PER_OCCURRENCE_SECONDS,
            "observedSeconds" => Table::OBSERVED_SECONDS,
            "occurrencesPerDay" => Table::OCCURRENCES_PER_DAY,
            "frequencyBasis" => Table::FREQUENCY_BASIS,
            "peopleCount" => Table::PEOPLE_COUNT,
            "automationComplexity" => Table::AUTOMATION_COMPLEXITY,
            "implementationEffortHours" => Table::IMPLEMENTATION_EFFORT_HOURS,
            "effortBasis" => Table::EFFORT_BASIS,
            "priorityReason" => Table::PRIORITY_REASON,
            "review" => row::REVIEW,
            "recordMetadata" => Table::RECORD_METADATA,
            "evidence" => Table::EVIDENCE,
            "frames" => Table::FRAME_INDEXES,
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

/// The stretches of time that a JSON column holds.
///
/// # Errors
/// INTERNAL for a column that holds anything else.
pub fn spans(stored: serde_json::Value) -> Result<Vec<TimeSpan>> {
    let spans: Vec<domain::span::TimeSpan> = serde_json::from_value(stored)
        .map_err(|error| service::Error::internal(format!("stored evidence cannot be read: {error}")))?;
    Ok(spans.into_iter().map(Into::into).collect())
}

impl AutomationOpportunity {
    fn money(&self, amount: Option<rust_decimal::Decimal>) -> Result<Option<Money>> {
        amount
            .map(|amount| Ok(Money::of(amount, self.row.currency()?)))
            .transpose()
    }
}

/// Something that could be automated, what that is worth, and the seconds of the recording that show it.
#[Object]
impl AutomationOpportunity {
    /// Its id.
    pub async fn id(&self) -> Result<ID> {
        Ok(self.row.id()?.into())
    }

    /// The analysis that found it.
    async fn analysis(&self, ctx: &Context<'_>) -> Result<Analysis> {
        get(ctx, &self.read, self.row.analysis_id()?).await
    }

    /// The recording that shows it.
    async fn session(&self, ctx: &Context<'_>) -> Result<RecordingSession> {
        get(ctx, &self.read, self.row.session_id()?).await
    }

    /// The process that it is about: the same in other recordings has the same key, and sums count it once.
    fn process_key(&self) -> Result<&str> {
        Ok(self.row.process_key()?)
    }

    /// Its kind of work.
    fn opportunity_type(&self) -> Result<WorkflowCategory> {
        Ok(self.row.opportunity_type()?)
    }

    /// What to automate, in a few words.
    fn title(&self) -> Result<&str> {
        Ok(self.row.title()?)
    }

    /// How, and what for.
    fn description(&self) -> Result<&str> {
        Ok(self.row.description()?)
    }

    /// The steps that would be automated.
    fn workflow_steps(&self) -> Result<Vec<String>> {
        Ok(self.row.workflow_steps()?)
    }

    /// Active and waiting time of one occurrence, in seconds; null when it is not known.
    fn current_time_per_occurrence_seconds(&self) -> Result<Option<f64>> {
        Ok(self.row.current_time_per_occurrence_seconds()?)
    }

    /// How often the recording shows it.
    fn occurrences_observed(&self) -> Result<i32> {
        Ok(self.row.occurrences_observed()?)
    }

    /// Recorded time in which it was looked for, in seconds.
    fn observed_seconds(&self) -> Result<f64> {
        Ok(self.row.observed_seconds()?)
    }

    /// How often a person does it on a working day; null when that is not known.
    fn occurrences_per_day(&self) -> Result<Option<f64>> {
        Ok(self.row.occurrences_per_day()?)
    }

    /// What is known about how often it is done.
    fn frequency_basis(&self) -> Result<FrequencyBasis> {
        Ok(self.row.frequency_basis()?)
    }

    /// How many people do it, as people entered it.
    fn people_count(&self) -> Result<i32> {
        Ok(self.row.people_count()?)
    }

    /// How hard it is to automate; null when that is not known.
    fn automation_complexity(&self) -> Result<Option<Complexity>> {
        Ok(self.row.automation_complexity()?)
    }

    /// Hours to build the automation; null when the complexity is not known either.
    fn implementation_effort_hours(&self) -> Result<Option<Decimal>> {
        Ok(self.row.implementation_effort_hours()?.map(Into::into))
    }

    /// Whether these hours were entered or assumed.
    fn effort_basis(&self) -> Result<EffortBasis> {
        Ok(self.row.effort_basis()?)
    }

    /// Saving a month: potential, base scenario; null below three occurrences and where the figures behind it are missing.
    fn estimated_cost_savings_monthly(&self) -> Result<Option<Money>> {
        self.money(self.row.estimated_cost_savings_monthly()?)
    }

    /// The same saving at the low end of the frequency; null as that one.
    fn monthly_savings_low(&self) -> Result<Option<Money>> {
        self.money(self.row.monthly_savings_low()?)
    }

    /// The same saving at the high end of the frequency; null as that one.
    fn monthly_savings_high(&self) -> Result<Option<Money>> {
        self.money(self.row.monthly_savings_high()?)
    }

    /// Hours saved a month: potential, base scenario; null as the saving.
    fn hours_saved_monthly(&self) -> Result<Option<Decimal>> {
        Ok(self.row.hours_saved_monthly()?.map(Into::into))
    }

    /// What building it costs; null when the effort is not known.
    fn estimated_implementation_cost(&self) -> Result<Option<Money>> {
        self.money(self.row.estimated_implementation_cost()?)
    }

    /// Return in the first year of steady state, net, in percent of the cost; null without a saving or a cost.
    fn roi_percentage(&self) -> Result<Option<Decimal>> {
        Ok(self.row.roi_percentage()?.map(Into::into))
    }

    /// Days until the saving has paid for the building; null when it never does.
    fn payback_period_days(&self) -> Result<Option<i32>> {
        Ok(self.row.payback_period_days()?)
    }

    /// Whether it enters sums: false for extrapolated frequencies, which are shown and never summed.
    fn counted(&self) -> Result<bool> {
        Ok(self.row.counted()?)
    }

    /// The analyser's estimate that this is a real opportunity, 0 to 1; null when it gives none.
    fn confidence_score(&self) -> Result<Option<f64>> {
        Ok(self.row.confidence_score()?)
    }

    /// How soon it deserves attention; null before it was worked out.
    fn priority(&self) -> Result<Option<Priority>> {
        Ok(self.row.priority()?)
    }

    /// Why it has this priority, in words.
    fn priority_reason(&self) -> Result<Option<&str>> {
        Ok(self.row.priority_reason()?)
    }

    /// What people decided about it.
    fn status(&self) -> Result<OpportunityStatus> {
        Ok(self.row.status()?)
    }

    /// What people said about it; null before the first review.
    fn review(&self) -> Result<Option<Review>> {
        let review = Review {
            read: self.read.clone(),
            row: Arc::clone(&self.row),
        };
        Ok(self.row.reviewed_at()?.map(|_| review))
    }

    /// The element of the analyser's reply that it was read from.
    fn record_metadata(&self) -> Result<Json> {
        Ok(Json(self.row.record_metadata()?))
    }

    /// The stretches of the recording that show it.
    fn evidence(&self) -> Result<Vec<TimeSpan>> {
        spans(self.row.evidence()?)
    }

    /// The frames that show it. For the recorded person, admins and owners; empty to others.
    async fn frames(&self, ctx: &Context<'_>) -> Result<Vec<AnalysisFrame>> {
        let (analysis, columns) = (self.row.analysis_id()?.uuid(), asked::<AnalysisFrame>(ctx.field()));
        let places = self.row.frame_indexes()?.into_iter().map(|index| FrameAt {
            analysis,
            index,
            columns,
        });
        let frames = self.read.get_all(places).await?;
        Ok(frames
            .into_iter()
            .map(|frame| AnalysisFrame::of(&self.read, frame))
            .collect())
    }

    /// When it was found.
    fn created_at(&self) -> Result<DateTime> {
        Ok(self.row.created_at()?.into())
    }

    /// When it was last changed.
    fn updated_at(&self) -> Result<DateTime> {
        Ok(self.row.updated_at()?.into())
    }
}
