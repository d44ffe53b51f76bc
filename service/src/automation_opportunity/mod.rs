//! Automation opportunities, read.

pub mod recalculate;
pub mod review;

use std::sync::Arc;

use chrono::{DateTime, Utc};
use domain::category::WorkflowCategory;
use domain::id::{AnalysisId, OpportunityId, SessionId, UserId};
use domain::roi::{Complexity, EffortBasis, FrequencyBasis, Priority};
use domain::status::OpportunityStatus;
use rust_decimal::Decimal;

use crate::db::Scope;
use crate::error::Result;
use crate::page::{self, Direction, Filter, Key, Kind, Order, Page, Range, Window};
use crate::row::{Columns, Wanted, table};
use crate::sql::Sql;

table!("public.automation_opportunities", "opportunity", always [ID, ANALYSIS_ID, SESSION_ID], {
    ID = id: OpportunityId,
    ANALYSIS_ID = analysis_id: AnalysisId,
    SESSION_ID = session_id: SessionId,
    PROCESS_KEY = process_key: &str,
    OPPORTUNITY_TYPE = opportunity_type: WorkflowCategory,
    TITLE = title: &str,
    DESCRIPTION = description: &str,
    WORKFLOW_STEPS = workflow_steps: Vec<String>,
    CURRENT_TIME_PER_OCCURRENCE_SECONDS = current_time_per_occurrence_seconds: Option<f64>,
    OCCURRENCES_OBSERVED = occurrences_observed: i32,
    OBSERVED_SECONDS = observed_seconds: f64,
    OCCURRENCES_PER_DAY = occurrences_per_day: Option<f64>,
    FREQUENCY_BASIS = frequency_basis: FrequencyBasis,
    PEOPLE_COUNT = people_count: i32,
    AUTOMATION_COMPLEXITY = automation_complexity: Option<Complexity>,
    IMPLEMENTATION_EFFORT_HOURS = implementation_effort_hours: Option<Decimal>,
    EFFORT_BASIS = effort_basis: EffortBasis,
    CURRENCY = currency: &str,
    ESTIMATED_COST_SAVINGS_MONTHLY = estimated_cost_savings_monthly: Option<Decimal>,
    MONTHLY_SAVINGS_LOW = monthly_savings_low: Option<Decimal>,
    MONTHLY_SAVINGS_HIGH = monthly_savings_high: Option<Decimal>,
    HOURS_SAVED_MONTHLY = hours_saved_monthly: Option<Decimal>,
    ESTIMATED_IMPLEMENTATION_COST = estimated_implementation_cost: Option<Decimal>,
    ROI_PERCENTAGE = roi_percentage: Option<Decimal>,
    PAYBACK_PERIOD_DAYS = payback_period_days: Option<i32>,
    COUNTED = counted: bool,
    CONFIDENCE_SCORE = confidence_score: Option<f64>,
    PRIORITY = priority: Option<Priority>,
    PRIORITY_REASON = priority_reason: Option<&str>,
    STATUS = status: OpportunityStatus,
    REVIEWED_BY = reviewed_by: Option<UserId>,
    REVIEWED_AT = reviewed_at: Option<DateTime<Utc>>,
    REVIEW_NOTE = review_note: Option<&str>,
    DISMISSAL_REASON = dismissal_reason: Option<&str>,
    IMPLEMENTED_AT = implemented_at: Option<DateTime<Utc>>,
    ACTUAL_IMPLEMENTATION_COST = actual_implementation_cost: Option<Decimal>,
    MEASURED_SECONDS_AFTER = measured_seconds_after: Option<f64>,
    REALISED_SAVINGS_MONTHLY = realised_savings_monthly: Option<Decimal>,
    EVIDENCE = evidence: serde_json::Value,
    FRAME_INDEXES = frame_indexes: Vec<i32>,
    RECORD_METADATA = record_metadata: serde_json::Value,
    CREATED_AT = created_at: DateTime<Utc>,
    UPDATED_AT = updated_at: DateTime<Utc>,
});

/// What a review is made of.
pub const REVIEW: Columns = Table::REVIEWED_BY
    .and(Table::REVIEWED_AT)
    .and(Table::REVIEW_NOTE)
    .and(Table::DISMISSAL_REASON)
    .and(Table::IMPLEMENTED_AT)
    .and(Table::ACTUAL_IMPLEMENTATION_COST)
    .and(Table::MEASURED_SECONDS_AFTER)
    .and(Table::REALISED_SAVINGS_MONTHLY)
    .and(Table::CURRENCY);

