//! Which words of a picture are personal.
//!
//! Recognition reads an `O` for a zero and `©` for `@`, and cuts numbers at their spaces. So the words of a line are joined,
//! looked at as read and with the usual misreadings undone, and what merely has the shape of an account number or an
//! address is covered too: a covered container number costs little, a missed account number much.

use std::ops::Range;
use std::sync::LazyLock;

use domain::pii::{Options, PersonalData, Redactor};
use regex::Regex;

use super::MASK;
use super::columns::columns;
use super::lines::{Line, join};
use crate::vision::ocr::Word;

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
        let mut labels: Vec<usize> = above.map(|(j, _)| j).collect();
        labels.sort_by_key(|j| words[*j].left);
        let beside = |(_, w): &(usize, &Word)| w.left > word.left && w.top.abs_diff(word.top) < word.height.max(6);
        let mut right: Vec<usize> = words.iter().enumerate().filter(beside).map(|(j, _)| j).collect();
        right.sort_by_key(|j| words[*j].left);
        let mut order = vec![i];
        let mut end = word.right();
        for j in right {
            // Another column is another number.
            if words[j].left >= end + 2 * word.height.max(8) {
                break;
            }
            end = words[j].right();
            order.push(j);
        }
        // They are near it, which is less than right before it: another label may stand nearer.
        found.push(join(words, &labels).and(" · ", join(words, &order)));
    }
    found
}

/// What is personal on one picture.
#[derive(Debug, Default)]
pub struct Personal {
    /// The indexes of the words, in order.
    pub words: Vec<usize>,
    /// What was found with certainty, as read.
    pub values: Vec<String>,
}

/// What is personal in these words, which stand in these lines.
pub fn personal(words: &[Word], lines: &[Line]) -> Personal {
    let mut found = Personal::default();
    for line in lines.iter().chain(&under_labels(words)).chain(&columns(words, lines)) {
        for (range, certain) in ranges(&line.text) {
            if certain {
                found.values.push(line.text[range.clone()].to_owned());
            }
            found.words.extend(line.within(&range));
        }
    }
    for pair in lines.iter().zip(lines.iter().skip(1)) {
        wrapped(words, pair, &mut found);
    }
    found.words.sort_unstable();
    found.words.dedup();
    found
}

/// An address that goes on behind its sign at the beginning of the next line. Its first half alone is half typed.
fn wrapped(words: &[Word], (line, next): (&Line, &Line), found: &mut Personal) {
    for (i, at) in line.words.iter().filter(|(i, _)| OPEN.is_match(&words[*i].text)) {
        let word = &words[*i];
        found.words.push(*i);
        if line.cells(words).iter().all(|cell| cell.last() != Some(i)) {
            // It goes on where it is.
            continue;
        }
        let below = next
            .cells(words)
            .into_iter()
            .filter_map(|cell| cell.first().copied())
            .filter(|j| {
                let rest = &words[*j];
                rest.left < word.right()
                    && rest.top < word.bottom() + 2 * word.height.max(8)
                    && REST.is_match(&rest.text)
            });
        // Of several, the nearest to its left: the column that it is in.
        if let Some(j) = below.max_by_key(|j| words[*j].left) {
            found.words.push(j);
            found
                .values
                .push(format!("{}{}", &line.text[at.clone()], words[j].text));
        }
    }
}

/// Masks personal data in a text.
pub fn mask(text: &str) -> String {
    masked(text, ranges(text).into_iter().map(|(range, _)| range).collect())
}

/// Masks personal data in texts that stand together: each by itself, and as all of them say, one below the other.
pub fn mask_together(name: &str, texts: &mut [&mut String]) {
    let (mut all, mut starts) = (name.to_owned(), Vec::with_capacity(texts.len()));
    for text in texts.iter() {
        if !all.is_empty() {
            all.push('\n');
        }
        starts.push(all.len());
        all.push_str(text);
    }
    let together = ranges(&all);
    for (text, start) in texts.iter_mut().zip(starts) {
        let end = start + text.len();
        let inside = together
            .iter()
            .map(|(range, _)| range.start.max(start)..range.end.min(end));
        let inside = inside
            .filter(|range| range.start < range.end)
            .map(|range| range.start - start..range.end - start);
        let alone = ranges(text).into_iter().map(|(range, _)| range);
        **text = masked(text, inside.chain(alone).collect());
    }
}

