//! Uploads to a server that plays the contract and fails in every way that passes. It knows nothing of the client.

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::{Arc, Mutex};

use axum::body::Bytes;
use axum::extract::{Path as At, State as Shared};
use axum::http::{HeaderMap, StatusCode};
use axum::routing::{post, put};
use axum::{Json, Router};
use clap::Parser;
use serde_json::{Value, json};
use service::config::Secret;
use sha2::{Digest as _, Sha256};
use tokio_util::sync::CancellationToken;
use uuid::Uuid;

use super::{Earlier, Options, Upload, Uploaded, Wish, category, earlier, positive, start_input};
use crate::client::{Server, Target};

/// What the server has.
#[derive(Default)]
struct Stand {
    /// By idempotency key.
    sessions: BTreeMap<String, String>,
    chunks: BTreeMap<u64, Chunk>,
    finished: Option<u64>,
    puts: usize,
    /// The chunks that were put, in order.
    taken: Vec<u64>,
    requests: usize,
    /// Every so many requests and puts fail once.
    faults: usize,
    /// From this put on nothing is taken.
    dies_at: usize,
}

#[derive(Default, Clone)]
struct Chunk {
    sha256: String,
    bytes: Option<Vec<u8>>,
    status: &'static str,
}

type Shares = Shared<Arc<Mutex<Stand>>>;

impl Stand {
    fn chunk(&self, index: u64) -> Value {
        let chunk = &self.chunks[&index];
        json!({ "id": index.to_string(), "chunkIndex": index, "sha256": chunk.sha256, "uploadStatus": chunk.status, "errorMessage": null })
    }

    fn answer(&mut self, query: &str, input: &Value) -> Value {
        if query.contains("StartUpload") {
            let next = format!("session-{}", self.sessions.len());
            let key = input["idempotencyKey"].as_str().unwrap().to_owned();
            let session = self.sessions.entry(key).or_insert(next);
            json!({ "startRecordingSession": { "session": { "id": session } } })
        } else if query.contains("UploadedSoFar") {
            let nodes: Vec<Value> = self.chunks.keys().map(|index| self.chunk(*index)).collect();
            let status = if self.finished.is_some() {
                "PROCESSING"
            } else {
                "RECORDING"
            };
            let page = json!({ "hasNextPage": false, "endCursor": null });
            json!({ "recordingSession": { "status": status, "truncated": false, "chunks": { "nodes": nodes, "pageInfo": page } } })
        } else if query.contains("RequestUploads") {
            let asked = input["chunks"].as_array().unwrap();
            assert!(asked.len() <= 50);
            let uploads = asked.iter().map(|chunk| {
                let index = chunk["chunkIndex"].as_u64().unwrap();
                let known = self.chunks.entry(index).or_default();
                if known.sha256 != chunk["sha256"] {
                    *known = Chunk {
                        sha256: chunk["sha256"].as_str().unwrap().to_owned(),
                        bytes: None,
                        status: "PENDING",
                    };
                }
                json!({
                    "chunk": self.chunk(index), "url": format!("/put/{index}"), "method": "PUT",
                    "headers": [{ "name": "x-chunk", "value": index.to_string() }], "expiresAt": "2999-01-01T00:00:00Z",
                })
            });
            json!({ "requestChunkUploads": { "uploads": uploads.collect::<Vec<_>>() } })
        } else if query.contains("CompleteUploads") {
            let chunks: Vec<u64> = input["chunkIds"]
                .as_array()
                .unwrap()
                .iter()
                .map(|id| id.as_str().unwrap().parse().unwrap())
                .collect();
            assert!(chunks.len() <= 50);
            for index in &chunks {
                let chunk = self.chunks.get_mut(index).unwrap();
                let arrived = chunk
                    .bytes
                    .as_ref()
                    .is_some_and(|bytes| hex::encode(Sha256::digest(bytes)) == chunk.sha256);
                chunk.status = if arrived { "COMPLETED" } else { "FAILED" };
            }
            json!({ "completeChunkUploads": { "chunks": chunks.iter().map(|index| self.chunk(*index)).collect::<Vec<_>>() } })
        } else if query.contains("FinishUpload") {
            self.finished = input["chunkCount"].as_u64();
            json!({ "finishRecordingSession": { "session": { "id": input["sessionId"] }, "analysis": { "id": "analysis" } } })
        } else {
            panic!("unexpected {query}")
        }
    }

    fn whole(&self) -> Vec<u8> {
        self.chunks
            .values()
            .flat_map(|chunk| chunk.bytes.clone().unwrap())
            .collect()
    }
}

