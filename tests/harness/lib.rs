//! What the end-to-end tests stand on.

pub mod app;
pub mod database;
pub mod disk;
pub mod memory_ledger;
pub mod model_stand_in;
pub mod node;
pub mod postgres;
pub mod program;
pub mod s3;
pub mod socket;
