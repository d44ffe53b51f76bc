//! Diagrams of what an analysis found, as React Flow takes them: nodes with positions, and edges.
//! Pure: the same insights and layout give the same diagram to the last digit.

mod layout;

use std::collections::{BTreeMap, BTreeSet};

use serde::{Deserialize, Serialize};

use crate::closed::closed;
use crate::insight::{Routine, StructuredInsights, WorkflowStep};
use crate::span::TimeSpan;

closed! {
    /// What a diagram shows.
    pub enum VisualizationType {
        /// The steps in their order, with decisions and returns.
        FlowChart = "flow_chart",
        /// The steps along the recording's time.
        Timeline = "timeline",
        /// The screens, or the applications, and how often work goes from one to another.
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

/// A diagram.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct Flow {
    /// What there is.
    pub nodes: Vec<Node>,
    /// What leads to what.
    pub edges: Vec<Edge>,
}

/// A node as React Flow takes it.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Node {
    /// Unique in the diagram.
    pub id: String,
    /// One of React Flow's own types, so that it shows without a renderer of one's own.
    #[serde(rename = "type")]
    pub node_type: NodeType,
    /// Its upper left corner.
    pub position: Position,
    /// In pixels; layouts keep nodes of this size apart.
    pub width: f64,
    /// In pixels.
    pub height: f64,
    /// What it stands for.
    pub data: NodeData,
}

/// React Flow's own types of nodes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum NodeType {
    /// Nothing leads here.
    Input,
    /// In between.
    Default,
    /// Nothing leads on from here.
    Output,
}

/// Where a node is, in pixels from the upper left.
#[derive(Debug, Clone, Copy, Default, PartialEq, Serialize, Deserialize)]
pub struct Position {
    /// To the right.
    pub x: f64,
    /// Down.
    pub y: f64,
}

/// What a node stands for.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct NodeData {
    /// What is written on it. Text read from screens: never to be rendered as HTML.
    pub label: String,
    /// Step, decision, screen or application.
    pub kind: NodeKind,
    /// The application that it belongs to.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub application: Option<String>,
    /// The numbers of the steps that it stands for.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub steps: Vec<u32>,
    /// Time spent in it, where that is known.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub seconds: Option<f64>,
    /// Where the recording first shows it, in seconds.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub start_seconds: Option<f64>,
    /// Indexes of the frames that show it.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub frames: Vec<u32>,
}

/// What kind of thing a node stands for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum NodeKind {
    /// Something that was done.
    Step,
    /// Something that was done, after which work went different ways.
    Decision,
    /// A screen of a routine.
    Screen,
    /// An application.
    Application,
}

/// An edge as React Flow takes it.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Edge {
    /// Unique in the diagram.
    pub id: String,
    /// The node that it starts from.
    pub source: String,
    /// The node that it leads to.
    pub target: String,
    /// How often, where that is more than once.
    pub label: String,
    /// How often, as a number.
    pub data: EdgeData,
}

/// What an edge carries.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct EdgeData {
    /// How often work went this way.
    pub count: u32,
}

/// Width of a node, in pixels.
pub const NODE_WIDTH: f64 = 220.0;
/// Height of a node, in pixels.
pub const NODE_HEIGHT: f64 = 80.0;
/// Pixels for one second on a timeline.
const PIXELS_PER_SECOND: f64 = 20.0;

/// Draws a diagram. `screen_names` says what the screens of routines are called; a screen without a name is called by the
/// step seen on it, or by its number.
pub fn draw(
    visualization: VisualizationType,
    algorithm: LayoutAlgorithm,
    insights: &StructuredInsights,
    screen_names: &BTreeMap<u32, String>,
) -> Flow {
    let graph = match visualization {
        VisualizationType::FlowChart => flow_chart(&insights.steps),
        VisualizationType::Timeline => timeline(&insights.steps),
        VisualizationType::ProcessMap if insights.routines.is_empty() => applications(&insights.steps),
        VisualizationType::ProcessMap => screens(insights, screen_names),
    };
    let links: Vec<(usize, usize)> = graph.edges.keys().copied().collect();
    let positions = match (visualization, algorithm) {
        (_, LayoutAlgorithm::Force) => layout::force(graph.nodes.len(), &links),
        (VisualizationType::Timeline, _) => along_time(&insights.steps, algorithm),
        _ => layout::layered(graph.nodes.len(), &links, algorithm),
    };
    graph.finish(&positions)
}

