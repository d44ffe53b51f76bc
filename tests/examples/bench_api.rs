//! Processor time of GraphQL requests beside hand-written SQL for the same answer, on 200 organizations x 100 sessions.
//!
//! Started by `./dev bench api`, which builds the release program. Ours is the time of server and PostgreSQL under `wrk`; the
//! floor is the time of pgbench and PostgreSQL, with the same role and claims. Both run in turn, round by round.
//!
//! Arguments: `--rounds N`, `--seconds N` (of one measurement), and words that choose cases by name.

use std::fmt::Write as _;
use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::Duration;

use anyhow::{Context as _, Result, bail, ensure};
use chrono::TimeDelta;
use serde_json::{Value, json};
use sqlx::postgres::PgPool;
use tests::database::TestDatabase;
use tests::program::{Serve, token};
use uuid::Uuid;

const ORGANIZATIONS: u32 = 200;
const SESSIONS: u32 = 100;

/// One request, and the SQL that a careful hand would write for the same answer.
struct Case {
    name: &'static str,
    /// The document; `$id` is a session of the organization, another one each time.
    query: &'static str,
    /// The same answer as JSON text, read by `pgbench`; `:id` is the session.
    sql: &'static str,
    /// Most times the floor's processor time at 16 connections (issue 3).
    target: f64,
    /// Whether each request needs a session that none has used before, and writes.
    writes: bool,
}

const CASES: [Case; 5] = [
    Case {
        name: "one session",
        query: "query($id: ID!) { recordingSession(id: $id) { id title status workflowType durationSeconds fileSizeBytes createdAt } }",
        sql: "select json_build_object('id', id, 'title', title, 'status', status, 'workflowType', workflow_type, 'durationSeconds', duration_seconds, \
              'fileSizeBytes', file_size_bytes, 'createdAt', created_at) from public.recording_sessions where id = :id",
        target: 3.0,
        writes: false,
    },
    Case {
        name: "dashboard list",
        query: "{ recordingSessions(first: 20) { nodes { id title status workflowType durationSeconds createdAt \
                currentAnalysis { id status confidenceScore costSavingsAnnual { amount currency } automationOpportunitiesCount \
                opportunities(first: 5) { nodes { id title priority roiPercentage estimatedCostSavingsMonthly { amount currency } } } \
                costAnalysis { id monthlySavings { amount currency } annualSavings { amount currency } paybackPeriodDays } } } pageInfo { hasNextPage endCursor } } }",
        sql: "select json_agg(x) from (select s.id, s.title, s.status, s.workflow_type, s.duration_seconds, s.created_at, \
              (select json_build_object('id', a.id, 'status', a.status, 'confidenceScore', a.confidence_score, 'costSavingsAnnual', a.cost_savings_annual, 'currency', a.currency, 'count', a.automation_opportunities_count, \
                'opportunities', (select json_agg(o) from (select t.id, t.title, t.priority, t.roi_percentage, t.estimated_cost_savings_monthly, t.currency from public.automation_opportunities t \
                  where t.analysis_id = a.id order by t.estimated_cost_savings_monthly desc nulls last, t.id desc limit 5) o), \
                'costAnalysis', (select json_build_object('id', c.id, 'monthlySavings', c.monthly_savings, 'annualSavings', c.annual_savings, 'currency', c.currency, 'payback', c.payback_period_days) \
                  from public.cost_analyses c where c.analysis_id = a.id order by c.created_at desc, c.id desc limit 1)) \
                from public.analysis_results a where a.session_id = s.id and a.is_current) as analysis \
              from public.recording_sessions s order by s.created_at desc, s.id desc limit 21) x",
        target: 1.5,
        writes: false,
    },
    Case {
        name: "best opportunities",
        query: "{ opportunities(first: 20, filter: { roiPercentage: { gte: \"300\" }, currentOnly: true }, orderBy: [{ field: ROI_PERCENTAGE }]) { nodes { id title opportunityType priority status \
                roiPercentage paybackPeriodDays hoursSavedMonthly estimatedCostSavingsMonthly { amount currency } session { id title } } pageInfo { hasNextPage endCursor } } }",
        sql: "select json_agg(x) from (select t.id, t.title, t.opportunity_type, t.priority, t.status, t.roi_percentage, t.payback_period_days, t.hours_saved_monthly, t.estimated_cost_savings_monthly, t.currency, s.id as session_id, s.title as session_title \
              from public.automation_opportunities t join public.analysis_results a on a.id = t.analysis_id and a.is_current join public.recording_sessions s on s.id = t.session_id \
              where t.roi_percentage >= 300 order by t.roi_percentage desc nulls last, t.id desc limit 21) x",
        target: 1.6,
        writes: false,
    },
    Case {
        name: "organization performance",
        query: "{ organizationPerformance { workflowType totalRecordings averageConfidence totalOpportunities weeklyHours { identified accepted implemented } \
                annualCost { identified { amount currency } accepted { amount currency } implemented { amount currency } } } }",
        sql: PERFORMANCE,
        target: 1.9,
        writes: false,
    },
    Case {
        name: "enqueue an analysis",
        query: "mutation($id: ID!) { enqueueAnalysis(input: { sessionId: $id }) { analysis { id status } } }",
        sql: "with made as (insert into public.analysis_results (session_id, organization_id, analyser, preset, frames_per_second, max_frames, scene_threshold, requested_by) \
              values (:id, :organization, 'local', 'standard', 1, 300, 0.1, :person) returning id, status), \
              busy as (update public.recording_sessions set status = 'processing' where id = :id and status in ('completed', 'failed')) \
              select json_build_object('id', made.id, 'status', made.status, 'job', private.enqueue('analyze_recording', made.id)::text) from made",
        target: 2.0,
        writes: true,
    },
];

