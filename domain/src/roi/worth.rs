//! What one opportunity is worth.

use std::borrow::Cow;

use rust_decimal::prelude::ToPrimitive;
use rust_decimal::{Decimal, RoundingStrategy};
use serde::Serialize;

use chrono::{DateTime, Utc};

use super::assumptions::Assumptions;
use super::frequency::{Evidence, Frequency};
use super::{Complexity, EffortBasis, ScenarioName};
use crate::category::WorkflowCategory;
use crate::closed::closed;
use crate::effort::{Hours, HoursPerMonth, PerDay, Seconds};
use crate::id::{AnalysisId, OpportunityId, UserId};
use crate::insight::UNNAMED_PROCESS;
use crate::money::{Cost, MoneyPerMonth, MoneyPerYear};
use crate::share::Share;
use crate::span::TimeSpan;
use crate::status::OpportunityStatus;

closed! {
    /// Why an opportunity has no figures.
    pub enum Missing {
        /// Fewer than three occurrences were seen: insufficient evidence.
        InsufficientEvidence = "insufficient_evidence",
        /// How long an occurrence takes is not known.
        TimeUnknown = "time_unknown",
        /// Nobody declared how often it is done, and the recording does not tell.
        FrequencyUnknown = "frequency_unknown",
        /// How hard it is to automate is not known, so neither is the automatable share.
        ComplexityUnknown = "complexity_unknown",
        /// No hourly rate is set for this currency.
        HourlyRateUnset = "hourly_rate_unset",
        /// Its amounts are larger than can be kept, whatever was entered to make them so.
        OutOfRange = "out_of_range",
    }
}

impl Missing {
    /// One sentence that says what to do.
    pub const fn sentence(self) -> &'static str {
        match self {
            Self::InsufficientEvidence => {
                "insufficient evidence: fewer than three occurrences were seen; record more of them"
            }
            Self::TimeUnknown => "how long an occurrence takes is not known; enter it, or record the process",
            Self::FrequencyUnknown => "how often it is done is not known; enter the occurrences per day",
            Self::ComplexityUnknown => "how hard it is to automate is not known; choose a complexity",
            Self::HourlyRateUnset => "no hourly rate is set for this currency; enter it in the organization's defaults",
            Self::OutOfRange => "its amounts are larger than can be kept; check the people, the effort and the rates",
        }
    }
}

/// What an amount of money stays below, so that it can be kept to the cent: a million million, in any currency.
pub const MOST_MONEY: Decimal = Decimal::from_parts(0xd4a5_1000, 0xe8, 0, false, 0);
/// What a ratio in percent stays below: what pays back ten thousand million times over has no cost to speak of.
const MOST_PERCENT: Decimal = MOST_MONEY;

/// An opportunity as one analysis saw it and as people corrected it: all that its worth is made from.
#[derive(Debug, Clone, PartialEq)]
pub struct Observation {
    /// Which one; all of those that count together, where they do.
    pub opportunities: Vec<OpportunityId>,
    /// The process that it is about.
    pub process_key: String,
    /// The process that it was derived as, whatever a person made of it: by it the copies of a recording know each other's opportunities.
    pub derived_key: String,
    /// The analysis that it belongs to.
    pub analysis: AnalysisId,
    /// When that analysis ended: of several analyses of one recording, the newest counts.
    pub analysed_at: DateTime<Utc>,
    /// A digest of the recording's content: the same recording uploaded twice has the same and counts once.
    pub recording: String,
    /// Who was recorded, while that is known: a person's day holds only so many hours.
    pub recorded_by: Option<UserId>,
    /// Its kind.
    pub category: WorkflowCategory,
    /// What people decided.
    pub status: OpportunityStatus,
    /// Active and waiting time of an occurrence: the measured mean, or what a person entered.
    pub seconds_per_occurrence: Option<Seconds>,
    /// What was seen.
    pub evidence: Evidence,
    /// When the recording shows it; other opportunities may cover the same time.
    pub spans: Vec<TimeSpan>,
    /// How often a day, only where a person entered it.
    pub declared_per_day: Option<PerDay>,
    /// How many people do it, as entered; never guessed.
    pub people: u32,
    /// How hard it is to automate.
    pub complexity: Option<Complexity>,
    /// Hours to build it, only where a person entered them.
    pub effort: Option<Hours>,
    /// What it cost to build, once it is implemented.
    pub actual_cost: Option<Cost>,
    /// What an occurrence takes since it is implemented.
    pub seconds_after: Option<Seconds>,
    /// What people entered in place of what was derived.
    pub entered: Entered,
}

