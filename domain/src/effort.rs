//! Time that people work: seconds per occurrence, hours per period, and how often.
//! Quantities are exact; [`rounded`](Hours::rounded) is for storing and reading only.

use std::ops::{Div, Mul};

use rust_decimal::prelude::{FromPrimitive, ToPrimitive};
use rust_decimal::{Decimal, RoundingStrategy};
use serde::{Deserialize, Serialize};

use crate::share::Share;

/// Rounds half away from zero, as bookkeeping does.
pub(crate) fn rounded_to(value: Decimal, places: u32) -> Decimal {
    value.round_dp_with_strategy(places, RoundingStrategy::MidpointAwayFromZero)
}

/// Makes a quantity: a number with a unit that adds to its like and scales by shares.
macro_rules! quantity {
    ($( $(#[$meta:meta])* $name:ident; )+) => { $(
        $(#[$meta])*
        #[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default, ::serde::Serialize, ::serde::Deserialize)]
        #[serde(transparent)]
        pub struct $name(Decimal);

        impl $name {
            /// None.
            pub const ZERO: Self = Self(Decimal::ZERO);

            /// This many.
            pub const fn new(value: Decimal) -> Self {
                Self(value)
            }

            /// The bare number, for storing.
            pub const fn value(self) -> Decimal {
                self.0
            }

            /// To two decimals, half away from zero: what is stored and read.
            #[must_use]
            pub fn rounded(self) -> Self {
                Self($crate::effort::rounded_to(self.0, 2))
            }
        }

        impl ::std::ops::Add for $name {
            type Output = Self;

            fn add(self, other: Self) -> Self {
                Self(self.0 + other.0)
            }
        }

        impl ::std::ops::Sub for $name {
            type Output = Self;

            fn sub(self, other: Self) -> Self {
                Self(self.0 - other.0)
            }
        }

        impl ::std::iter::Sum for $name {
            fn sum<I: Iterator<Item = Self>>(parts: I) -> Self {
                parts.fold(Self::ZERO, ::std::ops::Add::add)
            }
        }

        impl ::std::ops::Mul<Share> for $name {
            type Output = Self;

            fn mul(self, share: Share) -> Self {
                Self(self.0 * share.value())
            }
        }

        impl ::std::fmt::Display for $name {
            fn fmt(&self, f: &mut ::std::fmt::Formatter<'_>) -> ::std::fmt::Result {
                self.0.fmt(f)
            }
        }
    )+ };
}

pub(crate) use quantity;

quantity! {
    /// Seconds of work.
    Seconds;
    /// Hours of work, once.
    Hours;
    /// Hours of work in an average month: a twelfth of a year.
    HoursPerMonth;
    /// Hours of work in an average week: a fifty-second of a year.
    HoursPerWeek;
    /// Hours of work in a year.
    HoursPerYear;
    /// How often a person does something on a working day.
    PerDay;
}

/// Seconds in an hour.
const SECONDS_PER_HOUR: Decimal = Decimal::from_parts(3600, 0, 0, false, 0);
/// Months in a year: the one calendar of every figure here.
pub const MONTHS_PER_YEAR: Decimal = Decimal::from_parts(12, 0, 0, false, 0);
/// Weeks in a year, as the definition of weekly hours has it.
pub const WEEKS_PER_YEAR: Decimal = Decimal::from_parts(52, 0, 0, false, 0);

impl Seconds {
    /// Measured seconds, to the millisecond; none for what is no duration.
    pub fn from_f64(seconds: f64) -> Option<Self> {
        if (0.0..1e12).contains(&seconds) {
            Decimal::from_f64(seconds).map(|s| Self(s.round_dp(3)))
        } else {
            None
        }
    }

    /// As a float, for the doors.
    pub fn to_f64(self) -> f64 {
        self.0.to_f64().unwrap_or_default()
    }

    /// As hours.
    pub fn hours(self) -> Hours {
        Hours(self.0 / SECONDS_PER_HOUR)
    }
}

impl PerDay {
    /// A frequency that a person or a measurement gives as a float, to six decimals; none for what is no frequency.
    pub fn from_f64(times: f64) -> Option<Self> {
        if (0.0..1e9).contains(&times) {
            Decimal::from_f64(times).map(|t| Self(t.round_dp(6)))
        } else {
            None
        }
    }

    /// As a float, for the doors.
    pub fn to_f64(self) -> f64 {
        self.0.to_f64().unwrap_or_default()
    }
}

impl Hours {
    /// As seconds.
    pub fn seconds(self) -> Seconds {
        Seconds(self.0 * SECONDS_PER_HOUR)
    }
}

impl HoursPerMonth {
    /// Twelve times as much.
    pub fn per_year(self) -> HoursPerYear {
        HoursPerYear(self.0 * MONTHS_PER_YEAR)
    }

    /// A fifty-second of a year's.
    pub fn per_week(self) -> HoursPerWeek {
        self.per_year().per_week()
    }
}

impl HoursPerYear {
    /// A fifty-second of it.
    pub fn per_week(self) -> HoursPerWeek {
        HoursPerWeek(self.0 / WEEKS_PER_YEAR)
    }
}

/// What is done so often, so long each time: seconds of a person's working day.
impl Mul<PerDay> for Seconds {
    type Output = Self;

    fn mul(self, times: PerDay) -> Self {
        Self(self.0 * times.0)
    }
}

/// How often a stretch of time holds another.
impl Div for Seconds {
    type Output = Option<Decimal>;

    fn div(self, other: Self) -> Option<Decimal> {
        self.0.checked_div(other.0)
    }
}

/// How much an organization works.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct WorkingTime {
    /// Working days in a year.
    pub days_per_year: u32,
    /// Working hours of a person on a working day.
    pub hours_per_day: Hours,
}

impl WorkingTime {
    /// A person's working day.
    pub fn day(self) -> Seconds {
        self.hours_per_day.seconds()
    }

    /// What so many seconds on each person's working day come to: `seconds x people x (days per year / 12) / 3600`.
    ///
    /// One division at the end keeps the product exact.
    pub fn monthly(self, seconds_per_day: Seconds, people: u32) -> HoursPerMonth {
        let product = seconds_per_day.0 * Decimal::from(people) * Decimal::from(self.days_per_year);
        HoursPerMonth(product / (MONTHS_PER_YEAR * SECONDS_PER_HOUR))
    }

    /// All that so many people work in an average month.
    pub fn month_of(self, people: u32) -> HoursPerMonth {
        self.monthly(self.day(), people)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn decimal(text: &str) -> Decimal {
        text.parse().unwrap()
    }

    #[test]
    fn a_month_is_a_twelfth_of_the_working_year() {
        let nl = WorkingTime {
            days_per_year: 220,
            hours_per_day: Hours::new(Decimal::from(8)),
        };
        // 220 x 8 / 12 = 146.67 hours.
        assert_eq!(nl.month_of(1).rounded().value(), decimal("146.67"));
        // 90 s, 40 times a day, 3 people: 90 x 40 x 3 x 220 / 12 / 3600 = 55 hours a month.
        let load = Seconds::new(Decimal::from(90)) * PerDay::new(Decimal::from(40));
        assert_eq!(nl.monthly(load, 3).value(), Decimal::from(55));
        assert_eq!(nl.monthly(load, 3).per_year().value(), Decimal::from(660));
        // 660 / 52 = 12.692...
        assert_eq!(nl.monthly(load, 3).per_week().rounded().value(), decimal("12.69"));
    }

    #[test]
    fn what_is_no_duration_is_none() {
        assert_eq!(Seconds::from_f64(1.234_56).unwrap().value(), decimal("1.235"));
        for bad in [-0.1, f64::NAN, f64::INFINITY, 1e15] {
            assert_eq!(Seconds::from_f64(bad), None);
            assert_eq!(PerDay::from_f64(bad), None);
        }
    }
}
