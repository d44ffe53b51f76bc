//! The statements that read: rows by their ids, one page, the pages below many parents, and how many there are.

use std::collections::HashMap;
use std::sync::Arc;

use sqlx::postgres::PgRow;
use uuid::Uuid;

use super::{Below, Filter, Page, Window};
use crate::db::Scope;
use crate::error::Result;
use crate::row::{Columns, Decode, Relation, Row, Wanted};
use crate::sql::Sql;

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
