//! Figures computed by hand, and the rules one by one.

use std::collections::{BTreeMap, BTreeSet};

use chrono::{DateTime, NaiveDate, Utc};
use rust_decimal::Decimal;
use uuid::Uuid;

use super::*;
use crate::category::WorkflowCategory;
use crate::effort::{Hours, HoursPerMonth, PerDay, Seconds};
use crate::id::{AnalysisId, OpportunityId, UserId};
use crate::money::{Cost, Currency, MoneyPerMonth};
use crate::share::Share;
use crate::span::TimeSpan;
use crate::status::OpportunityStatus;

mod copies;
mod properties;

type Change = fn(&mut Observation);

fn dutch() -> Assumptions {
    Assumptions::defaults(Currency::EUR, "Europe/Amsterdam")
}

fn with(assumption: Assumption, value: &str) -> Assumptions {
    dutch()
        .with(&Overrides::from([(assumption, decimal(value))]), ValueSource::Reviewer)
        .unwrap()
}

fn decimal(text: &str) -> Decimal {
    text.parse().unwrap()
}

fn seconds(n: i64) -> Seconds {
    Seconds::new(Decimal::from(n))
}

fn at(n: i64) -> DateTime<Utc> {
    DateTime::from_timestamp(1_790_000_000 + n, 0).unwrap()
}

/// 90 seconds, 40 times a day by 3 people, of low complexity, seen 12 times in half an hour.
fn order_entry() -> Observation {
    Observation {
        opportunities: vec![OpportunityId::new(Uuid::from_u128(5))],
        process_key: "mail>wms".to_owned(),
        derived_key: "mail>wms".to_owned(),
        analysis: AnalysisId::new(Uuid::from_u128(1)),
        analysed_at: at(0),
        recording: "a".to_owned(),
        recorded_by: Some(UserId::new(Uuid::from_u128(9))),
        category: WorkflowCategory::OrderEntry,
        status: OpportunityStatus::Proposed,
        seconds_per_occurrence: Some(seconds(90)),
        evidence: Evidence {
            occurrences: 12,
            observed: seconds(1800),
            days: BTreeSet::from([NaiveDate::from_ymd_opt(2026, 11, 2).unwrap()]),
        },
        spans: vec![TimeSpan::new(0.0, 1080.0).unwrap()],
        declared_per_day: Some(PerDay::new(Decimal::from(40))),
        people: 3,
        complexity: Some(Complexity::Low),
        effort: None,
        actual_cost: None,
        seconds_after: None,
        entered: Entered::default(),
    }
}

fn cost_of(observations: &[Observation], assumptions: &Assumptions) -> CostAnalysis {
    cost_analysis(observations, &BTreeMap::new(), assumptions)
}

#[test]
fn a_hand_computed_opportunity() {
    // 90 s x 40 x 3 people x 220/12 / 3600 = 55 h a month; x 0.80 x 0.80 = 35.2 h saved; x 45.20 = 1,591.04;
    // 16 h x 90 = 1,440 to build, x 0.18 / 12 = 21.60 upkeep: 1,569.44 a month, 18,833.28 a year;
    // 1,440 / 1,569.44 x 365/12 = 27.9 days; (18,833.28 - 1,440) / 1,440 = 1,207.87 %.
    let worth = worth(&order_entry(), None, &dutch());
    let figures = worth.figures.unwrap();
    assert!(worth.counted);
    assert_eq!(worth.effort_basis, EffortBasis::Assumed);
    assert_eq!(worth.implementation_cost.unwrap().value(), Decimal::from(1440));
    assert_eq!(figures.current_hours.value(), Decimal::from(55));
    assert_eq!(figures.saved_hours.value(), decimal("35.2"));
    assert_eq!(figures.monthly_savings.value(), decimal("1569.44"));
    assert_eq!(
        (figures.monthly_savings_low, figures.monthly_savings_high),
        (figures.monthly_savings, figures.monthly_savings)
    );
    assert_eq!(figures.annual_savings.value(), decimal("18833.28"));
    assert_eq!(figures.payback_days, Some(28));
    assert_eq!(figures.roi_percentage, Some(decimal("1207.87")));
    assert_eq!(figures.saved_seconds_per_hundred.value(), Decimal::from(5760)); // 90 x 100 x 0.64
    assert!(!figures.capped);
}

