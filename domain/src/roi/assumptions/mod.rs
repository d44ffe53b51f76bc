//! What every calculation starts from. Each value has a source; where no statistic stands behind a number, its reference
//! says that it is an assumption. All of it is editable and stored with every result.

use std::collections::BTreeMap;

use rust_decimal::Decimal;
use serde::{Deserialize, Serialize};

mod defaults;

pub use defaults::Region;

use super::{Complexity, ScenarioName, ValueSource};
use crate::closed::closed;
use crate::effort::{Hours, WorkingTime};
use crate::money::{Currency, HourlyRate, MoneyPerMonth};
use crate::share::Share;

closed! {
    /// One value that calculations start from.
    pub enum Assumption {
        /// What an hour of work costs the employer, loaded with all contributions.
        HourlyRate = "hourly_rate",
        /// Working days in a year.
        WorkingDaysPerYear = "working_days_per_year",
        /// Working hours of a person on a working day.
        HoursPerDay = "hours_per_day",
        /// What an hour of building an automation costs.
        ImplementationHourlyRate = "implementation_hourly_rate",
        /// Hours to build an automation of low complexity.
        EffortHoursLow = "effort_hours_low",
        /// Hours to build an automation of medium complexity.
        EffortHoursMedium = "effort_hours_medium",
        /// Hours to build an automation of high complexity.
        EffortHoursHigh = "effort_hours_high",
        /// Share of a process's time that an automation of low complexity takes over.
        AutomatableShareLow = "automatable_share_low",
        /// Share of a process's time that an automation of medium complexity takes over.
        AutomatableShareMedium = "automatable_share_medium",
        /// Share of a process's time that an automation of high complexity takes over.
        AutomatableShareHigh = "automatable_share_high",
        /// Yearly upkeep as a share of the cost to build.
        MaintenanceSharePerYear = "maintenance_share_per_year",
        /// Licences a month for each automation.
        LicencePerMonth = "licence_per_month",
        /// Yearly rate at which later money is worth less.
        DiscountRate = "discount_rate",
        /// Share of occurrences that go through the automation in the WORST scenario.
        AdoptionWorst = "adoption_worst",
        /// Share of occurrences that go through the automation in the BASE scenario.
        AdoptionBase = "adoption_base",
        /// Share of occurrences that go through the automation in the BEST scenario.
        AdoptionBest = "adoption_best",
        /// Months until an automation has its full effect, rising evenly.
        RampUpMonths = "ramp_up_months",
        /// Months that a scenario looks ahead.
        HorizonMonths = "horizon_months",
    }
}

/// Values that replace others; what an organization or a reviewer entered.
pub type Overrides = BTreeMap<Assumption, Decimal>;

/// A value that cannot be an assumption.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{field} {reason}")]
pub struct InvalidAssumption {
    /// The field's name in the API.
    pub field: &'static str,
    /// What it must be.
    pub reason: String,
}

/// A value and where it comes from.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Sourced {
    /// The number.
    pub value: Decimal,
    /// Who set it.
    pub source: ValueSource,
    /// The statistic behind it, or that it is an assumption; nothing for values that people entered.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reference: Option<String>,
}

