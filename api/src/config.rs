//! What `serve` is configured with: read once, checked as a whole, before anything is opened.

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

#[cfg(test)]
mod tests {
    use super::{Config, Network};

    const BASE: [(&str, &str); 3] = [
        ("DATABASE_URL", "postgres://newsystem_api:pw@127.0.0.1/newsystem"),
        ("SUPABASE_JWT_SECRET", "a-secret-that-has-32-bytes-or-more"),
        ("NEWSYSTEM_SIGNING_KEY", "another-secret-with-32-bytes-or-more"),
    ];

    fn load(pairs: &[(&str, &str)]) -> Result<Config, String> {
        let lookup = |name: &str| {
            pairs
                .iter()
                .chain(&BASE)
                .find(|(key, _)| *key == name)
                .map(|(_, value)| (*value).to_owned())
        };
        Config::load(&lookup).map_err(|faults| faults.to_string())
    }

    #[test]
    fn three_settings_are_enough() {
        let config = load(&[]).unwrap();
        assert_eq!(config.listen.to_string(), "127.0.0.1:8080");
        assert_eq!(config.public_url.as_str(), "http://127.0.0.1:8080/");
        assert_eq!(config.auth.audience.as_deref(), Some("authenticated"));
        assert_eq!(config.data_dir.to_str(), Some(".newsystem"));
        assert_eq!(config.limits.sockets_per_caller, 20);
        let shown = format!("{config:?}");
        assert!(!shown.contains("32-bytes") && !shown.contains(":pw@"), "{shown}");
    }

    #[test]
    fn nothing_is_enough_for_a_list_of_what_is_missing() {
        let faults = Config::load(&|_| None).unwrap_err().to_string();
        for name in [
            "3 problems",
            "DATABASE_URL: is not set",
            "SUPABASE_URL: is not set",
            "NEWSYSTEM_SIGNING_KEY: is not set",
        ] {
            assert!(faults.contains(name), "{name} is not in {faults}");
        }
    }

    #[test]
    fn a_supabase_project_derives_issuer_and_keys() {
        let config = load(&[
            ("SUPABASE_URL", "https://ref.supabase.co/"),
            ("SUPABASE_JWT_SECRET", ""),
        ])
        .unwrap();
        assert_eq!(config.auth.issuer.as_deref(), Some("https://ref.supabase.co/auth/v1"));
        assert_eq!(
            config.auth.keys_url.unwrap().as_str(),
            "https://ref.supabase.co/auth/v1/.well-known/jwks.json"
        );
        assert!(config.auth.secrets.is_empty());
        let config = load(&[
            ("SUPABASE_URL", "https://ref.supabase.co"),
            ("NEWSYSTEM_JWT_ISSUER", "https://login.acme.test"),
            ("NEWSYSTEM_JWKS_URL", "https://login.acme.test/keys"),
        ])
        .unwrap();
        assert_eq!(config.auth.issuer.as_deref(), Some("https://login.acme.test"));
        assert_eq!(config.auth.keys_url.unwrap().as_str(), "https://login.acme.test/keys");
    }

    #[test]
    fn what_would_expose_somebody_is_refused_until_it_is_accepted_by_name() {
        for (pairs, wanted) in [
            (
                vec![("NEWSYSTEM_LISTEN", "0.0.0.0:8080")],
                "NEWSYSTEM_ACCEPT=public-listen",
            ),
            (
                vec![("NEWSYSTEM_LISTEN", "[::]:8080")],
                "NEWSYSTEM_ACCEPT=public-listen",
            ),
            (
                vec![("NEWSYSTEM_PUBLIC_URL", "http://app.example.com")],
                "NEWSYSTEM_ACCEPT=public-listen",
            ),
            (
                vec![("DATABASE_URL", "postgres://a@db.test/x")],
                "NEWSYSTEM_ACCEPT=database-plaintext",
            ),
            (
                vec![
                    ("NEWSYSTEM_STORAGE_URL", "s3://x"),
                    ("AWS_ENDPOINT_URL", "http://minio.test"),
                ],
                "NEWSYSTEM_ACCEPT=storage-plaintext",
            ),
        ] {
            let fault = load(&pairs).unwrap_err();
            assert!(fault.contains(wanted), "{pairs:?}: {fault}");
            let mut accepted = pairs.clone();
            accepted.push(("NEWSYSTEM_ACCEPT", wanted.split_once('=').unwrap().1));
            assert!(load(&accepted).is_ok(), "{accepted:?}");
        }
        assert!(
            load(&[
                ("NEWSYSTEM_LISTEN", "0.0.0.0:8080"),
                ("NEWSYSTEM_TRUSTED_PROXIES", "10.0.0.7")
            ])
            .is_ok()
        );
        let plain_keys = load(&[
            ("NEWSYSTEM_JWKS_URL", "http://login.test/keys"),
            ("NEWSYSTEM_JWT_ISSUER", "x"),
        ])
        .unwrap_err();
        assert!(
            plain_keys.contains("NEWSYSTEM_JWKS_URL: is not encrypted"),
            "{plain_keys}"
        );
    }

