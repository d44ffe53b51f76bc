//! The states of things that move. Each knows its successors, so that an illegal move is a refusal and never a row.

use crate::closed::closed;

closed! {
    /// Where a recording stands.
    pub enum SessionStatus {
        /// Accepts chunks. Entered by startRecordingSession, left by finishRecordingSession, or by the sweeper after a day without chunks.
        Recording = "recording",
        /// Finished, with a probe or an analysis active. Entered by finishing or by a new analysis, left by the worker when nothing is active any more.
        Processing = "processing",
        /// Finished with nothing active, whether or not an analysis succeeded; a new analysis takes it back to PROCESSING.
        Completed = "completed",
        /// The recording itself is unusable: no first chunk, or no video. Entered by the sweeper or by the probe; never left.
        Failed = "failed",
    }

    /// Where one chunk of a recording stands.
    pub enum UploadStatus {
        /// An upload was asked for and nothing has arrived. Swept after a day.
        Pending = "pending",
        /// Bytes are arriving. Swept after a day without completion.
        Uploading = "uploading",
        /// Stored, with size and hash as announced. Until the session is finished another chunk may take its place, by way of PENDING.
        Completed = "completed",
        /// The last try failed; errorMessage says why, and asking for an upload again takes it back to PENDING.
        Failed = "failed",
    }

    /// Where an analysis stands.
    pub enum AnalysisStatus {
        /// Waits for a worker. Entered by enqueueAnalysis, by retryAnalysis, by reinterpretAnalysis, and by a worker that hands it back for another attempt.
        Queued = "queued",
        /// A worker holds it under a lease. Left by that worker, or by the sweep when the lease is dead.
        Processing = "processing",
        /// Done, with results. Left only by reinterpretAnalysis, which derives the results anew in place, and come back to however that ends: a new
        /// analysis is a new object.
        Completed = "completed",
        /// Ended without results, with an errorCode; CANCELLED is one of them. retryAnalysis takes it back to QUEUED.
        Failed = "failed",
    }

    /// What a worker is doing with an analysis. An attempt passes the stages in this order and may skip some.
    pub enum AnalysisStage {
        /// In the queue, before the first attempt or between two.
        Waiting = "waiting",
        /// Putting the recording together from its chunks and probing it.
        Assembling = "assembling",
        /// Choosing the frames that tell one screen from the next.
        ExtractingFrames = "extracting_frames",
        /// Reading the screens and covering personal data on them.
        Redacting = "redacting",
        /// Measuring the screens or asking the model about them.
        AskingModel = "asking_model",
        /// Reading steps, routines and opportunities from the stored reply.
        Interpreting = "interpreting",
        /// Working out what the opportunities are worth.
        ComputingCosts = "computing_costs",
        /// Writing all results in one transaction.
        Storing = "storing",
        /// Over, with or without results.
        Done = "done",
    }

    /// What people decided about an opportunity.
    pub enum OpportunityStatus {
        /// Found by an analysis, not yet reviewed.
        Proposed = "proposed",
        /// A reviewer agrees that it is worth automating.
        Accepted = "accepted",
        /// A reviewer turned it down; it counts in no sum.
        Dismissed = "dismissed",
        /// Automated. Only these savings may be called saved.
        Implemented = "implemented",
    }

    /// Where a report stands.
    pub enum ReportStatus {
        /// Waits for a worker. Entered by generateReport, and by a worker that hands it back.
        Queued = "queued",
        /// A worker is writing it, for minutes at most.
        Generating = "generating",
        /// Can be downloaded until it expires or is deleted.
        Ready = "ready",
        /// Could not be written; errorMessage says why.
        Failed = "failed",
    }

    /// Where an export stands.
    pub enum ExportStatus {
        /// Waits for a worker. Entered by exportData, and by a worker that hands it back.
        Queued = "queued",
        /// A worker is making the archive.
        Generating = "generating",
        /// Can be fetched for a day; then it is deleted, with its archive.
        Ready = "ready",
        /// Could not be made, or something in it was erased; errorMessage says why. Ask for another.
        Failed = "failed",
    }
}

impl SessionStatus {
    /// Whether a session in this state may move to `next`. Staying is no move.
    pub const fn can_become(self, next: Self) -> bool {
        use SessionStatus::{Completed, Failed, Processing, Recording};
        matches!(
            (self, next),
            (Recording, Processing | Failed) | (Processing, Completed | Failed) | (Completed, Processing)
        )
    }
}

