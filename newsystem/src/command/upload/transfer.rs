//! The way of the chunks: hashed and announced in batches, put in parallel, completed in batches. Every step may be repeated.

use std::collections::BTreeMap;
use std::fs::File;
use std::io;
use std::os::unix::fs::FileExt as _;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use anyhow::{Context, bail};
use bytes::Bytes;
use chrono::{DateTime, TimeDelta, Utc};
use futures::stream::{self, StreamExt as _, TryReadyChunksError, TryStreamExt as _};
use serde::Deserialize;
use serde_json::{Value, json};
use sha2::{Digest as _, Sha256};

use super::super::meter::Meter;
use super::plan::Piece;
use crate::client::backoff::Backoff;
use crate::client::graphql::{first_refusal, retry_after};
use crate::client::{Failure, Server};
use crate::environment;

/// Chunks that one request announces or completes at most.
const BATCH: usize = 50;
/// Requests to complete chunks that may be under way while others are put.
const COMPLETING: usize = 8;
/// How often chunks that arrived otherwise than announced are sent again.
const ROUNDS: u32 = 4;
/// Bytes that are handed to the connection at once: what the progress is counted by.
const PORTION: usize = 64 * 1024;
/// A put of which nothing moves for so long is given up and begun again.
const STALLED: Duration = Duration::from_mins(1);
/// An address with less time left than this is asked for anew.
const SPARE: TimeDelta = TimeDelta::seconds(60);
/// How often a refused address is replaced by a new one.
const RENEWALS: u32 = 2;

pub const REQUEST: &str = "\
mutation RequestUploads($input: RequestChunkUploadsInput!) {
  requestChunkUploads(input: $input) {
    uploads { chunk { id chunkIndex uploadStatus } url method headers { name value } expiresAt }
  }
}";

pub const COMPLETE: &str = "\
mutation CompleteUploads($input: CompleteChunkUploadsInput!) {
  completeChunkUploads(input: $input) { chunks { id chunkIndex uploadStatus errorMessage } }
}";

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Requested {
    request_chunk_uploads: Uploads,
}

#[derive(Deserialize)]
struct Uploads {
    uploads: Vec<Upload>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Upload {
    chunk: Chunk,
    url: String,
    method: String,
    headers: Vec<Header>,
    expires_at: DateTime<Utc>,
}

#[derive(Deserialize)]
struct Header {
    name: String,
    value: String,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Chunk {
    id: String,
    #[serde(rename = "chunkIndex")]
    index: u32,
    upload_status: String,
    error_message: Option<String>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Completed {
    complete_chunk_uploads: Chunks,
}

#[derive(Deserialize)]
struct Chunks {
    chunks: Vec<Chunk>,
}

/// A piece with the hash of its bytes, in hexadecimal.
#[derive(Clone)]
struct Hashed {
    piece: Piece,
    sha256: String,
}

/// A piece that may be put.
struct Ticket {
    hashed: Hashed,
    upload: Upload,
}

/// A piece that was put and not yet completed.
struct Put {
    chunk: String,
    piece: Piece,
}

/// Everything that sending needs.
pub struct Transfer<'a> {
    pub server: &'a Server,
    pub meter: &'a Meter,
    pub file: Arc<File>,
    pub session: &'a str,
    pub content_type: &'static str,
    pub parallel: usize,
}

impl Transfer<'_> {
    /// Sends all pieces but those that are stored already: by index, the hashes that the server has.
    pub async fn run(&self, pieces: &[Piece], stored: &BTreeMap<u32, String>) -> anyhow::Result<()> {
        let mut left = pieces.to_vec();
        for round in 1.. {
            let failed = self.round(&left, stored).await?;
            let Some((first, why)) = failed.first_key_value() else {
                break;
            };
            if round == ROUNDS {
                bail!(
                    "{} chunks did not arrive as they were sent, chunk {first} first: {why}",
                    failed.len()
                );
            }
            self.meter.remark(&format!(
                "{} chunks are sent again, chunk {first} first: {why}",
                failed.len()
            ));
            left.retain(|piece| failed.contains_key(&piece.index));
        }
        Ok(())
    }

    /// Sends these pieces once. Gives those that have to be sent again, each with the reason.
    async fn round(&self, pieces: &[Piece], stored: &BTreeMap<u32, String>) -> anyhow::Result<BTreeMap<u32, String>> {
        let puts = stream::iter(pieces.chunks(BATCH).map(<[Piece]>::to_vec))
            .map(|batch| self.hash(batch))
            // One batch is hashed while another is sent.
            .buffered(2)
            .and_then(|batch| self.announce(batch, stored))
            .map_ok(|tickets| stream::iter(tickets.into_iter().map(anyhow::Ok)))
            .try_flatten()
            .map_ok(|ticket| self.put(ticket))
            .try_buffer_unordered(self.parallel)
            .try_ready_chunks(BATCH);
        let mut completed = puts
            .map(|group| async {
                match group {
                    Ok(puts) => self.complete(puts).await,
                    Err(TryReadyChunksError(puts, error)) => {
                        // What arrived before the fault need not be sent again the next time.
                        if !puts.is_empty() {
                            self.complete(puts).await?;
                        }
                        Err(error)
                    }
                }
            })
            .buffer_unordered(COMPLETING)
            .boxed_local();
        let mut failed = BTreeMap::new();
        while let Some(of_group) = completed.next().await {
            failed.extend(of_group?);
        }
        Ok(failed)
    }

