//! The use cases, and what both doors need to reach them.

pub mod config;
