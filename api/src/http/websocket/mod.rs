//! The graphql-transport-ws protocol, complete, with every close code of its reference.
//!
//! | Code | When |
//! |---|---|
//! | 1012 | the server drains |
//! | 1013 | credentials cannot be verified now |
//! | 4400 | a message that is none |
//! | 4401 | an operation before the acknowledgement |
//! | 4403 | credentials refused, expired or revoked |
//! | 4406 | another subprotocol |
//! | 4408 | no `connection_init` in time, or no sign of life |
//! | 4409 | an id that is in use |
//! | 4429 | a second `connection_init`, or too many sockets of one caller or organization |
//! | 4500 | a fault of ours |
//!
//! A socket is two tasks: one reads and decides, one writes what the [`Outbox`] hands out. So a client that does not read
//! is still heard, and one that never reads is let go.
//!
//! Here the handshake and the reader; apart: the [`writer`], and the [`message`]s of both directions.

mod message;
mod writer;

use std::{net::IpAddr, pin::Pin, sync::Arc, time::Duration};

use async_graphql::{Executor, parser::types::OperationType};
use axum::{
    extract::ws::{Message, WebSocket, WebSocketUpgrade},
    http::{HeaderMap, HeaderValue, StatusCode},
    response::Response,
};
use futures::{StreamExt as _, stream::SplitStream};
use serde_json::{Map, Value};
use tokio::time::{Instant, MissedTickBehavior, interval, sleep, timeout};

use super::{
    engine::{Incoming, Outcome},
    error::{Code, Refusal},
    graphql::{rate_limited, refuse},
    negotiation::Media,
    places::Place,
    request_id::RequestId,
    router::{Shared, Upgraded, wait_for_drain},
    session::{Rejection, Session},
    stream::{Close, NotOpened, Outbox},
};

use message::{Received, close, receive};
use writer::write;

const SUBPROTOCOL: &str = "graphql-transport-ws";
/// Allocated for each socket as it opens, and idle ones are many; the library's own 128 KiB are for busy ones.
const READ_BUFFER: usize = 2 * 1024;
/// Collected before it is written, while more is at hand.
const WRITE_BUFFER: usize = 16 * 1024;
/// How often a draining socket is asked whether its queries are done.
const DRAIN_LOOK: Duration = Duration::from_millis(100);
/// How long the peer may take to answer a close frame.
const CLOSING: Duration = Duration::from_secs(2);

/// Messages about the connection itself.
#[derive(Debug)]
enum Control {
    Acknowledge,
    Pong(Option<Value>),
}

type Sockets = Outbox<Control>;

/// Answers the handshake. A wrong subprotocol is accepted and closed, since a refused handshake has no close code.
pub(super) fn upgrade<E: Executor>(
    shared: &Arc<Shared<E>>,
    upgrade: WebSocketUpgrade,
    headers: HeaderMap,
    address: Option<IpAddr>,
    id: RequestId,
    upgraded: Upgraded,
) -> Response {
    let place = if *shared.drain.borrow() {
        None
    } else {
        shared.places.take()
    };
    let Some(place) = place else {
        let message = "no sockets are opened now: the server is shutting down or full";
        let refusal = Refusal::http(StatusCode::SERVICE_UNAVAILABLE, Code::Unavailable, message);
        return refuse(Media::Json, &id, refusal);
    };
    if !shared.origins.may_open_socket(&headers) {
        return refuse(
            Media::Json,
            &id,
            Refusal::http(
                StatusCode::FORBIDDEN,
                Code::Forbidden,
                "pages of this origin may not call",
            ),
        );
    }
    let most = shared.engine.limits.body_bytes;
    let upgrade = upgrade
        .protocols([SUBPROTOCOL])
        .read_buffer_size(READ_BUFFER)
        .write_buffer_size(WRITE_BUFFER)
        .max_message_size(most)
        .max_frame_size(most);
    let speaks = upgrade.selected_protocol() == Some(&HeaderValue::from_static(SUBPROTOCOL));
    let shared = Arc::clone(shared);
    let work = move |socket: WebSocket| async move {
        let limits = &shared.engine.limits;
        let outbox = Arc::new(Outbox::new(
            limits.buffered_events,
            Duration::from_secs(limits.slow_consumer_seconds),
        ));
        let (sink, stream) = socket.split();
        let ping = Duration::from_secs(limits.ping_seconds.max(1));
        let writer = tokio::spawn(write(sink, Arc::clone(&outbox), ping));
        if speaks {
            let reader = Reader {
                shared: Arc::clone(&shared),
                outbox: Arc::clone(&outbox),
                headers,
                address,
                id,
                started: 0,
                place,
            };
            reader.run(stream, writer, ping).await;
        } else {
            outbox.close(4406, "Subprotocol not acceptable");
            finish(stream, writer).await;
        }
    };
    upgrade.on_upgrade(move |socket| upgraded.0.track_future(work(socket)))
}

