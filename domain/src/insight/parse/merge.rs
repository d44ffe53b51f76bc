//! Readings of successive parts of one recording as one reading.

use std::collections::HashMap;

use serde_json::{Value, json};

use super::Reading;
use crate::category::WorkflowCategory;
use crate::insight::{ApplicationUse, InsightDraft, OpportunityDraft};
use crate::span;

pub(super) use crate::insight::UNNAMED_PROCESS as UNNAMED;

/// Joins readings in their order: steps go on counting, what is the same is there once with the evidence of all.
///
/// Confidence is the mean of those given. A stated time is the first one: statements are not averaged into a figure that
/// nobody made.
pub fn merge(readings: Vec<Reading>) -> Reading {
    let mut merged = Reading::default();
    let mut confidences = Vec::new();
    let mut categories = Vec::new();
    let mut classified_by = None;
    let parts = readings.len();
    for (part, reading) in readings.into_iter().enumerate() {
        let insights = &mut merged.insights;
        if !insights.description.contains(&reading.insights.description) {
            if !insights.description.is_empty() {
                insights.description.push_str("\n\n");
            }
            insights.description.push_str(&reading.insights.description);
        }
        for workflow in reading.insights.workflows {
            let known = insights
                .workflows
                .iter()
                .any(|other| other.category == workflow.category && normal(&other.name) == normal(&workflow.name));
            if !known {
                insights.workflows.push(workflow);
            }
        }
        insights.steps.extend(reading.insights.steps);
        insights.applications.extend(reading.insights.applications);
        for pattern in reading.insights.patterns {
            if !insights.patterns.contains(&pattern) {
                insights.patterns.push(pattern);
            }
        }
        insights.routines.extend(reading.insights.routines);
        let place = |dropped: String| {
            if parts > 1 {
                format!("part {}, {dropped}", part + 1)
            } else {
                dropped
            }
        };
        insights.dropped.extend(reading.insights.dropped.into_iter().map(place));
        for opportunity in reading.opportunities {
            add_opportunity(&mut merged.opportunities, opportunity);
        }
        for draft in reading.drafts {
            add_draft(&mut merged.drafts, draft);
        }
        confidences.extend(reading.confidence);
        categories.extend(reading.category);
        classified_by = classified_by.or(reading.classified_by);
    }
    for (number, step) in merged.insights.steps.iter_mut().enumerate() {
        step.number = number as u32 + 1;
    }
    merged.insights.applications = fold_applications(std::mem::take(&mut merged.insights.applications));
    if !confidences.is_empty() {
        merged.confidence = Some(confidences.iter().sum::<f64>() / confidences.len() as f64);
    }
    merged.category = prevailing(&categories);
    merged.classified_by = merged.category.and(classified_by);
    merged
}

/// The kind that most parts name, the earliest of several; OTHER only where nobody names another.
fn prevailing(categories: &[WorkflowCategory]) -> Option<WorkflowCategory> {
    let named: Vec<_> = categories
        .iter()
        .copied()
        .filter(|category| *category != WorkflowCategory::Other)
        .collect();
    let count = |category: WorkflowCategory| named.iter().filter(|other| **other == category).count();
    named
        .iter()
        .rev()
        .copied()
        .max_by_key(|category| count(*category))
        .or_else(|| categories.first().copied())
}

fn add_opportunity(known: &mut Vec<OpportunityDraft>, opportunity: OpportunityDraft) {
    let same = known.iter_mut().find(|other| {
        (other.process_key == opportunity.process_key && other.process_key != UNNAMED)
            || (other.opportunity_type == opportunity.opportunity_type
                && normal(&other.title) == normal(&opportunity.title))
    });
    let Some(first) = same else {
        known.push(opportunity);
        return;
    };
    first.evidence.extend(opportunity.evidence);
    first.evidence = span::union(&first.evidence);
    first.frames.extend(opportunity.frames);
    first.frames.sort_unstable();
    first.frames.dedup();
    first.occurrences.extend(opportunity.occurrences);
    first.confidence = first
        .confidence
        .into_iter()
        .chain(opportunity.confidence)
        .reduce(f64::max);
    first.automation_complexity = first.automation_complexity.max(opportunity.automation_complexity);
    if first.workflow_steps.is_empty() {
        first.workflow_steps = opportunity.workflow_steps;
    }
    if first.current_time_per_occurrence_seconds.is_none() {
        first.current_time_per_occurrence_seconds = opportunity.current_time_per_occurrence_seconds;
    }
    if let Value::Object(metadata) = &mut first.metadata {
        match metadata.get_mut("also") {
            Some(Value::Array(also)) => also.push(opportunity.metadata),
            _ => {
                metadata.insert("also".to_owned(), json!([opportunity.metadata]));
            }
        }
    }
}

fn add_draft(known: &mut Vec<InsightDraft>, draft: InsightDraft) {
    let same = known
        .iter_mut()
        .find(|other| other.insight_type == draft.insight_type && normal(&other.title) == normal(&draft.title));
    match same {
        Some(first) => {
            first.evidence.extend(draft.evidence);
            first.evidence = span::union(&first.evidence);
            first.confidence = first.confidence.into_iter().chain(draft.confidence).reduce(f64::max);
        }
        None => known.push(draft),
    }
}

/// Each application once, by its name without case and punctuation.
pub(super) fn fold_applications(uses: Vec<ApplicationUse>) -> Vec<ApplicationUse> {
    let mut places: HashMap<String, usize> = HashMap::new();
    let mut folded: Vec<ApplicationUse> = Vec::new();
    for used in uses {
        let place = *places.entry(normal(&used.name)).or_insert(folded.len());
        match folded.get_mut(place) {
            Some(first) => {
                if first.purpose.is_none() {
                    first.purpose = used.purpose;
                }
            }
            None => folded.push(used),
        }
    }
    folded
}

/// Lower-case words with single spaces, for comparing names.
pub(super) fn normal(text: &str) -> String {
    let lower = text.to_lowercase();
    let words = lower
        .split(|c: char| !c.is_alphanumeric())
        .filter(|word| !word.is_empty());
    words.collect::<Vec<_>>().join(" ")
}
