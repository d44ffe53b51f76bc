//! Analyses with their attempts and disclosures, read.

use std::collections::HashMap;
use std::sync::Arc;

use chrono::{DateTime, Utc};
use domain::analysis_error::AnalysisErrorCode;
use domain::id::{AnalysisId, OrganizationId, SessionId};
use domain::insight::StructuredInsights;
use domain::sampling::{Analyser, SamplingPreset};
use domain::status::{AnalysisStage, AnalysisStatus};
use rust_decimal::Decimal;
use sqlx::Row as _;
use uuid::Uuid;

use crate::db::Scope;
use crate::error::Result;
use crate::page::{self, Direction, Filter, Key, Kind, Order, Page, Range, Window};
use crate::row::{Decode, Wanted, table};
use crate::sql::Sql;

table!("public.analysis_results", "analysis", always [ID, SESSION_ID], {
    ID = id: AnalysisId,
    SESSION_ID = session_id: SessionId,
    ORGANIZATION_ID = organization_id: OrganizationId,
    STATUS = status: AnalysisStatus,
    STAGE = stage: AnalysisStage,
    PROGRESS = progress: f64,
    FRAMES_DONE = frames_done: i32,
    FRAMES_TOTAL = frames_total: Option<i32>,
    PROGRESS_MESSAGE = progress_message: Option<&str>,
    IS_CURRENT = is_current: bool,
    ANALYSER = analyser: Analyser,
    PRESET = preset: SamplingPreset,
    FRAMES_PER_SECOND = frames_per_second: f64,
    MAX_FRAMES = max_frames: i32,
    SCENE_THRESHOLD = scene_threshold: f64,
    ERROR_CODE = error_code: Option<AnalysisErrorCode>,
    ERROR_MESSAGE = error_message: Option<&str>,
    GPT_VERSION = gpt_version: Option<&str>,
    PROMPT_VERSION = prompt_version: Option<&str>,
    FRAMES_ANALYZED = frames_analyzed: i32,
    COVERAGE = coverage: Option<f64>,
    CONFIDENCE_SCORE = confidence_score: Option<f64>,
    PROCESSING_TIME_SECONDS = processing_time_seconds: Option<f64>,
    AUTOMATION_OPPORTUNITIES_COUNT = automation_opportunities_count: i32,
    TIME_SAVINGS_HOURS_WEEKLY = time_savings_hours_weekly: Option<Decimal>,
    COST_SAVINGS_ANNUAL = cost_savings_annual: Option<Decimal>,
    CURRENCY = currency: Option<&str>,
    ATTEMPT = attempt: i32,
    CANCEL_REQUESTED_AT = cancel_requested_at: Option<DateTime<Utc>>,
    QUEUED_AT = queued_at: DateTime<Utc>,
    PROCESSING_STARTED_AT = processing_started_at: Option<DateTime<Utc>>,
    PROCESSING_COMPLETED_AT = processing_completed_at: Option<DateTime<Utc>>,
    CREATED_AT = created_at: DateTime<Utc>,
    UPDATED_AT = updated_at: DateTime<Utc>,
});

/// By when it was asked for.
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
/// By the analyser's own estimate.
pub const CONFIDENCE: Key = Key {
    name: "confidence_score",
    column: Table::CONFIDENCE_SCORE,
    kind: Kind::Float,
    nullable: true,
};
/// By potential savings a year.
pub const COST_SAVINGS_ANNUAL: Key = Key {
    name: "cost_savings_annual",
    column: Table::COST_SAVINGS_ANNUAL,
    kind: Kind::Decimal,
    nullable: true,
};

/// The order of a list: newest first unless it says otherwise.
pub fn order(keys: Vec<(Key, Direction)>) -> Order {
    Order::of(
        "analysis",
        if keys.is_empty() {
            vec![(CREATED_AT, Direction::Descending)]
        } else {
            keys
        },
    )
}

/// Which analyses.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Analyses {
    /// In one of these states.
    pub status: Option<Vec<AnalysisStatus>>,
    /// Of this session.
    pub session: Option<SessionId>,
    /// Only the newest completed one of each session.
    pub current_only: bool,
    /// Asked for in this range.
    pub created: Range,
    /// Changed in this range.
    pub updated: Range,
}

impl Filter for Analyses {
    fn conditions(&self, sql: &mut Sql) {
        page::one_of(
            sql,
            "status",
            self.status
                .as_ref()
                .map(|list| list.iter().map(|s| s.as_str()).collect()),
        );
        page::is(sql, "session_id", self.session);
        if self.current_only {
            sql.push(" and t.is_current");
        }
        self.created.conditions(sql, "t.created_at");
        self.updated.conditions(sql, "t.updated_at");
    }
}

/// One page of analyses.
///
/// # Errors
/// Those of the database.
pub async fn list(scope: &Scope, wanted: &Wanted, which: &Analyses, window: &Arc<Window>) -> Result<Page<Table>> {
    page::list(scope, wanted, which, window).await
}

/// How many analyses.
///
/// # Errors
/// Those of the database.
pub async fn count(scope: &Scope, which: &Analyses) -> Result<i64> {
    page::count::<Table>(scope, which).await
}

