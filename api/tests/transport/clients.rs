//! The auditor, the clients and the browser that people use, against the running server. They come from npm (`tests/node`)
//! and are installed by the first test that needs them.

use std::{
    fs::{self, File},
    path::{Path, PathBuf},
    process::Stdio,
    sync::atomic::Ordering,
    time::Duration,
};

use tokio::process::Command;

use super::support::{Server, eventually};

fn folder() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../tests/node")
}

/// Installs the packages if one that the tests import is missing.
async fn install() {
    let folder = folder();
    let missing = || {
        let wanted = [
            "graphql-http",
            "graphql-ws",
            "graphql-sse",
            "@apollo/client",
            "urql",
            "wonka",
            "ws",
            "rxjs",
            "puppeteer-core",
        ];
        wanted
            .into_iter()
            .find(|package| !folder.join("node_modules").join(package).join("package.json").exists())
    };
    if missing().is_none() {
        return;
    }
    fs::create_dir_all(&folder).unwrap();
    // Tests run in processes of their own: one installs, the others wait.
    let lock = File::create(std::env::temp_dir().join("newsystem-tests-node.lock")).unwrap();
    tokio::task::spawn_blocking(move || lock.lock().map(|()| lock))
        .await
        .unwrap()
        .unwrap();
    if missing().is_none() {
        return;
    }
    let install = Command::new("npm")
        .args(["ci", "--no-audit", "--no-fund"])
        .current_dir(&folder)
        .status()
        .await;
    let installed = install.is_ok_and(|status| status.success());
    assert!(
        installed && missing().is_none(),
        "`npm ci` in tests/node must succeed: the client tests need its packages ({:?} is missing)",
        missing()
    );
}

async fn node(script: &str, arguments: &[&str]) -> String {
    install().await;
    // The folder's own script finds the Node that it pins.
    let mut command = Command::new(folder().join("node"));
    command
        .arg(script)
        .args(arguments)
        .current_dir(folder())
        .stdin(Stdio::null())
        .kill_on_drop(true);
    let run = tokio::time::timeout(Duration::from_mins(3), command.output()).await;
    let output = run.expect("the script ends in time").expect("node is installed");
    let text = format!(
        "{}{}",
        String::from_utf8_lossy(&output.stdout),
        String::from_utf8_lossy(&output.stderr)
    );
    assert!(output.status.success(), "{script}:\n{text}");
    text
}

#[tokio::test(flavor = "multi_thread")]
async fn the_graphql_http_audit_passes_in_every_must_should_and_may() {
    let server = Server::start().await;
    println!("{}", node("audit.mjs", &[&server.url()]).await);
}

#[tokio::test(flavor = "multi_thread")]
async fn standard_clients_query_and_subscribe() {
    let server = Server::start().await;
    println!("{}", node("clients.mjs", &[&server.url()]).await);
}

#[tokio::test(flavor = "multi_thread")]
async fn graphiql_shows_a_query_and_a_subscription_in_a_browser() {
    let server = Server::with(|options| options.graphiql = true).await;
    let screenshot = Path::new(env!("CARGO_TARGET_TMPDIR")).join("graphiql.png");
    let text = node(
        "graphiql.mjs",
        &[&format!("http://{}/", server.address), screenshot.to_str().unwrap()],
    )
    .await;
    println!("{text}screenshot: {}", screenshot.display());
}

/// Of this process, in bytes.
fn resident_memory() -> usize {
    let pages = fs::read_to_string("/proc/self/statm").unwrap();
    pages.split_whitespace().nth(1).unwrap().parse::<usize>().unwrap() * 4096
}

#[tokio::test(flavor = "multi_thread")]
async fn an_idle_subscriber_is_small() {
    const SOCKETS: usize = 1000;
    install().await;
    let server = Server::with(|options| {
        options.limits.sockets_per_caller = SOCKETS;
        options.limits.subscriptions_per_caller = SOCKETS;
        options.rates.anonymous = api::http::Rate::new(10_000, 60);
    })
    .await;
    let open = |count: usize| {
        let mut command = Command::new(folder().join("node"));
        command
            .args(["sockets.mjs", &server.url(), &count.to_string()])
            .current_dir(folder());
        command
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .kill_on_drop(true)
            .spawn()
            .unwrap()
    };
    let counted = |wanted: usize| {
        let counts = &server.counts;
        move || counts.streams.load(Ordering::SeqCst) == wanted
    };
    // What is allocated once is not the subscriber's.
    let warm = open(20);
    eventually("the first sockets", counted(20)).await;
    let before = resident_memory();
    let all = open(SOCKETS - 20);
    eventually("all sockets", counted(SOCKETS)).await;
    let each = resident_memory().saturating_sub(before) / (SOCKETS - 20);
    println!("{each} bytes for each idle subscriber");
    assert!(
        each < 50_000,
        "{each} bytes for each idle subscriber: 10,000 shall fit in 500 MB"
    );
    drop((warm, all));
    eventually("the end of all streams", counted(0)).await;
}
