//! Mining: which sequences of screens come back.
//!
//! Frequency alone finds trifles (two screens that alternate), so a candidate is worth the screens that it predicts:
//! `occurrences x (length - 1)`, less a quarter for each foreign screen inside an occurrence, less `length - 1` for saying once what
//! the routine is: a long one that lies across the end of a shorter one has more to say. A short candidate replaces a
//! longer one that contains it only if it comes back clearly more often and is worth nearly as much: two orders in a row
//! are two occurrences, not one of a longer routine.
//!
//! Chance produces repetitions too. A routine counts only if it is worth more than the best that the same mining finds in
//! 98 of 99 shuffles of the same visits: in a recording without routines nothing is found, except once in fifty.

use std::collections::HashMap;

use super::{ENOUGH_OCCURRENCES, Visit, measure};
use crate::insight::Occurrence;

/// A sequence of screens that comes back.
#[derive(Debug, Clone, PartialEq)]
pub struct FoundRoutine {
    /// Its screens in order.
    pub screens: Vec<u32>,
    /// Each time, in order; at least two.
    pub occurrences: Vec<FoundOccurrence>,
    /// How many of 99 shuffles had something at least as good.
    pub equalled_by_chance: u32,
}

/// One time that a routine was done.
#[derive(Debug, Clone, PartialEq)]
pub struct FoundOccurrence {
    /// Indexes of the visits that belong to it, in order; returns to an earlier screen of the routine included.
    pub visits: Vec<usize>,
    /// Indexes of the visits that go back to a screen that this occurrence had already passed.
    pub rework: Vec<usize>,
    /// Indexes of the visits in between that belong to something else.
    pub foreign: Vec<usize>,
    /// Its measured times.
    pub occurrence: Occurrence,
}

const LONGEST: usize = 12;
/// Foreign screens that may lie between two steps of an occurrence.
const WIDEST_GAP: usize = 3;
const CANDIDATES: usize = 300;
const SHUFFLES: u32 = 99;
/// Shuffles that may be as good as what was found.
const TOLERATED: u32 = 1;
const MOST_ROUTINES: usize = 5;
/// Candidates that are weighed with what they leave.
const LOOKED_AHEAD: usize = 30;

/// The sequence that mining works on: busy screens left out, equal neighbours merged.
#[derive(Clone)]
struct Step {
    screen: u32,
    visits: Vec<usize>,
}

/// One occurrence in the sequence.
#[derive(Debug, Clone)]
struct Match {
    /// First and last step.
    first: usize,
    last: usize,
    matched: usize,
    skipped: usize,
    /// Positions in the pattern that it lacks.
    missed: Vec<usize>,
}

/// Finds the routines of a recording, the most valuable first.
pub fn mine(visits: &[Visit]) -> Vec<FoundRoutine> {
    // A screen that does little but wait whenever it comes is part of the step around it; one that made wait now and then is a step.
    let mut busy: HashMap<u32, i32> = HashMap::new();
    for visit in visits {
        *busy.entry(visit.screen).or_default() += if visit.is_wait() { 1 } else { -1 };
    }
    let mut steps: Vec<Option<Step>> = Vec::new();
    for (index, visit) in visits.iter().enumerate().filter(|(_, v)| busy[&v.screen] <= 0) {
        match steps.last_mut() {
            Some(Some(step)) if step.screen == visit.screen => step.visits.push(index),
            _ => steps.push(Some(Step {
                screen: visit.screen,
                visits: vec![index],
            })),
        }
    }
    let mut found = Vec::new();
    while found.len() < MOST_ROUTINES {
        // What an earlier routine claimed is a wall that no occurrence crosses: `None`.
        let sequence: Vec<Option<u32>> = steps.iter().map(|s| s.as_ref().map(|s| s.screen)).collect();
        let Some((pattern, matches, value)) = choose(&sequence) else {
            break;
        };
        let Some(equalled) = equalled_by_chance(&sequence, value) else {
            break;
        };
        let (pattern, matches) = extended(pattern, matches, &sequence);
        let occurrences = matches
            .iter()
            .filter_map(|found| occurrence(visits, &steps, &pattern, found))
            .collect::<Vec<_>>();
        for found in &matches {
            for step in &mut steps[found.first..=found.last] {
                if step.as_ref().is_some_and(|s| pattern.contains(&s.screen)) {
                    *step = None;
                }
            }
        }
        if occurrences.len() >= 2 {
            found.push(FoundRoutine {
                screens: pattern,
                occurrences,
                equalled_by_chance: equalled,
            });
        }
    }
    found
}

