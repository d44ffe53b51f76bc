//! Asking a remote model about frames, through any endpoint that speaks OpenAI's chat completions.
//!
//! [`Remote::ask`] cuts the frames into requests, and for each: reserves it in the [`Ledger`], sends it, stores the answer
//! word for word, and only then reads it. One request is under way at a time, so a kill leaves at most one in doubt. What
//! fails for a passing reason is tried again here and nowhere else.

mod batch;
mod config;
mod error;
mod ledger;
mod reply;
mod retry;
mod wire;

use std::io;
use std::time::Duration;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use domain::id::AnalysisId;
use domain::insight::Reading;
use domain::insight::parse::{self, FrameTable, Unreadable};
use domain::span::TimeSpan;
use rust_decimal::Decimal;
use serde_json::{Map, Value, json};
use sha2::{Digest, Sha256};
use tokio_util::sync::CancellationToken;

use crate::frames::Frame;
use crate::vision::prompt;
use batch::{Limits, Load};
use reply::Outcome;
use retry::Next;
use wire::{Silence, Wire};

pub use config::{Detail, RemoteConfig, Secret};
pub use error::Error;
pub use ledger::{
    Budget, Disclosure, Failed, Ledger, LedgerFault, RequestKey, Reservation, Reserved, StoredReply,
};
pub use retry::Patience;

/// A ledger that does not answer while an answer waits to be kept is asked again this often: the answer is paid for.
const STORE_TRIES: u32 = 8;

/// Departures from the schema that are told of one answer.
const MOST_DEPARTURES: usize = 20;

/// The permission to let screens of one session leave the house. There is no other way to make one than [`Permit::grant`].
#[derive(Debug)]
pub struct Permit(());

/// What decides about a permit.
#[derive(Debug, Clone, Copy)]
pub struct Consents {
    /// An owner of the organization allows it.
    pub organization: bool,
    /// The session's privacy settings allow it too.
    pub session: bool,
    /// Whether personal data is covered on the frames that would be sent.
    pub redaction: Redaction,
}

/// What happened to personal data on the frames.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Redaction {
    /// It is covered.
    Done,
    /// The session does not ask for it.
    NotAskedFor,
    /// It is asked for, and text recognition is missing.
    Impossible,
}

impl Permit {
    /// All must agree: the platform's switch, the organization, the session, and redaction where it is asked for.
    pub fn grant(config: &RemoteConfig, consents: Consents) -> Result<Self, Error> {
        if !config.enabled {
            return Err(Error::NotAllowed(
                "remote analysis is switched off on this platform",
            ));
        }
        if !consents.organization {
            return Err(Error::NotAllowed("the organization does not allow it"));
        }
        if !consents.session {
            return Err(Error::NotAllowed("the session does not allow it"));
        }
        if consents.redaction == Redaction::Impossible {
            return Err(Error::OcrMissing);
        }
        Ok(Self(()))
    }
}

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
        let bodies: Vec<_> = self
            .replies
            .iter()
            .map(|reply| reply.body.as_str())
            .collect();
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

/// Frames with what they weigh.
struct Weighed<'a> {
    frame: &'a Frame,
    load: Load,
    digest: [u8; 32],
}

