//! Words on a screen: their places, their lines, and how much two screens have in common.

use std::collections::HashMap;

use super::reply::Text;
use crate::vision::ocr::Word;

/// Words that Tesseract is less sure of than this are mostly icons and borders.
pub const READABLE: f32 = 0.45;

/// The words of a picture in shares of its size.
pub fn in_shares(words: &[Word], width: u32, height: u32) -> Vec<Text> {
    let (width, height) = (width.max(1) as f32, height.max(1) as f32);
    words
        .iter()
        .map(|word| Text {
            text: word.text.clone(),
            area: [
                word.left as f32 / width,
                word.top as f32 / height,
                word.right() as f32 / width,
                word.bottom() as f32 / height,
            ],
            confidence: word.confidence,
        })
        .collect()
}

/// The letters and digits of a word, in lower case.
pub fn plain(text: &str) -> String {
    text.chars()
        .filter(|c| c.is_alphanumeric())
        .flat_map(char::to_lowercase)
        .collect()
}

/// Whether a word is data by its looks: it holds a digit.
pub fn has_digit(text: &str) -> bool {
    text.chars().any(|c| c.is_ascii_digit())
}

/// Number of letters.
pub fn letters(text: &str) -> usize {
    text.chars().filter(|c| c.is_alphabetic()).count()
}

/// Height of a box.
pub fn height(area: [f32; 4]) -> f32 {
    area[3] - area[1]
}

/// Size of the print: the height of a capital. Letters that hang below the line make a box higher, small letters lower.
fn print(word: &Text) -> f32 {
    let hangs = word.text.contains(['g', 'j', 'p', 'q', 'y', 'Q', ',', ';']);
    let rises = word
        .text
        .contains(|c: char| c.is_uppercase() || c.is_ascii_digit() || "bdfhklitß".contains(c));
    height(word.area) / (if hangs { 1.25 } else { 1.0 }) / (if rises { 1.0 } else { 0.76 })
}

/// Neighbouring words of one line.
#[derive(Debug, Clone, PartialEq)]
pub struct Phrase {
    /// The words with single spaces.
    pub text: String,
    /// The box around them.
    pub area: [f32; 4],
    /// Size of its print: the height of a capital, in the middle of its words.
    pub height: f32,
    /// Mean confidence.
    pub confidence: f32,
    /// How many words.
    pub words: usize,
}

/// Phrases from top to bottom and left to right. A gap of more than 1.4 times the height of the line parts two.
/// `aspect` is width / height of the screen.
pub fn phrases(words: &[Text], aspect: f32) -> Vec<Phrase> {
    let mut sorted: Vec<&Text> = words.iter().filter(|w| w.confidence >= READABLE).collect();
    sorted.sort_by(|a, b| a.area[1].total_cmp(&b.area[1]));
    let mut lines: Vec<(f32, f32, Vec<&Text>)> = Vec::new();
    for word in sorted {
        let middle = f32::midpoint(word.area[1], word.area[3]);
        match lines.iter_mut().rev().take(12).find(|(top, bottom, _)| {
            let line = f32::midpoint(*top, *bottom);
            (*top < middle && middle < *bottom) || (word.area[1] < line && line < word.area[3])
        }) {
            Some((_, _, line)) => line.push(word),
            None => lines.push((word.area[1], word.area[3], vec![word])),
        }
    }
    let mut found: Vec<Phrase> = Vec::new();
    for (_, _, mut line) in lines {
        line.sort_by(|a, b| a.area[0].total_cmp(&b.area[0]));
        let mut tallest: f32 = 0.0;
        let mut group: Vec<&Text> = Vec::new();
        for word in line {
            let far = group
                .last()
                .is_some_and(|last| word.area[0] - last.area[2] > 1.4 * tallest.max(0.012) / aspect);
            if far {
                found.extend(phrase(&group));
                group.clear();
                tallest = 0.0;
            }
            tallest = tallest.max(height(word.area));
            group.push(word);
        }
        found.extend(phrase(&group));
    }
    found
}

