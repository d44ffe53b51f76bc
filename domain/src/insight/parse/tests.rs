use proptest::prelude::*;
use serde_json::{Map, json};

use super::*;
use crate::category::WorkflowCategory;
use crate::insight::{ApplicationUse, InsightType, Occurrence, OpportunityDraft, Routine};
use crate::roi::Complexity;

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

#[test]
fn replies_about_parts_become_one_reading() {
    let reading = reading("two-parts");
    assert_eq!(
        reading
            .insights
            .steps
            .iter()
            .map(|step| step.number)
            .collect::<Vec<_>>(),
        [1, 2, 3, 4, 5, 6]
    );
    assert_eq!(reading.insights.steps[5].span, Some(at(60.0, 70.0)));
    assert_eq!(reading.insights.applications.len(), 4);
    assert_eq!(reading.insights.patterns.len(), 1);
    let [opportunity] = reading.opportunities.as_slice() else {
        panic!("one opportunity")
    };
    assert_eq!(opportunity.frames, [0, 1, 2, 3, 6]);
    assert_eq!(opportunity.evidence, [at(0.0, 40.0), at(60.0, 70.0)]);
    assert_eq!(opportunity.automation_complexity, Some(Complexity::High));
    assert_eq!(opportunity.current_time_per_occurrence_seconds, Some(45.0));
    assert_eq!(opportunity.confidence, Some(0.9));
    assert!((reading.confidence.unwrap() - 0.71).abs() < 1e-9);
    assert_eq!(reading.category, Some(WorkflowCategory::OrderEntry));
    assert!(reading.insights.description.contains("\n\nShipments"));
}

#[test]
fn a_document_of_replies_is_read_as_they_were() {
    let (one, two) = (fixture("current"), fixture("injected"));
    let stored = document(&[&one, &two]);
    let apart = merge(vec![read(&one, &eight()).unwrap(), read(&two, &eight()).unwrap()]);
    assert_eq!(read_value(&stored, &eight()).unwrap(), apart);
    assert_eq!(
        read_value(&document(&[&one]), &eight()).unwrap(),
        read(&one, &eight()).unwrap()
    );
    assert_eq!(document(&["not json"]), json!("not json"));
    assert_eq!(
        document(&[r#"{"a\u0000":"\u0000"}"#]),
        json!({ "a\u{fffd}": "\u{fffd}" })
    );
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

#[test]
fn measured_counts_and_times_replace_claimed_ones() {
    let merged = merge_measured(reading("current"), &measurement());
    let [opportunity] = merged.opportunities.as_slice() else {
        panic!("one opportunity")
    };
    assert_eq!(
        opportunity.title, "Outlook to WMS: read order lines from e-mails",
        "words stay the model's"
    );
    assert_eq!(opportunity.occurrences.len(), 3);
    assert_eq!(opportunity.current_time_per_occurrence_seconds, Some(16.3));
    assert_eq!(opportunity.process_key, "outlook>wms");
    assert_eq!(opportunity.evidence, [at(0.0, 40.0), at(70.0, 80.0)]);
    assert_eq!(opportunity.metadata["measured"]["stated_seconds_per_occurrence"], 45.0);
    let times: Vec<_> = merged
        .insights
        .applications
        .iter()
        .map(|used| (used.name.as_str(), used.active_seconds))
        .collect();
    assert_eq!(
        times,
        [
            ("Outlook", Some(31.0)),
            ("WMS", None),
            ("Excel", None),
            ("Terminal", Some(5.0))
        ]
    );
    assert_eq!(merged.insights.routines.len(), 1);
    assert_eq!(merged.insights.steps.len(), 5);
    assert_eq!(merged.confidence, Some(0.82));
}

#[test]
fn what_only_one_of_them_has_stays_as_it_is() {
    let mut measured = measurement();
    measured.opportunities[0].process_key = "elsewhere".to_owned();
    measured.opportunities[0].occurrences = vec![occurrence(60.0, 70.0)];
    let merged = merge_measured(reading("current"), &measured);
    assert_eq!(merged.opportunities.len(), 2);
    assert!(merged.opportunities[0].occurrences.is_empty());
    assert_eq!(merged.opportunities[1], measured.opportunities[0]);
    assert_eq!(
        merge_measured(Reading::default(), &measured).opportunities,
        measured.opportunities
    );
}

#[test]
fn every_text_can_be_covered_in_one_pass() {
    let secret = "NL91ABNA0417164300";
    let planted = fixture("current")
        .replace("Outlook", secret)
        .replace("order", secret)
        .replace("ordered", secret);
    let mut reading = read(&planted, &eight()).unwrap();
    reading.insights.dropped.push(secret.to_owned());
    let before = serde_json::to_string(&reading).unwrap();
    assert!(before.matches(secret).count() > 20);
    each_text(&mut reading, |text| *text = text.replace(secret, "▮"));
    // What is left stands in process keys, which leave out words with digits.
    assert_eq!(serde_json::to_string(&reading).unwrap().matches(secret).count(), 0);
}

/// Names that the reading looks for, so that random documents reach its corners.
const NAMES: [&str; 34] = [
    "choices",
    "message",
    "content",
    "finish_reason",
    "refusal",
    "analysis",
    "description",
    "natural_description",
    "category",
    "confidence",
    "workflows",
    "workflows_detected",
    "steps",
    "workflow_steps",
    "applications",
    "patterns",
    "opportunities",
    "automation_opportunities",
    "insights",
    "frames",
    "visible_in_frames",
    "name",
    "title",
    "what",
    "action",
    "kind",
    "complexity",
    "timeSaved",
    "seconds_per_occurrence",
    "time_per_occurrence_minutes",
    "steps_observed",
    "applications_involved",
    "span",
    "type",
];

fn any_json() -> impl Strategy<Value = Value> {
    let leaf = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        any::<i64>().prop_map(Value::from),
        (0u32..12).prop_map(Value::from),
        any::<f64>().prop_map(|number| json!(number)),
        (0u8..=20).prop_map(|n| json!(f64::from(n) / 10.0)),
        ".{0,12}".prop_map(Value::from),
        prop_oneof![
            "[0-9]{1,4} (s|min|hours?)( per [a-z]{1,8})?",
            "frame [0-9]{1,2}",
            "(low|complex|email|bottleneck|length)",
            "[0-9]{1,3}%"
        ]
        .prop_map(Value::from),
    ];
    leaf.prop_recursive(6, 120, 6, |inner| {
        let name = prop_oneof![8 => prop::sample::select(NAMES.to_vec()).prop_map(str::to_owned), 1 => ".{0,6}"];
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..6).prop_map(Value::Array),
            prop::collection::vec((name, inner), 0..8)
                .prop_map(|pairs| Value::Object(pairs.into_iter().collect::<Map<_, _>>())),
        ]
    })
}

