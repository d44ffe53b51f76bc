//! What must hold for every figure, whatever the recordings.

use proptest::prelude::*;

use super::copies::copy_of;
use super::*;

prop_compose! {
    fn any_spans()(spans in prop::collection::vec((0u32..3000, 1u32..400), 0..4)) -> Vec<TimeSpan> {
        spans.into_iter().map(|(start, length)| TimeSpan::new(start.into(), (start + length).into()).unwrap()).collect()
    }
}

prop_compose! {
    fn any_observation()(
        key in 0u8..5, recording in 0u8..4, user in prop::option::of(0u8..2),
        status in prop::sample::select(OpportunityStatus::ALL),
        millis in prop::option::weighted(0.9, 1i64..2_000_000),
        occurrences in 0u32..60, observed in 0i64..40_000, days in 0u32..4,
        declared in prop::option::of(0i64..30_000), people in 1u32..6,
        complexity in prop::option::weighted(0.9, prop::sample::select(Complexity::ALL)),
        effort in prop::option::of(0i64..300), after in prop::option::of(0i64..400), spans in any_spans(),
        entered in prop::array::uniform4(prop::bool::weighted(0.3)), renamed in 0u8..5,
    ) -> Observation {
        let seconds_per_occurrence = millis.map(|millis| Seconds::new(Decimal::new(millis, 3)));
        let process_key = if entered[0] { format!("p{renamed}") } else { format!("p{key}") };
        Observation {
            opportunities: vec![OpportunityId::new(Uuid::from_u128(u128::from(recording) * 16 + u128::from(key)))],
            entered: Entered {
                at: None,
                process_key: entered[0].then(|| process_key.clone()),
                seconds: seconds_per_occurrence.filter(|_| entered[1]),
                people: entered[2].then_some(people),
                complexity: complexity.filter(|_| entered[3]),
            },
            process_key,
            derived_key: format!("p{key}"),
            analysis: AnalysisId::new(Uuid::from_u128(u128::from(recording))),
            analysed_at: at(recording.into()),
            recording: format!("r{recording}"),
            recorded_by: user.map(|user| UserId::new(Uuid::from_u128(u128::from(user)))),
            category: WorkflowCategory::Other,
            status,
            seconds_per_occurrence,
            evidence: Evidence {
                occurrences,
                observed: seconds(observed),
                days: (1..=days).map(|day| NaiveDate::from_ymd_opt(2026, 11, day).unwrap()).collect(),
            },
            spans,
            declared_per_day: declared.map(|declared| PerDay::new(Decimal::new(declared, 2))),
            people,
            complexity,
            effort: effort.map(|hours| Hours::new(Decimal::from(hours))),
            actual_cost: None,
            seconds_after: after.map(seconds),
        }
    }
}

/// Decimals end after 28 digits; what is equal on paper may differ there.
fn close() -> Decimal {
    Decimal::new(1, 12)
}

