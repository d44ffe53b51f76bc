//! Pages of long lists by keyset: a cursor is a place in an order and stays right while rows come and go, in both directions.
//!
//! A cursor carries its order and the key values of one row. The order always ends with the id, so that no two rows share a
//! place; nulls come last in both directions.

use std::collections::HashMap;
use std::sync::Arc;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use chrono::{DateTime, Utc};
use domain::roi::Priority;
use rust_decimal::Decimal;
use sqlx::postgres::PgRow;
use uuid::Uuid;

use crate::db::Scope;
use crate::error::{Error, Result};
use crate::row::{Columns, Decode, Relation, Row, Wanted};
use crate::sql::Sql;

/// Rows of a page when nobody says how many.
pub const DEFAULT_SIZE: u32 = 20;
/// Rows of a page at most.
pub const MAX_SIZE: u32 = 100;
/// No honest cursor is longer: a title of 300 characters, escaped and encoded, and the rest.
const MAX_CURSOR: usize = 8192;

/// Which way an order runs.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Direction {
    /// Smallest first.
    Ascending,
    /// Largest first.
    Descending,
}

/// How a key's values compare and travel in a cursor.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Kind {
    /// An instant, to the microsecond.
    Instant,
    /// A text, by the database's collation.
    Text,
    /// A floating-point number.
    Float,
    /// A whole number of 32 bits.
    Int,
    /// A whole number of 64 bits.
    BigInt,
    /// An exact number.
    Decimal,
    /// A priority: LOW first, CRITICAL last.
    Priority,
}

/// A column that a list can be ordered by.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Key {
    /// Its name in the database, and in the cursor.
    pub name: &'static str,
    /// Its bit.
    pub column: Columns,
    /// How it compares.
    pub kind: Kind,
    /// Whether it may be null; such rows come last.
    pub nullable: bool,
}

impl Key {
    /// What is compared.
    fn expression(&self, sql: &mut Sql) {
        match self.kind {
            Kind::Priority => {
                sql.push("array_position(array['low', 'medium', 'high', 'critical'], ")
                    .column(self.name)
                    .push(")");
            }
            _ => {
                sql.column(self.name);
            }
        }
    }
}

/// An order: keys with their directions, then the id.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Order {
    noun: &'static str,
    keys: Vec<(Key, Direction)>,
}

impl Order {
    /// The order of a list of this noun by these keys. A key that comes again adds nothing.
    pub fn of(noun: &'static str, keys: impl IntoIterator<Item = (Key, Direction)>) -> Self {
        let mut kept: Vec<(Key, Direction)> = Vec::with_capacity(2);
        for (key, direction) in keys {
            if !kept.iter().any(|(other, _)| other.name == key.name) {
                kept.push((key, direction));
            }
        }
        Self { noun, keys: kept }
    }

    /// The columns that it needs.
    fn columns(&self) -> Columns {
        self.keys
            .iter()
            .fold(Columns::NONE, |columns, (key, _)| columns | key.column)
    }

    /// The id follows the last key, so that an index on both serves.
    fn id_direction(&self) -> Direction {
        self.keys
            .last()
            .map_or(Direction::Descending, |(_, direction)| *direction)
    }

    /// What tells a cursor of this order from any other.
    fn signature(&self) -> String {
        let mut signature = self.noun.to_owned();
        for (key, direction) in &self.keys {
            signature.push(match direction {
                Direction::Ascending => '<',
                Direction::Descending => '>',
            });
            signature.push_str(key.name);
        }
        signature
    }
}

/// A key's value in a cursor; floats by their bits, so that a window can be compared and hashed.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
enum KeyValue {
    Null,
    Instant(DateTime<Utc>),
    Text(String),
    Float(u64),
    Int(i32),
    BigInt(i64),
    Decimal(Decimal),
}

impl KeyValue {
    fn of<T: Relation>(row: &Row<T>, key: &Key) -> Result<Self> {
        let value = match key.kind {
            Kind::Instant => row.get::<Option<DateTime<Utc>>>(key.column)?.map(Self::Instant),
            Kind::Text => row
                .get::<Option<&str>>(key.column)?
                .map(|text| Self::Text(text.to_owned())),
            Kind::Float => row
                .get::<Option<f64>>(key.column)?
                .map(|number| Self::Float(number.to_bits())),
            Kind::Int => row.get::<Option<i32>>(key.column)?.map(Self::Int),
            Kind::BigInt => row.get::<Option<i64>>(key.column)?.map(Self::BigInt),
            Kind::Decimal => row.get::<Option<Decimal>>(key.column)?.map(Self::Decimal),
            Kind::Priority => row
                .get::<Option<Priority>>(key.column)?
                .map(|priority| Self::Int(rank(priority))),
        };
        Ok(value.unwrap_or(Self::Null))
    }

