//! Use cases about analyses: reading them, [`request`]ing, cancelling and repeating them, and what the job that makes one does
//! ([`run`]).

mod read;
pub mod request;
pub mod run;

pub use read::*;
