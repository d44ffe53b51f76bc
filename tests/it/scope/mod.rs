//! The tenant scope: what a transaction leaves behind (nothing), what a reader sees (one moment), who may not sign in, and
//! that events are numbered without gaps in the order of the commits ([`events`]).

mod events;

use std::time::Duration;

use domain::id::OrganizationId;
use domain::role::Role;
use newsystem::embedded_postgres::EmbeddedPostgres;
use sea_orm::{FromQueryResult, Value};
use service::Error;
use service::caller::{Actor, Caller, Membership};
use service::db::{DatabaseSettings, Db, Scope};
use sqlx::{AssertSqlSafe, Connection as _, PgConnection};
use tests::database::{OWNER, TestDatabase, seeded};
use tests::postgres::throwaway_settings;
use uuid::Uuid;

pub fn person(organization: char, number: u16, role: Role) -> Caller {
    Caller {
        actor: Actor::Person(seeded(organization, number).into()),
        email: None,
        membership: Some(Membership {
            organization: OrganizationId::new(seeded(organization, 1)),
            role,
            active: true,
        }),
        read_only: false,
    }
}

fn operator() -> Caller {
    person('a', 13, Role::Operator)
}

async fn one_connection(database: &TestDatabase, statement_timeout: Duration) -> Db {
    let settings = DatabaseSettings {
        max_connections: 1,
        statement_timeout,
        ..DatabaseSettings::new(database.url("newsystem_api"))
    };
    Db::connect(&settings).await.unwrap()
}

#[derive(Debug, FromQueryResult, PartialEq, Eq)]
struct Remains {
    role: String,
    claims: String,
    job: String,
    timeout: String,
    pid: i32,
}

/// What the pool's connection says of itself outside every transaction.
async fn remains(db: &Db) -> Remains {
    let scope = db.scope(&operator()).await.unwrap();
    // Steps out of the scope's transaction, and so out of everything that is local to it.
    scope.run("rollback", []).await.unwrap();
    scope
        .row(
            "select current_user::text as role, coalesce(current_setting('request.jwt.claims', true), '') as claims, coalesce(current_setting('newsystem.job', true), '') as job,
                    current_setting('statement_timeout') as timeout, pg_backend_pid() as pid",
            [],
        )
        .await
        .unwrap()
        .unwrap()
}

#[derive(FromQueryResult)]
struct Count {
    n: i64,
}

async fn sessions(scope: &Scope) -> service::Result<i64> {
    let row: Option<Count> = scope
        .row("select count(*) as n from public.recording_sessions", [])
        .await?;
    Ok(row.map_or(0, |row| row.n))
}

const RENAME: &str = "update public.recording_sessions set title = 'never' where id = $1";

