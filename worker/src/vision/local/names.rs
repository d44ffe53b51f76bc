//! What a screen is called: its application, its object and its command, as they stand on it.
//!
//! Desktop windows say `Document - Application`; web pages have a head with the product's name. The object is the largest
//! print below. Only words that stay when the data changes are names, so an order's number never is.

use super::reply::Text;
use super::text::{Phrase, letters, phrases};

/// What stands on a screen about itself.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Names {
    /// Application; empty when unreadable.
    pub application: String,
    /// Object; empty when unreadable.
    pub object: String,
    /// A button that says what is done here.
    pub command: Option<String>,
    /// Mean confidence of what was used.
    pub confidence: f64,
}

/// First words of buttons that finish something, in four languages.
const VERBS: [&str; 36] = [
    "save",
    "send",
    "submit",
    "create",
    "confirm",
    "book",
    "approve",
    "register",
    "post",
    "release",
    "update",
    "add",
    "opslaan",
    "verzenden",
    "versturen",
    "aanmaken",
    "bevestigen",
    "boeken",
    "goedkeuren",
    "registreren",
    "bewaren",
    "enregistrer",
    "envoyer",
    "valider",
    "créer",
    "confirmer",
    "réserver",
    "soumettre",
    "speichern",
    "senden",
    "absenden",
    "anlegen",
    "bestätigen",
    "buchen",
    "freigeben",
    "erfassen",
];

/// Reads a screen's names from the words that it always shows; `fresh` are those that were not there before it came up.
///
/// Where most of them are fresh it took the whole screen; else it is a window in front of others, and its title is among
/// the fresh words, or a part of an application, whose name stands around it.
pub fn read(words: &[Text], fresh: &[Text], aspect: f32) -> Names {
    if fresh.len() * 10 >= words.len() * 7 {
        return read_part(words, true, aspect).0;
    }
    let (names, own) = read_part(fresh, false, aspect);
    if own {
        return names;
    }
    let (around, _) = read_part(words, true, aspect);
    let (object, command) = if names.object.is_empty() {
        (around.object, around.command)
    } else {
        (names.object, names.command)
    };
    Names {
        object,
        command,
        ..around
    }
}

/// The names in some words, and whether they stand in a title of their own.
fn read_part(words: &[Text], whole: bool, aspect: f32) -> (Names, bool) {
    let all: Vec<Phrase> = phrases(words, aspect)
        .into_iter()
        .filter(|p| letters(&p.text) >= 3)
        .collect();
    let head: Vec<&Phrase> = all.iter().filter(|p| !whole || p.area[1] < 0.16).collect();

    let mut names = Names::default();
    let mut used: Vec<f32> = Vec::new();
    let mut title: Option<(&Phrase, String)> = None;
    let mut own = false;
    if let Some((phrase, document, application)) = head.iter().find_map(|p| parted(&p.text).map(|(d, a)| (*p, d, a))) {
        names.application = application;
        used.push(phrase.confidence);
        title = Some((phrase, document));
        own = true;
    } else if let Some(first) = head.first().filter(|_| whole) {
        // The product's name is the largest print of the head; among equals the first.
        let line = head.iter().filter(|p| p.area[1] < first.area[3] + 0.06);
        let brand = line.fold(*first, |best, p| if p.height > 1.25 * best.height { p } else { best });
        names.application = tidy(&brand.text);
        used.push(brand.confidence);
        title = Some((brand, String::new()));
    }

    let below = title.as_ref().map_or(0.0, |(p, _)| p.area[3]);
    let mut heights: Vec<f32> = all.iter().map(|p| p.height).collect();
    heights.sort_by(f32::total_cmp);
    let usual = heights.get(heights.len() / 2).copied().unwrap_or_default();
    let heading = all
        .iter()
        .filter(|p| p.area[1] >= below - 0.002 && (!whole || p.area[3] < 0.75))
        .filter(|p| p.height >= 1.18 * usual && p.confidence >= 0.6)
        .filter(|p| !alike(&p.text, &names.application))
        .max_by(|a, b| {
            // Clearly larger wins; else the higher one.
            if (a.height - b.height).abs() > 0.12 * a.height.max(b.height) {
                a.height.total_cmp(&b.height)
            } else {
                b.area[1].total_cmp(&a.area[1])
            }
        });
    if let Some(heading) = heading {
        names.object = tidy(&heading.text);
        used.push(heading.confidence);
    }
    if names.object.is_empty()
        && let Some((_, document)) = &title
    {
        names.object.clone_from(document);
    }
    names.command = all
        .iter()
        .filter(|p| p.words <= 4 && p.area[1] > below)
        .find(|p| {
            let first = p.text.split_whitespace().next().unwrap_or_default().to_lowercase();
            VERBS.contains(&first.trim_matches(|c: char| !c.is_alphanumeric()))
                && p.text.split_whitespace().all(|w| w.chars().any(char::is_alphabetic))
        })
        .map(|p| tidy(&p.text));
    names.confidence = if used.is_empty() {
        0.0
    } else {
        f64::from(used.iter().sum::<f32>() / used.len() as f32)
    };
    (names, own)
}

/// `Document - Application`: the parts of a window's title.
fn parted(text: &str) -> Option<(String, String)> {
    let words: Vec<&str> = text.split_whitespace().collect();
    let is_mark = |w: &&str| matches!(*w, "-" | "–" | "—" | "|" | "•" | "·" | "~" | "--");
    let mark = words.iter().rposition(is_mark)?;
    let first = words.iter().position(is_mark)?;
    let (document, application) = (tidy(&words[..first].join(" ")), tidy(&words[mark + 1..].join(" ")));
    (letters(&application) >= 3 && letters(&document) >= 2).then_some((document, application))
}

