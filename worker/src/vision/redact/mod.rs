//! Personal data on pictures: found in their words, covered with solid black before a picture is stored or sent, and
//! masked in every text that is made of them.
//!
//! It fails closed: without text recognition there is no redacted frame and no text. What it cannot do is written down in
//! ADR 0006: names need a list (the exclusions), and pictures of handwriting or blurred print are not read.

mod again;
mod columns;
mod dots;
mod exclusions;
mod find;
mod known;
mod lines;

use std::io::Write;

use domain::span::TimeSpan;
use image::{GrayImage, Rgb, RgbImage, codecs::jpeg::JpegEncoder};
use serde::{Deserialize, Serialize};
use tokio_util::sync::CancellationToken;

pub use self::again::again;
use self::exclusions::Exclusion;
use self::known::Known;
use self::lines::Line;
use super::ocr::{OcrError, Tesseract, Word, read_all};
use crate::frames::Extraction;

/// What stands in texts where personal data stood on the screen.
pub const MASK: &str = "█████";
/// Pixels around a covered box.
const MARGIN: u32 = 4;
/// As the frames were written.
const JPEG_QUALITY: u8 = 85;

/// What is personal, by the session's and organization's settings.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Rules {
    /// E-mail addresses, phone numbers, accounts, cards, citizen numbers, keys.
    pub personal_data: bool,
    /// Fields of dots, and what stands beside the word password.
    pub passwords: bool,
    /// Words, window titles or applications: a screen that shows one is dropped whole.
    pub exclusions: Vec<String>,
}

impl Default for Rules {
    fn default() -> Self {
        Self {
            personal_data: true,
            passwords: true,
            exclusions: Vec::new(),
        }
    }
}

/// The words of one frame after redaction.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Reading {
    /// Index of the frame.
    pub index: u32,
    /// Its words; personal ones are [`MASK`]. Empty when excluded.
    pub words: Vec<Word>,
    /// Boxes to cover, in the frame's pixels: left, top, right, bottom.
    pub covered: Vec<[u32; 4]>,
    /// Dropped whole.
    pub excluded: bool,
}

/// The words of a recording's frames after redaction.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct Readings {
    /// One for each frame, in order.
    pub frames: Vec<Reading>,
    /// Time of screens that were dropped.
    pub excluded: Vec<TimeSpan>,
}

/// Reads the frames' words and finds what must be covered. Writes nothing.
pub async fn read(
    extraction: &Extraction,
    rules: &Rules,
    tesseract: &Tesseract,
    cancel: &CancellationToken,
    mut on_progress: impl FnMut(f64) + Send,
) -> Result<Readings, OcrError> {
    let files: Vec<_> = extraction.frames.iter().map(|f| f.file.clone()).collect();
    let inspect = if rules.passwords {
        dots::rows
    } else {
        |_: &GrayImage| Vec::new()
    };
    let read = read_all(tesseract, &files, cancel, inspect, &mut on_progress).await?;
    let indexes = extraction.frames.iter().map(|frame| frame.index);
    let frames: Vec<_> = indexes
        .zip(read)
        .map(|(index, (words, dots))| (index, words, dots))
        .collect();
    let rules = rules.clone();
    let mut readings = Readings {
        // Where nothing else waits for it: the lease is kept alive meanwhile.
        frames: tokio::task::spawn_blocking(move || judge_all(frames.into_iter(), &rules))
            .await
            .map_err(|e| OcrError::Failed(e.to_string()))?,
        excluded: Vec::new(),
    };
    let screens: Vec<u32> = extraction.frames.iter().map(|frame| frame.screen).collect();
    drop_neighbours(&screens, &mut readings.frames);
    readings.excluded = domain::span::union(
        &extraction
            .frames
            .iter()
            .zip(&readings.frames)
            .filter(|(_, reading)| reading.excluded)
            .filter_map(|(frame, _)| TimeSpan::new(frame.span.start_seconds, frame.span.end_seconds).ok())
            .collect::<Vec<_>>(),
    );
    Ok(readings)
}

