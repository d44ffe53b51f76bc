//! The routes and what surrounds every request: id, address budget, CORS, headers, panics.

use std::{convert::Infallible, net::SocketAddr, panic::AssertUnwindSafe, sync::Arc};

use async_graphql::Executor;
use axum::{
    Router,
    extract::{ConnectInfo, Request, State},
    http::{HeaderValue, StatusCode, header},
    middleware::{self, Next},
    response::Response,
    routing::{any, get},
};
use futures::FutureExt as _;
use tokio::sync::watch;
use tokio_util::task::TaskTracker;
use tower_http::set_header::SetResponseHeaderLayer;

use super::{
    cors::Origins,
    engine::{Engine, Introspection, Schemas},
    error::{Code, Refusal},
    graphiql, graphql,
    limits::Limits,
    negotiation::{Accepted, Media},
    places::Places,
    rate::{Budget, Budgets, Rates, client_address, network},
    ready_made::ReadyMade,
    registered::Registered,
    request_id::{self, RequestId},
    session::Authenticate,
    stream::{EventId, root_cursor},
};
use crate::config::Network;

/// How a transport behaves. `Options::default()` is fit for production without foreign pages.
#[derive(Clone)]
pub struct Options {
    /// What may be asked.
    pub limits: Limits,
    /// How often.
    pub rates: Rates,
    /// Which pages may call from a browser.
    pub origins: Origins,
    /// Who may read the schema.
    pub introspection: Introspection,
    /// The explorer at `/`; for development.
    pub graphiql: bool,
    /// Documents known by hash.
    pub registered: Registered,
    /// Accept nothing else.
    pub registered_only: bool,
    /// Proxies of ours in front, whose `X-Forwarded-For` is believed.
    pub trusted_proxies: Vec<Network>,
    /// Becomes true when the server shuts down: sockets close with 1012, event streams end, new ones are refused.
    pub drain: watch::Receiver<bool>,
    /// Finds an event's cursor in its `data`.
    pub event_id: EventId,
    /// Subscriptions whose events are written without an execution.
    pub ready_made: Option<Arc<dyn ReadyMade>>,
}

impl Default for Options {
    fn default() -> Self {
        Self {
            limits: Limits::default(),
            rates: Rates::default(),
            origins: Origins::default(),
            introspection: Introspection::default(),
            graphiql: false,
            registered: Registered::default(),
            registered_only: false,
            trusted_proxies: Vec::new(),
            drain: watch::channel(false).1,
            event_id: root_cursor,
            ready_made: None,
        }
    }
}

/// In the extensions of every request, where whoever serves wants to wait for sockets: a connection that was upgraded is none of the
/// server's any more, and yet has its last words to say.
#[derive(Clone, Default)]
pub struct Upgraded(pub TaskTracker);

/// Everything that a request needs.
pub(super) struct Shared<E> {
    pub engine: Arc<Engine<E>>,
    pub authenticate: Arc<dyn Authenticate>,
    pub budgets: Budgets,
    pub origins: Origins,
    pub places: Arc<Places>,
    pub drain: watch::Receiver<bool>,
    pub trusted_proxies: Arc<[Network]>,
    pub event_id: EventId,
}

/// GraphQL on HTTP, WebSocket and server-sent events, over any schema.
pub struct Transport<E> {
    shared: Arc<Shared<E>>,
    address_budget: Arc<Budget>,
    upload_budget: Arc<Budget>,
    graphiql: bool,
}

impl<E: Executor> Transport<E> {
    /// Fails if `schemas.sdl` cannot be read. The schemas must have been built with [`super::Observe`].
    pub fn new(
        schemas: Schemas<E>,
        authenticate: Arc<dyn Authenticate>,
        options: Options,
    ) -> Result<Self, async_graphql::parser::Error> {
        let places = Arc::new(Places::new(&options.limits));
        let engine = Engine::new(
            schemas,
            options.limits,
            options.introspection,
            options.registered,
            options.registered_only,
            options.ready_made,
        )?;
        let shared = Shared {
            engine: Arc::new(engine),
            authenticate,
            budgets: Budgets::new(&options.rates),
            origins: options.origins,
            places,
            drain: options.drain,
            trusted_proxies: options.trusted_proxies.into(),
            event_id: options.event_id,
        };
        Ok(Self {
            shared: Arc::new(shared),
            address_budget: Arc::new(Budget::new(options.rates.address)),
            upload_budget: Arc::new(Budget::new(options.rates.upload)),
            graphiql: options.graphiql,
        })
    }

