//! The detectors. Each finds candidates by pattern and keeps those that a checksum, a format or a word beside them confirms.

use std::net::{Ipv4Addr, Ipv6Addr};
use std::ops::Range;
use std::sync::LazyLock;

use regex::Regex;

use super::checksum::{self, digits};
use super::{Finding, PersonalData, citizen};

/// Everything in a text; findings may overlap.
pub fn all(text: &str) -> Vec<Finding> {
    let mut findings = Vec::new();
    let mut add = |kind, range: Range<usize>| findings.push(finding(kind, range));
    for range in ranges(&EMAIL, text) {
        add(PersonalData::Email, range);
    }
    for range in ranges(&API_KEY, text) {
        add(PersonalData::ApiKey, range);
    }
    for range in ranges(&TOKEN, text) {
        add(PersonalData::Token, range);
    }
    for found in PASSWORD.captures_iter(text).filter_map(|found| found.get(1)) {
        // Dots and stars are what a password field shows: nothing to hide.
        if found.as_str().chars().any(char::is_alphanumeric) {
            add(PersonalData::Password, found.range());
        }
    }
    for range in ibans(text) {
        add(PersonalData::Iban, range);
    }
    for range in ip_addresses(text) {
        add(PersonalData::IpAddress, range);
    }
    // Numbers of freight look like numbers of people.
    let freight = freight_numbers(text);
    let mut add_number = |kind, range: Range<usize>| {
        if !freight
            .iter()
            .any(|other| range.start < other.end && other.start < range.end)
        {
            findings.push(finding(kind, range));
        }
    };
    for range in ranges(&CARD, text).filter(|range| is_card(text, range)) {
        add_number(PersonalData::Card, range);
    }
    for range in citizen::numbers(text) {
        add_number(PersonalData::Bsn, range);
    }
    for range in ranges(&BELGIAN, text) {
        let number = &text[range.clone()];
        let written = number.len() > 11;
        if checksum::belgian_national_number(&digits(number)) && (written || beside(&BELGIAN_WORDS, text, &range)) {
            add_number(PersonalData::BelgianNationalNumber, range);
        }
    }
    for range in ranges(&SSN, text).filter(|range| is_ssn(text, range)) {
        add_number(PersonalData::Ssn, range);
    }
    for range in phones(text) {
        add_number(PersonalData::Phone, range);
    }
    findings
}

/// Where words stand that say what a number beside or below them is.
pub fn labels(text: &str) -> Vec<Range<usize>> {
    let words: [&Regex; 6] = [
        &citizen::WORDS,
        &BELGIAN_WORDS,
        &SSN_WORDS,
        &CARD_WORDS,
        &IBAN_WORDS,
        &PHONE_WORDS,
    ];
    words.into_iter().flat_map(|words| ranges(words, text)).collect()
}

fn finding(kind: PersonalData, range: Range<usize>) -> Finding {
    Finding {
        kind,
        start: range.start,
        end: range.end,
    }
}

/// A pattern of this file: fixed text, and each is compiled by a test.
pub(super) fn pattern(pattern: &str) -> Regex {
    #[expect(
        clippy::expect_used,
        reason = "a fixed pattern compiles or the tests of this module fail"
    )]
    // Digits of other scripts are none of these numbers'.
    Regex::new(&pattern.replace(r"\d", "[0-9]")).expect("a pattern that compiles")
}

fn ranges<'a>(pattern: &'a Regex, text: &'a str) -> impl Iterator<Item = Range<usize>> + 'a {
    pattern.find_iter(text).map(|found| found.range())
}

/// An address, also as text recognition spaces it around the sign, or wrapped behind it.
static EMAIL: LazyLock<Regex> = LazyLock::new(|| {
    pattern(r"[\p{L}\p{N}._%+'-]*[\p{L}\p{N}_] ?@(?: ?|\r?\n *)[\p{L}\p{N}-]+(?:\.[\p{L}\p{N}-]+)*\.\p{L}{2,24}\b")
});

