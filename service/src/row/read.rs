//! What is to travel of a row, and the row that came, decoded column by column.

use std::marker::PhantomData;
use std::sync::Arc;

use sqlx::postgres::PgRow;
use uuid::Uuid;

use super::{Columns, Decode, Kind, Relation, Single};
use crate::error::{Error, Result};
use crate::shape::Shape;

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
