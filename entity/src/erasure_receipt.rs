//! That something was erased, without what it was.

use domain::id::ErasureReceiptId;
use domain::id::OrganizationId;
use domain::id::UserId;
use sea_orm::entity::prelude::*;

#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(schema_name = "public", table_name = "erasure_receipts")]
pub struct Model {
    #[sea_orm(primary_key, auto_increment = false)]
    pub id: ErasureReceiptId,
    pub organization_id: OrganizationId,
    #[sea_orm(column_type = "Text")]
    pub subject_type: String,
    pub subject_id: Uuid,
    #[sea_orm(column_type = "Text")]
    pub reason: String,
    pub requested_by: Option<UserId>,
    pub at: DateTimeUtc,
    pub erased_rows: i32,
    pub erased_objects: i32,
    pub erased_bytes: i64,
}

#[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
pub enum Relation {}

impl ActiveModelBehavior for ActiveModel {}
