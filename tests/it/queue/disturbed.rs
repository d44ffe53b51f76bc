//! Whatever happens under way, the rows are those of a run that nothing disturbed: kill -9 at each stage in turn, the database
//! restarted, the storage failing.

use std::fs::Permissions;
use std::os::unix::fs::PermissionsExt as _;

use domain::sampling::Analyser;
use newsystem::embedded_postgres::EmbeddedPostgres;
use sqlx::{AssertSqlSafe, Connection as _, PgConnection};
use tests::database::TestDatabase;
use tests::postgres::throwaway_settings;
use tests::program::{lives, signal};

use super::*;

/// Where the worker is when it is killed, and what holds it there.
#[derive(Debug, Clone, Copy)]
enum Stage {
    /// It waits for a table that somebody has locked.
    Waits(&'static str),
    /// A child of its with this word in its command line has been stopped.
    Decodes,
    /// The word recogniser runs.
    Reads,
    /// The rows are committed, and the queue does not know it yet.
    HasCommitted,
}

async fn lock(house: &House, table: &str) -> PgConnection {
    let mut holder = PgConnection::connect(&house.database.superuser_url()).await.unwrap();
    let sql = format!("begin; lock table {table} in access exclusive mode");
    sqlx::raw_sql(AssertSqlSafe(sql)).execute(&mut holder).await.unwrap();
    holder
}

async fn child(worker: &Process, word: &str) -> u32 {
    let found = async {
        loop {
            if let Some(child) = worker.child(word) {
                return child;
            }
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    };
    let found = tokio::time::timeout(LONG, found).await;
    found.unwrap_or_else(|_| panic!("no child {word}: {}", worker.log()))
}

/// Kills a worker at this stage, lets another one end the work, and tells what is left.
async fn killed(stage: Stage, clip: Arc<[u8]>) -> Value {
    let house = House::new().await;
    let session = house.records(1, &[&clip]).await;
    let analysis = house.asks(session, Analyser::Local).await;
    let mut holder = match stage {
        Stage::Waits(table) => Some(lock(&house, table).await),
        _ => None,
    };
    let mut worker = house.worker(&[]);
    let mut stopped = None;
    match stage {
        Stage::Waits(table) => {
            let waits =
                format!("select exists (select from pg_locks where relation = '{table}'::regclass and not granted)");
            house.until("the worker waits for the table", &waits).await;
        }
        Stage::Decodes => {
            let decoder = child(&worker, " decode").await;
            signal("STOP", decoder).unwrap();
            stopped = Some(decoder);
        }
        Stage::Reads => {
            child(&worker, "--psm").await;
        }
        Stage::HasCommitted => {
            let began = format!("select status = 'processing' from public.analysis_results where id = '{analysis}'");
            house.until("the worker begins", &began).await;
            holder = Some(lock(&house, "graphile_worker._private_jobs").await);
            house.ends_with(analysis, "completed").await;
        }
    }
    worker.kill();
    if let Some(decoder) = stopped {
        // The kernel ends it with its parent, even though it is stopped.
        let gone = async {
            while lives(decoder) {
                tokio::time::sleep(Duration::from_millis(20)).await;
            }
        };
        tokio::time::timeout(Duration::from_secs(10), gone).await.unwrap();
    }
    drop(holder);
    let _other = house.worker(&[]);
    let mut codes = vec![Value::Null];
    if !matches!(stage, Stage::HasCommitted) {
        let taken_over = format!("select count(*) = 2 from public.analysis_attempts where analysis_id = '{analysis}'");
        house
            .until_within(Duration::from_secs(30), "another worker takes over", &taken_over)
            .await;
        codes.insert(0, "worker_crashed".into());
    }
    house.ends_with(analysis, "completed").await;
    house.is_quiet().await;
    assert_eq!(house.attempts(analysis).await, Value::from(codes), "{stage:?}");
    // The recording that the dead one had put together is gone; the living one's folder is there.
    let scratch = std::fs::read_dir(house.folder.path().join("data/scratch")).unwrap();
    let folders = scratch
        .filter(|entry| entry.as_ref().unwrap().file_type().unwrap().is_dir())
        .count();
    assert_eq!(folders, 1, "{stage:?}: recordings are left behind");
    house.left(analysis).await
}

async fn undisturbed(clip: Arc<[u8]>) -> Value {
    let house = House::new().await;
    let session = house.records(1, &[&clip]).await;
    let analysis = house.asks(session, Analyser::Local).await;
    let _worker = house.worker(&[]);
    house.ends_with(analysis, "completed").await;
    house.is_quiet().await;
    house.left(analysis).await
}

/// A fast restart while screens are read: the worker stays, and so does its work.
async fn restarted(clip: Arc<[u8]>) -> Value {
    let mut place = tempfile::Builder::new();
    let place = place
        .prefix("queue-pg-")
        .permissions(Permissions::from_mode(0o755))
        .tempdir_in("/tmp")
        .unwrap();
    let mut settings = throwaway_settings(place.path());
    settings.options.push(("shared_buffers".into(), "32MB".into()));
    let data = place.path().join(".newsystem");
    let server = EmbeddedPostgres::start_with_settings(&data, settings.clone())
        .await
        .unwrap();
    let address = (*server).clone();
    let house = House::on(TestDatabase::create_on(address.into()).await.unwrap()).await;
    let session = house.records(1, &[&clip]).await;
    let analysis = house.asks(session, Analyser::Local).await;
    let mut worker = house.worker(&[]);
    child(&worker, "--psm").await;
    server.stop().await.unwrap();
    let server = EmbeddedPostgres::start_with_settings(&data, settings).await.unwrap();
    house.ends_with(analysis, "completed").await;
    house.is_quiet().await;
    assert_eq!(
        worker.ended().unwrap(),
        None,
        "the worker is still there: {}",
        worker.log()
    );
    assert_eq!(
        house.attempts(analysis).await,
        serde_json::json!([null]),
        "nothing was done twice"
    );
    let left = house.left(analysis).await;
    worker.kill();
    house.pool.close().await;
    house.db.close().await;
    server.stop().await.unwrap();
    left
}

/// The storage out of order, then a recording that is not there for a moment.
async fn without_storage(clip: Arc<[u8]>) -> Value {
    let house = House::new().await;
    let session = house.records(1, &[&clip]).await;
    let (objects, away) = (house.objects().join("organizations"), house.folder.path().join("away"));
    std::fs::rename(&objects, &away).unwrap();
    std::fs::write(&objects, "no folder").unwrap();
    let analysis = house.asks(session, Analyser::Local).await;
    let _worker = house.worker(&[]);
    let failed = |times: u32| {
        format!(
            "select count(*) = {times} from public.analysis_attempts where analysis_id = '{analysis}' and ended_at is not null"
        )
    };
    house.until("the first try fails", &failed(1)).await;
    std::fs::remove_file(&objects).unwrap();
    house.until("the second try fails", &failed(2)).await;
    std::fs::rename(&away, &objects).unwrap();
    house.ends_with(analysis, "completed").await;
    house.is_quiet().await;
    assert_eq!(
        house.attempts(analysis).await,
        serde_json::json!(["storage_unavailable", "video_gone", null]),
        "every try keeps its error"
    );
    house.left(analysis).await
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn whatever_happens_under_way_the_rows_are_those_of_an_undisturbed_run() {
    let clip = clip();
    // The first one makes the template of all databases.
    drop(TestDatabase::create().await.unwrap());
    let kills = [
        Stage::Waits("public.video_chunks"),
        Stage::Decodes,
        Stage::Reads,
        Stage::Waits("public.cost_analyses"),
        Stage::HasCommitted,
    ];
    let (expected, killed, restarted, without_storage) = tokio::join!(
        undisturbed(clip.clone()),
        futures::future::join_all(kills.map(|stage| killed(stage, clip.clone()))),
        restarted(clip.clone()),
        without_storage(clip.clone()),
    );
    assert_eq!(
        expected["opportunities"].as_array().map(Vec::len),
        Some(1),
        "{expected:#}"
    );
    assert_eq!(expected["opportunities"][0]["occurrences_observed"], 3);
    assert_eq!(
        expected["insights"][0]["metadata"]["opportunity"],
        expected["opportunities"][0]["process_key"]
    );
    assert_eq!(expected["analysis"][0]["automation_opportunities_count"], 1);
    let differs = |what: &str, left: &Value, but_events: bool| {
        for (part, rows) in expected.as_object().unwrap() {
            if !(but_events && part == "events") {
                assert_eq!(&left[part], rows, "{what}: {part}");
            }
        }
    };
    for (stage, left) in kills.iter().zip(&killed) {
        differs(&format!("killed: {stage:?}"), left, false);
    }
    differs("the database restarted", &restarted, false);
    // Put back into the queue, it tells so.
    differs("the storage failed", &without_storage, true);
}
