//! GraphQL over HTTP.

use std::{num::NonZeroU32, sync::atomic::Ordering, time::Duration};

use api::http::{Rate, Registered, cors::Origins, registered};
use serde_json::{Value, json};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};

use super::support::{Answer, Server};

#[tokio::test]
async fn a_query_is_answered_with_the_headers_that_keep_it_private() {
    let server = Server::start().await;
    let answer = server.query("{ hello }").await;
    assert_eq!(answer.status, 200);
    assert_eq!(answer.json, json!({ "data": { "hello": "hello, world" } }));
    assert_eq!(
        answer.headers["content-type"],
        "application/graphql-response+json; charset=utf-8"
    );
    assert_eq!(answer.headers["x-content-type-options"], "nosniff");
    assert_eq!(answer.headers["cache-control"], "no-store");
    assert!(answer.headers.contains_key("ratelimit-remaining"));
}

#[tokio::test]
async fn the_request_id_goes_in_and_comes_out_unless_it_is_hostile() {
    let server = Server::start().await;
    let answer = server
        .send(
            server
                .request(&json!({ "query": "{ nope }" }))
                .header("x-request-id", "trace-1"),
        )
        .await;
    answer.refused(400, "GRAPHQL_VALIDATION_FAILED");
    assert_eq!(answer.headers["x-request-id"], "trace-1");
    let answer = server
        .send(
            server
                .request(&json!({ "query": "{ nope }" }))
                .header("x-request-id", "a b\"c"),
        )
        .await;
    answer.refused(400, "GRAPHQL_VALIDATION_FAILED");
    assert_eq!(answer.headers["x-request-id"].len(), 36);
}

#[tokio::test]
async fn media_types_are_negotiated() {
    let server = Server::start().await;
    let with = |accept: &'static str| {
        reqwest::Client::new()
            .post(server.url())
            .header("accept", accept)
            .json(&json!({ "query": "{ nope }" }))
    };
    let answer = server.send(with("application/json")).await;
    answer.refused(200, "GRAPHQL_VALIDATION_FAILED");
    assert_eq!(answer.headers["content-type"], "application/json; charset=utf-8");
    server
        .send(with("application/graphql-response+json, application/json;q=0.5"))
        .await
        .refused(400, "GRAPHQL_VALIDATION_FAILED");
    server.send(with("text/html")).await.refused(406, "NOT_ACCEPTABLE");
}

#[tokio::test]
async fn nothing_but_json_is_read_so_no_page_can_send_unasked() {
    let server = Server::start().await;
    let body = r#"{"query":"mutation { add(amount: 1) }"}"#;
    for media in [
        None,
        Some("text/plain"),
        Some("application/x-www-form-urlencoded"),
        Some("multipart/form-data; boundary=x"),
        Some("application/graphql"),
        Some("application/json; charset=utf-16"),
    ] {
        let mut request = reqwest::Client::new().post(server.url()).body(body);
        if let Some(media) = media {
            request = request.header("content-type", media);
        }
        server.send(request).await.refused(415, "UNSUPPORTED_MEDIA_TYPE");
    }
    let compressed = reqwest::Client::new()
        .post(server.url())
        .header("content-type", "application/json")
        .header("content-encoding", "gzip")
        .body(body);
    server.send(compressed).await.refused(415, "UNSUPPORTED_MEDIA_TYPE");
    assert_eq!(server.counts.added.load(Ordering::SeqCst), 0);
}

