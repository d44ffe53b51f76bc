//! The application in process behind its real HTTP door, with a settable clock, and the people who use it.
#![expect(
    clippy::missing_panics_doc,
    clippy::unwrap_used,
    reason = "what cannot be arranged or understood ends the test"
)]

use std::net::SocketAddr;
use std::sync::Arc;

use api::http::auth::{AuthConfig, TokenVerifier};
use api::http::{Rate, Rates};
use api::{Behaviour, Parts};
use chrono::TimeDelta;
use newsystem::token::{EMBEDDED_ISSUER, Person};
use serde_json::{Value, json};
use service::clock::Clock;
use service::config::Secret;
use service::db::Db;
use service::event::listener::Listener;
use service::signing::Signer;
use service::storage::Storage;
use sha2::{Digest as _, Sha256};
use sqlx::AssertSqlSafe;
use sqlx::postgres::PgPool;
use tokio_util::sync::{CancellationToken, DropGuard};
use uuid::Uuid;

use crate::database::TestDatabase;
use crate::program::{SECRET, token_of};

/// The first bytes of a `WebM` file: what a recording must begin with.
pub const WEBM: [u8; 4] = [0x1A, 0x45, 0xDF, 0xA3];

/// The application over a database and a storage of its own. Cheap to clone.
#[derive(Clone)]
pub struct TestApp(Arc<Inner>);

struct Inner {
    database: TestDatabase,
    pool: PgPool,
    worker: Db,
    storage: Storage,
    clock: Clock,
    base: String,
    http: reqwest::Client,
    _folder: Option<tempfile::TempDir>,
    _stops: DropGuard,
}

impl TestApp {
    /// Over a folder, with the system's clock.
    pub async fn start() -> Self {
        Self::with_clock(Clock::system()).await
    }

    /// Over a folder, with this clock. Tokens and keys are judged by the system's time all the same.
    pub async fn with_clock(clock: Clock) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let storage = Storage::folder(folder.path()).unwrap();
        Self::over(storage, clock, Some(folder)).await
    }

    /// Over this storage.
    pub async fn over(storage: Storage, clock: Clock, folder: Option<tempfile::TempDir>) -> Self {
        let database = TestDatabase::create().await.unwrap();
        let pool = database.superuser().await.unwrap();
        let stopping = CancellationToken::new();
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let base = format!("http://{}", listener.local_addr().unwrap());
        let config = AuthConfig {
            secrets: vec![Secret::new(SECRET)],
            keys_url: None,
            issuer: Some(EMBEDDED_ISSUER.to_owned()),
            audience: Some("authenticated".to_owned()),
        };
        let parts = Parts {
            db: database.api().await.unwrap(),
            listener: Listener::connect(&database.url("newsystem_api")).await.unwrap(),
            storage: storage.clone(),
            signer: Signer::new(&[7; 32], &base).unwrap(),
            verifier: TokenVerifier::new(config).unwrap(),
            clock: clock.clone(),
            max_chunk_bytes: 8 << 20,
        };
        let plenty = Rate::new(1_000_000, 1);
        let behaviour = Behaviour {
            rates: Rates {
                address: plenty,
                anonymous: plenty,
                user: plenty,
                key: plenty,
                upload: plenty,
            },
            ..Behaviour::default()
        };
        let router = api::app(parts, behaviour, &stopping).unwrap();
        let worker = database.worker().await.unwrap();
        let stop = stopping.clone();
        tokio::spawn(async move {
            let make = router.into_make_service_with_connect_info::<SocketAddr>();
            let served = axum::serve(listener, make).with_graceful_shutdown(async move { stop.cancelled().await });
            served.await
        });
        Self(Arc::new(Inner {
            database,
            pool,
            worker,
            storage,
            clock,
            base,
            http: reqwest::Client::builder().no_proxy().build().unwrap(),
            _folder: folder,
            _stops: stopping.drop_guard(),
        }))
    }

    /// The database.
    pub fn database(&self) -> &TestDatabase {
        &self.0.database
    }

    /// For arranging and looking: passes row security.
    pub fn pool(&self) -> &PgPool {
        &self.0.pool
    }

    /// The database as the worker's sweeps see it.
    pub fn worker(&self) -> &Db {
        &self.0.worker
    }

    /// Where objects lie.
    pub fn storage(&self) -> &Storage {
        &self.0.storage
    }

    /// The application's clock.
    pub fn clock(&self) -> &Clock {
        &self.0.clock
    }

    /// The server's address, without a slash at its end.
    pub fn base(&self) -> &str {
        &self.0.base
    }

    /// A client for what is no GraphQL.
    pub fn http(&self) -> &reqwest::Client {
        &self.0.http
    }

    /// Arranges something that no door offers.
    pub async fn run(&self, sql: impl Into<String>) {
        sqlx::raw_sql(AssertSqlSafe(sql.into()))
            .execute(self.pool())
            .await
            .unwrap();
    }

    /// The number that a statement answers.
    pub async fn number(&self, sql: impl Into<String>) -> i64 {
        sqlx::query_scalar(AssertSqlSafe(sql.into()))
            .fetch_one(self.pool())
            .await
            .unwrap()
    }

    /// A signed-up person without an organization; the same address is the same person.
    pub async fn person(&self, email: &str) -> Actor {
        let person = Person::of_email(email);
        sqlx::query("insert into auth.users (id, email) values ($1, $2) on conflict (id) do nothing")
            .bind(person.user.uuid())
            .bind(email)
            .execute(self.pool())
            .await
            .unwrap();
        Actor {
            app: self.clone(),
            credential: token_of(&person, TimeDelta::hours(1)),
            id: person.user.uuid(),
            email: email.to_owned(),
        }
    }

    /// The owner of a new organization, which is called as the part of the address behind the `@`.
    pub async fn founder(&self, email: &str) -> Actor {
        let founder = self.person(email).await;
        let name = email.split_once('@').map_or(email, |(_, host)| host);
        founder
            .must("createOrganization", json!({ "name": name }), "organization { id }")
            .await;
        founder
    }

    /// Somebody with a key.
    pub fn key(&self, secret: &str) -> Actor {
        Actor {
            app: self.clone(),
            credential: secret.to_owned(),
            id: Uuid::nil(),
            email: String::new(),
        }
    }
}

