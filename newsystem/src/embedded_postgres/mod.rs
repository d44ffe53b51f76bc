//! A private PostgreSQL for `newsystem dev`, made from the programs that the system has installed.
//! It is apart because it knows nothing of our tables: it keeps one cluster running and says where it listens.
//!
//! The server is a process of its own. It is stopped with its [`EmbeddedPostgres`]; after a `kill -9` of the program it
//! runs on, and the next start on the same folder adopts it. A lock file, held for as long as the program lives, keeps two
//! programs from sharing one folder. Roles and databases are made by others, over [`Address::superuser_url`].

mod error;
mod place;
mod programs;
mod server;

use std::{
    fmt::{self, Write as _},
    fs::File,
    ops::Deref,
    path::{Path, PathBuf},
};

use sha2::{Digest as _, Sha256};

pub use self::error::Error;
use self::{place::Place, programs::Programs, server::Server};

/// The role that owns the cluster.
pub const SUPERUSER: &str = "postgres";

/// What may differ between the cluster of a developer and the one of a test run.
#[derive(Clone, Debug)]
pub struct Settings {
    /// The folder with `initdb`, `postgres` and `pg_ctl`; without it they are looked for.
    pub programs: Option<PathBuf>,
    /// Where a cluster started by root lives, in a folder named after the project.
    pub state_folder: PathBuf,
    /// Whether data must survive a power cut. Off makes everything faster.
    pub durable: bool,
    /// Further server options, as `-c name=value`.
    pub options: Vec<(String, String)>,
}

impl Default for Settings {
    fn default() -> Self {
        let state_folder = if cfg!(target_os = "macos") {
            "/var/db"
        } else {
            "/var/lib"
        };
        Self {
            programs: None,
            state_folder: state_folder.into(),
            durable: true,
            options: Vec::new(),
        }
    }
}

/// Where a running cluster listens, and its secret.
#[derive(Clone)]
pub struct Address {
    port: u16,
    socket_dir: PathBuf,
    data_folder: PathBuf,
    secret: String,
}

impl Address {
    /// The loopback port.
    pub fn port(&self) -> u16 {
        self.port
    }

    /// The folder of the socket `.s.PGSQL.<port>`. Only the user who runs the server (and root) can enter it.
    pub fn socket_dir(&self) -> &Path {
        &self.socket_dir
    }

    /// What PostgreSQL calls its data directory.
    pub fn data_folder(&self) -> &Path {
        &self.data_folder
    }

    /// The superuser's address of the database `postgres`, over loopback TCP.
    pub fn superuser_url(&self) -> String {
        self.url_for(SUPERUSER, &self.secret, "postgres")
    }

    /// The address of a database for a role, over loopback TCP.
    pub fn url_for(&self, role: &str, password: &str, database: &str) -> String {
        format!(
            "postgres://{}:{}@127.0.0.1:{}/{}",
            encoded(role),
            encoded(password),
            self.port,
            encoded(database)
        )
    }

    /// A password for a role, the same at every start, derived from the cluster's secret: nothing more need be stored.
    pub fn password_for(&self, role: &str) -> String {
        hex::encode(
            Sha256::new()
                .chain_update(&self.secret)
                .chain_update("/role/")
                .chain_update(role)
                .finalize(),
        )
    }
}

impl fmt::Debug for Address {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Address")
            .field("port", &self.port)
            .field("socket_dir", &self.socket_dir)
            .field("data_folder", &self.data_folder)
            .field("secret", &"[redacted]")
            .finish()
    }
}

/// A running private cluster. Dropping it stops the server; [`stop`](Self::stop) does so and tells of failure.
#[derive(Debug)]
pub struct EmbeddedPostgres {
    address: Address,
    server: Option<Server>,
    /// Held for its lock: nobody else may start on this folder.
    _lock: File,
}

impl EmbeddedPostgres {
    /// Starts the cluster of a data folder (`.newsystem`; the cluster is in `postgres` below it), makes it first if there is
    /// none, or adopts the server that a killed program left running.
    pub async fn start(data_dir: &Path) -> Result<Self, Error> {
        Self::start_with_settings(data_dir, Settings::default()).await
    }

    /// As [`start`](Self::start), with other settings. An adopted server keeps the options that it was started with.
    pub async fn start_with_settings(data_dir: &Path, settings: Settings) -> Result<Self, Error> {
        let data_dir = data_dir.to_owned();
        blocking(move || Self::start_blocking(&data_dir, &settings)).await
    }

