//! What ends: by a person's will, by a rule's time, with the organization. Rows and objects go, a receipt stays.
//!
//! Here what people erase; apart: what ends by itself.

mod retention;

use chrono::{DateTime, TimeDelta, Utc};
use serde_json::{Value, json};
use service::clock::Clock;
use service::sweep;
use sqlx::AssertSqlSafe;
use tests::app::{Actor, TestApp};

/// When things were analysed.
pub fn at() -> DateTime<Utc> {
    now()
}

fn now() -> DateTime<Utc> {
    "2026-11-28T12:00:00Z".parse().unwrap()
}

async fn app() -> TestApp {
    TestApp::with_clock(Clock::standing_at(now())).await
}

/// Objects below an organization or session.
async fn objects(app: &TestApp, prefix: &str) -> usize {
    let keys: Vec<String> = sqlx::query_scalar(AssertSqlSafe(format!(
        "select file_path from public.video_chunks where file_path like '%{prefix}%' union all select file_path from public.analysis_frames where file_path like '%{prefix}%'"
    )))
    .fetch_all(app.pool())
    .await
    .unwrap();
    let mut there = 0;
    for key in keys {
        there += usize::from(app.storage().exists(&key).await.unwrap());
    }
    there
}

/// A completed analysis of a session, with a frame, a reply, an answered request and all that is derived.
pub async fn analysed(app: &TestApp, session: &str, at: DateTime<Utc>) {
    let sql = "
        with a as (
          insert into public.analysis_results (session_id, organization_id, status, stage, is_current, raw_gpt_response, processing_completed_at, queued_at)
          select id, organization_id, 'completed', 'done', true, '{\"screens\": \"what was seen\"}', $at, $at from public.recording_sessions where id = $session returning id, session_id, organization_id),
        f as (
          insert into public.analysis_frames (organization_id, session_id, analysis_id, frame_index, timestamp_seconds, start_seconds, end_seconds, screen, width_pixels, height_pixels, file_path, file_size_bytes, redacted)
          select organization_id, session_id, id, 0, 1, 0, 2, 0, 10, 10, format('organizations/%s/recordings/%s/analyses/%s/frames/0.jpg', organization_id, session_id, id), 5, true from a),
        m as (
          insert into public.model_requests (organization_id, session_id, analysis_id, request_key, model, state, estimate_usd, reply, created_at)
          select organization_id, session_id, id, 'k', 'm', 'stored', 0.1, 'what was seen', $at from a),
        o as (
          insert into public.automation_opportunities (analysis_id, session_id, organization_id, process_key, opportunity_type, title, description, currency)
          select id, session_id, organization_id, 'p', 'order_entry', 't', 'd', 'EUR' from a),
        c as (insert into public.cost_analyses (analysis_id, session_id, organization_id, currency, assumptions) select id, session_id, organization_id, 'EUR', '{}' from a),
        r as (
          insert into public.generated_reports (analysis_id, session_id, organization_id, report_type, status, file_url, file_size_bytes)
          select id, session_id, organization_id, 'pdf', 'ready', format('organizations/%s/reports/%s.pdf', organization_id, id), 7 from a returning id, organization_id)
        insert into public.report_links (organization_id, report_id, token_sha256, expires_at) select organization_id, id, id::text, $at + interval '1 day' from r";
    app.run(
        sql.replace("$session", &format!("'{session}'"))
            .replace("$at", &format!("timestamptz '{}'", at.to_rfc3339())),
    )
    .await;
    let keys: Vec<String> = sqlx::query_scalar(AssertSqlSafe(format!(
        "select file_path from public.analysis_frames where session_id = '{session}' union all select file_url from public.generated_reports where session_id = '{session}'"
    )))
    .fetch_all(app.pool())
    .await
    .unwrap();
    for key in keys {
        app.storage().put(&key, b"bytes".as_slice().into()).await.unwrap();
    }
}

/// How many rows of tenant tables are left of an organization, receipts and audit log apart.
async fn rows_left(app: &TestApp, organization: &str) -> i64 {
    let tables: Vec<String> = sqlx::query_scalar(
        "select table_schema || '.' || table_name from information_schema.columns where column_name = 'organization_id' and table_schema in ('public', 'private')
           and table_name not in ('audit_log', 'erasure_receipts', 'object_deletions')",
    )
    .fetch_all(app.pool())
    .await
    .unwrap();
    assert!(tables.len() > 18, "{tables:?}");
    let mut left = 0;
    for table in tables {
        left += app
            .number(format!(
                "select count(*) from {table} where organization_id = '{organization}'"
            ))
            .await;
    }
    left
}

