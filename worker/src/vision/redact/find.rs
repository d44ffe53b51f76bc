//! Which words of a picture are personal.
//!
//! Recognition reads an `O` for a zero and `©` for `@`, and cuts numbers at their spaces. So the words of a line are joined,
//! looked at as read and with the usual misreadings undone, and what merely has the shape of an account number or an
//! address is covered too: a covered container number costs little, a missed account number much.

use std::ops::Range;
use std::sync::LazyLock;

use domain::pii::{Options, Redactor};
use regex::Regex;

use super::MASK;
use crate::vision::ocr::Word;

/// The words of one line from left to right, with where each stands in the joined text.
struct Line {
    text: String,
    words: Vec<(usize, Range<usize>)>,
}

/// Words with their boxes overlapping in height make a line, whatever lies between them.
fn lines(words: &[Word]) -> Vec<Line> {
    let mut order: Vec<usize> = (0..words.len()).collect();
    order.sort_by_key(|i| (words[*i].top, words[*i].left));
    let mut groups: Vec<(u32, u32, Vec<usize>)> = Vec::new();
    for i in order {
        let word = &words[i];
        let middle = word.top + word.height / 2;
        match groups.iter_mut().rev().take(12).find(|(top, bottom, _)| {
            let line = u32::midpoint(*top, *bottom);
            (*top <= middle && middle <= *bottom) || (word.top <= line && line <= word.bottom())
        }) {
            Some((_, _, line)) => line.push(i),
            None => groups.push((word.top, word.bottom(), vec![i])),
        }
    }
    groups
        .into_iter()
        .map(|(_, _, mut group)| {
            group.sort_by_key(|i| words[*i].left);
            join(words, &group)
        })
        .collect()
}

fn join(words: &[Word], order: &[usize]) -> Line {
    let mut line = Line {
        text: String::new(),
        words: Vec::new(),
    };
    for i in order {
        if !line.text.is_empty() {
            line.text.push(' ');
        }
        let start = line.text.len();
        line.text.push_str(&words[*i].text);
        line.words.push((*i, start..line.text.len()));
    }
    line
}

/// Each word below or beside its label: a number in a form stands under the word that says what it is.
fn under_labels(words: &[Word]) -> Vec<Line> {
    let mut found = Vec::new();
    for (i, word) in words
        .iter()
        .enumerate()
        .filter(|(_, w)| w.text.chars().any(|c| c.is_ascii_digit()))
    {
        let above = words.iter().enumerate().filter(|(_, label)| {
            label.bottom() <= word.top + 2
                && word.top.saturating_sub(label.bottom()) < 3 * label.height.max(8)
                && label.left < word.right() + 40
                && label.right() + 40 > word.left
                && label.text.chars().any(char::is_alphabetic)
        });
        let mut order: Vec<usize> = above.map(|(j, _)| j).collect();
        order.sort_by_key(|j| words[*j].left);
        let right = words
            .iter()
            .enumerate()
            .filter(|(_, w)| {
                w.left > word.left && w.left < word.right() + 120 && w.top.abs_diff(word.top) < word.height.max(6)
            })
            .map(|(j, _)| j);
        order.push(i);
        order.extend(right);
        found.push(join(words, &order));
    }
    found
}

/// The indexes of the words that are personal data.
pub fn personal(words: &[Word]) -> Vec<usize> {
    let mut found = Vec::new();
    for line in lines(words).iter().chain(&under_labels(words)) {
        for range in ranges(&line.text) {
            found.extend(
                line.words
                    .iter()
                    .filter(|(_, at)| at.start < range.end && range.start < at.end)
                    .map(|(i, _)| *i),
            );
        }
    }
    found.sort_unstable();
    found.dedup();
    found
}

/// Masks personal data in a text.
pub fn mask(text: &str) -> String {
    let mut ranges = ranges(text);
    ranges.sort_by_key(|r| r.start);
    let (mut masked, mut at) = (String::with_capacity(text.len()), 0);
    for range in ranges {
        if range.start >= at {
            masked.push_str(&text[at..range.start]);
            masked.push_str(MASK);
        }
        at = at.max(range.end);
    }
    masked.push_str(&text[at..]);
    masked
}

