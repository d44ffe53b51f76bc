//! How often a process is done, and what that is known from. Frequency decides everything: six occurrences in a ten-minute
//! clip are not 288 a day.

use std::collections::BTreeSet;

use chrono::NaiveDate;
use rust_decimal::Decimal;
use rust_decimal::prelude::FromPrimitive;
use serde::{Deserialize, Serialize};

use super::{FrequencyBasis, poisson};
use crate::effort::{Hours, PerDay, Seconds};

/// Active recording of a process that makes its frequency MEASURED: 4 hours ...
pub const MEASURED_HOURS: Hours = Hours::new(Decimal::from_parts(4, 0, 0, false, 0));
/// ... on at least so many days.
pub const MEASURED_DAYS: usize = 2;
/// Occurrences below which a process is worth nothing that could be said: "insufficient evidence".
pub const ENOUGH_OCCURRENCES: u32 = 3;

/// What was seen of a process.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Evidence {
    /// Times that it was seen from beginning to end.
    pub occurrences: u32,
    /// Recorded time, without idle time, of the recordings that show it.
    pub observed: Seconds,
    /// Days on which these were recorded, in the organization's time zone.
    pub days: BTreeSet<NaiveDate>,
}

impl Evidence {
    /// Both together.
    #[must_use]
    pub fn and(mut self, other: &Self) -> Self {
        self.occurrences = self.occurrences.saturating_add(other.occurrences);
        self.observed = self.observed + other.observed;
        self.days.extend(&other.days);
        self
    }

    /// Whether it measures a frequency rather than hinting at one.
    pub fn measures_frequency(&self) -> bool {
        self.observed >= MEASURED_HOURS.seconds() && self.days.len() >= MEASURED_DAYS
    }

    /// Whether it is enough to speak of money.
    pub const fn is_enough(&self) -> bool {
        self.occurrences >= ENOUGH_OCCURRENCES
    }
}

/// How often one person does a process on a working day.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Frequency {
    /// What it is known from.
    pub basis: FrequencyBasis,
    /// The best estimate.
    pub per_day: PerDay,
    /// Low end of the 95 % interval; what a person declared has none and is the same at both ends.
    pub low: PerDay,
    /// High end of the 95 % interval.
    pub high: PerDay,
}

impl Frequency {
    /// The frequency of a process: as declared, else the rate over recorded time projected to a working day `day` long.
    ///
    /// `n` occurrences in `T` active seconds are `n / T x day`, with the Poisson interval of `n` at the same scale. None when
    /// nobody declared it and nothing was seen.
    pub fn of(declared: Option<PerDay>, evidence: &Evidence, day: Seconds) -> Option<Self> {
        if let Some(per_day) = declared {
            return Some(Self {
                basis: FrequencyBasis::Declared,
                per_day,
                low: per_day,
                high: per_day,
            });
        }
        if evidence.occurrences == 0 {
            return None;
        }
        let n = Decimal::from(evidence.occurrences);
        let per_occurrence = (day / evidence.observed)?;
        let (low, high) = poisson::interval(evidence.occurrences);
        let end = |mean: f64| Decimal::from_f64(mean).map(|mean| PerDay::new(mean.round_dp(9) * per_occurrence));
        let basis = if evidence.measures_frequency() {
            FrequencyBasis::Measured
        } else {
            FrequencyBasis::Extrapolated
        };
        Some(Self {
            basis,
            per_day: PerDay::new(n * per_occurrence),
            low: end(low)?,
            high: end(high)?,
        })
    }

    /// Whether it enters totals, dashboards, high priorities and headlines: known, not projected.
    pub const fn is_counted(self) -> bool {
        matches!(self.basis, FrequencyBasis::Declared | FrequencyBasis::Measured)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn evidence(occurrences: u32, seconds: i64, days: u32) -> Evidence {
        Evidence {
            occurrences,
            observed: Seconds::new(Decimal::from(seconds)),
            days: (1..=days)
                .map(|day| NaiveDate::from_ymd_opt(2026, 11, day).unwrap())
                .collect(),
        }
    }

    fn day() -> Seconds {
        Hours::new(Decimal::from(8)).seconds()
    }

    #[test]
    fn four_hours_on_two_days_measure_and_nothing_less_does() {
        for (seconds, days, basis) in [
            (4 * 3600, 2, FrequencyBasis::Measured),
            (4 * 3600 - 1, 2, FrequencyBasis::Extrapolated),
            (40 * 3600, 1, FrequencyBasis::Extrapolated),
            (600, 2, FrequencyBasis::Extrapolated),
        ] {
            let frequency = Frequency::of(None, &evidence(6, seconds, days), day()).unwrap();
            assert_eq!(frequency.basis, basis, "{seconds} s on {days} days");
            assert_eq!(frequency.is_counted(), basis == FrequencyBasis::Measured);
        }
    }

    #[test]
    fn six_in_ten_minutes_are_288_a_day_only_with_their_interval_and_uncounted() {
        let frequency = Frequency::of(None, &evidence(6, 600, 1), day()).unwrap();
        assert_eq!(frequency.per_day.value(), Decimal::from(288));
        // 2.2019 and 13.0595 of 600 s each times 48.
        assert_eq!(frequency.low.value().round_dp(1), Decimal::new(1057, 1));
        assert_eq!(frequency.high.value().round_dp(1), Decimal::new(6269, 1));
        assert!(!frequency.is_counted());
    }

    #[test]
    fn what_a_person_declares_stands() {
        let declared = PerDay::new(Decimal::from(20));
        let frequency = Frequency::of(Some(declared), &evidence(6, 600, 1), day()).unwrap();
        assert_eq!(
            (frequency.basis, frequency.per_day, frequency.low, frequency.high),
            (FrequencyBasis::Declared, declared, declared, declared)
        );
    }

    #[test]
    fn nothing_seen_is_no_frequency() {
        assert_eq!(Frequency::of(None, &evidence(0, 600, 1), day()), None);
        assert_eq!(Frequency::of(None, &evidence(3, 0, 1), day()), None);
    }
}
