//! Which pictures to keep: one per settled screen, seen against the last kept one. Pure; fed with pictures in order of
//! time, it answers with those to keep and remembers everything that moved.

use super::grid::{self, Bounds};
use super::plane::Plane;
use super::{Change, ChangeKind, Sampling};

/// A screen is settled when nothing of what is new on it has moved for so long. Longer than the pause between two
/// keystrokes (0.1 to 0.4 s) and than a compositor's fade (0.3 s), shorter than a caret's half period plus a frame.
pub const SETTLE_SECONDS: f64 = 0.6;

/// After so long of movement that never settles (a film, a long scroll) a picture is kept all the same.
const UNSETTLED_SECONDS: f64 = 3.0;
/// The same for typing without a pause.
const TYPING_SECONDS: f64 = 10.0;

/// A mouse pointer at 1080 lines: 12x19 pixels up to the enlarged 32x48; a caret is narrower.
const POINTER_WIDTH: usize = 40;
const POINTER_HEIGHT: usize = 48;
/// Letters side by side are wider than a pointer of the same height (a hand is 17x22, an arrow 12x19).
const WORD_ASPECT: f64 = 1.3;
/// What is taller than small text may be a pointer that moved by its own width: old and new place in one.
const TALL: usize = 16;
const TALL_WORD_ASPECT: f64 = 1.6;
/// Three characters of the smallest usual text (9 pixels each).
const WORD_WIDTH: usize = 22;
/// A caret is thin and upright; two samples more than its 1 to 3 pixels, since a codec smears.
const CARET_WIDTH: usize = 6;
/// So many pointer-like differences at once are no pointer: digits changed all over a table.
const MANY_SMALL: usize = 5;

/// A block that changed so often, in small changes not further apart than [`WIDGET_MEMORY_SECONDS`], belongs to a clock or
/// a spinner.
const WIDGET_TOGGLES: u8 = 3;
const WIDGET_MEMORY_SECONDS: f64 = 2.5;
/// It has done so for so long: two letters typed into one block, and a caret that comes and goes, change it as often within half a second.
const WIDGET_SECONDS: f64 = 0.65;
/// Changes of one block closer than this count as one (a letter and the caret that makes room).
const TOGGLE_SECONDS: f64 = 0.15;
/// A change of more than this share of the screen is no widget's.
const WIDGET_SHARE: f64 = 0.02;

/// Less than this is never another screen.
const ANOTHER_SCREEN_SHARE: f64 = 0.03;
/// At the usual threshold of 0.2, half of what is drawn must change.
const MOST_OF_DRAWN: f64 = 2.5;

/// A picture that can be looked at and held cheaply.
pub trait Picture: Clone {
    fn luma(&self) -> Plane<'_>;

    /// The same picture in memory that nothing else changes.
    #[must_use]
    fn apart(&self) -> Self {
        self.clone()
    }
}

/// A picture to keep.
#[derive(Debug, Clone)]
pub struct Kept<P> {
    pub picture: P,
    pub timestamp_seconds: f64,
    /// When the screen began to look unlike the one kept before.
    pub start_seconds: f64,
}

/// Watches the pictures of a recording go by.
pub struct Tracker<P> {
    scene_threshold: f64,
    scale: usize,
    word_width: usize,
    previous: Option<(f64, P)>,
    selected: Option<P>,
    blocks: Vec<Block>,
    /// Blocks that may differ from the selected picture.
    dirty: Vec<u32>,
    /// When what is new on the screen appeared, and when it last moved.
    diverged_at: Option<f64>,
    stable_since: f64,
    busy_since: f64,
    last_large_at: f64,
    /// Whether blocks moved that were not compared with the selected picture yet.
    unweighed: bool,
    /// From which change on what moved was not seen, only how much.
    unseen_from: Option<usize>,
    found: Vec<u32>,
    changes: Vec<Change>,
}

#[derive(Debug, Clone, Copy, Default)]
struct Block {
    dirty: bool,
    /// From the selected picture.
    unlike: bool,
    /// So much that it is news.
    differs: bool,
    toggles: u8,
    first_toggled_at: f32,
    toggled_at: f32,
}

