//! Replies of the replaced system, in both of its forms.

use super::*;
use crate::roi::Complexity;

#[test]
fn replies_of_the_replaced_system_are_taken_over_without_times() {
    let reading = old("replaced-wrapped");
    let insights = &reading.insights;
    assert!(insights.description.starts_with("The user processes shipping requests"));
    assert_eq!(insights.steps.len(), 3);
    assert!(
        insights
            .steps
            .iter()
            .all(|step| step.span.is_none() && step.frames.is_empty())
    );
    let mut names: Vec<_> = insights
        .applications
        .iter()
        .map(|used| (used.name.as_str(), used.purpose.as_deref()))
        .collect();
    names.sort_unstable();
    assert_eq!(names, [("Gmail", Some("Receiving requests")), ("TMS", Some("Booking"))]);
    assert_eq!(insights.patterns.len(), 2);
    let [first, second, third] = reading.opportunities.as_slice() else {
        panic!("three opportunities")
    };
    assert_eq!(
        (first.title.as_str(), first.automation_complexity),
        ("E-mail to TMS entry", Some(Complexity::Medium))
    );
    assert_eq!(first.metadata["stated"]["time_saved_seconds"], 30.0);
    assert_eq!(
        first.current_time_per_occurrence_seconds, None,
        "time saved is not time taken"
    );
    assert_eq!(second.metadata["stated"].get("time_saved_seconds"), None);
    assert_eq!(second.automation_complexity, Some(Complexity::Low));
    assert_eq!(third.automation_complexity, Some(Complexity::High));
    assert!(insights.dropped.iter().any(|entry| entry.starts_with("metrics:")));
    assert_eq!(reading.confidence, Some(0.85));
}

#[test]
fn its_older_replies_are_taken_over_too() {
    let reading = old("replaced-older");
    let kinds: Vec<_> = reading
        .insights
        .workflows
        .iter()
        .map(|workflow| (workflow.category, workflow.name.as_str()))
        .collect();
    assert_eq!(
        kinds,
        [
            (WorkflowCategory::Other, "email processing"),
            (WorkflowCategory::Invoicing, "invoicing")
        ]
    );
    let steps: Vec<_> = reading
        .insights
        .steps
        .iter()
        .map(|step| (step.action.as_str(), step.application.as_deref()))
        .collect();
    assert_eq!(steps[0], ("Open mail", Some("Outlook")));
    assert_eq!(steps[4], ("Paste line", None));
    assert_eq!(reading.insights.applications.len(), 3);
    assert_eq!(reading.insights.patterns, ["Most time goes into copying"]);
    let [invoices, answers] = reading.opportunities.as_slice() else {
        panic!("two opportunities")
    };
    assert_eq!(invoices.current_time_per_occurrence_seconds, Some(210.0));
    assert_eq!(invoices.metadata["stated"]["frequency_daily"], 24);
    assert!(invoices.description.contains("batch input"));
    assert_eq!(answers.current_time_per_occurrence_seconds, None);
    assert_eq!(reading.confidence, Some(0.7));
}
