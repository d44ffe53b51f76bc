//! Reading single values of a reply, each either honestly or not at all.

use serde_json::{Map, Value};

use super::FrameTable;
use crate::span::TimeSpan;

/// Elements of one list that are read; a reply with more is broken.
pub(super) const MOST_ELEMENTS: usize = 1_000;
/// What is named in `dropped`, at most.
const MOST_DROPPED: usize = 200;
/// Characters of a title: the column's width.
pub(super) const TITLE: usize = 255;
/// Characters of a sentence.
pub(super) const SENTENCE: usize = 1_000;
/// Characters of a description.
pub(super) const TEXT: usize = 8_000;
/// A single occurrence of office work does not take longer than a week.
const MOST_SECONDS: f64 = 7.0 * 86_400.0;

/// What was left out, and the frames that claims are checked against.
pub(super) struct Reader<'a> {
    pub(super) frames: &'a FrameTable,
    pub(super) dropped: Vec<String>,
}

/// What supports a claim.
#[derive(Debug, Default, PartialEq)]
pub(super) struct Support {
    pub(super) frames: Vec<u32>,
    pub(super) evidence: Vec<TimeSpan>,
}

/// Which shape an element has: of this system, where each claim cites frames, or of an older one.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Era {
    Current,
    Old,
}

/// Properties that cite frames, over the years.
const CITING: [&str; 4] = ["frames", "frame_ids", "visible_in_frames", "evidence_frames"];

impl Reader<'_> {
    /// Names something that was left out.
    pub(super) fn leave_out(&mut self, place: &str, why: &str) {
        match self.dropped.len() {
            0..MOST_DROPPED => self.dropped.push(format!("{place}: {why}")),
            MOST_DROPPED => self.dropped.push("and more".to_owned()),
            _ => {}
        }
    }

    /// The elements of a list, each with its place; anything else is left out.
    pub(super) fn elements<'v>(&mut self, place: &str, value: &'v Value) -> Vec<(String, &'v Value)> {
        match value {
            Value::Null => Vec::new(),
            Value::Array(elements) => {
                if elements.len() > MOST_ELEMENTS {
                    self.leave_out(place, &format!("elements after the first {MOST_ELEMENTS}"));
                }
                elements
                    .iter()
                    .take(MOST_ELEMENTS)
                    .enumerate()
                    .map(|(number, element)| (format!("{place}[{number}]"), element))
                    .collect()
            }
            _ => {
                self.leave_out(place, "not a list");
                Vec::new()
            }
        }
    }

    /// What supports the claim; none where it must be left out.
    pub(super) fn support(&mut self, place: &str, element: &Map<String, Value>, era: Era) -> Option<Support> {
        if self.frames.is_empty() {
            return Some(Support::default());
        }
        let cited = CITING
            .iter()
            .find_map(|name| element.get(*name))
            .unwrap_or(&Value::Null);
        let cited = match cited {
            Value::Array(cited) => cited.iter().map(frame_number).collect(),
            Value::Null => Vec::new(),
            single => vec![frame_number(single)],
        };
        if cited.is_empty() {
            if era == Era::Old {
                return Some(Support::default());
            }
            self.leave_out(place, "cites no frame");
            return None;
        }
        let mut frames: Vec<u32> = cited
            .iter()
            .flatten()
            .copied()
            .filter(|frame| self.frames.span(*frame).is_some())
            .collect();
        if frames.is_empty() {
            self.leave_out(place, "cites only frames that do not exist");
            return None;
        }
        let strangers = cited.len() - frames.len();
        if strangers > 0 {
            self.leave_out(place, &format!("{strangers} of the cited frames do not exist"));
        }
        frames.sort_unstable();
        frames.dedup();
        Some(Support {
            evidence: self.frames.evidence(&frames),
            frames,
        })
    }

    /// A share of one: `0.85`, `"0.85"` or `"85%"`. A number above one is not guessed to be a percentage.
    pub(super) fn share(&mut self, place: &str, value: &Value) -> Option<f64> {
        let share = match value {
            Value::Null => return None,
            Value::Number(number) => number.as_f64(),
            Value::String(text) => match text.trim().strip_suffix('%') {
                Some(percent) => percent.trim().parse::<f64>().ok().map(|percent| percent / 100.0),
                None => text.trim().parse().ok(),
            },
            _ => None,
        };
        // Sums of rounded figures may pass one by a hair; anything more is another unit or a mistake.
        match share {
            Some(share) if (0.0..=1.0).contains(&share) => Some(share),
            Some(share) if share > 1.0 && share <= 1.0 + 1e-6 => Some(1.0),
            _ => {
                self.leave_out(place, "not a share between 0 and 1");
                None
            }
        }
    }

    /// A length of time: seconds, or a text that can only mean one.
    pub(super) fn duration(&mut self, place: &str, value: &Value, unit_seconds: f64, scope: Scope) -> Option<f64> {
        let seconds = match value {
            Value::Null => return None,
            Value::Number(number) => number.as_f64().map(|number| number * unit_seconds),
            Value::String(text) => stated_seconds(text, scope),
            _ => None,
        };
        match seconds {
            Some(seconds) if seconds > 0.0 && seconds <= MOST_SECONDS => Some(seconds),
            // Nothing takes no time: zero is how models write "unknown".
            Some(0.0) => None,
            _ => {
                self.leave_out(place, "not an unambiguous length of time");
                None
            }
        }
    }
}

