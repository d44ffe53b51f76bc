//! Something that could be automated and what that is worth.

use domain::category::WorkflowCategory;
use domain::id::AnalysisId;
use domain::id::OpportunityId;
use domain::id::OrganizationId;
use domain::id::SessionId;
use domain::id::UserId;
use domain::roi::Complexity;
use domain::roi::EffortBasis;
use domain::roi::FrequencyBasis;
use domain::roi::Priority;
use domain::status::OpportunityStatus;
use sea_orm::entity::prelude::*;

#[derive(Clone, Debug, PartialEq, DeriveEntityModel)]
#[sea_orm(schema_name = "public", table_name = "automation_opportunities")]
pub struct Model {
    #[sea_orm(primary_key, auto_increment = false)]
    pub id: OpportunityId,
    pub analysis_id: AnalysisId,
    pub session_id: SessionId,
    pub organization_id: OrganizationId,
    #[sea_orm(column_type = "Text")]
    pub process_key: String,
    pub opportunity_type: WorkflowCategory,
    #[sea_orm(column_type = "Text")]
    pub title: String,
    #[sea_orm(column_type = "Text")]
    pub description: String,
    pub workflow_steps: Vec<String>,
    pub current_time_per_occurrence_seconds: Option<f64>,
    pub occurrences_observed: i32,
    pub observed_seconds: f64,
    pub occurrences_per_day: Option<f64>,
    pub frequency_basis: FrequencyBasis,
    pub people_count: i32,
    pub automation_complexity: Option<Complexity>,
    #[sea_orm(column_type = "Decimal(None)")]
    pub implementation_effort_hours: Option<Decimal>,
    pub effort_basis: EffortBasis,
    #[sea_orm(column_type = "Text")]
    pub currency: String,
    #[sea_orm(column_type = "Decimal(None)")]
    pub estimated_cost_savings_monthly: Option<Decimal>,
    #[sea_orm(column_type = "Decimal(None)")]
    pub monthly_savings_low: Option<Decimal>,
    #[sea_orm(column_type = "Decimal(None)")]
    pub monthly_savings_high: Option<Decimal>,
    #[sea_orm(column_type = "Decimal(None)")]
    pub hours_saved_monthly: Option<Decimal>,
    #[sea_orm(column_type = "Decimal(None)")]
    pub estimated_implementation_cost: Option<Decimal>,
    #[sea_orm(column_type = "Decimal(None)")]
    pub roi_percentage: Option<Decimal>,
    pub payback_period_days: Option<i32>,
    pub counted: bool,
    pub confidence_score: Option<f64>,
    pub priority: Option<Priority>,
    #[sea_orm(column_type = "Text")]
    pub priority_reason: Option<String>,
    pub status: OpportunityStatus,
    #[sea_orm(column_type = "JsonBinary")]
    pub reviewer_input: Json,
    pub reviewed_by: Option<UserId>,
    pub reviewed_at: Option<DateTimeUtc>,
    #[sea_orm(column_type = "Text")]
    pub review_note: Option<String>,
    #[sea_orm(column_type = "Text")]
    pub dismissal_reason: Option<String>,
    pub implemented_at: Option<DateTimeUtc>,
    #[sea_orm(column_type = "Decimal(None)")]
    pub actual_implementation_cost: Option<Decimal>,
    pub measured_seconds_after: Option<f64>,
    #[sea_orm(column_type = "Decimal(None)")]
    pub realised_savings_monthly: Option<Decimal>,
    #[sea_orm(column_type = "JsonBinary")]
    pub evidence: Json,
    pub frame_indexes: Vec<i32>,
    #[sea_orm(column_type = "JsonBinary")]
    pub record_metadata: Json,
    pub created_at: DateTimeUtc,
    pub updated_at: DateTimeUtc,
}

#[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
pub enum Relation {}

impl ActiveModelBehavior for ActiveModel {}
