//! Asking a remote model about frames, through any endpoint that speaks `OpenAI`'s chat completions.
//!
//! [`Remote::ask`] cuts the frames into requests, and for each: reserves it in the [`Ledger`], sends it, stores the answer
//! word for word, and only then reads it. One request is under way at a time, so a kill leaves at most one in doubt. What
//! fails for a passing reason is tried again here and nowhere else.

mod attempt;
mod batch;
mod config;
mod error;
mod ledger;
mod permit;
mod reply;
mod request;
mod retry;
mod wire;

use domain::id::AnalysisId;
use domain::insight::Reading;
use domain::insight::parse::{self, FrameTable, Unreadable};
use domain::span::TimeSpan;
use rust_decimal::Decimal;
use serde_json::Value;

use crate::frames::Frame;
use crate::vision::price::Usage;
use crate::vision::prompt;
use attempt::Asking;
use request::length;
use wire::Wire;

pub use attempt::Ending;
pub use config::{Detail, RemoteConfig, Secret};
pub use error::Error;
pub use ledger::{
    Answered, Budget, Disclosure, Failed, Ledger, LedgerFault, RequestKey, Reservation, Reserved, StoredReply,
};
pub use permit::{Consents, Permit, Redaction};
pub use reply::model_name;
pub use retry::Patience;

/// Departures from the schema that are told of one answer.
const MOST_DEPARTURES: usize = 20;

/// What is asked.
#[derive(Debug, Clone, Copy)]
pub struct Question<'a> {
    /// The analysis that asks.
    pub analysis: AnalysisId,
    /// The frames, redacted where that is asked for, in order of time.
    pub frames: &'a [Frame],
    /// Length of the recording.
    pub duration_seconds: f64,
    /// The organization's locale: the language of the answer.
    pub locale: &'a str,
}

/// What came of it.
#[derive(Debug, Clone)]
pub struct Answer {
    /// The answers as they came, in order of time.
    pub replies: Vec<StoredReply>,
    /// What they say, merged.
    pub reading: Reading,
    /// The model's name as the answers give it, else as it was asked.
    pub gpt_version: String,
    /// Which instructions were answered.
    pub prompt_version: &'static str,
    /// Frames that were sent, now or by the attempt that stored the answer.
    pub frames_asked: u32,
    /// Requests that this call sent, tries included.
    pub requests_sent: u32,
    /// Tokens of all requests; none where an answer does not say.
    pub prompt_tokens: Option<u64>,
    /// Tokens of all answers; none where an answer does not say.
    pub completion_tokens: Option<u64>,
    /// What the answers cost; none where one is unknown.
    pub cost_usd: Option<Decimal>,
    /// Where answers depart from the schema that they were given.
    pub departures: Vec<String>,
}

impl Answer {
    /// The answers as one document for `raw_gpt_response`, which [`parse::read_value`] understands.
    pub fn document(&self) -> Value {
        let bodies: Vec<_> = self.replies.iter().map(|reply| reply.body.as_str()).collect();
        parse::document(&bodies)
    }
}

/// How far the asking is.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Progress {
    /// Requests answered.
    pub requests_done: u32,
    /// Requests in all.
    pub requests_total: u32,
    /// Frames whose request is answered.
    pub frames_done: u32,
    /// Frames in all.
    pub frames_total: u32,
    /// Booked so far; unknown costs are left out.
    pub cost_usd_so_far: Decimal,
}

/// What asking would take, before anything is sent.
#[derive(Debug, Clone, PartialEq)]
pub struct Plan {
    /// Requests that the limits need.
    pub requests: u32,
    /// Frames that fit.
    pub frames: u32,
    /// The most tokens that all of them can take.
    pub most_tokens: u64,
    /// The most that all of them can cost; none without a price.
    pub most_usd: Option<Decimal>,
}

/// A remote model.
#[derive(Clone)]
pub struct Remote {
    config: RemoteConfig,
    wire: Wire,
}

impl Remote {
    /// A client for this configuration.
    pub fn new(config: RemoteConfig) -> Result<Self, Error> {
        let wire = Wire::new(&config).map_err(Error::Client)?;
        Ok(Self { config, wire })
    }

    /// What it was made with.
    pub fn config(&self) -> &RemoteConfig {
        &self.config
    }

    /// What asking would take.
    pub async fn plan(&self, question: &Question<'_>) -> Result<Plan, Error> {
        let batches = self.batches(question, &[]).await?;
        let tokens: Vec<u64> = batches.parts.iter().map(|part| batches.tokens(part)).collect();
        Ok(Plan {
            requests: batches.parts.len() as u32,
            frames: batches.frames.len() as u32,
            most_tokens: tokens.iter().map(|tokens| tokens + self.config.output_tokens()).sum(),
            most_usd: self.config.price().map(|price| {
                tokens
                    .iter()
                    .map(|tokens| price.most_usd(*tokens, self.config.output_tokens()))
                    .sum()
            }),
        })
    }

