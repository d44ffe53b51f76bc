//! The npm clients through the helper of `clients/typescript`: a server that was killed costs them nothing.

use std::collections::BTreeMap;
use std::path::Path;
use std::process::Stdio;
use std::time::Duration;

use tests::database::seeded;
use tokio::io::{AsyncBufReadExt as _, BufReader, Lines};
use tokio::process::{ChildStdout, Command};

use super::{Stage, cursor, person};

/// Reads on until all four clients have told this many events.
async fn until(lines: &mut Lines<BufReader<ChildStdout>>, told: &mut BTreeMap<String, Vec<i64>>, wanted: usize) {
    while told.len() < 4 || told.values().any(|sequences| sequences.len() < wanted) {
        let line = tokio::time::timeout(Duration::from_secs(30), lines.next_line()).await;
        let line = line.unwrap_or_else(|_| panic!("not all is told: {told:?}")).unwrap();
        let line = line.unwrap_or_else(|| panic!("the script ended: {told:?}"));
        let (name, sequence) = line.rsplit_once(' ').unwrap();
        let sequence = sequence.parse().unwrap_or_else(|_| panic!("{line}"));
        told.entry(name.to_owned()).or_default().push(sequence);
    }
}

#[tokio::test]
async fn npm_clients_resume_by_cursor_after_a_server_was_killed() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("node");
    for package in ["graphql-ws", "graphql-sse", "ws"] {
        let installed = folder.join("node_modules").join(package).exists();
        assert!(
            installed,
            "{package} is not installed: ./dev test does, or npm ci in tests/node"
        );
    }
    let mut stage = Stage::set(&[]).await;
    let newest = stage.newest('a').await;
    let mut node = Command::new(folder.join("node"))
        .args([
            "resume.mjs",
            &stage.serve.url(),
            &person('a', 11),
            &cursor(seeded('a', 1), 0),
        ])
        .current_dir(&folder)
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .kill_on_drop(true)
        .spawn()
        .unwrap();
    let mut lines = BufReader::new(node.stdout.take().unwrap()).lines();
    let mut told = BTreeMap::new();
    let first = usize::try_from(newest).unwrap();
    until(&mut lines, &mut told, first).await;
    stage.serve.kill();
    for _ in 0..5 {
        stage.happens('a').await;
    }
    stage.serve.start_again().await.unwrap();
    until(&mut lines, &mut told, first + 5).await;
    // Once more, and with something happening on the open connection too.
    stage.serve.kill();
    stage.happens('a').await;
    stage.serve.start_again().await.unwrap();
    until(&mut lines, &mut told, first + 6).await;
    stage.happens('a').await;
    until(&mut lines, &mut told, first + 7).await;
    for (name, sequences) in told {
        assert_eq!(sequences, (1..=newest + 7).collect::<Vec<_>>(), "{name}");
    }
    node.kill().await.unwrap();
}
