//! Placeholder for the dependency build.
fn main() {}