/// A frame of an excluded screen on which the word was hidden or misread goes with its neighbours in time. `screens` are those
/// of the frames.
fn drop_neighbours(screens: &[u32], readings: &mut [Reading]) {
    let hidden: Vec<bool> = readings.iter().map(|r| r.excluded).collect();
    let forth: Vec<usize> = (0..readings.len()).collect();
    let back: Vec<usize> = forth.iter().rev().copied().collect();
    for order in [forth, back] {
        let (mut open, mut before) = (false, None);
        for i in order {
            open = hidden[i] || (open && before.is_some_and(|b: usize| screens[b] == screens[i]));
            if open {
                let reading = &mut readings[i];
                reading.excluded = true;
                reading.words.clear();
                reading.covered.clear();
            }
            before = Some(i);
        }
    }
}

/// The frames of one recording: each by itself, and then for what was found on another.
fn judge_all(frames: impl Iterator<Item = (u32, Vec<Word>, Vec<[u32; 4]>)>, rules: &Rules) -> Vec<Reading> {
    let exclusions: Vec<Exclusion> = rules
        .exclusions
        .iter()
        .filter_map(|text| Exclusion::new(text))
        .collect();
    let mut known = Known::default();
    let judged: Vec<Judged> = frames
        .map(|(index, words, dots)| Judged::new(index, words, dots, rules, &exclusions, &mut known))
        .collect();
    judged.into_iter().map(|frame| frame.covered(&known)).collect()
}

/// A frame and what is personal on it by itself.
struct Judged {
    index: u32,
    words: Vec<Word>,
    lines: Vec<Line>,
    personal: Vec<bool>,
    dots: Vec<[u32; 4]>,
    excluded: bool,
}

impl Judged {
    fn new(
        index: u32,
        words: Vec<Word>,
        mut dots: Vec<[u32; 4]>,
        rules: &Rules,
        exclusions: &[Exclusion],
        known: &mut Known,
    ) -> Self {
        let lines = lines::lines(&words);
        let excluded = exclusions::shows_any(&lines, exclusions);
        let mut personal = vec![false; words.len()];
        if rules.personal_data {
            // Of an excluded screen too: what it shows may stand on others.
            let found = find::personal(&words, &lines);
            found.words.iter().for_each(|i| personal[*i] = true);
            found.values.iter().for_each(|value| known.learn(value));
        }
        if rules.passwords {
            for i in find::secrets(&words, &lines) {
                personal[i] = true;
            }
        } else {
            dots.clear();
        }
        for row in &dots {
            for (word, personal) in words.iter().zip(&mut personal) {
                *personal |= word.left < row[2] && word.right() > row[0] && word.top < row[3] && word.bottom() > row[1];
            }
        }
        Self {
            index,
            words,
            lines,
            personal,
            dots,
            excluded,
        }
    }

    fn covered(mut self, known: &Known) -> Reading {
        if self.excluded {
            return Reading {
                index: self.index,
                words: Vec::new(),
                covered: Vec::new(),
                excluded: true,
            };
        }
        for line in &self.lines {
            known.shown(&self.words, line, |i| self.personal[i] = true);
        }
        let mut covered = self.dots;
        for (word, _) in self
            .words
            .iter_mut()
            .zip(&self.personal)
            .filter(|(_, personal)| **personal)
        {
            covered.push([word.left, word.top, word.right(), word.bottom()]);
            MASK.clone_into(&mut word.text);
        }
        Reading {
            index: self.index,
            words: self.words,
            covered,
            excluded: false,
        }
    }
}

