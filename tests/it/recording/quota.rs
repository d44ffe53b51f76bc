//! What an organization may add, exactly, however many add at once.

use chrono::{DateTime, Utc};
use futures::future::join_all;
use serde_json::json;
use service::clock::Clock;
use tests::app::{Chunk, TestApp};

fn at(text: &str) -> DateTime<Utc> {
    text.parse().unwrap()
}

fn start(number: usize) -> serde_json::Value {
    json!({ "title": format!("Recording {number}"), "noticeVersion": "default-1" })
}

#[tokio::test]
async fn fifty_starts_at_once_take_exactly_what_the_month_has_left() {
    let app = TestApp::start().await;
    let owner = app.founder("ada@acme.test").await;
    app.run("update public.organizations set max_recordings_per_month = 20")
        .await;
    for number in 0..3 {
        owner.starts(&number.to_string()).await;
    }
    let outcomes = join_all((0..50).map(|number| {
        let owner = owner.clone();
        async move {
            owner
                .does("startRecordingSession", start(number), "session { id }")
                .await
        }
    }))
    .await;
    let refused: Vec<_> = outcomes.iter().filter_map(|outcome| outcome.as_ref().err()).collect();
    assert_eq!(refused.len(), 33, "{refused:?}");
    assert!(
        refused.iter().all(|refusal| refusal.code == "QUOTA_EXCEEDED"),
        "{refused:?}"
    );
    // Another organization has a month of its own.
    let globex = app.founder("gina@globex.test").await;
    globex.starts("Theirs").await;
    assert_eq!(
        owner.sees("{ usage { recordings maxRecordings } }").await["usage"],
        json!({ "recordings": 20, "maxRecordings": 20 })
    );
}

#[tokio::test]
async fn a_month_begins_at_midnight_where_the_organization_is() {
    // Summer in Auckland (UTC+13), winter in Los Angeles (UTC-8).
    for (zone, last, first, month) in [
        (
            "Pacific/Auckland",
            "2026-11-30T10:59:59Z",
            "2026-11-30T11:00:00Z",
            "2026-12",
        ),
        (
            "America/Los_Angeles",
            "2027-01-01T07:59:59Z",
            "2027-01-01T08:00:00Z",
            "2027-01",
        ),
    ] {
        let app = TestApp::with_clock(Clock::standing_at(at(last))).await;
        let owner = app.person("ada@acme.test").await;
        owner
            .must(
                "createOrganization",
                json!({ "name": "Acme", "timeZone": zone }),
                "organization { id }",
            )
            .await;
        app.run("update public.organizations set max_recordings_per_month = 1")
            .await;
        owner.starts("The last of its month").await;
        let refused = owner.refused("startRecordingSession", start(1), "session { id }").await;
        assert_eq!(refused, "QUOTA_EXCEEDED", "{zone}");
        app.clock().set(at(first));
        owner.starts("The first of the next").await;
        assert_eq!(
            owner.sees("{ usage { month recordings } }").await["usage"],
            json!({ "month": month, "recordings": 1 }),
            "{zone}"
        );
    }
}

#[tokio::test]
async fn what_is_announced_must_fit_into_the_storage_also_at_once() {
    let app = TestApp::start().await;
    let owner = app.founder("ada@acme.test").await;
    app.run("update public.organizations set max_storage_bytes = 1000")
        .await;
    let mut sessions = Vec::new();
    for number in 0..8 {
        sessions.push(owner.starts(&number.to_string()).await);
    }
    let chunk = |byte: u8| Chunk {
        index: 0,
        bytes: vec![byte; 300],
    };
    let outcomes = join_all(sessions.iter().map(|session| {
        let (owner, chunk) = (owner.clone(), chunk(1));
        async move { owner.announces(session, &[chunk]).await }
    }))
    .await;
    assert_eq!(outcomes.iter().filter(|outcome| outcome.is_ok()).count(), 3);
    let codes: Vec<_> = outcomes
        .iter()
        .filter_map(|outcome| outcome.as_ref().err())
        .map(|refusal| &refusal.code)
        .collect();
    assert!(codes.iter().all(|code| *code == "QUOTA_EXCEEDED"), "{codes:?}");
    // Announcing the same again takes no room, and what is refused took none.
    let full = outcomes.iter().position(Result::is_ok).unwrap();
    owner.announces(&sessions[full], &[chunk(1)]).await.unwrap();
    let smaller = Chunk {
        index: 0,
        bytes: vec![1; 100],
    };
    let empty = outcomes.iter().position(Result::is_err).unwrap();
    owner.announces(&sessions[empty], &[smaller]).await.unwrap();
    owner
        .must(
            "deleteRecordingSession",
            json!({ "sessionId": sessions[full] }),
            "erasure { bytes }",
        )
        .await;
    let another = outcomes.iter().rposition(Result::is_err).unwrap();
    owner.announces(&sessions[another], &[chunk(1)]).await.unwrap();
}
