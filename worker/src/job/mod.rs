//! The long work, one file per job.

pub mod analyze_recording;
pub mod sweep;