/// Adds what stands directly before or behind three occurrences in four: a first or last step that is left out now and then. Mining
/// alone keeps to what all of them have, since two routines in a row would else be one.
fn extended(mut pattern: Vec<u32>, mut matches: Vec<Match>, sequence: &[Option<u32>]) -> (Vec<u32>, Vec<Match>) {
    while pattern.len() < LONGEST {
        let claimed = |at: usize| matches.iter().any(|m| (m.first..=m.last).contains(&at));
        let free = |at: usize| {
            sequence
                .get(at)
                .copied()
                .flatten()
                .filter(|s| !claimed(at) && !pattern.contains(s))
        };
        let before: Vec<Option<u32>> = matches.iter().map(|m| free(m.first.wrapping_sub(1))).collect();
        let behind: Vec<Option<u32>> = matches.iter().map(|m| free(m.last + 1)).collect();
        // And is mostly there, not a routine of its own that often follows.
        let own = |count: usize, screen: u32| 3 * sequence.iter().filter(|s| **s == Some(screen)).count() <= 4 * count;
        let most = |beside: &[Option<u32>]| {
            let mut counts: Vec<(usize, u32)> = Vec::new();
            for screen in beside.iter().flatten() {
                match counts.iter_mut().find(|(_, known)| known == screen) {
                    Some((count, _)) => *count += 1,
                    None => counts.push((1, *screen)),
                }
            }
            counts
                .into_iter()
                .filter(|(count, screen)| own(*count, *screen))
                .max_by_key(|(count, screen)| (*count, *screen))
                .unwrap_or_default()
        };
        let ((first, opening), (last, closing)) = (most(&before), most(&behind));
        if 4 * first.max(last) < 3 * matches.len() || first.max(last) < ENOUGH_OCCURRENCES {
            break;
        }
        // Between two in a row a screen is the beginning of the next.
        if first >= last {
            pattern.insert(0, opening);
            for (found, _) in matches
                .iter_mut()
                .zip(before)
                .filter(|(_, screen)| *screen == Some(opening))
            {
                found.first -= 1;
            }
        } else {
            pattern.push(closing);
            for (found, _) in matches
                .iter_mut()
                .zip(behind)
                .filter(|(_, screen)| *screen == Some(closing))
            {
                found.last += 1;
            }
        }
    }
    (pattern, matches)
}

fn occurrence(visits: &[Visit], steps: &[Option<Step>], pattern: &[u32], found: &Match) -> Option<FoundOccurrence> {
    let (mut members, mut rework, mut foreign) = (Vec::new(), Vec::new(), Vec::new());
    let mut reached = 0;
    for step in steps[found.first..=found.last].iter().flatten() {
        if !pattern.contains(&step.screen) {
            foreign.extend(&step.visits);
            continue;
        }
        members.extend(&step.visits);
        match pattern[reached..].iter().position(|s| *s == step.screen) {
            Some(ahead) => reached += ahead + 1,
            None => rework.extend(&step.visits),
        }
    }
    let occurrence = measure(visits, &members)?;
    Some(FoundOccurrence {
        visits: members,
        rework,
        foreign,
        occurrence,
    })
}

/// How many shuffles are at least as good; none when too many are.
fn equalled_by_chance(sequence: &[Option<u32>], value: f64) -> Option<u32> {
    let screens: Vec<u32> = sequence.iter().flatten().copied().collect();
    let mut random = 0x9e37_79b9_7f4a_7c15_u64;
    let mut next = move |bound: usize| {
        random ^= random << 13;
        random ^= random >> 7;
        random ^= random << 17;
        (random % bound as u64) as usize
    };
    let mut equalled = 0;
    for _ in 0..SHUFFLES {
        let mut shuffled = screens.clone();
        for i in (1..shuffled.len()).rev() {
            shuffled.swap(i, next(i + 1));
        }
        // A person does not go from a screen to itself: part equal neighbours as long as luck allows.
        for _ in 0..4 {
            for i in 1..shuffled.len() {
                if shuffled[i] == shuffled[i - 1] {
                    let with = next(shuffled.len());
                    shuffled.swap(i, with);
                }
            }
        }
        shuffled.dedup();
        let shuffled: Vec<Option<u32>> = shuffled.into_iter().map(Some).collect();
        if scored(&shuffled).first().is_some_and(|(_, _, chance)| *chance >= value) {
            equalled += 1;
            if equalled > TOLERATED {
                return None;
            }
        }
    }
    Some(equalled)
}

type Candidate = (Vec<u32>, Vec<Match>, f64);

