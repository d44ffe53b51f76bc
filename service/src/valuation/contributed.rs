//! What each process adds to a sum, as it is shown beside the sum and kept with a cost analysis: the way from money to the
//! opportunities whose evidence shows it.

use domain::category::WorkflowCategory;
use domain::id::OpportunityId;
use domain::roi::{FrequencyBasis, Process};
use domain::status::OpportunityStatus;
use rust_decimal::Decimal;
use serde::{Deserialize, Serialize};

/// What one process adds to a sum, in the sum's currency, in the base scenario.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Contributed {
    /// Which one.
    pub process_key: String,
    /// The kind that its newest observation has.
    pub category: WorkflowCategory,
    /// The furthest that it has come.
    pub status: OpportunityStatus,
    /// What its frequency is known from.
    pub frequency_basis: FrequencyBasis,
    /// How often a person does it on a working day.
    pub occurrences_per_day: f64,
    /// How many people do it.
    pub people: u32,
    /// How often all recordings saw it.
    pub occurrences_observed: u32,
    /// Recorded time of these recordings, without idle time, in seconds.
    pub observed_seconds: f64,
    /// Hours saved a month.
    pub saved_hours: Decimal,
    /// Saved a month, after upkeep and licences, in whole cents.
    pub monthly_savings: Decimal,
    /// What it costs to build, in whole cents.
    pub implementation_cost: Decimal,
    /// The share (`0..=1`) of its shown time that no other process claims.
    pub own_share: f64,
    /// Cut, because a person's day holds only so many hours.
    pub capped: bool,
    /// The opportunities that it was pooled from, newest first.
    pub opportunities: Vec<OpportunityId>,
}

impl Contributed {
    /// Of a process; none where it adds nothing.
    fn of(process: &Process) -> Option<Self> {
        let (contribution, frequency) = process.contribution.zip(process.frequency)?;
        Some(Self {
            process_key: process.process_key.clone(),
            category: process.category,
            status: process.status,
            frequency_basis: frequency.basis,
            occurrences_per_day: frequency.per_day.to_f64(),
            people: process.people,
            occurrences_observed: process.evidence.occurrences,
            observed_seconds: process.evidence.observed.to_f64(),
            saved_hours: contribution.saved_hours.value().round_dp(4),
            monthly_savings: contribution.monthly_savings.value(),
            implementation_cost: contribution.implementation_cost.value(),
            own_share: contribution.own_share.to_f64(),
            capped: contribution.capped,
            opportunities: process.opportunities.clone(),
        })
    }

    /// Of all that add something, the highest saving first. Their savings add up to the sum to the cent.
    pub fn all<'a>(processes: impl IntoIterator<Item = &'a Process>) -> Vec<Self> {
        let mut all: Vec<_> = processes.into_iter().filter_map(Self::of).collect();
        all.sort_by(|a, b| {
            let by_saving = b.monthly_savings.cmp(&a.monthly_savings);
            by_saving.then_with(|| a.process_key.cmp(&b.process_key))
        });
        all
    }
}