impl Assumption {
    /// The name in the API: `hourly_rate` is `hourlyRate`.
    pub const fn api_name(self) -> &'static str {
        match self {
            Self::HourlyRate => "hourlyRate",
            Self::WorkingDaysPerYear => "workingDaysPerYear",
            Self::HoursPerDay => "hoursPerDay",
            Self::ImplementationHourlyRate => "implementationHourlyRate",
            Self::EffortHoursLow => "effortHoursLow",
            Self::EffortHoursMedium => "effortHoursMedium",
            Self::EffortHoursHigh => "effortHoursHigh",
            Self::AutomatableShareLow => "automatableShareLow",
            Self::AutomatableShareMedium => "automatableShareMedium",
            Self::AutomatableShareHigh => "automatableShareHigh",
            Self::MaintenanceSharePerYear => "maintenanceSharePerYear",
            Self::LicencePerMonth => "licencePerMonth",
            Self::DiscountRate => "discountRate",
            Self::AdoptionWorst => "adoptionWorst",
            Self::AdoptionBase => "adoptionBase",
            Self::AdoptionBest => "adoptionBest",
            Self::RampUpMonths => "rampUpMonths",
            Self::HorizonMonths => "horizonMonths",
        }
    }

    /// Least and most that make sense, and whether only whole numbers do. The bounds keep every product within what a
    /// decimal holds.
    fn bounds(self) -> (Decimal, Decimal, bool) {
        let (least, most, whole) = match self {
            Self::WorkingDaysPerYear => (1, 366, true),
            Self::HoursPerDay => (1, 24, false),
            // A rate of 0 means "not set": nothing is worth money until someone enters it. An hour costs hundreds of thousands in some
            // currencies (IDR, COP, VND); whether what comes of a rate can be kept, each calculation looks for itself.
            Self::HourlyRate | Self::ImplementationHourlyRate => (0, 10_000_000, false),
            Self::EffortHoursLow | Self::EffortHoursMedium | Self::EffortHoursHigh => (0, 100_000, false),
            Self::LicencePerMonth => (0, 1_000_000_000, false),
            Self::RampUpMonths => (0, 60, true),
            Self::HorizonMonths => (1, 120, true),
            Self::AutomatableShareLow
            | Self::AutomatableShareMedium
            | Self::AutomatableShareHigh
            | Self::MaintenanceSharePerYear
            | Self::DiscountRate
            | Self::AdoptionWorst
            | Self::AdoptionBase
            | Self::AdoptionBest => (0, 1, false),
        };
        (Decimal::from(least), Decimal::from(most), whole)
    }

    fn checked(self, value: Decimal) -> Result<Decimal, InvalidAssumption> {
        let (least, most, whole) = self.bounds();
        if !(least..=most).contains(&value) {
            return Err(self.invalid(format!("must be between {least} and {most}")));
        }
        if whole && !value.fract().is_zero() {
            return Err(self.invalid("must be a whole number".to_owned()));
        }
        // Six decimals are more than any of these is known to.
        Ok(value.round_dp(6).normalize())
    }

    const fn invalid(self, reason: String) -> InvalidAssumption {
        InvalidAssumption {
            field: self.api_name(),
            reason,
        }
    }
}

/// All that a calculation starts from, in one currency.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "Stored", into = "Stored")]
pub struct Assumptions {
    currency: Currency,
    values: BTreeMap<Assumption, Sourced>,
}

/// As it is stored with a result: complete, so that a result can be understood years later.
#[derive(Serialize, Deserialize)]
struct Stored {
    currency: Currency,
    values: BTreeMap<Assumption, Sourced>,
}

impl TryFrom<Stored> for Assumptions {
    type Error = InvalidAssumption;

    fn try_from(stored: Stored) -> Result<Self, InvalidAssumption> {
        for assumption in Assumption::ALL {
            let sourced = stored
                .values
                .get(assumption)
                .ok_or_else(|| assumption.invalid("is missing".to_owned()))?;
            assumption.checked(sourced.value)?;
        }
        Self {
            currency: stored.currency,
            values: stored.values,
        }
        .consistent()
    }
}

impl From<Assumptions> for Stored {
    fn from(assumptions: Assumptions) -> Self {
        Self {
            currency: assumptions.currency,
            values: assumptions.values,
        }
    }
}

impl Assumptions {
    /// The platform's defaults.
    pub fn defaults(currency: Currency, time_zone: &str) -> Self {
        let region = Region::of(currency, time_zone);
        let values = Assumption::ALL.iter().map(|assumption| {
            let (value, reference) = assumption.default_in(region);
            (
                *assumption,
                Sourced {
                    value,
                    source: ValueSource::Default,
                    reference: Some(reference.to_owned()),
                },
            )
        });
        Self {
            currency,
            values: values.collect(),
        }
    }

    /// The same with some values replaced by `source`. Refuses what is out of bounds, and adoptions that are not in order.
    pub fn with(mut self, overrides: &Overrides, source: ValueSource) -> Result<Self, InvalidAssumption> {
        for (assumption, value) in overrides {
            let value = assumption.checked(*value)?;
            self.values.insert(
                *assumption,
                Sourced {
                    value,
                    source,
                    reference: None,
                },
            );
        }
        self.consistent()
    }

