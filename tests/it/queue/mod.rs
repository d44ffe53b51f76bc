//! Workers that lose nothing: real processes on real recordings, killed, cut off and cancelled, and the rows that come of it.

mod anew;
mod disturbed;
mod fairness;

mod remote;
mod screens;
mod stop;

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use domain::id::{AnalysisId, OrganizationId, SessionId};
use domain::role::Role;
use domain::sampling::{Analyser, Sampling, SamplingPreset};
use serde_json::Value;
use service::analysis_result::request::{self, Settings};
use service::analysis_result::run::{self, Begun};
use service::caller::{Actor, Caller, Membership};
use service::db::{Db, Lease};
use service::queue::QueueSettings;
use service::storage::{self, Storage};
use sqlx::AssertSqlSafe;
use sqlx::postgres::PgPool;
use tests::database::{TestDatabase, seeded};
use tests::program::{self, Process, lives};
use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;
use uuid::Uuid;
use worker::frames::DecoderProgram;
use worker::runner::Worker;
use worker::vision::openai::RemoteConfig;

/// More than any of this takes on a busy machine.
const LONG: Duration = Duration::from_secs(160);

/// An organization with recordings, a storage, and workers.
struct House {
    database: TestDatabase,
    pool: PgPool,
    db: Db,
    folder: tempfile::TempDir,
    storage: Storage,
}

impl House {
    async fn new() -> Self {
        Self::on(TestDatabase::create().await.unwrap()).await
    }

    async fn on(database: TestDatabase) -> Self {
        let folder = tempfile::Builder::new().prefix("queue-").tempdir_in("/tmp").unwrap();
        let house = Self {
            pool: database.superuser().await.unwrap(),
            db: database.api().await.unwrap(),
            storage: Storage::folder(&folder.path().join("objects")).unwrap(),
            folder,
            database,
        };
        house.found('a').await;
        house
    }

    /// An organization with an owner.
    async fn found(&self, organization: char) {
        let (id, owner) = (seeded(organization, 1), seeded(organization, 11));
        self.run(&format!(
            "insert into auth.users (id, email) values ('{owner}', '{owner}@test');
             insert into public.organizations (id, name, subscription_status) values ('{id}', 'house {organization}', 'active');
             insert into public.user_profiles (id, organization_id, role) values ('{owner}', '{id}', 'owner')"
        ))
        .await;
    }

    fn objects(&self) -> PathBuf {
        self.folder.path().join("objects")
    }

    async fn run(&self, sql: &str) {
        sqlx::raw_sql(AssertSqlSafe(sql.to_owned()))
            .execute(&self.pool)
            .await
            .unwrap();
    }

    async fn value(&self, sql: &str) -> Value {
        sqlx::query_scalar(AssertSqlSafe(format!(
            "select coalesce(to_jsonb(x), 'null') from ({sql}) as q(x)"
        )))
        .fetch_one(&self.pool)
        .await
        .unwrap()
    }

    async fn is(&self, sql: &str) -> bool {
        self.value(sql).await == Value::Bool(true)
    }

    /// Waits until a condition in SQL holds.
    async fn until(&self, what: &str, sql: &str) {
        self.until_within(LONG, what, sql).await;
    }

    async fn until_within(&self, most: Duration, what: &str, sql: &str) {
        let waited = async {
            while !self.is(sql).await {
                tokio::time::sleep(Duration::from_millis(40)).await;
            }
        };
        if tokio::time::timeout(most, waited).await.is_err() {
            let rows = self.value("select jsonb_agg(to_jsonb(a) - 'raw_gpt_response' - 'structured_insights') from public.analysis_results a").await;
            let tries = self.value("select jsonb_agg(t) from public.analysis_attempts t").await;
            let jobs = self
                .value("select jsonb_agg(j) from graphile_worker._private_jobs j")
                .await;
            panic!("not within {most:?}: {what}\n{rows:#}\n{tries:#}\n{jobs:#}");
        }
    }

    /// A finished session whose chunks are stored.
    async fn records(&self, number: u16, chunks: &[&[u8]]) -> SessionId {
        self.records_for('a', number, chunks).await
    }

