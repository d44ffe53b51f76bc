//! The tenant tables, what each role may do with them, and the SQL that attacks one, or takes away what refuses an attack.
//! Apart from the attacks because a new table is a line here and nothing there.

use super::stage::{Actor, Login, Stage, ids};

/// A tenant table: what each role may do with it (select, insert, update, delete), and what makes a copy of a row unique.
pub(super) struct Table {
    pub(super) name: &'static str,
    member: &'static str,
    client: &'static str,
    job: &'static str,
    /// Laid over a copied row, as JSON.
    fresh: &'static str,
}

const fn table(name: &'static str, [member, client, job]: [&'static str; 3], fresh: &'static str) -> Table {
    Table {
        name,
        member,
        client,
        job,
        fresh,
    }
}

/// docs/permissions.md at the level of tables.
pub(super) const TABLES: [Table; 25] = [
    table("organizations", ["su", "s", "s"], r#"{"id": "{c1}"}"#),
    table("user_profiles", ["su", "s", ""], r#"{"id": "{a70}"}"#),
    table(
        "invitations",
        ["siu", "s", ""],
        r#"{"id": "{c2}", "token_sha256": "fresh"}"#,
    ),
    table(
        "api_keys",
        ["siu", "s", ""],
        r#"{"id": "{c3}", "secret_sha256": "fresh"}"#,
    ),
    table(
        "recording_notices",
        ["si", "s", "s"],
        r#"{"id": "{c4}", "version": "fresh"}"#,
    ),
    table("audit_log", ["si", "s", "i"], r#"{"id": "{c5}"}"#),
    table("erasure_receipts", ["si", "s", ""], r#"{"id": "{c6}"}"#),
    table("idempotency_keys", ["siu", "", ""], r#"{"key": "fresh"}"#),
    table("object_deletions", ["i", "", "i"], r#"{"id": "{c7}"}"#),
    table("recording_sessions", ["siud", "s", "su"], r#"{"id": "{c8}"}"#),
    table(
        "video_chunks",
        ["siud", "s", "s"],
        r#"{"id": "{c9}", "chunk_index": 99}"#,
    ),
    // A session without an analysis under way: a member's row is queued.
    table(
        "analysis_results",
        ["siu", "s", "su"],
        r#"{"id": "{c10}", "status": "completed", "session_id": "{v22}"}"#,
    ),
    table(
        "analysis_attempts",
        ["s", "s", "su"],
        r#"{"id": "{c11}", "number": 99}"#,
    ),
    table(
        "analysis_frames",
        ["s", "s", "sid"],
        r#"{"id": "{c12}", "frame_index": 99}"#,
    ),
    table("disclosures", ["s", "s", "sid"], r#"{"id": "{c13}"}"#),
    table(
        "model_requests",
        ["s", "s", "siu"],
        r#"{"id": "{c14}", "request_key": "fresh"}"#,
    ),
    table("automation_opportunities", ["su", "s", "siud"], r#"{"id": "{c15}"}"#),
    table("workflow_insights", ["su", "s", "siud"], r#"{"id": "{c16}"}"#),
    table(
        "workflow_visualizations",
        ["s", "s", "sid"],
        r#"{"id": "{c17}", "visualization_type": "flow_chart"}"#,
    ),
    table("cost_analyses", ["si", "s", "sid"], r#"{"id": "{c18}"}"#),
    table("generated_reports", ["siud", "s", "su"], r#"{"id": "{c19}"}"#),
    table(
        "report_links",
        ["siu", "s", ""],
        r#"{"id": "{c20}", "token_sha256": "fresh"}"#,
    ),
    table(
        "data_exports",
        ["si", "s", ""],
        r#"{"id": "{c21}", "status": "queued", "subject_user_id": "{v14}", "requested_by": "{v13}"}"#,
    ),
    table("cost_recalculations", ["", "", "sud"], r#"{"id": "{c22}"}"#),
    table("organization_events", ["", "", ""], r#"{"sequence": 99999}"#),
];

pub(super) const COMMANDS: [(char, &str); 4] = [('s', "SELECT"), ('i', "INSERT"), ('u', "UPDATE"), ('d', "DELETE")];

impl Table {
    pub(super) fn grants(&self, actor: &Actor) -> &'static str {
        match actor.role {
            "newsystem_member" => self.member,
            // A worker that makes an export reads what the client of whoever asked may read.
            "authenticated" | "newsystem_export" => self.client,
            "newsystem_job" => self.job,
            _ => "",
        }
    }

    /// The column that says whose row it is.
    pub(super) fn tenant(&self) -> &'static str {
        if self.name == "organizations" {
            "id"
        } else {
            "organization_id"
        }
    }

    /// A statement of this kind on rows of the organization, as wide as the role's own columns allow, or as wide as can be.
    pub(super) async fn attack(&self, stage: &mut Stage, actor: &Actor, command: char, victim: char) -> String {
        let (name, tenant) = (self.name, self.tenant());
        match command {
            's' => format!("select 1 from public.{name} where {tenant} = {{{victim}1}}"),
            'd' => format!("delete from public.{name} where {tenant} = {{{victim}1}}"),
            'u' => {
                let role = role_of(actor);
                let column = stage
                    .text(&format!(
                        "select attname::text from pg_attribute where attrelid = 'public.{name}'::regclass and attnum > 0 and not attisdropped
                          order by has_column_privilege('{role}', attrelid, attnum, 'update') and has_column_privilege('{role}', attrelid, attnum, 'select') desc, attname = '{tenant}' desc limit 1"
                    ))
                    .await;
                format!("update public.{name} set {column} = {column} where {tenant} = {{{victim}1}}")
            }
            _ => {
                let role = role_of(actor);
                let columns = stage
                    .text(&format!(
                        "select string_agg(quote_ident(attname), ', ' order by attnum) from pg_attribute where attrelid = 'public.{name}'::regclass and attnum > 0 and not attisdropped
                            and attname not in ('lease_token', 'lease_expires_at')
                            and (has_column_privilege('{role}', attrelid, attnum, 'insert') or not has_any_column_privilege('{role}', attrelid, 'insert'))"
                    ))
                    .await;
                let row = self.copy(stage, victim).await;
                format!(
                    "insert into public.{name} ({columns}) select {columns} from jsonb_populate_record(null::public.{name}, '{row}')"
                )
            }
        }
    }

    /// A row of the organization, made fresh, as JSON.
    pub(super) async fn copy(&self, stage: &mut Stage, victim: char) -> String {
        let fresh = ids(&self.fresh.replace("{v", &format!("{{{victim}"))).replace('\'', "");
        let (name, tenant) = (self.name, self.tenant());
        stage
            .text(&format!(
                "select replace((to_jsonb(t) || '{fresh}')::text, '''', '''''') from public.{name} t where {tenant} = {{{victim}1}} limit 1"
            ))
            .await
    }

    /// SQL that gives the role this command on the table and leaves every row to it.
    pub(super) async fn give(&self, stage: &mut Stage, actor: &Actor, command: char) -> String {
        let role = role_of(actor);
        let name = self.name;
        let (_, verb) = COMMANDS.into_iter().find(|(letter, _)| *letter == command).unwrap();
        let clause = match command {
            'i' => "with check (true)",
            'u' => "using (true) with check (true)",
            _ => "using (true)",
        };
        let see = if matches!(command, 'u' | 'd') {
            self.see(actor)
        } else {
            String::new()
        };
        let restrictive = self.open(stage, actor, command, "RESTRICTIVE").await;
        let checks = if matches!(command, 'i' | 'u') {
            checks_for(role)
        } else {
            String::new()
        };
        format!(
            "grant usage on schema public, private to {role}; {checks} grant {verb} on public.{name} to {role}; create policy relaxed on public.{name} for {verb} to {role} {clause}; {see} {restrictive}"
        )
    }

    /// SQL that lets the role see every row: what a statement with a condition needs first.
    pub(super) fn see(&self, actor: &Actor) -> String {
        let (role, name) = (role_of(actor), self.name);
        format!(
            "grant usage on schema public to {role}; grant select on public.{name} to {role}; create policy relaxed_see on public.{name} for select to {role} using (true);"
        )
    }

    /// SQL that opens the table's own policies for the role and command.
    pub(super) async fn open(&self, stage: &mut Stage, actor: &Actor, command: char, kind: &str) -> String {
        let role = role_of(actor);
        let (_, verb) = COMMANDS.into_iter().find(|(letter, _)| *letter == command).unwrap();
        let policies = stage
            .texts(&format!(
                "select policyname::text from pg_policies where schemaname = 'public' and tablename = '{}' and cmd = '{verb}' and '{role}' = any (roles) and permissive = '{kind}'",
                self.name
            ))
            .await;
        stage.open(&policies.join(" ")).await
    }
}

/// The right to call what the checks of a written row call.
pub(super) fn checks_for(role: &str) -> String {
    format!(
        "grant execute on function private.is_share(double precision), private.is_workflow_category(text), private.is_analysis_stage(text), private.is_analysis_error_code(text), private.is_event_kind(text) to {role};"
    )
}

pub(super) fn role_of(actor: &Actor) -> &'static str {
    match (actor.role, actor.login) {
        ("", Login::Api) => "newsystem_api",
        ("", Login::Worker) => "newsystem_worker",
        ("", Login::Queue) => "newsystem_queue",
        (role, _) => role,
    }
}
