//! A page as it is wanted, and as it was found: what can be said of both without a statement.

use std::sync::Arc;

use super::Order;
use super::cursor::Cursor;
use crate::db::Scope;
use crate::error::{Error, Result};
use crate::row::{Columns, Relation, Row};

/// Rows of a page when nobody says how many.
pub const DEFAULT_SIZE: u32 = 20;
/// Rows of a page at most.
pub const MAX_SIZE: u32 = 100;

/// What a caller says about the page that is wanted.
#[derive(Debug, Clone, Default)]
pub struct Arguments {
    /// How many from the start.
    pub first: Option<i32>,
    /// Those behind this cursor.
    pub after: Option<String>,
    /// How many from the end.
    pub last: Option<i32>,
    /// Those before this cursor.
    pub before: Option<String>,
}

/// A page that is wanted of an ordered list.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Window {
    pub(super) order: Order,
    pub(super) after: Option<Cursor>,
    pub(super) before: Option<Cursor>,
    pub(super) size: u32,
    pub(super) backward: bool,
    /// Whether to look for one row more, to know whether there are more.
    pub(super) peek: bool,
}

/// Rows of a list that comes whole, at most.
const WHOLE: u32 = 1000;

impl Window {
    /// Reads a caller's wish.
    ///
    /// # Errors
    /// [`Error::Invalid`], naming the argument: a size out of bounds, both sizes, a cursor that is none of this order.
    pub fn new(order: Order, arguments: &Arguments) -> Result<Self> {
        let (size, field) = match (arguments.first, arguments.last) {
            (Some(_), Some(_)) => return Err(Error::invalid("last", "give first or last, not both")),
            (Some(first), None) => (first, "first"),
            (None, Some(last)) => (last, "last"),
            (None, None) => (DEFAULT_SIZE as i32, "first"),
        };
        let size = u32::try_from(size)
            .ok()
            .filter(|size| *size <= MAX_SIZE)
            .ok_or_else(|| Error::invalid(field, format!("must be between 0 and {MAX_SIZE}")))?;
        let after = arguments
            .after
            .as_deref()
            .map(|text| Cursor::decode(text, &order, "after"))
            .transpose()?;
        let before = arguments
            .before
            .as_deref()
            .map(|text| Cursor::decode(text, &order, "before"))
            .transpose()?;
        Ok(Self {
            order,
            after,
            before,
            size,
            backward: arguments.last.is_some(),
            peek: true,
        })
    }

    /// The first row of an order, and no other.
    pub const fn newest(order: Order) -> Self {
        Self {
            order,
            after: None,
            before: None,
            size: 1,
            backward: false,
            peek: false,
        }
    }

    /// So many rows from the start of an order, 20 unless said, without a look at whether more follow.
    ///
    /// # Errors
    /// As [`Window::new`].
    pub fn first(order: Order, size: Option<i32>) -> Result<Self> {
        let arguments = Arguments {
            first: size,
            ..Arguments::default()
        };
        Ok(Self {
            peek: false,
            ..Self::new(order, &arguments)?
        })
    }

    /// The whole of a list that is short by its nature.
    pub const fn whole(order: Order) -> Self {
        Self {
            order,
            after: None,
            before: None,
            size: WHOLE,
            backward: false,
            peek: false,
        }
    }

    /// The columns that its order needs.
    pub fn columns(&self) -> Columns {
        self.order.columns()
    }

    /// What the caller's organization is called in cursors; a cursor of another one is refused.
    pub(super) fn tenant(&self, scope: &Scope) -> Result<u32> {
        // A short mark is enough: it tells mistakes, and row security keeps organizations apart.
        let tenant = scope.organization().map_or(0, |id| {
            let id = id.uuid().as_u128();
            (0..4).fold(0, |mark, word| mark ^ (id >> (32 * word)) as u32)
        });
        for (field, cursor) in [("after", &self.after), ("before", &self.before)] {
            if cursor.as_ref().is_some_and(|cursor| cursor.tenant != tenant) {
                return Err(Error::invalid(field, "a cursor of another organization"));
            }
        }
        Ok(tenant)
    }
}

/// Rows of one page, in the list's order.
#[derive(Debug)]
pub struct Page<T> {
    /// The rows.
    pub rows: Vec<Arc<Row<T>>>,
    window: Arc<Window>,
    tenant: u32,
    more: bool,
}

/// Shared by everyone who asked for it.
impl<T> Clone for Page<T> {
    fn clone(&self) -> Self {
        Self {
            rows: self.rows.clone(),
            window: self.window.clone(),
            tenant: self.tenant,
            more: self.more,
        }
    }
}

impl<T: Relation> Page<T> {
    /// A page without rows.
    pub fn empty(window: Arc<Window>) -> Self {
        Self {
            rows: Vec::new(),
            window,
            tenant: 0,
            more: false,
        }
    }

    /// From at most one row more than wanted, as they came from the database.
    pub(super) fn of(mut rows: Vec<Row<T>>, window: &Arc<Window>, tenant: u32) -> Self {
        let more = rows.len() > window.size as usize;
        rows.truncate(window.size as usize);
        if window.backward {
            rows.reverse();
        }
        Self {
            rows: rows.into_iter().map(Arc::new).collect(),
            window: window.clone(),
            tenant,
            more,
        }
    }

    /// The place of a row of this page.
    ///
    /// # Errors
    /// [`Error::Internal`] for a row without the order's columns.
    pub fn cursor(&self, row: &Row<T>) -> Result<String> {
        Cursor::of(&self.window.order, row, self.tenant)?.encode(&self.window.order)
    }

    /// Whether rows follow.
    pub fn has_next(&self) -> bool {
        if self.window.backward {
            self.window.before.is_some()
        } else {
            self.more
        }
    }

    /// Whether rows come before.
    pub fn has_previous(&self) -> bool {
        if self.window.backward {
            self.more
        } else {
            self.window.after.is_some()
        }
    }
}