/// Keys by the prefixes that their issuers publish; `ns_` is our own.
static API_KEY: LazyLock<Regex> = LazyLock::new(|| {
    pattern(
        r"\b(?:sk-[A-Za-z0-9_-]{16,}|[sr]k_(?:live|test)_[A-Za-z0-9]{16,}|gh[oprsu]_[A-Za-z0-9]{30,}|github_pat_[A-Za-z0-9_]{20,}|glpat-[A-Za-z0-9_-]{16,}|xox[abeprs]-[A-Za-z0-9-]{10,}|AIza[A-Za-z0-9_-]{30,}|(?:AKIA|ASIA)[A-Z0-9]{16}|ns_[A-Za-z0-9_-]{20,})",
    )
});

/// Three parts in base64url, of which the first begins as a JSON object does.
static TOKEN: LazyLock<Regex> = LazyLock::new(|| pattern(r"\beyJ[A-Za-z0-9_-]{8,}\.[A-Za-z0-9_-]{8,}\.[A-Za-z0-9_-]*"));

static PASSWORD: LazyLock<Regex> = LazyLock::new(|| {
    pattern(
        r"(?i)\b(?:password|passwd|pwd|passphrase|wachtwoord|mot de passe|passwort|kennwort|pincode)\s*[:=]\s*(\S+)",
    )
});

/// Words within 80 bytes before a number, or 24 after it.
pub(super) fn beside(words: &Regex, text: &str, range: &Range<usize>) -> bool {
    let start = text.floor_char_boundary(range.start.saturating_sub(80));
    let end = text.ceil_char_boundary((range.end + 24).min(text.len()));
    words.is_match(&text[start..range.start]) || words.is_match(&text[range.end..end])
}

/// Whether nothing that belongs to a longer word or number stands next to it.
fn stands_alone(text: &str, range: &Range<usize>) -> bool {
    let before = text[..range.start].chars().next_back();
    let after = text[range.end..].chars().next();
    !before.is_some_and(char::is_alphanumeric) && !after.is_some_and(char::is_alphanumeric)
}

static IBAN_START: LazyLock<Regex> = LazyLock::new(|| pattern(r"(?i)\b[a-z]{2}(?:[0-9][0-9oilszb|]|[oilszb|][0-9])"));
static IBAN_WORDS: LazyLock<Regex> = LazyLock::new(|| {
    pattern(r"(?i)\b(?:iban|bank account|rekening|rekeningnummer|compte|bankverbindung|kontonummer)\b")
});

/// Lengths of IBANs by country, from the SWIFT registry; other countries do not use one or are not listed here.
const IBAN_LENGTHS: &[(&str, usize)] = &[
    ("AD", 24),
    ("AE", 23),
    ("AT", 20),
    ("BE", 16),
    ("BG", 22),
    ("CH", 21),
    ("CY", 28),
    ("CZ", 24),
    ("DE", 22),
    ("DK", 18),
    ("EE", 20),
    ("ES", 24),
    ("FI", 18),
    ("FR", 27),
    ("GB", 22),
    ("GI", 23),
    ("GR", 27),
    ("HR", 21),
    ("HU", 28),
    ("IE", 22),
    ("IL", 23),
    ("IS", 26),
    ("IT", 27),
    ("LI", 21),
    ("LT", 20),
    ("LU", 20),
    ("LV", 21),
    ("MC", 27),
    ("MT", 31),
    ("NL", 18),
    ("NO", 15),
    ("PL", 28),
    ("PT", 25),
    ("RO", 24),
    ("RS", 22),
    ("SA", 24),
    ("SE", 24),
    ("SI", 19),
    ("SK", 24),
    ("SM", 27),
    ("TR", 26),
    ("UA", 29),
    ("VA", 22),
    ("XK", 20),
];

