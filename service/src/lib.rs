//! The use cases: tenant scope, queries, queue, events, storage. The only room that can open a transaction.
//!
//! Every use case takes a [`db::Scope`] (or a [`db::Reader`]), so none can see another organization's rows.

pub mod act;
pub mod analysis_result;
pub mod api_key;
pub mod automation_opportunity;
pub mod caller;
pub mod config;
pub mod db;
pub mod error;
pub mod event;
pub mod invitation;
pub mod model_request;
pub mod organization;
pub mod queue;
pub mod recording_session;
pub mod storage;
pub mod sweep;
pub mod user_profile;
pub mod valuation;
pub mod video_chunk;

pub use error::{Error, Result};