#[tokio::test]
async fn a_scope_leaves_no_role_no_claims_and_no_rows_however_it_ends() {
    let database = TestDatabase::with_two_organizations().await.unwrap();
    let db = one_connection(&database, Duration::from_millis(700)).await;
    let renamed = || Value::from(seeded('a', 21));
    let clean = remains(&db).await;
    assert_eq!(
        (clean.role.as_str(), clean.claims.as_str(), clean.timeout.as_str()),
        ("newsystem_api", "", "700ms")
    );

    // Dropped.
    let scope = db.scope(&operator()).await.unwrap();
    assert_eq!(scope.run(RENAME, [renamed()]).await.unwrap(), 1);
    drop(scope);
    assert_eq!(remains(&db).await, clean, "dropped");

    // In a panic.
    let own = db.clone();
    let panicked = tokio::spawn(async move {
        let scope = own.scope(&operator()).await.unwrap();
        scope.run(RENAME, [seeded('a', 21).into()]).await.unwrap();
        panic!("on purpose");
    });
    assert!(panicked.await.unwrap_err().is_panic());
    assert_eq!(remains(&db).await, clean, "panicked");

    // In the middle of a statement, when the caller has gone.
    let scope = db.scope(&operator()).await.unwrap();
    scope.run(RENAME, [renamed()]).await.unwrap();
    let slow = tokio::time::timeout(Duration::from_millis(50), scope.run("select pg_sleep(30)", [])).await;
    assert!(slow.is_err());
    drop(scope);
    assert_eq!(remains(&db).await.role, clean.role, "abandoned");

    // After a statement that took too long, and after one that failed.
    for (sql, is_timeout) in [("select pg_sleep(30)", true), ("select 1 / 0", false)] {
        let scope = db.scope(&operator()).await.unwrap();
        scope.run(RENAME, [renamed()]).await.unwrap();
        let fault = scope.run(sql, []).await.unwrap_err();
        assert_eq!(matches!(fault, Error::Timeout), is_timeout, "{fault:?}");
        drop(scope);
        let left = remains(&db).await;
        assert_eq!(
            (left.role, left.claims, left.timeout),
            (clean.role.clone(), clean.claims.clone(), clean.timeout.clone()),
            "{sql}"
        );
    }

    // A job's, and one that was committed.
    let db = Db::connect(&DatabaseSettings {
        max_connections: 1,
        ..DatabaseSettings::new(database.url("newsystem_worker"))
    })
    .await
    .unwrap();
    let lease = service::db::Lease {
        subject: service::db::LeaseSubject::Analysis(seeded('a', 31).into()),
        attempt: 1,
        token: seeded('a', 99),
    };
    let scope = db.worker_scope(&lease).await.unwrap();
    assert_eq!(sessions(&scope).await.unwrap(), 2);
    scope.commit().await.unwrap();

    // A job's machine that is gone without a word keeps its locks for seconds, not for as long as the server believes in the connection.
    let scope = db.worker_scope(&lease).await.unwrap();
    let idle: Option<Remains> = scope
        .row("select current_user::text as role, '' as claims, '' as job, current_setting('idle_in_transaction_session_timeout') as timeout, 0 as pid", [])
        .await
        .unwrap();
    assert_eq!(idle.unwrap().timeout, "10s");
    drop(scope);
    let scope = db
        .worker_scope(&service::db::Lease { attempt: 2, ..lease })
        .await
        .unwrap();
    scope.run("rollback", []).await.unwrap();
    let left: Option<Remains> = scope
        .row("select current_user::text as role, '' as claims, coalesce(current_setting('newsystem.job', true), '') as job, current_setting('statement_timeout') as timeout, 0 as pid", [])
        .await
        .unwrap();
    let left = left.unwrap();
    assert_eq!(
        (left.role.as_str(), left.job.as_str(), left.timeout.as_str()),
        ("newsystem_worker", "", "5s")
    );

    let title: String = sqlx::query_scalar("select title from public.recording_sessions where id = $1")
        .bind(seeded('a', 21))
        .fetch_one(&database.superuser().await.unwrap())
        .await
        .unwrap();
    assert_eq!(title, "Order entry", "nothing was kept");
}

/// A request whose client went away is dropped wherever it stands, also while its BEGIN is on the way.
#[tokio::test]
async fn a_beginning_that_nobody_waits_for_leaves_no_transaction_on_the_connection() {
    let database = TestDatabase::with_two_organizations().await.unwrap();
    let db = one_connection(&database, Duration::from_secs(5)).await;
    let mut watcher = PgConnection::connect(&database.superuser_url()).await.unwrap();
    let user = seeded('a', 13).into();
    for polls in 1..=8 {
        {
            let caller = operator();
            let mut beginning = Box::pin(db.scope(&caller));
            for _ in 0..polls {
                if futures::poll!(beginning.as_mut()).is_ready() {
                    break;
                }
                tokio::time::sleep(Duration::from_millis(1)).await;
            }
        }
        // What runs outside a tenant has no business in somebody's leftover transaction, where it would be refused.
        db.system().sign_in(user, None).await.unwrap();
        let left: i64 = sqlx::query_scalar(
            "select count(*) from pg_stat_activity where usename = 'newsystem_api' and datname = current_database() and xact_start is not null",
        )
        .fetch_one(&mut watcher)
        .await
        .unwrap();
        assert_eq!(left, 0, "after {polls} polls");
    }
}

