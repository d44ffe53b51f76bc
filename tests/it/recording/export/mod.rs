//! What is stored can be taken along: an export is asked for, made by a worker, fetched for a day; and what is erased is in none.
//!
//! Here an export from its asking to its end; apart: what comes between.

mod disturbed;

use std::collections::BTreeMap;
use std::io::Write as _;

use chrono::{DateTime, Utc};
use serde_json::{Value, json};
use service::clock::Clock;
use service::queue::{Job, JobKind, Verdict};
use service::sweep;
use tests::app::{Actor, TestApp};
use tokio_util::sync::CancellationToken;

use super::erasure::{analysed, at};
use super::look::watchable;

/// The archive behind an address: its files by name, as another program reads them.
pub async fn unpacked(app: &TestApp, url: &str) -> BTreeMap<String, Vec<u8>> {
    let answer = app.http().get(url).send().await.unwrap();
    assert_eq!(
        (
            answer.status().as_u16(),
            answer.headers()["content-type"].to_str().unwrap()
        ),
        (200, "application/zip")
    );
    unzipped(&answer.bytes().await.unwrap())
}

fn unzipped(bytes: &[u8]) -> BTreeMap<String, Vec<u8>> {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("export.zip");
    std::fs::File::create(&path).unwrap().write_all(bytes).unwrap();
    let unpack =
        "import sys, zipfile\nz = zipfile.ZipFile(sys.argv[1])\nassert z.testzip() is None\nz.extractall(sys.argv[2])";
    let into = folder.path().join("unpacked");
    let done = std::process::Command::new("python3")
        .args(["-c", unpack])
        .arg(&path)
        .arg(&into)
        .output()
        .unwrap();
    assert!(done.status.success(), "{}", String::from_utf8_lossy(&done.stderr));
    let mut found = BTreeMap::new();
    for file in super::process::files(&into) {
        let name = file.strip_prefix(&into).unwrap().display().to_string();
        found.insert(name, std::fs::read(&file).unwrap());
    }
    found
}

/// Asks for an export: its id.
async fn asked(actor: &Actor, input: Value) -> String {
    let payload = actor
        .must("exportData", input, "export { id status downloadUrl }")
        .await;
    assert_eq!(payload["export"]["downloadUrl"], Value::Null);
    payload["export"]["id"].as_str().unwrap().to_owned()
}

/// A worker's try at it.
async fn tried(app: &TestApp, export: &str, shutdown: &CancellationToken) -> Verdict {
    tried_at(app, export, shutdown, at).await
}

async fn tried_at(app: &TestApp, export: &str, shutdown: &CancellationToken, clock: fn() -> DateTime<Utc>) -> Verdict {
    let job = Job {
        kind: JobKind::ExportData,
        subject: export.parse().unwrap(),
        attempt: 1,
        shutdown: shutdown.clone(),
    };
    worker::job::export_data::run(app.worker(), app.storage(), clock, &job).await
}

/// The export as its owner sees it.
async fn seen(actor: &Actor, export: &str) -> Value {
    let answer = actor
        .sees("{ dataExports { nodes { id subject member { id } status progress errorMessage fileSizeBytes expiresAt downloadUrl createdAt } totalCount } }")
        .await;
    let nodes = answer["dataExports"]["nodes"].as_array().unwrap();
    nodes
        .iter()
        .find(|node| node["id"] == export)
        .cloned()
        .unwrap_or_default()
}

/// The address of an export that was asked for and made.
pub async fn made(app: &TestApp, actor: &Actor, input: Value, clock: fn() -> DateTime<Utc>) -> String {
    let export = asked(actor, input).await;
    let tried = tried_at(app, &export, &CancellationToken::new(), clock).await;
    assert_eq!(tried, Verdict::Done);
    let ready = seen(actor, &export).await;
    assert_eq!(
        (&ready["status"], &ready["progress"]),
        (&json!("READY"), &json!(1.0)),
        "{ready}"
    );
    ready["downloadUrl"].as_str().unwrap().to_owned()
}

