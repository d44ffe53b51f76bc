//! What whoever runs the platform does as the owner of the database, outside every tenant: prepare a private cluster, sign a
//! person up where there is no sign-in service, make the demo organization, write an act into the audit log.

use sea_orm::{ConnectionTrait, DatabaseConnection, DbBackend, DbErr, Statement, TransactionTrait, Value};
use sqlx::types::Uuid;

/// A person of the demo organization.
#[derive(Debug, Clone)]
pub struct DemoPerson {
    /// `auth.users.id`.
    pub id: Uuid,
    /// The address.
    pub email: String,
    /// `owner`, `admin` or `operator`.
    pub role: &'static str,
}

/// Makes `owner` and the database that belongs to it, in a cluster whose superuser signs in at `superuser_url`. Safe to run
/// again; the password is set each time.
///
/// # Errors
/// When the cluster cannot be reached or `superuser_url` is not a superuser's.
#[expect(
    clippy::disallowed_methods,
    reason = "a cluster is prepared before there is anything to have a tenant in"
)]
pub async fn prepare_cluster(superuser_url: &str, owner: &str, password: &str, database: &str) -> Result<(), DbErr> {
    let mut options = sea_orm::ConnectOptions::new(superuser_url);
    options.max_connections(1).sqlx_logging(false);
    let connection = sea_orm::Database::connect(options).await?;
    // Two that prepare at once take turns: both are in this database. The lock goes with the connection.
    connection
        .execute_unprepared("select pg_advisory_lock(hashtext('newsystem.cluster'))")
        .await?;
    let known =
        |what: &'static str, name: &str| Statement::from_sql_and_values(DbBackend::Postgres, what, [Value::from(name)]);
    let (role, base) = (quoted(owner), quoted(database));
    if connection
        .query_one_raw(known("select 1 as one from pg_roles where rolname = $1", owner))
        .await?
        .is_none()
    {
        connection
            .execute_unprepared(&format!("create role {role} login createrole"))
            .await?;
    }
    connection
        .execute_unprepared(&format!(
            "alter role {role} password '{}'",
            password.replace('\'', "''")
        ))
        .await?;
    if connection
        .query_one_raw(known("select 1 as one from pg_database where datname = $1", database))
        .await?
        .is_none()
    {
        connection
            .execute_unprepared(&format!("create database {base} owner {role}"))
            .await?;
        connection
            .execute_unprepared(&format!("revoke all on database {base} from public"))
            .await?;
    }
    connection.close().await
}

/// Signs a person up where the tables of the sign-in service are of our own making. On a Supabase project, nothing.
///
/// # Errors
/// Those of the database.
pub async fn sign_up(owner: &DatabaseConnection, id: Uuid, email: &str) -> Result<(), DbErr> {
    if own_sign_in(owner).await? {
        insert_user(owner, id, email).await?;
    }
    Ok(())
}

/// On a Supabase project: publishes ids and status of events to a private Realtime channel for each organization
/// (`organization:<id>`), which its members may join; or stops it. May be repeated.
///
/// # Errors
/// When the database has no `realtime.send`: it is no Supabase project; those of the database.
#[expect(
    clippy::disallowed_methods,
    reason = "the owner's own transaction: the switch and the policy, or neither"
)]
pub async fn publish_to_realtime(owner: &DatabaseConnection, on: bool) -> Result<(), DbErr> {
    let transaction = owner.begin().await?;
    let asked = |sql: &str| Statement::from_string(DbBackend::Postgres, sql);
    if on {
        let sql = "select 1 as one where to_regprocedure('realtime.send(jsonb,text,text,boolean)') is not null";
        if transaction.query_one_raw(asked(sql)).await?.is_none() {
            return Err(DbErr::Custom(
                "this database has no realtime.send: it is no Supabase project, or one that is too old".to_owned(),
            ));
        }
    }
    // Looked for first: on a hosted project `drop policy if exists` locks the platform's tables.
    let sql = "select 1 as one from pg_policies where schemaname = 'realtime' and tablename = 'messages' and policyname = 'newsystem_organization'";
    let has_policy = transaction.query_one_raw(asked(sql)).await?.is_some();
    if on && !has_policy {
        transaction
            .execute_unprepared(
                "create policy newsystem_organization on realtime.messages for select to authenticated
                   using (extension = 'broadcast' and (select realtime.topic()) = 'organization:' || (select private.organization_id())::text)",
            )
            .await?;
    }
    if !on && has_policy {
        transaction
            .execute_unprepared("drop policy newsystem_organization on realtime.messages")
            .await?;
    }
    transaction
        .execute_unprepared(if on {
            "insert into private.switches (name) values ('supabase_realtime') on conflict do nothing"
        } else {
            "delete from private.switches where name = 'supabase_realtime'"
        })
        .await?;
    transaction.commit().await
}

