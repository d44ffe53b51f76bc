//! Exports that are disturbed: by a change of what is in them, a full disk, a worker's death. Apart because each of these is
//! brought about at a point in the middle.

use std::time::Duration;

use domain::id::ExportId;
use serde_json::json;
use service::clock::Clock;
use service::data_export::run::{self, Begun};
use service::queue::Verdict;
use service::storage::Storage;
use service::{Error, sweep};
use tests::app::TestApp;
use tests::disk::SmallDisk;
use tests::program::{self, Process};
use tokio_util::sync::CancellationToken;

use super::{asked, seen, tried, unpacked};
use crate::recording::erasure::at;
use crate::recording::look::watchable;

/// What changes while an archive is made: it is refused or made anew, and never short of something without a word.
#[tokio::test]
async fn what_changes_under_an_export_is_noticed() {
    let app = TestApp::with_clock(Clock::standing_at(at())).await;
    let owner = app.founder("ada@acme.test").await;
    let bob = owner.brings_in("bob@acme.test", "OPERATOR").await;
    let carl = owner.brings_in("carl@acme.test", "ADMIN").await;
    let session = watchable(&bob).await;
    let never = CancellationToken::new();
    let begun = async |export: &str| match run::begin(app.worker(), ExportId::new(export.parse().unwrap())).await {
        Ok(Begun::Ours(work)) => work,
        other => panic!("{other:?}"),
    };
    let all = json!({ "subject": "ORGANIZATION" });

    // A lease that has ended, and a role that is another now: the archive is not made of what is left to be seen.
    let export = asked(&owner, all.clone()).await;
    let work = begun(&export).await;
    app.run("update public.data_exports set lease_expires_at = now()").await;
    let short = work.make(app.worker(), app.storage(), at(), &never).await;
    assert!(matches!(short, Err(Error::Unavailable { .. })), "{short:?}");
    assert!(
        !work.ready(app.worker(), 1, at()).await.unwrap(),
        "it is another's to say"
    );
    let of_bob = asked(&carl, json!({ "memberId": bob.id })).await;
    let work = begun(&of_bob).await;
    let demote = |role: &str| {
        format!(
            "update public.user_profiles set role = '{role}' where id = '{}'",
            carl.id
        )
    };
    app.run(demote("operator")).await;
    let short = work.make(app.worker(), app.storage(), at(), &never).await;
    assert!(matches!(short, Err(Error::Unavailable { .. })), "{short:?}");
    assert!(work.hand_back(app.worker()).await.unwrap());
    assert_eq!(tried(&app, &of_bob, &never).await, Verdict::Done);
    app.run(demote("admin")).await;
    assert_eq!(seen(&carl, &of_bob).await["status"], "FAILED");

    // Erased while it is made: made anew. Erased, or somebody removed, when it is made: failed. Erased before it is begun: nothing to do.
    let work = begun(&export).await;
    let made = work.make(app.worker(), app.storage(), at(), &never).await.unwrap();
    let waiting = asked(&bob, json!({})).await;
    bob.must("deleteRecordingSession", json!({ "sessionId": session }), "sessionId")
        .await;
    assert!(
        !work.ready(app.worker(), made, at()).await.unwrap(),
        "it has what was erased"
    );
    assert_eq!(seen(&owner, &export).await["status"], "QUEUED");
    assert_eq!(seen(&bob, &waiting).await["status"], "QUEUED");
    assert_eq!(tried(&app, &export, &never).await, Verdict::Done);
    let url = seen(&owner, &export).await["downloadUrl"].as_str().unwrap().to_owned();
    let files = unpacked(&app, &url).await;
    assert!(!files.keys().any(|name| name.contains(&session)), "{:?}", files.keys());
    owner
        .must(
            "removeMember",
            json!({ "memberId": bob.id, "eraseRecordings": false }),
            "memberId",
        )
        .await;
    let failed = seen(&owner, &export).await;
    assert!(failed["errorMessage"].as_str().unwrap().contains("removed"), "{failed}");
    // Every archive but the newest names went with its row.
    sweep::delete_objects(app.worker(), app.storage()).await.unwrap();
    let there = app
        .number("select count(*) from public.data_exports where file_path is not null")
        .await;
    assert_eq!(there, 0);
}

