//! How soon an opportunity deserves attention: one written rule.

use serde::{Deserialize, Serialize};

use super::Priority;
use super::worth::Worth;
use crate::effort::HoursPerMonth;
use crate::share::Share;
use rust_decimal::Decimal;

/// A verdict with what it rests on, stored with the opportunity.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Verdict {
    /// The priority.
    pub priority: Priority,
    /// Why, in a sentence.
    pub reason: String,
    /// What the rule looked at.
    pub inputs: Inputs,
}

/// What the rule looks at. Hours rather than money, so that it means the same in every currency.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Inputs {
    /// Whether the frequency is declared or measured.
    pub counted: bool,
    /// Hours saved in a month, base scenario; none without figures.
    pub saved_hours_monthly: Option<HoursPerMonth>,
    /// Days until it has paid for itself; none when it does not.
    pub payback_days: Option<u32>,
    /// The analyser's own estimate.
    pub confidence: Option<Share>,
}

/// CRITICAL: pays back within a quarter ...
const CRITICAL_DAYS: u32 = 90;
/// ... and saves a person's working week each month.
const CRITICAL_HOURS: HoursPerMonth = HoursPerMonth::new(Decimal::from_parts(40, 0, 0, false, 0));
/// HIGH: pays back within half a year ...
const HIGH_DAYS: u32 = 180;
/// ... and saves two working days each month.
const HIGH_HOURS: HoursPerMonth = HoursPerMonth::new(Decimal::from_parts(16, 0, 0, false, 0));
/// MEDIUM: pays back within a year.
const MEDIUM_DAYS: u32 = 365;
/// Below this confidence of the analyser nothing is more than MEDIUM.
const SURE_ENOUGH: Decimal = Decimal::from_parts(5, 0, 0, false, 1);

/// The priority of an opportunity. The thresholds are product settings, not findings.
///
/// | Priority | Frequency | Payback | Saves a month | Confidence |
/// |---|---|---|---|---|
/// | CRITICAL | declared or measured | 90 days or less | 40 h or more | 0.5 or more, or unknown |
/// | HIGH | declared or measured | 180 days or less | 16 h or more | 0.5 or more, or unknown |
/// | MEDIUM | any | 365 days or less | any | any |
/// | LOW | any | longer, never, or without figures | any | any |
pub fn priority(worth: &Worth, confidence: Option<Share>) -> Verdict {
    let figures = worth.figures.as_ref().ok();
    let inputs = Inputs {
        counted: worth.counted,
        saved_hours_monthly: figures.map(|figures| figures.saved_hours.rounded()),
        payback_days: figures.and_then(|figures| figures.payback_days),
        confidence,
    };
    let figures = match &worth.figures {
        Ok(figures) => figures,
        Err(missing) => {
            return Verdict {
                priority: Priority::Low,
                reason: missing.sentence().to_owned(),
                inputs,
            };
        }
    };
    let Some(days) = figures.payback_days else {
        return Verdict {
            priority: Priority::Low,
            reason: "it saves no more than it costs to run".to_owned(),
            inputs,
        };
    };
    let hours = figures.saved_hours;
    let unsure = confidence.is_some_and(|confidence| confidence.value() < SURE_ENOUGH);
    let deserved = if days <= CRITICAL_DAYS && hours >= CRITICAL_HOURS {
        Priority::Critical
    } else if days <= HIGH_DAYS && hours >= HIGH_HOURS {
        Priority::High
    } else if days <= MEDIUM_DAYS {
        Priority::Medium
    } else {
        Priority::Low
    };
    let mut reason = format!("pays back in {days} days and saves {} hours a month", hours.rounded());
    let mut priority = deserved;
    if deserved > Priority::Medium && !worth.counted {
        priority = Priority::Medium;
        reason += "; not higher, because how often it is done is only projected from a short recording";
    } else if deserved > Priority::Medium && unsure {
        priority = Priority::Medium;
        reason += "; not higher, because the analyser is unsure of it";
    }
    Verdict {
        priority,
        reason,
        inputs,
    }
}
