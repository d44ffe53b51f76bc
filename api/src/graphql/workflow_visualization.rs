//! Diagrams of what an analysis found.

use std::sync::Arc;

use async_graphql::{Context, ID, Object};
use domain::flow::{LayoutAlgorithm, VisualizationType};
use service::row::Columns;
use service::workflow_visualization::{self as row, Table};

use super::analysis_result::Analysis;
use super::at_once::AtHand;
use super::context::Read;
use super::error::Result;
use super::loader::FlowDataOf;
use super::page::{RowObject, get};
use super::recording_session::RecordingSession;
use super::scalar::{DateTime, Json};

/// A diagram.
pub struct WorkflowVisualization {
    read: Read,
    row: Arc<row::Row>,
}

impl AtHand for WorkflowVisualization {}

impl RowObject for WorkflowVisualization {
    type Table = Table;

    fn columns(field: &str) -> Columns {
        // A diagram is chosen by its kind, whatever was asked for.
        let chosen_by = Table::VISUALIZATION_TYPE | Table::LAYOUT_ALGORITHM;
        match field {
            "createdAt" => chosen_by | Table::CREATED_AT,
            _ => chosen_by,
        }
    }

    fn of(read: &Read, row: Arc<row::Row>) -> Self {
        Self {
            read: read.clone(),
            row,
        }
    }
}

impl WorkflowVisualization {
    /// Whether it is of this kind and layout.
    ///
    /// # Errors
    /// As the columns'.
    pub fn is(&self, kind: VisualizationType, layout: Option<LayoutAlgorithm>) -> Result<bool> {
        let has_layout = self.row.layout_algorithm()?;
        Ok(self.row.visualization_type()? == kind && layout.is_none_or(|layout| layout == has_layout))
    }
}

/// A diagram of what an analysis found, with its nodes placed.
#[Object]
impl WorkflowVisualization {
    /// Its id.
    pub async fn id(&self) -> Result<ID> {
        Ok(self.row.id()?.into())
    }

    /// The analysis that it shows.
    async fn analysis(&self, ctx: &Context<'_>) -> Result<Analysis> {
        get(ctx, &self.read, self.row.analysis_id()?).await
    }

    /// The recording that it shows.
    async fn session(&self, ctx: &Context<'_>) -> Result<RecordingSession> {
        get(ctx, &self.read, self.row.session_id()?).await
    }

    /// What it shows.
    fn visualization_type(&self) -> Result<VisualizationType> {
        Ok(self.row.visualization_type()?)
    }

    /// How its nodes are placed.
    fn layout_algorithm(&self) -> Result<LayoutAlgorithm> {
        Ok(self.row.layout_algorithm()?)
    }

    /// What React Flow takes: `{nodes: [{id, type, position {x, y}, data {…}}], edges: [{id, source, target, label, data}]}`.
    async fn flow_data(&self) -> Result<Json> {
        let flow = self.read.get(FlowDataOf(self.row.uuid()?)).await?;
        let flow = flow.ok_or_else(|| service::Error::internal("a diagram without content"))?;
        Ok(Json((*flow).clone()))
    }

    /// When it was drawn.
    fn created_at(&self) -> Result<DateTime> {
        Ok(self.row.created_at()?.into())
    }
}
