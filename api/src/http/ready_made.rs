//! Events that are written once for all who follow them alike, without executing an operation for each.
//!
//! A stream that has everything at hand needs no resolver. Which operations are such is for the schema to say ([`ReadyMade`]); whatever
//! it does not know is executed.

use std::sync::Arc;

use async_graphql::parser::types::OperationDefinition;
use async_graphql::{Data, ServerError, Variables};
use futures::future::BoxFuture;
use futures::stream::BoxStream;

/// A subscription that was accepted and has not run.
pub struct Asked<'a> {
    /// The only operation of its document, which has no fragments.
    pub operation: &'a OperationDefinition,
    /// Coerced.
    pub variables: &'a Variables,
    /// What the session puts into the data of every operation.
    pub data: &'a Data,
    /// Where an event stream that is taken up again says that it was.
    pub cursor: Option<&'a str>,
}

/// One event, written.
#[derive(Debug, Clone)]
pub struct Told {
    /// The whole response.
    pub json: Arc<str>,
    /// Where to go on from.
    pub cursor: Arc<str>,
}

/// Events; an error is the last.
pub type Events = BoxStream<'static, Result<Told, ServerError>>;

/// Knows operations whose every event is at hand.
pub trait ReadyMade: Send + Sync {
    /// The events of an operation, where it is valid beyond doubt and waits for nothing; none has it executed, and so has a stream that
    /// does not begin, for the execution to say why.
    fn follow(&self, asked: &Asked<'_>) -> Option<BoxFuture<'static, Option<Events>>>;
}