/// What `organizationPerformance` means, as one would write it by hand: the SQL that the sums are tested against, by kind of work.
const PERFORMANCE: &str = concat!(
    "with worth as (",
    include_str!("../it/read/worth.sql"),
    "), sums as (select workflow_type, round(sum(hours) * 12 / 52, 2) as h1, round(sum(hours) filter (where state >= 2) * 12 / 52, 2) as h2, round(sum(hours) filter (where state = 3) * 12 / 52, 2) as h3, \
       sum(money) * 12 as m1, sum(money) filter (where state >= 2) * 12 as m2, sum(money) filter (where state = 3) * 12 as m3 from worth group by 1), \
     kind as (select s.workflow_type, count(*) as recordings, avg(a.confidence_score) as confidence, coalesce(sum(a.automation_opportunities_count), 0) as opportunities \
       from public.analysis_results a join public.recording_sessions s on s.id = a.session_id where a.is_current group by 1) \
     select json_agg(x) from (select k.*, h1, h2, h3, m1, m2, m3, (select currency from public.organizations limit 1) as currency \
       from kind k left join sums w on w.workflow_type is not distinct from k.workflow_type order by m1 desc nulls last) x"
);

/// One person of the data set.
struct Someone {
    user: Uuid,
    organization: Uuid,
    token: String,
}

/// `hex8(organization)-hex4(kind)-7000-8000-hex12(item)`, as tests/bench/api.sql writes ids.
fn id(organization: u32, kind: u16, item: u32) -> Result<Uuid> {
    Ok(format!("{organization:08x}-{kind:04x}-7000-8000-{item:012x}").parse()?)
}

fn owner(organization: u32) -> Result<Someone> {
    let user = id(organization, 2, 1)?;
    Ok(Someone {
        user,
        organization: id(organization, 1, 0)?,
        token: token(user, TimeDelta::hours(4)),
    })
}

/// Processor seconds.
#[derive(Clone, Copy)]
struct Cpu(f64);

/// Fields of `/proc/PID/stat` behind the name, the first being the state.
fn stat(pid: u32) -> Option<Vec<String>> {
    let text = std::fs::read_to_string(format!("/proc/{pid}/stat")).ok()?;
    let (_, rest) = text.rsplit_once(')')?;
    Some(rest.split_whitespace().map(str::to_owned).collect())
}

#[expect(clippy::cast_precision_loss, reason = "ticks of minutes")]
fn ticks(fields: &[String], at: &[usize]) -> f64 {
    // 100 ticks a second on every Linux.
    at.iter()
        .filter_map(|at| fields.get(*at)?.parse::<u64>().ok())
        .sum::<u64>() as f64
        / 100.0
}

