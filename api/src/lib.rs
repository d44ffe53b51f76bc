//! The door for people: HTTP, WebSocket and server-sent events, and the GraphQL schema behind them.
//!
//! [`app`] puts the parts together: the gate lets callers in, the transport carries documents, the schema answers them through
//! readers and scopes of `service`, and the hub tells subscriptions what happens.

pub mod config;
pub mod graphql;
pub mod http;
pub mod hub;

use std::sync::{Arc, OnceLock};

use axum::Router;
use axum::routing::{get, put};
use chrono::{DateTime, Utc};
use service::caller::Actor;
use service::clock::Clock;
use service::db::Db;
use service::event::listener::Listener;
use service::signing::Signer;
use service::storage::Storage;
use tokio::sync::watch;
use tokio_util::sync::CancellationToken;

use crate::graphql::look::Audited;
use crate::graphql::{Api, Request};
use crate::http::auth::{Gate, TokenVerifier};
use crate::http::cors::Origins;
use crate::http::{Introspection, Limits, Options, Rates, Schemas, Transport};
use crate::hub::Hub;

/// What an application is made of.
pub struct Parts {
    /// The database, as `newsystem_api`.
    pub db: Db,
    /// Hears doorbells, on a connection of its own.
    pub listener: Listener,
    /// Where recordings, frames and reports lie.
    pub storage: Storage,
    /// Signs addresses.
    pub signer: Signer,
    /// Verifies tokens.
    pub verifier: TokenVerifier,
    /// The time of day.
    pub clock: Clock,
    /// The largest chunk of a recording, in bytes.
    pub max_chunk_bytes: u64,
}

/// How an application behaves.
#[derive(Clone, Default)]
pub struct Behaviour {
    /// What may be asked.
    pub limits: Limits,
    /// How often.
    pub rates: Rates,
    /// Which pages may call from a browser.
    pub origins: Origins,
    /// Whose word about the client's address is believed.
    pub trusted_proxies: Vec<config::Network>,
    /// The only operations that are accepted; none: any.
    pub registered: Option<http::Registered>,
    /// The explorer at `/`, and introspection for everyone.
    pub development: bool,
}

/// Why an application cannot be put together.
#[derive(Debug, thiserror::Error)]
pub enum AppError {
    /// The schema's own text cannot be read: a fault of ours.
    #[error("the schema cannot be read")]
    Schema(#[from] async_graphql::parser::Error),
}

/// The whole application. Sockets are closed and new ones refused once `stopping` fires. Serve it with
/// `into_make_service_with_connect_info::<SocketAddr>()`: addresses are counted.
///
/// # Errors
/// [`AppError`].
pub fn app(parts: Parts, behaviour: Behaviour, stopping: &CancellationToken) -> Result<Router, AppError> {
    let Parts {
        db,
        listener,
        storage,
        signer,
        verifier,
        clock,
        max_chunk_bytes,
    } = parts;
    // The hub tells the gate who changed, and the gate puts what the hub is part of into every session.
    let gate: Arc<OnceLock<Gate>> = Arc::default();
    let told = Arc::clone(&gate);
    let on_caller = Box::new(move |changed: Option<uuid::Uuid>| {
        let Some(gate) = told.get() else { return };
        if let Some(id) = changed {
            gate.end(Actor::Person(id.into()), "your role or membership changed");
            gate.end(Actor::Key(id.into()), "the key was revoked or changed");
        } else {
            gate.forget_all();
            let gate = gate.clone();
            tokio::spawn(async move { gate.look_again().await });
        }
    });
    let hub = Hub::start(db.clone(), listener, on_caller, stopping.clone());
    let api = Api {
        db: db.clone(),
        signer,
        clock,
        storage,
        max_chunk_bytes,
        hub,
    };
    let serving = api.clone();
    let dress = Box::new(
        move |session: http::Session, caller: Option<&service::caller::Caller>| {
            session.with(Request::new(serving.clone(), caller.cloned()))
        },
    );
    let gate = gate.get_or_init(|| Gate::dressing(verifier, db, now, dress)).clone();

    let schemas = Schemas::build(graphql::schema, Audited);
    let introspection = if behaviour.development {
        Introspection::Everyone
    } else {
        Introspection::default()
    };
    let options = Options {
        limits: behaviour.limits,
        rates: behaviour.rates,
        origins: behaviour.origins,
        introspection,
        graphiql: behaviour.development,
        registered_only: behaviour.registered.is_some(),
        registered: behaviour.registered.unwrap_or_default(),
        trusted_proxies: behaviour.trusted_proxies,
        drain: draining(stopping.clone()),
        ready_made: Some(Arc::new(graphql::ready_made::EventsAtHand)),
        ..Options::default()
    };
    let transport = Transport::new(schemas, Arc::new(gate), options)?;
    let others = Router::new()
        .route("/health/live", get(http::health::live))
        .route("/health/ready", get(http::health::ready))
        .route("/files/uploads/{chunk}", put(http::upload::put))
        .route("/files/frames/{frame}", get(http::files::frame))
        .route("/files/playback/{session}", get(http::files::playback))
        .route("/files/exports/{export}", get(http::files::export))
        .with_state(api);
    Ok(transport.surround(transport.routes().merge(others)))
}

/// Tokens are judged by the system's time, whatever a test's clock says.
fn now() -> DateTime<Utc> {
    Clock::system().now()
}

fn draining(stopping: CancellationToken) -> watch::Receiver<bool> {
    let (drain, drained) = watch::channel(false);
    tokio::spawn(async move {
        stopping.cancelled().await;
        drain.send_replace(true);
        drain.closed().await;
    });
    drained
}
