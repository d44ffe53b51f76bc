//! The door for long work: frames, vision, insights, reports.

pub mod config;
