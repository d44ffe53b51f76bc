//! Any interleaving of an upload's steps, with repeats, losses and reorderings, ends in exactly the recording's bytes or in a
//! clear refusal.

use std::collections::BTreeMap;

use futures::future::join_all;
use proptest::prelude::*;
use proptest::test_runner::{Config, TestRunner};
use serde_json::json;
use service::sweep;
use tests::app::{Actor, Chunk, TestApp, WEBM};

const CHUNKS: usize = 3;

/// What one client does next. Several such hands work on one session at once.
#[derive(Debug, Clone)]
enum Step {
    /// Announces chunks of the recording, or other bytes for an index.
    Announce { indexes: Vec<usize>, other: bool },
    /// Puts what the address is for, or something else, or breaks off.
    Put { index: usize, how: Put },
    /// Completes what this hand knows the chunks of.
    Complete { indexes: Vec<usize> },
    /// Gives up on a chunk.
    Fail { index: usize },
    /// Says that it is done.
    Finish { chunks: usize },
    /// The worker deletes what is no longer named.
    Sweep,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Put {
    Right,
    Wrong,
    Short,
    BreaksOff,
}

fn step() -> impl Strategy<Value = Step> {
    let index = 0..CHUNKS;
    let indexes = || prop::collection::btree_set(0..CHUNKS, 1..=CHUNKS).prop_map(|set| set.into_iter().collect());
    let how = prop_oneof![
        6 => Just(Put::Right),
        1 => Just(Put::Wrong),
        1 => Just(Put::Short),
        1 => Just(Put::BreaksOff),
    ];
    prop_oneof![
        4 => (indexes(), prop::bool::weighted(0.15)).prop_map(|(indexes, other)| Step::Announce { indexes, other }),
        6 => (index.clone(), how).prop_map(|(index, how)| Step::Put { index, how }),
        4 => indexes().prop_map(|indexes| Step::Complete { indexes }),
        1 => index.prop_map(|index| Step::Fail { index }),
        1 => (1..=CHUNKS + 1).prop_map(|chunks| Step::Finish { chunks }),
        1 => Just(Step::Sweep),
    ]
}

/// The bytes of a chunk: of the recording, or others that somebody announced for its place.
fn bytes(index: usize, other: bool) -> Vec<u8> {
    let mut bytes = if index == 0 { WEBM.to_vec() } else { Vec::new() };
    let filler = u8::try_from(index).unwrap() + if other { 100 } else { 0 };
    bytes.resize(40 + index * 7, filler);
    bytes
}

struct Hand<'a> {
    app: &'a TestApp,
    owner: &'a Actor,
    session: &'a str,
    /// By index: the chunk, its address, and what it was announced as.
    known: BTreeMap<usize, (String, String, bool)>,
}

impl Hand<'_> {
    async fn does(&mut self, step: &Step) {
        // Refusals are part of the game; only faults of ours are none.
        let allowed = |code: &str| {
            assert!(
                matches!(code, "CONFLICT" | "NOT_FOUND" | "BAD_USER_INPUT"),
                "{step:?} is refused with {code}"
            );
        };
        match step {
            Step::Announce { indexes, other } => {
                let chunks: Vec<Chunk> = indexes
                    .iter()
                    .map(|index| Chunk {
                        index: *index,
                        bytes: bytes(*index, *other),
                    })
                    .collect();
                match self.owner.announces(self.session, &chunks).await {
                    Ok(addresses) => {
                        for (index, (id, url)) in indexes.iter().zip(addresses) {
                            self.known.insert(*index, (id, url, *other));
                        }
                    }
                    Err(refusal) => allowed(&refusal.code),
                }
            }
            Step::Put { index, how } => {
                let Some((_, url, other)) = self.known.get(index) else {
                    return;
                };
                let mut body = bytes(*index, *other);
                match how {
                    Put::Right => {}
                    Put::Wrong => body.fill(255),
                    Put::Short => body.truncate(10),
                    Put::BreaksOff => {
                        let head = body[..10].to_vec();
                        let pieces = futures::stream::iter([Ok(head), Err(std::io::Error::other("gone"))]);
                        let request = self.app.http().put(url).body(reqwest::Body::wrap_stream(pieces));
                        // Whatever comes of it.
                        let _ = request.send().await;
                        return;
                    }
                }
                let (status, _) = self.owner.puts(url, body).await;
                assert!(
                    matches!(status, 200 | 204 | 400 | 403 | 404 | 410 | 422),
                    "{step:?} is answered {status}"
                );
            }
            Step::Complete { indexes } => {
                let ids: Vec<String> = indexes
                    .iter()
                    .filter_map(|index| self.known.get(index))
                    .map(|(id, _, _)| id.clone())
                    .collect();
                if ids.is_empty() {
                    return;
                }
                if let Err(refusal) = self.owner.completes(&ids).await {
                    allowed(&refusal.code);
                }
            }
            Step::Fail { index } => {
                let Some((id, _, _)) = self.known.get(index) else {
                    return;
                };
                let input = json!({ "chunkId": id, "message": "gave up" });
                if let Err(refusal) = self.owner.does("failChunkUpload", input, "chunk { id }").await {
                    allowed(&refusal.code);
                }
            }
            Step::Finish { chunks } => {
                let input = json!({ "sessionId": self.session, "chunkCount": chunks, "analyze": false });
                if let Err(refusal) = self.owner.does("finishRecordingSession", input, "session { id }").await {
                    allowed(&refusal.code);
                }
            }
            Step::Sweep => {
                sweep::delete_objects(self.app.worker(), self.app.storage())
                    .await
                    .unwrap();
            }
        }
    }
}

