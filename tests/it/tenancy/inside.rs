//! Who may do what inside an organization, case by case: who is refused and by what, and who is let through.

use super::stage::{
    Actor, ADMIN, CLIENT, COST_JOB, EXPORT_JOB, FOREIGN_OWNER, JOB, Login, NOBODY, OPERATOR, OWNER, Outcome, READER, REPORT_JOB, Stage, WRITER, ids,
};

/// What must be taken away for an attack to succeed, in SQL of the superuser; `open NAME…` opens policies.
async fn relaxed(stage: &mut Stage, relax: &str) -> String {
    match relax.strip_prefix("open ") {
        Some(rest) => {
            let (policies, more) = rest.split_once(';').unwrap_or((rest, ""));
            stage.open(policies).await + more
        }
        None => relax.to_owned(),
    }
}

fn nothing(outcome: &Outcome) -> bool {
    *outcome == Outcome::Rows(0)
}

fn no_right(outcome: &Outcome) -> bool {
    outcome.code() == "42501"
}

const ANY_MANAGER: &str = "create or replace function private.is_manager() returns boolean language sql stable as 'select true'";
const ANY_OWNER: &str = "create or replace function private.is_owner() returns boolean language sql stable as 'select true'";
const EVERYBODY_GLOBEX: &str = "create or replace function private.organization_id() returns uuid language sql stable as 'select ''beeeeeee-0000-7000-8000-000000000001''::uuid'";

type Refusal = (Actor, &'static str, fn(&Outcome) -> bool, &'static str);

async fn all(refusals: &[Refusal], permissions: &[(&[Actor], &str)]) {
    let mut stage = Stage::set().await;
    for (actor, sql, expected, relax) in refusals {
        let relax = relaxed(&mut stage, relax).await;
        stage.refuses(actor, sql, *expected, &relax).await;
    }
    for (actors, sql) in permissions {
        for actor in *actors {
            stage.allows(actor, sql).await;
        }
    }
    let cases = refusals.len() + permissions.iter().map(|(actors, _)| actors.len()).sum::<usize>();
    stage.judge(u32::try_from(cases).unwrap());
}

#[tokio::test]
async fn an_operator_writes_his_own_recordings_and_nobody_elses() {
    const CHUNK: &str = "insert into public.video_chunks (session_id, organization_id, chunk_index, file_size_bytes) values ({a22}, {a1}, 5, 10)";
    const OWN_CHUNK: &str = "insert into public.video_chunks (session_id, organization_id, chunk_index, file_size_bytes, file_path) values ({a21}, {a1}, 5, 10, 'organizations/' || {a1} || '/recordings/x')";
    const TAKEN: &str = "insert into public.video_chunks (session_id, organization_id, chunk_index, file_size_bytes, file_path) values ({a21}, {a1}, 5, 10, 'organizations/' || {b1} || '/recordings/x')";
    const ANALYSIS: &str = "insert into public.analysis_results (session_id, organization_id, requested_by) values ({a22}, {a1}, {a13})";
    const BY_NAME: &str = "insert into public.recording_sessions (organization_id, user_id) values ({a1}, {a14})";
    all(
        &[
            (OPERATOR, "update public.recording_sessions set title = 'x' where id = {a22}", nothing, "open recording_sessions_write"),
            (OPERATOR, "delete from public.recording_sessions where id = {a22}", nothing, "open recording_sessions_remove"),
            (OPERATOR, BY_NAME, no_right, "open recording_sessions_add"),
            (WRITER, "insert into public.recording_sessions (organization_id, user_id) values ({a1}, {a13})", no_right, "open recording_sessions_add"),
            (OPERATOR, CHUNK, no_right, "open video_chunks_add"),
            (WRITER, CHUNK, no_right, "open video_chunks_add"),
            (OPERATOR, "update public.video_chunks set upload_status = 'failed' where session_id = {a22}", nothing, "open video_chunks_write"),
            (OWNER, TAKEN, no_right, "open video_chunks_add"),
            (OWNER, "update public.video_chunks set file_path = 'organizations/' || {b1} || '/recordings/x'", no_right, "open video_chunks_write"),
            (OWNER, "update public.video_chunks set file_path = 'organizations/' || {a1} || '/../' || {b1}", no_right, "open video_chunks_write"),
            (OPERATOR, ANALYSIS, no_right, "open analysis_results_add"),
            (OPERATOR, "update public.analysis_results set cancel_requested_at = now() where id = {a52}", nothing, "open analysis_results_write"),
            (OPERATOR, "delete from public.generated_reports where id = {a44}", nothing, "open generated_reports_remove"),
            (OPERATOR, "insert into public.object_deletions (organization_id, object_key) values ({a1}, 'organizations/' || {b1} || '/recordings/x')", no_right, "open object_deletions_add"),
            (OWNER, "insert into public.object_deletions (organization_id, object_key, is_prefix) values ({a1}, 'organizations', true)", no_right, "open object_deletions_add"),
            (JOB, "insert into public.object_deletions (organization_id, object_key) values ({a1}, 'organizations/' || {b1} || '/recordings/x')", no_right, "open object_deletions_job_add"),
        ],
        &[
            (&[OPERATOR, ADMIN, OWNER], "update public.recording_sessions set title = 'x' where id = {a21}"),
            (&[ADMIN, OWNER], "update public.recording_sessions set title = 'x' where id = {a22}"),
            (&[OPERATOR, ADMIN, OWNER], "delete from public.recording_sessions where id = {a21}"),
            (&[ADMIN, OWNER], "delete from public.recording_sessions where id = {a22}"),
            (&[OPERATOR, ADMIN, OWNER], OWN_CHUNK),
            (&[WRITER], "insert into public.recording_sessions (organization_id, api_key_id) values ({a1}, {a17})"),
            (&[OPERATOR], "insert into public.recording_sessions (organization_id, user_id) values ({a1}, {a13})"),
            (&[OPERATOR, ADMIN, OWNER], "update public.analysis_results set cancel_requested_at = now() where id = {a31}"),
            (&[OPERATOR, ADMIN, OWNER], "select 1 from public.recording_sessions where id = {a22}"),
            (&[OPERATOR, ADMIN, OWNER], "insert into public.object_deletions (organization_id, object_key, is_prefix) values ({a1}, 'organizations/' || {a1} || '/recordings/' || {a21}, true)"),
        ],
    )
    .await;
}

