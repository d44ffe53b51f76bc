//! The calls into the other rooms, one function each, so that a command reads as what it does and a room can change its
//! mind in one place.

use anyhow::bail;
use axum::Router;
use axum::http::StatusCode;
use axum::routing::get;
use service::config::Secret;
use tokio_util::sync::CancellationToken;

use super::migrate::MigrationConfig;
use crate::token::Person;

/// How far a database's tables are.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct MigrationStatus {
    /// Names of the migrations that were applied, oldest first.
    pub applied: Vec<String>,
    /// Names of those that wait, in their order.
    pub pending: Vec<String>,
}

/// One thing that is wrong with a role of the database, and the remedy.
pub type RoleFault = (String, String);

/// The whole application of `serve`: routes, schema, listener of events.
pub async fn application(config: &api::config::Config, stopping: &CancellationToken) -> anyhow::Result<Router> {
    let _ = (config, stopping);
    Ok(Router::new()
        .route("/health/live", get(async || "alive\n"))
        .route("/health/ready", get(async || (StatusCode::SERVICE_UNAVAILABLE, "the GraphQL API is not part of this build\n"))))
}

/// Works on the queue until `stopping`.
pub async fn work(config: &worker::config::Config, stopping: CancellationToken) -> anyhow::Result<()> {
    let _ = (config, stopping);
    bail!("the queue is not part of this build")
}

/// The schema as text.
pub fn sdl() -> anyhow::Result<String> {
    bail!("the GraphQL schema is not part of this build")
}

/// Makes the database `newsystem` and its owner in a new private cluster, if they are not there.
pub async fn prepare_cluster(superuser_url: &Secret, owner_url: &Secret) -> anyhow::Result<()> {
    let _ = (superuser_url, owner_url);
    bail!("preparing a private database is not part of this build")
}

/// Makes the roles, with their passwords, and says what is left to an administrator when it may not.
pub async fn migrate_roles(config: &MigrationConfig) -> anyhow::Result<Option<String>> {
    let _ = config;
    bail!("the roles are not part of this build")
}

/// Applies what is pending; the names of what was applied.
pub async fn migrate_up(config: &MigrationConfig) -> anyhow::Result<Vec<String>> {
    let _ = config;
    bail!("the migrations are not part of this build")
}

/// Takes back the last `steps`; the names of what was taken back.
pub async fn migrate_down(config: &MigrationConfig, steps: u32) -> anyhow::Result<Vec<String>> {
    let _ = (config, steps);
    bail!("the migrations are not part of this build")
}

/// How far the tables are.
pub async fn migration_status(url: &Secret) -> anyhow::Result<MigrationStatus> {
    let _ = url;
    bail!("the migrations are not part of this build")
}

/// What is wrong with the login role of `url`: it owns tables, passes row security, or lacks what it needs.
pub async fn role_faults(url: &Secret) -> anyhow::Result<Vec<RoleFault>> {
    let _ = url;
    bail!("checking the roles is not part of this build")
}

/// Makes the demo organization and its people, if they are not there.
pub async fn seed_demo(config: &MigrationConfig, people: &[(Person, domain::role::Role)]) -> anyhow::Result<()> {
    let _ = (config, people);
    bail!("the demo organization is not part of this build")
}

/// Writes to the audit log that an operator made a token. Without it there is no token.
pub async fn audit_minted_token(owner_url: &Secret, person: &Person) -> anyhow::Result<()> {
    let _ = (owner_url, person);
    bail!("the audit log is not part of this build, and a token that nobody can trace is not made")
}
