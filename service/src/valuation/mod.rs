//! What opportunities are worth: from rows to the domain's observations and back. Used when an analysis is recorded, when a
//! person corrects an opportunity, and when costs are calculated anew; the arithmetic itself is [`domain::roi`].

mod contributed;
mod cost;
mod declared;
mod entered;
mod observe;
mod turn;
mod worth;

pub use contributed::Contributed;
pub use cost::{Summary, cost_row};
pub(crate) use declared::{Declaration, declare};
pub use entered::{ReviewerInput, assumptions};
pub use observe::{Current, Observed, current, observation_of, observations};
pub(crate) use turn::{is_current, turn};
pub(crate) use worth::{PRIORITY_INPUTS, Standing, WORTH, derived_key, follow};
pub use worth::{evidence_by_process, price};
