//! Pictures that differ little from the one before are made of it in the decoder's own memory, and only what they change is
//! compared. See [`vp9`](super::super::vp9).

use ffmpeg_next::{Packet, decoder};

use super::super::FrameError;
use super::super::grid;
use super::super::picture::Held;
use super::super::plane::Plane;
use super::super::select::Picture;
use super::super::vp9::{Look, Small, Stream};
use super::Scan;
use super::reading::{COMPARE_SECONDS, Reading};

/// So many packets are kept before those are made whose turn it is, and so many are given to the decoder after all if none
/// of them can be the first that it is given.
const USUALLY_AHEAD: usize = 32;
const MOST_AHEAD: usize = 128;

/// A packet whose picture can be made in place.
pub struct Ahead {
    packet: Packet,
    at: f64,
    small: Box<Small>,
}

/// What is made in place, and what the decoder does not know of it.
pub struct InPlace {
    stream: Stream,
    /// Not decided yet: if a packet follows that is left to the decoder, it must be given some of them first.
    run: Vec<Ahead>,
    /// Whether the decoder was not given all pictures that were made.
    behind: bool,
    /// Their turn has come, but they stay for too short to be seen, so far.
    unseen: Vec<Ahead>,
    /// The decoder's pictures, by number.
    pictures: Vec<(u32, Held)>,
    /// The number of the picture that the decoder makes next.
    awaited: Option<u32>,
    before: Remembered,
}

/// Blocks as they were when they were last seen.
#[derive(Default)]
struct Remembered {
    data: Vec<u8>,
    blocks: Vec<u32>,
    is_in: Vec<bool>,
}

impl Remembered {
    /// Remembers these blocks, unless they are already.
    fn add(&mut self, luma: &Plane<'_>, blocks: &[u32]) {
        self.data.resize(luma.width * luma.height, 0);
        self.is_in.resize(luma.columns() * luma.rows(), false);
        for &block in blocks {
            if std::mem::replace(&mut self.is_in[block as usize], true) {
                continue;
            }
            self.blocks.push(block);
            let area = grid::bounds_of_blocks(&[block], luma);
            for y in area.top..area.bottom {
                let line = y * luma.width;
                self.data[line + area.left..line + area.right].copy_from_slice(&luma.row(y)[area.left..area.right]);
            }
        }
    }

    fn clear(&mut self) {
        for block in self.blocks.drain(..) {
            self.is_in[block as usize] = false;
        }
    }
}

impl InPlace {
    pub fn new(max_pixels: u64) -> Self {
        Self {
            stream: Stream::new(max_pixels),
            run: Vec::new(),
            behind: false,
            unseen: Vec::new(),
            pictures: Vec::new(),
            awaited: None,
            before: Remembered::default(),
        }
    }

    fn picture(&self, number: u32) -> Option<Held> {
        self.pictures
            .iter()
            .find(|(known, _)| *known == number)
            .map(|(_, picture)| picture.clone())
    }

    /// A packet is about to be given to the decoder.
    pub fn giving(&mut self, packet: &Packet) {
        self.awaited = Some(self.stream.given(packet.data().unwrap_or_default()));
        let stream = &self.stream;
        self.pictures.retain(|(number, _)| stream.holds(*number));
    }

    /// How many packets the decoder was given.
    #[cfg(test)]
    pub fn given(&self) -> usize {
        self.stream.given_so_far()
    }

    /// The decoder made a picture.
    pub fn made(&mut self, picture: &Held) {
        if let Some(number) = self.awaited.take()
            && picture.may_change()
        {
            self.pictures.push((number, picture.clone()));
        }
    }

    /// A picture is wrong, and what refers to it.
    fn lose(&mut self) {
        self.stream.lose();
        self.pictures.clear();
        self.awaited = None;
    }

