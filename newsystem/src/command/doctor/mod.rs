//! `doctor`: everything that a deployment needs, looked at one by one. Each finding says what to do.

mod checks;
mod model;

use std::process::ExitCode;

use serde::Serialize;

use super::dev;
use crate::embedded_postgres::EmbeddedPostgres;
use crate::environment::Environment;

#[derive(Debug, clap::Args)]
pub struct Args {
    /// Print the findings as JSON
    #[arg(long)]
    json: bool,
}

/// How a check came out.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
enum Verdict {
    Good,
    /// Nothing is broken, but something will be or is not as it should be.
    Warning,
    Fault,
    /// Could not be looked at, because of another finding.
    Skipped,
}

/// What was found out about one thing.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
struct Finding {
    check: String,
    verdict: Verdict,
    found: String,
    /// What to do, for a warning or fault.
    #[serde(skip_serializing_if = "Option::is_none")]
    remedy: Option<String>,
}

impl Finding {
    fn good(check: impl Into<String>, found: impl Into<String>) -> Self {
        Self {
            check: check.into(),
            verdict: Verdict::Good,
            found: found.into(),
            remedy: None,
        }
    }

    fn skipped(check: impl Into<String>, found: impl Into<String>) -> Self {
        Self {
            verdict: Verdict::Skipped,
            ..Self::good(check, found)
        }
    }

    fn fault(check: impl Into<String>, found: impl Into<String>, remedy: impl Into<String>) -> Self {
        Self {
            verdict: Verdict::Fault,
            remedy: Some(remedy.into()),
            ..Self::good(check, found)
        }
    }

    fn warning(check: impl Into<String>, found: impl Into<String>, remedy: impl Into<String>) -> Self {
        Self {
            verdict: Verdict::Warning,
            remedy: Some(remedy.into()),
            ..Self::good(check, found)
        }
    }
}

pub async fn run(mut environment: Environment, args: &Args) -> anyhow::Result<ExitCode> {
    let mut findings = Vec::new();
    let data_dir = dev::data_folder(&environment)?;
    let mut database = true;
    if !environment.has("DATABASE_URL") {
        match EmbeddedPostgres::running(&data_dir).await {
            Ok(Some(cluster)) => {
                findings.push(Finding::good(
                    "database",
                    format!("the private one, on port {}", cluster.port()),
                ));
                dev::as_dev(&mut environment, &cluster, &data_dir)?;
            }
            Ok(None) => {
                database = false;
                findings.push(Finding::warning(
                    "database",
                    "DATABASE_URL is not set, and no private database is running here",
                    "start one with `newsystem dev`, or set the four DATABASE_ addresses",
                ));
            }
            Err(error) => {
                database = false;
                findings.push(Finding::fault(
                    "database",
                    error.to_string(),
                    "see docs/operations.md, The private database",
                ));
            }
        }
    }
    let configurations = checks::configuration(&environment, &mut findings, database);
    if database {
        checks::database(&configurations, &mut findings).await;
    } else {
        findings.push(Finding::skipped("roles and migrations", "no database"));
    }
    checks::storage(&environment, &mut findings).await;
    checks::libraries(&mut findings);
    checks::ocr(&mut findings).await;
    model::check(&environment, crate::environment::now().date_naive(), &mut findings).await;

    if args.json {
        println!("{}", serde_json::to_string_pretty(&findings)?);
    } else {
        print!("{}", as_text(&findings));
    }
    let faulty = findings.iter().any(|finding| finding.verdict == Verdict::Fault);
    Ok(if faulty { ExitCode::FAILURE } else { ExitCode::SUCCESS })
}

fn as_text(findings: &[Finding]) -> String {
    let width = findings.iter().map(|finding| finding.check.len()).max().unwrap_or(0);
    let mut lines = Vec::new();
    for finding in findings {
        let mark = match finding.verdict {
            Verdict::Good => "ok     ",
            Verdict::Warning => "warning",
            Verdict::Fault => "FAULT  ",
            Verdict::Skipped => "skipped",
        };
        let found = finding.found.replace('\n', "\n    ");
        lines.push(format!("{mark}  {:width$}  {found}", finding.check));
        if let Some(remedy) = &finding.remedy {
            lines.push(format!("         {:width$}  -> {remedy}", ""));
        }
    }
    let count = |verdict| findings.iter().filter(|finding| finding.verdict == verdict).count();
    lines.push(format!(
        "faults: {}, warnings: {}\n",
        count(Verdict::Fault),
        count(Verdict::Warning)
    ));
    lines.join("\n")
}

#[cfg(test)]
mod tests {
    use super::{Finding, as_text};

    #[test]
    fn each_finding_says_what_to_do() {
        let findings = [
            Finding::good("a", "fine"),
            Finding::fault("longer", "broken", "mend it"),
            Finding::skipped("c", "why"),
        ];
        assert_eq!(
            as_text(&findings),
            "ok       a       fine\nFAULT    longer  broken\n                 -> mend it\nskipped  c       why\nfaults: 1, warnings: 0\n"
        );
    }
}
