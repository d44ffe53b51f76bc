//! `migrate`: the database's tables and roles, as their owner.

use std::process::ExitCode;

use service::config::{DatabaseUrl, Faults, Lookup, Settings};

use super::{dev, wiring};
use crate::embedded_postgres::EmbeddedPostgres;
use crate::environment::Environment;

#[derive(Debug, clap::Subcommand)]
pub enum Action {
    /// Apply what is pending
    #[command(after_help = "Example: newsystem migrate up")]
    Up,
    /// Say what was applied and what is pending; the exit code is 1 when something is
    #[command(after_help = "Example: newsystem migrate status")]
    Status,
    /// Take back the last migration, with what is in its tables
    #[command(after_help = "Example: newsystem migrate down --steps 1")]
    Down {
        /// How many to take back
        #[arg(long, default_value_t = 1, value_parser = clap::value_parser!(u32).range(1..=1000))]
        steps: u32,
    },
    /// Make the roles that serve and work, with the passwords of their addresses; may be repeated
    #[command(after_help = "Example: newsystem migrate roles")]
    Roles,
    /// On a Supabase project: publish ids and status of events to a private Realtime channel per organization, or stop it
    #[command(after_help = "Example: newsystem migrate realtime on")]
    Realtime {
        /// on or off
        #[arg(value_parser = clap::builder::BoolishValueParser::new(), action = clap::ArgAction::Set)]
        on: bool,
    },
}

/// What changing the database needs.
#[derive(Debug, Clone)]
pub struct MigrationConfig {
    /// The database, as the owner of its tables (`DATABASE_MIGRATION_URL`).
    pub owner: DatabaseUrl,
    /// The addresses of the three processes' roles: their names and passwords are what `roles` makes. Each may be absent.
    pub logins: Vec<DatabaseUrl>,
}

impl MigrationConfig {
    /// Reads everything that `migrate` needs.
    pub fn load(lookup: Lookup<'_>) -> Result<Self, Faults> {
        let mut settings = Settings::new(lookup);
        let config = Self::read(&mut settings);
        settings.finish(config)
    }

    fn read(settings: &mut Settings<'_>) -> Option<Self> {
        let owner = DatabaseUrl::required(
            settings,
            "DATABASE_MIGRATION_URL",
            "it is the database, signed in to as the owner of its tables",
        );
        let mut logins = Vec::new();
        for (name, role) in [
            ("DATABASE_URL", "newsystem_api"),
            ("DATABASE_WORKER_URL", "newsystem_worker"),
            ("DATABASE_QUEUE_URL", "newsystem_queue"),
        ] {
            let Some(login) = DatabaseUrl::optional(settings, name) else {
                continue;
            };
            if login.role != role {
                settings.fault(name, format!("signs in as {:?}; the role for it is {role}", login.role));
            }
            logins.push(login);
        }
        Some(Self { owner: owner?, logins })
    }
}

/// The settings, or those of the private database that `dev` is running.
pub async fn configuration(mut environment: Environment) -> anyhow::Result<MigrationConfig> {
    if !environment.has("DATABASE_MIGRATION_URL") && !environment.has("DATABASE_URL") {
        let data_dir = dev::data_folder(&environment)?;
        if let Some(cluster) = EmbeddedPostgres::running(&data_dir).await? {
            dev::as_dev(&mut environment, &cluster, &data_dir)?;
        }
    }
    Ok(MigrationConfig::load(&|name| environment.get(name))?)
}

pub async fn run(environment: Environment, action: &Action) -> anyhow::Result<ExitCode> {
    let config = configuration(environment).await?;
    match action {
        Action::Up => say("applied", &wiring::migrate_up(&config).await?),
        Action::Down { steps } => say("taken back", &wiring::migrate_down(&config, *steps).await?),
        Action::Status => {
            let status = wiring::migration_status(&config).await?;
            for name in &status.applied {
                println!("applied  {name}");
            }
            for name in &status.pending {
                println!("pending  {name}");
            }
            if !status.pending.is_empty() {
                return Ok(ExitCode::FAILURE);
            }
        }
        Action::Roles => {
            if let Some(sql) = wiring::migrate_roles(&config).await? {
                println!(
                    "-- {} may not make roles. Let an administrator run this:\n{sql}",
                    config.owner.role
                );
                return Ok(ExitCode::FAILURE);
            }
            println!("the roles are as they should be");
        }
        Action::Realtime { on } => {
            wiring::publish_to_realtime(&config, *on).await?;
            println!(
                "{}",
                if *on {
                    "events are published"
                } else {
                    "events are not published"
                }
            );
        }
    }
    Ok(ExitCode::SUCCESS)
}

fn say(done: &str, names: &[String]) {
    if names.is_empty() {
        println!("nothing to do");
    }
    for name in names {
        println!("{done}  {name}");
    }
}
