//! From a stored reply to insights: pure, so that a better rule can be applied to old recordings at no cost.
//!
//! Rules, as stored with their inputs in each draft's metadata:
//!
//! - **Confidence** of a routine: `n / (n + 2)` for its `n` occurrences, times the share of their visits that belong to it,
//!   times the mean confidence of the words that name its screens.
//! - **Complexity**: LOW with at most two applications, six steps and values that are typed over (a copy can be scripted);
//!   HIGH with more than three applications or twelve steps, or when more than a third of the visits lie outside; else MEDIUM.
//! - **Waiting** is a bottleneck from five seconds on; **rework** from the first return to a step that was done.
//! - Below three occurrences nothing is concluded: the pattern is told with "insufficient evidence", and nothing says what time
//!   could be saved. The same holds for waits, returns and values typed over.

mod findings;
mod measured;
mod routine;

use domain::category::{ClassifiedBy, WorkflowCategory, classify};
use domain::insight::{Reading, StructuredInsights};
use domain::routine::{ENOUGH_OCCURRENCES, mean, mine};

use super::reply::{LocalReply, Screen};
use super::retype::{self, Retyped};
use super::text;
use measured::{active, applications, steps, visits, waited};

/// Reads a stored reply.
pub fn interpret(reply: &LocalReply) -> Reading {
    let (visits, stay_of) = visits(reply);
    let retyped = retype::find(reply);
    let book = Book {
        reply,
        retyped: &retyped,
        stay_of: &stay_of,
    };

    let mut reading = Reading {
        insights: StructuredInsights {
            steps: steps(reply),
            applications: applications(reply),
            ..StructuredInsights::default()
        },
        ..Reading::default()
    };
    for found in mine(&visits) {
        book.tell(&found, &mut reading);
    }
    book.waiting(&mut reading);
    book.transfers(&mut reading);
    let everything: Vec<&Screen> = reply.screens.iter().collect();
    reading.category = Some(
        reading
            .insights
            .workflows
            .first()
            .map_or_else(|| category(&everything), |w| w.category),
    );
    reading.classified_by = Some(ClassifiedBy::Rules);
    reading.insights.description = describe(reply, &reading);
    reading.confidence = (!reply.screens.is_empty()).then(|| {
        let named = mean(&reply.screens.iter().map(|s| s.name_confidence).collect::<Vec<_>>());
        round(named * reply.coverage.clamp(0.0, 1.0))
    });
    reading
}

struct Book<'a> {
    reply: &'a LocalReply,
    retyped: &'a [Retyped],
    stay_of: &'a [Option<usize>],
}

/// The kind of work, from the names and words of the screens where it is done; OTHER rather than a guess.
fn category(screens: &[&Screen]) -> WorkflowCategory {
    let names = screens.iter().flat_map(|s| [s.application.as_str(), s.object.as_str()]);
    let phrases: Vec<String> = screens
        .iter()
        .flat_map(|s| text::phrases(&s.words, 16.0 / 9.0))
        .map(|p| p.text)
        .collect();
    classify(names, phrases.iter().map(String::as_str)).category
}

fn describe(reply: &LocalReply, reading: &Reading) -> String {
    // A sum of nothing is -0.
    let work: f64 = reply.timeline.iter().map(active).sum::<f64>() + 0.0;
    let wait: f64 = reply.timeline.iter().map(waited).sum::<f64>() + 0.0;
    let idle: f64 = reply
        .timeline
        .iter()
        .flat_map(|s| &s.idle)
        .map(|s| s.seconds())
        .sum::<f64>()
        + 0.0;
    let applications: Vec<&str> = reading.insights.applications.iter().map(|a| a.name.as_str()).collect();
    let mut told = format!(
        "{:.0} seconds with {} distinct screens: {work:.0} s active, {wait:.0} s waiting, {idle:.0} s idle.",
        reply.duration_seconds,
        reply.screens.len()
    );
    if !applications.is_empty() {
        told += " Applications as read from the screen: ";
        told += &applications.join(", ");
        told += ".";
    }
    match reading.insights.routines.len() {
        0 => told.push_str(" No sequence of screens comes back more often than chance would have it."),
        1 => told.push_str(" One routine comes back."),
        n => {
            told += " ";
            told += &n.to_string();
            told += " routines come back.";
        }
    }
    if !reply.excluded.is_empty() {
        let hidden: f64 = reply.excluded.iter().map(|s| s.seconds()).sum();
        let left_out = format!(" {hidden:.0} s on excluded screens were left out.");
        told += &left_out;
    }
    told
}

/// What is said where less was seen than a conclusion needs.
const INSUFFICIENT: &str = " Insufficient evidence: fewer than three occurrences, so nothing is concluded.";

fn insufficient(occurrences: usize) -> &'static str {
    if occurrences < ENOUGH_OCCURRENCES {
        INSUFFICIENT
    } else {
        ""
    }
}

