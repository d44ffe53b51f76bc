//! The command line: what can be asked of the binary, and which file does it.

mod admin;
mod analyze;
mod dev;
mod doctor;
mod export;
mod impact;
mod meter;
mod migrate;
mod schema;
mod serve;
mod token;
mod upload;
mod verify;
mod wiring;
mod words;
mod worker;

#[cfg(test)]
mod tests;

use std::process::ExitCode;

use clap::{Parser, Subcommand};
use service::config::Faults;

use crate::environment::Environment;
use crate::logging::LogConfig;

/// Analyses screen recordings of work: steps, routines, and what automating them would be worth.
///
/// Settings come from the environment and from the file `.env` in the current folder; `.env.example` describes each.
#[derive(Debug, Parser)]
#[command(name = "newsystem", version, arg_required_else_help = true)]
#[command(after_help = "Example: newsystem dev    (everything on this machine: database, API and a worker)")]
struct Cli {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Serve the GraphQL API
    ///
    /// Refuses to start on pending migrations, on a public address without a proxy that ends TLS, and on a database or
    /// object storage elsewhere that is not reached through verified TLS.
    #[command(after_help = "Example: DATABASE_URL=postgres://newsystem_api:…@localhost/newsystem newsystem serve")]
    Serve,
    /// Work on the queue: analyses, reports, sweeps
    #[command(after_help = "Example: NEWSYSTEM_WORKER_JOBS=4 newsystem worker")]
    Worker(worker::Args),
    /// Run everything on this machine, with a database of its own unless one is named
    ///
    /// Starts a private PostgreSQL, migrates it, makes a demo organization, serves the API and keeps a worker running. Prints
    /// the address of GraphiQL with ready tokens. Ctrl-C stops everything in order.
    #[command(after_help = "Example: newsystem dev")]
    Dev,
    /// Change the database's tables, or say how far they are
    ///
    /// Works as the owner of the tables (`DATABASE_MIGRATION_URL`); without one, on the private database that `dev` is running.
    #[command(after_help = "Example: newsystem migrate status")]
    Migrate {
        #[command(subcommand)]
        action: migrate::Action,
    },
    /// Print the GraphQL schema
    #[command(after_help = "Example: newsystem schema --check schema.graphql")]
    Schema(schema::Args),
    /// Make a token for a person, to be used with the private database
    ///
    /// Elsewhere only with --i-am-operator, which is written to the audit log. Never for a Supabase project: its tokens come
    /// from Supabase.
    #[command(after_help = "Example: newsystem token --email owner@demo.test --ttl 8h")]
    Token(token::Args),
    /// Check everything that a deployment needs, and say what to do about each fault
    #[command(after_help = "Example: newsystem doctor --json | jq '.[] | select(.verdict == \"fault\")'")]
    Doctor(doctor::Args),
    /// Show what the platform has found and people have made of it, over all organizations
    ///
    /// Signs in as the owner of the tables (`DATABASE_MIGRATION_URL`); without one, to the private database that `dev` is running.
    #[command(after_help = "Example: newsystem impact --since 2026-01-01 --json | jq .annual_savings")]
    Impact(impact::Args),
    /// Look for rows of one organization that point at another's, and read all stored replies again
    ///
    /// The exit code is 1 when something is found. Changes nothing. Signs in as `impact` does.
    #[command(after_help = "Example: newsystem verify --json | jq '.checks[] | select(.leaks > 0)'")]
    Verify(verify::Args),
    /// Do what only the platform's operator does: plans, undoing a deletion, revoking keys, stopping remote analysis
    ///
    /// Each act goes with its reason into the audit logs of the organizations concerned. Signs in as `impact` does.
    Admin {
        #[command(subcommand)]
        action: admin::Action,
    },
    /// Upload a recording to a running server, in chunks, and go on where it was interrupted
    ///
    /// The server and the token come from --url and --token, from `NEWSYSTEM_URL` and `NEWSYSTEM_TOKEN`, or from the `newsystem dev`
    /// that runs here. Prints the session's id.
    #[command(after_help = "Example: newsystem upload shift.webm --title 'Order entry' --accept-notice")]
    Upload(upload::Args),
    /// Analyse a recording and show what it contains: steps, applications, routines, opportunities, each with its time stamps
    ///
    /// Uploads the file as `upload` does, follows the analysis, and prints the findings. Ctrl-C stops following, not the analysis.
    #[command(after_help = "Example: newsystem analyze shift.webm --accept-notice --preset detailed")]
    Analyze(analyze::Args),
    /// Export what a running server has about a person or of an organization, as a ZIP
    ///
    /// JSON for each table, and the media. People export their own data, admins and owners a member's, owners the organization's.
    #[command(after_help = "Example: newsystem export --organization --output acme.zip")]
    Export(export::Args),
    /// Decode one recording, as a worker's child: what is read from a hostile file stays in a process of its own
    #[command(hide = true)]
    Decode,
}

/// Exit codes, as `sysexits.h` has them.
const WRONG_SETTINGS: u8 = 78;

/// Runs the process's arguments. A fault is one text on standard error and an exit code that is not zero.
pub fn main() -> ExitCode {
    let cli = Cli::parse();
    if matches!(cli.command, Command::Decode) {
        // Before settings are read: this process knows nothing worth stealing.
        return ::worker::frames::decoder_main();
    }
    match prepare(&cli).and_then(|environment| run(cli, environment)) {
        Ok(code) => code,
        Err(error) => {
            // Said, not logged: it is the answer to whoever typed the command.
            eprintln!("newsystem: {error:#}");
            if error.is::<Faults>() {
                ExitCode::from(WRONG_SETTINGS)
            } else {
                ExitCode::FAILURE
            }
        }
    }
}

/// Reads the environment and starts the log: processes that run for long say more.
fn prepare(cli: &Cli) -> anyhow::Result<Environment> {
    let environment = Environment::of_process()?;
    let default = match cli.command {
        Command::Serve | Command::Worker(_) | Command::Dev => "info,sqlx=warn,sea_orm_migration=warn",
        _ => "warn",
    };
    LogConfig::load(&|name| environment.get(name), default)?.start();
    Ok(environment)
}

fn run(cli: Cli, environment: Environment) -> anyhow::Result<ExitCode> {
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build()?;
    let done = runtime.block_on(async move {
        match cli.command {
            Command::Serve => serve::run(&environment).await,
            Command::Worker(args) => worker::run(&environment, &args).await,
            Command::Dev => dev::run(environment).await,
            Command::Migrate { action } => migrate::run(environment, &action).await,
            Command::Schema(args) => schema::run(&args),
            Command::Token(args) => token::run(&environment, &args).await,
            Command::Doctor(args) => doctor::run(environment, &args).await,
            Command::Impact(args) => impact::run(environment, &args).await,
            Command::Verify(args) => verify::run(environment, &args).await,
            Command::Admin { action } => admin::run(environment, action).await,
            Command::Upload(args) => upload::run(&environment, &args).await,
            Command::Analyze(args) => analyze::run(&environment, &args).await,
            Command::Export(args) => export::run(&environment, &args).await,
            Command::Decode => Ok(::worker::frames::decoder_main()),
        }
    });
    // A blocking call that does not return must not keep the process.
    runtime.shutdown_timeout(std::time::Duration::from_secs(5));
    done
}