#[test]
fn a_hand_computed_cost_analysis() {
    let analysis = cost_of(&[order_entry()], &dutch());
    let figures = analysis.figures.unwrap();
    assert_eq!(figures.current_cost.value(), decimal("2486")); // 55 x 45.20
    assert_eq!(figures.projected_hours.value(), decimal("19.8"));
    assert_eq!(figures.projected_cost.value(), decimal("916.56")); // 19.8 x 45.20 + 21.60
    assert_eq!(figures.weekly_hours.rounded().value(), decimal("8.12")); // 35.2 x 12 / 52
    assert_eq!(figures.monthly_savings.value(), decimal("1569.44"));
    assert_eq!(
        (analysis.confidence, analysis.counted, analysis.uncounted),
        (ConfidenceLevel::Medium, 1, 0)
    );
    let monthly: Vec<_> = analysis
        .scenarios
        .iter()
        .map(|s| s.monthly_savings.to_string())
        .collect();
    // Worst 55 x 0.8 x 0.60 x 45.20 - 21.60, best with 0.95.
    assert_eq!(monthly, ["1171.68", "1569.44", "1867.76"]);
    assert_eq!(analysis.scenarios[1].cumulative_cash.len(), 37);
    // The ramp-up of six months brings half of it: 1,591.04 x 3 - 21.60 x 6 - 1,440 after six months.
    assert_eq!(analysis.scenarios[1].cumulative_cash[6].value(), decimal("3203.52"));
}

#[test]
fn below_three_occurrences_nothing_is_worth_anything() {
    for occurrences in 0..3 {
        let mut seen = order_entry();
        seen.evidence.occurrences = occurrences;
        let worth = worth(&seen, None, &dutch());
        assert_eq!(worth.figures, Err(Missing::InsufficientEvidence));
        assert!(worth.frequency.is_some());
        assert_eq!(cost_of(&[seen], &dutch()).figures, None);
    }
}

#[test]
fn what_is_missing_is_named() {
    let cases: [(Missing, Change); 4] = [
        (Missing::TimeUnknown, |o| o.seconds_per_occurrence = None),
        (Missing::TimeUnknown, |o| o.seconds_per_occurrence = Some(Seconds::ZERO)),
        (Missing::ComplexityUnknown, |o| o.complexity = None),
        (Missing::FrequencyUnknown, |o| {
            o.declared_per_day = None;
            o.evidence.observed = Seconds::ZERO;
        }),
    ];
    for (missing, change) in cases {
        let mut seen = order_entry();
        change(&mut seen);
        assert_eq!(worth(&seen, None, &dutch()).figures, Err(missing));
    }
    let zlotys = Assumptions::defaults("PLN".parse().unwrap(), "Europe/Warsaw");
    assert_eq!(
        worth(&order_entry(), None, &zlotys).figures,
        Err(Missing::HourlyRateUnset)
    );
}

#[test]
fn an_extrapolated_frequency_shows_its_figure_and_enters_no_sum() {
    let mut seen = order_entry();
    seen.declared_per_day = None;
    seen.evidence = Evidence {
        occurrences: 6,
        observed: seconds(600),
        days: seen.evidence.days,
    };
    seen.seconds_per_occurrence = Some(seconds(60));
    let worth = worth(&seen, None, &dutch());
    let figures = worth.figures.as_ref().unwrap();
    assert!(
        !worth.counted && figures.capped,
        "the high end, 627 a day of 60 s, exceeds 8 hours"
    );
    assert!(
        figures.monthly_savings_low < figures.monthly_savings && figures.monthly_savings < figures.monthly_savings_high
    );
    assert_eq!(priority(&worth, None).priority, Priority::Medium);
    let analysis = cost_of(&[seen.clone()], &dutch());
    assert_eq!((analysis.figures, analysis.counted, analysis.uncounted), (None, 0, 1));
    assert_eq!(ByState::of(&Pool::of(&[seen], &dutch()).processes), ByState::default());
}

