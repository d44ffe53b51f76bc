//! A measurement of the floor: PostgreSQL under `pgbench`. Apart because its load is written in SQL.

use std::path::PathBuf;
use std::process::Command;
use std::time::Duration;

use anyhow::{Context as _, Result, bail, ensure};
use serde_json::json;

use super::cases::Case;
use super::cpu::Cpu;
use super::{Bench, Measured, ORGANIZATIONS, SESSIONS, output};

impl Bench {
    pub(super) async fn floor(&self, case: &Case, connections: u32, prepared: bool) -> Result<Measured> {
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
