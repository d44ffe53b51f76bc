//! The root of an operation: a field that fails is null with an error, and its siblings keep their answers.
//!
//! `async_graphql` passes the error of a resolver, guard or argument on to the object around the field, although the field
//! itself may be null; at the root that would blank the whole answer, and lose the payload of a mutation that has committed.

use std::borrow::Cow;

use async_graphql::parser::types::Field;
use async_graphql::registry::Registry;
use async_graphql::resolver_utils::{ContainerType, resolve_container};
use async_graphql::{Context, ContextSelectionSet, ObjectType, OutputType, Positioned, ServerResult, Value};

/// Root fields that cannot be null; a test compares them with the schema.
pub const NEVER_NULL: [&str; 2] = ["viewer", "nodes"];

/// A root object whose fields fail alone.
#[derive(Default)]
pub struct Root<T>(pub T);

impl<T: ObjectType> OutputType for Root<T> {
    fn type_name() -> Cow<'static, str> {
        T::type_name()
    }

    fn create_type_info(registry: &mut Registry) -> String {
        T::create_type_info(registry)
    }

    async fn resolve(&self, ctx: &ContextSelectionSet<'_>, _: &Positioned<Field>) -> ServerResult<Value> {
        resolve_container(ctx, self).await
    }
}

impl<T: ObjectType> ContainerType for Root<T> {
    async fn resolve_field(&self, ctx: &Context<'_>) -> ServerResult<Option<Value>> {
        match self.0.resolve_field(ctx).await {
            Err(error) if !NEVER_NULL.contains(&ctx.field().name()) => {
                ctx.add_error(error);
                Ok(Some(Value::Null))
            }
            answer => answer,
        }
    }
}

impl<T: ObjectType> ObjectType for Root<T> {}
