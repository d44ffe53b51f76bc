//! Of each recording one copy: what was seen comes from its newest analysis, what people entered from wherever they did.

use std::borrow::Cow;
use std::cmp::{Ordering, Reverse};
use std::collections::BTreeMap;

use super::pool::weighted_mean;
use super::worth::Observation;
use crate::effort::Seconds;
use crate::insight::UNNAMED_PROCESS;
use crate::span::union;
use crate::status::OpportunityStatus;
use rust_decimal::Decimal;

/// Of each recording (by content) what its newest analysis saw. What a person decided or entered on any copy holds for the content, and
/// of several inputs to one field the newest. An opportunity that only older copies have stays where a person worked on it.
pub(super) fn each_recording_once(observations: &[Observation]) -> Vec<Cow<'_, Observation>> {
    let mut recordings: BTreeMap<&str, Vec<&Observation>> = BTreeMap::new();
    for observation in observations {
        recordings.entry(&observation.recording).or_default().push(observation);
    }
    recordings.into_values().flat_map(once).collect()
}

/// One recording, of which there may be several copies.
fn once(seen: Vec<&Observation>) -> Vec<Cow<'_, Observation>> {
    let newest = seen.iter().map(|one| (one.analysed_at, one.analysis)).max();
    let Some((_, newest)) = newest.filter(|newest| seen.iter().any(|one| one.analysis != newest.1)) else {
        return seen.into_iter().map(Cow::Borrowed).collect();
    };
    let (own, older): (Vec<_>, Vec<_>) = seen.into_iter().partition(|one| one.analysis == newest);
    let mut headings: BTreeMap<&str, Vec<Vec<&Observation>>> = BTreeMap::new();
    for one in sorted(own) {
        headings.entry(&one.derived_key).or_default().push(vec![one]);
    }
    let known: Vec<&str> = headings.keys().copied().collect();
    let mut copies: BTreeMap<_, Vec<&Observation>> = BTreeMap::new();
    for one in older {
        // A newer reader may have named it as a person did.
        let key = if !known.contains(&one.derived_key.as_str()) && known.contains(&one.process_key.as_str()) {
            &one.process_key
        } else {
            &one.derived_key
        };
        let copy = (Reverse((one.analysed_at, one.analysis)), key.as_str());
        copies.entry(copy).or_default().push(one);
    }
    for ((_, key), copy) in copies {
        // Two of one name are told apart by what was seen of them, in the order of what is seen.
        for (rank, one) in sorted(copy).into_iter().enumerate() {
            let seats = headings.entry(key).or_default();
            if key == UNNAMED_PROCESS {
                // Nothing but what they show tells these apart.
                match nearest(seats, one) {
                    Some(seat) => seats[seat].push(one),
                    None => seats.push(vec![one]),
                }
                continue;
            }
            match seats.get(rank).map_or(seats.len().checked_sub(1), |_| Some(rank)) {
                Some(seat) if known.contains(&key) || rank < seats.len() => seats[seat].push(one),
                _ => seats.push(vec![one]),
            }
        }
    }
    headings
        .into_values()
        .flatten()
        .filter(|copies| {
            let is_newest = copies.first().is_some_and(|one| one.analysis == newest);
            is_newest || copies.iter().any(|one| one.has_input())
        })
        .filter_map(|copies| merged(&copies))
        .collect()
}

/// Of opportunities without a name the one that shows most of the same time, where one does.
fn nearest(seats: &[Vec<&Observation>], one: &Observation) -> Option<usize> {
    let common = |other: &Observation| -> f64 {
        let spans = other.spans.iter();
        spans
            .flat_map(|span| one.spans.iter().map(|own| span.overlap_seconds(*own)))
            .sum()
    };
    let shown = seats.iter().enumerate();
    shown
        .filter_map(|(seat, copies)| Some((seat, common(copies.first()?))))
        .filter(|(_, common)| *common > 0.0)
        .max_by(|a, b| a.1.total_cmp(&b.1).then(b.0.cmp(&a.0)))
        .map(|(seat, _)| seat)
}

