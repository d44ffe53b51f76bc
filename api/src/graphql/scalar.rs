//! Values of the schema that are no numbers or texts of GraphQL's own: instants, exact numbers, documents, addresses.

use async_graphql::{InputValueError, InputValueResult, Scalar, ScalarType, SimpleObject, Value};
use chrono::{SecondsFormat, Utc};

use super::at_once::{Asked, AtHand, AtOnce};

/// An instant in RFC 3339, with a time zone: `2026-11-24T07:00:00.123456Z`. Answers are in UTC.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct DateTime(pub chrono::DateTime<Utc>);

/// An instant in RFC 3339, with a time zone: `2026-11-24T07:00:00.123456Z`. Answers are in UTC.
#[Scalar(
    name = "DateTime",
    specified_by_url = "https://datatracker.ietf.org/doc/html/rfc3339"
)]
impl ScalarType for DateTime {
    fn parse(value: Value) -> InputValueResult<Self> {
        match &value {
            Value::String(text) => chrono::DateTime::parse_from_rfc3339(text)
                .map_err(|_| InputValueError::custom("not an instant in RFC 3339, such as 2026-11-24T07:00:00Z"))
                .map(|at| Self(at.to_utc()))
                .and_then(|at| {
                    // What PostgreSQL can hold, and no year that a person means.
                    let year = chrono::Datelike::year(&at.0);
                    if (1..=9999).contains(&year) {
                        Ok(at)
                    } else {
                        Err(InputValueError::custom("the year must be between 1 and 9999"))
                    }
                }),
            _ => Err(InputValueError::expected_type(value)),
        }
    }

    fn to_value(&self) -> Value {
        Value::String(self.0.to_rfc3339_opts(SecondsFormat::AutoSi, true))
    }
}

impl From<chrono::DateTime<Utc>> for DateTime {
    fn from(at: chrono::DateTime<Utc>) -> Self {
        Self(at)
    }
}

/// An exact decimal number, as a text: `"1234.50"`. A number is accepted too, as its shortest decimal form.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Decimal(pub rust_decimal::Decimal);

/// An exact decimal number, as a text: `"1234.50"`. A number is accepted too, as its shortest decimal form.
#[Scalar(name = "Decimal")]
impl ScalarType for Decimal {
    fn parse(value: Value) -> InputValueResult<Self> {
        let text = match &value {
            Value::String(text) => text.clone(),
            Value::Number(number) => number.to_string(),
            _ => return Err(InputValueError::expected_type(value)),
        };
        rust_decimal::Decimal::from_str_exact(&text)
            .or_else(|_| rust_decimal::Decimal::from_scientific(&text))
            .map(Self)
            .map_err(|_| InputValueError::custom("not a decimal number of at most 28 digits"))
    }

    fn to_value(&self) -> Value {
        Value::String(self.0.to_string())
    }
}

impl From<rust_decimal::Decimal> for Decimal {
    fn from(number: rust_decimal::Decimal) -> Self {
        Self(number)
    }
}

/// Any JSON value: object, list, text, number, truth value or null.
#[derive(Debug, Clone, PartialEq)]
pub struct Json(pub serde_json::Value);

/// Any JSON value: object, list, text, number, truth value or null.
#[Scalar(name = "JSON", specified_by_url = "https://datatracker.ietf.org/doc/html/rfc8259")]
impl ScalarType for Json {
    fn parse(value: Value) -> InputValueResult<Self> {
        value
            .into_json()
            .map(Self)
            .map_err(|_| InputValueError::custom("not a JSON value"))
    }

    fn to_value(&self) -> Value {
        document(&self.0)
    }
}

/// A JSON value as one of GraphQL's, without the detour of a serializer.
pub fn document(json: &serde_json::Value) -> Value {
    match json {
        serde_json::Value::Null => Value::Null,
        serde_json::Value::Bool(truth) => Value::Boolean(*truth),
        serde_json::Value::Number(number) => Value::Number(number.clone()),
        serde_json::Value::String(text) => Value::String(text.clone()),
        serde_json::Value::Array(list) => Value::List(list.iter().map(document).collect()),
        serde_json::Value::Object(members) => Value::Object(
            members
                .iter()
                .map(|(name, member)| (async_graphql::Name::new(name), document(member)))
                .collect(),
        ),
    }
}

/// A whole number of up to 64 bits, as a text: `"53687091200"`. A number is accepted too.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct BigInt(pub i64);

/// A whole number of up to 64 bits, as a text: `"53687091200"`. A number is accepted too.
#[Scalar(name = "BigInt")]
impl ScalarType for BigInt {
    fn parse(value: Value) -> InputValueResult<Self> {
        let number = match &value {
            Value::String(text) => text.parse().ok(),
            Value::Number(number) => number.as_i64(),
            _ => return Err(InputValueError::expected_type(value)),
        };
        number
            .map(Self)
            .ok_or_else(|| InputValueError::custom("not a whole number of up to 64 bits"))
    }

