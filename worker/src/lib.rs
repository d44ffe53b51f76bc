//! The door for long work: frames, vision, insights and reports.

pub mod frames;
pub mod vision;
