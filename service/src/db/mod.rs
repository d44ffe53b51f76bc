//! The only door to the database. Nothing outside this folder can begin a transaction, so no query runs without a tenant.
//!
//! - [`Scope`]: one read-write transaction of a caller, or of a job that holds a lease.
//! - [`Reader`]: one read-only snapshot for a whole query operation, opened by its first load.
//! - [`Owner`]: whoever runs the platform, outside every tenant; no process that serves or works has one.
//! - [`System`]: the short list of definer functions for what happens outside a tenant.
//!
//! Nothing is compiled (`jit`): a statement that is long by its text and not by its rows would be compiled anew each time it runs.
//!
//! BEGIN, role and claims travel in one message (219 us against 324 with separate ones, facts/stack.md); the time-out of
//! statements is the connection's, or behind a transaction pooler the transaction's.

mod claims;
mod owner;
mod reader;
mod scope;
mod system;

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use sqlx::postgres::{PgConnectOptions, PgPool, PgPoolOptions, PgRow};
use sqlx::{AssertSqlSafe, Connection, Postgres, Transaction};

use crate::caller::Caller;
use crate::error::{Error, Result, is_connection_fault};
pub use claims::{Lease, LeaseSubject};
pub use owner::Owner;
pub use reader::Reader;
pub use scope::Scope;
pub(crate) use scope::statement;
pub use system::System;
pub(crate) use system::{call, membership, read};

/// How to reach the database.
#[derive(Debug, Clone)]
pub struct DatabaseSettings {
    /// `postgres://…` of a login role that may `SET ROLE`, and nothing more.
    pub url: String,
    /// Connections at most.
    pub max_connections: u32,
    /// How long one statement may take inside a scope.
    pub statement_timeout: Duration,
    /// How long a request waits for a free connection.
    pub acquire_timeout: Duration,
    /// True behind a transaction pooler: no named prepared statements, and every statement inside a transaction.
    pub transaction_pooler: bool,
}

impl DatabaseSettings {
    /// The defaults for a URL: 16 connections, 5 s a statement, 5 s for a connection.
    pub fn new(url: impl Into<String>) -> Self {
        Self {
            url: url.into(),
            max_connections: 16,
            statement_timeout: Duration::from_secs(5),
            acquire_timeout: Duration::from_secs(5),
            transaction_pooler: false,
        }
    }
}

/// The database, as one login role sees it. Cheap to clone.
#[derive(Clone)]
pub struct Db {
    inner: Arc<Inner>,
}

struct Inner {
    pool: PgPool,
    /// For each transaction, where the connections cannot have it.
    timeout_ms: Option<u128>,
    persistent: bool,
    max_connections: u32,
    statements: AtomicU64,
}

impl std::fmt::Debug for Db {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Db")
            .field("connections", &self.inner.pool.size())
            .finish_non_exhaustive()
    }
}

/// A connection keeps so many statements prepared, the last ones: with the plan of each, at most 0.9 MB (`shape`).
const STATEMENTS: usize = 100;
/// A pooled connection that lay idle longer than this is pinged before use.
const TRUSTED_IDLE: Duration = Duration::from_secs(10);

impl Db {
    /// Opens the pool; connects at once, so that a wrong URL is found at start.
    ///
    /// # Errors
    /// [`Error::Invalid`] for an unreadable URL, [`Error::Unavailable`] when nothing answers, [`Error::Forbidden`] when the
    /// login role passes row security.
    pub async fn connect(settings: &DatabaseSettings) -> Result<Self> {
        let db = Self::open(settings, "DATABASE_URL").await?;
        db.system().refuse_powerful_login().await?;
        Ok(db)
    }