/// The digits that text recognition reads as letters, read back. Takes capitals; one byte stays one byte.
fn digit_of(letter: char) -> char {
    match letter {
        'O' | 'Q' => '0',
        'I' | 'L' | '|' => '1',
        'Z' => '2',
        'S' => '5',
        'B' => '8',
        other => other,
    }
}

/// Whether the checksum is right as written, or with the usual misreadings undone: in all that follows the country, or in all
/// but the four letters of a bank.
fn is_iban(characters: &str) -> bool {
    checksum::iban(characters)
        || [2..2, 4..8].into_iter().any(|bank| {
            let read: String = characters
                .char_indices()
                .map(|(place, letter)| {
                    if place < 2 || bank.contains(&place) {
                        letter
                    } else {
                        digit_of(letter)
                    }
                })
                .collect();
            checksum::iban(&read)
        })
}

/// Accounts with or without blanks between their groups. One whose checksum fails is kept beside a word that calls it an
/// account: text recognition mistakes letters.
fn ibans(text: &str) -> Vec<Range<usize>> {
    let mut found = Vec::new();
    for start in ranges(&IBAN_START, text).map(|range| range.start) {
        // Without regard to case the pattern takes letters for others' that are longer.
        let Some(country) = text.get(start..start + 2).map(str::to_ascii_uppercase) else {
            continue;
        };
        let Some((_, length)) = IBAN_LENGTHS.iter().find(|(known, _)| *known == country) else {
            continue;
        };
        let (mut characters, mut end, mut gap) = (String::new(), start, false);
        for (place, letter) in text[start..].char_indices() {
            if characters.len() == *length {
                break;
            }
            if letter.is_ascii_alphanumeric() || letter == '|' {
                characters.push(letter.to_ascii_uppercase());
                end = start + place + 1;
                gap = false;
            } else if matches!(letter, ' ' | '\u{a0}' | '-' | '.') && !gap {
                gap = true;
            } else {
                break;
            }
        }
        let range = start..end;
        if characters.len() == *length
            && stands_alone(text, &range)
            && (is_iban(&characters) || beside(&IBAN_WORDS, text, &range))
        {
            found.push(range);
        }
    }
    found
}

static IPV4: LazyLock<Regex> = LazyLock::new(|| pattern(r"\b\d{1,3}(?:\.\d{1,3}){3}\b"));
static IPV6: LazyLock<Regex> = LazyLock::new(|| pattern(r"(?i)[0-9a-f]{0,4}(?::[0-9a-f]{0,4}){2,7}"));
static VERSION_WORDS: LazyLock<Regex> =
    LazyLock::new(|| pattern(r"(?i)(?:\bv|\bversion|\bversie|\bbuild|\brelease)[ :.]*$"));

fn ip_addresses(text: &str) -> Vec<Range<usize>> {
    let v4 = ranges(&IPV4, text).filter(|range| {
        let inside_longer = text[..range.start].ends_with('.') || {
            let rest = &text[range.end..];
            rest.starts_with('.') && rest[1..].starts_with(|next: char| next.is_ascii_digit())
        };
        text[range.clone()]
            .parse::<Ipv4Addr>()
            .is_ok_and(|address| !address.is_unspecified() && !address.is_loopback())
            && !inside_longer
            && !VERSION_WORDS.is_match(&text[..range.start])
    });
    let v6 = ranges(&IPV6, text).filter(|range| {
        let candidate = &text[range.clone()];
        stands_alone(text, range)
            && candidate.contains(|letter: char| letter.is_ascii_digit())
            // `ab::cd` is a name in many programming languages: short forms only of addresses in use.
            && (candidate.matches(':').count() > 2 || candidate.starts_with(['2', '3', 'f', 'F']))
            && candidate.parse::<Ipv6Addr>().is_ok_and(|address| !address.is_unspecified() && !address.is_loopback())
    });
    v4.chain(v6).collect()
}