impl<P: Picture> Tracker<P> {
    pub fn new(sampling: &Sampling) -> Self {
        Self {
            scene_threshold: sampling.scene_threshold,
            scale: 1,
            // The usual threshold (0.2) notices words of three letters; a finer or coarser one follows in proportion.
            word_width: (WORD_WIDTH as f64 * (sampling.scene_threshold / 0.2).clamp(0.5, 2.0)) as usize,
            previous: None,
            selected: None,
            blocks: Vec::new(),
            dirty: Vec::new(),
            diverged_at: None,
            stable_since: 0.0,
            busy_since: 0.0,
            last_large_at: f64::NEG_INFINITY,
            unweighed: false,
            unseen_from: None,
            found: Vec::new(),
            changes: Vec::new(),
        }
    }

    pub fn into_changes(self) -> Vec<Change> {
        self.changes
    }

    /// Takes the next picture. Answers with the one *before* it when that had settled by now: the last look before a
    /// change is the sharpest, since encoders go on refining a still picture.
    pub fn observe(&mut self, at: f64, picture: P) -> Option<Kept<P>> {
        let Some((_, previous)) = self.previous.clone() else {
            self.resize(&picture.luma());
            self.diverged_at = Some(at);
            self.stable_since = at;
            self.busy_since = at;
            self.previous = Some((at, picture));
            return None;
        };
        let resized = !previous.luma().same_size(&picture.luma());
        let kept = self.settled(at);
        if resized {
            self.resize(&picture.luma());
            self.selected = None;
            self.push_change(at, 1.0, [0.0, 0.0, 1.0, 1.0], ChangeKind::Screen);
            self.diverged_at = Some(at);
            self.stable_since = at;
            self.busy_since = at;
        } else {
            self.compare(at, &previous.luma(), &picture.luma(), None);
        }
        self.previous = Some((at, picture));
        kept
    }

    /// The latest picture seen.
    pub fn latest(&self) -> Option<&P> {
        self.previous.as_ref().map(|(_, picture)| picture)
    }

    /// The memory of the latest picture is about to become another, which is not seen yet.
    pub fn part(&mut self) {
        if let Some((_, picture)) = &mut self.previous {
            *picture = picture.apart();
        }
    }

    /// The latest picture is about to be changed in place into the next one. Answers as [`Self::observe`] does.
    pub fn about_to_change(&mut self, at: f64) -> Option<Kept<P>> {
        self.settled(at)
    }

    /// The latest picture was changed in place: in these blocks, in ascending order, which `before` shows as they were.
    pub fn changed(&mut self, at: f64, before: &Plane<'_>, blocks: &[u32]) {
        if let Some((_, picture)) = self.previous.take() {
            self.compare(at, before, &picture.luma(), Some(blocks));
            self.previous = Some((at, picture));
        }
    }

    /// Something large moved, but its picture is left out. Where it moved is filled in when the next picture is seen.
    pub fn pass_over(&mut self, at: f64) -> Option<Kept<P>> {
        self.previous.as_ref()?;
        let kept = self.settled(at);
        self.unseen_from.get_or_insert(self.changes.len());
        self.push_change(at, 1.0, [0.0, 0.0, 1.0, 1.0], ChangeKind::Screen);
        if self.diverged_at.is_none() {
            self.busy_since = at;
        }
        self.diverged_at.get_or_insert(at);
        self.stable_since = at;
        self.unweighed = true;
        kept
    }

    /// The recording is over: what is on the screen is kept whether or not it had settled, so that the tail is never lost.
    pub fn finish(&mut self) -> Option<Kept<P>> {
        self.diverged_at?;
        self.keep()
    }

    fn resize(&mut self, luma: &Plane<'_>) {
        self.blocks = vec![Block::default(); luma.columns() * luma.rows()];
        self.dirty.clear();
        self.scale = (luma.width.min(luma.height) / 1080).max(1);
    }

    fn settled(&mut self, now: f64) -> Option<Kept<P>> {
        let diverged_at = self.diverged_at?;
        let still = now - self.stable_since >= SETTLE_SECONDS - 1e-3;
        let patience = if self.last_large_at > self.busy_since {
            UNSETTLED_SECONDS
        } else {
            TYPING_SECONDS
        };
        let restless = now - diverged_at.max(self.busy_since) >= patience;
        if still || restless { self.keep() } else { None }
    }

