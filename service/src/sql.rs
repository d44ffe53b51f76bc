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
    unencodable: bool,
}

impl Sql {
    /// Begins with this text.
    pub fn new(text: &str) -> Self {
        let mut sql = Self {
            text: String::with_capacity(512),
            arguments: PgArguments::default(),
            bound: 0,
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
