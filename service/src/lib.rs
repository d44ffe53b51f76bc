//! The use cases: tenant scope, queries, queue, events, storage. The only room that can open a transaction.
//!
//! Every use case takes a [`db::Scope`] (or a [`db::Reader`]), so none can see another organization's rows.

pub mod act;
pub mod caller;
pub mod clock;
pub mod config;
pub mod db;
pub mod error;
pub mod page;
pub mod row;
pub mod shape;
mod sql;

pub mod analysis_frame;
pub mod analysis_result;
pub mod api_key;
pub mod audit_entry;
pub mod automation_opportunity;
pub mod cost_analysis;
pub mod dashboard;
pub mod generated_report;
pub mod invitation;
pub mod model_request;
pub mod node;
pub mod organization;
pub mod recording_notice;
pub mod recording_session;
pub mod user_profile;
pub mod video_chunk;
pub mod workflow_insight;
pub mod workflow_visualization;

pub mod data_export;
pub mod event;
pub mod look;
pub mod platform;
pub mod queue;
pub mod signing;
pub mod storage;
pub mod sweep;
pub mod valuation;

pub use error::{Error, Result};
