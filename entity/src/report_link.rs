//! A secret address of a report; only its hash is stored.

use domain::id::OrganizationId;
use domain::id::ReportId;
use domain::id::ReportLinkId;
use domain::id::UserId;
use sea_orm::entity::prelude::*;

#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(schema_name = "public", table_name = "report_links")]
pub struct Model {
    #[sea_orm(primary_key, auto_increment = false)]
    pub id: ReportLinkId,
    pub organization_id: OrganizationId,
    pub report_id: ReportId,
    #[sea_orm(column_type = "Text")]
    pub token_sha256: String,
    pub include_frames: bool,
    pub created_by: Option<UserId>,
    pub expires_at: DateTimeUtc,
    pub revoked_at: Option<DateTimeUtc>,
    pub download_count: i32,
    pub created_at: DateTimeUtc,
}

#[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
pub enum Relation {}

impl ActiveModelBehavior for ActiveModel {}