    async fn hash(&self, pieces: Vec<Piece>) -> anyhow::Result<Vec<Hashed>> {
        let file = Arc::clone(&self.file);
        let hashed = move || {
            let mut buffer = Vec::new();
            let hash = |piece: Piece| {
                read(&file, piece, &mut buffer)?;
                Ok(Hashed {
                    piece,
                    sha256: hex::encode(Sha256::digest(&buffer)),
                })
            };
            pieces.into_iter().map(hash).collect::<io::Result<Vec<_>>>()
        };
        tokio::task::spawn_blocking(hashed)
            .await?
            .context("cannot read the file to its end")
    }

    /// Announces pieces; gives those that have to be put.
    async fn announce(&self, batch: Vec<Hashed>, stored: &BTreeMap<u32, String>) -> anyhow::Result<Vec<Ticket>> {
        let (there, new): (Vec<_>, Vec<_>) = batch
            .into_iter()
            .partition(|hashed| stored.get(&hashed.piece.index) == Some(&hashed.sha256));
        self.meter.skip(there.iter().map(|hashed| hashed.piece.bytes).sum());
        if new.is_empty() {
            return Ok(Vec::new());
        }
        let mut tickets = Vec::with_capacity(new.len());
        let uploads = self.request(&new).await?;
        for (hashed, upload) in new.into_iter().zip(uploads) {
            if upload.chunk.upload_status == "COMPLETED" {
                self.meter.skip(hashed.piece.bytes);
            } else {
                tickets.push(Ticket { hashed, upload });
            }
        }
        Ok(tickets)
    }

    /// The addresses for these pieces, in their order.
    async fn request(&self, pieces: &[Hashed]) -> anyhow::Result<Vec<Upload>> {
        let chunks: Vec<Value> = pieces.iter().map(|hashed| self.announcement(hashed)).collect();
        let input = json!({ "input": { "sessionId": self.session, "chunks": chunks } });
        let answer: Requested = self
            .server
            .ask_patiently(REQUEST, &input, |failure, pause| self.said(failure, pause))
            .await?;
        let mut by_index: BTreeMap<u32, Upload> = answer
            .request_chunk_uploads
            .uploads
            .into_iter()
            .map(|upload| (upload.chunk.index, upload))
            .collect();
        let uploads = pieces
            .iter()
            .map(|hashed| by_index.remove(&hashed.piece.index))
            .collect::<Option<Vec<_>>>();
        uploads.context("the server gave no address for an announced chunk")
    }

    fn announcement(&self, hashed: &Hashed) -> Value {
        json!({
            "chunkIndex": hashed.piece.index,
            "sizeBytes": hashed.piece.bytes.to_string(),
            "sha256": hashed.sha256,
            "contentType": self.content_type,
        })
    }

    async fn put(&self, ticket: Ticket) -> anyhow::Result<Put> {
        let Ticket { hashed, mut upload } = ticket;
        let piece = hashed.piece;
        let file = Arc::clone(&self.file);
        let bytes = tokio::task::spawn_blocking(move || {
            let mut buffer = Vec::new();
            read(&file, piece, &mut buffer).map(|()| Bytes::from(buffer))
        });
        let bytes = bytes.await?.context("cannot read the file to its end")?;
        let (mut failures, mut renewals) = (0, 0);
        loop {
            if upload.expires_at - environment::now() < SPARE {
                upload = self.renewed(&hashed).await?;
            }
            let Err(failure) = self.put_once(&upload, &bytes).await else {
                break;
            };
            if matches!(failure.status(), Some(401 | 403 | 404 | 410)) && renewals < RENEWALS {
                renewals += 1;
                upload = self.renewed(&hashed).await?;
                continue;
            }
            failures += 1;
            let pause = Backoff::REQUEST.pause(failures, rand::random(), failure.retry_after());
            match pause {
                Some(pause) if failure.passes() => {
                    self.said(&failure, pause);
                    tokio::time::sleep(pause).await;
                }
                _ => return Err(anyhow::Error::new(failure).context(format!("chunk {} was not taken", piece.index))),
            }
        }
        Ok(Put {
            chunk: upload.chunk.id,
            piece,
        })
    }

    async fn renewed(&self, hashed: &Hashed) -> anyhow::Result<Upload> {
        let mut uploads = self.request(std::slice::from_ref(hashed)).await?;
        uploads
            .pop()
            .context("the server gave no address for an announced chunk")
    }