/// What people entered about an opportunity in place of what was derived; what only people know (how often, the effort) is not here.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Entered {
    /// When a person last reviewed it.
    pub at: Option<DateTime<Utc>>,
    /// The process that it really is.
    pub process_key: Option<String>,
    /// Seconds of an occurrence.
    pub seconds: Option<Seconds>,
    /// People who do it.
    pub people: Option<u32>,
    /// How hard it is to automate.
    pub complexity: Option<Complexity>,
}

impl Observation {
    /// Whether a person decided or entered something about it.
    pub fn has_input(&self) -> bool {
        let Entered {
            at: _,
            process_key,
            seconds,
            people,
            complexity,
        } = &self.entered;
        self.status != OpportunityStatus::Proposed
            || self.declared_per_day.is_some()
            || self.effort.is_some()
            || process_key.is_some()
            || seconds.is_some()
            || people.is_some()
            || complexity.is_some()
    }

    /// Under what it is pooled: its process, and for one without a name itself, since two of these are not the same.
    pub fn pooled_as(&self) -> Cow<'_, str> {
        if self.process_key == UNNAMED_PROCESS {
            // No key that a person enters holds this character.
            let own = self.opportunities.first().map(ToString::to_string).unwrap_or_default();
            Cow::Owned(format!("{UNNAMED_PROCESS}\0{own}"))
        } else {
            Cow::Borrowed(&self.process_key)
        }
    }
}

/// What one opportunity is worth.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Worth {
    /// How often it is done; none when not known.
    pub frequency: Option<Frequency>,
    /// Whether it enters sums.
    pub counted: bool,
    /// Hours to build it: entered, or assumed for the complexity.
    pub effort: Option<Hours>,
    /// Which of the two.
    pub effort_basis: EffortBasis,
    /// What it costs to build.
    pub implementation_cost: Option<Cost>,
    /// Its potential in the base scenario, or why there is none.
    pub figures: Result<Figures, Missing>,
    /// What it saves since it is implemented, where that was measured.
    pub realised: Option<Realised>,
}

/// The potential of one opportunity in the base scenario, in steady state.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
pub struct Figures {
    /// Hours that it takes now.
    pub current_hours: HoursPerMonth,
    /// Hours of these that automating it could save.
    pub saved_hours: HoursPerMonth,
    /// The saving after upkeep and licences, in whole cents. May be negative.
    pub monthly_savings: MoneyPerMonth,
    /// The same at the low end of the frequency.
    pub monthly_savings_low: MoneyPerMonth,
    /// The same at the high end of the frequency.
    pub monthly_savings_high: MoneyPerMonth,
    /// Twelve times the monthly saving.
    pub annual_savings: MoneyPerYear,
    /// See [`payback_days`].
    pub payback_days: Option<u32>,
    /// See [`roi_percentage`].
    pub roi_percentage: Option<Decimal>,
    /// Seconds saved in a hundred occurrences: what can be said without knowing how often it is done.
    pub saved_seconds_per_hundred: Seconds,
    /// The declared or high frequency would fill more than a person's day and was cut to it.
    pub capped: bool,
}

/// What an implemented opportunity saves, measured.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
pub struct Realised {
    /// Hours saved.
    pub saved_hours: HoursPerMonth,
    /// The saving after upkeep and licences, in whole cents.
    pub monthly_savings: MoneyPerMonth,
    /// Twelve times the monthly saving.
    pub annual_savings: MoneyPerYear,
}

/// Days until the saving has paid for the building: `cost / monthly saving x (365 / 12)`, rounded up, since it is not paid back
/// before. None when nothing is saved: it never pays back, nor within as many days as anybody counts. The simple quotient, without
/// ramp-up or interest.
pub fn payback_days(cost: Cost, monthly: MoneyPerMonth) -> Option<u32> {
    if monthly <= MoneyPerMonth::ZERO {
        return None;
    }
    let days = (cost.value() * Decimal::from(365)).checked_div(monthly.value() * Decimal::from(12))?;
    days.round_dp_with_strategy(0, RoundingStrategy::ToPositiveInfinity)
        .to_u32()
        .filter(|days| *days <= i32::MAX.unsigned_abs())
}

/// Return on the investment in the first year of steady state, net: `(annual saving - cost) / cost x 100`, to two decimals.
/// None when there is no cost to return, or none to speak of.
pub fn roi_percentage(cost: Cost, annual: MoneyPerYear) -> Option<Decimal> {
    let ratio = (annual.value() - cost.value()).checked_div(cost.value())?;
    Some(crate::effort::rounded_to(ratio * Decimal::ONE_HUNDRED, 2)).filter(|percent| percent.abs() < MOST_PERCENT)
}