/// Patterns with their occurrences and values, the most valuable first.
fn scored(sequence: &[Option<u32>]) -> Vec<Candidate> {
    let mut scored: Vec<Candidate> = candidates(sequence)
        .into_iter()
        .filter_map(|pattern| {
            let matches = occurrences_of(&pattern, sequence);
            (matches.len() >= 2 && usual(&pattern, &matches)).then(|| {
                let value = value(&pattern, &matches);
                (pattern, matches, value)
            })
        })
        .filter(|(_, _, value)| *value > 0.0)
        .collect();
    scored.sort_by(|a, b| {
        b.2.total_cmp(&a.2)
            .then_with(|| a.0.len().cmp(&b.0.len()))
            .then_with(|| a.1[0].first.cmp(&b.1[0].first))
            .then_with(|| a.0.cmp(&b.0))
    });
    scored
}

/// The pattern to tell first: the one that is worth most together with the best of what it leaves. Two routines that happen
/// to follow each other are worth more apart than as one, or than the end of one with the beginning of the other.
///
/// Where a routine comes back in a circle its beginning is uncertain, so a shorter one that replaces it may lie across its end.
fn choose(sequence: &[Option<u32>]) -> Option<Candidate> {
    let scored = scored(sequence);
    let together = |(pattern, matches, value): &Candidate| {
        let mut rest = sequence.to_vec();
        for found in matches {
            for step in &mut rest[found.first..=found.last] {
                if step.is_some_and(|screen| pattern.contains(&screen)) {
                    *step = None;
                }
            }
        }
        let rest = self::scored(&rest).first().map_or(0.0, |best| best.2);
        // The greater part is told first.
        if rest > *value { f64::NEG_INFINITY } else { value + rest }
    };
    let mut chosen = scored
        .iter()
        .filter(|(pattern, matches, value)| !is_two(pattern, matches.len(), *value, sequence))
        .take(LOOKED_AHEAD)
        .map(|candidate| (together(candidate), candidate))
        .reduce(|best, other| if other.0 > best.0 + 1e-9 { other } else { best })?
        .1
        .clone();
    while let Some(shorter) = scored.iter().find(|(pattern, matches, value)| {
        pattern.len() < chosen.0.len()
            && matches.len() as f64 >= 1.1 * chosen.1.len() as f64
            && *value >= 0.75 * chosen.2
            && [chosen.0.as_slice(), &chosen.0]
                .concat()
                .windows(pattern.len())
                .any(|w| w == pattern.as_slice())
    }) {
        chosen = shorter.clone();
    }
    Some(chosen)
}

/// Whether a pattern is two routines that happen to follow each other, wherever it is cut open: both parts come back more
/// often than the whole, and together they are worth about as much.
fn is_two(pattern: &[u32], occurrences: usize, worth: f64, sequence: &[Option<u32>]) -> bool {
    (0..pattern.len()).any(|turn| {
        let mut turned = pattern.to_vec();
        turned.rotate_left(turn);
        (2..pattern.len().saturating_sub(1)).any(|cut| {
            let (one, other) = turned.split_at(cut);
            let (ones, others) = (occurrences_of(one, sequence), occurrences_of(other, sequence));
            ones.len().min(others.len()) > occurrences && value(one, &ones) + value(other, &others) >= 0.9 * worth
        })
    })
}

/// Whether every step is part of most occurrences: what is there now and then is unrelated work inside them.
fn usual(pattern: &[u32], matches: &[Match]) -> bool {
    (0..pattern.len()).all(|step| {
        let lacking = matches.iter().filter(|m| m.missed.contains(&step)).count();
        lacking * 10 <= matches.len() * 4
    })
}

fn value(pattern: &[u32], matches: &[Match]) -> f64 {
    let predicted: f64 = matches
        .iter()
        .map(|m| m.matched as f64 - 1.0 - 0.25 * m.skipped as f64)
        .sum();
    predicted - (pattern.len() - 1) as f64
}

