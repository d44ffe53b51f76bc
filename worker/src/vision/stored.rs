//! Reading what an analysis stored, again: without looking at the recording, without asking anybody, with today's reader.

use domain::insight::Reading;
use domain::insight::parse::{self, FrameTable, Unreadable};
use serde_json::Value;
use service::analysis_result::run::StoredFrame;

use super::local::{self, LocalReply};
use super::redact::{self, Rules};

/// A stored document, read.
#[derive(Debug)]
pub struct Stored {
    /// What was measured, where the analyser of this house did so.
    pub local: Option<LocalReply>,
    /// What it says, or why nothing of it can be used.
    pub reading: Result<Reading, Unreadable>,
}

/// Reads the `raw_gpt_response` of an analysis: measured here, answered by a model, or both; also of the system before.
pub fn read(raw: &Value, frames: &FrameTable) -> Stored {
    // Only what was measured here too is stored as two parts: a chat completion has a `model` of its own, its name.
    let (answered, measured) = match (raw.get("model"), raw.get("measured")) {
        (answered, Some(measured)) => (answered, measured),
        (_, None) => (None, raw),
    };
    let local: Option<LocalReply> = serde_json::from_value(measured.clone()).ok();
    let answered = answered.or_else(|| local.is_none().then_some(raw));
    let answered = answered.map(|reply| parse::read_value(reply, frames));
    let measured = local.as_ref().map(local::interpret);
    let reading = match (answered, measured) {
        (Some(Ok(answered)), Some(measured)) => Ok(masked(parse::merge_measured(answered, &measured))),
        (Some(Ok(answered)), None) => Ok(masked(answered)),
        (_, Some(measured)) => Ok(measured),
        (Some(Err(unreadable)), None) => Err(unreadable),
        (None, None) => Err(Unreadable::NotUnderstood("it holds nothing".to_owned())),
    };
    Stored { local, reading }
}

/// Applies rules to what an analysis stored, as if they had held when it was made: texts are masked, and frames of excluded
/// screens are struck off. What a model answered is masked when it is read.
pub fn redact_again(raw: &mut Value, frames: &mut Vec<StoredFrame>, rules: &Rules) {
    let measured = match raw.get_mut("measured") {
        Some(measured) => measured,
        None => raw,
    };
    let Ok(before) = serde_json::from_value::<LocalReply>(measured.clone()) else {
        return;
    };
    let mut reply = before.clone();
    let gone = redact::again(&mut reply, frames, rules);
    frames.retain(|frame| !gone.contains(&frame.index));
    // As it came, where nothing is to be taken from it.
    if reply != before
        && let Ok(redacted) = serde_json::to_value(&reply)
    {
        *measured = redacted;
    }
}

/// What a model wrote may repeat what stood on a screen.
pub(crate) fn masked(mut reading: Reading) -> Reading {
    parse::each_text(&mut reading, redact::mask_together);
    reading
}