impl Cpu {
    /// Of one process.
    fn of(pid: u32) -> Self {
        Self(stat(pid).map_or(0.0, |fields| ticks(&fields, &[11, 12])))
    }

    /// Of a server and its children, also those that have ended.
    fn of_family(parent: u32) -> Self {
        let mut sum = stat(parent).map_or(0.0, |fields| ticks(&fields, &[11, 12, 13, 14]));
        let Ok(entries) = std::fs::read_dir("/proc") else {
            return Self(sum);
        };
        for pid in entries
            .flatten()
            .filter_map(|entry| entry.file_name().to_str()?.parse().ok())
        {
            if let Some(fields) = stat(pid)
                && fields.get(1).is_some_and(|of| *of == parent.to_string())
            {
                sum += ticks(&fields, &[11, 12]);
            }
        }
        Self(sum)
    }

    /// Of children of this process that have ended.
    fn of_ended_children() -> Self {
        stat(std::process::id()).map_or(Self(0.0), |fields| Self(ticks(&fields, &[13, 14])))
    }
}

/// What one measurement found.
#[derive(Clone, Copy, Default)]
struct Measured {
    /// Processor seconds for 1,000 requests.
    cpu: f64,
    /// Of these, PostgreSQL's.
    postgres: f64,
    throughput: f64,
    p50_ms: f64,
    p99_ms: f64,
}

struct Bench {
    folder: tempfile::TempDir,
    pool: PgPool,
    api_url: String,
    postmaster: u32,
    server: Serve,
    people: Vec<Someone>,
    seconds: u64,
}

fn program(name: &str) -> PathBuf {
    let versioned = (15..=18)
        .rev()
        .map(|version| PathBuf::from(format!("/usr/lib/postgresql/{version}/bin/{name}")));
    versioned
        .into_iter()
        .find(|path| path.exists())
        .unwrap_or_else(|| name.into())
}

fn output(command: &mut Command) -> Result<String> {
    let shown = format!("{command:?}");
    let output = command.stdin(Stdio::null()).output().with_context(|| shown.clone())?;
    let text = String::from_utf8_lossy(&output.stdout).into_owned();
    ensure!(
        output.status.success(),
        "{shown}: {text}{}",
        String::from_utf8_lossy(&output.stderr)
    );
    Ok(text)
}

impl Bench {
    async fn start(seconds: u64) -> Result<Self> {
        let database = TestDatabase::create().await?;
        eprintln!("seeding {ORGANIZATIONS} organizations x {SESSIONS} sessions");
        let seed = Path::new(env!("CARGO_MANIFEST_DIR")).join("bench/api.sql");
        output(
            Command::new("psql")
                .args(["-q", "-X", "-v", "ON_ERROR_STOP=1"])
                .args(["-v", &format!("organizations={ORGANIZATIONS}")])
                .args(["-v", &format!("sessions={SESSIONS}"), "-f"])
                .arg(seed)
                .arg(database.superuser_url()),
        )?;
        let pool = database.superuser().await?;
        sqlx::raw_sql("vacuum analyze").execute(&pool).await?;
        let backend: i32 = sqlx::query_scalar("select pg_backend_pid()").fetch_one(&pool).await?;
        let postmaster = stat(backend.try_into()?)
            .and_then(|fields| fields.get(1)?.parse().ok())
            .context("the server's process")?;
        let server = Serve::start(
            &database.url("newsystem_api"),
            &[
                ("NEWSYSTEM_LOG", "warn"),
                ("NEWSYSTEM_RATE_USER", "1000000/1"),
                ("NEWSYSTEM_RATE_ADDRESS", "1000000/1"),
            ],
        )
        .await?;
        Ok(Self {
            folder: tempfile::tempdir()?,
            pool,
            api_url: database.url("newsystem_api"),
            postmaster,
            server,
            people: (1..=ORGANIZATIONS).map(owner).collect::<Result<_>>()?,
            seconds,
        })
    }