static CONTAINER: LazyLock<Regex> = LazyLock::new(|| pattern(r"(?i)\b[a-z]{3}[ujz][ -]?\d{3}[ ]?\d{3}[ -]?\d\b"));
static AIR_WAYBILL: LazyLock<Regex> = LazyLock::new(|| pattern(r"\b\d{3}[ -]\d{4}[ ]?\d{4}\b"));
static SSCC: LazyLock<Regex> = LazyLock::new(|| pattern(r"(?:\(00\) ?|\b00)?\d(?: ?\d){17}\b"));

/// Containers (ISO 6346), air waybills (IATA) and SSCC (GS1) with right check digits.
fn freight_numbers(text: &str) -> Vec<Range<usize>> {
    let containers = ranges(&CONTAINER, text).filter(|range| {
        let bare: String = text[range.clone()]
            .chars()
            .filter(char::is_ascii_alphanumeric)
            .collect();
        checksum::container(&bare.to_ascii_uppercase())
    });
    let waybills = ranges(&AIR_WAYBILL, text).filter(|range| checksum::air_waybill(&digits(&text[range.clone()])));
    let pallets = ranges(&SSCC, text).filter(|range| {
        let all = digits(&text[range.clone()]);
        stands_alone(text, range) && checksum::sscc(&all[all.len() - 18..])
    });
    containers.chain(waybills).chain(pallets).collect()
}

static CARD: LazyLock<Regex> = LazyLock::new(|| pattern(r"\b\d(?:[ -]?\d){11,18}\b"));
static CARD_GROUPS: LazyLock<Regex> =
    LazyLock::new(|| pattern(r"^(?:\d{4}[ -]\d{4}[ -]\d{4}[ -]\d{4}(?:[ -]\d{3})?|\d{4}[ -]\d{6}[ -]\d{4,5})$"));
static CARD_WORDS: LazyLock<Regex> = LazyLock::new(|| {
    pattern(
        r"(?i)\b(?:card|creditcard|visa|mastercard|maestro|amex|cvc|cvv|kaart|kaartnummer|kredietkaart|carte|karte|kreditkarte|kartennummer)\b",
    )
});

/// Luhn, and a card's grouping, or an issuer's prefix at its length, or a word.
fn is_card(text: &str, range: &Range<usize>) -> bool {
    let number = &text[range.clone()];
    let all = digits(number);
    checksum::luhn(&all)
        && all.iter().any(|digit| *digit != all[0])
        && (CARD_GROUPS.is_match(number) || is_issued(&all) || beside(&CARD_WORDS, text, range))
}

/// Visa, Mastercard and American Express by prefix and length (ISO/IEC 7812 issuer numbers).
fn is_issued(digits: &[u32]) -> bool {
    let head = digits.iter().take(4).fold(0, |sum, digit| sum * 10 + digit);
    match digits.len() {
        16 => head / 1000 == 4 || (51..=55).contains(&(head / 100)) || (2221..=2720).contains(&head),
        15 => matches!(head / 100, 34 | 37),
        _ => false,
    }
}

static BELGIAN: LazyLock<Regex> =
    LazyLock::new(|| pattern(r"\b\d{2}\.\d{2}\.\d{2}[- ]\d{3}[. -]\d{2}\b|\b\d{11}\b|\b\d{6}[ -]\d{3}[ -.]\d{2}\b"));
static BELGIAN_WORDS: LazyLock<Regex> = LazyLock::new(|| {
    pattern(
        r"(?i)(?:\b(?:rijksregister(?:nummer|nr)?|insz(?:[- ]?nummer)?|niss|rrn|num[ée]ro (?:de registre )?national|registre national|national (?:register |registration )?(?:number|nr|no)|national(?:register)?(?:nummer|nr))|\bn[°º] national)\b",
    )
});

static SSN: LazyLock<Regex> = LazyLock::new(|| pattern(r"\b\d{3}-\d{2}-\d{4}\b|\b\d{9}\b|\b\d{3} \d{2} \d{4}\b"));
static SSN_WORDS: LazyLock<Regex> = LazyLock::new(|| pattern(r"(?i)\b(?:ssn|social security)\b"));