/// What an analysis has cost, of those whose cost the caller may see.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct ModelCost {
    /// USD; none while unknown, or where the model has no price.
    pub usd: Option<Decimal>,
    /// Tokens that went in.
    pub prompt_tokens: Option<i64>,
    /// Tokens that came out.
    pub completion_tokens: Option<i64>,
}

/// The model's cost of these analyses; empty for a caller who may not see it.
///
/// # Errors
/// Those of the database.
pub async fn costs(scope: &Scope, analyses: &[Uuid]) -> Result<HashMap<Uuid, ModelCost>> {
    let mut sql =
        Sql::new("select analysis_id, analysis_cost, prompt_tokens, completion_tokens from private.analysis_costs(");
    sql.bind(analyses.to_vec()).push(")");
    let rows = sql.rows(scope).await?;
    rows.iter()
        .map(|row| {
            let cost = ModelCost {
                usd: Decode::decode(row, 1)?,
                prompt_tokens: Decode::decode(row, 2)?,
                completion_tokens: Decode::decode(row, 3)?,
            };
            Ok((Uuid::decode(row, 0)?, cost))
        })
        .collect()
}

/// The model's replies of those analyses where the caller may read them, unmodified.
///
/// # Errors
/// Those of the database.
pub async fn raw_replies(scope: &Scope, analyses: &[Uuid]) -> Result<HashMap<Uuid, Arc<serde_json::Value>>> {
    let mut sql = Sql::new("select analysis_id, raw_gpt_response from private.raw_replies(");
    sql.bind(analyses.to_vec()).push(") where raw_gpt_response is not null");
    let rows = sql.rows(scope).await?;
    rows.iter()
        .map(|row| Ok((Uuid::decode(row, 0)?, Arc::new(Decode::decode(row, 1)?))))
        .collect()
}

/// What these analyses have read, of those that have.
///
/// # Errors
/// Those of the database; [`crate::Error::Database`] for a stored value of another shape.
pub async fn insights(scope: &Scope, analyses: &[Uuid]) -> Result<HashMap<Uuid, Arc<StructuredInsights>>> {
    let mut sql = Sql::new("select t.id, t.structured_insights from public.analysis_results t where t.id = any(");
    sql.bind(analyses.to_vec())
        .push(") and t.structured_insights is not null");
    let rows = sql.rows(scope).await?;
    rows.iter()
        .map(|row| {
            let insights: sqlx::types::Json<StructuredInsights> = row.try_get(1)?;
            Ok((Uuid::decode(row, 0)?, Arc::new(insights.0)))
        })
        .collect()
}

/// One try of a worker at an analysis.
pub mod attempt {
    use std::collections::HashMap;

    use chrono::{DateTime, Utc};
    use domain::analysis_error::AnalysisErrorCode;
    use domain::id::{AnalysisId, AttemptId};
    use rust_decimal::Decimal;
    use uuid::Uuid;

    use crate::db::Scope;
    use crate::error::Result;
    use crate::page::{Direction, Key, Kind, Order};
    use crate::row::{Decode, table};
    use crate::sql::Sql;

    table!("public.analysis_attempts", "attempt", always [ID, ANALYSIS_ID], {
        ID = id: AttemptId,
        ANALYSIS_ID = analysis_id: AnalysisId,
        NUMBER = number: i32,
        STARTED_AT = started_at: DateTime<Utc>,
        ENDED_AT = ended_at: Option<DateTime<Utc>>,
        ERROR_CODE = error_code: Option<AnalysisErrorCode>,
        MESSAGE = message: Option<&str>,
    });

    /// The first one first.
    pub fn order() -> Order {
        let number = Key {
            name: "number",
            column: Table::NUMBER,
            kind: Kind::Int,
            nullable: false,
        };
        Order::of("attempt", [(number, Direction::Ascending)])
    }

    /// What these attempts have cost in USD, of those whose cost is known and the caller may see.
    ///
    /// # Errors
    /// Those of the database.
    pub async fn costs(scope: &Scope, attempts: &[Uuid]) -> Result<HashMap<Uuid, Decimal>> {
        let mut sql = Sql::new("select attempt_id, cost_usd from private.attempt_costs(");
        sql.bind(attempts.to_vec()).push(") where cost_usd is not null");
        let rows = sql.rows(scope).await?;
        rows.iter()
            .map(|row| Ok((Uuid::decode(row, 0)?, Decode::decode(row, 1)?)))
            .collect()
    }
}

/// What was sent to a model for an analysis.
pub mod disclosure {
    use chrono::{DateTime, Utc};
    use domain::id::{AnalysisId, DisclosureId};

    use crate::page::{Direction, Key, Kind, Order};
    use crate::row::table;

    table!("public.disclosures", "disclosure", always [ID, ANALYSIS_ID], {
        ID = id: DisclosureId,
        ANALYSIS_ID = analysis_id: AnalysisId,
        ENDPOINT = endpoint: &str,
        MODEL = model: &str,
        FRAMES = frames: i32,
        BYTES = bytes: i64,
        AT = at: DateTime<Utc>,
    });

    /// The first one first.
    pub fn order() -> Order {
        let at = Key {
            name: "at",
            column: Table::AT,
            kind: Kind::Instant,
            nullable: false,
        };
        Order::of("disclosure", [(at, Direction::Ascending)])
    }
}
