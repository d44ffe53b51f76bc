//! What `serve` is configured with: read once, checked as a whole, before anything is opened.

#[cfg(test)]
mod tests;

use std::net::{IpAddr, SocketAddr};
use std::path::PathBuf;
use std::time::Duration;

use service::config::{DatabaseUrl, Exception, Faults, Lookup, PoolConfig, Secret, Settings, StorageConfig, data_dir};
use url::{Origin, Url};

use crate::http::auth::AuthConfig;
use crate::http::limits::settings as limits;
use crate::http::{Limits, Rates};

/// The configuration of a process that serves people.
#[derive(Debug, Clone)]
pub struct Config {
    /// Where the server listens (`NEWSYSTEM_LISTEN`).
    pub listen: SocketAddr,
    /// The address that people use (`NEWSYSTEM_PUBLIC_URL`): links in answers and signed upload addresses begin with it.
    pub public_url: Url,
    /// Whose `X-Forwarded-For` and `X-Forwarded-Proto` are believed (`NEWSYSTEM_TRUSTED_PROXIES`).
    pub trusted_proxies: Vec<Network>,
    /// Web pages that may call from a browser (`NEWSYSTEM_CORS_ORIGINS`), never with credentials of the browser's own.
    pub cors_origins: Vec<String>,
    /// The database, as `newsystem_api` (`DATABASE_URL`).
    pub database: DatabaseUrl,
    /// Connections and time limits (`NEWSYSTEM_API_POOL` and the two settings of every pool).
    pub pool: PoolConfig,
    /// Whose tokens are believed.
    pub auth: AuthConfig,
    /// Where recordings and reports lie.
    pub storage: StorageConfig,
    /// Signs upload and download addresses of a folder store (`NEWSYSTEM_SIGNING_KEY`).
    pub signing_key: Option<Secret>,
    /// The largest chunk of a recording (`NEWSYSTEM_MAX_CHUNK_BYTES`).
    pub max_chunk_bytes: u64,
    /// What may be asked at most (`NEWSYSTEM_MAX_…`).
    pub limits: Limits,
    /// A folder with the only operations that are accepted (`NEWSYSTEM_OPERATIONS_DIR`).
    pub operations: Option<PathBuf>,
    /// How often a caller may ask (`NEWSYSTEM_RATE_…`).
    pub rates: Rates,
    /// How long open requests may take to end once the process is asked to stop (`NEWSYSTEM_DRAIN_SECONDS`).
    pub drain: Duration,
    /// The folder for local data.
    pub data_dir: PathBuf,
    /// What an operator should be told although nothing is wrong.
    pub notices: Vec<String>,
}

/// The least bytes of a key for HMAC-SHA-256 (RFC 7518, section 3.2).
const LEAST_KEY_BYTES: usize = 32;

impl Config {
    /// Reads everything that `serve` needs.
    pub fn load(lookup: Lookup<'_>) -> Result<Self, Faults> {
        let mut settings = Settings::new(lookup);
        let config = Self::read(&mut settings);
        settings.finish(config)
    }

    /// The same with a reader that the caller keeps.
    pub fn read(settings: &mut Settings<'_>) -> Option<Self> {
        let data_dir = data_dir(settings);
        let listen = settings.or("NEWSYSTEM_LISTEN", SocketAddr::from(([127, 0, 0, 1], 8080)), |text| {
            text.parse()
                .map_err(|_| format!("{text:?} is not an address and port, such as 127.0.0.1:8080"))
        });
        let trusted_proxies = settings.list("NEWSYSTEM_TRUSTED_PROXIES", Network::parse);
        if !listen.ip().is_loopback() && trusted_proxies.is_empty() && !settings.accepts(Exception::PublicListen) {
            settings.refuse(
                "NEWSYSTEM_LISTEN",
                "is reached by others, and this server speaks no TLS: put a proxy that ends TLS before it and name its \
                 address in NEWSYSTEM_TRUSTED_PROXIES",
                Exception::PublicListen,
            );
        }
        let public_url = settings.endpoint("NEWSYSTEM_PUBLIC_URL", Some(Exception::PublicListen));
        let cors_origins = settings.list("NEWSYSTEM_CORS_ORIGINS", origin);
        let database = DatabaseUrl::required(
            settings,
            "DATABASE_URL",
            "it is the database, signed in to as newsystem_api",
        );
        let pool = PoolConfig::read(settings, "NEWSYSTEM_API_POOL", 16);
        let auth = read_auth(settings);
        let storage = StorageConfig::read(settings, &data_dir);
        let signing_key = settings.secret("NEWSYSTEM_SIGNING_KEY", LEAST_KEY_BYTES);
        if matches!(storage, Some(StorageConfig::Folder(_))) && settings.text("NEWSYSTEM_SIGNING_KEY").is_none() {
            settings.fault(
                "NEWSYSTEM_SIGNING_KEY",
                "is not set: a folder store needs it to sign upload addresses; make one with: openssl rand -hex 32",
            );
        }
        let max_chunk_bytes = settings.number(
            "NEWSYSTEM_MAX_CHUNK_BYTES",
            64 * 1024 * 1024,
            64 * 1024..=5 * 1024 * 1024 * 1024,
        );
        let drain = Duration::from_secs(settings.number("NEWSYSTEM_DRAIN_SECONDS", 20, 0..=600));
        let mut limits = Limits::default();
        limits::read(settings, &mut limits);
        let rates = Rates::read(settings);
        let operations = settings.text("NEWSYSTEM_OPERATIONS_DIR").map(PathBuf::from);
        settings.unused(
            "SUPABASE_SERVICE_KEY",
            "no process passes the row security that it would pass; remove it from here",
        );
        Some(Self {
            listen,
            public_url: public_url.unwrap_or_else(|| own_address(listen)),
            trusted_proxies,
            cors_origins,
            database: database?,
            pool,
            auth: auth?,
            storage: storage?,
            signing_key,
            max_chunk_bytes,
            limits,
            operations,
            rates,
            drain,
            data_dir,
            notices: settings.notices().to_vec(),
        })
    }
}