/// Plays the hands at once, then lets a patient client finish; what is stored must be what was announced last, whole.
async fn play(app: &TestApp, owner: &Actor, hands: &[Vec<Step>]) {
    let input =
        json!({ "title": "x", "noticeVersion": "default-1", "privacySettings": { "redactPersonalData": false } });
    let payload = owner.must("startRecordingSession", input, "session { id }").await;
    let session = payload["session"]["id"].as_str().unwrap();
    join_all(hands.iter().map(async |steps| {
        let mut hand = Hand {
            app,
            owner,
            session,
            known: BTreeMap::new(),
        };
        for step in steps {
            hand.does(step).await;
        }
    }))
    .await;
    let status = async || {
        let seen = owner
            .sees(&format!(
                "{{ recordingSession(id: \"{session}\") {{ status fileSizeBytes chunks {{ nodes {{ chunkIndex sha256 uploadStatus }} }} }} }}"
            ))
            .await;
        seen["recordingSession"].clone()
    };
    let mut before = status().await;
    if before["status"] == "RECORDING" {
        let whole: Vec<Chunk> = (0..CHUNKS)
            .map(|index| Chunk {
                index,
                bytes: bytes(index, false),
            })
            .collect();
        for (chunk, (id, url)) in whole.iter().zip(owner.announces(session, &whole).await.unwrap()) {
            let (status, code) = owner.puts(&url, chunk.bytes.clone()).await;
            assert!(status < 300, "{status} {code}");
            assert_eq!(owner.completes(&[id]).await.unwrap(), ["COMPLETED"]);
        }
        owner.finishes(session, CHUNKS).await;
        before = status().await;
    }
    assert_eq!(before["status"], "COMPLETED");
    sweep::delete_objects(app.worker(), app.storage()).await.unwrap();
    // Exactly what the finished chunks were announced as: each of one of its two contents, and nothing in between.
    let mut expected = Vec::new();
    for chunk in before["chunks"]["nodes"].as_array().unwrap() {
        if chunk["uploadStatus"] != "COMPLETED" {
            continue;
        }
        let index = usize::try_from(chunk["chunkIndex"].as_u64().unwrap()).unwrap();
        let of_hash = [false, true].into_iter().map(|other| Chunk {
            index,
            bytes: bytes(index, other),
        });
        let announced = of_hash
            .into_iter()
            .find(|one| one.announcement()["sha256"] == chunk["sha256"])
            .unwrap();
        expected.extend(announced.bytes);
    }
    assert_eq!(before["fileSizeBytes"], expected.len().to_string());
    assert_eq!(owner.watches(session).await.as_deref(), Some(expected.as_slice()));
}

/// Few cases, over one application.
pub async fn any_interleaving(app: TestApp, cases: u32) {
    let owner = app.founder("ada@acme.test").await;
    app.run("update public.organizations set max_recordings_per_month = 100000")
        .await;
    let handle = tokio::runtime::Handle::current();
    let config = Config {
        cases,
        max_shrink_iters: 200,
        failure_persistence: None,
        ..Config::default()
    };
    tokio::task::spawn_blocking(move || {
        let hands = prop::collection::vec(prop::collection::vec(step(), 1..12), 1..4);
        TestRunner::new(config)
            .run(&hands, |hands| {
                let played = handle.block_on(async {
                    let (app, owner) = (app.clone(), owner.clone());
                    tokio::spawn(async move { play(&app, &owner, &hands).await }).await
                });
                played.map_err(|fault| TestCaseError::fail(panic_text(fault)))
            })
            .unwrap();
    })
    .await
    .unwrap();
}

fn panic_text(fault: tokio::task::JoinError) -> String {
    let panic = fault.into_panic();
    panic
        .downcast_ref::<String>()
        .cloned()
        .or_else(|| panic.downcast_ref::<&str>().map(ToString::to_string))
        .unwrap_or_default()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn any_interleaving_of_steps_ends_in_the_recording_or_a_refusal() {
    any_interleaving(TestApp::start().await, 30).await;
}

#[tokio::test]
async fn a_recording_of_a_real_browser_comes_out_identical() {
    let folder = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("../../shared/recordings");
    if !folder.is_dir() {
        eprintln!("skipped: there are no recordings in {}", folder.display());
        return;
    }
    let app = TestApp::start().await;
    let owner = app.founder("ada@acme.test").await;
    let mut slices: Vec<_> = std::fs::read_dir(folder.join("timeslices-5s"))
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .collect();
    slices.sort();
    let slices: Vec<Vec<u8>> = slices.iter().map(|path| std::fs::read(path).unwrap()).collect();
    let single = std::fs::read(folder.join("single-blob-10s.webm")).unwrap();
    assert!(slices.len() > 1);
    for chunks in [
        slices,
        single.chunks(100_000).map(<[u8]>::to_vec).collect(),
        vec![single.clone()],
    ] {
        let input =
            json!({ "title": "x", "noticeVersion": "default-1", "privacySettings": { "redactPersonalData": false } });
        let payload = owner.must("startRecordingSession", input, "session { id }").await;
        let session = payload["session"]["id"].as_str().unwrap();
        owner.uploads(session, &chunks).await;
        owner.finishes(session, chunks.len()).await;
        let whole = chunks.concat();
        let back = owner.watches(session).await.unwrap();
        assert!(back == whole, "{} bytes instead of {}", back.len(), whole.len());
    }
}
