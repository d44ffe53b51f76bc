//! What only a process shows: killed in the middle, and a disk that is full.

use std::path::{Path, PathBuf};
use std::time::Duration;

use serde_json::json;
use service::clock::Clock;
use service::storage::Storage;
use tests::app::{Chunk, TestApp, WEBM};
use tests::disk::SmallDisk;
use tests::program::{Process, Program, Serve};

const CHUNK_BYTES: usize = 64 * 1024;

async fn until(what: &str, mut holds: impl AsyncFnMut() -> bool) {
    for _ in 0..3_000 {
        if holds().await {
            return;
        }
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    panic!("{what} did not come about");
}

/// All files below a folder.
pub fn files(folder: &Path) -> Vec<PathBuf> {
    let mut found = Vec::new();
    let mut folders = vec![folder.to_owned()];
    while let Some(folder) = folders.pop() {
        for entry in std::fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                folders.push(path);
            } else {
                found.push(path);
            }
        }
    }
    found
}

/// The recording's bytes as they lie in the folder.
async fn stored(app: &TestApp, objects: &Path) -> Vec<u8> {
    let keys: Vec<String> = sqlx::query_scalar(
        "select file_path from public.video_chunks where upload_status = 'completed' order by chunk_index",
    )
    .fetch_all(app.pool())
    .await
    .unwrap();
    keys.iter()
        .flat_map(|key| std::fs::read(objects.join(key)).unwrap())
        .collect()
}

#[tokio::test]
async fn a_server_killed_in_the_middle_of_an_upload_goes_on_and_has_the_same_bytes() {
    // The application in process is only there to sign people up; the server is a process of its own.
    let app = TestApp::start().await;
    let owner = app.founder("ada@acme.test").await;
    let folder = tempfile::tempdir().unwrap();
    let objects = folder.path().join("objects");
    let recording: Vec<u8> = WEBM
        .into_iter()
        .chain((0..12_000_000_u32).map(|byte| (byte.wrapping_mul(2_654_435_761) >> 24) as u8))
        .collect();
    let file = folder.path().join("shift.webm");
    std::fs::write(&file, &recording).unwrap();
    let total = recording.len().div_ceil(CHUNK_BYTES) as i64;

    // The server dies, and comes back while the client still tries.
    let settings = [("NEWSYSTEM_STORAGE_URL", objects.to_str().unwrap())];
    let mut server = Serve::start(&app.database().url("newsystem_api"), &settings)
        .await
        .unwrap();
    let asking = [
        ("NEWSYSTEM_URL", format!("http://{}", server.address)),
        ("NEWSYSTEM_TOKEN", owner.credential().to_owned()),
        ("NEWSYSTEM_DATA_DIR", folder.path().join("client").display().to_string()),
    ];
    let chunk_bytes = CHUNK_BYTES.to_string();
    let upload = [
        "upload",
        file.to_str().unwrap(),
        "--chunk-bytes",
        &chunk_bytes,
        "--parallel",
        "4",
        "--accept-notice",
        "--no-analyze",
    ];
    let completed = async || {
        app.number("select count(*) from public.video_chunks where upload_status = 'completed'")
            .await
    };

    let mut client = Process::start(&upload, &asking, folder.path()).unwrap();
    until("a beginning", async || completed().await >= 10).await;
    server.kill();
    let at_death = completed().await;
    assert!(at_death < total, "it was over before it was killed");
    server.start_again().await.unwrap();
    until("more", async || completed().await > at_death).await;
    // Now both die, and the same command is given once more.
    client.kill();
    server.kill();
    server.start_again().await.unwrap();
    let asking: Vec<(&str, &str)> = asking.iter().map(|(name, value)| (*name, value.as_str())).collect();
    let said = Program::with(&asking).unwrap().run(upload).unwrap();
    assert_eq!(said.code, Some(0), "{}", said.err);
    server.kill();

    let sessions: Vec<(String, String, i64)> =
        sqlx::query_as("select id::text, status, file_size_bytes from public.recording_sessions")
            .fetch_all(app.pool())
            .await
            .unwrap();
    assert_eq!(
        sessions,
        [(
            said.out.trim().to_owned(),
            "completed".to_owned(),
            recording.len() as i64
        )],
        "one session, not two"
    );
    assert!(stored(&app, &objects).await == recording);
    // What was half-written when the process died goes with the recording.
    let organization: String = sqlx::query_scalar("select id::text from public.organizations")
        .fetch_one(app.pool())
        .await
        .unwrap();
    let storage = Storage::folder(&objects).unwrap();
    storage
        .delete_prefix(&format!("organizations/{organization}/recordings"))
        .await
        .unwrap();
    assert_eq!(files(&objects), Vec::<PathBuf>::new());
}

#[tokio::test]
async fn a_full_disk_is_said_to_be_one_and_nothing_is_half_stored() {
    let folder = tempfile::tempdir().unwrap();
    let Some(disk) = SmallDisk::mount(folder.path().join("disk"), 12).unwrap() else {
        eprintln!("skipped: mounting a small file system needs root");
        return;
    };
    let storage = Storage::folder(disk.path()).unwrap();
    let app = TestApp::over(storage, Clock::system(), None).await;
    let owner = app.founder("ada@acme.test").await;
    let session = owner.starts("Invoices").await;
    let chunks: Vec<Chunk> = (0..2)
        .map(|index| Chunk {
            index,
            bytes: [WEBM.as_slice(), &vec![7; 7 << 20]].concat(),
        })
        .collect();
    let addresses = owner.announces(&session, &chunks).await.unwrap();
    let ids: Vec<String> = addresses.iter().map(|(id, _)| id.clone()).collect();
    assert_eq!(owner.puts(&addresses[0].1, chunks[0].bytes.clone()).await.0, 204);
    let full = owner.puts(&addresses[1].1, chunks[1].bytes.clone()).await;
    assert_eq!(full, (507, "UNAVAILABLE".to_owned()));
    assert_eq!(owner.completes(&ids).await.unwrap(), ["COMPLETED", "FAILED"]);
    let lying: Vec<u64> = files(disk.path())
        .iter()
        .map(|file| file.metadata().unwrap().len())
        .collect();
    assert_eq!(
        lying,
        [chunks[0].bytes.len() as u64],
        "the whole one, and nothing of the other"
    );
    let seen = owner
        .sees(&format!(
            "{{ recordingSession(id: \"{session}\") {{ chunks {{ nodes {{ errorMessage }} }} }} }}"
        ))
        .await;
    assert!(
        seen["recordingSession"]["chunks"]["nodes"][1]["errorMessage"].is_string(),
        "{seen}"
    );

    disk.grow(40);
    assert_eq!(owner.puts(&addresses[1].1, chunks[1].bytes.clone()).await.0, 204);
    assert_eq!(owner.completes(&ids).await.unwrap(), ["COMPLETED", "COMPLETED"]);
    owner.finishes(&session, 2).await;
    assert!(stored(&app, disk.path()).await == [chunks[0].bytes.clone(), chunks[1].bytes.clone()].concat());
    let input = json!({ "sessionId": session });
    owner.must("deleteRecordingSession", input, "erasure { objects }").await;
}
