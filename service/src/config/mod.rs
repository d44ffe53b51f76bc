//! Reading settings: one reader that collects every fault, the types that several processes share, and a [`Secret`] that
//! does not print itself. What a process is configured with is a struct of its own room (`api::config`, `worker::config`);
//! here is only how a setting is read and what a database, a store and an exception are.
//!
//! Nothing here touches the process's environment. A [`Lookup`] comes in, so a test configures a process with a map.

mod database;
mod secret;
mod settings;
mod storage;

pub use database::{DatabaseUrl, PoolConfig};
pub use secret::Secret;
pub use settings::{Exception, Fault, Faults, Lookup, Settings};
pub use storage::{Bucket, StorageConfig};

/// Where a file keeps what a deployment does not keep elsewhere: objects, and for `dev` the database and its secrets.
pub const DATA_DIR: &str = "NEWSYSTEM_DATA_DIR";

/// The folder for local data.
pub fn data_dir(settings: &mut Settings<'_>) -> std::path::PathBuf {
    settings.or(DATA_DIR, std::path::PathBuf::from(".newsystem"), |text| Ok(text.into()))
}

/// Whether a host name or address can only mean this machine.
pub fn is_loopback(host: &str) -> bool {
    let bare = host.trim_start_matches('[').trim_end_matches(']');
    bare.eq_ignore_ascii_case("localhost")
        || bare
            .parse::<std::net::IpAddr>()
            .is_ok_and(|address| address.is_loopback())
}
