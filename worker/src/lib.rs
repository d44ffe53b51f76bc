//! The door for long work: frames, vision, insights and reports.

pub mod config;
pub mod frames;
pub mod libraries;
pub mod vision;
