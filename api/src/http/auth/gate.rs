//! From a credential to a caller: the token or key is verified, the place in an organization is looked up, and a session is
//! opened that ends with the token, the membership or the key.

use std::collections::HashMap;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

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
/// Actors looked up in one statement, when all open sessions are looked at.
const BATCH: usize = 1_000;
/// How long to wait before a look that failed is tried again.
const AGAIN: Duration = Duration::from_millis(500);
/// How often somebody is looked up anew because rights changed meanwhile.
const MOST_LOOKS: u32 = 5;

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
    sessions: Mutex<HashMap<Actor, Open>>,
    /// Grows with every change of rights that is heard of: what was looked up before is not to be relied on.
    changes: AtomicU64,
}

/// The open sessions of an actor: all with the same rights.
struct Open {
    caller: Caller,
    end: watch::Sender<Option<String>>,
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
            changes: AtomicU64::new(0),
        }))
    }

    /// Ends the open sessions of an actor, with a reason to show, and forgets his place: his role changed, his membership
    /// ended, the key was revoked.
    pub fn end(&self, actor: Actor, reason: &str) {
        // First, so that whoever is being let in at this moment is looked up again.
        self.0.changes.fetch_add(1, Ordering::AcqRel);
        if let Actor::Person(user) = actor {
            lock(&self.0.profiles).remove(&user);
        }
        if let Some(open) = lock(&self.0.sessions).remove(&actor) {
            open.end.send_replace(Some(reason.to_owned()));
        }
    }

    /// Forgets all places: changes may have been missed.
    pub fn forget_all(&self) {
        self.0.changes.fetch_add(1, Ordering::AcqRel);
        lock(&self.0.profiles).clear();
    }

    /// Looks at the rights behind every open session, and ends those that are not what they were. Waits for the database.
    pub async fn look_again(&self) {
        let actors: Vec<Actor> = {
            let mut sessions = lock(&self.0.sessions);
            sessions.retain(|_, open| open.end.receiver_count() > 0);
            sessions.keys().copied().collect()
        };
        for batch in actors.chunks(BATCH) {
            let ids: Vec<_> = batch.iter().map(|actor| actor.uuid()).collect();
            let now = loop {
                match self.0.db.system().callers_now(&ids).await {
                    Ok(now) => break now,
                    Err(error) => {
                        tracing::warn!(%error, "open sessions could not be looked at; trying again");
                        tokio::time::sleep(AGAIN).await;
                    }
                }
            };
            for actor in batch {
                let rights = now.get(&actor.uuid()).copied();
                let changed = lock(&self.0.sessions).get(actor).is_some_and(|open| {
                    let (membership, read_only) = rights.unzip();
                    (open.caller.membership, open.caller.read_only) != (membership, read_only.unwrap_or_default())
                });
                if changed {
                    self.end(*actor, "your role or membership changed, or the key was revoked");
                }
            }
        }
    }

    async fn admit(&self, credential: Credential) -> Result<Session, Rejection> {
        let mut looks = 0;
        loop {
            looks += 1;
            let before = self.0.changes.load(Ordering::Acquire);
            let session = self.look_up(&credential).await?;
            // Rights that change between the look and the watch would be heard by nobody.
            if self.0.changes.load(Ordering::Acquire) == before || looks == MOST_LOOKS {
                return Ok(session);
            }
        }
    }

    async fn look_up(&self, credential: &Credential) -> Result<Session, Rejection> {
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
        let mut session = Session::new(counted).revoked_by(self.watch(&caller));
        if let Some(membership) = caller.membership {
            session = session.of_organization(membership.organization.to_string());
        }
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
        let before = self.0.changes.load(Ordering::Acquire);
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
            if self.0.changes.load(Ordering::Acquire) == before {
                profiles.insert(claims.user, (caller.clone(), now));
            }
        }
        Ok(caller)
    }

    fn watch(&self, caller: &Caller) -> watch::Receiver<Option<String>> {
        let mut sessions = lock(&self.0.sessions);
        if sessions.len() >= MOST_KEPT {
            // Only those that nobody watches any more: an open session must hear of its end.
            sessions.retain(|_, open| open.end.receiver_count() > 0);
        }
        if let Some(open) = sessions.get(&caller.actor) {
            if (open.caller.membership, open.caller.read_only) == (caller.membership, caller.read_only) {
                return open.end.subscribe();
            }
            // Looked up a moment ago, with other rights than the open ones have: a change that was not heard of.
            open.end
                .send_replace(Some("your role or membership changed".to_owned()));
        }
        let (end, watched) = watch::channel(None);
        let caller = caller.clone();
        sessions.insert(caller.actor, Open { caller, end });
        watched
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
