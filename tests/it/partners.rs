//! docs/partners.md: every call on the page, run as it stands there, against the program.

use std::path::Path;
use std::process::Command;
use std::time::Duration;

use serde_json::Value;
use sha2::{Digest as _, Sha256};
use tests::database::{TestDatabase, seeded};
use tests::node;
use tests::program::Serve;

const PAGE: &str = include_str!("../../docs/partners.md");
const KEY: &str = "ns_partnerpartnerpartnerpartnerpartnerpartner0";

/// A block of code: its language, the rest of that line, its text.
struct Block {
    language: &'static str,
    name: &'static str,
    text: String,
}

fn blocks() -> Vec<Block> {
    let mut blocks = Vec::new();
    let mut open: Option<Block> = None;
    for line in PAGE.lines() {
        match (line.strip_prefix("```"), &mut open) {
            (Some(head), None) => {
                let (language, name) = head.split_once(' ').unwrap_or((head, ""));
                open = Some(Block {
                    language,
                    name,
                    text: String::new(),
                });
            }
            (Some(_), Some(_)) => blocks.extend(open.take()),
            (None, Some(block)) => {
                block.text.push_str(line);
                block.text.push('\n');
            }
            (None, None) => {}
        }
    }
    blocks
}

/// Whether an answer is what the page shows, where `…` stands for anything but null.
fn is_like(shown: &Value, got: &Value) -> bool {
    match (shown, got) {
        (Value::String(text), got) if text == "…" => !got.is_null(),
        (Value::Object(shown), Value::Object(got)) => {
            shown.len() == got.len()
                && shown
                    .iter()
                    .all(|(name, value)| got.get(name).is_some_and(|other| is_like(value, other)))
        }
        (Value::Array(shown), Value::Array(got)) => {
            shown.len() == got.len() && shown.iter().zip(got).all(|(one, other)| is_like(one, other))
        }
        (shown, got) => shown == got,
    }
}

fn run(block: &Block, folder: &Path, server: &Serve) -> String {
    let mut command = if block.language == "sh" {
        let mut command = Command::new("bash");
        command.args(["-euo", "pipefail", "-c", &block.text]);
        command
    } else {
        std::fs::write(folder.join("call.mjs"), &block.text).unwrap();
        let mut command = Command::new(node::folder("tests/node/node").canonicalize().unwrap());
        command.arg("call.mjs");
        command
    };
    let recording = node::folder("tests/fixtures/demo/demo.webm").canonicalize().unwrap();
    let output = command
        .current_dir(folder)
        .env("NEWSYSTEM_URL", format!("http://{}", server.address))
        .env("NEWSYSTEM_TOKEN", KEY)
        .env("RECORDING", recording)
        .output()
        .unwrap();
    let said = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{}\n{said}", block.text);
    String::from_utf8(output.stdout).unwrap()
}

#[tokio::test]
async fn every_call_of_the_partners_page_answers_what_the_page_says() {
    node::install("tests/node");
    let database = TestDatabase::with_two_organizations().await.unwrap();
    let pool = database.superuser().await.unwrap();
    sqlx::raw_sql(sqlx::AssertSqlSafe(
        include_str!("read/many.sql").replace("{sessions}", "5"),
    ))
    .execute(&pool)
    .await
    .unwrap();
    sqlx::query("insert into public.api_keys (organization_id, name, role, read_only, prefix, secret_sha256, created_by) values ($1, 'partner', 'operator', false, 'ns_partne', $2, $3)")
        .bind(seeded('a', 1))
        .bind(hex::encode(Sha256::digest(KEY)))
        .bind(seeded('a', 11))
        .execute(&pool)
        .await
        .unwrap();
    // A budget that call 2 overdraws.
    let settings = [("NEWSYSTEM_RATE_KEY", "20/2")];
    let server = Serve::start(&database.url("newsystem_api"), &settings).await.unwrap();

    let folder = tempfile::tempdir().unwrap();
    let mut blocks = blocks().into_iter().peekable();
    let mut calls = 0;
    while let Some(block) = blocks.next() {
        if !block.name.is_empty() {
            std::fs::write(folder.path().join(block.name), &block.text).unwrap();
            continue;
        }
        assert!(
            ["sh", "js"].contains(&block.language),
            "an answer without a call: {}",
            block.text
        );
        if block.language == "sh" && calls > 0 {
            // curl does not try again by itself: it is to find the budget full, however fast the calls before it were.
            tokio::time::sleep(Duration::from_secs(2)).await;
        }
        let said = run(&block, folder.path(), &server);
        let shown = blocks.next().unwrap();
        assert_eq!(shown.language, "json", "no answer is shown to {}", block.text);
        let (shown, got): (Value, Value) = (
            serde_json::from_str(&shown.text).unwrap(),
            serde_json::from_str(&said).unwrap_or_else(|error| panic!("{error}: {said}")),
        );
        assert!(
            is_like(&shown, &got),
            "{}\nanswers {got:#}\nand not {shown:#}",
            block.text
        );
        calls += 1;
    }
    assert!(calls >= 10, "{calls} calls");
}
