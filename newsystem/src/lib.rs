//! The wiring behind the one binary, as a library so that the test harness can use the same private PostgreSQL.

pub mod embedded_postgres;