    /// One answer, to see that it is one.
    async fn check(&self, case: &Case) -> Result<()> {
        let body = json!({ "query": case.query, "variables": { "id": id(1, 3, 1)? } });
        let client = reqwest::Client::new();
        let reply: Value = client
            .post(self.server.url())
            .bearer_auth(&self.people[0].token)
            .json(&body)
            .send()
            .await?
            .json()
            .await?;
        ensure!(reply.get("errors").is_none(), "{}: {reply:#}", case.name);
        let rows = reply
            .pointer("/data")
            .map_or(0, |data| data.to_string().matches("\"id\"").count());
        let floor: String = {
            let mut transaction = self.pool.begin().await?;
            let someone = &self.people[0];
            sqlx::query(
                "select set_config('role', 'newsystem_member', true), set_config('request.jwt.claims', $1, true)",
            )
            .bind(json!({"sub": someone.user, "role": "authenticated"}).to_string())
            .execute(&mut *transaction)
            .await?;
            let sql = Self::bound(case, &format!("'{}'::uuid", id(1, 3, 2)?), someone);
            let json: Value = sqlx::query_scalar(sqlx::AssertSqlSafe(sql))
                .fetch_one(&mut *transaction)
                .await?;
            json.to_string()
        };
        ensure!(floor.len() > 60, "{}: the floor finds nothing: {floor}", case.name);
        eprintln!(
            "{}: {} bytes, {rows} objects; floor {} bytes",
            case.name,
            reply.to_string().len(),
            floor.len()
        );
        if case.writes {
            self.forget_analyses().await?;
        }
        Ok(())
    }

    fn bound(case: &Case, session: &str, someone: &Someone) -> String {
        case.sql
            .replace(":id", session)
            .replace(":organization", &format!("'{}'::uuid", someone.organization))
            .replace(":person", &format!("'{}'::uuid", someone.user))
    }

    /// Removes what enqueueing left, so that each measurement finds an empty queue.
    async fn forget_analyses(&self) -> Result<()> {
        // What was on its way when the clients hung up comes to its end first.
        tokio::time::sleep(Duration::from_secs(1)).await;
        for statements in [
            "begin; set local session_replication_role = replica; delete from public.analysis_results where status = 'queued'; \
             update public.recording_sessions set status = 'completed' where status = 'processing'; \
             delete from graphile_worker._private_jobs; delete from graphile_worker._private_job_queues; delete from public.organization_events; commit",
            "vacuum analyze public.analysis_results",
            "vacuum analyze public.recording_sessions",
            "vacuum analyze graphile_worker._private_jobs",
            "vacuum analyze graphile_worker._private_job_queues",
        ] {
            sqlx::raw_sql(statements)
                .execute(&self.pool)
                .await
                .context("emptying the queue")?;
        }
        Ok(())
    }

