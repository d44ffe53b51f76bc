//! Server-sent events: one operation per response, as the graphql-sse protocol's distinct connections mode has it.
//!
//! `next` carries a response (and its cursor as `id:`), `complete` ends the operation. What is wrong with the document is
//! told as an event, what is wrong with the request by its status. While the server drains, or when the token ends,
//! the stream breaks off after its last event; a client that kept the cursor resumes with `Last-Event-ID`.

use std::{convert::Infallible, sync::Arc, time::Duration};

use async_graphql::Executor;
use axum::{
    body::{Body, Bytes},
    http::{HeaderValue, StatusCode, header},
    response::Response,
};

use super::{
    engine::{Incoming, Outcome},
    error::{Code, Refusal},
    places::{Place, Seat},
    rate::Allowance,
    request_id::RequestId,
    router::{Shared, wait_for_drain},
    session::Session,
    stream::{Item, NotOpened, Out, Outbox},
};

/// Answers with an event stream.
pub(super) fn respond<E: Executor>(
    shared: &Arc<Shared<E>>,
    prepared: Result<super::engine::Prepared, Vec<Refusal>>,
    session: Session,
    held: (Place, Option<Seat>),
    id: RequestId,
    allowance: &Allowance,
) -> Response {
    let limits = &shared.engine.limits;
    let outbox = Arc::new(Outbox::<Infallible>::new(
        limits.buffered_events,
        Duration::from_secs(limits.slow_consumer_seconds),
    ));
    match prepared {
        Ok(prepared) => match outbox.start("", 1, &shared.engine, prepared, shared.event_id, None) {
            Ok(()) => {}
            Err(NotOpened::Duplicate | NotOpened::TooMany) => {
                let refusal = Refusal::http(StatusCode::INTERNAL_SERVER_ERROR, Code::Internal, "internal error");
                outbox.refuse("", Outcome::refused(vec![refusal], &id));
            }
        },
        Err(refusals) => outbox.refuse("", Outcome::refused(refusals, &id)),
    }
    let keep_alive = Duration::from_secs(limits.ping_seconds.max(1));
    let drain = shared.drain.clone();
    let outbox = CloseOnDrop(outbox);
    let events = async_stream::stream! {
        let _held = held;
        let mut ended = Box::pin(async move { session.ended().await });
        let mut drained = Box::pin(wait_for_drain(drain));
        // Opens the stream at the client even if the first event is far away.
        yield Ok::<_, Infallible>(Bytes::from_static(b":\n\n"));
        loop {
            let out = tokio::select! {
                biased;
                reason = &mut ended => {
                    let refusal = Refusal::new(Code::Unauthenticated, reason);
                    let outcome = Outcome::refused(vec![refusal], &id);
                    yield Ok(next(&outcome.to_json(), None));
                    yield Ok(complete());
                    return;
                }
                () = &mut drained => return,
                out = tokio::time::timeout(keep_alive, outbox.0.next()) => out,
            };
            match out {
                Err(_) => yield Ok(Bytes::from_static(b":\n\n")),
                Ok(Out::Item(_, Item::Next { json, event_id })) => yield Ok(next(&json, event_id.as_deref())),
                Ok(Out::Item(_, Item::Error { outcome })) => {
                    yield Ok(next(&outcome.to_json(), None));
                    yield Ok(complete());
                    return;
                }
                Ok(Out::Item(_, Item::Complete)) => {
                    yield Ok(complete());
                    return;
                }
                Ok(Out::Close(_)) => return,
                Ok(Out::Control(never)) => match never {},
            }
        }
    };
    let mut response = Response::new(Body::from_stream(events));
    let headers = response.headers_mut();
    headers.insert(
        header::CONTENT_TYPE,
        HeaderValue::from_static("text/event-stream; charset=utf-8"),
    );
    // For proxies that would rather collect the stream.
    headers.insert("x-accel-buffering", HeaderValue::from_static("no"));
    allowance.write(headers);
    response
}

/// The client went: the operation goes too.
struct CloseOnDrop(Arc<Outbox<Infallible>>);

impl Drop for CloseOnDrop {
    fn drop(&mut self) {
        self.0.close(1000, "");
    }
}

/// JSON from serde has no line breaks, so one `data:` line holds it.
fn next(json: &str, event_id: Option<&str>) -> Bytes {
    let id = event_id.filter(|id| !id.contains(['\n', '\r', '\0']));
    let id_line = id.map(|id| format!("id: {id}\n")).unwrap_or_default();
    Bytes::from(format!("event: next\n{id_line}data: {json}\n\n"))
}

fn complete() -> Bytes {
    Bytes::from_static(b"event: complete\ndata:\n\n")
}

/// Takes `Last-Event-ID` along.
pub(super) fn resume(incoming: &mut Incoming, headers: &axum::http::HeaderMap) {
    incoming.last_event_id = headers
        .get("last-event-id")
        .and_then(|value| value.to_str().ok())
        .filter(|id| !id.is_empty())
        .map(str::to_owned);
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_cursor_cannot_forge_an_event() {
        assert_eq!(next("{}", Some("7")), "event: next\nid: 7\ndata: {}\n\n");
        assert_eq!(next("{}", Some("7\n\nevent: complete")), "event: next\ndata: {}\n\n");
    }
}
