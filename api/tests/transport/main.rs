//! The transport, over a schema that exists only here: a clock to subscribe to, fields that fail, sleep, leak and panic.

mod clients;
mod http;
mod limits;
mod malformed;
mod sse;
mod support;
mod websocket;
