//! Connections, and the way from a field's selection to the columns that travel.

use std::borrow::Cow;
use std::sync::Arc;

use async_graphql::{Context, Enum, ID, InputObject, Object, SelectionField, SimpleObject, TypeName};
use axum::body::Bytes;
use futures::FutureExt as _;
use futures::future::BoxFuture;
use service::db::{Reader, Scope};
use service::page::{self, Arguments, Below, Direction, Order, Page, Window};
use service::row::{Columns, Relation, Row, Wanted};
use service::shape::{Part, Shape};
use uuid::Uuid;

use super::at_once::{AtHand, AtOnce};
use super::context::Read;
use super::error::{Failure, Result};
use super::loader::{ById, ByParent, Child, CountOf, Loadable, Want};
use super::scalar::DateTime;
use super::written::{Plain, Related, shape, shape_of_nodes};

/// Which way a list is ordered.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Enum)]
pub enum OrderDirection {
    /// Smallest, oldest or first in the alphabet first; without a value last.
    Asc,
    /// Largest, newest or last in the alphabet first; without a value last.
    Desc,
}

impl From<OrderDirection> for Direction {
    fn from(direction: OrderDirection) -> Self {
        match direction {
            OrderDirection::Asc => Self::Ascending,
            OrderDirection::Desc => Self::Descending,
        }
    }
}

/// A range of instants; what is left out does not bound.
#[derive(Debug, Clone, Copy, Default, InputObject)]
pub struct DateTimeRange {
    /// At or after this instant.
    pub from: Option<DateTime>,
    /// Before this instant.
    pub to: Option<DateTime>,
}

impl From<DateTimeRange> for page::Range {
    fn from(range: DateTimeRange) -> Self {
        Self {
            from: range.from.map(|at| at.0),
            to: range.to.map(|at| at.0),
        }
    }
}

/// A range that may be left out.
pub fn range(range: Option<DateTimeRange>) -> page::Range {
    range.unwrap_or_default().into()
}

/// An object that is a row.
pub trait RowObject: AtHand + 'static {
    /// The row's table.
    type Table: Relation;

    /// A field that shows what its columns hold; none for any other.
    fn plain(_field: &str) -> Option<Plain> {
        None
    }

    /// A field that answers with rows of other tables, for the database to write; none where that cannot be.
    fn related(_field: &Related<'_>) -> Option<Part> {
        None
    }

    /// The columns that a field needs which is not plain.
    fn columns(field: &str) -> Columns;

    /// The object of a row.
    fn of(read: &Read, row: Arc<Row<Self::Table>>) -> Self;
}

/// The columns that a field's selection needs of the object that it answers with.
pub fn asked<O: RowObject>(field: SelectionField<'_>) -> Columns {
    field.selection_set().fold(Columns::NONE, |columns, inner| {
        let name = inner.name();
        columns | O::plain(name).map_or_else(|| O::columns(name), Plain::columns)
    })
}

/// What the database writes, and else the columns that are needed.
fn wanted(shape: Option<Arc<Shape>>, columns: impl FnOnce() -> Columns) -> Wanted {
    match shape {
        Some(_) => Wanted {
            columns: Columns::NONE,
            shape,
        },
        None => columns().into(),
    }
}

/// The same for a field that answers with a connection.
fn asked_of_nodes<O: RowObject>(field: SelectionField<'_>) -> Columns {
    field
        .selection_set()
        .fold(Columns::NONE, |columns, inner| match inner.name() {
            "nodes" => columns | asked::<O>(inner),
            "edges" => inner
                .selection_set()
                .filter(|edge| edge.name() == "node")
                .fold(columns, |columns, node| columns | asked::<O>(node)),
            _ => columns,
        })
}

/// The object with this id, if the caller may see it.
///
/// # Errors
/// Those of the load.
pub async fn find<O: RowObject<Table: Loadable>>(
    ctx: &Context<'_>,
    read: &Read,
    id: impl Into<Uuid>,
) -> Result<Option<O>> {
    let row = read
        .get(ById::<O::Table>::new(id.into(), asked::<O>(ctx.field())))
        .await?;
    Ok(row.map(|row| O::of(read, row)))
}

/// The object with this id.
///
/// # Errors
/// `NOT_FOUND`, and those of the load.
pub async fn get<O: RowObject<Table: Loadable>>(ctx: &Context<'_>, read: &Read, id: impl Into<Uuid>) -> Result<O> {
    let found = find(ctx, read, id).await?;
    found.ok_or_else(|| {
        service::Error::NotFound {
            what: <O::Table as Relation>::NOUN,
        }
        .into()
    })
}