/// Somebody who asks through the door: a signed-in person, or a partner's key.
#[derive(Clone)]
pub struct Actor {
    app: TestApp,
    credential: String,
    /// The person; nil for a key.
    pub id: Uuid,
    /// The person's address.
    pub email: String,
}

/// Why the door refused.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Refusal {
    /// `extensions.code`.
    pub code: String,
    /// What a person reads.
    pub message: String,
    /// `extensions.field`, or nothing.
    pub field: String,
}

/// A chunk as a client has it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Chunk {
    /// Its place.
    pub index: usize,
    /// What it holds.
    pub bytes: Vec<u8>,
}

impl Chunk {
    /// What it is announced as.
    pub fn announcement(&self) -> Value {
        json!({ "chunkIndex": self.index, "sizeBytes": self.bytes.len().to_string(), "sha256": hex::encode(Sha256::digest(&self.bytes)) })
    }
}

impl Actor {
    /// The bearer's secret.
    pub fn credential(&self) -> &str {
        &self.credential
    }

    /// The whole answer.
    pub async fn asks(&self, query: &str, variables: Value) -> Value {
        let answer = self
            .app
            .http()
            .post(format!("{}/graphql", self.app.base()))
            .bearer_auth(&self.credential)
            .json(&json!({ "query": query, "variables": variables }))
            .send()
            .await
            .unwrap();
        answer.json().await.unwrap()
    }

    /// The data of an answer without errors.
    pub async fn sees(&self, query: &str) -> Value {
        let mut answer = self.asks(query, json!({})).await;
        assert!(answer.get("errors").is_none(), "{query}: {answer:#}");
        answer["data"].take()
    }

    /// Runs one mutation; its payload, or why it was refused.
    pub async fn does(&self, mutation: &str, input: Value, selection: &str) -> Result<Value, Refusal> {
        let (first, rest) = mutation.split_at(1);
        let kind = format!("{}{rest}Input", first.to_uppercase());
        let query = format!("mutation($input: {kind}!) {{ {mutation}(input: $input) {{ {selection} }} }}");
        let mut answer = self.asks(&query, json!({ "input": input })).await;
        let error = &answer["errors"][0];
        if error.is_null() {
            return Ok(answer["data"][mutation].take());
        }
        let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
        Err(Refusal {
            code: text(&error["extensions"]["code"]),
            message: text(&error["message"]),
            field: text(&error["extensions"]["field"]),
        })
    }

    /// Runs a mutation that must succeed.
    pub async fn must(&self, mutation: &str, input: Value, selection: &str) -> Value {
        let outcome = self.does(mutation, input, selection).await;
        outcome.unwrap_or_else(|refusal| panic!("{mutation} by {}: {refusal:?}", self.email))
    }

    /// The code with which a mutation is refused.
    pub async fn refused(&self, mutation: &str, input: Value, selection: &str) -> String {
        match self.does(mutation, input, selection).await {
            Err(refusal) => refusal.code,
            Ok(payload) => panic!("{mutation} by {} succeeded: {payload}", self.email),
        }
    }