    fn consistent(self) -> Result<Self, InvalidAssumption> {
        if self.value(Assumption::AdoptionWorst) > self.value(Assumption::AdoptionBase) {
            return Err(Assumption::AdoptionWorst.invalid("must not exceed adoptionBase".to_owned()));
        }
        if self.value(Assumption::AdoptionBest) < self.value(Assumption::AdoptionBase) {
            return Err(Assumption::AdoptionBest.invalid("must not be less than adoptionBase".to_owned()));
        }
        Ok(self)
    }

    /// The one currency.
    pub const fn currency(&self) -> Currency {
        self.currency
    }

    /// One value with its source. Every constructor fills in all of them.
    pub fn sourced(&self, assumption: Assumption) -> Option<&Sourced> {
        self.values.get(&assumption)
    }

    /// Every value with its source.
    pub fn all(&self) -> impl Iterator<Item = (Assumption, &Sourced)> {
        self.values.iter().map(|(assumption, sourced)| (*assumption, sourced))
    }

    /// One value as a number.
    pub fn value(&self, assumption: Assumption) -> Decimal {
        self.values
            .get(&assumption)
            .map_or(Decimal::ZERO, |sourced| sourced.value)
    }

    fn share(&self, assumption: Assumption) -> Share {
        Share::clamped(self.value(assumption))
    }

    fn count(&self, assumption: Assumption) -> u32 {
        u32::try_from(self.value(assumption)).unwrap_or_default()
    }

    /// What an hour of work costs; 0 when nobody has set it.
    pub fn hourly_rate(&self) -> HourlyRate {
        HourlyRate::new(self.value(Assumption::HourlyRate))
    }

    /// What an hour of building costs; 0 when nobody has set it.
    pub fn implementation_rate(&self) -> HourlyRate {
        HourlyRate::new(self.value(Assumption::ImplementationHourlyRate))
    }

    /// The working year.
    pub fn working_time(&self) -> WorkingTime {
        WorkingTime {
            days_per_year: self.count(Assumption::WorkingDaysPerYear),
            hours_per_day: Hours::new(self.value(Assumption::HoursPerDay)),
        }
    }

    /// Hours to build an automation of this complexity, when nobody entered them.
    pub fn effort(&self, complexity: Complexity) -> Hours {
        Hours::new(self.value(match complexity {
            Complexity::Low => Assumption::EffortHoursLow,
            Complexity::Medium => Assumption::EffortHoursMedium,
            Complexity::High => Assumption::EffortHoursHigh,
        }))
    }

    /// Share of a process's time that an automation of this complexity takes over.
    pub fn automatable(&self, complexity: Complexity) -> Share {
        self.share(match complexity {
            Complexity::Low => Assumption::AutomatableShareLow,
            Complexity::Medium => Assumption::AutomatableShareMedium,
            Complexity::High => Assumption::AutomatableShareHigh,
        })
    }

    /// Share of occurrences that go through the automation.
    pub fn adoption(&self, scenario: ScenarioName) -> Share {
        self.share(match scenario {
            ScenarioName::Worst => Assumption::AdoptionWorst,
            ScenarioName::Base => Assumption::AdoptionBase,
            ScenarioName::Best => Assumption::AdoptionBest,
        })
    }

    /// Yearly upkeep as a share of the cost to build.
    pub fn maintenance(&self) -> Share {
        self.share(Assumption::MaintenanceSharePerYear)
    }

    /// Licences a month for each automation.
    pub fn licence(&self) -> MoneyPerMonth {
        MoneyPerMonth::new(self.value(Assumption::LicencePerMonth))
    }

    /// Yearly discount rate.
    pub fn discount(&self) -> Share {
        self.share(Assumption::DiscountRate)
    }

    /// Months until full effect.
    pub fn ramp_up_months(&self) -> u32 {
        self.count(Assumption::RampUpMonths)
    }

