//! The transport, over a schema that exists only here: a clock to subscribe to, fields that fail, sleep, leak and panic.

#![expect(
    clippy::unwrap_used,
    clippy::expect_used,
    reason = "a test that cannot go on fails there"
)]
#![expect(clippy::unused_async, reason = "resolvers are async by their macros")]
#![expect(clippy::format_collect, reason = "documents of a few kilobytes, built once")]

mod clients;
mod http;
mod limits;
mod malformed;
mod sse;
mod support;
mod websocket;
