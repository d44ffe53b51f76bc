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

use super::support::{Server, eventually};

struct Socket(WebSocketStream<TcpStream>);

fn request(server: &Server, protocol: Option<&'static str>) -> Request {
    let mut request = format!("ws://{}/graphql", server.address).into_client_request().unwrap();
    if let Some(protocol) = protocol {
        request.headers_mut().insert("sec-websocket-protocol", HeaderValue::from_static(protocol));
    }
    request
}

async fn open(server: &Server, request: Request) -> Result<Socket, Error> {
    let stream = TcpStream::connect(server.address).await.unwrap();
    tokio_tungstenite::client_async(request, stream).await.map(|(socket, _)| Socket(socket))
}

impl Socket {
    /// Opened, not initialised.
    async fn open(server: &Server) -> Self {
        open(server, request(server, Some("graphql-transport-ws"))).await.unwrap()
    }

    /// Initialised as `token`.
    async fn ready(server: &Server, token: &str) -> Self {
        let mut socket = Self::open(server).await;
        socket.send(json!({ "type": "connection_init", "payload": { "Authorization": format!("Bearer {token}") } })).await;
        assert_eq!(socket.next().await, json!({ "type": "connection_ack" }));
        socket
    }

    async fn send(&mut self, message: Value) {
        self.0.send(Message::text(message.to_string())).await.unwrap();
    }

    async fn subscribe(&mut self, id: &str, query: &str) {
        self.send(json!({ "id": id, "type": "subscribe", "payload": { "query": query } })).await;
    }

    async fn frame(&mut self) -> Option<Message> {
        let frame = tokio::time::timeout(Duration::from_secs(10), self.0.next()).await.expect("a frame in time");
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
    assert_eq!(socket.next().await, json!({ "id": "q", "type": "next", "payload": { "data": { "who": "ada", "hello": "hello, world" } } }));
    assert_eq!(socket.next().await, json!({ "id": "q", "type": "complete" }));
    socket.subscribe("q", "mutation { add(amount: 2) }").await;
    assert_eq!(socket.next().await["payload"]["data"]["add"], 2);
    assert_eq!(socket.next().await["type"], "complete");
    socket.subscribe("s", "subscription { clock(count: 2) { number reader } }").await;
    for number in 1..=2 {
        let event = socket.next().await;
        assert_eq!((&event["id"], &event["type"], &event["payload"]["data"]["clock"]["number"]), (&json!("s"), &json!("next"), &json!(number)));
        assert_eq!(event["payload"]["data"]["clock"]["reader"], number + 2, "each event has a reader of its own");
    }
    assert_eq!(socket.next().await, json!({ "id": "s", "type": "complete" }));
    eventually("the readers' end", || server.counts.finished.load(Ordering::SeqCst) == 4).await;
}

#[tokio::test]
async fn variables_and_operation_names_are_heard() {
    let server = Server::start().await;
    let mut socket = Socket::ready(&server, "ada").await;
    let payload = json!({ "query": "query A($n: String!) { hello(name: $n) } query B { who }", "operationName": "A", "variables": { "n": "bob" }, "extensions": {} });
    socket.send(json!({ "id": "1", "type": "subscribe", "payload": payload })).await;
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
        ("subscription { a: clock { number } b: clock { number } }", "GRAPHQL_VALIDATION_FAILED"),
        ("subscription { closed }", "FORBIDDEN"),
        ("subscription { nope }", "GRAPHQL_VALIDATION_FAILED"),
        ("{ panics }", "INTERNAL"),
    ] {
        socket.subscribe("1", query).await;
        let message = socket.next().await;
        assert_eq!((&message["type"], &message["id"]), (&json!("error"), &json!("1")), "{query}: {message}");
        assert_eq!(message["payload"][0]["extensions"]["code"], code, "{query}: {message}");
        assert!(message["payload"][0]["extensions"]["requestId"].is_string());
    }
    socket.subscribe("1", "{ refused }").await;
    let message = socket.next().await;
    assert_eq!((&message["type"], &message["payload"]["data"]["refused"]), (&json!("next"), &Value::Null), "a field's failure is an answer");
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
    eventually("the end of the stream", || server.counts.streams.load(Ordering::SeqCst) == 0).await;
    // Events under way may still come; then the pong, and no complete.
    socket.send(json!({ "type": "ping" })).await;
    loop {
        let message = socket.next().await;
        if message["type"] == "pong" {
            break;
        }
        assert_eq!(message["type"], "next");
    }
    socket.subscribe("s", "subscription { clock(count: 1) { number } }").await;
    assert_eq!(socket.next().await["payload"]["data"]["clock"]["number"], 1, "the id is free again");
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
    assert_eq!(socket.next().await["payload"]["data"]["who"], Value::Null, "anonymous, since the verifier allows it");
}

