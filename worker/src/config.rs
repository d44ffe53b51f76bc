//! What `worker` is configured with: read once, checked as a whole, before anything is opened.

use std::path::PathBuf;
use std::time::Duration;

use service::config::{DatabaseUrl, Exception, Faults, Lookup, PoolConfig, Secret, Settings, StorageConfig, data_dir};
use url::Url;

use crate::vision::openai::RemoteConfig;

/// The configuration of a process that does the long work.
#[derive(Debug, Clone)]
pub struct Config {
    /// The database, as `newsystem_worker` (`DATABASE_WORKER_URL`).
    pub database: DatabaseUrl,
    /// The queue's own connections, as `newsystem_queue` (`DATABASE_QUEUE_URL`).
    pub queue: DatabaseUrl,
    /// Connections and time limits (`NEWSYSTEM_WORKER_POOL` and the two settings of every pool).
    pub pool: PoolConfig,
    /// Where recordings and reports lie.
    pub storage: StorageConfig,
    /// The remote model.
    pub remote: RemoteConfig,
    /// How many jobs run at a time (`NEWSYSTEM_WORKER_JOBS`).
    pub jobs: usize,
    /// How long a running job may take to hand itself back once the process is asked to stop (`NEWSYSTEM_DRAIN_SECONDS`).
    pub drain: Duration,
    /// The folder for local data.
    pub data_dir: PathBuf,
    /// What an operator should be told although nothing is wrong.
    pub notices: Vec<String>,
}

/// The remote model's endpoint. Without a key, or a base address of one's own, only local analysis is possible.
#[derive(Debug, Clone)]
pub struct ModelConfig {
    /// The key (`OPENAI_API_KEY`).
    pub api_key: Option<Secret>,
    /// The endpoint (`OPENAI_BASE_URL`); anything that speaks OpenAI's protocol.
    pub base_url: Url,
    /// The model (`GPT4V_MODEL`); without it the current one of the price table.
    pub model: Option<String>,
}

/// OpenAI's own endpoint.
pub const OPENAI: &str = "https://api.openai.com/v1";

impl Config {
    /// Reads everything that `worker` needs.
    pub fn load(lookup: Lookup<'_>) -> Result<Self, Faults> {
        let mut settings = Settings::new(lookup);
        let config = Self::read(&mut settings);
        settings.finish(config)
    }

    /// The same with a reader that the caller keeps.
    pub fn read(settings: &mut Settings<'_>) -> Option<Self> {
        let data_dir = data_dir(settings);
        let database = DatabaseUrl::required(
            settings,
            "DATABASE_WORKER_URL",
            "it is the database, signed in to as newsystem_worker",
        );
        let queue = DatabaseUrl::required(
            settings,
            "DATABASE_QUEUE_URL",
            "it is the queue, signed in to as newsystem_queue",
        );
        let pool = PoolConfig::read(settings, "NEWSYSTEM_WORKER_POOL", 8);
        let storage = StorageConfig::read(settings, &data_dir);
        let remote = read_remote(settings);
        let jobs = settings.number("NEWSYSTEM_WORKER_JOBS", 2, 1..=64) as usize;
        let drain = Duration::from_secs(settings.number("NEWSYSTEM_DRAIN_SECONDS", 20, 0..=600));
        settings.unused(
            "SUPABASE_SERVICE_KEY",
            "no process passes the row security that it would pass; remove it from here",
        );
        let notices = settings.notices().to_vec();
        Some(Self {
            database: database?,
            queue: queue?,
            pool,
            storage: storage?,
            remote: remote?,
            jobs,
            drain,
            data_dir,
            notices,
        })
    }
}

