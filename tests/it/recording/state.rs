//! Which step may follow which: what is illegal is a conflict that says why, what is repeated changes nothing.

use std::collections::BTreeSet;

use futures::future::join_all;
use serde_json::{Value, json};
use tests::app::{Actor, Chunk, TestApp, WEBM};

fn chunk(index: usize, bytes: &[u8]) -> Chunk {
    Chunk {
        index,
        bytes: bytes.to_vec(),
    }
}

async fn conflict(actor: &Actor, mutation: &str, input: Value, selection: &str) -> String {
    let refusal = actor.does(mutation, input, selection).await.unwrap_err();
    assert_eq!(refusal.code, "CONFLICT", "{mutation}: {refusal:?}");
    refusal.message
}

#[tokio::test]
async fn a_recording_goes_through_its_states_and_no_other_way() {
    let app = TestApp::start().await;
    let owner = app.founder("ada@acme.test").await;
    let session = owner.starts("Invoices").await;
    let finish = |count: i32| json!({ "sessionId": session, "chunkCount": count });
    let finished = "session { status } analysis { id status }";

    // Nothing to analyse yet, and nothing to finish.
    conflict(
        &owner,
        "enqueueAnalysis",
        json!({ "sessionId": session }),
        "analysis { id }",
    )
    .await;
    let missing = conflict(&owner, "finishRecordingSession", finish(3), finished).await;
    assert!(missing.contains("0, 1, 2"), "{missing}");
    let addresses = owner
        .announces(&session, &[chunk(0, &WEBM), chunk(2, b"two"), chunk(7, b"seven")])
        .await
        .unwrap();
    for ((_, url), bytes) in addresses
        .iter()
        .zip([WEBM.to_vec(), b"two".to_vec(), b"seven".to_vec()])
    {
        assert_eq!(owner.puts(url, bytes).await.0, 204);
    }
    let ids: Vec<String> = addresses.iter().map(|(id, _)| id.clone()).collect();
    owner.completes(&ids).await.unwrap();
    conflict(
        &owner,
        "failChunkUpload",
        json!({ "chunkId": ids[0], "message": "gave up" }),
        "chunk { id }",
    )
    .await;
    let missing = conflict(&owner, "finishRecordingSession", finish(3), finished).await;
    assert!(missing.ends_with("missing: 1"), "{missing}");
    let superfluous = conflict(&owner, "finishRecordingSession", finish(1), finished).await;
    assert!(superfluous.contains("2, 7"), "{superfluous}");
    // The client says what it has after all.
    let session = owner.starts("Invoices, again").await;
    let finish = |count: i32| json!({ "sessionId": session, "chunkCount": count });
    owner.uploads(&session, &[WEBM.to_vec(), b"one".to_vec()]).await;

    // Finishing is done once, however often it is asked for.
    let answers = join_all((0..5).map(|_| owner.does("finishRecordingSession", finish(2), finished))).await;
    let queued: BTreeSet<String> = answers
        .iter()
        .map(|answer| answer.clone().unwrap()["analysis"]["id"].to_string())
        .collect();
    assert_eq!(queued.len(), 1, "{answers:?}");
    assert_eq!(answers[0].clone().unwrap()["session"]["status"], "PROCESSING");
    conflict(&owner, "finishRecordingSession", finish(3), finished).await;
    // What is stored stays, and may be announced again; another chunk or other bytes are refused.
    let known = owner.announces(&session, &[chunk(1, b"one")]).await.unwrap();
    assert_eq!(owner.puts(&known[0].1, b"one".to_vec()).await.0, 204);
    assert_eq!(owner.completes(&[known[0].0.clone()]).await.unwrap(), ["COMPLETED"]);
    for late in [chunk(1, b"other"), chunk(2, b"more")] {
        let refusal = owner.announces(&session, &[late]).await.unwrap_err();
        assert!(
            refusal.code == "CONFLICT" && refusal.message.contains("finished with 2 chunks"),
            "{refusal:?}"
        );
    }

    // One analysis at a time; cancelling twice is cancelling once; only a failed one is tried again.
    let analysis = answers[0].clone().unwrap()["analysis"]["id"].clone();
    conflict(
        &owner,
        "enqueueAnalysis",
        json!({ "sessionId": session }),
        "analysis { id }",
    )
    .await;
    conflict(
        &owner,
        "retryAnalysis",
        json!({ "analysisId": analysis }),
        "analysis { id }",
    )
    .await;
    conflict(
        &owner,
        "reinterpretAnalysis",
        json!({ "analysisId": analysis }),
        "analysis { id }",
    )
    .await;
    for _ in 0..2 {
        let cancelled = owner
            .must(
                "cancelAnalysis",
                json!({ "analysisId": analysis }),
                "analysis { status errorCode session { status } }",
            )
            .await;
        assert_eq!(
            cancelled["analysis"],
            json!({ "status": "FAILED", "errorCode": "CANCELLED", "session": { "status": "COMPLETED" } })
        );
    }
    let retried = owner
        .must(
            "retryAnalysis",
            json!({ "analysisId": analysis }),
            "analysis { id status session { status } }",
        )
        .await;
    assert_eq!(
        retried["analysis"],
        json!({ "id": analysis, "status": "QUEUED", "session": { "status": "PROCESSING" } })
    );
}

