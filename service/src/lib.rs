//! The use cases: tenant scope, queries, queue, events, storage. The only room that can open a transaction.
//!
//! Every use case takes a [`db::Scope`] (or a [`db::Reader`]), so none can see another organization's rows.

pub mod caller;
pub mod config;
pub mod db;
pub mod error;
pub mod storage;

pub use error::{Error, Result};