#[tokio::test]
async fn get_is_for_queries() {
    let server = Server::start().await;
    let client = reqwest::Client::new();
    let get = |query: &[(&str, &str)]| client.get(server.url_with(query));
    let answer = server
        .send(get(&[
            ("query", "query A($n: String) { hello(name: $n) } query B { who }"),
            ("operationName", "A"),
            ("variables", r#"{"n":"ada"}"#),
        ]))
        .await;
    assert_eq!(answer.json["data"]["hello"], "hello, ada");
    let answer = server.send(get(&[("query", "mutation { add(amount: 1) }")])).await;
    answer.refused(405, "METHOD_NOT_ALLOWED");
    assert_eq!(answer.headers["allow"], "POST");
    assert_eq!(server.counts.added.load(Ordering::SeqCst), 0);
    server
        .send(get(&[("query", "{ hello }"), ("query", "{ who }")]))
        .await
        .refused(400, "BAD_USER_INPUT");
    server
        .send(get(&[("query", "{ hello }"), ("variables", "{")]))
        .await
        .refused(400, "BAD_USER_INPUT");
    server.send(get(&[])).await.refused(400, "BAD_USER_INPUT");
    for method in ["PUT", "DELETE", "PATCH"] {
        let answer = server
            .send(
                client
                    .request(method.parse().unwrap(), server.url())
                    .json(&json!({ "query": "{ hello }" })),
            )
            .await;
        answer.refused(405, "METHOD_NOT_ALLOWED");
        assert_eq!(answer.headers["allow"], "GET, POST");
    }
}

#[tokio::test]
async fn a_subscription_needs_a_stream() {
    let server = Server::start().await;
    server
        .query("subscription { clock(count: 1) { number } }")
        .await
        .refused(406, "NOT_ACCEPTABLE");
}

#[tokio::test]
async fn errors_are_coded_and_faults_do_not_leak() {
    let server = Server::start().await;
    let answer = server.query("{ hello refused leaks }").await;
    assert_eq!(answer.status, 200);
    assert_eq!(
        answer.json["data"],
        json!({ "hello": "hello, world", "refused": null, "leaks": null })
    );
    let errors = answer.json["errors"].as_array().unwrap();
    let codes: Vec<_> = errors
        .iter()
        .map(|error| {
            (
                error["path"][0].as_str().unwrap(),
                error["extensions"]["code"].as_str().unwrap(),
                error["message"].as_str().unwrap(),
            )
        })
        .collect();
    assert!(codes.contains(&("refused", "FORBIDDEN", "not yours")), "{codes:?}");
    assert!(codes.contains(&("leaks", "INTERNAL", "internal error")), "{codes:?}");
    assert!(
        errors
            .iter()
            .all(|error| error["extensions"]["requestId"] == answer.headers["x-request-id"].to_str().unwrap())
    );
    let answer = server.query("{ leaksNonNull }").await;
    assert_eq!(
        (answer.status, &answer.json["data"], answer.message()),
        (200, &Value::Null, "internal error")
    );
    assert!(
        answer.json.as_object().unwrap().contains_key("data"),
        "an execution that failed has data: null"
    );
    server.query("{ panics }").await.refused(500, "INTERNAL");
    assert_eq!(server.query("{ hello }").await.status, 200);
}

#[tokio::test]
async fn credentials_are_checked_before_the_body() {
    let server = Server::start().await;
    let with = |token: &str| server.request(&json!({ "query": "{ who }" })).bearer_auth(token);
    assert_eq!(server.send(with("ada")).await.json["data"]["who"], "ada");
    assert_eq!(server.query("{ who }").await.json["data"]["who"], Value::Null);
    let answer = server.send(with("bad")).await;
    answer.refused(401, "UNAUTHENTICATED");
    assert_eq!(answer.headers["www-authenticate"], "Bearer error=\"invalid_token\"");
    server.send(with("down")).await.refused(503, "UNAVAILABLE");
    server.send(with("fault")).await.refused(500, "INTERNAL");
    server.send(with("panic")).await.refused(500, "INTERNAL");
}

/// A document that ran well is not validated again, and takes the short way, which contains no error: nobody can tell.
#[tokio::test]
async fn a_document_is_answered_alike_the_second_time_and_after_an_error() {
    let server = Server::start().await;
    let document = "query($fail: Boolean!) { hello refused @include(if: $fail) items(first: 2) { nodes { id children { name } } } }";
    let ask = async |fail: bool| {
        let answer = server
            .post(json!({ "query": document, "variables": { "fail": fail } }))
            .await;
        (answer.status, answer.json)
    };
    let first = ask(false).await;
    assert_eq!(first.0, 200);
    assert_eq!(ask(false).await, first, "by the short way");
    for _ in 0..2 {
        let (status, json) = ask(true).await;
        assert_eq!((status, &json["data"]["refused"]), (200, &Value::Null));
        assert_eq!(
            json["data"]["items"], first.1["data"]["items"],
            "the error stays at its field"
        );
        assert_eq!(json["errors"][0]["path"], json!(["refused"]));
        assert_eq!(json["errors"].as_array().map(Vec::len), Some(1));
    }
    assert_eq!(ask(false).await, first, "and as before");
    let wrong = server
        .post(json!({ "query": document, "variables": { "fail": "no" } }))
        .await;
    wrong.refused(400, "BAD_USER_INPUT");
}

#[tokio::test]
async fn each_execution_has_a_reader_of_its_own() {
    let server = Server::start().await;
    let first = server.query("{ a: reader b: reader }").await.json;
    assert_eq!(first["data"], json!({ "a": 1, "b": 1 }));
    let batch = server
        .post(json!([{ "query": "{ reader }" }, { "query": "{ reader }" }]))
        .await
        .json;
    assert_eq!(batch, json!([{ "data": { "reader": 2 } }, { "data": { "reader": 3 } }]));
    assert_eq!(server.counts.finished.load(Ordering::SeqCst), 3);
    server.query("{ nope }").await;
    assert_eq!(
        server.counts.readers.load(Ordering::SeqCst),
        3,
        "a refused request opens none"
    );
}

#[tokio::test]
async fn batches_are_answered_in_order_and_bounded() {
    let server = Server::with(|options| options.limits.batch_length = 3).await;
    let answer = server
        .post(json!([{ "query": "mutation { add(amount: 2) }" }, { "query": "{ nope }" }, 7]))
        .await;
    assert_eq!(answer.status, 200);
    assert_eq!(answer.json[0], json!({ "data": { "add": 2 } }));
    assert_eq!(
        answer.json[1]["errors"][0]["extensions"]["code"],
        "GRAPHQL_VALIDATION_FAILED"
    );
    assert_eq!(answer.json[2]["errors"][0]["extensions"]["code"], "BAD_USER_INPUT");
    let one = json!({ "query": "{ hello }" });
    server
        .post(json!([one, one, one, one]))
        .await
        .refused(400, "TOO_COMPLEX");
    server.post(json!([])).await.refused(400, "TOO_COMPLEX");
    let answer = server
        .post(json!([{ "query": "subscription { clock { number } }" }]))
        .await;
    assert_eq!(answer.json[0]["errors"][0]["extensions"]["code"], "NOT_ACCEPTABLE");
}

#[tokio::test]
async fn a_large_body_and_a_stalled_one_are_refused() {
    let server = Server::with(|options| (options.limits.body_bytes, options.limits.body_seconds) = (1000, 1)).await;
    server
        .post(json!({ "query": "{ hello }", "variables": { "x": "y".repeat(1000) } }))
        .await
        .refused(413, "PAYLOAD_TOO_LARGE");
    let mut socket = tokio::net::TcpStream::connect(server.address).await.unwrap();
    socket
        .write_all(
            b"POST /graphql HTTP/1.1\r\nhost: x\r\ncontent-type: application/json\r\ncontent-length: 100\r\n\r\n{",
        )
        .await
        .unwrap();
    let mut read = vec![0; 4096];
    let length = tokio::time::timeout(Duration::from_secs(5), socket.read(&mut read))
        .await
        .unwrap()
        .unwrap();
    let text = String::from_utf8_lossy(&read[..length]);
    assert!(text.starts_with("HTTP/1.1 408") && text.contains("TIMEOUT"), "{text}");
}

#[tokio::test]
async fn a_slow_operation_is_cut_off() {
    let server = Server::with(|options| options.limits.execution_seconds = 1).await;
    let answer = server.query("{ slow(seconds: 30) }").await;
    answer.refused(503, "TIMEOUT");
    assert!(answer.headers.contains_key("retry-after"));
}

#[tokio::test]
async fn budgets_are_kept_by_caller_and_by_address() {
    let two = Rate {
        burst: NonZeroU32::new(2).unwrap(),
        seconds: NonZeroU32::new(60).unwrap(),
    };
    let server = Server::with(|options| (options.rates.user, options.rates.anonymous) = (two, two)).await;
    let with = |token: &str| server.request(&json!({ "query": "{ who }" })).bearer_auth(token);
    for remaining in ["1", "0"] {
        let answer = server.send(with("ada")).await;
        assert_eq!(
            (answer.status, &answer.headers["ratelimit-remaining"]),
            (200, &remaining.parse().unwrap())
        );
        assert_eq!(answer.headers["ratelimit-limit"], "2");
    }
    let answer = server.send(with("ada")).await;
    answer.refused(429, "RATE_LIMITED");
    assert_eq!(answer.headers["retry-after"], "30");
    assert_eq!(answer.json["errors"][0]["extensions"]["retryAfterSeconds"], 30);
    assert_eq!(
        server.send(with("bob")).await.status,
        200,
        "another's budget is untouched"
    );
    assert_eq!(server.send(with("key-1")).await.status, 200, "keys have their own");
    let one = json!({ "query": "{ who }" });
    let answer = server.post(json!([one, one, one])).await;
    assert_eq!(answer.json[1]["data"], json!({ "who": null }));
    assert_eq!(
        answer.json[2]["errors"][0]["extensions"]["code"], "RATE_LIMITED",
        "a batch costs what it holds"
    );

    let server = Server::with(|options| options.rates.address = two).await;
    for status in [200, 200, 429] {
        assert_eq!(
            server.send(server.request(&one).bearer_auth("ada")).await.status,
            status
        );
    }
}

#[tokio::test]
async fn pages_of_listed_origins_may_call_and_never_with_cookies() {
    let server = Server::with(|options| options.origins = Origins::parse(["https://app.example.com"]).unwrap()).await;
    let preflight = |origin: &'static str| {
        let request = reqwest::Client::new()
            .request(reqwest::Method::OPTIONS, server.url())
            .header("origin", origin);
        request
            .header("access-control-request-method", "POST")
            .header("access-control-request-headers", "content-type,authorization")
            .send()
    };
    let answer = preflight("https://app.example.com").await.unwrap();
    assert_eq!(
        answer.headers()["access-control-allow-origin"],
        "https://app.example.com"
    );
    assert!(!answer.headers().contains_key("access-control-allow-credentials"));
    let answer = preflight("https://evil.example.com").await.unwrap();
    assert!(!answer.headers().contains_key("access-control-allow-origin"));
    let server = Server::with(|options| options.origins = Origins::parse(["*"]).unwrap()).await;
    let answer = server
        .send(
            server
                .request(&json!({ "query": "{ hello }" }))
                .header("origin", "https://any.example.com"),
        )
        .await;
    assert_eq!(answer.headers["access-control-allow-origin"], "*");
    assert!(!answer.headers.contains_key("access-control-allow-credentials"));
}

