//! Whether a picture shows what somebody excluded: a word, a window's title, an application.

use domain::routine::unaccented;

use super::known::canonical;
use super::lines::Line;

/// From so many letters on no other words come together to the same by chance, wherever recognition sets its blanks.
const LONG: usize = 10;

/// What is excluded, ready to be looked for.
pub struct Exclusion {
    letters: Vec<char>,
    borders: Vec<usize>,
    /// It is more than digits: what is nothing but digits on the screen is not it, however alike they look.
    lettered: bool,
}

impl Exclusion {
    /// None for a text without letters and digits.
    pub fn new(text: &str) -> Option<Self> {
        let (mut letters, mut borders) = (Vec::new(), vec![0]);
        for part in parts(text) {
            letters.extend(part.letters);
            borders.push(letters.len());
        }
        (!letters.is_empty()).then_some(Self {
            letters,
            borders,
            lettered: text.contains(char::is_alphabetic),
        })
    }

    /// Whether a line shows it: from the beginning of a word to an end of one, with at most one letter in six misread. A dot, a
    /// dash or the like ends a word too. A blank stands where the excluded text has a border as well, unless that is long.
    fn is_in(&self, line: &[Part]) -> bool {
        let long = self.letters.len();
        let allowed = long / 6;
        (0..line.len()).any(|start| {
            let mut said: Vec<char> = Vec::with_capacity(long + allowed);
            let mut lettered = false;
            for part in &line[start..] {
                lettered |= part.lettered;
                let torn = part.after_blank && !said.is_empty() && long < LONG && !self.borders.contains(&said.len());
                said.extend(&part.letters);
                if torn || said.len() > long + allowed {
                    return false;
                }
                if said.len() + allowed >= long && lettered >= self.lettered && near(&said, &self.letters, allowed) {
                    return true;
                }
            }
            false
        })
    }
}

/// Whether the lines of a picture show one of them.
pub fn shows_any(lines: &[Line], exclusions: &[Exclusion]) -> bool {
    !exclusions.is_empty()
        && lines.iter().any(|line| {
            let parts: Vec<Part> = parts(&line.text).collect();
            exclusions.iter().any(|exclusion| exclusion.is_in(&parts))
        })
}

/// Letters and digits without anything else between them, in one spelling.
struct Part {
    letters: Vec<char>,
    lettered: bool,
    after_blank: bool,
}

fn parts(text: &str) -> impl Iterator<Item = Part> {
    text.split_whitespace().flat_map(|word| {
        let parts = word.split(|c: char| !c.is_alphanumeric() && !is_mark(c));
        let parts = parts.map(|part| (spelled(part), part.contains(char::is_alphabetic)));
        let parts = parts.filter(|(letters, _)| !letters.is_empty()).enumerate();
        parts.map(|(place, (letters, lettered))| Part {
            letters,
            lettered,
            after_blank: place == 0,
        })
    })
}

/// An accent that stands behind its letter.
fn is_mark(letter: char) -> bool {
    ('\u{300}'..='\u{36f}').contains(&letter)
}

/// Without accents and the usual misreadings.
fn spelled(text: &str) -> Vec<char> {
    let plain: String = text
        .chars()
        .filter(|c| !is_mark(*c))
        .flat_map(char::to_lowercase)
        .map(|c| match c {
            'ą' | 'ă' | 'ā' => 'a',
            'č' | 'ć' => 'c',
            'ď' | 'đ' => 'd',
            'ę' | 'ě' | 'ē' => 'e',
            'ğ' => 'g',
            'ı' => 'i',
            'ł' => 'l',
            'ń' | 'ň' => 'n',
            'ő' => 'o',
            'ř' => 'r',
            'š' | 'ś' | 'ş' | 'ș' => 's',
            'ť' | 'ţ' | 'ț' => 't',
            'ű' | 'ů' => 'u',
            'ž' | 'ź' | 'ż' => 'z',
            other => unaccented(other),
        })
        .collect();
    canonical(&plain).chars().collect()
}

/// Whether at most so many letters were misread; of a short text, none came or went.
fn near(said: &[char], wanted: &[char], allowed: usize) -> bool {
    if said.len() != wanted.len() && wanted.len() < 2 * LONG {
        return false;
    }
    let mut row: Vec<usize> = (0..=wanted.len()).collect();
    for (i, c) in said.iter().enumerate() {
        let mut corner = row[0];
        row[0] = i + 1;
        for (j, d) in wanted.iter().enumerate() {
            let above = row[j + 1];
            row[j + 1] = (corner + usize::from(c != d)).min(above + 1).min(row[j] + 1);
            corner = above;
        }
    }
    row[wanted.len()] <= allowed
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shows(text: &str, excluded: &str) -> bool {
        let line = Line {
            text: text.to_owned(),
            words: Vec::new(),
        };
        shows_any(&[line], &Exclusion::new(excluded).into_iter().collect::<Vec<_>>())
    }

    #[test]
    fn an_exclusion_is_shown_at_the_borders_of_words() {
        let long =
            "Dossier 2026-11 van de afdeling Personeel en Organisatie - Vertrouwelijk - Anke Jansen (definitief)";
        for (screen, excluded) in [
            ("Payroll - Salary Desk", "salary desk"),
            ("Payroll - Salary Desk", "Salary-Desk"),
            ("Payroll - Salary Desk", "SalaryDesk"),
            ("Sa1ary Desk", "Salary Desk"),
            ("Salarls Desk", "Salaris Desk"),
            ("teams.microsoft.com/v2", "Teams"),
            ("HR-dossier 2026", "HR"),
            ("AFAS-Profit 14", "AFAS"),
            ("AFAS|Profit", "afas profit"),
            ("van Jose Peeters", "José"),
            ("van José Peeters", "Jose"),
            ("van Jose\u{301} Peeters", "JOSÉ"),
            ("Müller GmbH", "Muller"),
            ("Salaris administratie", "Salarisadministratie"),
            (&format!("Word {long} Opgeslagen"), long),
        ] {
            assert!(shows(screen, excluded), "{screen} shows {excluded}");
        }
        for (screen, excluded) in [
            ("De signalen", "Signal"),
            ("De sign al erts", "Signal"),
            ("Het signaal", "Signal"),
            ("Steamship 12", "Teams"),
            ("Chrome threads", "HR"),
            ("Payroll - Salary Desk", "Bank"),
            ("Bankier", "Bank"),
            ("Employee list", ""),
            ("€ 8,05 om 8:05", "Bos"),
            ("Regel 11", "Li"),
        ] {
            assert!(!shows(screen, excluded), "{screen} does not show {excluded}");
        }
    }
}