/// As the Social Security Administration issues them: no area 000, 666 or 9xx, no group 00, no serial 0000.
fn is_ssn(text: &str, range: &Range<usize>) -> bool {
    let number = &text[range.clone()];
    let all = digits(number);
    let part = |range: Range<usize>| all[range].iter().fold(0, |sum, digit| sum * 10 + digit);
    let (area, group, serial) = (part(0..3), part(3..5), part(5..9));
    let issued = area != 0 && area != 666 && area < 900 && group != 0 && serial != 0;
    // A longer number with dashes is something else.
    let whole = !text[..range.start].ends_with('-') && !text[range.end..].starts_with('-');
    issued && whole && (number.contains('-') || beside(&SSN_WORDS, text, range))
}

/// A plus and 8 to 15 digits (ITU-T E.164).
static PHONE_INTERNATIONAL: LazyLock<Regex> = LazyLock::new(|| pattern(r"\+\d(?:[ ()./–-]{0,3}\d){7,14}\b"));
/// A trunk zero and groups, as written in the Benelux, France and Germany; or the three groups of North America.
static PHONE_NATIONAL: LazyLock<Regex> = LazyLock::new(|| {
    pattern(
        r"\(?\b0[1-9]\d{0,3}\)?(?:[ ./-]{1,2}\d{2,8}){1,4}\b|\(\d{3}\) ?\d{3}[ .-]\d{4}\b|\b[2-9]\d{2}[.-]\d{3}[.-]\d{4}\b",
    )
});
/// A Dutch number with a dash between blanks behind its area: ten digits, or it is a range of something.
static PHONE_DASHED: LazyLock<Regex> = LazyLock::new(|| pattern(r"\b0[1-9]\d{0,2} [–-] \d(?: ?\d){5,7}\b"));
/// Any digits, where a word says that they are a number to call.
static PHONE_LABELLED: LazyLock<Regex> = LazyLock::new(|| {
    pattern(&format!(
        r"(?i)\b{PHONE_NAMES}\b[\s.:#-]{{0,4}}((?:nr|no|number|nummer)?[ .:]{{0,3}}\+?\(?\d(?:[ ()./–-]{{0,3}}\d){{6,14}})\b"
    ))
});
static PHONE_WORDS: LazyLock<Regex> = LazyLock::new(|| pattern(&format!(r"(?i)\b{PHONE_NAMES}\b")));
const PHONE_NAMES: &str = "(?:tel|telefoon|telefoonnummer|phone|telephone|t[ée]l[ée]phone|t[ée]l|telefon|telefonnummer|mobile|mobiel|mobil|portable|handy|gsm|fax|whatsapp)";
static DATE: LazyLock<Regex> = LazyLock::new(|| pattern(r"^\(?\d{1,2}[-/. ]\d{1,2}[-/. ](?:19|20)\d{2}\b"));

fn phones(text: &str) -> Vec<Range<usize>> {
    let mut found: Vec<_> = ranges(&PHONE_INTERNATIONAL, text).collect();
    found.extend(ranges(&PHONE_NATIONAL, text).filter(|range| {
        let number = &text[range.clone()];
        let count = digits(number).len();
        // A longer number with dashes or dots is something else.
        let whole = !text[..range.start].ends_with(['-', '.', '/', ',']) && !text[range.end..].starts_with(['-', '/']);
        (9..=12).contains(&count) && whole && !DATE.is_match(number)
    }));
    found.extend(ranges(&PHONE_DASHED, text).filter(|range| digits(&text[range.clone()]).len() == 10));
    found.extend(
        PHONE_LABELLED
            .captures_iter(text)
            .filter_map(|labelled| labelled.get(1))
            .map(|number| number.range()),
    );
    found
}

#[cfg(test)]
mod tests {
    #[test]
    fn every_pattern_compiles() {
        // Each is compiled when first used; this text uses all of them.
        assert_eq!(super::all("nothing of anybody 1 2 3"), []);
    }
}
