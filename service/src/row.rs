//! Rows as far as they were asked for: the driver's row, the set of columns that travelled, and accessors that decode a
//! column when somebody looks at it.

use std::marker::PhantomData;
use std::ops::{BitOr, BitOrAssign};
use std::sync::Arc;

use chrono::{DateTime, Utc};
use rust_decimal::Decimal;
use sqlx::Row as _;
use sqlx::postgres::{PgRow, PgValueFormat};
use uuid::Uuid;

use crate::error::{Error, Result};
use crate::shape::Shape;
use crate::sql::Sql;

/// A set of columns of one table.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
pub struct Columns(u64);

impl Columns {
    /// No column.
    pub const NONE: Self = Self(0);
    /// The id: every table's first.
    pub const ID: Self = Self(1);

    /// The column with this name in a list.
    ///
    /// # Panics
    /// While compiling, for a name that the list lacks.
    pub(crate) const fn named(list: &[&str], name: &str) -> Self {
        let mut at = 0;
        while at < list.len() {
            if same(list[at], name) {
                return Self(1 << at);
            }
            at += 1;
        }
        panic!("no such column");
    }

    /// Both sets.
    #[must_use]
    pub const fn and(self, other: Self) -> Self {
        Self(self.0 | other.0)
    }

    /// Whether all of `other` is in it.
    pub const fn has(self, other: Self) -> bool {
        self.0 & other.0 == other.0
    }

    /// How many.
    pub(crate) const fn len(self) -> usize {
        self.0.count_ones() as usize
    }

    /// Where the one column of this set stands in its list; none for none or several.
    pub(crate) const fn only(self) -> Option<usize> {
        if self.0.is_power_of_two() {
            Some(self.0.trailing_zeros() as usize)
        } else {
            None
        }
    }

    /// Where the one column `other` stands among these.
    const fn place(self, other: Self) -> usize {
        (self.0 & other.0.wrapping_sub(1)).count_ones() as usize
    }

    /// Writes the list for `select`.
    pub(crate) fn write(self, sql: &mut Sql, names: &[&str]) {
        let mut left = self.0;
        let mut first = true;
        while left != 0 {
            let at = left.trailing_zeros() as usize;
            left &= left - 1;
            if !first {
                sql.push(", ");
            }
            first = false;
            sql.column(names[at]);
        }
    }
}

impl BitOr for Columns {
    type Output = Self;

    fn bitor(self, other: Self) -> Self {
        self.and(other)
    }
}

impl BitOrAssign for Columns {
    fn bitor_assign(&mut self, other: Self) {
        *self = self.and(other);
    }
}

const fn same(a: &str, b: &str) -> bool {
    let (a, b) = (a.as_bytes(), b.as_bytes());
    if a.len() != b.len() {
        return false;
    }
    let mut at = 0;
    while at < a.len() {
        if a[at] != b[at] {
            return false;
        }
        at += 1;
    }
    true
}

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

/// What is to travel of each row.
#[derive(Debug, Clone)]
pub struct Wanted {
    /// At least these columns.
    pub columns: Columns,
    /// What the database writes as JSON, beside them.
    pub shape: Option<Arc<Shape>>,
}

impl Wanted {
    /// What tells it from others: a shape is the same only as itself.
    fn identity(&self) -> (Columns, Option<*const Shape>) {
        (self.columns, self.shape.as_ref().map(Arc::as_ptr))
    }
}

impl PartialEq for Wanted {
    fn eq(&self, other: &Self) -> bool {
        self.identity() == other.identity()
    }
}

impl Eq for Wanted {}

impl std::hash::Hash for Wanted {
    fn hash<H: std::hash::Hasher>(&self, state: &mut H) {
        self.identity().hash(state);
    }
}

impl From<Columns> for Wanted {
    fn from(columns: Columns) -> Self {
        Self { columns, shape: None }
    }
}

/// A row of a table, as far as it was asked for.
#[derive(Debug)]
pub struct Row<T> {
    driver: PgRow,
    columns: Columns,
    written: bool,
    table: PhantomData<fn() -> T>,
}

impl<T: Relation> Row<T> {
    pub(crate) fn new(row: PgRow, columns: Columns) -> Self {
        Self {
            driver: row,
            columns,
            written: false,
            table: PhantomData,
        }
    }

    /// A row behind whose columns stands what the database wrote of it.
    pub(crate) fn written(self) -> Self {
        Self { written: true, ..self }
    }

