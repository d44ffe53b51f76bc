//! Objects whose fields are at hand, written at once.
//!
//! async-graphql makes a future for each field, and one more for each extension that looks at it. Lists have hundreds of fields, events
//! thousands of readers, and most fields wait for nothing: such a selection is written here in one go, and where an object has both, only
//! what waits is resolved. What fails or is not known here is left to async-graphql, the whole object with it, so there is one meaning and
//! one way to tell a fault.

use std::borrow::Cow;

use async_graphql::indexmap::IndexMap;
use async_graphql::parser::types::{Field, Selection, SelectionSet, TypeCondition};
use async_graphql::registry::Registry;
use async_graphql::resolver_utils::ContainerType;
use async_graphql::{ContextSelectionSet, Name, OutputType, Positioned, ScalarType, ServerResult, Value};
use futures::future::try_join_all;

use crate::http::engine::Bare;

/// An object that may have some of its fields at hand.
pub trait AtHand: ContainerType + OutputType {
    /// The value of a field; none where it has to wait, cannot be told or is not known here.
    fn at_hand(&self, _asked: &Asked<'_>) -> Option<Value> {
        None
    }
}

/// A field that is asked for.
pub struct Asked<'a> {
    ctx: &'a ContextSelectionSet<'a>,
    field: &'a Field,
}

impl Asked<'_> {
    /// Its name in the schema.
    pub fn field(&self) -> &str {
        &self.field.name.node
    }

    /// The selection of this field of an object below, which may be missing.
    pub fn object_or_null<T: AtHand>(&self, object: Option<&AtOnce<T>>) -> Option<Value> {
        object.map_or(Some(Value::Null), |object| {
            write(&object.0, self.ctx, &self.field.selection_set.node)
        })
    }
}

/// A scalar that may be missing.
pub fn scalar<T: ScalarType>(scalar: Option<T>) -> Value {
    scalar.map_or(Value::Null, |scalar| scalar.to_value())
}

/// An object that is written at once where its whole selection is at hand.
#[derive(Debug, Clone, PartialEq)]
pub struct AtOnce<T>(T);

impl<T> AtOnce<T> {
    /// This object.
    pub const fn new(object: T) -> Self {
        Self(object)
    }
}

fn write<T: AtHand>(object: &T, ctx: &ContextSelectionSet<'_>, set: &SelectionSet) -> Option<Value> {
    let mut written = IndexMap::with_capacity(set.items.len());
    write_into(object, ctx, set, &mut written)?;
    Some(Value::Object(written))
}

fn write_into<T: AtHand>(
    object: &T,
    ctx: &ContextSelectionSet<'_>,
    set: &SelectionSet,
    written: &mut IndexMap<Name, Value>,
) -> Option<()> {
    for selection in &set.items {
        match &selection.node {
            Selection::Field(field) => {
                let field = &field.node;
                let value = match field.name.node.as_str() {
                    "__typename" => Value::from(T::type_name().into_owned()),
                    _ => object.at_hand(&Asked { ctx, field })?,
                };
                let twice = written.insert(field.response_key().node.clone(), value).is_some();
                // Two selections of an object under one key are to be merged.
                if twice && !field.selection_set.node.items.is_empty() {
                    return None;
                }
            }
            Selection::FragmentSpread(spread) => {
                let fragment = ctx.query_env.fragments.get(&spread.node.fragment_name.node)?;
                applies::<T>(ctx, Some(&fragment.node.type_condition.node))?;
                write_into(object, ctx, &fragment.node.selection_set.node, written)?;
            }
            Selection::InlineFragment(fragment) => {
                let condition = fragment.node.type_condition.as_ref();
                applies::<T>(ctx, condition.map(|condition| &condition.node))?;
                write_into(object, ctx, &fragment.node.selection_set.node, written)?;
            }
        }
    }
    Some(())
}

