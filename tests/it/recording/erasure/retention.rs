//! What ends by itself, by a rule's time: videos, frames, replies, what was left half-way. Apart because nobody asks for it:
//! the sweep does it.

use chrono::TimeDelta;
use serde_json::{Value, json};
use service::sweep;
use sqlx::AssertSqlSafe;
use tests::app::Actor;

use super::{analysed, app, now, objects, receipts};

async fn dates(actor: &Actor, session: &str) -> Value {
    let seen = actor
        .sees(&format!(
            "{{ recordingSession(id: \"{session}\") {{ videoDeletedAt framesDeletedAt analysis {{ rawGptResponse frames {{ totalCount }} }} chunks {{ totalCount }} }} }}"
        ))
        .await;
    seen["recordingSession"].clone()
}

#[tokio::test]
async fn what_is_kept_is_kept_as_long_as_the_stricter_rule_says() {
    let app = app().await;
    let owner = app.founder("ada@acme.test").await;
    let usual = owner.records("Usual").await;
    let strict = owner.records("Strict").await;
    let privacy = json!({ "sessionId": strict, "privacySettings": { "retainVideoDays": 3 } });
    owner.must("updateRecordingSession", privacy, "session { id }").await;
    owner
        .must(
            "updateOrganization",
            json!({ "retention": { "frameDays": 60, "rawReplyDays": 10 } }),
            "organization { id }",
        )
        .await;
    for session in [&usual, &strict] {
        analysed(&app, session, now()).await;
    }
    let day = async |days| {
        let swept = sweep::apply_retention(app.worker(), now() + TimeDelta::days(days) + TimeDelta::seconds(1))
            .await
            .unwrap();
        sweep::delete_objects(app.worker(), app.storage()).await.unwrap();
        swept
    };
    assert_eq!(day(2).await, 0);
    assert_eq!(day(3).await, 1, "the stricter session's video");
    let seen = dates(&owner, &strict).await;
    assert_eq!(
        seen["videoDeletedAt"],
        json!(now() + TimeDelta::days(3) + TimeDelta::seconds(1)),
        "{seen}"
    );
    assert_eq!(
        (&seen["chunks"]["totalCount"], &seen["analysis"]["frames"]["totalCount"]),
        (&json!(0), &json!(1))
    );
    assert_eq!((objects(&app, &strict).await, objects(&app, &usual).await), (1, 3));
    // The evidence is gone: nothing can be analysed any more, and the date says since when.
    let refusal = owner
        .does("enqueueAnalysis", json!({ "sessionId": strict }), "analysis { id }")
        .await
        .unwrap_err();
    assert!(
        refusal.code == "CONFLICT" && refusal.message.contains("2026-12-01"),
        "{refusal:?}"
    );

    assert_eq!(day(10).await, 2, "the replies of both");
    assert_eq!(
        app.number("select count(*) from public.model_requests where reply is not null")
            .await,
        0
    );
    assert_eq!(dates(&owner, &usual).await["analysis"]["rawGptResponse"], Value::Null);
    // Its video is still there, so it can be analysed again; while that lasts, nothing is taken from under it.
    let anew = owner
        .must("enqueueAnalysis", json!({ "sessionId": usual }), "analysis { id }")
        .await;
    assert_eq!(day(28).await, 0);
    owner
        .must(
            "cancelAnalysis",
            json!({ "analysisId": anew["analysis"]["id"] }),
            "analysis { id }",
        )
        .await;
    assert_eq!(day(28).await, 1, "the usual session's video");
    assert_eq!(day(60).await, 2, "the frames of both");
    let seen = dates(&owner, &usual).await;
    assert!(
        seen["videoDeletedAt"].is_string() && seen["framesDeletedAt"].is_string(),
        "{seen}"
    );
    assert_eq!(day(4000).await, 0, "and that was all");
    let mut told = receipts(&app).await;
    told.sort();
    let line = |reason: &str, objects, bytes| {
        (
            "recording_session".to_owned(),
            format!("retention of {reason}"),
            objects,
            bytes,
        )
    };
    assert_eq!(
        told,
        [
            line("frames", 1, 5),
            line("frames", 1, 5),
            line("raw replies", 0, 0),
            line("raw replies", 0, 0),
            line("video", 2, 4 + 5 + 8),
            line("video", 2, 4 + 6 + 8),
        ]
    );
    let log = owner
        .sees("{ auditLog(filter: {action: \"recording_session.retention\"}) { totalCount nodes { actorSystem } } }")
        .await;
    assert_eq!(
        (
            &log["auditLog"]["totalCount"],
            &log["auditLog"]["nodes"][0]["actorSystem"]
        ),
        (&json!(6), &json!("sweep"))
    );
}

