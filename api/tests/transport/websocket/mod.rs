//! graphql-transport-ws on a raw socket: every message, every close code.

use std::{
    num::NonZeroU32,
    sync::atomic::Ordering,
    time::{Duration, Instant},
};

use api::http::{Rate, cors::Origins};
use futures::{SinkExt as _, StreamExt as _};
use serde_json::{Value, json};
use tokio::net::TcpStream;
use tokio_tungstenite::{
    WebSocketStream,
    tungstenite::{Error, Message, client::IntoClientRequest as _, handshake::client::Request, http::HeaderValue},
};

use crate::support::{Server, eventually};

mod closing;

struct Socket(WebSocketStream<TcpStream>);

fn request(server: &Server, protocol: Option<&'static str>) -> Request {
    let mut request = format!("ws://{}/graphql", server.address)
        .into_client_request()
        .unwrap();
    if let Some(protocol) = protocol {
        request
            .headers_mut()
            .insert("sec-websocket-protocol", HeaderValue::from_static(protocol));
    }
    request
}

async fn open(server: &Server, request: Request) -> Result<Socket, Error> {
    let stream = TcpStream::connect(server.address).await.unwrap();
    tokio_tungstenite::client_async(request, stream)
        .await
        .map(|(socket, _)| Socket(socket))
}

impl Socket {
    /// Opened, not initialised.
    async fn open(server: &Server) -> Self {
        open(server, request(server, Some("graphql-transport-ws")))
            .await
            .unwrap()
    }

    /// Initialised as `token`.
    async fn ready(server: &Server, token: &str) -> Self {
        let mut socket = Self::open(server).await;
        socket
            .send(json!({ "type": "connection_init", "payload": { "Authorization": format!("Bearer {token}") } }))
            .await;
        assert_eq!(socket.next().await, json!({ "type": "connection_ack" }));
        socket
    }

    async fn send(&mut self, message: Value) {
        self.0.send(Message::text(message.to_string())).await.unwrap();
    }

    async fn subscribe(&mut self, id: &str, query: &str) {
        self.send(json!({ "id": id, "type": "subscribe", "payload": { "query": query } }))
            .await;
    }

    async fn frame(&mut self) -> Option<Message> {
        let frame = tokio::time::timeout(Duration::from_secs(10), self.0.next())
            .await
            .expect("a frame in time");
        frame.and_then(Result::ok)
    }

    /// The next message; pings are answered by the library and left out.
    async fn next(&mut self) -> Value {
        loop {
            match self.frame().await {
                Some(Message::Text(text)) => return serde_json::from_str(&text).unwrap(),
                Some(Message::Ping(_) | Message::Pong(_)) => {}
                other => panic!("expected a message, got {other:?}"),
            }
        }
    }

    /// Reads to the end; the close code and reason.
    async fn closed(&mut self) -> (u16, String) {
        loop {
            match self.frame().await {
                Some(Message::Close(Some(frame))) => {
                    let closed = (frame.code.into(), frame.reason.to_string());
                    while self.frame().await.is_some() {}
                    return closed;
                }
                Some(_) => {}
                None => panic!("the socket broke off without a close frame"),
            }
        }
    }

    async fn closes(mut self, code: u16) -> String {
        let (found, reason) = self.closed().await;
        assert_eq!(found, code, "{reason}");
        reason
    }
}

#[tokio::test]
async fn a_query_a_mutation_and_a_subscription_run_to_completion() {
    let server = Server::start().await;
    let mut socket = Socket::ready(&server, "ada").await;
    socket.subscribe("q", "{ who hello }").await;
    assert_eq!(
        socket.next().await,
        json!({ "id": "q", "type": "next", "payload": { "data": { "who": "ada", "hello": "hello, world" } } })
    );
    assert_eq!(socket.next().await, json!({ "id": "q", "type": "complete" }));
    socket.subscribe("q", "mutation { add(amount: 2) }").await;
    assert_eq!(socket.next().await["payload"]["data"]["add"], 2);
    assert_eq!(socket.next().await["type"], "complete");
    socket
        .subscribe("s", "subscription { clock(count: 2) { number } }")
        .await;
    for number in 1..=2 {
        let event = socket.next().await;
        assert_eq!(
            (
                &event["id"],
                &event["type"],
                &event["payload"]["data"]["clock"]["number"]
            ),
            (&json!("s"), &json!("next"), &json!(number))
        );
    }
    assert_eq!(socket.next().await, json!({ "id": "s", "type": "complete" }));
}

