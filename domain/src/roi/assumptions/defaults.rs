//! The platform's defaults, each with the statistic behind it or the word that it is an assumption.

use rust_decimal::Decimal;

use super::Assumption;
use crate::money::Currency;

/// Where an organization works, as far as statistics of labour costs need to know.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Region {
    /// The Netherlands.
    Netherlands,
    /// Belgium.
    Belgium,
    /// Luxembourg.
    Luxembourg,
    /// Elsewhere with the euro.
    EuroArea,
    /// The United States, or elsewhere with the dollar.
    UnitedStates,
    /// With a currency for which no statistic is on record.
    Elsewhere,
}

impl Region {
    /// The region of an organization, by its currency and its IANA time zone.
    pub fn of(currency: Currency, time_zone: &str) -> Self {
        match (currency, time_zone) {
            (Currency::EUR, "Europe/Amsterdam") => Self::Netherlands,
            (Currency::EUR, "Europe/Brussels") => Self::Belgium,
            (Currency::EUR, "Europe/Luxembourg") => Self::Luxembourg,
            (Currency::EUR, _) => Self::EuroArea,
            (Currency::USD, _) => Self::UnitedStates,
            _ => Self::Elsewhere,
        }
    }
}

const ASSUMED: &str = "assumption: no statistic stands behind it; replace it with your own";

impl Assumption {
    /// The platform's default, and what stands behind it.
    pub(super) fn default_in(self, region: Region) -> (Decimal, &'static str) {
        use Region::{Belgium, Elsewhere, EuroArea, Luxembourg, Netherlands, UnitedStates};
        match (self, region) {
            (Self::HourlyRate, Netherlands) => (
                Decimal::new(4520, 2),
                "Eurostat, hourly labour costs 2024, Netherlands, whole economy (lc_lci_lev); already loaded",
            ),
            (Self::HourlyRate, Belgium) => (
                Decimal::new(4820, 2),
                "Eurostat, hourly labour costs 2024, Belgium, whole economy (lc_lci_lev); already loaded",
            ),
            (Self::HourlyRate, Luxembourg) => (
                Decimal::new(5520, 2),
                "Eurostat, hourly labour costs 2024, Luxembourg, whole economy (lc_lci_lev); already loaded",
            ),
            (Self::HourlyRate, EuroArea) => (
                Decimal::new(3730, 2),
                "Eurostat, hourly labour costs 2024, euro area average, whole economy (lc_lci_lev); already loaded",
            ),
            // 47,940 / 2,080 hours x 1.44 = 33.19.
            (Self::HourlyRate, UnitedStates) => (
                Decimal::new(3319, 2),
                "US Bureau of Labor Statistics, OEWS May 2023, office and administrative support, mean wage 47,940 a year over 2,080 hours, times 1.44 for employer costs",
            ),
            (Self::HourlyRate | Self::ImplementationHourlyRate, Elsewhere) => (
                Decimal::ZERO,
                "not set: no statistic is on record for this currency; enter your own rate to see money",
            ),
            (Self::ImplementationHourlyRate, _) => (Decimal::from(90), ASSUMED),
            (Self::WorkingDaysPerYear, UnitedStates) => (
                Decimal::from(250),
                "assumption: 260 weekdays less public holidays; replace it with your own",
            ),
            (Self::WorkingDaysPerYear, _) => (
                Decimal::from(220),
                "assumption: 260 weekdays less leave, public holidays and sickness; replace it with your own",
            ),
            (Self::HoursPerDay, _) => (Decimal::from(8), ASSUMED),
            (Self::EffortHoursLow, _) => (Decimal::from(16), ASSUMED),
            (Self::EffortHoursMedium, _) => (Decimal::from(60), ASSUMED),
            (Self::EffortHoursHigh, _) => (Decimal::from(160), ASSUMED),
            (Self::AutomatableShareLow | Self::AdoptionBase, _) => (Decimal::new(80, 2), ASSUMED),
            (Self::AutomatableShareMedium | Self::AdoptionWorst, _) => (Decimal::new(60, 2), ASSUMED),
            (Self::AutomatableShareHigh, _) => (Decimal::new(35, 2), ASSUMED),
            (Self::MaintenanceSharePerYear, _) => (Decimal::new(18, 2), ASSUMED),
            (Self::LicencePerMonth, _) => (Decimal::ZERO, ASSUMED),
            (Self::DiscountRate, _) => (Decimal::new(10, 2), ASSUMED),
            (Self::AdoptionBest, _) => (Decimal::new(95, 2), ASSUMED),
            (Self::RampUpMonths, _) => (Decimal::from(6), ASSUMED),
            (Self::HorizonMonths, _) => (Decimal::from(36), ASSUMED),
        }
    }
}
