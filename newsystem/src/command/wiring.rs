//! The calls into the other rooms, one function each, so that a command reads as what it does and a room can change its
//! mind in one place.

use anyhow::Context;
use axum::Router;
use domain::role::Role;
use migration::operator::{self, DemoPerson};
use migration::roles::LoginRole;
use migration::{DatabaseConnection, Migrator, MigratorTrait};
use service::clock::Clock;
use service::config::{DatabaseUrl, PoolConfig, Secret};
use service::db::{DatabaseSettings, Db, Owner};
use service::event::listener::Listener;
use service::queue::{self, QueueSettings};
use service::signing::Signer;
use service::storage::Storage;
use tokio_util::sync::CancellationToken;
use uuid::Uuid;
use worker::frames::DecoderProgram;
use worker::runner::Worker;

use super::migrate::{self, MigrationConfig};
use crate::environment::Environment;
use crate::token::Person;

/// How far a database's tables are.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct MigrationStatus {
    /// Names of the migrations that were applied, oldest first.
    pub applied: Vec<String>,
    /// Names of those that wait, in their order.
    pub pending: Vec<String>,
}

/// The whole application of `serve`: routes, schema, listener of events.
pub async fn application(
    config: &api::config::Config,
    db: Db,
    stopping: &CancellationToken,
    development: bool,
) -> anyhow::Result<Router> {
    let listener = Listener::connect(config.database.url.expose())
        .await
        .context("cannot listen for events")?;
    let secret = match &config.signing_key {
        Some(key) => key.expose().as_bytes().to_vec(),
        // Only a bucket may do without: its own addresses need none, and those of this process end with it.
        None => rand::random::<[u8; 32]>().to_vec(),
    };
    let parts = api::Parts {
        db,
        listener,
        storage: Storage::open(&config.storage).context("cannot open the object storage")?,
        signer: Signer::new(&secret, config.public_url.as_str()).context("NEWSYSTEM_SIGNING_KEY")?,
        verifier: api::http::auth::TokenVerifier::new(config.auth.clone()).context("cannot verify tokens")?,
        clock: Clock::system(),
        max_chunk_bytes: config.max_chunk_bytes,
    };
    let behaviour = api::Behaviour {
        limits: config.limits.clone(),
        rates: config.rates.clone(),
        registered: config
            .operations
            .as_deref()
            .map(|folder| {
                api::http::Registered::load(folder)
                    .with_context(|| format!("NEWSYSTEM_OPERATIONS_DIR: cannot read {}", folder.display()))
            })
            .transpose()?,
        origins: api::http::cors::Origins::parse(&config.cors_origins).context("NEWSYSTEM_CORS_ORIGINS")?,
        trusted_proxies: config.trusted_proxies.clone(),
        development,
    };
    Ok(api::app(parts, behaviour, stopping)?)
}

/// Works on the queue until `stopping`.
pub async fn work(config: &worker::config::Config, db: Db, stopping: CancellationToken) -> anyhow::Result<()> {
    let program = std::env::current_exe().context("cannot tell which program this is")?;
    let worker = Worker {
        db,
        storage: Storage::open(&config.storage).context("cannot open the object storage")?,
        decoder: DecoderProgram {
            program,
            args: vec!["decode".into()],
        },
        remote: config.remote.clone(),
        tesseract: None,
        scratch: config.data_dir.join("scratch"),
        name: format!("{}/{}", hostname(), std::process::id()),
        clock: crate::environment::now,
    };
    let queue = QueueSettings {
        url: config.queue.url.expose().to_owned(),
        concurrency: config.jobs,
        grace: config.drain,
    };
    worker::runner::run(worker, &queue, stopping)
        .await
        .context("the worker failed")
}

/// The machine's name, for attempts and logs.
fn hostname() -> String {
    std::fs::read_to_string("/proc/sys/kernel/hostname")
        .map_or_else(|_| "worker".to_owned(), |name| name.trim().to_owned())
}

/// The schema as text.
pub fn sdl() -> String {
    api::graphql::sdl()
}

/// Opens the pool of a login role; refused for one that row security does not bind.
pub async fn connect(database: &DatabaseUrl, pool: &PoolConfig) -> anyhow::Result<Db> {
    let settings = DatabaseSettings {
        max_connections: pool.max_connections,
        statement_timeout: pool.statement_timeout,
        acquire_timeout: pool.acquire_timeout,
        ..DatabaseSettings::new(database.url.expose())
    };
    Db::connect(&settings)
        .await
        .with_context(|| format!("cannot use the database {} as {}", database.place, database.role))
}

/// Signs in as the owner of the tables, for what is done outside every tenant.
pub async fn owner(environment: Environment) -> anyhow::Result<Owner> {
    let owner = migrate::configuration(environment).await?.owner;
    Owner::connect(owner.url.expose())
        .await
        .with_context(|| format!("cannot use the database {} as {}", owner.place, owner.role))
}

/// Makes the database `database` and its owner in a private cluster, if they are not there.
pub async fn prepare_cluster(superuser_url: &Secret, owner: &DatabaseUrl, database: &str) -> anyhow::Result<()> {
    let password = owner.password.as_ref().context("the owner's address has no password")?;
    operator::prepare_cluster(superuser_url.expose(), &owner.role, password.expose(), database)
        .await
        .context("cannot prepare the private cluster")
}

