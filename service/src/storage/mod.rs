//! Where recordings, frames and reports lie: a folder by default, S3 or anything that speaks it by address.
//!
//! Keys are made of ids and numbers only; nothing of a caller's text becomes part of a path. Every write is whole or absent:
//! a folder writes beside and renames, S3 completes a multipart upload.

mod delete;
mod get;
mod key;
mod put;
mod store;

pub use key::{analysis_prefix, chunk_key, chunks_prefix, frame_key, organization_prefix, report_key, session_prefix};
pub use put::{MOST_STREAMED, PutError, Stored};
pub use store::{PresignedMethod, Storage};

#[cfg(test)]
mod tests;
