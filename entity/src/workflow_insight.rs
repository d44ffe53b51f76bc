//! A pattern, bottleneck or optimization.

use domain::id::AnalysisId;
use domain::id::InsightId;
use domain::id::OrganizationId;
use domain::id::SessionId;
use domain::insight::InsightType;
use domain::roi::Priority;
use sea_orm::entity::prelude::*;

#[derive(Clone, Debug, PartialEq, DeriveEntityModel)]
#[sea_orm(schema_name = "public", table_name = "workflow_insights")]
pub struct Model {
    #[sea_orm(primary_key, auto_increment = false)]
    pub id: InsightId,
    pub session_id: SessionId,
    pub analysis_id: Option<AnalysisId>,
    pub organization_id: OrganizationId,
    pub insight_type: InsightType,
    #[sea_orm(column_type = "Text")]
    pub title: String,
    #[sea_orm(column_type = "Text")]
    pub description: String,
    pub confidence_score: Option<f64>,
    pub time_saved_seconds: Option<f64>,
    #[sea_orm(column_type = "Decimal(None)")]
    pub roi_score: Option<Decimal>,
    pub automation_potential: Option<f64>,
    pub priority: Option<Priority>,
    #[sea_orm(column_type = "JsonBinary")]
    pub metadata: Json,
    #[sea_orm(column_type = "JsonBinary")]
    pub evidence: Json,
    pub created_at: DateTimeUtc,
}

#[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
pub enum Relation {}

impl ActiveModelBehavior for ActiveModel {}
