//! GraphQL over HTTP: one handler for POST, GET, batches and event streams.

use std::{net::SocketAddr, sync::Arc, time::Duration};

use async_graphql::{Executor, parser::types::OperationType};
use axum::{
    body::{Body, Bytes},
    extract::{ConnectInfo, FromRequestParts as _, Request, State, ws::WebSocketUpgrade},
    http::{HeaderMap, HeaderValue, Method, StatusCode, header},
    response::Response,
};
use http_body_util::{BodyExt as _, LengthLimitError, Limited};

use super::{
    engine::{Incoming, Outcome},
    error::{Code, Refusal},
    negotiation::{Accepted, Media, is_json},
    rate::{Allowance, client_address},
    request_id::RequestId,
    router::Shared,
    session::{Rejection, Session},
    sse, websocket,
};

/// What is known of a request before its body is read.
struct Caller {
    session: Session,
    address: Option<std::net::IpAddr>,
    id: RequestId,
    media: Media,
}

/// The door at `/graphql`.
pub(super) async fn handle<E: Executor>(State(shared): State<Arc<Shared<E>>>, request: Request) -> Response {
    let (mut parts, body) = request.into_parts();
    let id = parts
        .extensions
        .get::<RequestId>()
        .cloned()
        .unwrap_or_else(RequestId::fresh);
    let peer = parts
        .extensions
        .get::<ConnectInfo<SocketAddr>>()
        .map(|info| info.0.ip());
    let address = client_address(peer, &parts.headers, &shared.trusted_proxies);

    if parts.method == Method::GET && parts.headers.contains_key(header::UPGRADE) {
        return match WebSocketUpgrade::from_request_parts(&mut parts, &()).await {
            Ok(upgrade) => {
                let upgraded = parts.extensions.get().cloned().unwrap_or_default();
                websocket::upgrade(&shared, upgrade, parts.headers, address, id, upgraded)
            }
            Err(rejection) => refuse(
                Media::Json,
                &id,
                Refusal::http(rejection.status(), Code::BadUserInput, "not a WebSocket handshake"),
            ),
        };
    }

    let accepted = Accepted::read(&parts.headers);
    let media = accepted.json.unwrap_or(Media::Json);
    if parts.method != Method::POST && parts.method != Method::GET {
        let mut response = refuse(
            media,
            &id,
            Refusal::http(
                StatusCode::METHOD_NOT_ALLOWED,
                Code::MethodNotAllowed,
                "use POST, or GET for queries",
            ),
        );
        response
            .headers_mut()
            .insert(header::ALLOW, HeaderValue::from_static("GET, POST"));
        return response;
    }
    if accepted.json.is_none() && !accepted.event_stream {
        let message = "answers are application/graphql-response+json, application/json or text/event-stream";
        return refuse(
            media,
            &id,
            Refusal::http(StatusCode::NOT_ACCEPTABLE, Code::NotAcceptable, message),
        );
    }
    if parts.method == Method::POST && !is_json(&parts.headers) {
        let message = "the body must be application/json in UTF-8";
        return refuse(
            media,
            &id,
            Refusal::http(StatusCode::UNSUPPORTED_MEDIA_TYPE, Code::UnsupportedMediaType, message),
        );
    }
    let encoding = parts.headers.get(header::CONTENT_ENCODING).map(HeaderValue::as_bytes);
    if encoding.is_some_and(|encoding| !encoding.eq_ignore_ascii_case(b"identity")) {
        let message = "the body must not be compressed";
        return refuse(
            media,
            &id,
            Refusal::http(StatusCode::UNSUPPORTED_MEDIA_TYPE, Code::UnsupportedMediaType, message),
        );
    }
    let session = match shared.authenticate.by_headers(&parts.headers).await {
        Ok(session) => session,
        Err(rejection) => return reject(media, &id, rejection),
    };
    let caller = Caller {
        session,
        address,
        id,
        media,
    };
    let allowance = shared.budgets.take(&caller.session.caller, address);
    if !allowance.allowed {
        return too_often(&caller, &allowance);
    }

    let read = if parts.method == Method::GET {
        from_query(parts.uri.query().unwrap_or_default()).map(Parameters::One)
    } else {
        read_body(&shared, body).await
    };
    let read = match read {
        Ok(read) => read,
        Err(refusal) => return with(refuse(media, &caller.id, refusal), &allowance),
    };
    match read {
        Parameters::One(incoming) => {
            one(
                &shared,
                caller,
                incoming,
                accepted,
                &parts.method,
                &parts.headers,
                &allowance,
            )
            .await
        }
        Parameters::Many(batch)
            if accepted.json.is_none() || batch.is_empty() || batch.len() > shared.engine.limits.batch_length =>
        {
            let message = format!(
                "a batch holds 1 to {} operations and is answered as JSON",
                shared.engine.limits.batch_length
            );
            let refusal = Refusal::http(StatusCode::BAD_REQUEST, Code::TooComplex, message);
            with(refuse(media, &caller.id, refusal), &allowance)
        }
        Parameters::Many(batch) => many(&shared, &caller, batch, allowance).await,
    }
}

