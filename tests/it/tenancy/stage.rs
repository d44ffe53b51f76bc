//! The stage of the tenancy suite: two organizations, everybody who might attack, and the way in which each attack is seen
//! to fail, and then to succeed once what refused it is taken away.

use std::collections::HashMap;
use std::fmt::Write as _;

use sqlx::{AssertSqlSafe, Connection as _, PgConnection, Row as _};
use tests::database::TestDatabase;

/// More of both organizations than the fixture has: work that waits, an expired lease, a second job, people without a place.
const MORE: &str = "
create function pg_temp.more(o text) returns void language plpgsql as $$
declare org uuid := pg_temp.id(o, 1);
begin
  insert into auth.users (id, email) values (pg_temp.id(o, 70), 'new@test'), (pg_temp.id(o, 71), 'late@test');
  insert into public.recording_sessions (id, organization_id, user_id, title, status, chunk_count, finished_at) select pg_temp.id(o, s.n), org, pg_temp.id(o, s.person), 'more', 'processing', 1, now()
    from (values (25, 13), (26, 14), (27, 13), (28, 13)) s (n, person);
  insert into public.analysis_results (id, session_id, organization_id, status, attempt, lease_token, lease_expires_at, raw_gpt_response, analysis_cost) values
    (pg_temp.id(o, 51), pg_temp.id(o, 25), org, 'queued', 0, null, null, '{}', 1), (pg_temp.id(o, 52), pg_temp.id(o, 26), org, 'queued', 0, null, null, '{}', 1),
    (pg_temp.id(o, 53), pg_temp.id(o, 27), org, 'processing', 2, pg_temp.id(o, 98), now() - interval '1 second', null, null),
    (pg_temp.id(o, 54), pg_temp.id(o, 28), org, 'processing', 1, pg_temp.id(o, 97), now() + interval '1 hour', null, null);
  insert into public.video_chunks (id, session_id, organization_id, chunk_index, file_size_bytes, upload_status) values (pg_temp.id(o, 57), pg_temp.id(o, 22), org, 0, 10, 'completed');
  insert into public.analysis_attempts (id, organization_id, session_id, analysis_id, number, worker) values (pg_temp.id(o, 55), org, pg_temp.id(o, 28), pg_temp.id(o, 54), 1, 'other');
  insert into public.automation_opportunities (id, analysis_id, session_id, organization_id, process_key, opportunity_type, title, description, currency)
    values (pg_temp.id(o, 56), pg_temp.id(o, 54), pg_temp.id(o, 28), org, 'q', 'customs', 't', 'd', 'EUR');
  insert into public.generated_reports (id, analysis_id, session_id, organization_id, report_type, status, attempt, lease_token, lease_expires_at, requested_by)
    values (pg_temp.id(o, 43), pg_temp.id(o, 31), pg_temp.id(o, 21), org, 'pdf', 'generating', 1, pg_temp.id(o, 96), now() + interval '1 hour', pg_temp.id(o, 13)),
           (pg_temp.id(o, 44), pg_temp.id(o, 31), pg_temp.id(o, 21), org, 'pdf', 'queued', 0, null, null, pg_temp.id(o, 14));
  insert into public.data_exports (id, organization_id, subject_user_id, requested_by, status, attempt, lease_token, lease_expires_at) values
    (pg_temp.id(o, 46), org, pg_temp.id(o, 13), pg_temp.id(o, 13), 'generating', 1, pg_temp.id(o, 95), now() + interval '1 hour'),
    (pg_temp.id(o, 47), org, pg_temp.id(o, 14), pg_temp.id(o, 12), 'generating', 1, pg_temp.id(o, 94), now() - interval '1 second'),
    (pg_temp.id(o, 48), org, pg_temp.id(o, 14), pg_temp.id(o, 11), 'queued', 0, null, null);
  insert into public.analysis_results (id, session_id, organization_id, status, stage, is_current) values (pg_temp.id(o, 66), pg_temp.id(o, 26), org, 'completed', 'done', true);
  insert into public.cost_recalculations (id, organization_id, lease_token) values (pg_temp.id(o, 65), org, pg_temp.id(o, 93));
  insert into public.invitations (id, organization_id, email, role, token_sha256, invited_by, expires_at, revoked_at) values
    (pg_temp.id(o, 60), org, 'late@test', 'operator', 'expired-' || o, pg_temp.id(o, 11), now() - interval '1 minute', null),
    (pg_temp.id(o, 61), org, 'late@test', 'operator', 'revoked-' || o, pg_temp.id(o, 11), now() + interval '1 day', now());
  insert into public.api_keys (id, organization_id, name, role, read_only, prefix, secret_sha256, created_by, revoked_at, expires_at) values
    (pg_temp.id(o, 62), org, 'revoked', 'admin', false, 'ns_x', 'key-x-' || o, pg_temp.id(o, 11), now(), null),
    (pg_temp.id(o, 63), org, 'expired', 'admin', false, 'ns_y', 'key-y-' || o, pg_temp.id(o, 11), null, now() - interval '1 second');
  insert into public.report_links (id, organization_id, report_id, token_sha256, expires_at, revoked_at) values (pg_temp.id(o, 64), org, pg_temp.id(o, 41), 'link-x-' || o, now() + interval '1 day', now());