    #[test]
    fn secrets_that_would_not_hold_are_refused() {
        for (pairs, wanted) in [
            (
                vec![("SUPABASE_JWT_SECRET", "secret")],
                "SUPABASE_JWT_SECRET: has 6 bytes",
            ),
            (
                vec![
                    ("SUPABASE_JWT_SECRET", ""),
                    ("SUPABASE_JWT_SECRET_PREVIOUS", BASE[1].1),
                    ("SUPABASE_URL", "https://r.supabase.co"),
                ],
                "without SUPABASE_JWT_SECRET",
            ),
            (
                vec![("NEWSYSTEM_JWKS_URL", "https://login.test/keys")],
                "NEWSYSTEM_JWT_ISSUER",
            ),
            (
                vec![("NEWSYSTEM_SIGNING_KEY", "x")],
                "NEWSYSTEM_SIGNING_KEY: has 1 bytes",
            ),
        ] {
            let fault = load(&pairs).unwrap_err();
            assert!(fault.contains(wanted), "{pairs:?}: {fault}");
        }
        let config = load(&[(
            "SUPABASE_JWT_SECRET_PREVIOUS",
            "the-secret-before-with-32-bytes-or-more",
        )])
        .unwrap();
        assert_eq!(config.auth.secrets.len(), 2);
    }

    #[test]
    fn limits_and_budgets_are_set_by_name_and_never_switched_off() {
        let config = load(&[
            ("NEWSYSTEM_MAX_DEPTH", "20"),
            ("NEWSYSTEM_MAX_COMPLEXITY", "9000"),
            ("NEWSYSTEM_RATE_KEY", "20/2"),
        ])
        .unwrap();
        assert_eq!((config.limits.depth, config.limits.complexity), (20, 9000));
        assert_eq!((config.rates.key.burst.get(), config.rates.key.seconds.get()), (20, 2));
        let defaults = load(&[]).unwrap();
        assert_eq!(
            (defaults.limits.tokens, defaults.rates.user.burst.get()),
            (4_000, 1_200)
        );
        for (name, value) in [
            ("NEWSYSTEM_MAX_DEPTH", "0"),
            ("NEWSYSTEM_MAX_PAGE_SIZE", "1000"),
            ("NEWSYSTEM_RATE_USER", "0/60"),
            ("NEWSYSTEM_RATE_ADDRESS", "fast"),
        ] {
            let faults = load(&[(name, value)]).unwrap_err();
            assert!(faults.contains(name), "{faults}");
        }
    }

    #[test]
    fn sockets_and_subscriptions_have_limits_of_their_own() {
        let config = load(&[
            ("NEWSYSTEM_SOCKETS_PER_CALLER", "3"),
            ("NEWSYSTEM_SUBSCRIPTIONS_PER_ORGANIZATION", "40"),
        ])
        .unwrap();
        let limits = config.limits;
        assert_eq!(
            (limits.sockets_per_caller, limits.subscriptions_per_organization),
            (3, 40)
        );
        assert!(load(&[("NEWSYSTEM_SOCKETS", "0")]).is_err());
    }

    #[test]
    fn the_service_key_is_accepted_and_said_to_be_unused() {
        let config = load(&[("SUPABASE_SERVICE_KEY", "eyJhbGciOi")]).unwrap();
        assert_eq!(config.notices.len(), 1);
        assert!(config.notices[0].starts_with("SUPABASE_SERVICE_KEY is set and not used"));
        assert!(!format!("{config:?}").contains("eyJhbGciOi"));
    }

    #[test]
    fn the_operators_page_lists_every_limit_and_rate_with_its_default() {
        let page = include_str!("../../docs/operations.md");
        let limits = serde_json::to_value(crate::http::Limits::default()).unwrap();
        let rates = serde_json::to_value(crate::http::Rates::default()).unwrap();
        let rows = limits
            .as_object()
            .unwrap()
            .iter()
            .map(|(name, value)| format!("| `{name}` | {value} |"));
        let rates = rates.as_object().unwrap().iter();
        let rates = rates.map(|(name, rate)| format!("| `{name}` | {} in {} s |", rate["burst"], rate["seconds"]));
        let missing: Vec<_> = rows.chain(rates).filter(|row| !page.contains(row)).collect();
        assert!(missing.is_empty(), "not in docs/operations.md: {missing:#?}");
    }

    #[test]
    fn origins_are_origins() {
        let config = load(&[(
            "NEWSYSTEM_CORS_ORIGINS",
            "https://app.example.com/, http://localhost:5173",
        )])
        .unwrap();
        assert_eq!(
            config.cors_origins,
            ["https://app.example.com", "http://localhost:5173"]
        );
        for bad in [
            "*",
            "app.example.com",
            "https://app.example.com/path",
            "file:///x",
            "null",
        ] {
            assert!(load(&[("NEWSYSTEM_CORS_ORIGINS", bad)]).is_err(), "{bad}");
        }
    }

    #[test]
    fn a_range_holds_its_addresses_and_no_others() {
        for (range, address, inside) in [
            ("10.0.0.0/8", "10.255.0.1", true),
            ("10.0.0.0/8", "11.0.0.1", false),
            ("10.0.0.7", "10.0.0.7", true),
            ("10.0.0.7", "10.0.0.8", false),
            ("10.0.0.7", "::ffff:10.0.0.7", true),
            ("fd00::/8", "fd12::1", true),
            ("fd00::/8", "fe00::1", false),
            ("10.0.0.0/8", "fd00::1", false),
        ] {
            assert_eq!(
                Network::parse(range).unwrap().contains(address.parse().unwrap()),
                inside,
                "{range} {address}"
            );
        }
        for bad in ["0.0.0.0/0", "::/0", "10.0.0.0/33", "10.0.0/8", "proxy", "10.0.0.1/"] {
            assert!(Network::parse(bad).is_err(), "{bad}");
        }
    }
}
