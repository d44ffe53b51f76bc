//! An export of a person's or of an organization's data.

use domain::id::ExportId;
use domain::id::OrganizationId;
use domain::id::UserId;
use domain::status::ExportStatus;
use sea_orm::entity::prelude::*;

#[derive(Clone, Debug, PartialEq, DeriveEntityModel)]
#[sea_orm(schema_name = "public", table_name = "data_exports")]
pub struct Model {
    #[sea_orm(primary_key, auto_increment = false)]
    pub id: ExportId,
    pub organization_id: OrganizationId,
    pub subject_user_id: Option<UserId>,
    pub requested_by: UserId,
    pub status: ExportStatus,
    pub progress: f64,
    #[sea_orm(column_type = "Text")]
    pub error_message: Option<String>,
    #[sea_orm(column_type = "Text")]
    pub file_path: Option<String>,
    pub file_size_bytes: Option<i64>,
    pub expires_at: Option<DateTimeUtc>,
    pub attempt: i32,
    pub lease_token: Option<Uuid>,
    pub lease_expires_at: Option<DateTimeUtc>,
    pub created_at: DateTimeUtc,
    pub updated_at: DateTimeUtc,
}

#[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
pub enum Relation {}

impl ActiveModelBehavior for ActiveModel {}
