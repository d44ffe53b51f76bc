//! The checks of this machine and of what it is connected to.

use std::time::Duration;

use service::config::{DatabaseUrl, Faults, PoolConfig, Settings, StorageConfig, data_dir};
use service::storage::Storage;
use tokio::process::Command;

use super::Finding;
use crate::command::migrate::MigrationConfig;
use crate::command::wiring;
use crate::environment::Environment;

/// How long anything is waited for.
const PATIENCE: Duration = Duration::from_secs(15);

/// The languages that screens are read in, by Tesseract's names.
pub const OCR_LANGUAGES: [&str; 4] = ["eng", "nld", "fra", "deu"];

/// What could be read of the settings.
pub struct Configurations {
    migration: Option<MigrationConfig>,
    /// Name of the setting, address and pool of each login role.
    logins: Vec<(&'static str, DatabaseUrl, PoolConfig)>,
}

/// Reads the settings of all three processes. Without a database only what is wrong beside it is said.
pub fn configuration(environment: &Environment, findings: &mut Vec<Finding>, database: bool) -> Configurations {
    let lookup = |name: &str| environment.get(name);
    let mut read = |check: &str, faults: Option<Faults>| {
        let faults = faults.map_or_else(Vec::new, |faults| faults.0);
        let mut any = false;
        for fault in faults {
            // Without a database, `dev` makes what is not set.
            if database || environment.has(&fault.name) {
                any = true;
                findings.push(Finding::fault(
                    check,
                    format!("{}: {}", fault.name, fault.what),
                    "see .env.example",
                ));
            }
        }
        if !any {
            findings.push(Finding::good(
                check,
                if database {
                    "complete"
                } else {
                    "nothing wrong with what is set"
                },
            ));
        }
    };
    let serve = api::config::Config::load(&lookup);
    let worker = worker::config::Config::load(&lookup);
    let migration = MigrationConfig::load(&lookup);
    read("settings of serve", serve.as_ref().err().cloned());
    read("settings of worker", worker.as_ref().err().cloned());
    read("settings of migrate", migration.as_ref().err().cloned());
    let mut logins = Vec::new();
    if let Ok(config) = serve {
        for notice in &config.notices {
            findings.push(Finding::warning(
                "settings",
                notice.clone(),
                "remove it from the settings",
            ));
        }
        logins.push(("DATABASE_URL", config.database, config.pool));
    }
    if let Ok(config) = worker {
        logins.push(("DATABASE_WORKER_URL", config.database, config.pool));
    }
    Configurations {
        migration: migration.ok(),
        logins,
    }
}

/// Whether each role reaches the database, is bound by row security, and finds its tables up to date.
pub async fn database(configurations: &Configurations, findings: &mut Vec<Finding>) {
    if let Some(config) = &configurations.migration {
        let name = "DATABASE_MIGRATION_URL";
        match within(wiring::migration_status(config)).await {
            Ok(status) if status.pending.is_empty() => {
                findings.push(Finding::good(
                    "migrations",
                    format!("all {} applied", status.applied.len()),
                ));
            }
            Ok(status) => findings.push(Finding::fault(
                "migrations",
                format!("{} pending: {}", status.pending.len(), status.pending.join(", ")),
                "run `newsystem migrate up`",
            )),
            Err(error) => findings.push(Finding::fault(
                "migrations",
                format!("{name}: {error:#}"),
                "check the address, and that the database is running",
            )),
        }
    }
    for (name, database, pool) in &configurations.logins {
        let check = format!("role {}", database.role);
        let seen = async {
            let db = wiring::connect(database, pool).await?;
            let status = wiring::migrations_seen_by(&db).await;
            db.close().await;
            status
        };
        findings.push(match within(seen).await {
            Ok(status) if status.pending.is_empty() => {
                Finding::good(check, format!("signs in at {}, bound by row security", database.place))
            }
            Ok(status) => Finding::fault(
                check,
                format!("sees {} migrations pending", status.pending.len()),
                "run `newsystem migrate up`",
            ),
            Err(error) => Finding::fault(
                check,
                format!("{name}: {error:#}"),
                "run `newsystem migrate roles`, then `newsystem migrate up`; check the address",
            ),
        });
    }
}

/// Whether the object store keeps what it is given.
pub async fn storage(environment: &Environment, findings: &mut Vec<Finding>) {
    let lookup = |name: &str| environment.get(name);
    let mut settings = Settings::new(&lookup);
    let data_dir = data_dir(&mut settings);
    let config = StorageConfig::read(&mut settings, &data_dir);
    let Ok(config) = settings.finish(config) else {
        findings.push(Finding::skipped("storage", "its settings are wrong"));
        return;
    };
    let probed = within(async {
        let store = Storage::open(&config)?;
        Ok(store.probe().await?)
    })
    .await;
    findings.push(match probed {
        Ok(()) => Finding::good("storage", format!("{}: written, read back, deleted", config.place())),
        Err(error) => Finding::fault(
            "storage",
            format!("{}: {error:#}", config.place()),
            match config {
                StorageConfig::Folder(_) => "make the folder writable for this user, and see that its disk is not full",
                StorageConfig::Bucket(_) => {
                    "check NEWSYSTEM_STORAGE_URL and the AWS_ settings; the key must be allowed to write, read and delete"
                }
            },
        ),
    });
}

/// The video libraries of the system.
pub fn libraries(findings: &mut Vec<Finding>) {
    let libraries = worker::libraries::libraries();
    let shown: Vec<String> = libraries
        .iter()
        .map(|library| {
            format!(
                "{} {}.{}.{}",
                library.name, library.version.0, library.version.1, library.version.2
            )
        })
        .collect();
    let codec = libraries.iter().find(|library| library.name == "libavcodec");
    findings.push(match codec {
        Some(codec) if codec.version.0 >= worker::libraries::OLDEST_CODEC => Finding::good("ffmpeg", shown.join(", ")),
        _ => Finding::fault(
            "ffmpeg",
            shown.join(", "),
            "install FFmpeg 5 or newer, and build newsystem again",
        ),
    });
}

/// The program that reads text from screens, and its languages.
pub async fn ocr(findings: &mut Vec<Finding>) {
    const INSTALL: &str = "Debian: apt-get install tesseract-ocr tesseract-ocr-nld tesseract-ocr-fra tesseract-ocr-deu; macOS: brew install tesseract-lang";
    let run = |argument: &'static str| {
        within(async move {
            let output = Command::new("tesseract")
                .arg(argument)
                .kill_on_drop(true)
                .output()
                .await?;
            // Versions before 5 write to standard error.
            Ok(format!(
                "{}{}",
                String::from_utf8_lossy(&output.stdout),
                String::from_utf8_lossy(&output.stderr)
            ))
        })
    };
    let version = match run("--version").await {
        Ok(text) => text.lines().next().unwrap_or_default().to_owned(),
        Err(error) => {
            findings.push(Finding::fault(
                "text recognition",
                format!("tesseract cannot be run: {error:#}"),
                INSTALL,
            ));
            return;
        }
    };
    let listed = run("--list-langs").await.unwrap_or_default();
    let missing = missing_languages(&listed);
    findings.push(if missing.is_empty() {
        Finding::good(
            "text recognition",
            format!("{version}, languages {}", OCR_LANGUAGES.join(", ")),
        )
    } else {
        Finding::fault(
            "text recognition",
            format!("{version}, without {}", missing.join(", ")),
            INSTALL,
        )
    });
}