#[tokio::test]
async fn registered_operations_can_be_the_only_ones() {
    let folder = tempfile::tempdir().unwrap();
    std::fs::write(
        folder.path().join("hello.graphql"),
        "query Hello($name: String) { hello(name: $name) }\n",
    )
    .unwrap();
    std::fs::write(folder.path().join("notes.txt"), "{ who }").unwrap();
    let known = Registered::load(folder.path()).unwrap();
    let text = "query Hello($name: String) { hello(name: $name) }";
    let by_hash = |hash: String| json!({ "extensions": { "persistedQuery": { "version": 1, "sha256Hash": hash } }, "variables": { "name": "ada" } });

    let server = Server::with(|options| (options.registered, options.registered_only) = (known.clone(), true)).await;
    assert_eq!(
        server.post(by_hash(registered::hash(text))).await.json["data"]["hello"],
        "hello, ada"
    );
    assert_eq!(server.post(json!({ "query": text })).await.status, 200);
    server.query("{ who }").await.refused(400, "UNKNOWN_DOCUMENT");
    server
        .post(by_hash(registered::hash("{ who }")))
        .await
        .refused(400, "UNKNOWN_DOCUMENT");

    let server = Server::with(|options| options.registered = known).await;
    assert_eq!(
        server.query("{ who }").await.status,
        200,
        "known documents do not shut out others unless told to"
    );
    let mut forged = by_hash(registered::hash(text));
    forged["query"] = "{ who }".into();
    server.post(forged).await.refused(400, "BAD_USER_INPUT");
    let unknown = server.post(by_hash(registered::hash("{ who }"))).await;
    assert_eq!(
        unknown.refused(400, "UNKNOWN_DOCUMENT").message(),
        "PersistedQueryNotFound",
        "Apollo then sends the text"
    );
}

