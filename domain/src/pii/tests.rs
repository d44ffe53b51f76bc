use proptest::prelude::*;

use super::checksum::{self, digits};
use super::*;

fn covered(text: &str) -> String {
    redact(text, &Options::default()).0
}

#[test]
fn personal_data_is_covered() {
    for (text, expected) in [
        ("Mail jan.de-vries+wms@example.co.uk today", "Mail [email] today"),
        ("van: josé.müller@münchen.example, cc", "van: [email], cc"),
        ("jan @ example.nl", "[email]"),
        ("IBAN NL91ABNA0417164300 EUR", "IBAN [iban] EUR"),
        ("NL91 ABNA 0417 1643 00 EUR", "[iban] EUR"),
        ("be68 5390 0754 7034", "[iban]"),
        ("Rekening: NL91 ABNA 0417 1643 01", "Rekening: [iban]"), // misread, but called an account
        ("DE89370400440532013000.", "[iban]."),
        ("card 4111 1111 1111 1111 exp", "card [card] exp"),
        ("4111111111111111", "[card]"),
        ("3782 822463 10005", "[card]"),
        ("Kaartnummer 6759649826438453", "Kaartnummer [card]"),
        ("BSN: 111222333", "BSN: [bsn]"),
        ("Burgerservicenummer 111.222.333", "Burgerservicenummer [bsn]"),
        ("BSN 111-222-333", "BSN [bsn]"),
        ("BSN 11 12 22 333", "BSN [bsn]"),
        ("BSN111222333", "BSN[bsn]"),
        ("BSN-nummer: 111222333", "BSN-nummer: [bsn]"),
        ("8SN 111222333", "8SN [bsn]"), // the label misread
        ("Burgerservicenr. 111222333", "Burgerservicenr. [bsn]"),
        ("Bürgerservicenummer 111222333", "Bürgerservicenummer [bsn]"),
        ("Citizen service number 111222333", "Citizen service number [bsn]"),
        (
            "Numéro de service du citoyen : 111222333",
            "Numéro de service du citoyen : [bsn]",
        ),
        (
            "BSN van de werknemer zoals vermeld op de loonaangifte van de afgelopen maand 1 111222333",
            "BSN van de werknemer zoals vermeld op de loonaangifte van de afgelopen maand 1 [bsn]",
        ),
        ("BSN 1112223", "BSN [bsn]"),      // half typed
        ("BSN: 11122233|", "BSN: [bsn]|"), // with the caret behind it
        ("BSN 111222334", "BSN [bsn]"),    // a digit misread
        ("NL9l ABNA 0417 1643 00", "[iban]"),
        ("NL91 ABNA O417 I643 OO", "[iban]"),
        ("BE6B S390 0754 7034", "[iban]"),
        ("mail anke.jansen@\n  bakker.nl today", "mail [email] today"),
        ("06 - 12345678", "[phone]"),
        ("Tel 06 - 12345678", "Tel [phone]"),
        ("+31 6 - 12345678", "[phone]"),
        ("020 - 123 45 67", "[phone]"),
        ("85.07.30-033.28", "[belgian_national_number]"),
        (
            "Rijksregisternummer 85073003328",
            "Rijksregisternummer [belgian_national_number]",
        ),
        (
            "Numéro national : 17073003384",
            "Numéro national : [belgian_national_number]",
        ),
        ("SSN 123-45-6789", "SSN [ssn]"),
        ("social security 123456789", "social security [ssn]"),
        ("from 192.168.10.24 to", "from [ip_address] to"),
        ("host 2001:db8::8a2e:370:7334.", "host [ip_address]."),
        ("fe80::1ff:fe23:4567:890a", "[ip_address]"),
        ("key sk-proj-abcdefghij0123456789 end", "key [api_key] end"),
        ("ghp_0123456789abcdefghijABCDEFGHIJ012345", "[api_key]"),
        ("AKIAIOSFODNN7EXAMPLE", "[api_key]"),
        ("ns_AbCdEfGhIjKlMnOpQrStUvWxYz", "[api_key]"),
        (
            "Bearer eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxIn0.c2lnbmF0dXJl",
            "Bearer [token]",
        ),
        ("Wachtwoord: Zomer2026!", "Wachtwoord: [password]"),
        ("call +31 6 12345678 now", "call [phone] now"),
        ("+32 (0)475/12.34.56", "[phone]"),
        ("06-12345678", "[phone]"),
        ("06 12 34 56 78", "[phone]"),
        ("Tél. 01 23 45 67 89", "Tél. [phone]"),
        ("(212) 555-0142", "[phone]"),
        ("Tel: 0201234567", "Tel: [phone]"),
        ("GSM 0475123456", "GSM [phone]"),
    ] {
        assert_eq!(covered(text), expected, "{text}");
    }
}

