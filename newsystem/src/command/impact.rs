//! `impact`: the platform's figures, over all organizations.

use std::process::ExitCode;

use chrono::{DateTime, NaiveDate, NaiveTime, TimeDelta, Utc};
use serde::Serialize;
use service::page::Range;
use service::platform::impact::{self, Impact, Sums};

use super::wiring;
use super::words::{Row, Set, grouped, percent, table};
use crate::environment::{self, Environment};

#[derive(Debug, clap::Args)]
pub struct Args {
    /// Only recordings started on this day (UTC) or later; a year ago without
    #[arg(long, value_name = "YYYY-MM-DD")]
    since: Option<NaiveDate>,
    /// Only recordings started before this day (UTC)
    #[arg(long, value_name = "YYYY-MM-DD")]
    until: Option<NaiveDate>,
    /// Print JSON instead of tables
    #[arg(long)]
    json: bool,
}

/// The figures with the range that they are about.
#[derive(Debug, Serialize)]
struct Answer {
    since: DateTime<Utc>,
    until: Option<DateTime<Utc>>,
    #[serde(flatten)]
    impact: Impact,
}

pub async fn run(environment: Environment, args: &Args) -> anyhow::Result<ExitCode> {
    let midnight = |day: NaiveDate| day.and_time(NaiveTime::MIN).and_utc();
    let since = args
        .since
        .map_or_else(|| environment::now() - TimeDelta::days(365), midnight);
    let until = args.until.map(midnight);
    let owner = wiring::owner(environment).await?;
    let during = Range {
        from: Some(since),
        to: until,
    };
    let impact = impact::impact(&owner, &during).await?;
    owner.close().await;
    let answer = Answer { since, until, impact };
    if args.json {
        println!("{}", serde_json::to_string_pretty(&answer)?);
    } else {
        print!("{}", as_text(&answer));
    }
    Ok(ExitCode::SUCCESS)
}

fn as_text(answer: &Answer) -> String {
    let Impact {
        active_organizations,
        recordings_per_month,
        analyses,
        annual_hours,
        annual_savings,
        mean_confidence,
        review_precision,
        accepted,
        dismissed,
    } = &answer.impact;
    let share = |share: &Option<f64>| share.map_or_else(|| "not known".to_owned(), percent);
    let since = answer.since.format("%Y-%m-%d");
    let until = answer.until.map(|until| format!(" until {}", until.format("%Y-%m-%d")));
    let mut text = format!(
        "Recordings since {since}{}\n\n  Active organizations  {active_organizations}\n  Analysed sessions     {analyses}\n  Mean confidence       {}\n  Review precision      {} ({accepted} accepted, {dismissed} dismissed)\n\n",
        until.unwrap_or_default(),
        share(mean_confidence),
        share(review_precision),
    );
    let sums = |what: String, sums: &Sums| {
        let amount = |number: rust_decimal::Decimal| grouped(&number.to_string());
        Row::of([
            what,
            amount(sums.identified),
            amount(sums.accepted),
            amount(sums.implemented),
        ])
    };
    let mut rows = vec![sums("Hours a year".to_owned(), annual_hours)];
    rows.extend(
        annual_savings
            .iter()
            .map(|savings| sums(format!("{} a year", savings.currency), &savings.annual)),
    );
    let heads = [
        ("", Set::Left),
        ("Identified", Set::Right),
        ("Accepted", Set::Right),
        ("Implemented", Set::Right),
    ];
    text.push_str(&table(&heads, &rows, 100));
    text.push('\n');
    let months: Vec<Row> = recordings_per_month
        .iter()
        .map(|month| Row::of([month.month.clone(), month.recordings.to_string()]))
        .collect();
    text.push_str(&table(
        &[("Month", Set::Left), ("Recordings", Set::Right)],
        &months,
        100,
    ));
    text
}