/// Makes the demo organization with these people, if it is not there. On a Supabase project, nothing: people come from there.
///
/// # Errors
/// Those of the database.
#[expect(
    clippy::disallowed_methods,
    reason = "the owner's own transaction: the organization and its people, or neither"
)]
pub async fn seed_demo(owner: &DatabaseConnection, organization: Uuid, people: &[DemoPerson]) -> Result<bool, DbErr> {
    if !own_sign_in(owner).await? {
        return Ok(false);
    }
    let transaction = owner.begin().await?;
    let made = transaction
        .execute_raw(Statement::from_sql_and_values(
            DbBackend::Postgres,
            "insert into public.organizations (id, name, subscription_tier, subscription_status)
             values ($1, 'Demo', 'growth', 'active') on conflict (id) do nothing",
            [Value::from(organization)],
        ))
        .await?
        .rows_affected()
        == 1;
    if made {
        for person in people {
            insert_user(&transaction, person.id, &person.email).await?;
            transaction
                .execute_raw(Statement::from_sql_and_values(
                    DbBackend::Postgres,
                    "insert into public.user_profiles (id, organization_id, role, email) values ($1, $2, $3, $4) on conflict (id) do nothing",
                    [Value::from(person.id), Value::from(organization), Value::from(person.role), Value::from(person.email.as_str())],
                ))
                .await?;
        }
    }
    transaction.commit().await?;
    Ok(made)
}

/// Writes into the audit log of the person's organization that an operator made a token for him.
///
/// # Errors
/// When the person belongs to no organization, and those of the database.
pub async fn audit_token(owner: &DatabaseConnection, person: Uuid) -> Result<(), DbErr> {
    let written = owner
        .execute_raw(Statement::from_sql_and_values(
            DbBackend::Postgres,
            "insert into public.audit_log (organization_id, actor_system, action, subject_type, subject_id)
             select organization_id, 'operator', 'token.mint', 'user_profiles', id from public.user_profiles where id = $1",
            [Value::from(person)],
        ))
        .await?
        .rows_affected();
    if written == 1 {
        Ok(())
    } else {
        Err(DbErr::Custom("the person belongs to no organization".to_owned()))
    }
}

/// Whether schema `auth` is ours: the first migration says so in a comment.
async fn own_sign_in(owner: &DatabaseConnection) -> Result<bool, DbErr> {
    let found = owner
        .query_one_raw(Statement::from_string(
            DbBackend::Postgres,
            "select 1 as one from pg_namespace where nspname = 'auth' and obj_description(oid, 'pg_namespace') = 'made by newsystem'",
        ))
        .await?;
    Ok(found.is_some())
}

async fn insert_user(owner: &impl ConnectionTrait, id: Uuid, email: &str) -> Result<(), DbErr> {
    owner
        .execute_raw(Statement::from_sql_and_values(
            DbBackend::Postgres,
            "insert into auth.users (id, email) values ($1, $2) on conflict (id) do nothing",
            [Value::from(id), Value::from(email)],
        ))
        .await
        .map(|_| ())
}

fn quoted(name: &str) -> String {
    format!("\"{}\"", name.replace('"', "\"\""))
}
