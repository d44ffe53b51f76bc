//! One piece of a recording, as uploaded.

use domain::id::ChunkId;
use domain::id::OrganizationId;
use domain::id::SessionId;
use domain::status::UploadStatus;
use sea_orm::entity::prelude::*;

#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(schema_name = "public", table_name = "video_chunks")]
pub struct Model {
    #[sea_orm(primary_key, auto_increment = false)]
    pub id: ChunkId,
    pub session_id: SessionId,
    pub organization_id: OrganizationId,
    pub chunk_index: i32,
    #[sea_orm(column_type = "Text")]
    pub file_path: Option<String>,
    pub file_size_bytes: i64,
    #[sea_orm(column_type = "Text")]
    pub sha256: Option<String>,
    #[sea_orm(column_type = "Text")]
    pub content_type: Option<String>,
    pub upload_status: UploadStatus,
    pub retry_count: i32,
    #[sea_orm(column_type = "Text")]
    pub error_message: Option<String>,
    pub uploaded_at: Option<DateTimeUtc>,
    pub created_at: DateTimeUtc,
    pub updated_at: DateTimeUtc,
}

#[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
pub enum Relation {}

impl ActiveModelBehavior for ActiveModel {}
