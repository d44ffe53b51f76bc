//! Which frames show the same screen.
//!
//! The words decide where there are enough of them (labels stay, data changes), else the layout does: the perceptual hash
//! of the picture and the number that the frame extraction gave it.

use super::text::Page;
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
    let mut members: Vec<Vec<usize>> = Vec::new();
    let mut numbers = Vec::with_capacity(frames.len());
    for (i, frame) in frames.iter().enumerate() {
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
                    .map(|j| same(frame, &pages[i], frames[*j], &pages[*j]))
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

/// From 1 on two frames show the same screen; the more, the surer.
fn same(one: &Frame, one_page: &Page, other: &Frame, other_page: &Page) -> f32 {
    let differing = (one.fingerprint ^ other.fingerprint).count_ones();
    let layout = differing <= SAME_LAYOUT || one.screen == other.screen;
    if one_page.len() >= ENOUGH_WORDS && other_page.len() >= ENOUGH_WORDS {
        let likeness = one_page.likeness(other_page);
        return likeness / if layout { SAME_WORDS_AND_LAYOUT } else { SAME_WORDS };
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
