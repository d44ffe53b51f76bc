//! The cost analysis of one analysis: what its counted opportunities come to, with three scenarios.

use std::collections::BTreeMap;

use rust_decimal::Decimal;
use serde::Serialize;

use super::assumptions::Assumptions;
use super::frequency::Evidence;
use super::pool::{Contribution, Pool, Process};
use super::scenario::{Scenario, scenario};
use super::worth::{MOST_MONEY, Missing, Observation, payback_days, roi_percentage};
use super::{ConfidenceLevel, ScenarioName};
use crate::effort::{HoursPerMonth, HoursPerWeek};
use crate::money::{Cost, MoneyPerMonth, MoneyPerYear};
use crate::status::OpportunityStatus;

/// What the counted opportunities of one analysis come to. In the assumptions' currency.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct CostAnalysis {
    /// The figures; none when nothing counts, which is something else than zero.
    pub figures: Option<CostFigures>,
    /// How far they can be relied on.
    pub confidence: ConfidenceLevel,
    /// Why, in a sentence.
    pub confidence_reason: String,
    /// WORST, BASE, BEST; empty when nothing counts.
    pub scenarios: Vec<Scenario>,
    /// The processes that count, by key.
    #[serde(skip)]
    pub processes: Vec<Process>,
    /// Opportunities that count.
    pub counted: u32,
    /// Opportunities that do not: dismissed, projected, without figures, or within another.
    pub uncounted: u32,
}

/// The stored figures: the BASE scenario, to the cent.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
pub struct CostFigures {
    /// Hours that the processes take now.
    pub current_hours: HoursPerMonth,
    /// What these cost, in whole cents.
    pub current_cost: MoneyPerMonth,
    /// Hours that would remain.
    pub projected_hours: HoursPerMonth,
    /// What the rest costs with upkeep and licences: the current cost less the saving.
    pub projected_cost: MoneyPerMonth,
    /// Hours saved a week.
    pub weekly_hours: HoursPerWeek,
    /// What the building costs.
    pub implementation_cost: Cost,
    /// The saving, after upkeep and licences.
    pub monthly_savings: MoneyPerMonth,
    /// Twelve times the monthly saving.
    pub annual_savings: MoneyPerYear,
    /// The simple quotient, see [`payback_days`].
    pub payback_days: Option<u32>,
    /// See [`roi_percentage`].
    pub roi_percentage: Option<Decimal>,
}

/// Occurrences from which a process is well observed: the 95 % interval of its rate is then about a third either way.
pub const WELL_OBSERVED: u32 = 30;
/// Occurrences below which it is badly observed: the interval is then more than three fifths either way.
pub const BADLY_OBSERVED: u32 = 10;

/// Whether all of it together can be kept, as each part can.
fn fits(pool: &Pool, assumptions: &Assumptions) -> bool {
    let most = ScenarioName::ALL
        .iter()
        .map(|name| pool.steady_month(*name, assumptions))
        .flat_map(|month| {
            [
                month.cost.value(),
                month.gross.per_year().value(),
                month.running.per_year().value(),
            ]
        })
        .max();
    let current: HoursPerMonth = pool
        .processes
        .iter()
        .filter_map(|process| Some(process.contribution?.current_hours))
        .sum();
    let current = (current * assumptions.hourly_rate()).per_year().value();
    most.is_none_or(|most| most < MOST_MONEY) && current < MOST_MONEY
}

/// The cost analysis of the opportunities of one analysis. `elsewhere` holds, by what a process is pooled as, what all recordings of the
/// organization (this one included) saw of a process; without an entry the process is judged on this analysis alone.
///
/// Confidence is LOW when nothing counts or a counted process was seen less than 10 times; HIGH when each was seen 30 times
/// or more, every effort was entered and nothing had to be cut to a working day; else MEDIUM.
pub fn cost_analysis(
    observations: &[Observation],
    elsewhere: &BTreeMap<String, Evidence>,
    assumptions: &Assumptions,
) -> CostAnalysis {
    let pool = Pool::on_evidence(observations, elsewhere, assumptions);
    let counted: Vec<_> = pool
        .processes
        .iter()
        .filter_map(|process| Some((process, process.contribution?)))
        .collect();
    // Two opportunities of one process count together.
    let count = observations
        .iter()
        .filter(|one| {
            let is_counted = |(process, _): &(&Process, Contribution)| process.pooled_as == one.pooled_as();
            one.status != OpportunityStatus::Dismissed && counted.iter().any(is_counted)
        })
        .count();
    let uncounted = (observations.len() - count) as u32;

    let fewest = counted.iter().map(|(process, _)| process.evidence.occurrences).min();
    let (confidence, confidence_reason) = match fewest {
        None => (
            ConfidenceLevel::Low,
            "no opportunity has a known frequency and enough evidence".to_owned(),
        ),
        Some(fewest) if fewest < BADLY_OBSERVED => {
            (ConfidenceLevel::Low, format!("a process was seen {fewest} times only"))
        }
        Some(fewest) if fewest < WELL_OBSERVED => {
            (ConfidenceLevel::Medium, format!("a process was seen {fewest} times"))
        }
        Some(_) if counted.iter().any(|(process, _)| !process.effort_entered) => {
            (ConfidenceLevel::Medium, "the effort to build is assumed".to_owned())
        }
        Some(_) if counted.iter().any(|(_, contribution)| contribution.capped) => (
            ConfidenceLevel::Medium,
            "the frequencies would fill more than a working day and were cut".to_owned(),
        ),
        Some(fewest) => (
            ConfidenceLevel::High,
            format!("every process was seen at least {fewest} times and every effort was entered"),
        ),
    };

    if counted.is_empty() {
        return CostAnalysis {
            figures: None,
            confidence,
            confidence_reason,
            scenarios: Vec::new(),
            processes: Vec::new(),
            counted: 0,
            uncounted,
        };
    }
    if !fits(&pool, assumptions) {
        return CostAnalysis {
            figures: None,
            confidence: ConfidenceLevel::Low,
            confidence_reason: Missing::OutOfRange.sentence().to_owned(),
            scenarios: Vec::new(),
            processes: Vec::new(),
            counted: count as u32,
            uncounted,
        };
    }
    let scenarios: Vec<Scenario> = ScenarioName::ALL
        .iter()
        .map(|name| scenario(*name, pool.steady_month(*name, assumptions), assumptions))
        .collect();
    let base = pool.steady_month(ScenarioName::Base, assumptions);
    let monthly_savings = base.gross - base.running;
    let annual_savings = monthly_savings.per_year();
    let current_hours: HoursPerMonth = counted.iter().map(|(_, contribution)| contribution.current_hours).sum();
    let current_cost = (current_hours * assumptions.hourly_rate()).rounded();
    CostAnalysis {
        figures: Some(CostFigures {
            current_hours,
            current_cost,
            projected_hours: current_hours - base.saved,
            projected_cost: current_cost - monthly_savings,
            weekly_hours: base.saved.per_week(),
            implementation_cost: base.cost,
            monthly_savings,
            annual_savings,
            payback_days: payback_days(base.cost, monthly_savings),
            roi_percentage: roi_percentage(base.cost, annual_savings),
        }),
        confidence,
        confidence_reason,
        scenarios,
        processes: counted.iter().map(|(process, _)| (*process).clone()).collect(),
        counted: count as u32,
        uncounted,
    }
}
