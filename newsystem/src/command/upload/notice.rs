//! The text that a recorded person is shown before anything of the recording leaves this machine.

use std::io::{BufRead as _, IsTerminal as _, Write as _};

use anyhow::{bail, ensure};
use serde::Deserialize;
use serde_json::json;

use super::super::words::clean;
use super::Options;
use crate::client::Server;

pub const NOTICE: &str = "query Notice { recordingNotice { version locale text } }";

#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
struct Answer {
    recording_notice: Option<Notice>,
}

#[derive(Debug, Deserialize)]
struct Notice {
    version: String,
    text: String,
}

/// The version that was agreed to: the one named, or the one in force after it was shown and accepted.
pub async fn agreed(server: &Server, options: &Options) -> anyhow::Result<String> {
    if let Some(version) = &options.notice_version {
        return Ok(version.clone());
    }
    let answer: Answer = server.ask_patiently(NOTICE, &json!({}), super::said).await?;
    let Some(notice) = answer.recording_notice else {
        bail!(
            "the organization has no recording notice: an owner sets one, or name the version that was shown with --notice-version"
        )
    };
    if options.accept_notice {
        return Ok(notice.version);
    }
    let shown: Vec<String> = notice.text.lines().map(clean).collect();
    eprintln!("Recording notice {}:\n\n{}\n", clean(&notice.version), shown.join("\n"));
    ensure!(
        std::io::stdin().is_terminal(),
        "the recorded person has to agree to the notice: say so with --accept-notice"
    );
    eprint!("Was the recorded person shown this, and does that person agree? [y/N] ");
    std::io::stderr().flush()?;
    let mut line = String::new();
    std::io::stdin().lock().read_line(&mut line)?;
    ensure!(
        matches!(line.trim().to_lowercase().as_str(), "y" | "yes"),
        "nothing was uploaded: without agreement there is no recording"
    );
    Ok(notice.version)
}
