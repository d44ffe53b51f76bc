//! Three views of the same savings, month by month.

use rust_decimal::prelude::ToPrimitive;
use rust_decimal::{Decimal, RoundingStrategy};
use serde::Serialize;

use super::ScenarioName;
use super::assumptions::Assumptions;
use crate::effort::HoursPerMonth;
use crate::money::{Cost, MoneyPerMonth, MoneyPerYear, cents};
use crate::share::Share;

/// One view of the savings: WORST, BASE and BEST differ in adoption and in the frequency's interval. Hours saved are not cash
/// by themselves: they become cash where the time is used for something else or no longer paid.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Scenario {
    /// Which one.
    pub name: ScenarioName,
    /// Share of occurrences that go through the automations.
    pub adoption: Share,
    /// Hours saved in steady state.
    pub saved_hours: HoursPerMonth,
    /// The saving in steady state, in whole cents. BASE is what is stored.
    pub monthly_savings: MoneyPerMonth,
    /// Twelve times the monthly saving.
    pub annual_savings: MoneyPerYear,
    /// Today's worth of all cash within the horizon, in whole cents.
    pub net_present_value: Cost,
    /// Days until the cash is back, with ramp-up; none when it never is.
    pub cash_payback_days: Option<u32>,
    /// The cash after each month: first the building, then one value for each month of the horizon, in whole cents.
    pub cumulative_cash: Vec<Cost>,
}

/// What a scenario is made from: a month in steady state.
#[derive(Debug, Clone, Copy)]
pub(super) struct SteadyMonth {
    /// Hours saved.
    pub saved: HoursPerMonth,
    /// Worth of the hours saved.
    pub gross: MoneyPerMonth,
    /// Upkeep and licences.
    pub running: MoneyPerMonth,
    /// The building.
    pub cost: Cost,
}

/// The scenario of a steady month.
///
/// The building is paid at the start; upkeep and licences from the first month in full; the worth of the hours rises evenly from nothing
/// to full over the ramp-up, so month `m` of `R` brings on average `(2m - 1) / 2R` of it. Cash of month `m` is discounted by
/// `(1 + r)^(m/12)`, `r` being the yearly rate (present value as in any textbook of corporate finance).
pub(super) fn scenario(name: ScenarioName, month: SteadyMonth, assumptions: &Assumptions) -> Scenario {
    let ramp = assumptions.ramp_up_months();
    let horizon = assumptions.horizon_months();
    let cash_of = |m: u32| cents(month.gross.value() * ramp_share(m, ramp)) - month.running.value();
    let monthly_discount = Decimal::ONE / twelfth_root(Decimal::ONE + assumptions.discount().value());

    let mut cash = -month.cost.value();
    let mut cumulative_cash = vec![Cost::new(cash)];
    let mut present = cash;
    let mut discount = Decimal::ONE;
    // Months after which the cash is back for good, if it is.
    let mut back = (cash >= Decimal::ZERO).then_some(Decimal::ZERO);
    let mut step = |m: u32, cash: &mut Decimal| {
        let flow = cash_of(m);
        let before = *cash;
        *cash += flow;
        if *cash < Decimal::ZERO {
            back = None;
        } else if before < Decimal::ZERO {
            back = Some(Decimal::from(m - 1) + -before / flow);
        }
        flow
    };
    for m in 1..=horizon {
        let flow = step(m, &mut cash);
        discount *= monthly_discount;
        present += flow * discount;
        cumulative_cash.push(Cost::new(cash));
    }
    // Beyond the horizon: through the rest of the ramp-up, then evenly.
    let last = horizon.max(ramp);
    for m in horizon + 1..=last {
        step(m, &mut cash);
    }
    let net = month.gross - month.running;
    if net <= MoneyPerMonth::ZERO {
        back = None;
    } else if cash < Decimal::ZERO {
        back = (-cash).checked_div(net.value()).map(|more| Decimal::from(last) + more);
    }

    Scenario {
        name,
        adoption: assumptions.adoption(name),
        saved_hours: month.saved,
        monthly_savings: net,
        annual_savings: net.per_year(),
        net_present_value: Cost::new(present).rounded(),
        cash_payback_days: back.and_then(days),
        cumulative_cash,
    }
}

/// Months as days of a year of 365, rounded up.
fn days(months: Decimal) -> Option<u32> {
    let days = months.checked_mul(Decimal::from(365))? / Decimal::from(12);
    // A division just above a whole number of days is that number.
    days.round_dp(9)
        .round_dp_with_strategy(0, RoundingStrategy::ToPositiveInfinity)
        .to_u32()
        .filter(|days| *days <= i32::MAX.unsigned_abs())
}

/// The average effect in month `m` of a ramp-up of `ramp` months.
fn ramp_share(m: u32, ramp: u32) -> Decimal {
    if m > ramp {
        Decimal::ONE
    } else {
        Decimal::from(2 * m - 1) / Decimal::from(2 * ramp)
    }
}

