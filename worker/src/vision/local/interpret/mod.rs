//! From a stored reply to insights: pure, so that a better rule can be applied to old recordings at no cost.
//!
//! Rules, as stored with their inputs in each draft's metadata:
//!
//! - **Confidence** of a routine: `n / (n + 2)` for its `n` occurrences, times the share of their visits that belong to it,
//!   times the mean confidence of the words that name its screens.
//! - **Complexity**: LOW with at most two applications, six steps and values that are typed over (a copy can be scripted);
//!   HIGH with more than three applications or twelve steps, or when more than a third of the visits lie outside; else MEDIUM.
//! - **Waiting** is a bottleneck from five seconds on; **rework** from the first return to a step that was done.
//! - Below three occurrences nothing is concluded: the pattern is told with "insufficient evidence".

mod findings;
mod measured;
mod routine;

use domain::category::{WorkflowCategory, classify};
use domain::insight::{Reading, StructuredInsights};
use domain::routine::{mean, mine};

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

fn round(value: f64) -> f64 {
    (value * 1000.0).round() / 1000.0
}