fn is_honest(reading: &Reading) -> Result<(), TestCaseError> {
    let share = |value: Option<f64>| value.is_none_or(|value| (0.0..=1.0).contains(&value));
    prop_assert!(share(reading.confidence));
    for (position, step) in reading.insights.steps.iter().enumerate() {
        prop_assert_eq!(step.number as usize, position + 1);
        prop_assert!(!step.action.is_empty() && step.frames.iter().all(|frame| *frame < 8));
    }
    for opportunity in &reading.opportunities {
        prop_assert!(!opportunity.title.is_empty() && opportunity.title.chars().count() <= 255);
        prop_assert!(opportunity.frames.iter().all(|frame| *frame < 8));
        prop_assert!(share(opportunity.confidence) && opportunity.occurrences.is_empty());
        prop_assert!(
            opportunity
                .current_time_per_occurrence_seconds
                .is_none_or(|seconds| seconds > 0.0 && seconds.is_finite())
        );
        prop_assert!(
            opportunity
                .evidence
                .windows(2)
                .all(|pair| pair[0].end_seconds() < pair[1].start_seconds())
        );
    }
    for draft in &reading.drafts {
        prop_assert!(share(draft.confidence) && !draft.title.is_empty());
    }
    prop_assert!(reading.insights.dropped.len() <= 201);
    Ok(())
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(512))]

    #[test]
    fn any_document_is_survived_and_what_is_read_is_honest(value in any_json()) {
        for table in [eight(), FrameTable::default()] {
            if let Ok(reading) = read_value(&value, &table) {
                if !table.is_empty() && !value.is_array() {
                    is_honest(&reading)?;
                }
                let again = read_value(&value, &table).unwrap();
                prop_assert_eq!(&reading, &again);
                let stored = serde_json::to_value(&reading).unwrap();
                prop_assert_eq!(reading, serde_json::from_value::<Reading>(stored).unwrap());
            }
        }
        let _ = document(&[&value.to_string()]);
    }

    #[test]
    fn an_answer_with_random_parts_keeps_its_good_ones(steps in any_json(), opportunities in any_json(), insights in any_json(), extra in any_json()) {
        let answer = json!({
            "patterns": [{ "description": "stands", "frames": [1] }],
            "steps": steps, "opportunities": opportunities, "insights": insights, "applications": extra, "confidence": 0.5
        });
        let reading = read_value(&answer, &eight()).unwrap();
        prop_assert_eq!(&reading.insights.patterns, &["stands".to_owned()]);
        prop_assert_eq!(reading.confidence, Some(0.5));
        is_honest(&reading)?;
        let merged = merge_measured(reading.clone(), &measurement());
        prop_assert!(merged.opportunities.len() >= reading.opportunities.len());
        prop_assert!(merged.opportunities.iter().any(|opportunity| opportunity.occurrences.len() == 3));
    }

    #[test]
    fn any_text_is_survived(text in ".{0,80}", time in ".{0,20}") {
        let _ = read(&text, &eight());
        let _ = stated_seconds(&time, Scope::Unsaid);
        let _ = stated_seconds(&time, Scope::Occurrence);
    }
}
