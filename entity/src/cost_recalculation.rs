//! A calculation of all current costs that is not done yet.

use domain::id::{AnalysisId, OrganizationId, RecalculationId};
use sea_orm::entity::prelude::*;

#[derive(Clone, Debug, PartialEq, DeriveEntityModel)]
#[sea_orm(schema_name = "public", table_name = "cost_recalculations")]
pub struct Model {
    #[sea_orm(primary_key, auto_increment = false)]
    pub id: RecalculationId,
    pub organization_id: OrganizationId,
    #[sea_orm(column_type = "JsonBinary")]
    pub assumptions: Json,
    pub done_to: Option<AnalysisId>,
    pub until: Option<AnalysisId>,
    pub tries: i32,
    pub lease_token: Option<Uuid>,
    pub created_at: DateTimeUtc,
    pub updated_at: DateTimeUtc,
}

#[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
pub enum Relation {}

impl ActiveModelBehavior for ActiveModel {}