#[test]
fn short_recordings_together_measure_a_frequency() {
    let day = |n| BTreeSet::from([NaiveDate::from_ymd_opt(2026, 11, n).unwrap()]);
    let seen: Vec<_> = (1..=3u32)
        .map(|n| Observation {
            recording: n.to_string(),
            analysis: AnalysisId::new(Uuid::from_u128(n.into())),
            declared_per_day: None,
            evidence: Evidence {
                occurrences: 10 * n,
                observed: seconds(5400),
                days: day(n),
            },
            seconds_per_occurrence: Some(seconds(30 * i64::from(n))),
            ..order_entry()
        })
        .collect();
    let pool = Pool::of(&seen, &dutch());
    let [process] = &pool.processes[..] else {
        panic!("one process")
    };
    let frequency = process.frequency.unwrap();
    assert_eq!(frequency.basis, FrequencyBasis::Measured);
    // 60 occurrences in 16,200 s are 106.67 in 8 hours; (10 x 30 + 20 x 60 + 30 x 90) / 60 = 70 s each.
    assert_eq!(frequency.per_day.value().round_dp(2), decimal("106.67"));
    let hours = process.contribution.unwrap().current_hours;
    assert_eq!(hours.rounded().value(), decimal("114.07")); // 70 x 106.67 x 3 x 220/12 / 3600
    assert!(process.contribution.unwrap().current_hours <= available_hours(3, &dutch()));
    // One of them alone judged on what all saw.
    let all = BTreeMap::from([("mail>wms".to_owned(), process.evidence.clone())]);
    assert_eq!(cost_analysis(&seen[..1], &all, &dutch()).counted, 1);
    assert_eq!(cost_of(&seen[..1], &dutch()).counted, 0);
}

#[test]
fn time_that_two_opportunities_show_counts_once() {
    let whole = order_entry();
    let part = Observation {
        process_key: "copy>paste".to_owned(),
        derived_key: "copy>paste".to_owned(),
        spans: vec![TimeSpan::new(100.0, 500.0).unwrap()],
        seconds_per_occurrence: Some(seconds(30)),
        ..order_entry()
    };
    let half = Observation {
        spans: vec![TimeSpan::new(880.0, 1280.0).unwrap()],
        process_key: "track".to_owned(),
        derived_key: "track".to_owned(),
        ..part.clone()
    };
    let pool = Pool::of(&[whole.clone(), part.clone(), half], &dutch());
    let own = |key: &str| {
        pool.processes
            .iter()
            .find(|p| p.process_key == key)
            .unwrap()
            .contribution
            .map(|c| c.own_share.to_f64())
    };
    assert_eq!(own("mail>wms"), Some(1.0));
    assert_eq!(own("copy>paste"), None, "all within the other");
    assert_eq!(own("track"), Some(0.5));
    // What people accepted comes first, however small.
    let accepted = Observation {
        status: OpportunityStatus::Accepted,
        ..part.clone()
    };
    let pool = Pool::of(&[whole.clone(), accepted], &dutch());
    assert_eq!(pool.processes[0].contribution.unwrap().own_share, Share::ALL);
    assert_eq!(ByState::of(&pool.processes).accepted.processes, 1);
    // What they dismissed frees its time.
    let dismissed = Observation {
        status: OpportunityStatus::Dismissed,
        ..whole
    };
    let pool = Pool::of(&[dismissed, part], &dutch());
    assert_eq!(pool.processes.len(), 1);
    assert_eq!(pool.processes[0].contribution.unwrap().own_share, Share::ALL);
}

#[test]
fn what_is_implemented_and_measured_counts_as_measured() {
    let implemented = Observation {
        status: OpportunityStatus::Implemented,
        seconds_after: Some(seconds(45)),
        actual_cost: Some(Cost::new(Decimal::from(2000))),
        ..order_entry()
    };
    // 55 h x 0.5 = 27.5 h x 45.20 = 1,243 - 2,000 x 0.18 / 12 = 30.
    let realised = worth(&implemented, None, &dutch()).realised.unwrap();
    assert_eq!(realised.monthly_savings.value(), Decimal::from(1213));
    let sums = ByState::of(&Pool::of(std::slice::from_ref(&implemented), &dutch()).processes);
    assert_eq!(sums.implemented.monthly_savings, realised.monthly_savings);
    assert_eq!(sums.implemented, sums.identified);
    let slower = Observation {
        seconds_after: Some(seconds(200)),
        ..implemented
    };
    assert_eq!(
        worth(&slower, None, &dutch()).realised.unwrap().saved_hours,
        HoursPerMonth::ZERO
    );
}

#[test]
fn priorities_follow_the_written_rule() {
    let with_frequency = |per_day: i64, people: u32| Observation {
        declared_per_day: Some(PerDay::new(Decimal::from(per_day))),
        people,
        ..order_entry()
    };
    let sure = Some(Share::ALL);
    let unsure = Some(Share::from_f64(0.49).unwrap());
    for (per_day, people, confidence, expected) in [
        (46, 3, sure, Priority::Critical), // 40.5 h saved
        (45, 3, sure, Priority::High),     // 39.6 h
        (46, 3, None, Priority::Critical),
        (46, 3, unsure, Priority::Medium),
        (18, 3, sure, Priority::Medium), // 15.8 h
        (1, 1, sure, Priority::Low),     // never pays back its upkeep
    ] {
        let verdict = priority(&worth(&with_frequency(per_day, people), None, &dutch()), confidence);
        assert_eq!(verdict.priority, expected, "{per_day} a day: {}", verdict.reason);
    }
    let nothing = Observation {
        evidence: Evidence::default(),
        ..order_entry()
    };
    let verdict = priority(&worth(&nothing, None, &dutch()), sure);
    assert_eq!(verdict.priority, Priority::Low);
    assert!(verdict.reason.starts_with("insufficient evidence"));
}

