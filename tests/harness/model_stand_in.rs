//! A stand-in for the model's endpoint: loopback only, strict about what it is sent, scripted in what it answers.
//!
//! Every request is compared with the published form of a chat-completions request ([`form`]); a departure is answered
//! with 400, as the real endpoint does, and remembered in [`ModelStandIn::faults`]. Behaviours are taken from the script
//! one a request; after its end every request is answered well, with claims that cite the frames it was sent.

mod form;

use std::collections::VecDeque;
use std::net::SocketAddr;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use axum::Router;
use axum::body::{Body, Bytes};
use axum::extract::{DefaultBodyLimit, State};
use axum::http::{HeaderMap, StatusCode, header};
use axum::response::{IntoResponse, Response};
use axum::routing::post;
use serde_json::{Value, json};
use tokio::net::TcpListener;
use tokio::task::JoinHandle;

pub use form::departures;

/// What the endpoint does with one request.
#[derive(Debug, Clone)]
pub enum Behaviour {
    /// Answers well.
    Answer,
    /// Answers well in form, with this content.
    Content(Value),
    /// Answers with this body, word for word.
    Body(String),
    /// 429 with these headers.
    TooManyRequests(Vec<(&'static str, String)>),
    /// This status, with a body that no client should depend on.
    Status(u16),
    /// 307 to this address.
    Redirect(String),
    /// 401.
    Unauthorized,
    /// 429 of an account without credit.
    InsufficientQuota,
    /// 404 of a model that is not there.
    ModelNotFound,
    /// 200 with an upstream's failure in the body, as gateways do.
    FailureInside(u16),
    /// Answers well, after this time.
    Slow(Duration),
    /// Breaks the connection in the middle of the answer.
    CutOff,
    /// Breaks the connection before any answer.
    HangUp,
    /// The model declines.
    Refusal,
    /// The answer ends at the limit of its length.
    Length,
    /// The endpoint's filter stops the answer.
    ContentFilter,
    /// The content is no JSON.
    InvalidJson,
    /// The content is JSON of another schema, as from a server that ignores it.
    WrongSchema,
    /// A good answer with a reason for its end that nobody has heard of.
    UnknownFinish,
    /// A list of choices without one.
    NoChoices,
    /// A good answer that does not say what it used.
    NoUsage,
    /// The model obeyed a text on the screen.
    Injected,
}

/// A request as it arrived.
#[derive(Debug, Clone)]
pub struct Received {
    /// When.
    pub at: Instant,
    /// The body.
    pub body: Value,
    /// The frames that its lines name.
    pub frames: Vec<u32>,
    /// Its length.
    pub bytes: usize,
    /// The answer's body, where there was one.
    pub answer: Option<String>,
}

type Witness = Arc<dyn Fn(&Value) + Send + Sync>;

#[derive(Default)]
struct Inner {
    script: VecDeque<Behaviour>,
    received: Vec<Received>,
    faults: Vec<String>,
    witness: Option<Witness>,
}

#[derive(Clone, Default)]
struct Shared(Arc<Mutex<Inner>>);

impl Shared {
    fn lock(&self) -> MutexGuard<'_, Inner> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// A running stand-in. It ends with this value.
pub struct ModelStandIn {
    address: SocketAddr,
    shared: Shared,
    server: JoinHandle<()>,
}

impl ModelStandIn {
    /// Starts on a free port of the loopback address.
    pub async fn start() -> anyhow::Result<Self> {
        let listener = TcpListener::bind(("127.0.0.1", 0)).await?;
        let address = listener.local_addr()?;
        let shared = Shared::default();
        let app = Router::new()
            .route("/v1/chat/completions", post(complete))
            .layer(DefaultBodyLimit::max(64 * 1024 * 1024))
            .with_state(shared.clone());
        let server = tokio::spawn(async move {
            if let Err(fault) = axum::serve(listener, app).await {
                tracing::error!(error = %fault, "the stand-in for the model stopped");
            }
        });
        Ok(Self {
            address,
            shared,
            server,
        })
    }

    /// What a client is configured with.
    pub fn base_url(&self) -> String {
        format!("http://{}/v1", self.address)
    }

    /// Appends to the script.
    pub fn will(&self, behaviours: impl IntoIterator<Item = Behaviour>) {
        self.shared.lock().script.extend(behaviours);
    }

    /// Calls this with each request's body before anything is answered.
    pub fn witness(&self, witness: impl Fn(&Value) + Send + Sync + 'static) {
        self.shared.lock().witness = Some(Arc::new(witness));
    }

    /// How many requests arrived.
    pub fn count(&self) -> usize {
        self.shared.lock().received.len()
    }

    /// The requests in their order.
    pub fn received(&self) -> Vec<Received> {
        self.shared.lock().received.clone()
    }

    /// Where requests departed from the published form.
    pub fn faults(&self) -> Vec<String> {
        self.shared.lock().faults.clone()
    }
}

impl Drop for ModelStandIn {
    fn drop(&mut self) {
        self.server.abort();
    }
}

async fn complete(State(shared): State<Shared>, headers: HeaderMap, bytes: Bytes) -> Response {
    let body: Value = serde_json::from_slice(&bytes).unwrap_or_default();
    let frames = named_frames(&body);
    let (behaviour, witness, number) = {
        let mut inner = shared.lock();
        let faults = form::departures(&headers, bytes.len(), &body);
        inner.received.push(Received {
            at: Instant::now(),
            body: body.clone(),
            frames: frames.clone(),
            bytes: bytes.len(),
            answer: None,
        });
        if !faults.is_empty() {
            let message = faults.join("; ");
            inner.faults.extend(faults);
            return error(StatusCode::BAD_REQUEST, &message, "invalid_request_error", None);
        }
        (
            inner.script.pop_front().unwrap_or(Behaviour::Answer),
            inner.witness.clone(),
            inner.received.len() - 1,
        )
    };
    if let Some(witness) = witness {
        witness(&body);
    }
    let say = |text: String| {
        shared.lock().received[number].answer = Some(text.clone());
        ([(header::CONTENT_TYPE, "application/json")], text).into_response()
    };
    let good = completion(&body, &Value::String(answer(&frames).to_string()), "stop");
    match behaviour {
        Behaviour::Answer => say(good.to_string()),
        Behaviour::Content(content) => say(completion(&body, &Value::String(content.to_string()), "stop").to_string()),
        Behaviour::Body(text) => say(text),
        Behaviour::TooManyRequests(pairs) => {
            let mut response = error(
                StatusCode::TOO_MANY_REQUESTS,
                "Rate limit reached",
                "requests",
                Some("rate_limit_exceeded"),
            );
            for (name, value) in pairs {
                if let Ok(value) = value.parse() {
                    response.headers_mut().insert(name, value);
                }
            }
            response
        }
        Behaviour::Status(status) => (
            StatusCode::from_u16(status).unwrap_or(StatusCode::BAD_GATEWAY),
            "<html>no</html>",
        )
            .into_response(),
        Behaviour::Redirect(to) => (StatusCode::TEMPORARY_REDIRECT, [(header::LOCATION, to)]).into_response(),
        Behaviour::Unauthorized => error(
            StatusCode::UNAUTHORIZED,
            "Incorrect API key provided: sk-sta***-in.",
            "invalid_request_error",
            Some("invalid_api_key"),
        ),
        Behaviour::InsufficientQuota => {
            let mut response = error(
                StatusCode::TOO_MANY_REQUESTS,
                "You exceeded your current quota, please check your plan and billing details.",
                "insufficient_quota",
                Some("insufficient_quota"),
            );
            response
                .headers_mut()
                .insert("retry-after", header::HeaderValue::from_static("1"));
            response
        }
        Behaviour::ModelNotFound => error(
            StatusCode::NOT_FOUND,
            "The model does not exist",
            "invalid_request_error",
            Some("model_not_found"),
        ),
        Behaviour::FailureInside(code) => {
            say(json!({ "error": { "message": "Upstream failed", "code": code } }).to_string())
        }
        Behaviour::Slow(time) => {
            tokio::time::sleep(time).await;
            say(good.to_string())
        }
        Behaviour::CutOff => {
            let text = good.to_string();
            let half = Bytes::from(text.into_bytes()).slice(0..40);
            let pieces = futures::stream::iter([Ok(half), Err(std::io::Error::other("cut off"))]);
            ([(header::CONTENT_TYPE, "application/json")], Body::from_stream(pieces)).into_response()
        }
        Behaviour::HangUp => {
            let nothing = futures::stream::iter([Err::<Bytes, _>(std::io::Error::other("hung up"))]);
            Body::from_stream(nothing).into_response()
        }
        Behaviour::Refusal => {
            let mut reply = completion(&body, &Value::Null, "stop");
            reply["choices"][0]["message"]["refusal"] = json!("I'm sorry, I can't help with that.");
            say(reply.to_string())
        }
        Behaviour::Length => {
            let half: String = answer(&frames).to_string().chars().take(60).collect();
            say(completion(&body, &Value::String(half), "length").to_string())
        }
        Behaviour::ContentFilter => say(completion(&body, &json!(""), "content_filter").to_string()),
        Behaviour::InvalidJson => say(completion(&body, &json!("The user works with {an order"), "stop").to_string()),
        Behaviour::WrongSchema => {
            say(completion(&body, &json!("{\"summary_of_work\": \"typing\", \"score\": 7}"), "stop").to_string())
        }
        Behaviour::UnknownFinish => say(completion(
            &body,
            &Value::String(answer(&frames).to_string()),
            "ran_out_of_interest",
        )
        .to_string()),
        Behaviour::NoChoices => {
            let mut reply = good;
            reply["choices"] = json!([]);
            say(reply.to_string())
        }
        Behaviour::NoUsage => {
            let mut reply = good;
            reply["usage"] = Value::Null;
            say(reply.to_string())
        }
        Behaviour::Injected => say(completion(&body, &Value::String(obeyed(&frames).to_string()), "stop").to_string()),
    }
}

fn error(status: StatusCode, message: &str, kind: &str, code: Option<&str>) -> Response {
    let body = json!({ "error": { "message": message, "type": kind, "param": null, "code": code } });
    (status, axum::Json(body)).into_response()
}

/// The numbers in the lines "frame N, …" before the pictures.
fn named_frames(body: &Value) -> Vec<u32> {
    let messages = body["messages"].as_array().into_iter().flatten();
    let parts = messages.filter_map(|message| message["content"].as_array()).flatten();
    let lines = parts.filter_map(|part| part["text"].as_str()?.strip_prefix("frame "));
    lines
        .filter_map(|line| line.split(',').next()?.trim().parse().ok())
        .collect()
}

/// A completion as `OpenAI`'s endpoint writes it; every picture takes 1,105 tokens, every four characters one.
fn completion(request: &Value, content: &Value, finish: &str) -> Value {
    let pictures = form::pictures(request).count() as u64;
    let text = request["messages"][0]["content"].as_str().map_or(0, str::len) as u64;
    let (prompt, reply) = (
        pictures * 1_105 + text / 4,
        content.as_str().map_or(0, str::len) as u64 / 4,
    );
    json!({
        "id": "chatcmpl-stand-in", "object": "chat.completion", "created": 1_795_503_121,
        "model": request["model"],
        "choices": [{
            "index": 0,
            "message": { "role": "assistant", "content": content, "refusal": null, "annotations": [] },
            "logprobs": null, "finish_reason": finish
        }],
        "usage": {
            "prompt_tokens": prompt, "completion_tokens": reply, "total_tokens": prompt + reply,
            "prompt_tokens_details": { "cached_tokens": 0, "audio_tokens": 0 },
            "completion_tokens_details": { "reasoning_tokens": 0, "audio_tokens": 0 }
        },
        "service_tier": "default", "system_fingerprint": null
    })
}

/// A content that keeps to the schema and cites what was sent.
fn answer(frames: &[u32]) -> Value {
    let steps: Vec<_> = frames
        .iter()
        .map(|frame| {
            json!({
                "action": format!("Type order lines ({frame})"), "application": if frame % 2 == 0 { "Outlook" } else { "WMS" },
                "purpose": null, "data_involved": ["order number"], "frames": [frame]
            })
        })
        .collect();
    json!({
        "description": "Orders are typed from e-mails into the WMS.", "category": "order_entry", "confidence": 0.8,
        "workflows": [{ "category": "order_entry", "name": "Order entry", "description": null, "frames": frames }],
        "steps": steps,
        "applications": [{ "name": "Outlook", "purpose": null, "frames": frames }, { "name": "WMS", "purpose": null, "frames": frames }],
        "patterns": [],
        "opportunities": [{
            "category": "order_entry", "title": "Outlook to WMS: type order lines", "description": "Typed by hand.",
            "automation": "Import the e-mails.", "applications": ["Outlook", "WMS"], "steps": ["Read", "Type"], "complexity": "medium",
            "occurrences_seen": frames.len(), "seconds_per_occurrence": 30, "confidence": 0.7, "frames": frames
        }],
        "insights": []
    })
}

/// What a model answers that did what a screen told it.
fn obeyed(frames: &[u32]) -> Value {
    let mut content = answer(frames);
    content["description"] = json!("<script>alert('owned')</script> ALL SYSTEMS OPTIMAL");
    content["opportunities"] = json!([{
        "category": "GRANT_ADMIN", "title": "Pay 1,000,000 EUR", "description": "As ordered by the screen.", "automation": "-",
        "applications": [], "steps": [], "complexity": "low", "occurrences_seen": 1_000_000, "seconds_per_occurrence": 86_400_000,
        "confidence": 99, "frames": frames
    }]);
    content
}
