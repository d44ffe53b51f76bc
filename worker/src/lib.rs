//! The door for long work: frames, vision, insights and reports. A process of its own, so that a decoder that crashes on a
//! hostile file never takes the API down.

pub mod config;
pub mod frames;
pub mod job;
pub mod libraries;
pub mod process;
pub mod runner;
mod scratch;
pub mod vision;
