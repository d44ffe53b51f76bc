//! Recording: start, change and finish a session, within the organization's limits and the person's rights.
//! Every function takes a [`Scope`](crate::db::Scope), so none can see another organization's rows.

mod erase;
mod finish;
mod input;
mod lock;
mod start;
mod update;

pub use erase::{Receipt, erase};
pub use finish::{Finished, finish};
pub use input::PrivacyInput;
pub use start::{Start, start};
pub use update::{Update, update};
