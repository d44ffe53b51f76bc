//! What a list can be ordered by. It knows columns and directions and nothing of places between rows.

use crate::row::Columns;
use crate::sql::Sql;

/// Which way an order runs.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Direction {
    /// Smallest first.
    Ascending,
    /// Largest first.
    Descending,
}

/// How a key's values compare and travel in a cursor.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Kind {
    /// An instant, to the microsecond.
    Instant,
    /// A text, by the database's collation.
    Text,
    /// A floating-point number.
    Float,
    /// A whole number of 32 bits.
    Int,
    /// A whole number of 64 bits.
    BigInt,
    /// An exact number.
    Decimal,
    /// A priority: LOW first, CRITICAL last.
    Priority,
}

/// A column that a list can be ordered by.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Key {
    /// Its name in the database, and in the cursor.
    pub name: &'static str,
    /// Its bit.
    pub column: Columns,
    /// How it compares.
    pub kind: Kind,
    /// Whether it may be null; such rows come last.
    pub nullable: bool,
}

impl Key {
    /// What is compared.
    pub(super) fn expression(&self, sql: &mut Sql) {
        match self.kind {
            Kind::Priority => {
                sql.push("array_position(array['low', 'medium', 'high', 'critical'], ")
                    .column(self.name)
                    .push(")");
            }
            _ => {
                sql.column(self.name);
            }
        }
    }
}

/// An order: keys with their directions, then the id.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Order {
    noun: &'static str,
    pub(super) keys: Vec<(Key, Direction)>,
}

impl Order {
    /// The order of a list of this noun by these keys. A key that comes again adds nothing.
    pub fn of(noun: &'static str, keys: impl IntoIterator<Item = (Key, Direction)>) -> Self {
        let mut kept: Vec<(Key, Direction)> = Vec::with_capacity(2);
        for (key, direction) in keys {
            if !kept.iter().any(|(other, _)| other.name == key.name) {
                kept.push((key, direction));
            }
        }
        Self { noun, keys: kept }
    }

    /// The columns that it needs.
    pub(super) fn columns(&self) -> Columns {
        self.keys
            .iter()
            .fold(Columns::NONE, |columns, (key, _)| columns | key.column)
    }

    /// The id follows the last key, so that an index on both serves.
    pub(super) fn id_direction(&self) -> Direction {
        self.keys
            .last()
            .map_or(Direction::Descending, |(_, direction)| *direction)
    }

    /// What tells a cursor of this order from any other.
    pub(super) fn signature(&self) -> String {
        let mut signature = self.noun.to_owned();
        for (key, direction) in &self.keys {
            signature.push(match direction {
                Direction::Ascending => '<',
                Direction::Descending => '>',
            });
            signature.push_str(key.name);
        }
        signature
    }
}
