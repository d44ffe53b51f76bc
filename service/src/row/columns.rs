//! Sets of columns: bits in the order of a table's list, joined and looked up while compiling.

use std::ops::{BitOr, BitOrAssign};

use crate::sql::Sql;

/// A set of columns of one table.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
pub struct Columns(pub(super) u64);

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
    pub(super) const fn place(self, other: Self) -> usize {
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