/// Where personal data stands in a text: as written, and with usual misreadings undone.
fn ranges(text: &str) -> Vec<Range<usize>> {
    let known = |text: &str| -> Vec<Range<usize>> { DETECTORS.find(text).iter().map(|f| f.start..f.end).collect() };
    let mut found = [shapes(text), known(text)].concat();
    let undone = undo(text);
    if undone != text && undone.len() == text.len() {
        found.extend(shapes(&undone));
        found.extend(known(&undone));
    }
    found.retain(|r| text.is_char_boundary(r.start) && text.is_char_boundary(r.end));
    found
}

/// Digits for the letters that recognition takes them for, in words that are mostly digits. Lengths do not change.
fn undo(text: &str) -> String {
    text.split_inclusive(' ')
        .map(|word| {
            let digits = word.chars().filter(char::is_ascii_digit).count();
            let all = word.trim_end().chars().count();
            if digits * 2 < all || word.len() != word.chars().count() {
                return word.to_owned();
            }
            // An account number begins with its country.
            let country = word.len() > 4 && word.bytes().take(2).all(|b| b.is_ascii_uppercase());
            word.char_indices()
                .map(|(i, c)| match c {
                    _ if country && i < 2 => c,
                    'O' | 'o' | 'Q' => '0',
                    'I' | 'l' | 'i' | '|' => '1',
                    'S' | 's' => '5',
                    'Z' | 'z' => '2',
                    'B' => '8',
                    c => c,
                })
                .collect()
        })
        .collect()
}

/// An address with `@` or what recognition makes of it; an account number by its shape alone.
static SHAPES: LazyLock<Vec<Regex>> = LazyLock::new(|| {
    [
        r"(?i)[a-z0-9._%+\-]+ ?[@©®] ?[a-z0-9\-]+(?: ?\. ?[a-z0-9\-]+)*",
        r"\b[A-Z]{2} ?[0-9O]{2} ?(?:[A-Z0-9]{4} ?){2,7}[A-Z0-9]{0,4}\b",
    ]
    .iter()
    .filter_map(|pattern| Regex::new(pattern).ok())
    .collect()
});

/// With checksums and context; exclusions are not their business here: they drop a screen whole.
static DETECTORS: LazyLock<Redactor> = LazyLock::new(|| Redactor::new(&Options::default()));

fn shapes(text: &str) -> Vec<Range<usize>> {
    SHAPES
        .iter()
        .flat_map(|shape| shape.find_iter(text))
        .map(|found| found.range())
        .filter(|range| {
            let found = &text[range.clone()];
            found.contains(['@', '©', '®']) || found.chars().filter(char::is_ascii_digit).count() >= 8
        })
        .collect()
}

/// Words for secrets in four languages.
const SECRET: [&str; 9] = [
    "password",
    "passcode",
    "wachtwoord",
    "pincode",
    "motdepasse",
    "passwort",
    "kennwort",
    "codesecret",
    "toegangscode",
];

/// The words beside and below a label for a secret: a password may be shown in clear.
pub fn secrets(words: &[Word]) -> Vec<usize> {
    let mut found = Vec::new();
    for line in lines(words) {
        for (at, (first, _)) in line.words.iter().enumerate() {
            let mut said = String::new();
            let Some(end) = line.words[at..].iter().take(3).position(|(i, _)| {
                said.push_str(&squeezed(&words[*i].text));
                SECRET.contains(&said.as_str())
            }) else {
                continue;
            };
            let label = &words[*first];
            let last = line.words[at + end].0;
            let right_end = words[last].right();
            for (i, word) in words.iter().enumerate() {
                let beside = word.left >= right_end
                    && word.left < right_end + 40 * label.height.max(8)
                    && word.top.abs_diff(label.top) < label.height.max(8);
                let below = word.top >= label.bottom()
                    && word.top < label.bottom() + 2 * label.height.max(10)
                    && word.left < right_end + 40
                    && word.right() + 40 > label.left;
                if (beside || below) && !SECRET.iter().any(|s| s.starts_with(&squeezed(&word.text))) {
                    found.push(i);
                }
            }
        }
    }
    found
}