impl UploadStatus {
    /// Whether a chunk in this state may move to `next`. Staying is no move.
    pub const fn can_become(self, next: Self) -> bool {
        use UploadStatus::{Completed, Failed, Pending, Uploading};
        matches!(
            (self, next),
            (Pending, Uploading | Completed | Failed)
                | (Uploading, Pending | Completed | Failed)
                | (Completed | Failed, Pending)
        )
    }
}

impl AnalysisStatus {
    /// Whether an analysis in this state may move to `next`. Staying is no move.
    pub const fn can_become(self, next: Self) -> bool {
        use AnalysisStatus::{Completed, Failed, Processing, Queued};
        matches!(
            (self, next),
            (Queued, Processing | Completed | Failed)
                | (Processing, Queued | Completed | Failed)
                | (Completed | Failed, Queued)
        )
    }

    /// Queued or processing: a session has at most one such analysis at a time.
    pub const fn is_active(self) -> bool {
        matches!(self, Self::Queued | Self::Processing)
    }
}

impl AnalysisStage {
    /// Whether an analysis may go from this stage to `next`: forward, or back to WAITING for another attempt.
    pub const fn can_become(self, next: Self) -> bool {
        (self as u8) < (next as u8) || (matches!(next, Self::Waiting) && !matches!(self, Self::Waiting))
    }
}

impl OpportunityStatus {
    /// How far it has come, from turned down to implemented.
    pub const fn progress(self) -> u8 {
        match self {
            Self::Dismissed => 0,
            Self::Proposed => 1,
            Self::Accepted => 2,
            Self::Implemented => 3,
        }
    }

    /// Whether a reviewer may move an opportunity from this state to `next`. Every decision can be taken back;
    /// IMPLEMENTED is left only to ACCEPTED, so that a realised saving is never dismissed in one step.
    pub const fn can_become(self, next: Self) -> bool {
        use OpportunityStatus::{Accepted, Dismissed, Implemented, Proposed};
        matches!(
            (self, next),
            (Proposed, Accepted | Dismissed | Implemented)
                | (Accepted, Proposed | Dismissed | Implemented)
                | (Dismissed, Proposed | Accepted)
                | (Implemented, Accepted)
        )
    }
}

impl ReportStatus {
    /// Whether a report in this state may move to `next`. Staying is no move.
    pub const fn can_become(self, next: Self) -> bool {
        use ReportStatus::{Failed, Generating, Queued, Ready};
        matches!(
            (self, next),
            (Queued, Generating | Failed) | (Generating, Queued | Ready | Failed) | (Failed, Queued)
        )
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Every legal move as `from>to`, so that a change of the machine shows as a change of this table.
    macro_rules! moves {
        ($state:ty) => {
            <$state>::ALL
                .iter()
                .flat_map(|from| {
                    <$state>::ALL
                        .iter()
                        .filter(|to| from.can_become(**to))
                        .map(move |to| format!("{from}>{to}"))
                })
                .collect::<Vec<_>>()
                .join(" ")
        };
    }

    #[test]
    fn the_moves_are_these_and_no_others() {
        assert_eq!(
            moves!(SessionStatus),
            "recording>processing recording>failed processing>completed processing>failed completed>processing"
        );
        assert_eq!(
            moves!(UploadStatus),
            "pending>uploading pending>completed pending>failed uploading>pending uploading>completed uploading>failed completed>pending failed>pending"
        );
        assert_eq!(
            moves!(AnalysisStatus),
            "queued>processing queued>completed queued>failed processing>queued processing>completed processing>failed completed>queued failed>queued"
        );
        assert_eq!(
            moves!(OpportunityStatus),
            "proposed>accepted proposed>dismissed proposed>implemented accepted>proposed accepted>dismissed accepted>implemented dismissed>proposed dismissed>accepted implemented>accepted"
        );
        assert_eq!(
            moves!(ReportStatus),
            "queued>generating queued>failed generating>queued generating>ready generating>failed failed>queued"
        );
    }

    #[test]
    fn a_stage_goes_forward_or_waits_for_another_attempt() {
        use AnalysisStage::{AskingModel, Done, Storing, Waiting};
        assert!(Waiting.can_become(AskingModel) && AskingModel.can_become(Done));
        assert!(Storing.can_become(Waiting) && !Waiting.can_become(Waiting));
        assert!(!Storing.can_become(AskingModel) && !Done.can_become(Storing));
    }
}
