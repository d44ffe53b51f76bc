//! The private PostgreSQL: it keeps data, survives the death of its keeper, and refuses with a sentence that helps.

use std::{
    fs,
    os::unix::fs::{MetadataExt as _, PermissionsExt as _},
    path::{Path, PathBuf},
    process::{Child, Command, Stdio},
    time::Duration,
};

use newsystem::embedded_postgres::{Address, EmbeddedPostgres, Error, Settings};
use sqlx::{Connection as _, PgConnection};
use tests::disk::SmallDisk;
use tests::postgres::{cluster, throwaway_settings};

/// Tells the holder process which folder to use.
const HOLDER_FOLDER: &str = "NEWSYSTEM_TEST_HOLDER_FOLDER";

/// A data folder in a parent that PostgreSQL's user can pass through.
struct Folder(tempfile::TempDir);

impl Folder {
    fn new() -> Self {
        let open = fs::Permissions::from_mode(0o755);
        Self(
            tempfile::Builder::new()
                .prefix("newsystem-it-")
                .permissions(open)
                .tempdir_in("/tmp")
                .unwrap(),
        )
    }

    fn data_dir(&self) -> PathBuf {
        self.0.path().join(".newsystem")
    }

    fn settings(&self) -> Settings {
        settings_in(self.0.path())
    }

    async fn start(&self) -> Result<EmbeddedPostgres, Error> {
        EmbeddedPostgres::start_with_settings(&self.data_dir(), self.settings()).await
    }

    fn is_roots(&self) -> bool {
        fs::metadata(self.0.path()).unwrap().uid() == 0
    }
}

fn settings_in(folder: &Path) -> Settings {
    let mut settings = throwaway_settings(folder);
    settings.options.push(("shared_buffers".into(), "16MB".into()));
    settings
}

async fn connect(url: &str) -> Result<PgConnection, sqlx::Error> {
    PgConnection::connect(url).await
}

async fn keep_a_note(address: &Address, note: &str) {
    let mut connection = connect(&address.superuser_url()).await.unwrap();
    sqlx::query("create table note as select $1::text as text")
        .bind(note)
        .execute(&mut connection)
        .await
        .unwrap();
}

async fn note(address: &Address) -> String {
    let mut connection = connect(&address.superuser_url()).await.unwrap();
    sqlx::query_scalar("select text from note")
        .fetch_one(&mut connection)
        .await
        .unwrap()
}

/// Another process that starts the cluster and keeps it, like a `newsystem dev`.
fn keeper(data_dir: &Path) -> Child {
    Command::new(std::env::current_exe().unwrap())
        .args(["--exact", "embedded_postgres::holder", "--ignored"])
        .env(HOLDER_FOLDER, data_dir)
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn()
        .unwrap()
}