fn masked(text: &str, mut ranges: Vec<Range<usize>>) -> String {
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

/// Where personal data stands in a text, as written and with usual misreadings undone, and whether that is certain: of its kind
/// by more than its shape, and no password, which may be any word.
fn ranges(text: &str) -> Vec<(Range<usize>, bool)> {
    let known = |text: &str| -> Vec<(Range<usize>, bool)> {
        let found = DETECTORS.find(text).into_iter();
        found
            .map(|f| (f.start..f.end, f.kind != PersonalData::Password))
            .collect()
    };
    let mut found = [shapes(text), known(text)].concat();
    let undone = undo(text);
    if undone != text && undone.len() == text.len() {
        found.extend(shapes(&undone));
        found.extend(known(&undone));
    }
    found.retain(|(r, _)| text.is_char_boundary(r.start) && text.is_char_boundary(r.end));
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
        r"\b[A-Z]{2} ?(?:[0-9][0-9OolISB|]|[OolISB|][0-9]) ?(?:[A-Z0-9ol|]{4} ?){2,7}[A-Z0-9ol|]{0,4}\b",
    ]
    .iter()
    .filter_map(|pattern| Regex::new(pattern).ok())
    .collect()
});

/// The first half of an address, up to its sign at the end of a word.
static OPEN: LazyLock<Regex> = LazyLock::new(|| fixed(r"(?i)^[(<\[]?[a-z0-9._%+\-]*[a-z][a-z0-9._%+\-]*[@©®]$"));

/// What may follow it on the next line.
static REST: LazyLock<Regex> = LazyLock::new(|| fixed(r"(?i)^[a-z0-9\-]+(?:\.[a-z0-9\-]+)*\.[a-z]{2,24}[.,;:>)\]]?$"));

#[expect(
    clippy::expect_used,
    reason = "a fixed pattern compiles or the tests of this module fail"
)]
fn fixed(pattern: &str) -> Regex {
    Regex::new(pattern).expect("a pattern that compiles")
}

/// With checksums and context; exclusions are not their business here: they drop a screen whole.
static DETECTORS: LazyLock<Redactor> = LazyLock::new(|| Redactor::new(&Options::default()));

