//! Diagrams, read. Their content has a way of its own: it is large.

use chrono::{DateTime, Utc};
use domain::flow::{LayoutAlgorithm, VisualizationType};
use domain::id::{AnalysisId, SessionId, VisualizationId};

use crate::page::{Direction, Key, Kind, Order};
use crate::row::table;

table!("public.workflow_visualizations", "visualization", always [ID, ANALYSIS_ID, SESSION_ID], {
    ID = id: VisualizationId,
    ANALYSIS_ID = analysis_id: AnalysisId,
    SESSION_ID = session_id: SessionId,
    VISUALIZATION_TYPE = visualization_type: VisualizationType,
    LAYOUT_ALGORITHM = layout_algorithm: LayoutAlgorithm,
    CREATED_AT = created_at: DateTime<Utc>,
    FLOW_DATA = flow_data: serde_json::Value,
});

/// The oldest first.
pub fn order() -> Order {
    let created = Key {
        name: "created_at",
        column: Table::CREATED_AT,
        kind: Kind::Instant,
        nullable: false,
    };
    Order::of("visualization", [(created, Direction::Ascending)])
}
