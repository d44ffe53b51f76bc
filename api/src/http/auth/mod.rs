//! Who is calling: what a request presents ([`Credential`]) and whether a token is to be believed ([`TokenVerifier`]),
//! and which place the database gives its bearer ([`Gate`], the transport's `Authenticate`).
//!
//! ```text
//! headers | connection_init -> Credential -> Person(token) -> TokenVerifier -> Claims -> profile (database) -> caller
//!                                         -> Key(secret)   -> hash -> key (database)                        -> caller
//!                                         -> Anonymous
//! ```
//!
//! The order of a verification: shape and size, header, key, signature, claims. The algorithm belongs to the key, never to
//! the token: HS256 is tried with the shared secrets only, the others with a public key of that type only.

mod credential;
mod error;
mod gate;
mod key_set;
mod token;

#[cfg(test)]
mod tests;

use std::sync::Arc;

use chrono::{DateTime, Utc};
use jsonwebtoken::{Algorithm, DecodingKey, crypto};
use service::config::Secret;
use url::Url;

pub use credential::Credential;
pub use error::TokenError;
pub use gate::{Dress, Gate};
pub use token::{CLOCK_SKEW, Claims, LONGEST_TOKEN};

use key_set::KeySet;
use token::Parts;

/// Whose tokens are believed.
#[derive(Debug, Clone, Default)]
pub struct AuthConfig {
    /// Shared secrets for HS256: the current one and, while it is being changed, the one before.
    pub secrets: Vec<Secret>,
    /// Where the issuer publishes its public keys.
    pub keys_url: Option<Url>,
    /// The issuer that a token must name.
    pub issuer: Option<String>,
    /// The audience that a token must be meant for.
    pub audience: Option<String>,
}

/// Why there can be no verifier.
#[derive(Debug, thiserror::Error)]
pub enum AuthConfigError {
    /// Neither a secret nor the address of keys: every token would be refused.
    #[error("neither a shared secret nor the address of the issuer's keys is configured")]
    NoKeys,
    /// The HTTP client for fetching keys could not be made.
    #[error("no HTTP client for the issuer's keys")]
    Http(#[from] reqwest::Error),
}

/// Verifies tokens of the sign-in service. Cheap to clone; clones share the fetched keys.
#[derive(Clone)]
pub struct TokenVerifier(Arc<Inner>);

struct Inner {
    secrets: Vec<DecodingKey>,
    keys: Option<Arc<KeySet>>,
    issuer: Option<String>,
    audience: Option<String>,
}

impl TokenVerifier {
    /// A verifier. Keys are fetched when the first token needs them.
    pub fn new(config: AuthConfig) -> Result<Self, AuthConfigError> {
        if config.secrets.is_empty() && config.keys_url.is_none() {
            return Err(AuthConfigError::NoKeys);
        }
        let secrets = config
            .secrets
            .iter()
            .map(|secret| DecodingKey::from_secret(secret.expose().as_bytes()))
            .collect();
        let keys = config.keys_url.map(KeySet::new).transpose()?.map(Arc::new);
        Ok(Self(Arc::new(Inner {
            secrets,
            keys,
            issuer: config.issuer,
            audience: config.audience,
        })))
    }

    /// The claims of `bearer`, if it is a valid token of a person at `now`.
    pub async fn verify(&self, bearer: &str, now: DateTime<Utc>) -> Result<Claims, TokenError> {
        let inner = &self.0;
        let parts = Parts::of(bearer)?;
        if parts.algorithm == Algorithm::HS256 {
            if inner.secrets.is_empty() {
                return Err(TokenError::Algorithm);
            }
            // A `kid` does not matter here: there are at most two secrets, and Supabase names legacy ones or not.
            if !inner.secrets.iter().any(|secret| signed_by(&parts, secret)) {
                return Err(TokenError::Signature);
            }
        } else {
            let keys = inner.keys.as_ref().ok_or(TokenError::Algorithm)?;
            let key_id = parts
                .key_id
                .as_deref()
                .filter(|key_id| (1..=256).contains(&key_id.len()));
            let key = keys
                .find(
                    key_id.ok_or(TokenError::HeaderRefused("no usable kid"))?,
                    parts.algorithm,
                    now,
                )
                .await?;
            if !signed_by(&parts, &key) {
                return Err(TokenError::Signature);
            }
        }
        parts.claims(inner.issuer.as_deref(), inner.audience.as_deref(), now)
    }
}

impl std::fmt::Debug for TokenVerifier {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("TokenVerifier")
            .field("secrets", &self.0.secrets.len())
            .field("keys", &self.0.keys.is_some())
            .field("issuer", &self.0.issuer)
            .field("audience", &self.0.audience)
            .finish()
    }
}

/// Whether the signature is by this key. A fault (a key of another family, a signature that is no base64url) is a no.
fn signed_by(parts: &Parts<'_>, key: &DecodingKey) -> bool {
    key.family() == parts.algorithm.family()
        && crypto::verify(parts.signature, parts.signed.as_bytes(), key, parts.algorithm).unwrap_or(false)
}
