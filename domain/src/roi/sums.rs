//! Sums over processes: what was identified, what was accepted, what is implemented.

use serde::Serialize;

use super::pool::Process;
use crate::effort::{HoursPerMonth, HoursPerWeek, HoursPerYear};
use crate::money::{Cost, MoneyPerMonth, MoneyPerYear};
use crate::status::OpportunityStatus;

/// What several processes come to together.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize)]
pub struct Sums {
    /// How many processes.
    pub processes: u32,
    /// Hours saved in a month.
    pub monthly_hours: HoursPerMonth,
    /// Hours saved in a week: a fifty-second of a year's.
    pub weekly_hours: HoursPerWeek,
    /// Hours saved in a year: twelve months.
    pub annual_hours: HoursPerYear,
    /// Saved in a month, in whole cents.
    pub monthly_savings: MoneyPerMonth,
    /// Saved in a year: twelve months.
    pub annual_savings: MoneyPerYear,
    /// What building them costs, in whole cents.
    pub implementation_cost: Cost,
}

/// Three different sums. Each holds the next: what is implemented was accepted, what was accepted was identified.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize)]
pub struct ByState {
    /// Potential of everything that was found and not dismissed.
    pub identified: Sums,
    /// Of these, what people accepted or implemented.
    pub accepted: Sums,
    /// Of these, what is implemented. The only sum that may be called saved.
    pub implemented: Sums,
}

impl Sums {
    fn plus(self, other: Self) -> Self {
        Self {
            processes: self.processes + other.processes,
            monthly_hours: self.monthly_hours + other.monthly_hours,
            weekly_hours: self.weekly_hours + other.weekly_hours,
            annual_hours: self.annual_hours + other.annual_hours,
            monthly_savings: self.monthly_savings + other.monthly_savings,
            annual_savings: self.annual_savings + other.annual_savings,
            implementation_cost: self.implementation_cost + other.implementation_cost,
        }
    }

    /// The sum of some processes.
    pub fn of<'a>(processes: impl IntoIterator<Item = &'a Process>) -> Self {
        let mut sums = Self::default();
        for contribution in processes.into_iter().filter_map(|process| process.contribution) {
            sums.processes += 1;
            sums.monthly_hours = sums.monthly_hours + contribution.saved_hours;
            sums.monthly_savings = sums.monthly_savings + contribution.monthly_savings;
            sums.implementation_cost = sums.implementation_cost + contribution.implementation_cost;
        }
        sums.weekly_hours = sums.monthly_hours.per_week();
        sums.annual_hours = sums.monthly_hours.per_year();
        sums.annual_savings = sums.monthly_savings.per_year();
        sums
    }
}

impl ByState {
    /// Both together, for sums over organizations with the same currency.
    #[must_use]
    pub fn plus(self, other: Self) -> Self {
        Self {
            identified: self.identified.plus(other.identified),
            accepted: self.accepted.plus(other.accepted),
            implemented: self.implemented.plus(other.implemented),
        }
    }

    /// The three sums of some processes.
    pub fn of<'a>(processes: impl IntoIterator<Item = &'a Process>) -> Self {
        use OpportunityStatus::{Accepted, Implemented};
        let processes: Vec<&Process> = processes.into_iter().collect();
        let in_states = |states: &[OpportunityStatus]| {
            Sums::of(
                processes
                    .iter()
                    .copied()
                    .filter(|process| states.contains(&process.status)),
            )
        };
        Self {
            identified: Sums::of(processes.iter().copied()),
            accepted: in_states(&[Accepted, Implemented]),
            implemented: in_states(&[Implemented]),
        }
    }
}
