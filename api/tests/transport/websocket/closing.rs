//! How a socket ends: every close code.

use std::{
    sync::atomic::Ordering,
    time::{Duration, Instant},
};

use futures::SinkExt as _;
use serde_json::json;
use tokio_tungstenite::tungstenite::{Error, Message};

use super::{Socket, open, request};
use crate::support::{Server, eventually};

#[tokio::test]
async fn the_server_pings_and_lets_the_dead_go() {
    let server = Server::with(|options| options.limits.ping_seconds = 1).await;
    let mut socket = Socket::ready(&server, "ada").await;
    let begun = Instant::now();
    assert!(matches!(socket.frame().await, Some(Message::Ping(_))));
    assert!(begun.elapsed() < Duration::from_secs(2));
    // A peer that neither reads nor answers, for two pings and a little.
    tokio::time::sleep(Duration::from_secs(2)).await;
    assert_eq!(socket.closed().await.0, 4408);
}

#[tokio::test]
async fn malformed_messages_close_with_4400() {
    let server = Server::start().await;
    for text in [
        "",
        "{",
        "null",
        "[]",
        "{}",
        r#"{"type":"nope"}"#,
        r#"{"type":"next","id":"1","payload":{}}"#,
        r#"{"type":"connection_init","payload":7}"#,
        r#"{"type":"ping","payload":7}"#,
    ] {
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
    socket
        .0
        .send(Message::binary(b"{\"type\":\"connection_init\"}".to_vec()))
        .await
        .unwrap();
    socket.closes(4400).await;
}

#[tokio::test]
async fn an_operation_before_the_acknowledgement_closes_with_4401() {
    let server = Server::start().await;
    let mut socket = Socket::open(&server).await;
    socket.subscribe("1", "{ who }").await;
    assert_eq!(socket.closes(4401).await, "Unauthorized");
    let mut socket = Socket::open(&server).await;
    socket
        .send(json!({ "type": "connection_init", "payload": { "authorization": "slow" } }))
        .await;
    socket.subscribe("1", "{ who }").await;
    socket.closes(4401).await;
}

#[tokio::test]
async fn credentials_that_fail_close_with_their_codes() {
    let server = Server::start().await;
    for (token, code) in [("bad", 4403), ("down", 1013), ("fault", 4500), ("panic", 4500)] {
        let mut socket = Socket::open(&server).await;
        socket
            .send(json!({ "type": "connection_init", "payload": { "authorization": token } }))
            .await;
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
    eventually("the end of the stream", || {
        server.counts.streams.load(Ordering::SeqCst) == 0
    })
    .await;
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
        socket
            .send(json!({ "type": "connection_init", "payload": { "authorization": "slow" } }))
            .await;
    }
    socket.closes(4429).await;
}

#[tokio::test]
async fn too_many_sockets_of_one_caller_close_with_4429() {
    let server = Server::with(|options| options.limits.sockets_per_caller = 2).await;
    let first = Socket::ready(&server, "ada").await;
    let _second = Socket::ready(&server, "ada").await;
    let mut third = Socket::open(&server).await;
    third
        .send(json!({ "type": "connection_init", "payload": { "authorization": "ada" } }))
        .await;
    assert_eq!(third.closes(4429).await, "Too many sockets of this caller");
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
    assert_eq!(
        (&refused["id"], &refused["payload"][0]["extensions"]["code"]),
        (&json!("late"), &json!("UNAVAILABLE"))
    );
    assert_eq!(busy.next().await["payload"]["data"]["slowAdd"], 1);
    busy.closes(1012).await;
    let Err(Error::Http(answer)) = open(&server, request(&server, Some("graphql-transport-ws"))).await else {
        panic!("opened")
    };
    assert_eq!(answer.status(), 503);
}

#[tokio::test]
async fn a_message_too_big_closes_with_1009() {
    let server = Server::with(|options| options.limits.body_bytes = 2000).await;
    let mut socket = Socket::ready(&server, "ada").await;
    socket
        .subscribe("1", &format!("{{ who }} # {}", "x".repeat(4000)))
        .await;
    socket.closes(1009).await;
}