#[tokio::test]
async fn people_take_their_data_along_and_owners_the_organizations() {
    let app = TestApp::with_clock(Clock::standing_at(at())).await;
    let owner = app.founder("ada@acme.test").await;
    let (bob, eve) = (
        owner.brings_in("bob@acme.test", "OPERATOR").await,
        owner.brings_in("eve@acme.test", "OPERATOR").await,
    );
    let covered = bob.records("Covered").await;
    let open = watchable(&bob).await;
    let hers = eve.records("Hers").await;
    for session in [&covered, &hers] {
        analysed(&app, session, at()).await;
    }
    let globex = app.founder("gina@globex.test").await;
    let theirs = globex.records("Theirs").await;
    let member = |of: &Actor| json!({ "subject": "PERSON", "memberId": of.id });
    for (actor, input, code) in [
        (&bob, member(&eve), "FORBIDDEN"),
        (&bob, json!({ "subject": "ORGANIZATION" }), "FORBIDDEN"),
        (&owner, member(&globex), "NOT_FOUND"),
    ] {
        assert_eq!(actor.refused("exportData", input, "export { id }").await, code);
    }
    // Also where nothing may be added any more.
    app.run("update public.organizations set subscription_status = 'inactive' where name = 'acme.test'")
        .await;
    let fetched = async |actor: &Actor, input: Value| unpacked(&app, &made(&app, actor, input, at).await).await;
    let rows = |files: &BTreeMap<String, Vec<u8>>, table: &str| -> Vec<Value> {
        serde_json::from_slice(&files[&format!("{table}.json")]).unwrap()
    };

    let own = fetched(&bob, json!({})).await;
    let mut titles: Vec<_> = rows(&own, "recording_sessions")
        .iter()
        .map(|row| row["title"].clone())
        .collect();
    titles.sort_by_key(ToString::to_string);
    assert_eq!(titles, ["Covered", "Mine"]);
    assert!(
        rows(&own, "recording_sessions")
            .iter()
            .all(|row| row["user_id"] == json!(bob.id))
    );
    assert_eq!(
        rows(&own, "analysis_results")[0]["raw_gpt_response"],
        json!({ "screens": "what was seen" })
    );
    assert_eq!(rows(&own, "user_profiles").len(), 1);
    // His own recording as it is, also where nobody else is shown it; the frames and the report.
    let whole = |title: &str| [tests::app::WEBM.as_slice(), title.as_bytes(), b"the rest"].concat();
    assert_eq!(own[&format!("recordings/{covered}/recording.webm")], whole("Covered"));
    assert_eq!(own[&format!("recordings/{open}/recording.webm")], whole(""));
    assert_eq!(
        own.keys()
            .filter(|name| name.contains("/frames/") || name.contains("/reports/"))
            .count(),
        2
    );
    assert!(
        !own.keys().any(|name| name.contains(&hers) || name.contains(&theirs))
            && !own.contains_key("model_requests.json")
    );

    let by_owner = fetched(&owner, member(&bob)).await;
    assert!(
        by_owner.contains_key(&format!("recordings/{open}/recording.webm"))
            && !by_owner.contains_key(&format!("recordings/{covered}/recording.webm"))
    );
    let all = fetched(&owner, json!({ "subject": "ORGANIZATION" })).await;
    assert_eq!(
        (
            rows(&all, "recording_sessions").len(),
            rows(&all, "user_profiles").len(),
            rows(&all, "organizations").len()
        ),
        (3, 3, 1)
    );
    for (name, bytes) in &all {
        let text = String::from_utf8_lossy(bytes);
        assert!(
            !name.contains(&theirs)
                && !text.contains("globex")
                && !text.contains("secret_sha256")
                && !text.contains("token_sha256"),
            "{name}"
        );
    }
    let log = owner
        .sees("{ auditLog(filter: {action: \"data.export\"}) { nodes { actorUserId subjectId } } }")
        .await;
    assert_eq!(log["auditLog"]["nodes"].as_array().unwrap().len(), 3, "{log}");

    let log = owner
        .sees("{ auditLog(filter: {action: \"data_export.download\"}) { nodes { actorUserId } } }")
        .await;
    assert_eq!(
        log["auditLog"]["nodes"].as_array().unwrap().len(),
        4,
        "each time, the list has all that are ready: {log}"
    );

    // An address is good for whoever may still have it, whole or in parts.
    let url = made(&app, &owner, json!({ "subject": "ORGANIZATION" }), at).await;
    let get = async |url: &str, range: &str| app.http().get(url).header("range", range).send().await.unwrap();
    let whole = app.http().get(&url).send().await.unwrap().bytes().await.unwrap();
    let (first, rest) = (get(&url, "bytes=0-999").await, get(&url, "bytes=1000-").await);
    assert_eq!((first.status().as_u16(), rest.status().as_u16()), (206, 206));
    let joined = [first.bytes().await.unwrap(), rest.bytes().await.unwrap()].concat();
    assert!(joined == whole, "the parts are the whole");
    let status = async |url: String| app.http().get(url).send().await.unwrap().status().as_u16();
    assert_eq!(
        status(url.replace(&owner.id.to_string(), &bob.id.to_string())).await,
        403,
        "signed for another"
    );
    app.run(format!(
        "update public.user_profiles set role = 'operator' where id = '{}'",
        owner.id
    ))
    .await;
    assert_eq!(status(url).await, 404, "an owner no more");
}

