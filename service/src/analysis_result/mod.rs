//! Use cases about analyses: [`request`]ing, cancelling and repeating them, and what the job that makes one does ([`run`]).

pub mod request;
pub mod run;