/// By potential savings a month.
pub const ESTIMATED_COST_SAVINGS_MONTHLY: Key = Key {
    name: "estimated_cost_savings_monthly",
    column: Table::ESTIMATED_COST_SAVINGS_MONTHLY,
    kind: Kind::Decimal,
    nullable: true,
};
/// By return on investment.
pub const ROI_PERCENTAGE: Key = Key {
    name: "roi_percentage",
    column: Table::ROI_PERCENTAGE,
    kind: Kind::Decimal,
    nullable: true,
};
/// By days until it has paid for itself.
pub const PAYBACK_PERIOD: Key = Key {
    name: "payback_period_days",
    column: Table::PAYBACK_PERIOD_DAYS,
    kind: Kind::Int,
    nullable: true,
};
/// By urgency.
pub const PRIORITY: Key = Key {
    name: "priority",
    column: Table::PRIORITY,
    kind: Kind::Priority,
    nullable: true,
};
/// By when it was found.
pub const CREATED_AT: Key = Key {
    name: "created_at",
    column: Table::CREATED_AT,
    kind: Kind::Instant,
    nullable: false,
};
/// By its last change.
pub const UPDATED_AT: Key = Key {
    name: "updated_at",
    column: Table::UPDATED_AT,
    kind: Kind::Instant,
    nullable: false,
};

/// The order of a list: highest potential savings first unless it says otherwise.
pub fn order(keys: Vec<(Key, Direction)>) -> Order {
    Order::of(
        "opportunity",
        if keys.is_empty() {
            vec![(ESTIMATED_COST_SAVINGS_MONTHLY, Direction::Descending)]
        } else {
            keys
        },
    )
}

/// Bounds of an exact number.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Bounds {
    /// Greater than.
    pub gt: Option<Decimal>,
    /// At least.
    pub gte: Option<Decimal>,
    /// Less than.
    pub lt: Option<Decimal>,
    /// At most.
    pub lte: Option<Decimal>,
}

/// Which opportunities.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Opportunities {
    /// Of this session.
    pub session: Option<SessionId>,
    /// Of this analysis.
    pub analysis: Option<AnalysisId>,
    /// Of this process.
    pub process_key: Option<String>,
    /// Of one of these kinds.
    pub opportunity_type: Option<Vec<WorkflowCategory>>,
    /// Of one of these priorities.
    pub priority: Option<Vec<Priority>>,
    /// In one of these states.
    pub status: Option<Vec<OpportunityStatus>>,
    /// Of one of these complexities.
    pub automation_complexity: Option<Vec<Complexity>>,
    /// With a frequency known in one of these ways.
    pub frequency_basis: Option<Vec<FrequencyBasis>>,
    /// With a return on investment within these bounds.
    pub roi_percentage: Bounds,
    /// Only of the newest completed analysis of each session.
    pub current_only: bool,
    /// Changed in this range.
    pub updated: Range,
}

impl Filter for Opportunities {
    fn conditions(&self, sql: &mut Sql) {
        page::is(sql, "session_id", self.session);
        page::is(sql, "analysis_id", self.analysis);
        if let Some(key) = &self.process_key {
            sql.push(" and t.process_key = ").bind(key.replace('\0', ""));
        }
        page::one_of(
            sql,
            "opportunity_type",
            self.opportunity_type
                .as_ref()
                .map(|list| list.iter().map(|v| v.as_str()).collect()),
        );
        page::one_of(
            sql,
            "priority",
            self.priority
                .as_ref()
                .map(|list| list.iter().map(|v| v.as_str()).collect()),
        );
        page::one_of(
            sql,
            "status",
            self.status
                .as_ref()
                .map(|list| list.iter().map(|v| v.as_str()).collect()),
        );
        page::one_of(
            sql,
            "automation_complexity",
            self.automation_complexity
                .as_ref()
                .map(|list| list.iter().map(|v| v.as_str()).collect()),
        );
        page::one_of(
            sql,
            "frequency_basis",
            self.frequency_basis
                .as_ref()
                .map(|list| list.iter().map(|v| v.as_str()).collect()),
        );
        let bounds = self.roi_percentage;
        for (sign, bound) in [
            (" > ", bounds.gt),
            (" >= ", bounds.gte),
            (" < ", bounds.lt),
            (" <= ", bounds.lte),
        ] {
            if let Some(bound) = bound {
                sql.push(" and t.roi_percentage").push(sign).bind(bound);
            }
        }
        if self.current_only {
            sql.push(" and exists (select from public.analysis_results a where a.id = t.analysis_id and a.is_current)");
        }
        self.updated.conditions(sql, "t.updated_at");
    }
}

/// One page of opportunities.
///
/// # Errors
/// Those of the database.
pub async fn list(scope: &Scope, wanted: &Wanted, which: &Opportunities, window: &Arc<Window>) -> Result<Page<Table>> {
    page::list(scope, wanted, which, window).await
}

/// How many opportunities.
///
/// # Errors
/// Those of the database.
pub async fn count(scope: &Scope, which: &Opportunities) -> Result<i64> {
    page::count::<Table>(scope, which).await
}
