//! Where two pictures differ, as boxes, and the words that are left where they do not.

use image::GrayImage;

use super::Word;

const BLOCK: u32 = 16;

/// The earlier words but for those where something changed, and the newly read ones that are none of the earlier.
pub(super) fn merge(earlier: &[Word], changed: &[[u32; 4]], new: Vec<Word>) -> Vec<Word> {
    let is_old = |w: &&Word| !changed.iter().any(|area| touches(w, *area));
    let mut words: Vec<Word> = earlier.iter().filter(is_old).cloned().collect();
    let kept = words.len();
    for word in new {
        let known = words[..kept]
            .iter()
            .any(|w| touches(w, [word.left, word.top, word.right(), word.bottom()]));
        if !known {
            words.push(word);
        }
    }
    words
}

pub(super) fn size([x0, y0, x1, y1]: [u32; 4]) -> u64 {
    u64::from(x1.saturating_sub(x0)) * u64::from(y1.saturating_sub(y0))
}

/// What changed with enough around it that no changed word is cut.
pub(super) fn around([x0, y0, x1, y1]: [u32; 4], (width, height): (u32, u32)) -> [u32; 4] {
    [
        x0.saturating_sub(96),
        y0.saturating_sub(28),
        (x1 + 96).min(width),
        (y1 + 28).min(height),
    ]
}

/// Boxes that overlap, or lie closer than `near` pixels, become one.
pub(super) fn joined(areas: Vec<[u32; 4]>, near: u32) -> Vec<[u32; 4]> {
    let mut boxes: Vec<[u32; 4]> = Vec::new();
    for area in areas {
        let mut area = area;
        while let Some(i) = boxes.iter().position(|b| {
            b[0] < area[2] + near && area[0] < b[2] + near && b[1] < area[3] + near && area[1] < b[3] + near
        }) {
            let b = boxes.swap_remove(i);
            area = [
                area[0].min(b[0]),
                area[1].min(b[1]),
                area[2].max(b[2]),
                area[3].max(b[3]),
            ];
        }
        boxes.push(area);
    }
    boxes
}

const fn touches(word: &Word, [x0, y0, x1, y1]: [u32; 4]) -> bool {
    word.left < x1 && word.right() > x0 && word.top < y1 && word.bottom() > y0
}

/// Boxes around the blocks that differ; none where nothing does.
pub(super) fn difference(one: &GrayImage, other: &GrayImage) -> Vec<[u32; 4]> {
    let (width, height) = one.dimensions();
    let (a, b) = (one.as_raw(), other.as_raw());
    let mut blocks = Vec::new();
    for top in (0..height).step_by(BLOCK as usize) {
        for left in (0..width).step_by(BLOCK as usize) {
            let mut differing = 0;
            for y in top..(top + BLOCK).min(height) {
                let row = (y * width + left) as usize..(y * width + (left + BLOCK).min(width)) as usize;
                differing += a[row.clone()]
                    .iter()
                    .zip(&b[row])
                    .filter(|(p, q)| p.abs_diff(**q) > 40)
                    .count();
            }
            if differing >= 4 {
                blocks.push([left, top, (left + BLOCK).min(width), (top + BLOCK).min(height)]);
            }
        }
    }
    joined(blocks, 3 * BLOCK)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_differs_is_read_again_and_no_word_is_cut() {
        let one = GrayImage::from_pixel(400, 300, image::Luma([255]));
        let mut other = one.clone();
        assert!(difference(&one, &other).is_empty());
        for x in 100..110 {
            other.put_pixel(x, 100, image::Luma([0]));
        }
        let changed = difference(&one, &other);
        assert_eq!(changed, [[96, 96, 112, 112]]);
        let word = |text: &str, left| Word {
            text: text.into(),
            confidence: 1.0,
            left,
            top: 100,
            width: 40,
            height: 12,
        };
        let merged = merge(
            &[word("old", 90), word("beside", 150)],
            &changed,
            vec![word("new", 90), word("besid", 152)],
        );
        let told: Vec<&str> = merged.iter().map(|w| w.text.as_str()).collect();
        assert_eq!(told, ["beside", "new"]);
    }
}
