//! docs/permissions.md, line by line.

use std::collections::BTreeSet;

use serde_json::{Value, json};
use service::caller::Caller;
use tests::database::seeded;

use super::World;

const PERMISSIONS: &str = include_str!("../../../docs/permissions.md");

/// The lines of the table below a heading, cell by cell.
pub(super) fn table(heading: &str) -> Vec<Vec<&'static str>> {
    let (_, section) = PERMISSIONS.split_once(heading).unwrap();
    let lines = section
        .lines()
        .skip_while(|line| !line.starts_with('|'))
        .take_while(|line| line.starts_with('|'))
        .skip(2);
    lines
        .map(|line| line.trim_matches('|').split('|').map(str::trim).collect())
        .collect()
}

/// A query of one root field that finds something in acme, and the name of what it asks for.
fn query(field: &str) -> String {
    let a = |thing| seeded('a', thing);
    match field {
        "viewer" => "{ viewer { userId } }".to_owned(),
        "node" => format!("{{ node(id: \"{}\") {{ id }} }}", a(21)),
        "nodes" => format!("{{ nodes(ids: [\"{}\"]) {{ id }} }}", a(21)),
        "organization" => "{ organization { id } }".to_owned(),
        "apiKeys" => "{ apiKeys { id } }".to_owned(),
        "recordingNotice" => "{ recordingNotice { text } }".to_owned(),
        "recordingSession" => format!("{{ recordingSession(id: \"{}\") {{ id }} }}", a(21)),
        "analysis" => format!("{{ analysis(id: \"{}\") {{ id }} }}", a(31)),
        "opportunity" => format!("{{ opportunity(id: \"{}\") {{ id }} }}", a(36)),
        "costAnalysis" => format!("{{ costAnalysis(id: \"{}\") {{ id }} }}", a(39)),
        "organizationPerformance" => "{ organizationPerformance { totalRecordings } }".to_owned(),
        "workflowPatterns" => "{ workflowPatterns { analyses } }".to_owned(),
        "businessImpact" => "{ businessImpact { recordings } }".to_owned(),
        "usage" => "{ usage { members } }".to_owned(),
        "dataExport" => format!("{{ dataExport(id: \"{}\") {{ id }} }}", a(45)),
        list => format!("{{ {list} {{ nodes {{ id }} totalCount }} }}"),
    }
}

/// Whether an answer holds anything of acme.
fn holds_something(answer: &Value) -> bool {
    match answer {
        Value::Null => false,
        Value::Array(list) => list.iter().any(holds_something),
        Value::Object(members) if members.contains_key("nodes") => {
            members["nodes"].as_array().is_some_and(|nodes| !nodes.is_empty())
                || members.get("totalCount").is_some_and(|count| *count != 0)
        }
        Value::Object(members) => members.values().any(holds_something),
        Value::Number(number) => number.as_f64() != Some(0.0),
        _ => true,
    }
}

async fn callers(world: &World) -> [Option<Caller>; 7] {
    let stranger = uuid::Uuid::from_u128(77);
    sqlx::query("insert into auth.users (id) values ($1)")
        .bind(stranger)
        .execute(&world.pool)
        .await
        .unwrap();
    [
        None,
        Some(world.db().system().sign_in(stranger.into(), None).await.unwrap()),
        Some(world.operator().await),
        Some(world.admin().await),
        Some(world.owner().await),
        Some(world.key("key-w-a").await),
        Some(world.key("key-a").await),
    ]
}

/// Something for every root to answer with.
async fn complete(world: &World) {
    world.run("update public.analysis_results set status = 'completed', is_current = true where status = 'processing' and organization_id = 'aeeeeeee-0000-7000-8000-000000000001'").await;
    world
        .run(
            "insert into public.data_exports (organization_id, subject_user_id, requested_by)
             select organization_id, id, id from public.user_profiles where organization_id = 'aeeeeeee-0000-7000-8000-000000000001' and role <> 'owner'",
        )
        .await;
}

