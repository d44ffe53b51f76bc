//! Recorded replies of every shape, and a measurement to lay over them.

use serde_json::json;

use super::*;
use crate::category::WorkflowCategory;
use crate::insight::{ApplicationUse, Occurrence, OpportunityDraft, Routine};

mod current;
mod joined;
mod properties;
mod replaced;

#[expect(clippy::disallowed_methods, reason = "a test reads its recorded replies")]
fn fixture(name: &str) -> String {
    std::fs::read_to_string(format!(
        "{}/../tests/fixtures/replies/{name}.json",
        env!("CARGO_MANIFEST_DIR")
    ))
    .unwrap()
}

fn at(start: f64, end: f64) -> TimeSpan {
    TimeSpan::new(start, end).unwrap()
}

/// Eight frames of ten seconds each.
fn eight() -> FrameTable {
    (0..8)
        .map(|n| (n, at(f64::from(n) * 10.0, f64::from(n + 1) * 10.0)))
        .collect()
}

fn reading(name: &str) -> Reading {
    read(&fixture(name), &eight()).unwrap()
}

fn old(name: &str) -> Reading {
    read(&fixture(name), &FrameTable::default()).unwrap()
}

fn occurrence(start: f64, end: f64) -> Occurrence {
    Occurrence {
        span: at(start, end),
        active_seconds: end - start - 1.0,
        waiting_seconds: 1.0,
        idle_seconds: 0.0,
    }
}

fn measurement() -> Reading {
    let occurrences = vec![occurrence(0.0, 19.0), occurrence(20.0, 40.0), occurrence(70.0, 80.0)];
    let mut measured = Reading {
        confidence: Some(0.5),
        ..Reading::default()
    };
    measured.insights.routines.push(Routine {
        process_key: "outlook>wms".to_owned(),
        name: "Outlook to WMS".to_owned(),
        screens: vec![0, 1],
        occurrences: occurrences.clone(),
        median_active_seconds: 18.0,
        mean_active_seconds: 15.3,
    });
    measured.insights.applications = vec![
        ApplicationUse {
            name: "OUTLOOK".to_owned(),
            purpose: None,
            active_seconds: Some(31.0),
            share: Some(0.4),
        },
        ApplicationUse {
            name: "Terminal".to_owned(),
            purpose: None,
            active_seconds: Some(5.0),
            share: Some(0.1),
        },
    ];
    measured.opportunities.push(OpportunityDraft {
        process_key: "outlook>wms".to_owned(),
        opportunity_type: WorkflowCategory::OrderEntry,
        title: "Outlook to WMS".to_owned(),
        description: "Measured.".to_owned(),
        workflow_steps: Vec::new(),
        current_time_per_occurrence_seconds: Some(16.3),
        occurrences,
        occurrences_per_day: None,
        automation_complexity: None,
        confidence: Some(0.9),
        evidence: vec![at(0.0, 40.0), at(70.0, 80.0)],
        frames: vec![0, 1, 2, 3, 7],
        metadata: json!({ "rule": "repeated sequence" }),
    });
    measured
}
