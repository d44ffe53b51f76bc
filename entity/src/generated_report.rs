//! A report made from an analysis.

use domain::id::AnalysisId;
use domain::id::OrganizationId;
use domain::id::ReportId;
use domain::id::SessionId;
use domain::id::UserId;
use domain::report::ReportType;
use domain::status::ReportStatus;
use sea_orm::entity::prelude::*;

#[derive(Clone, Debug, PartialEq, DeriveEntityModel)]
#[sea_orm(schema_name = "public", table_name = "generated_reports")]
pub struct Model {
    #[sea_orm(primary_key, auto_increment = false)]
    pub id: ReportId,
    pub analysis_id: AnalysisId,
    pub session_id: SessionId,
    pub organization_id: OrganizationId,
    pub report_type: ReportType,
    pub status: ReportStatus,
    pub progress: f64,
    #[sea_orm(column_type = "Text")]
    pub error_message: Option<String>,
    #[sea_orm(column_type = "Text")]
    pub locale: String,
    #[sea_orm(column_type = "Text")]
    pub file_url: Option<String>,
    pub file_size_bytes: Option<i64>,
    #[sea_orm(column_type = "Text")]
    pub access_token: Option<String>,
    pub expires_at: Option<DateTimeUtc>,
    pub is_public: bool,
    pub download_count: i32,
    pub attempt: i32,
    pub lease_token: Option<Uuid>,
    pub lease_expires_at: Option<DateTimeUtc>,
    pub requested_by: Option<UserId>,
    pub created_at: DateTimeUtc,
    pub updated_at: DateTimeUtc,
}

#[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
pub enum Relation {}

impl ActiveModelBehavior for ActiveModel {}
