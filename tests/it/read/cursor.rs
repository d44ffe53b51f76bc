//! Cursors stay right while rows are inserted: nothing twice, nothing of what was there left out, in every order and both
//! directions.

use std::collections::BTreeSet;

use rand::rngs::StdRng;
use rand::{RngExt as _, SeedableRng as _};
use serde_json::{Value, json};

use super::World;

/// Lists with every order of each, and what inserts a row with random keys (many of them equal, some null).
const LISTS: &[(&str, &str, &[&str], &str)] = &[
    (
        "recordingSessions",
        "RecordingSessionOrder",
        &["CREATED_AT", "UPDATED_AT", "TITLE", "DURATION", "FILE_SIZE"],
        "insert into public.recording_sessions (organization_id, title, duration_seconds, file_size_bytes, created_at, updated_at)
           values ('aeeeeeee-0000-7000-8000-000000000001', 'T' || ($1 % 4), nullif($1 % 5, 0), $1 % 3, timestamptz '2026-01-01' + make_interval(secs => $1 % 6), timestamptz '2026-01-01' + make_interval(secs => $1 % 7))",
    ),
    (
        "opportunities",
        "OpportunityOrder",
        &["ESTIMATED_COST_SAVINGS_MONTHLY", "ROI_PERCENTAGE", "PAYBACK_PERIOD", "PRIORITY", "CREATED_AT", "UPDATED_AT"],
        "insert into public.automation_opportunities (analysis_id, session_id, organization_id, process_key, opportunity_type, title, description, currency, estimated_cost_savings_monthly, roi_percentage, payback_period_days, priority, created_at)
           values ('aeeeeeee-0000-7000-8000-000000000031', 'aeeeeeee-0000-7000-8000-000000000021', 'aeeeeeee-0000-7000-8000-000000000001', 'p', 'email', 't', 'd', 'EUR', nullif($1 % 5, 0) * 1.5, nullif($1 % 4, 0), nullif($1 % 3, 0),
             (array[null, 'low', 'medium', 'high', 'critical'])[1 + $1 % 5], timestamptz '2026-01-01' + make_interval(secs => $1 % 6))",
    ),
    (
        "analyses",
        "AnalysisOrder",
        &["CREATED_AT", "CONFIDENCE", "COST_SAVINGS_ANNUAL"],
        "insert into public.analysis_results (session_id, organization_id, status, confidence_score, cost_savings_annual, currency, created_at)
           values ('aeeeeeee-0000-7000-8000-000000000021', 'aeeeeeee-0000-7000-8000-000000000001', 'completed', nullif($1 % 5, 0) / 10.0, nullif($1 % 4, 0), 'EUR', timestamptz '2026-01-01' + make_interval(secs => $1 % 6))",
    ),
];

async fn insert(world: &World, sql: &str, random: &mut StdRng, rows: usize) {
    for _ in 0..rows {
        sqlx::query(sqlx::AssertSqlSafe(sql.to_owned()))
            .bind(random.random_range(0..1000_i32))
            .execute(&world.pool)
            .await
            .unwrap();
    }
}

fn ids(connection: &Value) -> Vec<String> {
    connection["nodes"]
        .as_array()
        .unwrap()
        .iter()
        .map(|node| node["id"].as_str().unwrap().to_owned())
        .collect()
}

