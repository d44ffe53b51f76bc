//! What stands below a word that says what it is: a field below its label, a table's column below its head.

use domain::pii;

use super::lines::{Line, join, left, right};
use crate::vision::ocr::Word;

/// A head with more words is a sentence.
const MOST_WORDS: usize = 5;
/// An entry may stand so far beside its head, in pixels.
const BESIDE: u32 = 40;
/// Words of a field's label: what begins with one ends a column above it.
const LABELS: [&str; 14] = [
    "nummer", "number", "numéro", "nr", "no", "code", "datum", "date", "bedrag", "amount", "montant", "order",
    "totaal", "total",
];

/// Each entry of a column, joined with the head that says what it is. A column goes on to the next label in it, or to a gap
/// that its rows do not have.
pub fn columns(words: &[Word], lines: &[Line]) -> Vec<Line> {
    let mut found = Vec::new();
    for (at, line) in lines.iter().enumerate() {
        let labels = pii::labels(&line.text);
        if labels.is_empty() {
            continue;
        }
        let heads = line.cells(words);
        for (own, head) in heads.iter().enumerate() {
            let says = labels.iter().any(|label| line.within(label).any(|i| head.contains(&i)));
            if says && head.len() <= MOST_WORDS && !holds_number(words, head) {
                let column = Column {
                    words,
                    heads: &heads,
                    own,
                };
                column.entries(&lines[at + 1..], &mut found);
            }
        }
    }
    found
}

struct Column<'a> {
    words: &'a [Word],
    /// The cells of the line that the head stands in, and which of them it is.
    heads: &'a [Vec<usize>],
    own: usize,
}

impl Column<'_> {
    fn entries(&self, below: &[Line], found: &mut Vec<Line>) {
        let head = &self.heads[self.own];
        let bottom = head.iter().map(|i| self.words[*i].bottom()).max().unwrap_or_default();
        let height = head
            .iter()
            .map(|i| self.words[*i].height)
            .max()
            .unwrap_or_default()
            .max(8);
        let edges = self
            .heads
            .iter()
            .map(|cell| (left(self.words, cell), right(self.words, cell)));
        let (first, last) = edges.fold((u32::MAX, 0), |(a, b), (left, right)| (a.min(left), b.max(right)));
        let (mut above, mut step) = (bottom.saturating_sub(height), 0);
        for line in below {
            let tops = line.words.iter().map(|(i, _)| &self.words[*i]);
            let inside = tops.filter(|word| word.left < last + BESIDE && word.right() + BESIDE > first);
            let Some(top) = inside.map(|word| word.top).min().filter(|top| *top + 2 >= bottom) else {
                continue;
            };
            let gap = top.saturating_sub(above);
            if gap > (step * 5 / 2).max(6 * height) {
                return;
            }
            (above, step) = (top, step.max(gap));
            for cell in line.cells(self.words).into_iter().filter(|cell| self.holds(cell)) {
                // In a form whatever is no number says what the next one is; in a table an entry may be a word.
                if is_label(self.words, &cell) || (self.heads.len() == 1 && is_text(self.words, &cell)) {
                    return;
                }
                if holds_number(self.words, &cell) {
                    found.push(join(self.words, &[head.as_slice(), cell.as_slice()].concat()));
                }
            }
        }
    }

    /// Whether a cell stands below the head, or beside it and nearer than to any other.
    fn holds(&self, cell: &[usize]) -> bool {
        let common = |head: &[usize]| {
            i64::from(right(self.words, head).min(right(self.words, cell)))
                - i64::from(left(self.words, head).max(left(self.words, cell)))
        };
        let own = common(&self.heads[self.own]);
        own > 0 || (own > -i64::from(BESIDE) && self.heads.iter().all(|other| common(other) <= own))
    }
}

/// At least four digits: less is no number of a person, and a head may have one.
fn holds_number(words: &[Word], cell: &[usize]) -> bool {
    let digits = cell
        .iter()
        .flat_map(|i| words[*i].text.chars())
        .filter(char::is_ascii_digit);
    digits.count() >= 4
}

/// At least three letters and no digit.
fn is_text(words: &[Word], cell: &[usize]) -> bool {
    let letters = || cell.iter().flat_map(|i| words[*i].text.chars());
    letters().filter(|c| c.is_alphabetic()).count() >= 3 && !letters().any(|c| c.is_ascii_digit())
}

/// Whether a cell says what stands below or beside it.
fn is_label(words: &[Word], cell: &[usize]) -> bool {
    let text = join(words, cell).text;
    if text.chars().any(|c| c.is_ascii_digit()) {
        return false;
    }
    let lower = text.to_lowercase();
    text.ends_with(':')
        || !pii::labels(&text).is_empty()
        || lower
            .split(|c: char| !c.is_alphanumeric())
            .any(|word| LABELS.contains(&word) || word.ends_with("nummer") || word.ends_with("datum"))
}
