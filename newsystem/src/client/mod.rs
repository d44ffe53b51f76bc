//! A client of a server, as anybody's program could be one: GraphQL over HTTP, subscriptions over WebSocket, nothing else.
//!
//! - [`backoff`]: when to try again. [`graphql`]: questions and changes. [`socket`]: what is followed.

pub mod backoff;
pub mod graphql;
pub mod socket;

use std::time::Duration;

use anyhow::{Context, bail};
use chrono::{DateTime, Utc};
use service::config::{Faults, Lookup, Secret, Settings, is_loopback};
use url::Url;

use crate::client_file::ClientFile;

/// What went wrong between us and the server.
#[derive(Debug, Clone, thiserror::Error)]
pub enum Failure {
    /// The server refused, in its own words.
    #[error("{message} ({code}{})", field.as_ref().map(|field| format!(", {field}")).unwrap_or_default())]
    Refused {
        code: String,
        message: String,
        field: Option<String>,
        /// The HTTP status that it came with.
        status: u16,
        retry_after: Option<Duration>,
    },
    /// An answer without words: from a proxy, or from a storage.
    #[error("{what} answered with HTTP status {status}")]
    Status {
        what: &'static str,
        status: u16,
        retry_after: Option<Duration>,
    },
    /// No answer, or a connection that was lost.
    #[error("{0}")]
    Unreachable(String),
    /// An answer that is not of the contract.
    #[error("the server's answer was not understood: {0}")]
    Unreadable(String),
}

impl Failure {
    /// The server's code, where it gave one.
    pub fn code(&self) -> Option<&str> {
        match self {
            Self::Refused { code, .. } => Some(code),
            _ => None,
        }
    }

    /// The HTTP status, where there was one.
    pub fn status(&self) -> Option<u16> {
        match self {
            Self::Refused { status, .. } | Self::Status { status, .. } => Some(*status),
            Self::Unreachable(_) | Self::Unreadable(_) => None,
        }
    }

    /// Whether the same may succeed later without anybody doing anything.
    pub fn passes(&self) -> bool {
        // 507: the disk is full, which somebody has to do something about.
        let by_status = |status: u16| status == 429 || status == 408 || (status >= 500 && status != 507);
        match self {
            Self::Refused { code, status, .. } => {
                matches!(
                    code.as_str(),
                    "RATE_LIMITED" | "UNAVAILABLE" | "TIMEOUT" | "SLOW_CONSUMER"
                ) || by_status(*status)
            }
            Self::Status { status, .. } => by_status(*status),
            Self::Unreachable(_) => true,
            Self::Unreadable(_) => false,
        }
    }

    /// How long the server wants to be left alone.
    pub fn retry_after(&self) -> Option<Duration> {
        match self {
            Self::Refused { retry_after, .. } | Self::Status { retry_after, .. } => *retry_after,
            Self::Unreachable(_) | Self::Unreadable(_) => None,
        }
    }
}

/// Which server, and as whom.
#[derive(Debug, clap::Args)]
pub struct ServerArgs {
    /// The server, such as `https://newsystem.example.com`. Default: `NEWSYSTEM_URL`, then the `newsystem dev` that runs here
    #[arg(long, value_name = "URL", help_heading = "Server")]
    url: Option<Url>,
    /// A token or an API key. `NEWSYSTEM_TOKEN` keeps it out of the list of processes; `newsystem dev` leaves one here
    #[arg(long, value_name = "TOKEN", help_heading = "Server", value_parser = secret)]
    token: Option<Secret>,
}

fn secret(text: &str) -> Result<Secret, String> {
    if text.trim().is_empty() {
        return Err("is empty".to_owned());
    }
    Ok(Secret::new(text.trim()))
}

/// What the commands that are clients are configured with.
#[derive(Debug, Clone)]
pub struct ClientConfig {
    /// The server (`NEWSYSTEM_URL`).
    pub url: Option<Url>,
    /// A token or an API key (`NEWSYSTEM_TOKEN`).
    pub token: Option<Secret>,
}

impl ClientConfig {
    /// Reads both; each may be absent.
    pub fn load(lookup: Lookup<'_>) -> Result<Self, Faults> {
        let mut settings = Settings::new(lookup);
        let url = settings.endpoint("NEWSYSTEM_URL", None);
        let token = settings.secret("NEWSYSTEM_TOKEN", 1);
        settings.finish(Some(Self { url, token }))
    }
}

