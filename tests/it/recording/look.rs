//! Who looked is written down, and the recorded person may read it.

use serde_json::{Value, json};
use tests::app::{Actor, TestApp};

use super::erasure::{analysed, at};

pub async fn watchable(actor: &Actor) -> String {
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