    async fn put_once(&self, upload: &Upload, bytes: &Bytes) -> Result<(), Failure> {
        let unreadable = |what: &str| Failure::Unreadable(format!("an upload has {what}"));
        // A path where the server does not know its own address.
        let url = self
            .server
            .base()
            .join(&upload.url)
            .map_err(|_| unreadable("an address that is none"))?;
        let method = upload.method.parse().map_err(|_| unreadable("a method that is none"))?;
        let sent = Sent::new(self.meter);
        let count = Arc::clone(&sent.bytes);
        let meter = self.meter.clone();
        let mut rest = bytes.clone();
        let portions = std::iter::from_fn(move || {
            let portion = rest.split_to(rest.len().min(PORTION));
            (!portion.is_empty()).then(|| {
                count.fetch_add(portion.len() as u64, Ordering::Relaxed);
                meter.add(portion.len() as u64);
                io::Result::Ok(portion)
            })
        });
        let mut request = self
            .server
            .signed(method, url)
            // Known in advance: S3 takes nothing else.
            .header(reqwest::header::CONTENT_LENGTH, bytes.len())
            .body(reqwest::Body::wrap_stream(stream::iter(portions)));
        for header in &upload.headers {
            if !header.name.eq_ignore_ascii_case("content-length") {
                request = request.header(&header.name, &header.value);
            }
        }
        let answered = async {
            let response = request.send().await.map_err(|error| {
                if error.is_builder() {
                    unreadable("a header that is none")
                } else {
                    lost(&error)
                }
            })?;
            let (status, wait) = (response.status(), retry_after(response.headers()));
            if status.is_success() {
                return Ok(());
            }
            let text = response.bytes().await.unwrap_or_default();
            let told = serde_json::from_slice::<Value>(&text).ok();
            Err(told
                .and_then(|answer| first_refusal(&answer, status.as_u16(), wait))
                .unwrap_or(Failure::Status {
                    what: "the storage",
                    status: status.as_u16(),
                    retry_after: wait,
                }))
        };
        tokio::select! {
            answered = answered => answered?,
            () = stalled(&sent.bytes) => {
                return Err(Failure::Unreachable(format!("nothing moved for {} s", STALLED.as_secs())));
            }
        }
        sent.stays();
        Ok(())
    }

    /// Completes what was put. Gives what did not arrive as announced.
    async fn complete(&self, puts: Vec<Put>) -> anyhow::Result<BTreeMap<u32, String>> {
        let ids: Vec<&str> = puts.iter().map(|put| put.chunk.as_str()).collect();
        let input = json!({ "input": { "chunkIds": ids } });
        let answer: Completed = self
            .server
            .ask_patiently(COMPLETE, &input, |failure, pause| self.said(failure, pause))
            .await?;
        let mut failed = BTreeMap::new();
        for put in &puts {
            let chunk = answer
                .complete_chunk_uploads
                .chunks
                .iter()
                .find(|chunk| chunk.id == put.chunk);
            if chunk.is_some_and(|chunk| chunk.upload_status == "COMPLETED") {
                continue;
            }
            self.meter.take_back(put.piece.bytes);
            let why = chunk.and_then(|chunk| chunk.error_message.clone());
            failed.insert(put.piece.index, why.unwrap_or_else(|| "it is not stored".to_owned()));
        }
        Ok(failed)
    }

    fn said(&self, failure: &Failure, pause: Duration) {
        self.meter.remark(&super::pause_line(failure, pause));
    }
}

/// What was sent by one try: taken back when the try fails.
struct Sent {
    bytes: Arc<AtomicU64>,
    meter: Meter,
}

impl Sent {
    fn new(meter: &Meter) -> Self {
        Self {
            bytes: Arc::default(),
            meter: meter.clone(),
        }
    }

    fn stays(self) {
        self.bytes.store(0, Ordering::Relaxed);
    }
}

impl Drop for Sent {
    fn drop(&mut self) {
        self.meter.take_back(self.bytes.load(Ordering::Relaxed));
    }
}

/// Ends when nothing was sent and nothing answered for a while.
async fn stalled(sent: &AtomicU64) {
    let mut before = None;
    loop {
        let now = sent.load(Ordering::Relaxed);
        if before == Some(now) {
            return;
        }
        before = Some(now);
        tokio::time::sleep(STALLED).await;
    }
}

fn lost(error: &reqwest::Error) -> Failure {
    // The address is signed: it is not shown.
    Failure::Unreachable(if error.is_connect() {
        "cannot reach the storage".to_owned()
    } else {
        "the connection to the storage was lost".to_owned()
    })
}

fn read(file: &File, piece: Piece, buffer: &mut Vec<u8>) -> io::Result<()> {
    buffer.resize(usize::try_from(piece.bytes).map_err(io::Error::other)?, 0);
    file.read_exact_at(buffer, piece.offset)
}
