//! One analysis of a recording: settings, progress, outcome, lease.

use domain::analysis_error::AnalysisErrorCode;
use domain::id::AnalysisId;
use domain::id::OrganizationId;
use domain::id::SessionId;
use domain::id::UserId;
use domain::sampling::Analyser;
use domain::sampling::SamplingPreset;
use domain::status::AnalysisStage;
use domain::status::AnalysisStatus;
use sea_orm::entity::prelude::*;

#[derive(Clone, Debug, PartialEq, DeriveEntityModel)]
#[sea_orm(schema_name = "public", table_name = "analysis_results")]
pub struct Model {
    #[sea_orm(primary_key, auto_increment = false)]
    pub id: AnalysisId,
    pub session_id: SessionId,
    pub organization_id: OrganizationId,
    pub status: AnalysisStatus,
    pub stage: AnalysisStage,
    pub progress: f64,
    pub frames_done: i32,
    pub frames_total: Option<i32>,
    #[sea_orm(column_type = "Text")]
    pub progress_message: Option<String>,
    pub is_current: bool,
    pub analyser: Analyser,
    pub preset: SamplingPreset,
    pub frames_per_second: f64,
    pub max_frames: i32,
    pub scene_threshold: f64,
    pub error_code: Option<AnalysisErrorCode>,
    #[sea_orm(column_type = "Text")]
    pub error_message: Option<String>,
    #[sea_orm(column_type = "Text")]
    pub gpt_version: Option<String>,
    #[sea_orm(column_type = "Text")]
    pub prompt_version: Option<String>,
    pub frames_analyzed: i32,
    pub coverage: Option<f64>,
    #[sea_orm(column_type = "JsonBinary")]
    pub raw_gpt_response: Option<Json>,
    #[sea_orm(column_type = "JsonBinary")]
    pub structured_insights: Option<Json>,
    pub confidence_score: Option<f64>,
    #[sea_orm(column_type = "Decimal(None)")]
    pub analysis_cost: Option<Decimal>,
    pub prompt_tokens: Option<i64>,
    pub completion_tokens: Option<i64>,
    pub processing_time_seconds: Option<f64>,
    pub automation_opportunities_count: i32,
    #[sea_orm(column_type = "Decimal(None)")]
    pub time_savings_hours_weekly: Option<Decimal>,
    #[sea_orm(column_type = "Decimal(None)")]
    pub cost_savings_annual: Option<Decimal>,
    #[sea_orm(column_type = "Text")]
    pub currency: Option<String>,
    pub attempt: i32,
    pub lease_token: Option<Uuid>,
    pub lease_expires_at: Option<DateTimeUtc>,
    pub cancel_requested_at: Option<DateTimeUtc>,
    pub requested_by: Option<UserId>,
    pub queued_at: DateTimeUtc,
    pub processing_started_at: Option<DateTimeUtc>,
    pub processing_completed_at: Option<DateTimeUtc>,
    pub created_at: DateTimeUtc,
    pub updated_at: DateTimeUtc,
}

#[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
pub enum Relation {}

impl ActiveModelBehavior for ActiveModel {}
