//! Tenancy is proved, not trusted: every tenant table and command, attacked by everybody, through the roles' own logins.
//!
//! Each attack is refused, and then seen to succeed when the policy, grant, trigger or key that refuses it is taken away in a
//! transaction that is rolled back: a case that passes for the wrong reason fails.
//!
//! - [`stage`]: the actors, and how an attack is judged.
//! - [`table`]: the tables, and what each role may do with them.
//! - here: all tables, commands and actors, in loops over [`TABLES`].
//! - [`inside`]: who may do what inside an organization, case by case.

#[rustfmt::skip] // A table: a case is a line.
mod inside;
mod stage;
mod table;

use stage::{Actor, CLIENT, COST_JOB, EXPORT_JOB, JOB, Login, OWNER, Outcome, REPORT_JOB, STRANGERS, Stage, TENANTS};
use table::{COMMANDS, TABLES, Table, checks_for, role_of};

/// Whose columns a trigger guards against recalculations, beside the policies.
const GUARDED: [&str; 2] = ["analysis_results", "automation_opportunities"];

/// One attack on a whole table: refused as the table says, and seen to succeed without what refuses it.
async fn attack(stage: &mut Stage, actor: &Actor, table: &Table, command: char, victim: char) {
    let sql = table.attack(stage, actor, command, victim).await;
    if !table.grants(actor).contains(command) {
        // Without the right: refused whoever's row it is.
        let relax = table.give(stage, actor, command).await;
        stage
            .refuses(actor, &sql, |outcome| outcome.code() == "42501", &relax)
            .await;
        return;
    }
    let guard = if command == 'u' && GUARDED.contains(&table.name) {
        format!(" alter table public.{0} disable trigger {0}_recalculation;", table.name)
    } else {
        String::new()
    };
    let open = table.open(stage, actor, command, "PERMISSIVE").await
        + &table.open(stage, actor, command, "RESTRICTIVE").await
        + &guard;
    if command == 'i' {
        let by_policy = |outcome: &Outcome| matches!(outcome, Outcome::Refused(code, why) if code == "42501" && why.contains("row-level security"));
        stage.refuses(actor, &sql, by_policy, &open).await;
        return;
    }
    if matches!(command, 'u' | 'd') {
        // The policy of the command holds by itself, even where the rows can be seen.
        let seen = stage.acts_relaxed(actor, &table.see(actor), &sql).await;
        if seen != Outcome::Rows(0) {
            stage.faults.push(format!(
                "{}: {sql}\n    rests on the policy for reading alone: {seen:?}",
                actor.name
            ));
        }
        let relax = table.see(actor) + &open;
        stage
            .refuses(actor, &sql, |outcome| *outcome == Outcome::Rows(0), &relax)
            .await;
        return;
    }
    stage
        .refuses(actor, &sql, |outcome| *outcome == Outcome::Rows(0), &open)
        .await;
}

#[tokio::test]
async fn no_organization_reaches_another() {
    let mut stage = Stage::set().await;
    for actor in &TENANTS {
        let victim = if actor.says.contains("{b") { 'a' } else { 'b' };
        for table in &TABLES {
            for (command, _) in COMMANDS {
                attack(&mut stage, actor, table, command, victim).await;
            }
        }
    }
    stage.judge(11 * 25 * 4);
}

#[tokio::test]
async fn whoever_has_no_organization_reaches_nothing() {
    let mut stage = Stage::set().await;
    for actor in &STRANGERS {
        for table in &TABLES {
            for (command, _) in COMMANDS {
                attack(&mut stage, actor, table, command, 'a').await;
            }
        }
    }
    stage.judge(19 * 25 * 4);
}

