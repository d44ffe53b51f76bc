//! docs/permissions.md about mutations, line by line: every mutation as every kind of caller, on a thing of one's own and on
//! another's, and with the guards taken away.

use std::collections::BTreeSet;

use serde_json::{Value, json};
use service::caller::Caller;
use tests::database::seeded;

use super::World;
use super::access::table;

/// Who asks, as the columns of the table say, and whose session it is about.
const COLUMNS: [&str; 9] = [
    "anonymous",
    "no organization",
    "operator, own",
    "operator, another's",
    "admin",
    "owner",
    "key OPERATOR, writing",
    "key ADMIN, reading",
    "owner, inactive",
];

const SESSION: u16 = 121;
const CHUNK: u16 = 124;
const ANALYSIS: u16 = 131;
const OPPORTUNITY: u16 = 136;
const WEBM: &[u8] = &[0x1a, 0x45, 0xdf, 0xa3, 0, 0, 0, 0, 0, 0];

/// The input of a mutation that asks for something possible.
fn input(mutation: &str) -> Value {
    let a = |thing| seeded('a', thing);
    match mutation {
        "createOrganization" => json!({ "name": "New" }),
        "updateOrganization" => json!({ "locale": "nl" }),
        "deleteOrganization" => json!({ "confirmName": "acme" }),
        "createApiKey" => json!({ "name": "k", "role": "OPERATOR" }),
        "revokeApiKey" => json!({ "apiKeyId": a(19) }),
        "updateProfile" => json!({ "jobTitle": "clerk" }),
        "inviteMember" => json!({ "email": "someone@acme.test", "role": "OPERATOR" }),
        "acceptInvitation" => json!({ "token": "token" }),
        "revokeInvitation" => json!({ "invitationId": a(15) }),
        "updateMemberRole" => json!({ "memberId": a(14), "role": "ADMIN" }),
        "removeMember" => json!({ "memberId": a(15), "eraseRecordings": false }),
        "startRecordingSession" => json!({ "title": "t", "noticeVersion": "1" }),
        "requestChunkUploads" => {
            json!({ "sessionId": a(SESSION), "chunks": [{ "chunkIndex": 1, "sizeBytes": "10", "sha256": "b".repeat(64) }] })
        }
        "completeChunkUploads" => json!({ "chunkIds": [a(CHUNK)] }),
        "failChunkUpload" => json!({ "chunkId": a(CHUNK), "message": "lost" }),
        "finishRecordingSession" => json!({ "sessionId": a(SESSION), "chunkCount": 1 }),
        "updateRecordingSession" => json!({ "sessionId": a(SESSION), "title": "t" }),
        "withdrawConsent" | "deleteRecordingSession" | "enqueueAnalysis" => json!({ "sessionId": a(SESSION) }),
        "cancelAnalysis" | "retryAnalysis" | "reinterpretAnalysis" | "recalculateCosts" => json!({ "analysisId": a(ANALYSIS) }),
        "exportData" => json!({ "subject": "PERSON" }),
        "updateOpportunity" => json!({ "opportunityId": a(OPPORTUNITY), "status": "ACCEPTED" }),
        other => panic!("{other} is in docs/permissions.md and not in this test"),
    }
}

/// What has to be there before: a session of this person in the state that the mutation wants, and acme as it was.
fn before(mutation: &str, person: u16) -> String {
    let (org, stranger) = (seeded('a', 1), uuid::Uuid::from_u128(77));
    let session = match mutation {
        "requestChunkUploads" | "completeChunkUploads" | "failChunkUpload" | "finishRecordingSession" => "'recording', null, null",
        _ => "'completed', 1, now()",
    };
    let chunk = match mutation {
        "completeChunkUploads" | "failChunkUpload" => "pending",
        _ => "completed",
    };
    let analysis = match mutation {
        "cancelAnalysis" => "'queued', null, false",
        "retryAnalysis" => "'failed', 'internal', false",
        _ => "'completed', null, true",
    };
    let a = |thing| seeded('a', thing);
    format!(
        "update public.organizations set deletion_requested_at = null, locale = 'en', subscription_status = 'active' where id = '{org}';
         delete from public.organizations where name = 'New';
         delete from public.user_profiles where id = '{stranger}';
         delete from public.recording_sessions where organization_id = '{org}' and id not in ('{}', '{}');
         delete from public.invitations where email = 'someone@acme.test'; delete from public.api_keys where name = 'k';
         update public.invitations set revoked_at = null, accepted_at = null, email = 'new@test', token_sha256 = '{}' where id = '{}';
         insert into public.api_keys (id, organization_id, name, role, prefix, secret_sha256) values ('{}', '{org}', 'third', 'operator', 'ns_t', 'key-t-a') on conflict (id) do update set revoked_at = null;
         insert into auth.users (id) values ('{}') on conflict do nothing;
         insert into public.user_profiles (id, organization_id, role) values ('{}', '{org}', 'operator') on conflict do nothing;
         update public.user_profiles set role = 'operator' where id = '{}';
         insert into public.recording_sessions (id, organization_id, user_id, title, status, chunk_count, finished_at) values ('{}', '{org}', '{}', 'S', {session});
         insert into public.video_chunks (id, session_id, organization_id, chunk_index, file_path, file_size_bytes, sha256, upload_status) values ('{}', '{}', '{org}', 0, '{}', 10, '{}', '{chunk}');
         insert into public.analysis_results (id, session_id, organization_id, status, error_code, is_current, raw_gpt_response, gpt_version) values ('{}', '{}', '{org}', {analysis}, '{{}}', 'v');
         insert into public.automation_opportunities (id, analysis_id, session_id, organization_id, process_key, opportunity_type, title, description, currency) values ('{}', '{}', '{}', '{org}', 'p', 'customs', 't', 'd', 'EUR')",
        a(21), a(22),
        hex::encode(<sha2::Sha256 as sha2::Digest>::digest("token")), a(15),
        a(19),
        a(15), a(15), a(14),
        a(SESSION), a(person),
        a(CHUNK), a(SESSION), object_key(), hex::encode(<sha2::Sha256 as sha2::Digest>::digest(WEBM)),
        a(ANALYSIS), a(SESSION),
        a(OPPORTUNITY), a(ANALYSIS), a(SESSION),
    )
}