/// Makes the roles, with the passwords of their addresses. Where the owner may not, the SQL for an administrator.
pub async fn migrate_roles(config: &MigrationConfig) -> anyhow::Result<Option<String>> {
    let logins: Vec<LoginRole<'_>> = config
        .logins
        .iter()
        .map(|login| LoginRole {
            name: &login.role,
            password: login.password.as_ref().map(Secret::expose),
        })
        .collect();
    let connection = connect_owner(config).await?;
    let made = migration::roles::ensure(&connection, &logins).await;
    connection.close().await?;
    match made {
        Ok(()) => Ok(None),
        // 42501, insufficient_privilege.
        Err(error) if error.to_string().contains("permission denied") => Ok(Some(migration::roles::sql(&logins))),
        Err(error) => Err(error).context("cannot make the roles"),
    }
}

/// Applies what is pending; the names of what was applied.
pub async fn migrate_up(config: &MigrationConfig) -> anyhow::Result<Vec<String>> {
    let connection = connect_owner(config).await?;
    let pending: Vec<String> = Migrator::get_pending_migrations(&connection)
        .await?
        .iter()
        .map(|step| step.name().to_owned())
        .collect();
    Migrator::up(&connection, None)
        .await
        .context("a migration failed; nothing of it was kept")?;
    connection.close().await?;
    if let Some(login) = config.logins.iter().find(|login| login.role == "newsystem_queue") {
        queue::migrate(login.url.expose())
            .await
            .context("cannot make the queue's tables")?;
    }
    Ok(pending)
}

/// Takes back the last `steps`; the names of what was taken back.
pub async fn migrate_down(config: &MigrationConfig, steps: u32) -> anyhow::Result<Vec<String>> {
    let connection = connect_owner(config).await?;
    let applied = Migrator::get_applied_migrations(&connection).await?;
    let last = applied
        .iter()
        .rev()
        .take(steps as usize)
        .map(|step| step.name().to_owned())
        .collect();
    Migrator::down(&connection, Some(steps))
        .await
        .context("a migration could not be taken back")?;
    connection.close().await?;
    Ok(last)
}

/// Publishes events through Supabase Realtime as well, or stops it.
pub async fn publish_to_realtime(config: &MigrationConfig, on: bool) -> anyhow::Result<()> {
    let connection = connect_owner(config).await?;
    let switched = operator::publish_to_realtime(&connection, on).await;
    connection.close().await?;
    switched.context("Supabase Realtime is as it was")
}

/// How far the tables are, as their owner sees it.
pub async fn migration_status(config: &MigrationConfig) -> anyhow::Result<MigrationStatus> {
    let connection = connect_owner(config).await?;
    let applied = Migrator::get_applied_migrations(&connection).await?;
    let pending = Migrator::get_pending_migrations(&connection).await?;
    let status = MigrationStatus {
        applied: applied.iter().map(|step| step.name().to_owned()).collect(),
        pending: pending.iter().map(|step| step.name().to_owned()).collect(),
    };
    connection.close().await?;
    Ok(status)
}

/// How far the tables are, as a login role sees it.
pub async fn migrations_seen_by(db: &Db) -> anyhow::Result<MigrationStatus> {
    let applied = db
        .system()
        .applied_migrations()
        .await
        .context("the database does not say which migrations it has: run `newsystem migrate up`")?;
    let pending = Migrator::migrations()
        .iter()
        .map(|step| step.name().to_owned())
        .filter(|name| !applied.contains(name))
        .collect();
    Ok(MigrationStatus { applied, pending })
}

/// Makes the demo organization and its people, if they are not there. Says whether it made them.
pub async fn seed_demo(config: &MigrationConfig, people: &[(Person, Role)]) -> anyhow::Result<bool> {
    let people: Vec<DemoPerson> = people
        .iter()
        .map(|(person, role)| DemoPerson {
            id: person.user.uuid(),
            email: person.email.clone().unwrap_or_default(),
            role: role.as_str(),
        })
        .collect();
    let organization = Uuid::new_v5(&Uuid::NAMESPACE_URL, b"newsystem:demo");
    let connection = connect_owner(config).await?;
    let made = operator::seed_demo(&connection, organization, &people)
        .await
        .context("cannot make the demo organization")?;
    connection.close().await?;
    Ok(made)
}

/// Signs a person up in a database without a sign-in service.
pub async fn sign_up(owner_url: &Secret, person: &Person) -> anyhow::Result<()> {
    let connection = migration::connect(owner_url.expose())
        .await
        .context("cannot reach the database")?;
    operator::sign_up(
        &connection,
        person.user.uuid(),
        person.email.as_deref().unwrap_or_default(),
    )
    .await?;
    Ok(connection.close().await?)
}

/// Writes to the audit log that an operator made a token. Without it there is no token.
pub async fn audit_minted_token(owner_url: &Secret, person: &Person) -> anyhow::Result<()> {
    let connection = migration::connect(owner_url.expose())
        .await
        .context("cannot reach the database")?;
    operator::audit_token(&connection, person.user.uuid())
        .await
        .context("cannot write to the audit log")?;
    Ok(connection.close().await?)
}

async fn connect_owner(config: &MigrationConfig) -> anyhow::Result<DatabaseConnection> {
    let owner = &config.owner;
    migration::connect(owner.url.expose())
        .await
        .with_context(|| format!("cannot reach the database {} as {}", owner.place, owner.role))
}