    fn text(&self) -> Option<String> {
        match self {
            Self::Null => None,
            Self::Instant(at) => Some(at.timestamp_micros().to_string()),
            Self::Text(text) => Some(text.clone()),
            Self::Float(bits) => Some(bits.to_string()),
            Self::Int(number) => Some(number.to_string()),
            Self::BigInt(number) => Some(number.to_string()),
            Self::Decimal(number) => Some(number.to_string()),
        }
    }

    fn parse(text: Option<String>, key: &Key) -> Option<Self> {
        let Some(text) = text else {
            return key.nullable.then_some(Self::Null);
        };
        match key.kind {
            Kind::Instant => DateTime::from_timestamp_micros(text.parse().ok()?).map(Self::Instant),
            // PostgreSQL has no text with this character; bound, it would be a fault and not a refusal.
            Kind::Text => (!text.contains('\0')).then_some(Self::Text(text)),
            Kind::Float => text.parse().ok().map(Self::Float),
            Kind::Int | Kind::Priority => text.parse().ok().map(Self::Int),
            Kind::BigInt => text.parse().ok().map(Self::BigInt),
            Kind::Decimal => text.parse().ok().map(Self::Decimal),
        }
    }

    fn bind(&self, sql: &mut Sql) {
        match self {
            Self::Null => {
                sql.push("null");
            }
            Self::Instant(at) => {
                sql.bind(*at);
            }
            Self::Text(text) => {
                sql.bind(text.clone());
            }
            Self::Float(bits) => {
                sql.bind(f64::from_bits(*bits));
            }
            Self::Int(number) => {
                sql.bind(*number);
            }
            Self::BigInt(number) => {
                sql.bind(*number);
            }
            Self::Decimal(number) => {
                sql.bind(*number);
            }
        }
    }
}

/// The place of a priority in `Kind::Priority`'s expression.
const fn rank(priority: Priority) -> i32 {
    priority as i32 + 1
}

/// A place between two rows of an order, in one organization's list.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
struct Cursor {
    values: Vec<KeyValue>,
    id: Uuid,
    tenant: u32,
}

impl Cursor {
    fn of<T: Relation>(order: &Order, row: &Row<T>, tenant: u32) -> Result<Self> {
        let values = order
            .keys
            .iter()
            .map(|(key, _)| KeyValue::of(row, key))
            .collect::<Result<_>>()?;
        Ok(Self {
            values,
            id: row.uuid()?,
            tenant,
        })
    }

    fn encode(&self, order: &Order) -> Result<String> {
        let values: Vec<_> = self.values.iter().map(KeyValue::text).collect();
        let json = serde_json::to_vec(&(order.signature(), values, self.id, self.tenant))
            .map_err(|error| Error::internal(format!("a cursor cannot be written: {error}")))?;
        Ok(URL_SAFE_NO_PAD.encode(json))
    }