/// A server's address and what to sign in with.
#[derive(Debug)]
pub struct Target {
    pub url: Url,
    pub token: Secret,
}

impl Target {
    /// The command line wins over the settings, and those over what `dev` left in its folder. `dev`'s token goes to `dev` only.
    pub fn choose(
        args: &ServerArgs,
        config: ClientConfig,
        file: impl FnOnce() -> anyhow::Result<ClientFile>,
        now: DateTime<Utc>,
    ) -> anyhow::Result<Self> {
        let url = args.url.clone().or(config.url);
        let token = args.token.clone().or(config.token);
        let target = match (url, token) {
            (Some(url), Some(token)) => Self { url, token },
            (Some(url), None) => match file() {
                Ok(file) if address(&file)?.origin() == url.origin() => Self {
                    url,
                    token: token_of(&file, now)?,
                },
                _ => bail!("no token for {url}: set NEWSYSTEM_TOKEN to a token or an API key"),
            },
            (None, token) => {
                let file = file().context("no server is named by --url or NEWSYSTEM_URL")?;
                Self {
                    url: address(&file)?,
                    token: token.map_or_else(|| token_of(&file, now), Ok)?,
                }
            }
        };
        let url = &target.url;
        match url.scheme() {
            "https" => {}
            "http" if url.host_str().is_some_and(is_loopback) => {}
            "http" => bail!("a token does not go to another machine over http: use https for {url}"),
            other => bail!("a server's address begins with https, not {other}"),
        }
        Ok(target)
    }
}

fn address(file: &ClientFile) -> anyhow::Result<Url> {
    file.address
        .parse()
        .context("client.json holds no address: start `newsystem dev` again")
}

fn token_of(file: &ClientFile, now: DateTime<Utc>) -> anyhow::Result<Secret> {
    let Some(token) = &file.token else {
        bail!(
            "people sign in to {} elsewhere: set NEWSYSTEM_TOKEN to a token from there, or to an API key",
            file.address
        )
    };
    if file.expires_at.is_some_and(|end| end <= now) {
        bail!("the token in client.json has ended: start `newsystem dev` again, or set NEWSYSTEM_TOKEN");
    }
    Ok(Secret::new(token.clone()))
}

/// A server that can be asked. Cheap to clone.
#[derive(Debug, Clone)]
pub struct Server {
    http: reqwest::Client,
    base: Url,
    graphql: Url,
    socket: Url,
    token: Secret,
}

/// How long a connection may take to come about.
const CONNECTING: Duration = Duration::from_secs(15);

impl Server {
    pub fn new(target: Target) -> anyhow::Result<Self> {
        // Two providers are linked in; rustls wants to be told which. A second telling changes nothing.
        let _ = rustls::crypto::aws_lc_rs::default_provider().install_default();
        let mut base = target.url;
        base.set_query(None);
        base.set_fragment(None);
        if !base.path().ends_with('/') {
            base.set_path(&format!("{}/", base.path()));
        }
        let graphql = base.join("graphql")?;
        let mut socket = graphql.clone();
        let scheme = if base.scheme() == "https" { "wss" } else { "ws" };
        socket
            .set_scheme(scheme)
            .map_err(|()| anyhow::anyhow!("{base} is no address of a server"))?;
        let mut http = reqwest::Client::builder()
            .user_agent(concat!("newsystem/", env!("CARGO_PKG_VERSION")))
            .connect_timeout(CONNECTING)
            .redirect(reqwest::redirect::Policy::none());
        if base.host_str().is_some_and(is_loopback) {
            http = http.no_proxy();
        }
        Ok(Self {
            http: http.build().context("cannot make an HTTP client")?,
            base,
            graphql,
            socket,
            token: target.token,
        })
    }

