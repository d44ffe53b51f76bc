//! Workflow insights, read.

use std::sync::Arc;

use chrono::{DateTime, Utc};
use domain::id::{AnalysisId, InsightId, SessionId};
use domain::insight::InsightType;
use domain::roi::Priority;
use rust_decimal::Decimal;

use crate::db::Scope;
use crate::error::Result;
use crate::page::{self, Direction, Filter, Key, Kind, Order, Page, Window};
use crate::row::{Wanted, table};
use crate::sql::Sql;

table!("public.workflow_insights", "insight", always [ID, SESSION_ID, ANALYSIS_ID], {
    ID = id: InsightId,
    SESSION_ID = session_id: SessionId,
    ANALYSIS_ID = analysis_id: Option<AnalysisId>,
    INSIGHT_TYPE = insight_type: InsightType,
    TITLE = title: &str,
    DESCRIPTION = description: &str,
    CONFIDENCE_SCORE = confidence_score: Option<f64>,
    TIME_SAVED_SECONDS = time_saved_seconds: Option<f64>,
    ROI_SCORE = roi_score: Option<Decimal>,
    AUTOMATION_POTENTIAL = automation_potential: Option<f64>,
    PRIORITY = priority: Option<Priority>,
    METADATA = metadata: serde_json::Value,
    EVIDENCE = evidence: serde_json::Value,
    CREATED_AT = created_at: DateTime<Utc>,
});

/// By when it was found.
pub const CREATED_AT: Key = Key {
    name: "created_at",
    column: Table::CREATED_AT,
    kind: Kind::Instant,
    nullable: false,
};
/// By urgency.
pub const PRIORITY: Key = Key {
    name: "priority",
    column: Table::PRIORITY,
    kind: Kind::Priority,
    nullable: true,
};
/// By what acting on it could save per occurrence.
pub const TIME_SAVED: Key = Key {
    name: "time_saved_seconds",
    column: Table::TIME_SAVED_SECONDS,
    kind: Kind::Float,
    nullable: true,
};

/// The order of a list: newest first unless it says otherwise.
pub fn order(keys: Vec<(Key, Direction)>) -> Order {
    Order::of(
        "insight",
        if keys.is_empty() {
            vec![(CREATED_AT, Direction::Descending)]
        } else {
            keys
        },
    )
}

/// Which insights.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Insights {
    /// Of this session.
    pub session: Option<SessionId>,
    /// Of this analysis.
    pub analysis: Option<AnalysisId>,
    /// About one of these.
    pub insight_type: Option<Vec<InsightType>>,
    /// Of one of these priorities.
    pub priority: Option<Vec<Priority>>,
}

impl Filter for Insights {
    fn conditions(&self, sql: &mut Sql) {
        page::is(sql, "session_id", self.session);
        page::is(sql, "analysis_id", self.analysis);
        page::one_of(
            sql,
            "insight_type",
            self.insight_type
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
    }
}

/// One page of insights.
///
/// # Errors
/// Those of the database.
pub async fn list(scope: &Scope, wanted: &Wanted, which: &Insights, window: &Arc<Window>) -> Result<Page<Table>> {
    page::list(scope, wanted, which, window).await
}

/// How many insights.
///
/// # Errors
/// Those of the database.
pub async fn count(scope: &Scope, which: &Insights) -> Result<i64> {
    page::count::<Table>(scope, which).await
}
