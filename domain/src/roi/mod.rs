//! What automating a process is worth: the one definition, from which every figure of the platform comes.
//!
//! - [`assumptions`]: what is taken for granted, each value with its source.
//! - [`Frequency`], [`poisson`]: how often a process is done, what that is known from, and how far.
//! - [`worth`](worth()): one opportunity. [`cost_analysis`](cost_analysis()): one analysis, with [scenarios](Scenario).
//! - [`Pool`]: the organization, each process once. [`priority`](priority()): what deserves attention first.
//!
//! "Potential" and "saved" are different words: only what is implemented is saved. Hours saved become cash only where the
//! time is used for something else or is no longer paid.

pub mod assumptions;
mod copies;
mod cost;
mod frequency;
pub mod poisson;
mod pool;
mod priority;
mod reviews;
mod scenario;
mod sums;
#[cfg(test)]
mod tests;
mod worth;

pub use assumptions::{Assumption, Assumptions, InvalidAssumption, Overrides, Region, Sourced};
pub use cost::{BADLY_OBSERVED, CostAnalysis, CostFigures, WELL_OBSERVED, cost_analysis};
pub use frequency::{ENOUGH_OCCURRENCES, Evidence, Frequency, MEASURED_DAYS, MEASURED_HOURS};
pub use pool::{Contribution, Pool, Process, available_hours};
pub use priority::{Inputs as PriorityInputs, Verdict, priority};
pub use reviews::Reviews;
pub use scenario::Scenario;
pub use sums::{ByState, Sums};
pub use worth::{
    Entered, Figures, MOST_MONEY, Missing, Observation, Realised, Worth, payback_days, roi_percentage, roi_score, worth,
};

use crate::closed::closed;

closed! {
    /// Where a value of a calculation comes from.
    pub enum ValueSource {
        /// The platform's default; its reference names the statistic, or says that it is an assumption.
        Default = "default",
        /// Set for the whole organization by an owner or admin.
        Organization = "organization",
        /// Entered by a person for this calculation or opportunity.
        Reviewer = "reviewer",
    }

    /// How hard an opportunity is to automate.
    pub enum Complexity {
        /// Rules without exceptions in one or two applications.
        Low = "low",
        /// Several applications, or exceptions that can be listed.
        Medium = "medium",
        /// Judgement, free text or systems without an interface.
        High = "high",
    }

    /// How soon an opportunity deserves attention, by a written rule; HIGH and CRITICAL only where the frequency is known.
    pub enum Priority {
        /// Worth little, or known too little.
        Low = "low",
        /// Worth a look.
        Medium = "medium",
        /// Pays back soon on a known frequency.
        High = "high",
        /// Pays back at once, on a known frequency and in large sums.
        Critical = "critical",
    }

    /// What is known about how often a process is done.
    pub enum FrequencyBasis {
        /// A person entered how often; counts in sums.
        Declared = "declared",
        /// Recorded for at least four active hours on at least two days; counts in sums.
        Measured = "measured",
        /// Projected from a short recording: shown with its uncertainty, never summed.
        Extrapolated = "extrapolated",
    }

    /// Where the hours to build an automation come from.
    pub enum EffortBasis {
        /// The default for the complexity: every ROI and payback resting on it says "assumed".
        Assumed = "assumed",
        /// Entered by a person.
        Entered = "entered",
    }

    /// How far the figures of a cost analysis can be relied on, by a written rule.
    pub enum ConfidenceLevel {
        /// Little was observed, or the frequency is only projected.
        Low = "low",
        /// The frequency is known, with some of the rest assumed.
        Medium = "medium",
        /// Frequency and effort are known and much was observed.
        High = "high",
    }

    /// One of three views of the same savings; they differ in adoption and in the frequency's interval.
    pub enum ScenarioName {
        /// Low adoption and the low end of the frequency.
        Worst = "worst",
        /// What the stored figures say.
        Base = "base",
        /// High adoption and the high end of the frequency.
        Best = "best",
    }
}
