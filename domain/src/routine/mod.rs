//! Routines: sequences of screens that come back, found and measured. Pure and deterministic.
//!
//! [`mine()`] finds them in the order of screens; [`process_key`] gives the same process in other recordings the same name.

mod key;
mod mine;

pub use key::{process_key, unaccented};
pub use mine::{FoundOccurrence, FoundRoutine, mine};

use crate::insight::Occurrence;
use crate::span::{TimeSpan, union_seconds};

/// Below this many occurrences a routine is named but nothing is concluded from it.
pub const ENOUGH_OCCURRENCES: usize = 3;

/// An uninterrupted stay on one screen.
#[derive(Debug, Clone, PartialEq)]
pub struct Visit {
    /// The screen (cluster of equal frames).
    pub screen: u32,
    /// From its appearance to that of the next screen.
    pub span: TimeSpan,
    /// When the screen was busy; inside the span, without overlaps.
    pub waiting: Vec<TimeSpan>,
    /// When nothing changed for long; inside the span, without overlaps and apart from `waiting`.
    pub idle: Vec<TimeSpan>,
}

impl Visit {
    /// Time in which the screen was busy.
    pub fn waiting_seconds(&self) -> f64 {
        union_seconds(&self.waiting)
    }

    /// Time in which nothing changed for long.
    pub fn idle_seconds(&self) -> f64 {
        union_seconds(&self.idle)
    }

    /// The rest: waiting + idle + active is the length of the visit.
    pub fn active_seconds(&self) -> f64 {
        (self.span.seconds() - self.waiting_seconds() - self.idle_seconds()).max(0.0)
    }

    /// Whether the screen does little but wait: part of the step around it, no step of its own.
    pub fn is_wait(&self) -> bool {
        self.waiting_seconds() > 0.7 * self.span.seconds()
    }
}

/// The middle of a set of figures; zero of none.
pub fn median(figures: &[f64]) -> f64 {
    let mut sorted = figures.to_vec();
    sorted.sort_by(f64::total_cmp);
    match sorted.len() {
        0 => 0.0,
        n if n % 2 == 1 => sorted[n / 2],
        n => f64::midpoint(sorted[n / 2 - 1], sorted[n / 2]),
    }
}

/// The mean of a set of figures; zero of none.
pub fn mean(figures: &[f64]) -> f64 {
    if figures.is_empty() {
        0.0
    } else {
        figures.iter().sum::<f64>() / figures.len() as f64
    }
}

/// Measures one occurrence: `members` are the visits (in order) that belong to the routine, `visits` the whole recording.
///
/// Time on other screens in between is nobody's: it is in the span and in none of the three sums. Busy screens in between
/// are waiting. Idle time before the first or after the last movement of the occurrence is cut from its ends.
pub fn measure(visits: &[Visit], members: &[usize]) -> Option<Occurrence> {
    let (first, last) = (*members.first()?, *members.last()?);
    let start = visits[first]
        .idle
        .last()
        .map_or(visits[first].span.start_seconds(), |idle| {
            if idle.end_seconds() < visits[first].span.end_seconds() - 0.05 {
                idle.end_seconds()
            } else {
                visits[first].span.start_seconds()
            }
        });
    let end = visits[last]
        .idle
        .first()
        .map_or(visits[last].span.end_seconds(), |idle| {
            if idle.start_seconds() > visits[last].span.start_seconds() + 0.05 {
                idle.start_seconds()
            } else {
                visits[last].span.end_seconds()
            }
        });
    let span = TimeSpan::new(start, end).ok()?;
    let inside = |spans: &[TimeSpan]| -> f64 { spans.iter().map(|s| s.overlap_seconds(span)).sum() };
    let (mut active, mut waiting, mut idle) = (0.0, 0.0, 0.0);
    for (index, visit) in visits.iter().enumerate().take(last + 1).skip(first) {
        let member = members.contains(&index);
        if member || visit.is_wait() {
            waiting += inside(&visit.waiting);
        }
        if member {
            idle += inside(&visit.idle);
            active += visit.span.overlap_seconds(span) - inside(&visit.waiting) - inside(&visit.idle);
        }
    }
    Some(Occurrence {
        span,
        active_seconds: active.max(0.0),
        waiting_seconds: waiting,
        idle_seconds: idle,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn span(start: f64, end: f64) -> TimeSpan {
        TimeSpan::new(start, end).unwrap()
    }

    #[test]
    fn an_occurrence_counts_its_own_screens_and_the_waiting_between_them() {
        let plain = |screen, from, to| Visit {
            screen,
            span: span(from, to),
            waiting: vec![],
            idle: vec![],
        };
        let mut visits = vec![
            plain(0, 0.0, 10.0),
            plain(7, 10.0, 14.0),
            plain(1, 14.0, 100.0),
            Visit {
                screen: 8,
                span: span(100.0, 120.0),
                waiting: vec![span(100.0, 120.0)],
                idle: vec![],
            },
            plain(2, 120.0, 125.0),
        ];
        visits[2].idle = vec![span(20.0, 90.0)];
        let occurrence = measure(&visits, &[0, 2, 4]).unwrap();
        assert_eq!(occurrence.span, span(0.0, 125.0));
        assert!((occurrence.active_seconds - (10.0 + 16.0 + 5.0)).abs() < 1e-9);
        assert!((occurrence.waiting_seconds - 20.0).abs() < 1e-9);
        assert!((occurrence.idle_seconds - 70.0).abs() < 1e-9);
    }

    #[test]
    fn a_break_before_the_first_step_is_not_part_of_it() {
        let visits = [
            Visit {
                screen: 0,
                span: span(0.0, 610.0),
                waiting: vec![],
                idle: vec![span(2.0, 600.0)],
            },
            Visit {
                screen: 1,
                span: span(610.0, 620.0),
                waiting: vec![],
                idle: vec![],
            },
        ];
        let occurrence = measure(&visits, &[0, 1]).unwrap();
        assert_eq!(occurrence.span, span(600.0, 620.0));
        assert!(occurrence.idle_seconds.abs() < 1e-9);
        assert!((occurrence.active_seconds - 20.0).abs() < 1e-9);
    }

    #[test]
    fn middles_and_means() {
        assert!((median(&[5.0, 1.0, 3.0]) - 3.0).abs() < 1e-9);
        assert!((median(&[4.0, 1.0]) - 2.5).abs() < 1e-9);
        assert!((mean(&[1.0, 2.0, 6.0]) - 3.0).abs() < 1e-9);
        assert!(median(&[]).abs() < 1e-9 && mean(&[]).abs() < 1e-9);
    }
}
