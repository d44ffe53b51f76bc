//! JSON that the database writes: a whole selection of a row and of what lies below it, as one value of one statement.
//!
//! Each value looks as the schema's scalars show it, so that an answer is the same whoever wrote it. Row security decides about every
//! table in it, as in any statement.

use std::fmt::Write as _;

use crate::page::{Below, Order, Window};
use crate::row::{Columns, Kind, Relation};
use crate::sql::Sql;

/// Stands for a row that must be there and was not to be seen: no JSON has this character.
pub(crate) const MISSING: char = '\u{1}';

/// A JSON object of a row.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Shape {
    members: Vec<(String, Part)>,
    /// Statements within it, one in the other.
    depth: usize,
    /// Statements within it, all of them.
    statements: usize,
    /// Whether there are lists within it, or the first rows of some.
    below: bool,
}

/// Statements of one shape at most, and bytes of its expression: a connection keeps a plan for each statement that it ran of late. That of
/// a list with three others within is 0.3 MB, that of the largest 0.9 MB, and one of 50 KB was 3.1 MB (PostgreSQL 15).
const MOST_STATEMENTS: usize = 8;
const LONGEST: usize = 8 << 10;

/// A member of an object.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Part(Inner);

#[derive(Debug, Clone, PartialEq, Eq)]
enum Inner {
    /// The same word for every row.
    Word(String),
    /// The value of a column.
    Column {
        name: &'static str,
        kind: Kind,
        nullable: bool,
    },
    /// An object of the same row; null where one of these columns is.
    Object { unless: Vec<&'static str>, shape: Shape },
    /// The first row below it in an order, or null.
    First {
        table: &'static str,
        below: Below,
        window: Window,
        shape: Shape,
    },
    /// The first rows below it in an order.
    Rows {
        table: &'static str,
        below: Below,
        window: Window,
        shape: Shape,
    },
    /// The row that a column names, which must be there.
    Parent {
        table: &'static str,
        column: &'static str,
        shape: Shape,
    },
}

impl Part {
    /// A word, such as the name of a type; none for what is no word.
    pub fn word(word: &str) -> Option<Self> {
        is_word(word).then(|| Self(Inner::Word(word.to_owned())))
    }

    /// The value of a column that holds a single one.
    pub fn column<T: Relation>(column: Columns) -> Option<Self> {
        let at = column.only()?;
        let (kind, nullable) = (*T::KINDS.get(at)?)?;
        let name = T::COLUMNS.get(at)?;
        Some(Self(Inner::Column { name, kind, nullable }))
    }

    /// An object of the same row; null where one of these columns is.
    pub fn object<T: Relation>(unless: &[Columns], shape: Shape) -> Option<Self> {
        let unless = unless.iter().map(|column| T::COLUMNS.get(column.only()?).copied());
        let unless = unless.collect::<Option<_>>()?;
        Some(Self(Inner::Object { unless, shape }))
    }

    /// The first row below it in an order, or null.
    pub fn first<T: Relation>(below: Below, order: Order, shape: Shape) -> Self {
        Self(Inner::First {
            table: T::NAME,
            below,
            window: Window::newest(order),
            shape,
        })
    }

    /// The first so many rows below it in an order; none for more than a page.
    pub fn rows<T: Relation>(below: Below, order: Order, size: Option<i32>, shape: Shape) -> Option<Self> {
        Some(Self(Inner::Rows {
            table: T::NAME,
            below,
            window: Window::first(order, size).ok()?,
            shape,
        }))
    }

    /// The row of another table that a column of `T` names, which must be there. None where rows below that one are asked for: siblings
    /// have it in common, and each would read them anew.
    pub fn parent<T: Relation, P: Relation>(column: Columns, shape: Shape) -> Option<Self> {
        if shape.below {
            return None;
        }
        Some(Self(Inner::Parent {
            table: P::NAME,
            column: T::COLUMNS.get(column.only()?)?,
            shape,
        }))
    }

