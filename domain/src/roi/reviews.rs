//! What people decided about what analyses found: how far the analyser's proposals can be relied on.

use super::copies::each_recording_once;
use super::worth::Observation;
use crate::status::OpportunityStatus;

/// Decisions about opportunities, each process of each recording once.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Reviews {
    /// Accepted, or implemented since.
    pub accepted: u32,
    /// Dismissed.
    pub dismissed: u32,
}

impl Reviews {
    /// Below so many a share says nothing.
    pub const ENOUGH: u32 = 10;

    /// Those about the newest analysis of each recording.
    pub fn of(observations: &[Observation]) -> Self {
        each_recording_once(observations)
            .into_iter()
            .fold(Self::default(), |sum, one| match one.status {
                OpportunityStatus::Accepted | OpportunityStatus::Implemented => sum.plus(Self {
                    accepted: 1,
                    dismissed: 0,
                }),
                OpportunityStatus::Dismissed => sum.plus(Self {
                    accepted: 0,
                    dismissed: 1,
                }),
                OpportunityStatus::Proposed => sum,
            })
    }

    /// Both together.
    #[must_use]
    pub fn plus(self, other: Self) -> Self {
        Self {
            accepted: self.accepted + other.accepted,
            dismissed: self.dismissed + other.dismissed,
        }
    }

    /// The share that people agreed with, `accepted / (accepted + dismissed)`; none below [`Self::ENOUGH`].
    pub fn precision(self) -> Option<f64> {
        let all = self.accepted + self.dismissed;
        (all >= Self::ENOUGH).then(|| f64::from(self.accepted) / f64::from(all))
    }
}

#[cfg(test)]
mod tests {
    use super::Reviews;

    #[test]
    fn a_share_of_few_reviews_says_nothing() {
        let of = |accepted, dismissed| Reviews { accepted, dismissed }.precision();
        assert_eq!(
            [of(0, 0), of(9, 0), of(7, 3), of(0, 10)],
            [None, None, Some(0.7), Some(0.0)]
        );
    }
}