    /// The cluster of a data folder if a server is running there, whoever keeps it. It is not stopped by the one who asks.
    pub async fn running(data_dir: &Path) -> Result<Option<Address>, Error> {
        let data_dir = data_dir.to_owned();
        blocking(move || Self::running_blocking(&data_dir)).await
    }

    /// Stops the server: sessions are ended, work in hand is rolled back, data is on disk when this returns.
    pub async fn stop(mut self) -> Result<(), Error> {
        match self.server.take() {
            Some(server) => blocking(move || server.stop()).await,
            None => Ok(()),
        }
    }

    /// Leaves the server running without a keeper. The next start on the folder adopts it.
    pub fn detach(mut self) -> Address {
        self.server = None;
        self.address.clone()
    }

    fn start_blocking(data_dir: &Path, settings: &Settings) -> Result<Self, Error> {
        let installed = programs::find(settings.programs.as_deref())?;
        let place = Place::prepare(data_dir, settings)?;
        let lock = place.lock()?;
        let programs = Programs::for_data(installed, &place.data)?;
        let secret = place.secret()?;
        if !place.has_data() {
            server::initialize(&place, &programs, settings)?;
        }
        let (server, port, socket_dir) = match server::adopt(&place, &programs)? {
            Some(adopted) => adopted,
            None => server::launch(&place, &programs, settings)?,
        };
        tracing::info!(postgres.version = programs.major, postgres.port = port, folder = %place.home.display(), "private PostgreSQL is ready");
        let address = Address {
            port,
            socket_dir,
            data_folder: place.data,
            secret,
        };
        Ok(Self {
            address,
            server: Some(server),
            _lock: lock,
        })
    }

    fn running_blocking(data_dir: &Path) -> Result<Option<Address>, Error> {
        let Some(place) = Place::existing(data_dir)? else {
            return Ok(None);
        };
        let Some(postmaster) = server::ready_postmaster(&place.data)? else {
            return Ok(None);
        };
        let secret = place.secret()?;
        let server::Postmaster { port, socket_dir, .. } = postmaster;
        Ok(Some(Address {
            port,
            socket_dir,
            data_folder: place.data,
            secret,
        }))
    }
}

impl Deref for EmbeddedPostgres {
    type Target = Address;

    fn deref(&self) -> &Address {
        &self.address
    }
}

impl Drop for EmbeddedPostgres {
    fn drop(&mut self) {
        if let Some(server) = self.server.take()
            && let Err(error) = server.stop()
        {
            tracing::warn!(%error, "private PostgreSQL was not stopped; the next start adopts it");
        }
    }
}

async fn blocking<T: Send + 'static>(work: impl FnOnce() -> Result<T, Error> + Send + 'static) -> Result<T, Error> {
    match tokio::task::spawn_blocking(work).await {
        Ok(result) => result,
        Err(panic) => Err(Error::Failed {
            what: "the start of PostgreSQL",
            detail: panic.to_string(),
        }),
    }
}

/// Percent-encodes what is not unreserved in a URL.
fn encoded(text: &str) -> String {
    text.bytes().fold(String::with_capacity(text.len()), |mut out, byte| {
        if byte.is_ascii_alphanumeric() || b"-._~".contains(&byte) {
            out.push(char::from(byte));
        } else {
            // Writing into a String cannot fail.
            let _ = write!(out, "%{byte:02X}");
        }
        out
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn address() -> Address {
        Address {
            port: 5555,
            socket_dir: "/tmp/x".into(),
            data_folder: "/tmp/d".into(),
            secret: "s3cret".into(),
        }
    }

    #[test]
    fn addresses_are_encoded() {
        assert_eq!(
            address().url_for("a b", "p@ss/:%", "d?b"),
            "postgres://a%20b:p%40ss%2F%3A%25@127.0.0.1:5555/d%3Fb"
        );
        assert_eq!(
            address().superuser_url(),
            "postgres://postgres:s3cret@127.0.0.1:5555/postgres"
        );
    }

    #[test]
    fn each_role_has_its_own_password_and_keeps_it() {
        assert_eq!(address().password_for("api"), address().password_for("api"));
        assert_ne!(address().password_for("api"), address().password_for("worker"));
        assert_eq!(address().password_for("api").len(), 64);
    }

    #[test]
    fn the_secret_is_not_printed() {
        assert!(!format!("{:?}", address()).contains("s3cret"));
    }
}