async fn running(data_dir: &Path) -> Address {
    for _ in 0..600 {
        if let Ok(Some(address)) = EmbeddedPostgres::running(data_dir).await {
            return address;
        }
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    panic!("no server in {} after 30 s", data_dir.display());
}

#[tokio::test]
#[ignore = "the process that another test starts and kills"]
async fn holder() {
    let Some(data_dir) = std::env::var_os(HOLDER_FOLDER).map(PathBuf::from) else {
        return;
    };
    let parent = data_dir.parent().unwrap().to_owned();
    let _kept = EmbeddedPostgres::start_with_settings(&data_dir, settings_in(&parent))
        .await
        .unwrap();
    tokio::time::sleep(Duration::from_mins(1)).await;
}

#[tokio::test]
async fn data_survives_a_restart_and_nothing_is_left_running() {
    let folder = Folder::new();
    let first = folder.start().await.unwrap();
    keep_a_note(&first, "kept").await;
    let (port, sockets, password) = (first.port(), first.socket_dir().to_owned(), first.password_for("api"));
    first.stop().await.unwrap();
    assert!(!sockets.exists());
    assert!(EmbeddedPostgres::running(&folder.data_dir()).await.unwrap().is_none());

    let second = folder.start().await.unwrap();
    assert_eq!(note(&second).await, "kept");
    assert_eq!(
        second.port(),
        port,
        "a free port is kept, so that an address noted down stays good"
    );
    assert_eq!(second.password_for("api"), password);
    let url = second.superuser_url();
    drop(second);
    assert!(connect(&url).await.is_err(), "dropping stops the server");
}

#[tokio::test]
async fn the_door_is_locked() {
    let folder = Folder::new();
    let server = folder.start().await.unwrap();
    let wrong = server.url_for("postgres", "wrong", "postgres");
    let refused = connect(&wrong).await.unwrap_err().to_string();
    assert!(refused.contains("password authentication failed"), "{refused}");

    let socket = format!(
        "postgres://postgres:wrong@localhost:{}/postgres?host={}",
        server.port(),
        server.socket_dir().display()
    );
    let refused = connect(&socket).await.unwrap_err().to_string();
    assert!(refused.contains("password authentication failed"), "{refused}");
    assert!(server.socket_dir().as_os_str().len() < 100);

    let mut connection = connect(&server.superuser_url()).await.unwrap();
    let listens: String = sqlx::query_scalar("show listen_addresses")
        .fetch_one(&mut connection)
        .await
        .unwrap();
    assert_eq!(listens, "127.0.0.1");
    let open: i64 = sqlx::query_scalar("select count(*) from pg_hba_file_rules where auth_method <> 'scram-sha-256'")
        .fetch_one(&mut connection)
        .await
        .unwrap();
    assert_eq!(open, 0);

    let home = server.data_folder().parent().unwrap();
    for (path, mode) in [
        (home.join("secret"), 0o600),
        (home.join("log"), 0o600),
        (server.socket_dir().into(), 0o700),
    ] {
        assert_eq!(fs::metadata(&path).unwrap().mode() & 0o777, mode, "{}", path.display());
    }
}

#[tokio::test]
async fn roots_cluster_belongs_to_a_system_user_and_the_folder_says_where() {
    let folder = Folder::new();
    let server = folder.start().await.unwrap();
    let entry = folder.data_dir().join("postgres");
    let owner = fs::metadata(server.data_folder()).unwrap().uid();
    if folder.is_roots() {
        assert_ne!(owner, 0);
        let home = server.data_folder().parent().unwrap().to_owned();
        assert!(
            fs::read_to_string(entry)
                .unwrap()
                .lines()
                .any(|line| Path::new(line) == home)
        );
    } else {
        assert_eq!(owner, fs::metadata(folder.0.path()).unwrap().uid());
        assert_eq!(server.data_folder(), entry.canonicalize().unwrap().join("data"));
    }
}

#[tokio::test]
async fn a_server_whose_keeper_was_killed_is_adopted() {
    let folder = Folder::new();
    let mut keeper = keeper(&folder.data_dir());
    let before = running(&folder.data_dir()).await;
    keep_a_note(&before, "from before").await;
    // SIGKILL.
    keeper.kill().unwrap();
    keeper.wait().unwrap();

    let adopted = folder.start().await.unwrap();
    assert_eq!(adopted.port(), before.port(), "the same server, not a new one");
    assert_eq!(note(&adopted).await, "from before");
    adopted.stop().await.unwrap();
    assert!(connect(&before.superuser_url()).await.is_err());
    assert!(!before.socket_dir().exists());
}

#[tokio::test]
async fn a_second_program_on_the_same_data_is_refused() {
    let folder = Folder::new();
    let mut keeper = keeper(&folder.data_dir());
    let kept = running(&folder.data_dir()).await;
    // The server is ready a moment before its keeper knows.
    let refused = folder.start().await.unwrap_err();
    assert!(
        matches!(&refused, Error::InUse { holder, .. } if *holder == keeper.id().to_string()),
        "{refused}"
    );
    let said = refused.to_string();
    assert!(said.contains("stop it first, or set NEWSYSTEM_DATA_DIR"), "{said}");
    connect(&kept.superuser_url())
        .await
        .expect("the first one is not disturbed");
    keeper.kill().unwrap();
    keeper.wait().unwrap();
    folder.start().await.unwrap().stop().await.unwrap();
}

#[tokio::test]
async fn a_process_number_from_before_a_reboot_does_not_hinder() {
    let folder = Folder::new();
    let server = folder.start().await.unwrap();
    keep_a_note(&server, "kept").await;
    let pidfile = server.data_folder().join("postmaster.pid");
    let lines = fs::read_to_string(&pidfile).unwrap();
    server.stop().await.unwrap();
    // The number belongs to this very process now.
    let (_, rest) = lines.split_once('\n').unwrap();
    fs::write(&pidfile, format!("{}\n{rest}", std::process::id())).unwrap();
    let server = folder.start().await.unwrap();
    assert_eq!(note(&server).await, "kept");
}

#[tokio::test]
async fn another_major_versions_data_is_left_alone() {
    let folder = Folder::new();
    let server = folder.start().await.unwrap();
    let version = server.data_folder().join("PG_VERSION");
    server.stop().await.unwrap();
    fs::write(&version, "14\n").unwrap();
    let refused = folder.start().await.unwrap_err();
    assert!(matches!(refused, Error::OtherVersionsData { .. }), "{refused}");
    assert!(
        refused.to_string().contains("was made by PostgreSQL 14 but version"),
        "{refused}"
    );
    assert_eq!(fs::read_to_string(&version).unwrap(), "14\n");
}

#[tokio::test]
async fn missing_and_old_programs_are_told_apart() {
    let folder = Folder::new();
    let programs = folder.0.path().join("bin");
    fs::create_dir(&programs).unwrap();
    let start = || async {
        let settings = Settings {
            programs: Some(programs.clone()),
            ..folder.settings()
        };
        EmbeddedPostgres::start_with_settings(&folder.data_dir(), settings)
            .await
            .unwrap_err()
    };
    let missing = start().await;
    assert!(matches!(missing, Error::NotInstalled), "{missing}");
    for name in ["initdb", "pg_ctl", "postgres"] {
        fs::write(programs.join(name), "#!/bin/sh\necho 'postgres (PostgreSQL) 14.9'\n").unwrap();
        fs::set_permissions(programs.join(name), fs::Permissions::from_mode(0o755)).unwrap();
    }
    let old = start().await;
    assert!(
        matches!(&old, Error::UnsupportedVersion { found } if found == "14"),
        "{old}"
    );
    assert!(
        !folder.data_dir().exists(),
        "nothing is made before the programs are found"
    );
}

#[tokio::test]
async fn a_full_disk_is_told_and_leaves_nothing_half_made() {
    let folder = Folder::new();
    let Some(disk) = SmallDisk::mount(folder.0.path().join("disk"), 24).unwrap() else {
        eprintln!("skipped: mounting a small file system needs root");
        return;
    };
    let data_dir = disk.path().join(".newsystem");
    let start = || EmbeddedPostgres::start_with_settings(&data_dir, settings_in(disk.path()));

    let full = start().await.unwrap_err();
    assert!(matches!(full, Error::DiskFull { .. }), "{full}");
    assert!(full.to_string().contains("free some space there"), "{full}");

    disk.grow(300);
    let server = start().await.expect("with room it starts, as if nothing had happened");
    keep_a_note(&server, "kept").await;
    server.stop().await.unwrap();

    // Nothing left for the server's own files.
    let filler = disk.path().join("filler");
    let written = Command::new("dd")
        .args(["if=/dev/zero", "bs=64k"])
        .arg(format!("of={}", filler.display()))
        .stderr(Stdio::null())
        .status();
    assert!(!written.unwrap().success(), "the disk was to be filled");
    let full = start().await.unwrap_err();
    assert!(matches!(full, Error::DiskFull { .. }), "{full}");
    fs::remove_file(filler).unwrap();
    assert_eq!(note(&start().await.unwrap()).await, "kept");
}

#[tokio::test]
async fn all_tests_of_a_run_share_one_server() {
    let (first, second) = tokio::join!(cluster(), cluster());
    assert_eq!(first.port, second.port);
    let mut connection = connect(&first.superuser_url).await.unwrap();
    let synced: String = sqlx::query_scalar("show fsync")
        .fetch_one(&mut connection)
        .await
        .unwrap();
    assert_eq!(synced, "off");
    assert!(first.socket_dir.join(format!(".s.PGSQL.{}", first.port)).exists());
}