fn object_key() -> String {
    format!("organizations/{}/recordings/{}/chunks/0", seeded('a', 1), seeded('a', SESSION))
}

/// What became of it: done, or the code of its refusal.
fn outcome(reply: &Value) -> String {
    match reply["errors"][0]["extensions"]["code"].as_str() {
        Some(code) => code.to_owned(),
        None => "yes".to_owned(),
    }
}

async fn ask(world: &World, mutation: &str, column: &str) -> Value {
    // Everything but the operator's own is another's.
    let person = if column == "operator, own" { 13 } else { 14 };
    world.run(&before(mutation, person)).await;
    world.api.storage.put(&object_key(), WEBM.into()).await.unwrap();
    if column == "owner, inactive" {
        world.run("update public.organizations set subscription_status = 'inactive' where name = 'acme'").await;
    }
    let caller: Option<Caller> = match column {
        "anonymous" => None,
        "no organization" => Some(world.db().system().sign_in(uuid::Uuid::from_u128(77).into(), Some("new@test")).await.unwrap()),
        "operator, own" | "operator, another's" => Some(world.operator().await),
        "admin" => Some(world.admin().await),
        "owner" | "owner, inactive" => Some(world.owner().await),
        "key OPERATOR, writing" => Some(world.key("key-w-a").await),
        "key ADMIN, reading" => Some(world.key("key-a").await),
        other => panic!("{other} is no column"),
    };
    let mut type_name = mutation.to_owned();
    type_name[..1].make_ascii_uppercase();
    let query = format!("mutation ($input: {type_name}Input!) {{ {mutation}(input: $input) {{ __typename }} }}");
    let mut input = input(mutation);
    if mutation == "exportData" {
        input["memberId"] = json!(seeded('a', person));
    }
    world.ask_with(caller.as_ref(), &query, json!({ "input": input })).await
}

async fn world(guards_off: bool) -> World {
    let world = World::with(guards_off).await;
    world
        .run("insert into auth.users (id) values ('00000000-0000-0000-0000-00000000004d');
              update public.recording_notices set locale = 'en' where organization_id = 'aeeeeeee-0000-7000-8000-000000000001';
              update public.organizations set max_users = 50, max_recordings_per_month = 500 where name = 'acme'")
        .await;
    world
}

#[tokio::test]
async fn every_mutation_answers_as_the_table_says() {
    let world = world(false).await;
    let rows = table("## Mutations");
    let listed: BTreeSet<&str> = rows.iter().map(|row| row[0]).collect();
    let known = world
        .data(&world.owner().await, "{ __type(name: \"Mutation\") { fields { name } } }")
        .await;
    let known: BTreeSet<&str> = known["__type"]["fields"].as_array().unwrap().iter().map(|field| field["name"].as_str().unwrap()).collect();
    assert_eq!(listed, known, "docs/permissions.md lists the mutations of the schema");
    let (mut found, mut same) = (Vec::new(), true);
    for row in &rows {
        let mut line = vec![row[0].to_owned()];
        for (column, expected) in COLUMNS.iter().zip(&row[1..]) {
            let got = outcome(&ask(&world, row[0], column).await);
            same &= got == *expected;
            line.push(got);
        }
        found.push(format!("| {} |", line.join(" | ")));
    }
    let found = found.join("\n");
    assert!(same, "the table is\n{found}");
}

#[tokio::test]
async fn without_guards_mutations_are_refused_the_same() {
    let world = world(true).await;
    for row in table("## Mutations") {
        for (column, expected) in COLUMNS.iter().zip(&row[1..]).skip(1) {
            let reply = ask(&world, row[0], column).await;
            let got = outcome(&reply);
            if *expected == "yes" {
                assert_eq!(got, "yes", "{} as {column}: {reply}", row[0]);
            } else {
                assert_ne!(got, "yes", "{} as {column} is refused by a guard alone: {reply}", row[0]);
            }
        }
    }
}