/// A full disk says so, whether the archive is larger than a part of a write or not.
#[tokio::test]
async fn a_full_disk_is_said_by_name() {
    let folder = tempfile::tempdir().unwrap();
    let Some(disk) = SmallDisk::mount(folder.path().join("disk"), 1).unwrap() else {
        eprintln!("skipped: mounting a small file system needs root");
        return;
    };
    let storage = Storage::folder(&disk.path().join("objects")).unwrap();
    let never = CancellationToken::new();
    storage.put("filler", vec![1; 900 << 10].into()).await.unwrap();
    for bytes in [200_usize << 10, 3 << 20] {
        let pieces = futures::stream::iter(vec![Ok(axum::body::Bytes::from(vec![7; bytes]))]);
        let refused = storage.put_stream("export.zip", bytes as u64, pieces, &never).await;
        let Err(Error::Unavailable { what }) = refused else {
            panic!("{bytes}: {refused:?}")
        };
        assert!(what.contains("room"), "{what}");
        assert!(!storage.exists("export.zip").await.unwrap());
    }
}

/// A worker that is killed while it writes leaves half an archive; the next makes a whole one, and the half is deleted.
#[tokio::test]
async fn a_killed_worker_leaves_no_half_of_an_export() {
    let folder = tempfile::tempdir().unwrap();
    let objects = folder.path().join("objects");
    let storage = Storage::folder(&objects).unwrap();
    let app = TestApp::over(storage, Clock::system(), None).await;
    let owner = app.founder("ada@acme.test").await;
    watchable(&owner).await;
    // A recording long enough to be met half-way: a file with nothing in it but length.
    let large: u64 = 400_000_000;
    let key: String = sqlx::query_scalar("select file_path from public.video_chunks where chunk_index = 1")
        .fetch_one(app.pool())
        .await
        .unwrap();
    std::fs::OpenOptions::new()
        .write(true)
        .open(objects.join(&key))
        .unwrap()
        .set_len(large)
        .unwrap();
    app.run(format!(
        "update public.video_chunks set file_size_bytes = {large} where chunk_index = 1"
    ))
    .await;
    let worker = || {
        let settings = [
            ("DATABASE_WORKER_URL", app.database().url("newsystem_worker")),
            ("DATABASE_QUEUE_URL", app.database().url("newsystem_queue")),
            ("NEWSYSTEM_STORAGE_URL", objects.display().to_string()),
            ("NEWSYSTEM_DATA_DIR", folder.path().join("data").display().to_string()),
        ];
        let parent = std::process::id().to_string();
        Process::start(&["worker", "--parent", &parent], &settings, folder.path()).unwrap()
    };
    let until = async |what: &str, sql: &str| {
        for _ in 0..4_000 {
            if app.number(sql).await > 0 {
                return;
            }
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
        panic!("{what} did not come about");
    };
    let export = asked(&owner, json!({ "subject": "ORGANIZATION" })).await;
    let first = worker();
    until(
        "an archive under way",
        "select count(*) from public.data_exports where status = 'generating'",
    )
    .await;
    let parts = || -> Vec<u64> {
        let below = objects.join("organizations");
        let files = crate::recording::process::files(&below);
        files
            .iter()
            .filter(|file| file.to_string_lossy().contains("/exports/"))
            .map(|file| file.metadata().unwrap().len())
            .collect()
    };
    for _ in 0..500 {
        if parts().iter().any(|bytes| *bytes > 0) {
            break;
        }
        tokio::time::sleep(Duration::from_millis(2)).await;
    }
    program::signal("KILL", first.id()).unwrap();
    assert!(parts()[0] < large, "it was met half-way");
    assert_eq!(seen(&owner, &export).await["status"], "GENERATING");
    let _second = worker();
    until(
        "an archive",
        "select count(*) from public.data_exports where status = 'ready' and attempt = 2",
    )
    .await;
    until(
        "the half's deletion",
        "select count(*) from public.object_deletions where object_key like '%/exports/%/1' and due_at > now()",
    )
    .await;
    let left = parts();
    assert_eq!(left.len(), 1, "{left:?}");
    let size = seen(&owner, &export).await["fileSizeBytes"].clone();
    assert_eq!(size.as_str().unwrap_or_default(), left[0].to_string());
    assert!(left[0] > large);

    // The command fetches it whole.
    let output = folder.path().join("mine.zip");
    // The server is in this process: it has to go on meanwhile.
    let done = tokio::process::Command::new(program::path())
        .args(["export", "--organization", "--url", app.base(), "--output"])
        .arg(&output)
        .env("NEWSYSTEM_TOKEN", owner.credential())
        .current_dir(folder.path())
        .output()
        .await
        .unwrap();
    assert!(done.status.success(), "{}", String::from_utf8_lossy(&done.stderr));
    assert!(output.metadata().unwrap().len() > large);
}
