//! Every text of a reading, for whoever has to cover something in all of them.

use serde_json::Value;

use super::Reading;

/// Calls `change` with each text that a reading holds, those in metadata and in `dropped` included. Process keys are not
/// texts: they are made of the texts, and changing them apart would tear processes apart.
pub fn each_text(reading: &mut Reading, mut change: impl FnMut(&mut String)) {
    let mut some = |text: &mut Option<String>| text.iter_mut().for_each(&mut change);
    let insights = &mut reading.insights;
    for workflow in &mut insights.workflows {
        some(&mut workflow.description);
    }
    for step in &mut insights.steps {
        some(&mut step.application);
        some(&mut step.purpose);
    }
    for used in &mut insights.applications {
        some(&mut used.purpose);
    }
    change(&mut insights.description);
    insights
        .workflows
        .iter_mut()
        .for_each(|workflow| change(&mut workflow.name));
    for step in &mut insights.steps {
        change(&mut step.action);
        step.data_involved.iter_mut().for_each(&mut change);
    }
    insights.applications.iter_mut().for_each(|used| change(&mut used.name));
    insights.patterns.iter_mut().for_each(&mut change);
    insights
        .routines
        .iter_mut()
        .for_each(|routine| change(&mut routine.name));
    insights.dropped.iter_mut().for_each(&mut change);
    for opportunity in &mut reading.opportunities {
        change(&mut opportunity.title);
        change(&mut opportunity.description);
        opportunity.workflow_steps.iter_mut().for_each(&mut change);
        in_json(&mut opportunity.metadata, &mut change);
    }
    for draft in &mut reading.drafts {
        change(&mut draft.title);
        change(&mut draft.description);
        in_json(&mut draft.metadata, &mut change);
    }
}

fn in_json(value: &mut Value, change: &mut impl FnMut(&mut String)) {
    match value {
        Value::String(text) => change(text),
        Value::Array(elements) => elements.iter_mut().for_each(|element| in_json(element, change)),
        Value::Object(fields) => fields.values_mut().for_each(|field| in_json(field, change)),
        _ => {}
    }
}