#[tokio::test]
async fn variables_and_operation_names_are_heard() {
    let server = Server::start().await;
    let mut socket = Socket::ready(&server, "ada").await;
    let payload = json!({ "query": "query A($n: String!) { hello(name: $n) } query B { who }", "operationName": "A", "variables": { "n": "bob" }, "extensions": {} });
    socket
        .send(json!({ "id": "1", "type": "subscribe", "payload": payload }))
        .await;
    assert_eq!(socket.next().await["payload"]["data"]["hello"], "hello, bob");
}

#[tokio::test]
async fn request_errors_are_one_error_message_with_an_array() {
    let server = Server::start().await;
    let mut socket = Socket::ready(&server, "ada").await;
    for (query, code) in [
        ("{", "GRAPHQL_PARSE_FAILED"),
        ("{ nope }", "GRAPHQL_VALIDATION_FAILED"),
        ("query Q($a: Int!) { hello }", "BAD_USER_INPUT"),
        (
            "subscription { a: clock { number } b: clock { number } }",
            "GRAPHQL_VALIDATION_FAILED",
        ),
        ("subscription { closed }", "FORBIDDEN"),
        ("subscription { nope }", "GRAPHQL_VALIDATION_FAILED"),
        ("{ panics }", "INTERNAL"),
    ] {
        socket.subscribe("1", query).await;
        let message = socket.next().await;
        assert_eq!(
            (&message["type"], &message["id"]),
            (&json!("error"), &json!("1")),
            "{query}: {message}"
        );
        assert_eq!(message["payload"][0]["extensions"]["code"], code, "{query}: {message}");
        assert!(message["payload"][0]["extensions"]["requestId"].is_string());
    }
    socket.subscribe("1", "{ refused }").await;
    let message = socket.next().await;
    assert_eq!(
        (&message["type"], &message["payload"]["data"]["refused"]),
        (&json!("next"), &Value::Null),
        "a field's failure is an answer"
    );
    assert_eq!(socket.next().await["type"], "complete");
    socket.subscribe("1", "subscription { bursts }").await;
    assert_eq!(socket.next().await["type"], "next");
    assert_eq!(socket.next().await["payload"][0]["extensions"]["code"], "INTERNAL");
}

#[tokio::test]
async fn a_completed_stream_stops_and_nothing_is_echoed() {
    let server = Server::start().await;
    let mut socket = Socket::ready(&server, "ada").await;
    socket.subscribe("s", "subscription { clock { number } }").await;
    socket.next().await;
    socket.send(json!({ "id": "s", "type": "complete" })).await;
    socket.send(json!({ "id": "unknown", "type": "complete" })).await;
    eventually("the end of the stream", || {
        server.counts.streams.load(Ordering::SeqCst) == 0
    })
    .await;
    // Events under way may still come; then the pong, and no complete.
    socket.send(json!({ "type": "ping" })).await;
    loop {
        let message = socket.next().await;
        if message["type"] == "pong" {
            break;
        }
        assert_eq!(message["type"], "next");
    }
    socket
        .subscribe("s", "subscription { clock(count: 1) { number } }")
        .await;
    assert_eq!(
        socket.next().await["payload"]["data"]["clock"]["number"],
        1,
        "the id is free again"
    );
}

#[tokio::test]
async fn pings_are_answered_with_their_payload_even_before_the_acknowledgement() {
    let server = Server::start().await;
    let mut socket = Socket::open(&server).await;
    socket.send(json!({ "type": "ping", "payload": { "n": 1 } })).await;
    assert_eq!(socket.next().await, json!({ "type": "pong", "payload": { "n": 1 } }));
    socket.send(json!({ "type": "pong" })).await;
    socket.send(json!({ "type": "connection_init" })).await;
    assert_eq!(socket.next().await["type"], "connection_ack");
    socket.subscribe("1", "{ who }").await;
    assert_eq!(
        socket.next().await["payload"]["data"]["who"],
        Value::Null,
        "anonymous, since the verifier allows it"
    );
}

#[tokio::test]
async fn operations_on_one_socket_are_capped_and_counted() {
    let server = Server::with(|options| options.limits.operations_per_socket = 2).await;
    let mut socket = Socket::ready(&server, "ada").await;
    for id in ["a", "b", "c"] {
        socket
            .subscribe(id, "subscription { clock(everyMilliseconds: 60000) { number } }")
            .await;
    }
    let message = socket.next().await;
    assert_eq!(
        (&message["id"], &message["payload"][0]["extensions"]["code"]),
        (&json!("c"), &json!("RATE_LIMITED"))
    );
    socket.send(json!({ "id": "a", "type": "complete" })).await;
    socket.subscribe("c", "{ who }").await;
    assert_eq!(socket.next().await["type"], "next");

    let two = Rate {
        burst: NonZeroU32::new(2).unwrap(),
        seconds: NonZeroU32::new(60).unwrap(),
    };
    let server = Server::with(|options| options.rates.user = two).await;
    let mut socket = Socket::ready(&server, "ada").await;
    let mut types = Vec::new();
    for id in ["a", "b", "c"] {
        socket.subscribe(id, "{ who }").await;
        let message = socket.next().await;
        types.push(message["type"].as_str().unwrap().to_owned());
        if message["type"] == "error" {
            assert_eq!(message["payload"][0]["extensions"]["code"], "RATE_LIMITED");
            assert_eq!(message["payload"][0]["extensions"]["retryAfterSeconds"], 30);
        } else {
            socket.next().await;
        }
    }
    assert_eq!(types, ["next", "next", "error"]);
}