    fn to_value(&self) -> Value {
        Value::String(self.0.to_string())
    }
}

impl From<i64> for BigInt {
    fn from(number: i64) -> Self {
        Self(number)
    }
}

/// An address: absolute, or a path on this server where its public address is not configured.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Url(pub String);

/// An address: absolute, or a path on this server where its public address is not configured.
#[Scalar(name = "URL", specified_by_url = "https://url.spec.whatwg.org/")]
impl ScalarType for Url {
    fn parse(value: Value) -> InputValueResult<Self> {
        match value {
            Value::String(text) if url::Url::parse(&text).is_ok() => Ok(Self(text)),
            Value::String(_) => Err(InputValueError::custom("not an absolute address")),
            _ => Err(InputValueError::expected_type(value)),
        }
    }

    fn to_value(&self) -> Value {
        Value::String(self.0.clone())
    }
}

/// An amount in a currency.
#[derive(Debug, Clone, PartialEq, Eq, SimpleObject)]
#[graphql(name = "Money")]
pub struct Amount {
    /// The number, in whole cents.
    amount: Decimal,
    /// The currency, by its ISO 4217 code.
    currency: String,
}

impl AtHand for Amount {
    fn at_hand(&self, asked: &Asked<'_>) -> Option<Value> {
        match asked.field() {
            "amount" => Some(self.amount.to_value()),
            "currency" => Some(Value::from(self.currency.as_str())),
            _ => None,
        }
    }
}

/// An amount in a currency.
pub type Money = AtOnce<Amount>;

impl Money {
    /// An amount of a row in its currency.
    pub fn of(mut amount: rust_decimal::Decimal, currency: &str) -> Self {
        // A sum of nothing has no cents.
        if amount.scale() < 2 {
            amount.rescale(2);
        }
        Self::new(Amount {
            amount: Decimal(amount),
            currency: currency.to_owned(),
        })
    }
}

/// A stretch of a recording.
#[derive(Debug, Clone, Copy, PartialEq, SimpleObject)]
#[graphql(name = "TimeSpan")]
pub struct Stretch {
    /// Where it starts, in seconds from the recording's start.
    start_seconds: f64,
    /// Where it ends, in seconds from the recording's start.
    end_seconds: f64,
}

impl AtHand for Stretch {
    fn at_hand(&self, asked: &Asked<'_>) -> Option<Value> {
        match asked.field() {
            "startSeconds" => Some(Value::from(self.start_seconds)),
            "endSeconds" => Some(Value::from(self.end_seconds)),
            _ => None,
        }
    }
}

/// A stretch of a recording.
pub type TimeSpan = AtOnce<Stretch>;

impl TimeSpan {
    /// From here to there, in seconds from the recording's start.
    pub const fn between(start_seconds: f64, end_seconds: f64) -> Self {
        Self::new(Stretch {
            start_seconds,
            end_seconds,
        })
    }
}

impl From<domain::span::TimeSpan> for TimeSpan {
    fn from(span: domain::span::TimeSpan) -> Self {
        Self::between(span.start_seconds(), span.end_seconds())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_instant_is_shown_in_utc_and_read_in_any_zone() {
        let read = |text: &str| DateTime::parse(Value::from(text));
        let at = read("2026-11-24T08:00:00.5+01:00").unwrap();
        assert_eq!(at.to_value(), Value::from("2026-11-24T07:00:00.500Z"));
        for text in [
            "2026-11-24",
            "2026-11-24T08:00:00",
            "1",
            "",
            "0000-01-01T00:00:00Z",
            "2026-13-01T00:00:00Z",
        ] {
            assert!(read(text).is_err(), "{text}");
        }
    }

    #[test]
    fn an_exact_number_keeps_its_digits() {
        let read = |value: Value| Decimal::parse(value).map(|number| number.to_value());
        assert_eq!(read(Value::from("1200.50")).unwrap(), Value::from("1200.50"));
        assert_eq!(read(Value::from(0.1)).unwrap(), Value::from("0.1"));
        assert_eq!(read(Value::from(300)).unwrap(), Value::from("300"));
        assert_eq!(read(Value::from("1e3")).unwrap(), Value::from("1000"));
        for text in ["", "a", "NaN", "1,5", "99999999999999999999999999999999"] {
            assert!(read(Value::from(text)).is_err(), "{text}");
        }
    }

    #[test]
    fn a_large_whole_number_is_a_text() {
        assert_eq!(
            BigInt::parse(Value::from("9007199254740993")).unwrap().to_value(),
            Value::from("9007199254740993")
        );
        assert_eq!(BigInt::parse(Value::from(5)).unwrap(), BigInt(5));
        assert!(BigInt::parse(Value::from(1.5)).is_err() && BigInt::parse(Value::from("1.5")).is_err());
    }

    #[test]
    fn a_document_is_the_same_on_both_sides() {
        let json = serde_json::json!({ "a": [1, 2.5, "x", null, true], "b": { "c": {} } });
        assert_eq!(document(&json).into_json().unwrap(), json);
    }
}