    /// Whether a packet of the run may be the first that the decoder is given; as what.
    fn first_given(&self, index: usize) -> Option<Packet> {
        let ahead = &self.run[index];
        if index == 0 && !self.behind {
            return Some(ahead.packet.clone());
        }
        let data = self.stream.rewritten(&ahead.small, ahead.packet.data()?)?;
        let mut packet = Packet::copy(&data);
        packet.set_pts(ahead.packet.pts());
        packet.set_dts(ahead.packet.dts());
        packet.set_duration(ahead.packet.duration());
        packet.set_stream(ahead.packet.stream());
        Some(packet)
    }
}

impl Reading {
    /// Looks at a packet. Takes it if its picture can be made in place; gives it back, with all before it done, if not.
    pub fn keep_ahead(
        &mut self,
        packet: &mut Packet,
        at: f64,
        decoder: &mut decoder::Video,
        scan: &Scan,
    ) -> Result<bool, FrameError> {
        let Some(in_place) = &mut self.in_place else {
            return Ok(false);
        };
        let pictures = &in_place.pictures;
        let there = |number| pictures.iter().any(|(known, _)| *known == number);
        let look = in_place.stream.look(packet.data().unwrap_or_default(), there);
        let fresh = matches!(look, Look::Key);
        let Look::Small(small) = look else {
            if fresh {
                self.make_all()?;
            } else {
                self.hand_over(decoder, scan)?;
            }
            self.leave(at)?;
            self.caught_up();
            return Ok(false);
        };
        let packet = std::mem::replace(packet, Packet::empty());
        in_place.run.push(Ahead { packet, at, small });
        let ahead = in_place.run.len();
        if ahead.is_multiple_of(USUALLY_AHEAD) {
            if let Some(first) = (1..ahead).rev().find(|index| in_place.first_given(*index).is_some()) {
                let rest = in_place.run.split_off(first);
                let ready = std::mem::replace(&mut in_place.run, rest);
                in_place.behind = true;
                self.make(ready)?;
            } else if ahead >= MOST_AHEAD {
                self.hand_over(decoder, scan)?;
                self.caught_up();
            }
        }
        Ok(true)
    }

    /// The decoder was given all that there was, or it starts afresh.
    fn caught_up(&mut self) {
        if let Some(in_place) = &mut self.in_place {
            in_place.stream.caught_up();
            in_place.behind = false;
        }
    }

    /// Makes all that was kept: nothing that the decoder is given refers to it.
    pub fn make_all(&mut self) -> Result<(), FrameError> {
        let run = self.in_place.as_mut().map(|in_place| std::mem::take(&mut in_place.run));
        self.make(run.unwrap_or_default())
    }

    /// Gives the decoder as few of the kept packets as it needs, and makes those before them.
    fn hand_over(&mut self, decoder: &mut decoder::Video, scan: &Scan) -> Result<(), FrameError> {
        let Some(in_place) = &mut self.in_place else {
            return Ok(());
        };
        let found = (0..in_place.run.len())
            .rev()
            .find_map(|index| Some((index, in_place.first_given(index)?)));
        let Some((index, first)) = found else {
            debug_assert!(in_place.run.is_empty(), "the first of a run can always be given");
            return Ok(());
        };
        let mut ready = std::mem::take(&mut in_place.run);
        let given = ready.split_off(index);
        self.make(ready)?;
        let mut first = Some(first);
        for ahead in given {
            if self.wait_for_key {
                break;
            }
            self.leave(ahead.at)?;
            self.give(first.as_ref().unwrap_or(&ahead.packet), ahead.at, decoder, scan)?;
            first = None;
        }
        Ok(())
    }

    /// Makes pictures, and sees those that stay for long enough.
    fn make(&mut self, ready: Vec<Ahead>) -> Result<(), FrameError> {
        for ahead in ready {
            let at = ahead.at;
            if at - self.observed_at < COMPARE_SECONDS {
                self.held_back = None;
            } else {
                if let Some((held_at, held)) = self.held_back.take()
                    && at - held_at >= COMPARE_SECONDS
                {
                    self.observe(held_at, held)?;
                }
                self.see_if_stayed(at)?;
            }
            let Some(in_place) = &mut self.in_place else {
                return Ok(());
            };
            in_place.unseen.push(ahead);
            if at - self.observed_at >= COMPARE_SECONDS {
                self.see(at)?;
            }
        }
        Ok(())
    }

