//! The door for people, as far as HTTP knows it.

pub mod auth;
