//! A running `newsystem serve`, which can be killed and started again at the same address.

use std::net::SocketAddr;
use std::time::Duration;

use anyhow::{Result, bail};
use chrono::{TimeDelta, Utc};
use newsystem::token::{EMBEDDED_ISSUER, Person, mint};
use service::config::Secret;
use tempfile::TempDir;
use uuid::Uuid;

use super::Process;

/// Signs the tokens that the programs of the tests believe.
pub const SECRET: &str = "a-secret-of-tests-that-has-32-bytes";
/// How long a start may take, on a machine that does much else.
const LONGEST_START: Duration = Duration::from_secs(30);

/// A token of a person.
///
/// # Panics
/// Never for a life between a second and 30 days.
pub fn token(person: Uuid, life: TimeDelta) -> String {
    token_of(
        &Person {
            user: person.into(),
            email: None,
        },
        life,
    )
}

/// The same, which shows the person's address.
///
/// # Panics
/// As [`token`].
pub fn token_of(person: &Person, life: TimeDelta) -> String {
    let secret = Secret::new(SECRET);
    match mint(
        &secret,
        Some(EMBEDDED_ISSUER),
        "authenticated",
        person,
        life,
        Utc::now(),
    ) {
        Ok(minted) => minted.token.expose().to_owned(),
        Err(error) => panic!("no token: {error:#}"),
    }
}

/// A running `newsystem serve`. Dropped, it is killed.
pub struct Serve {
    process: Process,
    /// What those before it have logged.
    said: String,
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
            process: spawn(database, &settings, &folder, address)?,
            said: String::new(),
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
        format!("{}{}", self.said, self.process.log())
    }

    /// The number of the process.
    pub fn id(&self) -> u32 {
        self.process.id()
    }

    /// Asks it to stop, as a supervisor does.
    ///
    /// # Errors
    /// When it is gone.
    pub fn terminate(&self) -> Result<()> {
        self.process.ask_to_stop()
    }

    /// Ends it without a word: kill -9.
    pub fn kill(&mut self) {
        self.process.kill();
    }

    /// Starts it again at the same address, after [`Serve::kill`].
    ///
    /// # Errors
    /// When it does not start.
    pub async fn start_again(&mut self) -> Result<()> {
        self.said.push_str(&self.process.log());
        self.process = spawn(&self.database, &self.settings, &self.folder, self.address)?;
        self.wait_until_ready().await
    }

    /// Waits until it has ended by itself; whether it did well.
    ///
    /// # Errors
    /// When it does not end.
    pub async fn ended(&mut self) -> Result<bool> {
        for _ in 0..300 {
            if let Some(status) = self.process.ended()? {
                return Ok(status.success());
            }
            tokio::time::sleep(Duration::from_millis(100)).await;
        }
        bail!("the program does not end")
    }

    async fn wait_until_ready(&mut self) -> Result<()> {
        let waited = tokio::time::timeout(LONGEST_START, async {
            while tokio::net::TcpStream::connect(self.address).await.is_err() {
                if let Some(status) = self.process.ended()? {
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

fn spawn(database: &str, settings: &[(String, String)], folder: &TempDir, address: SocketAddr) -> Result<Process> {
    let own = [
        ("DATABASE_URL", database.to_owned()),
        ("SUPABASE_JWT_SECRET", SECRET.to_owned()),
        ("NEWSYSTEM_JWT_ISSUER", EMBEDDED_ISSUER.to_owned()),
        ("NEWSYSTEM_SIGNING_KEY", SECRET.to_owned()),
        ("NEWSYSTEM_LISTEN", address.to_string()),
        ("NEWSYSTEM_DATA_DIR", folder.path().to_string_lossy().into_owned()),
        ("NEWSYSTEM_LOG", "info".to_owned()),
    ];
    let given = settings.iter().map(|(name, value)| (name.as_str(), value.clone()));
    let all: Vec<(&str, String)> = own.into_iter().chain(given).collect();
    Process::start(&["serve"], &all, folder.path())
}
