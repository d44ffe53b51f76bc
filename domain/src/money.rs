//! Money: exact decimals, never floats, and never two currencies in one sum.
//!
//! A calculation runs in one currency and in quantities with their period in the type ([`HourlyRate`], [`MoneyPerMonth`], …);
//! at the door each becomes [`Money`], which carries the currency.

use std::fmt;
use std::ops::Mul;
use std::str::FromStr;

use rust_decimal::Decimal;
use serde::{Deserialize, Deserializer, Serialize, Serializer};

use crate::effort::{Hours, HoursPerMonth, MONTHS_PER_YEAR, quantity, rounded_to};
use crate::share::Share;

/// A currency by its ISO 4217 code. Only those with hundredths, since amounts are stored as numeric(14,2).
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Currency(&'static str);

/// A text that is no currency that amounts can be kept in.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("not a supported currency: expected the ISO 4217 code of one with hundredths, such as EUR or USD")]
pub struct UnknownCurrency;

/// Active ISO 4217 codes with two decimals of the places where logistics companies keep their books.
const CURRENCIES: &[&str] = &[
    "AED", "ARS", "AUD", "BAM", "BGN", "BRL", "CAD", "CHF", "CNY", "COP", "CZK", "DKK", "EGP", "EUR", "GBP", "GEL",
    "HKD", "HUF", "IDR", "ILS", "INR", "KES", "MAD", "MDL", "MKD", "MXN", "MYR", "NGN", "NOK", "NZD", "PEN", "PHP",
    "PKR", "PLN", "QAR", "RON", "RSD", "SAR", "SEK", "SGD", "THB", "TRY", "TWD", "UAH", "USD", "ZAR",
];

impl Currency {
    /// The euro.
    pub const EUR: Self = Self("EUR");
    /// The US dollar: also what models cost in.
    pub const USD: Self = Self("USD");

    /// The three letters.
    pub const fn code(self) -> &'static str {
        self.0
    }
}

impl FromStr for Currency {
    type Err = UnknownCurrency;

    fn from_str(code: &str) -> Result<Self, UnknownCurrency> {
        CURRENCIES
            .iter()
            .find(|known| **known == code)
            .map(|known| Self(known))
            .ok_or(UnknownCurrency)
    }
}

impl Serialize for Currency {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(self.0)
    }
}

/// By hand: derived over a `&'static str`, it would only read from static text.
impl<'de> Deserialize<'de> for Currency {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        String::deserialize(deserializer)?
            .parse()
            .map_err(serde::de::Error::custom)
    }
}

impl fmt::Display for Currency {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.0)
    }
}

/// An amount in a currency, in whole cents.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Money {
    amount: Decimal,
    currency: Currency,
}

/// Two currencies where one is needed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("amounts in {one} and {other} cannot be added")]
pub struct CurrencyMismatch {
    /// The currency of the first amount.
    pub one: Currency,
    /// The currency of the other.
    pub other: Currency,
}

impl Money {
    /// An amount, rounded to cents half away from zero.
    pub fn new(amount: Decimal, currency: Currency) -> Self {
        Self {
            amount: cents(amount),
            currency,
        }
    }

    /// The number.
    pub const fn amount(self) -> Decimal {
        self.amount
    }

    /// The currency.
    pub const fn currency(self) -> Currency {
        self.currency
    }

    /// Both together, if they are in one currency.
    pub fn plus(self, other: Self) -> Result<Self, CurrencyMismatch> {
        if self.currency == other.currency {
            Ok(Self {
                amount: self.amount + other.amount,
                currency: self.currency,
            })
        } else {
            Err(CurrencyMismatch {
                one: self.currency,
                other: other.currency,
            })
        }
    }
}

impl fmt::Display for Money {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {:.2}", self.currency, self.amount)
    }
}

/// To cents, half away from zero.
pub fn cents(amount: Decimal) -> Decimal {
    rounded_to(amount, 2)
}

quantity! {
    /// Money for one hour of work.
    HourlyRate;
    /// Money spent once.
    Cost;
    /// Money in an average month: a twelfth of a year.
    MoneyPerMonth;
    /// Money in a year.
    MoneyPerYear;
}

impl HourlyRate {
    /// With its currency, for the door.
    pub fn money(self, currency: Currency) -> Money {
        Money::new(self.value(), currency)
    }
}

impl Cost {
    /// With its currency, for the door.
    pub fn money(self, currency: Currency) -> Money {
        Money::new(self.value(), currency)
    }

    /// What it is a month when it is spent every year: a twelfth.
    pub fn yearly_as_monthly(self) -> MoneyPerMonth {
        MoneyPerMonth::new(self.value() / MONTHS_PER_YEAR)
    }
}

impl MoneyPerMonth {
    /// With its currency, for the door.
    pub fn money(self, currency: Currency) -> Money {
        Money::new(self.value(), currency)
    }

    /// Twelve times as much.
    pub fn per_year(self) -> MoneyPerYear {
        MoneyPerYear::new(self.value() * MONTHS_PER_YEAR)
    }
}

impl MoneyPerYear {
    /// With its currency, for the door.
    pub fn money(self, currency: Currency) -> Money {
        Money::new(self.value(), currency)
    }
}

/// What hours of work cost, once.
impl Mul<HourlyRate> for Hours {
    type Output = Cost;

    fn mul(self, rate: HourlyRate) -> Cost {
        Cost::new(self.value() * rate.value())
    }
}

/// What hours of work cost, every month.
impl Mul<HourlyRate> for HoursPerMonth {
    type Output = MoneyPerMonth;

    fn mul(self, rate: HourlyRate) -> MoneyPerMonth {
        MoneyPerMonth::new(self.value() * rate.value())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn no_sum_spans_currencies() {
        let euros = Money::new(Decimal::new(1050, 2), Currency::EUR);
        assert_eq!(euros.plus(euros).unwrap().to_string(), "EUR 21.00");
        let dollars = Money::new(Decimal::ONE, Currency::USD);
        assert_eq!(
            euros.plus(dollars).unwrap_err().to_string(),
            "amounts in EUR and USD cannot be added"
        );
    }

    #[test]
    fn a_currency_without_hundredths_is_refused() {
        assert_eq!("EUR".parse(), Ok(Currency::EUR));
        for code in ["JPY", "KWD", "eur", "XXX", ""] {
            assert_eq!(code.parse::<Currency>(), Err(UnknownCurrency), "{code}");
        }
        assert!(CURRENCIES.is_sorted());
    }

    #[test]
    fn cents_round_half_away_from_zero() {
        for (exact, rounded) in [
            ("2.345", "2.35"),
            ("-2.345", "-2.35"),
            ("2.3449999", "2.34"),
            ("1", "1"),
        ] {
            assert_eq!(cents(exact.parse().unwrap()), rounded.parse().unwrap(), "{exact}");
        }
    }

    proptest! {
        #[test]
        fn money_survives_json(cents in -1_000_000_000i64..1_000_000_000) {
            let money = Money::new(Decimal::new(cents, 2), Currency::EUR);
            let json = serde_json::to_string(&money).unwrap();
            prop_assert_eq!(serde_json::from_str::<Money>(&json).unwrap(), money);
        }
    }
}
