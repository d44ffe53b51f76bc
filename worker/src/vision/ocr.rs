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
use tokio::io::AsyncWriteExt;
use tokio::process::Command;
use tokio_util::sync::CancellationToken;

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
            timeout: Duration::from_secs(60),
        })
    }

    /// The same with another limit on the time of one picture.
    #[must_use]
    pub const fn with_timeout(mut self, timeout: Duration) -> Self {
        self.timeout = timeout;
        self
    }

    /// Reads the words of a picture.
    pub async fn words(&self, picture: &GrayImage, cancel: &CancellationToken) -> Result<Vec<Word>, OcrError> {
        if picture.width() < 8 || picture.height() < 8 {
            return Ok(Vec::new());
        }
        let scale = if picture.width() > 2600 { 1 } else { 2 };
        let mut large = if scale == 1 {
            picture.clone()
        } else {
            imageops::resize(
                picture,
                picture.width() * scale,
                picture.height() * scale,
                imageops::FilterType::CatmullRom,
            )
        };
        if is_dark(picture) {
            imageops::invert(&mut large);
        }
        let table = self.run(&large, cancel).await?;
        Ok(parse(&table, scale))
    }

    async fn run(&self, picture: &GrayImage, cancel: &CancellationToken) -> Result<String, OcrError> {
        let mut input = format!("P5 {} {} 255\n", picture.width(), picture.height()).into_bytes();
        input.extend_from_slice(picture.as_raw());
        let mut child = Command::new(&self.binary)
            .args([
                "stdin",
                "stdout",
                "-l",
                &self.languages,
                "--psm",
                "11",
                "--dpi",
                "150",
                "tsv",
            ])
            .env("OMP_THREAD_LIMIT", "1")
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .kill_on_drop(true)
            .spawn()
            .map_err(OcrError::Missing)?;
        let stdin = child.stdin.take();
        let work = async {
            // It may close its input early; what it says then is the better error.
            let feed = async {
                if let Some(mut stdin) = stdin {
                    let _ = stdin.write_all(&input).await;
                }
            };
            let ((), output) = tokio::join!(feed, child.wait_with_output());
            output
        };
        let output = tokio::select! {
            () = cancel.cancelled() => return Err(OcrError::Cancelled),
            output = tokio::time::timeout(self.timeout, work) =>
                output.map_err(|_| OcrError::TimedOut(self.timeout.as_secs()))??,
        };
        if !output.status.success() {
            return Err(OcrError::Failed(String::from_utf8_lossy(&output.stderr).into_owned()));
        }
        Ok(String::from_utf8_lossy(&output.stdout).into_owned())
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
fn parse(table: &str, scale: u32) -> Vec<Word> {
    let mut words = Vec::new();
    for line in table.lines().skip(1) {
        let cells: Vec<&str> = line.splitn(12, '\t').collect();
        let [level, _, _, _, _, _, left, top, width, height, confidence, text] = cells.as_slice() else {
            continue;
        };
        let text = text.trim();
        if *level != "5" || text.is_empty() {
            continue;
        }
        let numbers = (
            left.parse::<u32>(),
            top.parse::<u32>(),
            width.parse::<u32>(),
            height.parse::<u32>(),
            confidence.parse::<f32>(),
        );
        if let (Ok(left), Ok(top), Ok(width), Ok(height), Ok(confidence)) = numbers {
            words.push(Word {
                text: text.to_owned(),
                confidence: (confidence / 100.0).clamp(0.0, 1.0),
                left: left / scale,
                top: top / scale,
                width: width.div_ceil(scale),
                height: height.div_ceil(scale),
            });
        }
    }
    words
}

/// Reads the pictures of one recording in order, and only what is new in each.
pub struct Reader<'a> {
    tesseract: &'a Tesseract,
    cancel: CancellationToken,
    recent: Vec<(GrayImage, Vec<Word>)>,
    /// Pictures that were read whole, in part, and not at all.
    pub read: [u32; 3],
}

const BLOCK: u32 = 16;
/// Pictures to compare with: people go back and forth between a few screens.
const RECENT: usize = 6;

impl<'a> Reader<'a> {
    /// A reader for one recording.
    pub const fn new(tesseract: &'a Tesseract, cancel: CancellationToken) -> Self {
        Self {
            tesseract,
            cancel,
            recent: Vec::new(),
            read: [0; 3],
        }
    }

