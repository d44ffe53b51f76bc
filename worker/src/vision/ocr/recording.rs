//! The pictures of one recording, read in order: each is compared with recent ones, so that only what is new costs time.

use std::path::PathBuf;

use image::GrayImage;
use tokio_util::sync::CancellationToken;

use super::changes::{around, difference, joined, merge, size};
use super::sheet::Sheet;
use super::{OcrError, Tesseract, Word};

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
