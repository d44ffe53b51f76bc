//! Limits, through the door: each is refused with a code, before anything runs.

use std::{
    sync::atomic::Ordering,
    time::{Duration, Instant},
};

use api::http::Introspection;
use serde_json::{Value, json};

use super::support::Server;

#[tokio::test]
async fn documents_beyond_a_limit_are_too_complex_and_refused_quickly() {
    let server = Server::start().await;
    let spreads = (0..40)
        .map(|n| format!("fragment f{n} on Item {{ ...f{0} ...f{0} }}", n + 1))
        .collect::<String>();
    let chain = (0..200)
        .map(|n| format!("fragment f{n} on Item {{ ...f{} }}", n + 1))
        .collect::<String>();
    for (what, query) in [
        ("tokens", format!("{{ {} }}", "hello ".repeat(5000))),
        ("repeated fields", format!("{{ {} }}", "hello ".repeat(20))),
        (
            "aliases",
            format!(
                "{{ {} }}",
                (0..100).map(|n| format!("a{n}: hello ")).collect::<String>()
            ),
        ),
        (
            "directives",
            format!("{{ hello {} }}", "@include(if: true) ".repeat(100)),
        ),
        (
            "operations",
            (0..30).map(|n| format!("query Q{n} {{ hello }} ")).collect::<String>(),
        ),
        (
            "nesting of brackets",
            format!("{{ nodes(ids: {}1{}) {{ id }} }}", "[".repeat(500), "]".repeat(500)),
        ),
        (
            "inline fragments",
            format!(
                "{{ item {{ {} name {} }} }}",
                "... on Item { ".repeat(70),
                "}".repeat(70)
            ),
        ),
        (
            "a fragment bomb",
            format!("{{ item {{ ...f0 }} }} {spreads} fragment f40 on Item {{ name }}"),
        ),
        (
            "a chain of fragments",
            format!("{{ item {{ ...f0 }} }} {chain} fragment f200 on Item {{ name }}"),
        ),
        (
            "list arguments",
            format!("{{ nodes(ids: [{}]) {{ id }} }}", "1 ".repeat(300)),
        ),
        (
            "introspection in circles",
            "{ __schema { types { fields { type { fields { type { fields { name } } } } } } } }".to_owned(),
        ),
    ] {
        let begun = Instant::now();
        server.query(&query).await.refused(400, "TOO_COMPLEX");
        assert!(
            begun.elapsed() < Duration::from_secs(1),
            "{what} took {:?}",
            begun.elapsed()
        );
    }
    assert_eq!(server.counts.begun.load(Ordering::SeqCst), 0, "nothing ran");
    server
        .query("{ item { ...a } } fragment a on Item { ...b } fragment b on Item { ...a }")
        .await
        .refused(400, "GRAPHQL_VALIDATION_FAILED");
}

#[tokio::test]
async fn lists_multiply_what_is_in_them() {
    // items 1 + first x (nodes 1 + (name 1 + children 1 + 10 x name 1))
    let paged = "query Q($n: Int) { items(first: $n) { nodes { name children { name } } } }";
    for (limit, n, status) in [(1_301, 100, 200), (1_300, 100, 400), (131, 10, 200), (130, 10, 400)] {
        let server = Server::with(|options| options.limits.complexity = limit).await;
        let answer = server.post(json!({ "query": paged, "variables": { "n": n } })).await;
        assert_eq!(answer.status, status, "{limit} {n} {answer:?}");
    }
    for (limit, query, status) in [
        // Without a size, the default page; `last` counts like `first`; a list of ids has its own length.
        (261, "{ items { nodes { name children { name } } } }", 200),
        (260, "{ items { nodes { name children { name } } } }", 400),
        (11, "{ items(last: 5) { nodes { name } } }", 200),
        (10, "{ items(last: 5) { nodes { name } } }", 400),
        (4, "{ nodes(ids: [1, 2, 3]) { id } }", 200),
        (3, "{ nodes(ids: [1, 2, 3]) { id } }", 400),
        (
            21,
            "{ items(first: 5) { ...a } } fragment a on ItemConnection { nodes { ...b } } fragment b on Item { name id x: id }",
            200,
        ),
        (
            20,
            "{ items(first: 5) { ...a } } fragment a on ItemConnection { nodes { ...b } } fragment b on Item { name id x: id }",
            400,
        ),
    ] {
        let server = Server::with(|options| options.limits.complexity = limit).await;
        let answer = server.query(query).await;
        assert_eq!(answer.status, status, "{limit} {query} {answer:?}");
    }
}

#[tokio::test]
async fn depth_is_counted_through_fragments() {
    let server = Server::with(|options| options.limits.depth = 3).await;
    assert_eq!(server.query("{ items { nodes { name } } }").await.status, 200);
    server
        .query("{ items { nodes { children { name } } } }")
        .await
        .refused(400, "TOO_COMPLEX");
    server
        .query("{ item { ...a } items { nodes { ...a } } } fragment a on Item { children { name } }")
        .await
        .refused(400, "TOO_COMPLEX");
    server
        .query("{ __schema { types { fields { type { name } } } } }")
        .await
        .json["data"]
        .as_object()
        .unwrap();
}