/// The first of these properties that is there and not null.
pub(super) fn pick<'v>(fields: &'v Map<String, Value>, names: &[&str]) -> &'v Value {
    names
        .iter()
        .filter_map(|name| fields.get(*name))
        .find(|value| !value.is_null())
        .unwrap_or(&Value::Null)
}

/// A text without control characters, at most so long; none where nothing is left.
pub(super) fn text(value: &Value, most: usize) -> Option<String> {
    clean(value.as_str()?, most)
}

pub(super) fn clean(raw: &str, most: usize) -> Option<String> {
    let kept: String = raw
        .chars()
        .filter(|c| !c.is_control() || matches!(c, '\n' | '\t'))
        .collect();
    let kept = kept.trim();
    if kept.is_empty() {
        return None;
    }
    let mut short: String = kept.chars().take(most).collect();
    if short.len() < kept.len() {
        short.pop();
        short.push('…');
    }
    Some(short)
}

/// The texts of a list, or of one text; objects give their name.
pub(super) fn texts(value: &Value, most: usize) -> Vec<String> {
    let one = |value: &Value| match value {
        Value::Object(fields) => text(
            pick(fields, &["action", "name", "step", "description", "title", "type"]),
            most,
        ),
        other => text(other, most),
    };
    match value {
        Value::Array(elements) => elements.iter().take(MOST_ELEMENTS).filter_map(one).collect(),
        other => one(other).into_iter().collect(),
    }
}

/// `12`, `12.0`, `"12"`, `"frame 12"`, `"#12"`; nothing that holds two numbers.
fn frame_number(value: &Value) -> Option<u32> {
    match value {
        Value::Number(number) => {
            let number = number.as_f64()?;
            (number.fract() == 0.0 && (0.0..=f64::from(u32::MAX)).contains(&number)).then_some(number as u32)
        }
        Value::String(text) => {
            let mut numbers = text
                .split(|c: char| !c.is_ascii_digit())
                .filter(|digits| !digits.is_empty());
            let number = numbers.next()?.parse().ok()?;
            let words = text
                .chars()
                .all(|c| c.is_alphanumeric() || matches!(c, ' ' | '#' | '_' | '[' | ']'));
            (words && numbers.next().is_none()).then_some(number)
        }
        _ => None,
    }
}

/// What a bare length of time would be about.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Scope {
    /// The property's name says that it is one occurrence's: "30 seconds" is enough.
    Occurrence,
    /// The property does not say: only "30 seconds per e-mail" is one occurrence's.
    Unsaid,
}

/// Seconds of one occurrence in a free text, only where the text can mean nothing else.
///
/// "30 seconds per email", "1 min 30 s each", "about 2 minutes" (in a property about one occurrence). Not: ranges, rates
/// of calendar time ("30 minutes a day"), two figures, commas (decimal here, thousands there), "m", words for numbers.
pub fn stated_seconds(text: &str, scope: Scope) -> Option<f64> {
    let lower = text.to_lowercase();
    let mut rest = lower.trim().trim_end_matches('.');
    for hedge in [
        "approximately ",
        "approx. ",
        "approx ",
        "around ",
        "about ",
        "ca. ",
        "circa ",
        "~",
        "≈",
    ] {
        if let Some(after) = rest.strip_prefix(hedge) {
            rest = after.trim_start();
            break;
        }
    }
    let mut sum = 0.0;
    let mut last_unit = f64::INFINITY;
    while let Some((seconds, unit, after)) = quantity(rest) {
        // "1 min 30 s" counts down in units; "30 s 30 s" is no length of time.
        if unit >= last_unit {
            return None;
        }
        (sum, last_unit) = (sum + seconds, unit);
        rest = after.trim_start().strip_prefix("and ").unwrap_or(after).trim_start();
    }
    if last_unit.is_infinite() || rest.chars().any(|c| c.is_ascii_digit()) {
        return None;
    }
    let per_occurrence = match rest {
        "" => scope == Scope::Occurrence,
        "each" | "each time" => true,
        _ => {
            let about = rest
                .strip_prefix("per ")
                .or_else(|| rest.strip_prefix("every "))
                .or_else(|| rest.strip_prefix("for each "));
            let about = about.or_else(|| rest.strip_prefix("/"))?;
            let words: Vec<_> = about.split_whitespace().collect();
            (1..=3).contains(&words.len())
                && words
                    .iter()
                    .all(|word| word.chars().all(|c| c.is_alphabetic() || c == '-') && !is_calendar(word))
        }
    };
    per_occurrence.then_some(sum)
}