fn phrase(words: &[&Text]) -> Option<Phrase> {
    let first = words.first()?;
    let area = words.iter().fold(first.area, |a, w| {
        [
            a[0].min(w.area[0]),
            a[1].min(w.area[1]),
            a[2].max(w.area[2]),
            a[3].max(w.area[3]),
        ]
    });
    Some(Phrase {
        text: words.iter().map(|w| w.text.as_str()).collect::<Vec<_>>().join(" "),
        area,
        height: middle_print(words),
        confidence: words.iter().map(|w| w.confidence).sum::<f32>() / words.len() as f32,
        words: words.len(),
    })
}

fn middle_print(words: &[&Text]) -> f32 {
    let mut sizes: Vec<f32> = words
        .iter()
        .filter(|w| letters(&w.text) >= 3)
        .map(|w| print(w))
        .collect();
    if sizes.is_empty() {
        sizes = words.iter().map(|w| print(w)).collect();
    }
    sizes.sort_by(f32::total_cmp);
    sizes.get(sizes.len() / 2).copied().unwrap_or_default()
}

/// The words of a frame, ready to be compared.
#[derive(Debug, Clone)]
pub struct Page {
    tokens: Vec<Token>,
    total: f32,
}

#[derive(Debug, Clone)]
struct Token {
    text: String,
    x: f32,
    y: f32,
    weight: f32,
}

fn middle(area: [f32; 4]) -> [f32; 2] {
    [f32::midpoint(area[0], area[2]), f32::midpoint(area[1], area[3])]
}

/// Which words stand where.
#[derive(Debug, Clone)]
pub struct Places(HashMap<String, Vec<[f32; 2]>>);

impl Places {
    /// Those of some words.
    pub fn of(words: &[Text]) -> Self {
        let mut places: HashMap<String, Vec<[f32; 2]>> = HashMap::new();
        for word in words.iter().filter(|w| w.confidence >= READABLE) {
            places.entry(plain(&word.text)).or_default().push(middle(word.area));
        }
        Self(places)
    }

    /// Whether a word stands at the same place.
    pub fn has(&self, word: &Text) -> bool {
        self.shows(&plain(&word.text), middle(word.area))
    }

    fn shows(&self, text: &str, [x, y]: [f32; 2]) -> bool {
        self.0
            .get(text)
            .is_some_and(|at| at.iter().any(|p| (p[0] - x).abs() < NEAR && (p[1] - y).abs() < NEAR))
    }
}

/// How far a word may be from its place.
const NEAR: f32 = 0.025;
/// Words that may change without the picture being another.
const FEW: usize = 6;

/// A part of the picture: left, top, right, bottom in shares of its size.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Area([f32; 4]);

impl Area {
    /// Around words, but for the outermost few, which may be misread.
    fn around(tokens: &[&Token]) -> Self {
        let between = |mut at: Vec<f32>| {
            at.sort_by(f32::total_cmp);
            let apart = at.len() / 10;
            (at[apart], at[at.len() - 1 - apart])
        };
        let (left, right) = between(tokens.iter().map(|t| t.x).collect());
        let (top, bottom) = between(tokens.iter().map(|t| t.y).collect());
        Self([left - NEAR, top - NEAR, right + NEAR, bottom + NEAR])
    }

    fn holds(self, x: f32, y: f32) -> bool {
        let [left, top, right, bottom] = self.0;
        left <= x && x <= right && top <= y && y <= bottom
    }

    /// How much of both together is part of both, `0..=1`.
    pub fn in_common(self, other: Self) -> f32 {
        let room = |[left, top, right, bottom]: [f32; 4]| (right - left).max(0.0) * (bottom - top).max(0.0);
        let (a, b) = (self.0, other.0);
        let both = room([a[0].max(b[0]), a[1].max(b[1]), a[2].min(b[2]), a[3].min(b[3])]);
        both / (room(a) + room(b) - both).max(f32::EPSILON)
    }
}

/// How a picture differs from the one before.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Change {
    /// A few words, or nothing.
    Little,
    /// The words in one part, while around it there are others.
    Part(Area),
    /// Most of it.
    Everything,
}

