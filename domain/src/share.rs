//! Shares of a whole, `0..=1`.

use std::fmt;
use std::ops::Mul;

use rust_decimal::Decimal;
use rust_decimal::prelude::{FromPrimitive, ToPrimitive};
use serde::{Deserialize, Serialize};

/// A share of a whole: a number from 0 to 1.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default, Serialize, Deserialize)]
#[serde(try_from = "Decimal", into = "Decimal")]
pub struct Share(Decimal);

/// A number outside `0..=1`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("must be between 0 and 1")]
pub struct NotAShare;

impl Share {
    /// Nothing of it.
    pub const NONE: Self = Self(Decimal::ZERO);
    /// All of it.
    pub const ALL: Self = Self(Decimal::ONE);

    /// The share that a number is.
    pub fn new(value: Decimal) -> Result<Self, NotAShare> {
        if (Decimal::ZERO..=Decimal::ONE).contains(&value) {
            Ok(Self(value))
        } else {
            Err(NotAShare)
        }
    }

    /// The share that a float is, to six decimals: floats come from clients and models, and no share is known better.
    pub fn from_f64(value: f64) -> Result<Self, NotAShare> {
        if !(0.0..=1.0).contains(&value) {
            return Err(NotAShare);
        }
        Decimal::from_f64(value)
            .ok_or(NotAShare)
            .and_then(|v| Self::new(v.round_dp(6)))
    }

    /// The nearest share: 0 below, 1 above.
    pub fn clamped(value: Decimal) -> Self {
        Self(value.clamp(Decimal::ZERO, Decimal::ONE))
    }

    /// As a number.
    pub const fn value(self) -> Decimal {
        self.0
    }

    /// As a float, for the doors.
    pub fn to_f64(self) -> f64 {
        self.0.to_f64().unwrap_or_default()
    }
}

/// A share of a share.
impl Mul for Share {
    type Output = Self;

    fn mul(self, other: Self) -> Self {
        Self(self.0 * other.0)
    }
}

impl TryFrom<Decimal> for Share {
    type Error = NotAShare;

    fn try_from(value: Decimal) -> Result<Self, NotAShare> {
        Self::new(value)
    }
}

impl From<Share> for Decimal {
    fn from(share: Share) -> Self {
        share.0
    }
}

impl fmt::Display for Share {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.normalize().fmt(f)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_zero_to_one_is_a_share() {
        for good in [0.0, 0.35, 1.0] {
            assert!((Share::from_f64(good).unwrap().to_f64() - good).abs() < 1e-9);
        }
        for bad in [-0.01, 1.000_1, f64::NAN, f64::INFINITY] {
            assert_eq!(Share::from_f64(bad), Err(NotAShare), "{bad}");
        }
        assert!(serde_json::from_str::<Share>(r#""1.2""#).is_err());
        assert_eq!(
            serde_json::from_str::<Share>(r#""0.8""#).unwrap(),
            Share::from_f64(0.8).unwrap()
        );
    }
}
