//! The program itself, as a process: for what only a process can show, such as being killed.

use std::net::SocketAddr;
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use anyhow::{Context as _, Result, bail};
use chrono::{TimeDelta, Utc};
use newsystem::token::{EMBEDDED_ISSUER, Person, mint};
use service::config::Secret;
use tempfile::TempDir;
use uuid::Uuid;

/// Signs the tokens that the programs of the tests believe.
pub const SECRET: &str = "a-secret-of-tests-that-has-32-bytes";
/// How long a start may take, on a machine that does much else.
const LONGEST_START: Duration = Duration::from_secs(30);

/// A token of a person.
///
/// # Panics
/// Never for a life between a second and 30 days.
pub fn token(person: Uuid, life: TimeDelta) -> String {
    let person = Person {
        user: person.into(),
        email: None,
    };
    let minted = mint(
        &Secret::new(SECRET),
        Some(EMBEDDED_ISSUER),
        "authenticated",
        &person,
        life,
        Utc::now(),
    );
    match minted {
        Ok(minted) => minted.token.expose().to_owned(),
        Err(error) => panic!("no token: {error:#}"),
    }
}

/// The program that the tests of this run were built with; `NEWSYSTEM_TEST_PROGRAM` names another.
///
/// # Errors
/// When it is not built.
pub fn path() -> Result<PathBuf> {
    if let Some(path) = std::env::var_os("NEWSYSTEM_TEST_PROGRAM") {
        return Ok(path.into());
    }
    let own = std::env::current_exe()?;
    let folder = own.ancestors().nth(2).context("a test program without a folder")?;
    let path = folder.join("newsystem");
    if !path.exists() {
        bail!(
            "{} is not built: cargo build -p newsystem (./dev test does)",
            path.display()
        );
    }
    Ok(path)
}

/// A running `newsystem serve`. Dropped, it is killed.
pub struct Serve {
    child: Child,
    database: String,
    settings: Vec<(String, String)>,
    folder: TempDir,
    /// Where it listens; the same after a restart.
    pub address: SocketAddr,
}

impl Serve {
    /// Starts it on this database (as `newsystem_api`) with these settings beside, and waits until it answers.
    ///
    /// # Errors
    /// When it does not start; its log is part of the error.
    pub async fn start(database: &str, settings: &[(&str, &str)]) -> Result<Self> {
        let folder = tempfile::Builder::new().prefix("newsystem-serve-").tempdir()?;
        let address = std::net::TcpListener::bind("127.0.0.1:0")?.local_addr()?;
        let settings: Vec<(String, String)> = settings
            .iter()
            .map(|(name, value)| ((*name).to_owned(), (*value).to_owned()))
            .collect();
        let mut serve = Self {
            child: spawn(database, &settings, &folder, address)?,
            database: database.to_owned(),
            settings,
            folder,
            address,
        };
        serve.wait_until_ready().await?;
        Ok(serve)
    }

    /// The address of GraphQL.
    pub fn url(&self) -> String {
        format!("http://{}/graphql", self.address)
    }

    /// What it has logged.
    pub fn log(&self) -> String {
        std::fs::read_to_string(self.folder.path().join("log")).unwrap_or_default()
    }

    /// The number of the process.
    pub fn id(&self) -> u32 {
        self.child.id()
    }

    /// Asks it to stop, as a supervisor does.
    ///
    /// # Errors
    /// When it is gone.
    pub fn terminate(&self) -> Result<()> {
        let told = Command::new("/bin/kill")
            .args(["-TERM", &self.id().to_string()])
            .status();
        anyhow::ensure!(told?.success(), "nobody to be told");
        Ok(())
    }

    /// Ends it without a word: kill -9.
    ///
    /// # Errors
    /// Those of the system.
    pub fn kill(&mut self) -> Result<()> {
        self.child.kill()?;
        self.child.wait()?;
        Ok(())
    }

    /// Starts it again at the same address, after [`Serve::kill`].
    ///
    /// # Errors
    /// When it does not start.
    pub async fn start_again(&mut self) -> Result<()> {
        self.child = spawn(&self.database, &self.settings, &self.folder, self.address)?;
        self.wait_until_ready().await
    }

    /// Waits until it has ended by itself; whether it did well.
    ///
    /// # Errors
    /// When it does not end.
    pub async fn ended(&mut self) -> Result<bool> {
        for _ in 0..300 {
            if let Some(status) = self.child.try_wait()? {
                return Ok(status.success());
            }
            tokio::time::sleep(Duration::from_millis(100)).await;
        }
        bail!("the program does not end")
    }

    async fn wait_until_ready(&mut self) -> Result<()> {
        let waited = tokio::time::timeout(LONGEST_START, async {
            while tokio::net::TcpStream::connect(self.address).await.is_err() {
                if let Some(status) = self.child.try_wait()? {
                    bail!("it ended with {status}");
                }
                tokio::time::sleep(Duration::from_millis(20)).await;
            }
            Ok(())
        });
        match waited.await {
            Ok(Ok(())) => Ok(()),
            Ok(Err(error)) => Err(error.context(self.log())),
            Err(_) => bail!("it does not listen\n{}", self.log()),
        }
    }
}

fn spawn(database: &str, settings: &[(String, String)], folder: &TempDir, address: SocketAddr) -> Result<Child> {
    let log = std::fs::OpenOptions::new()
        .create(true)
        .append(true)
        .open(folder.path().join("log"))?;
    let mut command = Command::new(path()?);
    command
        .arg("serve")
        .current_dir(folder.path())
        .env_clear()
        .env("DATABASE_URL", database)
        .env("SUPABASE_JWT_SECRET", SECRET)
        .env("NEWSYSTEM_JWT_ISSUER", EMBEDDED_ISSUER)
        .env("NEWSYSTEM_SIGNING_KEY", SECRET)
        .env("NEWSYSTEM_LISTEN", address.to_string())
        .env("NEWSYSTEM_DATA_DIR", folder.path())
        .env("NEWSYSTEM_LOG", "info")
        .envs(settings.iter().map(|(name, value)| (name, value)))
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(log);
    Ok(command.spawn()?)
}

impl Drop for Serve {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
