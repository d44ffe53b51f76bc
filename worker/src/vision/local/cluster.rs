//! Which frames show the same screen.
//!
//! The words decide where there are enough of them (labels stay, data changes), else the layout does: the perceptual hash
//! of the picture and the number that the frame extraction gave it.
//!
//! A page that shows another mail, order or scan each time it is opened has few words that stay. [`kinds`] finds such pages by what
//! stands around the content: the words that come back on several of them.

use super::common;
use super::reply::Text;
use super::text::{Area, Page, Places};
use super::window::foregrounds;
use crate::frames::Frame;

/// Words below which a picture is compared by its layout.
const ENOUGH_WORDS: usize = 6;
/// Likeness from which on two pages are one screen.
const SAME_WORDS: f32 = 0.42;
/// The same, where the layout says so too.
const SAME_WORDS_AND_LAYOUT: f32 = 0.30;
/// Differing bits of 64.
const SAME_LAYOUT: u32 = 5;

/// Numbers the screens of the frames, by first appearance.
pub fn screens(frames: &[&Frame], pages: &[Page]) -> Vec<u32> {
    let front = foregrounds(pages);
    let same = |one: usize, other: usize| {
        same(
            (frames[one], &pages[one], front[one]),
            (frames[other], &pages[other], front[other]),
        )
    };
    let mut members: Vec<Vec<usize>> = Vec::new();
    let mut numbers = Vec::with_capacity(frames.len());
    for i in 0..frames.len() {
        // The newest few members of a screen speak for it: a scrolled page moves on step by step.
        let best = members
            .iter()
            .enumerate()
            .filter_map(|(number, known)| {
                known
                    .iter()
                    .rev()
                    .take(6)
                    .chain(known.first())
                    .map(|j| same(i, *j))
                    .max_by(f32::total_cmp)
                    .filter(|likeness| *likeness >= 1.0)
                    .map(|likeness| (number, likeness))
            })
            .max_by(|a, b| a.1.total_cmp(&b.1));
        let number = best.map_or_else(
            || {
                members.push(Vec::new());
                members.len() - 1
            },
            |(number, _)| number,
        );
        members[number].push(i);
        numbers.push(number as u32);
    }
    numbers
}

/// Visits to any screen between the first and the last to one with words of its own, from which on it is one by itself: somebody who
/// opens a mail twice does so while working on it.
const ESTABLISHED: usize = 8;
/// Share of a screen's print from which on its words are its own.
const OWN: f32 = 0.35;
/// Words around the content that two screens of one kind share and no established screen has.
const TELLING: usize = 2;
/// Likeness of what stands around the content.
const SAME_SURROUNDINGS: f32 = 0.5;

/// A screen that may be one page with another's.
struct Candidate {
    /// All that it shows.
    shown: Places,
    /// What other screens show at the same place.
    around: Vec<Text>,
    surroundings: Page,
    /// Whether it is one by itself.
    established: bool,
}

/// Joins screens that are one page with different content. An established screen stays apart: only what was not seen again later, or
/// hardly says anything itself, is joined, so a mistake touches little.
pub fn kinds(numbers: &[u32], words: &[&[Text]]) -> Vec<u32> {
    let count = numbers.iter().max().map_or(0, |n| *n as usize + 1);
    let mut visits: Vec<(usize, Vec<&[Text]>)> = Vec::new();
    for (number, words) in numbers.iter().zip(words) {
        match visits.last_mut() {
            Some((screen, frames)) if *screen == *number as usize => frames.push(words),
            _ => visits.push((*number as usize, vec![words])),
        }
    }
    let candidates = candidates(count, &visits);
    let established: Vec<&Places> = candidates.iter().filter(|c| c.established).map(|c| &c.shown).collect();
    // Whether two may be one; then, whether an established screen of the same application was there to tell them by. Without, its whole
    // menu would tell them: then they must stand in one place.
    let alike = |i: usize, j: usize| -> Option<bool> {
        let (one, other) = (&candidates[i], &candidates[j]);
        if one.established || other.established {
            return None;
        }
        let shared: Vec<&Text> = one.around.iter().filter(|word| other.shown.has(word)).collect();
        let known = |word: &&&Text| established.iter().any(|shown| shown.has(word));
        let telling = shared.len() - shared.iter().filter(known).count();
        (telling >= TELLING && one.surroundings.likeness(&other.surroundings, None) >= SAME_SURROUNDINGS).then(|| {
            established
                .iter()
                .any(|shown| shared.iter().filter(|word| shown.has(word)).count() >= TELLING)
        })
    };
    let mut pairs: Vec<(usize, usize, bool)> = (0..count)
        .flat_map(|i| (i + 1..count).map(move |j| (i, j)))
        .filter_map(|(i, j)| Some((i, j, alike(i, j)?)))
        .collect();
    let mut kind: Vec<usize> = (0..count).collect();
    // What comes before and behind may be joined first.
    loop {
        let steps: Vec<(usize, usize)> = visits
            .windows(2)
            .map(|pair| (kind[pair[0].0], kind[pair[1].0]))
            .collect();
        let found = pairs.iter().position(|(i, j, known)| {
            let (one, other) = (kind[*i], kind[*j]);
            let in_one_place = steps.iter().any(|(from, to)| {
                *from == one && steps.contains(&(other, *to)) || *to == one && steps.contains(&(*from, other))
            });
            // What follows directly is the next step, not the same page again.
            one != other && (*known || in_one_place) && !steps.contains(&(one, other)) && !steps.contains(&(other, one))
        });
        let Some(found) = found else { break };
        let (i, j, _) = pairs.remove(found);
        let (keep, drop) = (kind[i].min(kind[j]), kind[i].max(kind[j]));
        kind.iter_mut().filter(|k| **k == drop).for_each(|k| *k = keep);
    }
    let mut order: Vec<usize> = Vec::new();
    numbers
        .iter()
        .map(|number| {
            let kind = kind[*number as usize];
            let at = order.iter().position(|known| *known == kind).unwrap_or_else(|| {
                order.push(kind);
                order.len() - 1
            });
            at as u32
        })
        .collect()
}

