//! Why a remote reading failed, each with the code that the analysis shows.

use std::time::Duration;

use domain::analysis_error::AnalysisErrorCode;
use rust_decimal::Decimal;

use super::ledger::{Budget, LedgerFault};

/// Why the model was not asked, or why its answer is of no use.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The analysis was cancelled while the model was being asked.
    #[error("cancelled while the model was being asked")]
    Cancelled,
    /// The switch, the organization or the session keeps screens in the house.
    #[error("screens may not leave the house: {0}")]
    NotAllowed(&'static str),
    /// The session's privacy settings changed while the frames were being redacted by the earlier ones. The next try begins with the new.
    #[error("the privacy settings changed meanwhile")]
    PrivacyChanged,
    /// No text recognition is there to cover personal data with.
    #[error("personal data could not be covered before sending: no text recognition")]
    OcrMissing,
    /// The endpoint does not accept the key.
    #[error("the model's endpoint refused the credentials (HTTP {status})")]
    Unauthorized {
        /// 401 or 403.
        status: u16,
    },
    /// The account is used up. Waiting does not help.
    #[error("the account at the model's provider is used up")]
    Quota,
    /// The model declined, or a filter stopped its answer.
    #[error("the model declined to answer{}", if *.filtered { ": stopped by its content filter" } else { "" })]
    Refused {
        /// A filter of the endpoint rather than the model itself.
        filtered: bool,
    },
    /// The answer reached the limit of its length.
    #[error("the model's answer ended before it was complete")]
    CutOff,
    /// The answer is stored and cannot be read.
    #[error("the model's answer cannot be understood: {0}")]
    Unreadable(String),
    /// The endpoint did not answer, or with faults, until the tries were used up.
    #[error("the model's endpoint is not available: {reason}")]
    Unavailable {
        /// What happened last, safe to show.
        reason: String,
        /// How long the endpoint asked to be left alone.
        retry_after: Option<Duration>,
    },
    /// The endpoint does not take the request: an unknown model, a parameter that it does not know. Waiting does not help.
    #[error("the model's endpoint refused the request (HTTP {status}{})", .code.as_ref().map(|code| format!(", {code}")).unwrap_or_default())]
    Rejected {
        /// A status below 500.
        status: u16,
        /// The endpoint's own code, where it is a plain word.
        code: Option<String>,
    },
    /// The model stands in no price table and no token ceiling binds it.
    #[error("the model {model} has no price and no token ceiling is set")]
    PriceUnknown {
        /// The model that was to be asked.
        model: String,
    },
    /// A budget does not cover the estimate.
    #[error("the next request may cost {estimate_usd} USD; {budget} has {left_usd} USD left")]
    BudgetExceeded {
        /// Which one.
        budget: Budget,
        /// What the request was estimated at.
        estimate_usd: Decimal,
        /// What is left of it.
        left_usd: Decimal,
    },
    /// The token ceiling does not cover the next request.
    #[error("the next request may take {estimate} tokens; {left} of the ceiling are left")]
    TokenCeiling {
        /// What the request was estimated at.
        estimate: u64,
        /// What is left of the ceiling.
        left: u64,
    },
    /// There is nothing to ask about.
    #[error("no frame fits the endpoint's limits")]
    NoFrames,
    /// The ledger could not be written, so nothing may be asked or kept.
    #[error("the ledger of requests could not be written")]
    Ledger(#[from] LedgerFault),
    /// A frame's file could not be read.
    #[error("a frame could not be read")]
    Frame(#[source] std::io::Error),
    /// The HTTP client could not be made.
    #[error("the HTTP client could not be made")]
    Client(#[source] reqwest::Error),
}

impl Error {
    /// The code that the analysis shows.
    pub fn code(&self) -> AnalysisErrorCode {
        match self {
            Self::Cancelled => AnalysisErrorCode::Cancelled,
            // Without a frame that may or can be sent, the local analyser is the way too.
            Self::NotAllowed(_) | Self::PrivacyChanged | Self::NoFrames => AnalysisErrorCode::RemoteNotAllowed,
            Self::OcrMissing => AnalysisErrorCode::OcrMissing,
            Self::Unauthorized { .. } => AnalysisErrorCode::ModelUnauthorized,
            Self::Quota => AnalysisErrorCode::ModelQuota,
            Self::Refused { .. } => AnalysisErrorCode::ModelRefused,
            Self::CutOff => AnalysisErrorCode::ModelCutOff,
            Self::Unreadable(_) => AnalysisErrorCode::ModelUnreadable,
            Self::Unavailable { .. } | Self::Rejected { .. } => AnalysisErrorCode::ModelUnavailable,
            Self::PriceUnknown { .. } => AnalysisErrorCode::ModelPriceUnknown,
            Self::BudgetExceeded { .. } | Self::TokenCeiling { .. } => AnalysisErrorCode::BudgetExceeded,
            Self::Ledger(LedgerFault::Unavailable(_)) => AnalysisErrorCode::StorageUnavailable,
            Self::Ledger(LedgerFault::LeaseLost) | Self::Frame(_) | Self::Client(_) => AnalysisErrorCode::Internal,
        }
    }

    /// Whether another attempt of the same analysis can end differently. Narrower than the code's own answer: a rejected
    /// request is `MODEL_UNAVAILABLE` to its reader, and stays rejected.
    pub fn worth_another_try(&self) -> bool {
        match self {
            Self::Rejected { .. } => false,
            Self::PrivacyChanged => true,
            _ => self.code().worth_retry(),
        }
    }

    /// How long the endpoint asked to be left alone.
    pub fn retry_after(&self) -> Option<Duration> {
        match self {
            Self::Unavailable { retry_after, .. } => *retry_after,
            _ => None,
        }
    }
}