#[tokio::test]
async fn a_reader_sees_one_moment_and_writes_nothing() {
    let database = TestDatabase::with_two_organizations().await.unwrap();
    let db = one_connection(&database, Duration::from_secs(5)).await;
    let superuser = database.superuser().await.unwrap();
    let reader = db.reader(operator());
    assert_eq!(db.connections(), (1, 1), "opened by its first load");
    assert_eq!(reader.load(sessions).await.unwrap(), 2);
    sqlx::query("insert into public.recording_sessions (organization_id) values ($1)")
        .bind(seeded('a', 1))
        .execute(&superuser)
        .await
        .unwrap();
    // All at once, on the one connection.
    let (first, second, third) = tokio::join!(reader.load(sessions), reader.load(sessions), reader.load(sessions));
    assert_eq!((first.unwrap(), second.unwrap(), third.unwrap()), (2, 2, 2));
    drop(reader);
    let reader = db.reader(operator());
    assert_eq!(reader.load(sessions).await.unwrap(), 3);
    let refused = reader
        .load(async |scope: &Scope| scope.run(RENAME, [seeded('a', 21).into()]).await)
        .await;
    assert!(refused.is_err(), "{refused:?}");
}

#[tokio::test]
async fn the_first_fault_of_a_statement_poisons_a_reader_and_nothing_else_does() {
    let database = TestDatabase::with_two_organizations().await.unwrap();
    let db = one_connection(&database, Duration::from_millis(300)).await;
    let same = |error: &Error, other: &Error| std::mem::discriminant(error) == std::mem::discriminant(other);

    // A refusal of ours, and a row that does not fit its type, stay with their field.
    let reader = db.reader(operator());
    let refusal = reader
        .load(async |_: &Scope| Err::<(), _>(Error::NotFound { what: "thing" }))
        .await
        .unwrap_err();
    assert!(matches!(refusal, Error::NotFound { .. }));
    let unreadable = reader
        .load(async |scope: &Scope| scope.row::<Count>("select 'many' as n", []).await.map(|_| ()))
        .await;
    assert!(matches!(unreadable, Err(Error::Database(_))), "{unreadable:?}");
    assert_eq!(reader.load(sessions).await.unwrap(), 2);
    drop(reader);

    for (sql, expected) in [
        ("select 1 / 0", Error::internal("")),
        ("select pg_sleep(9)", Error::Timeout),
        (
            "select raw_gpt_response from public.analysis_results",
            Error::Forbidden { why: "" },
        ),
    ] {
        let reader = db.reader(operator());
        assert_eq!(reader.load(sessions).await.unwrap(), 2);
        let fault = reader
            .load(async |scope: &Scope| scope.run(sql, []).await)
            .await
            .unwrap_err();
        assert!(
            same(&fault, &expected) || (matches!(fault, Error::Database(_)) && matches!(expected, Error::Internal(_))),
            "{sql}: {fault:?}"
        );
        for _ in 0..3 {
            let echo = reader.load(sessions).await.unwrap_err();
            assert!(same(&echo, &fault), "{sql}: {echo:?} is not the first fault");
        }
        // Several at once: whoever fails first, all say the same.
        drop(reader);
        let reader = db.reader(operator());
        let outcomes = futures::future::join_all((0..6).map(|at| {
            let reader = reader.clone();
            async move {
                let sql = if at == 2 { sql } else { "select 1" };
                reader.load(async |scope: &Scope| scope.run(sql, []).await).await
            }
        }))
        .await;
        let faults: Vec<_> = outcomes.iter().filter_map(|outcome| outcome.as_ref().err()).collect();
        assert!(
            !faults.is_empty() && faults.iter().all(|other| same(other, &fault)),
            "{sql}: {faults:?}"
        );
    }
}