/// Never is later than any day.
fn no_later(one: Option<u32>, other: Option<u32>) -> bool {
    one.unwrap_or(u32::MAX) <= other.unwrap_or(u32::MAX)
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(400))]

    #[test]
    fn where_nothing_is_saved_nothing_pays_back(seen in prop::collection::vec(any_observation(), 0..8)) {
        for one in &seen {
            if let Ok(figures) = worth(one, None, &dutch()).figures {
                prop_assert_eq!(figures.payback_days.is_some(), figures.monthly_savings > MoneyPerMonth::ZERO);
            }
        }
        let analysis = cost_of(&seen, &dutch());
        for scenario in &analysis.scenarios {
            if scenario.monthly_savings <= MoneyPerMonth::ZERO {
                prop_assert_eq!(scenario.cash_payback_days, None);
            }
        }
        if let Some(figures) = analysis.figures {
            prop_assert_eq!(figures.payback_days.is_some(), figures.monthly_savings > MoneyPerMonth::ZERO);
        }
    }

    #[test]
    fn a_higher_rate_never_saves_less(seen in prop::collection::vec(any_observation(), 0..8), cents in 1i64..10_000, more in 0i64..5_000) {
        let low = with(Assumption::HourlyRate, &Decimal::new(cents, 2).to_string());
        let high = with(Assumption::HourlyRate, &Decimal::new(cents + more, 2).to_string());
        let (a, b) = (cost_of(&seen, &low), cost_of(&seen, &high));
        prop_assert_eq!(a.figures.is_some(), b.figures.is_some());
        if let (Some(a), Some(b)) = (a.figures, b.figures) {
            prop_assert!(a.monthly_savings <= b.monthly_savings);
            prop_assert!(a.roi_percentage <= b.roi_percentage);
            prop_assert!(no_later(b.payback_days, a.payback_days));
        }
    }

    #[test]
    fn scenarios_are_in_order_and_base_is_what_is_stored(seen in prop::collection::vec(any_observation(), 0..8)) {
        let analysis = cost_of(&seen, &dutch());
        if let [worst, base, best] = &analysis.scenarios[..] {
            for (less, more) in [(worst, base), (base, best)] {
                prop_assert!(less.monthly_savings <= more.monthly_savings);
                prop_assert!(less.net_present_value <= more.net_present_value);
                prop_assert!(less.saved_hours <= more.saved_hours);
                prop_assert!(less.cumulative_cash.iter().zip(&more.cumulative_cash).all(|(less, more)| less <= more));
                prop_assert!(no_later(more.cash_payback_days, less.cash_payback_days));
            }
            let figures = analysis.figures.unwrap();
            prop_assert_eq!(base.monthly_savings, figures.monthly_savings);
            prop_assert_eq!(base.annual_savings, figures.annual_savings);
            prop_assert_eq!(base.saved_hours.per_week(), figures.weekly_hours);
            prop_assert_eq!(figures.annual_savings.value(), figures.monthly_savings.value() * Decimal::from(12));
            prop_assert_eq!(figures.current_cost.value() - figures.projected_cost.value(), figures.monthly_savings.value());
            prop_assert_eq!(figures.monthly_savings.value(), figures.monthly_savings.value().round_dp(2));
            let rows: MoneyPerMonth = Pool::of(&seen, &dutch()).processes.iter().filter_map(|p| p.contribution).map(|c| c.monthly_savings).sum();
            prop_assert_eq!(rows, figures.monthly_savings);
        } else {
            prop_assert!(analysis.figures.is_none() && analysis.counted == 0);
        }
    }

    #[test]
    fn saved_and_remaining_hours_are_within_people_times_hours(seen in prop::collection::vec(any_observation(), 0..12)) {
        let pool = Pool::of(&seen, &dutch());
        let current: HoursPerMonth = pool.processes.iter().filter_map(|p| p.contribution).map(|c| c.current_hours).sum();
        prop_assert!(current.value() <= available_hours(pool.people, &dutch()).value() + close());
        for process in &pool.processes {
            if let Some(contribution) = process.contribution {
                prop_assert!(contribution.saved_hours <= contribution.current_hours);
                prop_assert!(contribution.current_hours.value() <= available_hours(process.people, &dutch()).value() + close());
            }
        }
        // One recorded person's processes fill one day at most, by as many people as do the largest of them.
        let alone: Vec<_> = seen.into_iter().map(|one| Observation { recorded_by: Some(UserId::new(Uuid::nil())), people: 1, ..one }).collect();
        let pool = Pool::of(&alone, &dutch());
        prop_assert!(pool.people <= 1);
        // In every scenario.
        let day = dutch().working_time().day().value() + close();
        for scenario in ScenarioName::ALL {
            let load: Seconds = pool.lines.iter().flatten().map(|line| line.load.of(*scenario)).sum();
            prop_assert!(load.value() <= day);
        }
        let current: HoursPerMonth = pool.processes.iter().filter_map(|p| p.contribution).map(|c| c.current_hours).sum();
        prop_assert!(current.value() <= available_hours(1, &dutch()).value() + close());
    }

    #[test]
    fn the_same_recordings_ten_times_change_no_sum(seen in prop::collection::vec(any_observation(), 0..8), again in prop::collection::vec(1i64..1_000_000, 10)) {
        let once = ByState::of(&Pool::of(&seen, &dutch()).processes);
        // Uploaded and analysed again, later, on other days' work: every copy an analysis of its own.
        let mut copies = seen.clone();
        for (copy, later) in again.iter().enumerate() {
            copies.extend(seen.iter().map(|one| Observation {
                analysis: AnalysisId::new(Uuid::from_u128(one.analysis.uuid().as_u128() + 1000 * (copy as u128 + 1))),
                analysed_at: one.analysed_at + chrono::TimeDelta::seconds(*later),
                ..one.clone()
            }));
        }
        prop_assert_eq!(ByState::of(&Pool::of(&copies, &dutch()).processes), once);
        // Nor does the order in which rows are read.
        copies.reverse();
        prop_assert_eq!(ByState::of(&Pool::of(&copies, &dutch()).processes), once);
    }

    #[test]
    fn what_people_entered_on_one_copy_counts_for_all(seen in prop::collection::vec(any_observation(), 0..8), later in -1_000_000i64..1_000_000) {
        let once = ByState::of(&Pool::of(&seen, &dutch()).processes);
        let mut copies = seen.clone();
        copies.extend(seen.iter().map(|one| copy_of(one, later)));
        prop_assert_eq!(ByState::of(&Pool::of(&copies, &dutch()).processes), once);
        copies.reverse();
        prop_assert_eq!(ByState::of(&Pool::of(&copies, &dutch()).processes), once);
    }

    #[test]
    fn each_sum_holds_the_next(seen in prop::collection::vec(any_observation(), 0..12)) {
        let sums = ByState::of(&Pool::of(&seen, &dutch()).processes);
        for (wider, narrower) in [(sums.identified, sums.accepted), (sums.accepted, sums.implemented)] {
            prop_assert!(wider.processes >= narrower.processes && wider.monthly_hours >= narrower.monthly_hours);
        }
        for sum in [sums.identified, sums.accepted, sums.implemented] {
            prop_assert_eq!(sum.annual_savings.value(), sum.monthly_savings.value() * Decimal::from(12));
        }
    }

    #[test]
    fn only_known_frequencies_are_high_or_critical(one in any_observation()) {
        let worth = worth(&one, None, &dutch());
        let verdict = priority(&worth, None);
        if verdict.priority > Priority::Medium {
            prop_assert!(worth.counted && worth.figures.unwrap().payback_days.is_some());
        }
    }
}