#[tokio::test]
async fn every_root_field_answers_as_the_table_says() {
    let world = World::new().await;
    complete(&world).await;
    let rows = table("## Root fields of queries");
    let listed: BTreeSet<&str> = rows.iter().map(|row| row[0]).collect();
    let roots = world
        .data(&world.owner().await, "{ __type(name: \"Query\") { fields { name } } }")
        .await;
    let roots: BTreeSet<&str> = roots["__type"]["fields"]
        .as_array()
        .unwrap()
        .iter()
        .map(|field| field["name"].as_str().unwrap())
        .collect();
    assert_eq!(listed, roots, "docs/permissions.md lists the root fields of the schema");
    let callers = callers(&world).await;
    for row in rows {
        for (caller, expected) in callers.iter().zip(&row[1..]) {
            let reply = world.ask_with(caller.as_ref(), &query(row[0]), json!({})).await;
            let code = reply["errors"][0]["extensions"]["code"].as_str();
            let got = match code {
                Some(code) => code,
                None if reply["data"][row[0]].is_null() => "null",
                None => "yes",
            };
            assert_eq!(got, *expected, "{} as {caller:?}: {reply}", row[0]);
            if got == "yes" && row[0] != "viewer" {
                assert!(holds_something(&reply["data"]), "{}: {reply}", row[0]);
            }
        }
    }
}

#[tokio::test]
async fn another_organization_finds_nothing_of_acme_anywhere() {
    let world = World::new().await;
    complete(&world).await;
    let globex = world.person('b', 11).await;
    for row in table("## Root fields of queries") {
        let reply = world.ask_with(Some(&globex), &query(row[0]), json!({})).await;
        assert_eq!(reply.get("errors"), None, "{reply}");
        assert!(!reply.to_string().contains("aeeeeeee"), "{}: {reply}", row[0]);
        if matches!(
            row[0],
            "node" | "recordingSession" | "analysis" | "opportunity" | "costAnalysis" | "dataExport"
        ) {
            assert!(reply["data"][row[0]].is_null(), "{}: {reply}", row[0]);
        }
    }
}

#[tokio::test]
async fn without_guards_the_database_refuses_the_same() {
    let world = World::with(true).await;
    complete(&world).await;
    let callers = callers(&world).await;
    for row in table("## Root fields of queries") {
        for (caller, expected) in callers.iter().zip(&row[1..]).skip(1) {
            let reply = world.ask_with(caller.as_ref(), &query(row[0]), json!({})).await;
            if *expected == "FORBIDDEN" {
                let own_key = caller
                    .as_ref()
                    .and_then(Caller::api_key)
                    .map(|key| json!([{ "id": key.to_string() }]));
                let shows_itself = row[0] == "apiKeys" && Some(&reply["data"]["apiKeys"]) == own_key.as_ref();
                // The platform's own notice is nobody's secret; acme's is.
                let is_platforms =
                    row[0] == "recordingNotice" && !reply.to_string().contains("You are being recorded.");
                assert!(
                    !holds_something(&reply["data"][row[0]]) || shows_itself || is_platforms,
                    "{} as {caller:?}: {reply}",
                    row[0]
                );
            } else {
                assert_eq!(reply.get("errors"), None, "{} as {caller:?}: {reply}", row[0]);
            }
        }
    }
}