#[tokio::test]
async fn the_server_pings_and_lets_the_dead_go() {
    let server = Server::with(|options| options.limits.ping_seconds = 1).await;
    let mut socket = Socket::ready(&server, "ada").await;
    let begun = Instant::now();
    assert!(matches!(socket.frame().await, Some(Message::Ping(_))));
    assert!(begun.elapsed() < Duration::from_secs(2));
    // A peer that neither reads nor answers.
    tokio::time::sleep(Duration::from_millis(3500)).await;
    assert_eq!(socket.closed().await.0, 4408);
}

#[tokio::test]
async fn malformed_messages_close_with_4400() {
    let server = Server::start().await;
    for text in ["", "{", "null", "[]", "{}", r#"{"type":"nope"}"#, r#"{"type":"next","id":"1","payload":{}}"#, r#"{"type":"connection_init","payload":7}"#, r#"{"type":"ping","payload":7}"#] {
        let mut socket = Socket::open(&server).await;
        socket.0.send(Message::text(text)).await.unwrap();
        socket.closes(4400).await;
    }
    for message in [
        json!({ "type": "subscribe", "payload": { "query": "{ who }" } }),
        json!({ "type": "subscribe", "id": "", "payload": { "query": "{ who }" } }),
        json!({ "type": "subscribe", "id": "1" }),
        json!({ "type": "subscribe", "id": "1", "payload": {} }),
        json!({ "type": "subscribe", "id": "1", "payload": { "query": "{ who }", "variables": "x" } }),
        json!({ "type": "complete" }),
    ] {
        let mut socket = Socket::ready(&server, "ada").await;
        socket.send(message).await;
        socket.closes(4400).await;
    }
    let mut socket = Socket::open(&server).await;
    socket.0.send(Message::binary(b"{\"type\":\"connection_init\"}".to_vec())).await.unwrap();
    socket.closes(4400).await;
}

#[tokio::test]
async fn an_operation_before_the_acknowledgement_closes_with_4401() {
    let server = Server::start().await;
    let mut socket = Socket::open(&server).await;
    socket.subscribe("1", "{ who }").await;
    assert_eq!(socket.closes(4401).await, "Unauthorized");
    let mut socket = Socket::open(&server).await;
    socket.send(json!({ "type": "connection_init", "payload": { "authorization": "slow" } })).await;
    socket.subscribe("1", "{ who }").await;
    socket.closes(4401).await;
}

#[tokio::test]
async fn credentials_that_fail_close_with_their_codes() {
    let server = Server::start().await;
    for (token, code) in [("bad", 4403), ("down", 1013), ("fault", 4500), ("panic", 4500)] {
        let mut socket = Socket::open(&server).await;
        socket.send(json!({ "type": "connection_init", "payload": { "authorization": token } })).await;
        let reason = socket.closes(code).await;
        assert!(!reason.contains("purpose"), "{reason}");
    }
}

#[tokio::test]
async fn a_token_that_expires_closes_with_4403() {
    let server = Server::start().await;
    let mut socket = Socket::ready(&server, "brief").await;
    socket.subscribe("s", "subscription { clock { number } }").await;
    let begun = Instant::now();
    assert_eq!(socket.closes(4403).await, "token expired");
    assert!(begun.elapsed() < Duration::from_secs(1));
    eventually("the end of the stream", || server.counts.streams.load(Ordering::SeqCst) == 0).await;
}

#[tokio::test]
async fn a_membership_that_ends_closes_with_4403() {
    let server = Server::start().await;
    let mut socket = Socket::ready(&server, "member").await;
    let mut other = Socket::ready(&server, "ada").await;
    socket.subscribe("s", "subscription { clock { number } }").await;
    socket.next().await;
    server.revoke.send(Some("membership ended".to_owned())).unwrap();
    assert_eq!(socket.closes(4403).await, "membership ended");
    other.subscribe("1", "{ who }").await;
    assert_eq!(other.next().await["payload"]["data"]["who"], "ada");
}

#[tokio::test]
async fn another_subprotocol_closes_with_4406() {
    let server = Server::start().await;
    open(&server, request(&server, None)).await.unwrap().closes(4406).await;
    // A client that offered others checks the answer itself and fails the handshake: nothing was chosen.
    assert!(open(&server, request(&server, Some("graphql-ws"))).await.is_err());
    let both = open(&server, request(&server, Some("graphql-ws, graphql-transport-ws"))).await;
    assert!(both.is_ok());
}

#[tokio::test]
async fn no_initialisation_closes_with_4408() {
    let server = Server::with(|options| options.limits.connection_init_seconds = 1).await;
    let begun = Instant::now();
    Socket::open(&server).await.closes(4408).await;
    assert!((900..2000).contains(&begun.elapsed().as_millis()));
    let mut socket = Socket::ready(&server, "ada").await;
    tokio::time::sleep(Duration::from_millis(1300)).await;
    socket.subscribe("1", "{ who }").await;
    assert_eq!(socket.next().await["type"], "next", "an initialised socket stays");
}

#[tokio::test]
async fn an_id_in_use_closes_with_4409() {
    let server = Server::start().await;
    let mut socket = Socket::ready(&server, "ada").await;
    socket.subscribe("s", "subscription { clock { number } }").await;
    socket.subscribe("s", "{ who }").await;
    assert_eq!(socket.closes(4409).await, "Subscriber for s already exists");
}