    /// The shape within it, whether that is a statement, and whether it reads rows below.
    const fn within(&self) -> Option<(&Shape, bool, bool)> {
        match &self.0 {
            Inner::Word(_) | Inner::Column { .. } => None,
            Inner::Object { shape, .. } => Some((shape, false, false)),
            Inner::Parent { shape, .. } => Some((shape, true, false)),
            Inner::First { shape, .. } | Inner::Rows { shape, .. } => Some((shape, true, true)),
        }
    }
}

fn is_word(word: &str) -> bool {
    !word.is_empty() && word.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'_')
}

impl Shape {
    /// Whether it has a member of this name.
    pub fn has(&self, name: &str) -> bool {
        self.members.iter().any(|(other, _)| other == name)
    }

    /// Adds a member; none for a name that is no word, for what lies too deep, and where the whole is too much for one statement.
    pub fn add(&mut self, name: &str, member: Part) -> Option<()> {
        if let Some((shape, statement, below)) = member.within() {
            self.depth = self.depth.max(shape.depth + usize::from(statement));
            self.statements += shape.statements + usize::from(statement);
            self.below |= shape.below || below;
        }
        self.members.push((name.to_owned(), member));
        let fits = self.depth <= Sql::DEEPEST && self.statements <= MOST_STATEMENTS;
        (is_word(name) && fits).then_some(())
    }

    /// Whether the whole is too long for one statement.
    pub fn is_too_long(&self) -> bool {
        let mut sql = Sql::new("");
        self.write(&mut sql);
        sql.len() > LONGEST
    }

    /// Writes the expression for the row of the table that is read here.
    pub(crate) fn write(&self, sql: &mut Sql) {
        let mut pieces = Pieces::new(sql);
        pieces.object(self);
        pieces.end();
    }
}

/// A concatenation in the making. What is the same for every row is held back until something else comes.
struct Pieces<'s> {
    sql: &'s mut Sql,
    plain: String,
    /// Where it begins in the text, and each of its pieces.
    start: usize,
    begins: Vec<usize>,
}

impl<'s> Pieces<'s> {
    fn new(sql: &'s mut Sql) -> Self {
        Self {
            start: sql.len(),
            sql,
            plain: String::with_capacity(128),
            begins: Vec::with_capacity(16),
        }
    }

    /// The next piece is an expression.
    fn expression(&mut self) -> &mut Sql {
        if !self.plain.is_empty() {
            self.plain();
        }
        self.begins.push(self.sql.len());
        self.sql
    }

    /// Words and punctuation of JSON: nothing that would end a literal.
    fn plain(&mut self) {
        self.begins.push(self.sql.len());
        self.sql.push("'").push(&self.plain).push("'");
        self.plain.clear();
    }

    /// In halves of halves: one after the other, each piece would copy all that came before it, and a row keeps all copies.
    fn end(mut self) {
        self.plain();
        let written = self.sql.take(self.start);
        let begins: Vec<usize> = self.begins.iter().map(|at| at - self.start).collect();
        let ends = begins.iter().skip(1).copied().chain([written.len()]);
        let pieces: Vec<&str> = begins.iter().zip(ends).map(|(from, to)| &written[*from..to]).collect();
        halves(self.sql, &pieces);
    }

    fn object(&mut self, shape: &Shape) {
        self.plain.push('{');
        for (at, (name, member)) in shape.members.iter().enumerate() {
            let comma = if at > 0 { "," } else { "" };
            // Writing to a string cannot fail.
            let _ = write!(self.plain, "{comma}\"{name}\":");
            self.member(&member.0);
        }
        self.plain.push('}');
    }

