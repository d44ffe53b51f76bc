//! Redaction of what was stored before somebody asked for more: the words of a reply, and which of its frames must go.
//!
//! Pictures are not looked at: what a frame that stays had covered when it was stored is what it has covered.

use std::collections::BTreeSet;

use domain::span::{TimeSpan, union};
use service::analysis_result::run::StoredFrame;

use super::{Rules, drop_neighbours, judge_all, mask};
use crate::vision::local::{LocalReply, Text};
use crate::vision::ocr::Word;

/// The size of a frame whose row is gone, in pixels: its words alone are left.
const USUAL: (u32, u32) = (1920, 1080);

/// Applies rules to a stored reply as if they had held when it was measured; answers the frames that must go.
///
/// A stay goes whole where one of its frames does. A word that a screen always shows is masked where one of its frames says that
/// it is personal.
pub fn again(reply: &mut LocalReply, stored: &[StoredFrame], rules: &Rules) -> BTreeSet<u32> {
    let row = |index: u32| stored.iter().find(|frame| frame.index == index);
    let always = |screen: u32| -> &[Text] {
        let screen = reply.screens.iter().find(|other| other.id == screen);
        screen.map_or(&[], |screen| screen.words.as_slice())
    };
    let shown = reply.frames.iter().map(|frame| {
        let (width, height) = row(frame.index).map_or(USUAL, |row| (row.width_pixels, row.height_pixels));
        let texts = always(frame.screen).iter().chain(&frame.words);
        let words = texts.map(|text| in_pixels(text, width, height)).collect();
        (frame.index, words, Vec::new())
    });
    let mut readings = judge_all(shown, rules);
    let clear: Vec<Vec<String>> = reply
        .screens
        .iter()
        .map(|screen| screen.words.iter().map(|text| text.text.clone()).collect())
        .collect();
    let places: Vec<u32> = reply
        .frames
        .iter()
        .map(|frame| row(frame.index).map_or(frame.screen, |row| row.screen))
        .collect();
    drop_neighbours(&places, &mut readings);

    let mut gone: BTreeSet<u32> = readings.iter().filter(|r| r.excluded).map(|r| r.index).collect();
    let mut hidden: Vec<TimeSpan> = reply.excluded.clone();
    reply.timeline.retain(|stay| {
        let goes = stay.frames.iter().any(|index| gone.contains(index));
        if goes {
            gone.extend(&stay.frames);
            hidden.push(stay.span);
        }
        !goes
    });
    hidden.extend(gone.iter().filter_map(|index| row(*index)).map(|row| row.span));
    reply.excluded = union(&hidden);

    for (frame, reading) in reply
        .frames
        .iter_mut()
        .zip(&readings)
        .filter(|(frame, _)| !gone.contains(&frame.index))
    {
        let own = reading.words.len() - frame.words.len();
        for (text, word) in frame.words.iter_mut().zip(&reading.words[own..]) {
            text.text.clone_from(&word.text);
        }
        let place = reply.screens.iter().position(|screen| screen.id == frame.screen);
        if let Some((screen, clear)) = place.and_then(|place| reply.screens.get_mut(place).zip(clear.get(place))) {
            // What one of its frames has masked stays so, whatever the others say.
            for ((text, word), clear) in screen.words.iter_mut().zip(&reading.words[..own]).zip(clear) {
                if word.text != *clear {
                    text.text.clone_from(&word.text);
                }
            }
        }
    }
    reply.frames.retain(|frame| !gone.contains(&frame.index));
    let (frames, timeline) = (&reply.frames, &reply.timeline);
    reply.screens.retain(|screen| {
        frames.iter().any(|frame| frame.screen == screen.id) || timeline.iter().any(|stay| stay.screen == screen.id)
    });
    if rules.personal_data {
        for screen in &mut reply.screens {
            for name in [&mut screen.application, &mut screen.object]
                .into_iter()
                .chain(&mut screen.command)
            {
                *name = mask(name);
            }
        }
    }
    gone
}

fn in_pixels(text: &Text, width: u32, height: u32) -> Word {
    let [left, top, right, bottom] = text.area;
    let pixels = |share: f32, of: u32| (share * of as f32).round() as u32;
    let (left, top) = (pixels(left, width), pixels(top, height));
    Word {
        text: text.text.clone(),
        confidence: text.confidence,
        left,
        top,
        width: pixels(right, width).saturating_sub(left),
        height: pixels(bottom, height).saturating_sub(top),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::vision::local::{FrameText, Screen, Stay};
    use crate::vision::redact::MASK;

    fn text(text: &str, left: f32) -> Text {
        Text {
            text: text.to_owned(),
            area: [left, 0.1, left + 0.05, 0.12],
            confidence: 0.9,
        }
    }

    fn span(start: u32) -> TimeSpan {
        TimeSpan::new(f64::from(start), f64::from(start) + 10.0).unwrap()
    }

    /// Ten seconds on each of these screens, each with a word that it always shows and data of its own.
    fn reply(stays: &[(u32, &str, &str)]) -> LocalReply {
        let mut reply = LocalReply {
            version: "local-1".to_owned(),
            duration_seconds: 10.0 * stays.len() as f64,
            coverage: 1.0,
            idle_threshold_seconds: 60.0,
            screens: Vec::new(),
            timeline: Vec::new(),
            excluded: Vec::new(),
            frames: Vec::new(),
        };
        for (index, (screen, always, data)) in (0..).zip(stays) {
            if reply.screens.iter().all(|other| other.id != *screen) {
                reply.screens.push(Screen {
                    id: *screen,
                    application: (*always).to_owned(),
                    object: String::new(),
                    command: None,
                    name_confidence: 0.9,
                    words: vec![text(always, 0.1)],
                });
            }
            reply.timeline.push(Stay {
                screen: *screen,
                span: span(10 * index),
                waiting: Vec::new(),
                idle: Vec::new(),
                edits: 0,
                typing_seconds: 0.0,
                frames: vec![index],
            });
            reply.frames.push(FrameText {
                index,
                screen: *screen,
                words: vec![text(data, 0.16)],
            });
        }
        reply
    }

    #[test]
    fn stricter_rules_take_from_a_stored_reply_what_they_would_have_taken() {
        let measured = reply(&[
            (0, "BSN", "111222333"),
            (1, "Orders", "4500012345"),
            (2, "HR-dossier", "Jansen"),
            (1, "Orders", "111222333"),
        ]);
        let nothing = Rules {
            personal_data: false,
            passwords: false,
            exclusions: Vec::new(),
        };
        let mut same = measured.clone();
        assert!(again(&mut same, &[], &nothing).is_empty());
        assert_eq!(same, measured);

        let strict = Rules {
            exclusions: vec!["HR".to_owned()],
            ..Rules::default()
        };
        let mut covered = measured;
        assert_eq!(again(&mut covered, &[], &strict), BTreeSet::from([2]));
        let data: Vec<&str> = covered
            .frames
            .iter()
            .map(|frame| frame.words[0].text.as_str())
            .collect();
        assert_eq!(data, [MASK, "4500012345", MASK]);
        assert_eq!(
            covered.screens.iter().map(|screen| screen.id).collect::<Vec<_>>(),
            [0, 1]
        );
        assert_eq!(covered.timeline.len(), 3);
        assert_eq!(covered.excluded, [span(20)]);

        let mut twice = covered.clone();
        assert!(again(&mut twice, &[], &strict).is_empty());
        assert_eq!(twice, covered);
    }
}