fn missing_languages(listed: &str) -> Vec<&'static str> {
    OCR_LANGUAGES
        .into_iter()
        .filter(|language| !listed.lines().any(|line| line.trim() == *language))
        .collect()
}

async fn within<T>(work: impl Future<Output = anyhow::Result<T>>) -> anyhow::Result<T> {
    match tokio::time::timeout(PATIENCE, work).await {
        Ok(result) => result,
        Err(_) => anyhow::bail!("no answer within {} s", PATIENCE.as_secs()),
    }
}

#[cfg(test)]
mod tests {
    use super::{Finding, configuration, missing_languages, storage};
    use crate::command::doctor::Verdict;
    use crate::environment::Environment;

    #[test]
    fn languages_are_looked_for_by_whole_names() {
        let listed = "List of available languages in \"/usr/share\" (3):\ndeu_latf\neng\nfra\nnld\n";
        assert_eq!(missing_languages(listed), ["deu"]);
        assert_eq!(missing_languages(""), ["eng", "nld", "fra", "deu"]);
    }

    #[test]
    fn without_a_database_only_what_is_set_can_be_wrong() {
        let mut findings = Vec::new();
        configuration(&Environment::of([].into()), &mut findings, false);
        assert!(
            findings.iter().all(|finding| finding.verdict == Verdict::Good),
            "{findings:?}"
        );
        let wrong = Environment::of([("NEWSYSTEM_LISTEN".to_owned(), "here".to_owned())].into());
        let mut findings: Vec<Finding> = Vec::new();
        configuration(&wrong, &mut findings, false);
        let faults: Vec<_> = findings
            .iter()
            .filter(|finding| finding.verdict == Verdict::Fault)
            .collect();
        assert!(
            faults.len() == 1 && faults[0].found.starts_with("NEWSYSTEM_LISTEN: "),
            "{findings:?}"
        );
        let mut findings = Vec::new();
        configuration(&Environment::of([].into()), &mut findings, true);
        assert!(
            findings
                .iter()
                .any(|finding| finding.found.starts_with("DATABASE_URL: is not set")),
            "{findings:?}"
        );
    }

    #[tokio::test]
    async fn a_store_that_cannot_be_written_is_a_fault_with_a_remedy() {
        let file = tempfile::NamedTempFile::new().unwrap();
        let place = file.path().to_str().unwrap().to_owned();
        let environment = Environment::of([("NEWSYSTEM_STORAGE_URL".to_owned(), place)].into());
        let mut findings = Vec::new();
        storage(&environment, &mut findings).await;
        assert!(
            findings[0].verdict == Verdict::Fault && findings[0].remedy.is_some(),
            "{findings:?}"
        );
    }
}