async fn organization_of(actor: &Actor) -> String {
    let seen = actor.sees("{ organization { id } }").await;
    seen["organization"]["id"].as_str().unwrap().to_owned()
}

async fn receipts(app: &TestApp) -> Vec<(String, String, i32, i64)> {
    sqlx::query_as(
        "select subject_type, reason, erased_objects, erased_bytes from public.erasure_receipts order by at, reason",
    )
    .fetch_all(app.pool())
    .await
    .unwrap()
}

#[tokio::test]
async fn who_takes_the_consent_back_stops_what_runs_and_leaves_nothing() {
    let app = app().await;
    let owner = app.founder("ada@acme.test").await;
    let (bob, eve) = (
        owner.brings_in("bob@acme.test", "OPERATOR").await,
        owner.brings_in("eve@acme.test", "OPERATOR").await,
    );
    let session = bob.records("Invoices").await;
    analysed(&app, &session, now()).await;
    let input = json!({ "sessionId": session });
    let queued = bob.must("enqueueAnalysis", input.clone(), "analysis { id }").await;
    let analysis = queued["analysis"]["id"].as_str().unwrap();
    let begin = format!("select lease::text from private.begin_analysis('{analysis}', 'w', 20)");
    let lease: String = sqlx::query_scalar(AssertSqlSafe(begin.clone()))
        .fetch_one(app.pool())
        .await
        .unwrap();
    assert_eq!(objects(&app, &session).await, 3, "two chunks and a frame");
    assert_eq!(
        eve.refused("withdrawConsent", input.clone(), "sessionId").await,
        "FORBIDDEN"
    );

    let withdrawn = bob
        .must(
            "withdrawConsent",
            input.clone(),
            "sessionId erasure { rows objects bytes }",
        )
        .await;
    assert_eq!(withdrawn["sessionId"], session);
    let bytes = 4 + 8 + 8 + 5 + 7;
    assert_eq!(
        (&withdrawn["erasure"]["objects"], &withdrawn["erasure"]["bytes"]),
        (&json!(4), &json!(bytes.to_string()))
    );
    // The worker at it hears so with its next word, and its next try finds nothing.
    let renewed = format!("select alive from private.renew_lease('{analysis}', '{lease}', 20)");
    let alive: bool = sqlx::query_scalar(AssertSqlSafe(renewed))
        .fetch_one(app.pool())
        .await
        .unwrap();
    assert!(!alive);
    let again: Option<String> = sqlx::query_scalar(AssertSqlSafe(begin))
        .fetch_optional(app.pool())
        .await
        .unwrap();
    assert_eq!(again, None);
    sweep::delete_objects(app.worker(), app.storage()).await.unwrap();
    let organization = organization_of(&owner).await;
    assert_eq!(
        app.storage()
            .delete_prefix(&format!("organizations/{organization}"))
            .await
            .unwrap(),
        (0, 0)
    );
    assert_eq!(
        receipts(&app).await,
        [(
            "recording_session".to_owned(),
            "consent withdrawn".to_owned(),
            4,
            i64::from(bytes)
        )]
    );
    assert_eq!(
        app.number(format!(
            "select count(*) from public.model_requests where session_id = '{session}'"
        ))
        .await,
        0
    );
    for actor in [&bob, &owner] {
        assert_eq!(
            actor.refused("withdrawConsent", input.clone(), "sessionId").await,
            "NOT_FOUND"
        );
    }
}