#[test]
fn confidence_needs_occurrences_and_an_entered_effort() {
    let seen = |occurrences: u32, effort: Option<i64>| {
        let mut seen = order_entry();
        seen.evidence.occurrences = occurrences;
        seen.effort = effort.map(|hours| Hours::new(Decimal::from(hours)));
        cost_of(&[seen], &dutch()).confidence
    };
    assert_eq!(seen(9, Some(20)), ConfidenceLevel::Low);
    assert_eq!(seen(10, Some(20)), ConfidenceLevel::Medium);
    assert_eq!(seen(30, None), ConfidenceLevel::Medium);
    assert_eq!(seen(30, Some(20)), ConfidenceLevel::High);
}

#[test]
fn what_is_shown_of_an_effort_is_what_is_priced() {
    let mut one = order_entry();
    one.effort = Some(Hours::new(decimal("10.005")));
    let worth = worth(&one, None, &dutch());
    assert_eq!(worth.effort.unwrap().value(), decimal("10.01"));
    assert_eq!(worth.implementation_cost.unwrap().value(), decimal("900.90"));
}

#[test]
fn whatever_may_be_entered_can_be_kept() {
    let most = |rate: i64, build: i64, licence: i64| {
        let entered = Overrides::from([
            (Assumption::HourlyRate, Decimal::from(rate)),
            (Assumption::ImplementationHourlyRate, Decimal::from(build)),
            (Assumption::LicencePerMonth, Decimal::from(licence)),
            (Assumption::HoursPerDay, Decimal::from(24)),
            (Assumption::WorkingDaysPerYear, Decimal::from(366)),
            (Assumption::MaintenanceSharePerYear, Decimal::ONE),
            (Assumption::AutomatableShareLow, Decimal::ONE),
        ]);
        dutch().with(&entered, ValueSource::Reviewer).unwrap()
    };
    let below = |money: Decimal| money.abs() < MOST_MONEY;
    let cent = Cost::new(Decimal::new(1, 2));
    for (rate, build, licence) in [
        (10_000_000, 10_000_000, 1_000_000_000),
        (10_000_000, 1, 0),
        (150_000, 100_000, 0),
    ] {
        let assumptions = most(rate, build, licence);
        for people in [1, 40, 100_000] {
            for effort in [None, Some(0), Some(1), Some(1_000_000)] {
                let one = Observation {
                    people,
                    effort: effort.map(|hours| Hours::new(Decimal::from(hours))),
                    declared_per_day: Some(PerDay::new(Decimal::from(100_000))),
                    seconds_per_occurrence: Some(seconds(86_400)),
                    ..order_entry()
                };
                let worth = worth(&one, None, &assumptions);
                assert!(worth.implementation_cost.is_none_or(|cost| below(cost.value())));
                if let Ok(figures) = worth.figures {
                    assert!(below(figures.annual_savings.value()) && figures.roi_percentage.is_none_or(below));
                } else {
                    assert_eq!(worth.figures, Err(Missing::OutOfRange));
                }
                let copies: Vec<_> = (0..30u128)
                    .map(|n| Observation {
                        derived_key: n.to_string(),
                        process_key: n.to_string(),
                        recorded_by: Some(UserId::new(Uuid::from_u128(n))),
                        recording: n.to_string(),
                        ..one.clone()
                    })
                    .collect();
                if let Some(figures) = cost_of(&copies, &assumptions).figures {
                    let all = [figures.current_cost.value(), figures.projected_cost.value()];
                    assert!(all.into_iter().all(below) && below(figures.implementation_cost.value()));
                    assert!(below(figures.annual_savings.value()) && figures.roi_percentage.is_none_or(below));
                }
            }
        }
    }
    // A market rate of Jakarta, and what forty people there would save.
    let rupiahs = most(150_000, 100_000, 0);
    let forty = Observation {
        people: 40,
        ..order_entry()
    };
    assert!(worth(&forty, None, &rupiahs).figures.is_ok());
    assert_eq!(
        payback_days(Cost::new(MOST_MONEY), MoneyPerMonth::new(cent.value())),
        None
    );
}
