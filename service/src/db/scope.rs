//! One transaction, bound to a caller or to a job. `SeaORM`'s statements run in it; so does raw SQL, where the ORM would
//! hide the point.

use std::sync::{Arc, OnceLock};

use domain::id::OrganizationId;
use sea_orm::{
    ConnectionTrait, DbBackend, DbErr, ExecResult, FromQueryResult, QueryResult, RuntimeErr, Statement, Value, Values,
};
use sea_query_sqlx::SqlxValues;
use sqlx::postgres::{PgArguments, PgRow};
use sqlx::{AssertSqlSafe, Executor, Postgres, Transaction};
use tokio::sync::Mutex;

use super::{Db, Lease};
use crate::caller::{Caller, Membership};
use crate::error::{Error, Result};

/// One transaction of a caller, of a job or of the tables' owner. Dropped without [`Scope::commit`], it leaves nothing behind: no row, no role, no claim.
pub struct Scope {
    db: Db,
    transaction: Mutex<Option<Transaction<'static, Postgres>>>,
    caller: Option<Caller>,
    lease: Option<Lease>,
    /// The first statement that failed: PostgreSQL refuses whatever follows it in the transaction.
    fault: OnceLock<Arc<sqlx::Error>>,
}

impl Scope {
    pub(super) fn new(
        db: Db,
        transaction: Transaction<'static, Postgres>,
        caller: Option<Caller>,
        lease: Option<Lease>,
    ) -> Self {
        Self {
            db,
            transaction: Mutex::new(Some(transaction)),
            caller,
            lease,
            fault: OnceLock::new(),
        }
    }

    /// The first failure of a statement, after which the transaction is good for nothing.
    pub(super) fn fault(&self) -> Option<Error> {
        let cause = self.fault.get()?.clone();
        Some(DbErr::Query(RuntimeErr::SqlxError(cause)).into())
    }

    /// Keeps the first failure. Called with the transaction locked, so that the first is the first.
    fn noted<T>(&self, outcome: Result<T, sqlx::Error>) -> Result<T, RuntimeErr> {
        outcome.map_err(|error| {
            let error = Arc::new(error);
            self.fault.get_or_init(|| error.clone());
            RuntimeErr::SqlxError(error)
        })
    }

    /// Makes it so: rows, jobs and events become visible together.
    ///
    /// # Errors
    /// When the database refuses at commit (a deferred constraint), or the connection fails; the outcome is then unknown.
    pub async fn commit(self) -> Result<()> {
        match self.transaction.into_inner() {
            Some(transaction) => Ok(transaction.commit().await?),
            None => Err(Error::internal("a scope was committed twice")),
        }
    }

    /// Ends it without a trace. A connection that fails at that is thrown away with it.
    pub(super) async fn end(&self) {
        let transaction = self.transaction.lock().await.take();
        if let Some(transaction) = transaction {
            let _ = transaction.rollback().await;
        }
    }

    /// Who is asking.
    ///
    /// # Errors
    /// [`Error::Internal`] in a job's scope, which no caller stands behind.
    pub fn caller(&self) -> Result<&Caller> {
        self.caller
            .as_ref()
            .ok_or_else(|| Error::internal("a job's scope has no caller"))
    }

    /// The caller's organization and role.
    ///
    /// # Errors
    /// [`Error::Forbidden`] for a person without an organization.
    pub fn member(&self) -> Result<Membership> {
        self.caller()?.member()
    }

    /// The caller's organization.
    ///
    /// # Errors
    /// As [`Scope::member`].
    pub fn organization(&self) -> Result<OrganizationId> {
        Ok(self.member()?.organization)
    }

    /// Whether rows say who was recorded: to jobs and to the owner. Members are told by functions.
    pub(crate) const fn names_people(&self) -> bool {
        self.caller.is_none()
    }

    /// The lease of the job whose scope this is.
    pub const fn lease(&self) -> Option<&Lease> {
        self.lease.as_ref()
    }

    /// Rows of a raw statement: lower-case SQL with `$1…`, bound.
    ///
    /// # Errors
    /// Those of the database.
    pub async fn rows<T: FromQueryResult>(&self, sql: &str, values: impl IntoIterator<Item = Value>) -> Result<Vec<T>> {
        let rows = self.query_all_raw(statement(sql, values)).await?;
        Ok(rows
            .iter()
            .map(|row| T::from_query_result(row, ""))
            .collect::<Result<Vec<_>, DbErr>>()?)
    }

