//! Why a credential was turned away.

use axum::http::{HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};

/// A refused credential. The texts are safe to show: they name a claim or a header, never its value.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum TokenError {
    /// The `Authorization` header is not `Bearer <token>`.
    #[error("the Authorization header is not of the form: Bearer <token>")]
    NotBearer,
    /// Several credentials came with one request, and it is not for us to choose.
    #[error("more than one credential was sent")]
    Ambiguous,
    /// An API key that cannot be one of ours.
    #[error("not an API key")]
    MalformedKey,
    /// An API key that is unknown, revoked or expired.
    #[error("the API key is unknown, revoked or expired")]
    UnknownApiKey,
    /// Not three base64url parts of JSON, or a claim of the wrong shape.
    #[error("malformed token")]
    Malformed,
    /// Longer than any token that Supabase issues.
    #[error("the token is too long")]
    TooLong,
    /// A header that would change how the token is read, or that brings its own key.
    #[error("the token's header is not accepted: {0}")]
    HeaderRefused(&'static str),
    /// An algorithm that no configured key is used with.
    #[error("the token's algorithm is not accepted")]
    Algorithm,
    /// No key with the token's `kid`, also after asking the issuer again.
    #[error("the token's key is not known")]
    UnknownKey,
    /// The signature does not fit.
    #[error("the token's signature is wrong")]
    Signature,
    /// `exp` has passed.
    #[error("the token has expired")]
    Expired,
    /// `nbf` or `iat` lies ahead.
    #[error("the token is not valid yet")]
    NotYet,
    /// A claim that must be there is not.
    #[error("the token has no usable claim {0}")]
    Missing(&'static str),
    /// Another issuer.
    #[error("the token is from another issuer")]
    Issuer,
    /// Meant for someone else.
    #[error("the token is meant for another audience")]
    Audience,
    /// A key of the project (`anon`, `service_role`), or another role that is no person.
    #[error("the token's role is not a signed-in user")]
    NotAUser,
    /// Supabase's anonymous sign-in: a person without a name, whom no organization could have invited.
    #[error("anonymous sign-ins are not accepted")]
    AnonymousUser,
    /// The issuer's keys could not be fetched, so nothing can be said about the token.
    #[error("the issuer's keys are out of reach")]
    KeysUnavailable,
}

impl TokenError {
    /// 401, or 503 where the fault is not the token's.
    pub fn status(self) -> StatusCode {
        match self {
            Self::KeysUnavailable => StatusCode::SERVICE_UNAVAILABLE,
            _ => StatusCode::UNAUTHORIZED,
        }
    }

    /// The value of `WWW-Authenticate` (RFC 6750, section 3).
    pub fn challenge(self) -> String {
        let kind = match self {
            Self::NotBearer | Self::Ambiguous => "invalid_request",
            _ => "invalid_token",
        };
        format!("Bearer error=\"{kind}\", error_description=\"{self}\"")
    }

    /// The code in the errors of a GraphQL document.
    pub fn code(self) -> &'static str {
        match self {
            Self::KeysUnavailable => "UNAVAILABLE",
            _ => "UNAUTHENTICATED",
        }
    }
}

impl IntoResponse for TokenError {
    fn into_response(self) -> Response {
        let body = serde_json::json!({
            "errors": [{ "message": self.to_string(), "extensions": { "code": self.code() } }]
        });
        let mut response = (self.status(), axum::Json(body)).into_response();
        if self.status() == StatusCode::UNAUTHORIZED {
            // Made of our own words only, so it is always a legal value.
            if let Ok(challenge) = HeaderValue::from_str(&self.challenge()) {
                response.headers_mut().insert(header::WWW_AUTHENTICATE, challenge);
            }
        } else {
            response
                .headers_mut()
                .insert(header::RETRY_AFTER, HeaderValue::from_static("5"));
        }
        response
    }
}