    /// The decoder's memory is left as it is until this time.
    pub fn leave(&mut self, next_at: f64) -> Result<(), FrameError> {
        self.see_if_stayed(next_at)?;
        self.leave_unseen();
        Ok(())
    }

    /// Makes what is unseen. Nobody is to see it, unless nothing comes of what does next, which refers to it.
    fn leave_unseen(&mut self) {
        let in_place = self.in_place.as_ref();
        let last = in_place.and_then(|in_place| {
            let last = in_place.unseen.last()?;
            Some((last.at, in_place.picture(last.small.references()[0])?))
        });
        if last.is_some() {
            self.left = last;
            self.tracker.part();
            self.change_unseen();
        }
    }

    /// A picture is missing: the last before the hole is seen after all, if it stays for long enough.
    pub fn lose(&mut self) {
        self.leave_unseen();
        if let Some(in_place) = &mut self.in_place {
            in_place.lose();
        }
        if let Some(left) = self.left.take() {
            self.held_back.get_or_insert(left);
        }
    }

    /// What is unseen stayed until now: its changes are its own, not those of the next picture.
    fn see_if_stayed(&mut self, now: f64) -> Result<(), FrameError> {
        let last = self.in_place.as_ref().and_then(|in_place| in_place.unseen.last());
        match last.map(|last| last.at) {
            Some(held_at) if now - held_at >= COMPARE_SECONDS && now - self.observed_at >= COMPARE_SECONDS => {
                self.see(held_at)
            }
            _ => Ok(()),
        }
    }

    /// Makes what is unseen, and sees the last of it.
    fn see(&mut self, at: f64) -> Result<(), FrameError> {
        let Some(in_place) = &mut self.in_place else {
            return Ok(());
        };
        let Some(picture) = in_place
            .unseen
            .first()
            .and_then(|first| in_place.picture(first.small.references()[0]))
        else {
            return Ok(());
        };
        if !self.tracker.latest().is_some_and(|latest| latest.is(&picture)) {
            self.change_unseen();
            return self.observe(at, picture);
        }
        self.observed_at = at;
        if let Some(kept) = self.tracker.about_to_change(at) {
            self.shelf.add(&kept)?;
        }
        let luma = picture.luma();
        for ahead in &in_place.unseen {
            in_place
                .before
                .add(&luma, &ahead.small.edits().touched((luma.width, luma.height)));
        }
        self.change_unseen();
        if let Some(in_place) = &mut self.in_place {
            let before = &mut in_place.before;
            before.blocks.sort_unstable();
            let luma = picture.luma();
            let was = Plane {
                data: &before.data,
                stride: luma.width,
                ..luma
            };
            self.tracker.changed(at, &was, &before.blocks);
            before.clear();
        }
        #[cfg(test)]
        self.saw(at);
        Ok(())
    }

    /// Makes what is unseen.
    fn change_unseen(&mut self) {
        let Some(in_place) = &mut self.in_place else {
            return;
        };
        for ahead in std::mem::take(&mut in_place.unseen) {
            let [last, second, third] = ahead.small.references().map(|number| in_place.picture(number));
            let (Some(mut last), Some(second), Some(third)) = (last, second, third) else {
                continue;
            };
            last.change(ahead.small.edits(), [&second, &third]);
            for mut copy in ahead
                .small
                .copies()
                .iter()
                .filter_map(|number| in_place.picture(*number))
            {
                if self.tracker.latest().is_some_and(|latest| latest.is(&copy)) {
                    self.tracker.part();
                }
                copy.become_like(&last);
            }
        }
    }
}
