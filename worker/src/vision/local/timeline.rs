//! Who was active when: stays on screens, and within them the time in which the screen was busy or nothing happened.
//!
//! Rules. **Idle**: no change for the threshold (60 s unless configured); a caret, a clock or any other small change that
//! comes back at one place is no change. **Waiting**: a small area moves on at one place without the person doing anything
//! (a spinner), or the screen says that it is busy (`please wait`, `bezig`, …) and nothing is typed. Everything else is
//! active. The three add up to the length of the stay.

use domain::span::{TimeSpan, union};

use super::reply::{Stay, Text};
use super::text::{Phrase, phrases, plain};
use crate::frames::{Change, ChangeKind, Extraction, Frame};

/// Shortest movement that counts as a spinner.
const SPINNER_SECONDS: f64 = 1.6;
/// Longest pause between two of its pictures.
const SPINNER_GAP_SECONDS: f64 = 0.75;
/// Fewest changes in a second.
const SPINNER_RATE: f64 = 1.6;

/// What screens say while they are busy, in four languages, as plain letters.
const BUSY: [&str; 24] = [
    "loading",
    "pleasewait",
    "processing",
    "justamoment",
    "onemoment",
    "workingonit",
    "bezigmet",
    "evengeduld",
    "eenmoment",
    "ogenblikgeduld",
    "laden",
    "wordtgeladen",
    "wordtverwerkt",
    "chargement",
    "veuillezpatienter",
    "patientez",
    "traitementencours",
    "encoursdechargement",
    "wirdgeladen",
    "bittewarten",
    "ladevorgang",
    "verarbeitung",
    "wirdverarbeitet",
    "synchronising",
];

/// The area of a change in `0..=1` of the screen.
fn area(change: &Change) -> f32 {
    (change.region[2] - change.region[0]).max(0.0) * (change.region[3] - change.region[1]).max(0.0)
}

/// The changes that a person or a program meant: without what comes back at one place by itself.
///
/// A small change is the furniture's when two others within three seconds fill exactly its place (a caret), or when it
/// stands alone in time and two others lie about there, half a minute to two minutes away (a clock, whose digits differ). So is one
/// at the very top or bottom that is the only change in two thirds of a minute: the clock's other changes may fall into busier moments.
pub fn meant(changes: &[Change]) -> Vec<Change> {
    let small = |i: usize| changes[i].kind == ChangeKind::Small;
    let close = |i: usize, within: f64| {
        let at = changes[i].at_seconds;
        let before = (0..i).rev().take_while(move |j| at - changes[*j].at_seconds < within);
        let after = (i + 1..changes.len()).take_while(move |j| changes[*j].at_seconds - at < within);
        before.chain(after)
    };
    let carets: Vec<bool> = (0..changes.len())
        .map(|i| {
            let same = close(i, 3.0).filter(|j| small(*j) && exactly_there(&changes[i], &changes[*j]));
            small(i) && same.take(2).count() == 2
        })
        .collect();
    let alone: Vec<bool> = (0..changes.len())
        .map(|i| small(i) && !carets[i] && close(i, 1.5).all(|j| carets[j]))
        .collect();
    (0..changes.len())
        .filter(|i| {
            let clock = alone[*i]
                && close(*i, 130.0)
                    .filter(|j| small(*j) && !carets[*j] && about_there(&changes[*i], &changes[*j]))
                    .filter(|j| (changes[*i].at_seconds - changes[*j].at_seconds).abs() > 25.0)
                    .take(2)
                    .count()
                    == 2;
            let at_the_edge = changes[*i].region[1] > 1.0 - EDGE || changes[*i].region[3] < EDGE;
            let lonely = alone[*i] && at_the_edge && close(*i, LONELY_SECONDS).all(|j| carets[j]);
            !carets[*i] && !clock && !lonely
        })
        .map(|i| changes[i])
        .collect()
}

/// Height of what task bars and status lines take, in shares of the screen.
const EDGE: f32 = 0.06;
/// Time before and after a change in which a person at work does something.
const LONELY_SECONDS: f64 = 20.0;

fn exactly_there(one: &Change, other: &Change) -> bool {
    one.region.iter().zip(&other.region).all(|(p, q)| (p - q).abs() < 0.002)
}

/// Both lie within a patch as large as a clock.
fn about_there(one: &Change, other: &Change) -> bool {
    let (a, b) = (one.region, other.region);
    a[2].max(b[2]) - a[0].min(b[0]) < 0.035 && a[3].max(b[3]) - a[1].min(b[1]) < 0.035
}