/// Covers the frames' pictures in place and removes those of excluded screens, file and all.
///
/// A picture is replaced whole or not at all; when this fails, what is not covered yet must not be stored or sent.
pub async fn cover(extraction: &mut Extraction, readings: &Readings) -> Result<(), OcrError> {
    let jobs: Vec<_> = extraction
        .frames
        .iter()
        .map(|frame| {
            (
                frame.file.clone(),
                readings.frames.iter().find(|r| r.index == frame.index).cloned(),
            )
        })
        .collect();
    tokio::task::spawn_blocking(move || -> Result<(), OcrError> {
        for (file, reading) in jobs {
            match reading {
                // Not read is not known to be clean.
                None => std::fs::remove_file(&file)?,
                Some(reading) if reading.excluded => std::fs::remove_file(&file)?,
                Some(reading) if reading.covered.is_empty() => {}
                Some(reading) => {
                    let mut picture = image::open(&file)?.to_rgb8();
                    for area in &reading.covered {
                        fill(&mut picture, *area);
                    }
                    let mut jpeg = Vec::new();
                    JpegEncoder::new_with_quality(&mut jpeg, JPEG_QUALITY).encode_image(&picture)?;
                    let mut temporary =
                        tempfile::NamedTempFile::new_in(file.parent().unwrap_or_else(|| std::path::Path::new(".")))?;
                    temporary.write_all(&jpeg)?;
                    temporary.persist(&file).map_err(|e| e.error)?;
                }
            }
        }
        Ok(())
    })
    .await
    .map_err(|e| OcrError::Failed(e.to_string()))??;
    extraction
        .frames
        .retain(|frame| readings.frames.iter().any(|r| r.index == frame.index && !r.excluded));
    Ok(())
}

fn fill(picture: &mut RgbImage, [left, top, right, bottom]: [u32; 4]) {
    let (width, height) = picture.dimensions();
    for y in top.saturating_sub(MARGIN)..(bottom + MARGIN).min(height) {
        for x in left.saturating_sub(MARGIN)..(right + MARGIN).min(width) {
            picture.put_pixel(x, y, Rgb([0, 0, 0]));
        }
    }
}

/// Masks personal data in a text that came from elsewhere than the words of a frame (a model's answer, a title).
pub fn mask(text: &str) -> String {
    find::mask(text)
}

/// Masks personal data in texts of which one may say what another is: the elements of a list, behind the name of their field.
pub fn mask_together(name: &str, texts: &mut [&mut String]) {
    find::mask_together(name, texts);
}

#[cfg(test)]
mod tests {
    use super::*;

    fn word(text: &str, left: u32, top: u32) -> Word {
        Word {
            text: text.to_owned(),
            confidence: 0.9,
            left,
            top,
            width: 9 * text.chars().count() as u32,
            height: 14,
        }
    }

    /// The texts of frames after redaction, each given as one line.
    fn texts(frames: &[&str], rules: &Rules) -> Vec<String> {
        let frames = frames.iter().enumerate().map(|(index, line)| {
            let mut left = 20;
            let words = line.split(' ').map(|text| {
                let word = word(text, left, 20);
                left += word.width + 8;
                word
            });
            (index as u32, words.collect(), Vec::new())
        });
        let readings = judge_all(frames, rules).into_iter();
        let words = readings.map(|reading| reading.words.into_iter().map(|word| word.text).collect::<Vec<_>>());
        words.map(|words| words.join(" ").replace(MASK, "#")).collect()
    }

    #[test]
    fn what_was_certain_on_one_frame_is_covered_on_all() {
        let frames = [
            "Zoek 111222333 in archief",
            "BSN 111222333 Jansen",
            "Kaart 111 222 333 of klant:111-222-333",
            "IBAN NL91 ABNA 0417 1643 00",
            "?iban=NL91ABNA0417164300&x NL9lABNAO4l7l64300 0417",
            "Order 123456782 ref 1112223330 11122233",
            "Password: required! mail anke@bakker.example",
            "required! anke@ bakker.example",
        ];
        assert_eq!(
            texts(&frames, &Rules::default()),
            [
                "Zoek # in archief",
                "BSN # Jansen",
                "Kaart # # # of #",
                "IBAN # # # # #",
                "# # 0417",
                "Order 123456782 ref 1112223330 11122233",
                "Password: # # #",
                "required! # #",
            ]
        );
        let not_asked_for = Rules {
            personal_data: false,
            passwords: false,
            exclusions: Vec::new(),
        };
        assert_eq!(texts(&frames, &not_asked_for), frames);
    }

    #[test]
    fn an_excluded_frame_tells_what_to_cover_on_the_others() {
        let rules = Rules {
            exclusions: vec!["HR".to_owned()],
            ..Rules::default()
        };
        assert_eq!(
            texts(&["HR-dossier BSN 111222333", "Zoek 111222333"], &rules),
            ["", "Zoek #"]
        );
    }
}