/// Writes what is at hand and resolves the rest; none where the object is better resolved as a whole: in a schema with something
/// around each field, with a directive at a field that waits, or with a field selected twice.
async fn resolve_what_waits<T: AtHand>(object: &T, ctx: &ContextSelectionSet<'_>) -> Option<ServerResult<Value>> {
    ctx.data_opt::<Bare>()?;
    let set = &ctx.item.node;
    let (mut written, mut waits) = (IndexMap::with_capacity(set.items.len()), Vec::new());
    part(object, ctx, set, &mut written, &mut waits)?;
    let resolved = match waits.as_slice() {
        [(_, field)] => object
            .resolve_field(&ctx.with_field(field))
            .await
            .map(|value| vec![value]),
        several => {
            let fields = several.iter().map(|(_, field)| {
                // Boxed, as async-graphql does: these futures are large.
                Box::pin(async move { object.resolve_field(&ctx.with_field(field)).await })
            });
            try_join_all(fields).await
        }
    };
    Some(resolved.map(|values| {
        for ((name, _), value) in waits.iter().zip(values) {
            written.insert((*name).clone(), value.unwrap_or_default());
        }
        Value::Object(written)
    }))
}

/// Parts a selection into what is at hand and what waits, whose places are kept.
fn part<'a, T: AtHand>(
    object: &T,
    ctx: &ContextSelectionSet<'a>,
    set: &'a SelectionSet,
    written: &mut IndexMap<Name, Value>,
    waits: &mut Vec<(&'a Name, &'a Positioned<Field>)>,
) -> Option<()> {
    for selection in &set.items {
        match &selection.node {
            Selection::Field(field) => {
                let name = &field.node.response_key().node;
                let value = match field.node.name.node.as_str() {
                    "__typename" => Some(Value::from(T::type_name().into_owned())),
                    _ => object.at_hand(&Asked {
                        ctx,
                        field: &field.node,
                    }),
                };
                let value = match value {
                    Some(value) => value,
                    None if field.node.directives.is_empty() => {
                        waits.push((name, field));
                        Value::Null
                    }
                    None => return None,
                };
                if written.insert(name.clone(), value).is_some() {
                    return None;
                }
            }
            Selection::FragmentSpread(spread) => {
                let fragment = ctx.query_env.fragments.get(&spread.node.fragment_name.node)?;
                applies::<T>(ctx, Some(&fragment.node.type_condition.node))?;
                part(object, ctx, &fragment.node.selection_set.node, written, waits)?;
            }
            Selection::InlineFragment(fragment) => {
                let condition = fragment.node.type_condition.as_ref();
                applies::<T>(ctx, condition.map(|condition| &condition.node))?;
                part(object, ctx, &fragment.node.selection_set.node, written, waits)?;
            }
        }
    }
    Some(())
}

/// Whether a fragment is of the object's own type or of an interface that it has; none for another, which may lie within an interface.
fn applies<T: AtHand>(ctx: &ContextSelectionSet<'_>, condition: Option<&TypeCondition>) -> Option<()> {
    let Some(condition) = condition else { return Some(()) };
    let (own, on) = (T::type_name(), condition.on.node.as_str());
    let has = || {
        let implemented = ctx.schema_env.registry.implements.get(own.as_ref());
        implemented.is_some_and(|interfaces| interfaces.contains(on))
    };
    (own == on || has()).then_some(())
}

impl<T: AtHand> OutputType for AtOnce<T> {
    fn type_name() -> Cow<'static, str> {
        T::type_name()
    }

    fn create_type_info(registry: &mut Registry) -> String {
        T::create_type_info(registry)
    }

    async fn resolve(&self, ctx: &ContextSelectionSet<'_>, field: &Positioned<Field>) -> ServerResult<Value> {
        if let Some(value) = write(&self.0, ctx, &ctx.item.node) {
            return Ok(value);
        }
        // Apart: few take this way, and all would carry its memory.
        Box::pin(async move {
            match resolve_what_waits(&self.0, ctx).await {
                Some(value) => value,
                None => self.0.resolve(ctx, field).await,
            }
        })
        .await
    }
}
