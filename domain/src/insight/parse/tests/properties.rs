//! What must hold for every document, whatever is in it.

use proptest::prelude::*;
use serde_json::Map;

use super::*;

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