    /// What the database wrote of it: JSON, where a [`Shape`] was asked for.
    ///
    /// # Errors
    /// [`Error::Internal`] when a row that must be there was not to be seen.
    pub fn json(&self) -> Result<Option<&str>> {
        if !self.written {
            return Ok(None);
        }
        let json: &str = Decode::decode(&self.driver, self.columns.len())?;
        if json.contains(crate::shape::MISSING) {
            return Err(Error::internal("a row that must be there was not to be seen"));
        }
        Ok(Some(json))
    }

    /// The value of a column that holds a single one.
    ///
    /// # Errors
    /// [`Error::Internal`] for another column, and as those of any column.
    pub fn single(&self, column: Columns) -> Result<Option<Single<'_>>> {
        let kind = column.only().and_then(|at| *T::KINDS.get(at)?);
        let (kind, _) = kind.ok_or_else(|| Error::internal(format!("no single column of {}", T::NAME)))?;
        Ok(match kind {
            Kind::Text => self.get::<Option<_>>(column)?.map(Single::Text),
            Kind::Closed => self.get::<Option<_>>(column)?.map(Single::Closed),
            Kind::Id => self.get::<Option<_>>(column)?.map(Single::Id),
            Kind::Truth => self.get::<Option<_>>(column)?.map(Single::Truth),
            Kind::Int => self.get::<Option<_>>(column)?.map(Single::Int),
            Kind::BigInt => self.get::<Option<_>>(column)?.map(Single::BigInt),
            Kind::Float => self.get::<Option<_>>(column)?.map(Single::Float),
            Kind::Decimal => self.get::<Option<_>>(column)?.map(Single::Decimal),
            Kind::Instant => self.get::<Option<_>>(column)?.map(Single::Instant),
        })
    }

    /// The columns that travelled.
    pub const fn columns(&self) -> Columns {
        self.columns
    }

    /// The id, bare.
    ///
    /// # Errors
    /// As those of any column.
    pub fn uuid(&self) -> Result<Uuid> {
        self.get(Columns::ID)
    }

    /// The value of one column.
    ///
    /// # Errors
    /// [`Error::Internal`] when the column was not asked for, or holds what its type cannot be.
    pub(crate) fn get<'r, V: Decode<'r>>(&'r self, column: Columns) -> Result<V> {
        if !self.columns.has(column) {
            return Err(Error::internal(format!(
                "column {} of {} was not asked for",
                T::COLUMNS
                    .get(column.0.trailing_zeros() as usize)
                    .copied()
                    .unwrap_or("?"),
                T::NAME
            )));
        }
        V::decode(&self.driver, self.columns.place(column))
    }

    /// What was selected after the columns and what the database wrote.
    pub(crate) fn extra<'r, V: Decode<'r>>(&'r self, at: usize) -> Result<V> {
        V::decode(&self.driver, self.columns.len() + usize::from(self.written) + at)
    }
}

/// What a column can be read as.
pub trait Decode<'r>: Sized {
    /// What the column holds, and whether it may be null, where that is a single value.
    const KIND: Option<(Kind, bool)>;

    /// The value at this place of the row.
    ///
    /// # Errors
    /// [`Error::Database`] when the column is of another type.
    fn decode(row: &'r PgRow, at: usize) -> Result<Self>;
}

macro_rules! kind {
    () => {
        None
    };
    ($kind:ident, $nullable:literal) => {
        Some((Kind::$kind, $nullable))
    };
}

macro_rules! decode_plain {
    ($($type:ty $(: $kind:ident)?),+ $(,)?) => { $(
        impl<'r> Decode<'r> for $type {
            const KIND: Option<(Kind, bool)> = kind!($($kind, false)?);

            fn decode(row: &'r PgRow, at: usize) -> Result<Self> {
                Ok(row.try_get(at)?)
            }
        }

        impl<'r> Decode<'r> for Option<$type> {
            const KIND: Option<(Kind, bool)> = kind!($($kind, true)?);

            fn decode(row: &'r PgRow, at: usize) -> Result<Self> {
                Ok(row.try_get(at)?)
            }
        }
    )+ };
}

decode_plain!(
    bool: Truth,
    i32: Int,
    i64: BigInt,
    f64: Float,
    DateTime<Utc>: Instant,
    Uuid: Id,
    String: Text,
    &'r str: Text,
    Vec<String>,
    Vec<i32>,
    serde_json::Value,
);

impl<'r> Decode<'r> for Option<Decimal> {
    const KIND: Option<(Kind, bool)> = kind!(Decimal, true);

    fn decode(row: &'r PgRow, at: usize) -> Result<Self> {
        let mut number: Self = row.try_get(at)?;
        // The driver drops the places of a zero, which the database sent: the last of four fields of 16 bits.
        if let Some(zero) = number.as_mut().filter(|number| number.is_zero())
            && let raw = row.try_get_raw(at)?
            && raw.format() == PgValueFormat::Binary
            && let Ok([_, _, _, _, _, _, high, low]) = raw.as_bytes()
        {
            zero.rescale(u16::from_be_bytes([*high, *low]).into());
        }
        Ok(number)
    }
}

