//! What a table is: its name, its columns and what they hold, and the macro that declares one.

use chrono::{DateTime, Utc};
use rust_decimal::Decimal;
use uuid::Uuid;

use super::Columns;

/// A table that rows are read from.
pub trait Relation: Copy + Eq + std::hash::Hash + std::fmt::Debug + Send + Sync + 'static {
    /// Its name in the database.
    const NAME: &'static str;
    /// Its noun in speech.
    const NOUN: &'static str;
    /// Its columns, in the order of their bits.
    const COLUMNS: &'static [&'static str];
    /// What each of them holds, and whether it may be null; none for what is no single value.
    const KINDS: &'static [Option<(Kind, bool)>];
    /// Those that always travel: the id and what relations hang on.
    const ALWAYS: Columns;
}

/// What a column holds, where that is a single value.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Kind {
    /// A text.
    Text,
    /// The text of a closed enumeration.
    Closed,
    /// An id.
    Id,
    /// True or false.
    Truth,
    /// A whole number of 32 bits.
    Int,
    /// A whole number of 64 bits.
    BigInt,
    /// A floating-point number.
    Float,
    /// An exact number.
    Decimal,
    /// An instant, to the microsecond.
    Instant,
}

/// A value of a column of one [`Kind`].
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Single<'r> {
    /// A text.
    Text(&'r str),
    /// The text of a closed enumeration.
    Closed(&'r str),
    /// An id.
    Id(Uuid),
    /// True or false.
    Truth(bool),
    /// A whole number of 32 bits.
    Int(i32),
    /// A whole number of 64 bits.
    BigInt(i64),
    /// A floating-point number.
    Float(f64),
    /// An exact number.
    Decimal(Decimal),
    /// An instant.
    Instant(DateTime<Utc>),
}

/// Declares a table with its columns and their types; makes `Table`, `Row` and one accessor per column.
macro_rules! table {
    ($name:literal, $noun:literal, always [$($always:ident),+ $(,)?], { $($(#[$meta:meta])* $column:ident = $accessor:ident: $type:ty),+ $(,)? }) => {
        /// The table that rows of this noun are read from.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
        pub struct Table;

        /// A row, as far as it was asked for.
        pub type Row = crate::row::Row<Table>;

        impl Table {
            $(
                #[doc = concat!("The column `", stringify!($accessor), "`.")]
                pub const $column: crate::row::Columns = crate::row::Columns::named(<Self as crate::row::Relation>::COLUMNS, stringify!($accessor));
            )+
        }

        impl crate::row::Relation for Table {
            const NAME: &'static str = $name;
            const NOUN: &'static str = $noun;
            const COLUMNS: &'static [&'static str] = &[$(stringify!($accessor)),+];
            const KINDS: &'static [Option<(crate::row::Kind, bool)>] = &[$(<$type as crate::row::Decode<'_>>::KIND),+];
            const ALWAYS: crate::row::Columns = crate::row::Columns::NONE$(.and(Self::$always))+;
        }

        impl crate::row::Row<Table> {
            $(
                $(#[$meta])*
                #[doc = concat!("The value of `", stringify!($accessor), "`.")]
                ///
                /// # Errors
                /// [`crate::Error::Internal`] when the column was not asked for.
                pub fn $accessor(&self) -> crate::Result<$type> {
                    self.get(Table::$column)
                }
            )+
        }
    };
}
pub(crate) use table;
