//! The request id: taken from `x-request-id` when it is harmless, made otherwise, and sent back on every answer.

use std::{fmt, sync::Arc};

use axum::{
    extract::Request,
    http::{HeaderName, HeaderValue},
    middleware::Next,
    response::Response,
};
use tracing::Instrument as _;
use uuid::Uuid;

/// The header's name, in and out.
pub const HEADER: HeaderName = HeaderName::from_static("x-request-id");
/// Longest id accepted from outside.
const MAX_LENGTH: usize = 128;

/// Names one request in answers and logs.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RequestId(Arc<str>);

impl RequestId {
    /// A new id, ordered by time.
    pub fn fresh() -> Self {
        Self(Uuid::now_v7().to_string().into())
    }

    /// The client's id, if it is short and made of letters, digits and `-_.:~` only: it goes into logs and headers.
    pub fn from_client(value: &HeaderValue) -> Option<Self> {
        let text = value.to_str().ok()?;
        let harmless = |byte: u8| byte.is_ascii_alphanumeric() || b"-_.:~".contains(&byte);
        (!text.is_empty() && text.len() <= MAX_LENGTH && text.bytes().all(harmless)).then(|| Self(text.into()))
    }

    /// The id of the n-th operation on a socket.
    #[must_use]
    pub fn operation(&self, number: u64) -> Self {
        Self(format!("{}.{number}", self.0).into())
    }

    /// The text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for RequestId {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(&self.0)
    }
}

/// Middleware: puts a [`RequestId`] into the request's extensions, a span around the work and the id on the answer.
pub async fn attach(mut request: Request, next: Next) -> Response {
    let id = request
        .headers()
        .get(HEADER)
        .and_then(RequestId::from_client)
        .unwrap_or_else(RequestId::fresh);
    request.extensions_mut().insert(id.clone());
    let span = tracing::info_span!("request", request.id = %id, http.method = %request.method(), http.path = request.uri().path());
    let mut response = next.run(request).instrument(span).await;
    if let Ok(value) = HeaderValue::from_str(id.as_str()) {
        response.headers_mut().insert(HEADER, value);
    }
    response
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_hostile_id_is_replaced() {
        for text in ["", "a b", "a\tb", "<script>", "ü", &"x".repeat(129)] {
            let value = HeaderValue::from_bytes(text.as_bytes()).unwrap();
            assert_eq!(RequestId::from_client(&value), None, "{text:?}");
        }
        let value = HeaderValue::from_static("trace-7f.9:1~a_b");
        assert_eq!(RequestId::from_client(&value).unwrap().as_str(), "trace-7f.9:1~a_b");
    }
}
