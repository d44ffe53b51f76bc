//! Placeholder: the read side is merged in.

pub mod manage;
