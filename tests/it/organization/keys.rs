//! An organization's API keys. Apart from its people because a key is nobody.

use chrono::TimeDelta;
use futures::future::join_all;
use serde_json::json;
use service::clock::Clock;
use sha2::{Digest as _, Sha256};
use tests::app::TestApp;

use super::codes;

const KEY: &str = "apiKey { id name role readOnly prefix expiresAt } secret";

#[tokio::test]
async fn a_key_is_an_owners_to_make_shown_once_and_never_manages() {
    let app = TestApp::start().await;
    let owner = app.founder("ada@acme.test").await;
    let (admin, operator) = (
        owner.brings_in("bob@acme.test", "ADMIN").await,
        owner.brings_in("olga@acme.test", "OPERATOR").await,
    );
    for actor in [&admin, &operator] {
        assert_eq!(
            actor
                .refused("createApiKey", json!({ "name": "x", "role": "OPERATOR" }), "secret")
                .await,
            "FORBIDDEN"
        );
    }
    let made = owner
        .must(
            "createApiKey",
            json!({ "name": "bi", "role": "ADMIN", "idempotencyKey": "bi" }),
            KEY,
        )
        .await;
    let secret = made["secret"].as_str().unwrap();
    assert!(
        secret.len() == 3 + 64
            && secret.starts_with("ns_")
            && secret.starts_with(made["apiKey"]["prefix"].as_str().unwrap())
    );
    assert_eq!(made["apiKey"]["readOnly"], true, "read-only unless said otherwise");
    let stored: String = sqlx::query_scalar("select row_to_json(k)::text from public.api_keys k")
        .fetch_one(app.pool())
        .await
        .unwrap();
    assert!(
        !stored.contains(secret) && stored.contains(&hex::encode(Sha256::digest(secret))),
        "{stored}"
    );
    let again = owner
        .refused(
            "createApiKey",
            json!({ "name": "bi", "role": "ADMIN", "idempotencyKey": "bi" }),
            KEY,
        )
        .await;
    assert_eq!(again, "CONFLICT", "its secret was shown");

    let reader = app.key(secret);
    assert_eq!(
        reader.sees("{ viewer { apiKey { id } organization { name } } }").await["viewer"]["organization"]["name"],
        "acme.test"
    );
    assert_eq!(
        reader
            .refused(
                "startRecordingSession",
                json!({ "title": "x", "noticeVersion": "default-1" }),
                "session { id }"
            )
            .await,
        "FORBIDDEN"
    );

    let second = owner
        .must(
            "createApiKey",
            json!({ "name": "recorder", "role": "ADMIN", "readOnly": false }),
            KEY,
        )
        .await;
    let writer = app.key(second["secret"].as_str().unwrap());
    let id = &second["apiKey"]["id"];
    let session = writer.records("By a machine").await;
    for (mutation, input, selection) in [
        ("createApiKey", json!({ "name": "x", "role": "OPERATOR" }), "secret"),
        ("revokeApiKey", json!({ "apiKeyId": id }), "apiKey { id }"),
        (
            "inviteMember",
            json!({ "email": "b@acme.test", "role": "OPERATOR" }),
            "token",
        ),
        (
            "updateMemberRole",
            json!({ "memberId": operator.id, "role": "ADMIN" }),
            "member { id }",
        ),
        (
            "removeMember",
            json!({ "memberId": operator.id, "eraseRecordings": true }),
            "memberId",
        ),
        ("updateOrganization", json!({ "name": "y" }), "organization { id }"),
        ("deleteOrganization", json!({ "confirmName": "acme.test" }), "erasedAt"),
        ("updateProfile", json!({ "firstName": "y" }), "member { id }"),
        ("createOrganization", json!({ "name": "y" }), "organization { id }"),
        ("acceptInvitation", json!({ "token": "y" }), "member { id }"),
    ] {
        assert_eq!(
            writer.refused(mutation, input, selection).await,
            "FORBIDDEN",
            "{mutation}"
        );
    }
    // It is the actor, in the audit log and in the events.
    let log = owner.sees("{ auditLog(filter: {action: \"recording_session.start\"}) { nodes { actorApiKeyId actorUserId subjectId } } }").await;
    assert_eq!(
        log["auditLog"]["nodes"],
        json!([{ "actorApiKeyId": id, "actorUserId": null, "subjectId": session }])
    );
    let event: (Option<uuid::Uuid>, Option<uuid::Uuid>) = sqlx::query_as(
        "select actor_user_id, actor_api_key_id from public.organization_events where kind = 'session_created'",
    )
    .fetch_one(app.pool())
    .await
    .unwrap();
    assert_eq!((event.0, event.1.map(|key| json!(key))), (None, Some(id.clone())));
    let used = owner.sees("{ apiKeys { name lastUsedAt } }").await;
    assert!(
        used["apiKeys"]
            .as_array()
            .unwrap()
            .iter()
            .all(|key| key["lastUsedAt"].is_string()),
        "{used}"
    );

    // Revoked: refused from its next request on, and once more it changes nothing.
    for _ in 0..2 {
        owner
            .must("revokeApiKey", json!({ "apiKeyId": id }), "apiKey { revokedAt }")
            .await;
    }
    let refused = writer.asks("{ viewer { userId } }", json!({})).await;
    assert_eq!(
        refused["errors"][0]["extensions"]["code"], "UNAUTHENTICATED",
        "{refused}"
    );
}

#[tokio::test]
async fn an_organization_has_at_most_twenty_keys_and_an_ended_one_does_not_count() {
    let now = Clock::system().now();
    let app = TestApp::with_clock(Clock::standing_at(now - TimeDelta::hours(2))).await;
    let owner = app.founder("ada@acme.test").await;
    // Ended an hour ago.
    let ended = owner
        .must(
            "createApiKey",
            json!({ "name": "old", "role": "ADMIN", "expiresAt": now - TimeDelta::hours(1) }),
            KEY,
        )
        .await;
    app.clock().set(now);
    let refused = app
        .key(ended["secret"].as_str().unwrap())
        .asks("{ viewer { userId } }", json!({}))
        .await;
    assert_eq!(
        refused["errors"][0]["extensions"]["code"], "UNAUTHENTICATED",
        "{refused}"
    );
    let past = json!({ "name": "x", "role": "ADMIN", "expiresAt": now - TimeDelta::hours(1) });
    assert_eq!(owner.refused("createApiKey", past, KEY).await, "BAD_USER_INPUT");
    let outcomes = join_all((0..25).map(|number| {
        owner.does(
            "createApiKey",
            json!({ "name": format!("key {number}"), "role": "OPERATOR" }),
            "apiKey { id }",
        )
    }))
    .await;
    assert_eq!(
        codes(&outcomes),
        [("QUOTA_EXCEEDED".to_owned(), 5), ("ok".to_owned(), 20)],
        "{outcomes:?}"
    );
    let one = outcomes.into_iter().find_map(Result::ok).unwrap();
    owner
        .must(
            "revokeApiKey",
            json!({ "apiKeyId": one["apiKey"]["id"] }),
            "apiKey { id }",
        )
        .await;
    owner
        .must(
            "createApiKey",
            json!({ "name": "fits", "role": "OPERATOR" }),
            "apiKey { id }",
        )
        .await;
}
