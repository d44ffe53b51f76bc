//! The built-in analyser: measures what a recording shows, without a model and without the network.
//!
//! [`analyse`] looks at the frames once and gives a [`LocalReply`], which is stored as it is. [`interpret()`] turns a stored
//! reply into insights, purely. It invents nothing: names are words that stand on the screen, times are measured, and a
//! routine is one only if chance does not produce it (`domain::routine`). ADR 0006 says why it is built this way.

mod cluster;
mod interpret;
mod names;
mod reply;
mod retype;
mod text;
mod timeline;
mod window;

use domain::span::TimeSpan;
use tokio_util::sync::CancellationToken;

pub use interpret::interpret;
pub use reply::{FrameText, LocalReply, Screen, Stay, Text, VERSION};

use super::ocr::{OcrError, Tesseract};
use super::redact::{self, Readings, Rules};
use crate::frames::{Extraction, Frame};

/// What an analysis needs beside its frames.
#[derive(Debug, Clone)]
pub struct Context {
    /// The word recogniser.
    pub tesseract: Tesseract,
    /// From which length of a standstill on time is idle; 60 unless configured.
    pub idle_threshold_seconds: f64,
    /// What may not be read into any text.
    pub rules: Rules,
    /// The words, if the redaction of the frames has read them already.
    pub readings: Option<Readings>,
    /// Ends the work early.
    pub cancel: CancellationToken,
}

/// Share of a screen's frames that must show a word for it to be the screen's own.
const COMMON: f64 = 0.6;

/// Measures a recording. `on_progress` hears shares of the work, `0..=1`.
pub async fn analyse(
    extraction: &Extraction,
    context: &Context,
    mut on_progress: impl FnMut(f64) + Send,
) -> Result<LocalReply, OcrError> {
    let readings = match &context.readings {
        Some(readings) => readings.clone(),
        None => {
            redact::read(
                extraction,
                &context.rules,
                &context.tesseract,
                &context.cancel,
                |share| on_progress(0.95 * share),
            )
            .await?
        }
    };
    if context.cancel.is_cancelled() {
        return Err(OcrError::Cancelled);
    }
    let reply = measure(extraction, &readings, context.idle_threshold_seconds);
    on_progress(1.0);
    Ok(reply)
}

/// The part of [`analyse`] that does not look at pictures.
pub fn measure(extraction: &Extraction, readings: &Readings, idle_threshold_seconds: f64) -> LocalReply {
    let mut kept: Vec<(&Frame, Vec<Text>)> = Vec::new();
    let mut excluded: Vec<TimeSpan> = readings.excluded.clone();
    for frame in &extraction.frames {
        let Some(reading) = readings.frames.iter().find(|r| r.index == frame.index) else {
            continue;
        };
        if reading.excluded {
            excluded.extend(TimeSpan::new(frame.span.start_seconds, frame.span.end_seconds).ok());
        } else {
            kept.push((
                frame,
                text::in_shares(&reading.words, frame.width_pixels, frame.height_pixels),
            ));
        }
    }
    let excluded = domain::span::union(&excluded);
    let aspect = extraction.width_pixels.max(1) as f32 / extraction.height_pixels.max(1) as f32;
    let words: Vec<&[Text]> = kept.iter().map(|(_, words)| words.as_slice()).collect();
    let pages = text::Page::all(&words);
    let frames: Vec<&Frame> = kept.iter().map(|(frame, _)| *frame).collect();
    let numbers = cluster::kinds(&cluster::screens(&frames, &pages), &words);

    let seen: Vec<timeline::Seen<'_>> = kept
        .iter()
        .zip(&numbers)
        .map(|((frame, words), screen)| timeline::Seen {
            frame,
            screen: *screen,
            words,
        })
        .collect();
    let stays = timeline::stays(extraction, &seen, idle_threshold_seconds);

    let count = numbers.iter().max().map_or(0, |n| n + 1);
    let mut screens: Vec<Screen> = (0..count)
        .map(|id| {
            let of: Vec<&[Text]> = seen.iter().filter(|s| s.screen == id).map(|s| s.words).collect();
            let words = common(&of);
            let names = names::read(&words, &fresh(&words, id, &seen), aspect);
            Screen {
                id,
                application: names.application,
                object: names.object,
                command: names.command,
                name_confidence: names.confidence,
                words,
            }
        })
        .collect();
    agree(&mut screens);
    let frames = seen
        .iter()
        .map(|s| FrameText {
            index: s.frame.index,
            screen: s.screen,
            words: s
                .words
                .iter()
                .filter(|w| !screens[s.screen as usize].words.iter().any(|c| text::same_place(c, w)))
                .cloned()
                .collect(),
        })
        .collect();
    LocalReply {
        version: VERSION.to_owned(),
        duration_seconds: extraction.duration_seconds,
        coverage: extraction.coverage,
        idle_threshold_seconds,
        screens,
        timeline: stays,
        excluded,
        frames,
    }
}

/// The words that a screen shows nearly always, as its clearest frame reads them.
fn common(frames: &[&[Text]]) -> Vec<Text> {
    let needed = (COMMON * frames.len() as f64).ceil() as usize;
    let mut words: Vec<Text> = Vec::new();
    for frame in frames {
        for word in *frame {
            if words.iter().any(|w| text::same_place(w, word)) {
                continue;
            }
            let shown = frames
                .iter()
                .filter(|f| f.iter().any(|w| text::same_place(w, word)))
                .count();
            if shown >= needed {
                words.push(word.clone());
            }
        }
    }
    words
}

/// Which of a screen's words were not on the picture before, at half of its arrivals or more. All of them where the
/// recording begins with it and never comes back.
fn fresh(words: &[Text], screen: u32, seen: &[timeline::Seen<'_>]) -> Vec<Text> {
    let before: Vec<&[Text]> = seen
        .windows(2)
        .filter(|pair| pair[0].screen != screen && pair[1].screen == screen)
        .map(|pair| pair[0].words)
        .collect();
    words
        .iter()
        .filter(|word| {
            let new = before
                .iter()
                .filter(|b| !b.iter().any(|w| text::same_place(w, word)))
                .count();
            2 * new >= before.len()
        })
        .cloned()
        .collect()
}

/// One spelling for one application: the one that most screens agree on.
fn agree(screens: &mut [Screen]) {
    let spellings: Vec<String> = screens.iter().map(|s| s.application.clone()).collect();
    for screen in screens {
        let best = spellings
            .iter()
            .filter(|s| names::alike(s, &screen.application))
            .max_by_key(|s| {
                (
                    spellings.iter().filter(|o| o == s).count(),
                    std::cmp::Reverse((*s).clone()),
                )
            });
        if let Some(best) = best {
            screen.application.clone_from(best);
        }
    }
}
