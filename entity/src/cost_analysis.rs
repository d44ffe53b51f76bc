//! What an analysis is worth, with the assumptions used.

use domain::id::AnalysisId;
use domain::id::CostAnalysisId;
use domain::id::OrganizationId;
use domain::id::SessionId;
use domain::roi::ConfidenceLevel;
use sea_orm::entity::prelude::*;

#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(schema_name = "public", table_name = "cost_analyses")]
pub struct Model {
    #[sea_orm(primary_key, auto_increment = false)]
    pub id: CostAnalysisId,
    pub analysis_id: AnalysisId,
    pub session_id: SessionId,
    pub organization_id: OrganizationId,
    #[sea_orm(column_type = "Text")]
    pub currency: String,
    #[sea_orm(column_type = "Decimal(None)")]
    pub current_monthly_hours: Option<Decimal>,
    #[sea_orm(column_type = "Decimal(None)")]
    pub current_monthly_cost: Option<Decimal>,
    #[sea_orm(column_type = "Decimal(None)")]
    pub projected_monthly_hours: Option<Decimal>,
    #[sea_orm(column_type = "Decimal(None)")]
    pub projected_monthly_cost: Option<Decimal>,
    #[sea_orm(column_type = "Decimal(None)")]
    pub total_implementation_cost: Option<Decimal>,
    #[sea_orm(column_type = "Decimal(None)")]
    pub monthly_savings: Option<Decimal>,
    #[sea_orm(column_type = "Decimal(None)")]
    pub annual_savings: Option<Decimal>,
    pub payback_period_days: Option<i32>,
    #[sea_orm(column_type = "Decimal(None)")]
    pub roi_percentage: Option<Decimal>,
    #[sea_orm(column_type = "Decimal(None)")]
    pub current_hourly_rate: Option<Decimal>,
    pub confidence_level: Option<ConfidenceLevel>,
    #[sea_orm(column_type = "JsonBinary")]
    pub assumptions: Json,
    #[sea_orm(column_type = "JsonBinary")]
    pub scenarios: Json,
    pub created_at: DateTimeUtc,
}

#[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
pub enum Relation {}

impl ActiveModelBehavior for ActiveModel {}
