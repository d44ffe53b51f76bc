//! Whatever happens under way, the rows are those of a run that nothing disturbed: kill -9 at each stage in turn, the database
//! restarted, the storage failing.

use std::fs::Permissions;
use std::os::unix::fs::PermissionsExt as _;

use domain::sampling::Analyser;
use newsystem::embedded_postgres::EmbeddedPostgres;
use sqlx::{AssertSqlSafe, Connection as _, PgConnection};
use tests::database::TestDatabase;
use tests::postgres::throwaway_settings;
use tests::program::signal;

use super::*;

/// The last table but one that is written.
const COSTS: &str = "public.cost_analyses";
const DECODER: &str = " decode";
/// Of its calls, the one that reads.
const RECOGNISER: &str = "--psm";

/// Where the worker is when it is killed, and what holds it there.
#[derive(Debug, Clone, Copy)]
enum Stage {
    /// It waits for a table that somebody has locked.
    Waits(&'static str),
    /// A child of its with this word in its command line runs.
    Runs(&'static str),
    /// The rows are committed, and the queue does not know it yet.
    HasCommitted,
}

async fn lock(house: &House, table: &str) -> PgConnection {
    let mut holder = PgConnection::connect(&house.database.superuser_url()).await.unwrap();
    let sql = format!("begin; lock table {table} in access exclusive mode");
    sqlx::raw_sql(AssertSqlSafe(sql)).execute(&mut holder).await.unwrap();
    holder
}

/// Kills a worker at each of these stages in turn, each time lets another one take over, and tells what is left.
async fn killed(stages: &[Stage], clip: Arc<[u8]>) -> Value {
    let house = House::new().await;
    let session = house.records(1, &[&clip]).await;
    let analysis = house.asks(session, Analyser::Local).await;
    let mut worker = None;
    let mut codes = Vec::new();
    for stage in stages {
        let mut holder = match stage {
            Stage::Waits(table) => Some(lock(&house, table).await),
            Stage::HasCommitted => Some(lock(&house, COSTS).await),
            Stage::Runs(_) => None,
        };
        let mut current = worker.unwrap_or_else(|| house.worker(&[]));
        let mut stopped = None;
        match stage {
            Stage::Waits(_) | Stage::HasCommitted => {
                let table = if let Stage::Waits(table) = stage { table } else { COSTS };
                let waits = format!(
                    "select exists (select from pg_locks where relation = '{table}'::regclass and not granted)"
                );
                house.until("the worker waits for the table", &waits).await;
            }
            Stage::Runs(word) => {
                let found = child(&current, word).await;
                signal("STOP", found).unwrap();
                stopped = Some(found);
            }
        }
        let other = house.worker(&[]);
        let both = "select count(*) = 2 from graphile_worker._private_workers";
        house.until("another worker is there", both).await;
        if matches!(stage, Stage::HasCommitted) {
            // From here on the queue hears nothing; then what is recorded may go on.
            let queue = lock(&house, "graphile_worker._private_jobs").await;
            drop(holder.replace(queue));
            house.ends_with(analysis, "completed").await;
        }
        current.kill();
        if let Some(process) = stopped {
            if matches!(stage, Stage::Runs(DECODER)) {
                // The kernel ends it with its parent, even though it is stopped.
                is_gone(process).await;
            } else {
                // The recogniser would end by itself, were it not stopped.
                signal("KILL", process).unwrap();
            }
        }
        drop(holder);
        if !matches!(stage, Stage::HasCommitted) {
            codes.push(Value::from("worker_crashed"));
            let taken_over = format!(
                "select count(*) = {} from public.analysis_attempts where analysis_id = '{analysis}'",
                codes.len() + 1
            );
            // Seen by the next stage, which waits for that worker; the promise is thirty seconds.
            house
                .until_within(Duration::from_secs(30), "another worker takes over", &taken_over)
                .await;
        }
        worker = Some(other);
    }
    house.ends_with(analysis, "completed").await;
    house.is_quiet().await;
    codes.push(Value::Null);
    assert_eq!(house.attempts(analysis).await, Value::from(codes), "{stages:?}");
    // The recordings that the dead ones had put together are gone; the living one's folder is there.
    let scratch = std::fs::read_dir(house.folder.path().join("data/scratch")).unwrap();
    let folders = scratch
        .filter(|entry| entry.as_ref().unwrap().file_type().unwrap().is_dir())
        .count();
    assert_eq!(folders, 1, "{stages:?}: recordings are left behind");
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

/// The storage out of order, then a recording that is not there for a moment, then a fast restart of the database while screens
/// are read: every try keeps its error, the worker stays, and so does its work.
async fn cut_off(clip: Arc<[u8]>) -> Value {
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
    let (objects, away) = (house.objects().join("organizations"), house.folder.path().join("away"));
    std::fs::rename(&objects, &away).unwrap();
    std::fs::write(&objects, "no folder").unwrap();
    let analysis = house.asks(session, Analyser::Local).await;
    let mut worker = house.worker(&[]);
    let failed = |times: u32| {
        format!(
            "select count(*) = {times} from public.analysis_attempts where analysis_id = '{analysis}' and ended_at is not null"
        )
    };
    house.until("the first try fails", &failed(1)).await;
    std::fs::remove_file(&objects).unwrap();
    house.until("the second try fails", &failed(2)).await;
    std::fs::rename(&away, &objects).unwrap();
    child(&worker, RECOGNISER).await;
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
        serde_json::json!(["storage_unavailable", "video_gone", null])
    );
    let left = house.left(analysis).await;
    worker.kill();
    house.pool.close().await;
    house.db.close().await;
    server.stop().await.unwrap();
    left
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn whatever_happens_under_way_the_rows_are_those_of_an_undisturbed_run() {
    let clip = clip();
    // The first one makes the template of all databases.
    drop(TestDatabase::create().await.unwrap());
    let chains = [
        &[
            Stage::Waits("public.video_chunks"),
            Stage::Waits(COSTS),
            Stage::HasCommitted,
        ][..],
        &[Stage::Runs(DECODER), Stage::Runs(RECOGNISER)],
    ];
    let (expected, killed, cut_off) = tokio::join!(
        undisturbed(clip.clone()),
        futures::future::join_all(chains.map(|stages| killed(stages, clip.clone()))),
        cut_off(clip.clone()),
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
    for (stages, left) in chains.iter().zip(&killed) {
        differs(&format!("killed: {stages:?}"), left, false);
    }
    // Put back into the queue, it tells so.
    differs("cut off", &cut_off, true);
}
