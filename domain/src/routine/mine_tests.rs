use super::*;
use crate::span::TimeSpan;
use proptest::prelude::*;

/// One visit of ten seconds per letter; a capital is a busy screen.
fn visits(letters: &str) -> Vec<Visit> {
    letters
        .chars()
        .filter(char::is_ascii_alphabetic)
        .enumerate()
        .map(|(i, letter)| {
            let span = TimeSpan::new(10.0 * i as f64, 10.0 * (i + 1) as f64).unwrap();
            let waiting = if letter.is_ascii_uppercase() {
                vec![span]
            } else {
                vec![]
            };
            Visit {
                screen: u32::from(letter),
                span,
                waiting,
                idle: vec![],
            }
        })
        .collect()
}

fn told(routine: &FoundRoutine) -> (String, Vec<(usize, usize)>) {
    let name = routine.screens.iter().filter_map(|s| char::from_u32(*s)).collect();
    (
        name,
        routine
            .occurrences
            .iter()
            .map(|o| (o.visits[0], o.visits[o.visits.len() - 1]))
            .collect(),
    )
}

#[test]
fn a_routine_is_found_whole_with_unrelated_work_between_and_inside() {
    let found = mine(&visits("iofs iofs p iofWs n iofs iopfs np iofs np"));
    assert_eq!(found.len(), 1);
    assert_eq!(
        told(&found[0]),
        (
            "iofs".into(),
            vec![(0, 3), (4, 7), (9, 13), (15, 18), (19, 23), (26, 29)]
        )
    );
    assert!((found[0].occurrences[2].occurrence.waiting_seconds - 10.0).abs() < 1e-9);
    assert!((found[0].occurrences[4].occurrence.active_seconds - 40.0).abs() < 1e-9);
    assert_eq!(found[0].occurrences[4].foreign, [21]);
}

#[test]
fn what_lies_inside_now_and_then_is_no_step() {
    let found = mine(&visits("ibzl r ibwzl r ibzl c icbzl r ibwzl w ibzl w icbzl w ibzl w r"));
    assert_eq!(told(&found[0]).0, "ibzl");
    assert_eq!(found[0].occurrences.len(), 8);
}

#[test]
fn the_long_routine_wins_over_the_frequent_pair() {
    let found = mine(&visits("iofs io io iofs iox iofs ioy io iofs iofs io iofs"));
    assert_eq!(told(&found[0]).0, "iofs");
    assert_eq!(found[0].occurrences.len(), 6);
}

#[test]
fn two_in_a_row_are_two() {
    for letters in [
        "abcd abcd abcd abcd abcd abcd abcd abcd",
        "abcx abc abcx abcy abcx abc abcx abcx",
    ] {
        let found = mine(&visits(letters));
        assert_eq!(found[0].occurrences.len(), 8, "{letters}: {:?}", told(&found[0]));
    }
}

#[test]
fn going_back_is_rework_of_the_same_occurrence() {
    let found = mine(&visits("x ofs y ofs z ofofs x ofs ofs y ofs"));
    assert_eq!(told(&found[0]).0, "ofs");
    assert_eq!(
        told(&found[0]).1,
        [(1, 3), (5, 7), (9, 13), (15, 17), (18, 20), (22, 24)]
    );
    assert_eq!(found[0].occurrences[2].rework, [11, 12]);
}

#[test]
fn two_routines_are_both_found() {
    let found = mine(&visits(
        "abcd pqr abcd pqr x abcd pqr abcd y pqr abcd pqr z abcd pqr pqr abcd",
    ));
    let mut names: Vec<String> = found.iter().map(|r| told(r).0).collect();
    names.sort();
    assert!(names == ["abcd", "pqr"] || names == ["abcdpqr"], "{names:?}");
}

#[test]
fn two_routines_in_turn_are_not_one() {
    let found = mine(&visits("fpk fpk tre n fpk tre tre n fpfpk tre fpk n tre fpk fpk n tre"));
    let mut names: Vec<(String, usize)> = found.iter().map(|r| (told(r).0, r.occurrences.len())).collect();
    names.sort();
    assert_eq!(names, [("fpk".into(), 7), ("tre".into(), 6)]);
}

