//! The record that makes paying twice impossible: written before each request, completed before the answer is read.
//!
//! Life of a key: `reserve` commits it with its estimate and its disclosure; then exactly one of `store_reply`,
//! `settle_failed` (nothing was billed) or `mark_uncertain` (nobody knows). A process that is killed between leaves it
//! open, and the next `reserve` of the same key treats the open one as uncertain. So at most the one request in flight
//! can be repeated, it is marked, and its estimate stays counted.

use std::fmt;
use std::future::Future;

use domain::analysis_error::AnalysisErrorCode;
use domain::id::AnalysisId;
use rust_decimal::Decimal;
use sha2::{Digest, Sha256};

use crate::vision::price::Usage;

/// What a request is, independent of the process that sends it: the same question about the same frames in the same
/// analysis has the same key.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct RequestKey(String);

impl RequestKey {
    /// The key of asking `model` about these frames (index and SHA-256 of each file) with this version of the prompt.
    pub fn new<'a>(
        analysis: AnalysisId,
        prompt_version: &str,
        model: &str,
        frames: impl IntoIterator<Item = (u32, &'a [u8; 32])>,
    ) -> Self {
        let mut hash = Sha256::new();
        hash.update(analysis.uuid().as_bytes());
        for text in [prompt_version, model] {
            hash.update((text.len() as u64).to_be_bytes());
            hash.update(text.as_bytes());
        }
        for (index, digest) in frames {
            hash.update(index.to_be_bytes());
            hash.update(digest);
        }
        Self(hex::encode(hash.finalize()))
    }

    /// 64 hexadecimal digits.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for RequestKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// What leaves the house with one request.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Disclosure {
    /// The endpoint's host, with its port where it is not the usual one.
    pub endpoint: String,
    /// The model that is asked.
    pub model: String,
    /// Which frames, by index.
    pub frames: Vec<u32>,
    /// Length of the request's body.
    pub bytes: u64,
}

/// The intention to send one request.
#[derive(Debug, Clone)]
pub struct Reservation {
    /// What is asked.
    pub key: RequestKey,
    /// For which analysis.
    pub analysis: AnalysisId,
    /// With which version of the prompt.
    pub prompt_version: &'static str,
    /// The most that it can cost; none for a model without a price, which a token ceiling binds.
    pub estimate_usd: Option<Decimal>,
    /// The most tokens that it can take.
    pub estimated_tokens: u64,
    /// The most tokens that all requests of the analysis may take, over all its attempts; none: no ceiling.
    pub token_ceiling: Option<u64>,
    /// What will leave the house.
    pub disclosure: Disclosure,
}

/// A request that was answered before, perhaps under other limits.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Answered {
    /// Its key, as text.
    pub key: String,
    /// The model that was asked.
    pub model: String,
    /// The frames that it asked about, by index.
    pub frames: Vec<u32>,
}

/// What became of a reservation.
#[derive(Debug, Clone)]
pub enum Reserved {
    /// It is committed: send the request.
    Granted {
        /// An earlier request with this key was left open by a killed process and is now marked uncertain.
        interrupted: bool,
    },
    /// The answer is there already: do not send anything.
    AlreadyStored(StoredReply),
    /// The session, the organization or the platform's operator has stopped it since the analysis began: nothing was reserved.
    Stopped,
    /// The session's privacy settings changed since the frames were redacted: nothing was reserved.
    PrivacyChanged,
    /// The ceiling of tokens, over all attempts, does not cover it: nothing was reserved.
    TokenCeilingReached {
        /// What is left of it.
        left: u64,
    },
    /// A budget does not cover the estimate: nothing was reserved.
    BudgetExceeded {
        /// Which one.
        budget: Budget,
        /// What is left of it.
        left_usd: Decimal,
    },
}

/// What limits spending.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Budget {
    /// That of this analysis.
    Analysis,
    /// That of the organization's month.
    Month,
}

impl fmt::Display for Budget {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Analysis => "the analysis's budget",
            Self::Month => "the organization's monthly budget",
        })
    }
}

/// An answer as it is kept.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StoredReply {
    /// The body, character by character.
    pub body: String,
    /// What it says that it used.
    pub usage: Option<Usage>,
    /// What that costs; none while unknown (then the estimate stays counted).
    pub cost_usd: Option<Decimal>,
    /// The model's name as the answer gives it.
    pub model: Option<String>,
}

/// A request that brought no answer and no bill.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Failed {
    /// What the analysis will show if no later try succeeds.
    pub code: AnalysisErrorCode,
    /// The endpoint's status; none where it was not reached, and then nothing was disclosed either.
    pub status: Option<u16>,
    /// What happened, safe to show.
    pub reason: String,
}

/// The ledger failed.
#[derive(Debug, thiserror::Error)]
pub enum LedgerFault {
    /// It cannot be reached; later it may.
    #[error("the ledger is not available")]
    Unavailable(#[source] Box<dyn std::error::Error + Send + Sync>),
    /// This job no longer holds its analysis.
    #[error("this job no longer holds its analysis")]
    LeaseLost,
}

/// The ledger of one analysis's requests. Every function is committed when it returns.
pub trait Ledger: Sync {
    /// What was answered for this analysis, in the order of asking.
    fn answered(&self) -> impl Future<Output = Result<Vec<Answered>, LedgerFault>> + Send;

    /// Reserves the estimate in both budgets and records the disclosure, or answers from what is stored.
    fn reserve(&self, reservation: &Reservation) -> impl Future<Output = Result<Reserved, LedgerFault>> + Send;

    /// Keeps an answer and books its cost in place of the estimate. Called again with the same key and body, it changes nothing.
    fn store_reply(
        &self,
        key: &RequestKey,
        reply: &StoredReply,
    ) -> impl Future<Output = Result<(), LedgerFault>> + Send;

    /// Releases the estimate: nothing was billed. Without a status nothing was sent: the disclosure is withdrawn.
    fn settle_failed(&self, key: &RequestKey, failed: &Failed) -> impl Future<Output = Result<(), LedgerFault>> + Send;

    /// Closes the request with its estimate still counted: it may have been billed.
    fn mark_uncertain(&self, key: &RequestKey) -> impl Future<Output = Result<(), LedgerFault>> + Send;
}

#[cfg(test)]
mod tests {
    use super::*;
    use uuid::Uuid;

    #[test]
    fn a_key_is_stable_and_each_part_of_the_question_changes_it() {
        let analysis = AnalysisId::new(Uuid::from_u128(7));
        let (one, two) = ([1u8; 32], [2u8; 32]);
        let key = RequestKey::new(analysis, "p1", "m", [(0, &one), (1, &two)]);
        assert_eq!(key, RequestKey::new(analysis, "p1", "m", [(0, &one), (1, &two)]));
        assert_eq!(key.as_str().len(), 64);
        for other in [
            RequestKey::new(AnalysisId::new(Uuid::from_u128(8)), "p1", "m", [(0, &one), (1, &two)]),
            RequestKey::new(analysis, "p1m", "", [(0, &one), (1, &two)]),
            RequestKey::new(analysis, "p2", "m", [(0, &one), (1, &two)]),
            RequestKey::new(analysis, "p1", "m", [(0, &two), (1, &one)]),
            RequestKey::new(analysis, "p1", "m", [(0, &one)]),
            RequestKey::new(analysis, "p1", "m", [(0, &one), (2, &two)]),
        ] {
            assert_ne!(key, other);
        }
    }
}