#[tokio::test]
async fn a_page_has_a_largest_size() {
    let server = Server::start().await;
    for argument in ["first: 101", "last: 101", "first: -1", "first: 999999999"] {
        let answer = server
            .query(&format!("{{ items({argument}) {{ nodes {{ id }} }} }}"))
            .await;
        answer.refused(400, "BAD_USER_INPUT");
        assert_eq!(
            answer.json["errors"][0]["extensions"]["field"],
            argument.split(':').next().unwrap()
        );
    }
    let answer = server
        .post(json!({ "query": "query Q($n: Int) { items(first: $n) { nodes { id } } }", "variables": { "n": 101 } }))
        .await;
    answer.refused(400, "BAD_USER_INPUT");
    assert_eq!(
        server.query("{ items(first: null) { nodes { id } } }").await.json["data"]["items"]["nodes"]
            .as_array()
            .unwrap()
            .len(),
        20
    );
}

#[tokio::test]
async fn a_missing_variable_stops_a_mutation_before_its_first_field() {
    let server = Server::start().await;
    let query = "mutation M($second: Int!) { a: add(amount: 1) b: add(amount: $second) }";
    for variables in [
        json!({}),
        json!({ "second": null }),
        json!({ "second": "2" }),
        json!({ "second": 2.5 }),
        json!({ "second": 4_000_000_000_u64 }),
    ] {
        let answer = server.post(json!({ "query": query, "variables": variables })).await;
        answer.refused(400, "BAD_USER_INPUT");
        assert_eq!(answer.json["errors"][0]["extensions"]["field"], "second");
    }
    assert_eq!(server.counts.added.load(Ordering::SeqCst), 0);
    let answer = server
        .post(json!({ "query": query, "variables": { "second": 2.0, "undeclared": "\u{0}" } }))
        .await;
    assert_eq!(
        answer.json["data"],
        json!({ "a": 1, "b": 3 }),
        "2.0 is whole, and what is not declared is left alone"
    );
}

#[tokio::test]
async fn the_schema_is_not_told_to_strangers() {
    let server = Server::with(|options| options.introspection = Introspection::Known).await;
    for query in [
        "{ __schema { queryType { name } } }",
        "{ __type(name: \"Query\") { name } }",
        "query { ...a } fragment a on Query { s: __schema { queryType { name } } }",
    ] {
        server.query(query).await.refused(400, "INTROSPECTION_DISABLED");
        let answer = server
            .send(server.request(&json!({ "query": query })).bearer_auth("ada"))
            .await;
        assert_eq!(answer.json.get("errors"), None, "{answer:?}");
    }
    assert_eq!(server.query("{ __typename }").await.json["data"]["__typename"], "Query");
    let stranger = server.query("{ helo }").await;
    assert!(!stranger.message().contains("hello"), "{}", stranger.message());
    let known = server
        .send(server.request(&json!({ "query": "{ helo }" })).bearer_auth("ada"))
        .await;
    assert!(
        known.message().contains("Did you mean \"hello\""),
        "{}",
        known.message()
    );
    let sdl = |token: Option<&'static str>| {
        let request = reqwest::Client::new().get(format!("http://{}/schema.graphql", server.address));
        server.send(if let Some(token) = token {
            request.bearer_auth(token)
        } else {
            request
        })
    };
    sdl(None).await.refused(403, "INTROSPECTION_DISABLED");
    sdl(Some("bad")).await.refused(401, "UNAUTHENTICATED");
    assert!(sdl(Some("ada")).await.json.as_str().unwrap().contains("type Query {"));
    let server = Server::with(|options| options.introspection = Introspection::Nobody).await;
    server
        .send(
            server
                .request(&json!({ "query": "{ __schema { queryType { name } } }" }))
                .bearer_auth("ada"),
        )
        .await
        .refused(400, "INTROSPECTION_DISABLED");
}

#[tokio::test]
async fn the_full_introspection_query_of_tools_passes() {
    let server = Server::start().await;
    let answer = server.query(include_str!("introspection.graphql")).await;
    assert_eq!(answer.json.get("errors"), None, "{:?}", answer.json.get("errors"));
    assert!(answer.json["data"]["__schema"]["types"].as_array().map_or(0, Vec::len) > 10);
}

#[tokio::test]
async fn one_root_field_and_no_introspection_in_a_subscription() {
    let server = Server::start().await;
    for query in [
        "subscription { a: clock(count: 1) { number } b: clock(count: 1) { number } }",
        "subscription { ...s } fragment s on Clock { clock(count: 1) { number } hot }",
        "subscription { __typename }",
        "subscription { __typename clock { number } }",
    ] {
        server.query(query).await.refused(400, "GRAPHQL_VALIDATION_FAILED");
    }
}

#[tokio::test]
async fn custom_scalars_are_checked_before_anything_runs() {
    let server = Server::start().await;
    for variables in [json!("yesterday"), json!(7), json!("2026-13-01T00:00:00Z")] {
        let body = json!({ "query": "query Q($t: DateTime!) { hello at(time: $t) }", "variables": { "t": variables } });
        assert_eq!(
            server.post(body).await.refused(400, "BAD_USER_INPUT").json["errors"][0]["extensions"]["field"],
            "t"
        );
    }
    server
        .query("{ hello at(time: \"yesterday\") }")
        .await
        .refused(400, "BAD_USER_INPUT");
    server
        .query("{ echo(input: { text: \"a\", at: \"yesterday\" }) }")
        .await
        .refused(400, "BAD_USER_INPUT");
    assert_eq!(
        server.query("{ at(time: \"1970-01-01T00:01:00Z\") }").await.json["data"]["at"],
        Value::from(60)
    );
    assert_eq!(server.counts.begun.load(Ordering::SeqCst), 1);
}