#[tokio::test]
async fn what_is_no_video_is_refused_when_it_is_finished() {
    let app = TestApp::start().await;
    let owner = app.founder("ada@acme.test").await;
    let session = owner.starts("A letter").await;
    owner.uploads(&session, &[b"Dear Sir or Madam".to_vec()]).await;
    let finish = json!({ "sessionId": session, "chunkCount": 1 });
    let refusal = owner
        .does("finishRecordingSession", finish, "session { id }")
        .await
        .unwrap_err();
    assert_eq!(
        (refusal.code.as_str(), refusal.field.as_str()),
        ("BAD_USER_INPUT", "input.sessionId"),
        "{refusal:?}"
    );
    assert!(refusal.message.contains("no video"), "{refusal:?}");
    assert_eq!(
        owner
            .sees(&format!(
                "{{ recordingSession(id: \"{session}\") {{ status fileSizeBytes durationSeconds }} }}"
            ))
            .await["recordingSession"],
        json!({ "status": "RECORDING", "fileSizeBytes": "17", "durationSeconds": null }),
        "size comes from what is stored, length from nobody yet"
    );
}

#[tokio::test]
async fn a_recording_needs_the_notice_in_force_and_keeps_what_was_agreed_to() {
    let app = TestApp::start().await;
    let owner = app.founder("ada@acme.test").await;
    let admin = owner.brings_in("bob@acme.test", "ADMIN").await;
    let notice = json!({ "recordingNotice": { "locale": "nl", "text": "Uw scherm wordt opgenomen." } });
    assert_eq!(
        admin
            .refused("updateOrganization", notice.clone(), "organization { id }")
            .await,
        "FORBIDDEN"
    );
    owner.must("updateOrganization", notice, "organization { id }").await;
    let start = |version: &str| json!({ "title": "x", "noticeVersion": version });
    let old = conflict(&admin, "startRecordingSession", start("default-1"), "session { id }").await;
    let version = admin.sees("{ recordingNotice { version text } }").await["recordingNotice"]["version"].clone();
    let version = version.as_str().unwrap();
    assert!(old.contains(version), "{old}");
    let session = admin
        .must("startRecordingSession", start(version), "session { consent { noticeVersion at withdrawnAt } privacySettings { redactPersonalData blurPasswords allowRemoteAnalysis } }")
        .await;
    assert_eq!(session["session"]["consent"]["noticeVersion"], version);
    assert_eq!(
        session["session"]["privacySettings"],
        json!({ "redactPersonalData": true, "blurPasswords": true, "allowRemoteAnalysis": true }),
        "covered unless said otherwise; what may be sent is the organization's to allow"
    );
    assert_eq!(
        owner.sees("{ organization { remoteAnalysisAllowed } }").await["organization"]["remoteAnalysisAllowed"],
        false
    );
    let laxer = json!({ "title": "x", "noticeVersion": version, "privacySettings": { "retainVideoDays": 29 } });
    let refusal = admin
        .does("startRecordingSession", laxer, "session { id }")
        .await
        .unwrap_err();
    assert_eq!(
        (refusal.code.as_str(), refusal.field.as_str()),
        ("BAD_USER_INPUT", "input.privacySettings.retainVideoDays")
    );
}

