//! The long work, one file per job.

pub mod analyze_recording;
mod stop;
pub mod sweep;