fn candidates(count: usize, visits: &[(usize, Vec<&[Text]>)]) -> Vec<Candidate> {
    let kept: Vec<Vec<Text>> = (0..count)
        .map(|id| {
            let frames = visits.iter().filter(|(screen, _)| *screen == id);
            common(&frames.flat_map(|(_, frames)| frames).copied().collect::<Vec<_>>())
        })
        .collect();
    let shown: Vec<Places> = kept.iter().map(|words| Places::of(words)).collect();
    kept.iter()
        .enumerate()
        .map(|(id, words)| {
            let elsewhere = |word: &Text| {
                shown
                    .iter()
                    .enumerate()
                    .any(|(other, places)| other != id && places.has(word))
            };
            let (around, mut own): (Vec<Text>, Vec<Text>) = words.iter().cloned().partition(elsewhere);
            let first = visits.iter().position(|(screen, _)| *screen == id).unwrap_or_default();
            let last = visits.iter().rposition(|(screen, _)| *screen == id).unwrap_or_default();
            // What it shows whenever it comes: not the mail that was looked at several times.
            for (_, frames) in [&visits[first], &visits[last]].into_iter().filter(|_| first != last) {
                let then = Places::of(&common(frames));
                own.retain(|word| then.has(word));
            }
            let surroundings = Page::plain(&around);
            let own = Page::plain(&own).weight();
            Candidate {
                shown: shown[id].clone(),
                established: last - first >= ESTABLISHED && own > OWN * (own + surroundings.weight()),
                around,
                surroundings,
            }
        })
        .collect()
}

/// From 1 on two frames show the same screen; the more, the surer. Where a window is in front, of either, it decides.
fn same(one: (&Frame, &Page, Option<Area>), other: (&Frame, &Page, Option<Area>)) -> f32 {
    let ((one_frame, one_page, one_front), (other_frame, other_page, other_front)) = (one, other);
    let differing = (one_frame.fingerprint ^ other_frame.fingerprint).count_ones();
    let layout = differing <= SAME_LAYOUT || one_frame.screen == other_frame.screen;
    if one_page.len() >= ENOUGH_WORDS && other_page.len() >= ENOUGH_WORDS {
        let fronts = one_front.into_iter().chain(other_front);
        return fronts
            .map(|area| one_page.likeness(other_page, Some(area)) / SAME_WORDS)
            .min_by(f32::total_cmp)
            .unwrap_or_else(|| {
                one_page.likeness(other_page, None) / if layout { SAME_WORDS_AND_LAYOUT } else { SAME_WORDS }
            });
    }
    if one_page.len().max(other_page.len()) >= 3 * ENOUGH_WORDS {
        return 0.0;
    }
    if layout {
        1.0 + (64 - differing) as f32 / 64.0
    } else {
        0.0
    }
}

#[cfg(test)]
mod tests {
    use super::super::text::lines;
    use super::*;

    #[test]
    fn a_page_with_other_content_each_time_is_one_and_pages_of_one_menu_are_not() {
        let menu = |rest: &[(&'static str, f32, f32)]| {
            let mut all = vec![("Harbour Mail", 0.05, 0.02), ("Inbox Sent Archive", 0.05, 0.1)];
            all.extend_from_slice(rest);
            lines(&all)
        };
        let mail = |subject: &'static str, body: &'static str| {
            menu(&[
                (subject, 0.3, 0.15),
                ("Reply Forward Print Delete", 0.3, 0.2),
                (body, 0.3, 0.3),
            ])
        };
        let list = || {
            menu(&[
                ("Today unread from subject received size", 0.3, 0.15),
                ("Sorted by date newest first", 0.3, 0.9),
            ])
        };
        let form = || {
            lines(&[
                ("Order entry customer reference article quantity", 0.05, 0.05),
                ("Save and print", 0.6, 0.9),
            ])
        };
        let settings = || menu(&[("Signature language display notifications", 0.3, 0.4)]);
        let filters = || menu(&[("Rules folders senders forwarding", 0.3, 0.6)]);
        let shown = [
            list(),
            mail("Delivery on Tuesday", "We bring twelve pallets in the morning"),
            form(),
            list(),
            mail("Question about an invoice", "Which of the two amounts is right please"),
            form(),
            settings(),
            filters(),
            list(),
            mail("Slot request", "Our driver speaks Spanish only and arrives late"),
            form(),
        ];
        let screens = [0, 1, 2, 0, 3, 2, 4, 5, 0, 6, 2];
        let words: Vec<&[Text]> = shown.iter().map(Vec::as_slice).collect();
        assert_eq!(kinds(&screens, &words), [0, 1, 2, 0, 1, 2, 3, 4, 0, 1, 2]);

        // Pages of one application, one after the other: nothing is established, and nothing is joined.
        for walk in [
            vec![0, 1, 2, 3, 4],
            vec![0, 1, 2, 3, 0, 1, 2, 3],
            vec![0, 1, 2, 3, 4, 0, 1, 2, 3, 4],
        ] {
            let pages = [
                list(),
                settings(),
                filters(),
                mail("Slot request", "Our driver"),
                menu(&[("Contacts", 0.3, 0.5)]),
            ];
            let words: Vec<&[Text]> = walk.iter().map(|page| pages[*page as usize].as_slice()).collect();
            assert_eq!(kinds(&walk, &words), walk);
        }
    }
}