/// Nodes, and how often work went from one to another, by index.
#[derive(Default)]
struct Graph {
    nodes: Vec<NodeData>,
    edges: BTreeMap<(usize, usize), u32>,
}

impl Graph {
    fn link(&mut self, from: usize, to: usize, count: u32) {
        *self.edges.entry((from, to)).or_default() += count;
    }

    fn finish(self, positions: &[Position]) -> Flow {
        let id = |index: usize| format!("n{}", index + 1);
        let sources: BTreeSet<usize> = self
            .edges
            .keys()
            .filter(|(from, to)| from != to)
            .map(|(from, _)| *from)
            .collect();
        let targets: BTreeSet<usize> = self
            .edges
            .keys()
            .filter(|(from, to)| from != to)
            .map(|(_, to)| *to)
            .collect();
        let nodes = self
            .nodes
            .into_iter()
            .zip(positions)
            .enumerate()
            .map(|(index, (data, position))| Node {
                id: id(index),
                node_type: match (targets.contains(&index), sources.contains(&index)) {
                    (false, _) => NodeType::Input,
                    (true, true) => NodeType::Default,
                    (true, false) => NodeType::Output,
                },
                position: *position,
                width: NODE_WIDTH,
                height: NODE_HEIGHT,
                data,
            });
        let edges = self.edges.iter().map(|((from, to), count)| Edge {
            id: format!("{}-{}", id(*from), id(*to)),
            source: id(*from),
            target: id(*to),
            label: if *count > 1 {
                format!("{count}×")
            } else {
                String::new()
            },
            data: EdgeData { count: *count },
        });
        Flow {
            nodes: nodes.collect(),
            edges: edges.collect(),
        }
    }
}

fn node_of(step: &WorkflowStep) -> NodeData {
    NodeData {
        label: step.action.clone(),
        kind: NodeKind::Step,
        application: step.application.clone(),
        steps: vec![step.number],
        seconds: step.span.map(TimeSpan::seconds),
        start_seconds: step.span.map(TimeSpan::start_seconds),
        frames: step.frames.clone(),
    }
}

fn add_up(node: &mut NodeData, step: &WorkflowStep) {
    node.steps.push(step.number);
    node.frames.extend(&step.frames);
    if let Some(span) = step.span {
        node.seconds = Some(node.seconds.unwrap_or_default() + span.seconds());
        node.start_seconds = Some(
            node.start_seconds
                .map_or(span.start_seconds(), |start| start.min(span.start_seconds())),
        );
    }
}

/// Equal steps are one node; work that comes back to one is an edge back, work that goes on differently makes a decision.
fn flow_chart(steps: &[WorkflowStep]) -> Graph {
    grouped(steps, |step| {
        (
            step.application.as_deref().unwrap_or_default().to_lowercase(),
            step.action.trim().to_lowercase(),
        )
    })
}

fn grouped<K: Ord>(steps: &[WorkflowStep], key: impl Fn(&WorkflowStep) -> K) -> Graph {
    let mut graph = Graph::default();
    let mut known: BTreeMap<K, usize> = BTreeMap::new();
    let mut previous = None;
    for step in steps {
        let next = graph.nodes.len();
        let node = *known.entry(key(step)).or_insert(next);
        if node == next {
            graph.nodes.push(node_of(step));
        } else {
            add_up(&mut graph.nodes[node], step);
        }
        if let Some(previous) = previous {
            graph.link(previous, node, 1);
        }
        previous = Some(node);
    }
    let mut ways_on = vec![0; graph.nodes.len()];
    for (from, _) in graph.edges.keys().filter(|(from, to)| from != to) {
        ways_on[*from] += 1;
    }
    for (node, ways_on) in graph.nodes.iter_mut().zip(ways_on) {
        if ways_on > 1 {
            node.kind = NodeKind::Decision;
        }
    }
    graph
}