async fn graphql(
    Shared(stand): Shares,
    headers: HeaderMap,
    Json(body): Json<Value>,
) -> (StatusCode, HeaderMap, Json<Value>) {
    let mut stand = stand.lock().unwrap();
    stand.requests += 1;
    assert_eq!(headers["authorization"], "Bearer t");
    let mut wait = HeaderMap::new();
    if stand.faults > 0 && stand.requests % stand.faults == 0 {
        wait.insert("retry-after", "0".parse().unwrap());
        let error = json!({ "message": "too often", "extensions": { "code": "RATE_LIMITED" } });
        return (StatusCode::TOO_MANY_REQUESTS, wait, Json(json!({ "errors": [error] })));
    }
    let input = body["variables"].get("input").cloned().unwrap_or_default();
    let data = stand.answer(body["query"].as_str().unwrap(), &input);
    (StatusCode::OK, wait, Json(json!({ "data": data })))
}

async fn take(Shared(stand): Shares, At(index): At<u64>, headers: HeaderMap, body: Bytes) -> StatusCode {
    let mut stand = stand.lock().unwrap();
    stand.puts += 1;
    stand.taken.push(index);
    assert_eq!(headers["x-chunk"], index.to_string());
    assert_eq!(headers["content-length"], body.len().to_string());
    assert!(
        !headers.contains_key("authorization"),
        "the address is credential enough"
    );
    if stand.dies_at > 0 && stand.puts >= stand.dies_at {
        return StatusCode::INSUFFICIENT_STORAGE;
    }
    if stand.faults > 0 && stand.puts % stand.faults == 0 {
        return StatusCode::SERVICE_UNAVAILABLE;
    }
    // One is lost on the way although it is answered as taken.
    let lost = stand.faults > 0 && stand.puts == stand.faults + 1;
    if !lost {
        stand.chunks.get_mut(&index).unwrap().bytes = Some(body.to_vec());
    }
    StatusCode::OK
}

struct Playing {
    server: Server,
    stand: Arc<Mutex<Stand>>,
    serving: tokio::task::JoinHandle<std::io::Result<()>>,
}

impl Drop for Playing {
    fn drop(&mut self) {
        self.serving.abort();
    }
}

async fn playing(stand: Stand) -> Playing {
    let stand = Arc::new(Mutex::new(stand));
    let routes = Router::new()
        .route("/graphql", post(graphql))
        .route("/put/{index}", put(take));
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}/", listener.local_addr().unwrap()).parse().unwrap();
    let serving = tokio::spawn(axum::serve(listener, routes.with_state(Arc::clone(&stand))).into_future());
    let server = Server::new(Target {
        url,
        token: Secret::new("t"),
    })
    .unwrap();
    Playing { server, stand, serving }
}

#[derive(Parser)]
struct Line {
    #[command(flatten)]
    options: Options,
}

fn options(more: &[&str]) -> Options {
    let line = ["x", "--notice-version", "1", "--chunk-bytes", "1024"];
    Line::parse_from(line.iter().chain(more)).options
}

/// A recording by its first bytes, and no two chunks alike.
fn recording(folder: &Path, bytes: usize) -> (std::path::PathBuf, Vec<u8>) {
    let mut content = vec![0x1a, 0x45, 0xdf, 0xa3];
    content.extend((4..bytes).map(|at| (at * at / 1024 % 251) as u8));
    let path = folder.join("a.webm");
    std::fs::write(&path, &content).unwrap();
    (path, content)
}

async fn upload(playing: &Playing, folder: &Path, file: &Path) -> anyhow::Result<Option<Uploaded>> {
    let wish = Wish {
        analyze: true,
        ..Wish::default()
    };
    let upload = Upload::begin(&playing.server, folder, file, &options(&[]), &wish).await?;
    upload.run(&CancellationToken::new()).await
}

#[tokio::test]
async fn every_fault_that_passes_is_survived_and_the_bytes_are_the_same() {
    let folder = tempfile::tempdir().unwrap();
    let (file, content) = recording(folder.path(), 130 * 1024 + 7);
    let playing = playing(Stand {
        faults: 5,
        ..Stand::default()
    })
    .await;
    let uploaded = upload(&playing, folder.path(), &file).await.unwrap().unwrap();
    assert_eq!(
        uploaded,
        Uploaded {
            session: "session-0".to_owned(),
            analysis: Some("analysis".to_owned())
        }
    );
    let stand = playing.stand.lock().unwrap();
    assert_eq!((stand.finished, stand.sessions.len()), (Some(131), 1));
    assert!(stand.whole() == content, "the recording is another");
    assert_eq!(
        std::fs::read_dir(folder.path().join("uploads")).unwrap().count(),
        0,
        "nothing is left to go on with"
    );
}

