//! What was sent to a model, and where.

use domain::id::AnalysisId;
use domain::id::DisclosureId;
use domain::id::OrganizationId;
use domain::id::SessionId;
use sea_orm::entity::prelude::*;

#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(schema_name = "public", table_name = "disclosures")]
pub struct Model {
    #[sea_orm(primary_key, auto_increment = false)]
    pub id: DisclosureId,
    pub organization_id: OrganizationId,
    /// None once the recording was erased.
    pub session_id: Option<SessionId>,
    pub analysis_id: Option<AnalysisId>,
    #[sea_orm(column_type = "Text")]
    pub endpoint: String,
    #[sea_orm(column_type = "Text")]
    pub model: String,
    pub frames: i32,
    pub bytes: i64,
    pub at: DateTimeUtc,
    pub created_at: DateTimeUtc,
}

#[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
pub enum Relation {}

impl ActiveModelBehavior for ActiveModel {}