    fn ours(&self, case: &Case, connections: u32) -> Result<Measured> {
        let mut lua = String::from("wrk.method = 'POST'\nwrk.headers['Content-Type'] = 'application/json'\n");
        let body = |session: &str| json!({ "query": case.query, "variables": { "id": session } }).to_string();
        writeln!(
            lua,
            "local before, after = [=[{}]=], [=[{}]=]",
            body("\u{1}").split("\\u0001").next().unwrap_or_default(),
            body("\u{1}").split("\\u0001").nth(1).unwrap_or_default()
        )?;
        if case.writes {
            writeln!(lua, "local tokens = {{")?;
            for someone in &self.people {
                writeln!(lua, "'Bearer {}',", someone.token)?;
            }
            lua.push_str("}\nlocal n, bad = 0, 0\n");
            // Each organization in turn; stops when every session has had its request.
            write!(
                lua,
                "function request() local o = n % {ORGANIZATIONS}; local s = math.floor(n / {ORGANIZATIONS}) % {SESSIONS}; n = n + 1; \
                 wrk.headers['Authorization'] = tokens[o + 1]; return wrk.format(nil, nil, nil, before .. string.format('%08x-0003-7000-8000-%012x', o + 1, s + 1) .. after) end\n\
                 function response(status, headers, body) if status ~= 200 or string.find(body, '\"errors\"', 1, true) then io.stderr:write(body .. '\\n'); wrk.thread:stop() end \
                 if n >= {} then wrk.thread:stop() end end\n",
                ORGANIZATIONS * SESSIONS - connections
            )?;
        } else {
            write!(
                lua,
                "wrk.headers['Authorization'] = 'Bearer {}'\nlocal n = 0\nlocal ready = {{}}\n\
                 function init(args) for s = 1, {SESSIONS} do ready[s] = wrk.format(nil, nil, nil, before .. string.format('00000001-0003-7000-8000-%012x', s) .. after) end end\n\
                 function request() n = n % {SESSIONS} + 1; return ready[n] end\n",
                self.people[0].token
            )?;
        }
        let script = self.folder.path().join("wrk.lua");
        std::fs::write(&script, lua)?;
        let before = (Cpu::of(self.server.id()), Cpu::of_family(self.postmaster));
        let text = output(
            Command::new("wrk")
                .args([
                    "-t1",
                    &format!("-c{connections}"),
                    &format!("-d{}s", self.seconds),
                    "--latency",
                    "-s",
                ])
                .arg(&script)
                .arg(self.server.url()),
        )?;
        let after = (Cpu::of(self.server.id()), Cpu::of_family(self.postmaster));
        ensure!(!text.contains("Non-2xx"), "{text}");
        let number = |line: &str, at: usize| -> Result<String> {
            let line = text
                .lines()
                .find(|text| text.contains(line))
                .with_context(|| text.clone())?;
            Ok(line.split_whitespace().nth(at).unwrap_or_default().to_owned())
        };
        let requests: f64 = number("requests in", 0)?.parse()?;
        let postgres = after.1.0 - before.1.0;
        Ok(Measured {
            cpu: (after.0.0 - before.0.0 + postgres) * 1000.0 / requests,
            postgres: postgres * 1000.0 / requests,
            throughput: number("Requests/sec:", 1)?.parse()?,
            p50_ms: milliseconds(&number(" 50%", 1)?)?,
            p99_ms: milliseconds(&number(" 99%", 1)?)?,
        })
    }

