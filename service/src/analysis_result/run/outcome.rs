//! What an analysis comes to, before it is rows.

use domain::flow::{LayoutAlgorithm, VisualizationType};
use domain::insight::Reading;
use domain::span::TimeSpan;
use rust_decimal::Decimal;

/// A frame that was kept and stored as evidence.
#[derive(Debug, Clone, PartialEq)]
pub struct StoredFrame {
    /// Its index in the analysis, from 0.
    pub index: u32,
    /// Its instant in the recording, in seconds.
    pub timestamp_seconds: f64,
    /// The time that it stands for.
    pub span: TimeSpan,
    /// The cluster of equal screens.
    pub screen: u32,
    /// Width in pixels.
    pub width_pixels: u32,
    /// Height in pixels.
    pub height_pixels: u32,
    /// Its key in storage.
    pub key: String,
    /// Its size.
    pub bytes: u64,
    /// Whether anything was covered before it was stored.
    pub redacted: bool,
}

/// A diagram in the form that React Flow takes.
#[derive(Debug, Clone, PartialEq)]
pub struct Diagram {
    /// What it shows.
    pub kind: VisualizationType,
    /// How it is laid out.
    pub layout: LayoutAlgorithm,
    /// `{nodes, edges}`.
    pub data: serde_json::Value,
}

/// What was made of the recording itself, by an analyser or a model; what reading the reply anew starts from.
#[derive(Debug, Clone)]
pub struct Made {
    /// The analyser's reply, as it came.
    pub raw_reply: serde_json::Value,
    /// `local-1`, or the model's name as its reply has it.
    pub gpt_version: String,
    /// The version of the prompt, where a model was asked.
    pub prompt_version: Option<String>,
    /// USD, where a model was asked and has a price.
    pub cost_usd: Option<Decimal>,
    /// Tokens of all requests together.
    pub prompt_tokens: Option<i64>,
    /// Tokens of all replies together.
    pub completion_tokens: Option<i64>,
    /// What is kept as evidence.
    pub frames: Vec<StoredFrame>,
    /// Share of the recording that they stand for.
    pub coverage: f64,
    /// The recording's length, in seconds.
    pub duration_seconds: f64,
    /// Recorded time without idle time, in seconds.
    pub observed_seconds: f64,
    /// SHA-256 of the whole recording, in hexadecimal.
    pub content_sha256: String,
}

/// All that an analysis came to.
#[derive(Debug, Clone)]
pub struct Outcome {
    /// What was made of the recording.
    pub made: Made,
    /// What was read in the reply.
    pub reading: Reading,
    /// The diagrams.
    pub diagrams: Vec<Diagram>,
    /// How long this attempt took, in seconds.
    pub processing_seconds: f64,
}
