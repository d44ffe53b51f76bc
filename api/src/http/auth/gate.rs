//! From a credential to a caller: the token or key is verified, the place in an organization is looked up, and a session is
//! opened that ends with the token, the membership or the key.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use async_trait::async_trait;
use axum::http::HeaderMap;
use chrono::{DateTime, TimeDelta, Utc};
use domain::id::UserId;
use serde_json::{Map, Value};
use service::caller::{Actor, Caller};
use service::db::Db;
use sha2::{Digest, Sha256};
use tokio::sync::watch;

use super::{Claims, Credential, TokenError, TokenVerifier};
use crate::http::session::{self, Authenticate, Rejection, Session};

/// How long a person's place is believed without asking again. Whoever hears of a change calls [`Gate::end`] at once.
const PROFILE_LIFE: TimeDelta = TimeDelta::seconds(5);
/// The most places and sessions kept in mind.
const MOST_KEPT: usize = 10_000;

/// Puts what resolvers need into a session: of this caller, or of nobody known.
pub type Dress = Box<dyn Fn(Session, Option<&Caller>) -> Session + Send + Sync>;

/// Lets callers in. Cheap to clone; clones share what they know.
#[derive(Clone)]
pub struct Gate(Arc<Inner>);

struct Inner {
    verifier: TokenVerifier,
    db: Db,
    clock: fn() -> DateTime<Utc>,
    dress: Dress,
    profiles: Mutex<HashMap<UserId, (Caller, DateTime<Utc>)>>,
    /// Who is told when an actor's sessions end.
    sessions: Mutex<HashMap<Actor, watch::Sender<Option<String>>>>,
}

impl Gate {
    /// A gate over a database that is signed in to as `newsystem_api`.
    pub fn new(verifier: TokenVerifier, db: Db, clock: fn() -> DateTime<Utc>) -> Self {
        Self::dressing(verifier, db, clock, Box::new(|session, _| session))
    }

    /// The same, putting what resolvers need into every session.
    pub fn dressing(verifier: TokenVerifier, db: Db, clock: fn() -> DateTime<Utc>, dress: Dress) -> Self {
        Self(Arc::new(Inner {
            verifier,
            db,
            clock,
            dress,
            profiles: Mutex::default(),
            sessions: Mutex::default(),
        }))
    }

    /// Ends the open sessions of an actor, with a reason to show, and forgets his place: his role changed, his membership
    /// ended, the key was revoked.
    pub fn end(&self, actor: Actor, reason: &str) {
        if let Actor::Person(user) = actor {
            lock(&self.0.profiles).remove(&user);
        }
        if let Some(session) = lock(&self.0.sessions).remove(&actor) {
            session.send_replace(Some(reason.to_owned()));
        }
    }

    /// Forgets all places: changes may have been missed.
    pub fn forget_all(&self) {
        lock(&self.0.profiles).clear();
    }

    async fn admit(&self, credential: Credential) -> Result<Session, Rejection> {
        let now = (self.0.clock)();
        let (caller, counted, expires_at) = match credential {
            Credential::Anonymous => return Ok((self.0.dress)(Session::new(session::Caller::Anonymous), None)),
            Credential::Person(token) => {
                let claims = self.0.verifier.verify(token.expose(), now).await?;
                let caller = self.place_of(&claims, now).await?;
                (
                    caller,
                    session::Caller::User(claims.user.to_string()),
                    Some(claims.expires_at),
                )
            }
            Credential::Key(secret) => {
                // Never kept: a revoked key is refused from its next request on.
                let hash = hex::encode(Sha256::digest(secret.expose().as_bytes()));
                let found = self.0.db.system().key_in(&hash).await.map_err(|error| refuse(&error))?;
                let (caller, expires_at) = found.ok_or(TokenError::UnknownApiKey)?;
                let id = caller.actor.uuid().to_string();
                (caller, session::Caller::Key(id), expires_at)
            }
        };
        let session = Session::new(counted).revoked_by(self.watch(caller.actor));
        let session = (self.0.dress)(session.with(caller.clone()), Some(&caller));
        Ok(match expires_at {
            Some(instant) => session.expires_in((instant - now).to_std().unwrap_or_default()),
            None => session,
        })
    }

    async fn place_of(&self, claims: &Claims, now: DateTime<Utc>) -> Result<Caller, Rejection> {
        let kept = lock(&self.0.profiles).get(&claims.user).cloned();
        if let Some((caller, since)) = kept
            && (now - since).abs() < PROFILE_LIFE
            && caller.email == claims.email
        {
            return Ok(caller);
        }
        let found = self.0.db.system().sign_in(claims.user, claims.email.as_deref()).await;
        let caller = found.map_err(|error| refuse(&error))?;
        // Someone without a place is about to get one, and must not be told otherwise for seconds.
        if caller.membership.is_some() {
            let mut profiles = lock(&self.0.profiles);
            if profiles.len() >= MOST_KEPT {
                profiles.retain(|_, (_, since)| (now - *since).abs() < PROFILE_LIFE);
                if profiles.len() >= MOST_KEPT {
                    profiles.clear();
                }
            }
            profiles.insert(claims.user, (caller.clone(), now));
        }
        Ok(caller)
    }

    fn watch(&self, actor: Actor) -> watch::Receiver<Option<String>> {
        let mut sessions = lock(&self.0.sessions);
        if sessions.len() >= MOST_KEPT {
            // Only those that nobody watches any more: an open session must hear of its end.
            sessions.retain(|_, session| session.receiver_count() > 0);
        }
        sessions
            .entry(actor)
            .or_insert_with(|| watch::channel(None).0)
            .subscribe()
    }
}

#[async_trait]
impl Authenticate for Gate {
    async fn by_headers(&self, headers: &HeaderMap) -> Result<Session, Rejection> {
        self.admit(Credential::from_headers(headers)?).await
    }

    /// A browser cannot set headers on a socket, so the payload counts; the headers of the upgrade only where it is silent.
    async fn by_connection_init(
        &self,
        headers: &HeaderMap,
        payload: &Map<String, Value>,
    ) -> Result<Session, Rejection> {
        let credential = match Credential::from_init_payload(payload)? {
            Credential::Anonymous => Credential::from_headers(headers)?,
            found => found,
        };
        self.admit(credential).await
    }
}

fn refuse(error: &service::Error) -> Rejection {
    match error {
        service::Error::Unavailable { .. } | service::Error::Timeout => Rejection::Unavailable,
        error => {
            tracing::error!(%error, cause = ?error, "a caller could not be looked up");
            Rejection::Internal
        }
    }
}

/// Each change under these locks is one call, so a panic elsewhere leaves nothing half-done.
fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
