//! Why an analysis failed, what a person can do about it, and whether a worker should try again.

use crate::closed::closed;

closed! {
    /// Why an analysis failed. errorMessage says what to do about it.
    pub enum AnalysisErrorCode {
        /// Someone cancelled it.
        Cancelled = "cancelled",
        /// The file is no video, or has no picture in it.
        NotAVideo = "not_a_video",
        /// It is a video, but too little of it can be decoded.
        VideoUnreadable = "video_unreadable",
        /// It is longer than the organization's plan allows.
        VideoTooLong = "video_too_long",
        /// The video was deleted by its retention rule or by a person.
        VideoGone = "video_gone",
        /// The decoder stopped on this file, or exceeded its memory or time.
        DecoderCrashed = "decoder_crashed",
        /// Workers stopped again and again while this analysis ran.
        WorkerCrashed = "worker_crashed",
        /// Redaction is required and text recognition is not installed.
        OcrMissing = "ocr_missing",
        /// The organization or the session does not allow screens to leave the house.
        RemoteNotAllowed = "remote_not_allowed",
        /// The model's endpoint refused the credentials.
        ModelUnauthorized = "model_unauthorized",
        /// The account at the model's endpoint has no credit left.
        ModelQuota = "model_quota",
        /// The model declined to answer, or its content filter stopped the answer.
        ModelRefused = "model_refused",
        /// The model's answer ended before it was complete.
        ModelCutOff = "model_cut_off",
        /// The model's answer is stored and cannot be understood.
        ModelUnreadable = "model_unreadable",
        /// The model's endpoint did not take the request, or did not answer or answered with faults until the attempts were used up.
        ModelUnavailable = "model_unavailable",
        /// The model has no price on record, so no budget could bind it.
        ModelPriceUnknown = "model_price_unknown",
        /// The budget of this analysis or of the organization's month does not cover the estimate.
        BudgetExceeded = "budget_exceeded",
        /// The recording could not be read from storage, or results could not be written to it.
        StorageUnavailable = "storage_unavailable",
        /// Every attempt ended in a passing fault; the attempts say which.
        AttemptsExhausted = "attempts_exhausted",
        /// A fault of the platform; its operator finds the cause under the analysis's id in the log.
        Internal = "internal",
    }
}

impl AnalysisErrorCode {
    /// One sentence that a user can act on.
    pub const fn sentence(self) -> &'static str {
        match self {
            Self::Cancelled => "The analysis was cancelled; start a new one whenever you want the results.",
            Self::NotAVideo => {
                "The recording contains no video; record the screen again and check that a window or screen is shared."
            }
            Self::VideoUnreadable => {
                "Too little of the video can be decoded; record the screen again, or upload the original file."
            }
            Self::VideoTooLong => {
                "The recording is longer than your plan allows; split it into shorter recordings, or ask for a larger plan."
            }
            Self::VideoGone => {
                "The video has been deleted, so it cannot be analysed again; earlier results remain available."
            }
            Self::DecoderCrashed => {
                "The video could not be decoded within its limits of time and memory; record again at a lower resolution, or in another browser."
            }
            Self::WorkerCrashed => {
                "The analysis was interrupted several times; retry it, and tell the platform's operator if that does not help."
            }
            Self::OcrMissing => {
                "Personal data must be covered before screens are sent, and text recognition is not installed; ask the platform's operator to install it, or analyse locally."
            }
            Self::RemoteNotAllowed => {
                "Screens of this recording may not leave the house; analyse locally, or ask an owner to allow remote analysis."
            }
            Self::ModelUnauthorized => {
                "The model's endpoint refused our credentials; ask the platform's operator to check the key."
            }
            Self::ModelQuota => {
                "The account at the model's provider is used up; ask the platform's operator to add credit, or analyse locally."
            }
            Self::ModelRefused => {
                "The model declined to describe this recording; analyse locally, or exclude the screens it objects to and try again."
            }
            Self::ModelCutOff => "The model's answer ended too early; try again with fewer frames.",
            Self::ModelUnreadable => {
                "The model's answer is kept but could not be understood; reinterpret it after an update, or run a new analysis."
            }
            Self::ModelUnavailable => {
                "The model's endpoint was not available or refused the request; retry later, analyse locally, or ask the platform's operator to check its settings."
            }
            Self::ModelPriceUnknown => {
                "No price is known for the configured model; ask the platform's operator to enter it or to set a token ceiling."
            }
            Self::BudgetExceeded => {
                "The budget does not cover this analysis; use fewer frames, analyse locally, or ask an owner to raise the budget."
            }
            Self::StorageUnavailable => {
                "The recording's storage was not available; retry later, and tell the platform's operator if that does not help."
            }
            Self::AttemptsExhausted => {
                "Every attempt failed for a passing reason; look at the attempts and retry later."
            }
            Self::Internal => {
                "Something went wrong on our side; retry, and tell the platform's operator the analysis's id if it happens again."
            }
        }
    }

    /// Whether another attempt with the same recording and settings can end differently.
    ///
    /// Yes for faults that pass (endpoint down, storage down, a crash that may have been the machine's, our own faults);
    /// no for what stays (the file, the refusal, the credentials, the budget). A decoder crash is tried again because memory
    /// pressure looks the same, but never more often than the attempt limit. `AttemptsExhausted` is final by definition.
    pub const fn worth_retry(self) -> bool {
        matches!(
            self,
            Self::DecoderCrashed
                | Self::WorkerCrashed
                | Self::ModelUnavailable
                | Self::StorageUnavailable
                | Self::Internal
        )
    }
}

#[cfg(test)]
mod tests {
    use super::AnalysisErrorCode;

    #[test]
    fn every_code_has_one_sentence_of_its_own() {
        let mut seen = std::collections::HashSet::new();
        for code in AnalysisErrorCode::ALL {
            let sentence = code.sentence();
            assert!(
                sentence.ends_with('.') && sentence.matches(". ").count() == 0,
                "{code}: {sentence}"
            );
            assert!(
                sentence.contains(';') || sentence.contains(','),
                "{code} says nothing to do: {sentence}"
            );
            assert!(seen.insert(sentence), "{code} shares its sentence");
        }
    }

    #[test]
    fn only_passing_faults_are_tried_again() {
        let again: Vec<_> = AnalysisErrorCode::ALL
            .iter()
            .filter(|c| c.worth_retry())
            .map(|c| c.as_str())
            .collect();
        assert_eq!(
            again,
            [
                "decoder_crashed",
                "worker_crashed",
                "model_unavailable",
                "storage_unavailable",
                "internal"
            ]
        );
    }
}
