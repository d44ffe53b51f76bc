//! A recording of work on a screen.

use domain::category::ClassifiedBy;
use domain::category::WorkflowCategory;
use domain::id::ApiKeyId;
use domain::id::OrganizationId;
use domain::id::SessionId;
use domain::id::UserId;
use domain::status::SessionStatus;
use sea_orm::entity::prelude::*;

#[derive(Clone, Debug, PartialEq, DeriveEntityModel)]
#[sea_orm(schema_name = "public", table_name = "recording_sessions")]
pub struct Model {
    #[sea_orm(primary_key, auto_increment = false)]
    pub id: SessionId,
    pub organization_id: OrganizationId,
    pub user_id: Option<UserId>,
    pub api_key_id: Option<ApiKeyId>,
    #[sea_orm(column_type = "Text")]
    pub title: String,
    #[sea_orm(column_type = "Text")]
    pub description: Option<String>,
    pub status: SessionStatus,
    pub duration_seconds: Option<f64>,
    pub file_size_bytes: i64,
    pub workflow_type: Option<WorkflowCategory>,
    pub classified_by: Option<ClassifiedBy>,
    #[sea_orm(column_type = "JsonBinary")]
    pub privacy_settings: Json,
    #[sea_orm(column_type = "JsonBinary")]
    pub metadata: Json,
    pub declared_occurrences_per_day: Option<f64>,
    pub people_count: i32,
    pub truncated: bool,
    #[sea_orm(column_type = "Text")]
    pub content_sha256: Option<String>,
    #[sea_orm(column_type = "Text")]
    pub error_message: Option<String>,
    #[sea_orm(column_type = "Text")]
    pub notice_version: Option<String>,
    pub consent_at: Option<DateTimeUtc>,
    pub consent_withdrawn_at: Option<DateTimeUtc>,
    pub chunk_count: Option<i32>,
    pub last_chunk_at: Option<DateTimeUtc>,
    pub finished_at: Option<DateTimeUtc>,
    pub completed_at: Option<DateTimeUtc>,
    pub video_deleted_at: Option<DateTimeUtc>,
    pub frames_deleted_at: Option<DateTimeUtc>,
    pub created_at: DateTimeUtc,
    pub updated_at: DateTimeUtc,
}

#[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
pub enum Relation {}

impl ActiveModelBehavior for ActiveModel {}
