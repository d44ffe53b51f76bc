//! Placeholder for the dependency build.

pub mod container;
