//! Reading an analyser's stored reply: pure, tolerant, and the same every time.
//!
//! A paid reply is never lost to one bad element: what cannot be read is left out and named in `dropped`, the rest stands.
//! Only a reply that holds nothing readable at all is refused, with the reason. Replies of the system that this one
//! replaces are understood too, whichever of its shapes they have. The text of a reply is plain text: whatever mark-up is
//! in it are characters like any others.

mod field;
mod measured;
mod merge;
mod shape;
mod texts;

use std::collections::BTreeMap;

use serde_json::Value;

use super::Reading;
use crate::analysis_error::AnalysisErrorCode;
use crate::span::{self, TimeSpan};

pub use field::{Scope, stated_seconds};
pub use measured::merge_measured;
pub use merge::merge;
pub use texts::each_text;

/// Wrappers around a reply that are opened, one within the other, at most.
const MOST_WRAPPERS: u8 = 6;

/// Why nothing of a reply can be used.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Unreadable {
    /// The model declined, or a filter of the endpoint stopped its answer.
    #[error("the model declined to answer")]
    Refused {
        /// A filter rather than the model itself.
        filtered: bool,
    },
    /// It ended at the limit of its length: what is there is a torso.
    #[error("the answer ended before it was complete")]
    CutOff,
    /// It is no answer to the question.
    #[error("the answer cannot be understood: {0}")]
    NotUnderstood(String),
}

impl Unreadable {
    /// The code that the analysis shows.
    pub const fn code(&self) -> AnalysisErrorCode {
        match self {
            Self::Refused { .. } => AnalysisErrorCode::ModelRefused,
            Self::CutOff => AnalysisErrorCode::ModelCutOff,
            Self::NotUnderstood(_) => AnalysisErrorCode::ModelUnreadable,
        }
    }

    fn because(reason: &str) -> Self {
        Self::NotUnderstood(reason.to_owned())
    }
}

/// The frames of an analysis, each with the time that it stands for. Empty where none are known: then citations cannot be
/// checked, and claims stand without times.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct FrameTable(BTreeMap<u32, TimeSpan>);

impl FrameTable {
    /// Whether no frames are known.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// The time that a frame stands for.
    pub fn span(&self, frame: u32) -> Option<TimeSpan> {
        self.0.get(&frame).copied()
    }

    /// The time that several frames stand for, without overlaps, in order.
    pub fn evidence(&self, frames: &[u32]) -> Vec<TimeSpan> {
        let spans: Vec<_> = frames.iter().filter_map(|frame| self.span(*frame)).collect();
        span::union(&spans)
    }
}

impl FromIterator<(u32, TimeSpan)> for FrameTable {
    fn from_iter<I: IntoIterator<Item = (u32, TimeSpan)>>(frames: I) -> Self {
        Self(frames.into_iter().collect())
    }
}

/// Reads one reply as it came: a chat completion, or the answer itself, bare or in a fence of code.
pub fn read(reply: &str, frames: &FrameTable) -> Result<Reading, Unreadable> {
    let value = json_in(reply).ok_or_else(|| Unreadable::because("it is no JSON"))?;
    read_value(&value, frames)
}

/// Reads a stored document: one reply in any shape, or a list of replies about successive parts of the recording.
pub fn read_value(document: &Value, frames: &FrameTable) -> Result<Reading, Unreadable> {
    match document {
        Value::Array(replies) if replies.is_empty() => Err(Unreadable::because("it is empty")),
        Value::Array(replies) => {
            let readings = replies
                .iter()
                .map(|reply| read_one(reply, frames))
                .collect::<Result<Vec<_>, _>>()?;
            Ok(merge(readings))
        }
        // One reply can name the same thing twice, like two.
        reply => Ok(merge(vec![read_one(reply, frames)?])),
    }
}