/// Narrower than this is a caret.
const CARET_WIDTH: f32 = 0.006;

/// When a small area moved on by itself: the same pictures come back at one place, again and again. A person's typing
/// moves on and never comes back; a caret is too narrow.
pub fn spinners(changes: &[Change]) -> Vec<TimeSpan> {
    let wide: Vec<&Change> = changes
        .iter()
        .filter(|c| c.region[2] - c.region[0] > CARET_WIDTH)
        .collect();
    let mut found = Vec::new();
    let mut at = 0;
    while at < wide.len() {
        if let Some((length, span)) = spinner_from(&wide[at..]) {
            found.push(span);
            at += length;
        } else {
            at += 1;
        }
    }
    union(&found)
}

fn spinner_from(changes: &[&Change]) -> Option<(usize, TimeSpan)> {
    let first = changes.first()?;
    if area(first) > 0.02 || first.kind == ChangeKind::Screen {
        return None;
    }
    let mut region = first.region;
    let mut own: Vec<&Change> = vec![first];
    let (mut length, mut elsewhere) = (1, 0);
    for change in &changes[1..] {
        let last = own[own.len() - 1].at_seconds;
        if change.kind == ChangeKind::Screen || change.at_seconds - last > SPINNER_GAP_SECONDS {
            break;
        }
        let grown = [
            region[0].min(change.region[0]),
            region[1].min(change.region[1]),
            region[2].max(change.region[2]),
            region[3].max(change.region[3]),
        ];
        if grown[2] - grown[0] < 0.13 && grown[3] - grown[1] < 0.17 {
            region = grown;
            own.push(change);
        } else if change.kind == ChangeKind::Text {
            break;
        } else {
            // The pointer may move meanwhile.
            elsewhere += 1;
        }
        length += 1;
    }
    let (start, end) = (first.at_seconds, own[own.len() - 1].at_seconds);
    if end - start < SPINNER_SECONDS || own.len() as f64 / (end - start) < SPINNER_RATE || elsewhere * 2 > own.len() {
        return None;
    }
    let returns = own
        .iter()
        .enumerate()
        .filter(|(i, c)| {
            own.iter()
                .enumerate()
                .any(|(j, d)| i.abs_diff(j) > 1 && same_region(c, d))
        })
        .count();
    (returns * 10 >= own.len() * 6)
        .then(|| TimeSpan::new(start, end).ok().map(|span| (length, span)))
        .flatten()
}

fn same_region(one: &Change, other: &Change) -> bool {
    one.region.iter().zip(&other.region).all(|(p, q)| (p - q).abs() < 0.004)
}

/// Whether the screen says that it is busy: a short phrase of its own, not a sentence in a letter.
pub fn says_busy(words: &[Text], aspect: f32) -> bool {
    phrases(words, aspect).iter().any(|phrase: &Phrase| {
        let said = plain(&phrase.text);
        phrase.words <= 6
            && phrase.area[1] > 0.08
            && phrase.area[3] < 0.97
            && BUSY.iter().any(|busy| {
                said == *busy
                    || (said.len() <= 2 * busy.len() + 12
                        && busy.len() > 5
                        && (said.starts_with(busy) || said.ends_with(busy)))
            })
    })
}

/// When nothing was meant to change for at least the threshold.
pub fn standstills(meant: &[Change], duration_seconds: f64, threshold_seconds: f64) -> Vec<TimeSpan> {
    let mut last = 0.0;
    let mut found = Vec::new();
    for at in meant.iter().map(|c| c.at_seconds).chain([duration_seconds]) {
        if at - last >= threshold_seconds {
            found.extend(TimeSpan::new(last, at).ok());
        }
        last = at.max(last);
    }
    found
}

/// `spans` without the time of `taken`; both without overlaps and in order.
fn without(spans: &[TimeSpan], taken: &[TimeSpan]) -> Vec<TimeSpan> {
    let mut left = Vec::new();
    for span in spans {
        let mut from = span.start_seconds();
        for cut in taken.iter().filter_map(|t| t.overlap(*span)) {
            if cut.start_seconds() > from {
                left.extend(TimeSpan::new(from, cut.start_seconds()).ok());
            }
            from = from.max(cut.end_seconds());
        }
        if span.end_seconds() > from {
            left.extend(TimeSpan::new(from, span.end_seconds()).ok());
        }
    }
    left
}

fn within(spans: &[TimeSpan], span: TimeSpan) -> Vec<TimeSpan> {
    spans.iter().filter_map(|s| s.overlap(span)).collect()
}