    fn keep(&mut self) -> Option<Kept<P>> {
        let (timestamp_seconds, picture) = self.previous.clone()?;
        if std::mem::take(&mut self.unweighed) {
            self.weigh(timestamp_seconds, &picture.luma(), None, true);
        }
        let start_seconds = self.diverged_at.take()?;
        let picture = picture.apart();
        for block in self.dirty.drain(..) {
            let block = &mut self.blocks[block as usize];
            block.dirty = false;
            block.differs = false;
        }
        self.selected = Some(picture.clone());
        self.busy_since = timestamp_seconds;
        Some(Kept {
            picture,
            timestamp_seconds,
            start_seconds,
        })
    }

    /// `among`: only these blocks may differ.
    fn compare(&mut self, at: f64, before: &Plane<'_>, after: &Plane<'_>, among: Option<&[u32]>) {
        let mut found = std::mem::take(&mut self.found);
        if let Some(among) = among {
            found.clear();
            found.extend(among.iter().filter(|block| grid::block_differs(before, after, **block)));
        } else {
            grid::differing_blocks(before, after, &mut found);
        }
        if !found.is_empty() {
            let columns = after.columns();
            let share = found.len() as f64 / self.blocks.len() as f64;
            let mut whole = None::<Bounds>;
            let small_enough = share < WIDGET_SHARE;
            let mut small = small_enough;
            let mut telling = !small;
            // What makes no difference beside the kept picture cannot take one back.
            let mut touches_news = false;
            if small {
                for part in grid::components(&found, columns) {
                    let area = grid::bounds(before, after, &part.blocks);
                    whole = Some(whole.map_or(area, |sum| sum.union(area)));
                    let widget = part.blocks.iter().all(|block| self.in_widget(*block, columns, at));
                    let caret = area.width() <= CARET_WIDTH * self.scale && area.height() >= 2 * area.width();
                    let news = part.blocks.iter().any(|block| self.blocks[*block as usize].differs);
                    touches_news |= news && !caret;
                    if !caret {
                        self.count_toggles(&part.blocks, at);
                    }
                    if !widget && !self.pointer_like(&area) {
                        small = false;
                        telling = true;
                    }
                    // A letter moves what is new on the screen; a pointer elsewhere does not.
                    if !widget && !caret && news {
                        telling = true;
                    }
                }
            } else {
                whole = Some(grid::bounds_of_blocks(&found, after));
                for block in &found {
                    self.blocks[*block as usize].toggles = 0;
                }
            }
            let another = share >= ANOTHER_SCREEN_SHARE
                && grid::are_most_of_drawn(&found, after, (self.scene_threshold * MOST_OF_DRAWN).min(0.95));
            let kind = if another {
                ChangeKind::Screen
            } else if small {
                ChangeKind::Small
            } else {
                ChangeKind::Text
            };
            if !small_enough {
                self.last_large_at = at;
            }
            let region = whole.map_or([0.0; 4], |area| {
                let (width, height) = (after.width as f32, after.height as f32);
                [
                    area.left as f32 / width,
                    area.top as f32 / height,
                    area.right as f32 / width,
                    area.bottom as f32 / height,
                ]
            });
            match self.unseen_from.take() {
                Some(first) => {
                    for change in &mut self.changes[first..] {
                        (change.share, change.region, change.kind) = (share, region, kind);
                    }
                }
                None => self.push_change(at, share, region, kind),
            }
            for block in &found {
                let block_state = &mut self.blocks[*block as usize];
                if !block_state.dirty {
                    block_state.dirty = true;
                    self.dirty.push(*block);
                }
            }
            let was_diverged = self.diverged_at.is_some();
            if small_enough {
                self.weigh(at, after, among, touches_news);
            } else {
                // Most of it will have changed again by the time it settles: compared then, once.
                self.unweighed = true;
                self.diverged_at.get_or_insert(at);
                if !was_diverged {
                    self.busy_since = at;
                }
            }
            if telling || (self.diverged_at.is_some() && !was_diverged) {
                self.stable_since = at;
            }
        }
        self.found = found;
    }

