//! `export`: what a server has about a person or of an organization, into a file.

use std::path::PathBuf;
use std::process::ExitCode;
use std::time::Duration;

use anyhow::{Context, bail};
use reqwest::header::RANGE;
use serde::Deserialize;
use serde_json::json;
use tokio::io::AsyncWriteExt as _;

use super::meter::Meter;
use super::upload;
use crate::client::backoff::{Backoff, retrying};
use crate::client::{Failure, Server, ServerArgs};
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

const EXPORT: &str = "mutation Export($input: ExportDataInput!) { exportData(input: $input) { export { id } } }";
const STATE: &str = "query Export($id: ID!) { dataExport(id: $id) { id status progress errorMessage fileSizeBytes } }";
const ADDRESS: &str = "query Address($id: ID!) { dataExport(id: $id) { id downloadUrl } }";

/// How often the server is asked how far it is.
const LOOK_EVERY: Duration = Duration::from_secs(1);
/// A connection over which nothing comes for so long is given up.
const SILENCE: Duration = Duration::from_mins(1);
/// So many connections over which nothing came are taken up again.
const MOST_IN_VAIN: u32 = 10;

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Asked {
    export_data: Payload,
}

#[derive(Deserialize)]
struct Payload {
    export: Named,
}

#[derive(Deserialize)]
struct Named {
    id: String,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Found {
    data_export: Option<Export>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Export {
    id: String,
    #[serde(default)]
    status: String,
    #[serde(default)]
    progress: f64,
    error_message: Option<String>,
    file_size_bytes: Option<String>,
    download_url: Option<String>,
}

pub async fn run(environment: &Environment, args: &Args) -> anyhow::Result<ExitCode> {
    let server = upload::server(environment, &args.server)?;
    let shown = args.output.display();
    let mut file = tokio::fs::OpenOptions::new()
        .write(true)
        .create_new(true)
        .mode(0o600)
        .open(&args.output)
        .await
        .with_context(|| format!("cannot make {shown}"))?;
    let fetched = async {
        let export = made(&server, args).await?;
        fetch(&server, &export, &mut file).await?;
        file.sync_all().await.with_context(|| format!("cannot write {shown}"))
    };
    if let Err(error) = fetched.await {
        // Half an archive is none.
        let _ = tokio::fs::remove_file(&args.output).await;
        return Err(error.context("there is no export; nothing was kept"));
    }
    println!("{shown}");
    Ok(ExitCode::SUCCESS)
}

/// Asks for the export and waits until it is there.
async fn made(server: &Server, args: &Args) -> anyhow::Result<Export> {
    let subject = if args.organization { "ORGANIZATION" } else { "PERSON" };
    let input = json!({ "input": { "subject": subject, "memberId": args.member } });
    let asked: Asked = server.ask_patiently(EXPORT, &input, upload::said).await?;
    let meter = Meter::stages();
    loop {
        let export = look(server, STATE, &asked.export_data.export.id).await?;
        match export.status.as_str() {
            "READY" => {
                meter.clear();
                return Ok(export);
            }
            "FAILED" => {
                meter.clear();
                bail!(
                    export
                        .error_message
                        .unwrap_or_else(|| "the server could not make it".to_owned())
                )
            }
            "QUEUED" => meter.stage(0.0, "waiting for a worker"),
            _ => meter.stage(export.progress, "the server puts it together"),
        }
        tokio::time::sleep(LOOK_EVERY).await;
    }
}

async fn look(server: &Server, question: &str, id: &str) -> anyhow::Result<Export> {
    let found: Found = server
        .ask_patiently(question, &json!({ "id": id }), upload::said)
        .await?;
    found
        .data_export
        .context("the export is gone: its day is over, another has replaced it, or you may not have it any more")
}

/// Fetches the archive; a connection that breaks off is taken up where it was.
async fn fetch(server: &Server, export: &Export, file: &mut tokio::fs::File) -> anyhow::Result<()> {
    let size = export.file_size_bytes.as_ref().and_then(|size| size.parse().ok());
    let size: u64 = size.context("the server answered no size")?;
    let meter = Meter::bytes(size);
    let (mut have, mut in_vain) = (0_u64, 0_u32);
    while have < size {
        let before = have;
        let url = look(server, ADDRESS, &export.id)
            .await?
            .download_url
            .context("the export has expired")?;
        let url = server
            .base()
            .join(&url)
            .context("the server answered an address that is none")?;
        let opened = retrying(Backoff::REQUEST, upload::said, async || {
            let response = server
                .signed(reqwest::Method::GET, url.clone())
                .header(RANGE, format!("bytes={have}-"))
                .send()
                .await
                .map_err(|error| Failure::Unreachable(error.without_url().to_string()))?;
            match response.status().as_u16() {
                206 => Ok(response),
                status => Err(Failure::Status {
                    what: "the export",
                    status,
                    retry_after: None,
                }),
            }
        });
        let mut response = opened.await?;
        loop {
            match tokio::time::timeout(SILENCE, response.chunk()).await {
                Ok(Ok(Some(piece))) => {
                    file.write_all(&piece).await.context("cannot write the export")?;
                    have += piece.len() as u64;
                    meter.add(piece.len() as u64);
                }
                Ok(Ok(None)) => break,
                Ok(Err(_)) | Err(_) => {
                    meter.remark("the connection broke off; going on from there");
                    break;
                }
            }
        }
        in_vain = if have == before { in_vain + 1 } else { 0 };
        if in_vain > MOST_IN_VAIN {
            bail!("the connection breaks off each time");
        }
        if in_vain > 0 {
            tokio::time::sleep(LOOK_EVERY).await;
        }
    }
    meter.clear();
    if have != size {
        bail!("the server sent {have} bytes of {size}");
    }
    file.flush().await.context("cannot write the export")
}