/// Sequences that occur at least twice without interruption, in the recording itself or in what is left of it when one
/// screen, or every screen rarer than another, is taken out: that is how routines with unrelated work inside are seen.
fn candidates(sequence: &[Option<u32>]) -> Vec<Vec<u32>> {
    let mut counts: HashMap<u32, usize> = HashMap::new();
    for screen in sequence.iter().flatten() {
        *counts.entry(*screen).or_default() += 1;
    }
    let mut screens: Vec<(u32, usize)> = counts.into_iter().filter(|(_, n)| *n >= 2).collect();
    screens.sort_unstable();
    let mut levels: Vec<usize> = screens.iter().map(|(_, n)| *n).collect();
    levels.sort_unstable();
    levels.dedup();
    let rare = |screen: u32| !screens.iter().any(|(s, _)| *s == screen);
    let often = |screen: u32, level: usize| screens.iter().any(|(s, n)| *s == screen && *n >= level);

    let mut reduced: Vec<Vec<Option<u32>>> = vec![sequence.to_vec()];
    let keep = |wanted: &dyn Fn(u32) -> bool| -> Vec<Option<u32>> {
        let mut kept: Vec<Option<u32>> = sequence.iter().filter(|s| s.is_none_or(wanted)).copied().collect();
        kept.dedup();
        kept
    };
    for level in levels {
        reduced.push(keep(&|screen| often(screen, level)));
    }
    for (dropped, _) in &screens {
        reduced.push(keep(&|screen| screen != *dropped && !rare(screen)));
    }
    reduced.sort();
    reduced.dedup();

    let mut seen: HashMap<Vec<u32>, usize> = HashMap::new();
    for sequence in &reduced {
        let mut here: HashMap<&[Option<u32>], (usize, usize)> = HashMap::new();
        for length in 2..=LONGEST.min(sequence.len()) {
            let mut any = false;
            for (at, gram) in sequence.windows(length).enumerate() {
                if gram.iter().any(Option::is_none) {
                    continue;
                }
                let entry = here.entry(gram).or_insert((0, 0));
                if entry.0 == 0 || at >= entry.1 {
                    entry.0 += 1;
                    entry.1 = at + length;
                    any |= entry.0 >= 2;
                }
            }
            if !any {
                break;
            }
        }
        for (gram, (count, _)) in here {
            let pattern: Vec<u32> = gram.iter().flatten().copied().collect();
            if count >= 2 && !is_repetition(&pattern) {
                let known = seen.entry(pattern).or_default();
                *known = (*known).max(count);
            }
        }
    }
    let mut ranked: Vec<(Vec<u32>, usize)> = seen.into_iter().collect();
    ranked.sort_by(|a, b| {
        (b.1 * (b.0.len() - 1))
            .cmp(&(a.1 * (a.0.len() - 1)))
            .then_with(|| a.0.cmp(&b.0))
    });
    ranked.truncate(CANDIDATES);
    ranked.into_iter().map(|(pattern, _)| pattern).collect()
}

/// Whether a pattern is a shorter one over and over, be it with something else in between: then the shorter one is the
/// routine. Two screens that alternate inside a longer routine (looking up each field) are no routine of their own.
fn is_repetition(pattern: &[u32]) -> bool {
    let length = pattern.len();
    let periodic = (1..=length / 2).any(|period| (period..length).all(|i| pattern[i] == pattern[i - period]));
    periodic
        || (3..=length / 2).any(|part| {
            let shorter = &pattern[..part];
            let rest: Vec<Option<u32>> = pattern[part..].iter().copied().map(Some).collect();
            5 * 2 * part >= 3 * length && shorter[0] != shorter[part - 1] && !occurrences_of(shorter, &rest).is_empty()
        })
}

/// The occurrences of a pattern from left to right, none overlapping.
///
/// Up to [`WIDEST_GAP`] other screens may lie between two steps. One step in four may be missing inside, never the first
/// or the last. A second beginning before the end replaces the first, unless more than half of the routine was done by
/// then: that is rework, and the occurrence keeps its first beginning.
fn occurrences_of(pattern: &[u32], sequence: &[Option<u32>]) -> Vec<Match> {
    let mut found: Vec<Match> = Vec::new();
    let mut free = 0;
    for start in 0..sequence.len() {
        if start < free || sequence[start] != Some(pattern[0]) {
            continue;
        }
        if let Some(matched) = match_from(pattern, sequence, start) {
            free = matched.last + 1;
            found.push(matched);
        }
    }
    found
}

fn match_from(pattern: &[u32], sequence: &[Option<u32>], start: usize) -> Option<Match> {
    let mut may_miss = if pattern.len() >= 4 { pattern.len() / 4 } else { 0 };
    let (mut at, mut reached, mut matched, mut skipped) = (start, 1, 1, 0);
    let mut missed = Vec::new();
    while reached < pattern.len() {
        let mut gap = 0;
        let mut ahead = at + 1;
        loop {
            let screen = (*sequence.get(ahead)?)?;
            if screen == pattern[reached] {
                break;
            }
            let last = pattern.len() - 1;
            if may_miss > 0 && reached < last && screen == pattern[reached + 1] && !pattern[..reached].contains(&screen)
            {
                may_miss -= 1;
                missed.push(reached);
                reached += 1;
                break;
            }
            let begins_again = screen == pattern[0] && !pattern[1..].contains(&screen);
            if begins_again && 2 * reached <= pattern.len() {
                return None;
            }
            gap += 1;
            if gap > WIDEST_GAP {
                return None;
            }
            ahead += 1;
        }
        skipped += gap;
        matched += 1;
        at = ahead;
        reached += 1;
    }
    Some(Match {
        first: start,
        last: at,
        matched,
        skipped,
        missed,
    })
}

#[cfg(test)]
#[path = "mine_tests.rs"]
mod tests;
