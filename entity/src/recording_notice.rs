//! The text that a person to be recorded is shown, by version and locale.

use domain::id::OrganizationId;
use domain::id::RecordingNoticeId;
use domain::id::UserId;
use sea_orm::entity::prelude::*;

#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(schema_name = "public", table_name = "recording_notices")]
pub struct Model {
    #[sea_orm(primary_key, auto_increment = false)]
    pub id: RecordingNoticeId,
    pub organization_id: OrganizationId,
    #[sea_orm(column_type = "Text")]
    pub version: String,
    #[sea_orm(column_type = "Text")]
    pub locale: String,
    #[sea_orm(column_type = "Text")]
    pub text: String,
    pub created_by: Option<UserId>,
    pub created_at: DateTimeUtc,
    pub updated_at: DateTimeUtc,
}

#[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
pub enum Relation {}

impl ActiveModelBehavior for ActiveModel {}