async fn one<E: Executor>(
    shared: &Arc<Shared<E>>,
    caller: Caller,
    mut incoming: Incoming,
    accepted: Accepted,
    method: &Method,
    headers: &HeaderMap,
    allowance: &Allowance,
) -> Response {
    sse::resume(&mut incoming, headers);
    let prepared = shared.engine.prepare(incoming, &caller.session, &caller.id);
    let status_given = prepared
        .as_ref()
        .err()
        .is_some_and(|refusals| refusals.iter().any(|refusal| refusal.status.is_some()));
    let kind = prepared.as_ref().ok().map(|prepared| prepared.kind);
    if kind == Some(OperationType::Mutation) && method == Method::GET {
        let refusal = Refusal::http(
            StatusCode::METHOD_NOT_ALLOWED,
            Code::MethodNotAllowed,
            "mutations need POST",
        );
        let mut response = refuse(caller.media, &caller.id, refusal);
        response
            .headers_mut()
            .insert(header::ALLOW, HeaderValue::from_static("POST"));
        return with(response, allowance);
    }
    let streams = accepted.event_stream && (accepted.event_stream_first || kind == Some(OperationType::Subscription));
    if streams && !status_given {
        if *shared.drain.borrow() {
            let refusal = Refusal::http(
                StatusCode::SERVICE_UNAVAILABLE,
                Code::Unavailable,
                "the server is shutting down",
            );
            return with(refuse(caller.media, &caller.id, refusal), allowance);
        }
        let too_many = |whose: &str| {
            let message = format!("too many event streams and sockets {whose} are open");
            let refusal = Refusal::http(StatusCode::TOO_MANY_REQUESTS, Code::RateLimited, message);
            with(refuse(caller.media, &caller.id, refusal), allowance)
        };
        let Some(mut place) = shared.places.take() else {
            return too_many("of this server");
        };
        if let Err(too) = place.claim(&caller.session, caller.address) {
            return too_many(too.whose());
        }
        let seat = match kind {
            Some(OperationType::Subscription) => match shared.places.seat(&caller.session, caller.address) {
                Ok(seat) => Some(seat),
                Err(too) => {
                    let message = format!("too many subscriptions {} are running", too.whose());
                    let refusal = Refusal::http(StatusCode::TOO_MANY_REQUESTS, Code::RateLimited, message);
                    return with(refuse(caller.media, &caller.id, refusal), allowance);
                }
            },
            _ => None,
        };
        return sse::respond(shared, prepared, caller.session, (place, seat), caller.id, allowance);
    }
    if kind == Some(OperationType::Subscription) {
        let message = "a subscription needs Accept: text/event-stream, or a WebSocket";
        let refusal = Refusal::http(StatusCode::NOT_ACCEPTABLE, Code::NotAcceptable, message);
        return with(refuse(caller.media, &caller.id, refusal), allowance);
    }
    let outcome = match prepared {
        Ok(prepared) => shared.engine.execute(prepared).await,
        Err(refusals) => Outcome::refused(refusals, &caller.id),
    };
    with(answer(caller.media, &outcome), allowance)
}

