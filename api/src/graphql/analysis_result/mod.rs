//! Analyses: settings, progress, outcome, and what they found.
//!
//! Here an analysis as a row; apart: its many fields, its tries and disclosures, which have tables of their own, and how
//! analyses are asked for.

mod attempt;
mod disclosure;
mod fields;
mod query;

use std::sync::Arc;

use async_graphql::{SimpleObject, Value};
use domain::sampling::{Analyser, SamplingPreset};
use service::analysis_result::{self as row, Table};
use service::page::Below;
use service::row::Columns;
use service::shape::Part;

use super::at_once::{Asked, AtHand};
use super::automation_opportunity::{AutomationOpportunity, OpportunityOrder};
use super::context::Read;
use super::cost_analysis::CostAnalysis;
use super::error::Result;
use super::page::RowObject;
use super::recording_session::RecordingSession;
use super::scalar::Money;
use super::written::{Plain, Related};

pub use attempt::AnalysisAttempt;
pub use disclosure::Disclosure;
pub use query::{AnalysisFilter, AnalysisOrder, AnalysisOrderField, AnalysisQuery};

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
