//! The door for people: GraphQL over HTTP, WebSocket and server-sent events.

pub mod config;
pub mod http;
