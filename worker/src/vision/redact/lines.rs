//! The words of a picture as lines, and a line as cells: what a reader takes together.

use std::ops::Range;

use crate::vision::ocr::Word;

/// The words of one line from left to right, with where each stands in the joined text.
pub struct Line {
    pub text: String,
    pub words: Vec<(usize, Range<usize>)>,
}

impl Line {
    /// This text and another behind it.
    pub fn and(mut self, between: &str, other: Self) -> Self {
        self.text.push_str(between);
        let moved = self.text.len();
        self.text.push_str(&other.text);
        let words = other.words.into_iter();
        self.words
            .extend(words.map(|(i, at)| (i, at.start + moved..at.end + moved)));
        self
    }

    /// The words that stand in a part of the text.
    pub fn within(&self, range: &Range<usize>) -> impl Iterator<Item = usize> {
        self.words
            .iter()
            .filter(|(_, at)| at.start < range.end && range.start < at.end)
            .map(|(i, _)| *i)
    }

    /// Neighbours with no more than a blank between them: a column's entry, a field, a sentence.
    pub fn cells(&self, words: &[Word]) -> Vec<Vec<usize>> {
        let mut cells: Vec<Vec<usize>> = Vec::new();
        for (i, _) in &self.words {
            let word = &words[*i];
            match cells.last_mut() {
                Some(cell) if word.left < right(words, cell) + (word.height * 6 / 5).max(10) => cell.push(*i),
                _ => cells.push(vec![*i]),
            }
        }
        cells
    }
}

/// First column right of the words.
pub fn right(words: &[Word], cell: &[usize]) -> u32 {
    cell.iter().map(|i| words[*i].right()).max().unwrap_or_default()
}

/// First column of the words.
pub fn left(words: &[Word], cell: &[usize]) -> u32 {
    cell.iter().map(|i| words[*i].left).min().unwrap_or_default()
}

/// Words with their boxes overlapping in height make a line, whatever lies between them.
pub fn lines(words: &[Word]) -> Vec<Line> {
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

/// Words in this order as one text.
pub fn join(words: &[Word], order: &[usize]) -> Line {
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
