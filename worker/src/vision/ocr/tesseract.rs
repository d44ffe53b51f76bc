//! The program itself: found with its languages, run under a limit of time, and what can go wrong with it.

use std::path::PathBuf;
use std::process::Stdio;
use std::time::Duration;

use domain::analysis_error::AnalysisErrorCode;
use image::GrayImage;
use serde::{Deserialize, Serialize};
use tokio::process::Command;
use tokio_util::sync::CancellationToken;

use super::sheet::{Sheet, parse};
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
    pub(super) async fn sheets(
        &self,
        sheets: &[Sheet],
        cancel: &CancellationToken,
    ) -> Result<Vec<Vec<Word>>, OcrError> {
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
}
