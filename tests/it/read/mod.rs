//! The read side of the schema, asked as the transport asks it: an operation of a caller over the application's own role.

mod access;
mod batching;
mod contract;
mod cursor;
mod dashboard;
mod fields;
mod money;
#[rustfmt::skip] // A statement is a line.
mod mutations;
#[rustfmt::skip] // A query is a line.
mod plans;
mod recalculate;
mod written;

use api::graphql::{Api, Mutation, Query, Request, Subscription, guard::GuardsOff, schema};
use api::hub::Hub;
use async_graphql::{Schema, Variables};
use chrono::{DateTime, Utc};
use serde_json::{Value, json};
use service::caller::Caller;
use service::clock::Clock;
use service::db::Db;
use service::event::listener::Listener;
use service::signing::Signer;
use service::storage::Storage;
use sqlx::postgres::PgPool;
use tests::database::{TestDatabase, seeded};
use tokio_util::sync::CancellationToken;

/// Two organizations, and the schema over them.
struct World {
    database: TestDatabase,
    pool: PgPool,
    api: Api,
    schema: Schema<Query, Mutation, Subscription>,
}

impl World {
    async fn new() -> Self {
        Self::with(false).await
    }

    async fn with(guards_off: bool) -> Self {
        Self::over(TestDatabase::with_two_organizations().await.unwrap(), guards_off).await
    }

    async fn over(database: TestDatabase, guards_off: bool) -> Self {
        let pool = database.superuser().await.unwrap();
        let folder = tempfile::tempdir().unwrap();
        let db = database.api().await.unwrap();
        let listener = Listener::connect(&database.url("newsystem_api")).await.unwrap();
        let api = Api {
            hub: Hub::start(db.clone(), listener, Box::new(|_| ()), CancellationToken::new()),
            db,
            signer: Signer::new(&[7; 32], "https://example.org").unwrap(),
            clock: Clock::standing_at(Self::now()),
            storage: Storage::folder(folder.path()).unwrap(),
            max_chunk_bytes: 1 << 20,
        };
        let builder = schema();
        let schema = if guards_off {
            builder.data(GuardsOff).finish()
        } else {
            builder.finish()
        };
        Self {
            database,
            pool,
            api,
            schema,
        }
    }

    fn now() -> DateTime<Utc> {
        DateTime::from_timestamp(1_795_500_000, 0).unwrap()
    }

    fn db(&self) -> &Db {
        &self.api.db
    }

    /// A person, as the doors find one.
    async fn person(&self, organization: char, number: u16) -> Caller {
        self.db()
            .system()
            .sign_in(seeded(organization, number).into(), None)
            .await
            .unwrap()
    }

    async fn owner(&self) -> Caller {
        self.person('a', 11).await
    }

    async fn admin(&self) -> Caller {
        self.person('a', 12).await
    }

    /// Recorded session 21.
    async fn operator(&self) -> Caller {
        self.person('a', 13).await
    }

    /// Recorded session 22.
    async fn other_operator(&self) -> Caller {
        self.person('a', 14).await
    }

    /// A key by its hash.
    async fn key(&self, hash: &str) -> Caller {
        self.db().system().key_in(hash).await.unwrap().unwrap().0
    }

    async fn ask_with(&self, caller: Option<&Caller>, query: &str, variables: Value) -> Value {
        let request = async_graphql::Request::new(query)
            .variables(Variables::from_json(variables))
            .data(Request::new(self.api.clone(), caller.cloned()));
        serde_json::to_value(self.schema.execute(request).await).unwrap()
    }

    async fn ask(&self, caller: &Caller, query: &str) -> Value {
        self.ask_with(Some(caller), query, json!({})).await
    }

    /// The data of an answer without errors.
    async fn data(&self, caller: &Caller, query: &str) -> Value {
        let mut reply = self.ask(caller, query).await;
        assert_eq!(reply.get("errors"), None, "{query}: {reply:#}");
        reply["data"].take()
    }

    async fn run(&self, sql: &str) {
        sqlx::raw_sql(sqlx::AssertSqlSafe(sql.to_owned()))
            .execute(&self.pool)
            .await
            .unwrap();
    }

    /// Sessions of acme with everything below them; every second one was analysed twice.
    async fn record(&self, sessions: u32) {
        self.run(&include_str!("many.sql").replace("{sessions}", &sessions.to_string()))
            .await;
    }

    /// Statements that a query takes, BEGIN and the end not counted.
    async fn statements(&self, caller: &Caller, query: &str) -> u64 {
        let before = self.db().statements();
        self.data(caller, query).await;
        self.db().statements() - before
    }
}
