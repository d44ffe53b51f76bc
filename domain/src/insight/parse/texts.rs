//! Every text of a reading, for whoever has to cover something in all of them.

use serde_json::Value;

use super::Reading;

/// Calls `change` with all texts that a reading holds, those in metadata and in `dropped` included: each time with those that
/// stand together, since one may say what the next is (the elements of a list), and with the name of their field where it has
/// one that the reply chose. Process keys are not texts: they are made of texts without what is personal, and changing them
/// apart would tear processes apart.
pub fn each_text(reading: &mut Reading, mut change: impl FnMut(&str, &mut [&mut String])) {
    let insights = &mut reading.insights;
    let mut some = |text: &mut Option<String>| text.iter_mut().for_each(|text| change("", &mut [text]));
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
    let mut one = |text: &mut String| change("", &mut [text]);
    one(&mut insights.description);
    insights
        .workflows
        .iter_mut()
        .for_each(|workflow| one(&mut workflow.name));
    insights.steps.iter_mut().for_each(|step| one(&mut step.action));
    insights.applications.iter_mut().for_each(|used| one(&mut used.name));
    insights.routines.iter_mut().for_each(|routine| one(&mut routine.name));
    let mut all = |texts: &mut Vec<String>| change("", &mut texts.iter_mut().collect::<Vec<_>>());
    insights.steps.iter_mut().for_each(|step| all(&mut step.data_involved));
    all(&mut insights.patterns);
    all(&mut insights.dropped);
    for opportunity in &mut reading.opportunities {
        change("", &mut [&mut opportunity.title]);
        change("", &mut [&mut opportunity.description]);
        change("", &mut opportunity.workflow_steps.iter_mut().collect::<Vec<_>>());
        in_json("", &mut opportunity.metadata, &mut change);
    }
    for draft in &mut reading.drafts {
        change("", &mut [&mut draft.title]);
        change("", &mut [&mut draft.description]);
        in_json("", &mut draft.metadata, &mut change);
    }
}

fn in_json(name: &str, value: &mut Value, change: &mut impl FnMut(&str, &mut [&mut String])) {
    match value {
        Value::String(text) => change(name, &mut [text]),
        Value::Array(elements) => {
            let mut texts = Vec::new();
            for element in elements {
                match element {
                    Value::String(text) => texts.push(text),
                    other => in_json(name, other, change),
                }
            }
            change(name, &mut texts);
        }
        Value::Object(fields) => {
            for (name, field) in fields {
                in_json(name, field, change);
            }
        }
        _ => {}
    }
}
