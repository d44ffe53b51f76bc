//! From a recording to the few pictures that tell it: one frame per distinct settled screen, over the whole recording,
//! and the timeline of everything that moved in between.
//!
//! What a recording is made of comes from people's browsers and phones and is hostile until proved otherwise, so the
//! decoder runs in a child process with limits; its death fails one analysis and nothing else.

use std::path::PathBuf;

use serde::{Deserialize, Serialize};

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

/// One movement on the screen between two successive pictures of the recording.
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
