//! One PostgreSQL for all tests of a run.
//!
//! nextest runs every test in a process of its own, so the first one that asks starts the server and the others find it, by
//! a folder named after the run. The server keeps nothing: it lives in memory where there is room, without syncing. A small
//! shell process watches the test runner and, when that is gone, however it went, ends the server and removes the folder.

use std::{
    fs::{self, DirBuilder, File},
    ops::Deref as _,
    os::unix::{
        fs::{DirBuilderExt as _, PermissionsExt as _},
        process::{CommandExt as _, parent_id},
    },
    path::{Path, PathBuf},
    process::{Command, Stdio},
    sync::OnceLock,
};

use anyhow::Context as _;
use newsystem::embedded_postgres::{Address, EmbeddedPostgres, Settings};
use sha2::{Digest as _, Sha256};
use tokio::sync::OnceCell;

/// What the folders of test clusters are called.
const PREFIX: &str = "newsystem-test-";

/// Room in memory that a run may need: a database takes about 8 MB, the log of changes up to a gigabyte.
const ROOM_BYTES: u64 = 3 << 30;

/// Ends a server and its folder when the runner has ended, or after four hours.
const WATCHDOG: &str = r#"
runner=$1 data=$2 folder=$3 seconds=0
while kill -0 "$runner" 2>/dev/null && [ "$seconds" -lt 14400 ]; do sleep 1; seconds=$((seconds + 1)); done
server=$(head -n 1 "$data/postmaster.pid" 2>/dev/null)
if [ -n "$server" ]; then
    kill -QUIT "$server" 2>/dev/null
    waits=0
    while kill -0 "$server" 2>/dev/null && [ "$waits" -lt 50 ]; do sleep 0.1; waits=$((waits + 1)); done
fi
rm -rf "$folder" "$4"
"#;

/// The test run's server. Roles belong to all tests together; each test brings a database of its own.
#[derive(Clone, Debug)]
pub struct ClusterHandle {
    /// Superuser, database `postgres`, over loopback TCP.
    pub superuser_url: String,
    pub socket_dir: PathBuf,
    pub port: u16,
    address: Address,
}

impl ClusterHandle {
    /// The address of a database for a role, over loopback TCP.
    pub fn url_for(&self, role: &str, password: &str, database: &str) -> String {
        self.address.url_for(role, password, database)
    }

    /// A password for a role, the same in every process of the run.
    pub fn password_for(&self, role: &str) -> String {
        self.address.password_for(role)
    }
}

impl From<Address> for ClusterHandle {
    fn from(address: Address) -> Self {
        Self {
            superuser_url: address.superuser_url(),
            socket_dir: address.socket_dir().to_owned(),
            port: address.port(),
            address,
        }
    }
}

/// The server of this test run, started by whoever asks first.
///
/// # Panics
///
/// When no server can be started: nothing can be tested then.
pub async fn cluster() -> ClusterHandle {
    static CLUSTER: OnceCell<ClusterHandle> = OnceCell::const_new();
    let found = CLUSTER
        .get_or_try_init(|| async { find_or_start(&run().folder()).await })
        .await;
    match found {
        Ok(cluster) => cluster.clone(),
        Err(error) => panic!("the tests have no PostgreSQL: {error:#}"),
    }
}

/// Settings of a cluster that keeps nothing, in a folder that any user may pass through.
pub fn throwaway_settings(state_folder: &Path) -> Settings {
    let options = [
        // All tests of a run together.
        ("max_connections", "300"),
        ("shared_buffers", "256MB"),
        ("wal_level", "minimal"),
        ("max_wal_senders", "0"),
        ("checkpoint_timeout", "1h"),
        ("autovacuum", "off"),
        ("jit", "off"),
    ];
    Settings {
        // To run the tests on another version than the system's.
        programs: std::env::var_os("NEWSYSTEM_TEST_POSTGRES").map(PathBuf::from),
        state_folder: state_folder.to_owned(),
        durable: false,
        options: options.map(|(name, value)| (name.to_owned(), value.to_owned())).into(),
    }
}

/// A server of one test's own, which it may stop as it likes: what was committed stays. It is in memory where there is room, so
/// that syncing costs nothing.
pub struct OwnServer {
    folder: tempfile::TempDir,
    server: Option<EmbeddedPostgres>,
}

/// How PostgreSQL is asked to stop.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Stop {
    /// Sessions are ended, everything is written.
    Fast,
    /// Everybody leaves at once; the next start recovers from the log.
    Immediate,
}

impl OwnServer {
    /// Starts one.
    ///
    /// # Errors
    /// When PostgreSQL does not start.
    pub async fn start() -> anyhow::Result<Self> {
        let folder = tempfile::Builder::new()
            .prefix("newsystem-own-")
            .permissions(fs::Permissions::from_mode(0o711))
            .tempdir_in(parent_folder())?;
        let server = Self::launch(folder.path()).await?;
        Ok(Self {
            folder,
            server: Some(server),
        })
    }

    async fn launch(folder: &Path) -> anyhow::Result<EmbeddedPostgres> {
        let settings = Settings {
            durable: true,
            ..throwaway_settings(folder)
        };
        Ok(EmbeddedPostgres::start_with_settings(folder, settings).await?)
    }

    /// Where it is; the same after a restart.
    ///
    /// # Panics
    /// After a restart that failed.
    pub fn handle(&self) -> ClusterHandle {
        let Some(server) = &self.server else {
            panic!("the server did not come back")
        };
        server.deref().clone().into()
    }

