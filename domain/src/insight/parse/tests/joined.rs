//! Several readings as one: parts of a recording, a stored document, a measurement beside a model's words.

use serde_json::Value;

use super::*;
use crate::category::ClassifiedBy;
use crate::insight::{InsightDraft, InsightType};
use crate::roi::Complexity;

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
fn further_claims_about_a_measured_routine_have_no_time_of_their_own() {
    let mut claimed = reading("current");
    let mut again = claimed.opportunities[0].clone();
    again.title = "The same once more".to_owned();
    again.process_key = "another".to_owned();
    again.evidence = vec![at(0.0, 20.0)];
    claimed.opportunities.push(again);
    let merged = merge_measured(claimed, &measurement());
    let times: Vec<_> = merged
        .opportunities
        .iter()
        .map(|opportunity| opportunity.current_time_per_occurrence_seconds)
        .collect();
    assert!(
        times.len() == 2 && times.contains(&Some(16.3)) && times.contains(&None),
        "{times:?}"
    );
    let retracted = merged.opportunities.iter().find(|o| o.occurrences.is_empty()).unwrap();
    assert_eq!(
        retracted.metadata["measured"],
        json!({ "stated_seconds_per_occurrence": 45.0, "measured_as": "outlook>wms" })
    );
}

#[test]
fn a_measured_insight_wins_over_a_claimed_one_of_its_name() {
    let draft = |title: &str, saved: Option<f64>, metadata: Value| InsightDraft {
        insight_type: InsightType::Bottleneck,
        title: title.to_owned(),
        description: title.to_owned(),
        confidence: Some(0.5),
        time_saved_seconds: saved,
        automation_potential: None,
        evidence: vec![at(0.0, 10.0)],
        metadata,
    };
    let mut claimed = reading("current");
    claimed.drafts = vec![draft("waiting for WMS", Some(900.0), json!({ "element": {} }))];
    let mut measured = measurement();
    measured.drafts = vec![draft("Waiting for WMS", Some(4.5), json!({ "rule": "busy screen" }))];
    let merged = merge_measured(claimed, &measured);
    let [insight] = merged.drafts.as_slice() else {
        panic!("one insight")
    };
    assert_eq!(
        (insight.title.as_str(), insight.time_saved_seconds),
        ("waiting for WMS", Some(4.5))
    );
    assert_eq!(
        insight.metadata,
        json!({ "rule": "busy screen", "claimed": { "element": {} } })
    );
}

#[test]
fn who_says_the_kind_of_work_is_named() {
    let mut measured = measurement();
    measured.category = Some(WorkflowCategory::OrderEntry);
    measured.classified_by = Some(ClassifiedBy::Rules);
    let mut silent = reading("current");
    assert_eq!(
        merge_measured(silent.clone(), &measured).classified_by,
        Some(ClassifiedBy::Model)
    );
    (silent.category, silent.classified_by) = (None, None);
    let merged = merge_measured(silent, &measured);
    assert_eq!(
        (merged.category, merged.classified_by),
        (measured.category, Some(ClassifiedBy::Rules))
    );
}

#[test]
fn a_claim_that_cites_every_frame_owns_no_more_than_was_measured() {
    let mut claimed = reading("current");
    for claim in &mut claimed.opportunities {
        claim.evidence = vec![at(0.0, 80.0)];
    }
    let merged = merge_measured(claimed, &measurement());
    assert_eq!(merged.opportunities[0].evidence, [at(0.0, 40.0), at(70.0, 80.0)]);
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
    each_text(&mut reading, |_, texts| {
        for text in texts {
            **text = text.replace(secret, "▮");
        }
    });
    // What is left stands in process keys, which leave out words with digits.
    assert_eq!(serde_json::to_string(&reading).unwrap().matches(secret).count(), 0);
}
