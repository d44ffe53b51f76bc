//! The kept pictures: written as soon as no other can take their place, thinned out and numbered.

use std::path::{Path, PathBuf};

use super::picture::{Held, write_jpeg};
use super::screen::{Screens, Sketch};
use super::select::{Kept, Picture};
use super::thin::{self, Weight};
use super::{Frame, FrameError, Sampling, TimeSpan};

/// Candidates of which fewer blocks than this differ show the same.
const EQUAL_BLOCKS: f64 = 3.0;

/// The pictures kept so far, on disk but for the latest.
pub struct Shelf {
    out_dir: PathBuf,
    sampling: Sampling,
    turns: u8,
    screens: Screens,
    written: u32,
    kept: Vec<Candidate>,
    /// The last of them, until it is written: the next may take its place.
    latest: Option<Held>,
}

struct Candidate {
    file: PathBuf,
    timestamp_seconds: f64,
    span: TimeSpan,
    screen: u32,
    size: (u32, u32),
    sketch: Sketch,
}

impl Shelf {
    pub fn new(out_dir: &Path, sampling: Sampling, turns: u8) -> Self {
        Self {
            out_dir: out_dir.to_owned(),
            sampling,
            turns,
            screens: Screens::default(),
            written: 0,
            kept: Vec::new(),
            latest: None,
        }
    }

    pub fn add(&mut self, kept: &Kept<Held>) -> Result<(), FrameError> {
        let luma = kept.picture.luma();
        let sketch = Sketch::of(&luma);
        let blocks = (luma.columns() * luma.rows()) as f64;
        let mut start_seconds = kept.start_seconds;
        let interval = 1.0 / self.sampling.frames_per_second;
        while let Some(last) = self.kept.last() {
            let too_soon = kept.timestamp_seconds - last.timestamp_seconds < interval - 1e-3
                && start_seconds - last.span.start_seconds < interval;
            let equal = last.sketch.distance(&sketch) * blocks < EQUAL_BLOCKS;
            if !too_soon || equal {
                break;
            }
            // It stayed for less than a sampling interval: this one takes its place.
            start_seconds = last.span.start_seconds;
            let last = self.kept.pop();
            if self.latest.take().is_none() {
                last.map_or(Ok(()), |last| std::fs::remove_file(last.file))?;
            }
        }
        self.write_latest()?;
        let file = self.out_dir.join(format!("candidate-{:06}.jpg", self.written));
        self.written += 1;
        let screen = self.screens.number(&sketch);
        if let Some(last) = self.kept.last_mut() {
            last.span.end_seconds = start_seconds;
        }
        self.kept.push(Candidate {
            file,
            timestamp_seconds: kept.timestamp_seconds,
            span: TimeSpan {
                start_seconds,
                end_seconds: f64::INFINITY,
            },
            screen,
            size: (0, 0),
            sketch,
        });
        self.latest = Some(kept.picture.clone());
        // Disk and memory stay bounded on a recording that never rests.
        if self.kept.len() > 2 * self.sampling.max_frames as usize + 8 {
            self.thin(self.sampling.max_frames as usize * 3 / 2)?;
        }
        Ok(())
    }

    fn write_latest(&mut self) -> Result<(), FrameError> {
        if let (Some(picture), Some(last)) = (self.latest.take(), self.kept.last_mut()) {
            last.size = write_jpeg(&picture, self.turns, &last.file)?;
        }
        Ok(())
    }

    fn thin(&mut self, most: usize) -> Result<(), FrameError> {
        while self.kept.len() > most.max(2) {
            let weights: Vec<Weight> = self
                .kept
                .iter()
                .enumerate()
                .map(|(index, frame)| Weight {
                    screen: frame.screen,
                    seconds: (frame.span.end_seconds - frame.span.start_seconds).min(600.0),
                    novelty: index
                        .checked_sub(1)
                        .map_or(1.0, |before| self.kept[before].sketch.distance(&frame.sketch)),
                })
                .collect();
            let Some(index) = thin::least_informative(&weights) else {
                break;
            };
            self.drop_frame(index)?;
        }
        Ok(())
    }

    /// Takes a frame away. Its time goes to a neighbour that shows the same screen; otherwise no frame stands for it.
    fn drop_frame(&mut self, index: usize) -> Result<(), FrameError> {
        let gone = self.kept.remove(index);
        std::fs::remove_file(&gone.file)?;
        if let Some(before) = index.checked_sub(1).and_then(|before| self.kept.get_mut(before))
            && before.screen == gone.screen
        {
            before.span.end_seconds = gone.span.end_seconds;
        } else if let Some(after) = self.kept.get_mut(index)
            && after.screen == gone.screen
        {
            after.span.start_seconds = gone.span.start_seconds;
        }
        Ok(())
    }

    pub fn close(mut self, duration: f64) -> Result<Vec<Frame>, FrameError> {
        if let Some(last) = self.kept.last_mut() {
            last.span.end_seconds = duration;
        }
        if let Some(first) = self.kept.first_mut() {
            first.span.start_seconds = 0.0;
        }
        self.write_latest()?;
        self.thin(self.sampling.max_frames as usize)?;
        let mut frames = Vec::with_capacity(self.kept.len());
        for (index, kept) in self.kept.into_iter().enumerate() {
            let file = self.out_dir.join(format!("frame-{index:04}.jpg"));
            std::fs::rename(&kept.file, &file)?;
            frames.push(Frame {
                index: index as u32,
                timestamp_seconds: kept.timestamp_seconds,
                span: kept.span,
                screen: kept.screen,
                width_pixels: kept.size.0,
                height_pixels: kept.size.1,
                file,
                fingerprint: kept.sketch.fingerprint,
            });
        }
        Ok(frames)
    }
}
