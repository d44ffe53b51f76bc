//! A diagram in the form that React Flow takes.

use domain::flow::LayoutAlgorithm;
use domain::flow::VisualizationType;
use domain::id::AnalysisId;
use domain::id::OrganizationId;
use domain::id::SessionId;
use domain::id::VisualizationId;
use sea_orm::entity::prelude::*;

#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(schema_name = "public", table_name = "workflow_visualizations")]
pub struct Model {
    #[sea_orm(primary_key, auto_increment = false)]
    pub id: VisualizationId,
    pub analysis_id: AnalysisId,
    pub session_id: SessionId,
    pub organization_id: OrganizationId,
    #[sea_orm(column_type = "JsonBinary")]
    pub flow_data: Json,
    pub visualization_type: VisualizationType,
    pub layout_algorithm: LayoutAlgorithm,
    pub created_at: DateTimeUtc,
}

#[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
pub enum Relation {}

impl ActiveModelBehavior for ActiveModel {}