#[tokio::test]
async fn an_export_ends_ready_for_a_day_or_failed_and_what_is_erased_is_in_none() {
    let app = TestApp::with_clock(Clock::standing_at(at())).await;
    let owner = app.founder("ada@acme.test").await;
    let (bob, eve) = (
        owner.brings_in("bob@acme.test", "OPERATOR").await,
        owner.brings_in("eve@acme.test", "OPERATOR").await,
    );
    let session = watchable(&bob).await;
    let archives = async || {
        app.number("select count(*) from public.object_deletions where object_key like '%/exports/%'")
            .await
    };
    let never = CancellationToken::new();

    // Asked for twice while one is under way, it is one; a worker that shuts down hands it back; a reader sees only his own.
    let export = asked(&bob, json!({})).await;
    assert_eq!(asked(&bob, json!({})).await, export);
    let stopping = CancellationToken::new();
    stopping.cancel();
    assert_eq!(tried(&app, &export, &stopping).await, Verdict::HandedBack);
    assert_eq!(seen(&bob, &export).await["status"], "QUEUED");
    assert_eq!(seen(&eve, &export).await, Value::Null);
    assert_eq!(seen(&owner, &export).await, Value::Null);
    assert_eq!(tried(&app, &export, &never).await, Verdict::Done);
    let ready = seen(&bob, &export).await;
    assert_eq!(
        (&ready["status"], &ready["subject"], &ready["expiresAt"]),
        (&json!("READY"), &json!("PERSON"), &json!("2026-11-29T12:00:00Z"))
    );
    // What is made is made once.
    assert_eq!(tried(&app, &export, &never).await, Verdict::Done);
    let url = ready["downloadUrl"].as_str().unwrap().to_owned();
    assert_eq!(unpacked(&app, &url).await.len(), 18);

    // Another takes its place, with the old archive.
    let before = archives().await;
    let second = asked(&bob, json!({})).await;
    assert_eq!(tried(&app, &second, &never).await, Verdict::Done);
    assert_eq!(seen(&bob, &export).await, Value::Null);
    assert_eq!(archives().await, before + 1);

    // What the storage has lost does not keep the rest from its owner, who is told.
    let others = asked(&owner, json!({ "memberId": bob.id })).await;
    app.run("update public.video_chunks set file_path = file_path || 'x' where chunk_index = 1")
        .await;
    let hers = asked(&eve, json!({})).await;
    assert_eq!(tried(&app, &hers, &never).await, Verdict::Done);
    assert_eq!(tried(&app, &others, &never).await, Verdict::Done);
    let url = seen(&owner, &others).await["downloadUrl"].as_str().unwrap().to_owned();
    let missing: Value = serde_json::from_slice(&unpacked(&app, &url).await["missing.json"]).unwrap();
    assert_eq!(
        missing,
        json!([{ "file": format!("recordings/{session}/recording.webm"), "fromPart": 1, "ofParts": 2 }])
    );

    // Erasing the recording reaches the archive that it is in, and no other.
    let hers_url = seen(&eve, &hers).await["downloadUrl"].as_str().unwrap().to_owned();
    let url = seen(&bob, &second).await["downloadUrl"].as_str().unwrap().to_owned();
    bob.must("deleteRecordingSession", json!({ "sessionId": session }), "sessionId")
        .await;
    let erased = seen(&bob, &second).await;
    let theirs = seen(&owner, &others).await;
    assert_eq!(theirs["status"], "FAILED", "{theirs}");
    assert!(theirs["errorMessage"].as_str().unwrap().contains("erased"), "{theirs}");
    assert_eq!(
        (&erased["status"], &erased["downloadUrl"]),
        (&json!("FAILED"), &Value::Null)
    );
    assert_eq!(app.http().get(&url).send().await.unwrap().status(), 404);
    sweep::delete_objects(app.worker(), app.storage()).await.unwrap();
    assert_eq!(unpacked(&app, &hers_url).await.len(), 17);

    // After a day it goes.
    assert_eq!(
        sweep::forget_exports(app.worker(), at() + chrono::TimeDelta::hours(23))
            .await
            .unwrap(),
        0
    );
    assert!(
        sweep::forget_exports(app.worker(), at() + chrono::TimeDelta::hours(24))
            .await
            .unwrap()
            > 0
    );
    assert_eq!(app.http().get(&hers_url).send().await.unwrap().status(), 404);
    let key: String = sqlx::query_scalar("select object_key from public.object_deletions where object_key like '%/exports/%' order by created_at desc limit 1")
        .fetch_one(app.pool())
        .await
        .unwrap();
    sweep::delete_objects(app.worker(), app.storage()).await.unwrap();
    assert!(!app.storage().exists(&format!("{key}/export.zip")).await.unwrap());
}
