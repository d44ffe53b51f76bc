//! What an analysis read from a recording: the stored insights, and the drafts that rows are made from.
//!
//! [`StructuredInsights`] is kept as JSON in `structured_insights`: names here are names in stored rows, so fields are
//! added with a default and never renamed. Frames are named by their index in the analysis.

pub mod parse;

use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::category::{ClassifiedBy, WorkflowCategory};
use crate::closed::closed;
use crate::roi::Complexity;
use crate::span::TimeSpan;

/// The key of a process without a readable name: two of them are not the same.
pub const UNNAMED_PROCESS: &str = "unnamed";

closed! {
    /// What an insight is about.
    pub enum InsightType {
        /// Something that comes back: a routine, a habit, an order of work.
        Pattern = "pattern",
        /// Where time is lost: waiting, rework, switching.
        Bottleneck = "bottleneck",
        /// What could be done differently.
        Optimization = "optimization",
    }
}

/// Everything that was read from one recording.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct Reading {
    /// What is stored and shown.
    pub insights: StructuredInsights,
    /// Becomes `automation_opportunities`.
    pub opportunities: Vec<OpportunityDraft>,
    /// Becomes `workflow_insights`.
    pub drafts: Vec<InsightDraft>,
    /// The analyser's own estimate, `0..=1`; no accuracy.
    pub confidence: Option<f64>,
    /// The kind of work of the recording as a whole; none when the analyser does not say.
    pub category: Option<WorkflowCategory>,
    /// Who says so, where somebody does.
    pub classified_by: Option<ClassifiedBy>,
}

/// What the frontend shows of an analysis, parsed from the analyser's reply.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct StructuredInsights {
    /// What happens in the recording, in sentences.
    pub description: String,
    /// The pieces of work, the main one first.
    pub workflows: Vec<Workflow>,
    /// What was done, in order.
    pub steps: Vec<WorkflowStep>,
    /// What it was done with.
    pub applications: Vec<ApplicationUse>,
    /// Patterns in words.
    pub patterns: Vec<String>,
    /// What comes back, measured.
    pub routines: Vec<Routine>,
    /// Elements of the reply that could not be read, each with the reason.
    pub dropped: Vec<String>,
}

/// One piece of work in a recording.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Workflow {
    /// Its kind.
    pub category: WorkflowCategory,
    /// Its name.
    pub name: String,
    /// What it is, in a sentence.
    #[serde(default)]
    pub description: Option<String>,
}

/// One step of the work.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct WorkflowStep {
    /// Counted from 1.
    pub number: u32,
    /// What was done.
    pub action: String,
    /// In which application.
    #[serde(default)]
    pub application: Option<String>,
    /// To which end.
    #[serde(default)]
    pub purpose: Option<String>,
    /// Kinds of data that were read or written, never their values.
    #[serde(default)]
    pub data_involved: Vec<String>,
    /// When; absent in replies taken over without times.
    #[serde(default)]
    pub span: Option<TimeSpan>,
    /// Indexes of the frames that show it.
    #[serde(default)]
    pub frames: Vec<u32>,
}

/// The use of one application.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct ApplicationUse {
    /// Its name as read from the screen.
    pub name: String,
    /// What it was used for.
    #[serde(default)]
    pub purpose: Option<String>,
    /// Active time in it.
    #[serde(default)]
    pub active_seconds: Option<f64>,
    /// Its share of the recording's active time, `0..=1`.
    #[serde(default)]
    pub share: Option<f64>,
}

/// A sequence of screens that comes back.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Routine {
    /// The process it is, the same in every recording that shows it.
    pub process_key: String,
    /// What people would call it.
    pub name: String,
    /// The screens (clusters of equal frames) in their order.
    pub screens: Vec<u32>,
    /// Each time it was done.
    pub occurrences: Vec<Occurrence>,
    /// Median active time of an occurrence.
    pub median_active_seconds: f64,
    /// Mean active time of an occurrence.
    pub mean_active_seconds: f64,
}