    fn decode(text: &str, order: &Order, field: &str) -> Result<Self> {
        let unreadable = || Error::invalid(field, "not a cursor of this list");
        if text.len() > MAX_CURSOR {
            return Err(unreadable());
        }
        let json = URL_SAFE_NO_PAD.decode(text).map_err(|_| unreadable())?;
        let (signature, values, id, tenant): (String, Vec<Option<String>>, Uuid, u32) =
            serde_json::from_slice(&json).map_err(|_| unreadable())?;
        if signature != order.signature() {
            return Err(Error::invalid(field, "a cursor of another list or order"));
        }
        if values.len() != order.keys.len() {
            return Err(unreadable());
        }
        let values = values
            .into_iter()
            .zip(&order.keys)
            .map(|(value, (key, _))| KeyValue::parse(value, key))
            .collect::<Option<_>>()
            .ok_or_else(unreadable)?;
        Ok(Self { values, id, tenant })
    }
}

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
    order: Order,
    after: Option<Cursor>,
    before: Option<Cursor>,
    size: u32,
    backward: bool,
    /// Whether to look for one row more, to know whether there are more.
    peek: bool,
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
    fn tenant(&self, scope: &Scope) -> Result<u32> {
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

    /// Goes on with `and …` for each cursor.
    fn conditions(&self, sql: &mut Sql) {
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
    fn order_and_limit(&self, sql: &mut Sql) {
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
    fn of(mut rows: Vec<Row<T>>, window: &Arc<Window>, tenant: u32) -> Self {
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

/// Adds conditions on the table, whose short name is `t`, each beginning with `and`.
pub(crate) trait Filter: Sync {
    /// Goes on with the conditions.
    fn conditions(&self, sql: &mut Sql);
}

/// Everything.
impl Filter for () {
    fn conditions(&self, _: &mut Sql) {}
}

fn select<T: Relation>(columns: Columns) -> Sql {
    let mut sql = Sql::new("select ");
    columns.write(&mut sql, T::COLUMNS);
    sql
}

/// A row as it came, with what the database wrote of it.
fn row<T: Relation>(row: PgRow, columns: Columns, wanted: &Wanted) -> Row<T> {
    let row = Row::new(row, columns);
    if wanted.shape.is_some() { row.written() } else { row }
}

/// The rows with these ids that the caller may see, in no order.
///
/// # Errors
/// Those of the database.
pub async fn by_ids<T: Relation>(scope: &Scope, ids: &[Uuid], columns: Columns) -> Result<Vec<Row<T>>> {
    let columns = columns | T::ALWAYS;
    let mut sql = select::<T>(columns);
    sql.push(" from ").push(T::NAME).push(" t where t.id = ");
    if let [id] = ids {
        sql.bind(*id);
    } else {
        sql.push("any(").bind(ids.to_vec()).push(")");
    }
    let rows = sql.rows(scope).await?;
    Ok(rows.into_iter().map(|row| Row::new(row, columns)).collect())
}

/// One large JSON column of these rows.
///
/// # Errors
/// Those of the database.
pub async fn documents<T: Relation>(
    scope: &Scope,
    ids: &[Uuid],
    column: Columns,
) -> Result<HashMap<Uuid, Arc<serde_json::Value>>> {
    let mut sql = Sql::new("select t.id, ");
    column.write(&mut sql, T::COLUMNS);
    sql.push(" from ")
        .push(T::NAME)
        .push(" t where t.id = any(")
        .bind(ids.to_vec())
        .push(")");
    let rows = sql.rows(scope).await?;
    rows.iter()
        .map(|row| Ok((Decode::decode(row, 0)?, Arc::new(Decode::decode(row, 1)?))))
        .collect()
}

/// One page of the rows that pass a filter.
pub(crate) async fn list<T: Relation>(
    scope: &Scope,
    wanted: &Wanted,
    filter: &impl Filter,
    window: &Arc<Window>,
) -> Result<Page<T>> {
    let tenant = window.tenant(scope)?;
    let columns = wanted.columns | T::ALWAYS | window.columns();
    let mut sql = select::<T>(columns);
    if let Some(shape) = &wanted.shape {
        sql.push(", ");
        shape.write(&mut sql);
    }
    sql.push(" from ").push(T::NAME).push(" t where true");
    filter.conditions(&mut sql);
    window.conditions(&mut sql);
    window.order_and_limit(&mut sql);
    let rows = sql.rows(scope).await?;
    Ok(Page::of(
        rows.into_iter().map(|driver| row(driver, columns, wanted)).collect(),
        window,
        tenant,
    ))
}

/// How many rows pass a filter.
pub(crate) async fn count<T: Relation>(scope: &Scope, filter: &impl Filter) -> Result<i64> {
    let mut sql = Sql::new("select count(*) from ");
    sql.push(T::NAME).push(" t where true");
    filter.conditions(&mut sql);
    match sql.row(scope).await? {
        Some(row) => Decode::decode(&row, 0),
        None => Ok(0),
    }
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

/// One page of the rows below each of these parents, in one statement for all of them. A parent without rows is absent.
///
/// # Errors
/// Those of the database.
pub async fn pages<T: Relation>(
    scope: &Scope,
    below: Below,
    parents: &[Uuid],
    wanted: &Wanted,
    window: &Arc<Window>,
) -> Result<HashMap<Uuid, Page<T>>> {
    let tenant = window.tenant(scope)?;
    let columns = wanted.columns | T::ALWAYS | window.columns();
    let mut sql = select::<T>(columns);
    if wanted.shape.is_some() {
        sql.push(", t.json");
    }
    // The rows of each parent come together and in their order: a lateral join runs parent by parent.
    sql.push(", p.id from unnest(")
        .bind(parents.to_vec())
        .push("::uuid[]) p(id) cross join lateral (select ");
    columns.write(&mut sql, T::COLUMNS);
    if let Some(shape) = &wanted.shape {
        sql.push(", ");
        shape.write(&mut sql);
        sql.push(" as json");
    }
    sql.push(" from ").push(T::NAME).push(" t");
    window.below(&mut sql, below, "p.id");
    sql.push(") t");
    let mut found: HashMap<Uuid, Vec<Row<T>>> = HashMap::with_capacity(parents.len());
    for driver in sql.rows(scope).await? {
        let row = row::<T>(driver, columns, wanted);
        found.entry(row.extra(0)?).or_default().push(row);
    }
    Ok(found
        .into_iter()
        .map(|(parent, rows)| (parent, Page::of(rows, window, tenant)))
        .collect())
}

/// How many rows there are below each of these parents. A parent without rows is absent.
///
/// # Errors
/// Those of the database.
pub async fn counts<T: Relation>(scope: &Scope, below: Below, parents: &[Uuid]) -> Result<HashMap<Uuid, i64>> {
    let mut sql = Sql::new("select t.");
    sql.push(below.column)
        .push(", count(*) from ")
        .push(T::NAME)
        .push(" t where t.")
        .push(below.column)
        .push(" = any(")
        .bind(parents.to_vec())
        .push(")");
    below.conditions(&mut sql);
    sql.push(" group by 1");
    let rows = sql.rows(scope).await?;
    rows.iter()
        .map(|row| Ok((Decode::decode(row, 0)?, Decode::decode(row, 1)?)))
        .collect()
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