#[tokio::test]
async fn every_sensitive_field_is_shown_as_the_table_says() {
    let world = World::new().await;
    complete(&world).await;
    world
        .run("insert into public.audit_log (organization_id, action, subject_type, subject_id) values ('aeeeeeee-0000-7000-8000-000000000001', 'x', 'recording_session', 'aeeeeeee-0000-7000-8000-000000000021');
              update public.recording_sessions set status = 'completed', privacy_settings = '{\"redact_personal_data\": false}' where id = 'aeeeeeee-0000-7000-8000-000000000021';
              update public.analysis_results set prompt_tokens = 10, completion_tokens = 5, structured_insights = '{\"steps\": [{\"number\": 1, \"action\": \"x\", \"frames\": [0]}]}' where organization_id = 'aeeeeeee-0000-7000-8000-000000000001';
              update public.automation_opportunities set frame_indexes = array[0] where organization_id = 'aeeeeeee-0000-7000-8000-000000000001'; update public.model_requests set cost_usd = 0.5, created_at = timestamptz '2026-11-24' where organization_id = 'aeeeeeee-0000-7000-8000-000000000001'")
        .await;
    let [_, _, operator, admin, owner, key_operator, key_admin] = callers(&world).await.map(|caller| caller);
    let other = world.other_operator().await;
    let query = format!(
        "{{ recordingSession(id: \"{}\") {{ user {{ id }} playback {{ url }} auditLog {{ nodes {{ id }} }} analysis {{ analysisCostUsd promptTokens completionTokens attempts {{ costUsd }} rawGptResponse frames {{ nodes {{ imageUrl }} }}
           opportunities {{ nodes {{ frames {{ id }} }} }} structuredInsights {{ steps {{ frameIds }} }} reports {{ nodes {{ links {{ id }} }} }} }} }} usage {{ modelCostUsd }} }}",
        seeded('a', 21)
    );
    let pointer = |field: &str| match field {
        "RecordingSession.user" => "/recordingSession/user",
        "RecordingSession.playback" => "/recordingSession/playback",
        "RecordingSession.auditLog" => "/recordingSession/auditLog/nodes",
        "Analysis.analysisCostUsd" => "/recordingSession/analysis/analysisCostUsd",
        "Analysis.promptTokens" => "/recordingSession/analysis/promptTokens",
        "Analysis.completionTokens" => "/recordingSession/analysis/completionTokens",
        "AnalysisAttempt.costUsd" => "/recordingSession/analysis/attempts/0/costUsd",
        "Analysis.rawGptResponse" => "/recordingSession/analysis/rawGptResponse",
        "Analysis.frames" => "/recordingSession/analysis/frames/nodes",
        "AutomationOpportunity.frames" => "/recordingSession/analysis/opportunities/nodes/0/frames",
        "WorkflowStep.frameIds" => "/recordingSession/analysis/structuredInsights/steps/0/frameIds",
        "Report.links" => "/recordingSession/analysis/reports/nodes/0/links",
        "Usage.modelCostUsd" => "/usage/modelCostUsd",
        other => panic!("{other} is in docs/permissions.md and not in this test"),
    };
    let rows = table("## Sensitive fields");
    assert_eq!(rows.len(), 13);
    let check = |caller: &Caller, column: usize, data: &Value| {
        for row in &rows {
            let got = match data
                .pointer(pointer(row[0]))
                .unwrap_or_else(|| panic!("{}: {data}", row[0]))
            {
                Value::Null => "null",
                Value::Array(list) if list.is_empty() => "empty",
                _ => "yes",
            };
            assert_eq!(got, row[column], "{} as {caller:?}: {data:#}", row[0]);
        }
    };
    let key = key_operator.unwrap();
    for (caller, column) in [
        (operator.unwrap(), 1),
        (other, 2),
        (admin.unwrap(), 3),
        (owner.unwrap(), 4),
        (key.clone(), 6),
        (key_admin.unwrap(), 7),
    ] {
        check(&caller, column, &world.data(&caller, &query).await);
    }
    // The same session, had the key started it.
    world.run("update public.recording_sessions set api_key_id = 'aeeeeeee-0000-7000-8000-000000000017' where id = 'aeeeeeee-0000-7000-8000-000000000021'").await;
    check(&key, 5, &world.data(&key, &query).await);
}

#[tokio::test]
async fn a_key_sees_itself_and_a_person_the_membership() {
    let world = World::new().await;
    let query = "{ viewer { userId email role apiKey { id name readOnly } member { firstName role } organization { name currency roiDefaults { hourlyRate { amount } sources { name source } } } } }";
    let key = world.data(&world.key("key-a").await, query).await;
    assert_eq!(
        (
            &key["viewer"]["apiKey"]["name"],
            &key["viewer"]["role"],
            &key["viewer"]["member"]
        ),
        (&json!("reader"), &json!("ADMIN"), &Value::Null)
    );
    let person = world.data(&world.operator().await, query).await;
    assert_eq!(
        (&person["viewer"]["apiKey"], &person["viewer"]["member"]["firstName"]),
        (&Value::Null, &json!("Ollie"))
    );
    assert_eq!(
        person["viewer"]["organization"]["roiDefaults"]["hourlyRate"]["amount"],
        "45.20"
    );
    assert_eq!(
        person["viewer"]["organization"]["roiDefaults"]["sources"]
            .as_array()
            .unwrap()
            .len(),
        18
    );
}
