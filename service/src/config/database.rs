//! Database addresses: what is checked about one before anything connects.

use std::time::Duration;

use url::Url;

use super::{Exception, Secret, Settings, is_loopback};

/// The address of a database, with the role and password to sign in with.
#[derive(Debug, Clone)]
pub struct DatabaseUrl {
    /// The whole address, password included.
    pub url: Secret,
    /// The login role. On Supabase's pooler it is written `role.project`; here it is the role.
    pub role: String,
    /// The password, where the address has one.
    pub password: Option<Secret>,
    /// Host, port and database, for people: `db.example.com:5432/newsystem`.
    pub place: String,
    /// Whether the database is on this machine.
    pub local: bool,
    /// Whether the address belongs to a hosted Supabase project.
    pub supabase: bool,
}

/// How many connections a process keeps, and how long a statement may take.
#[derive(Debug, Clone)]
pub struct PoolConfig {
    /// The most connections at a time.
    pub max_connections: u32,
    /// How long a request waits for a connection before it is refused.
    pub acquire_timeout: Duration,
    /// How long one statement may run; set in every transaction.
    pub statement_timeout: Duration,
}

impl PoolConfig {
    /// Reads the settings of the pool named by `size_setting`.
    pub fn read(settings: &mut Settings<'_>, size_setting: &'static str, default_size: u64) -> Self {
        Self {
            max_connections: settings.number(size_setting, default_size, 1..=1000) as u32,
            acquire_timeout: Duration::from_secs(settings.number("NEWSYSTEM_ACQUIRE_TIMEOUT_SECONDS", 5, 1..=120)),
            statement_timeout: Duration::from_secs(settings.number("NEWSYSTEM_STATEMENT_TIMEOUT_SECONDS", 10, 1..=600)),
        }
    }
}

/// The port of Supabase's transaction pooler. PgBouncer's usual one, 6432, says nothing about its mode.
const TRANSACTION_POOLER_PORT: u16 = 6543;

impl DatabaseUrl {
    /// Reads the address `name`, which must be set. `why` says what it is for.
    ///
    /// Refused: what is no PostgreSQL address; a transaction pooler, which loses LISTEN, session locks and prepared
    /// statements (measured: concurrent statements got each other's answers); a database on another machine without
    /// `sslmode=verify-full`, unless that is accepted.
    pub fn required(settings: &mut Settings<'_>, name: &'static str, why: &str) -> Option<Self> {
        let found = settings.required(name, why, parse)?;
        Self::checked(settings, name, found)
    }

    /// Reads the address `name`, if it is set.
    pub fn optional(settings: &mut Settings<'_>, name: &'static str) -> Option<Self> {
        let found = settings.optional(name, parse)?;
        Self::checked(settings, name, found)
    }

    fn checked(settings: &mut Settings<'_>, name: &'static str, found: Parsed) -> Option<Self> {
        if found.pooled {
            settings.fault(
                name,
                "is a transaction pooler (port 6543, or pgbouncer=true): listening, migrations and the queue do not work \
                 through one, and requests may get each other's answers; use a direct or session-pooled address (port 5432)",
            );
            return None;
        }
        if !found.local && !found.verified && !settings.accepts(Exception::DatabasePlaintext) {
            settings.refuse(
                name,
                "is on another machine and its certificate would not be verified: add sslmode=verify-full (and sslrootcert)",
                Exception::DatabasePlaintext,
            );
            return None;
        }
        Some(found.address)
    }
}

struct Parsed {
    address: DatabaseUrl,
    local: bool,
    verified: bool,
    pooled: bool,
}

/// Takes an address apart. Its text may carry a password, so no fault repeats it.
fn parse(text: &str) -> Result<Parsed, String> {
    let url = Url::parse(text).map_err(|error| format!("is not an address: {error}"))?;
    if !matches!(url.scheme(), "postgres" | "postgresql") {
        return Err("is not a postgres:// address".to_owned());
    }
    let mut host = percent_decoded(url.host_str().unwrap_or_default())?;
    let mut port = url.port().unwrap_or(5432);
    let mut user = percent_decoded(url.username())?;
    let mut password = url.password().map(percent_decoded).transpose()?;
    let mut database = percent_decoded(url.path().trim_start_matches('/'))?;
    let mut ssl = "prefer".to_owned();
    let mut pooled = false;
    for (key, value) in url.query_pairs() {
        match &*key {
            "host" | "hostaddr" => host = value.into_owned(),
            "port" => port = value.parse().map_err(|_| "has a port that is no port".to_owned())?,
            "user" => user = value.into_owned(),
            "password" => password = Some(value.into_owned()),
            "dbname" => database = value.into_owned(),
            "sslmode" | "ssl-mode" => ssl = value.into_owned(),
            "pgbouncer" => pooled = value == "true",
            _ => {}
        }
    }
    if user.is_empty() {
        return Err("names no role to sign in with".to_owned());
    }
    if host.is_empty() {
        return Err("names no host".to_owned());
    }
    if database.is_empty() {
        return Err("names no database".to_owned());
    }
    let local = host.starts_with('/') || is_loopback(&host);
    let supabase = [".supabase.co", ".supabase.com", ".supabase.red"]
        .iter()
        .any(|end| host.ends_with(end));
    let role = if supabase {
        user.split('.').next().unwrap_or(&user).to_owned()
    } else {
        user
    };
    let place = if host.starts_with('/') {
        format!("{host}/{database}")
    } else {
        format!("{host}:{port}/{database}")
    };
    Ok(Parsed {
        address: DatabaseUrl {
            url: Secret::new(text),
            role,
            password: password.map(Secret::new),
            place,
            local,
            supabase,
        },
        local,
        verified: ssl == "verify-full",
        pooled: pooled || port == TRANSACTION_POOLER_PORT,
    })
}

