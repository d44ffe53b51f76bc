//! What the catalogue must say of every table, key, policy and function, so that a new one cannot forget it.

mod columns;
#[rustfmt::skip] // A question is a line.
mod questions;

use std::collections::{BTreeMap, BTreeSet};

use migration::{Migrator, MigratorTrait as _};
use sqlx::postgres::PgPool;
use sqlx::{AssertSqlSafe, Connection as _, PgConnection};
use tests::database::TestDatabase;

/// The first column of each row.
async fn texts(pool: &PgPool, sql: &str) -> Vec<String> {
    sqlx::query_scalar(AssertSqlSafe(sql)).fetch_all(pool).await.unwrap()
}

#[tokio::test]
async fn the_catalogue_offends_against_nothing() {
    let pool = TestDatabase::create().await.unwrap().superuser().await.unwrap();
    let mut offences = BTreeMap::new();
    for (what, sql) in questions::QUESTIONS {
        let found = texts(&pool, sql).await;
        if !found.is_empty() {
            offences.insert(what, found);
        }
    }
    assert!(offences.is_empty(), "{offences:#?}");
    let tables = texts(&pool, "select relname::text from pg_class where relnamespace = 'public'::regnamespace and relkind in ('r', 'p') order by 1").await;
    assert_eq!(
        tables.len(),
        25,
        "a table more or less belongs into tenancy/table.rs too: {tables:?}"
    );
    assert_eq!(
        texts(&pool, "select m.member::regrole || ' in ' || m.roleid::regrole from pg_auth_members m where m.member::regrole::text like 'newsystem%' and m.member <> 'newsystem_owner'::regrole order by 1").await,
        ["newsystem_api in newsystem_member", "newsystem_worker in newsystem_export", "newsystem_worker in newsystem_job"]
    );
    // The seed's three.
    assert_eq!(
        texts(
            &pool,
            "select indexname::text from pg_indexes where schemaname = 'public' and indexname like 'idx\\_%' order by 1"
        )
        .await,
        [
            "idx_analysis_results_org_status",
            "idx_automation_opportunities_roi",
            "idx_recording_sessions_org_user"
        ]
    );
}

#[tokio::test]
async fn every_question_finds_a_careless_migration() {
    let database = TestDatabase::create().await.unwrap();
    let mut connection = PgConnection::connect(&database.superuser_url()).await.unwrap();
    // Roles are the cluster's: nothing of this is kept.
    let mut transaction = connection.begin().await.unwrap();
    sqlx::raw_sql(questions::CARELESS)
        .execute(&mut *transaction)
        .await
        .unwrap();
    let mut blind = Vec::new();
    for (what, sql) in questions::QUESTIONS {
        let found: Vec<String> = sqlx::query_scalar(sql).fetch_all(&mut *transaction).await.unwrap();
        if found.is_empty() {
            blind.push(what);
        }
    }
    transaction.rollback().await.unwrap();
    assert!(blind.is_empty(), "questions that find nothing: {blind:#?}");
}