    /// The routes `/graphql`, `/schema.graphql`, and `/` with its assets if the explorer is on. Serve it with
    /// `into_make_service_with_connect_info::<SocketAddr>()`: addresses are counted.
    pub fn router(&self) -> Router {
        self.surround(self.routes())
    }

    /// The routes alone, to be merged with others before [`Self::surround`].
    pub fn routes(&self) -> Router {
        let mut router = Router::new()
            .route("/graphql", any(graphql::handle::<E>))
            .route("/schema.graphql", get(graphql::sdl::<E>))
            .with_state(Arc::clone(&self.shared));
        if self.graphiql {
            router = router
                .route("/", get(graphiql::page))
                .route("/graphiql/{file}", get(graphiql::asset));
        }
        router
    }

    /// Puts id, budget, CORS and headers around routes, also those of other modules.
    pub fn surround(&self, router: Router) -> Router {
        let budget = AddressBudget {
            budget: Arc::clone(&self.address_budget),
            uploads: Arc::clone(&self.upload_budget),
            trusted_proxies: Arc::clone(&self.shared.trusted_proxies),
        };
        router
            .layer(middleware::from_fn(catch_panics))
            .layer(middleware::from_fn_with_state(budget, by_address))
            .layer(self.shared.origins.layer())
            .layer(SetResponseHeaderLayer::overriding(
                header::X_CONTENT_TYPE_OPTIONS,
                HeaderValue::from_static("nosniff"),
            ))
            .layer(SetResponseHeaderLayer::if_not_present(
                header::CACHE_CONTROL,
                HeaderValue::from_static("no-store"),
            ))
            .layer(middleware::from_fn(request_id::attach))
    }

    /// The schema's text, as the open schema has it.
    pub fn sdl(&self) -> &str {
        self.shared.engine.sdl()
    }
}

#[derive(Clone)]
struct AddressBudget {
    budget: Arc<Budget>,
    uploads: Arc<Budget>,
    trusted_proxies: Arc<[Network]>,
}

/// Middleware: refuses floods of one address before anything is verified or read.
async fn by_address(State(state): State<AddressBudget>, request: Request, next: Next) -> Response {
    let peer = request
        .extensions()
        .get::<ConnectInfo<SocketAddr>>()
        .map(|info| info.0.ip());
    if let Some(address) = client_address(peer, request.headers(), &state.trusted_proxies) {
        // Bytes and pages are paid from different purses: an upload at full speed does not stop its own dashboard.
        let purse = if request.uri().path().starts_with("/files/uploads/") {
            &state.uploads
        } else {
            &state.budget
        };
        let allowance = purse.take(&network(address).to_string());
        if !allowance.allowed {
            let id = request
                .extensions()
                .get::<RequestId>()
                .cloned()
                .unwrap_or_else(RequestId::fresh);
            let media = Accepted::read(request.headers()).json.unwrap_or(Media::Json);
            let mut response = graphql::refuse(media, &id, graphql::rate_limited(&allowance));
            allowance.write(response.headers_mut());
            return response;
        }
    }
    next.run(request).await
}

/// Middleware: a panic is an answer like any other fault.
async fn catch_panics(request: Request, next: Next) -> Response {
    let id = request
        .extensions()
        .get::<RequestId>()
        .cloned()
        .unwrap_or_else(RequestId::fresh);
    let media = Accepted::read(request.headers()).json.unwrap_or(Media::Json);
    AssertUnwindSafe(next.run(request))
        .catch_unwind()
        .await
        .unwrap_or_else(|_| {
            // The panic hook has logged where.
            let refusal = Refusal::http(StatusCode::INTERNAL_SERVER_ERROR, Code::Internal, "internal error");
            graphql::refuse(media, &id, refusal)
        })
}

/// Resolves when the server begins to shut down.
pub(super) async fn wait_for_drain(mut drain: watch::Receiver<bool>) {
    if drain.wait_for(|draining| *draining).await.is_err() {
        // Whoever could say so is gone: it never will.
        std::future::pending::<Infallible>().await;
    }
}
