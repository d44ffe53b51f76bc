//! Conditions on rows that have nothing to do with their order: filters, parents, ranges.

use chrono::{DateTime, Utc};
use uuid::Uuid;

use crate::sql::Sql;

/// Adds conditions on the table, whose short name is `t`, each beginning with `and`.
pub(crate) trait Filter: Sync {
    /// Goes on with the conditions.
    fn conditions(&self, sql: &mut Sql);
}

/// Everything.
impl Filter for () {
    fn conditions(&self, _: &mut Sql) {}
}

/// Which rows below a parent.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Below {
    /// The column that names the parent.
    pub column: &'static str,
    /// Of analyses, only the newest completed one of a session.
    pub current: bool,
}

impl Below {
    /// All rows that name the parent in this column.
    pub const fn all(column: &'static str) -> Self {
        Self { column, current: false }
    }
}

impl Filter for Below {
    fn conditions(&self, sql: &mut Sql) {
        if self.current {
            sql.push(" and ").column("is_current");
        }
    }
}

/// A range of instants: from inclusive, to exclusive.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Range {
    /// Not before.
    pub from: Option<DateTime<Utc>>,
    /// Before.
    pub to: Option<DateTime<Utc>>,
}

impl Range {
    /// Goes on with the conditions on a column.
    pub(crate) fn conditions(&self, sql: &mut Sql, column: &str) {
        if let Some(from) = self.from {
            sql.push(" and ").push(column).push(" >= ").bind(from);
        }
        if let Some(to) = self.to {
            sql.push(" and ").push(column).push(" < ").bind(to);
        }
    }
}

/// Goes on with `and column = …`, for ids.
pub(crate) fn is(sql: &mut Sql, column: &str, id: Option<impl Into<Uuid>>) {
    if let Some(id) = id {
        sql.push(" and t.").push(column).push(" = ").bind(id.into());
    }
}

/// Goes on with `and column = any(…)`, for values of a closed enumeration by their texts.
pub(crate) fn one_of(sql: &mut Sql, column: &str, texts: Option<Vec<&'static str>>) {
    if let Some(texts) = texts {
        sql.push(" and t.").push(column).push(" = any(").bind(texts).push(")");
    }
}