    fn member(&mut self, part: &Inner) {
        match part {
            Inner::Word(word) => {
                let _ = write!(self.plain, "\"{word}\"");
            }
            Inner::Column { name, kind, nullable } => self.column(name, *kind, *nullable),
            Inner::Object { unless, shape } if unless.is_empty() => self.object(shape),
            Inner::Object { unless, shape } => {
                let sql = self.expression();
                sql.push("case when ");
                for (at, column) in unless.iter().enumerate() {
                    sql.push(if at > 0 { " and " } else { "" })
                        .column(column)
                        .push(" is not null");
                }
                sql.push(" then ");
                shape.write(sql);
                sql.push(" else 'null' end");
            }
            Inner::First {
                table,
                below,
                window,
                shape,
            } => {
                let sql = self.expression();
                let parent = format!("{}.id", sql.table());
                sql.push("coalesce((select ");
                sql.within(|sql| {
                    present(sql, shape);
                    from(sql, table);
                    window.below(sql, *below, &parent);
                });
                sql.push("), 'null')");
            }
            Inner::Rows {
                table,
                below,
                window,
                shape,
            } => {
                self.plain.push('[');
                let sql = self.expression();
                let parent = format!("{}.id", sql.table());
                sql.push("coalesce((select string_agg(json, ',') from (select ");
                sql.within(|sql| {
                    present(sql, shape);
                    sql.push(" as json");
                    from(sql, table);
                    window.below(sql, *below, &parent);
                });
                sql.push(") rows), '')");
                self.plain.push(']');
            }
            Inner::Parent { table, column, shape } => {
                let sql = self.expression();
                let own = format!("{}.{column}", sql.table());
                sql.push("coalesce((select ");
                sql.within(|sql| {
                    shape.write(sql);
                    from(sql, table);
                    sql.push(" where ").column("id").push(" = ").push(&own);
                });
                sql.push("), chr(1))");
            }
        }
    }

    /// As the schema's scalars show it: numbers bare, exact and large ones as texts, enumerations in capitals, instants in UTC with
    /// as many places as they need, in threes.
    fn column(&mut self, name: &str, kind: Kind, nullable: bool) {
        let quoted = matches!(
            kind,
            Kind::Closed | Kind::Id | Kind::BigInt | Kind::Decimal | Kind::Instant
        );
        let quote = if quoted { "\"" } else { "" };
        if !nullable {
            self.plain.push_str(quote);
        }
        let sql = self.expression();
        if nullable {
            sql.push("coalesce(");
            if quoted {
                sql.push("'\"' || ");
            }
        }
        match kind {
            Kind::Text => {
                sql.push("to_json(").column(name).push(")::text");
            }
            // A database may have a language whose capitals are others.
            Kind::Closed => {
                sql.push("upper(").column(name).push(" collate \"C\")");
            }
            Kind::Id | Kind::Truth | Kind::Int | Kind::BigInt | Kind::Decimal => {
                sql.column(name).push("::text");
            }
            // JSON has no other numbers.
            Kind::Float => {
                sql.push("case when abs(").column(name).push(") < 'infinity' then ");
                sql.column(name).push("::text else 'null' end");
            }
            Kind::Instant => {
                sql.push("case ");
                for (unit, places) in [("second", ""), ("milliseconds", ".MS")] {
                    sql.push("when date_trunc('")
                        .push(unit)
                        .push("', ")
                        .column(name)
                        .push(") = ");
                    sql.column(name).push(" then ");
                    instant(sql, name, places);
                    sql.push(" ");
                }
                sql.push("else ");
                instant(sql, name, ".US");
                sql.push(" end");
            }
        }
        if nullable {
            if quoted {
                sql.push(" || '\"'");
            }
            sql.push(", 'null')");
        } else {
            self.plain.push_str(quote);
        }
    }
}

fn halves(sql: &mut Sql, pieces: &[&str]) {
    match pieces {
        [] => {}
        [piece] => {
            sql.push(piece);
        }
        several => {
            let (left, right) = several.split_at(several.len().div_ceil(2));
            sql.push("(");
            halves(sql, left);
            sql.push(" || ");
            halves(sql, right);
            sql.push(")");
        }
    }
}