/// The owner, a Supabase client and the jobs cannot give a row away; each of grant, policy and key refuses it alone.
#[tokio::test]
async fn no_row_moves_to_another_organization() {
    let mut stage = Stage::set().await;
    for actor in [OWNER, CLIENT, JOB, REPORT_JOB, EXPORT_JOB, COST_JOB] {
        for table in &TABLES {
            let (name, tenant, role) = (table.name, table.tenant(), role_of(&actor));
            let target = if tenant == "id" { "{c1}" } else { "{b1}" };
            let sql = format!("update public.{name} set {tenant} = {target} where {tenant} = {{a1}}");
            let may_update = table.grants(&actor).contains('u');
            let own = table.open(&mut stage, &actor, 'u', "PERMISSIVE").await;
            let see = table.see(&actor);
            let grant = format!("{see} grant update on public.{name} to {role}; {}", checks_for(role));
            let granted = stage.acts_relaxed(&actor, &grant, &sql).await;
            // A row that the actor may change is held by the policy's check; any other is not even touched.
            if !granted.is_nothing() {
                stage.faults.push(format!(
                    "{}: {sql}\n    rests on the grant alone: {granted:?}",
                    actor.name
                ));
            }
            let policy = if may_update {
                own
            } else {
                format!("create policy relaxed on public.{name} for update to {role} using (true) with check (true);")
            };
            // Another organization may have a row of the same name.
            let unique = stage
                .text(&format!(
                    "select coalesce(string_agg(format('alter table public.{name} drop constraint %I cascade;', conname), ' '), '') from pg_constraint where contype in ('u', 'p') and conrelid = 'public.{name}'::regclass"
                ))
                .await;
            let relax = format!("{grant} {policy} {unique} alter table public.{name} disable trigger all");
            stage.refuses(&actor, &sql, Outcome::is_nothing, &relax).await;
        }
    }
    stage.judge(6 * 25);
}

/// Foreign keys look past row security, so each carries the organization: a row of acme's never hangs under globex's.
#[tokio::test]
async fn no_row_hangs_under_another_organizations() {
    let mut stage = Stage::set().await;
    let superuser = Actor {
        name: "whoever may write anything",
        login: Login::Superuser,
        role: "",
        says: "",
    };
    let keys = stage
        .texts(
            "select conrelid::regclass::text || '|' || (select string_agg(attname, ',' order by attnum) from pg_attribute where attrelid = conrelid and attnum = any (conkey) and attname <> 'organization_id')
                    || '|' || confrelid::regclass::text
               from pg_constraint c where contype = 'f' and connamespace = 'public'::regnamespace and confrelid <> 'auth.users'::regclass and array_length(conkey, 1) > 1 order by 1",
        )
        .await;
    assert!(keys.len() >= 22, "{} keys", keys.len());
    for key in &keys {
        let [child, columns, parent] = key.split('|').collect::<Vec<_>>()[..] else {
            panic!("{key}")
        };
        let child = child.trim_start_matches("public.");
        let parent = parent.trim_start_matches("public.");
        let table = TABLES.iter().find(|table| table.name == child).unwrap();
        let row = table.copy(&mut stage, 'a').await;
        // The parent's columns in the child's names: session_id and analysis_id are called alike, an id is the last one.
        let pairs: Vec<String> = columns
            .split(',')
            .map(|column| {
                let there = match (parent, column) {
                    ("analysis_results", "analysis_id")
                    | ("recording_sessions" | "user_profiles" | "api_keys" | "generated_reports", _) => "id",
                    (_, column) => column,
                };
                format!("'{column}', p.{there}")
            })
            .collect();
        let foreign = stage
            .text(&format!(
                "select replace(('{row}'::jsonb || jsonb_build_object({}))::text, '''', '''''') from public.{parent} p where p.organization_id = {{b1}} order by p.id limit 1",
                pairs.join(", ")
            ))
            .await;
        let sql = format!(
            "insert into public.{child} select * from jsonb_populate_record(null::public.{child}, '{foreign}')"
        );
        // Keys that share a column refuse together.
        let relax = stage
            .text(&format!(
                "select string_agg(format('alter table public.{child} drop constraint %I', conname), ';') from pg_constraint
                  where contype = 'f' and conrelid = 'public.{child}'::regclass
                    and conkey && array(select attnum from pg_attribute where attrelid = 'public.{child}'::regclass and attname = any ('{{{columns}}}') and attname <> 'organization_id')"
            ))
            .await;
        stage
            .refuses(&superuser, &sql, |outcome| outcome.code() == "23503", &relax)
            .await;
    }
    stage.judge(24);
}

