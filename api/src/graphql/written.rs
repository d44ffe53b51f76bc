//! Selections that the database writes by itself: rows, and what lies below them, as one JSON text of one statement.
//!
//! A list of rows with their children is some hundred objects that would be loaded, resolved and written one by one, in a statement for
//! each kind. Where nothing in a selection needs more than the rights to its rows, the database can write it. Only known queries take
//! this way, and only where no part of the answer is put together of two ([`Unmerged`]); what is not listed here as plain or as a
//! relation, arguments that cannot be, directives, rows that are not there: all that is left to the resolvers, who say what is wrong.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};

use async_graphql::parser::types::Field;
use async_graphql::{Context, ContextSelectionSet, ID, InputType, OutputType as _, Positioned, Value};
use service::page::{Below, Order};
use service::row::{Columns, Relation, Row, Single};
use service::shape::{Part, Shape};

use super::at_once::{Asked, Directives, each, scalar};
use super::context::Read;
use super::page::{Connection, RowObject};
use super::scalar::{Amount, BigInt, DateTime, Decimal, Money};
use crate::http::engine::Unmerged;

/// A field that shows what columns of the object's own row hold, and nothing else.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Plain {
    /// The value of a column.
    Column(Columns),
    /// An amount and its currency; null where one of both is.
    Money(Columns, Columns),
}

impl Plain {
    /// The columns that it needs.
    pub const fn columns(self) -> Columns {
        match self {
            Self::Column(column) => column,
            Self::Money(amount, currency) => amount.and(currency),
        }
    }

    /// Its value, from a row; none where that cannot be told.
    pub fn at_hand<T: Relation>(self, row: &Row<T>, asked: &Asked<'_>) -> Option<Value> {
        match self {
            Self::Column(column) => Some(row.single(column).ok()?.map_or(Value::Null, shown)),
            Self::Money(amount, currency) => {
                let money = match (row.single(amount).ok()?, row.single(currency).ok()?) {
                    (Some(Single::Decimal(amount)), Some(Single::Text(currency))) => Some(Money::of(amount, currency)),
                    (None, _) | (_, None) => None,
                    _ => return None,
                };
                asked.object_or_null(money.as_ref())
            }
        }
    }

    /// The same, for the database to write.
    fn member<O: RowObject>(self, field: &Context<'_>) -> Option<Part> {
        let (amount, currency) = match self {
            Self::Column(column) => return Part::column::<O::Table>(column),
            Self::Money(amount, currency) => (amount, currency),
        };
        let mut money = Shape::default();
        members(&selection(field), &Amount::type_name(), &mut money, &mut |field| {
            Part::column::<O::Table>(match field.item.node.name.node.as_str() {
                "amount" => amount,
                "currency" => currency,
                _ => return None,
            })
        })?;
        Part::object::<O::Table>(&[amount, currency], money)
    }
}

/// A value of a column as the schema shows it.
fn shown(single: Single<'_>) -> Value {
    match single {
        Single::Text(text) => text.into(),
        Single::Closed(text) => Value::Enum(async_graphql::Name::new(text.to_ascii_uppercase())),
        Single::Id(id) => ID::from(id).to_value(),
        Single::Truth(truth) => truth.into(),
        Single::Int(number) => number.into(),
        Single::BigInt(number) => BigInt(number).to_value(),
        Single::Float(number) => scalar(Some(number)),
        Single::Decimal(number) => Decimal(number).to_value(),
        Single::Instant(at) => DateTime(at).to_value(),
    }
}

/// A field that answers with another row, or with rows.
pub struct Related<'a>(&'a Context<'a>);

