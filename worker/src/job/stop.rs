//! Why an analysis is not made now, from whatever went wrong on the way.

use std::time::Duration;

use domain::analysis_error::AnalysisErrorCode;

use crate::frames::FrameError;
use crate::vision::ocr::OcrError;
use crate::vision::openai;

/// Why an analysis is not made now.
#[derive(Debug, thiserror::Error)]
pub enum Stop {
    /// Another attempt has the work, or it is over: write nothing.
    #[error("the lease is lost")]
    LeaseLost,
    /// Somebody asked to stop.
    #[error("cancelled")]
    Cancelled,
    /// This process is going down.
    #[error("shutting down")]
    Shutdown,
    /// It failed, with a code that says what to do.
    #[error("{code}")]
    Failed {
        code: AnalysisErrorCode,
        /// For the log only.
        cause: Box<dyn std::error::Error + Send + Sync>,
        /// How long the recording is, as far as that is known.
        duration_seconds: Option<f64>,
        /// Not before this time has passed, where somebody asked for that.
        after: Option<Duration>,
        /// Whether another try may help.
        again: bool,
    },
}

/// A failure with a code, worth another try where the code says so.
pub fn failed(code: AnalysisErrorCode, cause: impl Into<Box<dyn std::error::Error + Send + Sync>>) -> Stop {
    Stop::Failed {
        code,
        cause: cause.into(),
        duration_seconds: None,
        after: None,
        again: code.worth_retry(),
    }
}

impl From<service::Error> for Stop {
    fn from(error: service::Error) -> Self {
        use service::Error;
        let code = match &error {
            Error::LeaseLost => return Self::LeaseLost,
            Error::NotFound { .. } => AnalysisErrorCode::VideoGone,
            Error::Storage(_) | Error::Unavailable { .. } | Error::Timeout => AnalysisErrorCode::StorageUnavailable,
            _ => AnalysisErrorCode::Internal,
        };
        failed(code, error)
    }
}

impl From<FrameError> for Stop {
    fn from(error: FrameError) -> Self {
        let code = match &error {
            FrameError::NotAVideo => AnalysisErrorCode::NotAVideo,
            FrameError::Unreadable(_) => AnalysisErrorCode::VideoUnreadable,
            FrameError::TooLong { .. } => AnalysisErrorCode::VideoTooLong,
            FrameError::DecoderCrashed(_) => AnalysisErrorCode::DecoderCrashed,
            FrameError::Cancelled => return Self::Cancelled,
            FrameError::Io(_) => AnalysisErrorCode::StorageUnavailable,
        };
        failed(code, error)
    }
}

impl From<OcrError> for Stop {
    fn from(error: OcrError) -> Self {
        let code = match &error {
            OcrError::Missing(_) | OcrError::LanguageMissing(_) => AnalysisErrorCode::OcrMissing,
            OcrError::Cancelled => return Self::Cancelled,
            _ => AnalysisErrorCode::Internal,
        };
        failed(code, error)
    }
}

impl From<openai::Error> for Stop {
    fn from(error: openai::Error) -> Self {
        match &error {
            openai::Error::Cancelled => Self::Cancelled,
            openai::Error::Ledger(openai::LedgerFault::LeaseLost) => Self::LeaseLost,
            // The client knows better than the code alone: a 400 is no outage.
            _ => {
                let again = error.worth_another_try();
                let after = error.retry_after();
                Stop::Failed {
                    code: error.code(),
                    cause: error.into(),
                    duration_seconds: None,
                    after,
                    again,
                }
            }
        }
    }
}