    async fn floor(&self, case: &Case, connections: u32, prepared: bool) -> Result<Measured> {
        let someone = &self.people[0];
        let mut lines = Vec::new();
        let mode = if case.writes {
            ""
        } else {
            " isolation level repeatable read read only"
        };
        let session;
        if case.writes {
            // As ours: each organization in turn.
            session =
                "(lpad(to_hex(:o::int + 1), 8, '0') || '-0003-7000-8000-' || lpad(to_hex(:s::int), 12, '0'))::uuid";
            lines.push(format!("\\set n :i * {connections} + :client_id"));
            lines.push("\\set i :i + 1".to_owned());
            lines.push(format!("\\set o :n % {ORGANIZATIONS}"));
            lines.push(format!("\\set s (:n / {ORGANIZATIONS}) % {SESSIONS} + 1"));
        } else {
            session = "('00000001-0003-7000-8000-' || lpad(to_hex(:s::int), 12, '0'))::uuid";
            lines.push(format!("\\set s random(1, {SESSIONS})"));
        }
        let (sql, claims) = if case.writes {
            let sql = case
                .sql
                .replace(":id", session)
                .replace(
                    ":organization",
                    "(lpad(to_hex(:o::int + 1), 8, '0') || '-0001-7000-8000-000000000000')::uuid",
                )
                .replace(
                    ":person",
                    "(lpad(to_hex(:o::int + 1), 8, '0') || '-0002-7000-8000-000000000001')::uuid",
                );
            let claims = "select set_config('request.jwt.claims', '{\"sub\":\"' || lpad(to_hex(:o::int + 1), 8, '0') || '-0002-7000-8000-000000000001\",\"role\":\"authenticated\"}', true)";
            (sql, claims.to_owned())
        } else {
            let claims = json!({"sub": someone.user, "role": "authenticated"});
            (
                Self::bound(case, session, someone),
                format!("set local request.jwt.claims = '{claims}'"),
            )
        };
        let statements = [
            format!("begin{mode}"),
            "set local role newsystem_member".to_owned(),
            claims,
            sql,
            "commit".to_owned(),
        ];
        let end = if prepared { ";\n" } else { " \\;\n" };
        let script = self.folder.path().join("floor.sql");
        std::fs::write(&script, format!("{}\n{};\n", lines.join("\n"), statements.join(end)))?;
        let run = |amount: [String; 2]| -> Result<(String, f64, f64)> {
            let before = (Cpu::of_ended_children(), Cpu::of_family(self.postmaster));
            let text = output(
                Command::new(program("pgbench"))
                    .args([
                        "-n",
                        "-j1",
                        "-D",
                        "i=0",
                        "-M",
                        if prepared { "prepared" } else { "simple" },
                    ])
                    .arg(format!("-c{connections}"))
                    .args(amount)
                    .args(["-l", "--log-prefix"])
                    .arg(self.folder.path().join("floor-log"))
                    .arg("-f")
                    .arg(&script)
                    .arg(&self.api_url),
            )?;
            // The backends of connections that were closed take a moment to end.
            std::thread::sleep(Duration::from_millis(300));
            let postgres = Cpu::of_family(self.postmaster).0 - before.1.0;
            Ok((text, Cpu::of_ended_children().0 - before.0.0 + postgres, postgres))
        };
        let clean = || -> Result<Vec<f64>> {
            let mut latencies = Vec::new();
            for entry in std::fs::read_dir(self.folder.path())?.flatten() {
                if entry.file_name().to_string_lossy().starts_with("floor-log") {
                    let text = std::fs::read_to_string(entry.path())?;
                    latencies.extend(
                        text.lines()
                            .filter_map(|line| line.split(' ').nth(2)?.parse::<f64>().ok()),
                    );
                    std::fs::remove_file(entry.path())?;
                }
            }
            latencies.sort_by(f64::total_cmp);
            Ok(latencies)
        };
        let number = |text: &str, line: &str| -> Result<f64> {
            let line = text
                .lines()
                .find(|text| text.starts_with(line))
                .with_context(|| text.to_owned())?;
            Ok(line
                .split([' ', '/'])
                .find_map(|word| word.parse().ok())
                .unwrap_or_default())
        };
        // A server opens its connections once, pgbench in each run: what a long run takes beyond a short one is without them.
        let each = u64::from(ORGANIZATIONS * SESSIONS / connections);
        let amounts = if case.writes {
            [("-t", each / 4), ("-t", each / 2)]
        } else {
            [("-T", self.seconds), ("-T", self.seconds * 3)]
        };
        let (mut found, mut latencies, mut tps) = (Vec::new(), Vec::new(), 0.0);
        for (kind, amount) in amounts {
            let (text, cpu, postgres) = run([kind.to_owned(), amount.to_string()])?;
            ensure!(text.contains("number of failed transactions: 0 "), "{text}");
            latencies = clean()?;
            tps = number(&text, "tps = ")?;
            found.push((
                number(&text, "number of transactions actually processed")?,
                cpu,
                postgres,
            ));
            if case.writes {
                self.forget_analyses().await?;
            }
        }
        let [short, long] = found[..] else {
            bail!("two runs are needed");
        };
        let (requests, cpu, postgres) = (long.0 - short.0, long.1 - short.1, long.2 - short.2);
        #[expect(
            clippy::cast_precision_loss,
            clippy::cast_possible_truncation,
            clippy::cast_sign_loss,
            reason = "a place in a list"
        )]
        let at = |share: f64| {
            latencies
                .get(((latencies.len() as f64 * share) as usize).min(latencies.len().saturating_sub(1)))
                .copied()
                .unwrap_or_default()
                / 1000.0
        };
        Ok(Measured {
            cpu: cpu * 1000.0 / requests,
            postgres: postgres * 1000.0 / requests,
            throughput: tps,
            p50_ms: at(0.5),
            p99_ms: at(0.99),
        })
    }

    fn memory_mb(&self) -> Option<u64> {
        let text = std::fs::read_to_string(format!("/proc/{}/status", self.server.id())).ok()?;
        let line = text.lines().find(|line| line.starts_with("VmRSS"))?;
        Some(line.split_whitespace().nth(1)?.parse::<u64>().ok()? / 1024)
    }
}

