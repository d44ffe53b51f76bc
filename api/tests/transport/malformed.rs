//! Malformed input of every kind gets a coded error and never a 500.

use serde_json::{Value, json};

use super::support::{Answer, Server};

async fn send(server: &Server, body: Vec<u8>) -> Answer {
    let request = reqwest::Client::new()
        .post(server.url())
        .header("content-type", "application/json");
    server
        .send(request.header("accept", "application/graphql-response+json").body(body))
        .await
}

#[tokio::test]
async fn bodies_that_are_no_request() {
    let server = Server::start().await;
    let table: &[(&[u8], &str)] = &[
        (b"", "nothing"),
        (b"{", "broken JSON"),
        (b"{\"query\":\"{ hello }\"} x", "JSON and more"),
        (b"null", "null"),
        (b"7", "a number"),
        (b"\"{ hello }\"", "a string"),
        (b"{}", "no query"),
        (b"{\"query\":\"\"}", "an empty query"),
        (b"{\"query\":null}", "a null query"),
        (b"{\"query\":7}", "a query of another type"),
        (
            b"{\"query\":\"{ hello }\",\"variables\":\"x\"}",
            "variables of another type",
        ),
        (b"{\"query\":\"{ hello }\",\"variables\":[]}", "variables in a list"),
        (
            b"{\"query\":\"{ hello }\",\"operationName\":{}}",
            "an operation name of another type",
        ),
        (
            b"{\"query\":\"{ hello }\",\"extensions\":1}",
            "extensions of another type",
        ),
        (b"{\"query\":\"{ hello }\xff\"}", "bytes that are not UTF-8"),
        (b"\xff\xfe{\x00}\x00", "UTF-16"),
        (b"{\"query\":\"\\ud800\"}", "half a surrogate"),
        (
            b"{\"query\":\"{ hello }\",\"variables\":{\"a\":1e999}}",
            "a number beyond all numbers",
        ),
    ];
    for (body, what) in table {
        let answer = send(&server, body.to_vec()).await;
        assert_eq!(
            (answer.status, answer.code()),
            (400, "BAD_USER_INPUT"),
            "{what}: {answer:?}"
        );
        answer.refused(400, "BAD_USER_INPUT");
    }
    let nested = [
        b"{\"query\":\"{ hello }\",\"variables\":".to_vec(),
        b"[".repeat(100_000),
    ]
    .concat();
    send(&server, nested).await.refused(400, "BAD_USER_INPUT");
}

#[tokio::test]
async fn documents_that_do_not_parse_or_do_not_fit_the_schema() {
    let server = Server::start().await;
    for (query, code) in [
        ("{", "GRAPHQL_PARSE_FAILED"),
        ("}", "GRAPHQL_PARSE_FAILED"),
        ("hello", "GRAPHQL_PARSE_FAILED"),
        ("{ hello(name: \"unterminated) }", "GRAPHQL_PARSE_FAILED"),
        ("{ hello(name: \"\\u00\") }", "GRAPHQL_PARSE_FAILED"),
        ("\u{0}{ hello }", "GRAPHQL_PARSE_FAILED"),
        ("{ hello } { who }", "GRAPHQL_PARSE_FAILED"),
        ("query A { hello } query A { who }", "GRAPHQL_PARSE_FAILED"),
        ("fragment a on Query { hello }", "GRAPHQL_PARSE_FAILED"),
        ("type Query { a: Int }", "GRAPHQL_PARSE_FAILED"),
        ("query A { hello } query B { who }", "GRAPHQL_VALIDATION_FAILED"),
        ("{ nope }", "GRAPHQL_VALIDATION_FAILED"),
        ("{ item }", "GRAPHQL_VALIDATION_FAILED"),
        ("{ hello { x } }", "GRAPHQL_VALIDATION_FAILED"),
        ("{ hello(nope: 1) }", "GRAPHQL_VALIDATION_FAILED"),
        ("{ hello(name: 1) }", "GRAPHQL_VALIDATION_FAILED"),
        ("{ hello @nope }", "GRAPHQL_VALIDATION_FAILED"),
        ("{ ...nope }", "GRAPHQL_VALIDATION_FAILED"),
        ("{ hello(name: $undefined) }", "GRAPHQL_VALIDATION_FAILED"),
        ("query Q($a: Nope) { hello }", "GRAPHQL_VALIDATION_FAILED"),
        ("query Q($a: Item) { hello }", "GRAPHQL_VALIDATION_FAILED"),
        ("{ echo(input: { text: \"a\", nope: 1 }) }", "GRAPHQL_VALIDATION_FAILED"),
        ("{ echo(input: { number: 1 }) }", "GRAPHQL_VALIDATION_FAILED"),
        (
            "{ echo(input: { text: \"a\", colour: BLUE }) }",
            "GRAPHQL_VALIDATION_FAILED",
        ),
        (
            "{ echo(input: { text: \"a\", number: 99999999999999999999999 }) }",
            "GRAPHQL_VALIDATION_FAILED",
        ),
        ("{ hello(name: \"a\\u0000b\") }", "BAD_USER_INPUT"),
        ("mutation { add(amount: -1) }", "INTERNAL"),
    ] {
        let answer = server.query(query).await;
        if code == "INTERNAL" {
            assert_eq!((answer.status, answer.code()), (200, code), "{query}");
            continue;
        }
        assert_eq!((answer.status, answer.code()), (400, code), "{query}: {answer:?}");
        answer.refused(400, code);
    }
}

