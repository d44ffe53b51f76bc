//! Dutch citizen service numbers: the words that announce one, and how it is written.

use std::ops::Range;
use std::sync::LazyLock;

use regex::Regex;

use super::checksum::{self, digits};
use super::detect::{beside, pattern};

/// What it is called on screens in four languages, shortened too, and as text recognition reads the abbreviation.
const NAMES: &str = r"(?:[b8][s5]n(?:[-_ ]?(?:nummer|nr|no|number))?|b[uü]rger[- ]?service[- ]?(?:nummer|nr|num|no)|sofi[- ]?(?:nummer|nr)|(?:dutch )?citizen[’'s]{0,2}[- ]service[- ](?:number|nr|no)|num[ée]ro (?:de )?service (?:du |de |des )?citoyens?)";

pub static WORDS: LazyLock<Regex> = LazyLock::new(|| pattern(&format!(r"(?i)\b{NAMES}(?:\b|[-_])")));

/// Nine digits in whatever groups: their word and their checksum say what they are.
static NINE: LazyLock<Regex> = LazyLock::new(|| pattern(r"\b\d(?:[ .-]?\d){8}\b"));

/// What stands right behind the word, if it is six digits or more: it may be half typed, or a digit misread.
static ANNOUNCED: LazyLock<Regex> =
    LazyLock::new(|| pattern(&format!(r"(?i)\b{NAMES}[\s.:=#_-]{{0,4}}(\d(?:[ .-]?\d){{5,8}})\b")));

static DATE: LazyLock<Regex> =
    LazyLock::new(|| pattern(r"^(?:\d{1,2}[-. ]\d{1,2}[-. ](?:19|20)\d{2}|(?:19|20)\d{2}[-. ]\d{2}[-. ]\d{2})\b"));

/// Where citizen numbers stand in a text.
pub fn numbers(text: &str) -> Vec<Range<usize>> {
    if !WORDS.is_match(text) && !ANNOUNCED.is_match(text) {
        return Vec::new();
    }
    let mut found = Vec::new();
    let mut at = 0;
    // A group of another number before it must not take its first digits: every beginning is tried.
    while let Some(nine) = NINE.find_at(text, at) {
        at = nine.start() + 1;
        if checksum::bsn(&digits(nine.as_str())) && beside(&WORDS, text, &nine.range()) {
            at = nine.end();
            found.push(nine.range());
        }
    }
    let announced = ANNOUNCED.captures_iter(text).filter_map(|found| found.get(1));
    found.extend(announced.map(|number| number.range()).filter(|range| {
        let mut rest = text[range.end..].chars();
        let decimals = matches!(rest.next(), Some(',' | '.')) && rest.next().is_some_and(|next| next.is_ascii_digit());
        !decimals && !DATE.is_match(&text[range.clone()])
    }));
    found
}
