//! Stretches of a recording's time.

use serde::{Deserialize, Serialize};

/// A stretch of a recording, in seconds from its start: finite, not negative, and not ending before it starts.
#[derive(Debug, Clone, Copy, PartialEq, PartialOrd, Serialize, Deserialize)]
#[serde(try_from = "Bounds")]
pub struct TimeSpan {
    start_seconds: f64,
    end_seconds: f64,
}

/// Two numbers that are no stretch of time.
#[derive(Debug, Clone, Copy, PartialEq, thiserror::Error)]
#[error(
    "not a time span: {start_seconds} to {end_seconds} seconds; it must be finite, start at 0 or later and not end before it starts"
)]
pub struct InvalidSpan {
    /// Where it would start.
    pub start_seconds: f64,
    /// Where it would end.
    pub end_seconds: f64,
}

#[derive(Deserialize)]
struct Bounds {
    start_seconds: f64,
    end_seconds: f64,
}

impl TryFrom<Bounds> for TimeSpan {
    type Error = InvalidSpan;

    fn try_from(bounds: Bounds) -> Result<Self, InvalidSpan> {
        Self::new(bounds.start_seconds, bounds.end_seconds)
    }
}

impl TimeSpan {
    /// The stretch between two times in seconds.
    pub fn new(start_seconds: f64, end_seconds: f64) -> Result<Self, InvalidSpan> {
        if start_seconds >= 0.0 && end_seconds >= start_seconds && end_seconds.is_finite() {
            Ok(Self {
                start_seconds,
                end_seconds,
            })
        } else {
            Err(InvalidSpan {
                start_seconds,
                end_seconds,
            })
        }
    }

    /// Where it starts, in seconds from the recording's start.
    pub const fn start_seconds(self) -> f64 {
        self.start_seconds
    }

    /// Where it ends, in seconds from the recording's start.
    pub const fn end_seconds(self) -> f64 {
        self.end_seconds
    }

    /// Its length.
    pub fn seconds(self) -> f64 {
        self.end_seconds - self.start_seconds
    }

    /// Whether a moment lies in it; the end does not.
    pub fn contains(self, seconds: f64) -> bool {
        self.start_seconds <= seconds && seconds < self.end_seconds
    }

    /// The part that two stretches share; none where they only touch.
    pub fn overlap(self, other: Self) -> Option<Self> {
        let start_seconds = self.start_seconds.max(other.start_seconds);
        let end_seconds = self.end_seconds.min(other.end_seconds);
        (start_seconds < end_seconds).then_some(Self {
            start_seconds,
            end_seconds,
        })
    }

    /// Length of the part that two stretches share.
    pub fn overlap_seconds(self, other: Self) -> f64 {
        self.overlap(other).map_or(0.0, Self::seconds)
    }

    /// The shortest stretch that holds both.
    #[must_use]
    pub fn hull(self, other: Self) -> Self {
        Self {
            start_seconds: self.start_seconds.min(other.start_seconds),
            end_seconds: self.end_seconds.max(other.end_seconds),
        }
    }
}

/// The same time without overlaps, in order: stretches that overlap or touch become one.
pub fn union(spans: &[TimeSpan]) -> Vec<TimeSpan> {
    let mut sorted = spans.to_vec();
    sorted.sort_by(|a, b| a.start_seconds.total_cmp(&b.start_seconds));
    let mut merged: Vec<TimeSpan> = Vec::with_capacity(sorted.len());
    for span in sorted {
        match merged.last_mut() {
            Some(last) if span.start_seconds <= last.end_seconds => *last = last.hull(span),
            _ => merged.push(span),
        }
    }
    merged
}

/// How much time several stretches cover together; time that several cover counts once.
pub fn union_seconds(spans: &[TimeSpan]) -> f64 {
    union(spans).into_iter().map(TimeSpan::seconds).sum()
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn span(start: f64, end: f64) -> TimeSpan {
        TimeSpan::new(start, end).unwrap()
    }

    #[test]
    fn what_is_no_time_is_refused() {
        for (start, end) in [
            (-1.0, 2.0),
            (3.0, 2.0),
            (0.0, f64::INFINITY),
            (f64::NAN, 1.0),
            (0.0, f64::NAN),
        ] {
            assert!(TimeSpan::new(start, end).is_err(), "{start} to {end}");
        }
        assert!(serde_json::from_str::<TimeSpan>(r#"{"start_seconds":3,"end_seconds":2}"#).is_err());
        assert!((span(1.0, 1.0).seconds()).abs() < f64::EPSILON);
    }

    #[test]
    fn touching_spans_share_nothing_and_merge() {
        assert_eq!(span(0.0, 2.0).overlap(span(2.0, 3.0)), None);
        assert_eq!(
            union(&[span(2.0, 3.0), span(0.0, 2.0), span(5.0, 6.0)]),
            [span(0.0, 3.0), span(5.0, 6.0)]
        );
    }

    fn spans() -> impl Strategy<Value = Vec<TimeSpan>> {
        prop::collection::vec(
            (0u32..500, 0u32..60).prop_map(|(s, l)| span(f64::from(s), f64::from(s + l))),
            0..12,
        )
    }

    proptest! {
        #[test]
        fn a_union_covers_each_second_once(spans in spans()) {
            let covered = (0..600).filter(|s| spans.iter().any(|span| span.contains(f64::from(*s) + 0.5))).count();
            prop_assert!((union_seconds(&spans) - covered as f64).abs() < 1e-6);
        }

        #[test]
        fn overlapping_is_mutual(a in spans(), b in spans()) {
            for (x, y) in a.iter().zip(&b) {
                prop_assert_eq!(x.overlap(*y), y.overlap(*x));
                prop_assert!(x.overlap_seconds(*y) <= x.seconds().min(y.seconds()));
            }
        }
    }
}