#[tokio::test]
async fn a_member_goes_with_the_recordings_or_without_the_name() {
    let app = app().await;
    let owner = app.founder("ada@acme.test").await;
    let mut kept = String::new();
    for (email, erase) in [("bob@acme.test", true), ("eve@acme.test", false)] {
        let member = owner.brings_in(email, "OPERATOR").await;
        let sessions = [member.records("One").await, member.records("Two").await];
        let input = json!({ "memberId": member.id, "eraseRecordings": erase });
        let gone = owner.must("removeMember", input, "memberId erasure { objects }").await;
        let left = app
            .number(format!(
                "select count(*) from public.recording_sessions where id in ('{}', '{}')",
                sessions[0], sessions[1]
            ))
            .await;
        if erase {
            assert_eq!((gone["erasure"]["objects"].clone(), left), (json!(4), 0));
        } else {
            assert_eq!((gone["erasure"].clone(), left), (Value::Null, 2));
            kept = sessions[0].clone();
        }
        assert_eq!(
            member.asks("{ recordingSessions { totalCount } }", json!({})).await["errors"][0]["extensions"]["code"],
            "FORBIDDEN",
            "has no place any more"
        );
    }
    let seen = owner
        .sees(&format!(
            "{{ recordingSession(id: \"{kept}\") {{ title user {{ id }} }} }}"
        ))
        .await;
    assert_eq!(seen["recordingSession"], json!({ "title": "One", "user": null }));
}

#[tokio::test]
async fn an_organization_is_erased_after_seven_days_unless_the_operator_takes_it_back() {
    let app = app().await;
    let owner = app.founder("ada@acme.test").await;
    let organization = organization_of(&owner).await;
    let session = owner.records("Invoices").await;
    analysed(&app, &session, now()).await;
    owner
        .must("createApiKey", json!({ "name": "k", "role": "ADMIN" }), "secret")
        .await;
    owner
        .must(
            "inviteMember",
            json!({ "email": "x@acme.test", "role": "ADMIN", "idempotencyKey": "k" }),
            "token",
        )
        .await;
    let globex = app.founder("gina@globex.test").await;
    let theirs = globex.records("Theirs").await;

    let delete = json!({ "confirmName": "acme.test" });
    assert_eq!(
        owner
            .refused("deleteOrganization", json!({ "confirmName": "Acme" }), "erasedAt")
            .await,
        "BAD_USER_INPUT"
    );
    let asked = owner.must("deleteOrganization", delete.clone(), "erasedAt").await;
    assert_eq!(
        asked["erasedAt"].as_str().unwrap().parse::<DateTime<Utc>>().unwrap(),
        now() + TimeDelta::days(7)
    );
    app.clock().set(now() + TimeDelta::days(1));
    assert_eq!(
        owner.must("deleteOrganization", delete.clone(), "erasedAt").await,
        asked,
        "asked for once"
    );
    let sweep_at = async |days| {
        sweep::erase_organizations(app.worker(), now() + TimeDelta::days(days))
            .await
            .unwrap()
    };
    assert_eq!(sweep_at(7).await, 0, "to the second it can be undone");
    let undone: bool = sqlx::query_scalar(AssertSqlSafe(format!(
        "select private.undo_organization_deletion('{organization}', 'asked by phone')"
    )))
    .fetch_one(app.pool())
    .await
    .unwrap();
    assert!(undone);
    assert_eq!(sweep_at(30).await, 0);
    // The API hears of it, or asks again after some seconds.
    app.clock().set(now() + TimeDelta::days(1) + TimeDelta::minutes(1));
    owner.starts("Works again").await;

    app.clock().set(now());
    owner.must("deleteOrganization", delete, "erasedAt").await;
    assert_eq!(sweep_at(8).await, 1);
    assert_eq!(sweep_at(8).await, 0, "once");
    assert_eq!(rows_left(&app, &organization).await, 0);
    sweep::delete_objects(app.worker(), app.storage()).await.unwrap();
    assert_eq!(
        app.storage()
            .delete_prefix(&format!("organizations/{organization}"))
            .await
            .unwrap(),
        (0, 0)
    );
    let receipts = receipts(&app).await;
    assert_eq!(receipts.len(), 1, "{receipts:?}");
    assert_eq!((receipts[0].1.as_str(), receipts[0].2), ("organization deleted", 4));
    let log: Vec<String> = sqlx::query_scalar(AssertSqlSafe(format!(
        "select coalesce(actor_system, 'person') || ' ' || action from public.audit_log where organization_id = '{organization}' and action like 'organization.%' order by at, action"
    )))
    .fetch_all(app.pool())
    .await
    .unwrap();
    for line in [
        "person organization.delete",
        "operator organization.undelete",
        "sweep organization.erase",
    ] {
        assert!(log.iter().any(|entry| entry == line), "{log:?}");
    }
    // Others keep theirs, and the person may begin anew.
    assert_eq!(objects(&app, &theirs).await, 2);
    owner
        .must(
            "createOrganization",
            json!({ "name": "acme.test" }),
            "organization { id }",
        )
        .await;
}
