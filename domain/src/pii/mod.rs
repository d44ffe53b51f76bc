//! Personal data and secrets in text: finding it with checksums and context, and covering it.
//!
//! Random nine-digit numbers pass the test of a Dutch citizen number in 9 % of cases, and 10 % of all numbers pass Luhn's;
//! logistics screens are full of numbers. So a bare number is only taken for personal data with a checksum and a
//! telling format or word beside it, and container, air waybill and SSCC numbers are left alone. Names need a list
//! ([`Options::custom_exclusions`]): no pattern finds them.
//!
//! A finding says what and where, never the text itself, so it may be logged.

mod checksum;
mod citizen;
mod detect;

use regex::Regex;

use crate::closed::closed;

closed! {
    /// What kind of personal data or secret was found.
    pub enum PersonalData {
        /// An e-mail address.
        Email = "email",
        /// A telephone number.
        Phone = "phone",
        /// A bank account.
        Iban = "iban",
        /// A payment card.
        Card = "card",
        /// A Dutch citizen service number.
        Bsn = "bsn",
        /// A Belgian national number.
        BelgianNationalNumber = "belgian_national_number",
        /// A United States social security number.
        Ssn = "ssn",
        /// An IPv4 or IPv6 address.
        IpAddress = "ip_address",
        /// A key for a programming interface.
        ApiKey = "api_key",
        /// A signed token (JSON Web Token).
        Token = "token",
        /// A password behind its label.
        Password = "password",
        /// A word that the organization or the person excluded.
        Excluded = "excluded",
    }
}

/// What was found, and where.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Finding {
    /// What it is.
    pub kind: PersonalData,
    /// First byte in the text that was searched.
    pub start: usize,
    /// The byte after the last.
    pub end: usize,
}

/// What to look for beside the patterns.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Options {
    /// Words and phrases to cover, in any case and spacing: names of persons, customers, projects.
    pub custom_exclusions: Vec<String>,
}

/// Finds and covers personal data. Make one and use it for many texts.
#[derive(Debug, Clone)]
pub struct Redactor {
    exclusions: Vec<Regex>,
}

impl Redactor {
    /// A redactor with these options. Blank exclusions are ignored.
    pub fn new(options: &Options) -> Self {
        Self {
            exclusions: options
                .custom_exclusions
                .iter()
                .filter_map(|phrase| exclusion(phrase))
                .collect(),
        }
    }

    /// What is in a text, in order and without overlaps.
    pub fn find(&self, text: &str) -> Vec<Finding> {
        let mut findings = detect::all(text);
        for exclusion in &self.exclusions {
            findings.extend(exclusion.find_iter(text).map(|found| Finding {
                kind: PersonalData::Excluded,
                start: found.start(),
                end: found.end(),
            }));
        }
        without_overlaps(findings)
    }

    /// The text with everything found replaced by its kind in brackets, and what was found where in the original.
    pub fn redact(&self, text: &str) -> (String, Vec<Finding>) {
        let findings = self.find(text);
        let mut covered = String::with_capacity(text.len());
        let mut done = 0;
        for finding in &findings {
            covered.push_str(&text[done..finding.start]);
            covered.push('[');
            covered.push_str(finding.kind.as_str());
            covered.push(']');
            done = finding.end;
        }
        covered.push_str(&text[done..]);
        (covered, findings)
    }
}

/// What the patterns find in a text, in order and without overlaps.
pub fn find(text: &str) -> Vec<Finding> {
    without_overlaps(detect::all(text))
}

/// Where words stand that say what a number beside or below them is: `BSN`, `IBAN`, `Telefoon`.
pub fn labels(text: &str) -> Vec<std::ops::Range<usize>> {
    detect::labels(text)
}

/// As [`Redactor::redact`], for one text.
pub fn redact(text: &str, options: &Options) -> (String, Vec<Finding>) {
    Redactor::new(options).redact(text)
}

/// A phrase in any case, with any white space between its words, and not inside other words.
fn exclusion(phrase: &str) -> Option<Regex> {
    let words: Vec<_> = phrase.split_whitespace().map(regex::escape).collect();
    if words.is_empty() {
        return None;
    }
    let is_word = |letter: Option<char>| letter.is_some_and(|letter| letter.is_alphanumeric() || letter == '_');
    let before = if is_word(phrase.trim().chars().next()) {
        r"\b"
    } else {
        ""
    };
    let after = if is_word(phrase.trim().chars().last()) {
        r"\b"
    } else {
        ""
    };
    // An escaped phrase always compiles, unless it exceeds the size limit of a pattern; such a text is on no screen.
    Regex::new(&format!(r"(?i){before}{}{after}", words.join(r"\s+"))).ok()
}

/// Findings that overlap become one, of the kind of the longest.
fn without_overlaps(mut findings: Vec<Finding>) -> Vec<Finding> {
    findings.sort_by_key(|finding| (finding.start, std::cmp::Reverse(finding.end), finding.kind));
    let mut merged: Vec<(Finding, usize)> = Vec::with_capacity(findings.len());
    for finding in findings {
        let length = finding.end - finding.start;
        match merged.last_mut() {
            Some((last, longest)) if finding.start < last.end => {
                last.end = last.end.max(finding.end);
                if length > *longest {
                    last.kind = finding.kind;
                    *longest = length;
                }
            }
            _ => merged.push((finding, length)),
        }
    }
    merged.into_iter().map(|(finding, _)| finding).collect()
}

#[cfg(test)]
mod tests;
