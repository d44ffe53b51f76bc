//! The meaning: ids, units, states, routines and money, without any machinery.
//! Nothing here awaits, reads a clock or knows a database, so that the numbers customers act on can be proved in a second.
//! The features `db` and `graphql` add what `entity` and `api` need of the same types; both are off by default.
#![warn(missing_docs)]

mod closed;

pub mod analysis_error;
pub mod category;
pub mod container;
pub mod effort;
pub mod event;
pub mod flow;
pub mod id;
pub mod insight;
pub mod money;
pub mod pii;
pub mod quota;
pub mod report;
pub mod roi;
pub mod role;
pub mod routine;
pub mod sampling;
pub mod share;
pub mod span;
pub mod status;

pub use closed::UnknownValue;
