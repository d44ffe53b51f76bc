//! Cost analyses, read. Assumptions and scenarios have a way of their own: they are large.

use std::sync::Arc;

use chrono::{DateTime, Utc};
use domain::id::{AnalysisId, CostAnalysisId, SessionId};
use domain::roi::ConfidenceLevel;
use rust_decimal::Decimal;

use crate::db::Scope;
use crate::error::Result;
use crate::page::{self, Direction, Filter, Key, Kind, Order, Page, Range, Window};
use crate::row::{Wanted, table};
use crate::sql::Sql;

table!("public.cost_analyses", "cost analysis", always [ID, ANALYSIS_ID, SESSION_ID], {
    ID = id: CostAnalysisId,
    ANALYSIS_ID = analysis_id: AnalysisId,
    SESSION_ID = session_id: SessionId,
    CURRENCY = currency: &str,
    CURRENT_MONTHLY_HOURS = current_monthly_hours: Option<Decimal>,
    CURRENT_MONTHLY_COST = current_monthly_cost: Option<Decimal>,
    PROJECTED_MONTHLY_HOURS = projected_monthly_hours: Option<Decimal>,
    PROJECTED_MONTHLY_COST = projected_monthly_cost: Option<Decimal>,
    TOTAL_IMPLEMENTATION_COST = total_implementation_cost: Option<Decimal>,
    MONTHLY_SAVINGS = monthly_savings: Option<Decimal>,
    ANNUAL_SAVINGS = annual_savings: Option<Decimal>,
    PAYBACK_PERIOD_DAYS = payback_period_days: Option<i32>,
    ROI_PERCENTAGE = roi_percentage: Option<Decimal>,
    CURRENT_HOURLY_RATE = current_hourly_rate: Option<Decimal>,
    CONFIDENCE_LEVEL = confidence_level: Option<ConfidenceLevel>,
    CREATED_AT = created_at: DateTime<Utc>,
    ASSUMPTIONS = assumptions: serde_json::Value,
    SCENARIOS = scenarios: serde_json::Value,
});

/// By when it was made.
pub const CREATED_AT: Key = Key {
    name: "created_at",
    column: Table::CREATED_AT,
    kind: Kind::Instant,
    nullable: false,
};
/// By potential savings a year.
pub const ANNUAL_SAVINGS: Key = Key {
    name: "annual_savings",
    column: Table::ANNUAL_SAVINGS,
    kind: Kind::Decimal,
    nullable: true,
};

/// The order of a list: newest first unless it says otherwise.
pub fn order(keys: Vec<(Key, Direction)>) -> Order {
    Order::of(
        "cost_analysis",
        if keys.is_empty() {
            vec![(CREATED_AT, Direction::Descending)]
        } else {
            keys
        },
    )
}

/// Which cost analyses.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct CostAnalyses {
    /// Of this session.
    pub session: Option<SessionId>,
    /// Of this analysis.
    pub analysis: Option<AnalysisId>,
    /// Made in this range.
    pub created: Range,
}

impl Filter for CostAnalyses {
    fn conditions(&self, sql: &mut Sql) {
        page::is(sql, "session_id", self.session);
        page::is(sql, "analysis_id", self.analysis);
        self.created.conditions(sql, "t.created_at");
    }
}

/// One page of cost analyses.
///
/// # Errors
/// Those of the database.
pub async fn list(scope: &Scope, wanted: &Wanted, which: &CostAnalyses, window: &Arc<Window>) -> Result<Page<Table>> {
    page::list(scope, wanted, which, window).await
}

/// How many cost analyses.
///
/// # Errors
/// Those of the database.
pub async fn count(scope: &Scope, which: &CostAnalyses) -> Result<i64> {
    page::count::<Table>(scope, which).await
}
