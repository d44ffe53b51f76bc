use proptest::prelude::*;
use serde_json::json;

use super::*;
use crate::insight::Occurrence;

fn step(number: u32, application: &str, action: &str, span: Option<(f64, f64)>) -> WorkflowStep {
    WorkflowStep {
        number,
        action: action.to_owned(),
        application: Some(application.to_owned()),
        purpose: None,
        data_involved: Vec::new(),
        span: span.map(|(start, end)| TimeSpan::new(start, end).unwrap()),
        frames: vec![number],
    }
}

/// Mail, form, save, twice; the second time the form is corrected before it is saved.
fn order_entry() -> StructuredInsights {
    let actions = [
        ("Outlook", "Open order"),
        ("WMS", "Fill in form"),
        ("WMS", "Save"),
        ("Outlook", "Open order"),
        ("WMS", "Fill in form"),
        ("WMS", "Correct address"),
        ("WMS", "Save"),
    ];
    let steps = actions
        .iter()
        .zip(1u32..)
        .map(|((application, action), number)| {
            step(
                number,
                application,
                action,
                Some((f64::from(number) * 10.0, f64::from(number) * 10.0 + 8.0)),
            )
        })
        .collect();
    let span = TimeSpan::new(10.0, 38.0).unwrap();
    let occurrence = Occurrence {
        span,
        active_seconds: 28.0,
        waiting_seconds: 0.0,
        idle_seconds: 0.0,
    };
    StructuredInsights {
        steps,
        routines: vec![Routine {
            process_key: "k".to_owned(),
            name: "Order entry".to_owned(),
            screens: vec![4, 7, 4],
            occurrences: vec![occurrence; 6],
            median_active_seconds: 28.0,
            mean_active_seconds: 28.0,
        }],
        ..StructuredInsights::default()
    }
}

fn drawn(visualization: VisualizationType, algorithm: LayoutAlgorithm, insights: &StructuredInsights) -> Flow {
    draw(visualization, algorithm, insights, &BTreeMap::new())
}

fn labels(flow: &Flow) -> Vec<&str> {
    flow.nodes.iter().map(|node| node.data.label.as_str()).collect()
}

fn ways(flow: &Flow) -> Vec<(&str, &str, u32)> {
    flow.edges
        .iter()
        .map(|edge| (edge.source.as_str(), edge.target.as_str(), edge.data.count))
        .collect()
}

fn overlap(one: &Node, other: &Node) -> bool {
    (one.position.x - other.position.x).abs() < NODE_WIDTH && (one.position.y - other.position.y).abs() < NODE_HEIGHT
}

fn assert_no_overlaps(flow: &Flow) {
    for (index, one) in flow.nodes.iter().enumerate() {
        for other in &flow.nodes[index + 1..] {
            assert!(!overlap(one, other), "{} and {}", one.id, other.id);
        }
    }
}

#[test]
fn a_flow_chart_joins_equal_steps_and_shows_decisions_and_returns() {
    let flow = drawn(VisualizationType::FlowChart, LayoutAlgorithm::Dagre, &order_entry());
    assert_eq!(labels(&flow), ["Open order", "Fill in form", "Save", "Correct address"]);
    assert_eq!(
        ways(&flow),
        [
            ("n1", "n2", 2),
            ("n2", "n3", 1),
            ("n2", "n4", 1),
            ("n3", "n1", 1),
            ("n4", "n3", 1)
        ]
    );
    assert_eq!(flow.nodes[1].data.kind, NodeKind::Decision);
    assert_eq!(flow.nodes[0].data.steps, [1, 4]);
    assert_eq!(flow.nodes[0].data.seconds, Some(16.0));
    // From left to right: mail, form, correction, save; the way back does not push the mail to the right.
    let x = |index: usize| flow.nodes[index].position.x;
    assert!(x(0) < x(1) && x(1) < x(3) && x(3) < x(2));
    assert_no_overlaps(&flow);
}

#[test]
fn a_diagram_is_what_react_flow_takes() {
    let flow = drawn(
        VisualizationType::FlowChart,
        LayoutAlgorithm::Hierarchical,
        &order_entry(),
    );
    let json = serde_json::to_value(&flow).unwrap();
    assert_eq!(
        json["nodes"][1],
        json!({
            "id": "n2", "type": "default", "position": { "x": 0.0, "y": 140.0 }, "width": 220.0, "height": 80.0,
            "data": {
                "label": "Fill in form", "kind": "decision", "application": "WMS", "steps": [2, 5], "seconds": 16.0,
                "start_seconds": 20.0, "frames": [2, 5]
            }
        })
    );
    assert_eq!(
        json["edges"][0],
        json!({ "id": "n1-n2", "source": "n1", "target": "n2", "label": "2×", "data": { "count": 2 } })
    );
    assert_eq!(serde_json::from_value::<Flow>(json).unwrap(), flow);
}

#[test]
fn a_timeline_places_steps_where_they_begin_in_a_lane_for_each_application() {
    let mut insights = order_entry();
    insights.steps[6] = step(7, "WMS", "Save", Some((200.0, 201.0)));
    let flow = drawn(VisualizationType::Timeline, LayoutAlgorithm::Dagre, &insights);
    assert_eq!(flow.nodes.len(), 7);
    let positions: Vec<_> = flow
        .nodes
        .iter()
        .map(|node| (node.position.x, node.position.y))
        .collect();
    assert_eq!(positions[0], (0.0, 0.0));
    assert_eq!(positions[1], (200.0, 140.0)); // 10 s later, in the second lane
    assert_eq!(positions[2], (480.0, 140.0)); // 20 s later would stand on the one before
    assert_eq!(positions[6], (3800.0, 140.0)); // 190 s later
    assert_no_overlaps(&flow);
    let down = drawn(VisualizationType::Timeline, LayoutAlgorithm::Hierarchical, &insights);
    assert_eq!((down.nodes[6].position.x, down.nodes[6].position.y), (280.0, 3800.0));
    assert_no_overlaps(&down);
}

