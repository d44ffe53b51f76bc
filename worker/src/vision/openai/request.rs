//! From frames to requests: what each weighs, how they are cut, what is sent.

use std::io;
use std::ops::Range;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use domain::id::AnalysisId;
use serde_json::{Map, Value, json};
use sha2::{Digest, Sha256};

use super::batch::{self, Limits, Load};
use super::error::Error;
use super::ledger::{Answered, RequestKey};
use super::{Question, Remote};
use crate::frames::Frame;
use crate::vision::prompt;

/// Frames with what they weigh.
pub(super) struct Weighed<'a> {
    pub(super) frame: &'a Frame,
    load: Load,
    pub(super) digest: [u8; 32],
}

/// One request.
pub(super) struct Part {
    /// Which of the frames.
    pub(super) frames: Range<usize>,
    /// The model that is asked, or has answered.
    pub(super) model: String,
}

/// The key of asking a model about these frames.
pub(super) fn key(analysis: AnalysisId, model: &str, frames: &[Weighed<'_>]) -> RequestKey {
    RequestKey::new(
        analysis,
        prompt::VERSION,
        model,
        frames.iter().map(|weighed| (weighed.frame.index, &weighed.digest)),
    )
}

/// The requests to send.
pub(super) struct Batches<'a> {
    pub(super) frames: Vec<Weighed<'a>>,
    pub(super) parts: Vec<Part>,
    fixed: Load,
    /// Frames that no request can carry.
    pub(super) left_out: Vec<u32>,
}

/// The requests that were answered about these very frames, in their order, none overlapping another.
fn known(analysis: AnalysisId, frames: &[Weighed<'_>], answered: &[Answered]) -> Vec<Part> {
    let mut parts: Vec<Part> = answered
        .iter()
        .filter_map(|line| {
            let first = *line.frames.first()?;
            let start = frames.iter().position(|weighed| weighed.frame.index == first)?;
            let range = start..start + line.frames.len();
            let same = key(analysis, &line.model, frames.get(range.clone())?).as_str() == line.key;
            same.then(|| Part {
                frames: range,
                model: line.model.clone(),
            })
        })
        .collect();
    parts.sort_by_key(|part| part.frames.start);
    let mut done = 0;
    parts.retain(|part| {
        let apart = part.frames.start >= done;
        if apart {
            done = part.frames.end;
        }
        apart
    });
    parts
}

impl Batches<'_> {
    /// The most tokens of a request's text and pictures.
    pub(super) fn tokens(&self, part: &Part) -> u64 {
        let frames = &self.frames[part.frames.clone()];
        self.fixed.tokens + frames.iter().map(|weighed| weighed.load.tokens).sum::<u64>()
    }
}