/// A frame with its screen and words.
pub struct Seen<'a> {
    /// The frame.
    pub frame: &'a Frame,
    /// The number of its screen.
    pub screen: u32,
    /// All its words.
    pub words: &'a [Text],
}

/// The stays, in order. `excluded` is the time of screens that were dropped.
pub fn stays(extraction: &Extraction, seen: &[Seen<'_>], idle_threshold_seconds: f64) -> Vec<Stay> {
    let aspect = extraction.width_pixels.max(1) as f32 / extraction.height_pixels.max(1) as f32;
    let meant = meant(&extraction.changes);
    let busy_words: Vec<TimeSpan> = seen
        .iter()
        .filter(|s| says_busy(s.words, aspect))
        .filter_map(|s| TimeSpan::new(s.frame.span.start_seconds, s.frame.span.end_seconds).ok())
        .collect();
    let waiting = union(&[spinners(&extraction.changes), busy_words].concat());
    let idle = without(
        &standstills(&meant, extraction.duration_seconds, idle_threshold_seconds),
        &waiting,
    );

    let mut stays: Vec<Stay> = Vec::new();
    let mut before: Option<&Seen<'_>> = None;
    for one in seen {
        let (start, end) = (one.frame.span.start_seconds, one.frame.span.end_seconds);
        let Ok(span) = TimeSpan::new(start, end.max(start)) else {
            continue;
        };
        match stays.last_mut() {
            Some(last) if last.screen == one.screen && start - last.span.end_seconds() < 0.3 => {
                last.span = last.span.hull(span);
                last.frames.push(one.frame.index);
            }
            last => {
                let mut span = span;
                if let (Some(last), Some(before)) = (last, before)
                    && start - last.span.end_seconds() < 0.3
                    && let Some(at) = turned(&extraction.changes, before.frame, one.frame)
                    && let (Ok(until), Ok(from)) = (
                        TimeSpan::new(last.span.start_seconds(), at.max(last.span.start_seconds())),
                        TimeSpan::new(at, end.max(at)),
                    )
                {
                    last.span = until;
                    span = from;
                }
                stays.push(Stay {
                    screen: one.screen,
                    span,
                    waiting: Vec::new(),
                    idle: Vec::new(),
                    edits: 0,
                    typing_seconds: 0.0,
                    frames: vec![one.frame.index],
                });
            }
        }
        before = Some(one);
    }
    for stay in &mut stays {
        stay.waiting = within(&waiting, stay.span);
        stay.idle = within(&idle, stay.span);
        let typed = typed(&extraction.changes, stay.span);
        stay.edits = typed.len() as u32;
        stay.typing_seconds = match (typed.first(), typed.last()) {
            (Some(first), Some(last)) => {
                let all = last - first;
                let stood: f64 = TimeSpan::new(*first, *last).map_or(0.0, |typing| {
                    stay.idle.iter().map(|idle| idle.overlap_seconds(typing)).sum()
                });
                (all - stood).max(0.0)
            }
            _ => 0.0,
        };
    }
    stays
}

/// When one screen gave way to the next: the largest change between their pictures.
fn turned(changes: &[Change], before: &Frame, after: &Frame) -> Option<f64> {
    changes
        .iter()
        .filter(|c| before.timestamp_seconds < c.at_seconds && c.at_seconds <= after.timestamp_seconds + 0.001)
        .filter(|c| c.kind != ChangeKind::Small)
        .max_by(|a, b| {
            a.share
                .total_cmp(&b.share)
                .then_with(|| b.at_seconds.total_cmp(&a.at_seconds))
        })
        .map(|c| c.at_seconds)
}

/// When letters were typed: each a small change that goes on where the one before it was, to the right on the same line.
/// The first half second belongs to the screen's own settling.
fn typed(changes: &[Change], span: TimeSpan) -> Vec<f64> {
    let small: Vec<&Change> = changes
        .iter()
        .filter(|c| span.contains(c.at_seconds) && c.at_seconds > span.start_seconds() + 0.4)
        .filter(|c| c.region[3] - c.region[1] < 0.07 && c.region[2] - c.region[0] < 0.12)
        .filter(|c| c.region[2] - c.region[0] > CARET_WIDTH / 2.0)
        .collect();
    small
        .windows(2)
        .filter(|pair| {
            let (a, b) = (pair[0], pair[1]);
            let line =
                a.region[1] < b.region[3] && b.region[1] < a.region[3] && (a.region[3] - b.region[3]).abs() < 0.012;
            let on =
                b.region[0] >= a.region[0] - 0.003 && b.region[0] - a.region[2] < 0.03 && b.region[2] > a.region[2];
            b.at_seconds - a.at_seconds < 1.5 && line && on
        })
        .map(|pair| pair[1].at_seconds)
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn change(at: f64, x: f32, y: f32, width: f32, height: f32, kind: ChangeKind) -> Change {
        Change {
            at_seconds: at,
            share: f64::from(width * height),
            region: [x, y, x + width, y + height],
            kind,
        }
    }

    #[test]
    fn a_caret_and_a_clock_do_not_keep_a_person_awake() {
        let mut changes: Vec<Change> = (0..400)
            .map(|i| change(f64::from(i) * 0.5, 0.3, 0.3, 0.005, 0.02, ChangeKind::Small))
            .collect();
        changes.extend((0..4).map(|i| change(f64::from(i) * 60.0 + 0.2, 0.95, 0.97, 0.03, 0.02, ChangeKind::Small)));
        changes.push(change(70.0, 0.5, 0.5, 0.1, 0.03, ChangeKind::Text));
        changes.sort_by(|a, b| a.at_seconds.total_cmp(&b.at_seconds));
        let idle = standstills(&meant(&changes), 200.0, 60.0);
        let told: Vec<(f64, f64)> = idle.iter().map(|s| (s.start_seconds(), s.end_seconds())).collect();
        assert_eq!(told, [(0.0, 70.0), (70.0, 200.0)]);
        assert_eq!(spinners(&changes), [], "a caret is no spinner");
    }

    #[test]
    fn one_tick_of_a_clock_in_a_pause_does_not_end_it() {
        let typing =
            |from: f64| (0..20).map(move |i| change(from + f64::from(i) * 0.5, 0.3, 0.3, 0.1, 0.03, ChangeKind::Text));
        let changes = |y: f32| -> Vec<Change> {
            let tick = std::iter::once(change(50.0, 0.97, y, 0.005, 0.006, ChangeKind::Small));
            typing(0.0).chain(tick).chain(typing(90.0)).collect()
        };
        assert_eq!(standstills(&meant(&changes(0.97)), 100.0, 60.0).len(), 1);
        assert_eq!(
            standstills(&meant(&changes(0.5)), 100.0, 60.0),
            [],
            "in the middle of the screen it is the person's"
        );
    }

    #[test]
    fn a_moving_pointer_is_activity() {
        let changes: Vec<Change> = (0..100)
            .map(|i| {
                change(
                    f64::from(i),
                    0.008 * i as f32,
                    0.2 + 0.004 * i as f32,
                    0.02,
                    0.04,
                    ChangeKind::Small,
                )
            })
            .collect();
        assert_eq!(standstills(&meant(&changes), 100.0, 60.0), []);
    }

    #[test]
    fn a_spinner_is_waiting_and_typing_is_not() {
        let spinner: Vec<Change> = (0..50)
            .map(|i| {
                change(
                    10.0 + f64::from(i) * 0.2,
                    0.48 + 0.01 * ((i % 3) as f32),
                    0.45,
                    0.03,
                    0.06,
                    ChangeKind::Small,
                )
            })
            .collect();
        let found = spinners(&spinner);
        assert_eq!(found.len(), 1);
        assert!((found[0].seconds() - 9.8).abs() < 1e-6);
        let typing: Vec<Change> = (0..12)
            .map(|i| {
                change(
                    10.0 + f64::from(i) * 0.2,
                    0.3 + 0.008 * i as f32,
                    0.45,
                    0.016,
                    0.04,
                    ChangeKind::Text,
                )
            })
            .collect();
        assert_eq!(spinners(&typing), []);
    }

    #[test]
    fn a_screen_says_that_it_is_busy_in_four_languages() {
        let text = |said: &str| -> Vec<Text> {
            said.split(' ')
                .enumerate()
                .map(|(i, word)| Text {
                    text: word.into(),
                    area: [0.1 + 0.07 * i as f32, 0.5, 0.165 + 0.07 * i as f32, 0.53],
                    confidence: 0.9,
                })
                .collect()
        };
        for said in [
            "Processing, please wait ...",
            "Bezig met laden",
            "Chargement en cours",
            "Bitte warten",
            "Loading...",
        ] {
            assert!(says_busy(&text(said), 1.8), "{said}");
        }
        for said in [
            "The loading dock is closed",
            "Laden und Lager",
            "please wait for my reply until Monday",
            "Verladung",
        ] {
            assert!(!says_busy(&text(said), 1.8), "{said}");
        }
    }
}