#[tokio::test]
async fn a_second_initialisation_closes_with_4429() {
    let server = Server::start().await;
    let mut socket = Socket::ready(&server, "ada").await;
    socket.send(json!({ "type": "connection_init" })).await;
    assert_eq!(socket.closes(4429).await, "Too many initialisation requests");
    let mut socket = Socket::open(&server).await;
    for _ in 0..2 {
        socket.send(json!({ "type": "connection_init", "payload": { "authorization": "slow" } })).await;
    }
    socket.closes(4429).await;
}

#[tokio::test]
async fn too_many_sockets_of_one_caller_close_with_4429() {
    let server = Server::with(|options| options.limits.sockets_per_caller = 2).await;
    let first = Socket::ready(&server, "ada").await;
    let _second = Socket::ready(&server, "ada").await;
    let mut third = Socket::open(&server).await;
    third.send(json!({ "type": "connection_init", "payload": { "authorization": "ada" } })).await;
    assert_eq!(third.closes(4429).await, "Too many sockets");
    let _other = Socket::ready(&server, "bob").await;
    drop(first);
    tokio::time::sleep(Duration::from_millis(300)).await;
    Socket::ready(&server, "ada").await;
}

#[tokio::test]
async fn draining_lets_a_mutation_finish_and_closes_with_1012() {
    let server = Server::start().await;
    let mut idle = Socket::ready(&server, "ada").await;
    idle.subscribe("s", "subscription { clock { number } }").await;
    idle.next().await;
    let mut busy = Socket::ready(&server, "ada").await;
    busy.subscribe("m", "mutation { slowAdd }").await;
    tokio::time::sleep(Duration::from_millis(100)).await;
    server.drain.send(true).unwrap();
    idle.closes(1012).await;
    busy.subscribe("late", "{ who }").await;
    let refused = busy.next().await;
    assert_eq!((&refused["id"], &refused["payload"][0]["extensions"]["code"]), (&json!("late"), &json!("UNAVAILABLE")));
    assert_eq!(busy.next().await["payload"]["data"]["slowAdd"], 1);
    busy.closes(1012).await;
    let Err(Error::Http(answer)) = open(&server, request(&server, Some("graphql-transport-ws"))).await else { panic!("opened") };
    assert_eq!(answer.status(), 503);
}

#[tokio::test]
async fn a_message_too_big_closes_with_1009() {
    let server = Server::with(|options| options.limits.body_bytes = 2000).await;
    let mut socket = Socket::ready(&server, "ada").await;
    socket.subscribe("1", &format!("{{ who }} # {}", "x".repeat(4000))).await;
    socket.closes(1009).await;
}

#[tokio::test]
async fn operations_on_one_socket_are_capped_and_counted() {
    let server = Server::with(|options| options.limits.operations_per_socket = 2).await;
    let mut socket = Socket::ready(&server, "ada").await;
    for id in ["a", "b", "c"] {
        socket.subscribe(id, "subscription { clock(everyMilliseconds: 60000) { number } }").await;
    }
    let message = socket.next().await;
    assert_eq!((&message["id"], &message["payload"][0]["extensions"]["code"]), (&json!("c"), &json!("RATE_LIMITED")));
    socket.send(json!({ "id": "a", "type": "complete" })).await;
    socket.subscribe("c", "{ who }").await;
    assert_eq!(socket.next().await["type"], "next");

    let two = Rate { burst: NonZeroU32::new(2).unwrap(), seconds: NonZeroU32::new(60).unwrap() };
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
    socket.subscribe("clock", "subscription { clock(everyMilliseconds: 1, count: 20) { number } }").await;
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
    let server = Server::with(|options| (options.limits.buffered_events, options.limits.slow_consumer_seconds) = (8, 1)).await;
    let mut socket = Socket::ready(&server, "ada").await;
    socket.subscribe("hot", "subscription { hot(bytes: 65536) }").await;
    tokio::time::sleep(Duration::from_millis(2500)).await;
    let made = server.counts.hot.load(Ordering::SeqCst);
    assert!(made < 500, "{made} events of 64 kB were made for a client that does not read");
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
    assert_eq!(server.counts.hot.load(Ordering::SeqCst), made, "the stream was given up while nobody read");
    socket.subscribe("q", "{ who }").await;
    assert_eq!(socket.next().await["payload"]["data"]["who"], "ada", "the socket lives on");
}

#[tokio::test]
async fn an_event_that_takes_too_long_is_cut_off_and_the_stream_goes_on() {
    let server = Server::with(|options| options.limits.execution_seconds = 1).await;
    let mut socket = Socket::ready(&server, "ada").await;
    socket.subscribe("s", "subscription S { clock(count: 2) { number slow(seconds: 20) } }").await;
    for _ in 0..2 {
        assert_eq!(socket.next().await["payload"]["errors"][0]["extensions"]["code"], "TIMEOUT");
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
    eventually("the end of the stream", || server.counts.streams.load(Ordering::SeqCst) == 0).await;
}
