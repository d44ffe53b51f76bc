//! Server-sent events, distinct connections.

use std::{sync::atomic::Ordering, time::Duration};

use futures::StreamExt as _;
use serde_json::{Value, json};

use super::support::{Answer, Server, eventually};

const CLOCK: &str = "subscription { clock(everyMilliseconds: 5, count: 3) { number cursor } }";

/// Reads a whole stream of events, as text.
async fn events(request: reqwest::RequestBuilder) -> String {
    let response = request.send().await.unwrap();
    assert_eq!(response.status(), 200);
    assert_eq!(response.headers()["content-type"], "text/event-stream; charset=utf-8");
    assert_eq!(response.headers()["cache-control"], "no-store");
    tokio::time::timeout(Duration::from_secs(10), response.text())
        .await
        .unwrap()
        .unwrap()
}

fn post(server: &Server, query: &str) -> reqwest::RequestBuilder {
    reqwest::Client::new()
        .post(server.url())
        .header("accept", "text/event-stream")
        .json(&json!({ "query": query }))
}

fn data_of(text: &str) -> Vec<Value> {
    text.lines()
        .filter_map(|line| line.strip_prefix("data: "))
        .map(|json| serde_json::from_str(json).unwrap())
        .collect()
}

#[tokio::test]
async fn a_subscription_streams_events_with_ids_and_completes() {
    let server = Server::start().await;
    let expected = "event: next\nid: 1\ndata: {\"data\":{\"clock\":{\"number\":1,\"cursor\":\"1\"}}}\n\n";
    for request in [
        post(&server, CLOCK),
        reqwest::Client::new()
            .get(server.url_with(&[("query", CLOCK)]))
            .header("accept", "text/event-stream"),
    ] {
        let text = events(request).await;
        assert!(text.contains(expected), "{text}");
        assert!(text.ends_with("event: complete\ndata:\n\n"), "{text}");
        assert_eq!(data_of(&text).len(), 3);
    }
    eventually("the end of the streams", || {
        server.counts.streams.load(Ordering::SeqCst) == 0
    })
    .await;
}

#[tokio::test]
async fn a_stream_resumes_after_the_last_event_id() {
    let server = Server::start().await;
    let text = events(post(&server, CLOCK).header("last-event-id", "41")).await;
    assert!(text.contains("id: 42\n") && !text.contains("id: 41\n"), "{text}");
}

#[tokio::test]
async fn queries_and_refused_documents_are_events_too() {
    let server = Server::start().await;
    assert_eq!(
        data_of(&events(post(&server, "{ hello }")).await),
        [json!({ "data": { "hello": "hello, world" } })]
    );
    let refused = events(post(&server, "{ nope }")).await;
    let data = data_of(&refused);
    assert_eq!(data[0]["errors"][0]["extensions"]["code"], "GRAPHQL_VALIDATION_FAILED");
    assert_eq!(data[0].get("data"), None);
    assert!(refused.ends_with("event: complete\ndata:\n\n"));
    let closed = data_of(&events(post(&server, "subscription { closed }")).await);
    assert_eq!(
        (&closed[0]["errors"][0]["extensions"]["code"], closed[0].get("data")),
        (&json!("FORBIDDEN"), None)
    );
    let burst = data_of(&events(post(&server, "subscription { bursts }")).await);
    assert_eq!(burst[0], json!({ "data": { "bursts": 1 } }));
    assert_eq!(burst[1]["errors"][0]["extensions"]["code"], "INTERNAL");
}

#[tokio::test]
async fn what_is_wrong_with_the_request_is_a_status() {
    let server = Server::start().await;
    let get = reqwest::Client::new()
        .get(server.url_with(&[("query", "mutation { add(amount: 1) }")]))
        .header("accept", "text/event-stream");
    server.send(get).await.refused(405, "METHOD_NOT_ALLOWED");
    server
        .send(post(&server, CLOCK).bearer_auth("bad"))
        .await
        .refused(401, "UNAUTHENTICATED");
    server.send(post(&server, "")).await.refused(400, "BAD_USER_INPUT");
    assert_eq!(server.counts.added.load(Ordering::SeqCst), 0);
}

