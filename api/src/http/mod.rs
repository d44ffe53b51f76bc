//! The door for people: GraphQL over HTTP, WebSocket and server-sent events, the same limits on all three.
//!
//! Nothing here knows the schema or how a token is checked. [`Transport`] is generic over the schema
//! (`async_graphql::Executor`) and asks an [`Authenticate`] who is speaking; what an operation needs (its reader and loaders)
//! comes with the [`Session`], which puts it into the data of each execution, and [`Operations`] are told of its beginning and end.
//!
//! ```text
//! request -> router (id, address budget, CORS) -> graphql | websocket | sse
//!         -> session (who) -> engine (limits, parse once, variables) -> schema -> stream (bounded, fair) -> wire
//! ```

pub mod answer;
pub mod auth;
pub mod cors;
mod documents;
pub mod engine;
pub mod error;
pub mod execution;
pub mod files;
pub mod graphiql;
pub mod graphql;
pub mod health;
pub mod limits;
mod negotiation;
mod places;
pub mod rate;
pub mod ready_made;
pub mod registered;
pub mod request_id;
pub mod router;
pub mod session;
mod sse;
mod stream;
pub mod upload;
mod websocket;

pub use engine::{Introspection, LastEventId, Schemas};
pub use error::{Code, Refusal};
pub use execution::{Nothing, Observe, Operation, Operations};
pub use limits::Limits;
pub use rate::{Budget, Rate, Rates};
pub use registered::Registered;
pub use request_id::RequestId;
pub use router::{Options, Transport, Upgraded};
pub use session::{Authenticate, Caller, Rejection, Session};