#[tokio::test]
async fn pages_neither_repeat_nor_lose_rows_while_others_are_inserted() {
    let world = World::new().await;
    let owner = world.owner().await;
    let seed: u64 = 20_261_124;
    let mut random = StdRng::seed_from_u64(seed);
    for (list, order_type, fields, sql) in LISTS {
        insert(&world, sql, &mut random, 17).await;
        let mut orders: Vec<Value> = Vec::new();
        for field in *fields {
            for direction in ["ASC", "DESC"] {
                orders.push(json!([{ "field": field, "direction": direction }]));
            }
            // Two keys that run against each other.
            orders.push(json!([{ "field": field, "direction": "ASC" }, { "field": fields[0], "direction": "DESC" }]));
            orders.push(json!([{ "field": field, "direction": "DESC" }, { "field": fields[fields.len() - 1], "direction": "ASC" }]));
        }
        let query = format!(
            "query ($order: [{order_type}!], $first: Int, $after: String, $last: Int, $before: String) {{
               {list}(orderBy: $order, first: $first, after: $after, last: $last, before: $before) {{ nodes {{ id }} pageInfo {{ hasNextPage hasPreviousPage startCursor endCursor }} }} }}"
        );
        for order in orders {
            for backward in [false, true] {
                let all = format!(
                    "query ($order: [{order_type}!]) {{ {list}(orderBy: $order, first: 100) {{ nodes {{ id }} pageInfo {{ hasNextPage }} }} }}"
                );
                let before = world.ask_with(Some(&owner), &all, json!({ "order": order })).await;
                assert_eq!(
                    before["data"][list]["pageInfo"]["hasNextPage"], false,
                    "the list fits a page: {before}"
                );
                let before: Vec<String> = ids(&before["data"][list]);
                let mut listed: Vec<String> = Vec::new();
                let mut cursor = Value::Null;
                for page in 0.. {
                    assert!(page < 100, "the list ends");
                    let size = random.random_range(1..7);
                    let variables = if backward {
                        json!({ "order": order, "last": size, "before": cursor })
                    } else {
                        json!({ "order": order, "first": size, "after": cursor })
                    };
                    let reply = world.ask_with(Some(&owner), &query, variables).await;
                    assert_eq!(reply.get("errors"), None, "{reply}");
                    let connection = &reply["data"][list];
                    let mut rows = ids(connection);
                    if backward {
                        rows.reverse();
                    }
                    listed.extend(rows);
                    let info = &connection["pageInfo"];
                    let (more, next) = if backward {
                        ("hasPreviousPage", "startCursor")
                    } else {
                        ("hasNextPage", "endCursor")
                    };
                    if info[more] == false {
                        break;
                    }
                    cursor = info[next].clone();
                    if page < 2 {
                        insert(&world, sql, &mut random, 1).await;
                    }
                }
                let context = format!("{list} by {order}, backward: {backward}, seed {seed}");
                let unique: BTreeSet<&String> = listed.iter().collect();
                assert_eq!(unique.len(), listed.len(), "a row came twice: {context}");
                // What was there comes whole and in its order.
                let kept: Vec<&String> = listed.iter().filter(|id| before.contains(id)).collect();
                let expected: Vec<&String> = if backward {
                    before.iter().rev().collect()
                } else {
                    before.iter().collect()
                };
                assert_eq!(kept, expected, "{context}");
            }
            // Keeps the list below a page.
            world
                .run("delete from public.recording_sessions where title like 'T%' and id in (select id from public.recording_sessions where title like 'T%' order by random() offset 30);
                      delete from public.automation_opportunities where id in (select id from public.automation_opportunities where process_key = 'p' and title = 't' order by random() offset 30);
                      delete from public.analysis_results where status = 'completed' and id in (select id from public.analysis_results where status = 'completed' order by random() offset 30)")
                .await;
        }
    }
}

#[tokio::test]
async fn nulls_come_last_in_both_directions() {
    let world = World::new().await;
    let owner = world.owner().await;
    world.record(3).await;
    for direction in ["ASC", "DESC"] {
        let data = world.data(&owner, &format!("{{ recordingSessions(orderBy: [{{ field: DURATION, direction: {direction} }}]) {{ nodes {{ durationSeconds }} }} }}")).await;
        let values: Vec<Option<f64>> = data["recordingSessions"]["nodes"]
            .as_array()
            .unwrap()
            .iter()
            .map(|node| node["durationSeconds"].as_f64())
            .collect();
        let mut expected = [Some(10.0), Some(20.0), Some(30.0), Some(600.0), None];
        if direction == "DESC" {
            expected[..4].reverse();
        }
        assert_eq!(values, expected, "{direction}");
    }
}

#[tokio::test]
async fn a_page_of_each_parent_goes_on_where_its_cursor_says() {
    let world = World::new().await;
    let owner = world.owner().await;
    world.record(4).await;
    let query = |arguments: &str| {
        format!(
            "{{ recordingSessions(filter: {{ status: [COMPLETED] }}) {{ nodes {{ title currentAnalysis {{ opportunities(orderBy: [{{ field: ROI_PERCENTAGE, direction: ASC }}], {arguments}) {{ edges {{ cursor node {{ roiPercentage }} }} pageInfo {{ hasNextPage }} totalCount }} }} }} }} }}"
        )
    };
    let rois = |connection: &Value| -> Vec<String> {
        connection["edges"]
            .as_array()
            .unwrap()
            .iter()
            .map(|edge| edge["node"]["roiPercentage"].as_str().unwrap().to_owned())
            .collect()
    };
    let data = world.data(&owner, &query("first: 2")).await;
    let sessions = data["recordingSessions"]["nodes"].as_array().unwrap();
    assert_eq!(sessions.len(), 4);
    for session in sessions {
        let connection = &session["currentAnalysis"]["opportunities"];
        assert_eq!(
            (
                rois(connection),
                &connection["pageInfo"]["hasNextPage"],
                &connection["totalCount"]
            ),
            (vec!["100.00".to_owned(), "200.00".to_owned()], &json!(true), &json!(6))
        );
    }
    // A cursor of one parent is a place in the order: the others go on behind the same place.
    let cursor = sessions[0]["currentAnalysis"]["opportunities"]["edges"][1]["cursor"]
        .as_str()
        .unwrap();
    let data = world
        .data(&owner, &query(&format!("first: 3, after: \"{cursor}\"")))
        .await;
    for session in data["recordingSessions"]["nodes"].as_array().unwrap() {
        let found = rois(&session["currentAnalysis"]["opportunities"]);
        assert!(
            found == ["300.00", "400.00", "500.00"] || found == ["200.00", "300.00", "400.00"],
            "{found:?}"
        );
    }
    let data = world.data(&owner, &query("last: 1")).await;
    for session in data["recordingSessions"]["nodes"].as_array().unwrap() {
        assert_eq!(rois(&session["currentAnalysis"]["opportunities"]), ["600.00"]);
    }
}

