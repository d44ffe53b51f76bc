//! Chunks of recordings.

pub mod upload;