impl Page {
    /// The pages of a recording. Large print says more about which screen it is, data says little.
    pub fn all(frames: &[&[Text]]) -> Vec<Self> {
        let known: Vec<Places> = frames.iter().map(|words| Places::of(words)).collect();
        frames
            .iter()
            .map(|words| {
                // What stands at one place on every picture (a task bar) tells none from another; what stands on a third
                // of them or fewer tells everything.
                Self::new(words, |text, at| {
                    let shown = known.iter().filter(|places| places.shows(text, at)).count();
                    ((frames.len() as f32 + 0.5) / shown.max(1) as f32)
                        .ln()
                        .clamp(0.02, 1.0)
                })
            })
            .collect()
    }

    fn new(words: &[Text], rarity: impl Fn(&str, [f32; 2]) -> f32) -> Self {
        let mut heights: Vec<f32> = words.iter().map(|w| height(w.area)).collect();
        heights.sort_by(f32::total_cmp);
        let usual = heights.get(heights.len() / 2).copied().unwrap_or(0.02).max(0.004);
        let tokens: Vec<Token> = words
            .iter()
            .filter(|w| w.confidence >= READABLE)
            .filter_map(|word| {
                let text = plain(&word.text);
                if text.chars().count() < 2 {
                    return None;
                }
                let size = (height(word.area) / usual).clamp(0.7, 2.0);
                let data = if has_digit(&text) { 0.15 } else { 1.0 };
                let [x, y] = middle(word.area);
                let weight = size * size * data * rarity(&text, [x, y]);
                Some(Token { text, x, y, weight })
            })
            .collect();
        let total = tokens.iter().map(|t| t.weight).sum();
        Self { tokens, total }
    }

    /// A page by itself, whatever other pages show.
    pub fn plain(words: &[Text]) -> Self {
        Self::new(words, |_, _| 1.0)
    }

    /// How much print it has: its words, the large ones counted for more and data for less.
    pub fn weight(&self) -> f32 {
        self.total
    }

    /// How many words it has.
    pub fn len(&self) -> usize {
        self.tokens.len()
    }

    /// What changed since the picture before.
    pub fn change_since(&self, before: &Self) -> Change {
        let mut places: HashMap<&str, Vec<&Token>> = HashMap::new();
        for token in &before.tokens {
            places.entry(&token.text).or_default().push(token);
        }
        let (kept, fresh): (Vec<&Token>, Vec<&Token>) = self.tokens.iter().partition(|token| {
            places.get(token.text.as_str()).is_some_and(|there| {
                there
                    .iter()
                    .any(|t| (t.x - token.x).abs() < NEAR && (t.y - token.y).abs() < NEAR)
            })
        });
        // Figures are misread here and there without having changed.
        let telling: Vec<&Token> = fresh
            .iter()
            .copied()
            .filter(|token| !has_digit(&token.text) && letters(&token.text) >= 3)
            .collect();
        if telling.len() < FEW {
            return if kept.len() >= fresh.len() {
                Change::Little
            } else {
                Change::Everything
            };
        }
        let area = Area::around(&telling);
        let inside = kept.iter().filter(|token| area.holds(token.x, token.y)).count();
        let around = self.tokens.iter().filter(|token| !area.holds(token.x, token.y)).count();
        let room = (area.0[2] - area.0[0]) * (area.0[3] - area.0[1]);
        if around < FEW || 4 * around < self.tokens.len() || room > 0.65 {
            Change::Everything
        } else if room < 0.03 || 5 * inside > inside + telling.len() {
            Change::Little
        } else {
            Change::Part(area)
        }
    }

