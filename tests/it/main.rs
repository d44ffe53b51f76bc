//! The end-to-end suite, one module per subject.
#![expect(clippy::unwrap_used, reason = "a test that cannot go on ends here")]

mod embedded_postgres;
mod read;
mod remote_vision;
mod sign_in;