#[tokio::test]
async fn money_and_budgets_belong_to_those_who_answer_for_them() {
    const BUDGET: &str = "update public.organizations set model_budget_monthly_usd = 99999";
    const GUARDED: &str = "drop trigger organizations_guard on public.organizations";
    const COST: &str = "insert into public.cost_analyses (analysis_id, session_id, organization_id, currency, assumptions) values ({a31}, {a21}, {a1}, 'EUR', '{}')";
    const SAVINGS: &str = "update public.analysis_results set cost_savings_annual = 1000000, currency = 'EUR' where id = {a31}";
    const HIDDEN_SAVINGS: &str =
        "update public.analysis_results set cost_savings_annual = 1000000, currency = 'EUR', status = 'failed', error_code = 'cancelled' where id = {a31}";
    const OPPORTUNITY: &str = "update public.automation_opportunities set estimated_cost_savings_monthly = 1000000";
    all(
        &[
            (ADMIN, BUDGET, no_right, GUARDED),
            (ADMIN, "update public.organizations set model_budget_per_analysis_usd = 99", no_right, GUARDED),
            (ADMIN, "update public.organizations set remote_analysis_allowed = true", no_right, GUARDED),
            (ADMIN, "update public.organizations set retention_video_days = 3000", no_right, GUARDED),
            (ADMIN, "update public.organizations set deletion_requested_at = now()", no_right, GUARDED),
            (ADMIN, "update public.organizations set currency = 'USD'", |outcome| matches!(outcome.code(), "42501" | "23514"), "drop trigger organizations_guard on public.organizations; drop trigger organizations_currency_guard on public.organizations"),
            (OWNER, "update public.organizations set currency = 'USD'", |outcome| outcome.code() == "23514", "drop trigger organizations_currency_guard on public.organizations"),
            (OPERATOR, "update public.organizations set name = 'mine'", nothing, "open organizations_write"),
            (OPERATOR, BUDGET, nothing, "open organizations_write; drop trigger organizations_guard on public.organizations"),
            (READER, BUDGET, nothing, "open organizations_write; drop trigger organizations_guard on public.organizations"),
            (OWNER, "update public.organizations set subscription_tier = 'enterprise'", no_right, "grant update (subscription_tier) on public.organizations to newsystem_member"),
            (OWNER, "update public.organizations set subscription_status = 'active', max_users = 1000000", no_right, "grant update (subscription_status, max_users) on public.organizations to newsystem_member"),
            (OPERATOR, SAVINGS, no_right, "drop trigger analysis_results_guard on public.analysis_results"),
            (OPERATOR, HIDDEN_SAVINGS, no_right, "drop trigger analysis_results_guard on public.analysis_results"),
            (OPERATOR, OPPORTUNITY, nothing, "open automation_opportunities_write"),
            (WRITER, OPPORTUNITY, nothing, "open automation_opportunities_write"),
            (READER, OPPORTUNITY, nothing, "open automation_opportunities_write"),
            (OPERATOR, COST, no_right, "open cost_analyses_add"),
            (OPERATOR, "update public.workflow_insights set priority = 'high'", nothing, "open workflow_insights_write"),
            (OWNER, "update public.workflow_insights set title = 'x'", no_right, "grant update (title) on public.workflow_insights to newsystem_member"),
            (JOB, "delete from public.disclosures where id = {a34}", nothing, "open disclosures_job_withdraw"),
            (OPERATOR, "select 1 from public.model_requests", nothing, "open model_requests_read"),
            (OPERATOR, "select 1 from private.analysis_costs(array[{a31}]::uuid[])", nothing, ANY_MANAGER),
            (OPERATOR, "select 1 from private.attempt_costs(array[{a32}]::uuid[])", nothing, ANY_MANAGER),
            (OWNER, "select 1 from private.analysis_costs(array[{b31}]::uuid[])", nothing, EVERYBODY_GLOBEX),
            (OWNER, "select 1 from private.attempt_costs(array[{b32}]::uuid[])", nothing, EVERYBODY_GLOBEX),
            (JOB, BUDGET, no_right, "grant update on public.organizations to newsystem_job; create policy relaxed on public.organizations for update to newsystem_job using (true)"),
        ],
        &[
            (&[OWNER], BUDGET),
            (&[ADMIN, OWNER], "update public.organizations set name = 'acme bv', locale = 'nl'"),
            (&[ADMIN, OWNER], OPPORTUNITY),
            (&[ADMIN, OWNER], COST),
            (&[ADMIN, OWNER], "update public.workflow_insights set roi_score = 1, priority = 'high'"),
            (&[ADMIN, OWNER], SAVINGS),
            (&[ADMIN, OWNER, READER], "select 1 from public.model_requests"),
            (&[ADMIN, OWNER, READER, CLIENT], "select 1 from private.analysis_costs(array[{a31}]::uuid[]) where analysis_cost = 0.5"),
            (&[JOB], "update public.analysis_results set cost_savings_annual = 7, currency = 'EUR', status = 'completed', is_current = true, lease_token = null where id = {a31}"),
        ],
    )
    .await;
}