/// The requests to send.
struct Batches<'a> {
    frames: Vec<Weighed<'a>>,
    parts: Vec<std::ops::Range<usize>>,
    fixed: Load,
    /// Frames that no request can carry.
    left_out: Vec<u32>,
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
        let batches = self.batches(question).await?;
        let tokens: Vec<u64> = batches
            .parts
            .iter()
            .map(|part| self.tokens(&batches, part))
            .collect();
        Ok(Plan {
            requests: batches.parts.len() as u32,
            frames: batches.frames.len() as u32,
            most_tokens: tokens
                .iter()
                .map(|tokens| tokens + self.config.output_tokens())
                .sum(),
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
    /// Dropping the future leaves an open reservation, as a kill does; `cancel` closes it properly within the time of one
    /// ledger write.
    pub async fn ask<L: Ledger>(
        &self,
        _permit: &Permit,
        question: &Question<'_>,
        ledger: &L,
        cancel: &CancellationToken,
        progress: impl Fn(Progress) + Send + Sync,
    ) -> Result<Answer, Error> {
        let price = self.config.price();
        if price.is_none() && self.config.token_ceiling.is_none() {
            return Err(Error::PriceUnknown {
                model: self.config.model().to_owned(),
            });
        }
        let batches = self.batches(question).await?;
        let table = frame_table(question.frames);
        let mut tally = Tally::default();
        let mut readings = Vec::with_capacity(batches.parts.len());
        let mut departures = Vec::new();
        for (number, part) in batches.parts.iter().enumerate() {
            let frames = &batches.frames[part.clone()];
            let prompt_tokens = self.tokens(&batches, part);
            let most_tokens = prompt_tokens + self.config.output_tokens();
            let request = self
                .request(question, frames, number + 1, batches.parts.len())
                .await?;
            let reservation = Reservation {
                key: RequestKey::new(
                    question.analysis,
                    prompt::VERSION,
                    self.config.model(),
                    frames
                        .iter()
                        .map(|weighed| (weighed.frame.index, &weighed.digest)),
                ),
                analysis: question.analysis,
                prompt_version: prompt::VERSION,
                estimate_usd: price
                    .map(|price| price.most_usd(prompt_tokens, self.config.output_tokens())),
                estimated_tokens: most_tokens,
                disclosure: Disclosure {
                    endpoint: self.config.endpoint(),
                    model: self.config.model().to_owned(),
                    frames: frames.len() as u32,
                    bytes: length(&request),
                },
            };
            let stored = self
                .one(&reservation, &request, ledger, cancel, &mut tally)
                .await?;
            // Kept before it is read: whatever is wrong with it, it is not asked for again.
            let reading = parse::read(&stored.body, &table).map_err(unreadable)?;
            departures.extend(reply::departures(
                &stored.body,
                MOST_DEPARTURES.saturating_sub(departures.len()),
            ));
            readings.push(reading);
            tally.add(stored);
            progress(Progress {
                requests_done: number as u32 + 1,
                requests_total: batches.parts.len() as u32,
                frames_done: part.end as u32,
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
            departures,
        ))
    }

    /// One request to its stored answer.
    async fn one<L: Ledger>(
        &self,
        reservation: &Reservation,
        request: &Value,
        ledger: &L,
        cancel: &CancellationToken,
        tally: &mut Tally,
    ) -> Result<StoredReply, Error> {
        let key = &reservation.key;
        let mut attempt = 0;
        loop {
            attempt += 1;
            if cancel.is_cancelled() {
                return Err(Error::Cancelled);
            }
            // What is stored is free, so the ceiling stands after the ledger only where the ledger would let us ask.
            match ledger.reserve(reservation).await? {
                Reserved::AlreadyStored(stored) => return Ok(stored),
                Reserved::BudgetExceeded { budget, left_usd } => {
                    let estimate_usd = reservation.estimate_usd.unwrap_or_default();
                    return Err(Error::BudgetExceeded {
                        budget,
                        estimate_usd,
                        left_usd,
                    });
                }
                Reserved::Granted { interrupted } => {
                    if interrupted {
                        tracing::warn!(analysis.id = %reservation.analysis, "a request was in flight at a kill and is repeated");
                    }
                }
            }
            if let Some(ceiling) = self.config.token_ceiling {
                let left = ceiling.saturating_sub(tally.tokens.saturating_add(tally.uncertain));
                if reservation.estimated_tokens > left {
                    let error = Error::TokenCeiling {
                        estimate: reservation.estimated_tokens,
                        left,
                    };
                    ledger.settle_failed(key, &failed(&error, None)).await?;
                    return Err(error);
                }
            }
            tally.sent += 1;
            let heard = tokio::select! {
                biased;
                () = cancel.cancelled() => {
                    ledger.mark_uncertain(key).await?;
                    return Err(Error::Cancelled);
                }
                heard = self.wire.send(request) => heard,
            };
            let (reason, asked) = match heard {
                Ok(heard) => match reply::sort(&heard) {
                    Outcome::Answer => {
                        let stored = reply::stored(&heard, self.config.price());
                        store(ledger, key, &stored).await?;
                        return Ok(stored);
                    }
                    Outcome::Final(error) => {
                        ledger
                            .settle_failed(key, &failed(&error, Some(heard.status)))
                            .await?;
                        return Err(error);
                    }
                    Outcome::Passing(reason) => {
                        let asked = retry::asked_wait(&heard.headers);
                        let error = Error::Unavailable {
                            reason: reason.clone(),
                            retry_after: asked,
                        };
                        ledger
                            .settle_failed(key, &failed(&error, Some(heard.status)))
                            .await?;
                        (reason, asked)
                    }
                },
                Err(Silence::NotSent(reason)) => {
                    let error = Error::Unavailable {
                        reason: reason.clone(),
                        retry_after: None,
                    };
                    ledger.settle_failed(key, &failed(&error, None)).await?;
                    (reason, None)
                }
                Err(Silence::Unknown(reason)) => {
                    ledger.mark_uncertain(key).await?;
                    tally.uncertain += reservation.estimated_tokens;
                    (reason, None)
                }
            };
            match self.config.patience.after(attempt, asked, rand::random()) {
                Next::GiveUp(retry_after) => {
                    return Err(Error::Unavailable {
                        reason,
                        retry_after,
                    });
                }
                Next::Wait(wait) => {
                    tracing::info!(analysis.id = %reservation.analysis, attempt, wait_ms = wait.as_millis() as u64, reason, "the model is asked again");
                    tokio::select! {
                        biased;
                        () = cancel.cancelled() => return Err(Error::Cancelled),
                        () = tokio::time::sleep(wait) => {}
                    }
                }
            }
        }
    }

    /// The frames with their weight, cut into requests.
    async fn batches<'a>(&self, question: &Question<'a>) -> Result<Batches<'a>, Error> {
        let limits = Limits {
            images: self.config.max_images,
            request_bytes: self.config.max_request_bytes,
            image_bytes: self.config.max_image_bytes,
            prompt_tokens: self
                .config
                .context()
                .saturating_sub(self.config.output_tokens()),
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
        let parts = batch::split(&loads, &limits, fixed);
        Ok(Batches {
            frames,
            parts,
            fixed,
            left_out,
        })
    }

    /// The most tokens of a request's text and pictures.
    fn tokens(&self, batches: &Batches<'_>, part: &std::ops::Range<usize>) -> u64 {
        batches.fixed.tokens
            + batches.frames[part.clone()]
                .iter()
                .map(|weighed| weighed.load.tokens)
                .sum::<u64>()
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
    async fn request(
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
            let line = prompt::frame_line(
                frame.index,
                frame.span.start_seconds,
                frame.span.end_seconds,
            );
            let mut url = String::from("data:image/jpeg;base64,");
            STANDARD.encode_string(&picture, &mut url);
            content.push(json!({ "type": "text", "text": line }));
            content.push(json!({ "type": "image_url", "image_url": { "url": url, "detail": self.config.detail.as_str() } }));
        }
        Ok(self.envelope(question.locale, content))
    }

    /// Everything of a request but its pictures.
    fn envelope(&self, locale: &str, content: Vec<Value>) -> Value {
        let price = self.config.price();
        let mut request = Map::new();
        request.insert("model".to_owned(), json!(self.config.model()));
        request.insert(
            "messages".to_owned(),
            json!([
                { "role": "system", "content": prompt::instructions(locale) },
                { "role": "user", "content": content },
            ]),
        );
        request.insert("response_format".to_owned(), prompt::response_format());
        request.insert(
            "max_completion_tokens".to_owned(),
            json!(self.config.output_tokens()),
        );
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

/// What has been asked and paid.
#[derive(Default)]
struct Tally {
    replies: Vec<StoredReply>,
    tokens: u64,
    uncertain: u64,
    sent: u32,
}

impl Tally {
    fn add(&mut self, reply: StoredReply) {
        self.tokens += reply
            .usage
            .map_or(0, crate::vision::price::Usage::total_tokens);
        self.replies.push(reply);
    }

    fn known_usd(&self) -> Decimal {
        self.replies.iter().filter_map(|reply| reply.cost_usd).sum()
    }

    fn answer(
        self,
        asked_model: &str,
        reading: Reading,
        frames_asked: u32,
        departures: Vec<String>,
    ) -> Answer {
        let usage = |of: fn(crate::vision::price::Usage) -> u64| {
            self.replies
                .iter()
                .map(|reply| reply.usage.map(of))
                .sum::<Option<u64>>()
        };
        Answer {
            gpt_version: self
                .replies
                .iter()
                .find_map(|reply| reply.model.clone())
                .unwrap_or_else(|| asked_model.to_owned()),
            prompt_version: prompt::VERSION,
            frames_asked,
            requests_sent: self.sent,
            prompt_tokens: usage(|usage| usage.prompt_tokens),
            completion_tokens: usage(|usage| usage.completion_tokens),
            cost_usd: self.replies.iter().map(|reply| reply.cost_usd).sum(),
            replies: self.replies,
            reading,
            departures,
        }
    }
}

/// Keeps an answer, patiently: it is paid for, and it exists nowhere else.
async fn store<L: Ledger>(
    ledger: &L,
    key: &RequestKey,
    reply: &StoredReply,
) -> Result<(), LedgerFault> {
    let mut wait = Duration::from_millis(250);
    for _ in 1..STORE_TRIES {
        match ledger.store_reply(key, reply).await {
            Err(LedgerFault::Unavailable(cause)) => {
                tracing::warn!(error = %cause, "a paid answer waits for the ledger");
                tokio::time::sleep(wait).await;
                wait = (wait * 2).min(Duration::from_secs(8));
            }
            done => return done,
        }
    }
    ledger.store_reply(key, reply).await
}

fn failed(error: &Error, status: Option<u16>) -> Failed {
    Failed {
        code: error.code(),
        status,
        reason: error.to_string(),
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

/// Length of a request's body, without building it a second time.
fn length(request: &Value) -> u64 {
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
