//! `dev`: everything on this machine, and its end in order.

use std::path::Path;
use std::process::ExitCode;

use anyhow::{Context, bail};
use api::config::Config;
use chrono::TimeDelta;
use domain::role::Role;
use service::config::{Secret, Settings, data_dir};

use super::migrate::MigrationConfig;
use super::{serve, wiring};
use crate::client_file::ClientFile;
use crate::embedded_postgres::{Address, EmbeddedPostgres};
use crate::environment::{self, Environment};
use crate::secrets::DevelopmentSecrets;
use crate::shutdown;
use crate::supervisor::{Patience, Supervisor};
use crate::token::{self, EMBEDDED_ISSUER, Person};

/// The database in the private cluster, and the owner of its tables.
pub const DATABASE: &str = "newsystem";
pub const OWNER: &str = "newsystem_owner";

/// The settings of the four addresses and the roles that sign in with them.
const ADDRESSES: [(&str, &str); 4] = [
    ("DATABASE_MIGRATION_URL", OWNER),
    ("DATABASE_URL", "newsystem_api"),
    ("DATABASE_WORKER_URL", "newsystem_worker"),
    ("DATABASE_QUEUE_URL", "newsystem_queue"),
];

/// How long the tokens that `dev` prints are good.
const TOKEN_LIFE: TimeDelta = TimeDelta::days(7);

/// The people of the demo organization.
fn people() -> Vec<(Person, Role)> {
    [
        ("owner@demo.test", Role::Owner),
        ("admin@demo.test", Role::Admin),
        ("operator@demo.test", Role::Operator),
    ]
    .map(|(email, role)| (Person::of_email(email), role))
    .into()
}

pub async fn run(mut environment: Environment) -> anyhow::Result<ExitCode> {
    let stopping = shutdown::on_signal()?;
    let data_dir = data_folder(&environment)?;
    let secrets = DevelopmentSecrets::find_or_make(&data_dir)?;

    let embedded = if environment.has("DATABASE_URL") {
        None
    } else {
        refuse_half_a_database(&environment)?;
        let embedded = EmbeddedPostgres::start(&data_dir).await?;
        use_cluster(&mut environment, &embedded);
        Some(embedded)
    };
    let own_sign_in = fill_in(&mut environment, &secrets);

    // All settings of all three processes, before the first of them starts.
    let lookup = |name: &str| environment.get(name);
    let migration = MigrationConfig::load(&lookup)?;
    let config = Config::load(&lookup)?;
    worker::config::Config::load(&lookup)?;
    for notice in &config.notices {
        tracing::warn!("{notice}");
    }

    if let Some(embedded) = &embedded {
        wiring::prepare_cluster(&Secret::new(embedded.superuser_url()), &migration.owner, DATABASE).await?;
    }
    if let Some(sql) = wiring::migrate_roles(&migration).await? {
        bail!(
            "{} may not make the roles; let an administrator run:\n{sql}",
            migration.owner.role
        );
    }
    for name in wiring::migrate_up(&migration).await? {
        tracing::info!(migration = name, "applied");
    }
    let people = people();
    if own_sign_in {
        let made = wiring::seed_demo(&migration, &people).await?;
        tracing::info!(made, "the demo organization is there");
    }

    let listener = serve::listen(config.listen).await?;
    let db = wiring::connect(&config.database, &config.pool).await?;
    let application = wiring::application(&config, db.clone(), &stopping, true).await?;
    let worker = start_worker(&environment)?;
    let file = ClientFile {
        address: config.public_url.to_string(),
        token: None,
        expires_at: None,
    };
    announce(file, &people, own_sign_in.then_some(&secrets), &data_dir)?;

    let served = serve::serve(listener, application, stopping, config.drain).await;
    // The order matters: nobody asks any more, then nobody works, then nobody stores.
    db.close().await;
    worker.stop().await;
    ClientFile::remove(&data_dir);
    if let Some(embedded) = embedded {
        embedded.stop().await?;
        tracing::info!("the database has stopped");
    }
    served?;
    Ok(ExitCode::SUCCESS)
}

/// The settings that `dev` would run with on a cluster that is already running, for `doctor`.
pub fn as_dev(environment: &mut Environment, cluster: &Address, data_dir: &Path) -> anyhow::Result<()> {
    use_cluster(environment, cluster);
    if let Some(secrets) = DevelopmentSecrets::find(data_dir)? {
        fill_in(environment, &secrets);
    }
    Ok(())
}

pub fn data_folder(environment: &Environment) -> anyhow::Result<std::path::PathBuf> {
    let lookup = |name: &str| environment.get(name);
    let mut settings = Settings::new(&lookup);
    let path = data_dir(&mut settings);
    // The worker and the database have other ideas of the current folder.
    Ok(std::path::absolute(settings.finish(Some(path))?)?)
}

/// Without `DATABASE_URL` all four addresses are the private cluster's; one that is set would be another database's.
fn refuse_half_a_database(environment: &Environment) -> anyhow::Result<()> {
    if let Some((name, _)) = ADDRESSES.into_iter().find(|(name, _)| environment.has(name)) {
        bail!("{name} is set and DATABASE_URL is not: set all four addresses, or none for a private database");
    }
    Ok(())
}

