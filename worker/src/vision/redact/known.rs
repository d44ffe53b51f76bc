//! What was found with certainty on one picture is looked for on all others, where no label may stand beside it.

use std::collections::HashSet;

use super::lines::Line;
use crate::vision::ocr::Word;

/// Shorter values stand on screens by chance.
const SHORTEST: usize = 8;
/// A value is cut into at most so many words.
const MOST_WORDS: usize = 10;

/// Values of a recording's pictures, as [`canonical`].
#[derive(Debug, Default)]
pub struct Known {
    values: HashSet<String>,
    longest: usize,
}

impl Known {
    /// Remembers a value.
    pub fn learn(&mut self, value: &str) {
        let value = canonical(value);
        if value.len() >= SHORTEST {
            self.longest = self.longest.max(value.len());
            self.values.insert(value);
        }
    }

    /// The words of a line that show a known value: together with their neighbours, or in a part of one.
    pub fn shown(&self, words: &[Word], line: &Line, mut found: impl FnMut(usize)) {
        if self.values.is_empty() {
            return;
        }
        let texts: Vec<String> = line.words.iter().map(|(i, _)| canonical(&words[*i].text)).collect();
        for start in 0..texts.len() {
            let mut said = String::new();
            for (end, text) in texts.iter().enumerate().skip(start).take(MOST_WORDS) {
                said.push_str(text);
                if said.len() > self.longest {
                    break;
                }
                if self.values.contains(&said) {
                    line.words[start..=end].iter().for_each(|(i, _)| found(*i));
                }
            }
            let (i, _) = line.words[start];
            let parts = words[i]
                .text
                .split(['=', '&', '?', ':', ';', ',', '/', '|', '(', ')', '<', '>']);
            if parts.map(canonical).any(|part| self.values.contains(&part)) {
                found(i);
            }
        }
    }
}

/// Letters and digits, in the one spelling of those that recognition takes for one another.
pub fn canonical(text: &str) -> String {
    text.chars()
        .flat_map(char::to_lowercase)
        .filter(|c| c.is_alphanumeric())
        .map(|c| match c {
            'o' | 'q' => '0',
            'i' | 'l' => '1',
            'z' => '2',
            's' => '5',
            'b' => '8',
            other => other,
        })
        .collect()
}