/// Reads everything about the remote model: its endpoint, and the `REMOTE_` settings that the client knows.
pub fn read_remote(settings: &mut Settings<'_>) -> Option<RemoteConfig> {
    let endpoint = ModelConfig::read(settings);
    let prices = settings.optional("REMOTE_PRICES_FILE", |path| {
        std::fs::read_to_string(path).map_err(|error| format!("{path:?} cannot be read: {error}"))
    });
    match RemoteConfig::read(|name| settings.text(name), prices.as_deref()) {
        Ok(config) => endpoint.map(|_| config),
        Err(faults) => {
            for fault in faults {
                let (name, what) = fault.split_once(": ").unwrap_or(("REMOTE_ANALYSIS", &fault));
                if !settings.is_faulty(name) {
                    settings.fault(name.to_owned(), what);
                }
            }
            None
        }
    }
}

impl ModelConfig {
    /// Reads the three settings of the model.
    pub fn read(settings: &mut Settings<'_>) -> Option<Self> {
        let api_key = settings.secret("OPENAI_API_KEY", 0);
        let base_url = match settings.text("OPENAI_BASE_URL") {
            Some(_) => settings.endpoint("OPENAI_BASE_URL", Some(Exception::ModelPlaintext)),
            None => Url::parse(OPENAI).ok(),
        };
        let model = settings.optional("GPT4V_MODEL", |text| {
            let legal = text.bytes().all(|byte| byte.is_ascii_graphic());
            if legal && text.len() <= 100 {
                Ok(text.to_owned())
            } else {
                Err("is not the name of a model".to_owned())
            }
        });
        Some(Self {
            api_key,
            base_url: base_url?,
            model,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::Config;

    const BASE: [(&str, &str); 2] = [
        (
            "DATABASE_WORKER_URL",
            "postgres://newsystem_worker:pw@127.0.0.1/newsystem",
        ),
        (
            "DATABASE_QUEUE_URL",
            "postgres://newsystem_queue:pw@127.0.0.1/newsystem",
        ),
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
    fn two_databases_are_enough() {
        let config = load(&[]).unwrap();
        assert_eq!(config.remote.base_url.as_str(), "https://api.openai.com/v1");
        assert!(config.remote.api_key.is_none() && config.remote.model.is_none());
        assert!(!format!("{config:?}").contains("pw@"));
    }

    #[test]
    fn frames_do_not_leave_unencrypted_unless_that_is_accepted() {
        let fault = load(&[
            ("OPENAI_BASE_URL", "http://model.test/v1"),
            ("OPENAI_API_KEY", "sk-very-secret"),
        ])
        .unwrap_err();
        assert!(
            fault.contains("NEWSYSTEM_ACCEPT=model-plaintext") && !fault.contains("sk-very-secret"),
            "{fault}"
        );
        assert!(load(&[("OPENAI_BASE_URL", "http://127.0.0.1:9/v1")]).is_ok());
        let accepted = [
            ("OPENAI_BASE_URL", "http://model.test/v1"),
            ("NEWSYSTEM_ACCEPT", "model-plaintext"),
        ];
        assert!(load(&accepted).is_ok());
    }

    #[test]
    fn what_the_clients_own_settings_get_wrong_is_said_with_the_rest() {
        let fault = load(&[
            ("REMOTE_ATTEMPTS", "0"),
            ("REMOTE_PRICES_FILE", "/no/such/file"),
            ("OPENAI_BASE_URL", "nowhere"),
            ("DATABASE_QUEUE_URL", ""),
        ])
        .unwrap_err();
        assert!(fault.starts_with("4 problems with the settings:"), "{fault}");
        for name in [
            "REMOTE_ATTEMPTS: ",
            "REMOTE_PRICES_FILE: ",
            "OPENAI_BASE_URL: ",
            "DATABASE_QUEUE_URL: ",
        ] {
            assert!(fault.contains(name), "{name} is not in {fault}");
        }
    }

    #[test]
    fn the_queue_is_not_reached_through_a_transaction_pooler() {
        let fault = load(&[(
            "DATABASE_QUEUE_URL",
            "postgres://newsystem_queue:pw@127.0.0.1:6543/newsystem",
        )])
        .unwrap_err();
        assert!(fault.contains("DATABASE_QUEUE_URL: is a transaction pooler"), "{fault}");
    }
}
