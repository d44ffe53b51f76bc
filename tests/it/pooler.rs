//! A transaction pooler (PgBouncer) between the API and the database: scopes through it get their own answers; what cannot
//! work through one is refused with the reason.

use std::net::TcpListener;
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use domain::role::Role;
use sea_orm::FromQueryResult;
use service::caller::{Actor, Caller};
use service::db::{DatabaseSettings, Db, Scope};
use tests::database::{TestDatabase, seeded};
use tests::postgres::ClusterHandle;
use uuid::Uuid;

use crate::scope::person;

/// Few backends for many clients: every connection is shared.
const BACKENDS: u32 = 4;
const CLIENTS: usize = 16;
const SCOPES: usize = 50;

struct Pooler {
    process: Child,
    port: u16,
    _folder: tempfile::TempDir,
}

impl Drop for Pooler {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

impl Pooler {
    async fn before(cluster: &ClusterHandle) -> Self {
        let folder = tempfile::Builder::new().prefix("newsystem-pooler-").tempdir().unwrap();
        let path = folder.path().display();
        std::fs::set_permissions(folder.path(), std::os::unix::fs::PermissionsExt::from_mode(0o755)).unwrap();
        let port = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
        std::fs::write(
            folder.path().join("users"),
            format!("\"newsystem_api\" \"{}\"\n", cluster.password_for("newsystem_api")),
        )
        .unwrap();
        std::fs::write(
            folder.path().join("pgbouncer.ini"),
            format!(
                "[databases]\n* = host=127.0.0.1 port={}\n[pgbouncer]\nlisten_addr = 127.0.0.1\nlisten_port = {port}\nunix_socket_dir =\nauth_type = trust\nauth_file = {path}/users\npool_mode = transaction\n\
                 default_pool_size = {BACKENDS}\nmax_client_conn = 100\nignore_startup_parameters = extra_float_digits\n",
                cluster.port
            ),
        )
        .unwrap();
        // It refuses to run as root, and then takes another user's rights itself.
        let mut command = Command::new(
            ["/usr/sbin/pgbouncer", "/opt/homebrew/bin/pgbouncer"]
                .into_iter()
                .find(|path| std::path::Path::new(path).exists())
                .unwrap_or("pgbouncer"),
        );
        let root = Command::new("id").arg("-u").output().unwrap().stdout == b"0\n";
        if root {
            command.args(["-u", "nobody"]);
        }
        let process = command
            .arg(folder.path().join("pgbouncer.ini"))
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .unwrap_or_else(|error| panic!("PgBouncer does not start ({error}): ./dev test installs it"));
        let pooler = Self {
            process,
            port,
            _folder: folder,
        };
        for _ in 0..100 {
            if std::net::TcpStream::connect(("127.0.0.1", port)).is_ok() {
                return pooler;
            }
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
        panic!("PgBouncer does not listen");
    }

    async fn connect(&self, database: &TestDatabase, transaction_pooler: bool) -> service::Result<Db> {
        let direct = format!(":{}/", database.cluster.port);
        let url = database
            .url("newsystem_api")
            .replace(&direct, &format!(":{}/", self.port));
        assert!(url.contains(&format!(":{}/", self.port)), "{url}");
        Db::connect(&DatabaseSettings {
            max_connections: u32::try_from(CLIENTS).unwrap(),
            acquire_timeout: Duration::from_secs(30),
            transaction_pooler,
            ..DatabaseSettings::new(url)
        })
        .await
    }
}

#[derive(FromQueryResult)]
struct Seen {
    name: String,
    role: String,
    claims: String,
    number: i32,
}

/// What a scope sees of itself; `number` is there to be mistaken for another's.
async fn look(scope: &Scope, number: i32) -> service::Result<Option<Seen>> {
    scope
        .row(
            "select name, current_user::text as role, current_setting('request.jwt.claims', true) as claims, $1::integer as number from public.organizations",
            [number.into()],
        )
        .await
}

fn client(at: usize) -> (Caller, &'static str, Uuid) {
    let (organization, name) = if at.is_multiple_of(2) {
        ('a', "acme")
    } else {
        ('b', "globex")
    };
    let (number, role) = [
        (11, Role::Owner),
        (12, Role::Admin),
        (13, Role::Operator),
        (14, Role::Operator),
    ][at / 2 % 4];
    let caller = person(organization, number, role);
    (caller, name, seeded(organization, number))
}

/// Wrong answers and faults of many scopes at once.
async fn storm(db: &Db) -> (usize, usize) {
    let tasks = (0..CLIENTS).map(|at| {
        let db = db.clone();
        tokio::spawn(async move {
            let (caller, name, id) = client(at);
            let (mut wrong, mut faults) = (0, 0);
            for turn in 0..SCOPES {
                let number = i32::try_from(at * 1000 + turn).unwrap();
                let looked = async {
                    if turn % 5 == 4 {
                        let reader = db.reader(caller.clone());
                        let first = reader.load(async |scope: &Scope| look(scope, number).await).await?;
                        let second = reader.load(async |scope: &Scope| look(scope, number).await).await?;
                        assert_eq!(
                            first.as_ref().map(|seen| &seen.name),
                            second.as_ref().map(|seen| &seen.name)
                        );
                        return Ok::<_, service::Error>(first);
                    }
                    let scope = db.scope(&caller).await?;
                    let seen = look(&scope, number).await?;
                    // Every third is simply dropped.
                    if turn % 3 != 0 {
                        scope.commit().await?;
                    }
                    Ok(seen)
                }
                .await;
                match looked {
                    Ok(Some(seen))
                        if seen.name == name
                            && seen.role == "newsystem_member"
                            && seen.claims.contains(&id.to_string())
                            && seen.number == number => {}
                    Ok(_) => wrong += 1,
                    Err(_) => faults += 1,
                }
                if turn % 10 == 0 {
                    match db.system().sign_in(id.into(), None).await {
                        Ok(signed)
                            if signed.actor == Actor::Person(id.into()) && signed.membership == caller.membership => {}
                        Ok(_) => wrong += 1,
                        Err(_) => faults += 1,
                    }
                }
            }
            (wrong, faults)
        })
    });
    let outcomes = futures::future::join_all(tasks).await;
    outcomes
        .into_iter()
        .map(Result::unwrap)
        .fold((0, 0), |(wrong, faults), (w, f)| (wrong + w, faults + f))
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn scopes_through_a_transaction_pooler_get_their_own_answers() {
    let database = TestDatabase::with_two_organizations().await.unwrap();
    let pooler = Pooler::before(&database.cluster).await;
    let db = pooler.connect(&database, true).await.unwrap();
    assert_eq!(
        storm(&db).await,
        (0, 0),
        "(wrong answers, faults) of {} scopes",
        CLIENTS * SCOPES
    );
    let superuser = database.superuser().await.unwrap();
    let backends: i64 = sqlx::query_scalar(
        "select count(*) from pg_stat_activity where usename = 'newsystem_api' and datname = current_database()",
    )
    .fetch_one(&superuser)
    .await
    .unwrap();
    assert!((1..=i64::from(BACKENDS)).contains(&backends), "{backends}");
    db.close().await;
    // Seen to fail: without the setting, statements keep their names, which are another client's on the next backend.
    if let Ok(db) = pooler.connect(&database, false).await {
        let (_, faults) = storm(&db).await;
        assert!(
            faults > 0,
            "named statements went well through the pooler: is it in transaction mode?"
        );
        db.close().await;
    }
}

#[test]
fn what_cannot_work_through_a_transaction_pooler_is_refused_with_the_reason() {
    let pooled = |name: &'static str| {
        move |asked: &str| (asked == name).then(|| "postgres://someone:pw@127.0.0.1:6543/newsystem".to_owned())
    };
    for name in ["DATABASE_WORKER_URL", "DATABASE_QUEUE_URL"] {
        let lookup = pooled(name);
        let fault = worker::config::Config::load(&lookup).unwrap_err().to_string();
        assert!(fault.contains(&format!("{name}: is a transaction pooler (port 6543, or pgbouncer=true): listening, migrations and the queue do not work through one")), "{fault}");
        assert!(
            fault.contains("use a direct or session-pooled address (port 5432)"),
            "{fault}"
        );
    }
    let lookup = pooled("DATABASE_URL");
    let fault = api::config::Config::load(&lookup).unwrap_err().to_string();
    assert!(fault.contains("DATABASE_URL: is a transaction pooler"), "{fault}");
}
