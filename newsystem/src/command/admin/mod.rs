//! `admin`: what only the platform's operator does. Every act takes a reason, which the organizations concerned read in their
//! audit logs.

mod show;

use std::process::ExitCode;

use domain::id::{ApiKeyId, OrganizationId};
use domain::quota::{SubscriptionStatus, SubscriptionTier};
use rust_decimal::Decimal;
use service::platform::admin::{self, Plan};

use super::wiring;
use crate::environment::{self, Environment};

#[derive(Debug, clap::Subcommand)]
pub enum Action {
    /// Organizations: their plans and what they use of them
    Organizations {
        #[command(subcommand)]
        action: Organizations,
    },
    /// Keys of partners
    Keys {
        #[command(subcommand)]
        action: Keys,
    },
    /// The switch that stops all remote analysis, whatever organizations allow
    Remote {
        #[command(subcommand)]
        action: Remote,
    },
}

#[derive(Debug, clap::Subcommand)]
pub enum Organizations {
    /// List all of them, the newest first
    #[command(after_help = "Example: newsystem admin organizations list --json | jq '.[].name'")]
    List {
        /// Print JSON instead of a table
        #[arg(long)]
        json: bool,
    },
    /// Show one with its limits and keys
    #[command(after_help = "Example: newsystem admin organizations show 019a1f00-0000-7000-8000-000000000001")]
    Show {
        /// Its id
        organization: OrganizationId,
        /// Print JSON instead of text
        #[arg(long)]
        json: bool,
    },
    /// Set its plan; a tier brings its own limits and budgets, unless others are named beside it
    #[command(
        after_help = "Example: newsystem admin organizations set 019a1f00-0000-7000-8000-000000000001 --tier growth --status active --max-users 80 --reason 'contract 2026-114'"
    )]
    Set(Box<SetArgs>),
    /// Take back an owner's wish to delete it, within seven days
    #[command(
        after_help = "Example: newsystem admin organizations restore 019a1f00-0000-7000-8000-000000000001 --reason 'the owner called: wrong button'"
    )]
    Restore {
        /// Its id
        organization: OrganizationId,
        /// Why; its owners read it
        #[arg(long)]
        reason: String,
    },
}

#[derive(Debug, clap::Args)]
pub struct SetArgs {
    /// Its id
    organization: OrganizationId,
    /// free, growth or enterprise
    #[arg(long)]
    tier: Option<SubscriptionTier>,
    /// active, inactive or trial
    #[arg(long)]
    status: Option<SubscriptionStatus>,
    /// Members at most
    #[arg(long, value_parser = clap::value_parser!(i32).range(1..))]
    max_users: Option<i32>,
    /// Recordings at most in a month
    #[arg(long, value_parser = clap::value_parser!(i32).range(0..))]
    max_recordings: Option<i32>,
    /// Bytes at most in storage
    #[arg(long, value_parser = clap::value_parser!(i64).range(0..))]
    max_storage_bytes: Option<i64>,
    /// Seconds of the longest recording
    #[arg(long, value_parser = clap::value_parser!(i32).range(1..))]
    max_recording_seconds: Option<i32>,
    /// Analyses at the same time
    #[arg(long, value_parser = clap::value_parser!(i32).range(1..=64))]
    max_parallel_analyses: Option<i32>,
    /// What models may cost in a month, in USD
    #[arg(long, value_name = "USD", value_parser = usd)]
    budget_month: Option<Decimal>,
    /// What models may cost for one analysis, in USD
    #[arg(long, value_name = "USD", value_parser = usd)]
    budget_analysis: Option<Decimal>,
    /// Why; its owners read it
    #[arg(long)]
    reason: String,
}

#[derive(Debug, clap::Subcommand)]
pub enum Keys {
    /// Revoke one, from now on and on open sockets
    #[command(
        after_help = "Example: newsystem admin keys revoke 019a1f00-0000-7000-8000-000000000016 --reason 'found in a public repository'"
    )]
    Revoke {
        /// Its id, as `organizations show` lists it
        key: ApiKeyId,
        /// Why; its organization's owners read it
        #[arg(long)]
        reason: String,
    },
}

#[derive(Debug, clap::Subcommand)]
pub enum Remote {
    /// Say whether it is stopped
    #[command(after_help = "Example: newsystem admin remote status")]
    Status,
    /// Stop it: nothing leaves the house from the next request to a model on, running analyses included
    #[command(after_help = "Example: newsystem admin remote stop --reason 'incident at the provider'")]
    Stop {
        /// Why; every organization reads it
        #[arg(long)]
        reason: String,
    },
    /// Let each organization decide again
    #[command(after_help = "Example: newsystem admin remote allow --reason 'incident over'")]
    Allow {
        /// Why; every organization reads it
        #[arg(long)]
        reason: String,
    },
}

fn usd(text: &str) -> Result<Decimal, String> {
    match text.parse::<Decimal>() {
        Ok(amount) if amount >= Decimal::ZERO && amount <= Decimal::from(100_000) => Ok(amount),
        _ => Err("must be an amount between 0 and 100000".to_owned()),
    }
}

pub async fn run(environment: Environment, action: Action) -> anyhow::Result<ExitCode> {
    let owner = wiring::owner(environment).await?;
    let now = environment::now();
    match action {
        Action::Organizations { action } => match action {
            Organizations::List { json } => {
                let organizations = admin::organizations(&owner, None, now).await?;
                print!("{}", show::organizations(&organizations, json)?);
            }
            Organizations::Show { organization, json } => {
                let found = admin::organizations(&owner, Some(organization), now).await?;
                let Some(found) = found.into_iter().next() else {
                    anyhow::bail!("no organization with that id");
                };
                let keys = admin::keys(&owner, organization).await?;
                print!("{}", show::organization(&found, &keys, json)?);
            }
            Organizations::Set(args) => {
                let plan = Plan {
                    tier: args.tier,
                    status: args.status,
                    max_users: args.max_users,
                    max_recordings_per_month: args.max_recordings,
                    max_storage_bytes: args.max_storage_bytes,
                    max_recording_seconds: args.max_recording_seconds,
                    max_parallel_analyses: args.max_parallel_analyses,
                    model_budget_monthly_usd: args.budget_month,
                    model_budget_per_analysis_usd: args.budget_analysis,
                };
                admin::set(&owner, args.organization, plan, &args.reason, now).await?;
                let found = admin::organizations(&owner, Some(args.organization), now).await?;
                print!("{}", show::organizations(&found, false)?);
            }
            Organizations::Restore { organization, reason } => {
                admin::restore(&owner, organization, &reason, now).await?;
                println!("the organization stays");
            }
        },
        Action::Keys {
            action: Keys::Revoke { key, reason },
        } => {
            let organization = admin::revoke_key(&owner, key, &reason, now).await?;
            println!("revoked; it was a key of organization {organization}");
        }
        Action::Remote { action } => match action {
            Remote::Status => match admin::remote_stopped_at(&owner).await? {
                Some(at) => println!("stopped since {}", at.to_rfc3339()),
                None => println!("each organization decides for itself"),
            },
            Remote::Stop { reason } => {
                admin::switch_remote(&owner, true, &reason, now).await?;
                println!("stopped: nothing leaves the house");
            }
            Remote::Allow { reason } => {
                admin::switch_remote(&owner, false, &reason, now).await?;
                println!("each organization decides for itself");
            }
        },
    }
    owner.close().await;
    Ok(ExitCode::SUCCESS)
}
