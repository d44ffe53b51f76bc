//! Reading the words of a picture with Tesseract, run as a child process per picture (`OMP_THREAD_LIMIT=1`).
//!
//! Pictures of screens are small print: they are enlarged, dark themes are inverted, and words are looked for anywhere
//! (sparse mode). Between two pictures of a recording only what differs is read again.

mod changes;
mod recording;
mod sheet;
mod tesseract;

pub use recording::read_all;
pub use tesseract::{LANGUAGES, OcrError, Tesseract, Word};
