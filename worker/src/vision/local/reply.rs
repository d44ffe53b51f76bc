//! What the analyser measured, as it is stored: [`LocalReply`] is `raw_gpt_response` of a local analysis.
//!
//! Everything later is read from it, so a better interpretation needs no new look at the video. Names are names in stored
//! rows: fields are added with a default and never renamed.

use domain::span::TimeSpan;
use serde::{Deserialize, Serialize};

/// The version that is stored as `gpt_version`.
pub const VERSION: &str = "local-1";

/// Everything that was measured in one recording.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct LocalReply {
    /// [`VERSION`] when it was measured.
    pub version: String,
    /// Length of the recording.
    pub duration_seconds: f64,
    /// Share of it that the frames stand for.
    pub coverage: f64,
    /// From which length of a standstill on time is idle.
    pub idle_threshold_seconds: f64,
    /// The distinct screens, by first appearance.
    pub screens: Vec<Screen>,
    /// The stays on them, in order, without overlaps.
    pub timeline: Vec<Stay>,
    /// Time on screens that an exclusion dropped.
    #[serde(default)]
    pub excluded: Vec<TimeSpan>,
    /// What each frame says beyond the words of its screen.
    pub frames: Vec<FrameText>,
}

/// One screen: frames that show the same form, list or page, whatever data it shows.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Screen {
    /// Its number.
    pub id: u32,
    /// Application as read from its title or head; empty when nothing readable stands there.
    pub application: String,
    /// What it shows, as read from its heading or title; empty when nothing readable stands there.
    pub object: String,
    /// A button's words that say what is done here, as read.
    #[serde(default)]
    pub command: Option<String>,
    /// Mean confidence of the words that the names were read from, `0..=1`.
    pub name_confidence: f64,
    /// The words that it shows whenever it is seen.
    pub words: Vec<Text>,
}

/// A word or a number of neighbouring words.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Text {
    /// As read, after redaction.
    pub text: String,
    /// Left, top, right, bottom in `0..=1` of the screen.
    pub area: [f32; 4],
    /// The recogniser's estimate, `0..=1`.
    pub confidence: f32,
}

/// An uninterrupted stay on one screen.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Stay {
    /// The screen.
    pub screen: u32,
    /// From its appearance to the next screen's.
    pub span: TimeSpan,
    /// When it was busy.
    pub waiting: Vec<TimeSpan>,
    /// When nothing changed for long.
    pub idle: Vec<TimeSpan>,
    /// Small changes of text: typing.
    pub edits: u32,
    /// From the first to the last of them.
    pub typing_seconds: f64,
    /// Indexes of the frames taken during it.
    pub frames: Vec<u32>,
}

/// The words of one frame.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct FrameText {
    /// Index of the frame.
    pub index: u32,
    /// Its screen.
    pub screen: u32,
    /// Words that are not among the screen's: data.
    pub words: Vec<Text>,
}