/// Replies as one document that [`read_value`] understands and that a database can hold as JSON: one reply stands for
/// itself, several are a list. A reply that is no JSON is kept as a text.
pub fn document(replies: &[&str]) -> Value {
    let mut values: Vec<Value> = replies
        .iter()
        .map(|reply| serde_json::from_str(reply).unwrap_or_else(|_| Value::String((*reply).to_owned())))
        .collect();
    values.iter_mut().for_each(storable);
    match values.len() {
        1 => values.remove(0),
        _ => Value::Array(values),
    }
}

/// `PostgreSQL`'s JSON cannot hold the character zero.
fn storable(value: &mut Value) {
    match value {
        Value::String(text) if text.contains('\0') => *text = text.replace('\0', "\u{fffd}"),
        Value::Array(elements) => elements.iter_mut().for_each(storable),
        Value::Object(fields) => {
            if fields.keys().any(|name| name.contains('\0')) {
                let kept = std::mem::take(fields);
                fields.extend(
                    kept.into_iter()
                        .map(|(name, value)| (name.replace('\0', "\u{fffd}"), value)),
                );
            }
            fields.values_mut().for_each(storable);
        }
        _ => {}
    }
}

fn read_one(reply: &Value, frames: &FrameTable) -> Result<Reading, Unreadable> {
    let mut value = reply.clone();
    for _ in 0..MOST_WRAPPERS {
        value = match value {
            Value::String(text) => json_in(&text).ok_or_else(|| Unreadable::because("it is no JSON"))?,
            Value::Object(mut fields) => {
                if fields.contains_key("choices") {
                    content(&Value::Object(fields))?
                } else if shape::is_answer(&fields) {
                    return Ok(shape::read(&fields, frames));
                } else if let Some(inner) = WRAPPERS.iter().find_map(|name| fields.remove(*name)) {
                    inner
                } else {
                    return Err(Unreadable::because("none of the expected properties is in it"));
                }
            }
            Value::Null => return Err(Unreadable::because("it is empty")),
            _ => return Err(Unreadable::because("it is no object")),
        };
    }
    Err(Unreadable::because("it is wrapped too often"))
}

/// Properties under which older rows and gateways keep the answer.
const WRAPPERS: [&str; 9] = [
    "analysis",
    "structured_insights",
    "raw_gpt_response",
    "raw_response",
    "response",
    "result",
    "data",
    "content",
    "message",
];

/// The content of a chat completion's first choice.
fn content(completion: &Value) -> Result<Value, Unreadable> {
    let choice = &completion["choices"][0];
    let message = &choice["message"];
    let declined = message["refusal"].as_str().is_some_and(|text| !text.trim().is_empty());
    if declined {
        return Err(Unreadable::Refused { filtered: false });
    }
    // Values that nobody has heard of yet say nothing about the content.
    match choice["finish_reason"].as_str() {
        Some("content_filter") => return Err(Unreadable::Refused { filtered: true }),
        Some("length" | "max_tokens") => return Err(Unreadable::CutOff),
        _ => {}
    }
    match &message["content"] {
        Value::String(text) if !text.trim().is_empty() => Ok(Value::String(text.clone())),
        Value::Object(answer) => Ok(Value::Object(answer.clone())),
        Value::Array(parts) => {
            if parts.iter().any(|part| part["type"] == "refusal") {
                return Err(Unreadable::Refused { filtered: false });
            }
            let text: String = parts.iter().filter_map(|part| part["text"].as_str()).collect();
            if text.trim().is_empty() {
                Err(Unreadable::because("it is empty"))
            } else {
                Ok(Value::String(text))
            }
        }
        _ => Err(Unreadable::because("it is empty")),
    }
}

/// The JSON in a text: all of it, or what stands between the first and the last brace (a fence of code, a sentence before).
fn json_in(text: &str) -> Option<Value> {
    if let Ok(value) = serde_json::from_str(text.trim_start_matches('\u{feff}')) {
        return Some(value);
    }
    let inner = text.get(text.find('{')?..=text.rfind('}')?)?;
    serde_json::from_str(inner).ok()
}

#[cfg(test)]
mod tests;
