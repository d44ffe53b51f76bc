//! What a caller may ask for at most, and the checks that hold before any work is done.
//!
//! The same [`Limits`] stand on HTTP, WebSocket and server-sent events. Order of checks: bytes, tokens on the raw text,
//! one parse, the tree ([`document`]), variables against the schema's types ([`variables`]), and only then validation.

pub(super) mod document;
pub mod settings;
pub(super) mod tokens;
pub(super) mod types;
pub(super) mod variables;

use std::time::Duration;

use serde::{Deserialize, Serialize};

/// Limits of one server. Every field has a default that a dashboard never meets.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Limits {
    /// Bytes of an HTTP body or of one WebSocket message.
    pub body_bytes: usize,
    /// Seconds in which an HTTP body must arrive completely.
    pub body_seconds: u64,
    /// Lexical tokens of a document.
    pub tokens: usize,
    /// Brackets, braces and parentheses open at once in a document; protects the parser's stack.
    pub nesting: usize,
    /// Fields within fields.
    pub depth: usize,
    /// Fields that an answer can have: each counts once for every element of the lists around it.
    pub complexity: u64,
    /// Fields and fragment spreads after all fragments are spread; protects validation.
    pub fields: u64,
    /// Aliases of a document, fragments spread.
    pub aliases: u64,
    /// How often one response key may be repeated in one selection set.
    pub repeated_fields: usize,
    /// Directives of a document, fragments spread.
    pub directives: u64,
    /// Operations in one document.
    pub operations_per_document: usize,
    /// Operations in one HTTP batch; 1 refuses batches of more, 0 refuses every batch.
    pub batch_length: usize,
    /// Elements of a list given as an argument.
    pub list_argument_length: usize,
    /// Largest `first` or `last`.
    pub page_size: u64,
    /// What a connection returns without `first` and `last`; used to weigh it.
    pub default_page_size: u64,
    /// Elements assumed in a list that is not paged; used to weigh it.
    pub assumed_list_size: u64,
    /// Seconds for a query, a mutation, or one event of a subscription.
    pub execution_seconds: u64,
    /// Operations running at once on one socket.
    pub operations_per_socket: usize,
    /// Sockets and event streams open at once for one user, key or anonymous address.
    pub sockets_per_caller: usize,
    /// Sockets and event streams open at once for one organization.
    pub sockets_per_organization: usize,
    /// Subscriptions running at once for one user, key or anonymous address, on all its sockets and event streams.
    pub subscriptions_per_caller: usize,
    /// Subscriptions running at once for one organization.
    pub subscriptions_per_organization: usize,
    /// Sockets and event streams open at once in this process.
    pub sockets: usize,
    /// Seconds for `connection_init` to arrive.
    pub connection_init_seconds: u64,
    /// Seconds between the server's pings (WebSocket) or comments (event stream). A socket silent for two is closed.
    pub ping_seconds: u64,
    /// Events waiting for one slow subscriber.
    pub buffered_events: usize,
    /// Seconds for which a full buffer holds back its stream, before the subscription ends with `SLOW_CONSUMER`.
    pub slow_consumer_seconds: u64,
    /// Seconds for which queries and mutations under way on a socket may finish while the server drains.
    pub drain_seconds: u64,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            body_bytes: 256 * 1024,
            body_seconds: 15,
            tokens: 4_000,
            nesting: 64,
            depth: 14,
            complexity: 50_000,
            fields: 2_000,
            aliases: 60,
            repeated_fields: 10,
            directives: 60,
            operations_per_document: 20,
            batch_length: 10,
            list_argument_length: 200,
            page_size: 100,
            default_page_size: 20,
            assumed_list_size: 10,
            execution_seconds: 20,
            operations_per_socket: 50,
            sockets_per_caller: 20,
            sockets_per_organization: 2_000,
            subscriptions_per_caller: 200,
            subscriptions_per_organization: 5_000,
            sockets: 20_000,
            connection_init_seconds: 10,
            ping_seconds: 15,
            buffered_events: 64,
            slow_consumer_seconds: 10,
            drain_seconds: 5,
        }
    }
}

impl Limits {
    pub(super) const fn execution(&self) -> Duration {
        Duration::from_secs(self.execution_seconds)
    }
}
