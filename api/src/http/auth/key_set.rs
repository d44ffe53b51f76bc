//! The issuer's public keys: fetched, kept for at most ten minutes, asked for again when a token names one that is not there.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use chrono::{DateTime, TimeDelta, Utc};
use futures::StreamExt;
use jsonwebtoken::jwk::{AlgorithmParameters, EllipticCurve, Jwk, KeyOperations, PublicKeyUse};
use jsonwebtoken::{Algorithm, DecodingKey};
use url::Url;

use super::TokenError;

/// How long a fetched set is used. Supabase's edge caches as long, so a revoked key is dead after twice this.
pub const LONGEST_AGE: TimeDelta = TimeDelta::minutes(10);
/// From this age on a new set is fetched beside the requests, so that an outage of the issuer has time to pass.
pub const REFRESH_AGE: TimeDelta = TimeDelta::minutes(5);
/// The least time between two fetches because of an unknown `kid`: anybody can invent one.
pub const UNKNOWN_KEY_PAUSE: TimeDelta = TimeDelta::seconds(30);
/// The least time after a failed fetch.
pub const FAILURE_PAUSE: TimeDelta = TimeDelta::seconds(5);
/// A set is a few hundred bytes; this is the most that is read.
const LARGEST_SET: usize = 256 * 1024;

