//! `verify`: whether organizations are apart, and whether what analyses stored can still be read.

use std::process::ExitCode;

use serde::Serialize;
use service::platform::{reply, verify};
use worker::vision::stored;

use super::wiring;
use super::words::{Row, Set, clean, table};
use crate::environment::Environment;

#[derive(Debug, clap::Args)]
pub struct Args {
    /// List every stored reply: its steps and how its description begins
    #[arg(long)]
    replies: bool,
    /// Print JSON instead of tables
    #[arg(long)]
    json: bool,
}

/// What was recovered from the reply of one completed analysis.
#[derive(Debug, Serialize)]
struct Recovered {
    analysis: String,
    session: String,
    /// Steps of the work; none when nothing can be read.
    steps: Option<usize>,
    description: Option<String>,
    /// Why nothing can be read.
    #[serde(skip_serializing_if = "Option::is_none")]
    reason: Option<String>,
}

#[derive(Debug, Default, Serialize)]
struct Replies {
    readable: usize,
    unreadable: usize,
    /// Deleted after their retention time, or never there.
    absent: usize,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    listed: Vec<Recovered>,
}

#[derive(Debug, Serialize)]
struct Answer {
    leaks: i64,
    dangling: i64,
    checks: Vec<verify::Check>,
    replies: Replies,
}

pub async fn run(environment: Environment, args: &Args) -> anyhow::Result<ExitCode> {
    let owner = wiring::owner(environment).await?;
    let checks = verify::verify(&owner).await?;
    let mut replies = Replies::default();
    reply::each(&owner, |reply| replies.add(&reply, args.replies)).await?;
    owner.close().await;
    let answer = Answer {
        leaks: checks.iter().map(|check| check.leaks).sum(),
        dangling: checks.iter().map(|check| check.dangling).sum(),
        checks,
        replies,
    };
    if args.json {
        println!("{}", serde_json::to_string_pretty(&answer)?);
    } else {
        print!("{}", as_text(&answer));
    }
    let clean = answer.checks.iter().all(verify::Check::is_clean);
    Ok(if clean { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

impl Replies {
    fn add(&mut self, reply: &reply::StoredReply, list: bool) {
        let reading = reply.raw.as_ref().map(|raw| stored::read(raw, &reply.frames).reading);
        match &reading {
            Some(Ok(_)) => self.readable += 1,
            Some(Err(_)) => self.unreadable += 1,
            None => self.absent += 1,
        }
        if !list {
            return;
        }
        let mut recovered = Recovered {
            analysis: reply.analysis.to_string(),
            session: reply.session.to_string(),
            steps: None,
            description: None,
            reason: None,
        };
        match reading {
            Some(Ok(reading)) => {
                recovered.steps = Some(reading.insights.steps.len());
                recovered.description = Some(reading.insights.description);
            }
            Some(Err(error)) => recovered.reason = Some(error.to_string()),
            None => recovered.reason = Some("no reply is kept".to_owned()),
        }
        self.listed.push(recovered);
    }
}

fn as_text(answer: &Answer) -> String {
    let mut text = String::from("Rows against their owners and parents\n\n");
    let rows: Vec<Row> = answer
        .checks
        .iter()
        .map(|check| {
            let count = |count: i64| if count == 0 { "-".to_owned() } else { count.to_string() };
            let row = Row::of([
                check.table.clone(),
                check.against.clone(),
                check.rows.to_string(),
                count(check.leaks),
                count(check.dangling),
            ]);
            match &check.skipped {
                Some(why) => row.with_below(format!("not looked at: {why}")),
                None if check.examples.is_empty() => row,
                None => row.with_below(format!("such as {}", check.examples.join(", "))),
            }
        })
        .collect();
    let heads = [
        ("Table", Set::Left),
        ("Against", Set::Left),
        ("Rows", Set::Right),
        ("Leaks", Set::Right),
        ("Dangling", Set::Right),
    ];
    text.push_str(&table(&heads, &rows, 100));
    let Replies {
        readable,
        unreadable,
        absent,
        listed,
    } = &answer.replies;
    text.push('\n');
    text.push_str(
        &[
            "Stored replies: ",
            &readable.to_string(),
            " readable, ",
            &unreadable.to_string(),
            " unreadable, ",
            &absent.to_string(),
            " not kept\n",
        ]
        .concat(),
    );
    if !listed.is_empty() {
        let rows: Vec<Row> = listed
            .iter()
            .map(|one| {
                let said = one.description.as_ref().or(one.reason.as_ref());
                Row::of([
                    one.analysis.clone(),
                    one.steps.map_or_else(|| "-".to_owned(), |steps| steps.to_string()),
                    clean(
                        &said
                            .map(|text| text.chars().take(120).collect::<String>())
                            .unwrap_or_default(),
                    ),
                ])
            })
            .collect();
        let heads = [
            ("Analysis", Set::Left),
            ("Steps", Set::Right),
            ("Description", Set::Wrapped),
        ];
        text.push_str(&table(&heads, &rows, 100));
    }
    let (leaks, dangling) = (answer.leaks, answer.dangling);
    let verdict = if leaks + dangling == 0 {
        "No row of one organization points at another's.".to_owned()
    } else {
        format!("FOUND: {leaks} leaks, {dangling} rows that point at nothing")
    };
    [text.as_str(), "\n", &verdict, "\n"].concat()
}