/// What the tables withhold from everyone inside: a grant of the column is all that is missing.
#[tokio::test]
async fn withheld_columns_stay_withheld() {
    const READ: [(&str, &str); 11] = [
        ("invitations", "token_sha256"),
        ("api_keys", "secret_sha256"),
        ("recording_sessions", "user_id api_key_id"),
        (
            "analysis_results",
            "raw_gpt_response analysis_cost prompt_tokens completion_tokens lease_token lease_expires_at requested_by",
        ),
        ("analysis_attempts", "cost_usd"),
        (
            "model_requests",
            "reply request_key prompt_tokens completion_tokens error_message",
        ),
        (
            "generated_reports",
            "access_token lease_token lease_expires_at attempt requested_by",
        ),
        ("data_exports", "lease_token lease_expires_at attempt"),
        ("report_links", "token_sha256"),
        ("object_deletions", "object_key"),
        ("organization_events", "subject_id"),
    ];
    const WRITTEN: [(&str, &str); 10] = [
        (
            "organizations",
            "id subscription_tier subscription_status max_users max_recordings_per_month max_storage_bytes max_recording_seconds max_parallel_analyses created_at",
        ),
        ("user_profiles", "id organization_id role email"),
        (
            "invitations",
            "organization_id email role token_sha256 expires_at accepted_at",
        ),
        (
            "api_keys",
            "organization_id role read_only secret_sha256 expires_at last_used_at",
        ),
        (
            "recording_sessions",
            "organization_id user_id api_key_id content_sha256 consent_at notice_version created_at",
        ),
        ("video_chunks", "organization_id session_id chunk_index"),
        (
            "analysis_results",
            "organization_id session_id raw_gpt_response structured_insights analysis_cost confidence_score attempt lease_token lease_expires_at requested_by coverage",
        ),
        (
            "automation_opportunities",
            "organization_id session_id analysis_id evidence confidence_score occurrences_observed observed_seconds currency",
        ),
        (
            "generated_reports",
            "organization_id status file_url access_token download_count lease_token requested_by",
        ),
        (
            "report_links",
            "organization_id report_id token_sha256 expires_at download_count include_frames",
        ),
    ];
    let mut stage = Stage::set().await;
    for (table, columns) in READ {
        for column in columns.split_whitespace() {
            for actor in [OWNER, CLIENT] {
                let sql = format!("select {column} from public.{table}");
                let role = role_of(&actor);
                let mut relax = format!("grant select ({column}) on public.{table} to {role};");
                if matches!(table, "object_deletions" | "organization_events") {
                    let open = format!("create policy relaxed on public.{table} for select to {role} using (true)");
                    relax.push_str(&open);
                }
                stage
                    .refuses(&actor, &sql, |outcome| outcome.code() == "42501", &relax)
                    .await;
            }
        }
    }
    for (table, columns) in WRITTEN {
        for column in columns.split_whitespace() {
            let sql = format!("update public.{table} set {column} = default");
            let value = format!("update public.{table} set {column} = {column}");
            let refused = stage.acts(&OWNER, &sql).await;
            assert_eq!(refused.code(), "42501", "{sql}");
            let own = TABLES.iter().find(|known| known.name == table).unwrap();
            let relax = format!(
                "grant update ({column}), select ({column}) on public.{table} to newsystem_member; {}",
                own.open(&mut stage, &OWNER, 'u', "PERMISSIVE").await
            );
            stage
                .refuses(&OWNER, &value, |outcome| outcome.code() == "42501", &relax)
                .await;
        }
    }
    stage.judge(100);
}
