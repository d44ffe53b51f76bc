//! What the catalogue must say of every table, key, policy and function, so that a new one cannot forget it.

use std::collections::{BTreeMap, BTreeSet};

use domain::analysis_error::AnalysisErrorCode;
use domain::category::{ClassifiedBy, WorkflowCategory};
use domain::event::EventKind;
use domain::flow::{LayoutAlgorithm, VisualizationType};
use domain::insight::InsightType;
use domain::quota::{SubscriptionStatus, SubscriptionTier};
use domain::report::ReportType;
use domain::roi::{Complexity, ConfidenceLevel, EffortBasis, FrequencyBasis, Priority};
use domain::role::Role;
use domain::sampling::{Analyser, SamplingPreset};
use domain::status::{AnalysisStage, AnalysisStatus, OpportunityStatus, ReportStatus, SessionStatus, UploadStatus};
use migration::{Migrator, MigratorTrait as _};
use sea_orm::entity::prelude::*;
use sea_orm::Iterable as _;
use sqlx::postgres::PgPool;
use sqlx::AssertSqlSafe;
use tests::database::TestDatabase;

/// The first column of each row.
async fn texts(pool: &PgPool, sql: &str) -> Vec<String> {
    sqlx::query_scalar(AssertSqlSafe(sql)).fetch_all(pool).await.unwrap()
}

/// A question to the catalogue that must find nothing.
async fn none(pool: &PgPool, what: &str, sql: &str) {
    let found = texts(pool, sql).await;
    assert!(found.is_empty(), "{what}: {found:#?}");
}

#[tokio::test]
async fn every_table_is_dressed() {
    let pool = TestDatabase::create().await.unwrap().superuser().await.unwrap();
    let tables = texts(&pool, "select relname::text from pg_class where relnamespace = 'public'::regnamespace and relkind in ('r', 'p') order by 1").await;
    assert_eq!(tables.len(), 23, "a table more or less belongs into tenancy/mod.rs too: {tables:?}");
    none(&pool, "kinds of relation that no policy covers", "select relname::text from pg_class where relnamespace = 'public'::regnamespace and relkind in ('v', 'm', 'f', 'S')").await;
    none(&pool, "tables without row security", "select relname::text from pg_class where relnamespace = 'public'::regnamespace and relkind = 'r' and not relrowsecurity").await;
    // Forced, an owner without BYPASSRLS would break his own definer functions.
    none(&pool, "tables with forced row security", "select relname::text from pg_class where relnamespace in ('public'::regnamespace, 'private'::regnamespace) and relforcerowsecurity").await;
    none(
        &pool,
        "tables without organization_id",
        "select relname::text from pg_class c where relnamespace = 'public'::regnamespace and relkind = 'r' and relname <> 'organizations'
            and not exists (select from pg_attribute a where a.attrelid = c.oid and attname = 'organization_id' and attnotnull and atttypid = 'uuid'::regtype)",
    )
    .await;
    none(
        &pool,
        "tables without an index that leads with the organization",
        "select relname::text from pg_class c where relnamespace = 'public'::regnamespace and relkind = 'r' and relname <> 'organizations'
            and not exists (select from pg_index i join pg_attribute a on a.attrelid = c.oid and a.attnum = i.indkey[0] where i.indrelid = c.oid and attname = 'organization_id' and indpred is null)",
    )
    .await;
    none(
        &pool,
        "tables that do not say when a row was made",
        "select relname::text from pg_class c where relnamespace = 'public'::regnamespace and relkind = 'r'
            and not exists (select from pg_attribute a where a.attrelid = c.oid and attname in ('created_at', 'at') and attnotnull)",
    )
    .await;
    none(
        &pool,
        "an updated_at that nobody keeps",
        "select relname::text from pg_class c join pg_attribute a on a.attrelid = c.oid and attname = 'updated_at' where relnamespace = 'public'::regnamespace and relkind = 'r'
            and not exists (select from pg_trigger t join pg_proc p on p.oid = tgfoid where tgrelid = c.oid and proname = 'touch' and tgenabled = 'O')",
    )
    .await;
}

