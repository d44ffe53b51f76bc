//! Check digits. Each function takes bare digits (or letters and digits where said) and its source is named.

/// The digits of a text.
pub fn digits(text: &str) -> Vec<u32> {
    text.chars().filter_map(|letter| letter.to_digit(10)).collect()
}

fn number(digits: &[u32]) -> u64 {
    digits.iter().fold(0, |sum, digit| sum * 10 + u64::from(*digit))
}

/// Luhn's test of payment cards (ISO/IEC 7812-1, annex B).
pub fn luhn(digits: &[u32]) -> bool {
    let sum: u32 = digits
        .iter()
        .rev()
        .enumerate()
        .map(|(place, digit)| match (place % 2, digit * 2) {
            (0, _) => *digit,
            (_, double) if double > 9 => double - 9,
            (_, double) => double,
        })
        .sum();
    sum.is_multiple_of(10)
}

/// The "eleven test" of Dutch citizen service numbers: nine digits weighted 9 to 2 and the last -1; divisible by 11.
pub fn bsn(digits: &[u32]) -> bool {
    let [head @ .., last] = digits else {
        return false;
    };
    if head.len() != 8 || digits.iter().all(|digit| *digit == 0) {
        return false;
    }
    let sum: i64 = head
        .iter()
        .zip((2..=9).rev())
        .map(|(digit, weight)| i64::from(*digit) * weight)
        .sum();
    (sum - i64::from(*last)) % 11 == 0
}

/// Belgian national numbers: the last two of eleven digits are 97 less the first nine modulo 97, with a 2 before these nine
/// for those born from 2000. The month may be raised by 20 or 40 (bis numbers).
pub fn belgian_national_number(digits: &[u32]) -> bool {
    if digits.len() != 11 {
        return false;
    }
    let (month, day) = (number(&digits[2..4]), number(&digits[4..6]));
    let plausible = month % 20 <= 12 && month < 53 && day <= 31;
    let (head, check) = (number(&digits[..9]), number(&digits[9..]));
    plausible && [head, 2_000_000_000 + head].iter().any(|head| 97 - head % 97 == check)
}

/// IBAN: the first four characters moved to the end and letters read as 10 to 35, modulo 97 is 1 (ISO 13616, ISO 7064).
/// Takes letters and digits in capitals.
pub fn iban(characters: &str) -> bool {
    if characters.len() < 15 || !characters.is_ascii() {
        return false;
    }
    let (head, tail) = characters.split_at(4);
    let mut rest = 0;
    for character in tail.chars().chain(head.chars()) {
        let Some(value) = character.to_digit(36) else {
            return false;
        };
        rest = if value < 10 {
            rest * 10 + value
        } else {
            rest * 100 + value
        } % 97;
    }
    rest == 1
}

/// Freight containers: four letters, six digits and a check digit; letters count from 10 without multiples of 11, each place
/// doubles, modulo 11 modulo 10 (ISO 6346). Takes capitals.
pub fn container(characters: &str) -> bool {
    let characters: Vec<char> = characters.chars().collect();
    if characters.len() != 11 {
        return false;
    }
    let mut sum = 0;
    for (place, character) in characters[..10].iter().enumerate() {
        let Some(value) = character.to_digit(36) else {
            return false;
        };
        // A is 10, B..K 12..21, L..U 23..32, V..Z 34..38: one more after each multiple of 11 that is left out.
        let value = if value > 10 { value + (value - 1) / 10 } else { value };
        sum += value << place;
    }
    characters[10].to_digit(10) == Some(sum % 11 % 10)
}

/// Air waybills: after the airline's three digits seven digits and their remainder by 7 (IATA Resolution 600a).
pub fn air_waybill(digits: &[u32]) -> bool {
    digits.len() == 11 && number(&digits[3..10]) % 7 == u64::from(digits[10])
}

/// Serial shipping container codes: 18 digits, weighted 3 and 1 in turn, a multiple of 10 (GS1 General Specifications).
pub fn sscc(digits: &[u32]) -> bool {
    digits.len() == 18
        && digits
            .iter()
            .enumerate()
            .map(|(place, digit)| if place % 2 == 0 { digit * 3 } else { *digit })
            .sum::<u32>()
            % 10
            == 0
}

#[cfg(test)]
mod tests {
    use super::*;

    type Check = fn(&[u32]) -> bool;

    #[test]
    fn published_examples_pass_and_their_neighbours_do_not() {
        let cases: [(&str, Check, &str); 6] = [
            ("card", luhn, "4111111111111111"),
            ("bsn", bsn, "111222333"),
            ("national number", belgian_national_number, "85073003328"),
            ("air waybill", air_waybill, "02012345675"),
            ("sscc", sscc, "106141412345678908"),
            ("national number from 2000", belgian_national_number, "17073003384"),
        ];
        for (what, check, example) in cases {
            let example = digits(example);
            assert!(check(&example), "{what}");
            let mut wrong = example.clone();
            let last = wrong.len() - 1;
            wrong[last] = (wrong[last] + 1) % 10;
            assert!(!check(&wrong), "{what}");
        }
        assert!(iban("NL91ABNA0417164300") && iban("BE68539007547034") && iban("DE89370400440532013000"));
        assert!(!iban("NL91ABNA0417164301"));
        assert!(container("CSQU3054383") && container("MSKU6011672") && container("TGHU7599330"));
        assert!(!container("CSQU3054384"));
    }

    #[test]
    fn container_letters_skip_the_multiples_of_eleven() {
        // The value of the first letter shows in the sum alone: XAAA000000 with 2 x 10 + 4 x 10 + 8 x 10 behind it.
        for (letter, value) in [
            ('A', 10),
            ('B', 12),
            ('K', 21),
            ('L', 23),
            ('U', 32),
            ('V', 34),
            ('Z', 38),
        ] {
            let check = (value + 140) % 11 % 10;
            assert!(container(&format!("{letter}AAA000000{check}")), "{letter}");
        }
    }
}