/// An insight's score: annual saving over cost, to two decimals. None without a cost.
pub fn roi_score(cost: Cost, annual: MoneyPerYear) -> Option<Decimal> {
    Some(crate::effort::rounded_to(annual.value().checked_div(cost.value())?, 2))
        .filter(|score| score.abs() < MOST_PERCENT)
}

/// What an opportunity is worth on its own evidence or, with `pooled`, on that of all recordings of its process.
///
/// - hours a month = `seconds per occurrence x occurrences a day x people x (days a year / 12) / 3600`, at most the whole day;
/// - saved hours = `hours x automatable share x adoption`;
/// - monthly saving = `saved hours x hourly rate - cost x maintenance / 12 - licence`, each term rounded to cents once, so
///   that annual figures, payback, ROI and sums follow from what is stored and a reader can check them;
/// - cost = `effort hours x implementation rate`.
pub fn worth(observation: &Observation, pooled: Option<&Evidence>, assumptions: &Assumptions) -> Worth {
    let evidence = pooled.unwrap_or(&observation.evidence);
    let day = assumptions.working_time().day();
    let frequency = Frequency::of(observation.declared_per_day, evidence, day);
    let (effort, effort_basis) = effort(observation.effort, observation.complexity, assumptions);
    let line = Line::new(
        &Known {
            seconds: observation.seconds_per_occurrence,
            frequency,
            is_enough: evidence.is_enough(),
            people: observation.people,
            complexity: observation.complexity,
            effort,
            actual_cost: None,
            seconds_after: None,
        },
        assumptions,
    );
    let realised = line.as_ref().ok().and_then(|line| {
        if observation.status != OpportunityStatus::Implemented {
            return None;
        }
        let line = Line {
            cost: observation.actual_cost.map_or(line.cost, Cost::rounded),
            effect: Effect::Measured(share_saved(line.seconds, observation.seconds_after?)),
            ..*line
        };
        let saving = line.saving(line.load.base, ScenarioName::Base, assumptions);
        Some(Realised {
            saved_hours: saving.saved,
            monthly_savings: saving.net(),
            annual_savings: saving.net().per_year(),
        })
    });
    Worth {
        frequency,
        counted: frequency.is_some_and(Frequency::is_counted),
        effort,
        effort_basis,
        implementation_cost: effort
            .map(|effort| (effort * assumptions.implementation_rate()).rounded())
            .filter(|cost| cost.value() < MOST_MONEY),
        figures: line.map(|line| line.figures(assumptions)),
        realised,
    }
}

pub(super) fn effort(
    entered: Option<Hours>,
    complexity: Option<Complexity>,
    assumptions: &Assumptions,
) -> (Option<Hours>, EffortBasis) {
    match entered {
        // To the hundredth of an hour: what is shown is what is priced.
        Some(hours) => (Some(hours.rounded()), EffortBasis::Entered),
        None => (
            complexity.map(|complexity| assumptions.effort(complexity).rounded()),
            EffortBasis::Assumed,
        ),
    }
}

/// The share of an occurrence's time that is gone since it is implemented; one that takes longer than before has saved nothing.
pub(super) fn share_saved(before: Seconds, after: Seconds) -> Share {
    ((before - after) / before).map_or(Share::NONE, Share::clamped)
}

/// What is known of a process before it is a line of a calculation.
pub(super) struct Known {
    pub seconds: Option<Seconds>,
    pub frequency: Option<Frequency>,
    pub is_enough: bool,
    pub people: u32,
    pub complexity: Option<Complexity>,
    pub effort: Option<Hours>,
    pub actual_cost: Option<Cost>,
    pub seconds_after: Option<Seconds>,
}

/// Seconds of one person's working day that a process takes, at the low end, the best estimate and the high end.
#[derive(Debug, Clone, Copy)]
pub(super) struct Load {
    pub low: Seconds,
    pub base: Seconds,
    pub high: Seconds,
}

impl Load {
    pub const fn of(self, scenario: ScenarioName) -> Seconds {
        match scenario {
            ScenarioName::Worst => self.low,
            ScenarioName::Base => self.base,
            ScenarioName::Best => self.high,
        }
    }
}

/// The share of a process's time that goes away.
#[derive(Debug, Clone, Copy)]
pub(super) enum Effect {
    /// Expected: the automatable share of those occurrences that are adopted.
    Expected(Share),
    /// Measured after implementation.
    Measured(Share),
}