/// Seconds that could be saved each time, where it was seen often enough.
fn saved(seconds: f64, occurrences: usize) -> Option<f64> {
    (occurrences >= ENOUGH_OCCURRENCES).then(|| round(seconds))
}

fn round(value: f64) -> f64 {
    (value * 1000.0).round() / 1000.0
}

#[cfg(test)]
mod tests {
    use domain::insight::{InsightDraft, InsightType, Occurrence};
    use domain::routine::{FoundOccurrence, FoundRoutine};
    use domain::span::TimeSpan;

    use super::super::reply::{FrameText, Stay, Text};
    use super::*;

    fn text(text: &str) -> Text {
        Text {
            text: text.to_owned(),
            area: [0.4, 0.4, 0.5, 0.42],
            confidence: 0.9,
        }
    }

    /// So often: a number is read in the mail, typed into the form, and waited for.
    fn typed_over(times: u32) -> LocalReply {
        let names = ["Mail", "Form"];
        let screens = (0..).zip(names).map(|(id, name)| Screen {
            id,
            application: name.to_owned(),
            object: String::new(),
            command: None,
            name_confidence: 0.9,
            words: Vec::new(),
        });
        let (mut timeline, mut frames) = (Vec::new(), Vec::new());
        for time in 0..times {
            let (start, frame) = (f64::from(time) * 20.0, time * 3);
            let span = |from: f64, to: f64| TimeSpan::new(start + from, start + to).unwrap();
            timeline.push(Stay {
                screen: 0,
                span: span(0.0, 10.0),
                waiting: Vec::new(),
                idle: Vec::new(),
                edits: 0,
                typing_seconds: 0.0,
                frames: vec![frame],
            });
            timeline.push(Stay {
                screen: 1,
                span: span(10.0, 20.0),
                waiting: vec![span(17.0, 20.0)],
                idle: Vec::new(),
                edits: 4,
                typing_seconds: 5.0,
                frames: vec![frame + 1, frame + 2],
            });
            let value = || vec![text(&format!("4500{time}"))];
            for (index, screen, words) in [(frame, 0, value()), (frame + 1, 1, Vec::new()), (frame + 2, 1, value())] {
                frames.push(FrameText { index, screen, words });
            }
        }
        LocalReply {
            version: "local-1".to_owned(),
            duration_seconds: f64::from(times) * 20.0,
            coverage: 1.0,
            idle_threshold_seconds: 60.0,
            screens: screens.collect(),
            timeline,
            excluded: Vec::new(),
            frames,
        }
    }

    fn of(drafts: &[InsightDraft], kind: InsightType) -> Vec<(&str, Option<f64>)> {
        let of = drafts.iter().filter(|draft| draft.insight_type == kind);
        of.map(|draft| (draft.title.as_str(), draft.time_saved_seconds))
            .collect()
    }

    #[test]
    fn below_three_occurrences_no_time_is_saved() {
        let twice = interpret(&typed_over(2));
        assert_eq!(of(&twice.drafts, InsightType::Optimization), []);
        assert_eq!(of(&twice.drafts, InsightType::Bottleneck), [("Waiting for Form", None)]);
        let told = twice
            .insights
            .patterns
            .iter()
            .chain(twice.drafts.iter().map(|draft| &draft.description));
        assert_eq!(told.filter(|told| told.ends_with(INSUFFICIENT)).count(), 2);

        let thrice = interpret(&typed_over(3));
        assert_eq!(
            of(&thrice.drafts, InsightType::Optimization),
            [("Typed over from Mail to Form", Some(5.0))]
        );
        assert_eq!(
            of(&thrice.drafts, InsightType::Bottleneck),
            [("Waiting for Form", Some(3.0))]
        );
    }

    #[test]
    fn a_routine_seen_twice_has_no_bottleneck() {
        for (times, bottlenecks) in [(2, 0), (3, 1)] {
            let reply = typed_over(times);
            let (_, stay_of) = visits(&reply);
            let book = Book {
                reply: &reply,
                retyped: &[],
                stay_of: &stay_of,
            };
            let occurrences = (0..times as usize).map(|time| FoundOccurrence {
                visits: vec![2 * time, 2 * time + 1],
                rework: vec![2 * time + 1],
                foreign: Vec::new(),
                occurrence: Occurrence {
                    span: reply.timeline[2 * time].span.hull(reply.timeline[2 * time + 1].span),
                    active_seconds: 17.0,
                    waiting_seconds: 3.0,
                    idle_seconds: 0.0,
                },
            });
            let found = FoundRoutine {
                screens: vec![0, 1],
                occurrences: occurrences.collect(),
                equalled_by_chance: 0,
            };
            let mut reading = Reading::default();
            book.tell(&found, &mut reading);
            assert_eq!(of(&reading.drafts, InsightType::Bottleneck).len(), bottlenecks);
            assert_eq!(reading.opportunities.len(), bottlenecks);
        }
    }
}
