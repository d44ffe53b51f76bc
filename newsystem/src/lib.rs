//! The wiring behind the one binary, as a library so that the test harness can use the same private PostgreSQL.

pub mod client;
pub mod client_file;
pub mod command;
pub mod embedded_postgres;
pub mod environment;
mod logging;
mod private_file;
mod secrets;
mod shutdown;
mod supervisor;
pub mod token;

pub use command::main;
