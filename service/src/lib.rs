//! The use cases: tenant scope, queries, queue, events, storage. The only room that can open a transaction.
//!
//! Every use case takes a [`db::Scope`] (or a [`db::Reader`]), so none can see another organization's rows.

pub mod analysis_result;
pub mod caller;
pub mod config;
pub mod db;
pub mod error;
pub mod model_request;
pub mod queue;
pub mod storage;
pub mod sweep;
pub mod valuation;

pub use error::{Error, Result};
