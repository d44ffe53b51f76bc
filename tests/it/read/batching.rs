//! However long the list, the same handful of statements.

use api::graphql::loader::ById;
use futures::FutureExt as _;
use serde_json::json;
use service::recording_session;
use service::row::Columns;
use sqlx::{Connection as _, PgConnection};
use tests::database::seeded;

use super::World;

/// Representative queries with the statements that each takes at any number of parents.
pub(super) const QUERIES: &[(&str, u64, &str)] = &[
    ("one session", 1, "{ recordingSession(id: \"aeeeeeee-0000-7000-8000-000000000021\") { id title status createdAt } }"),
    ("a list", 1, "{ recordingSessions(first: $n) { nodes { id title } pageInfo { hasNextPage endCursor } } }"),
    ("a list and its length", 2, "{ recordingSessions(first: $n) { nodes { id } totalCount } }"),
    ("the length alone", 1, "{ recordingSessions { totalCount } }"),
    (
        "the dashboard's list",
        4,
        "{ recordingSessions(first: $n, filter: { status: [COMPLETED] }) { nodes { id title status durationSeconds
             analysis { id status confidenceScore opportunities(first: 5) { nodes { id title estimatedCostSavingsMonthly { amount currency } roiPercentage } } costAnalysis { monthlySavings { amount } } } } } }",
    ),
    (
        "everything below a session",
        9,
        "{ recordingSessions(first: $n, filter: { status: [COMPLETED] }) { nodes { user { firstName } chunks { nodes { chunkIndex } totalCount }
             currentAnalysis { id } analyses { nodes { id } } opportunities(first: 2) { nodes { title } } insights { nodes { title } } playback { url } } } }",
    ),
    (
        "everything below an analysis",
        21,
        "{ analyses(first: $n, filter: { status: [COMPLETED] }) { nodes { session { title } attempts { number costUsd } disclosures { model } analysisCostUsd promptTokens rawGptResponse
             structuredInsights { steps { action } } opportunities { nodes { title frames { imageUrl } review { by { firstName } } } } costAnalysis { assumptions scenarios { adoption } assumptionsOutdated }
             visualizations { flowData } visualization(type: TIMELINE) { id } insights { nodes { evidence { startSeconds } } } frames { nodes { imageUrl } } reports { nodes { downloadUrl links { id } } } } } }",
    ),
    ("the frames of steps", 3, "{ analyses(first: $n, filter: { status: [COMPLETED] }) { nodes { structuredInsights { steps { frameIds } } } } }"),
    (
        "the best opportunities",
        3,
        "{ opportunities(first: $n, filter: { roiPercentage: { gt: \"300\" }, currentOnly: true }) { nodes { title roiPercentage session { title } analysis { confidenceScore } } } }",
    ),
    ("performance", 3, "{ organizationPerformance { workflowType annualCost { identified { amount } } } }"),
    ("the same thing twice", 2, "{ a: analyses(first: $n) { nodes { session { title } } } }"),
];

#[tokio::test]
async fn a_query_takes_the_same_statements_at_1_20_and_100_parents() {
    let world = World::new().await;
    let owner = world.owner().await;
    world.record(110).await;
    for (name, expected, query) in QUERIES {
        let mut taken = Vec::new();
        for parents in [1, 20, 100] {
            taken.push(
                world
                    .statements(&owner, &query.replace("$n", &parents.to_string()))
                    .await,
            );
        }
        assert_eq!(taken, [*expected; 3], "{name}: statements at 1, 20 and 100 parents");
    }
}

#[tokio::test]
async fn two_selections_of_one_thing_share_a_statement() {
    let world = World::new().await;
    let owner = world.owner().await;
    let query = "{ a: recordingSession(id: \"aeeeeeee-0000-7000-8000-000000000021\") { title } b: recordingSession(id: \"aeeeeeee-0000-7000-8000-000000000022\") { status } }";
    assert_eq!(world.statements(&owner, query).await, 1);
    assert_eq!(
        world.data(&owner, query).await,
        json!({ "a": { "title": "Order entry" }, "b": { "status": "RECORDING" } })
    );
}

#[tokio::test]
async fn nodes_take_one_statement_for_their_types_and_one_for_each() {
    let world = World::new().await;
    let owner = world.owner().await;
    let ids: Vec<String> = [21, 22, 31, 36, 999]
        .iter()
        .map(|thing| format!("\"{}\"", seeded('a', *thing)))
        .collect();
    let foreign = seeded('b', 21);
    let query = format!(
        "{{ nodes(ids: [{}, \"{foreign}\", \"nonsense\"]) {{ __typename id ... on RecordingSession {{ title }} ... on Analysis {{ stage }} }} }}",
        ids.join(", ")
    );
    assert_eq!(world.statements(&owner, &query).await, 4);
    let data = world.data(&owner, &query).await;
    assert_eq!(
        data["nodes"],
        json!([
            { "__typename": "RecordingSession", "id": seeded('a', 21), "title": "Order entry" },
            { "__typename": "RecordingSession", "id": seeded('a', 22), "title": "Customs" },
            { "__typename": "Analysis", "id": seeded('a', 31), "stage": "WAITING" },
            { "__typename": "AutomationOpportunity", "id": seeded('a', 36) },
            null, null, null
        ])
    );
}

#[tokio::test]
async fn whoever_is_dropped_takes_nobody_along() {
    let world = World::new().await;
    let request = api::graphql::Request::new(world.api.clone(), Some(world.owner().await));
    let read = request.read().unwrap();
    let key = |thing| ById::<recording_session::Table>::new(seeded('a', thing), Columns::NONE);
    let mut first = Box::pin(read.get(key(21)));
    let mut second = Box::pin(read.get(key(22)));
    // Nothing is answered before the lock is gone, however fast the database is.
    let mut holder = PgConnection::connect(&world.database.superuser_url()).await.unwrap();
    sqlx::raw_sql("begin; lock table public.recording_sessions in access exclusive mode")
        .execute(&mut holder)
        .await
        .unwrap();
    // Both say what they want; the first starts the batch and is dropped while it is under way.
    for _ in 0..3 {
        assert!(first.as_mut().now_or_never().is_none());
        assert!(second.as_mut().now_or_never().is_none());
        tokio::task::yield_now().await;
    }
    drop(first);
    holder.close().await.unwrap();
    assert_eq!(second.await.unwrap().unwrap().uuid().unwrap(), seeded('a', 22));
    // And what it asked for is there for the next one.
    assert_eq!(
        read.get(key(21)).await.unwrap().unwrap().uuid().unwrap(),
        seeded('a', 21)
    );
}

#[tokio::test]
async fn a_fault_fails_the_fields_of_its_snapshot_with_one_code_and_no_cause() {
    let world = World::new().await;
    let owner = world.owner().await;
    world
        .run("alter table public.video_chunks rename column retry_count to hidden")
        .await;
    let reply = world.ask(&owner, "{ recordingSessions { nodes { id chunks { nodes { retryCount } } } } again: recordingSessions { nodes { title analysis { id } } } }").await;
    let errors = reply["errors"].as_array().unwrap();
    assert!(!errors.is_empty());
    for error in errors {
        assert_eq!(
            (
                error["message"].as_str().unwrap(),
                error["extensions"]["code"].as_str().unwrap()
            ),
            ("internal error", "INTERNAL"),
            "{error}"
        );
    }
    assert!(!reply.to_string().contains("retry_count"), "{reply}");
    // The next operation has a snapshot of its own.
    assert_eq!(
        world.data(&owner, "{ viewer { role } }").await,
        json!({ "viewer": { "role": "OWNER" } })
    );
}
