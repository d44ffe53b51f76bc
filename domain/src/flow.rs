//! Diagrams of what an analysis found.

use crate::closed::closed;

closed! {
    /// What a diagram shows.
    pub enum VisualizationType {
        /// The steps in their order, with decisions and returns.
        FlowChart = "flow_chart",
        /// The steps along the recording's time.
        Timeline = "timeline",
        /// The screens and how often work goes from one to another.
        ProcessMap = "process_map",
    }

    /// How a diagram's nodes are placed.
    pub enum LayoutAlgorithm {
        /// In layers from left to right.
        Dagre = "dagre",
        /// In layers from top to bottom.
        Hierarchical = "hierarchical",
        /// By attraction along edges and repulsion between nodes.
        Force = "force",
    }
}