fn milliseconds(text: &str) -> Result<f64> {
    for (unit, factor) in [("us", 0.001), ("ms", 1.0), ("s", 1000.0)] {
        if let Some(number) = text.strip_suffix(unit) {
            return Ok(number.parse::<f64>()? * factor);
        }
    }
    bail!("{text} is no time")
}

fn median(mut values: Vec<f64>) -> f64 {
    values.sort_by(f64::total_cmp);
    values.get(values.len() / 2).copied().unwrap_or_default()
}

#[tokio::main]
async fn main() -> Result<()> {
    let (mut rounds, mut seconds, mut connections, mut words) = (5, 3, vec![1, 16, 64], Vec::new());
    let mut arguments = std::env::args().skip(1);
    while let Some(argument) = arguments.next() {
        let mut number = || {
            arguments
                .next()
                .and_then(|text| text.parse::<u64>().ok())
                .context("a number is missing")
        };
        match argument.as_str() {
            "--rounds" => rounds = number()?,
            "--seconds" => seconds = number()?,
            "--connections" => connections = vec![u32::try_from(number()?)?],
            _ => words.push(argument),
        }
    }
    let bench = Bench::start(seconds).await?;
    let mut out = std::io::stdout();
    writeln!(
        out,
        "| Request | Connections | CPU ms ours (server + PostgreSQL) | CPU ms floor | Ratio, median (spread) | Target | Requests/s ours, floor | p50 ms | p99 ms |"
    )?;
    writeln!(out, "|---|---|---|---|---|---|---|---|---|")?;
    let chosen = |case: &&Case| words.is_empty() || words.iter().any(|word| case.name.contains(word.as_str()));
    for case in CASES.iter().filter(chosen) {
        bench.check(case).await?;
        // The floor is whatever a careful hand would find cheaper.
        let mut cheaper = [0.0; 2];
        for (at, prepared) in [false, true].into_iter().enumerate() {
            cheaper[at] = bench.floor(case, 16, prepared).await?.cpu;
        }
        let prepared = cheaper[1] < cheaper[0];
        eprintln!(
            "{}: floor simple {:.3} ms, prepared {:.3} ms",
            case.name, cheaper[0], cheaper[1]
        );
        for connections in &connections {
            let (mut ours, mut floor) = (Vec::new(), Vec::new());
            for round in 0..=rounds {
                let one = bench.ours(case, *connections)?;
                if case.writes {
                    bench.forget_analyses().await?;
                }
                let other = bench.floor(case, *connections, prepared).await?;
                // The first round warms up.
                if round > 0 {
                    ours.push(one);
                    floor.push(other);
                }
            }
            let ratios: Vec<f64> = ours
                .iter()
                .zip(&floor)
                .map(|(ours, floor)| ours.cpu / floor.cpu)
                .collect();
            let of = |list: &[Measured], what: fn(&Measured) -> f64| median(list.iter().map(what).collect());
            let ratio = median(ratios.clone());
            writeln!(
                out,
                "| {} | {connections} | {:.2} ({:.2} + {:.2}) | {:.2} | {ratio:.2} ({:.2} to {:.2}) | {}{} | {:.0}, {:.0} | {:.1}, {:.1} | {:.1}, {:.1} |",
                case.name,
                of(&ours, |m| m.cpu),
                of(&ours, |m| m.cpu - m.postgres),
                of(&ours, |m| m.postgres),
                of(&floor, |m| m.cpu),
                ratios.iter().copied().fold(f64::INFINITY, f64::min),
                ratios.iter().copied().fold(0.0, f64::max),
                if *connections == 16 {
                    format!("{:.1}", case.target)
                } else {
                    String::new()
                },
                if *connections == 16 && ratio > case.target {
                    " MISSED"
                } else {
                    ""
                },
                of(&ours, |m| m.throughput),
                of(&floor, |m| m.throughput),
                of(&ours, |m| m.p50_ms),
                of(&floor, |m| m.p50_ms),
                of(&ours, |m| m.p99_ms),
                of(&floor, |m| m.p99_ms),
            )?;
            out.flush()?;
        }
    }
    writeln!(
        out,
        "\nServer's memory afterwards: {} MB",
        bench.memory_mb().unwrap_or_default()
    )?;
    Ok(())
}
