//! A line of the ledger of requests to a model.

use domain::id::AnalysisId;
use domain::id::ModelRequestId;
use domain::id::OrganizationId;
use domain::id::SessionId;
use sea_orm::entity::prelude::*;

#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(schema_name = "public", table_name = "model_requests")]
pub struct Model {
    #[sea_orm(primary_key, auto_increment = false)]
    pub id: ModelRequestId,
    pub organization_id: OrganizationId,
    /// None once the recording was erased.
    pub session_id: Option<SessionId>,
    pub analysis_id: Option<AnalysisId>,
    #[sea_orm(column_type = "Text")]
    pub request_key: String,
    #[sea_orm(column_type = "Text")]
    pub model: String,
    #[sea_orm(column_type = "Text")]
    pub state: String,
    #[sea_orm(column_type = "Decimal(None)")]
    pub estimate_usd: Decimal,
    #[sea_orm(column_type = "Decimal(None)")]
    pub cost_usd: Option<Decimal>,
    pub prompt_tokens: Option<i64>,
    pub completion_tokens: Option<i64>,
    #[sea_orm(column_type = "Text")]
    pub reply: Option<String>,
    /// The frames that it asks about.
    pub frame_indexes: Vec<i32>,
    /// The most tokens that it can take.
    pub estimated_tokens: i64,
    #[sea_orm(column_type = "Text")]
    pub error_message: Option<String>,
    pub settled_at: Option<DateTimeUtc>,
    pub created_at: DateTimeUtc,
    pub updated_at: DateTimeUtc,
}

#[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
pub enum Relation {}

impl ActiveModelBehavior for ActiveModel {}
