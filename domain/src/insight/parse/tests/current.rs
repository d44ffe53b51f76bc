//! Replies of today: read whole, in every wrapping, or refused with a reason.

use super::*;
use crate::insight::InsightType;
use crate::roi::Complexity;

#[test]
fn a_current_reply_is_read_whole() {
    let reading = reading("current");
    let insights = &reading.insights;
    assert_eq!(insights.dropped, Vec::<String>::new());
    assert_eq!(
        insights.steps.iter().map(|step| step.number).collect::<Vec<_>>(),
        [1, 2, 3, 4, 5]
    );
    assert_eq!(insights.steps[1].span, Some(at(10.0, 20.0)));
    assert_eq!(insights.steps[4].span, Some(at(40.0, 60.0)));
    assert_eq!(insights.steps[4].frames, [4, 5]);
    assert_eq!(
        insights
            .applications
            .iter()
            .map(|used| used.name.as_str())
            .collect::<Vec<_>>(),
        ["Outlook", "WMS", "Excel"]
    );
    let opportunity = &reading.opportunities[0];
    assert_eq!(opportunity.opportunity_type, WorkflowCategory::OrderEntry);
    assert_eq!(opportunity.automation_complexity, Some(Complexity::Medium));
    assert_eq!(opportunity.evidence, [at(0.0, 40.0)]);
    assert_eq!(opportunity.current_time_per_occurrence_seconds, Some(45.0));
    assert_eq!(
        opportunity.process_key,
        "outlook>wms>open-the-order-e-mail>type-the-order-lines"
    );
    assert!(opportunity.description.contains("parser"));
    assert_eq!(reading.drafts[0].insight_type, InsightType::Optimization);
    assert_eq!(
        (reading.confidence, reading.category),
        (Some(0.82), Some(WorkflowCategory::OrderEntry))
    );
}

#[test]
fn claimed_counts_never_become_occurrences_or_days() {
    for name in [
        "current",
        "current-malformed-elements",
        "replaced-wrapped",
        "replaced-older",
    ] {
        for opportunity in read(&fixture(name), &eight()).unwrap().opportunities {
            assert!(
                opportunity.occurrences.is_empty() && opportunity.occurrences_per_day.is_none(),
                "{name}"
            );
        }
    }
    assert_eq!(
        reading("current").opportunities[0].metadata["stated"]["occurrences_seen"],
        2
    );
}

#[test]
fn each_malformed_element_is_named_and_the_rest_stands() {
    let reading = reading("current-malformed-elements");
    let mut dropped = reading.insights.dropped.clone();
    dropped.sort();
    assert_eq!(
        dropped,
        [
            "applications[3]: has no name",
            "category: not a known kind of work, read as other",
            "confidence: not a share between 0 and 1",
            "insights[1]: not a known kind of insight",
            "opportunities[1]: not an object",
            "opportunities[2]: cites no frame",
            "opportunities[3].complexity: not a known complexity",
            "opportunities[3].confidence: not a share between 0 and 1",
            "opportunities[3].seconds_per_occurrence: not an unambiguous length of time",
            "patterns[1]: has no text",
            "steps[5]: not an object",
            "steps[6]: has no action",
            "steps[7]: cites only frames that do not exist",
            "steps[8]: 1 of the cited frames do not exist",
            "steps[9]: cites no frame",
        ]
    );
    assert_eq!(reading.insights.steps.len(), 6);
    assert_eq!(reading.insights.steps[5].frames, [3]);
    assert_eq!(reading.insights.steps[5].data_involved, ["label"]);
    assert_eq!(reading.insights.applications.len(), 3, "one application by its name");
    let last = reading.opportunities.last().unwrap();
    assert_eq!(last.opportunity_type, WorkflowCategory::OrderEntry);
    assert_eq!(last.frames, [1, 3]);
    assert_eq!(
        (last.current_time_per_occurrence_seconds, last.confidence),
        (None, None)
    );
    assert_eq!(reading.drafts[1].confidence, Some(0.7));
}

#[test]
fn the_same_answer_reads_alike_in_every_wrapping() {
    let plain = reading("current");
    for name in ["fenced", "content-parts"] {
        assert_eq!(reading(name), plain, "{name}");
    }
    let bare: Value = serde_json::from_str(&fixture("current")).unwrap();
    let inner = bare["choices"][0]["message"]["content"].as_str().unwrap();
    assert_eq!(read(inner, &eight()).unwrap(), plain);
    assert_eq!(read_value(&json!({ "analysis": inner }), &eight()).unwrap(), plain);
    assert_eq!(
        read_value(&json!({ "raw_gpt_response": bare }), &eight()).unwrap(),
        plain
    );
    assert_eq!(old("replaced-wrapped"), old("replaced-bare"));
    assert_eq!(old("replaced-text"), old("replaced-bare"));
}

#[test]
fn unusable_replies_say_why() {
    let cases = [
        ("refusal", AnalysisErrorCode::ModelRefused),
        ("content-filter", AnalysisErrorCode::ModelRefused),
        ("length", AnalysisErrorCode::ModelCutOff),
        ("no-choices", AnalysisErrorCode::ModelUnreadable),
        ("empty-content", AnalysisErrorCode::ModelUnreadable),
        ("cut-json", AnalysisErrorCode::ModelUnreadable),
        ("wrong-schema", AnalysisErrorCode::ModelUnreadable),
    ];
    for (name, code) in cases {
        assert_eq!(read(&fixture(name), &eight()).unwrap_err().code(), code, "{name}");
    }
    for text in [
        "",
        "null",
        "[]",
        "{}",
        "3",
        "\"x\"",
        "{\"steps\": \"none\"}",
        "<html></html>",
        "{",
        "\u{feff}",
    ] {
        assert!(
            matches!(read(text, &eight()), Err(Unreadable::NotUnderstood(_))),
            "{text}"
        );
    }
}

#[test]
fn an_injected_answer_claims_nothing_and_its_mark_up_is_text() {
    let reading = reading("injected");
    assert!(reading.opportunities.is_empty(), "it cites a frame that does not exist");
    assert!(reading.insights.description.starts_with("<script>"));
    assert_eq!(
        reading.insights.steps[0].action,
        "<img src=x onerror=alert(1)> Open the e-mail"
    );
    assert_eq!(
        reading.insights.dropped,
        ["opportunities[0]: cites only frames that do not exist"]
    );
}
