//! Objects whose fields are at hand, written at once.
//!
//! async-graphql makes a future for each field, and one more for each extension that looks at it. Lists have hundreds of fields, events
//! thousands of readers, and most fields wait for nothing: such a selection is written here in one go, and where an object has both, only
//! what waits is resolved. What fails or is not known here is left to async-graphql, the whole object with it, so there is one meaning and
//! one way to tell a fault.

use std::borrow::Cow;

use async_graphql::indexmap::IndexMap;
use async_graphql::parser::types::{Directive, Field, Selection, SelectionSet, TypeCondition};
use async_graphql::registry::Registry;
use async_graphql::resolver_utils::ContainerType;
use async_graphql::{ContextSelectionSet, Name, OutputType, Positioned, ScalarType, ServerResult, Value};
use axum::body::Bytes;
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
        match object {
            None => Some(Value::Null),
            Some(AtOnce::Object(object)) => write(object, self.ctx, &self.field.selection_set.node),
            Some(AtOnce::Written(json)) => Some(Value::Binary(json.clone())),
        }
    }
}

/// A scalar that may be missing.
pub fn scalar<T: ScalarType>(scalar: Option<T>) -> Value {
    scalar.map_or(Value::Null, |scalar| scalar.to_value())
}

/// An object that is written at once where its whole selection is at hand.
#[derive(Debug, Clone, PartialEq)]
pub enum AtOnce<T> {
    /// To be asked for its fields.
    Object(T),
    /// The JSON of its selection, which the database has written.
    Written(Bytes),
}

impl<T> AtOnce<T> {
    /// This object.
    pub const fn new(object: T) -> Self {
        Self::Object(object)
    }
}

fn write<T: AtHand>(object: &T, ctx: &ContextSelectionSet<'_>, set: &SelectionSet) -> Option<Value> {
    let mut written = IndexMap::with_capacity(set.items.len());
    part(object, ctx, set, &mut written, None)?;
    Some(Value::Object(written))
}

/// Fields that wait, with their names in the answer.
type Waits<'a> = Vec<(&'a Name, &'a Positioned<Field>)>;

/// Parts a selection into what is at hand and what waits, whose places are kept; none where that cannot be done, or where something
/// waits that may not.
fn part<'a, T: AtHand>(
    object: &T,
    ctx: &ContextSelectionSet<'a>,
    set: &'a SelectionSet,
    written: &mut IndexMap<Name, Value>,
    mut waits: Option<&mut Waits<'a>>,
) -> Option<()> {
    each(ctx, &T::type_name(), set, Directives::Followed, &mut |positioned| {
        let field = &positioned.node;
        let name = &field.response_key().node;
        let at_hand = match field.name.node.as_str() {
            "__typename" => Some(Value::from(T::type_name().into_owned())),
            _ => object.at_hand(&Asked { ctx, field }),
        };
        let must_wait = at_hand.is_none();
        if must_wait {
            let waits = waits.as_mut().filter(|_| field.directives.is_empty())?;
            waits.push((name, positioned));
        }
        let twice = written.contains_key(name);
        if !twice {
            written.insert(name.clone(), at_hand.unwrap_or_default());
        }
        // Two selections of an object under one key are to be merged.
        (!twice || (!must_wait && field.selection_set.node.items.is_empty())).then_some(())
    })
}

/// What directives of a selection mean to whoever walks it.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Directives {
    /// async-graphql has left out what is skipped before anything is resolved.
    Followed,
    /// None may be there.
    Refused,
}

/// Each field of a selection, through its fragments; ends where one is refused or a fragment is of another type.
pub(super) fn each<'a>(
    ctx: &ContextSelectionSet<'a>,
    own: &str,
    set: &'a SelectionSet,
    directives: Directives,
    found: &mut dyn FnMut(&'a Positioned<Field>) -> Option<()>,
) -> Option<()> {
    let may_have =
        |these: &[Positioned<Directive>]| (directives == Directives::Followed || these.is_empty()).then_some(());
    for selection in &set.items {
        match &selection.node {
            Selection::Field(field) => {
                may_have(&field.node.directives)?;
                found(field)?;
            }
            Selection::FragmentSpread(spread) => {
                let fragment = &ctx.query_env.fragments.get(&spread.node.fragment_name.node)?.node;
                may_have(&spread.node.directives)?;
                may_have(&fragment.directives)?;
                applies(ctx, own, Some(&fragment.type_condition.node))?;
                each(ctx, own, &fragment.selection_set.node, directives, found)?;
            }
            Selection::InlineFragment(fragment) => {
                may_have(&fragment.node.directives)?;
                let condition = fragment.node.type_condition.as_ref();
                applies(ctx, own, condition.map(|condition| &condition.node))?;
                each(ctx, own, &fragment.node.selection_set.node, directives, found)?;
            }
        }
    }
    Some(())
}

/// Resolves what waits, all at once, and puts it into its places.
async fn resolve_rest<T: AtHand>(
    object: &T,
    ctx: &ContextSelectionSet<'_>,
    mut written: IndexMap<Name, Value>,
    waits: Waits<'_>,
) -> ServerResult<Value> {
    let values = match waits.as_slice() {
        [(_, field)] => vec![object.resolve_field(&ctx.with_field(field)).await?],
        several => {
            let fields = several.iter().map(|(_, field)| {
                // Boxed, as async-graphql does: these futures are large.
                Box::pin(async move { object.resolve_field(&ctx.with_field(field)).await })
            });
            try_join_all(fields).await?
        }
    };
    for ((name, _), value) in waits.into_iter().zip(values) {
        written.insert(name.clone(), value.unwrap_or_default());
    }
    Ok(Value::Object(written))
}

/// Whether a fragment is of the object's own type or of an interface that it has; none for another, which may lie within an interface.
fn applies(ctx: &ContextSelectionSet<'_>, own: &str, condition: Option<&TypeCondition>) -> Option<()> {
    let Some(condition) = condition else { return Some(()) };
    let on = condition.on.node.as_str();
    let has = || {
        let implemented = ctx.schema_env.registry.implements.get(own);
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
        let object = match self {
            Self::Object(object) => object,
            Self::Written(json) => return Ok(Value::Binary(json.clone())),
        };
        let set = &ctx.item.node;
        let (mut written, mut waits) = (IndexMap::with_capacity(set.items.len()), Waits::new());
        // With something around each field, what waits is resolved as async-graphql does it, and the whole object with it.
        let may_wait = ctx.data_opt::<Bare>().is_some().then_some(&mut waits);
        // The rest apart: few take these ways, and all would carry their memory.
        match part(object, ctx, set, &mut written, may_wait) {
            Some(()) if waits.is_empty() => Ok(Value::Object(written)),
            Some(()) => Box::pin(resolve_rest(object, ctx, written, waits)).await,
            None => Box::pin(object.resolve(ctx, field)).await,
        }
    }
}