    /// Months that a scenario looks ahead.
    pub fn horizon_months(&self) -> u32 {
        self.count(Assumption::HorizonMonths)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn dutch() -> Assumptions {
        Assumptions::defaults(Currency::EUR, "Europe/Amsterdam")
    }

    #[test]
    fn every_default_is_within_its_bounds_and_says_where_it_comes_from() {
        for (currency, zone) in [
            ("EUR", "Europe/Amsterdam"),
            ("EUR", "Europe/Brussels"),
            ("EUR", "Europe/Luxembourg"),
            ("EUR", "Europe/Paris"),
            ("USD", "America/Chicago"),
            ("PLN", "Europe/Warsaw"),
        ] {
            let defaults = Assumptions::defaults(currency.parse().unwrap(), zone);
            for (assumption, sourced) in defaults.all() {
                assert_eq!(
                    assumption.checked(sourced.value),
                    Ok(sourced.value.normalize()),
                    "{assumption}"
                );
                assert_eq!(sourced.source, ValueSource::Default);
                let reference = sourced.reference.as_deref().unwrap();
                assert!(
                    ["assumption:", "not set:", "Eurostat,", "US Bureau"]
                        .iter()
                        .any(|start| reference.starts_with(start)),
                    "{assumption}: {reference}"
                );
            }
            assert_eq!(defaults.all().count(), Assumption::ALL.len());
        }
    }

    #[test]
    fn rates_follow_the_country() {
        let rate = |currency: Currency, zone: &str| Assumptions::defaults(currency, zone).hourly_rate().to_string();
        assert_eq!(rate(Currency::EUR, "Europe/Amsterdam"), "45.20");
        assert_eq!(rate(Currency::EUR, "Europe/Brussels"), "48.20");
        assert_eq!(rate(Currency::EUR, "Europe/Luxembourg"), "55.20");
        assert_eq!(rate(Currency::USD, "America/New_York"), "33.19");
        assert_eq!(rate("SEK".parse().unwrap(), "Europe/Stockholm"), "0");
    }

    #[test]
    fn what_people_enter_replaces_the_default_and_its_reference() {
        let entered = Overrides::from([(Assumption::HourlyRate, Decimal::new(385, 1))]);
        let ours = dutch().with(&entered, ValueSource::Organization).unwrap();
        assert_eq!(
            ours.sourced(Assumption::HourlyRate),
            Some(&Sourced {
                value: Decimal::new(385, 1),
                source: ValueSource::Organization,
                reference: None
            })
        );
        assert_eq!(
            ours.sourced(Assumption::HoursPerDay),
            dutch().sourced(Assumption::HoursPerDay)
        );
    }

    #[test]
    fn a_fault_names_its_field() {
        for (assumption, value, message) in [
            (
                Assumption::HourlyRate,
                "-1",
                "hourlyRate must be between 0 and 10000000",
            ),
            (Assumption::HoursPerDay, "25", "hoursPerDay must be between 1 and 24"),
            (
                Assumption::WorkingDaysPerYear,
                "219.5",
                "workingDaysPerYear must be a whole number",
            ),
            (
                Assumption::AutomatableShareLow,
                "1.01",
                "automatableShareLow must be between 0 and 1",
            ),
            (
                Assumption::AdoptionWorst,
                "0.9",
                "adoptionWorst must not exceed adoptionBase",
            ),
            (
                Assumption::AdoptionBest,
                "0.7",
                "adoptionBest must not be less than adoptionBase",
            ),
        ] {
            let entered = Overrides::from([(assumption, value.parse().unwrap())]);
            assert_eq!(
                dutch().with(&entered, ValueSource::Reviewer).unwrap_err().to_string(),
                message
            );
        }
    }

    #[test]
    fn stored_assumptions_are_read_back_whole_or_not_at_all() {
        let mut json = serde_json::to_value(dutch()).unwrap();
        assert_eq!(serde_json::from_value::<Assumptions>(json.clone()).unwrap(), dutch());
        assert_eq!(json["values"]["hourly_rate"]["value"], "45.20");
        json["values"].as_object_mut().unwrap().remove("discount_rate");
        assert!(
            serde_json::from_value::<Assumptions>(json)
                .unwrap_err()
                .to_string()
                .contains("discountRate is missing")
        );
    }

    #[test]
    fn api_names_are_the_stored_names_in_camel_case() {
        for assumption in Assumption::ALL {
            let mut camel = String::new();
            for (index, word) in assumption.as_str().split('_').enumerate() {
                let (first, rest) = word.split_at(1);
                camel += &if index == 0 {
                    first.to_owned()
                } else {
                    first.to_uppercase()
                };
                camel += rest;
            }
            assert_eq!(assumption.api_name(), camel);
        }
    }
}
