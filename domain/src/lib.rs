//! Placeholder for the dependency build.