#[tokio::test]
async fn an_interrupted_upload_goes_on_with_what_is_missing() {
    let folder = tempfile::tempdir().unwrap();
    let (file, content) = recording(folder.path(), 60 * 1024);
    let playing = playing(Stand {
        dies_at: 41,
        ..Stand::default()
    })
    .await;
    let error = upload(&playing, folder.path(), &file).await.unwrap_err();
    let text = format!("{error:#}");
    assert!(
        text.ends_with("was not taken: the storage answered with HTTP status 507"),
        "{text}"
    );
    let stored: Vec<u64> = {
        let mut stand = playing.stand.lock().unwrap();
        stand.dies_at = 0;
        stand.taken.clear();
        let completed = stand.chunks.iter().filter(|(_, chunk)| chunk.status == "COMPLETED");
        completed.map(|(index, _)| *index).collect()
    };
    assert!(stored.len() > 30 && stored.len() < 60, "{} are stored", stored.len());
    upload(&playing, folder.path(), &file).await.unwrap().unwrap();
    let stand = playing.stand.lock().unwrap();
    let again: Vec<_> = stand.taken.iter().filter(|index| stored.contains(index)).collect();
    assert!(again.is_empty(), "what was stored is sent again: {again:?}");
    assert_eq!((stand.sessions.len(), stand.finished), (1, Some(60)));
    assert!(stand.whole() == content, "the recording is another");
}

#[tokio::test]
async fn what_is_no_recording_is_not_sent() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("a.webm");
    std::fs::write(&file, "PK\u{3}\u{4} a letter").unwrap();
    let playing = playing(Stand::default()).await;
    let error = upload(&playing, folder.path(), &file).await.unwrap_err().to_string();
    assert!(error.contains("is no recording"), "{error}");
    assert_eq!(playing.stand.lock().unwrap().requests, 0);
}

#[test]
fn a_session_that_was_begun_is_used_as_far_as_it_can_be() {
    assert_eq!(earlier(Some(("RECORDING", false))), Earlier::GoOn);
    assert_eq!(earlier(Some(("PROCESSING", false))), Earlier::Finished);
    assert_eq!(earlier(Some(("COMPLETED", false))), Earlier::Finished);
    for gone in [None, Some(("COMPLETED", true)), Some(("FAILED", false))] {
        assert!(matches!(earlier(gone), Earlier::Gone(_)), "{gone:?}");
    }
}

#[test]
fn the_start_says_what_was_given_and_repeats_under_one_key() {
    let file = Path::new("/home/ada/Order entry.webm");
    let wish = Wish::default();
    let start = |more: &[&str], nonce| start_input(file, &options(more), &wish, "3", Uuid::from_u128(nonce));
    let plain = start(&[], 1);
    assert_eq!(
        (&plain["title"], &plain["noticeVersion"]),
        (&json!("Order entry"), &json!("3"))
    );
    assert!(plain.get("description").is_none() && plain.get("privacySettings").is_none());
    assert_eq!(plain, start(&[], 1));
    let key = |input: &Value| input["idempotencyKey"].clone();
    assert_ne!(key(&plain), key(&start(&[], 2)));
    let full = start(
        &[
            "--title",
            "T",
            "--workflow-type",
            "Order-Entry",
            "--people",
            "3",
            "--occurrences-per-day",
            "2.5",
        ],
        1,
    );
    assert_ne!(key(&plain), key(&full), "with other words it is another start");
    assert_eq!(
        (
            &full["title"],
            &full["workflowType"],
            &full["peopleCount"],
            &full["declaredOccurrencesPerDay"]
        ),
        (&json!("T"), &json!("ORDER_ENTRY"), &json!(3), &json!(2.5))
    );
    let remote = Wish {
        allow_remote: true,
        ..Wish::default()
    };
    let input = start_input(file, &options(&[]), &remote, "3", Uuid::nil());
    assert_eq!(input["privacySettings"], json!({ "allowRemoteAnalysis": true }));
}

#[test]
fn arguments_that_mean_nothing_are_refused() {
    assert!(category("pottery").unwrap_err().contains("order-entry"));
    for text in ["0", "-1", "NaN", "inf", "x"] {
        assert!(positive(text).is_err(), "{text}");
    }
}
