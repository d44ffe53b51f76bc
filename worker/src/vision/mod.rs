//! Reading what a recording shows.

pub mod local;
pub mod ocr;
pub mod redact;
