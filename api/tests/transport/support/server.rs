//! The server, its verifier, and how it is asked. Apart from the schema, of which it knows no field.

use std::{net::SocketAddr, sync::Arc, time::Duration};

use api::http::{Authenticate, Caller, Introspection, Nothing, Options, Rejection, Schemas, Session, Transport};
use async_graphql::{Result, Schema};
use async_trait::async_trait;
use axum::http::HeaderMap;
use serde_json::{Map, Value, json};
use tokio::sync::watch;

use super::{Clock, Counts, Mutation, Query, Reader};

/// Who the token says.
#[derive(Clone)]
pub struct Name(pub String);

struct Verifier {
    counts: Arc<Counts>,
    revoke: watch::Receiver<Option<String>>,
}

impl Verifier {
    async fn verify(&self, credentials: Option<&str>) -> Result<Session, Rejection> {
        let Some(credentials) = credentials else {
            return Ok(Session::new(Caller::Anonymous).with(Reader::of(&self.counts)));
        };
        let name = credentials.strip_prefix("Bearer ").unwrap_or(credentials);
        let session = |caller| {
            Session::new(caller)
                .with(Name(name.to_owned()))
                .with(Reader::of(&self.counts))
        };
        match name {
            "bad" => Err(Rejection::Unauthenticated {
                message: "the token is not valid".to_owned(),
                challenge: "Bearer error=\"invalid_token\"".to_owned(),
            }),
            "down" => Err(Rejection::Unavailable),
            "fault" => Err(Rejection::Internal),
            "panic" => panic!("a verifier of the tests panics on purpose"),
            "slow" => {
                tokio::time::sleep(Duration::from_millis(300)).await;
                Ok(session(Caller::User(name.to_owned())))
            }
            "brief" => Ok(session(Caller::User(name.to_owned())).expires_in(Duration::from_millis(400))),
            "member" => Ok(session(Caller::User(name.to_owned())).revoked_by(self.revoke.clone())),
            key if key.starts_with("key-") => Ok(session(Caller::Key(key.to_owned()))),
            user => Ok(session(Caller::User(user.to_owned()))),
        }
    }
}

#[async_trait]
impl Authenticate for Verifier {
    async fn by_headers(&self, headers: &HeaderMap) -> Result<Session, Rejection> {
        self.verify(headers.get("authorization").and_then(|value| value.to_str().ok()))
            .await
    }

    async fn by_connection_init(
        &self,
        headers: &HeaderMap,
        payload: &Map<String, Value>,
    ) -> Result<Session, Rejection> {
        let given = payload
            .get("authorization")
            .or_else(|| payload.get("Authorization"))
            .and_then(Value::as_str);
        self.verify(given.or_else(|| headers.get("authorization").and_then(|value| value.to_str().ok())))
            .await
    }
}

/// A server on a free port of the loopback interface.
pub struct Server {
    pub address: SocketAddr,
    pub counts: Arc<Counts>,
    pub revoke: watch::Sender<Option<String>>,
    pub drain: watch::Sender<bool>,
    serving: tokio::task::JoinHandle<()>,
}

impl Drop for Server {
    fn drop(&mut self) {
        self.serving.abort();
    }
}

impl Server {
    pub async fn start() -> Self {
        Self::with(|_| {}).await
    }

    /// Introspection for everyone unless `change` says otherwise.
    pub async fn with(change: impl FnOnce(&mut Options)) -> Self {
        let counts = Arc::new(Counts::default());
        let builder = || Schema::build(Query, Mutation, Clock).data(Arc::clone(&counts));
        let schemas = Schemas::build(builder, Nothing);
        let (revoke, revoked) = watch::channel(None);
        let (drain, drained) = watch::channel(false);
        let mut options = Options {
            introspection: Introspection::Everyone,
            drain: drained,
            ..Options::default()
        };
        change(&mut options);
        let verifier = Verifier {
            counts: Arc::clone(&counts),
            revoke: revoked,
        };
        let transport = Transport::new(schemas, Arc::new(verifier), options).unwrap();
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let service = transport.router().into_make_service_with_connect_info::<SocketAddr>();
        let serving = tokio::spawn(async move { axum::serve(listener, service).await.unwrap() });
        Self {
            address,
            counts,
            revoke,
            drain,
            serving,
        }
    }

    pub fn url(&self) -> String {
        format!("http://{}/graphql", self.address)
    }

    pub fn url_with(&self, query: &[(&str, &str)]) -> url::Url {
        url::Url::parse_with_params(&self.url(), query).unwrap()
    }

    /// A POST of JSON, accepting `application/graphql-response+json`.
    pub async fn post(&self, body: Value) -> Answer {
        self.send(self.request(&body)).await
    }

    pub fn request(&self, body: &Value) -> reqwest::RequestBuilder {
        reqwest::Client::new()
            .post(self.url())
            .header("accept", "application/graphql-response+json")
            .json(body)
    }

    pub async fn send(&self, request: reqwest::RequestBuilder) -> Answer {
        Answer::read(request.send().await.unwrap()).await
    }

    pub async fn query(&self, query: &str) -> Answer {
        self.post(json!({ "query": query })).await
    }
}

/// An answer, read.
#[derive(Debug)]
pub struct Answer {
    pub status: u16,
    pub headers: HeaderMap,
    pub json: Value,
}

impl Answer {
    pub async fn read(response: reqwest::Response) -> Self {
        let (status, headers) = (response.status().as_u16(), response.headers().clone());
        let text = response.text().await.unwrap();
        let json = serde_json::from_str(&text).unwrap_or(Value::String(text));
        Self { status, headers, json }
    }

    /// The code of the first error.
    pub fn code(&self) -> &str {
        self.json
            .pointer("/errors/0/extensions/code")
            .and_then(Value::as_str)
            .unwrap_or("no code")
    }

    pub fn message(&self) -> &str {
        self.json
            .pointer("/errors/0/message")
            .and_then(Value::as_str)
            .unwrap_or_default()
    }

    /// A request error: coded, with the id of the header, without `data`.
    #[track_caller]
    pub fn refused(&self, status: u16, code: &str) -> &Self {
        assert_eq!((self.status, self.code()), (status, code), "{self:?}");
        assert_eq!(self.json.get("data"), None, "{self:?}");
        let id = self
            .json
            .pointer("/errors/0/extensions/requestId")
            .and_then(Value::as_str);
        assert_eq!(
            id,
            self.headers.get("x-request-id").and_then(|id| id.to_str().ok()),
            "{self:?}"
        );
        self
    }
}

/// Waits until a condition holds, twenty seconds at most.
pub async fn eventually(what: &str, condition: impl Fn() -> bool) {
    for _ in 0..2000 {
        if condition() {
            return;
        }
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    panic!("{what} did not come true");
}
