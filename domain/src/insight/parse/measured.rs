//! What was measured takes the place of what was claimed.

use serde_json::{Value, json};

use super::Reading;
use super::merge::{UNNAMED, normal};
use crate::insight::{InsightDraft, OpportunityDraft};
use crate::span::{self, TimeSpan, union_seconds};

/// The share of the shorter evidence that two opportunities must have in common to be one.
const SAME: f64 = 0.5;

/// A model's reading with every count and time that was measured in place of the claimed one.
///
/// Words (description, titles, steps, purposes) stay the model's. Routines, occurrences, seconds per occurrence, process
/// keys and the applications' times are the measurement's wherever both exist; what only one of them has stays as it is.
pub fn merge_measured(mut reading: Reading, measured: &Reading) -> Reading {
    replace_opportunities(&mut reading.opportunities, &measured.opportunities);
    let insights = &mut reading.insights;
    insights.routines.clone_from(&measured.insights.routines);
    for used in &measured.insights.applications {
        let name = normal(&used.name);
        match insights
            .applications
            .iter_mut()
            .find(|other| normal(&other.name) == name)
        {
            Some(claimed) => {
                claimed.active_seconds = used.active_seconds;
                claimed.share = used.share;
            }
            None => insights.applications.push(used.clone()),
        }
    }
    if insights.steps.is_empty() {
        insights.steps.clone_from(&measured.insights.steps);
    }
    if insights.description.is_empty() {
        insights.description.clone_from(&measured.insights.description);
    }
    if insights.workflows.is_empty() {
        insights.workflows.clone_from(&measured.insights.workflows);
    }
    for pattern in &measured.insights.patterns {
        if !insights.patterns.contains(pattern) {
            insights.patterns.push(pattern.clone());
        }
    }
    insights.dropped.extend(measured.insights.dropped.iter().cloned());
    for draft in &measured.drafts {
        add_measured(&mut reading.drafts, draft);
    }
    reading.confidence = reading.confidence.or(measured.confidence);
    if reading.category.is_none() {
        (reading.category, reading.classified_by) = (measured.category, measured.classified_by);
    }
    reading
}

/// A measured insight takes the place of a claimed one with its kind and title, whose words stay.
fn add_measured(known: &mut Vec<InsightDraft>, measured: &InsightDraft) {
    let same = known
        .iter_mut()
        .find(|other| other.insight_type == measured.insight_type && normal(&other.title) == normal(&measured.title));
    let Some(claim) = same else {
        known.push(measured.clone());
        return;
    };
    let claimed = std::mem::replace(&mut claim.metadata, measured.metadata.clone());
    if let Value::Object(metadata) = &mut claim.metadata {
        metadata.insert("claimed".to_owned(), claimed);
    }
    claim.time_saved_seconds = measured.time_saved_seconds;
    claim.automation_potential = measured.automation_potential;
    claim.confidence = measured.confidence.or(claim.confidence);
    claim.evidence = span::union(&[claim.evidence.as_slice(), measured.evidence.as_slice()].concat());
}

/// Pairs each measured opportunity with the claim that shares most of its time; the rest of both stays, but that a further
/// claim about a measured routine has no time of its own: it is the measured one's.
fn replace_opportunities(claimed: &mut Vec<OpportunityDraft>, measured: &[OpportunityDraft]) {
    let mut pairs: Vec<(f64, usize, usize)> = Vec::new();
    for (m, fact) in measured.iter().enumerate() {
        for (c, claim) in claimed.iter().enumerate() {
            let likeness = if fact.process_key == claim.process_key && fact.process_key != UNNAMED {
                2.0
            } else {
                shared(&fact_spans(fact), &claim.evidence)
            };
            if likeness >= SAME {
                pairs.push((likeness, m, c));
            }
        }
    }
    // Most alike first; ties in the order of the lists, so that the result is the same every time.
    pairs.sort_by(|a, b| b.0.total_cmp(&a.0).then(a.1.cmp(&b.1)).then(a.2.cmp(&b.2)));
    let mut placed = vec![false; measured.len()];
    let mut taken = vec![false; claimed.len()];
    for (_, m, c) in &pairs {
        if !placed[*m] && !taken[*c] {
            (placed[*m], taken[*c]) = (true, true);
            replace(&mut claimed[*c], &measured[*m]);
        }
    }
    for (_, m, c) in pairs {
        if !std::mem::replace(&mut taken[c], true) {
            retract(&mut claimed[c], &measured[m]);
        }
    }
    let rest = measured
        .iter()
        .zip(placed)
        .filter(|(_, placed)| !placed)
        .map(|(fact, _)| fact.clone());
    claimed.extend(rest);
}

fn fact_spans(fact: &OpportunityDraft) -> Vec<TimeSpan> {
    if fact.occurrences.is_empty() {
        fact.evidence.clone()
    } else {
        span::union(
            &fact
                .occurrences
                .iter()
                .map(|occurrence| occurrence.span)
                .collect::<Vec<_>>(),
        )
    }
}

/// Common time as a share of the shorter of the two.
fn shared(a: &[TimeSpan], b: &[TimeSpan]) -> f64 {
    let (a, b) = (span::union(a), span::union(b));
    let common: f64 = a.iter().flat_map(|x| b.iter().map(|y| x.overlap_seconds(*y))).sum();
    let shorter = union_seconds(&a).min(union_seconds(&b));
    if shorter > 0.0 { common / shorter } else { 0.0 }
}

/// Takes a claimed time back; what was claimed stays in the metadata.
fn retract(claim: &mut OpportunityDraft, fact: &OpportunityDraft) {
    let stated = claim.current_time_per_occurrence_seconds.take();
    note(
        claim,
        json!({ "stated_seconds_per_occurrence": stated, "measured_as": fact.process_key }),
    );
}

fn replace(claim: &mut OpportunityDraft, fact: &OpportunityDraft) {
    let stated = claim.current_time_per_occurrence_seconds;
    claim.process_key.clone_from(&fact.process_key);
    if !fact.occurrences.is_empty() {
        claim.occurrences.clone_from(&fact.occurrences);
    }
    if fact.current_time_per_occurrence_seconds.is_some() {
        claim.current_time_per_occurrence_seconds = fact.current_time_per_occurrence_seconds;
    }
    if fact.occurrences_per_day.is_some() {
        claim.occurrences_per_day = fact.occurrences_per_day;
    }
    // What frames a model cites is a hint where to look, not a measure of time: one that cites them all would own the whole recording.
    if !fact.evidence.is_empty() {
        claim.evidence.clone_from(&fact.evidence);
    }
    claim.frames.extend(&fact.frames);
    claim.frames.sort_unstable();
    claim.frames.dedup();
    claim.confidence = claim.confidence.or(fact.confidence);
    claim.automation_complexity = claim.automation_complexity.or(fact.automation_complexity);
    note(
        claim,
        json!({ "stated_seconds_per_occurrence": stated, "measured": fact.metadata }),
    );
}

fn note(claim: &mut OpportunityDraft, note: Value) {
    match &mut claim.metadata {
        Value::Object(metadata) => {
            metadata.insert("measured".to_owned(), note);
        }
        other => *other = json!({ "element": other.clone(), "measured": note }),
    }
}
