//! Who looked is written down, the recorded person may read it; and what is stored can be taken along.

use std::io::Write as _;

use serde_json::{Value, json};
use tests::app::{Actor, TestApp};

use super::erasure::{analysed, at};

async fn watchable(actor: &Actor) -> String {
    let input =
        json!({ "title": "Mine", "noticeVersion": "default-1", "privacySettings": { "redactPersonalData": false } });
    let payload = actor.must("startRecordingSession", input, "session { id }").await;
    let session = payload["session"]["id"].as_str().unwrap().to_owned();
    actor
        .uploads(&session, &[tests::app::WEBM.to_vec(), b"the rest".to_vec()])
        .await;
    actor.finishes(&session, 2).await;
    session
}

/// Lines about a session, as somebody sees them: action, and who.
async fn lines(actor: &Actor, session: &str) -> Vec<(String, Value)> {
    let seen = actor
        .sees(&format!("{{ recordingSession(id: \"{session}\") {{ auditLog(first: 100) {{ nodes {{ action actorUserId }} totalCount }} }} }}"))
        .await;
    let log = &seen["recordingSession"]["auditLog"];
    let nodes = log["nodes"].as_array().unwrap();
    assert_eq!(log["totalCount"], nodes.len());
    nodes
        .iter()
        .map(|line| (line["action"].as_str().unwrap().to_owned(), line["actorUserId"].clone()))
        .collect()
}

#[tokio::test]
async fn whoever_is_given_something_personal_is_written_down_for_the_recorded_person_to_see() {
    let app = TestApp::start().await;
    let owner = app.founder("ada@acme.test").await;
    let (bob, eve) = (
        owner.brings_in("bob@acme.test", "OPERATOR").await,
        owner.brings_in("eve@acme.test", "OPERATOR").await,
    );
    let session = watchable(&bob).await;
    analysed(&app, &session, at()).await;
    let everything = format!(
        "{{ recordingSession(id: \"{session}\") {{ playback {{ url }} analysis {{ rawGptResponse frames {{ nodes {{ imageUrl }} }} reports {{ nodes {{ id downloadUrl }} }} }}
            again: playback {{ url }} }} }}"
    );
    let given = owner.sees(&everything).await;
    let report = given["recordingSession"]["analysis"]["reports"]["nodes"][0]["id"].clone();
    // What an answer does not give is not looked at: a title, and what another operator asks for in vain.
    owner
        .sees(&format!(
            "{{ recordingSession(id: \"{session}\") {{ title analysis {{ frames {{ totalCount }} }} }} }}"
        ))
        .await;
    let nothing = eve.sees(&everything).await;
    assert_eq!(
        (
            &nothing["recordingSession"]["playback"],
            &nothing["recordingSession"]["analysis"]["rawGptResponse"]
        ),
        (&Value::Null, &Value::Null)
    );

    let mut looks: Vec<_> = lines(&bob, &session)
        .await
        .into_iter()
        .filter(|(action, _)| matches!(action.rsplit('.').next(), Some("watch" | "frames" | "raw_reply")))
        .collect();
    looks.sort_by(|one, other| one.0.cmp(&other.0));
    let by_owner = |action: &str| (action.to_owned(), json!(owner.id));
    assert_eq!(
        looks,
        [
            by_owner("recording_session.frames"),
            by_owner("recording_session.raw_reply"),
            by_owner("recording_session.watch")
        ]
    );
    assert_eq!(lines(&owner, &session).await.len(), lines(&bob, &session).await.len());
    assert_eq!(lines(&eve, &session).await, []);
    let downloads = owner
        .sees("{ auditLog(filter: {action: \"report.download\"}) { nodes { subjectId actorUserId requestId } } }")
        .await;
    let downloads = downloads["auditLog"]["nodes"].as_array().unwrap();
    assert_eq!(
        downloads
            .iter()
            .filter(|line| line["subjectId"] == report && line["requestId"].is_string())
            .count(),
        2,
        "by both: reports are everybody's"
    );

    // What cannot be written down is not given out.
    app.run("alter table public.audit_log add constraint broken check (action not like '%watch') not valid")
        .await;
    let refused = owner.asks(&everything, json!({})).await;
    assert!(
        refused["data"].is_null() && refused["errors"][0]["extensions"]["code"] == "INTERNAL",
        "{refused}"
    );
}

/// The archive behind an address: its files by name, as another program reads them.
async fn unpacked(app: &TestApp, url: &str) -> std::collections::BTreeMap<String, Vec<u8>> {
    let answer = app.http().get(url).send().await.unwrap();
    assert_eq!(
        (
            answer.status().as_u16(),
            answer.headers()["content-type"].to_str().unwrap()
        ),
        (200, "application/zip")
    );
    let bytes = answer.bytes().await.unwrap();
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("export.zip");
    std::fs::File::create(&path).unwrap().write_all(&bytes).unwrap();
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
    let mut found = std::collections::BTreeMap::new();
    for file in super::process::files(&into) {
        let name = file.strip_prefix(&into).unwrap().display().to_string();
        found.insert(name, std::fs::read(&file).unwrap());
    }
    found
}

#[tokio::test]
async fn people_take_their_data_along_and_owners_the_organizations() {
    let app = TestApp::start().await;
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
        assert_eq!(actor.refused("exportData", input, "url").await, code);
    }
    // Also where nothing may be added any more.
    app.run("update public.organizations set subscription_status = 'inactive' where name = 'acme.test'")
        .await;
    let fetched = async |actor: &Actor, input: Value| {
        let payload = actor.must("exportData", input, "url expiresAt").await;
        unpacked(&app, payload["url"].as_str().unwrap()).await
    };
    let rows = |files: &std::collections::BTreeMap<String, Vec<u8>>, table: &str| -> Vec<Value> {
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

    // An address is good for whoever may still have it.
    let input = json!({ "subject": "ORGANIZATION" });
    let url = owner.must("exportData", input, "url").await["url"]
        .as_str()
        .unwrap()
        .to_owned();
    app.run(format!(
        "update public.user_profiles set role = 'operator' where id = '{}'",
        owner.id
    ))
    .await;
    assert_eq!(app.http().get(&url).send().await.unwrap().status(), 403);
    assert_eq!(
        app.http()
            .get(url.replace(&owner.id.to_string(), &bob.id.to_string()))
            .send()
            .await
            .unwrap()
            .status(),
        403
    );
}
