//! What was measured, as it is: the visits that routines are mined from, the steps and the applications. Nothing is concluded.

use std::collections::BTreeSet;

use domain::insight::{ApplicationUse, WorkflowStep};
use domain::routine::Visit;

use super::round;
use crate::vision::local::reply::{LocalReply, Screen, Stay};

/// Steps that are listed one by one.
const MOST_STEPS: usize = 300;

/// The stays and the excluded times as visits; an excluded time is a screen of its own that nothing equals.
pub(super) fn visits(reply: &LocalReply) -> (Vec<Visit>, Vec<Option<usize>>) {
    let mut all: Vec<(Visit, Option<usize>)> = reply
        .timeline
        .iter()
        .enumerate()
        .map(|(i, stay)| {
            (
                Visit {
                    screen: stay.screen,
                    span: stay.span,
                    waiting: stay.waiting.clone(),
                    idle: stay.idle.clone(),
                },
                Some(i),
            )
        })
        .collect();
    let first_hidden = reply.screens.iter().map(|s| s.id + 1).max().unwrap_or_default();
    for (hidden, span) in (first_hidden..).zip(&reply.excluded) {
        all.push((
            Visit {
                screen: hidden,
                span: *span,
                waiting: Vec::new(),
                idle: Vec::new(),
            },
            None,
        ));
    }
    all.sort_by(|a, b| a.0.span.start_seconds().total_cmp(&b.0.span.start_seconds()));
    all.into_iter().unzip()
}

pub(super) fn screen(reply: &LocalReply, id: u32) -> Option<&Screen> {
    reply.screens.iter().find(|s| s.id == id)
}

pub(super) fn active(stay: &Stay) -> f64 {
    let away: f64 = stay.waiting.iter().chain(&stay.idle).map(|s| s.seconds()).sum();
    (stay.span.seconds() - away).max(0.0)
}

pub(super) fn waited(stay: &Stay) -> f64 {
    stay.waiting.iter().map(|s| s.seconds()).sum()
}

/// What is done on a screen: typing where typing was seen, reading elsewhere.
pub(super) fn action(screen: &Screen, typed: bool) -> String {
    let object = if screen.object.is_empty() {
        "unnamed screen"
    } else {
        &screen.object
    };
    match (&screen.command, typed) {
        (Some(command), true) => format!("Fill in {object} ({command})"),
        (None, true) => format!("Fill in {object}"),
        (_, false) => format!("View {object}"),
    }
}

pub(super) fn steps(reply: &LocalReply) -> Vec<WorkflowStep> {
    let mut steps: Vec<WorkflowStep> = Vec::new();
    for stay in reply.timeline.iter().take(MOST_STEPS) {
        let Some(screen) = screen(reply, stay.screen) else {
            continue;
        };
        steps.push(WorkflowStep {
            number: steps.len() as u32 + 1,
            action: action(screen, stay.edits >= 2),
            application: (!screen.application.is_empty()).then(|| screen.application.clone()),
            purpose: None,
            data_involved: Vec::new(),
            span: Some(stay.span),
            frames: stay.frames.clone(),
        });
    }
    steps
}

pub(super) fn applications(reply: &LocalReply) -> Vec<ApplicationUse> {
    let total: f64 = reply.timeline.iter().map(active).sum();
    let names: BTreeSet<&str> = reply
        .screens
        .iter()
        .map(|s| s.application.as_str())
        .filter(|n| !n.is_empty())
        .collect();
    let mut uses: Vec<ApplicationUse> = names
        .into_iter()
        .map(|name| {
            let of = |id: u32| screen(reply, id).is_some_and(|s| s.application == name);
            let seconds: f64 = reply.timeline.iter().filter(|s| of(s.screen)).map(active).sum();
            let objects: BTreeSet<&str> = reply
                .screens
                .iter()
                .filter(|s| s.application == name && !s.object.is_empty())
                .map(|s| s.object.as_str())
                .collect();
            ApplicationUse {
                name: name.to_owned(),
                purpose: (!objects.is_empty()).then(|| objects.into_iter().collect::<Vec<_>>().join(", ")),
                active_seconds: Some(round(seconds)),
                share: (total > 0.0).then(|| round(seconds / total)),
            }
        })
        .collect();
    uses.sort_by(|a, b| {
        b.active_seconds
            .partial_cmp(&a.active_seconds)
            .unwrap_or(std::cmp::Ordering::Equal)
    });
    uses
}
