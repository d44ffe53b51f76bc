//! Personal data on pictures: found in their words, covered with solid black before a picture is stored or sent, and
//! masked in every text that is made of them.
//!
//! It fails closed: without text recognition there is no redacted frame and no text. What it cannot do is written down in
//! ADR 0006: names need a list (the exclusions), and pictures of handwriting or blurred print are not read.

mod dots;
mod find;

use std::io::Write;

use domain::span::TimeSpan;
use image::{GrayImage, Rgb, RgbImage, codecs::jpeg::JpegEncoder};
use serde::{Deserialize, Serialize};
use tokio_util::sync::CancellationToken;

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
    let exclusions: Vec<String> = rules
        .exclusions
        .iter()
        .map(|e| find::squeezed(e))
        .filter(|e| !e.is_empty())
        .collect();
    let files: Vec<_> = extraction.frames.iter().map(|f| f.file.clone()).collect();
    let inspect = if rules.passwords {
        dots::rows
    } else {
        |_: &GrayImage| Vec::new()
    };
    let read = read_all(tesseract, &files, cancel, inspect, &mut on_progress).await?;
    let mut readings = Readings::default();
    for (frame, (words, dots)) in extraction.frames.iter().zip(read) {
        readings
            .frames
            .push(judge(frame.index, words, dots, rules, &exclusions));
    }
    drop_neighbours(extraction, &mut readings);
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

/// A frame of an excluded screen on which the word was hidden or misread goes with its neighbours in time.
fn drop_neighbours(extraction: &Extraction, readings: &mut Readings) {
    let frames = &extraction.frames;
    let hidden: Vec<bool> = readings.frames.iter().map(|r| r.excluded).collect();
    let joined = |a: usize, b: usize| frames[a].screen == frames[b].screen;
    for step in [1_isize, -1] {
        let mut open = false;
        let order: Vec<usize> = if step > 0 {
            (0..frames.len()).collect()
        } else {
            (0..frames.len()).rev().collect()
        };
        let mut before: Option<usize> = None;
        for i in order {
            open = hidden[i] || (open && before.is_some_and(|b| joined(b, i)));
            if open {
                let reading = &mut readings.frames[i];
                reading.excluded = true;
                reading.words.clear();
                reading.covered.clear();
            }
            before = Some(i);
        }
    }
}

fn judge(index: u32, mut words: Vec<Word>, dots: Vec<[u32; 4]>, rules: &Rules, exclusions: &[String]) -> Reading {
    if find::shows_any(&words, exclusions) {
        return Reading {
            index,
            words: Vec::new(),
            covered: Vec::new(),
            excluded: true,
        };
    }
    let mut covered = Vec::new();
    let mut personal = vec![false; words.len()];
    if rules.personal_data {
        for i in find::personal(&words) {
            personal[i] = true;
        }
    }
    if rules.passwords {
        for i in find::secrets(&words) {
            personal[i] = true;
        }
        for row in dots {
            covered.push(row);
            for (word, personal) in words.iter().zip(&mut personal) {
                *personal |= word.left < row[2] && word.right() > row[0] && word.top < row[3] && word.bottom() > row[1];
            }
        }
    }
    for (word, _) in words.iter_mut().zip(&personal).filter(|(_, personal)| **personal) {
        covered.push([word.left, word.top, word.right(), word.bottom()]);
        MASK.clone_into(&mut word.text);
    }
    Reading {
        index,
        words,
        covered,
        excluded: false,
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