/// A key with the one algorithm that its type allows.
type Keys = HashMap<(String, &'static str), Arc<DecodingKey>>;

/// The keys of one issuer.
pub struct KeySet {
    url: Url,
    http: reqwest::Client,
    state: Mutex<State>,
    /// Held during a fetch: requests that need its result wait for it instead of fetching too.
    fetching: tokio::sync::Mutex<()>,
}

#[derive(Default)]
struct State {
    keys: Option<(Arc<Keys>, DateTime<Utc>)>,
    failed_at: Option<DateTime<Utc>>,
    asked_for_unknown_at: Option<DateTime<Utc>>,
}

impl State {
    /// The keys, unless they are too old. A clock that was set back makes them too old as well.
    fn usable(&self, now: DateTime<Utc>, longest: TimeDelta) -> Option<&Arc<Keys>> {
        let (keys, fetched_at) = self.keys.as_ref()?;
        let age = now - *fetched_at;
        (age < longest && age > -UNKNOWN_KEY_PAUSE).then_some(keys)
    }

    fn may_fetch(&self, now: DateTime<Utc>) -> bool {
        self.failed_at.is_none_or(|at| (now - at).abs() >= FAILURE_PAUSE)
    }
}

impl KeySet {
    /// The set at `url`. Nothing is fetched yet.
    pub fn new(url: Url) -> Result<Self, reqwest::Error> {
        let http = reqwest::Client::builder()
            .timeout(Duration::from_secs(5))
            .connect_timeout(Duration::from_secs(3))
            .redirect(reqwest::redirect::Policy::none())
            .build()?;
        Ok(Self {
            url,
            http,
            state: Mutex::default(),
            fetching: tokio::sync::Mutex::default(),
        })
    }

    /// The key `key_id`, if it is one for `algorithm`.
    pub async fn find(
        self: &Arc<Self>,
        key_id: &str,
        algorithm: Algorithm,
        now: DateTime<Utc>,
    ) -> Result<Arc<DecodingKey>, TokenError> {
        let wanted = (key_id.to_owned(), name(algorithm));
        let (known, is_old) = {
            let state = self.state();
            let known = state.usable(now, LONGEST_AGE).map(|keys| keys.get(&wanted).cloned());
            (known, state.usable(now, REFRESH_AGE).is_none() && state.may_fetch(now))
        };
        if let Some(Some(key)) = known {
            if is_old {
                self.refresh_beside(now);
            }
            return Ok(key);
        }
        // Either there are no usable keys, or this one is not among them.
        let _one_at_a_time = self.fetching.lock().await;
        let unknown = {
            let mut state = self.state();
            let unknown = match state.usable(now, LONGEST_AGE).map(|keys| keys.get(&wanted).cloned()) {
                Some(Some(key)) => return Ok(key),
                Some(None) => true,
                None => false,
            };
            if unknown {
                if state
                    .asked_for_unknown_at
                    .is_some_and(|at| (now - at).abs() < UNKNOWN_KEY_PAUSE)
                {
                    // A new key might be hidden by an outage: then nothing can be said about the token.
                    return Err(if state.failed_at.is_some() {
                        TokenError::KeysUnavailable
                    } else {
                        TokenError::UnknownKey
                    });
                }
                state.asked_for_unknown_at = Some(now);
            } else if !state.may_fetch(now) {
                return Err(TokenError::KeysUnavailable);
            }
            unknown
        };
        let keys = self.fetch(now).await?;
        if !unknown {
            // These keys are as fresh as can be: the next unknown one has to wait as well.
            self.state().asked_for_unknown_at = Some(now);
        }
        keys.get(&wanted).cloned().ok_or(TokenError::UnknownKey)
    }

    /// Fetches a new set while requests go on with the old one.
    fn refresh_beside(self: &Arc<Self>, now: DateTime<Utc>) {
        let this = Arc::clone(self);
        tokio::spawn(async move {
            let Ok(_one_at_a_time) = this.fetching.try_lock() else {
                return;
            };
            let still_stale = {
                let state = this.state();
                state.usable(now, REFRESH_AGE).is_none() && state.may_fetch(now)
            };
            if still_stale {
                // A failure is logged and noted by `fetch`; the old set serves on until its age is reached.
                let _ = this.fetch(now).await;
            }
        });
    }

    async fn fetch(&self, now: DateTime<Utc>) -> Result<Arc<Keys>, TokenError> {
        match self.download().await {
            Ok(keys) => {
                let keys = Arc::new(keys);
                let mut state = self.state();
                state.keys = Some((Arc::clone(&keys), now));
                state.failed_at = None;
                tracing::debug!(keys = keys.len(), url = %self.url, "fetched the issuer's keys");
                Ok(keys)
            }
            Err(reason) => {
                self.state().failed_at = Some(now);
                tracing::warn!(%reason, url = %self.url, "the issuer's keys could not be fetched");
                Err(TokenError::KeysUnavailable)
            }
        }
    }

    async fn download(&self) -> Result<Keys, String> {
        let response = self
            .http
            .get(self.url.clone())
            .send()
            .await
            .map_err(|error| error.without_url().to_string())?;
        if response.status() != reqwest::StatusCode::OK {
            return Err(format!("status {}", response.status()));
        }
        let mut body = Vec::new();
        let mut stream = response.bytes_stream();
        while let Some(part) = stream.next().await {
            body.extend_from_slice(&part.map_err(|error| error.without_url().to_string())?);
            if body.len() > LARGEST_SET {
                return Err("the answer is too large for a set of keys".to_owned());
            }
        }
        read(&body)
    }

    fn state(&self) -> std::sync::MutexGuard<'_, State> {
        // Each change is one assignment, so a panic elsewhere leaves nothing half-done.
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Reads a set. A key that we cannot use is passed over: the issuer may be ahead of us.
fn read(body: &[u8]) -> Result<Keys, String> {
    #[derive(serde::Deserialize)]
    struct Set {
        keys: Vec<serde_json::Value>,
    }
    let set: Set = serde_json::from_slice(body).map_err(|error| format!("not a set of keys: {error}"))?;
    let mut keys = Keys::new();
    for value in set.keys.into_iter().take(100) {
        let Ok(jwk) = serde_json::from_value::<Jwk>(value) else {
            continue;
        };
        let Some((key_id, algorithm)) = jwk.common.key_id.clone().zip(algorithm(&jwk)) else {
            continue;
        };
        let Ok(key) = DecodingKey::from_jwk(&jwk) else { continue };
        keys.entry((key_id, name(algorithm))).or_insert_with(|| Arc::new(key));
    }
    Ok(keys)
}

/// The one algorithm that a key is used with, by its type; `None` for a key that must not verify tokens.
fn algorithm(jwk: &Jwk) -> Option<Algorithm> {
    let common = &jwk.common;
    let for_verifying = common
        .public_key_use
        .as_ref()
        .is_none_or(|usage| *usage == PublicKeyUse::Signature)
        && common
            .key_operations
            .as_ref()
            .is_none_or(|operations| operations.contains(&KeyOperations::Verify));
    if !for_verifying {
        return None;
    }
    let by_type = match &jwk.algorithm {
        AlgorithmParameters::EllipticCurve(key) if key.curve == EllipticCurve::P256 => Algorithm::ES256,
        AlgorithmParameters::RSA(_) => Algorithm::RS256,
        AlgorithmParameters::OctetKeyPair(key) if key.curve == EllipticCurve::Ed25519 => Algorithm::EdDSA,
        // Shared secrets do not come over the network, and the rest is not accepted.
        _ => return None,
    };
    match common.key_algorithm {
        Some(said) if said.to_string() != name(by_type) => None,
        _ => Some(by_type),
    }
}

fn name(algorithm: Algorithm) -> &'static str {
    match algorithm {
        Algorithm::ES256 => "ES256",
        Algorithm::RS256 => "RS256",
        Algorithm::EdDSA => "EdDSA",
        // Never asked for.
        _ => "other",
    }
}