fn use_cluster(environment: &mut Environment, cluster: &Address) {
    for (name, role) in ADDRESSES {
        environment.lay_over(name, cluster.url_for(role, &cluster.password_for(role), DATABASE));
    }
}

/// Fills in what a deployment has to set. Says whether people sign in with tokens of our own making.
fn fill_in(environment: &mut Environment, secrets: &DevelopmentSecrets) -> bool {
    if !environment.has("NEWSYSTEM_SIGNING_KEY") {
        environment.lay_over("NEWSYSTEM_SIGNING_KEY", secrets.signing_key.expose());
    }
    let own = !["SUPABASE_URL", "SUPABASE_JWT_SECRET", "NEWSYSTEM_JWKS_URL"]
        .into_iter()
        .any(|name| environment.has(name));
    if own {
        environment.lay_over("SUPABASE_JWT_SECRET", secrets.jwt_secret.expose());
        environment.lay_over("NEWSYSTEM_JWT_ISSUER", EMBEDDED_ISSUER);
        environment.lay_over("NEWSYSTEM_JWT_AUDIENCE", "authenticated");
    }
    own
}

fn start_worker(environment: &Environment) -> anyhow::Result<Supervisor> {
    let program = std::env::current_exe().context("cannot tell which program this is")?;
    let settings = environment.laid_over().clone();
    let parent = std::process::id().to_string();
    let command = move || {
        let mut command = std::process::Command::new(&program);
        command
            .args(["worker", "--parent", &parent])
            .envs(&settings)
            .stdin(std::process::Stdio::null());
        command
    };
    Supervisor::start("worker", command, Patience::default())
}

/// Writes `client.json` and prints where to go.
fn announce(
    mut file: ClientFile,
    people: &[(Person, Role)],
    secrets: Option<&DevelopmentSecrets>,
    data_dir: &Path,
) -> anyhow::Result<()> {
    let mut lines = vec![format!("GraphiQL   {}", file.address)];
    if let Some(secrets) = secrets {
        let now = environment::now();
        for (person, role) in people {
            let minted = token::mint(
                &secrets.jwt_secret,
                Some(EMBEDDED_ISSUER),
                "authenticated",
                person,
                TOKEN_LIFE,
                now,
            )?;
            let email = person.email.as_deref().unwrap_or_default();
            lines.push(format!(
                "\n{email} ({role:?}), until {}:\n  Authorization: Bearer {}",
                minted.expires_at.format("%Y-%m-%d"),
                minted.token.expose()
            ));
            if *role == Role::Owner {
                file.token = Some(minted.token.expose().to_owned());
                file.expires_at = Some(minted.expires_at);
            }
        }
    } else {
        lines.push("Sign in with the service that the settings name.".to_owned());
    }
    file.write(data_dir)?;
    println!("\n{}\n\nCtrl-C stops everything.\n", lines.join("\n"));
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::{Config, DevelopmentSecrets, Environment, MigrationConfig, fill_in, refuse_half_a_database};

    #[test]
    fn what_dev_fills_in_is_enough_for_all_three_processes() {
        let folder = tempfile::tempdir().unwrap();
        let secrets = DevelopmentSecrets::find_or_make(folder.path()).unwrap();
        let mut environment = Environment::of([].into());
        assert!(refuse_half_a_database(&environment).is_ok());
        for (name, role) in super::ADDRESSES {
            environment.lay_over(name, format!("postgres://{role}:pw@127.0.0.1:5433/newsystem"));
        }
        assert!(fill_in(&mut environment, &secrets), "we sign ourselves");
        let lookup = |name: &str| environment.get(name);
        let config = Config::load(&lookup).unwrap();
        assert_eq!(config.auth.issuer.as_deref(), Some(super::EMBEDDED_ISSUER));
        worker::config::Config::load(&lookup).unwrap();
        assert_eq!(MigrationConfig::load(&lookup).unwrap().logins.len(), 3);
    }

    #[test]
    fn a_sign_in_service_of_ones_own_is_left_alone() {
        let folder = tempfile::tempdir().unwrap();
        let secrets = DevelopmentSecrets::find_or_make(folder.path()).unwrap();
        let mut environment =
            Environment::of([("SUPABASE_URL".to_owned(), "https://ref.supabase.co".to_owned())].into());
        assert!(!fill_in(&mut environment, &secrets));
        assert!(!environment.has("SUPABASE_JWT_SECRET") && !environment.has("NEWSYSTEM_JWT_ISSUER"));
    }

    #[test]
    fn one_address_without_the_others_is_refused() {
        let environment =
            Environment::of([("DATABASE_QUEUE_URL".to_owned(), "postgres://q@127.0.0.1/x".to_owned())].into());
        assert!(
            refuse_half_a_database(&environment)
                .unwrap_err()
                .to_string()
                .starts_with("DATABASE_QUEUE_URL is set")
        );
    }
}