impl Effect {
    pub fn share(self, scenario: ScenarioName, assumptions: &Assumptions) -> Share {
        match self {
            Self::Expected(automatable) => automatable * assumptions.adoption(scenario),
            Self::Measured(share) => share,
        }
    }
}

/// One process in a calculation.
#[derive(Debug, Clone, Copy)]
pub(super) struct Line {
    pub seconds: Seconds,
    pub load: Load,
    pub capped: bool,
    pub people: u32,
    pub effect: Effect,
    pub cost: Cost,
}

/// What a line saves in a month. Money is in whole cents.
#[derive(Debug, Clone, Copy)]
pub(super) struct Saving {
    pub current: HoursPerMonth,
    pub saved: HoursPerMonth,
    pub gross: MoneyPerMonth,
    pub running: MoneyPerMonth,
}

impl Saving {
    pub fn net(self) -> MoneyPerMonth {
        self.gross - self.running
    }
}

impl Line {
    pub fn new(known: &Known, assumptions: &Assumptions) -> Result<Self, Missing> {
        if !known.is_enough {
            return Err(Missing::InsufficientEvidence);
        }
        let seconds = known
            .seconds
            .filter(|seconds| *seconds > Seconds::ZERO)
            .ok_or(Missing::TimeUnknown)?;
        let frequency = known.frequency.ok_or(Missing::FrequencyUnknown)?;
        let complexity = known.complexity.ok_or(Missing::ComplexityUnknown)?;
        let effort = known.effort.ok_or(Missing::ComplexityUnknown)?;
        if assumptions.hourly_rate().value().is_zero() || assumptions.implementation_rate().value().is_zero() {
            return Err(Missing::HourlyRateUnset);
        }
        let day = assumptions.working_time().day();
        let load = |times: PerDay| (seconds * times).min(day);
        let line = Self {
            seconds,
            load: Load {
                low: load(frequency.low),
                base: load(frequency.per_day),
                high: load(frequency.high),
            },
            capped: seconds * frequency.high > day,
            people: known.people,
            effect: match known.seconds_after {
                Some(after) => Effect::Measured(share_saved(seconds, after)),
                None => Effect::Expected(assumptions.automatable(complexity)),
            },
            cost: known
                .actual_cost
                .unwrap_or(effort * assumptions.implementation_rate())
                .rounded(),
        };
        if line.fits(assumptions) {
            Ok(line)
        } else {
            Err(Missing::OutOfRange)
        }
    }

    /// Whether whatever comes of it can be kept: its cost, and a year of all that it takes and of all that it costs to run.
    fn fits(&self, assumptions: &Assumptions) -> bool {
        let most = self.load.low.max(self.load.base).max(self.load.high);
        let hours = assumptions.working_time().monthly(most, self.people);
        let yearly = |money: MoneyPerMonth| money.per_year().value();
        let running = self.saving(most, ScenarioName::Base, assumptions).running;
        let all = [
            self.cost.value(),
            yearly(hours * assumptions.hourly_rate()),
            yearly(running),
        ];
        all.into_iter().all(|money| money < MOST_MONEY)
    }

    /// What is saved when the process takes `load` of each person's day.
    pub fn saving(&self, load: Seconds, scenario: ScenarioName, assumptions: &Assumptions) -> Saving {
        let current = assumptions.working_time().monthly(load, self.people);
        let saved = current * self.effect.share(scenario, assumptions);
        let upkeep = (self.cost * assumptions.maintenance()).yearly_as_monthly();
        Saving {
            current,
            saved,
            gross: (saved * assumptions.hourly_rate()).rounded(),
            running: upkeep.rounded() + assumptions.licence().rounded(),
        }
    }

    fn figures(&self, assumptions: &Assumptions) -> Figures {
        let at = |load| self.saving(load, ScenarioName::Base, assumptions);
        let base = at(self.load.base);
        let annual_savings = base.net().per_year();
        let effect = self.effect.share(ScenarioName::Base, assumptions);
        Figures {
            current_hours: base.current,
            saved_hours: base.saved,
            monthly_savings: base.net(),
            monthly_savings_low: at(self.load.low).net(),
            monthly_savings_high: at(self.load.high).net(),
            annual_savings,
            payback_days: payback_days(self.cost, base.net()),
            roi_percentage: roi_percentage(self.cost, annual_savings),
            saved_seconds_per_hundred: self.seconds * PerDay::new(Decimal::ONE_HUNDRED) * effect,
            capped: self.capped,
        }
    }
}
