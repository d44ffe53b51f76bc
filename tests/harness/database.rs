//! A database per test, cloned from a migrated template: notifications cross schemas, not databases.

use anyhow::{Context as _, Result};
use migration::{Migrator, MigratorTrait as _, roles};
use service::db::{DatabaseSettings, Db};
use sqlx::postgres::{PgPool, PgPoolOptions};
use sqlx::{AssertSqlSafe, Connection as _, PgConnection};
use uuid::Uuid;

use crate::postgres::{ClusterHandle, cluster};

/// The owner of every test database: no superuser, as in production.
pub const OWNER: &str = "newsystem_owner";
const TEMPLATE: &str = "newsystem_template";

/// One test's database.
pub struct TestDatabase {
    /// The server that it is on.
    pub cluster: ClusterHandle,
    /// Its name.
    pub name: String,
}

impl TestDatabase {
    /// A fresh clone of the migrated template, which the first test of a run makes.
    pub async fn create() -> Result<Self> {
        Self::create_on(cluster().await).await
    }

    /// The same on another server, for a test that stops it.
    pub async fn create_on(cluster: ClusterHandle) -> Result<Self> {
        let mut admin = PgConnection::connect(&cluster.superuser_url).await?;
        // Tests run in processes of their own: one of them makes the template, the others wait.
        sqlx::query("select pg_advisory_lock(4711)").execute(&mut admin).await?;
        let made: bool =
            sqlx::query_scalar("select exists (select from pg_database where datname = $1 and datistemplate)")
                .bind(TEMPLATE)
                .fetch_one(&mut admin)
                .await?;
        if !made {
            make_template(&cluster, &mut admin).await?;
        }
        sqlx::query("select pg_advisory_unlock(4711)")
            .execute(&mut admin)
            .await?;
        let name = format!("test_{}", Uuid::new_v4().simple());
        sqlx::query(AssertSqlSafe(format!(
            "create database {name} template {TEMPLATE} owner {OWNER}"
        )))
        .execute(&mut admin)
        .await?;
        for grant in [
            format!("grant connect on database {name} to newsystem_api, newsystem_worker"),
            format!("grant connect, create on database {name} to newsystem_queue"),
        ] {
            sqlx::query(AssertSqlSafe(grant)).execute(&mut admin).await?;
        }
        admin.close().await?;
        Ok(Self { cluster, name })
    }

    /// The address for a role of ours.
    pub fn url(&self, role: &str) -> String {
        self.cluster.url_for(role, &self.cluster.password_for(role), &self.name)
    }

    /// The address for the superuser, who passes row security: for arranging and looking, never for acting.
    pub fn superuser_url(&self) -> String {
        let (head, _) = self
            .cluster
            .superuser_url
            .rsplit_once('/')
            .unwrap_or((&self.cluster.superuser_url, ""));
        format!("{head}/{}", self.name)
    }

    /// A small pool for arranging and looking.
    pub async fn superuser(&self) -> Result<PgPool> {
        Ok(PgPoolOptions::new()
            .max_connections(4)
            .connect(&self.superuser_url())
            .await?)
    }

    /// The database as the API sees it.
    pub async fn api(&self) -> Result<Db> {
        Ok(Db::connect(&DatabaseSettings {
            max_connections: 8,
            ..DatabaseSettings::new(self.url("newsystem_api"))
        })
        .await?)
    }

    /// The database as the worker sees it.
    pub async fn worker(&self) -> Result<Db> {
        Ok(Db::connect(&DatabaseSettings {
            max_connections: 4,
            ..DatabaseSettings::new(self.url("newsystem_worker"))
        })
        .await?)
    }
}

async fn make_template(cluster: &ClusterHandle, admin: &mut PgConnection) -> Result<()> {
    let password = cluster.password_for(OWNER);
    for statement in [
        format!("drop database if exists {TEMPLATE}"),
        format!(
            "do $$ begin if not exists (select from pg_roles where rolname = '{OWNER}') then create role {OWNER} login createrole password '{password}'; end if; end $$"
        ),
        format!("create database {TEMPLATE} owner {OWNER}"),
    ] {
        sqlx::query(AssertSqlSafe(statement)).execute(&mut *admin).await?;
    }
    let owner = migration::connect(&cluster.url_for(OWNER, &password, TEMPLATE)).await?;
    let passwords: Vec<(&str, String)> = roles::LOGIN_ROLES
        .iter()
        .map(|role| (*role, cluster.password_for(role)))
        .collect();
    let logins: Vec<roles::LoginRole<'_>> = passwords
        .iter()
        .map(|(name, password)| roles::LoginRole {
            name,
            password: Some(password),
        })
        .collect();
    roles::ensure(&owner, &logins).await.context("roles")?;
    Migrator::up(&owner, None).await.context("migrations")?;
    owner.close().await?;
    service::queue::migrate(&cluster.url_for("newsystem_queue", &cluster.password_for("newsystem_queue"), TEMPLATE))
        .await?;
    sqlx::query(AssertSqlSafe(format!("alter database {TEMPLATE} is_template true")))
        .execute(&mut *admin)
        .await?;
    Ok(())
}

impl TestDatabase {
    /// Seeds acme (`a`) and globex (`b`) with a row in every tenant table; [`seeded`] names them.
    pub async fn with_two_organizations() -> Result<Self> {
        let database = Self::create().await?;
        let mut admin = PgConnection::connect(&database.superuser_url()).await?;
        sqlx::raw_sql(include_str!("../fixtures/two_organizations.sql"))
            .execute(&mut admin)
            .await?;
        for organization in ["a", "b"] {
            sqlx::query("select pg_temp.seed($1)")
                .bind(organization)
                .execute(&mut admin)
                .await?;
        }
        admin.close().await?;
        Ok(database)
    }
}

/// Runs `tests/bench/api.sql`: so many organizations, each with so many analysed sessions. That file says which ids they have.
pub async fn seed_many(database: &TestDatabase, organizations: u32, sessions: u32) -> Result<()> {
    // What is meant for psql alone, which sets the two numbers.
    let script: String = include_str!("../bench/api.sql")
        .lines()
        .filter(|line| !line.starts_with('\\'))
        .flat_map(|line| [line, "\n"])
        .collect();
    let script = script
        .replace(":organizations", &organizations.to_string())
        .replace(":sessions", &sessions.to_string());
    let mut admin = PgConnection::connect(&database.superuser_url()).await?;
    sqlx::raw_sql(AssertSqlSafe(script)).execute(&mut admin).await?;
    admin.close().await?;
    Ok(())
}

/// The id of a seeded thing: organization `a` or `b`, and the number that `two_organizations.sql` gives it.
pub fn seeded(organization: char, thing: u16) -> Uuid {
    Uuid::parse_str(&format!("{organization}eeeeeee-0000-7000-8000-{thing:012}")).unwrap_or_default()
}