/// An object within another: what should not be null is told from a row that is not there.
fn present(sql: &mut Sql, shape: &Shape) {
    sql.push("coalesce(");
    shape.write(sql);
    sql.push(", chr(1))");
}

fn from(sql: &mut Sql, table: &str) {
    let short = sql.table();
    sql.push(" from ").push(table).push(" ").push(short);
}

fn instant(sql: &mut Sql, name: &str, places: &str) {
    sql.push("to_char(")
        .column(name)
        .push(" at time zone 'utc', 'YYYY-MM-DD\"T\"HH24:MI:SS");
    sql.push(places).push("\"Z\"')");
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::analysis_result;
    use crate::cost_analysis::{self, Table};

    #[test]
    fn what_is_the_same_for_every_row_is_one_piece() {
        let mut money = Shape::default();
        money
            .add("amount", Part::column::<Table>(Table::ANNUAL_SAVINGS).unwrap())
            .unwrap();
        let mut shape = Shape::default();
        shape.add("__typename", Part::word("CostAnalysis").unwrap()).unwrap();
        shape.add("id", Part::column::<Table>(Table::ID).unwrap()).unwrap();
        let unless = [Table::ANNUAL_SAVINGS, Table::CURRENCY];
        shape
            .add("worth", Part::object::<Table>(&unless, money).unwrap())
            .unwrap();
        let mut sql = Sql::new("");
        shape.write(&mut sql);
        assert_eq!(
            sql.text(),
            "((('{\"__typename\":\"CostAnalysis\",\"id\":\"' || t.id::text) || '\",\"worth\":') || \
             (case when t.annual_savings is not null and t.currency is not null then \
             (('{\"amount\":' || coalesce('\"' || t.annual_savings::text || '\"', 'null')) || '}') else 'null' end || '}'))"
        );
    }

    #[test]
    fn what_is_too_much_for_one_statement_is_refused() {
        let below = |shape| Part::first::<Table>(Below::all("analysis_id"), cost_analysis::order(Vec::new()), shape);
        let mut many = Shape::default();
        for number in 1..=MOST_STATEMENTS + 1 {
            let added = many.add(&format!("a{number}"), below(Shape::default()));
            assert_eq!(added.is_some(), number <= MOST_STATEMENTS, "{number}");
        }
        let mut long = Shape::default();
        assert!(!long.is_too_long());
        long.add(&"a".repeat(LONGEST), Part::word("b").unwrap()).unwrap();
        assert!(long.is_too_long());
        // Rows below a parent are read once for all siblings, by the resolvers.
        let parent = |shape| Part::parent::<Table, analysis_result::Table>(Table::ANALYSIS_ID, shape);
        let mut other = Shape::default();
        other.add("a", parent(Shape::default()).unwrap()).unwrap();
        assert!(parent(other.clone()).is_some());
        let mut within = Shape::default();
        other.add("b", below(Shape::default())).unwrap();
        within.add("c", Part::object::<Table>(&[], other).unwrap()).unwrap();
        assert_eq!(parent(within), None);
    }

    #[test]
    fn what_is_no_word_or_lies_too_deep_is_refused() {
        assert_eq!(Part::word("a'b"), None);
        assert_eq!(Shape::default().add("a\"", Part::word("b").unwrap()), None);
        assert_eq!(Part::column::<Table>(Table::ID | Table::CURRENCY), None);
        assert_eq!(Part::column::<Table>(Table::ASSUMPTIONS), None);
        let mut shape = Shape::default();
        for depth in 0..=Sql::DEEPEST + 1 {
            let mut outer = Shape::default();
            let member = Part::first::<Table>(Below::all("analysis_id"), cost_analysis::order(Vec::new()), shape);
            assert_eq!(outer.add("a", member).is_some(), depth < Sql::DEEPEST, "{depth}");
            shape = outer;
        }
    }
}