/// Letters and digits only, in lower case.
pub fn squeezed(text: &str) -> String {
    text.chars()
        .filter(|c| c.is_alphanumeric())
        .flat_map(char::to_lowercase)
        .collect()
}

/// Whether the picture shows one of the (squeezed) words, with at most one letter in six misread.
pub fn shows_any(words: &[Word], exclusions: &[String]) -> bool {
    if exclusions.is_empty() {
        return false;
    }
    lines(words).iter().any(|line| {
        (0..line.words.len()).any(|start| {
            let mut said = String::new();
            line.words[start..].iter().take(8).any(|(i, _)| {
                said.push_str(&squeezed(&words[*i].text));
                exclusions
                    .iter()
                    .any(|wanted| near(&said, wanted) || (wanted.len() > 5 && said.contains(wanted.as_str())))
            })
        })
    })
}

fn near(said: &str, wanted: &str) -> bool {
    let (a, b): (Vec<char>, Vec<char>) = (said.chars().collect(), wanted.chars().collect());
    let allowed = b.len() / 6;
    if a.len().abs_diff(b.len()) > allowed {
        return false;
    }
    let mut row: Vec<usize> = (0..=b.len()).collect();
    for (i, c) in a.iter().enumerate() {
        let mut corner = row[0];
        row[0] = i + 1;
        for (j, d) in b.iter().enumerate() {
            let above = row[j + 1];
            row[j + 1] = (corner + usize::from(c != d)).min(above + 1).min(row[j] + 1);
            corner = above;
        }
    }
    row[b.len()] <= allowed
}

#[cfg(test)]
mod tests {
    use super::*;

    fn words(lines: &[&str]) -> Vec<Word> {
        let mut all = Vec::new();
        for (row, line) in lines.iter().enumerate() {
            let mut left = 20;
            for text in line.split(' ') {
                let width = 9 * text.len() as u32;
                all.push(Word {
                    text: text.into(),
                    confidence: 0.9,
                    left,
                    top: 20 + 30 * row as u32,
                    width,
                    height: 14,
                });
                left += width + 8;
            }
        }
        all
    }

    fn found(lines: &[&str]) -> Vec<String> {
        let words = words(lines);
        personal(&words).into_iter().map(|i| words[i].text.clone()).collect()
    }

    #[test]
    fn accounts_and_addresses_are_found_misread_and_cut() {
        assert_eq!(
            found(&["IBAN NL91 ABNA 0417 1643 00 due"]),
            ["NL91", "ABNA", "0417", "1643", "00"]
        );
        assert_eq!(found(&["pay NL91ABNAO417164300"]), ["NL91ABNAO417164300"]);
        assert_eq!(found(&["From anke@bakker.example today"]), ["anke@bakker.example"]);
        assert_eq!(found(&["From anke©bakker.example today"]), ["anke©bakker.example"]);
        assert_eq!(mask("to anke@bakker.example, soon"), format!("to {MASK}, soon"));
    }

    #[test]
    fn work_is_not_personal() {
        assert!(
            found(&[
                "Order PO-48213 for Rotterdam",
                "SKU-20417 24 pallets",
                "MSCU1234566 02-12-2026"
            ])
            .is_empty()
        );
    }

    #[test]
    fn what_stands_beside_a_password_is_covered() {
        let words = words(&["User anke", "Password hunter2", "Sign in"]);
        let secret: Vec<&str> = secrets(&words).into_iter().map(|i| words[i].text.as_str()).collect();
        assert!(secret.contains(&"hunter2") && !secret.contains(&"anke"), "{secret:?}");
    }

    #[test]
    fn an_exclusion_is_found_across_words_and_misreadings() {
        let page = words(&["Payroll - Salary Desk", "Employee list"]);
        for wanted in ["salary desk", "Salary-Desk", "employee list", "PAYROLL"] {
            assert!(shows_any(&page, &[squeezed(wanted)]), "{wanted}");
        }
        assert!(shows_any(&words(&["Sa1ary Desk"]), &[squeezed("Salary Desk")]));
        assert!(!shows_any(&page, &[squeezed("Bank")]));
    }
}