    /// Compares what moved since the last kept picture with that picture. A caret that comes or goes, or a clock elsewhere, takes
    /// nothing back: with the last letters the caret makes a shape that might be a pointer's.
    /// `among`: only these blocks are others than when this was last done.
    fn weigh(&mut self, at: f64, now: &Plane<'_>, among: Option<&[u32]>, touches_news: bool) {
        let unweighed = std::mem::take(&mut self.unweighed);
        let Some(selected) = &self.selected else {
            // Nothing is kept yet: everything is new.
            self.diverged_at.get_or_insert(at);
            return;
        };
        let kept = selected.luma();
        let columns = now.columns();
        let mut different: Vec<u32> = Vec::new();
        self.dirty.sort_unstable();
        for &block in among.filter(|_| !unweighed).unwrap_or(&self.dirty) {
            let state = &mut self.blocks[block as usize];
            if state.dirty {
                state.unlike = grid::block_differs(&kept, now, block);
            }
        }
        for &block in &self.dirty {
            if self.blocks[block as usize].unlike && !self.in_widget(block, columns, at) {
                different.push(block);
            }
        }
        let share = different.len() as f64 / self.blocks.len() as f64;
        let telling = if share >= WIDGET_SHARE {
            different.clone()
        } else {
            let mut parts = grid::components(&different, columns);
            if parts.len() < MANY_SMALL {
                parts.retain(|part| !self.pointer_like(&grid::bounds(&kept, now, &part.blocks)));
            }
            parts.into_iter().flat_map(|part| part.blocks).collect()
        };
        if !telling.is_empty() || different.is_empty() || touches_news {
            for block in &self.dirty {
                self.blocks[*block as usize].differs = false;
            }
            for block in &telling {
                self.blocks[*block as usize].differs = true;
            }
            if telling.is_empty() {
                self.diverged_at = None;
            } else if self.diverged_at.is_none() {
                self.diverged_at = Some(at);
                self.busy_since = at;
            }
        }
        let blocks = &mut self.blocks;
        self.dirty.retain(|block| {
            // Back to what it was: forget it until it moves again. Widgets stay, they may turn out to be none.
            let keep = different.binary_search(block).is_ok() || blocks[*block as usize].toggles > 0;
            blocks[*block as usize].dirty = keep;
            blocks[*block as usize].differs &= keep;
            keep
        });
    }

    fn pointer_like(&self, area: &Bounds) -> bool {
        let (width, height) = (area.width(), area.height());
        let fits = width <= POINTER_WIDTH * self.scale && height <= POINTER_HEIGHT * self.scale;
        let aspect = if height < TALL * self.scale {
            WORD_ASPECT
        } else {
            TALL_WORD_ASPECT
        };
        let worded = width >= self.word_width * self.scale && width as f64 >= aspect * height as f64;
        fits && !worded
    }

    fn count_toggles(&mut self, blocks: &[u32], at: f64) {
        for block in blocks {
            let block = &mut self.blocks[*block as usize];
            let since = at - f64::from(block.toggled_at);
            if since > WIDGET_MEMORY_SECONDS {
                block.toggles = 0;
            }
            if block.toggles == 0 {
                block.first_toggled_at = at as f32;
            }
            if block.toggles == 0 || since >= TOGGLE_SECONDS {
                block.toggles = block.toggles.saturating_add(1);
                block.toggled_at = at as f32;
            }
        }
    }

    /// Whether a block or one beside it ticks: the minutes of a clock belong to its seconds.
    fn in_widget(&self, block: u32, columns: usize, at: f64) -> bool {
        let (row, column) = (block as usize / columns, block as usize % columns);
        (column.saturating_sub(2)..=(column + 2).min(columns - 1)).any(|near| {
            let block = &self.blocks[row * columns + near];
            block.toggles >= WIDGET_TOGGLES
                && f64::from(block.toggled_at - block.first_toggled_at) >= WIDGET_SECONDS
                && at - f64::from(block.toggled_at) <= WIDGET_MEMORY_SECONDS
        })
    }

    fn push_change(&mut self, at_seconds: f64, share: f64, region: [f32; 4], kind: ChangeKind) {
        self.changes.push(Change {
            at_seconds,
            share,
            region,
            kind,
        });
    }
}