    async fn records_for(&self, organization: char, number: u16, chunks: &[&[u8]]) -> SessionId {
        let (tenant, owner) = (seeded(organization, 1), seeded(organization, 11));
        let session = seeded(organization, 100 + number);
        self.run(&format!(
            "insert into public.recording_sessions (id, organization_id, user_id, status, chunk_count, finished_at) values ('{session}', '{tenant}', '{owner}', 'completed', {}, now())",
            chunks.len().max(1)
        ))
        .await;
        for (index, bytes) in chunks.iter().enumerate() {
            let key = storage::chunk_key(OrganizationId::new(tenant), session.into(), index as i32);
            self.storage.put(&key, bytes.to_vec().into()).await.unwrap();
            self.run(&format!(
                "insert into public.video_chunks (session_id, organization_id, chunk_index, file_path, file_size_bytes, upload_status) values ('{session}', '{tenant}', {index}, '{key}', {}, 'completed')",
                bytes.len()
            ))
            .await;
        }
        session.into()
    }

    /// Asks for an analysis, as the owner does through the API.
    async fn asks(&self, session: SessionId, analyser: Analyser) -> AnalysisId {
        self.asks_for('a', session, analyser).await
    }

    async fn asks_for(&self, organization: char, session: SessionId, analyser: Analyser) -> AnalysisId {
        let sampling = Sampling {
            frames_per_second: 0.5,
            max_frames: 40,
            scene_threshold: 0.2,
        };
        self.asks_with(organization, session, analyser, sampling).await
    }

    async fn asks_with(
        &self,
        organization: char,
        session: SessionId,
        analyser: Analyser,
        sampling: Sampling,
    ) -> AnalysisId {
        let settings = Settings {
            analyser,
            preset: SamplingPreset::Custom,
            sampling,
        };
        // The last digits of the session's id, so that two houses name the same thing alike.
        let id = Uuid::from_u128(session.uuid().as_u128() ^ (1 << 80));
        let scope = self.db.scope(&owner(organization)).await.unwrap();
        let analysis = request::enqueue(&scope, session, &settings, id.into()).await.unwrap();
        scope.commit().await.unwrap();
        analysis
    }

    async fn cancels(&self, analysis: AnalysisId) {
        let scope = self.db.scope(&owner('a')).await.unwrap();
        request::cancel(&scope, analysis, chrono::Utc::now()).await.unwrap();
        scope.commit().await.unwrap();
    }

    /// A worker process of its own.
    fn worker(&self, more: &[(&str, String)]) -> Process {
        let mut settings = vec![
            ("DATABASE_WORKER_URL", self.database.url("newsystem_worker")),
            ("DATABASE_QUEUE_URL", self.database.url("newsystem_queue")),
            ("NEWSYSTEM_STORAGE_URL", self.objects().display().to_string()),
            (
                "NEWSYSTEM_DATA_DIR",
                self.folder.path().join("data").display().to_string(),
            ),
            ("NEWSYSTEM_WORKER_JOBS", "1".to_owned()),
            ("NEWSYSTEM_WORKER_POOL", "4".to_owned()),
            ("NEWSYSTEM_LOG", "info,graphile_worker=warn".to_owned()),
        ];
        settings.extend_from_slice(more);
        // Ends with the test, however that ends.
        let parent = std::process::id().to_string();
        Process::start(&["worker", "--parent", &parent], &settings, self.folder.path()).unwrap()
    }

    /// The same worker inside the test, with its parts at hand.
    async fn works_here(&self, jobs: usize, decoder: DecoderProgram) -> Here {
        let stop = CancellationToken::new();
        let worker = Worker {
            db: self.database.worker().await.unwrap(),
            storage: self.storage.clone(),
            decoder,
            remote: RemoteConfig::new().unwrap(),
            tesseract: None,
            scratch: self.folder.path().join("scratch"),
            name: "here".to_owned(),
            clock: newsystem::environment::now,
        };
        let settings = self.queue(jobs);
        let shutdown = stop.clone();
        let task = tokio::spawn(async move { worker::runner::run(worker, &settings, shutdown).await });
        Here { stop, task }
    }

    fn queue(&self, jobs: usize) -> QueueSettings {
        QueueSettings {
            url: self.database.url("newsystem_queue"),
            concurrency: jobs,
            grace: Duration::from_secs(5),
        }
    }

    async fn ends_with(&self, analysis: AnalysisId, status: &str) {
        let condition =
            format!("select status in ('completed', 'failed') from public.analysis_results where id = '{analysis}'");
        self.until("the analysis ends", &condition).await;
        let (ended, code) = self.ended(analysis).await;
        assert_eq!(ended, status, "{code}");
    }

