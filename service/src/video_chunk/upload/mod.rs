//! Uploading a recording by chunks: announce, put, complete. Every step may be repeated: twice, in parallel, out of order, after
//! a lost answer.
//!
//! Every announcement of other bytes has a key of its own, so that a late PUT, or a late deletion, of what was announced before
//! meets nothing that counts. A folder stores only the announced bytes. A bucket stores whatever is put to a presigned address
//! while that lasts, so completing copies the object to a key that no address names, reads that copy once, and keeps it if it is
//! what was announced. Bytes travel to storage directly (S3) or through `http/upload.rs` (a folder), never through a transaction.

mod announce;
mod complete;
mod rows;
mod signed;

pub use announce::{ADDRESS_LIFE, Announced, MOST_CHUNKS, Uploadable, address, announce};
pub use complete::{Completed, complete, fail};
pub use signed::{Expected, expected, note};