/// Its workers died after they had stored frames: no row names them, and they end when frames end.
#[tokio::test]
async fn frames_that_no_row_names_are_kept_no_longer_than_others() {
    let app = app().await;
    let owner = app.founder("ada@acme.test").await;
    let session = owner.records("Crashed").await;
    let analysis = owner
        .must("enqueueAnalysis", json!({ "sessionId": session }), "analysis { id }")
        .await;
    let analysis = analysis["analysis"]["id"].as_str().unwrap();
    let key: String = sqlx::query_scalar(AssertSqlSafe(format!(
        "update public.analysis_results set status = 'failed', stage = 'done', error_code = 'worker_crashed', error_message = 'x', attempt = 3 where id = '{analysis}'
         returning format('organizations/%s/recordings/%s/analyses/%s/frames/0.jpg', organization_id, session_id, id)"
    )))
    .fetch_one(app.pool())
    .await
    .unwrap();
    app.storage().put(&key, b"bytes".as_slice().into()).await.unwrap();
    let day = async |days| {
        let swept = sweep::apply_retention(app.worker(), now() + TimeDelta::days(days) + TimeDelta::seconds(1));
        let swept = swept.await.unwrap();
        sweep::delete_objects(app.worker(), app.storage()).await.unwrap();
        (swept, app.storage().exists(&key).await.unwrap())
    };
    assert_eq!(day(28).await, (1, true), "the video");
    assert_eq!(day(364).await, (0, true));
    assert_eq!(day(365).await, (1, false));
    assert_eq!(day(4000).await, (0, false), "once");
}

#[tokio::test]
async fn a_video_may_go_as_soon_as_it_was_analysed() {
    let app = app().await;
    let owner = app.founder("ada@acme.test").await;
    owner
        .must(
            "updateOrganization",
            json!({ "retention": { "deleteVideoAfterAnalysis": true } }),
            "organization { id }",
        )
        .await;
    let (analysed_one, other) = (owner.records("Analysed").await, owner.records("Not yet").await);
    analysed(&app, &analysed_one, now()).await;
    assert_eq!(sweep::apply_retention(app.worker(), now()).await.unwrap(), 1);
    assert!(dates(&owner, &analysed_one).await["videoDeletedAt"].is_string());
    assert_eq!(dates(&owner, &other).await["videoDeletedAt"], Value::Null);
}

#[tokio::test]
async fn what_was_left_half_way_is_cleared_after_a_day_and_an_idle_recording_ends_with_what_it_has() {
    let app = app().await;
    let owner = app.founder("ada@acme.test").await;
    let chunk = |index: usize| tests::app::Chunk {
        index,
        bytes: [tests::app::WEBM.as_slice(), &[7; 20]].concat(),
    };
    let mut sessions = Vec::new();
    for there in [vec![0, 1, 3], vec![1]] {
        let session = owner.starts("Idle").await;
        let chunks: Vec<_> = there.into_iter().map(chunk).collect();
        let addresses = owner.announces(&session, &chunks).await.unwrap();
        for ((_, url), chunk) in addresses.iter().zip(&chunks) {
            assert_eq!(owner.puts(url, chunk.bytes.clone()).await.0, 204);
        }
        let ids: Vec<String> = addresses.into_iter().map(|(id, _)| id).collect();
        owner.completes(&ids).await.unwrap();
        owner.announces(&session, &[chunk_at(9)]).await.unwrap();
        sessions.push(session);
    }
    assert_eq!(
        sweep::close_idle_sessions(app.worker(), now()).await.unwrap(),
        0,
        "not idle yet"
    );
    assert_eq!(
        sweep::close_idle_sessions(app.worker(), now() + TimeDelta::seconds(1))
            .await
            .unwrap(),
        2
    );
    let state = async |session: &str| {
        let seen = owner
            .sees(&format!("{{ recordingSession(id: \"{session}\") {{ status truncated fileSizeBytes chunks {{ nodes {{ chunkIndex }} }} analysis {{ status }} }} }}"))
            .await;
        seen["recordingSession"].clone()
    };
    assert_eq!(
        state(&sessions[0]).await,
        json!({ "status": "PROCESSING", "truncated": true, "fileSizeBytes": "48", "chunks": { "nodes": [{ "chunkIndex": 0 }, { "chunkIndex": 1 }] }, "analysis": { "status": "QUEUED" } })
    );
    let failed = state(&sessions[1]).await;
    assert_eq!(
        (&failed["status"], &failed["analysis"]),
        (&json!("FAILED"), &Value::Null),
        "{failed}"
    );
    // Its analysis has a job as soon as the sweep for work without one has come by.
    assert_eq!(sweep::stale_analyses(app.worker()).await.unwrap(), 1);
    sweep::delete_objects(app.worker(), app.storage()).await.unwrap();
    assert_eq!(
        (objects(&app, &sessions[0]).await, objects(&app, &sessions[1]).await),
        (2, 0)
    );

    let open = owner.starts("Open").await;
    owner.announces(&open, &[chunk_at(0)]).await.unwrap();
    let day = now() + TimeDelta::days(2);
    app.run(format!(
        "update public.video_chunks set updated_at = timestamptz '{}' where session_id = '{open}'",
        now().to_rfc3339()
    ))
    .await;
    sweep::drop_abandoned_chunks(app.worker(), day).await.unwrap();
    assert_eq!(
        app.number(format!(
            "select count(*) from public.video_chunks where session_id = '{open}'"
        ))
        .await,
        0
    );
}

fn chunk_at(index: usize) -> tests::app::Chunk {
    tests::app::Chunk {
        index,
        bytes: vec![1, 2, 3],
    }
}
