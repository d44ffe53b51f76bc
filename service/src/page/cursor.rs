//! The place of a row in an order, as a text that callers keep and hand back: everything that they may have changed in it
//! is looked at here.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use chrono::{DateTime, Utc};
use domain::roi::Priority;
use rust_decimal::Decimal;
use uuid::Uuid;

use super::{Key, Kind, Order};
use crate::error::{Error, Result};
use crate::row::{Relation, Row};
use crate::sql::Sql;

/// No honest cursor is longer: a title of 300 characters, escaped and encoded, and the rest.
const MAX_CURSOR: usize = 8192;

/// A key's value in a cursor; floats by their bits, so that a window can be compared and hashed.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub(super) enum KeyValue {
    Null,
    Instant(DateTime<Utc>),
    Text(String),
    Float(u64),
    Int(i32),
    BigInt(i64),
    Decimal(Decimal),
}

impl KeyValue {
    fn of<T: Relation>(row: &Row<T>, key: &Key) -> Result<Self> {
        let value = match key.kind {
            Kind::Instant => row.get::<Option<DateTime<Utc>>>(key.column)?.map(Self::Instant),
            Kind::Text => row
                .get::<Option<&str>>(key.column)?
                .map(|text| Self::Text(text.to_owned())),
            Kind::Float => row
                .get::<Option<f64>>(key.column)?
                .map(|number| Self::Float(number.to_bits())),
            Kind::Int => row.get::<Option<i32>>(key.column)?.map(Self::Int),
            Kind::BigInt => row.get::<Option<i64>>(key.column)?.map(Self::BigInt),
            Kind::Decimal => row.get::<Option<Decimal>>(key.column)?.map(Self::Decimal),
            Kind::Priority => row
                .get::<Option<Priority>>(key.column)?
                .map(|priority| Self::Int(rank(priority))),
        };
        Ok(value.unwrap_or(Self::Null))
    }

    fn text(&self) -> Option<String> {
        match self {
            Self::Null => None,
            Self::Instant(at) => Some(at.timestamp_micros().to_string()),
            Self::Text(text) => Some(text.clone()),
            Self::Float(bits) => Some(bits.to_string()),
            Self::Int(number) => Some(number.to_string()),
            Self::BigInt(number) => Some(number.to_string()),
            Self::Decimal(number) => Some(number.to_string()),
        }
    }

    fn parse(text: Option<String>, key: &Key) -> Option<Self> {
        let Some(text) = text else {
            return key.nullable.then_some(Self::Null);
        };
        match key.kind {
            Kind::Instant => DateTime::from_timestamp_micros(text.parse().ok()?).map(Self::Instant),
            // PostgreSQL has no text with this character; bound, it would be a fault and not a refusal.
            Kind::Text => (!text.contains('\0')).then_some(Self::Text(text)),
            Kind::Float => text.parse().ok().map(Self::Float),
            Kind::Int | Kind::Priority => text.parse().ok().map(Self::Int),
            Kind::BigInt => text.parse().ok().map(Self::BigInt),
            Kind::Decimal => text.parse().ok().map(Self::Decimal),
        }
    }

    pub(super) fn bind(&self, sql: &mut Sql) {
        match self {
            Self::Null => {
                sql.push("null");
            }
            Self::Instant(at) => {
                sql.bind(*at);
            }
            Self::Text(text) => {
                sql.bind(text.clone());
            }
            Self::Float(bits) => {
                sql.bind(f64::from_bits(*bits));
            }
            Self::Int(number) => {
                sql.bind(*number);
            }
            Self::BigInt(number) => {
                sql.bind(*number);
            }
            Self::Decimal(number) => {
                sql.bind(*number);
            }
        }
    }
}

/// The place of a priority in `Kind::Priority`'s expression.
const fn rank(priority: Priority) -> i32 {
    priority as i32 + 1
}

/// A place between two rows of an order, in one organization's list.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub(super) struct Cursor {
    pub(super) values: Vec<KeyValue>,
    pub(super) id: Uuid,
    pub(super) tenant: u32,
}

impl Cursor {
    pub(super) fn of<T: Relation>(order: &Order, row: &Row<T>, tenant: u32) -> Result<Self> {
        let values = order
            .keys
            .iter()
            .map(|(key, _)| KeyValue::of(row, key))
            .collect::<Result<_>>()?;
        Ok(Self {
            values,
            id: row.uuid()?,
            tenant,
        })
    }

    pub(super) fn encode(&self, order: &Order) -> Result<String> {
        let values: Vec<_> = self.values.iter().map(KeyValue::text).collect();
        let json = serde_json::to_vec(&(order.signature(), values, self.id, self.tenant))
            .map_err(|error| Error::internal(format!("a cursor cannot be written: {error}")))?;
        Ok(URL_SAFE_NO_PAD.encode(json))
    }

    pub(super) fn decode(text: &str, order: &Order, field: &str) -> Result<Self> {
        let unreadable = || Error::invalid(field, "not a cursor of this list");
        if text.len() > MAX_CURSOR {
            return Err(unreadable());
        }
        let json = URL_SAFE_NO_PAD.decode(text).map_err(|_| unreadable())?;
        let (signature, values, id, tenant): (String, Vec<Option<String>>, Uuid, u32) =
            serde_json::from_slice(&json).map_err(|_| unreadable())?;
        if signature != order.signature() {
            return Err(Error::invalid(field, "a cursor of another list or order"));
        }
        if values.len() != order.keys.len() {
            return Err(unreadable());
        }
        let values = values
            .into_iter()
            .zip(&order.keys)
            .map(|(value, (key, _))| KeyValue::parse(value, key))
            .collect::<Option<_>>()
            .ok_or_else(unreadable)?;
        Ok(Self { values, id, tenant })
    }
}