impl Related<'_> {
    /// Its name in the schema.
    pub fn field(&self) -> &str {
        &self.0.item.node.name.node
    }

    /// An argument that may be left out; none where it is not what it should be.
    pub fn argument<T: InputType>(&self, name: &str) -> Option<Option<T>> {
        let (_, value) = self.0.param_value::<Option<T>>(name, None).ok()?;
        Some(value)
    }

    /// The first row below in an order, or null.
    pub fn first<O: RowObject>(&self, below: Below, order: Order) -> Option<Part> {
        Some(Part::first::<O::Table>(below, order, of::<O>(&selection(self.0))?))
    }

    /// A page of the rows below, without cursors.
    pub fn page<O: RowObject>(&self, below: Below, order: &Order) -> Option<Part> {
        let elsewhere = self.argument::<String>("after")?.is_some()
            || self.argument::<i32>("last")?.is_some()
            || self.argument::<String>("before")?.is_some();
        if elsewhere {
            return None;
        }
        let size = self.argument::<i32>("first")?;
        let mut page = Shape::default();
        members(
            &selection(self.0),
            &Connection::<O>::type_name(),
            &mut page,
            &mut |field| match field.item.node.name.node.as_str() {
                "nodes" => Part::rows::<O::Table>(below, order.clone(), size, of::<O>(&selection(field))?),
                _ => None,
            },
        )?;
        Part::object::<O::Table>(&[], page)
    }

    /// The row that a column of `T` names.
    pub fn parent<T: Relation, O: RowObject>(&self, column: Columns) -> Option<Part> {
        Part::parent::<T, O::Table>(column, of::<O>(&selection(self.0))?)
    }
}

fn selection<'a>(field: &Context<'a>) -> ContextSelectionSet<'a> {
    field.with_selection_set(&field.item.node.selection_set)
}

/// The selection of an object; none where something in it has to be resolved.
fn of<O: RowObject>(ctx: &ContextSelectionSet<'_>) -> Option<Shape> {
    let mut shape = Shape::default();
    members(
        ctx,
        &O::type_name(),
        &mut shape,
        &mut |field| match O::plain(&field.item.node.name.node) {
            Some(plain) => plain.member::<O>(field),
            None => O::related(&Related(field)),
        },
    )?;
    Some(shape)
}

/// Adds the members of an object of this type.
fn members(
    ctx: &ContextSelectionSet<'_>,
    name: &str,
    shape: &mut Shape,
    member: &mut dyn FnMut(&Context<'_>) -> Option<Part>,
) -> Option<()> {
    each(ctx, name, &ctx.item.node, Directives::Refused, &mut |field| {
        let key = field.node.response_key().node.as_str();
        if shape.has(key) {
            // The same once more, of which there is nothing to be merged.
            return field.node.selection_set.node.items.is_empty().then_some(());
        }
        let member = match field.node.name.node.as_str() {
            "__typename" => Part::word(name)?,
            _ => member(&ctx.with_field(field))?,
        };
        shape.add(key, member)
    })
}

/// The shapes of one operation, by the place of their field in its document: the siblings of a list ask for the same.
#[derive(Default)]
pub struct Shapes(Mutex<HashMap<usize, Option<Arc<Shape>>>>);

impl Shapes {
    fn find(&self, field: &Positioned<Field>, shape: impl FnOnce() -> Option<Shape>) -> Option<Arc<Shape>> {
        let mut shapes = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let shape = shapes
            .entry(std::ptr::from_ref(field).addr())
            .or_insert_with(|| shape().filter(|shape| !shape.is_too_long()).map(Arc::new));
        shape.clone()
    }
}

/// What the database writes of the objects that a field answers with; none where that cannot be.
pub fn shape<O: RowObject>(ctx: &Context<'_>, read: &Read) -> Option<Arc<Shape>> {
    ctx.data_opt::<Unmerged>()?;
    read.shapes().find(ctx.item, || of::<O>(&selection(ctx)))
}

/// The same for the nodes of a field that answers with a connection.
pub fn shape_of_nodes<O: RowObject>(ctx: &Context<'_>, read: &Read) -> Option<Arc<Shape>> {
    ctx.data_opt::<Unmerged>()?;
    read.shapes().find(ctx.item, || {
        let selection = selection(ctx);
        let mut nodes = None;
        each(
            &selection,
            &Connection::<O>::type_name(),
            &selection.item.node,
            Directives::Refused,
            &mut |field| match field.node.name.node.as_str() {
                "nodes" => nodes.replace(field).is_none().then_some(()),
                "edges" => None,
                _ => Some(()),
            },
        )?;
        of::<O>(&selection.with_selection_set(&nodes?.node.selection_set))
    })
}