    /// The server's address, with a slash at its end.
    pub fn base(&self) -> &Url {
        &self.base
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use chrono::{DateTime, TimeDelta, Utc};
    use service::config::Secret;

    use super::{ClientConfig, ClientFile, Failure, Server, ServerArgs, Target};

    fn now() -> DateTime<Utc> {
        DateTime::from_timestamp(1_800_000_000, 0).unwrap()
    }

    fn chosen(
        url: Option<&str>,
        token: Option<&str>,
        file: Option<(&str, Option<&str>)>,
    ) -> Result<(String, String), String> {
        let args = ServerArgs {
            url: url.map(|url| url.parse().unwrap()),
            token: None,
        };
        let config = ClientConfig {
            url: None,
            token: token.map(Secret::new),
        };
        let file = || {
            let (address, token) = file.ok_or_else(|| anyhow::anyhow!("dev does not run"))?;
            Ok(ClientFile {
                address: address.to_owned(),
                token: token.map(str::to_owned),
                expires_at: Some(now() + TimeDelta::seconds((token != Some("old")).into())),
            })
        };
        Target::choose(&args, config, file, now())
            .map(|target| (target.url.to_string(), target.token.expose().to_owned()))
            .map_err(|error| format!("{error:#}"))
    }

    #[test]
    fn the_server_and_the_token_are_the_nearest_ones() {
        let dev = Some(("http://127.0.0.1:8080/", Some("devs")));
        let good = |url: &str, token: &str| Ok((url.to_owned(), token.to_owned()));
        assert_eq!(chosen(None, None, dev), good("http://127.0.0.1:8080/", "devs"));
        assert_eq!(chosen(None, Some("mine"), dev), good("http://127.0.0.1:8080/", "mine"));
        assert_eq!(
            chosen(Some("http://127.0.0.1:8080"), None, dev),
            good("http://127.0.0.1:8080/", "devs")
        );
        assert_eq!(
            chosen(Some("https://a.test"), Some("mine"), None),
            good("https://a.test/", "mine")
        );
    }

    #[test]
    fn a_token_goes_nowhere_it_does_not_belong() {
        let dev = Some(("http://127.0.0.1:8080/", Some("devs")));
        for (url, token, file, wanted) in [
            (Some("https://a.test"), None, dev, "no token for https://a.test/"),
            (Some("http://127.0.0.1:1"), None, dev, "no token for"),
            (
                Some("http://a.test"),
                Some("mine"),
                None,
                "not go to another machine over http",
            ),
            (Some("ftp://a.test"), Some("mine"), None, "begins with https"),
            (None, None, None, "dev does not run"),
            (
                None,
                None,
                Some(("http://[::1]:1/", None)),
                "sign in to http://[::1]:1/ elsewhere",
            ),
            (None, None, Some(("http://[::1]:1/", Some("old"))), "has ended"),
        ] {
            let error = chosen(url, token, file).unwrap_err();
            assert!(error.contains(wanted), "{error}");
        }
    }

    #[test]
    fn the_doors_are_beside_each_other_also_below_a_path() {
        let doors = |url: &str| {
            let server = Server::new(Target {
                url: url.parse().unwrap(),
                token: Secret::new("t"),
            })
            .unwrap();
            (server.graphql.to_string(), server.socket.to_string())
        };
        assert_eq!(
            doors("http://127.0.0.1:8080"),
            (
                "http://127.0.0.1:8080/graphql".to_owned(),
                "ws://127.0.0.1:8080/graphql".to_owned()
            )
        );
        assert_eq!(
            doors("https://a.test/newsystem?x#y"),
            (
                "https://a.test/newsystem/graphql".to_owned(),
                "wss://a.test/newsystem/graphql".to_owned()
            )
        );
    }

    #[test]
    fn a_failure_says_whether_waiting_helps() {
        let refused = |code: &str, status| Failure::Refused {
            code: code.to_owned(),
            message: "no".to_owned(),
            field: Some("input.title".to_owned()),
            status,
            retry_after: Some(Duration::from_secs(3)),
        };
        let status = |status| Failure::Status {
            what: "the storage",
            status,
            retry_after: None,
        };
        for (failure, passes) in [
            (refused("UNAVAILABLE", 200), true),
            (refused("RATE_LIMITED", 429), true),
            (refused("INTERNAL", 200), false),
            (refused("INTERNAL", 500), true),
            (refused("CONFLICT", 200), false),
            (status(502), true),
            (status(507), false),
            (status(403), false),
            (Failure::Unreachable("x".to_owned()), true),
        ] {
            assert_eq!(failure.passes(), passes, "{failure}");
        }
        assert_eq!(refused("CONFLICT", 200).to_string(), "no (CONFLICT, input.title)");
        assert_eq!(refused("CONFLICT", 200).retry_after(), Some(Duration::from_secs(3)));
    }
}