    /// Invites somebody, who accepts.
    pub async fn brings_in(&self, email: &str, role: &str) -> Actor {
        let invited = self
            .must("inviteMember", json!({ "email": email, "role": role }), "token")
            .await;
        let member = self.app.person(email).await;
        member
            .must(
                "acceptInvitation",
                json!({ "token": invited["token"] }),
                "member { id }",
            )
            .await;
        member
    }

    /// Starts a session, whose id it answers.
    pub async fn starts(&self, title: &str) -> String {
        let input = json!({ "title": title, "noticeVersion": "default-1" });
        let payload = self.must("startRecordingSession", input, "session { id }").await;
        payload["session"]["id"].as_str().unwrap().to_owned()
    }

    /// Announces chunks: their ids and addresses, in order.
    pub async fn announces(&self, session: &str, chunks: &[Chunk]) -> Result<Vec<(String, String)>, Refusal> {
        let chunks: Vec<Value> = chunks.iter().map(Chunk::announcement).collect();
        let input = json!({ "sessionId": session, "chunks": chunks });
        let payload = self
            .does("requestChunkUploads", input, "uploads { url chunk { id } }")
            .await?;
        let uploads = payload["uploads"].as_array().unwrap().iter().map(|upload| {
            let text = |value: &Value| value.as_str().unwrap().to_owned();
            (text(&upload["chunk"]["id"]), text(&upload["url"]))
        });
        Ok(uploads.collect())
    }

    /// Puts bytes to an address; the status, and the code of a refusal.
    pub async fn puts(&self, url: &str, bytes: Vec<u8>) -> (u16, String) {
        let request = self
            .app
            .http()
            .put(url)
            .header("content-type", "application/octet-stream");
        let answer = request.body(bytes).send().await.unwrap();
        let status = answer.status().as_u16();
        let refusal: Value = answer.json().await.unwrap_or_default();
        let code = refusal["errors"][0]["extensions"]["code"].as_str();
        (status, code.unwrap_or_default().to_owned())
    }

    /// Completes chunks: the states that they are in then.
    pub async fn completes(&self, chunks: &[String]) -> Result<Vec<String>, Refusal> {
        let payload = self
            .does(
                "completeChunkUploads",
                json!({ "chunkIds": chunks }),
                "chunks { uploadStatus }",
            )
            .await?;
        let states = payload["chunks"].as_array().unwrap().iter();
        Ok(states
            .map(|chunk| chunk["uploadStatus"].as_str().unwrap().to_owned())
            .collect())
    }

    /// Uploads chunks as a browser does, all of them.
    pub async fn uploads(&self, session: &str, chunks: &[Vec<u8>]) {
        let chunks: Vec<Chunk> = chunks
            .iter()
            .enumerate()
            .map(|(index, bytes)| Chunk {
                index,
                bytes: bytes.clone(),
            })
            .collect();
        for group in chunks.chunks(50) {
            let addresses = self.announces(session, group).await.unwrap();
            for (chunk, (_, url)) in group.iter().zip(&addresses) {
                let (status, code) = self.puts(url, chunk.bytes.clone()).await;
                assert!(status < 300, "{status} {code}");
            }
            let ids: Vec<String> = addresses.into_iter().map(|(id, _)| id).collect();
            let states = self.completes(&ids).await.unwrap();
            assert!(states.iter().all(|state| state == "COMPLETED"), "{states:?}");
        }
    }

    /// Finishes a session, without an analysis.
    pub async fn finishes(&self, session: &str, chunks: usize) {
        let input = json!({ "sessionId": session, "chunkCount": chunks, "analyze": false });
        self.must("finishRecordingSession", input, "session { id }").await;
    }

    /// Records something small: a finished session without an analysis.
    pub async fn records(&self, title: &str) -> String {
        let session = self.starts(title).await;
        let chunks = [[WEBM.as_slice(), title.as_bytes()].concat(), b"the rest".to_vec()];
        self.uploads(&session, &chunks).await;
        self.finishes(&session, 2).await;
        session
    }

    /// The recording as playback gives it; nothing where there is no playback.
    pub async fn watches(&self, session: &str) -> Option<Vec<u8>> {
        let seen = self
            .sees(&format!(
                "{{ recordingSession(id: \"{session}\") {{ playback {{ url }} }} }}"
            ))
            .await;
        let url = seen["recordingSession"]["playback"]["url"].as_str()?;
        let answer = self.app.http().get(url).send().await.unwrap();
        answer
            .status()
            .is_success()
            .then_some(answer.bytes().await.unwrap().to_vec())
    }
}
