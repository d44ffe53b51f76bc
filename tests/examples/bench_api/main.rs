//! Processor time of GraphQL requests beside hand-written SQL for the same answer, on 200 organizations x 100 sessions.
//!
//! Started by `./dev bench api`, which builds the release program. Ours is the time of server and PostgreSQL under `wrk`; the
//! floor is the time of pgbench and PostgreSQL, with the same role and claims. Both run in turn, round by round.
//!
//! Arguments: `--rounds N`, `--seconds N` (of one measurement), and words that choose cases by name.

mod cases;
mod cpu;
mod floor;
mod ours;

use std::io::Write as _;
use std::path::Path;
use std::process::{Command, Stdio};
use std::time::Duration;

use anyhow::{Context as _, Result, ensure};
use chrono::TimeDelta;
use serde_json::{Value, json};
use sqlx::postgres::PgPool;
use tests::database::TestDatabase;
use tests::program::{Serve, token};
use uuid::Uuid;

use cases::{CASES, Case};
use cpu::stat;

const ORGANIZATIONS: u32 = 200;
const SESSIONS: u32 = 100;

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

    fn memory_mb(&self) -> Option<u64> {
        let text = std::fs::read_to_string(format!("/proc/{}/status", self.server.id())).ok()?;
        let line = text.lines().find(|line| line.starts_with("VmRSS"))?;
        Some(line.split_whitespace().nth(1)?.parse::<u64>().ok()? / 1024)
    }
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
