//! The name of a process that is the same in every recording that shows it.

use crate::pii;

/// The key of a process: its applications and steps, normalised, in order.
///
/// Lower case, letters of the Latin alphabet without accents, words with digits dropped (they are data, not names), so
/// that another recording, another order number or a stray comma gives the same key. Addresses and passwords are left out as
/// well: a key stands in rows and reports, and nothing in it can be covered later. Repeated neighbours count once.
/// A process without one readable name has the key `unnamed`, which a reviewer has to correct.
pub fn process_key<'a>(steps: impl IntoIterator<Item = (&'a str, &'a str)>) -> String {
    let mut parts: Vec<String> = Vec::new();
    for (application, step) in steps {
        let (application, step) = (normalise(application), normalise(step));
        let part = match (application.is_empty(), step.is_empty()) {
            (true, true) => continue,
            (false, true) => application,
            (true, false) => step,
            (false, false) => format!("{application}:{step}"),
        };
        if parts.last() != Some(&part) {
            parts.push(part);
        }
    }
    if parts.is_empty() {
        return "unnamed".to_owned();
    }
    parts.join(">")
}

fn normalise(text: &str) -> String {
    let folded: String = impersonal(text)
        .chars()
        .flat_map(char::to_lowercase)
        .map(unaccented)
        .collect();
    folded
        .split(|c: char| !c.is_alphanumeric())
        .filter(|word| !word.is_empty() && !word.chars().any(|c| c.is_ascii_digit()))
        .collect::<Vec<_>>()
        .join("-")
}

/// The words that are nobody's: without what the detectors find, and without what looks like a part of an address.
fn impersonal(text: &str) -> String {
    let mut rest = String::with_capacity(text.len());
    let mut at = 0;
    for found in pii::find(text) {
        rest.push_str(&text[at..found.start]);
        rest.push(' ');
        at = found.end;
    }
    rest.push_str(&text[at..]);
    let words = rest.split_whitespace().filter(|word| !word.contains('@'));
    words.collect::<Vec<_>>().join(" ")
}

/// The letter under the accent, for the languages of the screens.
pub const fn unaccented(letter: char) -> char {
    match letter {
        'à' | 'á' | 'â' | 'ä' | 'ã' | 'å' => 'a',
        'ç' => 'c',
        'è' | 'é' | 'ê' | 'ë' => 'e',
        'ì' | 'í' | 'î' | 'ï' => 'i',
        'ñ' => 'n',
        'ò' | 'ó' | 'ô' | 'ö' | 'õ' | 'ø' => 'o',
        'ù' | 'ú' | 'û' | 'ü' => 'u',
        'ý' | 'ÿ' => 'y',
        'ß' => 's',
        other => other,
    }
}

#[cfg(test)]
mod tests {
    use super::process_key;

    #[test]
    fn data_case_and_accents_do_not_change_a_process() {
        let one = process_key([
            ("Northgate Mail", "Order PO-48213"),
            ("Stockline WMS", "Créer commande"),
        ]);
        let other = process_key([
            ("northgate mail", "ORDER po-51877"),
            ("Stockline WMS", "creer  commande,"),
        ]);
        assert_eq!(one, other);
        assert_eq!(one, "northgate-mail:order-po>stockline-wms:creer-commande");
    }

    #[test]
    fn nobody_is_named_in_a_key() {
        for (step, key) in [
            ("Mail anke.jansen@bakker.nl", "mail"),
            ("Mail anke.jansen @ bakker.nl the order", "mail-the-order"),
            ("Mail anke@bakker about it", "mail-about-it"),
            ("Sign in, password: hunter", "sign-in-password"),
            ("anke@bakker.nl", "unnamed"),
        ] {
            assert_eq!(process_key([("", step)]), key, "{step}");
        }
    }

    #[test]
    fn nothing_readable_has_no_name() {
        assert_eq!(process_key([("", "4711"), ("", "")]), "unnamed");
        assert_eq!(process_key([("Mail", ""), ("Mail", "")]), "mail");
    }
}
