//! Cutting the frames of a recording into as many requests as the endpoint's limits need.

use std::ops::Range;

/// What one request may hold.
#[derive(Debug, Clone, Copy)]
pub struct Limits {
    /// Pictures.
    pub images: usize,
    /// Length of the whole body.
    pub request_bytes: u64,
    /// Length of one picture's file.
    pub image_bytes: u64,
    /// Tokens of text and pictures, after the room for the answer is taken off.
    pub prompt_tokens: u64,
}

/// What one frame adds to a request.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Load {
    /// Length of the picture's file.
    pub image_bytes: u64,
    /// Tokens of the picture and its line.
    pub tokens: u64,
}

/// JSON around one picture: its line, the part's names, the head of the data URL.
const BYTES_AROUND_IMAGE: u64 = 320;

impl Load {
    /// What it adds to the body: base64 makes four characters of three bytes.
    fn body_bytes(self) -> u64 {
        self.image_bytes.div_ceil(3) * 4 + BYTES_AROUND_IMAGE
    }

    /// Whether any request can carry it.
    pub fn fits_alone(self, limits: &Limits, fixed: Load) -> bool {
        limits.images > 0 && self.image_bytes <= limits.image_bytes && holds(&[self], limits, fixed)
    }
}

fn holds(frames: &[Load], limits: &Limits, fixed: Load) -> bool {
    frames.len() <= limits.images
        && frames.iter().map(|frame| frame.body_bytes()).sum::<u64>() + fixed.image_bytes <= limits.request_bytes
        && frames.iter().map(|frame| frame.tokens).sum::<u64>() + fixed.tokens <= limits.prompt_tokens
}

/// Cuts frames, in their order, into the fewest requests that the limits allow, about equally full.
///
/// `fixed` is what every request holds besides frames: the length of its text (as `image_bytes`) and its tokens. Each
/// frame must fit alone.
pub fn split(frames: &[Load], limits: &Limits, fixed: Load) -> Vec<Range<usize>> {
    let mut greedy: Vec<Range<usize>> = Vec::new();
    for position in 0..frames.len() {
        match greedy.last_mut() {
            Some(last) if holds(&frames[last.start..=position], limits, fixed) => {
                last.end = position + 1;
            }
            _ => greedy.push(position..position + 1),
        }
    }
    let parts = greedy.len();
    let even: Vec<_> = (0..parts)
        .map(|part| frames.len() * part / parts..frames.len() * (part + 1) / parts)
        .collect();
    if even.iter().all(|range| holds(&frames[range.clone()], limits, fixed)) {
        even
    } else {
        greedy
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    const LIMITS: Limits = Limits {
        images: 500,
        request_bytes: 50_000_000,
        image_bytes: 20_000_000,
        prompt_tokens: 120_000,
    };
    const FIXED: Load = Load {
        image_bytes: 6_000,
        tokens: 2_000,
    };

    #[test]
    fn three_hundred_full_screens_need_three_requests_of_gpt_4o() {
        let frames = vec![
            Load {
                image_bytes: 150_000,
                tokens: 1_130
            };
            300
        ];
        let parts = split(&frames, &LIMITS, FIXED);
        assert_eq!(parts, [0..100, 100..200, 200..300]);
    }

    #[test]
    fn the_picture_limit_the_body_limit_and_nothing_at_all() {
        let small = vec![
            Load {
                image_bytes: 1_000,
                tokens: 10
            };
            501
        ];
        assert_eq!(split(&small, &LIMITS, FIXED), [0..250, 250..501]);
        let large = vec![
            Load {
                image_bytes: 15_000_000,
                tokens: 10
            };
            3
        ];
        assert_eq!(split(&large, &LIMITS, FIXED), [0..1, 1..3]);
        assert!(split(&[], &LIMITS, FIXED).is_empty());
        assert!(
            !Load {
                image_bytes: 20_000_001,
                tokens: 1
            }
            .fits_alone(&LIMITS, FIXED)
        );
        assert!(
            !Load {
                image_bytes: 1,
                tokens: 118_001
            }
            .fits_alone(&LIMITS, FIXED)
        );
    }

    proptest! {
        #[test]
        fn every_frame_is_in_exactly_one_request_and_every_request_fits(
            loads in prop::collection::vec((1u64..9_000_000, 1u64..60_000), 0..60)
        ) {
            let frames: Vec<_> = loads.into_iter().map(|(image_bytes, tokens)| Load { image_bytes, tokens }).collect();
            prop_assume!(frames.iter().all(|frame| frame.fits_alone(&LIMITS, FIXED)));
            let parts = split(&frames, &LIMITS, FIXED);
            let joined: Vec<usize> = parts.iter().cloned().flatten().collect();
            prop_assert_eq!(joined, (0..frames.len()).collect::<Vec<_>>());
            for part in parts {
                prop_assert!(holds(&frames[part], &LIMITS, FIXED));
            }
        }
    }
}