/// The twelfth root of a number from 1 to 2, by Newton's method: quadratic, so eight steps exhaust the decimal's digits.
fn twelfth_root(value: Decimal) -> Decimal {
    let twelve = Decimal::from(12);
    let mut root = Decimal::ONE + (value - Decimal::ONE) / twelve;
    for _ in 0..8 {
        let square = root * root;
        let fourth = square * square;
        let eleventh = fourth * fourth * square * root;
        root -= (eleventh * root - value) / (twelve * eleventh);
    }
    root
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::money::Currency;
    use crate::roi::ValueSource;
    use crate::roi::assumptions::{Assumption, Overrides};

    fn month(gross: i64, running: i64, cost: i64) -> SteadyMonth {
        SteadyMonth {
            saved: HoursPerMonth::ZERO,
            gross: MoneyPerMonth::new(Decimal::from(gross)),
            running: MoneyPerMonth::new(Decimal::from(running)),
            cost: Cost::new(Decimal::from(cost)),
        }
    }

    fn assumptions(ramp: i64, horizon: i64, discount: &str) -> Assumptions {
        let entered = Overrides::from([
            (Assumption::RampUpMonths, Decimal::from(ramp)),
            (Assumption::HorizonMonths, Decimal::from(horizon)),
            (Assumption::DiscountRate, discount.parse().unwrap()),
        ]);
        Assumptions::defaults(Currency::EUR, "Europe/Amsterdam")
            .with(&entered, ValueSource::Reviewer)
            .unwrap()
    }

    fn cash(scenario: &Scenario) -> Vec<String> {
        scenario
            .cumulative_cash
            .iter()
            .map(|cash| cash.value().normalize().to_string())
            .collect()
    }

    #[test]
    fn a_hand_computed_case() {
        // 1,000 a month after a ramp-up of two months, 100 to run, 1,200 to build; four months, no interest.
        // Month 1 brings 250 - 100 = 150, month 2 750 - 100 = 650, then 900 each.
        let scenario = scenario(ScenarioName::Base, month(1000, 100, 1200), &assumptions(2, 4, "0"));
        assert_eq!(cash(&scenario), ["-1200", "-1050", "-400", "500", "1400"]);
        assert_eq!(scenario.net_present_value.value(), Decimal::from(1400));
        // 2 + 400/900 = 2.444 months = 74.35 days.
        assert_eq!(scenario.cash_payback_days, Some(75));
        assert_eq!(scenario.annual_savings.value(), Decimal::from(10_800));
    }

    #[test]
    fn a_year_from_now_is_discounted_by_the_yearly_rate() {
        let root = twelfth_root("1.1".parse().unwrap());
        let mut year = Decimal::ONE;
        for _ in 0..12 {
            year *= root;
        }
        assert!((year - Decimal::new(11, 1)).abs() < Decimal::new(1, 24), "{year}");
        // An annuity of 100 for 12 months at 10 % a year: 100 x (1 - 1/1.1) / (1.1^(1/12) - 1) = 1140.05.
        let scenario = scenario(ScenarioName::Base, month(100, 0, 0), &assumptions(0, 12, "0.1"));
        assert_eq!(scenario.net_present_value.value(), Decimal::new(114_005, 2));
    }

    #[test]
    fn nothing_saved_never_pays_back() {
        for (gross, running) in [(100, 100), (0, 50), (0, 0)] {
            let scenario = scenario(
                ScenarioName::Worst,
                month(gross, running, 500),
                &assumptions(6, 36, "0.1"),
            );
            assert_eq!(scenario.cash_payback_days, None, "{gross} {running}");
        }
    }

    #[test]
    fn cash_may_come_back_after_the_horizon() {
        // 10 a month against 500: 50 months, beyond a horizon of 12.
        let later = scenario(ScenarioName::Base, month(10, 0, 500), &assumptions(0, 12, "0.1"));
        assert_eq!(later.cash_payback_days, Some(1521)); // 50 x 365 / 12 = 1520.83
        // The same behind a ramp-up of 24 months, which brings 12 months less.
        let ramped = scenario(ScenarioName::Base, month(10, 0, 500), &assumptions(24, 12, "0.1"));
        assert_eq!(ramped.cash_payback_days, Some(1886)); // 62 x 365 / 12 = 1885.83
    }

    #[test]
    fn a_free_automation_is_back_at_once_unless_running_costs_come_first() {
        let free = scenario(ScenarioName::Base, month(100, 0, 0), &assumptions(6, 12, "0"));
        assert_eq!(free.cash_payback_days, Some(0));
        let licensed = scenario(ScenarioName::Base, month(100, 60, 0), &assumptions(6, 36, "0"));
        assert!(licensed.cash_payback_days.unwrap() > 30);
    }
}