/// The System list: everything that works outside a tenant's scope.
#[tokio::test]
async fn the_functions_that_a_role_may_call_are_these() {
    const HELPERS: [&str; 20] = [
        "analysis_costs",
        "api_key_id",
        "attempt_costs",
        "can_erase",
        "can_write",
        "claims",
        "is_analysis_error_code",
        "is_analysis_stage",
        "is_manager",
        "is_managing_person",
        "is_owner",
        "is_share",
        "is_workflow_category",
        "member_role",
        "organization_id",
        "own_sessions",
        "raw_replies",
        "session_people",
        "sessions_of",
        "user_id",
    ];
    let with = |more: &[&'static str]| -> BTreeSet<&'static str> { HELPERS.iter().chain(more).copied().collect() };
    let expected: BTreeMap<&str, BTreeSet<&str>> = BTreeMap::from([
        ("authenticated", with(&[])),
        ("newsystem_export", {
            let mut reading = with(&["export_claims"]);
            for check in [
                "is_analysis_error_code",
                "is_analysis_stage",
                "is_share",
                "is_workflow_category",
            ] {
                reading.remove(check);
            }
            reading
        }),
        (
            "newsystem_member",
            with(&[
                "enqueue",
                "is_object_of",
                "lock_quota",
                "recorded_people",
                "remove_member",
                "request_recalculation",
                "set_member_role",
            ]),
        ),
        (
            "newsystem_job",
            BTreeSet::from([
                "enqueue",
                "export_claims",
                "is_analysis_error_code",
                "is_analysis_stage",
                "is_object_of",
                "is_share",
                "is_workflow_category",
                "job",
                "job_analysis",
                "job_organization",
                "job_recalculation",
                "job_report",
                "job_session",
                "remote_analysis_stopped",
            ]),
        ),
        (
            "newsystem_api",
            BTreeSet::from([
                "accept_invitation",
                "analysis_progress",
                "applied_migrations",
                "callers_now",
                "chunk_upload",
                "create_organization",
                "event_bounds",
                "event_positions",
                "events_after",
                "key_in",
                "open_report_link",
                "record_upload",
                "sign_in",
                "upload_progress",
            ]),
        ),
        (
            "newsystem_worker",
            BTreeSet::from([
                "abandoned_chunks",
                "applied_migrations",
                "apply_retention",
                "begin_analysis",
                "begin_export",
                "begin_recalculation",
                "close_idle_session",
                "drop_abandoned_chunk",
                "due_erasures",
                "due_object_deletions",
                "due_retention",
                "end_export",
                "enqueue_stale",
                "erase_organization",
                "fail_analysis",
                "fail_export",
                "fail_recalculation",
                "forget_events",
                "forget_exports",
                "hand_back_analysis",
                "idle_sessions",
                "job_state",
                "object_deleted",
                "renew_export",
                "renew_lease",
                "stale_analyses",
                "stale_exports",
                "stale_recalculations",
            ]),
        ),
        (
            "newsystem_queue",
            BTreeSet::from([
                "add_job",
                "enqueue",
                "enqueue_permission",
                "enqueue_stale",
                "job_state",
                "stale_permission",
            ]),
        ),
        ("anon", BTreeSet::new()),
        ("service_role", BTreeSet::new()),
    ]);
    let pool = TestDatabase::create().await.unwrap().superuser().await.unwrap();
    for (role, names) in expected {
        let found = texts(&pool, &format!("select distinct proname::text from pg_proc where pronamespace = 'private'::regnamespace and has_function_privilege('{role}', oid, 'execute')")).await;
        let found: BTreeSet<&str> = found.iter().map(String::as_str).collect();
        assert_eq!(found, names, "{role}");
    }
}

/// Everything that the migrations make, as lines.
pub const SNAPSHOT: &str = "
with ours as (select oid, nspname from pg_namespace where nspname in ('public', 'private'))
select line from (
  select 'schema ' || nspname || ' ' || coalesce(nspacl::text, '') from pg_namespace where nspname not like 'pg\\_%' and nspname not in ('information_schema', 'graphile_worker')
  union all select 'table ' || c.oid::regclass || ' ' || relrowsecurity || ' ' || coalesce(reloptions::text, '') || ' ' || coalesce((select string_agg(acl::text, ' ' order by acl::text) from unnest(relacl) acl), '') from pg_class c join ours on ours.oid = relnamespace where relkind = 'r'
  union all select 'column ' || attrelid::regclass || '.' || attname || ' ' || format_type(atttypid, atttypmod) || ' ' || attnotnull || ' ' || attidentity::text || ' ' || coalesce(pg_get_expr(adbin, adrelid), '') || ' '
      || coalesce((select string_agg(acl::text, ' ' order by acl::text) from unnest(attacl) acl), '')
    from pg_attribute join pg_class c on c.oid = attrelid join ours on ours.oid = relnamespace left join pg_attrdef on adrelid = attrelid and adnum = attnum where attnum > 0 and relkind = 'r'
  union all select 'constraint ' || conrelid::regclass || ' ' || conname || ' ' || pg_get_constraintdef(c.oid) from pg_constraint c join ours on ours.oid = connamespace where contype <> 'n'
  union all select 'index ' || indexdef from pg_indexes where schemaname in ('public', 'private')
  union all select 'trigger ' || pg_get_triggerdef(t.oid) from pg_trigger t join pg_class c on c.oid = tgrelid join ours on ours.oid = relnamespace where not tgisinternal
  union all select 'policy ' || tablename || ' ' || policyname || ' ' || permissive || ' ' || roles::text || ' ' || cmd || ' ' || coalesce(qual, '') || ' ' || coalesce(with_check, '') from pg_policies where schemaname in ('public', 'private')
  union all select 'function ' || pg_get_functiondef(p.oid) || ' ' || proowner::regrole || ' ' || coalesce((select string_agg(acl::text, ' ' order by acl::text) from unnest(proacl) acl), '') from pg_proc p join ours on ours.oid = pronamespace
  union all select 'default ' || defaclrole::regrole || ' ' || coalesce(defaclnamespace::regnamespace::text, '') || ' ' || defaclobjtype::text || ' ' || defaclacl::text from pg_default_acl
) s (line) order by line";

#[tokio::test]
async fn steps_down_and_up_again_leave_the_same() {
    let database = TestDatabase::create().await.unwrap();
    let pool = database.superuser().await.unwrap();
    let first = texts(&pool, SNAPSHOT).await;
    assert!(first.len() > 700, "{}", first.len());
    let owner = migration::connect(&database.url(tests::database::OWNER)).await.unwrap();
    Migrator::down(&owner, None).await.unwrap();
    assert_eq!(
        texts(
            &pool,
            "select oid::regclass::text from pg_class where relnamespace = 'public'::regnamespace"
        )
        .await,
        Vec::<String>::new()
    );
    assert_eq!(
        texts(
            &pool,
            "select nspname::text from pg_namespace where nspname in ('private', 'auth')"
        )
        .await,
        Vec::<String>::new(),
        "schemas that stay"
    );
    assert_eq!(
        texts(&pool, "select defaclacl::text from pg_default_acl").await,
        Vec::<String>::new(),
        "default privileges that stay"
    );
    Migrator::up(&owner, None).await.unwrap();
    owner.close().await.unwrap();
    let again = texts(&pool, SNAPSHOT).await;
    let (first, again): (BTreeSet<_>, BTreeSet<_>) = (first.into_iter().collect(), again.into_iter().collect());
    assert_eq!(
        first.difference(&again).collect::<Vec<_>>(),
        Vec::<&String>::new(),
        "gone"
    );
    assert_eq!(
        again.difference(&first).collect::<Vec<_>>(),
        Vec::<&String>::new(),
        "new"
    );
}
