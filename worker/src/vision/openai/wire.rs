//! One HTTP exchange with the endpoint, through the client library, with everything that it would hide.
//!
//! The library builds the request (address, key, headers, body). It would also retry by itself, drop the headers of a
//! failure and log the text of an answer that it cannot read. A transport of our own prevents all three: it sends once,
//! keeps status, headers and body as they came, and hands the library an empty answer to read.

use std::sync::{Arc, Mutex, PoisonError};
use std::task::{Context, Poll};
use std::time::Duration;

use async_openai::Client;
use async_openai::config::OpenAIConfig;
use async_openai::error::OpenAIError;
use async_openai::middleware::HttpRequestFactory;
use futures::future::BoxFuture;
use http::HeaderMap;
use serde::de::IgnoredAny;
use serde_json::Value;

use super::config::RemoteConfig;

/// No reply is longer; more is a fault of the endpoint.
const MOST_REPLY_BYTES: usize = 16 * 1024 * 1024;

/// What came back from one request.
#[derive(Debug)]
pub(super) struct Heard {
    pub(super) status: u16,
    pub(super) headers: HeaderMap,
    pub(super) body: Vec<u8>,
}

/// Why nothing complete came back.
#[derive(Debug)]
pub(super) enum Silence {
    /// The request did not reach the endpoint: nothing can have been billed.
    NotSent(String),
    /// It may have reached it: the endpoint may have worked, and billed.
    Unknown(String),
}

/// Connections to the endpoint.
#[derive(Clone)]
pub(super) struct Wire {
    http: reqwest::Client,
    config: OpenAIConfig,
    timeout: Duration,
}

impl Wire {
    pub(super) fn new(config: &RemoteConfig) -> Result<Self, reqwest::Error> {
        let mut http = reqwest::Client::builder()
            // A redirect would carry screens to a host that nobody allowed.
            .redirect(reqwest::redirect::Policy::none())
            .connect_timeout(Duration::from_secs(10));
        if config.is_loopback() {
            http = http.no_proxy();
        }
        Ok(Self {
            http: http.build()?,
            // Named one by one, because the library's defaults read the environment.
            config: OpenAIConfig::new()
                .with_api_base(config.base_url.as_str().trim_end_matches('/'))
                .with_api_key(config.api_key.as_ref().map_or("", |key| key.reveal()))
                .with_org_id("")
                .with_project_id(""),
            timeout: config.timeout,
        })
    }

    /// Sends the request once.
    pub(super) async fn post(&self, request: &Value) -> Result<Heard, Silence> {
        let once = Once {
            http: self.http.clone(),
            heard: Arc::default(),
        };
        let client = Client::build(self.http.clone(), self.config.clone()).with_http_service(once.clone());
        let chat = client.chat();
        let call = chat.create_byot::<_, IgnoredAny>(request);
        let Ok(outcome) = tokio::time::timeout(self.timeout, call).await else {
            return Err(Silence::Unknown(format!(
                "no complete answer within {} s",
                self.timeout.as_secs()
            )));
        };
        let heard = once.heard.lock().unwrap_or_else(PoisonError::into_inner).take();
        match (heard, outcome) {
            (Some(heard), _) => heard,
            (None, Err(OpenAIError::InvalidArgument(why))) => Err(Silence::NotSent(why)),
            (None, _) => Err(Silence::NotSent("the request could not be built".to_owned())),
        }
    }
}

/// A transport that sends once and keeps what it hears.
#[derive(Clone)]
struct Once {
    http: reqwest::Client,
    heard: Arc<Mutex<Option<Result<Heard, Silence>>>>,
}

impl tower::Service<HttpRequestFactory> for Once {
    type Response = reqwest::Response;
    type Error = OpenAIError;
    type Future = BoxFuture<'static, Result<reqwest::Response, OpenAIError>>;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), OpenAIError>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, factory: HttpRequestFactory) -> Self::Future {
        let Self { http, heard } = self.clone();
        Box::pin(async move {
            let request = factory.build().await?;
            let outcome = exchange(&http, request).await;
            *heard.lock().unwrap_or_else(PoisonError::into_inner) = Some(outcome);
            Ok(http::Response::new("null").into())
        })
    }
}

async fn exchange(http: &reqwest::Client, request: reqwest::Request) -> Result<Heard, Silence> {
    let mut response = http.execute(request).await.map_err(|error| {
        if error.is_connect() || error.is_builder() {
            Silence::NotSent(told(&error))
        } else {
            Silence::Unknown(told(&error))
        }
    })?;
    let mut body = Vec::new();
    while let Some(piece) = response.chunk().await.map_err(|error| Silence::Unknown(told(&error)))? {
        if body.len() + piece.len() > MOST_REPLY_BYTES {
            return Err(Silence::Unknown("the answer is longer than 16 MiB".to_owned()));
        }
        body.extend_from_slice(&piece);
    }
    Ok(Heard {
        status: response.status().as_u16(),
        headers: response.headers().clone(),
        body,
    })
}

/// The chain of causes without addresses: a base URL may carry credentials.
fn told(error: &reqwest::Error) -> String {
    let what = if error.is_connect() {
        "no connection"
    } else if error.is_body() || error.is_decode() {
        "the answer broke off"
    } else {
        "the connection failed"
    };
    let mut causes = Vec::new();
    let mut cause = std::error::Error::source(error);
    while let Some(inner) = cause {
        causes.push(inner.to_string());
        cause = inner.source();
    }
    match causes.last() {
        Some(root) => format!("{what}: {root}"),
        None => what.to_owned(),
    }
}
