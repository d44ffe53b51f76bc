//! Who is speaking: the seam between the transport and the verifier of tokens and keys.

use std::{fmt, net::IpAddr, sync::Arc, time::Duration};

use async_graphql::Data;
use async_trait::async_trait;
use axum::http::HeaderMap;
use serde_json::{Map, Value};

use super::auth::TokenError;
use tokio::{sync::watch, time::Instant};

/// What the budgets and connection caps count by.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub enum Caller {
    /// Nobody known: counted by network address.
    Anonymous,
    /// A person, by user id.
    User(String),
    /// An API key, by the key's id (never its secret).
    Key(String),
}

impl Caller {
    /// The text that a budget counts under.
    pub(super) fn budget_key(&self, address: Option<IpAddr>) -> String {
        match self {
            Self::Anonymous => match address {
                Some(address) => format!("address:{}", super::rate::network(address)),
                None => "address:unknown".to_owned(),
            },
            Self::User(id) => format!("user:{id}"),
            Self::Key(id) => format!("key:{id}"),
        }
    }
}

type Attach = Arc<dyn Fn(&mut Data) + Send + Sync>;

/// An authenticated (or anonymous) caller, for one HTTP request or the life of a socket.
#[derive(Clone)]
pub struct Session {
    /// Whom to count.
    pub caller: Caller,
    /// Whose sockets and subscriptions are counted together; none for someone without a place.
    pub organization: Option<String>,
    /// When the token ends: sockets close with 4403, event streams end.
    pub expires_at: Option<Instant>,
    /// Becomes `Some(reason)` when the membership ends or the key is revoked; the socket then closes with 4403.
    pub revoked: Option<watch::Receiver<Option<String>>>,
    attach: Vec<Attach>,
}

impl Session {
    /// A session that never expires by itself.
    pub fn new(caller: Caller) -> Self {
        Self {
            caller,
            organization: None,
            expires_at: None,
            revoked: None,
            attach: Vec::new(),
        }
    }

    /// Puts `value` into the data of every operation of this session.
    #[must_use]
    pub fn with<T: Clone + Send + Sync + 'static>(mut self, value: T) -> Self {
        self.attach.push(Arc::new(move |data| data.insert(value.clone())));
        self
    }

    /// Counts the session's sockets and subscriptions with those of its organization.
    #[must_use]
    pub fn of_organization(mut self, organization: String) -> Self {
        self.organization = Some(organization);
        self
    }

    /// Ends the session after the time that its token has left, by the clock of whoever verified it.
    #[must_use]
    pub fn expires_in(mut self, left: Duration) -> Self {
        self.expires_at = Instant::now().checked_add(left);
        self
    }

    /// Ends the session when the watched value becomes a reason.
    #[must_use]
    pub fn revoked_by(mut self, revoked: watch::Receiver<Option<String>>) -> Self {
        self.revoked = Some(revoked);
        self
    }

    /// Puts the values of this session into the data of an operation.
    pub fn attach_to(&self, data: &mut Data) {
        for attach in &self.attach {
            attach(data);
        }
    }

    pub(super) fn is_anonymous(&self) -> bool {
        self.caller == Caller::Anonymous
    }

    /// Resolves with a reason when the session ends, by expiry or revocation; never if it cannot end.
    pub(super) async fn ended(&self) -> String {
        let expiry = async {
            match self.expires_at {
                Some(instant) => tokio::time::sleep_until(instant).await,
                None => std::future::pending().await,
            }
        };
        let revocation = async {
            let Some(mut revoked) = self.revoked.clone() else {
                return std::future::pending().await;
            };
            loop {
                if let Some(reason) = revoked.borrow_and_update().clone() {
                    return reason;
                }
                if revoked.changed().await.is_err() {
                    return std::future::pending().await;
                }
            }
        };
        tokio::select! {
            () = expiry => "token expired".to_owned(),
            reason = revocation => reason,
        }
    }
}

impl fmt::Debug for Session {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter
            .debug_struct("Session")
            .field("caller", &self.caller)
            .field("expires_at", &self.expires_at)
            .finish_non_exhaustive()
    }
}

/// Why a caller was turned away. Texts are safe to show.
#[derive(Debug, Clone)]
pub enum Rejection {
    /// The credentials are wrong, expired or missing: 401 with `WWW-Authenticate: challenge`; sockets close with 4403.
    Unauthenticated { message: String, challenge: String },
    /// The verifier cannot answer now (its keys or the database are out of reach): 503; sockets close with 1013.
    Unavailable,
    /// A fault of ours, already logged: 500; sockets close with 4500.
    Internal,
}

impl From<TokenError> for Rejection {
    fn from(error: TokenError) -> Self {
        match error {
            TokenError::KeysUnavailable => Self::Unavailable,
            error => Self::Unauthenticated {
                message: error.to_string(),
                challenge: error.challenge(),
            },
        }
    }
}

/// Verifies credentials. Absent credentials are for the implementor to judge: an anonymous [`Session`] or a rejection.
#[async_trait]
pub trait Authenticate: Send + Sync + 'static {
    /// For HTTP requests and event streams.
    async fn by_headers(&self, headers: &HeaderMap) -> Result<Session, Rejection>;

    /// For sockets: the payload of `connection_init`, beside the headers of the upgrade request.
    async fn by_connection_init(&self, headers: &HeaderMap, payload: &Map<String, Value>)
    -> Result<Session, Rejection>;
}