#[tokio::test]
async fn variables_of_wrong_types() {
    let server = Server::start().await;
    let query = "query Q($input: EchoInput!) { echo(input: $input) }";
    let deep = (0..100).fold(json!(1), |inner, _| json!({ "text": inner }));
    for (input, field) in [
        (Value::Null, "input"),
        (json!("text"), "input"),
        (json!([]), "input"),
        (json!({}), "input.text"),
        (json!({ "text": 1 }), "input.text"),
        (json!({ "text": "a", "nope": 1 }), "input.nope"),
        (json!({ "text": "a", "number": "1" }), "input.number"),
        (json!({ "text": "a", "number": 1.5 }), "input.number"),
        (json!({ "text": "a", "number": 2_147_483_648_i64 }), "input.number"),
        (json!({ "text": "a", "number": 1e300 }), "input.number"),
        (json!({ "text": "a", "number": true }), "input.number"),
        (json!({ "text": "a", "ratio": "1" }), "input.ratio"),
        (json!({ "text": "a", "colour": "BLUE" }), "input.colour"),
        (json!({ "text": "a", "colour": 1 }), "input.colour"),
        (json!({ "text": "a", "at": "tomorrow" }), "input.at"),
        (json!({ "text": "a", "tags": ["a", null] }), "input.tags.1"),
        (json!({ "text": "a", "tags": ["a", 1] }), "input.tags.1"),
        (json!({ "text": "a\u{0}b" }), "input.text"),
        (json!({ "text": "a", "tags": ["\u{0}"] }), "input.tags.0"),
        (deep, "input.text"),
    ] {
        let answer = server
            .post(json!({ "query": query, "variables": { "input": input } }))
            .await;
        answer.refused(400, "BAD_USER_INPUT");
        assert_eq!(
            answer.json["errors"][0]["extensions"]["field"], field,
            "{input}: {answer:?}"
        );
    }
    let answer = server
        .post(json!({ "query": query, "variables": { "input": { "text": "a", "tags": vec!["x"; 201] } } }))
        .await;
    answer.refused(400, "TOO_COMPLEX");
    let answer = server.post(json!({ "query": query, "variables": { "input": { "text": "a", "number": 3.0, "ratio": 1, "colour": "RED", "at": "1970-01-01T00:00:07+00:00", "tags": "one" } } })).await;
    assert_eq!(
        answer.json["data"]["echo"],
        r#"a Some(3) Some(1.0) Some("red") Some(7) Some(["one"])"#
    );
}