#[tokio::test]
async fn the_explorer_is_served_from_the_binary_under_a_strict_policy() {
    let server = Server::with(|options| options.graphiql = true).await;
    let page = reqwest::get(format!("http://{}/", server.address)).await.unwrap();
    let policy = page.headers()["content-security-policy"].to_str().unwrap().to_owned();
    assert!(
        policy.contains("default-src 'none'") && policy.contains("connect-src 'self'") && !policy.contains("http"),
        "{policy}"
    );
    let html = page.text().await.unwrap();
    assert!(!html.contains("http://") && !html.contains("https://"), "{html}");
    for file in ["graphiql.js", "graphiql.css"] {
        let asset = reqwest::get(format!("http://{}/graphiql/{file}", server.address))
            .await
            .unwrap();
        assert_eq!(
            (
                asset.status().as_u16(),
                asset.headers()["x-content-type-options"].to_str().unwrap()
            ),
            (200, "nosniff")
        );
    }
    let server = Server::start().await;
    assert_eq!(
        Answer::read(reqwest::get(format!("http://{}/", server.address)).await.unwrap())
            .await
            .status,
        404
    );
}

#[tokio::test]
async fn a_known_query_may_be_written_elsewhere_and_rests_when_that_fails() {
    let server = Server::start().await;
    let tried = || server.counts.written.load(std::sync::atomic::Ordering::SeqCst);
    let (resolvers, database) = (json!("the resolvers"), json!({ "by": "the database" }));
    let answers = async |query: &str, expected: [&Value; 4]| {
        let before = tried();
        for expected in expected {
            let answer = server.query(query).await;
            assert_eq!(
                (answer.status, &answer.json["data"]["written"]),
                (200, expected),
                "{query}"
            );
        }
        tried() - before
    };
    assert_eq!(
        answers("{ written }", [&resolvers, &database, &database, &database]).await,
        3
    );
    // Two selections of one thing are merged, which what is written cannot be.
    let merged = "{ written item { id } item { name } }";
    assert_eq!(answers(merged, [&resolvers; 4]).await, 0);
    let fails = |code: &str| format!("{{ written(fails: \"{code}\") }}");
    assert_eq!(
        answers(&fails("INTERNAL"), [&resolvers; 4]).await,
        1,
        "not with each request anew"
    );
    assert_eq!(
        answers(&fails("UNAVAILABLE"), [&resolvers; 4]).await,
        3,
        "no fault of the way"
    );
}