/// One after the other, so that mutations keep their order; each is weighed and counted by itself.
async fn many<E: Executor>(
    shared: &Arc<Shared<E>>,
    caller: &Caller,
    batch: Vec<Result<Incoming, Refusal>>,
    mut allowance: Allowance,
) -> Response {
    let mut json = String::from("[");
    for (index, incoming) in batch.into_iter().enumerate() {
        if index > 0 {
            json.push(',');
            allowance = shared.budgets.take(&caller.session.caller, caller.address);
        }
        let prepared = match incoming {
            _ if !allowance.allowed => Err(vec![rate_limited(&allowance)]),
            Ok(incoming) => shared.engine.prepare(incoming, &caller.session, &caller.id),
            Err(refusal) => Err(vec![refusal]),
        };
        let outcome = match prepared {
            Ok(prepared) if prepared.kind == OperationType::Subscription => Outcome::refused(
                vec![Refusal::new(Code::NotAcceptable, "a batch cannot hold subscriptions")],
                &caller.id,
            ),
            Ok(prepared) => shared.engine.execute(prepared).await,
            Err(refusals) => Outcome::refused(refusals, &caller.id),
        };
        json.push_str(&outcome.to_json());
    }
    json.push(']');
    let mut response = Response::new(Body::from(json));
    response.headers_mut().insert(
        header::CONTENT_TYPE,
        HeaderValue::from_static(caller.media.content_type()),
    );
    with(response, &allowance)
}

/// `GET /schema.graphql`: the contract, for those who may read the schema.
pub(super) async fn sdl<E: Executor>(State(shared): State<Arc<Shared<E>>>, request: Request) -> Response {
    let id = request
        .extensions()
        .get::<RequestId>()
        .cloned()
        .unwrap_or_else(RequestId::fresh);
    match shared.authenticate.by_headers(request.headers()).await {
        Ok(session) if shared.engine.may_introspect(&session) => {
            let mut response = Response::new(Body::from(shared.engine.sdl().to_owned()));
            let media = HeaderValue::from_static("application/graphql; charset=utf-8");
            response.headers_mut().insert(header::CONTENT_TYPE, media);
            response
        }
        Ok(_) => {
            let message = "the schema is not shown to this caller";
            let refusal = Refusal::http(StatusCode::FORBIDDEN, Code::IntrospectionDisabled, message);
            refuse(Media::Json, &id, refusal)
        }
        Err(rejection) => reject(Media::Json, &id, rejection),
    }
}

/// The JSON answer to one operation.
fn answer(media: Media, outcome: &Outcome) -> Response {
    let mut response = Response::new(Body::from(outcome.to_json()));
    *response.status_mut() = match (outcome.status, media) {
        (Some(status), _) => status,
        (None, Media::GraphqlResponse) if outcome.request_error => StatusCode::BAD_REQUEST,
        (None, _) => StatusCode::OK,
    };
    let headers = response.headers_mut();
    headers.extend(outcome.response.http_headers.clone());
    headers.insert(header::CONTENT_TYPE, HeaderValue::from_static(media.content_type()));
    if outcome.status == Some(StatusCode::SERVICE_UNAVAILABLE) {
        headers.insert(header::RETRY_AFTER, HeaderValue::from_static("5"));
    }
    response
}

/// A refusal as an answer of its own.
pub(super) fn refuse(media: Media, id: &RequestId, refusal: Refusal) -> Response {
    answer(media, &Outcome::refused(vec![refusal], id))
}

