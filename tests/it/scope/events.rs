//! The log of events: gapless, in the order of the commits, numbered a statement at a time, and silent about cascades.

use domain::role::Role;
use sea_orm::Value;
use sqlx::AssertSqlSafe;
use sqlx::postgres::PgPool;
use tests::database::{TestDatabase, seeded};

use super::{operator, person};

async fn kinds(pool: &PgPool, organization: char, since: i64) -> Vec<String> {
    sqlx::query_scalar(
        "select kind from public.organization_events where organization_id = $1 and sequence > $2 order by sequence",
    )
    .bind(seeded(organization, 1))
    .bind(since)
    .fetch_all(pool)
    .await
    .unwrap()
}

async fn last(pool: &PgPool, organization: char) -> i64 {
    sqlx::query_scalar("select coalesce(max(sequence), 0) from public.organization_events where organization_id = $1")
        .bind(seeded(organization, 1))
        .fetch_one(pool)
        .await
        .unwrap()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn events_are_numbered_without_gaps_in_the_order_of_the_commits() {
    const WRITERS: u64 = 8;
    const EACH: u64 = 25;
    let database = TestDatabase::with_two_organizations().await.unwrap();
    let pool = database.superuser().await.unwrap();
    let db = database.api().await.unwrap();
    let before = [last(&pool, 'a').await, last(&pool, 'b').await];
    let done = std::sync::Arc::new(std::sync::atomic::AtomicBool::new(false));
    // Whoever reads on from a position meets no gap and nothing that comes later with a lower number.
    let follower = tokio::spawn({
        let (pool, done, start) = (pool.clone(), done.clone(), before[0]);
        async move {
            let (mut position, mut reads) = (start, 0);
            loop {
                let finished = done.load(std::sync::atomic::Ordering::SeqCst);
                let news: Vec<i64> = sqlx::query_scalar("select sequence from private.events_after($1, $2, 1000)")
                    .bind(seeded('a', 1))
                    .bind(position)
                    .fetch_all(&pool)
                    .await
                    .unwrap();
                for sequence in news {
                    assert_eq!(sequence, position + 1, "a gap, or out of order");
                    position = sequence;
                }
                reads += 1;
                if finished {
                    return (position, reads);
                }
            }
        }
    });
    let writers = (0..WRITERS).map(|writer| {
        let db = db.clone();
        tokio::spawn(async move {
            let organization = if writer % 4 == 3 { 'b' } else { 'a' };
            let caller = person(organization, 11, Role::Owner);
            let mut events = 0;
            for turn in 0..EACH {
                let scope = db.scope(&caller).await.unwrap();
                // One or two statements of one to three rows: as many events as rows.
                let (statements, rows) = (1 + turn % 2, 1 + (turn + writer) % 3);
                for _ in 0..statements {
                    scope
                        .run(
                            "insert into public.recording_sessions (organization_id, user_id) select $1, $2 from generate_series(1, $3)",
                            [seeded(organization, 1).into(), seeded(organization, 11).into(), Value::from(i32::try_from(rows).unwrap())],
                        )
                        .await
                        .unwrap();
                }
                if (turn * 7 + writer * 3) % 10 < 3 {
                    drop(scope);
                } else {
                    scope.commit().await.unwrap();
                    events += statements * rows;
                }
            }
            (organization, i64::try_from(events).unwrap())
        })
    });
    let mut expected = before;
    for outcome in futures::future::join_all(writers).await {
        let (organization, events) = outcome.unwrap();
        expected[usize::from(organization == 'b')] += events;
    }
    done.store(true, std::sync::atomic::Ordering::SeqCst);
    let (position, reads) = follower.await.unwrap();
    assert_eq!([last(&pool, 'a').await, last(&pool, 'b').await], expected);
    assert_eq!(position, expected[0]);
    assert!(reads > 3, "{reads}");
    for organization in ['a', 'b'] {
        let counted: i64 =
            sqlx::query_scalar("select count(*) from public.organization_events where organization_id = $1")
                .bind(seeded(organization, 1))
                .fetch_one(&pool)
                .await
                .unwrap();
        assert_eq!(counted, last(&pool, organization).await, "gapless from 1");
    }
    let waiting: i64 = sqlx::query_scalar("select count(*) from private.pending_events")
        .fetch_one(&pool)
        .await
        .unwrap();
    assert_eq!(waiting, 0);
}

#[tokio::test]
async fn a_statements_events_are_numbered_in_one_insert() {
    let database = TestDatabase::with_two_organizations().await.unwrap();
    let pool = database.superuser().await.unwrap();
    let before = last(&pool, 'a').await;
    let mut transaction = pool.begin().await.unwrap();
    sqlx::query("insert into public.recording_sessions (organization_id) select $1 from generate_series(1, 2000)")
        .bind(seeded('a', 1))
        .execute(&mut *transaction)
        .await
        .unwrap();
    sqlx::query("set constraints all immediate")
        .execute(&mut *transaction)
        .await
        .unwrap();
    // Rows of the counter and of the log that this transaction has written.
    let written: Vec<(String, i64)> = sqlx::query_as(
        "select relname::text, n_tup_ins + n_tup_upd from pg_stat_xact_all_tables where relname in ('event_counters', 'organization_events') order by 1",
    )
    .fetch_all(&mut *transaction)
    .await
    .unwrap();
    assert_eq!(
        written,
        [
            ("event_counters".to_owned(), 1),
            ("organization_events".to_owned(), 2000)
        ]
    );
    transaction.commit().await.unwrap();
    assert_eq!(last(&pool, 'a').await, before + 2000);
}

#[tokio::test]
async fn a_deleted_session_is_one_event_and_a_deleted_organization_is_none() {
    let database = TestDatabase::with_two_organizations().await.unwrap();
    let pool = database.superuser().await.unwrap();
    let db = database.api().await.unwrap();
    let before = last(&pool, 'a').await;
    let scope = db.scope(&operator()).await.unwrap();
    assert_eq!(
        scope
            .run(
                "delete from public.recording_sessions where id = $1",
                [seeded('a', 21).into()]
            )
            .await
            .unwrap(),
        1
    );
    scope.commit().await.unwrap();
    assert_eq!(kinds(&pool, 'a', before).await, ["session_deleted"]);
    let left: i64 = sqlx::query_scalar(
        "select (select count(*) from public.video_chunks where session_id = $1) + (select count(*) from public.analysis_results where session_id = $1) + (select count(*) from public.generated_reports where session_id = $1)
              + (select count(*) from public.model_requests where session_id = $1) + (select count(*) from public.automation_opportunities where session_id = $1)",
    )
    .bind(seeded('a', 21))
    .fetch_one(&pool)
    .await
    .unwrap();
    assert_eq!(left, 0);

    // A person who leaves keeps his recordings in the organization, without the name.
    let before = last(&pool, 'a').await;
    sqlx::query("delete from auth.users where id = $1")
        .bind(seeded('a', 14))
        .execute(&pool)
        .await
        .unwrap();
    assert_eq!(kinds(&pool, 'a', before).await, ["member_changed"]);
    let nameless: bool = sqlx::query_scalar("select user_id is null from public.recording_sessions where id = $1")
        .bind(seeded('a', 22))
        .fetch_one(&pool)
        .await
        .unwrap();
    assert!(nameless);

    let others = last(&pool, 'b').await;
    sqlx::query("delete from public.organizations where id = $1")
        .bind(seeded('a', 1))
        .execute(&pool)
        .await
        .unwrap();
    for table in [
        "organization_events",
        "recording_sessions",
        "user_profiles",
        "analysis_results",
        "report_links",
        "api_keys",
    ] {
        let (own, foreign): (i64, i64) = sqlx::query_as(AssertSqlSafe(format!("select count(*) filter (where organization_id = $1), count(*) filter (where organization_id = $2) from public.{table}")))
            .bind(seeded('a', 1))
            .bind(seeded('b', 1))
            .fetch_one(&pool)
            .await
            .unwrap();
        assert!(own == 0 && foreign > 0, "{table}: {own} and {foreign}");
    }
    assert_eq!(last(&pool, 'b').await, others);
    // What must outlive it does.
    let outlives: i64 = sqlx::query_scalar("select (select count(*) from public.audit_log where organization_id = $1) + (select count(*) from public.erasure_receipts where organization_id = $1)").bind(seeded('a', 1)).fetch_one(&pool).await.unwrap();
    assert_eq!(outlives, 2);
    let waiting: i64 = sqlx::query_scalar("select count(*) from private.pending_events")
        .fetch_one(&pool)
        .await
        .unwrap();
    assert_eq!(waiting, 0);
}
