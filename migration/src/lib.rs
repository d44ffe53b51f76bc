//! The database: roles, tables, policies, triggers, in frozen steps.
//!
//! Each step is raw SQL, because what matters here (policies, grants, definer functions) is SQL that an ORM would hide.
//! No step is edited after a release; a change is a new step. The room knows none of the others: history must not change
//! when code does.

pub mod operator;
pub mod roles;
mod support;

mod m20261124_000001_foundation;
mod m20261124_000002_organization;
mod m20261124_000003_recording;
mod m20261124_000004_analysis;
mod m20261124_000005_value;
mod m20261124_000006_report;
mod m20261124_000007_permission;
mod m20261124_000008_event;
mod m20261124_000009_system;
mod m20261129_000010_export;
mod m20261129_000011_recalculation;
mod m20261129_000012_ledger;
mod m20261129_000013_kept_results;

/// A connection of the owner, for those who may not name the ORM.
pub use sea_orm::DatabaseConnection;
use sea_orm_migration::prelude::*;
pub use sea_orm_migration::{MigrationStatus, MigratorTrait};

/// The schema that holds the list of applied steps, out of reach of every API role.
pub const BOOKKEEPING_SCHEMA: &str = "newsystem_migration";

/// The steps in order.
pub struct Migrator;

#[async_trait::async_trait]
impl MigratorTrait for Migrator {
    fn migrations() -> Vec<Box<dyn MigrationTrait>> {
        vec![
            Box::new(m20261124_000001_foundation::Migration),
            Box::new(m20261124_000002_organization::Migration),
            Box::new(m20261124_000003_recording::Migration),
            Box::new(m20261124_000004_analysis::Migration),
            Box::new(m20261124_000005_value::Migration),
            Box::new(m20261124_000006_report::Migration),
            Box::new(m20261124_000007_permission::Migration),
            Box::new(m20261124_000008_event::Migration),
            Box::new(m20261124_000009_system::Migration),
            Box::new(m20261129_000010_export::Migration),
            Box::new(m20261129_000011_recalculation::Migration),
            Box::new(m20261129_000012_ledger::Migration),
            Box::new(m20261129_000013_kept_results::Migration),
        ]
    }
}

/// Connects as the owner with the bookkeeping schema as the only search path, making that schema when it is missing.
///
/// # Errors
/// When the database cannot be reached, or the owner may not create a schema in it.
#[expect(
    clippy::disallowed_methods,
    reason = "migrations have a connection of their own: they run outside every tenant"
)]
pub async fn connect(owner_url: &str) -> Result<sea_orm::DatabaseConnection, DbErr> {
    use sea_orm::{ConnectOptions, ConnectionTrait, Database};
    let mut options = ConnectOptions::new(owner_url);
    options
        .max_connections(2)
        // A server that refuses is asked again for so long, since it may be starting.
        .acquire_timeout(std::time::Duration::from_secs(5))
        .connect_timeout(std::time::Duration::from_secs(5))
        .set_schema_search_path(BOOKKEEPING_SCHEMA)
        .sqlx_logging(false);
    let connection = Database::connect(options).await?;
    let exists = connection
        .query_one_raw(sea_orm::Statement::from_string(
            sea_orm::DbBackend::Postgres,
            format!("select 1 as one from pg_namespace where nspname = '{BOOKKEEPING_SCHEMA}'"),
        ))
        .await?;
    if exists.is_none() {
        connection
            .execute_unprepared(&format!(
                "create schema {BOOKKEEPING_SCHEMA}; revoke all on schema {BOOKKEEPING_SCHEMA} from public"
            ))
            .await?;
    }
    Ok(connection)
}