    /// Asks, or takes from the ledger what was answered before.
    ///
    /// Dropping the future leaves an open reservation, as a kill does; `ending` closes it properly within the time of one
    /// ledger write.
    pub async fn ask<L: Ledger>(
        &self,
        _permit: &Permit,
        question: &Question<'_>,
        ledger: &L,
        ending: &Ending,
        progress: impl Fn(Progress) + Send + Sync,
    ) -> Result<Answer, Error> {
        let price = self.config.price();
        if price.is_none() && self.config.token_ceiling.is_none() {
            return Err(Error::PriceUnknown {
                model: self.config.model().to_owned(),
            });
        }
        let batches = self.batches(question, &ledger.answered().await?).await?;
        let table = frame_table(question.frames);
        let asking = Asking {
            transport: &self.wire,
            ledger,
            ending,
            patience: self.config.patience,
            price,
        };
        let mut requests_sent = 0;
        let mut tally = Tally::default();
        let mut readings = Vec::with_capacity(batches.parts.len());
        let mut departures = Vec::new();
        for (number, part) in batches.parts.iter().enumerate() {
            let frames = &batches.frames[part.frames.clone()];
            let prompt_tokens = batches.tokens(part);
            let request = self.request(question, frames, number + 1, batches.parts.len()).await?;
            let reservation = Reservation {
                key: request::key(question.analysis, &part.model, frames),
                analysis: question.analysis,
                prompt_version: prompt::VERSION,
                estimate_usd: price.map(|price| price.most_usd(prompt_tokens, self.config.output_tokens())),
                estimated_tokens: prompt_tokens + self.config.output_tokens(),
                token_ceiling: self.config.token_ceiling,
                disclosure: Disclosure {
                    endpoint: self.config.endpoint(),
                    model: part.model.clone(),
                    frames: frames.iter().map(|weighed| weighed.frame.index).collect(),
                    bytes: length(&request),
                },
            };
            let stored = asking.one(&reservation, &request, &mut requests_sent).await?;
            // Kept before it is read: whatever is wrong with it, it is not asked for again.
            let reading = parse::read(&stored.body, &table).map_err(unreadable)?;
            departures.extend(reply::departures(
                &stored.body,
                MOST_DEPARTURES.saturating_sub(departures.len()),
            ));
            readings.push(reading);
            tally.replies.push(stored);
            progress(Progress {
                requests_done: number as u32 + 1,
                requests_total: batches.parts.len() as u32,
                frames_done: part.frames.end as u32,
                frames_total: batches.frames.len() as u32,
                cost_usd_so_far: tally.known_usd(),
            });
        }
        if !departures.is_empty() {
            tracing::warn!(analysis.id = %question.analysis, departures = departures.len(), "the model's answer departs from its schema");
        }
        let mut reading = parse::merge(readings);
        let left_out = batches
            .left_out
            .iter()
            .map(|index| format!("frame {index}: too large for the endpoint, not sent"));
        reading.insights.dropped.extend(left_out);
        Ok(tally.answer(
            self.config.model(),
            reading,
            batches.frames.len() as u32,
            requests_sent,
            departures,
        ))
    }
}

/// The answers so far.
#[derive(Default)]
struct Tally {
    replies: Vec<StoredReply>,
}

impl Tally {
    fn known_usd(&self) -> Decimal {
        self.replies.iter().filter_map(|reply| reply.cost_usd).sum()
    }

    /// The sum over all answers; none where one of them does not say.
    fn tokens(&self, of: fn(Usage) -> u64) -> Option<u64> {
        self.replies.iter().map(|reply| reply.usage.map(of)).sum()
    }

    fn answer(
        self,
        asked_model: &str,
        reading: Reading,
        frames_asked: u32,
        requests_sent: u32,
        departures: Vec<String>,
    ) -> Answer {
        let named = self.replies.iter().find_map(|reply| reply.model.clone());
        Answer {
            gpt_version: named.unwrap_or_else(|| asked_model.to_owned()),
            prompt_version: prompt::VERSION,
            frames_asked,
            requests_sent,
            prompt_tokens: self.tokens(|usage| usage.prompt_tokens),
            completion_tokens: self.tokens(|usage| usage.completion_tokens),
            cost_usd: self.replies.iter().map(|reply| reply.cost_usd).sum(),
            replies: self.replies,
            reading,
            departures,
        }
    }
}

fn unreadable(why: Unreadable) -> Error {
    match why {
        Unreadable::Refused { filtered } => Error::Refused { filtered },
        Unreadable::CutOff => Error::CutOff,
        Unreadable::NotUnderstood(reason) => Error::Unreadable(reason),
    }
}

/// Which time each frame stands for.
fn frame_table(frames: &[Frame]) -> FrameTable {
    frames
        .iter()
        .filter_map(|frame| {
            Some((
                frame.index,
                TimeSpan::new(frame.span.start_seconds, frame.span.end_seconds).ok()?,
            ))
        })
        .collect()
}