/// Small words that a name does not end in.
const JOINTS: [&str; 28] = [
    "for", "of", "to", "the", "from", "in", "on", "at", "with", "a", "voor", "van", "naar", "met", "de", "het", "op",
    "pour", "du", "des", "le", "la", "à", "für", "von", "nach", "mit", "der",
];

/// A name without marks at its ends, data words and dangling small words.
pub fn tidy(text: &str) -> String {
    let mut words: Vec<&str> = text
        .split_whitespace()
        .map(|w| w.trim_matches(|c: char| !c.is_alphanumeric()))
        .filter(|w| !w.is_empty())
        .collect();
    while words
        .last()
        .is_some_and(|w| JOINTS.contains(&w.to_lowercase().as_str()) || (words.len() > 1 && letters(w) == 0))
    {
        words.pop();
    }
    words.join(" ")
}

/// Equal but for marks and a misread letter or two.
pub fn alike(one: &str, other: &str) -> bool {
    let (one, other) = (super::text::plain(one), super::text::plain(other));
    if one.is_empty() || other.is_empty() {
        return one == other;
    }
    distance(&one, &other) * 6 <= one.chars().count().max(other.chars().count())
}

/// Letters to change, add or leave out.
fn distance(one: &str, other: &str) -> usize {
    let other: Vec<char> = other.chars().collect();
    let mut row: Vec<usize> = (0..=other.len()).collect();
    for (i, a) in one.chars().enumerate() {
        let mut corner = row[0];
        row[0] = i + 1;
        for (j, b) in other.iter().enumerate() {
            let above = row[j + 1];
            row[j + 1] = (corner + usize::from(a != *b)).min(above + 1).min(row[j] + 1);
            corner = above;
        }
    }
    row[other.len()]
}

#[cfg(test)]
mod tests {
    use super::*;

    fn page(lines: &[(&str, f32, f32, f32)]) -> Vec<Text> {
        let mut words = Vec::new();
        for (line, x, y, height) in lines {
            let mut left = *x;
            for word in line.split(' ') {
                let width = 0.35 * height * word.len() as f32;
                words.push(Text {
                    text: word.into(),
                    area: [left, *y, left + width, y + height],
                    confidence: 0.9,
                });
                left += width + 0.2 * height;
            }
        }
        words
    }

    #[test]
    fn a_window_title_a_heading_and_a_button() {
        let words = page(&[
            ("Outbound orders - Stockline WMS", 0.01, 0.01, 0.02),
            ("Stockline WMS", 0.01, 0.06, 0.025),
            ("New outbound order for", 0.2, 0.15, 0.032),
            ("Customer", 0.2, 0.25, 0.02),
            ("Reference", 0.2, 0.3, 0.02),
            ("Ship to", 0.2, 0.35, 0.02),
            ("Save order", 0.3, 0.6, 0.02),
        ]);
        let names = read(&words, &words, 16.0 / 9.0);
        assert_eq!(names.application, "Stockline WMS");
        assert_eq!(names.object, "New outbound order");
        assert_eq!(names.command.as_deref(), Some("Save order"));
    }

    #[test]
    fn a_web_page_without_a_title_has_its_head() {
        let words = page(&[
            ("Harbour Intranet", 0.02, 0.02, 0.03),
            ("Menu", 0.6, 0.02, 0.02),
            ("Staff news today", 0.1, 0.2, 0.03),
            ("The canteen is open", 0.1, 0.3, 0.02),
            ("Parking is closed", 0.1, 0.4, 0.02),
        ]);
        let names = read(&words, &words, 16.0 / 9.0);
        assert_eq!(
            (names.application.as_str(), names.object.as_str()),
            ("Harbour Intranet", "Staff news today")
        );
        assert_eq!(names.command, None);
    }

    #[test]
    fn a_window_in_front_has_its_own_title_and_a_changed_part_that_of_its_application() {
        let behind = page(&[
            ("Shipments - Cargo Desk", 0.01, 0.01, 0.02),
            ("Planned today", 0.02, 0.1, 0.02),
            ("Carriers", 0.02, 0.2, 0.02),
            ("Claims", 0.02, 0.3, 0.02),
        ]);
        let front = page(&[
            ("Booking - Quick Mail", 0.3, 0.3, 0.02),
            ("Please book pallets", 0.3, 0.5, 0.02),
        ]);
        let all = [behind.clone(), front.clone()].concat();
        let names = read(&all, &front, 16.0 / 9.0);
        assert_eq!(
            (names.application.as_str(), names.object.as_str()),
            ("Quick Mail", "Booking")
        );
        let part = page(&[
            ("Claim of today", 0.4, 0.2, 0.032),
            ("Damaged goods", 0.4, 0.4, 0.02),
            ("Reported by phone", 0.4, 0.5, 0.02),
        ]);
        let all = [behind, part.clone()].concat();
        let names = read(&all, &part, 16.0 / 9.0);
        assert_eq!(
            (names.application.as_str(), names.object.as_str()),
            ("Cargo Desk", "Claim of today")
        );
    }

    #[test]
    fn nothing_readable_is_nothing() {
        assert_eq!(read(&[], &[], 1.8), Names::default());
        assert!(alike("Stockline WMS", "Stock1ine WMS") && !alike("Mail", "Sheets"));
    }
}