/// One time that a process was done.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct Occurrence {
    /// From its first to its last screen.
    pub span: TimeSpan,
    /// The person is working.
    pub active_seconds: f64,
    /// The screen is busy: spinner, progress, load.
    pub waiting_seconds: f64,
    /// Nothing changes for long: a break, not work. Never part of a saving.
    pub idle_seconds: f64,
}

impl Occurrence {
    /// What automating it could save at most: active and waiting time, without idle time.
    pub fn worked_seconds(self) -> f64 {
        self.active_seconds + self.waiting_seconds
    }
}

/// An automation opportunity before its worth is known.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct OpportunityDraft {
    /// The process it is about, the same in every recording that shows it.
    pub process_key: String,
    /// Its kind.
    pub opportunity_type: WorkflowCategory,
    /// What to automate, in a few words.
    pub title: String,
    /// How, and what for.
    pub description: String,
    /// The steps that would be automated.
    pub workflow_steps: Vec<String>,
    /// Active and waiting time of one occurrence; measured where occurrences are, else as the reply states it, else unknown.
    pub current_time_per_occurrence_seconds: Option<f64>,
    /// Each time it was observed; empty where the reply gives no times.
    pub occurrences: Vec<Occurrence>,
    /// How often a day, only where a person entered it.
    pub occurrences_per_day: Option<f64>,
    /// How hard it is to automate.
    pub automation_complexity: Option<Complexity>,
    /// The analyser's estimate that this is a real opportunity, `0..=1`.
    pub confidence: Option<f64>,
    /// When the recording shows it.
    pub evidence: Vec<TimeSpan>,
    /// Indexes of the frames that show it.
    pub frames: Vec<u32>,
    /// The element of the reply that it was read from, for `record_metadata`.
    #[serde(default)]
    pub metadata: Value,
}

/// An insight before it is a row.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct InsightDraft {
    /// What it is about.
    pub insight_type: InsightType,
    /// In a few words.
    pub title: String,
    /// In sentences, with the figures that support it.
    pub description: String,
    /// The analyser's estimate, `0..=1`.
    pub confidence: Option<f64>,
    /// What acting on it could save per occurrence.
    pub time_saved_seconds: Option<f64>,
    /// The share that could be automated, `0..=1`.
    pub automation_potential: Option<f64>,
    /// When the recording shows it.
    pub evidence: Vec<TimeSpan>,
    /// The rule that found it and its inputs.
    #[serde(default)]
    pub metadata: Value,
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn stored_insights_keep_their_names() {
        let stored = json!({
            "description": "Orders are entered.",
            "workflows": [{ "category": "order_entry", "name": "Order entry", "description": null }],
            "steps": [{
                "number": 1, "action": "Open order", "application": "Outlook", "purpose": null, "data_involved": ["order number"],
                "span": { "start_seconds": 0.0, "end_seconds": 4.5 }, "frames": [0, 1]
            }],
            "applications": [{ "name": "Outlook", "purpose": null, "active_seconds": 4.5, "share": 1.0 }],
            "patterns": [],
            "routines": [{
                "process_key": "outlook>wms", "name": "Order to WMS", "screens": [0, 1],
                "occurrences": [{
                    "span": { "start_seconds": 0.0, "end_seconds": 4.5 },
                    "active_seconds": 4.0, "waiting_seconds": 0.5, "idle_seconds": 0.0
                }],
                "median_active_seconds": 4.0, "mean_active_seconds": 4.0
            }],
            "dropped": []
        });
        let read: StructuredInsights = serde_json::from_value(stored.clone()).unwrap();
        assert_eq!(serde_json::to_value(&read).unwrap(), stored);
        assert!((read.routines[0].occurrences[0].worked_seconds() - 4.5).abs() < 1e-9);
    }

    #[test]
    fn rows_of_an_older_shape_are_read_with_defaults() {
        let read: StructuredInsights =
            serde_json::from_value(json!({ "steps": [{ "number": 1, "action": "Open order" }] })).unwrap();
        assert_eq!(read.steps[0].span, None);
        assert!(read.workflows.is_empty() && read.dropped.is_empty());
    }
}
