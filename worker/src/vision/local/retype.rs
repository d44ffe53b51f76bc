//! Values that are read on one screen and typed on another: the plainest sign that two applications should talk.

use std::collections::BTreeSet;

use super::reply::{LocalReply, Stay, Text};
use super::text::{has_digit, letters, plain};

/// Values that went from one stay to another by hand.
#[derive(Debug, Clone, PartialEq)]
pub struct Retyped {
    /// Index of the stay where they could be read.
    pub source: usize,
    /// Index of the stay where they were typed.
    pub target: usize,
    /// How many values.
    pub values: usize,
    /// The labels beside them on the target, as read: kinds of data, never values.
    pub labels: Vec<String>,
}

/// How long before the typing the source may have been left.
const REMEMBERED_SECONDS: f64 = 180.0;
/// How many stays back.
const LOOK_BACK: usize = 6;

/// Every transfer in the recording, in order: the values that appeared on a form while it was open and that another
/// application had shown shortly before. One value alone is coincidence unless it holds digits.
pub fn find(reply: &LocalReply) -> Vec<Retyped> {
    let mut found = Vec::new();
    for (target, stay) in reply.timeline.iter().enumerate() {
        if stay.edits < 2 || stay.frames.len() < 2 {
            continue;
        }
        let typed = typed(reply, stay);
        if typed.is_empty() {
            continue;
        }
        let application = application(reply, stay.screen);
        let source = reply.timeline[..target]
            .iter()
            .enumerate()
            .rev()
            .take(LOOK_BACK)
            .filter(|(_, s)| {
                s.screen != stay.screen && stay.span.start_seconds() - s.span.end_seconds() < REMEMBERED_SECONDS
            })
            .filter(|(_, s)| self::application(reply, s.screen) != application)
            .map(|(i, s)| {
                let shown = shown(reply, s);
                (
                    i,
                    typed
                        .iter()
                        .filter(|t| shown.contains(&plain(&t.text)))
                        .copied()
                        .collect::<Vec<&Text>>(),
                )
            })
            .max_by_key(|(i, shared)| (shared.len(), *i));
        let Some((source, shared)) = source else {
            continue;
        };
        let telling = shared.len() >= 2 || shared.iter().any(|t| has_digit(&t.text) && t.text.len() >= 4);
        if telling {
            let labels: BTreeSet<String> = shared
                .iter()
                .filter_map(|value| label(reply, stay.screen, value))
                .collect();
            found.push(Retyped {
                source,
                target,
                values: shared.len(),
                labels: labels.into_iter().collect(),
            });
        }
    }
    found
}

fn application(reply: &LocalReply, screen: u32) -> &str {
    reply
        .screens
        .iter()
        .find(|s| s.id == screen)
        .map_or("", |s| s.application.as_str())
}

/// Words that were on the last frames of the stay and not on its first.
fn typed<'a>(reply: &'a LocalReply, stay: &Stay) -> Vec<&'a Text> {
    let frames: Vec<_> = stay
        .frames
        .iter()
        .filter_map(|i| reply.frames.iter().find(|f| f.index == *i))
        .collect();
    let Some((first, rest)) = frames.split_first() else {
        return Vec::new();
    };
    let before: BTreeSet<String> = first.words.iter().map(|w| plain(&w.text)).collect();
    let mut seen = BTreeSet::new();
    rest.iter()
        .rev()
        .flat_map(|f| &f.words)
        .filter(|w| w.confidence >= 0.5 && worth_comparing(&w.text))
        .filter(|w| !before.contains(&plain(&w.text)) && seen.insert(plain(&w.text)))
        .collect()
}

/// Every word that the stay showed and that is worth comparing.
fn shown(reply: &LocalReply, stay: &Stay) -> BTreeSet<String> {
    let data = reply
        .frames
        .iter()
        .filter(|f| stay.frames.contains(&f.index))
        .flat_map(|f| &f.words);
    // A screen that was seen once shows nothing but words that it always shows.
    let once = reply.timeline.iter().filter(|s| s.screen == stay.screen).count() == 1;
    let labels = reply
        .screens
        .iter()
        .filter(|s| once && s.id == stay.screen)
        .flat_map(|s| &s.words);
    data.chain(labels)
        .map(|w| &w.text)
        .filter(|t| worth_comparing(t))
        .map(|t| plain(t))
        .collect()
}

fn worth_comparing(text: &str) -> bool {
    letters(text) >= 4 || (has_digit(text) && plain(text).len() >= 2)
}

/// The screen's own words to the left of a value on the same line.
fn label(reply: &LocalReply, screen: u32, value: &Text) -> Option<String> {
    let screen = reply.screens.iter().find(|s| s.id == screen)?;
    let middle = f32::midpoint(value.area[1], value.area[3]);
    let mut left: Vec<&Text> = screen
        .words
        .iter()
        .filter(|w| {
            w.area[1] < middle && middle < w.area[3] && w.area[2] <= value.area[0] && value.area[0] - w.area[2] < 0.2
        })
        .filter(|w| letters(&w.text) >= 2)
        .collect();
    left.sort_by(|a, b| b.area[0].total_cmp(&a.area[0]));
    let mut words: Vec<&Text> = Vec::new();
    for word in left {
        if words.last().is_none_or(|last| last.area[0] - word.area[2] < 0.02) {
            words.push(word);
        }
    }
    words.reverse();
    let label = super::names::tidy(&words.iter().map(|w| w.text.as_str()).collect::<Vec<_>>().join(" "));
    (!label.is_empty()).then_some(label)
}
