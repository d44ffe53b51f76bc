//! The same recording several times, and several headings for one process. Apart because what people entered on one copy is told here
//! from what was derived.

use super::*;

/// The same recording, uploaded and analysed again later, without anything that a person entered.
pub(super) fn copy_of(one: &Observation, later: i64) -> Observation {
    Observation {
        analysis: AnalysisId::new(Uuid::from_u128(one.analysis.uuid().as_u128() + 1000)),
        analysed_at: one.analysed_at + chrono::TimeDelta::seconds(later),
        ..derived(one)
    }
}

/// What is left of an opportunity when nobody has worked on it: what was entered is not what was seen.
fn derived(one: &Observation) -> Observation {
    let mut bare = one.clone();
    bare.process_key.clone_from(&one.derived_key);
    bare.status = OpportunityStatus::Proposed;
    (bare.declared_per_day, bare.effort, bare.actual_cost, bare.seconds_after) = (None, None, None, None);
    let entered = std::mem::take(&mut bare.entered);
    if entered.seconds.is_some() {
        bare.seconds_per_occurrence = Some(seconds(77));
    }
    if entered.people.is_some() {
        bare.people = 1;
    }
    if entered.complexity.is_some() {
        bare.complexity = None;
    }
    bare
}

/// The opportunity after a review.
fn reviewed(at: i64, change: Change) -> Observation {
    let mut one = order_entry();
    change(&mut one);
    one.entered.at = Some(self::at(at));
    one
}

#[test]
fn what_a_person_entered_on_one_copy_holds_for_the_recording() {
    let changes: [Change; 8] = [
        |one| one.status = OpportunityStatus::Accepted,
        |one| one.status = OpportunityStatus::Dismissed,
        |one| one.effort = Some(Hours::new(Decimal::from(7))),
        |one| {
            one.status = OpportunityStatus::Implemented;
            one.actual_cost = Some(Cost::new(Decimal::from(500)));
            one.seconds_after = Some(seconds(30));
        },
        |one| {
            one.people = 10;
            one.entered.people = Some(10);
        },
        |one| {
            one.seconds_per_occurrence = Some(seconds(300));
            one.entered.seconds = one.seconds_per_occurrence;
        },
        |one| {
            one.complexity = Some(Complexity::High);
            one.entered.complexity = one.complexity;
        },
        |one| {
            one.process_key = "k2".to_owned();
            one.entered.process_key = Some("k2".to_owned());
        },
    ];
    for (index, change) in changes.into_iter().enumerate() {
        let one = reviewed(0, change);
        let alone = Pool::of(std::slice::from_ref(&one), &dutch());
        let keys = |pool: &Pool| pool.processes.iter().map(|p| p.process_key.clone()).collect::<Vec<_>>();
        for later in [-60, 60] {
            let both = Pool::of(&[one.clone(), copy_of(&one, later)], &dutch());
            assert_eq!(keys(&both), keys(&alone), "{index}");
            assert_eq!(ByState::of(&both.processes), ByState::of(&alone.processes), "{index}");
        }
    }
}

#[test]
fn of_two_inputs_to_one_field_the_newer_counts_and_each_field_for_itself() {
    let people = reviewed(10, |one| {
        (one.people, one.entered.people) = (10, Some(10));
        one.status = OpportunityStatus::Accepted;
    });
    let mut other = copy_of(&people, 60);
    other.entered.at = Some(at(20));
    other.status = OpportunityStatus::Dismissed;
    assert!(
        Pool::of(&[people.clone(), other.clone()], &dutch())
            .processes
            .is_empty()
    );
    other.status = OpportunityStatus::Implemented;
    let pool = Pool::of(&[people.clone(), other.clone()], &dutch());
    assert_eq!(
        (pool.processes[0].status, pool.processes[0].people),
        (OpportunityStatus::Implemented, 10)
    );
    (other.people, other.entered.people) = (4, Some(4));
    assert_eq!(
        Pool::of(&[people.clone(), other.clone()], &dutch()).processes[0].people,
        4
    );
    other.entered.at = Some(at(5));
    let pool = Pool::of(&[people, other], &dutch());
    assert_eq!(
        (pool.processes[0].status, pool.processes[0].people),
        (OpportunityStatus::Accepted, 10)
    );
}

#[test]
fn two_headings_of_one_process_in_one_recording_count_together() {
    let half = |occurrences, each, start: f64| Observation {
        evidence: Evidence {
            occurrences,
            ..order_entry().evidence
        },
        seconds_per_occurrence: Some(seconds(each)),
        spans: vec![TimeSpan::new(start, start + 100.0).unwrap()],
        ..order_entry()
    };
    let both = [half(4, 60, 0.0), half(8, 120, 100.0)];
    let pool = Pool::of(&both, &dutch());
    assert_eq!(pool.processes.len(), 1);
    // (4 x 60 + 8 x 120) / 12 = 100 s each, 12 in the same half an hour.
    let process = &pool.processes[0];
    assert_eq!(
        (process.evidence.occurrences, process.evidence.observed),
        (12, seconds(1800))
    );
    let contribution = process.contribution.unwrap();
    assert_eq!(contribution.own_share, Share::ALL);
    assert_eq!(contribution.current_hours.rounded().value(), decimal("61.11")); // 100 x 40 x 3 x 220/12 / 3600
    let analysis = cost_of(&both, &dutch());
    assert_eq!((analysis.counted, analysis.uncounted), (2, 0));
}

#[test]
fn what_has_no_name_is_none_of_the_others() {
    let unnamed = |recording: &str| Observation {
        opportunities: vec![OpportunityId::new(Uuid::from_u128(recording.len() as u128))],
        process_key: crate::insight::UNNAMED_PROCESS.to_owned(),
        derived_key: crate::insight::UNNAMED_PROCESS.to_owned(),
        recording: recording.to_owned(),
        analysis: AnalysisId::new(Uuid::from_u128(recording.len() as u128)),
        recorded_by: None,
        ..order_entry()
    };
    let one = Pool::of(&[unnamed("a")], &dutch());
    let two = Pool::of(&[unnamed("a"), unnamed("bb")], &dutch());
    let sum = |pool: &Pool| ByState::of(&pool.processes).identified.monthly_savings;
    assert_eq!(two.processes.len(), 2);
    // Nor are two in one recording the same, and what a person says of one on another copy is said of the one that shows it.
    let other = Observation {
        opportunities: vec![OpportunityId::new(Uuid::from_u128(6))],
        spans: vec![TimeSpan::new(2000.0, 2100.0).unwrap()],
        ..unnamed("a")
    };
    assert_eq!(Pool::of(&[unnamed("a"), other.clone()], &dutch()).processes.len(), 2);
    let mut dismissed = copy_of(&other, -60);
    (dismissed.status, dismissed.entered.at) = (OpportunityStatus::Dismissed, Some(at(1)));
    let left = Pool::of(&[unnamed("a"), other, dismissed], &dutch()).processes;
    assert_eq!(left.len(), 1);
    assert_eq!(left[0].opportunities, unnamed("a").opportunities);
    assert_eq!(sum(&two), sum(&one) + sum(&one));
    // The same recording again is the same.
    assert_eq!(
        sum(&Pool::of(&[unnamed("a"), copy_of(&unnamed("a"), 60)], &dutch())),
        sum(&one)
    );
}