/// Whose tokens are believed. `SUPABASE_URL` derives issuer and keys; each can be given alone, for another issuer.
pub fn read_auth(settings: &mut Settings<'_>) -> Option<AuthConfig> {
    let project = settings.endpoint("SUPABASE_URL", None);
    let secret = settings.secret("SUPABASE_JWT_SECRET", LEAST_KEY_BYTES);
    let before = settings.secret("SUPABASE_JWT_SECRET_PREVIOUS", LEAST_KEY_BYTES);
    let derived_issuer = project.map(|project| format!("{}/auth/v1", project.as_str().trim_end_matches('/')));
    let issuer = settings.text("NEWSYSTEM_JWT_ISSUER").or_else(|| derived_issuer.clone());
    let audience = settings
        .text("NEWSYSTEM_JWT_AUDIENCE")
        .unwrap_or_else(|| "authenticated".to_owned());
    let derived_keys = derived_issuer.and_then(|issuer| Url::parse(&format!("{issuer}/.well-known/jwks.json")).ok());
    let keys_url = settings.endpoint("NEWSYSTEM_JWKS_URL", None).or(derived_keys);
    let any = ["SUPABASE_URL", "SUPABASE_JWT_SECRET", "NEWSYSTEM_JWKS_URL"];
    if any.into_iter().all(|name| settings.text(name).is_none()) {
        settings.fault(
            "SUPABASE_URL",
            "is not set, nor is SUPABASE_JWT_SECRET or NEWSYSTEM_JWKS_URL: nobody could sign in",
        );
        return None;
    }
    if secret.is_none() && before.is_some() {
        settings.fault(
            "SUPABASE_JWT_SECRET_PREVIOUS",
            "is set without SUPABASE_JWT_SECRET: the current secret is missing",
        );
        return None;
    }
    if keys_url.is_some() && issuer.is_none() {
        settings.fault(
            "NEWSYSTEM_JWT_ISSUER",
            "is not set: with NEWSYSTEM_JWKS_URL the issuer has to be named",
        );
        return None;
    }
    Some(AuthConfig {
        secrets: secret.into_iter().chain(before).collect(),
        keys_url,
        issuer,
        audience: Some(audience),
    })
}

/// Where the server is reached when nobody says otherwise: an unspecified address is written as this machine.
fn own_address(listen: SocketAddr) -> Url {
    let host = if listen.ip().is_unspecified() {
        IpAddr::from([127, 0, 0, 1])
    } else {
        listen.ip()
    };
    let mut url = Url::parse("http://127.0.0.1/").unwrap_or_else(|_| unreachable!("a constant address"));
    // Neither can fail for an http address.
    let _ = url.set_ip_host(host);
    let _ = url.set_port(Some(listen.port()));
    url
}

/// An origin as a browser writes it: scheme, host and port, nothing else.
fn origin(text: &str) -> Result<String, String> {
    if text == "*" {
        return Err("* would let every web page call: name the pages".to_owned());
    }
    let url = Url::parse(text).map_err(|error| format!("{text:?} is not an origin: {error}"))?;
    let origin = url.origin();
    let bare = matches!(origin, Origin::Tuple(..)) && text.trim_end_matches('/') == origin.ascii_serialization();
    if bare && matches!(url.scheme(), "http" | "https") {
        Ok(origin.ascii_serialization())
    } else {
        Err(format!("{text:?} is not an origin, such as https://app.example.com"))
    }
}

/// A range of addresses: `10.0.0.0/8`, or one address.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Network {
    address: IpAddr,
    prefix: u8,
}

impl Network {
    /// Reads `address` or `address/prefix`. A range of all addresses is refused: it would let everybody choose his address.
    pub fn parse(text: &str) -> Result<Self, String> {
        let wrong = || format!("{text:?} is not an address or range, such as 10.1.2.3 or 10.0.0.0/8");
        let (address, prefix) = text
            .split_once('/')
            .map_or((text, None), |(address, prefix)| (address, Some(prefix)));
        let address: IpAddr = address.parse().map_err(|_| wrong())?;
        let longest = if address.is_ipv4() { 32 } else { 128 };
        let prefix = match prefix {
            Some(prefix) => prefix
                .parse()
                .ok()
                .filter(|prefix| *prefix <= longest)
                .ok_or_else(wrong)?,
            None => longest,
        };
        if prefix == 0 {
            return Err(format!("{text:?} is everybody: name the proxy's address"));
        }
        Ok(Self { address, prefix })
    }

    /// Whether `address` is in the range. An IPv4 address in its IPv6 form is the IPv4 address.
    pub fn contains(&self, address: IpAddr) -> bool {
        let same = |own: u128, other: u128, bits: u32| {
            (own ^ other).checked_shr(bits - u32::from(self.prefix)).unwrap_or(0) == 0
        };
        match (self.address, address.to_canonical()) {
            (IpAddr::V4(own), IpAddr::V4(other)) => same(own.to_bits().into(), other.to_bits().into(), 32),
            (IpAddr::V6(own), IpAddr::V6(other)) => same(own.to_bits(), other.to_bits(), 128),
            _ => false,
        }
    }
}