fn shapes(text: &str) -> Vec<(Range<usize>, bool)> {
    SHAPES
        .iter()
        .flat_map(|shape| shape.find_iter(text))
        .map(|found| found.range())
        .filter(|range| {
            let found = &text[range.clone()];
            match found.split_once(['@', '©', '®']) {
                // `3 @ 5.00` is a price.
                Some((_, place)) => place.contains(|c: char| c.is_ascii_alphabetic()),
                None => found.chars().filter(char::is_ascii_digit).count() >= 8,
            }
        })
        .map(|range| (range, false))
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
pub fn secrets(words: &[Word], lines: &[Line]) -> Vec<usize> {
    let mut found = Vec::new();
    for line in lines {
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
fn squeezed(text: &str) -> String {
    text.chars()
        .filter(|c| c.is_alphanumeric())
        .flat_map(char::to_lowercase)
        .collect()
}

#[cfg(test)]
mod tests {
    use super::super::lines;
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
        personal(&words, &lines::lines(&words))
            .words
            .into_iter()
            .map(|i| words[i].text.clone())
            .collect()
    }

    #[test]
    fn accounts_and_addresses_are_found_misread_and_cut() {
        assert_eq!(
            found(&["IBAN NL91 ABNA 0417 1643 00 due"]),
            ["NL91", "ABNA", "0417", "1643", "00"]
        );
        assert_eq!(found(&["pay NL91ABNAO417164300"]), ["NL91ABNAO417164300"]);
        assert_eq!(
            found(&["pay NL9l ABNA 0417 l643 00 now"]),
            ["NL9l", "ABNA", "0417", "l643", "00"]
        );
        assert_eq!(
            found(&["Mail naar anke.jansen@", "bakker.nl voor 12.30"]),
            ["anke.jansen@", "bakker.nl"]
        );
        assert_eq!(found(&["From anke@bakker.example today"]), ["anke@bakker.example"]);
        assert_eq!(found(&["From anke©bakker.example today"]), ["anke©bakker.example"]);
        assert_eq!(mask("to anke@bakker.example, soon"), format!("to {MASK}, soon"));
    }

    #[test]
    fn what_stands_together_is_masked_together() {
        for (name, texts, expected) in [
            ("", ["BSN", "111222333"], ["BSN", "#"]),
            ("bsn", ["Jansen", "111222333"], ["Jansen", "#"]),
            ("", ["Telefoon", "0201234567"], ["Telefoon", "#"]),
            ("", ["anke@", "bakker.nl"], ["#", "#"]),
            ("", ["order number", "111222333"], ["order number", "111222333"]),
            ("", ["password", "order number"], ["password", "order number"]),
        ] {
            let mut texts = texts.map(str::to_owned);
            mask_together(name, &mut texts.iter_mut().collect::<Vec<_>>());
            assert_eq!(texts.map(|text| text.replace(MASK, "#")), expected);
        }
    }

    #[test]
    fn work_is_not_personal() {
        assert!(
            found(&[
                "Order PO-48213 for Rotterdam",
                "SKU-20417 24 pallets",
                "MSCU1234566 02-12-2026",
                "3 @ 5.00",
                "bakker.nl 123456782"
            ])
            .is_empty()
        );
    }

    #[test]
    fn what_stands_beside_a_password_is_covered() {
        let words = words(&["User anke", "Password hunter2", "Sign in"]);
        let secret: Vec<&str> = secrets(&words, &lines::lines(&words))
            .into_iter()
            .map(|i| words[i].text.as_str())
            .collect();
        assert!(secret.contains(&"hunter2") && !secret.contains(&"anke"), "{secret:?}");
    }

    /// Rows of cells at these columns, so many pixels apart.
    fn table(rows: &[&[&str]], columns: &[u32], apart: u32) -> Vec<Word> {
        let mut all = Vec::new();
        for (row, cells) in rows.iter().enumerate() {
            for (cell, at) in cells.iter().zip(columns) {
                let mut left = *at;
                for text in cell.split_whitespace() {
                    let width = 9 * text.chars().count() as u32;
                    all.push(Word {
                        text: text.into(),
                        confidence: 0.9,
                        left,
                        top: 20 + apart * row as u32,
                        width,
                        height: 14,
                    });
                    left += width + 8;
                }
            }
        }
        all
    }

    #[test]
    fn a_head_covers_its_column_for_as_long_as_it_goes_on() {
        let rows: [&[&str]; 9] = [
            &["Naam", "BSN", "Ordernr"],
            &["Jansen", "111222333", "123456782"],
            &["Peeters", "123 456 782", "4500012345"],
            &["de Vries", "onbekend", "111222333"],
            &["Bakker", "", "4500012346"],
            &["Smit", "11122233", "02-12-2026"],
            &["Visser", "111.222.333", "8712345678906"],
            &["", "Klantnummer", ""],
            &["", "123456782", ""],
        ];
        for apart in [24, 40, 60] {
            let words = table(&rows, &[20, 180, 360], apart);
            let found: Vec<&str> = personal(&words, &lines::lines(&words))
                .words
                .into_iter()
                .map(|i| words[i].text.as_str())
                .collect();
            assert_eq!(
                found,
                ["111222333", "123", "456", "782", "11122233", "111.222.333"],
                "{apart} pixels"
            );
        }
        // Another table far below is not of that column.
        let mut words = table(&rows[..3], &[20, 180, 360], 24);
        let mut far = table(&[&["", "123456782"]], &[20, 180], 24);
        far[0].top = 400;
        words.extend(far);
        assert_eq!(personal(&words, &lines::lines(&words)).words.len(), 4);
    }

    #[test]
    fn a_column_of_what_is_not_personal_stays() {
        let words = table(
            &[
                &["Order", "EAN", "Bedrag", "Datum"],
                &["111222333", "8712345678906", "1.234.567,89", "02-12-2026"],
                &["123456782", "4006381333931", "12.345,00", "03-12-2026"],
            ],
            &[20, 160, 320, 480],
            24,
        );
        assert!(personal(&words, &lines::lines(&words)).words.is_empty());
    }
}