    /// What two pages share, `0..=1`: the same words at the same places, or all moved up or down together (scrolled); of the
    /// whole picture or within an area.
    pub fn likeness(&self, other: &Self, within: Option<Area>) -> f32 {
        let counts = |token: &Token| within.is_none_or(|area| area.holds(token.x, token.y));
        let total = |page: &Self| match within {
            None => page.total,
            Some(_) => page.tokens.iter().filter(|t| counts(t)).map(|t| t.weight).sum(),
        };
        let mut by_text: HashMap<&str, Vec<usize>> = HashMap::new();
        for (i, token) in other.tokens.iter().enumerate().filter(|(_, token)| counts(token)) {
            by_text.entry(&token.text).or_default().push(i);
        }
        let mut moves: HashMap<i32, f32> = HashMap::new();
        for token in self.tokens.iter().filter(|token| counts(token)) {
            for i in by_text.get(token.text.as_str()).into_iter().flatten() {
                let there = &other.tokens[*i];
                if (token.x - there.x).abs() < NEAR && (token.y - there.y).abs() > NEAR {
                    *moves.entry(((there.y - token.y) * 100.0).round() as i32).or_default() += 1.0;
                }
            }
        }
        let scrolled = moves
            .iter()
            .max_by(|a, b| a.1.total_cmp(b.1).then_with(|| b.0.cmp(a.0)))
            .filter(|(_, n)| **n >= 4.0)
            .map(|(by, _)| *by as f32 / 100.0);
        let mut used = vec![false; other.tokens.len()];
        let mut shared = 0.0;
        for token in self.tokens.iter().filter(|token| counts(token)) {
            let Some(there) = by_text.get(token.text.as_str()) else {
                continue;
            };
            let close = |i: &&usize| {
                let there = &other.tokens[**i];
                let dy = there.y - token.y;
                !used[**i]
                    && (there.x - token.x).abs() < 2.0 * NEAR
                    && (dy.abs() < NEAR || scrolled.is_some_and(|by| (dy - by).abs() < 0.012))
            };
            if let Some(i) = there.iter().find(close) {
                used[*i] = true;
                shared += f32::midpoint(token.weight, other.tokens[*i].weight);
            }
        }
        let union = total(self) + total(other) - shared;
        if union <= 0.0 {
            0.0
        } else {
            (shared / union).clamp(0.0, 1.0)
        }
    }
}

/// Whether two words are the same word at the same place.
pub fn same_place(one: &Text, other: &Text) -> bool {
    (one.area[0] - other.area[0]).abs() < NEAR
        && (one.area[1] - other.area[1]).abs() < NEAR
        && plain(&one.text) == plain(&other.text)
}

/// Lines of words, each from a place on; for tests.
#[cfg(test)]
pub fn lines(lines: &[(&str, f32, f32)]) -> Vec<Text> {
    let mut found = Vec::new();
    for (words, x, y) in lines {
        let mut at = *x;
        for word in words.split(' ') {
            let left = at;
            at += 0.008 * word.len() as f32 + 0.005;
            found.push(Text {
                text: word.into(),
                area: [left, *y, at - 0.005, y + 0.02],
                confidence: 0.9,
            });
        }
    }
    found
}

#[cfg(test)]
mod tests {
    use super::lines as page;
    use super::*;

    #[test]
    fn a_wide_gap_parts_phrases() {
        let found = phrases(
            &page(&[("Save order", 0.1, 0.5), ("Cancel", 0.4, 0.5), ("Customer", 0.1, 0.2)]),
            16.0 / 9.0,
        );
        let told: Vec<&str> = found.iter().map(|p| p.text.as_str()).collect();
        assert_eq!(told, ["Customer", "Save order", "Cancel"]);
    }

    #[test]
    fn a_form_is_the_same_form_with_other_data_and_after_scrolling() {
        let labels = [
            ("New order", 0.1, 0.1),
            ("Customer", 0.1, 0.2),
            ("Reference", 0.1, 0.3),
            ("Article", 0.1, 0.4),
            ("Quantity", 0.1, 0.5),
        ];
        let with = |data: &'static str| {
            let mut shown = labels.to_vec();
            shown.push((data, 0.4, 0.2));
            Page::plain(&page(&shown))
        };
        assert!(with("Bakker PO-1").likeness(&with("Weber PO-2"), None) > 0.6);
        let scrolled: Vec<(&str, f32, f32)> = labels.iter().map(|(w, x, y)| (*w, *x, y + 0.22)).collect();
        assert!(with("Bakker").likeness(&Page::plain(&page(&scrolled)), None) > 0.6);
        let other = Page::plain(&page(&[
            ("Inbox", 0.1, 0.1),
            ("Customer", 0.7, 0.9),
            ("Archive Sent Drafts", 0.1, 0.3),
        ]));
        assert!(with("Bakker").likeness(&other, None) < 0.2);
    }
}
