//! Pages of long lists by keyset: a cursor is a place in an order and stays right while rows come and go, in both directions.
//!
//! A cursor carries its order and the key values of one row. The order always ends with the id, so that no two rows share a
//! place; nulls come last in both directions.

mod condition;
mod cursor;
mod keyset;
mod order;
mod query;
mod window;

pub use condition::{Below, Range};
pub(crate) use condition::{Filter, is, one_of};
pub use order::{Direction, Key, Kind, Order};
pub use query::{by_ids, counts, documents, pages};
pub(crate) use query::{count, list};
pub use window::{Arguments, DEFAULT_SIZE, MAX_SIZE, Page, Window};