fn applications(steps: &[WorkflowStep]) -> Graph {
    let named: Vec<WorkflowStep> = steps
        .iter()
        .filter(|step| step.application.is_some())
        .cloned()
        .collect();
    let mut graph = grouped(&named, |step| {
        step.application.as_deref().unwrap_or_default().to_lowercase()
    });
    // Staying in an application is no way from one to another.
    graph.edges.retain(|(from, to), _| from != to);
    for node in &mut graph.nodes {
        node.kind = NodeKind::Application;
        node.label = node.application.clone().unwrap_or_default();
    }
    graph
}

fn screens(insights: &StructuredInsights, names: &BTreeMap<u32, String>) -> Graph {
    let mut graph = Graph::default();
    let mut known: BTreeMap<u32, usize> = BTreeMap::new();
    for routine in &insights.routines {
        let times = routine.occurrences.len() as u32;
        let steps = steps_on_screens(routine, &insights.steps);
        let mut previous = None;
        for (place, screen) in routine.screens.iter().enumerate() {
            let next = graph.nodes.len();
            let node = *known.entry(*screen).or_insert(next);
            let step = steps.as_ref().map(|steps| steps[place]);
            if node == next {
                graph.nodes.push(NodeData {
                    label: names
                        .get(screen)
                        .or(step.map(|step| &step.action))
                        .cloned()
                        .unwrap_or_else(|| format!("Screen {}", screen + 1)),
                    kind: NodeKind::Screen,
                    application: step.and_then(|step| step.application.clone()),
                    steps: Vec::new(),
                    seconds: None,
                    start_seconds: step.and_then(|step| step.span).map(TimeSpan::start_seconds),
                    frames: step.map(|step| step.frames.clone()).unwrap_or_default(),
                });
            }
            if let Some(previous) = previous {
                graph.link(previous, node, times);
            }
            previous = Some(node);
        }
    }
    graph
}

/// The steps that name a routine's screens: those of an occurrence that went through each screen once, one step on each.
fn steps_on_screens<'a>(routine: &Routine, steps: &'a [WorkflowStep]) -> Option<Vec<&'a WorkflowStep>> {
    routine.occurrences.iter().find_map(|occurrence| {
        let within: Vec<_> = steps
            .iter()
            .filter(|step| {
                step.span
                    .is_some_and(|span| span.overlap_seconds(occurrence.span) > span.seconds() / 2.0)
            })
            .collect();
        (within.len() == routine.screens.len()).then_some(within)
    })
}

fn timeline(steps: &[WorkflowStep]) -> Graph {
    let mut graph = Graph {
        nodes: steps.iter().map(node_of).collect(),
        ..Graph::default()
    };
    for to in 1..steps.len() {
        graph.link(to - 1, to, 1);
    }
    graph
}

/// One lane for each application. Steps stand where they begin, moved on where the one before in their lane still stands;
/// steps without a time follow the one before them.
fn along_time(steps: &[WorkflowStep], algorithm: LayoutAlgorithm) -> Vec<Position> {
    let (length, breadth, gap) = match algorithm {
        LayoutAlgorithm::Hierarchical => (NODE_HEIGHT, NODE_WIDTH, layout::GAP),
        _ => (NODE_WIDTH, NODE_HEIGHT, layout::GAP),
    };
    let mut lanes: BTreeMap<String, usize> = BTreeMap::new();
    let mut free: Vec<f64> = Vec::new();
    let mut last: f64 = 0.0;
    let origin = steps
        .iter()
        .find_map(|step| step.span)
        .map_or(0.0, TimeSpan::start_seconds);
    steps
        .iter()
        .map(|step| {
            let count = lanes.len();
            let lane = *lanes
                .entry(step.application.as_deref().unwrap_or_default().to_lowercase())
                .or_insert(count);
            if lane == free.len() {
                free.push(0.0);
            }
            let due = step
                .span
                .map_or(last, |span| (span.start_seconds() - origin) * PIXELS_PER_SECOND);
            let along = due.max(free[lane]).max(0.0).round();
            free[lane] = along + length + gap;
            last = along + length + gap;
            let across = lane as f64 * (breadth + gap);
            match algorithm {
                LayoutAlgorithm::Hierarchical => Position { x: across, y: along },
                _ => Position { x: along, y: across },
            }
        })
        .collect()
}

#[cfg(test)]
mod tests;