/// Lets the writer say its last words, and the peer answer them.
async fn finish(mut stream: SplitStream<WebSocket>, writer: tokio::task::JoinHandle<()>) {
    let abort = writer.abort_handle();
    if timeout(CLOSING, writer).await.is_err() {
        abort.abort();
        return;
    }
    let _ = timeout(CLOSING, async { while let Some(Ok(_)) = stream.next().await {} }).await;
}

type Verification = Pin<Box<dyn Future<Output = Result<Session, Rejection>> + Send>>;

enum Phase {
    /// No `connection_init` yet.
    Opened,
    /// Credentials are being verified.
    Verifying,
    /// Operations may run.
    Ready(Arc<Session>),
}

struct Reader<E> {
    shared: Arc<Shared<E>>,
    outbox: Arc<Sockets>,
    headers: HeaderMap,
    address: Option<IpAddr>,
    id: RequestId,
    started: u64,
    place: Place,
}

impl<E: Executor> Reader<E> {
    async fn run(
        mut self,
        mut stream: SplitStream<WebSocket>,
        mut writer: tokio::task::JoinHandle<()>,
        ping: Duration,
    ) {
        let init = Duration::from_secs(self.shared.engine.limits.connection_init_seconds);
        let mut phase = Phase::Opened;
        let mut verification: Verification = Box::pin(std::future::pending());
        let mut ended: Pin<Box<dyn Future<Output = String> + Send>> = Box::pin(std::future::pending());
        let mut drained: Pin<Box<dyn Future<Output = ()> + Send>> = Box::pin(wait_for_drain(self.shared.drain.clone()));
        let mut drain_ends: Option<Instant> = None;
        let mut seen = Instant::now();
        let init_over = sleep(init);
        tokio::pin!(init_over);
        let silence = sleep(ping * 2);
        tokio::pin!(silence);
        // Asked only while the server drains: ten thousand idle sockets are not looked at twice a second.
        let mut draining = interval(DRAIN_LOOK);
        draining.set_missed_tick_behavior(MissedTickBehavior::Delay);

        let reason = loop {
            tokio::select! {
                biased;
                // The peer takes nothing any more.
                _ = &mut writer => return,
                reason = &mut ended => break close(4403, reason),
                () = &mut drained => {
                    drain_ends = Some(Instant::now() + Duration::from_secs(self.shared.engine.limits.drain_seconds));
                    drained = Box::pin(std::future::pending());
                    if self.outbox.short_operations() == 0 {
                        break close(1012, "Service Restart");
                    }
                }
                verified = &mut verification => {
                    verification = Box::pin(std::future::pending());
                    match self.verified(verified) {
                        Ok(session) => {
                            let session = Arc::new(session);
                            let watched = Arc::clone(&session);
                            ended = Box::pin(async move { watched.ended().await });
                            phase = Phase::Ready(session);
                            self.outbox.control(Control::Acknowledge);
                        }
                        Err(reason) => break reason,
                    }
                }
                () = &mut init_over, if !matches!(phase, Phase::Ready(_)) => {
                    break match phase {
                        Phase::Opened => close(4408, "Connection initialisation timeout"),
                        _ => close(1013, "Credentials could not be verified in time"),
                    };
                }
                () = &mut silence => {
                    if seen.elapsed() >= ping * 2 {
                        break close(4408, "No sign of life");
                    }
                    silence.as_mut().reset(seen + ping * 2);
                }
                now = draining.tick(), if drain_ends.is_some() => {
                    if drain_ends.is_some_and(|end| now >= end) || self.outbox.short_operations() == 0 {
                        break close(1012, "Service Restart");
                    }
                }
                frame = stream.next() => {
                    seen = Instant::now();
                    let text = match frame {
                        Some(Ok(Message::Text(text))) => text,
                        Some(Ok(Message::Binary(_))) => break close(4400, "Invalid message: binary"),
                        Some(Ok(Message::Ping(_) | Message::Pong(_))) => continue,
                        Some(Ok(Message::Close(_))) | None => break close(1000, ""),
                        Some(Err(error)) => break unreadable(&error),
                    };
                    match self.act(&text, &mut phase, drain_ends.is_some()) {
                        Ok(None) => {}
                        Ok(Some(next)) => verification = next,
                        Err(reason) => break reason,
                    }
                }
            }
        };
        tracing::debug!(request.id = %self.id, code = reason.code, reason = %reason.reason, "socket closes");
        self.outbox.close(reason.code, reason.reason);
        // Others need not wait for the peer's good-bye.
        drop(self.place);
        finish(stream, writer).await;
    }