#[tokio::test]
async fn only_the_recorded_person_has_less_covered_than_before() {
    let app = TestApp::start().await;
    let owner = app.founder("ada@acme.test").await;
    let bob = owner.brings_in("bob@acme.test", "OPERATOR").await;
    let session = bob.starts("Mine").await;
    let settings = |privacy: Value| json!({ "sessionId": session, "privacySettings": privacy });
    let shown = "session { privacySettings { redactPersonalData blurPasswords customExclusions } }";
    let stricter = settings(json!({ "customExclusions": ["HR", "Anke Jansen"] }));
    owner.must("updateRecordingSession", stricter, shown).await;
    let laxer = [
        json!({ "redactPersonalData": false }),
        json!({ "blurPasswords": false }),
        json!({ "customExclusions": ["HR"] }),
    ];
    for privacy in laxer.clone() {
        let refusal = owner
            .does("updateRecordingSession", settings(privacy), shown)
            .await
            .unwrap_err();
        assert_eq!(refusal.code, "FORBIDDEN");
        assert_eq!(
            refusal.message,
            "only the recorded person may make the privacy settings laxer"
        );
    }
    for privacy in laxer {
        bob.must("updateRecordingSession", settings(privacy), shown).await;
    }
}

#[tokio::test]
async fn every_creating_mutation_is_done_once_for_its_key() {
    let app = TestApp::start().await;
    let owner = app.founder("ada@acme.test").await;
    let recorded = owner.records("Invoices").await;
    for (mutation, input, other, path, table) in [
        (
            "startRecordingSession",
            json!({ "title": "x", "noticeVersion": "default-1", "idempotencyKey": "k" }),
            json!({ "title": "y", "noticeVersion": "default-1", "idempotencyKey": "k" }),
            "session",
            "recording_sessions where title = 'x'",
        ),
        (
            "enqueueAnalysis",
            json!({ "sessionId": recorded, "idempotencyKey": "k" }),
            json!({ "sessionId": recorded, "settings": { "preset": "QUICK" }, "idempotencyKey": "k" }),
            "analysis",
            "analysis_results",
        ),
    ] {
        let selection = format!("{path} {{ id }}");
        let answers = join_all((0..8).map(|_| owner.does(mutation, input.clone(), &selection))).await;
        let ids: BTreeSet<String> = answers
            .iter()
            .map(|answer| answer.clone().unwrap()[path]["id"].to_string())
            .collect();
        assert_eq!(ids.len(), 1, "{mutation}: {answers:?}");
        assert_eq!(
            app.number(format!("select count(*) from public.{table}")).await,
            1,
            "{mutation}"
        );
        conflict(&owner, mutation, other, &selection).await;
    }
    // Keys are the actor's own: somebody else's same key makes something else.
    let bob = owner.brings_in("bob@acme.test", "OPERATOR").await;
    let input = json!({ "title": "y", "noticeVersion": "default-1", "idempotencyKey": "k" });
    bob.must("startRecordingSession", input.clone(), "session { id }").await;
    // After a day the key is forgotten.
    app.run("update public.idempotency_keys set created_at = created_at - interval '25 hours'")
        .await;
    let anew = bob.must("startRecordingSession", input, "session { id }").await;
    assert_eq!(
        app.number(format!(
            "select count(*) from public.recording_sessions where id = '{}'",
            anew["session"]["id"].as_str().unwrap()
        ))
        .await,
        1
    );
    assert_eq!(
        app.number("select count(*) from public.recording_sessions where title = 'y'")
            .await,
        2
    );
}