#[tokio::test]
async fn a_hot_stream_does_not_starve_the_others() {
    let server = Server::start().await;
    let mut socket = Socket::ready(&server, "ada").await;
    socket.subscribe("hot", "subscription { hot(bytes: 10) }").await;
    socket.next().await;
    socket
        .subscribe(
            "clock",
            "subscription { clock(everyMilliseconds: 1, count: 20) { number } }",
        )
        .await;
    let (mut hot, mut ticks, begun) = (0, 0, Instant::now());
    while ticks < 20 && begun.elapsed() < Duration::from_secs(5) {
        match socket.next().await["id"].as_str() {
            Some("clock") => ticks += 1,
            _ => hot += 1,
        }
    }
    assert_eq!(ticks, 20, "after {hot} events of the hot stream");
    socket.subscribe("q", "{ who }").await;
    let begun = Instant::now();
    while socket.next().await["id"] != "q" {
        assert!(begun.elapsed() < Duration::from_secs(2));
    }
}

#[tokio::test]
async fn a_client_that_does_not_read_is_told_so_and_costs_no_memory() {
    let server =
        Server::with(|options| (options.limits.buffered_events, options.limits.slow_consumer_seconds) = (8, 1)).await;
    let mut socket = Socket::ready(&server, "ada").await;
    socket.subscribe("hot", "subscription { hot(bytes: 65536) }").await;
    tokio::time::sleep(Duration::from_millis(2500)).await;
    let made = server.counts.hot.load(Ordering::SeqCst);
    assert!(
        made < 500,
        "{made} events of 64 kB were made for a client that does not read"
    );
    let mut last = Value::Null;
    let mut seen = 0_u64;
    loop {
        let message = socket.next().await;
        if message["type"] == "complete" {
            break;
        }
        seen += 1;
        last = message;
    }
    assert_eq!(last["payload"]["errors"][0]["extensions"]["code"], "SLOW_CONSUMER");
    assert!(seen <= made + 1);
    assert_eq!(
        server.counts.hot.load(Ordering::SeqCst),
        made,
        "the stream was given up while nobody read"
    );
    socket.subscribe("q", "{ who }").await;
    assert_eq!(
        socket.next().await["payload"]["data"]["who"],
        "ada",
        "the socket lives on"
    );
}

#[tokio::test]
async fn an_event_that_takes_too_long_is_cut_off_and_the_stream_goes_on() {
    let server = Server::with(|options| options.limits.execution_seconds = 1).await;
    let mut socket = Socket::ready(&server, "ada").await;
    socket
        .subscribe("s", "subscription S { clock(count: 2) { number slow(seconds: 20) } }")
        .await;
    for _ in 0..2 {
        assert_eq!(
            socket.next().await["payload"]["errors"][0]["extensions"]["code"],
            "TIMEOUT"
        );
    }
    assert_eq!(socket.next().await["type"], "complete");
    socket.subscribe("q", "{ slow(seconds: 20) }").await;
    assert_eq!(socket.next().await["payload"][0]["extensions"]["code"], "TIMEOUT");
}

#[tokio::test]
async fn a_foreign_page_opens_no_socket() {
    let server = Server::with(|options| options.origins = Origins::parse(["https://app.example.com"]).unwrap()).await;
    for (origin, opens) in [("https://evil.example.com", false), ("https://app.example.com", true)] {
        let mut request = request(&server, Some("graphql-transport-ws"));
        request.headers_mut().insert("origin", HeaderValue::from_static(origin));
        assert_eq!(open(&server, request).await.is_ok(), opens, "{origin}");
    }
}

#[tokio::test]
async fn a_client_that_leaves_ends_its_streams() {
    let server = Server::start().await;
    let mut socket = Socket::ready(&server, "ada").await;
    socket.subscribe("s", "subscription { clock { number } }").await;
    socket.next().await;
    drop(socket);
    eventually("the end of the stream", || {
        server.counts.streams.load(Ordering::SeqCst) == 0
    })
    .await;
}
