//! The end-to-end suite, one module per subject.

mod embedded_postgres;
mod remote_vision;
