//! Codes and documents of errors: what a client may rely on when something is refused.
//!
//! Every error that leaves the server carries `extensions.code` and `extensions.requestId`; what a resolver did not
//! mean to say is replaced by "internal error" and goes to the log instead.

use async_graphql::{ErrorExtensionValues, Pos, Response, ServerError, Value};
use axum::http::StatusCode;
use serde::Serialize;

use super::request_id::RequestId;

/// The codes that the contract promises. Clients treat the list as open.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Code {
    Unauthenticated,
    Forbidden,
    BadUserInput,
    RateLimited,
    PayloadTooLarge,
    TooComplex,
    Timeout,
    Unavailable,
    SlowConsumer,
    MethodNotAllowed,
    UnsupportedMediaType,
    NotAcceptable,
    IntrospectionDisabled,
    UnknownDocument,
    Internal,
    ParseFailed,
    ValidationFailed,
}

impl Code {
    /// The text in `extensions.code`.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Unauthenticated => "UNAUTHENTICATED",
            Self::Forbidden => "FORBIDDEN",
            Self::BadUserInput => "BAD_USER_INPUT",
            Self::RateLimited => "RATE_LIMITED",
            Self::PayloadTooLarge => "PAYLOAD_TOO_LARGE",
            Self::TooComplex => "TOO_COMPLEX",
            Self::Timeout => "TIMEOUT",
            Self::Unavailable => "UNAVAILABLE",
            Self::SlowConsumer => "SLOW_CONSUMER",
            Self::MethodNotAllowed => "METHOD_NOT_ALLOWED",
            Self::UnsupportedMediaType => "UNSUPPORTED_MEDIA_TYPE",
            Self::NotAcceptable => "NOT_ACCEPTABLE",
            Self::IntrospectionDisabled => "INTROSPECTION_DISABLED",
            Self::UnknownDocument => "UNKNOWN_DOCUMENT",
            Self::Internal => "INTERNAL",
            Self::ParseFailed => "GRAPHQL_PARSE_FAILED",
            Self::ValidationFailed => "GRAPHQL_VALIDATION_FAILED",
        }
    }
}

/// Something that was refused before any field ran. Its text is safe to show.
#[derive(Debug, Clone, thiserror::Error)]
#[error("{message}")]
pub struct Refusal {
    /// What kind of refusal this is.
    pub code: Code,
    /// Lowercase, for people.
    pub message: String,
    /// The argument or variable at fault, as `extensions.field`.
    pub field: Option<String>,
    /// Where in the document, when that is known.
    pub position: Option<Pos>,
    /// After how many seconds another try may succeed, as `extensions.retryAfterSeconds`.
    pub retry_after_seconds: Option<u64>,
    /// The HTTP status, when the fault lies with the request itself and not with the document in it.
    pub status: Option<StatusCode>,
}

impl Refusal {
    /// A refusal of the document: reported with 200 or 400 by the negotiated media type.
    pub fn new(code: Code, message: impl Into<String>) -> Self {
        Self {
            code,
            message: message.into(),
            field: None,
            position: None,
            retry_after_seconds: None,
            status: None,
        }
    }

    /// A refusal of the HTTP request, with its own status whatever the media type.
    pub fn http(status: StatusCode, code: Code, message: impl Into<String>) -> Self {
        Self {
            status: Some(status),
            ..Self::new(code, message)
        }
    }

    /// Names the argument or variable at fault.
    #[must_use]
    pub fn field(mut self, field: impl Into<String>) -> Self {
        self.field = Some(field.into());
        self
    }

    /// Says where in the document the fault is.
    #[must_use]
    pub fn at(mut self, position: Pos) -> Self {
        self.position = Some(position);
        self
    }

    /// The GraphQL error, complete with code and request id.
    pub fn into_error(self, request: &RequestId) -> ServerError {
        let mut error = ServerError::new(self.message, self.position);
        let mut extensions = ErrorExtensionValues::default();
        extensions.set("code", self.code.as_str());
        extensions.set("requestId", request.as_str());
        if let Some(field) = self.field {
            extensions.set("field", field);
        }
        if let Some(seconds) = self.retry_after_seconds {
            extensions.set("retryAfterSeconds", seconds);
        }
        error.extensions = Some(extensions);
        error
    }
}

/// A response without `data`: the request did not run.
#[derive(Debug, Serialize)]
pub struct RequestError<'a> {
    /// Never empty.
    pub errors: &'a [ServerError],
}

/// Text of an error that a client may see although no resolver gave it a code: what the framework says of an input.
fn is_about_input(error: &ServerError) -> bool {
    const OPENINGS: [&str; 4] = [
        "Failed to parse \"",
        "Expected input type \"",
        "Invalid value for argument \"",
        "Variable ",
    ];
    error.source.is_none() && OPENINGS.iter().any(|opening| error.message.starts_with(opening))
}

/// Completes the errors of a response: each gets a code and the request id, and what nobody coded is hidden.
///
/// `executed` tells whether a field ran: before that, an error without a code speaks of the document.
pub fn complete(response: &mut Response, executed: bool, request: &RequestId) {
    for error in &mut response.errors {
        let coded = matches!(
            error.extensions.as_ref().and_then(|extensions| extensions.get("code")),
            Some(Value::String(_) | Value::Enum(_))
        );
        if !coded {
            let code = if !executed && error.path.is_empty() {
                Code::ValidationFailed
            } else if is_about_input(error) {
                Code::BadUserInput
            } else {
                tracing::error!(request.id = %request, error.message = %error.message, error.path = ?error.path, "a resolver failed without a code");
                "internal error".clone_into(&mut error.message);
                Code::Internal
            };
            error.extensions.get_or_insert_default().set("code", code.as_str());
        }
        error.source = None;
        error
            .extensions
            .get_or_insert_default()
            .set("requestId", request.as_str());
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_error_without_a_code_is_hidden_once_fields_ran() {
        let request = RequestId::fresh();
        let mut response = Response::from_errors(vec![ServerError::new("relation \"secrets\" does not exist", None)]);
        complete(&mut response, true, &request);
        assert_eq!(response.errors[0].message, "internal error");
        let extensions = response.errors[0].extensions.as_ref().unwrap();
        assert_eq!(extensions.get("code"), Some(&Value::from("INTERNAL")));
        assert_eq!(extensions.get("requestId"), Some(&Value::from(request.as_str())));
    }

    #[test]
    fn a_coded_error_keeps_its_words() {
        let request = RequestId::fresh();
        let refusal = Refusal::new(Code::BadUserInput, "first must be positive").field("first");
        let mut response = Response::from_errors(vec![refusal.into_error(&request)]);
        complete(&mut response, true, &request);
        assert_eq!(response.errors[0].message, "first must be positive");
        assert_eq!(
            response.errors[0].extensions.as_ref().unwrap().get("field"),
            Some(&Value::from("first"))
        );
    }
}