#[tokio::test]
async fn what_shows_a_person_is_for_the_person_and_those_who_answer() {
    const RAW: &str = "select 1 from private.raw_replies(array[{a52}]::uuid[])";
    const PEOPLE: &str = "select 1 from private.session_people(array[{a22}]::uuid[])";
    all(
        &[
            (OPERATOR, RAW, nothing, ANY_MANAGER),
            (OWNER, "select 1 from private.raw_replies(array[{b31}]::uuid[])", nothing, EVERYBODY_GLOBEX),
            (OPERATOR, PEOPLE, nothing, ANY_MANAGER),
            (OWNER, "select 1 from private.session_people(array[{b21}]::uuid[])", nothing, EVERYBODY_GLOBEX),
            (OPERATOR, "select 1 from private.sessions_of({a14})", nothing, ANY_MANAGER),
            (OWNER, "select 1 from private.sessions_of({b13})", nothing, EVERYBODY_GLOBEX),
            (WRITER, "select 1 from public.analysis_frames", nothing, "open analysis_frames_read"),
            (Actor { says: r#"{"sub":"{a14}","role":"authenticated"}"#, ..OPERATOR }, "select 1 from public.analysis_frames", nothing, "open analysis_frames_read"),
            (OPERATOR, "select 1 from public.audit_log where id = {a19}", nothing, "open audit_log_read"),
            (OPERATOR, "select 1 from public.erasure_receipts", nothing, "open erasure_receipts_read"),
            (OPERATOR, "select 1 from public.invitations", nothing, "open invitations_read"),
            (OPERATOR, "select 1 from public.api_keys", nothing, "open api_keys_read"),
            (ADMIN, "select 1 from public.api_keys", nothing, "open api_keys_read"),
            (WRITER, "select 1 from public.api_keys where id <> {a17}", nothing, "open api_keys_read"),
            (OPERATOR, "select 1 from public.report_links", nothing, "open report_links_read"),
            (ADMIN, "select 1 from public.idempotency_keys", nothing, "open idempotency_keys_read"),
        ],
        &[
            (&[OPERATOR, ADMIN, OWNER, READER, CLIENT], "select 1 from private.raw_replies(array[{a51}]::uuid[])"),
            (&[ADMIN, OWNER], RAW),
            (&[OPERATOR, ADMIN, OWNER, CLIENT], "select 1 from private.session_people(array[{a21}]::uuid[])"),
            (&[ADMIN, OWNER, READER], PEOPLE),
            (&[OPERATOR, ADMIN, OWNER], "select 1 from private.sessions_of({a13})"),
            (&[OPERATOR, ADMIN, OWNER, READER, CLIENT], "select 1 from public.analysis_frames"),
            (&[ADMIN, OWNER], "select 1 from public.audit_log where id = {a19}"),
            (&[ADMIN, OWNER], "select 1 from public.invitations"),
            (&[OWNER, WRITER], "select 1 from public.api_keys where id = {a17}"),
        ],
    )
    .await;
}

#[tokio::test]
async fn nobody_promotes_himself_and_only_owners_manage_access() {
    const SELF: &str = "update public.user_profiles set role = 'owner' where id = {a13}";
    const INVITE: &str = "insert into public.invitations (organization_id, email, role, token_sha256, invited_by, expires_at) values ({a1}, 'x@test', 'operator', 'fresh', {a12}, now() + interval '1 day')";
    const INVITE_OWNER: &str = "insert into public.invitations (organization_id, email, role, token_sha256, invited_by, expires_at) values ({a1}, 'x@test', 'owner', 'fresh', {a12}, now() + interval '1 day')";
    const KEY: &str = "insert into public.api_keys (organization_id, name, role, read_only, prefix, secret_sha256, created_by) values ({a1}, 'k', 'owner', false, 'p', 'fresh', {a12})";
    const OWN_KEY: &str = "insert into public.api_keys (organization_id, name, role, read_only, prefix, secret_sha256, created_by) values ({a1}, 'k', 'admin', false, 'p', 'fresh', {a11})";
    const LINK: &str = "insert into public.report_links (organization_id, report_id, token_sha256, created_by, expires_at) values ({a1}, {a41}, 'fresh', {a13}, now() + interval '1 day')";
    const OWNERS_LINK: &str = "insert into public.report_links (organization_id, report_id, token_sha256, created_by, expires_at) values ({a1}, {a41}, 'fresh', {a11}, now() + interval '1 day')";
    const NOTICE: &str = "insert into public.recording_notices (organization_id, version, locale, text, created_by) values ({a1}, '2', 'en', 'x', {a12})";
    const REOPEN: &str = "update public.report_links set revoked_at = null where id = {a64}";
    all(
        &[
            (OPERATOR, SELF, no_right, "grant update (role) on public.user_profiles to newsystem_member"),
            (ADMIN, "update public.user_profiles set role = 'owner' where id = {a12}", no_right, "grant update (role) on public.user_profiles to newsystem_member"),
            (OPERATOR, "update public.user_profiles set organization_id = {b1} where id = {a13}", no_right,
                "open user_profiles_read user_profiles_write; grant update (organization_id) on public.user_profiles to newsystem_member; alter table public.user_profiles disable trigger all"),
            (OWNER, "update public.user_profiles set first_name = 'x' where id = {a12}", nothing, "open user_profiles_write"),
            (OPERATOR, "insert into public.user_profiles (id, organization_id, role) values ({a70}, {a1}, 'operator')", no_right,
                "grant insert on public.user_profiles to newsystem_member; create policy relaxed on public.user_profiles for insert to newsystem_member with check (true)"),
            (NOBODY, "insert into public.user_profiles (id, organization_id, role) values ({a70}, {b1}, 'owner')", no_right,
                "grant insert on public.user_profiles to newsystem_member; create policy relaxed on public.user_profiles for insert to newsystem_member with check (true)"),
            (OWNER, "delete from public.user_profiles where id = {a12}", no_right,
                "grant delete on public.user_profiles to newsystem_member; create policy relaxed on public.user_profiles for delete to newsystem_member using (true)"),
            (OPERATOR, INVITE, no_right, "open invitations_add"),
            (ADMIN, INVITE_OWNER, no_right, "open invitations_add"),
            (OWNER, INVITE, no_right, "open invitations_add"),
            (READER, INVITE, no_right, "open invitations_add"),
            (WRITER, INVITE, no_right, "open invitations_add"),
            (OPERATOR, "update public.invitations set revoked_at = now() where id = {a15}", nothing, "open invitations_read invitations_write"),
            (ADMIN, "update public.invitations set revoked_at = null where id = {a61}", no_right, "open invitations_write"),
            (ADMIN, KEY, no_right, "open api_keys_add"),
            (OWNER, KEY, no_right, "open api_keys_add"),
            (WRITER, KEY, no_right, "open api_keys_add"),
            (ADMIN, "update public.api_keys set revoked_at = now() where id = {a17}", nothing, "open api_keys_read api_keys_write"),
            (WRITER, "update public.api_keys set revoked_at = now() where id = {a17}", nothing, "open api_keys_write"),
            (OWNER, "update public.api_keys set revoked_at = null where id = {a62}", no_right, "open api_keys_write"),
            (OPERATOR, LINK, no_right, "open report_links_add"),
            (ADMIN, OWNERS_LINK, no_right, "open report_links_add"),
            (READER, REOPEN, nothing, "open report_links_write"),
            (OWNER, REOPEN, no_right, "open report_links_write"),
            (OPERATOR, "update public.generated_reports set is_public = true where id = {a43}", nothing, "open generated_reports_write"),
            (ADMIN, NOTICE, no_right, "open recording_notices_add"),
            (OWNER, NOTICE, no_right, "open recording_notices_add"),
            (OWNER, "insert into public.audit_log (organization_id, actor_user_id, action, subject_type) values ({a1}, {a12}, 'x', 'y')", no_right, "open audit_log_add"),
            (OWNER, "insert into public.audit_log (organization_id, actor_user_id, actor_system, action, subject_type) values ({a1}, {a11}, 'worker', 'x', 'y')", no_right, "open audit_log_add"),
            (JOB, "insert into public.audit_log (organization_id, actor_user_id, actor_system, action, subject_type) values ({a1}, {a11}, 'worker', 'x', 'y')", no_right, "open audit_log_job_add"),
            (OWNER, "delete from public.audit_log", no_right, "grant delete on public.audit_log to newsystem_member; create policy relaxed on public.audit_log for delete to newsystem_member using (true)"),
            (OWNER, "update public.audit_log set action = 'nothing'", no_right, "grant update on public.audit_log to newsystem_member; create policy relaxed on public.audit_log for update to newsystem_member using (true)"),
            (OPERATOR, "insert into public.erasure_receipts (organization_id, subject_type, subject_id, reason, requested_by, erased_rows, erased_objects, erased_bytes) values ({a1}, 'x', {a21}, 'x', {a14}, 1, 1, 1)", no_right, "open erasure_receipts_add"),
            (OPERATOR, "insert into public.idempotency_keys (organization_id, actor_id, operation, key, request_sha256, subject_id) values ({a1}, {a14}, 'x', 'k', 'x', {a1})", no_right, "open idempotency_keys_add"),
            (ADMIN, "update public.idempotency_keys set request_sha256 = 'x'", nothing, "open idempotency_keys_read idempotency_keys_write"),
        ],
        &[
            (&[OPERATOR], "update public.user_profiles set first_name = 'x' where id = {a13}"),
            (&[ADMIN], INVITE),
            (&[OWNER], OWN_KEY),
            (&[OWNER], "insert into public.invitations (organization_id, email, role, token_sha256, invited_by, expires_at) values ({a1}, 'x@test', 'owner', 'fresh', {a11}, now() + interval '1 day')"),
            (&[OWNER, ADMIN], "update public.invitations set revoked_at = now() where id = {a15}"),
            (&[OWNER], "update public.api_keys set revoked_at = now() where id = {a17}"),
            (&[OWNER, ADMIN], "update public.report_links set revoked_at = now() where id = {a42}"),
            (&[OWNER], OWNERS_LINK),
            (&[OWNER, ADMIN], "update public.generated_reports set is_public = true where id = {a43}"),
            (&[OWNER], "insert into public.recording_notices (organization_id, version, locale, text, created_by) values ({a1}, '2', 'en', 'x', {a11})"),
            (&[JOB], "insert into public.audit_log (organization_id, actor_system, action, subject_type) values ({a1}, 'worker', 'x', 'y')"),
        ],
    )
    .await;
}

/// Neither writes; an inactive subscription still erases.
#[tokio::test]
async fn a_read_only_key_reads_and_an_inactive_subscription_writes_nothing_new() {
    const MAY_WRITE: &str = "create or replace function private.can_write() returns boolean language sql stable as 'select true'";
    let writes = [
        ("insert into public.recording_sessions (organization_id, {who}) values ({a1}, {id})", "recording_sessions_add"),
        ("update public.recording_sessions set title = 'x' where id = {a21}", "recording_sessions_write"),
        ("insert into public.video_chunks (session_id, organization_id, chunk_index, file_size_bytes) values ({a21}, {a1}, 5, 10)", "video_chunks_add"),
        ("update public.video_chunks set upload_status = 'failed'", "video_chunks_write"),
        ("insert into public.analysis_results (session_id, organization_id, requested_by) values ({a22}, {a1}, {person})", "analysis_results_add"),
        ("update public.analysis_results set cancel_requested_at = now() where id = {a31}", "analysis_results_write"),
        ("update public.automation_opportunities set title = 'x'", "automation_opportunities_write"),
        ("insert into public.cost_analyses (analysis_id, session_id, organization_id, currency, assumptions) values ({a31}, {a21}, {a1}, 'EUR', '{}')", "cost_analyses_add"),
        ("insert into public.generated_reports (analysis_id, session_id, organization_id, report_type, requested_by) values ({a31}, {a21}, {a1}, 'pdf', {person})", "generated_reports_add"),
        ("update public.generated_reports set is_public = true where id = {a43}", "generated_reports_write"),
        ("insert into public.report_links (organization_id, report_id, token_sha256, created_by, expires_at) values ({a1}, {a41}, 'fresh', {person}, now() + interval '1 day')", "report_links_add"),
    ];
    let erasures = [
        ("delete from public.recording_sessions where id = {a21}", "recording_sessions_remove"),
        ("delete from public.video_chunks", "video_chunks_remove"),
        ("delete from public.generated_reports where id = {a43}", "generated_reports_remove"),
        ("update public.report_links set revoked_at = now() where id = {a42}", "report_links_write"),
        ("insert into public.object_deletions (organization_id, object_key) values ({a1}, 'organizations/' || {a1} || '/x')", "object_deletions_add"),
        ("insert into public.erasure_receipts (organization_id, subject_type, subject_id, reason, requested_by, erased_rows, erased_objects, erased_bytes) values ({a1}, 'x', {a21}, 'x', {person}, 1, 1, 1)", "erasure_receipts_add"),
    ];
    let mut stage = Stage::set().await;
    let by = |sql: &str, actor: &Actor| {
        let (who, id, person) = if *actor == READER { ("api_key_id", "{a16}", "null") } else { ("user_id", "{a11}", "{a11}") };
        sql.replace("{who}", who).replace("{id}", id).replace("{person}", person)
    };
    for (sql, policy) in writes.iter().chain(&erasures) {
        let open = stage.open(policy).await;
        stage.refuses(&READER, &by(sql, &READER), Outcome::is_nothing, &open).await;
        stage.allows(&OWNER, &by(sql, &OWNER)).await;
    }
    for state in ["subscription_status = 'inactive'", "deletion_requested_at = now()"] {
        sqlx::raw_sql(sqlx::AssertSqlSafe(ids(&format!("update public.organizations set {state} where id = {{a1}}"))))
            .execute(&mut stage.superuser)
            .await
            .unwrap();
        for (sql, _) in writes {
            stage.refuses(&OWNER, &by(sql, &OWNER), Outcome::is_nothing, MAY_WRITE).await;
        }
        for (sql, _) in erasures {
            stage.allows(&OWNER, &by(sql, &OWNER)).await;
        }
    }
    stage.judge(60);
}

/// People export their own data, admins and owners a member's, owners the organization's; and a worker reads as whoever asked.
#[tokio::test]
async fn an_export_is_had_by_whom_it_is_due() {
    const OF_ALL: &str = "insert into public.data_exports (organization_id, requested_by) values ({a1}, {me})";
    const OF_OTTO: &str = "insert into public.data_exports (organization_id, requested_by, subject_user_id) values ({a1}, {me}, {a14})";
    const BY_NAME: &str = "insert into public.data_exports (organization_id, requested_by, subject_user_id) values ({a1}, {a14}, {a14})";
    let me = |sql: &'static str, id: &str| -> &'static str { sql.replace("{me}", id).leak() };
    all(
        &[
            (OPERATOR, me(OF_ALL, "{a13}"), no_right, "open data_exports_add"),
            (ADMIN, me(OF_ALL, "{a12}"), no_right, "open data_exports_add"),
            (OPERATOR, me(OF_OTTO, "{a13}"), no_right, "open data_exports_add"),
            (ADMIN, BY_NAME, no_right, "open data_exports_add"),
            (WRITER, BY_NAME, no_right, "open data_exports_add"),
            (OPERATOR, "select 1 from public.data_exports where id in ({a45}, {a47})", nothing, "open data_exports_read"),
            (ADMIN, "select 1 from public.data_exports where id in ({a45}, {a46}, {a48})", nothing, "open data_exports_read"),
            (OWNER, "update public.data_exports set status = 'ready'", no_right, "grant update on public.data_exports to newsystem_member; create policy relaxed on public.data_exports for update to newsystem_member using (true)"),
            // As the operator who asked, and not as a manager.
            (EXPORT_JOB, "select 1 from public.model_requests", nothing, "open model_requests_read"),
            (EXPORT_JOB, "select 1 from public.analysis_frames f where session_id = {a22} union all select 1 from public.invitations", nothing, "open invitations_read"),
        ],
        &[
            (&[OWNER], me(OF_ALL, "{a11}")),
            (&[ADMIN], "insert into public.data_exports (organization_id, requested_by, subject_user_id) values ({a1}, {a12}, {a13})"),
            (&[OWNER], "select 1 from public.data_exports where id in ({a45}, {a48})"),
            (&[EXPORT_JOB], "select 1 from public.analysis_frames where session_id = {a21}"),
        ],
    )
    .await;
}

/// A job's lease opens its own work, and nothing of another job in the same organization.
#[tokio::test]
async fn a_job_writes_its_own_work_only() {
    const RECALCULATE: &str = "select private.request_recalculation('{}', now())";
    const INSIGHT: &str = "insert into public.workflow_insights (session_id, analysis_id, organization_id, insight_type, title, description) values ({a28}, {a54}, {a1}, 'pattern', 't', 'd')";
    all(
        &[
            (JOB, "update public.analysis_results set progress = 1 where id = {a54}", nothing, "open analysis_results_job_write"),
            (JOB, "update public.analysis_attempts set message = 'x' where analysis_id = {a54}", nothing, "open analysis_attempts_job_read analysis_attempts_job_write"),
            (JOB, "update public.recording_sessions set status = 'failed' where id = {a28}", nothing, "open recording_sessions_job_write"),
            (JOB, INSIGHT, no_right, "open workflow_insights_job_add"),
            (JOB, "update public.automation_opportunities set title = 'x' where analysis_id = {a54}", nothing, "open automation_opportunities_job_write"),
            (JOB, "update public.automation_opportunities set session_id = {a28}, analysis_id = {a54} where analysis_id = {a31}", no_right, "open automation_opportunities_job_write"),
            (JOB, "delete from public.automation_opportunities where analysis_id = {a54}", nothing, "open automation_opportunities_job_remove"),
            (JOB, "select 1 from public.video_chunks where session_id <> {a21}", nothing, "open video_chunks_job"),
            (JOB, "update public.generated_reports set status = 'ready'", nothing, "open generated_reports_job_read generated_reports_job_write"),
            (REPORT_JOB, "update public.generated_reports set status = 'ready' where id = {a44}", nothing, "open generated_reports_job_read generated_reports_job_write"),
            (REPORT_JOB, "update public.generated_reports set file_url = 'organizations/' || {b1} || '/reports/x' where id = {a43}", no_right, "open generated_reports_job_write"),
            (REPORT_JOB, "update public.analysis_results set progress = 1 where id = {a31}", nothing, "open analysis_results_job_write"),
            (REPORT_JOB, "delete from public.automation_opportunities where analysis_id = {a31}", nothing, "open automation_opportunities_job_remove"),
            (COST_JOB, "select 1 from public.video_chunks", nothing, "open video_chunks_job"),
            (COST_JOB, "delete from public.automation_opportunities", nothing, "open automation_opportunities_job_remove"),
            (JOB, "update public.workflow_insights set roi_score = 1", nothing, "open workflow_insights_recalculate"),
            (COST_JOB, "update public.analysis_results set lease_token = null", no_right, "alter table public.analysis_results disable trigger analysis_results_recalculation"),
            (COST_JOB, "update public.automation_opportunities set title = 'x'", no_right, "alter table public.automation_opportunities disable trigger automation_opportunities_recalculation"),
            (COST_JOB, "insert into public.object_deletions (organization_id, object_key) values ({a1}, 'organizations/' || {a1} || '/x')", no_right, "open object_deletions_recalculate"),
            (COST_JOB, "update public.analysis_results set cost_savings_annual = null where not is_current", nothing, "open analysis_results_recalculate"),
            (JOB, "insert into public.analysis_frames (organization_id, session_id, analysis_id, frame_index, timestamp_seconds, start_seconds, end_seconds, screen, width_pixels, height_pixels, file_path, file_size_bytes, redacted)
                   values ({a1}, {a21}, {a31}, 7, 1, 0, 2, 0, 10, 10, 'organizations/' || {b1} || '/frames/7', 5, true)", no_right, "open analysis_frames_job_place"),
        ],
        &[
            (&[JOB], "update public.analysis_results set progress = 1, raw_gpt_response = '{}' where id = {a31}"),
            (&[JOB], "update public.recording_sessions set duration_seconds = 3"),
            (&[JOB], "update public.analysis_attempts set cost_usd = 1"),
            (&[JOB], "delete from public.automation_opportunities where analysis_id = {a31}"),
            (&[JOB], "select 1 from public.video_chunks where session_id = {a21}"),
            (&[REPORT_JOB], "update public.generated_reports set status = 'ready', lease_token = null, file_url = 'organizations/' || {a1} || '/reports/x' where id = {a43}"),
            (&[REPORT_JOB, JOB], "select 1 from public.cost_analyses"),
            (&[COST_JOB], "update public.automation_opportunities set counted = true where analysis_id = {a31}"),
            (&[COST_JOB], "update public.workflow_insights set roi_score = 1"),
            (&[COST_JOB], "update public.analysis_results set automation_opportunities_count = 1"),
            (&[COST_JOB], "insert into public.cost_analyses (analysis_id, session_id, organization_id, currency, assumptions) values ({a31}, {a21}, {a1}, 'EUR', '{}')"),
            (&[COST_JOB], "delete from public.cost_recalculations"),
            (&[ADMIN, OWNER], RECALCULATE),
        ],
    )
    .await;
}

/// The rules of the functions that run with the owner's rights.
#[tokio::test]
async fn functions_of_the_owner_keep_their_own_rules() {
    const API: Actor = Actor { name: "the API", login: Login::Api, role: "", says: "" };
    const ROOM: &str = "do $$ begin update public.organizations set max_users = 100; end $$;";
    let last = |outcome: &Outcome| outcome.code() == "23514";
    let nobody = |outcome: &Outcome| *outcome == Outcome::Rows(0);
    let refusals: &[Refusal] = &[
        (OPERATOR, "select private.set_member_role({a14}, 'admin')", no_right, ANY_OWNER),
        (ADMIN, "select private.set_member_role({a13}, 'admin')", no_right, ANY_OWNER),
        (OPERATOR, "select private.set_member_role({a13}, 'owner')", no_right,
            "create or replace function private.set_member_role(member uuid, new_role text) returns boolean language sql security definer as 'update public.user_profiles set role = $2 where id = $1 returning true'"),
        (OWNER, "select private.set_member_role({a11}, 'owner')", no_right,
            "create or replace function private.set_member_role(member uuid, new_role text) returns boolean language sql security definer as 'update public.user_profiles set role = $2 where id = $1 returning true'"),
        (WRITER, "select private.set_member_role({a14}, 'admin')", no_right, ANY_OWNER),
        (OWNER, "select 1 where private.set_member_role({b13}, 'owner')", nobody, EVERYBODY_GLOBEX),
        (OPERATOR, "select private.request_recalculation('{}', now())", no_right, "create or replace function private.is_manager() returns boolean language sql as 'select true'"),
        (READER, "select private.request_recalculation('{}', now())", no_right, "create or replace function private.can_write() returns boolean language sql as 'select true'; create or replace function private.is_manager() returns boolean language sql as 'select true'"),
        (OPERATOR, "select private.remove_member({a14})", no_right, ANY_OWNER),
        (ADMIN, "select private.remove_member({a11})", no_right, "do $$ begin update public.user_profiles set role = 'operator' where id = {a11}; end $$"),
        (OWNER, "select private.remove_member({a11})", last, "do $$ begin update public.user_profiles set role = 'owner' where id = {a12}; end $$"),
        (OWNER, "select 1 where private.remove_member({b13})", nobody, EVERYBODY_GLOBEX),
        (WRITER, "select private.remove_member({a13})", no_right, ANY_OWNER),
        (API, "select private.set_member_role({a13}, 'owner')", no_right, "grant execute on function private.set_member_role(uuid, text) to newsystem_api; create or replace function private.is_owner() returns boolean language sql stable as 'select true'; create or replace function private.can_write() returns boolean language sql stable as 'select true'"),
        // The invitation: this person, this address, once, in time, while there is room.
        (API, "select 1 where private.accept_invitation('invitation-a', {a71}, 'late@test', null, null, null) is not null", nobody, "do $$ begin update public.invitations set email = 'late@test' where id = {a15}; end $$"),
        (API, "select 1 where private.accept_invitation('expired-a', {a71}, 'late@test', null, null, null) is not null", nobody, "do $$ begin update public.invitations set expires_at = now() + interval '1 day' where id = {a60}; end $$"),
        (API, "select 1 where private.accept_invitation('revoked-a', {a71}, 'late@test', null, null, null) is not null", nobody, "do $$ begin update public.invitations set revoked_at = null where id = {a61}; end $$"),
        (API, "select private.accept_invitation('invitation-a', {a13}, 'new@test', null, null, null)", |outcome| outcome.code() == "23505", "do $$ begin delete from public.user_profiles where id = {a13}; end $$"),
        (API, "select private.create_organization({c1}, {a13}, 'x@test', 'n', 'EUR', 'en', 'UTC', null, null, null, null, null, now())", |outcome| outcome.code() == "23505", "do $$ begin delete from public.user_profiles where id = {a13}; end $$"),
        (OPERATOR, "select private.accept_invitation('invitation-a', {a70}, 'new@test', null, null, null)", no_right, "grant execute on function private.accept_invitation(text, uuid, text, text, text, text) to newsystem_member"),
        // The queue.
        (OWNER, "select private.enqueue('analyze_recording', {b51})", no_right, EVERYBODY_GLOBEX),
        (OPERATOR, "select private.enqueue('analyze_recording', {a52})", no_right, ANY_MANAGER),
        (READER, "select private.enqueue('analyze_recording', {a51})", no_right, "create or replace function private.can_write() returns boolean language sql stable as 'select true'"),
        (FOREIGN_OWNER, "select private.enqueue('analyze_recording', {a51})", no_right, "create or replace function private.organization_id() returns uuid language sql stable as 'select ''aeeeeeee-0000-7000-8000-000000000001''::uuid'"),
        (CLIENT, "select private.enqueue('analyze_recording', {a51})", no_right, "grant execute on function private.enqueue(text, uuid) to authenticated"),
        (JOB, "select private.enqueue('analyze_recording', {b51})", no_right, "create or replace function private.job_organization() returns uuid language sql stable as 'select ''beeeeeee-0000-7000-8000-000000000001''::uuid'"),
        (OWNER, "select private.enqueue('analyze_recording', {a31})", no_right, "do $$ begin update public.analysis_results set status = 'queued' where id = {a31}; end $$"),
        (OWNER, "select private.enqueue('delete_everything', {a51})", no_right,
            "create or replace function private.enqueue_permission(kind text, subject uuid) returns table (organization_id uuid, parallel integer) language sql as 'select ''aeeeeeee-0000-7000-8000-000000000001''::uuid, 1'"),
        (OWNER, "select private.add_job('analyze_recording', {a51}, {a1}, 1)", no_right, "grant execute on function private.add_job(text, uuid, uuid, integer) to newsystem_member"),
        (OWNER, "insert into graphile_worker._private_jobs (task_id) values (1)", no_right,
            "grant usage on schema graphile_worker to newsystem_member; grant insert, select on graphile_worker._private_jobs to newsystem_member; alter table graphile_worker._private_jobs disable row level security; alter table graphile_worker._private_jobs disable trigger all"),
        // The leases are the worker's own login's business.
        (JOB, "select private.begin_analysis({a51}, 'x', 60)", no_right, "grant execute on function private.begin_analysis(uuid, text, integer) to newsystem_job"),
        (OWNER, "select private.begin_analysis({a51}, 'x', 60)", no_right, "grant execute on function private.begin_analysis(uuid, text, integer) to newsystem_member"),
        (OWNER, "select 1 from private.events_after({b1}, 0, 10)", no_right, "grant execute on function private.events_after(uuid, bigint, integer) to newsystem_member"),
        (OWNER, "select 1 from private.event_counters", no_right, "grant select on private.event_counters to newsystem_member"),
        (OWNER, "select 1 from newsystem_migration.seaql_migrations", no_right, "grant usage on schema newsystem_migration to newsystem_member; grant select on newsystem_migration.seaql_migrations to newsystem_member"),
        (OWNER, "select 1 from auth.users", no_right, "grant usage on schema auth to newsystem_member; grant select on auth.users to newsystem_member"),
    ];
    let mut stage = Stage::set().await;
    for (actor, sql, expected, relax) in refusals {
        stage.refuses(actor, sql, *expected, relax).await;
    }
    for (actor, sql) in [
        (OWNER, "select 1 where private.set_member_role({a13}, 'admin')"),
        (OWNER, "select 1 where private.set_member_role({a12}, 'owner')"),
        (OWNER, "select 1 where private.remove_member({a12})"),
        (ADMIN, "select 1 where private.remove_member({a13})"),
        (OPERATOR, "select 1 where private.remove_member({a13})"),
        (ADMIN, "select 1 where private.remove_member({a12})"),
        (API, "select 1 where private.accept_invitation('invitation-a', {a70}, 'NEW@test', null, null, null) = {a1}"),
        (API, "select private.create_organization({c1}, {a70}, 'x@test', 'n', 'EUR', 'en', 'UTC', null, null, null, null, null, now())"),
        (OWNER, "select private.enqueue('analyze_recording', {a52})"),
        (OPERATOR, "select private.enqueue('analyze_recording', {a51})"),
        (JOB, "select private.enqueue('analyze_recording', {a51})"),
    ] {
        stage.allows(&actor, sql).await;
    }
    // The last owner does not step down, even if another could demand it; and a full organization takes nobody in.
    let demand = "select private.set_member_role({a11}, 'operator')";
    let other = "create or replace function private.user_id() returns uuid language sql stable as 'select ''aeeeeeee-0000-7000-8000-000000000012''::uuid'; create or replace function private.is_owner() returns boolean language sql stable as 'select true'";
    let outcome = stage.acts_relaxed(&ADMIN, other, demand).await;
    assert_eq!(outcome.code(), "23514", "{outcome:?}");
    let twice = "select private.accept_invitation('invitation-a', {a70}, 'new@test', null, null, null); delete from public.user_profiles where id = {a70}; select 1 where private.accept_invitation('invitation-a', {a70}, 'new@test', null, null, null) is not null";
    let owner = Actor { name: "the owner of the database", login: Login::Superuser, role: "newsystem_owner", says: "" };
    let first = stage.acts(&owner, twice).await;
    // One row for the first acceptance, one deleted; the second acceptance answers nothing.
    assert_eq!(first, Outcome::Rows(2), "an invitation works once");
    let full = "do $$ begin update public.organizations set max_users = 4 where id = {a1}; end $$";
    let accept = "select private.accept_invitation('invitation-a', {a70}, 'new@test', null, null, null)";
    let outcome = stage.acts_relaxed(&API, full, accept).await;
    assert!(outcome.code() == "23514" && matches!(&outcome, Outcome::Refused(_, why) if why.contains("no room")), "{outcome:?}");
    let outcome = stage.acts_relaxed(&API, &format!("{full}; {ROOM}"), accept).await;
    assert!(outcome.is_some(), "{outcome:?}");
    stage.judge(40);
}

