//! The shapes that an answer can have: the current one, and those of the system that this one replaces.
//!
//! | What | Now | Replaced system | Its older form |
//! |---|---|---|---|
//! | text | `description` | `natural_description` | - |
//! | work | `workflows` | - | `workflows_detected` |
//! | steps | `steps` | `workflow_steps` | `workflows_detected[].steps_observed` |
//! | applications | `applications` (list) | `applications` (map) | `workflows_detected[].applications_involved` |
//! | patterns | `patterns` (objects) | `patterns` (texts) | `key_insights` |
//! | opportunities | `opportunities` | `automation_opportunities` with `what` | `automation_opportunities` with `workflow_type` |
//!
//! Counts and times that a reply claims about the whole recording (`metrics`, `time_breakdown`) are not taken over.

mod insights;
mod opportunities;
mod work;

use serde_json::{Map, Value};

use super::field::{Reader, TEXT, pick, text};
use super::{FrameTable, Reading};
use crate::category::{ClassifiedBy, WorkflowCategory};
use crate::insight::StructuredInsights;

/// Properties whose presence makes an object an answer.
const KNOWN: [&str; 10] = [
    "natural_description",
    "steps",
    "workflow_steps",
    "workflows",
    "workflows_detected",
    "opportunities",
    "automation_opportunities",
    "applications",
    "patterns",
    "key_insights",
];

/// Whether this object is an answer rather than a wrapper: at least one known property holds what it should.
pub(super) fn is_answer(fields: &Map<String, Value>) -> bool {
    KNOWN.iter().any(|name| match fields.get(*name) {
        Some(Value::Array(_)) => *name != "natural_description",
        Some(Value::Object(_)) => *name == "applications",
        Some(Value::String(_)) => *name == "natural_description",
        _ => false,
    })
}

/// Reads an answer.
pub(super) fn read(fields: &Map<String, Value>, frames: &FrameTable) -> Reading {
    let mut reader = Reader {
        frames,
        dropped: Vec::new(),
    };
    let older = &reader.elements("workflows_detected", pick(fields, &["workflows_detected"]));
    let mut insights = StructuredInsights {
        description: text(pick(fields, &["description", "natural_description", "summary"]), TEXT).unwrap_or_default(),
        workflows: reader.workflows(fields, older),
        steps: reader.steps(fields, older),
        applications: reader.applications(fields, older),
        patterns: reader.patterns(fields),
        ..StructuredInsights::default()
    };
    let opportunities = reader.opportunities(fields);
    let drafts = reader.drafts(fields);
    let confidence = reader.share("confidence", pick(fields, &["confidence", "confidence_score"]));
    let category = match fields.get("category") {
        Some(value @ Value::String(_)) => Some(reader.category("category", value)),
        _ => None,
    };
    for (name, why) in [
        ("metrics", "claimed counts and times are not taken over"),
        ("time_breakdown", "claimed counts and times are not taken over"),
        ("workflow_chart", "charts are drawn from the steps"),
    ] {
        if fields.get(name).is_some_and(|value| !value.is_null()) {
            reader.leave_out(name, why);
        }
    }
    insights.dropped = reader.dropped;
    Reading {
        insights,
        opportunities,
        drafts,
        confidence,
        category,
        classified_by: category.map(|_| ClassifiedBy::Model),
    }
}

impl Reader<'_> {
    /// A value of the closed list; anything else is OTHER, not a guess.
    fn category(&mut self, place: &str, value: &Value) -> WorkflowCategory {
        let Some(raw) = value.as_str() else {
            return WorkflowCategory::Other;
        };
        let word = raw.trim().to_lowercase().replace([' ', '-'], "_");
        word.parse().unwrap_or_else(|_| {
            self.leave_out(place, "not a known kind of work, read as other");
            WorkflowCategory::Other
        })
    }
}