/// An argument that is an id; what is none of any row is refused with the argument's name.
///
/// # Errors
/// `BAD_USER_INPUT`.
pub fn id<T: for<'a> TryFrom<&'a ID, Error = domain::id::InvalidId>>(id: &ID, field: &str) -> Result<T> {
    T::try_from(id).map_err(|invalid| Failure::from(invalid).field(field))
}

/// As [`id`], for one that may be left out.
///
/// # Errors
/// As [`id`].
pub fn optional_id<T: for<'a> TryFrom<&'a ID, Error = domain::id::InvalidId>>(
    given: Option<&ID>,
    field: &str,
) -> Result<Option<T>> {
    given.map(|given| id(given, field)).transpose()
}

/// Where a page of a long list stands.
#[derive(Debug, Clone, SimpleObject)]
pub struct PageInfo {
    /// Whether rows follow the last one of this page. Going backward, true wherever `before` is given: the row of that cursor
    /// follows, unless it was erased since.
    pub has_next_page: bool,
    /// Whether rows come before the first one of this page. Going forward, true wherever `after` is given: the row of that cursor
    /// comes before, unless it was erased since.
    pub has_previous_page: bool,
    /// The place of the first row, for `before`; null on an empty page.
    pub start_cursor: Option<String>,
    /// The place of the last row, for `after`; null on an empty page.
    pub end_cursor: Option<String>,
}

type Count = Box<dyn Fn(Read) -> BoxFuture<'static, Result<i64>> + Send + Sync>;

/// A page of a list.
pub struct Connection<O: RowObject> {
    read: Read,
    page: Arc<Page<O::Table>>,
    /// How the rows of the whole list are counted, if somebody asks.
    count: Count,
}

/// One row and its place in the list.
pub struct Edge<O: RowObject> {
    read: Read,
    page: Arc<Page<O::Table>>,
    row: Arc<Row<O::Table>>,
}

/// Whether a connection's selection needs its rows, and not only their number.
fn needs_rows(field: SelectionField<'_>) -> bool {
    field
        .selection_set()
        .any(|inner| matches!(inner.name(), "nodes" | "edges" | "pageInfo"))
}

impl<O: RowObject> Connection<O> {
    /// A page of a list of the organization: `list` reads it, `count` counts the whole.
    ///
    /// # Errors
    /// `BAD_USER_INPUT` for arguments that are no page; those of the load.
    pub async fn list<L, C>(
        ctx: &Context<'_>,
        read: &Read,
        order: Order,
        arguments: Arguments,
        list: L,
        count: C,
    ) -> Result<Self>
    where
        L: AsyncFnOnce(&Scope, &Wanted, &Arc<Window>) -> service::Result<Page<O::Table>>,
        C: Fn(Reader) -> BoxFuture<'static, service::Result<i64>> + Send + Sync + 'static,
    {
        let window = Arc::new(Window::new(order, &arguments)?);
        let field = ctx.field();
        let page = if needs_rows(field) {
            let wanted = wanted(shape_of_nodes::<O>(ctx, read), || asked_of_nodes::<O>(field));
            read.load(async |scope: &Scope| list(scope, &wanted, &window).await)
                .await?
        } else {
            Page::empty(window)
        };
        Ok(Self {
            read: read.clone(),
            page: Arc::new(page),
            count: Box::new(move |read| {
                let counted = count(read.reader().clone());
                async move { counted.await.map_err(|error| read.fault_log().failure(&error)) }.boxed()
            }),
        })
    }

    /// A page of the rows below a parent, loaded together with those of its siblings.
    ///
    /// # Errors
    /// As [`Connection::list`].
    pub async fn below(
        ctx: &Context<'_>,
        read: &Read,
        parent: impl Into<Uuid>,
        below: Below,
        order: Order,
        arguments: Arguments,
    ) -> Result<Self>
    where
        O::Table: Child,
    {
        let parent = parent.into();
        let window = Arc::new(Window::new(order, &arguments)?);
        let field = ctx.field();
        let page = if needs_rows(field) {
            let want = Want {
                below,
                window: Arc::clone(&window),
                wanted: wanted(shape_of_nodes::<O>(ctx, read), || asked_of_nodes::<O>(field)),
            };
            read.get(ByParent::<O::Table>::new(parent, want)).await?
        } else {
            None
        };
        Ok(Self {
            read: read.clone(),
            page: Arc::new(page.unwrap_or_else(|| Page::empty(window))),
            count: Box::new(move |read| {
                async move { Ok(read.get(CountOf::<O::Table>::new(parent, below)).await?.unwrap_or(0)) }.boxed()
            }),
        })
    }
}