end $$;";

/// Who acts: the role that works, and what it says of itself.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Actor {
    pub name: &'static str,
    /// The login role, or none: a Supabase client's role has no login of its own on plain PostgreSQL.
    pub login: Login,
    /// The role that it puts on; empty for the bare login.
    pub role: &'static str,
    /// `request.jwt.claims` or `newsystem.job`, with `{a13}` for ids.
    pub says: &'static str,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Login {
    Api,
    Worker,
    Queue,
    Superuser,
}

const fn actor(name: &'static str, login: Login, role: &'static str, says: &'static str) -> Actor {
    Actor {
        name,
        login,
        role,
        says,
    }
}

const fn member(name: &'static str, says: &'static str) -> Actor {
    actor(name, Login::Api, "newsystem_member", says)
}

pub const OPERATOR: Actor = member("an operator", r#"{"sub":"{a13}","role":"authenticated"}"#);
pub const ADMIN: Actor = member("an admin", r#"{"sub":"{a12}","role":"authenticated"}"#);
pub const OWNER: Actor = member("an owner", r#"{"sub":"{a11}","role":"authenticated"}"#);
pub const READER: Actor = member("a read-only key", r#"{"sub":"{a16}","role":"newsystem_key"}"#);
pub const WRITER: Actor = member("a writing key", r#"{"sub":"{a17}","role":"newsystem_key"}"#);
pub const FOREIGN_OWNER: Actor = member(
    "the other organization's owner",
    r#"{"sub":"{b11}","role":"authenticated"}"#,
);
pub const NOBODY: Actor = member(
    "a person without an organization",
    r#"{"sub":"{a70}","role":"authenticated"}"#,
);
pub const CLIENT: Actor = actor(
    "an owner's Supabase client",
    Login::Superuser,
    "authenticated",
    OWNER.says,
);
pub const JOB: Actor = actor(
    "a job with a live lease",
    Login::Worker,
    "newsystem_job",
    r#"job:{"kind":"analysis","id":"{a31}","attempt":1,"lease":"{a99}"}"#,
);
pub const REPORT_JOB: Actor = actor(
    "a report's job",
    Login::Worker,
    "newsystem_job",
    r#"job:{"kind":"report","id":"{a43}","attempt":1,"lease":"{a96}"}"#,
);

pub const EXPORT_JOB: Actor = actor(
    "an export's job",
    Login::Worker,
    "newsystem_export",
    r#"job:{"kind":"export","id":"{a46}","attempt":1,"lease":"{a95}"}"#,
);

pub const COST_JOB: Actor = actor(
    "a recalculation's job",
    Login::Worker,
    "newsystem_job",
    r#"job:{"kind":"recalculation","id":"{a65}","attempt":1,"lease":"{a93}"}"#,
);

const fn job(name: &'static str, says: &'static str) -> Actor {
    actor(name, Login::Worker, "newsystem_job", says)
}

/// Members of acme in every role, who must not reach globex; and globex's owner, who must not reach acme.
pub const TENANTS: [Actor; 11] = [
    OPERATOR,
    ADMIN,
    OWNER,
    READER,
    WRITER,
    FOREIGN_OWNER,
    CLIENT,
    JOB,
    REPORT_JOB,
    EXPORT_JOB,
    COST_JOB,
];

/// Those who must reach nothing at all.
pub const STRANGERS: [Actor; 19] = [
    NOBODY,
    member("a request without claims", ""),
    member(
        "claims that name no known person",
        r#"{"sub":"{c11}","role":"authenticated"}"#,
    ),
    member("the claims of anon", r#"{"sub":"{a11}","role":"anon"}"#),
    member("the claims of service_role", r#"{"sub":"{a11}","role":"service_role"}"#),
    member("a person's id as a key's", r#"{"sub":"{a11}","role":"newsystem_key"}"#),
    member("a revoked key", r#"{"sub":"{a62}","role":"newsystem_key"}"#),
    member("an expired key", r#"{"sub":"{a63}","role":"newsystem_key"}"#),
    actor("anon", Login::Superuser, "anon", OWNER.says),
    actor("the bare login role of the API", Login::Api, "", OWNER.says),
    actor("the bare login role of the queue", Login::Queue, "", OWNER.says),
    job(
        "a job with an expired lease",
        r#"job:{"kind":"analysis","id":"{a53}","attempt":2,"lease":"{a98}"}"#,
    ),
    job(
        "a job with another job's lease",
        r#"job:{"kind":"analysis","id":"{a31}","attempt":1,"lease":"{a97}"}"#,
    ),
    job(
        "a job with a wrong attempt",
        r#"job:{"kind":"analysis","id":"{a31}","attempt":2,"lease":"{a99}"}"#,
    ),
    job("a job without a lease", ""),
    job(
        "a recalculation's job that another attempt has taken over",
        r#"job:{"kind":"recalculation","id":"{a65}","attempt":1,"lease":"{a94}"}"#,
    ),
    // Whatever a worker claims, it reads as nobody but whoever asked for the export in hand.
    actor(
        "a worker that claims to be an owner",
        Login::Worker,
        "newsystem_export",
        OWNER.says,
    ),
    actor(
        "an export's job with an expired lease",
        Login::Worker,
        "newsystem_export",
        r#"job:{"kind":"export","id":"{a47}","attempt":1,"lease":"{a94}"}"#,
    ),
    actor(
        "an analysis' job that reads as a member",
        Login::Worker,
        "newsystem_export",
        JOB.says,
    ),
];

/// What came of a statement.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Outcome {
    /// It ran and touched, or answered, so many rows.
    Rows(u64),
    /// It was refused with this code, and these words.
    Refused(String, String),
}

impl Outcome {
    /// Nothing seen or changed: no row, or no right.
    pub fn is_nothing(&self) -> bool {
        matches!(self, Self::Rows(0)) || matches!(self, Self::Refused(code, _) if code == "42501")
    }

    pub fn is_some(&self) -> bool {
        matches!(self, Self::Rows(rows) if *rows > 0)
    }

    pub fn code(&self) -> &str {
        match self {
            Self::Rows(_) => "",
            Self::Refused(code, _) => code,
        }
    }
}

pub struct Stage {
    pub superuser: PgConnection,
    api: PgConnection,
    worker: PgConnection,
    queue: PgConnection,
    /// Answers of the catalogue, which stays as it is: everything here is rolled back.
    known: HashMap<String, Vec<String>>,
    /// What went otherwise than it should; all of it is shown together.
    pub faults: Vec<String>,
    pub seen: u32,
}

impl Stage {
    pub async fn set() -> Self {
        let database = TestDatabase::with_two_organizations().await.unwrap();
        let mut superuser = PgConnection::connect(&database.superuser_url()).await.unwrap();
        // The fixture's helper that names ids, then one transaction for each organization.
        let fixture = include_str!("../../fixtures/two_organizations.sql");
        for sql in [fixture, MORE, "select pg_temp.more('a')", "select pg_temp.more('b')"] {
            sqlx::raw_sql(sql).execute(&mut superuser).await.unwrap();
        }
        let api = PgConnection::connect(&database.url("newsystem_api")).await.unwrap();
        let worker = PgConnection::connect(&database.url("newsystem_worker")).await.unwrap();
        let queue = PgConnection::connect(&database.url("newsystem_queue")).await.unwrap();
        Self {
            superuser,
            api,
            worker,
            queue,
            known: HashMap::new(),
            faults: Vec::new(),
            seen: 0,
        }
    }

    /// Runs `sql` as this actor, through its own login, in a transaction that is rolled back.
    pub async fn acts(&mut self, actor: &Actor, sql: &str) -> Outcome {
        let connection = match actor.login {
            Login::Api => &mut self.api,
            Login::Worker => &mut self.worker,
            Login::Queue => &mut self.queue,
            Login::Superuser => &mut self.superuser,
        };
        undone(connection, &format!("begin; {} {}", put_on(actor, false), ids(sql))).await
    }

    /// Runs `sql` as this actor after `relax`, which the superuser does first, in a transaction that is rolled back. What
    /// relaxes counts no rows: shape and rights, or a block.
    pub async fn acts_relaxed(&mut self, actor: &Actor, relax: &str, sql: &str) -> Outcome {
        let message = format!("begin; {}; {} {}", ids(relax), put_on(actor, true), ids(sql));
        undone(&mut self.superuser, &message).await
    }

    pub async fn text(&mut self, sql: &str) -> String {
        self.texts(sql).await.into_iter().next().unwrap_or_default()
    }

    pub async fn texts(&mut self, sql: &str) -> Vec<String> {
        if let Some(known) = self.known.get(sql) {
            return known.clone();
        }
        let rows = sqlx::query(AssertSqlSafe(ids(sql)))
            .fetch_all(&mut self.superuser)
            .await
            .unwrap();
        let texts: Vec<String> = rows
            .iter()
            .map(|row| row.try_get::<Option<_>, _>(0).unwrap().unwrap_or_default())
            .collect();
        self.known.insert(sql.to_owned(), texts.clone());
        texts
    }

    /// The attack is refused as `expected` says; and succeeds once `relax` has taken away what refused it.
    pub async fn refuses(&mut self, actor: &Actor, sql: &str, expected: fn(&Outcome) -> bool, relax: &str) {
        self.seen += 1;
        let outcome = self.acts(actor, sql).await;
        if !expected(&outcome) {
            self.faults.push(format!(
                "{}: {sql}\n    was not refused as it should: {outcome:?}",
                actor.name
            ));
        }
        let outcome = self.acts_relaxed(actor, relax, sql).await;
        if !outcome.is_some() {
            self.faults.push(format!(
                "{}: {sql}\n    is refused by something else than what was relaxed ({relax}): {outcome:?}",
                actor.name
            ));
        }
    }

    /// The act goes through.
    pub async fn allows(&mut self, actor: &Actor, sql: &str) {
        self.seen += 1;
        let outcome = self.acts(actor, sql).await;
        if !outcome.is_some() {
            self.faults.push(format!(
                "{}: {sql}\n    should have gone through: {outcome:?}",
                actor.name
            ));
        }
    }

    /// Shows every fault.
    pub fn judge(&self, at_least: u32) {
        assert!(
            self.faults.is_empty(),
            "{} of {} cases:\n{}",
            self.faults.len(),
            self.seen,
            self.faults.join("\n")
        );
        assert!(self.seen >= at_least, "only {} cases were looked at", self.seen);
    }

    /// SQL that opens these policies: whoever they are for passes them, whichever row it is.
    pub async fn open(&mut self, policies: &str) -> String {
        let mut sql = String::new();
        for policy in policies.split_whitespace() {
            let found = self
                .text(&format!(
                    "select format('alter policy %I on public.%I%s%s', policyname, tablename, case when cmd <> 'INSERT' then ' using (true)' end, case when cmd in ('INSERT', 'UPDATE') then ' with check (true)' end)
                       from pg_policies where schemaname = 'public' and policyname = '{policy}'"
                ))
                .await;
            let _ = write!(sql, "{found};");
        }
        sql
    }
}

/// The statements that put on the actor's role and claims. A session of the superuser first puts on the bare login role.
fn put_on(actor: &Actor, as_superuser: bool) -> String {
    let role = match (actor.role, actor.login, as_superuser) {
        ("", Login::Api, true) => "newsystem_api",
        ("", Login::Worker, true) => "newsystem_worker",
        ("", Login::Queue, true) => "newsystem_queue",
        (role, _, _) => role,
    };
    let mut sql = String::new();
    if !role.is_empty() {
        let _ = write!(sql, "set local role {role};");
    }
    match actor.says.strip_prefix("job:") {
        Some(lease) => write!(sql, "set local newsystem.job = '{}';", bare_ids(lease)),
        None => write!(sql, "set local request.jwt.claims = '{}';", bare_ids(actor.says)),
    }
    .unwrap();
    sql
}

/// Runs it and takes it back; in one message if it goes well.
async fn undone(connection: &mut PgConnection, message: &str) -> Outcome {
    let outcome = run(connection, &format!("{message}; rollback")).await;
    if matches!(outcome, Outcome::Refused(..)) {
        run(connection, "rollback").await;
    }
    outcome
}

async fn run(connection: &mut PgConnection, message: &str) -> Outcome {
    match sqlx::raw_sql(AssertSqlSafe(message)).execute(connection).await {
        Ok(done) => Outcome::Rows(done.rows_affected()),
        Err(sqlx::Error::Database(error)) => Outcome::Refused(
            error.code().unwrap_or_default().into_owned(),
            error.message().to_owned(),
        ),
        Err(other) => panic!("the connection failed: {other}"),
    }
}

/// `{a13}` becomes the quoted id of acme's thing number 13.
pub fn ids(sql: &str) -> String {
    replace(sql, |id| format!("'{id}'"))
}

fn bare_ids(text: &str) -> String {
    replace(text, |id| id)
}

fn replace(text: &str, form: impl Fn(String) -> String) -> String {
    let mut found = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(at) = rest.find('{') {
        let (before, after) = rest.split_at(at);
        found.push_str(before);
        let inner = after[1..].split('}').next().unwrap_or_default();
        let (organization, number) = inner.split_at(inner.len().min(1));
        if let (true, Ok(number)) = (["a", "b", "c"].contains(&organization), number.parse::<u16>()) {
            let organization = organization.chars().next().unwrap_or('a');
            found.push_str(&form(tests::database::seeded(organization, number).to_string()));
            rest = &after[inner.len() + 2..];
        } else {
            found.push('{');
            rest = &after[1..];
        }
    }
    found.push_str(rest);
    found
}
