//! A frame kept as evidence.

use domain::id::AnalysisId;
use domain::id::FrameId;
use domain::id::OrganizationId;
use domain::id::SessionId;
use sea_orm::entity::prelude::*;

#[derive(Clone, Debug, PartialEq, DeriveEntityModel)]
#[sea_orm(schema_name = "public", table_name = "analysis_frames")]
pub struct Model {
    #[sea_orm(primary_key, auto_increment = false)]
    pub id: FrameId,
    pub organization_id: OrganizationId,
    pub session_id: SessionId,
    pub analysis_id: AnalysisId,
    pub frame_index: i32,
    pub timestamp_seconds: f64,
    pub start_seconds: f64,
    pub end_seconds: f64,
    pub screen: i32,
    pub width_pixels: i32,
    pub height_pixels: i32,
    #[sea_orm(column_type = "Text")]
    pub file_path: String,
    pub file_size_bytes: i64,
    pub redacted: bool,
    pub created_at: DateTimeUtc,
}

#[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
pub enum Relation {}

impl ActiveModelBehavior for ActiveModel {}