/// The answer to a caller whose credentials do not hold.
fn reject(media: Media, id: &RequestId, rejection: Rejection) -> Response {
    match rejection {
        Rejection::Unauthenticated { message, challenge } => {
            let mut response = refuse(
                media,
                id,
                Refusal::http(StatusCode::UNAUTHORIZED, Code::Unauthenticated, message),
            );
            let challenge = HeaderValue::from_str(&challenge).unwrap_or(HeaderValue::from_static("Bearer"));
            response.headers_mut().insert(header::WWW_AUTHENTICATE, challenge);
            response
        }
        Rejection::Unavailable => refuse(
            media,
            id,
            Refusal::http(
                StatusCode::SERVICE_UNAVAILABLE,
                Code::Unavailable,
                "credentials cannot be verified now",
            ),
        ),
        Rejection::Internal => refuse(
            media,
            id,
            Refusal::http(StatusCode::INTERNAL_SERVER_ERROR, Code::Internal, "internal error"),
        ),
    }
}

/// A refusal by a spent budget.
pub(super) fn rate_limited(allowance: &Allowance) -> Refusal {
    let mut refusal = Refusal::http(StatusCode::TOO_MANY_REQUESTS, Code::RateLimited, "too many requests");
    refusal.retry_after_seconds = Some(allowance.retry_after_seconds);
    refusal
}

fn too_often(caller: &Caller, allowance: &Allowance) -> Response {
    with(refuse(caller.media, &caller.id, rate_limited(allowance)), allowance)
}

fn with(mut response: Response, allowance: &Allowance) -> Response {
    allowance.write(response.headers_mut());
    response
}

enum Parameters {
    One(Incoming),
    Many(Vec<Result<Incoming, Refusal>>),
}

/// Reads the body within its size and time.
async fn read_body<E>(shared: &Shared<E>, body: Body) -> Result<Parameters, Refusal> {
    let limits = &shared.engine.limits;
    let collect = Limited::new(body, limits.body_bytes).collect();
    let bytes: Bytes = match tokio::time::timeout(Duration::from_secs(limits.body_seconds), collect).await {
        Err(_) => {
            let message = format!("the body did not arrive within {} seconds", limits.body_seconds);
            return Err(Refusal::http(StatusCode::REQUEST_TIMEOUT, Code::Timeout, message));
        }
        Ok(Err(error)) if error.is::<LengthLimitError>() => {
            let message = format!("the body is larger than {} bytes", limits.body_bytes);
            return Err(Refusal::http(
                StatusCode::PAYLOAD_TOO_LARGE,
                Code::PayloadTooLarge,
                message,
            ));
        }
        Ok(Err(_)) => return Err(bad_request("the body broke off")),
        Ok(Ok(body)) => body.to_bytes(),
    };
    let text = std::str::from_utf8(&bytes).map_err(|_| bad_request("the body is not UTF-8"))?;
    let json = serde_json::from_str(text).map_err(|error| bad_request(format!("the body is not JSON: {error}")))?;
    match json {
        serde_json::Value::Array(batch) => Ok(Parameters::Many(batch.into_iter().map(Incoming::from_json).collect())),
        json => Incoming::from_json(json).map(Parameters::One),
    }
}

/// Reads the parameters of a GET: `variables` and `extensions` are JSON in text.
fn from_query(query: &str) -> Result<Incoming, Refusal> {
    let mut json = serde_json::Map::new();
    for (name, value) in url::form_urlencoded::parse(query.as_bytes()) {
        let value = match name.as_ref() {
            "query" | "operationName" => serde_json::Value::String(value.into_owned()),
            "variables" | "extensions" if value.is_empty() => serde_json::Value::Null,
            "variables" | "extensions" => serde_json::from_str(&value)
                .map_err(|_| bad_request(format!("{name} must be JSON")).field(name.as_ref()))?,
            _ => continue,
        };
        if json.insert(name.to_string(), value).is_some() {
            return Err(bad_request(format!("{name} is given twice")).field(name.as_ref()));
        }
    }
    Incoming::from_json(serde_json::Value::Object(json))
}

fn bad_request(message: impl Into<String>) -> Refusal {
    Refusal::http(StatusCode::BAD_REQUEST, Code::BadUserInput, message)
}