#[test]
fn the_numbers_of_logistics_are_left_alone() {
    for text in [
        "Container CSQU3054383",
        "MSKU 601167 2",
        "AWB 020-12345675",
        "SSCC (00)106141412345678908",
        "106141412345678908",
        "Order 123456789", // nine digits without a word
        "Order 111222333", // even where the citizen number's test passes
        "Invoice 2026-000123 of 01-02-2026 12:30",
        "01/02/2026 1234567",
        "85073003328", // eleven digits without a word
        "HS code 8471.30.00",
        "Weight 12 450.50 kg",
        "EUR 1.234.567,89",
        "MRN 26NLABCDEF12345678",
        "EAN 8712345678906",
        "PO-4500012345 line 10",
        "version 10.0.1.5",
        "std::vec and ab::cd",
        "12:30:45",
        "127.0.0.1",
        "Password: ••••••••",
        "3 @ 5.00 EUR",
        "0012345678",
        "order 4111111111111112", // Luhn fails
        "BSN onbekend, order 12345678",
        "BSN 02-12-1980",
        "BSN 123.456,78",
        "BSN 1234567890", // ten digits
        "Order 111-222-333",
        "11 12 22 333 stuks",
        "EAN 8712345678906 11 12 22 333",
        "0800 - 1230",
        "08.00 - 12.30",
        "01-02-2026 - 05-02-2026",
        "0412 - 4500012345",
        "art. 06 - 1234 567",
        "SKU NL9I-ABNA-0417",
        "3 @\n5.00 EUR",
    ] {
        assert_eq!(covered(text), text);
    }
}

#[test]
fn a_container_number_hides_no_person() {
    assert_eq!(
        covered("CSQU3054383 for jan@example.nl, BSN 111222333"),
        "CSQU3054383 for [email], BSN [bsn]"
    );
}

#[test]
fn excluded_words_are_covered_in_any_case_and_spacing() {
    let options = Options {
        custom_exclusions: vec![
            "Jan  Jansen".to_owned(),
            "project-x".to_owned(),
            " ".to_owned(),
            "(secret)".to_owned(),
        ],
    };
    let redactor = Redactor::new(&options);
    for (text, expected) in [
        ("to JAN JANSEN", "to [excluded]"),
        ("jan\njansen's", "[excluded]'s"),
        ("Jan Jansens", "Jan Jansens"),
        ("Project-X (Secret)", "[excluded] [excluded]"),
    ] {
        assert_eq!(redactor.redact(text).0, expected);
    }
}

#[test]
fn findings_point_into_the_original() {
    let text = "é jan@example.nl é";
    let (_, findings) = redact(text, &Options::default());
    assert_eq!(
        findings,
        [Finding {
            kind: PersonalData::Email,
            start: 3,
            end: 17
        }]
    );
    assert_eq!(&text[3..17], "jan@example.nl");
}

prop_compose! {
    /// A Dutch account with right check digits.
    fn any_iban()(bank in "[A-Z]{4}", account in "[0-9]{10}") -> String {
        let check = (2..=98).find(|check| checksum::iban(&format!("NL{check:02}{bank}{account}"))).unwrap();
        format!("NL{check:02}{bank}{account}")
    }
}

prop_compose! {
    fn any_container()(owner in "[A-Z]{3}[UJZ]", serial in "[0-9]{6}") -> String {
        let check = (0..10).find(|check| checksum::container(&format!("{owner}{serial}{check}"))).unwrap();
        format!("{owner}{serial}{check}")
    }
}

proptest! {
    #[test]
    fn no_account_survives(iban in any_iban(), before in "[a-zA-Z é:,\n]{0,20}", after in "[a-zA-Z é:,\n]{0,20}", grouped in any::<bool>()) {
        let written = if grouped {
            iban.as_bytes().chunks(4).map(|group| std::str::from_utf8(group).unwrap()).collect::<Vec<_>>().join(" ")
        } else {
            iban
        };
        let text = format!("{before} {written} {after}");
        let covered = covered(&text);
        prop_assert!(!covered.contains(&written) && covered.contains("[iban]"), "{covered}");
    }

    #[test]
    fn no_citizen_number_survives_beside_its_word(number in "[0-9]{9}") {
        let text = format!("BSN {number}");
        // Right behind its word it may be misread or half typed; a word away the checksum decides.
        prop_assert_eq!(covered(&text), "BSN [bsn]");
        let away = covered(&format!("BSN of Anke {number}"));
        prop_assert_eq!(away.contains("[bsn]"), checksum::bsn(&digits(&number)));
        let without = covered(&format!("order {number}"));
        prop_assert!(!without.contains("[bsn]"));
    }

    #[test]
    fn containers_stay(container in any_container(), before in "[a-z ]{0,10}", after in "[a-z ]{0,10}") {
        let text = format!("{before} {container} {after}");
        prop_assert_eq!(covered(&text), text);
    }

    #[test]
    fn text_without_numbers_or_signs_is_untouched(text in "[a-zA-Zéèüß ,;!?\n]{0,80}") {
        prop_assert_eq!(covered(&text), text);
    }

    #[test]
    fn findings_are_in_order_apart_and_on_letters(text in ".{0,120}", number in "[0-9+() .:/@\u{ff11}-\u{ff19}\u{661}-\u{669}\u{17f}\u{212a}a-z-]{0,60}", word in prop::option::of("[a-z]{1,3}")) {
        let text = format!("{text}{number} jan@example.nl");
        let redactor = Redactor::new(&Options { custom_exclusions: word.into_iter().collect() });
        let (covered, findings) = redactor.redact(&text);
        prop_assert!(findings.windows(2).all(|pair| pair[0].end <= pair[1].start));
        prop_assert!(findings.iter().all(|f| f.start < f.end && text.get(f.start..f.end).is_some()));
        prop_assert!(!covered.contains("jan@example.nl"));
    }

    #[test]
    fn what_is_covered_stays_as_it_is(text in "[a-z0-9@. +:-]{0,60}") {
        let once = covered(&format!("{text} jan@example.nl 06-12345678"));
        prop_assert_eq!(covered(&once), once);
    }
}
