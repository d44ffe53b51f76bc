//! `export`: what a server has about a person or of an organization, into a file.

use std::path::PathBuf;
use std::process::ExitCode;

use anyhow::{Context, bail};
use serde::Deserialize;
use serde_json::json;
use tokio::io::AsyncWriteExt as _;

use super::upload;
use crate::client::ServerArgs;
use crate::environment::Environment;

#[derive(Debug, clap::Args)]
pub struct Args {
    /// Everything of the organization. Default: what is stored about you
    #[arg(long, conflicts_with = "member")]
    organization: bool,
    /// What is stored about this member
    #[arg(long, value_name = "ID")]
    member: Option<String>,
    /// The file; it must not be there yet
    #[arg(long, value_name = "FILE", default_value = "newsystem-export.zip")]
    output: PathBuf,
    #[command(flatten)]
    server: ServerArgs,
}

const EXPORT: &str = "mutation Export($input: ExportDataInput!) { exportData(input: $input) { url } }";

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Answer {
    export_data: Export,
}

#[derive(Deserialize)]
struct Export {
    url: String,
}

pub async fn run(environment: &Environment, args: &Args) -> anyhow::Result<ExitCode> {
    let server = upload::server(environment, &args.server)?;
    let subject = if args.organization { "ORGANIZATION" } else { "PERSON" };
    let input = json!({ "input": { "subject": subject, "memberId": args.member } });
    let answer: Answer = server.ask_patiently(EXPORT, &input, upload::said).await?;
    let url = server
        .base()
        .join(&answer.export_data.url)
        .context("the server answered an address that is none")?;
    let mut response = server
        .signed(reqwest::Method::GET, url)
        .send()
        .await
        .map_err(reqwest::Error::without_url)?;
    if !response.status().is_success() {
        bail!("the export cannot be fetched: the server answers {}", response.status());
    }
    let shown = args.output.display();
    let mut file = tokio::fs::OpenOptions::new()
        .write(true)
        .create_new(true)
        .mode(0o600)
        .open(&args.output)
        .await
        .with_context(|| format!("cannot make {shown}"))?;
    let copied = async {
        while let Some(piece) = response.chunk().await.map_err(reqwest::Error::without_url)? {
            file.write_all(&piece).await?;
        }
        file.sync_all().await?;
        anyhow::Ok(())
    };
    if let Err(error) = copied.await {
        // Half an archive is none.
        let _ = tokio::fs::remove_file(&args.output).await;
        return Err(error.context("the export broke off; nothing was kept"));
    }
    println!("{shown}");
    Ok(ExitCode::SUCCESS)
}