#[tokio::test]
async fn what_is_no_page_or_cursor_is_refused_by_its_argument() {
    let world = World::new().await;
    let owner = world.owner().await;
    let cursor = world
        .data(&owner, "{ recordingSessions { pageInfo { endCursor } } }")
        .await["recordingSessions"]["pageInfo"]["endCursor"]
        .as_str()
        .unwrap()
        .to_owned();
    let spoiled = format!("{}x", &cursor[1..]);
    for (arguments, field) in [
        ("first: 101".to_owned(), "first"),
        ("first: -1".to_owned(), "first"),
        ("last: 101".to_owned(), "last"),
        ("first: 1, last: 1".to_owned(), "last"),
        ("after: \"\"".to_owned(), "after"),
        ("after: \"nonsense\"".to_owned(), "after"),
        ("before: \"\u{e9}\"".to_owned(), "before"),
        (format!("after: \"{spoiled}\""), "after"),
        (format!("before: \"{}\"", "A".repeat(100_000)), "before"),
        (format!("after: \"{cursor}\", orderBy: [{{ field: TITLE }}]"), "after"),
        (
            format!("after: \"{cursor}\", orderBy: [{{ field: CREATED_AT, direction: ASC }}]"),
            "after",
        ),
        ("filter: { userId: \"x\" }".to_owned(), "filter.userId"),
    ] {
        let reply = world
            .ask(
                &owner,
                &format!("{{ recordingSessions({arguments}) {{ nodes {{ id }} }} viewer {{ role }} }}"),
            )
            .await;
        let error = &reply["errors"][0];
        assert_eq!(
            (&error["extensions"]["code"], &error["extensions"]["field"]),
            (&json!("BAD_USER_INPUT"), &json!(field)),
            "{arguments}: {reply}"
        );
        assert_eq!(
            reply["data"],
            json!({ "recordingSessions": null, "viewer": { "role": "OWNER" } }),
            "one refusal blanks nothing else"
        );
    }
    // A cursor of another list, and one of another organization.
    let globex = world.person('b', 11).await;
    let foreign = world
        .data(&globex, "{ recordingSessions(first: 1) { pageInfo { endCursor } } }")
        .await["recordingSessions"]["pageInfo"]["endCursor"]
        .as_str()
        .unwrap()
        .to_owned();
    for (asked, field) in [
        (format!("reports(after: \"{cursor}\") {{ nodes {{ id }} }}"), "after"),
        (
            format!("recordingSessions(after: \"{foreign}\") {{ nodes {{ id }} }}"),
            "after",
        ),
        (
            format!("recordingSessions(last: 5, before: \"{foreign}\") {{ nodes {{ id }} }}"),
            "before",
        ),
    ] {
        let reply = world.ask(&owner, &format!("{{ {asked} }}")).await;
        let refusal = &reply["errors"][0]["extensions"];
        assert_eq!(
            (&refusal["code"], &refusal["field"]),
            (&json!("BAD_USER_INPUT"), &json!(field)),
            "{asked}: {reply}"
        );
    }
}

#[tokio::test]
async fn odd_texts_are_found_or_not_and_never_a_fault() {
    let world = World::new().await;
    let owner = world.owner().await;
    for (search, found) in [
        ("order", 1),
        ("ORDER", 1),
        ("%", 0),
        ("_", 0),
        ("\\\\", 0),
        ("'", 0),
        ("\\u0000", 2),
        ("", 2),
        ("rder e", 1),
    ] {
        let data = world
            .data(
                &owner,
                &format!("{{ recordingSessions(filter: {{ search: \"{search}\" }}) {{ totalCount nodes {{ id }} }} }}"),
            )
            .await;
        assert_eq!(data["recordingSessions"]["totalCount"], found, "{search}");
        assert_eq!(
            data["recordingSessions"]["nodes"].as_array().unwrap().len(),
            found,
            "{search}"
        );
    }
}