impl Remote {
    /// The frames with their weight, cut into requests. What was answered before stays as it was asked, whatever the limits and the
    /// model were then: it is paid for.
    pub(super) async fn batches<'a>(
        &self,
        question: &Question<'a>,
        answered: &[Answered],
    ) -> Result<Batches<'a>, Error> {
        let limits = Limits {
            images: self.config.max_images,
            request_bytes: self.config.max_request_bytes,
            image_bytes: self.config.max_image_bytes,
            prompt_tokens: self.config.context().saturating_sub(self.config.output_tokens()),
        };
        let text = length(&self.envelope(question.locale, Vec::new()));
        // Three characters a token is more than any of the four languages needs.
        let fixed = Load {
            image_bytes: text + 512,
            tokens: (text + 512) / 3,
        };
        let mut frames = Vec::with_capacity(question.frames.len());
        let mut left_out = Vec::new();
        for frame in question.frames {
            let picture = tokio::fs::read(&frame.file).await.map_err(Error::Frame)?;
            let load = Load {
                image_bytes: picture.len() as u64,
                tokens: self.image_tokens(frame) + 32,
            };
            if load.fits_alone(&limits, fixed) {
                frames.push(Weighed {
                    frame,
                    load,
                    digest: Sha256::digest(&picture).into(),
                });
            } else {
                left_out.push(frame.index);
            }
        }
        if frames.is_empty() {
            return Err(Error::NoFrames);
        }
        let loads: Vec<_> = frames.iter().map(|weighed| weighed.load).collect();
        let mut parts: Vec<Part> = Vec::new();
        let mut done = 0;
        let known = known(question.analysis, &frames, answered);
        for part in known.into_iter().map(Some).chain([None]) {
            let gap = done..part.as_ref().map_or(frames.len(), |part| part.frames.start);
            let cut = batch::split(&loads[gap.clone()], &limits, fixed);
            parts.extend(cut.into_iter().map(|range| Part {
                frames: gap.start + range.start..gap.start + range.end,
                model: self.config.model().to_owned(),
            }));
            done = part.as_ref().map_or(done, |part| part.frames.end);
            parts.extend(part);
        }
        Ok(Batches {
            frames,
            parts,
            fixed,
            left_out,
        })
    }

    fn image_tokens(&self, frame: &Frame) -> u64 {
        /// For a model without a formula: what the dearest common one needs for a full screen.
        const ASSUMED: u64 = 2_500;
        self.config.price().map_or(ASSUMED, |price| {
            price
                .image_tokens
                .count(frame.width_pixels, frame.height_pixels, self.config.detail)
        })
    }

    /// One request with its pictures. They are read again here, so that only one request's pictures are held at a time.
    pub(super) async fn request(
        &self,
        question: &Question<'_>,
        frames: &[Weighed<'_>],
        part: usize,
        parts: usize,
    ) -> Result<Value, Error> {
        let line = prompt::part_line(part, parts, frames.len(), question.duration_seconds);
        let mut content = vec![json!({ "type": "text", "text": line })];
        for weighed in frames {
            let frame = weighed.frame;
            let picture = tokio::fs::read(&frame.file).await.map_err(Error::Frame)?;
            let line = prompt::frame_line(frame.index, frame.span.start_seconds, frame.span.end_seconds);
            let mut url = String::from("data:image/jpeg;base64,");
            STANDARD.encode_string(&picture, &mut url);
            content.push(json!({ "type": "text", "text": line }));
            let mut image = json!({ "type": "image_url", "image_url": { "detail": self.config.detail.as_str() } });
            // Moved, not serialized once more: `json!` copies what it is given.
            image["image_url"]["url"] = Value::String(url);
            content.push(image);
        }
        Ok(self.envelope(question.locale, content))
    }

    /// Everything of a request but its pictures.
    fn envelope(&self, locale: &str, content: Vec<Value>) -> Value {
        let price = self.config.price();
        let mut request = Map::new();
        request.insert("model".to_owned(), json!(self.config.model()));
        let mut question = json!({ "role": "user" });
        question["content"] = Value::Array(content);
        let instructions = json!({ "role": "system", "content": prompt::instructions(locale) });
        request.insert("messages".to_owned(), Value::Array(vec![instructions, question]));
        request.insert("response_format".to_owned(), prompt::response_format());
        request.insert("max_completion_tokens".to_owned(), json!(self.config.output_tokens()));
        request.insert("stream".to_owned(), json!(false));
        if let Some(temperature) = self.config.temperature
            && price.is_none_or(|price| price.accepts_temperature)
        {
            request.insert("temperature".to_owned(), json!(temperature));
        }
        if let Some(effort) = self
            .config
            .reasoning_effort
            .as_deref()
            .or_else(|| price?.reasoning_effort.as_deref())
        {
            request.insert("reasoning_effort".to_owned(), json!(effort));
        }
        Value::Object(request)
    }
}

/// Length of a request's body, without building it a second time.
pub(super) fn length(request: &Value) -> u64 {
    struct Counter(u64);
    impl io::Write for Counter {
        fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
            self.0 += bytes.len() as u64;
            Ok(bytes.len())
        }
        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }
    let mut counter = Counter(0);
    match serde_json::to_writer(&mut counter, request) {
        Ok(()) => counter.0,
        Err(_) => 0,
    }
}