    /// The words of the next picture.
    pub async fn read(&mut self, picture: &GrayImage) -> Result<Vec<Word>, OcrError> {
        let closest = self
            .recent
            .iter()
            .filter(|(known, _)| known.dimensions() == picture.dimensions())
            .map(|(known, words)| (difference(known, picture), words))
            .min_by_key(|(changed, _)| changed.map_or(0, |[x0, y0, x1, y1]| u64::from(x1 - x0) * u64::from(y1 - y0)));
        let words = match closest {
            Some((None, words)) => {
                self.read[2] += 1;
                words.clone()
            }
            Some((Some(changed), words)) => {
                let region = whole_words(changed, words, picture.dimensions());
                let [x0, y0, x1, y1] = region;
                if u64::from(x1 - x0) * u64::from(y1 - y0) * 2
                    > u64::from(picture.width()) * u64::from(picture.height())
                {
                    self.read[0] += 1;
                    self.tesseract.words(picture, &self.cancel).await?
                } else {
                    self.read[1] += 1;
                    let part = imageops::crop_imm(picture, x0, y0, x1 - x0, y1 - y0).to_image();
                    let mut all: Vec<Word> = words.iter().filter(|w| !touches(w, region)).cloned().collect();
                    for word in self.tesseract.words(&part, &self.cancel).await? {
                        all.push(Word {
                            left: word.left + x0,
                            top: word.top + y0,
                            ..word
                        });
                    }
                    all
                }
            }
            None => {
                self.read[0] += 1;
                self.tesseract.words(picture, &self.cancel).await?
            }
        };
        self.recent.insert(0, (picture.clone(), words.clone()));
        self.recent.truncate(RECENT);
        Ok(words)
    }
}

const fn touches(word: &Word, [x0, y0, x1, y1]: [u32; 4]) -> bool {
    word.left < x1 && word.right() > x0 && word.top < y1 && word.bottom() > y0
}

/// The box around the blocks that differ; none where nothing does.
fn difference(one: &GrayImage, other: &GrayImage) -> Option<[u32; 4]> {
    let (width, height) = one.dimensions();
    let (a, b) = (one.as_raw(), other.as_raw());
    let mut changed: Option<[u32; 4]> = None;
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
                let block = [left, top, (left + BLOCK).min(width), (top + BLOCK).min(height)];
                changed = Some(changed.map_or(block, |c| {
                    [
                        c[0].min(block[0]),
                        c[1].min(block[1]),
                        c[2].max(block[2]),
                        c[3].max(block[3]),
                    ]
                }));
            }
        }
    }
    changed
}

/// The region with a margin, grown until it cuts no known word.
fn whole_words(changed: [u32; 4], words: &[Word], (width, height): (u32, u32)) -> [u32; 4] {
    let margin = 24;
    let mut region = [
        changed[0].saturating_sub(2 * margin),
        changed[1].saturating_sub(margin),
        (changed[2] + 2 * margin).min(width),
        (changed[3] + margin).min(height),
    ];
    loop {
        let before = region;
        for word in words.iter().filter(|w| touches(w, before)) {
            region = [
                region[0].min(word.left.saturating_sub(6)),
                region[1].min(word.top.saturating_sub(4)),
                region[2].max((word.right() + 6).min(width)),
                region[3].max((word.bottom() + 4).min(height)),
            ];
        }
        if region == before {
            return region;
        }
    }
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
        let words = parse(table, 2);
        assert_eq!(words.len(), 1);
        assert_eq!(
            (words[0].left, words[0].top, words[0].width, words[0].height),
            (10, 5, 41, 12)
        );
        assert!((words[0].confidence - 0.965).abs() < 1e-6);
    }

    #[test]
    fn only_what_differs_is_read_again_and_no_word_is_cut() {
        let one = GrayImage::from_pixel(400, 300, image::Luma([255]));
        let mut other = one.clone();
        assert_eq!(difference(&one, &other), None);
        for x in 100..110 {
            other.put_pixel(x, 100, image::Luma([0]));
        }
        let changed = difference(&one, &other).unwrap();
        assert_eq!(changed, [96, 96, 112, 112]);
        let word = Word {
            text: "long".into(),
            confidence: 1.0,
            left: 150,
            top: 100,
            width: 200,
            height: 12,
        };
        let region = whole_words(changed, &[word], (400, 300));
        assert!(region[2] >= 350, "{region:?}");
    }
}