    async fn ended(&self, analysis: AnalysisId) -> (String, String) {
        let row = self
            .value(&format!("select jsonb_build_array(status, coalesce(error_code, '')) from public.analysis_results where id = '{analysis}'"))
            .await;
        (row[0].as_str().unwrap().to_owned(), row[1].as_str().unwrap().to_owned())
    }

    /// The error codes of the attempts, in their order; null for one without.
    async fn attempts(&self, analysis: AnalysisId) -> Value {
        self.value(&format!("select coalesce(jsonb_agg(error_code order by number), '[]') from public.analysis_attempts where analysis_id = '{analysis}' and ended_at is not null"))
            .await
    }

    /// Everything that an analysis has left, without ids, times, and who made it when.
    async fn left(&self, analysis: AnalysisId) -> Value {
        let rows = |table: &str, but: &str, order: &str| {
            format!(
                "(select jsonb_agg(to_jsonb(t) - array['id', 'created_at', 'updated_at'{but}] order by {order}) from public.{table} t where t.analysis_id = '{analysis}')"
            )
        };
        let sql = format!(
            "select jsonb_build_object(
               'analysis', (select jsonb_agg(to_jsonb(a) - array['created_at', 'updated_at', 'queued_at', 'processing_started_at', 'processing_completed_at', 'processing_time_seconds', 'attempt'])
                              from public.analysis_results a where a.id = '{analysis}'),
               'session', (select jsonb_agg(to_jsonb(s) - array['created_at', 'updated_at', 'finished_at', 'completed_at', 'last_chunk_at'])
                              from public.recording_sessions s where s.id = (select session_id from public.analysis_results where id = '{analysis}')),
               'events', (select jsonb_agg(jsonb_build_array(kind, times) order by kind) from (select kind, count(*) as times from public.organization_events group by kind) e),
               'jobs', (select count(*) from graphile_worker._private_jobs),
               'frames', {}, 'opportunities', {}, 'insights', {}, 'diagrams', {}, 'costs', {})",
            rows("analysis_frames", "", "frame_index"),
            rows("automation_opportunities", "", "process_key, title"),
            rows("workflow_insights", "", "insight_type, title, evidence::text"),
            rows("workflow_visualizations", "", "visualization_type"),
            rows("cost_analyses", "", "id"),
        );
        self.value(&sql).await
    }

    /// The job's own last word comes after the row's.
    async fn is_quiet(&self) {
        self.until(
            "the queue is empty",
            "select count(*) = 0 from graphile_worker._private_jobs",
        )
        .await;
    }
}

/// Takes an analysis up as a worker does, without being one.
async fn takes_up(db: &Db, analysis: AnalysisId) -> Lease {
    match run::begin(db, analysis, "by hand").await.unwrap() {
        Begun::Ours { lease, .. } => lease,
        other => panic!("{analysis} is not to be had: {other:?}"),
    }
}

/// Asks a worker to stop and waits until it has ended well.
async fn stops(worker: &mut Process) {
    worker.ask_to_stop().unwrap();
    let ended = async {
        loop {
            if let Some(status) = worker.ended().unwrap() {
                return status;
            }
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    };
    let status = tokio::time::timeout(LONG, ended).await.unwrap();
    assert!(status.success(), "{status}: {}", worker.log());
}

/// A child of a worker with this word in its command line, once there is one.
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

/// Waits until a process is gone.
async fn is_gone(process: u32) {
    let gone = async {
        while lives(process) {
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    };
    tokio::time::timeout(Duration::from_secs(10), gone).await.unwrap();
}

/// A worker inside the test.
struct Here {
    stop: CancellationToken,
    task: JoinHandle<service::Result<()>>,
}

impl Here {
    async fn stops(self) {
        self.stop.cancel();
        self.task.await.unwrap().unwrap();
    }
}

fn owner(organization: char) -> Caller {
    Caller {
        actor: Actor::Person(seeded(organization, 11).into()),
        email: None,
        membership: Some(Membership {
            organization: OrganizationId::new(seeded(organization, 1)),
            role: Role::Owner,
            active: true,
        }),
        read_only: false,
    }
}

fn decoder() -> DecoderProgram {
    DecoderProgram {
        program: program::path(),
        args: vec!["decode".into()],
    }
}

/// The demo's first 93 seconds: three orders are entered, so there is something to be found. Cut where it is cut, as when a
/// browser is closed.
fn clip() -> Arc<[u8]> {
    let demo = Path::new(env!("CARGO_MANIFEST_DIR")).join("fixtures/demo/demo.webm");
    std::fs::read(demo).unwrap()[..900_000].into()
}