    /// The first row of a raw statement, if there is one.
    ///
    /// # Errors
    /// Those of the database.
    pub async fn row<T: FromQueryResult>(
        &self,
        sql: &str,
        values: impl IntoIterator<Item = Value>,
    ) -> Result<Option<T>> {
        let row = self.query_one_raw(statement(sql, values)).await?;
        Ok(row.map(|row| T::from_query_result(&row, "")).transpose()?)
    }

    /// Rows of a statement that a noun has built, in the driver's form: decoded when somebody looks.
    ///
    /// # Errors
    /// Those of the database.
    pub(crate) async fn fetch(&self, sql: String, arguments: PgArguments) -> Result<Vec<PgRow>> {
        let mut guard = self.transaction.lock().await;
        let transaction = guard.as_mut().ok_or_else(closed)?;
        self.db.count_statement();
        let rows = sqlx::query_with(AssertSqlSafe(sql), arguments)
            .persistent(self.db.persistent())
            .fetch_all(&mut **transaction)
            .await;
        Ok(self.noted(rows).map_err(DbErr::Query)?)
    }

    /// Runs a raw statement; answers how many rows it touched.
    ///
    /// # Errors
    /// Those of the database.
    pub async fn run(&self, sql: &str, values: impl IntoIterator<Item = Value>) -> Result<u64> {
        Ok(self.execute_raw(statement(sql, values)).await?.rows_affected())
    }
}

/// A raw statement with its values.
pub(crate) fn statement(sql: &str, values: impl IntoIterator<Item = Value>) -> Statement {
    Statement::from_sql_and_values(DbBackend::Postgres, sql, values)
}

fn closed() -> DbErr {
    DbErr::Custom("the scope is closed".to_owned())
}

impl Db {
    fn query<'q>(&self, statement: &'q Statement) -> sqlx::query::Query<'q, Postgres, SqlxValues> {
        self.count_statement();
        let values = statement.values.clone().unwrap_or(Values(Vec::new()));
        sqlx::query_with(AssertSqlSafe(statement.sql.as_str()), SqlxValues(values)).persistent(self.persistent())
    }
}

#[async_trait::async_trait]
impl ConnectionTrait for Scope {
    fn get_database_backend(&self) -> DbBackend {
        DbBackend::Postgres
    }

    async fn execute_raw(&self, stmt: Statement) -> Result<ExecResult, DbErr> {
        let mut guard = self.transaction.lock().await;
        let transaction = guard.as_mut().ok_or_else(closed)?;
        let done = self.db.query(&stmt).execute(&mut **transaction).await;
        let done = self.noted(done).map_err(DbErr::Exec)?;
        Ok(done.into())
    }

    async fn execute_unprepared(&self, sql: &str) -> Result<ExecResult, DbErr> {
        let mut guard = self.transaction.lock().await;
        let transaction = guard.as_mut().ok_or_else(closed)?;
        self.db.count_statement();
        let done = (&mut **transaction)
            .execute(sqlx::raw_sql(AssertSqlSafe(sql.to_owned())))
            .await;
        let done = self.noted(done).map_err(DbErr::Exec)?;
        Ok(done.into())
    }

    async fn query_one_raw(&self, stmt: Statement) -> Result<Option<QueryResult>, DbErr> {
        let mut guard = self.transaction.lock().await;
        let transaction = guard.as_mut().ok_or_else(closed)?;
        let row: Result<Option<PgRow>, _> = self.db.query(&stmt).fetch_optional(&mut **transaction).await;
        let row = self.noted(row).map_err(DbErr::Query)?;
        Ok(row.map(Into::into))
    }

    async fn query_all_raw(&self, stmt: Statement) -> Result<Vec<QueryResult>, DbErr> {
        let mut guard = self.transaction.lock().await;
        let transaction = guard.as_mut().ok_or_else(closed)?;
        let rows: Result<Vec<PgRow>, _> = self.db.query(&stmt).fetch_all(&mut **transaction).await;
        let rows = self.noted(rows).map_err(DbErr::Query)?;
        Ok(rows.into_iter().map(Into::into).collect())
    }
}