impl<'r> Decode<'r> for Decimal {
    const KIND: Option<(Kind, bool)> = kind!(Decimal, false);

    fn decode(row: &'r PgRow, at: usize) -> Result<Self> {
        let number: Option<Self> = Decode::decode(row, at)?;
        number.ok_or_else(|| Error::internal("a number that cannot be null is null"))
    }
}

macro_rules! decode_ids {
    ($($type:ty),+ $(,)?) => { $(
        impl<'r> Decode<'r> for $type {
            const KIND: Option<(Kind, bool)> = kind!(Id, false);

            fn decode(row: &'r PgRow, at: usize) -> Result<Self> {
                Ok(row.try_get::<Uuid, _>(at)?.into())
            }
        }

        impl<'r> Decode<'r> for Option<$type> {
            const KIND: Option<(Kind, bool)> = kind!(Id, true);

            fn decode(row: &'r PgRow, at: usize) -> Result<Self> {
                Ok(row.try_get::<Option<Uuid>, _>(at)?.map(Into::into))
            }
        }
    )+ };
}

decode_ids!(
    domain::id::AnalysisId,
    domain::id::ApiKeyId,
    domain::id::AttemptId,
    domain::id::AuditEntryId,
    domain::id::ChunkId,
    domain::id::CostAnalysisId,
    domain::id::DisclosureId,
    domain::id::FrameId,
    domain::id::InsightId,
    domain::id::InvitationId,
    domain::id::OpportunityId,
    domain::id::OrganizationId,
    domain::id::RecordingNoticeId,
    domain::id::ReportId,
    domain::id::ExportId,
    domain::id::ReportLinkId,
    domain::id::SessionId,
    domain::id::UserId,
    domain::id::VisualizationId,
);

macro_rules! decode_closed {
    ($($type:ty),+ $(,)?) => { $(
        impl<'r> Decode<'r> for $type {
            const KIND: Option<(Kind, bool)> = kind!(Closed, false);

            fn decode(row: &'r PgRow, at: usize) -> Result<Self> {
                closed(row.try_get::<&str, _>(at)?)
            }
        }

        impl<'r> Decode<'r> for Option<$type> {
            const KIND: Option<(Kind, bool)> = kind!(Closed, true);

            fn decode(row: &'r PgRow, at: usize) -> Result<Self> {
                row.try_get::<Option<&str>, _>(at)?.map(closed).transpose()
            }
        }
    )+ };
}

decode_closed!(
    domain::analysis_error::AnalysisErrorCode,
    domain::category::ClassifiedBy,
    domain::category::WorkflowCategory,
    domain::flow::LayoutAlgorithm,
    domain::flow::VisualizationType,
    domain::insight::InsightType,
    domain::quota::SubscriptionStatus,
    domain::quota::SubscriptionTier,
    domain::report::ReportType,
    domain::roi::Complexity,
    domain::roi::ConfidenceLevel,
    domain::roi::EffortBasis,
    domain::roi::FrequencyBasis,
    domain::roi::Priority,
    domain::role::Role,
    domain::sampling::Analyser,
    domain::sampling::SamplingPreset,
    domain::status::AnalysisStage,
    domain::status::AnalysisStatus,
    domain::status::OpportunityStatus,
    domain::status::ReportStatus,
    domain::status::ExportStatus,
    domain::status::SessionStatus,
    domain::status::UploadStatus,
);

fn closed<T: std::str::FromStr<Err = domain::UnknownValue>>(text: &str) -> Result<T> {
    text.parse()
        .map_err(|unknown: domain::UnknownValue| Error::internal(format!("the database holds `{text}`: {unknown}")))
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

#[cfg(test)]
mod tests {
    use super::*;

    const NAMES: &[&str] = &["id", "title", "status", "created_at"];

    #[test]
    fn a_column_stands_where_the_smaller_ones_leave_it() {
        let (id, status, created) = (
            Columns::named(NAMES, "id"),
            Columns::named(NAMES, "status"),
            Columns::named(NAMES, "created_at"),
        );
        let some = id | created | status;
        assert_eq!(
            (some.place(id), some.place(status), some.place(created), some.len()),
            (0, 1, 2, 3)
        );
        assert!(some.has(status) && !some.has(Columns::named(NAMES, "title")));
        let mut sql = Sql::new("select ");
        some.write(&mut sql, NAMES);
        assert_eq!(sql.text(), "select t.id, t.status, t.created_at");
    }
}