/// A number with its unit at the start: seconds, the unit's length, the rest.
fn quantity(text: &str) -> Option<(f64, f64, &str)> {
    let digits = text.find(|c: char| !c.is_ascii_digit() && c != '.')?;
    let number: f64 = text[..digits].parse().ok()?;
    let after = text[digits..].trim_start_matches([' ', '-', '\u{a0}']);
    let letters = after.find(|c: char| !c.is_alphabetic()).unwrap_or(after.len());
    let unit = match &after[..letters] {
        "s" | "sec" | "secs" | "second" | "seconds" | "seconden" | "secondes" | "sekunden" => 1.0,
        "min" | "mins" | "minute" | "minutes" | "minuten" => 60.0,
        "h" | "hr" | "hrs" | "hour" | "hours" | "uur" | "heure" | "heures" | "stunde" | "stunden" => 3_600.0,
        _ => return None,
    };
    number.is_finite().then_some((number * unit, unit, &after[letters..]))
}

/// Words of calendar time and shifts: "per day" is a rate, not an occurrence.
fn is_calendar(word: &str) -> bool {
    const STEMS: [&str; 24] = [
        "second", "minute", "hour", "day", "daily", "week", "month", "quarter", "year", "annum", "shift", "session",
        "person", "user", "employee", "operator", "dag", "maand", "jaar", "jour", "mois", "tag", "monat", "jahr",
    ];
    STEMS.iter().any(|stem| {
        word.strip_prefix(stem)
            .is_some_and(|end| matches!(end, "" | "s" | "ly" | "en" | "e"))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn free_text_times_are_read_only_where_unambiguous() {
        let per_occurrence = [
            ("30 seconds per email", 30.0),
            ("30 Seconds per E-mail.", 30.0),
            ("2 minutes per order", 120.0),
            ("1.5 min per invoice line", 90.0),
            ("1 min 30 s each", 90.0),
            ("1 hour and 30 minutes per shipment", 5_400.0),
            ("about 45s / order", 45.0),
            ("~20 sec per occurrence", 20.0),
        ];
        for (text, seconds) in per_occurrence {
            assert_eq!(stated_seconds(text, Scope::Unsaid), Some(seconds), "{text}");
        }
        assert_eq!(stated_seconds("about 2 minutes", Scope::Occurrence), Some(120.0));
        let ambiguous = [
            "2 hours",
            "30 minutes per day",
            "30 minutes daily",
            "2 hours a week",
            "5-10 minutes per order",
            "5 to 10 minutes per order",
            "1,500 seconds per order",
            "5 m per order",
            "two minutes per order",
            "30 seconds instead of 5 minutes",
            "50%",
            "significant",
            "30 per order",
            "",
            "per order",
            "30 s 30 s per order",
            "2 minutes per order per day",
            "1 hour per week",
            "é",
            "90 seconds/day",
            "10 minutes per employee",
            "3 min per 10 orders",
        ];
        for text in ambiguous {
            assert_eq!(stated_seconds(text, Scope::Unsaid), None, "{text}");
        }
    }

    #[test]
    fn frames_are_numbers_however_they_are_written() {
        use serde_json::json;
        for (value, frame) in [
            (json!(3), Some(3)),
            (json!(3.0), Some(3)),
            (json!("3"), Some(3)),
            (json!("frame 3"), Some(3)),
            (json!("Frame_3"), Some(3)),
            (json!("[frame 3]"), Some(3)),
            (json!(3.5), None),
            (json!(-3), None),
            (json!("3-5"), None),
            (json!("3 5"), None),
            (json!("99999999999"), None),
            (json!("first"), None),
            (json!([3]), None),
        ] {
            assert_eq!(frame_number(&value), frame, "{value}");
        }
    }

    #[test]
    fn long_and_dirty_texts_are_cut_and_cleaned() {
        assert_eq!(clean("  a\u{0}b\u{7}\n ", 10).as_deref(), Some("ab"));
        assert_eq!(clean("\u{1}", 10), None);
        let short = clean(&"é".repeat(300), TITLE).unwrap();
        assert_eq!(short.chars().count(), TITLE);
        assert!(short.ends_with('…'));
    }
}
