//! VP9, as far as it goes without decoding pictures anew: a screen's pictures differ from the one before in a few blocks, and
//! ffmpeg's decoder copies all the others each time. Here such packets are read, and what they change is made in place, exact to
//! the bit (VP9 Bitstream & Decoding Process Specification, version 0.6, whose sections are named). Everything else is left to
//! ffmpeg: key frames, large changes, and what a browser's recorder does not write. Pure.

mod arithmetic;
mod blocks;
mod coefficients;
mod edits;
mod header;
mod inter;
mod motion;
mod neighbours;
mod predict;
mod probabilities;
mod residual;
mod stream;
mod tables;
mod transform;

pub use edits::{Edits, PictureMut, PlaneMut};
pub use header::without_loop_filter;
pub use stream::{Look, Small, Stream};

#[cfg(test)]
pub mod tests {
    pub use super::arithmetic::tests::Numbers;
}
