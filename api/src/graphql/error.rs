//! From what went wrong in a use case to what a client is told: one exhaustive mapping. Refusals become codes; faults become
//! "internal error", with the cause in the log.
//!
//! Resolvers return [`Result`]: there is no other way from a [`service::Error`] to an answer, so none goes out uncoded.

use async_graphql::ErrorExtensionValues;
use domain::id::InvalidId;
use service::Error;

/// The result of a resolver.
pub type Result<T, E = Failure> = std::result::Result<T, E>;

/// What a client is told. Not an error by itself on purpose: `async_graphql` would take any displayable one, uncoded.
#[derive(Debug, Clone)]
pub struct Failure {
    error: async_graphql::Error,
}

impl Failure {
    /// A failure with this code and text.
    pub fn new(code: &'static str, message: impl Into<String>) -> Self {
        let mut extensions = ErrorExtensionValues::default();
        extensions.set("code", code);
        Self {
            error: async_graphql::Error {
                message: message.into(),
                source: None,
                extensions: Some(extensions),
            },
        }
    }

    /// A refusal of an argument or input field, by its path as the schema spells it.
    pub fn invalid(field: impl Into<String>, reason: impl Into<String>) -> Self {
        Error::invalid(field, reason).into()
    }

    /// Sets the argument's path, where the use case could not know it.
    #[must_use]
    pub fn field(mut self, field: &str) -> Self {
        if let Some(extensions) = &mut self.error.extensions {
            extensions.set("field", field);
        }
        self
    }

    /// What a client is told of this error. A fault is not logged here: see [`log`].
    pub fn of(error: &Error) -> Self {
        let code = match error {
            Error::Unauthenticated => "UNAUTHENTICATED",
            Error::Forbidden { .. } => "FORBIDDEN",
            Error::NotFound { .. } => "NOT_FOUND",
            Error::Invalid { field, .. } => return Self::new("BAD_USER_INPUT", error.to_string()).field(field),
            Error::Conflict { .. } | Error::LeaseLost => "CONFLICT",
            Error::QuotaExceeded { .. } => "QUOTA_EXCEEDED",
            Error::SubscriptionInactive => "SUBSCRIPTION_INACTIVE",
            Error::CursorExpired => "CURSOR_EXPIRED",
            Error::SlowConsumer => "SLOW_CONSUMER",
            Error::Unavailable { .. } | Error::Storage(_) => "UNAVAILABLE",
            Error::Timeout => "TIMEOUT",
            Error::Database(_) | Error::Internal(_) => "INTERNAL",
        };
        Self::new(code, error.to_string())
    }

    /// Its code.
    pub fn code(&self) -> Option<String> {
        match self.error.extensions.as_ref()?.get("code")? {
            async_graphql::Value::String(code) => Some(code.clone()),
            _ => None,
        }
    }
}

/// The answer of a field that may be null and reads something of its own: in this form a failure makes null of the field alone;
/// as a `Result` of an `Option` it would take the object around it along.
pub async fn alone<T>(answer: impl Future<Output = Result<Option<T>>>) -> Option<Result<T>> {
    answer.await.transpose()
}

/// Writes a fault and its cause to the log; refusals are the caller's business and are not logged.
pub fn log(error: &Error) {
    match error {
        Error::Database(cause) => tracing::error!(error.cause = %cause, "the database failed"),
        Error::Storage(cause) => tracing::error!(error.cause = %cause, "the object storage failed"),
        Error::Internal(cause) => tracing::error!(error.cause = %cause, "a fault of ours"),
        Error::Unavailable { what } => tracing::error!(what, "a part is unavailable"),
        _ => {}
    }
}

impl From<Error> for Failure {
    fn from(error: Error) -> Self {
        log(&error);
        Self::of(&error)
    }
}

/// A text that is no id names nothing: the caller is told so, as the argument is at fault. [`Failure::field`] names it.
impl From<InvalidId> for Failure {
    fn from(invalid: InvalidId) -> Self {
        Self::new("BAD_USER_INPUT", invalid.to_string()).field("id")
    }
}

impl From<Failure> for async_graphql::Error {
    fn from(failure: Failure) -> Self {
        failure.error
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_refusal_carries_its_code_and_field() {
        let failure = Failure::from(Error::invalid("first", "must be between 0 and 100"));
        let error = async_graphql::Error::from(failure);
        let extensions = serde_json::to_value(&error.extensions).unwrap();
        assert_eq!(error.message, "must be between 0 and 100");
        assert_eq!(
            extensions,
            serde_json::json!({ "code": "BAD_USER_INPUT", "field": "first" })
        );
    }

    #[test]
    fn a_fault_shows_nothing_of_its_cause() {
        let error = async_graphql::Error::from(Failure::from(Error::internal("column users.secret is missing")));
        assert_eq!(error.message, "internal error");
        assert!(!format!("{error:?}").contains("secret"));
    }
}