    fn verified(&mut self, verified: Result<Session, Rejection>) -> Result<Session, Close> {
        let session = verified.map_err(|rejection| match rejection {
            Rejection::Unauthenticated { message, .. } => close(4403, message),
            Rejection::Unavailable => close(1013, "Credentials cannot be verified now"),
            Rejection::Internal => close(4500, "Internal server error"),
        })?;
        if let Err(too) = self.place.claim(&session, self.address) {
            return Err(close(4429, format!("Too many sockets {}", too.whose())));
        }
        Ok(session)
    }

    /// Does what a message asks. Gives the verification to wait for, or why the socket closes.
    fn act(&mut self, text: &str, phase: &mut Phase, draining: bool) -> Result<Option<Verification>, Close> {
        match receive(text)? {
            Received::Pong => {}
            Received::Ping(payload) => self.outbox.control(Control::Pong(payload)),
            Received::Init(payload) => {
                if !matches!(phase, Phase::Opened) {
                    return Err(close(4429, "Too many initialisation requests"));
                }
                *phase = Phase::Verifying;
                // Only once, and they hold on to all that was read of the handshake.
                let headers = std::mem::take(&mut self.headers);
                let authenticate = Arc::clone(&self.shared.authenticate);
                return Ok(Some(Box::pin(
                    async move { guard(authenticate, headers, payload).await },
                )));
            }
            Received::Complete { id } => self.outbox.stop(&id),
            Received::Subscribe { id, incoming } => match phase {
                Phase::Ready(session) => {
                    let session = Arc::clone(session);
                    self.subscribe(&id, incoming, &session, draining)?;
                }
                _ => return Err(close(4401, "Unauthorized")),
            },
        }
        Ok(None)
    }

    fn subscribe(&mut self, id: &str, incoming: Incoming, session: &Session, draining: bool) -> Result<(), Close> {
        if self.outbox.has(id) {
            return Err(close(4409, format!("Subscriber for {id} already exists")));
        }
        self.started += 1;
        let request = self.id.operation(self.started);
        let refuse = |refusal| self.outbox.refuse(id, Outcome::refused(vec![refusal], &request));
        if draining {
            refuse(Refusal::new(Code::Unavailable, "the server is shutting down"));
            return Ok(());
        }
        let allowance = self.shared.budgets.take(&session.caller, self.address);
        if !allowance.allowed {
            refuse(rate_limited(&allowance));
            return Ok(());
        }
        match self.shared.engine.prepare(incoming, session, &request) {
            Err(refusals) => self.outbox.refuse(id, Outcome::refused(refusals, &request)),
            Ok(prepared) => {
                let most = self.shared.engine.limits.operations_per_socket;
                let seat = match prepared.kind {
                    OperationType::Subscription => match self.shared.places.seat(session, self.address) {
                        Ok(seat) => Some(seat),
                        Err(too) => {
                            let message = format!("too many subscriptions {} are running", too.whose());
                            refuse(Refusal::new(Code::RateLimited, message));
                            return Ok(());
                        }
                    },
                    _ => None,
                };
                let (engine, event_id) = (&self.shared.engine, self.shared.event_id);
                match self.outbox.start(id, most, engine, prepared, event_id, seat) {
                    Ok(()) => {}
                    Err(NotOpened::Duplicate) => {
                        return Err(close(4409, format!("Subscriber for {id} already exists")));
                    }
                    Err(NotOpened::TooMany) => {
                        refuse(Refusal::new(
                            Code::RateLimited,
                            format!("more than {most} operations run on this socket"),
                        ));
                    }
                }
            }
        }
        Ok(())
    }
}

/// Verifies, turning a panic into a fault of ours.
async fn guard(
    authenticate: Arc<dyn super::session::Authenticate>,
    headers: HeaderMap,
    payload: Map<String, Value>,
) -> Result<Session, Rejection> {
    let verify = tokio::spawn(async move { authenticate.by_connection_init(&headers, &payload).await });
    verify.await.unwrap_or(Err(Rejection::Internal))
}

fn unreadable(error: &axum::Error) -> Close {
    let text = error.to_string();
    if text.contains("too long") || text.contains("too big") || text.contains("Space limit") {
        close(1009, "Message too big")
    } else if text.contains("utf-8") || text.contains("UTF-8") {
        close(1007, "Invalid UTF-8")
    } else {
        close(1002, "Protocol error")
    }
}