fn percent_decoded(text: &str) -> Result<String, String> {
    let mut bytes = Vec::with_capacity(text.len());
    let mut rest = text.bytes();
    while let Some(byte) = rest.next() {
        if byte == b'%' {
            let digits = [rest.next().unwrap_or(b'?'), rest.next().unwrap_or(b'?')];
            bytes.extend(hex::decode(digits).map_err(|_| "has a % that starts no escape".to_owned())?);
        } else {
            bytes.push(byte);
        }
    }
    String::from_utf8(bytes).map_err(|_| "is not UTF-8 once its escapes are read".to_owned())
}

#[cfg(test)]
mod tests {
    use super::{DatabaseUrl, Settings};

    fn read(url: &str, accept: &str) -> Result<DatabaseUrl, String> {
        let lookup = |name: &str| match name {
            "DATABASE_URL" => Some(url.to_owned()),
            "NEWSYSTEM_ACCEPT" => Some(accept.to_owned()),
            _ => None,
        };
        let mut settings = Settings::new(&lookup);
        let found = DatabaseUrl::required(&mut settings, "DATABASE_URL", "it is needed");
        settings.finish(found).map_err(|faults| faults.to_string())
    }

    #[test]
    fn a_database_elsewhere_needs_verified_tls_unless_that_is_given_up() {
        for (url, fine) in [
            ("postgres://newsystem_api:pw@127.0.0.1:5433/newsystem", true),
            ("postgresql://newsystem_api@localhost/newsystem", true),
            ("postgres://newsystem_api@[::1]/newsystem", true),
            ("postgres://newsystem_api@%2Frun%2Fpostgresql/newsystem", true),
            (
                "postgres://newsystem_api@localhost/newsystem?host=/run/postgresql",
                true,
            ),
            (
                "postgres://newsystem_api@localhost/newsystem?host=db.example.com",
                false,
            ),
            ("postgres://newsystem_api@db.example.com/newsystem", false),
            (
                "postgres://newsystem_api@db.example.com/newsystem?sslmode=require",
                false,
            ),
            (
                "postgres://newsystem_api@db.example.com/newsystem?sslmode=verify-ca",
                false,
            ),
            (
                "postgres://newsystem_api@db.example.com/newsystem?sslmode=verify-full",
                true,
            ),
            ("postgres://newsystem_api@localhost.example.com/newsystem", false),
        ] {
            let refused = read(url, "").err();
            assert_eq!(refused.is_none(), fine, "{url}: {refused:?}");
            assert!(
                refused.is_none_or(|fault| fault.contains("database-plaintext")),
                "{url}"
            );
            assert!(read(url, "database-plaintext").is_ok(), "{url}");
        }
    }

    #[test]
    fn a_transaction_pooler_is_refused_with_the_reason() {
        for url in [
            "postgres://newsystem_api.ref:pw@eu.pooler.supabase.com:6543/postgres?sslmode=verify-full",
            "postgres://newsystem_api@127.0.0.1:6543/newsystem",
            "postgres://newsystem_api@127.0.0.1/newsystem?pgbouncer=true",
        ] {
            let fault = read(url, "database-plaintext").unwrap_err();
            assert!(
                fault.contains("transaction pooler") && fault.contains("5432"),
                "{fault}"
            );
        }
    }

    #[test]
    fn what_an_address_says_is_taken_apart() {
        let found = read(
            "postgres://newsystem_api.abc:p%40ss@x.pooler.supabase.com/postgres?sslmode=verify-full",
            "",
        )
        .unwrap();
        assert_eq!(
            (found.role.as_str(), found.supabase, found.local),
            ("newsystem_api", true, false)
        );
        assert_eq!(found.password.unwrap().expose(), "p@ss");
        assert_eq!(found.place, "x.pooler.supabase.com:5432/postgres");
    }

    #[test]
    fn a_fault_does_not_repeat_the_password() {
        for url in [
            "mysql://me:hunter2@localhost/x",
            "postgres://me:hunter2@/x",
            "postgres://me:hunter2@localhost",
            "postgres://:hunter2@localhost/x",
            "postgres://me:hunter2@localhost:port/x",
            "postgres://me:hunter2@localhost/%zz",
        ] {
            let fault = read(url, "").unwrap_err();
            assert!(!fault.contains("hunter2"), "{fault}");
        }
        let found = read("postgres://me:hunter2@localhost/x", "").unwrap();
        assert!(!format!("{found:?}").contains("hunter2"));
    }
}