/// `copies` of one opportunity, the newest first: what it saw, with what people entered on any of them.
fn merged<'a>(copies: &[&'a Observation]) -> Option<Cow<'a, Observation>> {
    let base = *copies.first()?;
    if copies.iter().skip(1).all(|copy| !copy.has_input()) {
        return Some(Cow::Borrowed(base));
    }
    let mut inputs = copies.to_vec();
    inputs.sort_by_key(|copy| Reverse((copy.entered.at, copy.analysed_at, copy.analysis)));
    let mut one = base.clone();
    let decided = |copy: &&Observation| Some(copy.status).filter(|status| *status != OpportunityStatus::Proposed);
    one.status = inputs.iter().find_map(decided).unwrap_or(base.status);
    if let Some(key) = inputs.iter().find_map(|copy| copy.entered.process_key.as_ref()) {
        one.process_key.clone_from(key);
    }
    let seconds = inputs.iter().find_map(|copy| copy.entered.seconds);
    one.seconds_per_occurrence = seconds.or(base.seconds_per_occurrence);
    one.people = inputs
        .iter()
        .find_map(|copy| copy.entered.people)
        .unwrap_or(base.people);
    one.complexity = inputs
        .iter()
        .find_map(|copy| copy.entered.complexity)
        .or(base.complexity);
    one.declared_per_day = inputs.iter().find_map(|copy| copy.declared_per_day);
    one.effort = inputs.iter().find_map(|copy| copy.effort);
    one.actual_cost = inputs.iter().find_map(|copy| copy.actual_cost);
    one.seconds_after = inputs.iter().find_map(|copy| copy.seconds_after);
    one.entered.at = inputs.first().and_then(|copy| copy.entered.at);
    Some(Cow::Owned(one))
}

/// What a recording shows of one process under several headings counts together: their occurrences, and the time of these. They were all
/// seen in the same recorded time. `parts` are not empty.
pub(super) fn together(parts: Vec<Cow<'_, Observation>>) -> Option<Cow<'_, Observation>> {
    if parts.len() < 2 {
        return parts.into_iter().next();
    }
    let mut inputs: Vec<&Observation> = parts.iter().map(AsRef::as_ref).collect();
    inputs.sort_by(|one, other| other.entered.at.cmp(&one.entered.at).then_with(|| order(one, other)));
    let mut one = (*inputs.first()?).clone();
    let mean = weighted_mean(inputs.iter().filter_map(|part| {
        let times = Decimal::from(part.evidence.occurrences);
        Some((part.seconds_per_occurrence?.value(), times))
    }));
    one.seconds_per_occurrence = mean.map(Seconds::new);
    one.evidence.occurrences = 0;
    one.spans.clear();
    for part in &inputs {
        one.evidence.occurrences = one.evidence.occurrences.saturating_add(part.evidence.occurrences);
        one.evidence.observed = one.evidence.observed.max(part.evidence.observed);
        one.evidence.days.extend(&part.evidence.days);
        one.spans.extend_from_slice(&part.spans);
        one.people = one.people.max(part.people);
        one.complexity = one.complexity.max(part.complexity);
    }
    one.spans = union(&one.spans);
    one.opportunities = inputs.iter().flat_map(|part| &part.opportunities).copied().collect();
    one.declared_per_day = inputs.iter().find_map(|part| part.declared_per_day);
    one.effort = inputs.iter().find_map(|part| part.effort);
    let furthest = inputs
        .iter()
        .map(|part| part.status)
        .max_by_key(|status| status.progress());
    one.status = furthest.unwrap_or(one.status);
    let implemented = || {
        inputs
            .iter()
            .filter(|part| part.status == OpportunityStatus::Implemented)
    };
    one.actual_cost = implemented().find_map(|part| part.actual_cost);
    one.seconds_after = implemented().find_map(|part| part.seconds_after);
    Some(Cow::Owned(one))
}

fn sorted(mut seen: Vec<&Observation>) -> Vec<&Observation> {
    seen.sort_by(|one, other| order(one, other));
    seen
}

/// An order that does not depend on that of the rows: by what was seen, then by what people made of it.
fn order(one: &Observation, other: &Observation) -> Ordering {
    let spans = |seen: &Observation| -> Vec<(u64, u64)> {
        let bits = |seconds: f64| seconds.to_bits();
        let spans = seen.spans.iter();
        spans
            .map(|span| (bits(span.start_seconds()), bits(span.end_seconds())))
            .collect()
    };
    let seen = |seen: &Observation| (seen.evidence.occurrences, seen.evidence.observed);
    let made = |seen: &Observation| {
        (
            seen.status.progress(),
            seen.seconds_per_occurrence,
            (seen.declared_per_day, seen.effort),
            (seen.people, seen.complexity),
            (seen.actual_cost, seen.seconds_after),
        )
    };
    spans(one)
        .cmp(&spans(other))
        .then_with(|| seen(one).cmp(&seen(other)))
        .then_with(|| made(one).cmp(&made(other)))
}