#[tokio::test]
async fn policies_and_grants_belong_together() {
    let pool = TestDatabase::create().await.unwrap().superuser().await.unwrap();
    let pairs = "from pg_class c, unnest(array['newsystem_member', 'newsystem_job', 'authenticated']) r (name), unnest(array['SELECT', 'INSERT', 'UPDATE', 'DELETE']) v (verb)
        where relnamespace = 'public'::regnamespace and relkind = 'r'";
    let granted = "(case verb when 'DELETE' then has_table_privilege(r.name, c.oid, verb) else has_any_column_privilege(r.name, c.oid, verb) end)";
    let policy = "exists (select from pg_policies p where p.schemaname = 'public' and p.tablename = c.relname and p.cmd = verb and r.name = any (p.roles) and p.permissive = 'PERMISSIVE')";
    none(&pool, "granted without a policy", &format!("select relname || ' ' || verb || ' ' || r.name {pairs} and {granted} and not {policy}")).await;
    none(&pool, "a policy without a grant", &format!("select relname || ' ' || verb || ' ' || r.name {pairs} and {policy} and not {granted}")).await;
    none(&pool, "a policy for all commands or for everyone", "select policyname::text from pg_policies where schemaname = 'public' and (cmd = 'ALL' or 'public' = any (roles) or 'anon' = any (roles))").await;
    none(
        &pool,
        "a policy that does not ask for the organization",
        "select policyname::text from pg_policies where schemaname = 'public' and permissive = 'PERMISSIVE' and coalesce(qual, with_check) !~ 'SELECT private\\.(organization_id|job_organization)\\(\\)'",
    )
    .await;
    none(
        &pool,
        "a helper that runs once for each row: wrap it in a sub-select",
        "select policyname::text from pg_policies, unnest(array[qual, with_check]) expression where schemaname = 'public'
            and regexp_replace(expression, '(SELECT|FROM|COALESCE\\(|, ?) ?private\\.\\w+\\(', '', 'g') ~ 'private\\.(?!is_object_of)\\w+\\('",
    )
    .await;
    none(&pool, "what Supabase's clients may do beside reading", "select relname || ' ' || verb from pg_class c, unnest(array['INSERT', 'UPDATE', 'DELETE', 'TRUNCATE', 'REFERENCES', 'TRIGGER']) v (verb)
        where relnamespace = 'public'::regnamespace and relkind = 'r' and (has_table_privilege('authenticated', c.oid, verb) or (verb not in ('DELETE', 'TRUNCATE', 'TRIGGER') and has_any_column_privilege('authenticated', c.oid, verb)))").await;
    none(&pool, "what nobody needs", "select relname || ' ' || verb || ' ' || r.name from pg_class c, unnest(array['newsystem_member', 'newsystem_job', 'newsystem_api', 'newsystem_worker', 'newsystem_queue']) r (name), unnest(array['TRUNCATE', 'REFERENCES', 'TRIGGER']) v (verb)
        where relnamespace in ('public'::regnamespace, 'private'::regnamespace) and relkind = 'r' and has_table_privilege(r.name, c.oid, verb)").await;
}

#[tokio::test]
async fn nothing_is_for_anon_or_everyone() {
    let pool = TestDatabase::create().await.unwrap().superuser().await.unwrap();
    none(
        &pool,
        "granted to PUBLIC, anon or service_role",
        "with ours as (select oid, nspname from pg_namespace where nspname in ('public', 'private', 'newsystem_migration')),
              held as (
                select 'table ' || c.oid::regclass as what, acl from pg_class c join ours on ours.oid = relnamespace, aclexplode(relacl) acl
                union all select 'column ' || attrelid::regclass || '.' || attname, acl from pg_attribute join pg_class c on c.oid = attrelid join ours on ours.oid = relnamespace, aclexplode(attacl) acl
                union all select 'function ' || p.oid::regprocedure, acl from pg_proc p join ours on ours.oid = pronamespace, aclexplode(coalesce(proacl, acldefault('f', proowner))) acl
                union all select 'schema ' || nspname, acl from pg_namespace n join ours using (oid, nspname), aclexplode(coalesce(nspacl, acldefault('n', nspowner))) acl where nspname <> 'public')
         select what || ': ' || (acl).privilege_type from held where (acl).grantee = 0 or (acl).grantee in ('anon'::regrole, 'service_role'::regrole)",
    )
    .await;
    none(&pool, "whoever may make things beside the owner", "select r.rolname || ' ' || n.nspname from pg_roles r, pg_namespace n where nspname in ('public', 'private', 'newsystem_migration')
        and rolname in ('newsystem_api', 'newsystem_worker', 'newsystem_member', 'newsystem_job', 'authenticated', 'anon', 'service_role') and has_schema_privilege(r.oid, n.oid, 'create')").await;
    none(&pool, "roles that may more than they must", "select rolname::text from pg_roles where rolname like 'newsystem\\_%' and rolname not in ('newsystem_owner')
        and (rolsuper or rolbypassrls or rolcreaterole or rolcreatedb or rolreplication or rolinherit or rolcanlogin <> (rolname in ('newsystem_api', 'newsystem_worker', 'newsystem_queue')))").await;
    assert_eq!(
        texts(&pool, "select m.member::regrole || ' in ' || m.roleid::regrole from pg_auth_members m where m.member::regrole::text like 'newsystem%' and m.member <> 'newsystem_owner'::regrole order by 1").await,
        ["newsystem_api in newsystem_member", "newsystem_worker in newsystem_job"]
    );
}

/// The System list: everything that works outside a tenant's scope.
#[tokio::test]
async fn the_functions_that_a_role_may_call_are_these() {
    const HELPERS: [&str; 18] = [
        "analysis_costs", "api_key_id", "attempt_costs", "can_erase", "can_write", "claims", "is_manager", "is_managing_person", "is_owner", "is_share", "is_workflow_category", "member_role", "organization_id",
        "own_sessions", "raw_replies", "session_people", "sessions_of", "user_id",
    ];
    let with = |more: &[&'static str]| -> BTreeSet<&'static str> { HELPERS.iter().chain(more).copied().collect() };
    let expected: BTreeMap<&str, BTreeSet<&str>> = BTreeMap::from([
        ("authenticated", with(&[])),
        ("newsystem_member", with(&["enqueue", "is_object_of", "lock_quota", "remove_member", "set_member_role"])),
        ("newsystem_job", BTreeSet::from(["enqueue", "is_object_of", "is_share", "is_workflow_category", "job", "job_analysis", "job_organization", "job_report", "job_session"])),
        (
            "newsystem_api",
            BTreeSet::from([
                "accept_invitation", "analysis_progress", "applied_migrations", "chunk_upload", "create_organization", "event_bounds", "event_positions", "events_after", "key_in", "open_report_link", "record_upload",
                "sign_in", "upload_progress",
            ]),
        ),
        (
            "newsystem_worker",
            BTreeSet::from([
                "abandoned_chunks", "applied_migrations", "apply_retention", "begin_analysis", "close_idle_session", "drop_abandoned_chunk", "due_object_deletions", "due_retention", "enqueue_stale", "fail_analysis",
                "forget_events", "hand_back_analysis", "idle_sessions", "job_state", "object_deleted", "renew_lease", "stale_analyses",
            ]),
        ),
        ("newsystem_queue", BTreeSet::from(["add_job", "enqueue", "enqueue_permission", "enqueue_stale", "job_state", "stale_permission"])),
        ("anon", BTreeSet::new()),
        ("service_role", BTreeSet::new()),
    ]);
    let pool = TestDatabase::create().await.unwrap().superuser().await.unwrap();
    for (role, names) in expected {
        let found = texts(&pool, &format!("select distinct proname::text from pg_proc where pronamespace = 'private'::regnamespace and has_function_privilege('{role}', oid, 'execute')")).await;
        let found: BTreeSet<&str> = found.iter().map(String::as_str).collect();
        assert_eq!(found, names, "{role}");
    }
    none(&pool, "functions of ours in an exposed schema", "select proname::text from pg_proc where pronamespace = 'public'::regnamespace").await;
    none(
        &pool,
        "functions whose names could be taken over by a search path",
        "select oid::regprocedure::text from pg_proc where pronamespace = 'private'::regnamespace and not coalesce('search_path=\"\"' = any (proconfig), false)",
    )
    .await;
    none(
        &pool,
        "definer functions that nobody chose as such: only these owners",
        "select oid::regprocedure::text from pg_proc where pronamespace = 'private'::regnamespace and prosecdef and proowner not in ('newsystem_owner'::regrole, 'newsystem_queue'::regrole)",
    )
    .await;
}

#[tokio::test]
async fn keys_and_policies_are_indexed_and_constraints_have_names() {
    let pool = TestDatabase::create().await.unwrap().superuser().await.unwrap();
    none(
        &pool,
        "foreign keys without an index that begins with their columns",
        "select conrelid::regclass || ' ' || conname from pg_constraint c where contype = 'f' and connamespace in ('public'::regnamespace, 'private'::regnamespace)
            and not exists (select from pg_index i where i.indrelid = conrelid and indpred is null
              and (select array_agg(k order by k) from unnest((i.indkey::int2[])[0:array_length(conkey, 1) - 1]) k) = (select array_agg(k order by k) from unnest(conkey) k))",
    )
    .await;
    none(
        &pool,
        "columns by which a policy chooses rows, without an index, the organization first",
        "select distinct p.tablename || '.' || a.attname from pg_policies p join pg_attribute a on a.attrelid = ('public.' || p.tablename)::regclass and a.attnum > 0
          where p.schemaname = 'public' and p.qual ~ ('(^|[ (])' || a.attname || ' (=|IN)')
            and not exists (select from pg_index i where i.indrelid = a.attrelid and indpred is null and (i.indkey[0] = a.attnum
              or (i.indkey[1] = a.attnum and i.indkey[0] = (select attnum from pg_attribute o where o.attrelid = a.attrelid and o.attname = 'organization_id'))))",
    )
    .await;
    none(
        &pool,
        "constraints that say nothing by their names",
        "select conrelid::regclass || ' ' || conname from pg_constraint where connamespace in ('public'::regnamespace, 'private'::regnamespace) and conrelid <> 0
            and ((contype = 'c' and conname ~ '_check\\d*$') or conname !~ ('^' || (select relname from pg_class where oid = conrelid) || '_'))",
    )
    .await;
    none(
        &pool,
        "foreign keys that could cross organizations",
        "select conrelid::regclass || ' ' || conname from pg_constraint c where contype = 'f' and connamespace = 'public'::regnamespace and confrelid not in ('public.organizations'::regclass, 'auth.users'::regclass)
            and not exists (select from unnest(conkey, confkey) k (here, there) join pg_attribute a on a.attrelid = conrelid and a.attnum = here join pg_attribute b on b.attrelid = confrelid and b.attnum = there
              where a.attname = 'organization_id' and b.attname = 'organization_id')",
    )
    .await;
    none(
        &pool,
        "foreign keys that would empty the organization",
        "select conname::text from pg_constraint where contype = 'f' and connamespace = 'public'::regnamespace and (confdeltype in ('a', 'r') or (confdeltype = 'n' and coalesce(array_length(confdelsetcols, 1), 0) <> 1))",
    )
    .await;
    // The seed's three.
    assert_eq!(
        texts(&pool, "select indexname::text from pg_indexes where schemaname = 'public' and indexname like 'idx\\_%' order by 1").await,
        ["idx_analysis_results_org_status", "idx_automation_opportunities_roi", "idx_recording_sessions_org_user"]
    );
}

/// The texts of a closed enumeration.
macro_rules! all {
    ($name:ty) => {
        <$name>::ALL.iter().map(|value| value.as_str()).collect::<Vec<&str>>()
    };
}

#[tokio::test]
async fn enumerations_are_those_of_the_domain() {
    let pool = TestDatabase::create().await.unwrap().superuser().await.unwrap();
    let locales = || vec!["en", "nl", "fr", "de"];
    let expected: BTreeMap<&str, Vec<&str>> = BTreeMap::from([
        ("organizations_subscription_tier", all!(SubscriptionTier)),
        ("organizations_subscription_status", all!(SubscriptionStatus)),
        ("organizations_locale", locales()),
        ("user_profiles_role", all!(Role)),
        ("invitations_role", all!(Role)),
        ("api_keys_role", all!(Role)),
        ("recording_notices_locale", locales()),
        ("recording_sessions_status", all!(SessionStatus)),
        ("recording_sessions_classified_by", all!(ClassifiedBy)),
        ("video_chunks_upload_status", all!(UploadStatus)),
        ("analysis_results_status", all!(AnalysisStatus)),
        ("analysis_results_stage", all!(AnalysisStage)),
        ("analysis_results_analyser", all!(Analyser)),
        ("analysis_results_preset", all!(SamplingPreset)),
        ("analysis_results_error_code", all!(AnalysisErrorCode)),
        ("analysis_attempts_error_code", all!(AnalysisErrorCode)),
        ("model_requests_state", vec!["reserved", "stored", "failed", "uncertain"]),
        ("automation_opportunities_basis", all!(FrequencyBasis)),
        ("automation_opportunities_complexity", all!(Complexity)),
        ("automation_opportunities_effort_basis", all!(EffortBasis)),
        ("automation_opportunities_priority", all!(Priority)),
        ("automation_opportunities_status", all!(OpportunityStatus)),
        ("workflow_insights_type", all!(InsightType)),
        ("workflow_insights_priority", all!(Priority)),
        ("workflow_visualizations_type", all!(VisualizationType)),
        ("workflow_visualizations_layout", all!(LayoutAlgorithm)),
        ("cost_analyses_confidence", all!(ConfidenceLevel)),
        ("generated_reports_type", all!(ReportType)),
        ("generated_reports_status", all!(ReportStatus)),
        ("generated_reports_locale", locales()),
        ("organization_events_kind", all!(EventKind)),
    ]);
    let checks = texts(
        &pool,
        "select conname || '|' || (select string_agg(m[1], ',') from regexp_matches(pg_get_constraintdef(oid), '''([^'']*)''::text', 'g') m) from pg_constraint
          where contype = 'c' and connamespace = 'public'::regnamespace and pg_get_constraintdef(oid) ~ 'CHECK \\(\\(\\w+ = ANY \\(ARRAY\\['",
    )
    .await;
    let found: BTreeMap<&str, BTreeSet<&str>> = checks
        .iter()
        .map(|check| check.split_once('|').unwrap())
        .map(|(name, values)| (name, values.split(',').collect()))
        .collect();
    let expected: BTreeMap<&str, BTreeSet<&str>> = expected.into_iter().map(|(name, values)| (name, values.into_iter().collect())).collect();
    assert_eq!(found, expected);
    // The categories are many, and in one function.
    for category in WorkflowCategory::ALL {
        let known: bool = sqlx::query_scalar("select private.is_workflow_category($1)").bind(category.as_str()).fetch_one(&pool).await.unwrap();
        assert!(known, "{category}");
    }
    let body: String = sqlx::query_scalar("select prosrc from pg_proc where proname = 'is_workflow_category'").fetch_one(&pool).await.unwrap();
    assert_eq!(body.matches('\'').count() / 2, WorkflowCategory::ALL.len(), "{body}");
    assert_eq!(
        texts(&pool, "select conname::text from pg_constraint where contype = 'c' and pg_get_constraintdef(oid) like '%is_workflow_category%' order by 1").await,
        ["automation_opportunities_type", "recording_sessions_workflow_type"]
    );
}

/// The columns of an entity, as the catalogue would say it.
fn columns<E: EntityTrait>(_: E) -> (String, BTreeMap<String, (String, bool)>) {
    let columns = E::Column::iter()
        .map(|column| {
            let definition = column.def();
            let kind = type_name(definition.get_column_type());
            (column.as_str().to_owned(), (kind, definition.is_null()))
        })
        .collect();
    (E::default().table_name().to_owned(), columns)
}

fn type_name(kind: &ColumnType) -> String {
    match kind {
        ColumnType::Uuid => "uuid".to_owned(),
        ColumnType::Text => "text".to_owned(),
        ColumnType::Boolean => "boolean".to_owned(),
        ColumnType::Integer => "integer".to_owned(),
        ColumnType::BigInteger => "bigint".to_owned(),
        ColumnType::Double => "double precision".to_owned(),
        ColumnType::Decimal(_) => "numeric".to_owned(),
        ColumnType::JsonBinary => "jsonb".to_owned(),
        ColumnType::TimestampWithTimeZone => "timestamp with time zone".to_owned(),
        // An array's element has no annotation of its own: a String is text.
        ColumnType::Array(of) if matches!(**of, ColumnType::String(_)) => "text[]".to_owned(),
        ColumnType::Array(of) => format!("{}[]", type_name(of)),
        other => format!("{other:?}"),
    }
}

#[tokio::test]
async fn entities_are_the_tables() {
    let pool = TestDatabase::create().await.unwrap().superuser().await.unwrap();
    macro_rules! entities {
        ($($module:ident)+) => { [$(columns(entity::$module::Entity)),+] };
    }
    let declared: BTreeMap<_, _> = entities!(
        analysis_attempt analysis_frame analysis_result api_key audit_entry automation_opportunity cost_analysis disclosure erasure_receipt generated_report idempotency_key invitation model_request
        object_deletion organization organization_event recording_notice recording_session report_link user_profile video_chunk workflow_insight workflow_visualization
    )
    .into_iter()
    .collect();
    let rows: Vec<(String, String, String, bool)> = sqlx::query_as(
        "select c.relname::text, attname::text, format_type(atttypid, null), not attnotnull from pg_attribute a join pg_class c on c.oid = attrelid
          where relnamespace = 'public'::regnamespace and relkind = 'r' and attnum > 0 and not attisdropped",
    )
    .fetch_all(&pool)
    .await
    .unwrap();
    let mut migrated: BTreeMap<String, BTreeMap<String, (String, bool)>> = BTreeMap::new();
    for (table, column, kind, nullable) in rows {
        migrated.entry(table).or_default().insert(column, (kind, nullable));
    }
    assert_eq!(declared.keys().collect::<Vec<_>>(), migrated.keys().collect::<Vec<_>>());
    for (table, columns) in &migrated {
        assert_eq!(&declared[table], columns, "{table}");
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
    assert_eq!(texts(&pool, "select oid::regclass::text from pg_class where relnamespace = 'public'::regnamespace").await, Vec::<String>::new());
    none(&pool, "schemas that stay", "select nspname::text from pg_namespace where nspname in ('private', 'auth')").await;
    none(&pool, "default privileges that stay", "select defaclacl::text from pg_default_acl").await;
    Migrator::up(&owner, None).await.unwrap();
    owner.close().await.unwrap();
    let again = texts(&pool, SNAPSHOT).await;
    let (first, again): (BTreeSet<_>, BTreeSet<_>) = (first.into_iter().collect(), again.into_iter().collect());
    assert_eq!(first.difference(&again).collect::<Vec<_>>(), Vec::<&String>::new(), "gone");
    assert_eq!(again.difference(&first).collect::<Vec<_>>(), Vec::<&String>::new(), "new");
}
