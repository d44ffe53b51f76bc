//! The newest of a sequence without gaps, kept for all who follow it. Whoever is so slow that his next item is gone is told
//! so; nobody waits for him, and memory is bounded by the ring.

use std::collections::VecDeque;
use std::sync::{Mutex, MutexGuard, PoisonError};

use tokio::sync::watch;

/// Items numbered without gaps; the newest are kept.
pub struct Ring<T> {
    kept: Mutex<Kept<T>>,
    last: watch::Sender<i64>,
    most: usize,
}

struct Kept<T> {
    /// The last has the number `last`.
    items: VecDeque<T>,
    last: i64,
    /// Grows when the sequence itself was put back: what was told after that point never happened.
    era: u32,
}

/// What comes after a position.
#[derive(Debug, PartialEq, Eq)]
pub enum After<T> {
    /// The next items in order, at least one; the first has the number after the position.
    Items(Vec<T>),
    /// Nothing yet.
    Nothing,
    /// The next item is not kept any more.
    Gone,
}

impl<T: Clone> Ring<T> {
    /// An empty ring at a position.
    pub fn new(last: i64, most: usize) -> Self {
        let kept = Kept {
            items: VecDeque::new(),
            last,
            era: 0,
        };
        Self {
            kept: Mutex::new(kept),
            last: watch::channel(last).0,
            most,
        }
    }

    fn lock(&self) -> MutexGuard<'_, Kept<T>> {
        self.kept.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The number of the newest item.
    pub fn last(&self) -> i64 {
        self.lock().last
    }

    /// How often the sequence was put back.
    pub fn era(&self) -> u32 {
        self.lock().era
    }

    /// Adds items; the first has this number. One that does not follow the newest makes a gap: what came before is not kept.
    pub fn extend(&self, first: i64, items: impl IntoIterator<Item = T>) {
        let mut kept = self.lock();
        if first != kept.last + 1 {
            kept.items.clear();
            kept.last = first - 1;
        }
        for item in items {
            if kept.items.len() == self.most {
                kept.items.pop_front();
            }
            kept.items.push_back(item);
            kept.last += 1;
        }
        let last = kept.last;
        drop(kept);
        self.last.send_replace(last);
    }

    /// Adds the next item.
    pub fn push(&self, item: T) {
        let next = self.last() + 1;
        self.extend(next, [item]);
    }

    /// Begins at this position, before anybody follows.
    pub fn start(&self, last: i64) {
        let mut kept = self.lock();
        kept.items.clear();
        kept.last = last;
    }

    /// The sequence went back to this number: a database was restored, or a standby took over that had not everything.
    pub fn put_back(&self, last: i64) {
        let mut kept = self.lock();
        kept.items.clear();
        kept.last = last;
        kept.era += 1;
        drop(kept);
        self.last.send_replace(last);
    }

    /// The newest item and its number.
    pub fn newest(&self) -> Option<(i64, T)> {
        let kept = self.lock();
        Some((kept.last, kept.items.back()?.clone()))
    }

    /// Whether what comes after this position is kept, or does not exist yet.
    pub fn keeps(&self, position: i64) -> bool {
        let kept = self.lock();
        position <= kept.last && position >= kept.last - kept.items.len() as i64
    }

    /// What comes after a position, at most so many.
    pub fn after(&self, position: i64, most: usize) -> After<T> {
        let kept = self.lock();
        let Ok(behind) = usize::try_from(kept.last - position) else {
            return After::Nothing;
        };
        if behind == 0 {
            return After::Nothing;
        }
        if behind > kept.items.len() {
            return After::Gone;
        }
        let from = kept.items.len() - behind;
        After::Items(kept.items.iter().skip(from).take(most).cloned().collect())
    }

    /// Tells of every change of [`Ring::last`] from now on.
    pub fn watch(&self) -> watch::Receiver<i64> {
        self.last.subscribe()
    }
}

#[cfg(test)]
mod tests {
    use super::{After, Ring};

    #[test]
    fn a_ring_gives_what_comes_after_a_position_or_says_that_it_is_gone() {
        let ring = Ring::new(10, 3);
        assert_eq!(ring.after(10, 9), After::Nothing);
        assert_eq!(ring.after(9, 9), After::Gone);
        ring.extend(11, [11, 12]);
        ring.push(13);
        assert_eq!(ring.after(10, 2), After::Items(vec![11, 12]));
        assert_eq!(ring.after(12, 9), After::Items(vec![13]));
        // Another process was told more already.
        assert_eq!(ring.after(20, 9), After::Nothing);
        ring.push(14);
        assert_eq!(ring.after(10, 9), After::Gone);
        assert_eq!(
            (ring.newest(), ring.keeps(10), ring.keeps(11)),
            (Some((14, 14)), false, true)
        );
    }

    #[test]
    fn a_gap_or_a_way_back_keeps_nothing_of_before() {
        let ring = Ring::new(0, 8);
        ring.extend(1, [1, 2, 3]);
        ring.extend(7, [7, 8]);
        assert_eq!(ring.after(3, 9), After::Gone);
        assert_eq!(ring.after(6, 9), After::Items(vec![7, 8]));
        ring.put_back(2);
        assert_eq!(
            (ring.after(2, 9), ring.after(8, 9), ring.era()),
            (After::Nothing, After::Nothing, 1)
        );
        ring.push(3);
        assert_eq!(ring.after(2, 9), After::Items(vec![3]));
    }
}
