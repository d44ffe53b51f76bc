//! A window as SQL: the conditions, the order and the limit that find its rows by an index.

use super::cursor::{Cursor, KeyValue};
use super::{Below, Direction, Filter as _, Window};
use crate::sql::Sql;

impl Window {
    /// Goes on with `and …` for each cursor.
    pub(super) fn conditions(&self, sql: &mut Sql) {
        if let Some(after) = &self.after {
            sql.push(" and ");
            self.beyond(sql, after, false);
        }
        if let Some(before) = &self.before {
            sql.push(" and ");
            self.beyond(sql, before, true);
        }
    }

    /// The condition for the rows behind a cursor, or (`reversed`) before it.
    fn beyond(&self, sql: &mut Sql, cursor: &Cursor, reversed: bool) {
        let smaller = |direction: Direction| (direction == Direction::Descending) != reversed;
        // One comparison of whole rows, which an index on the same columns serves, where all keys run one way without nulls.
        let direction = self.order.id_direction();
        if self.order.keys.iter().all(|(key, d)| !key.nullable && *d == direction) {
            sql.push("(");
            for (key, _) in &self.order.keys {
                key.expression(sql);
                sql.push(", ");
            }
            sql.column("id")
                .push(if smaller(direction) { ") < (" } else { ") > (" });
            for value in &cursor.values {
                value.bind(sql);
                sql.push(", ");
            }
            sql.bind(cursor.id).push(")");
            return;
        }
        // Else key by key: beyond in this one, or equal in it and beyond in the rest.
        for ((key, direction), value) in self.order.keys.iter().zip(&cursor.values) {
            sql.push("(");
            match (value, reversed) {
                // Behind a null there is nothing but other nulls; before it, everything else.
                (KeyValue::Null, false) => {
                    sql.push("false or (");
                    key.expression(sql);
                    sql.push(" is null and ");
                }
                (KeyValue::Null, true) => {
                    key.expression(sql);
                    sql.push(" is not null or (");
                    key.expression(sql);
                    sql.push(" is null and ");
                }
                (value, _) => {
                    key.expression(sql);
                    sql.push(if smaller(*direction) { " < " } else { " > " });
                    value.bind(sql);
                    if key.nullable && !reversed {
                        sql.push(" or ");
                        key.expression(sql);
                        sql.push(" is null");
                    }
                    sql.push(" or (");
                    key.expression(sql);
                    sql.push(" = ");
                    value.bind(sql);
                    sql.push(" and ");
                }
            }
        }
        sql.column("id")
            .push(if smaller(direction) { " < " } else { " > " })
            .bind(cursor.id);
        for _ in &self.order.keys {
            sql.push("))");
        }
    }

    /// Goes on with the rows of this page below a parent: `where …`, `order by …` and `limit …`.
    pub(crate) fn below(&self, sql: &mut Sql, below: Below, parent: &str) {
        sql.push(" where ").column(below.column).push(" = ").push(parent);
        below.conditions(sql);
        self.conditions(sql);
        self.order_and_limit(sql);
    }

    /// Goes on with `order by …` and `limit …`.
    pub(super) fn order_and_limit(&self, sql: &mut Sql) {
        sql.push(" order by ");
        for (key, direction) in &self.order.keys {
            key.expression(sql);
            // `desc` and `asc` put nulls first and last; what an index says must be said here in the same words.
            sql.push(match (*direction, self.backward, key.nullable) {
                (Direction::Ascending, false, _) | (Direction::Descending, true, false) => "",
                (Direction::Ascending, true, _) | (Direction::Descending, false, false) => " desc",
                (Direction::Descending, false, true) => " desc nulls last",
                (Direction::Descending, true, true) => " asc nulls first",
            });
            sql.push(", ");
        }
        let descending = (self.order.id_direction() == Direction::Descending) != self.backward;
        sql.column("id").push(if descending { " desc" } else { "" });
        sql.push(" limit ").bind(i64::from(self.size) + i64::from(self.peek));
    }
}
