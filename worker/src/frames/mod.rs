//! From a recording to the few pictures that tell it: one frame per distinct settled screen, over the whole recording,
//! and the timeline of everything that moved in between.
//!
//! What a recording is made of comes from people's browsers and phones and is hostile until proved otherwise, so the
//! decoder runs in a child process with limits; its death fails one analysis and nothing else.

mod child;
mod ffmpeg;
mod grid;
mod jpeg;
mod picture;
mod plan;
mod plane;
mod screen;
mod select;
mod shelf;
mod thin;
mod vp9;

use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};

pub use domain::sampling::Sampling;

pub use child::{DecoderProgram, decoder_main, extract};
pub use ffmpeg::extract_in_process;

/// What was read from one recording.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Extraction {
    /// Length of the recording, measured from its packets (containers written by a browser often carry none).
    pub duration_seconds: f64,
    /// Share (`0..=1`) of the recording that the kept frames stand for.
    pub coverage: f64,
    /// Time whose pictures could not be read, and which no kept frame stands for.
    pub unreadable_seconds: f64,
    /// The video codec's short name: `vp8`, `vp9`, `av1`, `h264`, `hevc`.
    pub codec: String,
    /// Width as a viewer sees it, after rotation.
    pub width_pixels: u32,
    /// Height as a viewer sees it, after rotation.
    pub height_pixels: u32,
    /// The kept frames in order of time.
    pub frames: Vec<Frame>,
    /// Everything that moved, in order of time.
    pub changes: Vec<Change>,
}

/// One kept picture.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Frame {
    /// Position among the kept frames, from 0.
    pub index: u32,
    /// When the picture was taken, from the start of the recording.
    pub timestamp_seconds: f64,
    /// The time that this picture stands for.
    pub span: TimeSpan,
    /// Equal for frames that show the same screen, numbered by first appearance.
    pub screen: u32,
    /// Width of the stored picture.
    pub width_pixels: u32,
    /// Height of the stored picture.
    pub height_pixels: u32,
    /// The JPEG, longest side at most 2048.
    pub file: PathBuf,
    /// A 64-bit perceptual hash: few differing bits, similar layout.
    pub fingerprint: u64,
}

/// A half-open piece of the recording's time.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct TimeSpan {
    /// First instant inside.
    pub start_seconds: f64,
    /// First instant after.
    pub end_seconds: f64,
}

/// One movement on the screen between two successive pictures of the recording. Where movement runs without rest into a key
/// frame its pictures are left out: then the time stamps are those of the packets, and share, region and kind of all of them
/// say what had changed in the end.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct Change {
    /// Time stamp of the first picture that shows it.
    pub at_seconds: f64,
    /// Share (`0..=1`) of the screen's blocks that changed.
    pub share: f64,
    /// The box around the changed blocks: x0, y0, x1, y1 in `0..=1` of the screen.
    pub region: [f32; 4],
    /// How much it means.
    pub kind: ChangeKind,
}

/// What a change amounts to.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ChangeKind {
    /// A caret, a clock, a mouse cursor, a spinner: it makes no new frame on its own.
    Small,
    /// Text was typed or a part of the screen was redrawn.
    Text,
    /// Another screen: most of the picture changed.
    Screen,
}

/// How far a reading has come.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct Progress {
    pub done_seconds: f64,
    pub total_seconds: f64,
}

/// What is known of a recording without decoding it.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Probe {
    pub duration_seconds: f64,
    /// The video codec's short name.
    pub codec: String,
    /// Width as a viewer sees it, after rotation.
    pub width_pixels: u32,
    /// Height as a viewer sees it, after rotation.
    pub height_pixels: u32,
}

/// What a decoder may use.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct DecodeLimits {
    /// Private memory of the decoder's process.
    pub memory_bytes: u64,
    /// Processor time of the decoder's process.
    pub cpu_seconds: u64,
    /// Time on the wall.
    pub wall_seconds: u64,
    /// Width times height of a picture.
    pub max_pixels: u64,
    /// Length of a recording.
    pub max_recording_seconds: f64,
}

impl Default for DecodeLimits {
    /// Four hours of full HD fit many times over: 300 s of drawn screens took 100 MB and 2.3 s of processor time.
    fn default() -> Self {
        Self {
            memory_bytes: 1 << 30,
            cpu_seconds: 1800,
            wall_seconds: 3600,
            max_pixels: 7680 * 4320,
            max_recording_seconds: 4.0 * 3600.0,
        }
    }
}

/// Why a recording could not be read.
#[derive(Debug, thiserror::Error)]
pub enum FrameError {
    /// Its first bytes or its container are not those of a recording.
    #[error("the file is not a video")]
    NotAVideo,
    /// A video, but nothing in it can be shown; says why.
    #[error("the video cannot be read: {0}")]
    Unreadable(String),
    /// Longer than allowed.
    #[error("the recording is longer than {limit_seconds} seconds")]
    TooLong {
        /// What is allowed.
        limit_seconds: f64,
    },
    /// The decoder's process died or hit a limit; says how. The text is for the log.
    #[error("the decoder failed: {0}")]
    DecoderCrashed(String),
    /// It was asked to stop.
    #[error("cancelled")]
    Cancelled,
    /// A fault of ours: the disk, or the decoder could not be started.
    #[error("internal error")]
    Io(#[from] std::io::Error),
}

/// Length, codec and size of a recording, by its packets. Demuxes in this process; call it where a crash may be afforded.
pub fn probe(path: &Path) -> Result<Probe, FrameError> {
    ffmpeg::probe(path, &DecodeLimits::default())
}
