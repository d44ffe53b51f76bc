//! What the job that makes an analysis does in the database: take the work up, read its inputs, report progress, and record
//! the outcome in one transaction. Everything but taking it up runs in a scope that is bound to the job's lease.

mod carry;
mod inputs;
mod lease;
mod outcome;
mod record;
mod rows;
mod verdict;

pub use inputs::{Inputs, OrganizationRules, SessionRules, inputs};
pub(crate) use lease::fence;
pub use lease::{Begun, LEASE, Progress, Renewal, begin, cancel_requested, hand_back, renew, report};
pub use outcome::{Diagram, Made, Outcome, StoredFrame};
pub use record::record;
pub use verdict::{fail, put_back};