/// The first row below a parent in an order, loaded together with those of its siblings.
///
/// # Errors
/// Those of the load.
pub async fn newest<O: RowObject<Table: Child>>(
    ctx: &Context<'_>,
    read: &Read,
    parent: impl Into<Uuid>,
    below: Below,
    order: Order,
) -> Result<Option<AtOnce<O>>> {
    let want = Want {
        below,
        window: Arc::new(Window::newest(order)),
        wanted: wanted(shape::<O>(ctx, read), || asked::<O>(ctx.field())),
    };
    let page = read.get(ByParent::<O::Table>::new(parent.into(), want)).await?;
    page.and_then(|page| page.rows.into_iter().next())
        .map(|row| of_row(read, row))
        .transpose()
}

/// The object of a row, as it was asked for.
fn of_row<O: RowObject>(read: &Read, row: Arc<Row<O::Table>>) -> Result<AtOnce<O>> {
    Ok(match row.json()? {
        Some(json) => AtOnce::Written(Bytes::copy_from_slice(json.as_bytes())),
        None => AtOnce::Object(O::of(read, row)),
    })
}

/// All rows below a parent, of a list that is short by its nature, loaded together with those of its siblings.
///
/// # Errors
/// Those of the load.
pub async fn whole<O: RowObject<Table: Child>>(
    ctx: &Context<'_>,
    read: &Read,
    parent: impl Into<Uuid>,
    below: Below,
    order: Order,
) -> Result<Vec<O>> {
    let want = Want {
        below,
        window: Arc::new(Window::whole(order)),
        wanted: asked::<O>(ctx.field()).into(),
    };
    let page = read.get(ByParent::<O::Table>::new(parent.into(), want)).await?;
    Ok(page
        .map(|page| page.rows)
        .unwrap_or_default()
        .into_iter()
        .map(|row| O::of(read, row))
        .collect())
}

/// A page of a list: its rows, where it stands, and how long the whole list is.
#[Object(name_type)]
impl<O: RowObject> Connection<O> {
    /// The rows with their places.
    fn edges(&self) -> Vec<Edge<O>> {
        let edge = |row: &Arc<Row<O::Table>>| Edge {
            read: self.read.clone(),
            page: Arc::clone(&self.page),
            row: Arc::clone(row),
        };
        self.page.rows.iter().map(edge).collect()
    }

    /// The rows without their places.
    fn nodes(&self) -> Result<Vec<AtOnce<O>>> {
        let rows = self.page.rows.iter();
        rows.map(|row| of_row(&self.read, Arc::clone(row))).collect()
    }

    /// Where this page stands in the list.
    fn page_info(&self) -> Result<PageInfo> {
        let cursor = |row: Option<&Arc<Row<O::Table>>>| row.map(|row| self.page.cursor(row)).transpose();
        Ok(PageInfo {
            has_next_page: self.page.has_next(),
            has_previous_page: self.page.has_previous(),
            start_cursor: cursor(self.page.rows.first())?,
            end_cursor: cursor(self.page.rows.last())?,
        })
    }

    /// How many rows the whole list has, whatever the page; counted only when asked for.
    async fn total_count(&self) -> Result<i64> {
        (self.count)(self.read.clone()).await
    }
}

/// A row of a list and its place.
#[Object(name_type)]
impl<O: RowObject> Edge<O> {
    /// The place in the list, for `after` and `before`.
    fn cursor(&self) -> Result<String> {
        Ok(self.page.cursor(&self.row)?)
    }

    /// The row.
    fn node(&self) -> AtOnce<O> {
        AtOnce::new(O::of(&self.read, Arc::clone(&self.row)))
    }
}

impl<O: RowObject> TypeName for Connection<O> {
    fn type_name() -> Cow<'static, str> {
        format!("{}Connection", O::type_name()).into()
    }
}

impl<O: RowObject> TypeName for Edge<O> {
    fn type_name() -> Cow<'static, str> {
        format!("{}Edge", O::type_name()).into()
    }
}

/// The arguments of a page as a use case takes them.
pub const fn arguments(
    first: Option<i32>,
    after: Option<String>,
    last: Option<i32>,
    before: Option<String>,
) -> Arguments {
    Arguments {
        first,
        after,
        last,
        before,
    }
}