    #[expect(
        clippy::disallowed_methods,
        reason = "this is the room that the list names: here connections are made"
    )]
    async fn open(settings: &DatabaseSettings, name: &str) -> Result<Self> {
        let options: PgConnectOptions = settings
            .url
            .parse()
            .map_err(|_| Error::invalid(name, "not a postgres:// address"))?;
        let options = options.statement_cache_capacity(if settings.transaction_pooler { 0 } else { STATEMENTS });
        let timeout_ms = settings.statement_timeout.as_millis();
        let of_connections =
            (!settings.transaction_pooler).then(|| format!("set statement_timeout = {timeout_ms}; set jit = off"));
        let pool = PgPoolOptions::new()
            .max_connections(settings.max_connections)
            .acquire_timeout(settings.acquire_timeout)
            .after_connect(move |connection, _| {
                let settings = of_connections.clone();
                Box::pin(async move {
                    if let Some(settings) = settings {
                        sqlx::raw_sql(AssertSqlSafe(settings)).execute(connection).await?;
                    }
                    Ok(())
                })
            })
            // A ping before every use costs a round trip; one after a long idle time is enough.
            .test_before_acquire(false)
            .before_acquire(|connection, meta| {
                Box::pin(async move {
                    if meta.idle_for > TRUSTED_IDLE {
                        connection.ping().await?;
                    }
                    Ok(true)
                })
            })
            .connect_with(options)
            .await?;
        Ok(Self {
            inner: Arc::new(Inner {
                pool,
                timeout_ms: settings.transaction_pooler.then_some(timeout_ms),
                persistent: !settings.transaction_pooler,
                max_connections: settings.max_connections,
                statements: AtomicU64::new(0),
            }),
        })
    }

    /// A read-write transaction of this caller. Nothing happens until [`Scope::commit`].
    ///
    /// # Errors
    /// [`Error::Unavailable`] when no connection is to be had in time.
    pub async fn scope(&self, caller: &Caller) -> Result<Scope> {
        let transaction = self
            .begin(claims::begin_member(caller, self.inner.timeout_ms, false))
            .await?;
        Ok(Scope::new(self.clone(), transaction, Some(caller.clone()), None))
    }

    /// A read-only snapshot of this caller, opened by its first load.
    pub fn reader(&self, caller: Caller) -> Reader {
        Reader::new(self.clone(), caller, None)
    }

    /// A read-only snapshot of whoever asked for the export that is leased, for the worker that makes it; without a live lease it sees
    /// nothing.
    pub fn export_reader(&self, caller: Caller, lease: Lease) -> Reader {
        Reader::new(self.clone(), caller, Some(lease))
    }

    /// A read-write transaction of a job that holds this lease; without a live lease it sees nothing.
    ///
    /// # Errors
    /// [`Error::Unavailable`] when no connection is to be had in time.
    pub async fn worker_scope(&self, lease: &Lease) -> Result<Scope> {
        let transaction = self.begin(claims::begin_job(lease, self.inner.timeout_ms)).await?;
        Ok(Scope::new(self.clone(), transaction, None, Some(lease.clone())))
    }

    /// What happens outside a tenant.
    pub fn system(&self) -> System {
        System::new(self.clone())
    }

    /// Statements sent inside scopes and by [`System`] so far, without BEGIN and COMMIT: what tests of batching count.
    pub fn statements(&self) -> u64 {
        self.inner.statements.load(Ordering::Relaxed)
    }

    /// Connections in use and idle.
    pub fn connections(&self) -> (u32, usize) {
        (self.inner.pool.size(), self.inner.pool.num_idle())
    }

    /// Closes every connection, once those in use are given back.
    pub async fn close(&self) {
        self.inner.pool.close().await;
    }

    pub(crate) fn count_statement(&self) {
        self.inner.statements.fetch_add(1, Ordering::Relaxed);
    }

    pub(crate) fn persistent(&self) -> bool {
        self.inner.persistent
    }

    async fn read_scope(&self, caller: &Caller, export: Option<&Lease>) -> Result<Scope> {
        let message = match export {
            None => claims::begin_member(caller, self.inner.timeout_ms, true),
            Some(lease) => claims::begin_export(lease, self.inner.timeout_ms),
        };
        let transaction = self.begin(message).await?;
        Ok(Scope::new(self.clone(), transaction, Some(caller.clone()), None))
    }

    /// Begins with this message, in a task of its own. The driver counts a transaction as begun only when the reply is there: a
    /// caller who went away before that would give the connection back to the pool inside a transaction, with his role, and
    /// whoever came next would work in it. So a beginning always ends; what nobody takes any more is rolled back.
    async fn begin(&self, message: String) -> Result<Transaction<'static, Postgres>> {
        let db = self.clone();
        tokio::spawn(async move { db.begin_now(&message).await })
            .await
            .map_err(|error| Error::internal(format!("a transaction did not begin: {error}")))?
    }

    /// Connections that died in the pool are replaced, all of them if it must be.
    #[expect(
        clippy::disallowed_methods,
        reason = "this is the room that the list names: here transactions begin, with role and claims"
    )]
    async fn begin_now(&self, message: &str) -> Result<Transaction<'static, Postgres>> {
        self.on_a_living_connection(|| self.inner.pool.begin_with(AssertSqlSafe(message.to_owned())))
            .await
    }

    /// Tries again for as long as it meets connections that died in the pool.
    async fn on_a_living_connection<T, F>(&self, attempt: impl Fn() -> F) -> Result<T>
    where
        F: Future<Output = Result<T, sqlx::Error>>,
    {
        let mut tries = 0;
        loop {
            match attempt().await {
                Err(error)
                    if tries < self.inner.max_connections
                        && is_connection_fault(&error)
                        && !matches!(error, sqlx::Error::PoolTimedOut | sqlx::Error::PoolClosed) =>
                {
                    tries += 1;
                }
                done => return Ok(done?),
            }
        }
    }

    pub(crate) async fn begin_system(&self) -> Result<Transaction<'static, Postgres>> {
        self.begin(format!("begin{}", claims::settings(self.inner.timeout_ms)))
            .await
    }

    /// Runs one statement that reads, outside every tenant, as a transaction by itself: beginning and ending one would cost more
    /// than the statement. Connections that died in the pool are replaced.
    pub(crate) async fn read<'q>(
        &self,
        query: impl Fn() -> sqlx::query::Query<'q, Postgres, sqlx::postgres::PgArguments>,
    ) -> Result<Vec<PgRow>> {
        self.count_statement();
        if !self.persistent() {
            // Behind a transaction pooler the time-out has to come with each transaction.
            let mut transaction = self.begin_system().await?;
            let rows = query().persistent(false).fetch_all(&mut *transaction).await?;
            transaction.commit().await?;
            return Ok(rows);
        }
        self.on_a_living_connection(|| query().fetch_all(&self.inner.pool))
            .await
    }
}