    /// Stops it and starts it again on the same data and port.
    ///
    /// # Errors
    /// When it does not stop or start.
    pub async fn restart(&mut self, how: Stop) -> anyhow::Result<()> {
        let server = self.server.take().context("the server did not come back")?;
        let port = server.port();
        if how == Stop::Immediate {
            let data = server.data_folder();
            let told = Command::new("/bin/sh")
                .args(["-c", r#"kill -QUIT "$(head -n 1 "$1/postmaster.pid")""#, "sh"])
                .arg(data)
                .status()?;
            anyhow::ensure!(told.success(), "PostgreSQL could not be told to leave");
            while data.join("postmaster.pid").exists() {
                tokio::time::sleep(std::time::Duration::from_millis(10)).await;
            }
        }
        server.stop().await?;
        let server = Self::launch(self.folder.path()).await?;
        anyhow::ensure!(server.port() == port, "PostgreSQL came back on another port");
        self.server = Some(server);
        Ok(())
    }

    /// Stops it for good.
    ///
    /// # Errors
    /// When it does not stop.
    pub async fn stop(mut self) -> anyhow::Result<()> {
        match self.server.take() {
            Some(server) => Ok(server.stop().await?),
            None => Ok(()),
        }
    }
}

/// A test run: its name, and the process that lives exactly as long.
struct Run {
    name: String,
    runner: u32,
}

fn run() -> &'static Run {
    static RUN: OnceLock<Run> = OnceLock::new();
    RUN.get_or_init(|| {
        let parent = parent_id();
        let own = std::process::id();
        let (name, runner) = match std::env::var("NEXTEST_RUN_ID") {
            Ok(id) => (id, parent),
            // `cargo test` runs one test program after the other.
            Err(_) if std::env::var_os("CARGO").is_some() => (format!("cargo {parent}"), parent),
            Err(_) => (format!("alone {own}"), own),
        };
        Run { name, runner }
    })
}

impl Run {
    fn folder(&self) -> PathBuf {
        let digest = hex::encode(Sha256::digest(&self.name));
        parent_folder().join(format!("{PREFIX}{}", &digest[..16]))
    }
}

/// Memory if there is enough of it (containers often have 64 MB), else the folder for temporary files.
fn parent_folder() -> PathBuf {
    let memory = Path::new("/dev/shm");
    if free_bytes(memory).is_some_and(|free| free >= ROOM_BYTES) {
        memory.to_owned()
    } else {
        std::env::temp_dir()
    }
}

fn free_bytes(folder: &Path) -> Option<u64> {
    let output = Command::new("df")
        .arg("-Pk")
        .arg(folder)
        .stdin(Stdio::null())
        .stderr(Stdio::null())
        .output()
        .ok()?;
    let text = String::from_utf8(output.stdout).ok()?;
    let kilobytes: u64 = text.lines().nth(1)?.split_whitespace().nth(3)?.parse().ok()?;
    Some(kilobytes * 1024)
}

async fn find_or_start(folder: &Path) -> anyhow::Result<ClusterHandle> {
    // Root's server runs as another user, who must be able to pass through.
    match DirBuilder::new().mode(0o711).create(folder) {
        Err(error) if error.kind() != std::io::ErrorKind::AlreadyExists => {
            return Err(error).with_context(|| format!("making {}", folder.display()));
        }
        _ => {}
    }
    let path = folder.join("start");
    let turn = File::create(&path).with_context(|| format!("making {}", path.display()))?;
    // Waits for whoever is starting the server at this moment.
    let turn = tokio::task::spawn_blocking(move || turn.lock().map(|()| turn)).await??;
    if let Some(address) = EmbeddedPostgres::running(folder).await? {
        return Ok(address.into());
    }
    // Says to other runs whose folder this is, whatever becomes of the start.
    fs::write(folder.join("runner"), run().runner.to_string())?;
    remove_leftovers(folder).await;
    let server = EmbeddedPostgres::start_with_settings(folder, throwaway_settings(folder)).await?;
    watch(folder, server.data_folder(), server.socket_dir())?;
    let address = server.detach();
    drop(turn);
    Ok(address.into())
}

fn watch(folder: &Path, data: &Path, sockets: &Path) -> anyhow::Result<()> {
    let runner = run().runner;
    Command::new("/bin/sh")
        .args(["-c", WATCHDOG, "newsystem-test-watchdog", &runner.to_string()])
        .args([data, folder, sockets])
        // It outlives this test and holds none of its handles.
        .process_group(0)
        .current_dir("/")
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn()
        .context("starting the watchdog of the test server")?;
    Ok(())
}

/// Removes what runs left whose watchdog was killed too.
async fn remove_leftovers(own: &Path) {
    let Some(entries) = own.parent().and_then(|parent| fs::read_dir(parent).ok()) else {
        return;
    };
    for folder in entries.flatten().map(|entry| entry.path()) {
        let named = folder
            .file_name()
            .is_some_and(|name| name.to_string_lossy().starts_with(PREFIX));
        let Some(runner) = fs::read_to_string(folder.join("runner"))
            .ok()
            .filter(|_| named && folder != own)
        else {
            continue;
        };
        if Path::new("/proc").join(runner.trim()).exists() || !Path::new("/proc/self").exists() {
            continue;
        }
        // Another process may be at it, or the watchdog was only slow: whatever happens, it is gone in the end.
        if let Ok(Some(_)) = EmbeddedPostgres::running(&folder).await
            && let Ok(server) = EmbeddedPostgres::start_with_settings(&folder, throwaway_settings(&folder)).await
            && server.stop().await.is_err()
        {
            continue;
        }
        let _ = fs::remove_dir_all(&folder);
    }
}
