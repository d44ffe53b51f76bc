//! One try of a worker at an analysis.

use domain::analysis_error::AnalysisErrorCode;
use domain::id::AnalysisId;
use domain::id::AttemptId;
use domain::id::OrganizationId;
use domain::id::SessionId;
use sea_orm::entity::prelude::*;

#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(schema_name = "public", table_name = "analysis_attempts")]
pub struct Model {
    #[sea_orm(primary_key, auto_increment = false)]
    pub id: AttemptId,
    pub organization_id: OrganizationId,
    pub session_id: SessionId,
    pub analysis_id: AnalysisId,
    pub number: i32,
    #[sea_orm(column_type = "Text")]
    pub worker: String,
    pub started_at: DateTimeUtc,
    pub ended_at: Option<DateTimeUtc>,
    pub error_code: Option<AnalysisErrorCode>,
    #[sea_orm(column_type = "Text")]
    pub message: Option<String>,
    #[sea_orm(column_type = "Decimal(None)")]
    pub cost_usd: Option<Decimal>,
    pub created_at: DateTimeUtc,
}

#[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
pub enum Relation {}

impl ActiveModelBehavior for ActiveModel {}
