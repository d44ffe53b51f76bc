//! `worker`: the long work, until it is asked to stop.

use std::process::ExitCode;

use worker::config::Config;

use super::{serve, wiring};
use crate::environment::{self, Environment};
use crate::shutdown;

#[derive(Debug, clap::Args)]
pub struct Args {
    /// Stop when the process with this id is no longer the parent (`dev` sets it)
    #[arg(long, hide = true)]
    parent: Option<u32>,
}

pub async fn run(environment: &Environment, args: &Args) -> anyhow::Result<ExitCode> {
    let config = Config::load(&|name| environment.get(name))?;
    for notice in &config.notices {
        tracing::warn!("{notice}");
    }
    if config.remote.enabled {
        for warning in config.remote.warnings(environment::now().date_naive()) {
            tracing::warn!("remote model: {warning}");
        }
    }
    let stopping = shutdown::on_signal()?;
    if let Some(parent) = args.parent {
        shutdown::with_parent(parent, stopping.clone());
    }
    let db = wiring::connect(&config.database, &config.pool).await?;
    serve::refuse_pending(&db).await?;
    wiring::work(&config, db.clone(), stopping).await?;
    db.close().await;
    Ok(ExitCode::SUCCESS)
}
