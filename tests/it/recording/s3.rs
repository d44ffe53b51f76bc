//! The same over a real S3-compatible server: presigned addresses, reading back, playback, erasure.

use axum::http::StatusCode;
use serde_json::json;
use service::clock::Clock;
use service::config::{Bucket, Secret};
use service::storage::Storage;
use service::sweep;
use tests::app::{Chunk, TestApp, WEBM};
use tests::s3::{BUCKET, KEY, S3Server};

use super::export::{made, unpacked};
use super::steps::any_interleaving;

/// A server of the S3 protocol, and our way to it.
struct S3 {
    server: S3Server,
    storage: Storage,
}

impl S3 {
    async fn start() -> Self {
        let server = S3Server::start(&std::env::temp_dir()).await.unwrap();
        let storage = Storage::bucket(&Bucket {
            name: BUCKET.to_owned(),
            prefix: "p".to_owned(),
            region: "eu-central-1".to_owned(),
            endpoint: Some(server.endpoint.parse().unwrap()),
            credentials: Some((Secret::new(KEY.0), Secret::new(KEY.1))),
            session_token: None,
        })
        .unwrap();
        Self { server, storage }
    }

    async fn app(&self) -> TestApp {
        TestApp::over(self.storage.clone(), Clock::system(), None).await
    }

    /// Objects in the bucket, by key.
    fn objects(&self) -> Vec<String> {
        let root = self.server.folder.path().join(BUCKET);
        let mut found = Vec::new();
        let mut folders = vec![root.clone()];
        while let Some(folder) = folders.pop() {
            for entry in std::fs::read_dir(folder).unwrap() {
                let path = entry.unwrap().path();
                if path.is_dir() {
                    folders.push(path);
                } else {
                    found.push(path.strip_prefix(&root).unwrap().display().to_string());
                }
            }
        }
        found.sort();
        found
    }
}

#[tokio::test]
async fn a_bucket_is_put_to_directly_read_back_played_and_erased() {
    let s3 = S3::start().await;
    s3.storage.probe().await.unwrap();
    let app = s3.app().await;
    let owner = app.founder("ada@acme.test").await;
    let input =
        json!({ "title": "x", "noticeVersion": "default-1", "privacySettings": { "redactPersonalData": false } });
    let payload = owner.must("startRecordingSession", input, "session { id }").await;
    let session = payload["session"]["id"].as_str().unwrap();
    let chunks = [
        Chunk {
            index: 0,
            bytes: [WEBM.as_slice(), b"the first"].concat(),
        },
        Chunk {
            index: 1,
            bytes: vec![7; 6 << 20],
        },
    ];
    let addresses = owner.announces(session, &chunks).await.unwrap();
    for (_, url) in &addresses {
        assert!(
            url.contains("/recordings/p/organizations/") && url.contains("X-Amz-Signature="),
            "{url}"
        );
    }
    let ids: Vec<String> = addresses.iter().map(|(id, _)| id.clone()).collect();

    // Other bytes: the bucket takes them, completing does not, and they are gone.
    assert_eq!(owner.puts(&addresses[0].1, chunks[0].bytes.clone()).await.0, 200);
    assert_eq!(owner.puts(&addresses[1].1, b"something else".to_vec()).await.0, 200);
    assert_eq!(owner.completes(&ids).await.unwrap(), ["COMPLETED", "FAILED"]);
    assert_eq!(owner.completes(&ids).await.unwrap(), ["COMPLETED", "FAILED"], "again");
    let seen = owner
        .sees(&format!(
            "{{ recordingSession(id: \"{session}\") {{ chunks {{ nodes {{ errorMessage }} }} }} }}"
        ))
        .await;
    let why = seen["recordingSession"]["chunks"]["nodes"][1]["errorMessage"]
        .as_str()
        .unwrap();
    assert!(why.contains("not arrived"), "{why}");
    assert!(
        !s3.objects().iter().any(|key| key.contains("/chunks/1")),
        "{:?}",
        s3.objects()
    );

    // The right ones, to the same address; and wrong ones once more to both addresses, which are still good: too late.
    assert_eq!(owner.puts(&addresses[1].1, chunks[1].bytes.clone()).await.0, 200);
    assert_eq!(owner.completes(&ids).await.unwrap(), ["COMPLETED", "COMPLETED"]);
    for (_, url) in &addresses {
        assert_eq!(owner.puts(url, b"too late".to_vec()).await.0, 200);
    }
    owner.finishes(session, 2).await;
    let whole = [chunks[0].bytes.clone(), chunks[1].bytes.clone()].concat();
    assert!(owner.watches(session).await.unwrap() == whole);
    let url = owner
        .sees(&format!(
            "{{ recordingSession(id: \"{session}\") {{ playback {{ url }} }} }}"
        ))
        .await["recordingSession"]["playback"]["url"]
        .clone();
    let part = app
        .http()
        .get(url.as_str().unwrap())
        .header("range", "bytes=10-16")
        .send()
        .await
        .unwrap();
    assert_eq!(
        (part.status(), part.headers()["content-range"].to_str().unwrap()),
        (
            StatusCode::PARTIAL_CONTENT,
            format!("bytes 10-16/{}", whole.len()).as_str()
        )
    );
    assert_eq!(part.bytes().await.unwrap(), whole[10..17]);

    // Erased, with whatever was put too late; and what is put even after that goes when the addresses have ended.
    let erasure = owner
        .must(
            "deleteRecordingSession",
            json!({ "sessionId": session }),
            "erasure { objects bytes }",
        )
        .await;
    assert_eq!(
        erasure["erasure"],
        json!({ "objects": 2, "bytes": whole.len().to_string() })
    );
    sweep::delete_objects(app.worker(), app.storage()).await.unwrap();
    assert_eq!(s3.objects(), Vec::<String>::new());
    assert_eq!(owner.puts(&addresses[0].1, b"even later".to_vec()).await.0, 200);
    assert_eq!(
        sweep::delete_objects(app.worker(), app.storage()).await.unwrap(),
        0,
        "not due yet"
    );
    app.run("update public.object_deletions set created_at = created_at - interval '72 minutes', due_at = due_at - interval '72 minutes'").await;
    sweep::delete_objects(app.worker(), app.storage()).await.unwrap();
    assert_eq!(s3.objects(), Vec::<String>::new());
    assert_eq!(
        app.number("select count(*) from public.object_deletions").await,
        0,
        "done with"
    );
}

#[tokio::test]
async fn an_export_goes_to_a_bucket_in_parts() {
    let s3 = S3::start().await;
    let app = s3.app().await;
    let owner = app.founder("ada@acme.test").await;
    let session = owner.starts("x").await;
    let chunks = [WEBM.to_vec(), vec![7; 8 << 20], vec![8; 8 << 20]];
    owner.uploads(&session, &chunks).await;
    owner.finishes(&session, 3).await;
    let archive = made(&app, &owner, json!({}), newsystem::environment::now).await;
    let files = unpacked(&app, &archive).await;
    assert!(files[&format!("recordings/{session}/recording.webm")] == chunks.concat());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn any_interleaving_over_a_bucket_ends_in_the_recording_or_a_refusal() {
    let s3 = S3::start().await;
    any_interleaving(s3.app().await, 12).await;
}
