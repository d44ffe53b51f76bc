//! An event in an organization's log.

use domain::event::EventKind;
use domain::id::ApiKeyId;
use domain::id::OrganizationId;
use domain::id::UserId;
use sea_orm::entity::prelude::*;

#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(schema_name = "public", table_name = "organization_events")]
pub struct Model {
    #[sea_orm(primary_key, auto_increment = false)]
    pub organization_id: OrganizationId,
    #[sea_orm(primary_key, auto_increment = false)]
    pub sequence: i64,
    pub kind: EventKind,
    pub subject_id: Uuid,
    #[sea_orm(column_type = "Text")]
    pub from_status: Option<String>,
    #[sea_orm(column_type = "Text")]
    pub to_status: Option<String>,
    pub actor_user_id: Option<UserId>,
    pub actor_api_key_id: Option<ApiKeyId>,
    pub at: DateTimeUtc,
}

#[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
pub enum Relation {}

impl ActiveModelBehavior for ActiveModel {}
