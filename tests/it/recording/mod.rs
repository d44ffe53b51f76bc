//! Recording through the door: limits, states, chunks, storages, crashes, erasure.

mod erasure;
mod export;
mod look;
mod process;
mod quota;
mod s3;
mod state;
mod steps;
