//! A statement in the making: its text, of one spelling per shape so that the prepared statement is found again, and its
//! values, bound and never quoted.

use sqlx::postgres::{PgArguments, PgRow};
use sqlx::{Arguments, Encode, Postgres, Type};

use crate::db::Scope;
use crate::error::{Error, Result};

/// Text and values of one statement.
pub(crate) struct Sql {
    text: String,
    arguments: PgArguments,
    bound: usize,
    depth: usize,
    unencodable: bool,
}

/// The short names of tables, one within the other.
const SHORT: [&str; 8] = ["t", "t1", "t2", "t3", "t4", "t5", "t6", "t7"];

impl Sql {
    /// Begins with this text.
    pub fn new(text: &str) -> Self {
        let mut sql = Self {
            text: String::with_capacity(512),
            arguments: PgArguments::default(),
            bound: 0,
            depth: 0,
            unencodable: false,
        };
        sql.text.push_str(text);
        sql
    }

    /// Goes on with this text: written in this crate, never a value.
    pub fn push(&mut self, text: &str) -> &mut Self {
        self.text.push_str(text);
        self
    }

    /// The short name of the table that is read here.
    pub const fn table(&self) -> &'static str {
        SHORT[self.depth]
    }

    /// Goes on with a column of the table that is read here.
    pub fn column(&mut self, name: &str) -> &mut Self {
        let table = self.table();
        self.push(table).push(".").push(name)
    }

    /// Writes a statement within the statement, whose table has a short name of its own. Callers bound how deep that goes.
    pub fn within(&mut self, write: impl FnOnce(&mut Self)) {
        self.depth += 1;
        write(self);
        self.depth -= 1;
    }

    /// So many statements may be written one within the other.
    pub const DEEPEST: usize = SHORT.len() - 1;

    /// Binds a value and writes its place.
    pub fn bind<'v, T: Encode<'v, Postgres> + Type<Postgres> + 'v>(&mut self, value: T) -> &mut Self {
        use std::fmt::Write as _;
        self.value(value);
        // Writing to a string cannot fail.
        let _ = write!(self.text, "${}", self.bound);
        self
    }

    /// Binds a value whose place the text names already.
    pub fn value<'v, T: Encode<'v, Postgres> + Type<Postgres> + 'v>(&mut self, value: T) -> &mut Self {
        self.bound += 1;
        self.unencodable |= self.arguments.add(value).is_err();
        self
    }

    /// Bytes of the text so far.
    pub const fn len(&self) -> usize {
        self.text.len()
    }

    /// Takes the text back from here on; what it binds stays bound.
    pub fn take(&mut self, from: usize) -> String {
        self.text.split_off(from)
    }

    /// The text so far.
    #[cfg(test)]
    pub fn text(&self) -> &str {
        &self.text
    }

    /// Every row.
    ///
    /// # Errors
    /// Those of the database.
    pub async fn rows(self, scope: &Scope) -> Result<Vec<PgRow>> {
        if self.unencodable {
            return Err(Error::internal("a value cannot be encoded for the database"));
        }
        scope.fetch(self.text, self.arguments).await
    }

    /// The first row.
    ///
    /// # Errors
    /// Those of the database.
    pub async fn row(self, scope: &Scope) -> Result<Option<PgRow>> {
        Ok(self.rows(scope).await?.into_iter().next())
    }
}
