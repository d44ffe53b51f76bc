//! Recording sessions.

pub mod record;