#[test]
fn a_process_map_counts_the_ways_between_screens() {
    let flow = drawn(VisualizationType::ProcessMap, LayoutAlgorithm::Dagre, &order_entry());
    // Three steps in its first occurrence, one on each of its three screens; the mail is where it begins and ends.
    assert_eq!(labels(&flow), ["Open order", "Fill in form"]);
    assert_eq!(flow.nodes[0].data.application.as_deref(), Some("Outlook"));
    assert_eq!(ways(&flow), [("n1", "n2", 6), ("n2", "n1", 6)]);
    let names = BTreeMap::from([(7, "Form".to_owned())]);
    let with_names = draw(
        VisualizationType::ProcessMap,
        LayoutAlgorithm::Dagre,
        &order_entry(),
        &names,
    );
    assert_eq!(labels(&with_names), ["Open order", "Form"]);
    let mut unnamed = order_entry();
    unnamed.steps.truncate(2);
    assert_eq!(
        labels(&drawn(VisualizationType::ProcessMap, LayoutAlgorithm::Dagre, &unnamed)),
        ["Screen 5", "Screen 8"]
    );
}

#[test]
fn without_routines_a_process_map_shows_applications() {
    let insights = StructuredInsights {
        routines: Vec::new(),
        ..order_entry()
    };
    let flow = drawn(VisualizationType::ProcessMap, LayoutAlgorithm::Dagre, &insights);
    assert_eq!(labels(&flow), ["Outlook", "WMS"]);
    assert_eq!(ways(&flow), [("n1", "n2", 2), ("n2", "n1", 1)]);
}

#[test]
fn nothing_found_is_an_empty_diagram() {
    for visualization in VisualizationType::ALL {
        for algorithm in LayoutAlgorithm::ALL {
            assert_eq!(
                drawn(*visualization, *algorithm, &StructuredInsights::default()),
                Flow::default()
            );
        }
    }
}

#[test]
fn forces_keep_a_small_diagram_apart_and_neighbours_near() {
    let flow = drawn(VisualizationType::FlowChart, LayoutAlgorithm::Force, &order_entry());
    assert_no_overlaps(&flow);
    assert_eq!(
        flow,
        drawn(VisualizationType::FlowChart, LayoutAlgorithm::Force, &order_entry())
    );
    // A chain of five: its ends are further apart than its neighbours.
    let at = layout::force(5, &[(0, 1), (1, 2), (2, 3), (3, 4)]);
    let distance = |a: usize, b: usize| (at[a].x - at[b].x).hypot(at[a].y - at[b].y);
    assert!((0..4).all(|node| distance(node, node + 1) < distance(0, 4)));
}

#[test]
fn a_chart_of_ten_thousand_steps_is_drawn() {
    let steps = (1..=10_000)
        .map(|number| step(number, "WMS", &format!("Step {number}"), None))
        .collect();
    let insights = StructuredInsights {
        steps,
        ..StructuredInsights::default()
    };
    let flow = drawn(VisualizationType::FlowChart, LayoutAlgorithm::Dagre, &insights);
    assert!((flow.nodes[9_999].position.x - 9_999.0 * 280.0).abs() < 1.0);
}

proptest! {
    #[test]
    fn layers_never_overlap_and_most_edges_lead_on(
        picks in prop::collection::vec((0u8..4, 0u8..8), 0..40),
        horizontal in any::<bool>(),
    ) {
        let steps = picks.iter().zip(1u32..).map(|((application, action), number)| step(number, &format!("A{application}"), &format!("S{action}"), None)).collect();
        let insights = StructuredInsights { steps, ..StructuredInsights::default() };
        let algorithm = if horizontal { LayoutAlgorithm::Dagre } else { LayoutAlgorithm::Hierarchical };
        let flow = drawn(VisualizationType::FlowChart, algorithm, &insights);
        assert_no_overlaps(&flow);
        let ids: BTreeSet<_> = flow.nodes.iter().map(|node| node.id.as_str()).collect();
        prop_assert_eq!(ids.len(), flow.nodes.len());
        for edge in &flow.edges {
            prop_assert!(ids.contains(edge.source.as_str()) && ids.contains(edge.target.as_str()));
        }
        let counted: u32 = flow.edges.iter().map(|edge| edge.data.count).sum();
        prop_assert_eq!(counted as usize, picks.len().saturating_sub(1));
        prop_assert_eq!(flow.clone(), drawn(VisualizationType::FlowChart, algorithm, &insights));
    }

    #[test]
    fn without_cycles_every_edge_leads_on(edges in prop::collection::btree_set((0usize..12, 0usize..12), 0..30)) {
        let edges: Vec<_> = edges.into_iter().filter(|(from, to)| from < to).collect();
        let at = layout::layered(12, &edges, LayoutAlgorithm::Dagre);
        for (from, to) in edges {
            prop_assert!(at[from].x < at[to].x);
        }
    }

    #[test]
    fn timelines_never_overlap(starts in prop::collection::vec((0u32..300, 0u8..3), 0..30)) {
        let steps = starts.iter().zip(1u32..).map(|((start, application), number)| step(number, &format!("A{application}"), "Do", Some((f64::from(*start), f64::from(*start) + 1.0)))).collect();
        let insights = StructuredInsights { steps, ..StructuredInsights::default() };
        for algorithm in [LayoutAlgorithm::Dagre, LayoutAlgorithm::Hierarchical] {
            assert_no_overlaps(&drawn(VisualizationType::Timeline, algorithm, &insights));
        }
    }
}