#[test]
fn too_little_is_nothing() {
    for letters in ["", "a", "ab", "abab", "abcabc", "aaaa", "abcdefgh"] {
        assert_eq!(mine(&visits(letters)), [], "{letters}");
    }
}

fn random_letters(seed: u64, screens: u64, length: usize) -> String {
    let mut state = seed
        .wrapping_mul(0x5851_f42d_4c95_7f2d)
        .wrapping_add(0x1405_7b7e_f767_814f);
    let mut letters = String::new();
    while letters.len() < length {
        state = state
            .wrapping_mul(0x5851_f42d_4c95_7f2d)
            .wrapping_add(0x1405_7b7e_f767_814f);
        let letter = char::from(b'a' + ((state >> 33) % screens) as u8);
        if !letters.ends_with(letter) {
            letters.push(letter);
        }
    }
    letters
}

#[test]
fn random_work_holds_no_routine_but_for_the_odd_coincidence() {
    let recordings: Vec<String> = (0..60)
        .map(|seed| random_letters(seed, 4 + seed % 7, 20 + (seed as usize * 7) % 50))
        .collect();
    let fooled = recordings
        .iter()
        .filter(|letters| !mine(&visits(letters)).is_empty())
        .count();
    assert!(fooled <= 3, "{fooled} of 60");
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 24, ..ProptestConfig::default() })]
    #[test]
    fn times_add_up_and_occurrences_never_overlap(seed in 0u64..10_000, screens in 3u64..7, length in 0usize..40) {
        let letters = random_letters(seed, screens, length);
        for routine in mine(&visits(&format!("abcde abcde abcde {letters} abcde abcde"))) {
            prop_assert!(routine.screens.len() >= 2);
            for pair in routine.occurrences.windows(2) {
                prop_assert!(pair[0].occurrence.span.end_seconds() <= pair[1].occurrence.span.start_seconds());
            }
            for found in &routine.occurrences {
                let o = found.occurrence;
                prop_assert!(o.active_seconds + o.waiting_seconds + o.idle_seconds <= o.span.seconds() + 1e-9);
                prop_assert!(o.active_seconds > 0.0);
            }
        }
    }
}

#[test]
fn a_routine_is_found_among_interruptions_corrections_and_another_routine() {
    for (letters, routines) in [
        // Steps taken again, in another order, after a look at something else.
        (
            "eakbrc eakbcr s pot eakbkbr easkbakbr u eakbr c pot eakbr u s eackbr s",
            &[("eakbr", 7)][..],
        ),
        (
            "g ditve c ditve dicitve g ditve c dcg dititve c ditve ditcve",
            &[("ditve", 7)],
        ),
        // A step that is another screen now and then: what lies across the end of the routine is longer, and no routine.
        (
            "w rsav rsav k p rsav w rxav rsasav p k w ryav rswav rsav p",
            &[("rsav", 8)],
        ),
        // A first step that is left out now and then.
        (
            "x qabcde qabcde m qabcde abcde v w qabcde qabcde qabcde m",
            &[("qabcde", 7)],
        ),
        // What often follows, and as often comes alone, is a routine of its own.
        (
            "abcfde abcfde u abcfde v abcfde w abcf xyuv dey deu dev dew",
            &[("abcf", 5), ("de", 8)],
        ),
        // Two that follow or interrupt each other.
        (
            "qpgw t qpgw cef h qpigw t qpcefgw i h qpgpgw cef t qpghw i cef qpgw t",
            &[("qpgw", 7), ("cef", 4)],
        ),
    ] {
        let found = mine(&visits(letters));
        let names: Vec<(String, usize)> = found.iter().map(|r| (told(r).0, r.occurrences.len())).collect();
        let expected: Vec<(String, usize)> = routines.iter().map(|(name, n)| ((*name).to_owned(), *n)).collect();
        assert_eq!(names, expected, "{letters}");
    }
}

#[test]
fn a_screen_that_made_wait_now_and_then_is_a_step_and_one_that_always_does_is_none() {
    let mut all = visits("abcd abcd abWcd x abcd abWcd abcd");
    for last in [7, 17] {
        all[last].waiting = vec![all[last].span];
    }
    let found = mine(&all);
    assert_eq!((told(&found[0]).0.as_str(), found[0].occurrences.len()), ("abcd", 6));
}
