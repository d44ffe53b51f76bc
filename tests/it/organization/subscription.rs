//! What is left of an organization whose subscription is inactive. Apart because it goes through all that can be done.

use serde_json::json;
use tests::app::TestApp;

use super::soon;

#[tokio::test]
async fn an_inactive_subscription_reads_and_erases_and_adds_nothing() {
    let app = TestApp::start().await;
    let owner = app.founder("ada@acme.test").await;
    let session = owner.records("Invoices").await;
    let open = owner.starts("Half done").await;
    app.run("update public.organizations set subscription_status = 'inactive'")
        .await;
    soon("the status", async || {
        owner.sees("{ organization { subscriptionStatus } }").await["organization"]["subscriptionStatus"] == "INACTIVE"
            && owner.does("updateProfile", json!({}), "member { id }").await.is_err()
    })
    .await;
    let chunk = json!({ "chunkIndex": 0, "sizeBytes": "4", "sha256": "0".repeat(64) });
    for (mutation, input, selection) in [
        (
            "startRecordingSession",
            json!({ "title": "x", "noticeVersion": "default-1" }),
            "session { id }",
        ),
        (
            "requestChunkUploads",
            json!({ "sessionId": open, "chunks": [chunk] }),
            "uploads { url }",
        ),
        (
            "finishRecordingSession",
            json!({ "sessionId": open, "chunkCount": 1 }),
            "session { id }",
        ),
        (
            "updateRecordingSession",
            json!({ "sessionId": session, "title": "y" }),
            "session { id }",
        ),
        ("enqueueAnalysis", json!({ "sessionId": session }), "analysis { id }"),
        (
            "inviteMember",
            json!({ "email": "b@acme.test", "role": "OPERATOR" }),
            "token",
        ),
        ("createApiKey", json!({ "name": "x", "role": "OPERATOR" }), "secret"),
        ("updateOrganization", json!({ "name": "y" }), "organization { id }"),
        ("updateProfile", json!({ "firstName": "y" }), "member { id }"),
    ] {
        assert_eq!(
            owner.refused(mutation, input, selection).await,
            "SUBSCRIPTION_INACTIVE",
            "{mutation}"
        );
    }
    let seen = owner
        .sees("{ recordingSessions { totalCount } usage { recordings } auditLog { totalCount } }")
        .await;
    assert_eq!(
        (&seen["recordingSessions"]["totalCount"], &seen["usage"]["recordings"]),
        (&json!(2), &json!(2))
    );
    owner
        .must(
            "deleteRecordingSession",
            json!({ "sessionId": session }),
            "erasure { rows }",
        )
        .await;
    owner
        .must("withdrawConsent", json!({ "sessionId": open }), "erasure { rows }")
        .await;
    owner
        .must("deleteOrganization", json!({ "confirmName": "acme.test" }), "erasedAt")
        .await;
    assert_eq!(app.number("select count(*) from public.recording_sessions").await, 0);
}
