//! One schema in three forms, and who may ask for it. Apart because whoever builds a transport needs no more of the engine.

use std::sync::Arc;

use async_graphql::{ObjectType, Schema, SchemaBuilder, SubscriptionType, ValidationMode};

use super::Bare;
use crate::http::{
    execution::{Observe, Operations},
    limits::types::ScalarCheck,
};

/// Who may ask for the schema and is helped with "did you mean".
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Introspection {
    /// Development.
    Everyone,
    /// Callers with a valid token or key.
    #[default]
    Known,
    /// No one: for servers that take registered operations only.
    Nobody,
}

/// One schema, built three times, since suggestions and extensions are properties of the schema. The first two are built with
/// [`crate::http::Observe`].
#[derive(Clone)]
pub struct Schemas<E> {
    /// With suggestions and introspection.
    pub open: E,
    /// Built with `disable_suggestions()` and `disable_introspection()`.
    pub closed: E,
    /// Built bare, with the fast validation, for queries that are known to be valid: what surrounds each field of the others
    /// is felt in a list of a thousand. An error is not contained here, so a query that has one is run again by another.
    pub bare: E,
    /// What surrounds each execution; [`crate::http::Observe`] has it too.
    pub operations: Arc<dyn Operations>,
    /// `open.sdl()`, from which limits and variables are checked.
    pub sdl: String,
    /// Checks of custom scalars beyond `DateTime`, `Decimal`, `BigInt`, `URL` and `UUID`, by name.
    pub scalars: Vec<(&'static str, ScalarCheck)>,
}

impl<Q, M, S> Schemas<Schema<Q, M, S>>
where
    Q: ObjectType + 'static,
    M: ObjectType + 'static,
    S: SubscriptionType + 'static,
{
    /// All schemas of one builder, with `operations` around each execution.
    pub fn build(builder: impl Fn() -> SchemaBuilder<Q, M, S>, operations: impl Operations) -> Self {
        let operations: Arc<dyn Operations> = Arc::new(operations);
        let open = builder().extension(Observe(Arc::clone(&operations))).finish();
        let closed = builder()
            .extension(Observe(Arc::clone(&operations)))
            .disable_suggestions()
            .disable_introspection()
            .finish();
        let bare = builder().validation_mode(ValidationMode::Fast).data(Bare).finish();
        let sdl = open.sdl();
        Self {
            open,
            closed,
            bare,
            operations,
            sdl,
            scalars: Vec::new(),
        }
    }
}
