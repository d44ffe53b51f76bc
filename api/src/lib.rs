//! The door for people: HTTP, WebSocket and server-sent events, and the GraphQL schema behind them.

pub mod config;
pub mod graphql;
pub mod http;
pub mod hub;
