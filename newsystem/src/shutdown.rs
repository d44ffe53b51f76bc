//! The end of a process: asked for once, it finishes what it has in hand; asked a second time, it stops at once.

use std::time::Duration;

use anyhow::Context;
use tokio::signal::unix::{SignalKind, signal};
use tokio_util::sync::CancellationToken;

/// A token that is cancelled by the first SIGTERM or SIGINT (Ctrl-C). The second one ends the process.
pub fn on_signal() -> anyhow::Result<CancellationToken> {
    let mut terminate = signal(SignalKind::terminate()).context("cannot listen for SIGTERM")?;
    let mut interrupt = signal(SignalKind::interrupt()).context("cannot listen for SIGINT")?;
    let asked = CancellationToken::new();
    let token = asked.clone();
    tokio::spawn(async move {
        let mut next = async || {
            tokio::select! {
                _ = terminate.recv() => "SIGTERM",
                _ = interrupt.recv() => "SIGINT",
            }
        };
        let name = next().await;
        tracing::info!(signal = name, "stopping; once more stops at once");
        token.cancel();
        let name = next().await;
        tracing::warn!(signal = name, "stopped at once");
        std::process::exit(130);
    });
    Ok(asked)
}

/// Cancels `token` when the process `parent` is no longer our parent: it died without a word.
pub fn with_parent(parent: u32, token: CancellationToken) {
    tokio::spawn(async move {
        while std::os::unix::process::parent_id() == parent {
            tokio::time::sleep(Duration::from_millis(500)).await;
        }
        tracing::warn!(parent, "the parent process is gone; stopping");
        token.cancel();
    });
}
