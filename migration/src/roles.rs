//! The roles of the database, which are cluster-wide and so no step's business: made by `newsystem migrate roles`,
//! idempotently, never dropped.

use sea_orm::{ConnectionTrait, DbErr};

/// A login role of ours and its password; without one the role's password is left alone.
pub struct LoginRole<'a> {
    /// `newsystem_api`, `newsystem_worker` or `newsystem_queue`.
    pub name: &'a str,
    /// In clear; PostgreSQL stores its SCRAM verifier.
    pub password: Option<&'a str>,
}

/// The login roles in the order in which they are made.
pub const LOGIN_ROLES: [&str; 3] = ["newsystem_api", "newsystem_worker", "newsystem_queue"];

/// Makes whatever role is missing and sets the memberships. Safe to run again and from several processes at once.
///
/// # Errors
/// When the connection's user may not create roles; [`sql`] is then what an administrator has to run.
pub async fn ensure<C: ConnectionTrait>(connection: &C, logins: &[LoginRole<'_>]) -> Result<(), DbErr> {
    const RACES: [&str; 3] = ["tuple concurrently updated", "already exists", "duplicate key"];
    let script = sql(logins);
    let mut tries = 0;
    loop {
        match connection.execute_unprepared(&script).await {
            // Roles belong to all databases of a cluster, but the lock only to this one: the loser of a race tries again.
            Err(error) if tries < 10 && RACES.iter().any(|race| error.to_string().contains(race)) => {
                tries += 1;
                connection.execute_unprepared("select pg_sleep(0.1 * random())").await?;
            }
            outcome => return outcome.map(|_| ()),
        }
    }
}

/// The SQL of [`ensure`], for an administrator to run where the owner lacks CREATEROLE.
pub fn sql(logins: &[LoginRole<'_>]) -> String {
    let mut script = String::from(
        "do $roles$
declare name text; may_become boolean;
begin
  -- Roles are cluster-wide: two databases migrating at once must not race.
  perform pg_advisory_xact_lock(hashtext('newsystem.roles'));
  foreach name in array array['anon', 'authenticated'] loop
    if not exists (select from pg_roles where rolname = name) then
      execute format('create role %I nologin noinherit', name);
    end if;
  end loop;
  if not exists (select from pg_roles where rolname = 'service_role') then
    create role service_role nologin noinherit;
  end if;
  foreach name in array array['newsystem_member', 'newsystem_export', 'newsystem_job'] loop
    if not exists (select from pg_roles where rolname = name) then
      execute format('create role %I nologin noinherit', name);
    end if;
  end loop;
  foreach name in array array['newsystem_api', 'newsystem_worker', 'newsystem_queue'] loop
    if not exists (select from pg_roles where rolname = name) then
      execute format('create role %I login noinherit', name);
    end if;
  end loop;
  if not pg_has_role('newsystem_api', 'newsystem_member', 'member') then
    grant newsystem_member to newsystem_api;
  end if;
  if not pg_has_role('newsystem_worker', 'newsystem_job', 'member') then
    grant newsystem_job to newsystem_worker;
  end if;
  if not pg_has_role('newsystem_worker', 'newsystem_export', 'member') then
    grant newsystem_export to newsystem_worker;
  end if;
  -- The owner hands private.enqueue to the queue's role, for which it must be able to become that role. From PostgreSQL 16 on
  -- whoever makes a role is its member, and yet may not become it.
  if current_setting('server_version_num')::integer >= 160000 then
    may_become := pg_has_role(current_user, 'newsystem_queue', 'set') and pg_has_role(current_user, 'newsystem_queue', 'usage');
  else
    may_become := pg_has_role(current_user, 'newsystem_queue', 'member');
  end if;
  if not may_become then
    execute format('grant newsystem_queue to %I', current_user);
  end if;
  execute format('grant connect, create on database %I to newsystem_queue', current_database());
  execute format('grant connect on database %I to newsystem_api, newsystem_worker', current_database());
end $roles$;\n",
    );
    for login in logins {
        if let Some(password) = login.password {
            let password = password.replace('\'', "''");
            script.push_str("alter role ");
            script.push_str(login.name);
            script.push_str(" password '");
            script.push_str(&password);
            script.push_str("';\n");
        }
    }
    script
}