#[tokio::test]
async fn clients_that_accept_both_get_streams_for_subscriptions_only() {
    let server = Server::start().await;
    let accept = "application/graphql-response+json, application/graphql+json, application/json, text/event-stream, multipart/mixed";
    let request = |query: &str| {
        reqwest::Client::new()
            .post(server.url())
            .header("accept", accept)
            .json(&json!({ "query": query }))
    };
    assert_eq!(
        Answer::read(request("{ hello }").send().await.unwrap()).await.json["data"]["hello"],
        "hello, world"
    );
    assert_eq!(data_of(&events(request(CLOCK)).await).len(), 3);
}

#[tokio::test]
async fn a_client_that_leaves_ends_its_stream() {
    let server = Server::start().await;
    let response = post(&server, "subscription { clock { number } }").send().await.unwrap();
    let mut bytes = response.bytes_stream();
    bytes.next().await.unwrap().unwrap();
    eventually("a stream", || server.counts.streams.load(Ordering::SeqCst) == 1).await;
    drop(bytes);
    eventually("its end", || server.counts.streams.load(Ordering::SeqCst) == 0).await;
}

#[tokio::test]
async fn silence_is_filled_with_comments() {
    let server = Server::with(|options| options.limits.ping_seconds = 1).await;
    let text = events(post(
        &server,
        "subscription { clock(everyMilliseconds: 2500, count: 1) { number } }",
    ))
    .await;
    assert!(text.matches(":\n\n").count() >= 3, "{text:?}");
}

#[tokio::test]
async fn an_expired_token_ends_the_stream_with_its_reason() {
    let server = Server::start().await;
    let text = events(post(&server, "subscription { clock { number } }").bearer_auth("brief")).await;
    let data = data_of(&text);
    assert_eq!(
        data.last().unwrap()["errors"][0]["extensions"]["code"],
        "UNAUTHENTICATED"
    );
    assert!(text.ends_with("event: complete\ndata:\n\n"));
}

#[tokio::test]
async fn draining_breaks_streams_off_and_refuses_new_ones() {
    let server = Server::start().await;
    let reading = tokio::spawn(events(post(&server, "subscription { clock { number } }")));
    eventually("a stream", || server.counts.streams.load(Ordering::SeqCst) == 1).await;
    server.drain.send(true).unwrap();
    let text = reading.await.unwrap();
    assert!(
        !text.contains("event: complete"),
        "the client shall come back with its cursor"
    );
    server.send(post(&server, CLOCK)).await.refused(503, "UNAVAILABLE");
    assert_eq!(
        server.query("{ hello }").await.status,
        200,
        "queries are answered to the end"
    );
}

#[tokio::test]
async fn one_caller_holds_so_many_streams_and_no_more() {
    let server = Server::with(|options| options.limits.sockets_per_caller = 1).await;
    let endless = "subscription { clock { number } }";
    let first = post(&server, endless).bearer_auth("ada").send().await.unwrap();
    server
        .send(post(&server, endless).bearer_auth("ada"))
        .await
        .refused(429, "RATE_LIMITED");
    assert_eq!(
        post(&server, endless).bearer_auth("bob").send().await.unwrap().status(),
        200
    );
    drop(first);
    eventually("one stream only", || {
        server.counts.streams.load(Ordering::SeqCst) == 1 || server.counts.streams.load(Ordering::SeqCst) == 0
    })
    .await;
    assert_eq!(
        post(&server, endless).bearer_auth("ada").send().await.unwrap().status(),
        200
    );
}

#[tokio::test]
async fn a_client_that_does_not_read_is_told_so_and_costs_no_memory() {
    let server =
        Server::with(|options| (options.limits.buffered_events, options.limits.slow_consumer_seconds) = (8, 1)).await;
    let response = post(&server, "subscription { hot(bytes: 65536) }")
        .send()
        .await
        .unwrap();
    tokio::time::sleep(Duration::from_millis(2500)).await;
    let made = server.counts.hot.load(Ordering::SeqCst);
    let text = tokio::time::timeout(Duration::from_secs(10), response.text())
        .await
        .unwrap()
        .unwrap();
    assert_eq!(
        server.counts.hot.load(Ordering::SeqCst),
        made,
        "the stream was given up while nobody read"
    );
    let data = data_of(&text);
    assert_eq!(data.last().unwrap()["errors"][0]["extensions"]["code"], "SLOW_CONSUMER");
    assert!(text.ends_with("event: complete\ndata:\n\n"));
}
