//! Reading the words of a picture with Tesseract, run as a child process per picture (`OMP_THREAD_LIMIT=1`).
//!
//! Pictures of screens are small print: they are enlarged, dark themes are inverted, and words are looked for anywhere
//! (sparse mode). Between two pictures of a recording only what differs is read again.

use std::path::PathBuf;
use std::process::Stdio;
use std::time::Duration;

use domain::analysis_error::AnalysisErrorCode;
use image::{GrayImage, imageops};
use serde::{Deserialize, Serialize};
use tokio::process::Command;
use tokio_util::sync::CancellationToken;

use crate::process::die_with_parent;

/// One word on a picture, in the picture's pixels.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Word {
    /// As read.
    pub text: String,
    /// The recogniser's own estimate, `0..=1`.
    pub confidence: f32,
    /// Left edge.
    pub left: u32,
    /// Top edge.
    pub top: u32,
    /// Width of its box.
    pub width: u32,
    /// Height of its box.
    pub height: u32,
}

impl Word {
    /// First column right of it.
    pub const fn right(&self) -> u32 {
        self.left + self.width
    }

    /// First row below it.
    pub const fn bottom(&self) -> u32 {
        self.top + self.height
    }
}

/// Why words could not be read.
#[derive(Debug, thiserror::Error)]
pub enum OcrError {
    /// Tesseract is not installed, or not where the configuration says.
    #[error("text recognition is not installed")]
    Missing(#[source] std::io::Error),
    /// A language's data is not installed.
    #[error("text recognition lacks the language {0}")]
    LanguageMissing(String),
    /// It was still reading when its time was up.
    #[error("text recognition took longer than {0} seconds")]
    TimedOut(u64),
    /// Somebody cancelled the analysis.
    #[error("cancelled")]
    Cancelled,
    /// It stopped with an error, or said something that is no result.
    #[error("text recognition failed")]
    Failed(String),
    /// The picture could not be opened or written.
    #[error("a frame could not be read")]
    Picture(#[from] image::ImageError),
    /// The picture's file could not be read or written.
    #[error("a frame's file could not be used")]
    File(#[from] std::io::Error),
}

impl OcrError {
    /// What the analysis fails with.
    pub const fn code(&self) -> AnalysisErrorCode {
        match self {
            Self::Missing(_) | Self::LanguageMissing(_) => AnalysisErrorCode::OcrMissing,
            Self::Cancelled => AnalysisErrorCode::Cancelled,
            Self::TimedOut(_) | Self::Failed(_) | Self::Picture(_) | Self::File(_) => AnalysisErrorCode::Internal,
        }
    }
}

/// An installed Tesseract with the languages that it shall read.
#[derive(Debug, Clone)]
pub struct Tesseract {
    binary: PathBuf,
    languages: String,
    timeout: Duration,
    /// Where its pictures lie while it reads them; the system's folder without one.
    folder: Option<PathBuf>,
}

/// Dutch, English, French, German: the languages of the screens that are recorded.
pub const LANGUAGES: [&str; 4] = ["eng", "nld", "fra", "deu"];

impl Tesseract {
    /// Finds the program (`tesseract` on the path, or where the configuration says) and checks its languages.
    pub async fn find(binary: Option<PathBuf>, languages: &[&str]) -> Result<Self, OcrError> {
        let binary = binary.unwrap_or_else(|| PathBuf::from("tesseract"));
        let told = Command::new(&binary)
            .arg("--list-langs")
            .stdin(Stdio::null())
            .kill_on_drop(true)
            .output()
            .await
            .map_err(OcrError::Missing)?;
        let told = String::from_utf8_lossy(&told.stdout).into_owned() + &String::from_utf8_lossy(&told.stderr);
        for language in languages {
            if !told.lines().any(|line| line.trim() == *language) {
                return Err(OcrError::LanguageMissing((*language).to_owned()));
            }
        }
        Ok(Self {
            binary,
            languages: languages.join("+"),
            timeout: Duration::from_mins(1),
            folder: None,
        })
    }

    /// The same with another limit on the time of one picture.
    #[must_use]
    pub const fn with_timeout(mut self, timeout: Duration) -> Self {
        self.timeout = timeout;
        self
    }

    /// The same with another folder for pictures: they show screens before anything is covered.
    #[must_use]
    pub fn within(mut self, folder: &std::path::Path) -> Self {
        self.folder = Some(folder.to_owned());
        self
    }

    /// Reads the words of one picture.
    pub async fn words(&self, picture: &GrayImage, cancel: &CancellationToken) -> Result<Vec<Word>, OcrError> {
        let sheet = Sheet::of(picture);
        let mut found = self.sheets(std::slice::from_ref(&sheet), cancel).await?;
        Ok(found.pop().unwrap_or_default())
    }

    /// Reads several pictures with one process: loading four languages costs as much as reading a picture.
    async fn sheets(&self, sheets: &[Sheet], cancel: &CancellationToken) -> Result<Vec<Vec<Word>>, OcrError> {
        let folder = match &self.folder {
            Some(folder) => tempfile::tempdir_in(folder)?,
            None => tempfile::tempdir()?,
        };
        let mut list = String::new();
        let mut pages = Vec::new();
        for (index, sheet) in sheets.iter().enumerate().filter(|(_, s)| !s.pixels.is_empty()) {
            let file = folder.path().join(format!("{index}.pgm"));
            tokio::fs::write(&file, &sheet.pixels).await?;
            list.push_str(&file.to_string_lossy());
            list.push('\n');
            pages.push(index);
        }
        let mut found = vec![Vec::new(); sheets.len()];
        if pages.is_empty() {
            return Ok(found);
        }
        let names = folder.path().join("list.txt");
        tokio::fs::write(&names, list).await?;
        let table = self.run(&names, pages.len() as u32, cancel).await?;
        for (page, word) in parse(&table) {
            if let Some(index) = page.checked_sub(1).and_then(|p| pages.get(p as usize)) {
                found[*index].push(sheets[*index].place(word));
            }
        }
        Ok(found)
    }

    async fn run(&self, list: &std::path::Path, pictures: u32, cancel: &CancellationToken) -> Result<String, OcrError> {
        let mut command = Command::new(&self.binary);
        die_with_parent(command.as_std_mut(), libc::SIGKILL);
        let child = command
            .arg(list)
            .args(["stdout", "-l", &self.languages, "--psm", "11", "--dpi", "150", "tsv"])
            .env("OMP_THREAD_LIMIT", "1")
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .kill_on_drop(true)
            .spawn()
            .map_err(OcrError::Missing)?;
        let limit = self.timeout * pictures;
        let output = tokio::select! {
            () = cancel.cancelled() => return Err(OcrError::Cancelled),
            output = tokio::time::timeout(limit, child.wait_with_output()) =>
                output.map_err(|_| OcrError::TimedOut(limit.as_secs()))??,
        };
        if !output.status.success() {
            return Err(OcrError::Failed(String::from_utf8_lossy(&output.stderr).into_owned()));
        }
        Ok(String::from_utf8_lossy(&output.stdout).into_owned())
    }
}

/// A picture prepared for reading: a PGM file's bytes, and how its coordinates go back. Empty when too small to hold words.
struct Sheet {
    pixels: Vec<u8>,
    scale: u32,
    left: u32,
    top: u32,
}

impl Sheet {
    fn of(picture: &GrayImage) -> Self {
        Self::part(picture, [0, 0, picture.width(), picture.height()])
    }

    fn part(picture: &GrayImage, [x0, y0, x1, y1]: [u32; 4]) -> Self {
        let scale = if picture.width() > 2600 { 1 } else { 2 };
        let (width, height) = (x1 - x0, y1 - y0);
        if width < 8 || height < 8 {
            return Self {
                pixels: Vec::new(),
                scale,
                left: x0,
                top: y0,
            };
        }
        let part = imageops::crop_imm(picture, x0, y0, width, height).to_image();
        let mut large = if scale == 1 {
            part
        } else {
            imageops::resize(&part, width * scale, height * scale, imageops::FilterType::CatmullRom)
        };
        if is_dark(&large) {
            imageops::invert(&mut large);
        }
        let mut pixels = format!("P5 {} {} 255\n", large.width(), large.height()).into_bytes();
        pixels.extend_from_slice(large.as_raw());
        Self {
            pixels,
            scale,
            left: x0,
            top: y0,
        }
    }

    /// A word of the sheet in the picture's pixels.
    fn place(&self, word: Word) -> Word {
        Word {
            left: self.left + word.left / self.scale,
            top: self.top + word.top / self.scale,
            width: word.width.div_ceil(self.scale),
            height: word.height.div_ceil(self.scale),
            ..word
        }
    }
}

fn is_dark(picture: &GrayImage) -> bool {
    let (sum, count) = picture
        .as_raw()
        .iter()
        .step_by(7)
        .fold((0_u64, 0_u64), |(sum, count), p| (sum + u64::from(*p), count + 1));
    sum < 110 * count.max(1)
}

/// Reads Tesseract's table: level, page, block, paragraph, line, word, left, top, width, height, confidence, text.
fn parse(table: &str) -> Vec<(u32, Word)> {
    let mut words = Vec::new();
    for line in table.lines() {
        let cells: Vec<&str> = line.splitn(12, '\t').collect();
        let [level, page, _, _, _, _, left, top, width, height, confidence, text] = cells.as_slice() else {
            continue;
        };
        let text = text.trim();
        if *level != "5" || text.is_empty() {
            continue;
        }
        let numbers = (
            page.parse::<u32>(),
            left.parse::<u32>(),
            top.parse::<u32>(),
            width.parse::<u32>(),
            height.parse::<u32>(),
            confidence.parse::<f32>(),
        );
        if let (Ok(page), Ok(left), Ok(top), Ok(width), Ok(height), Ok(confidence)) = numbers {
            let confidence = (confidence / 100.0).clamp(0.0, 1.0);
            words.push((
                page,
                Word {
                    text: text.to_owned(),
                    confidence,
                    left,
                    top,
                    width,
                    height,
                },
            ));
        }
    }
    words
}

const BLOCK: u32 = 16;
/// Pictures to compare with: people go back and forth between a few screens.
const RECENT: usize = 32;
/// Pictures in one process: cancelling and progress are as fine as this.
const BATCH: usize = 8;

/// How a picture of a recording is read: the words of an earlier one, but for a part.
struct Plan {
    earlier: Option<usize>,
    changed: Vec<[u32; 4]>,
    /// How many sheets hold what is new.
    sheets: usize,
}

/// Reads the pictures of one recording in order, and only what is new in each. `inspect` sees every picture on the way.
pub async fn read_all<T: Send + 'static>(
    tesseract: &Tesseract,
    files: &[PathBuf],
    cancel: &CancellationToken,
    inspect: fn(&GrayImage) -> T,
    mut on_progress: impl FnMut(f64) + Send,
) -> Result<Vec<(Vec<Word>, T)>, OcrError> {
    let total = files.len().max(1);
    let mut recent: Vec<(usize, GrayImage)> = Vec::new();
    let mut read: Vec<(Vec<Word>, T)> = Vec::new();
    for (batch, files) in files.chunks(BATCH).enumerate() {
        if cancel.is_cancelled() {
            return Err(OcrError::Cancelled);
        }
        let (files, known, first) = (files.to_vec(), recent, batch * BATCH);
        let (plans, sheets, inspected, known) =
            tokio::task::spawn_blocking(move || plan(&files, first, known, inspect))
                .await
                .map_err(|e| OcrError::Failed(e.to_string()))??;
        recent = known;
        let found = tesseract.sheets(&sheets, cancel).await?;
        let mut found = found.into_iter();
        for (plan, inspected) in plans.into_iter().zip(inspected) {
            let new: Vec<Word> = found.by_ref().take(plan.sheets).flatten().collect();
            let words = match plan.earlier {
                Some(earlier) => merge(&read[earlier].0, &plan.changed, new),
                None => new,
            };
            read.push((words, inspected));
        }
        on_progress(read.len() as f64 / total as f64);
    }
    Ok(read)
}

type Planned<T> = (Vec<Plan>, Vec<Sheet>, Vec<T>, Vec<(usize, GrayImage)>);

fn plan<T>(
    files: &[PathBuf],
    first: usize,
    mut recent: Vec<(usize, GrayImage)>,
    inspect: fn(&GrayImage) -> T,
) -> Result<Planned<T>, OcrError> {
    let (mut plans, mut sheets, mut inspected) = (Vec::new(), Vec::new(), Vec::new());
    for (index, file) in (first..).zip(files) {
        let picture = image::open(file)?.to_luma8();
        let closest = recent
            .iter()
            .filter(|(_, known)| known.dimensions() == picture.dimensions())
            .map(|(earlier, known)| (*earlier, difference(known, &picture)))
            .min_by_key(|(_, changed)| changed.iter().map(|c| size(*c)).sum::<u64>());
        let whole = [0, 0, picture.width(), picture.height()];
        let (mut earlier, mut changed, mut parts) = (None, Vec::new(), vec![whole]);
        if let Some((index, areas)) = closest {
            let around = areas.iter().map(|area| around(*area, picture.dimensions())).collect();
            let around = joined(around, 0);
            if around.iter().map(|part| size(*part)).sum::<u64>() * 2 <= size(whole) {
                (earlier, changed, parts) = (Some(index), areas, around);
            }
        }
        sheets.extend(parts.iter().map(|part| Sheet::part(&picture, *part)));
        plans.push(Plan {
            earlier,
            changed,
            sheets: parts.len(),
        });
        inspected.push(inspect(&picture));
        recent.insert(0, (index, picture));
        recent.truncate(RECENT);
    }
    Ok((plans, sheets, inspected, recent))
}

/// The earlier words but for those where something changed, and the newly read ones that are none of the earlier.
fn merge(earlier: &[Word], changed: &[[u32; 4]], new: Vec<Word>) -> Vec<Word> {
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

fn size([x0, y0, x1, y1]: [u32; 4]) -> u64 {
    u64::from(x1.saturating_sub(x0)) * u64::from(y1.saturating_sub(y0))
}

/// What changed with enough around it that no changed word is cut.
fn around([x0, y0, x1, y1]: [u32; 4], (width, height): (u32, u32)) -> [u32; 4] {
    [
        x0.saturating_sub(96),
        y0.saturating_sub(28),
        (x1 + 96).min(width),
        (y1 + 28).min(height),
    ]
}

/// Boxes that overlap, or lie closer than `near` pixels, become one.
fn joined(areas: Vec<[u32; 4]>, near: u32) -> Vec<[u32; 4]> {
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
fn difference(one: &GrayImage, other: &GrayImage) -> Vec<[u32; 4]> {
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

    #[tokio::test]
    async fn a_missing_program_or_language_is_said_by_name() {
        let missing = Tesseract::find(Some("/nowhere/tesseract".into()), &["eng"])
            .await
            .unwrap_err();
        assert_eq!(missing.code(), AnalysisErrorCode::OcrMissing);
        let language = Tesseract::find(None, &["eng", "tlh"]).await.unwrap_err();
        assert!(
            matches!(&language, OcrError::LanguageMissing(l) if l == "tlh"),
            "{language}"
        );
        assert_eq!(language.code(), AnalysisErrorCode::OcrMissing);
    }

    #[tokio::test]
    async fn time_and_cancelling_bind() {
        let tesseract = Tesseract::find(None, &LANGUAGES).await.unwrap();
        let picture = GrayImage::from_fn(1600, 900, |x, y| {
            image::Luma([if (x / 3 + y / 5) % 3 == 0 { 0 } else { 255 }])
        });
        let late = tesseract.clone().with_timeout(Duration::from_millis(1));
        assert!(matches!(
            late.words(&picture, &CancellationToken::new()).await,
            Err(OcrError::TimedOut(_))
        ));
        let cancel = CancellationToken::new();
        cancel.cancel();
        assert!(matches!(
            tesseract.words(&picture, &cancel).await,
            Err(OcrError::Cancelled)
        ));
    }

    #[test]
    fn the_table_is_read_and_noise_left_out() {
        let table = "level\tpage\n5\t1\t1\t1\t1\t1\t20\t10\t81\t24\t96.5\tOrder\n4\t1\t1\t1\t1\t0\t0\t0\t9\t9\t-1\t\n5\t1\t1\t1\t1\t2\tx\t10\t81\t24\t96.5\tbad\n";
        let words = parse(table);
        assert_eq!(words.len(), 1);
        let (page, word) = &words[0];
        let sheet = Sheet {
            pixels: Vec::new(),
            scale: 2,
            left: 100,
            top: 50,
        };
        let word = sheet.place(word.clone());
        assert_eq!(
            (*page, word.left, word.top, word.width, word.height),
            (1, 110, 55, 41, 12)
        );
        assert!((word.confidence - 0.965).abs() < 1e-6);
    }

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
