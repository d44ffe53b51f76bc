//! What every step shares: running SQL in one go, and the dress of a tenant table.

/// The step of the module that calls it: each SQL text is one message, in order.
macro_rules! step {
    (up: [$($up:expr),+ $(,)?], down: $down:expr) => {
        #[derive(sea_orm_migration::prelude::DeriveMigrationName)]
        pub struct Migration;

        #[async_trait::async_trait]
        impl sea_orm_migration::MigrationTrait for Migration {
            async fn up(&self, manager: &sea_orm_migration::SchemaManager) -> Result<(), sea_orm::DbErr> {
                use sea_orm::ConnectionTrait as _;
                $(manager.get_connection().execute_unprepared($up).await?;)+
                Ok(())
            }

            async fn down(&self, manager: &sea_orm_migration::SchemaManager) -> Result<(), sea_orm::DbErr> {
                use sea_orm::ConnectionTrait as _;
                manager.get_connection().execute_unprepared($down).await?;
                Ok(())
            }
        }
    };
}
pub(crate) use step;

/// SQL that dresses a new tenant table: row security on, nothing for anyone until granted, the key that children refer
/// to together with their organization, `updated_at` kept by a trigger where the table has one.
pub fn tenant_table(table: &str, touched: bool) -> String {
    let touch = if touched {
        format!(
            "create trigger {table}_touch before update on public.{table} for each row execute function private.touch();"
        )
    } else {
        String::new()
    };
    format!(
        "alter table public.{table} enable row level security;
         revoke all on public.{table} from public, anon, authenticated, service_role;
         {touch}"
    )
}

/// SQL that dresses several tenant tables; `(name, has updated_at)`.
pub fn tenant_tables(tables: &[(&str, bool)]) -> String {
    tables
        .iter()
        .map(|(table, touched)| tenant_table(table, *touched))
        .collect()
}