#[tokio::test]
async fn a_role_that_passes_row_security_is_refused_at_sign_in() {
    let database = TestDatabase::create().await.unwrap();
    let mut superuser = PgConnection::connect(&database.superuser_url()).await.unwrap();
    let name = format!("passes_{}", Uuid::new_v4().simple());
    let password = database.cluster.password_for(&name);
    let url = database.cluster.url_for(&name, &password, &database.name);
    let sign_in = async |url: &str| {
        Db::connect(&DatabaseSettings {
            max_connections: 1,
            ..DatabaseSettings::new(url)
        })
        .await
    };
    let refused = |outcome: service::Result<Db>| match outcome {
        Err(error) => assert!(error.to_string().contains("passes row security"), "{error:?}"),
        Ok(_) => panic!("was let in"),
    };
    refused(sign_in(&database.superuser_url()).await);
    refused(sign_in(&database.url(OWNER)).await);
    for (given, taken) in [
        ("alter role {} bypassrls", "alter role {} nobypassrls"),
        // It does not inherit the owner's rights, but could become the owner.
        ("grant newsystem_owner to {}", "revoke newsystem_owner from {}"),
    ] {
        let make = format!(
            "do $$ begin if not exists (select from pg_roles where rolname = '{name}') then create role {name} login noinherit password '{password}'; end if; end $$; grant connect on database {} to {name}",
            database.name
        );
        sqlx::raw_sql(AssertSqlSafe(make))
            .execute(&mut superuser)
            .await
            .unwrap();
        sign_in(&url).await.unwrap().close().await;
        sqlx::raw_sql(AssertSqlSafe(given.replace("{}", &name)))
            .execute(&mut superuser)
            .await
            .unwrap();
        let outcome = sign_in(&url).await;
        sqlx::raw_sql(AssertSqlSafe(taken.replace("{}", &name)))
            .execute(&mut superuser)
            .await
            .unwrap();
        refused(outcome);
    }
    sqlx::raw_sql(AssertSqlSafe(format!("drop owned by {name}; drop role {name}")))
        .execute(&mut superuser)
        .await
        .unwrap();
    for role in ["newsystem_api", "newsystem_worker"] {
        sign_in(&database.url(role)).await.unwrap();
    }
}

#[tokio::test]
async fn a_restarted_server_is_survived() {
    let folder = tempfile::Builder::new().prefix("newsystem-restart-").tempdir().unwrap();
    std::fs::set_permissions(folder.path(), std::os::unix::fs::PermissionsExt::from_mode(0o711)).unwrap();
    let server = EmbeddedPostgres::start_with_settings(folder.path(), throwaway_settings(folder.path()))
        .await
        .unwrap();
    let owner = migration::connect(&server.superuser_url()).await.unwrap();
    let password = server.password_for("newsystem_api");
    migration::roles::ensure(
        &owner,
        &[migration::roles::LoginRole {
            name: "newsystem_api",
            password: Some(&password),
        }],
    )
    .await
    .unwrap();
    owner.close().await.unwrap();
    // A throwaway server does not wait for its disk: what a crash must not undo is written out first.
    let mut superuser = PgConnection::connect(&server.superuser_url()).await.unwrap();
    sqlx::query("checkpoint").execute(&mut superuser).await.unwrap();
    let url = server.url_for("newsystem_api", &password, "postgres");
    let settings = DatabaseSettings {
        max_connections: 8,
        ..DatabaseSettings::new(url)
    };
    let db = Db::connect(&settings).await.unwrap();
    // Eight connections lie idle, and one is in the middle of something.
    let caller = operator();
    let open = futures::future::join_all((0..8).map(|_| db.scope(&caller))).await;
    let mut open: Vec<Scope> = open.into_iter().map(Result::unwrap).collect();
    let busy = open.pop().unwrap();
    drop(open);
    let mut killer = PgConnection::connect(&server.superuser_url()).await.unwrap();
    let pid: i32 = sqlx::query_scalar("select pg_backend_pid()")
        .fetch_one(&mut killer)
        .await
        .unwrap();
    // A backend that dies makes the server throw everybody out and recover: a restart without notice.
    assert!(
        std::process::Command::new("kill")
            .args(["-9", &pid.to_string()])
            .status()
            .unwrap()
            .success()
    );
    let mut runs = 0;
    let gone = loop {
        runs += 1;
        assert!(runs < 500, "the server never noticed");
        match busy.run("select 1", []).await {
            Ok(_) => tokio::time::sleep(Duration::from_millis(10)).await,
            Err(gone) => break gone,
        }
    };
    assert!(matches!(gone, Error::Unavailable { .. }), "{gone:?}");
    drop(busy);
    let mut waits = 0;
    while PgConnection::connect(&server.superuser_url()).await.is_err() {
        waits += 1;
        assert!(waits < 200, "the server does not come back");
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
    // The first request after it succeeds, however many dead connections the pool holds.
    let scope = db.scope(&operator()).await.unwrap();
    assert_eq!(scope.run("select 1", []).await.unwrap(), 1);
    drop(scope);
    db.close().await;
    server.stop().await.unwrap();
}
