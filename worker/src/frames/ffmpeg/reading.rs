//! One pass over the packets of a recording: which are decoded, which are made in place, and what is seen.

use std::path::Path;

use ffmpeg_next::codec::Id;
use ffmpeg_next::util::frame::Video;
use ffmpeg_next::{Error, Packet, decoder};

use super::super::picture::Held;
use super::super::plan::Step;
use super::super::select::Tracker;
use super::super::shelf::Shelf;
use super::super::{DecodeLimits, Extraction, FrameError, Progress, Sampling, TimeSpan, vp9};
use super::in_place::InPlace;
use super::{Scan, Source, codec_name, fault, read};

/// Pictures nearer in time than this are not compared one by one: changes are told to 0.1 s.
pub const COMPARE_SECONDS: f64 = 0.08;
pub struct Reading {
    pub tracker: Tracker<Held>,
    pub shelf: Shelf,
    turns: u8,
    unreadable: Vec<TimeSpan>,
    broken_since: Option<f64>,
    /// After a decoding error what refers to the lost picture is wrong too, up to the next key frame.
    pub wait_for_key: bool,
    pub observed_at: f64,
    /// The latest picture, if it came too soon after the one before to be compared.
    pub held_back: Option<(f64, Held)>,
    /// Of VP9.
    pub in_place: Option<InPlace>,
    /// A picture that is not to be seen if the next comes.
    pub left: Option<(f64, Held)>,
    size: Option<(u32, u32)>,
    last_error: Option<FrameError>,
    /// What was seen, when: a sum over all samples.
    #[cfg(test)]
    seen: Vec<(f64, u64)>,
}

impl Reading {
    pub fn new(sampling: &Sampling, out_dir: &Path, turns: u8) -> Self {
        Self {
            tracker: Tracker::new(sampling),
            shelf: Shelf::new(out_dir, *sampling, turns),
            turns,
            unreadable: Vec::new(),
            broken_since: None,
            wait_for_key: false,
            observed_at: f64::NEG_INFINITY,
            held_back: None,
            in_place: None,
            left: None,
            size: None,
            last_error: None,
            #[cfg(test)]
            seen: Vec::new(),
        }
    }

    /// Reads the whole recording.
    pub fn read(
        mut self,
        source: Source,
        decoder: decoder::Video,
        scan: &Scan,
        steps: &[Step],
        limits: &DecodeLimits,
        on_progress: &mut dyn FnMut(Progress),
    ) -> Result<Extraction, FrameError> {
        let codec = source.codec;
        self.in_place = (codec == Id::VP9).then(|| InPlace::new(limits.max_pixels));
        self.run(source, decoder, scan, steps, on_progress)?;
        self.conclude(scan, codec)
    }

    fn run(
        &mut self,
        mut source: Source,
        mut decoder: decoder::Video,
        scan: &Scan,
        steps: &[Step],
        on_progress: &mut dyn FnMut(Progress),
    ) -> Result<(), FrameError> {
        let mut packet = Packet::empty();
        let mut index = 0;
        let mut told = 0.0;
        while read(&mut packet, &mut source.input) {
            if packet.stream() != source.stream {
                continue;
            }
            let Some((known, step)) = scan.packets.get(index).zip(steps.get(index)) else {
                break;
            };
            index += 1;
            let at = known.at_seconds;
            if at - told > scan.duration_seconds / 100.0 {
                told = at;
                on_progress(Progress {
                    done_seconds: at,
                    total_seconds: scan.duration_seconds,
                });
            }
            if *step != Step::Decode {
                // What is left out is followed by a key frame.
                self.make_all()?;
            }
            if *step == Step::Broken || (self.wait_for_key && !known.key) {
                self.lose();
                self.broken_since.get_or_insert(at);
                continue;
            }
            if *step == Step::Quiet {
                continue;
            }
            if *step == Step::Passing {
                if let Some(kept) = self.tracker.pass_over(at) {
                    self.shelf.add(&kept)?;
                }
                continue;
            }
            if self.wait_for_key || (known.key && self.broken_since.is_some()) {
                decoder.flush();
                self.wait_for_key = false;
            }
            if source.codec == Id::VP9
                && let Some(data) = packet.data_mut()
            {
                vp9::without_loop_filter(data);
            }
            if self.keep_ahead(&mut packet, at, &mut decoder, scan)? {
                continue;
            }
            if self.wait_for_key && !known.key {
                self.broken_since.get_or_insert(at);
                continue;
            }
            self.give(&packet, at, &mut decoder, scan)?;
        }
        self.make_all()?;
        self.leave(f64::INFINITY)?;
        if decoder.send_eof().is_ok() {
            self.receive(&mut decoder, scan)?;
        }
        if let Some((at, picture)) = self.held_back.take() {
            self.observe(at, picture)?;
        }
        Ok(())
    }

    /// Gives the decoder a packet, and sees what it makes of it.
    pub fn give(
        &mut self,
        packet: &Packet,
        at: f64,
        decoder: &mut decoder::Video,
        scan: &Scan,
    ) -> Result<(), FrameError> {
        if let Some(in_place) = &mut self.in_place {
            in_place.giving(packet);
        }
        if let Err(error) = decoder.send_packet(packet) {
            let error = fault(error);
            if matches!(error, FrameError::DecoderCrashed(_)) {
                return Err(error);
            }
            self.last_error = Some(error);
            self.broken_since.get_or_insert(at);
            self.wait_for_key = scan.packets.iter().any(|later| later.key && later.at_seconds > at);
            self.lose();
            return Ok(());
        }
        self.receive(decoder, scan)?;
        self.left = None;
        Ok(())
    }

    fn receive(&mut self, decoder: &mut decoder::Video, scan: &Scan) -> Result<(), FrameError> {
        loop {
            let mut picture = Video::empty();
            match decoder.receive_frame(&mut picture) {
                Ok(()) => {}
                Err(Error::Other { errno: libc::ENOMEM }) => {
                    return Err(fault(Error::Other { errno: libc::ENOMEM }));
                }
                Err(_) => return Ok(()),
            }
            let ticks = picture.timestamp().or(picture.pts());
            let at = ticks.map_or(self.observed_at.max(0.0), |ticks| {
                ticks as f64 * scan.time_base - scan.start_seconds
            });
            if picture.is_corrupt() || picture.has_decode_errors() {
                self.lose();
                self.broken_since.get_or_insert(at);
                continue;
            }
            if let Some(since) = self.broken_since.take()
                && at > since
            {
                self.unreadable.push(TimeSpan {
                    start_seconds: since,
                    end_seconds: at,
                });
            }
            self.size.get_or_insert((picture.width(), picture.height()));
            let picture = Held::new(picture, self.in_place.is_some())?;
            if let Some(in_place) = &mut self.in_place {
                in_place.made(&picture);
            }
            if at - self.observed_at < COMPARE_SECONDS {
                self.held_back = Some((at, picture));
            } else {
                // The last picture of a burst stayed until now: its changes are its own, not those of the next one.
                if let Some((held_at, held)) = self.held_back.take()
                    && at - held_at >= COMPARE_SECONDS
                {
                    self.observe(held_at, held)?;
                }
                self.observe(at, picture)?;
            }
        }
    }

    pub fn observe(&mut self, at: f64, picture: Held) -> Result<(), FrameError> {
        self.observed_at = at;
        let kept = self.tracker.observe(at, picture);
        #[cfg(test)]
        self.saw(at);
        kept.map_or(Ok(()), |kept| self.shelf.add(&kept))
    }

    /// Tests compare all that was seen.
    #[cfg(test)]
    pub fn saw(&mut self, at: f64) {
        self.seen.extend(self.tracker.latest().map(|latest| (at, latest.sum())));
    }

    fn conclude(mut self, scan: &Scan, codec: Id) -> Result<Extraction, FrameError> {
        if let Some(kept) = self.tracker.finish() {
            self.shelf.add(&kept)?;
        }
        let Some((width, height)) = self.size else {
            return Err(self
                .last_error
                .unwrap_or_else(|| FrameError::Unreadable("no picture could be decoded".into())));
        };
        let duration = scan.duration_seconds;
        if let Some(since) = self.broken_since
            && duration > since
        {
            self.unreadable.push(TimeSpan {
                start_seconds: since,
                end_seconds: duration,
            });
        }
        let unreadable_seconds = self
            .unreadable
            .iter()
            .fold(0.0, |sum, span| sum + span.end_seconds - span.start_seconds);
        let frames = self.shelf.close(duration)?;
        let covered: f64 = frames
            .iter()
            .map(|frame| frame.span.end_seconds - frame.span.start_seconds)
            .sum();
        let overlap: f64 = frames.iter().map(|frame| overlap(&frame.span, &self.unreadable)).sum();
        let coverage = if duration > 0.0 {
            ((covered - overlap) / duration).clamp(0.0, 1.0)
        } else {
            1.0
        };
        let mut changes = self.tracker.into_changes();
        for change in &mut changes {
            change.region = turned(change.region, self.turns);
        }
        let (width_pixels, height_pixels) = if self.turns % 2 == 1 {
            (height, width)
        } else {
            (width, height)
        };
        Ok(Extraction {
            duration_seconds: duration,
            coverage,
            unreadable_seconds,
            codec: codec_name(codec).unwrap_or_default().into(),
            width_pixels,
            height_pixels,
            frames,
            changes,
        })
    }
}

fn overlap(span: &TimeSpan, holes: &[TimeSpan]) -> f64 {
    holes
        .iter()
        .map(|hole| (hole.end_seconds.min(span.end_seconds) - hole.start_seconds.max(span.start_seconds)).max(0.0))
        .sum()
}

/// A region of the decoded picture, as a viewer of the turned picture sees it.
fn turned([x0, y0, x1, y1]: [f32; 4], quarters: u8) -> [f32; 4] {
    match quarters % 4 {
        1 => [1.0 - y1, x0, 1.0 - y0, x1],
        2 => [1.0 - x1, 1.0 - y1, 1.0 - x0, 1.0 - y0],
        3 => [y0, 1.0 - x1, y1, 1.0 - x0],
        _ => [x0, y0, x1, y1],
    }
}

#[cfg(test)]
mod tests {
    use std::process::Command;

    use super::*;

    const SAMPLING: Sampling = Sampling {
        frames_per_second: 1.0,
        max_frames: 120,
        scene_threshold: 0.2,
    };

    /// What was read: what is found or why nothing is, all that was seen, and what share of the packets a decoder was given.
    struct Read {
        found: Result<Extraction, String>,
        seen: Vec<(f64, u64)>,
        given: f64,
    }

    /// None if not even its packets can be told apart.
    fn read_all(file: &Path, out_dir: &Path, in_place: bool) -> Option<Read> {
        let limits = DecodeLimits::default();
        let open = || super::super::open(file, &limits, true).ok();
        let scan = super::super::scan(&mut open()?, &limits).ok()?;
        let steps = super::super::plan::steps(&scan.packets, false);
        let source = open()?;
        let decoder = super::super::open_decoder(&source, &limits, false).ok()?;
        let mut reading = Reading::new(&SAMPLING, out_dir, 0);
        reading.in_place = in_place.then(|| InPlace::new(limits.max_pixels));
        let read = reading.run(source, decoder, &scan, &steps, &mut |_| {});
        let all = scan.packets.len();
        let given = reading.in_place.as_ref().map_or(all, InPlace::given);
        let seen = std::mem::take(&mut reading.seen);
        let found = read.and_then(|()| reading.conclude(&scan, Id::VP9));
        Some(Read {
            found: found.map_err(|error| error.to_string()),
            seen,
            given: given as f64 / all as f64,
        })
    }

    /// What is found, seen and kept must be the same to the bit with and without pictures made in place. Answers with the share of
    /// packets that were given to the decoder.
    fn compare(file: &Path) -> f64 {
        let dir = tempfile::tempdir().unwrap();
        let kept = |read: &Read| -> Vec<Vec<u8>> {
            let frames = read.found.iter().flat_map(|extraction| &extraction.frames);
            frames.map(|frame| std::fs::read(&frame.file).unwrap()).collect()
        };
        let plain = read_all(file, dir.path(), false).unwrap();
        let plain_kept = kept(&plain);
        let read = read_all(file, dir.path(), true).unwrap();
        let different = read.seen.iter().zip(&plain.seen).find(|(seen, plain)| seen != plain);
        assert_eq!(different, None, "of {} pictures", plain.seen.len());
        assert_eq!(read.seen.len(), plain.seen.len());
        assert!(kept(&read) == plain_kept);
        assert_eq!(read.found, plain.found);
        read.given
    }

    /// Of a damaged recording the same must be told: what cannot be read, and when there was something to see. What garbage looks like may
    /// differ: absurd coefficients are cut off at 16 bits in other places.
    fn compare_damaged(file: &Path) {
        let dir = tempfile::tempdir().unwrap();
        let told = |in_place| {
            let read = read_all(file, dir.path(), in_place)?;
            let times: Vec<f64> = read.seen.iter().map(|(at, _)| *at).collect();
            let found = read
                .found
                .map(|found| (found.unreadable_seconds, found.duration_seconds));
            Some((times, found))
        };
        assert_eq!(told(true), told(false));
    }

    /// Small things that move, as a browser's recorder encodes them.
    fn encode(size: &str, rate: u32, seconds: u32, options: &str, file: &Path) {
        let scene = format!(
            "color=c=0xe0e0e0:s={size}:r={rate}[paper];testsrc2=s=96x64:r={rate}[thing];color=s=64x64:r={rate},geq=lum='2*X+Y+30*sin(T)':cb='110+X/2':cr='100+Y/2'[slope];\
             [paper][slope]overlay=x='W/2+mod(t*7,W/4)':y='H/2'[with];[with][thing]overlay=x='40+50*sin(t)':y='60+20*cos(t*1.3)'"
        );
        let status = Command::new("ffmpeg")
            .args([
                "-v",
                "error",
                "-nostdin",
                "-f",
                "lavfi",
                "-i",
                &scene,
                "-t",
                &seconds.to_string(),
            ])
            .args("-c:v libvpx-vp9 -b:v 300k -g 70 -lag-in-frames 0 -pix_fmt yuv420p".split(' '))
            .args("-deadline realtime -cpu-used 7 -frame-parallel 1".split(' '))
            // The same bytes each time.
            .args("-threads 1 -fflags +bitexact -flags +bitexact".split(' '))
            .args(options.split_whitespace())
            .arg("-y")
            .arg(file)
            .status()
            .unwrap();
        assert!(status.success());
    }

    #[test]
    fn pictures_made_in_place_are_those_of_the_decoder() {
        let demo = concat!(env!("CARGO_MANIFEST_DIR"), "/../tests/fixtures/demo/demo.webm");
        let given = compare(Path::new(demo));
        assert!(given < 0.4, "{given}");
    }

    #[test]
    fn so_are_small_things_that_move_at_any_rate_and_size() {
        let dir = tempfile::tempdir().unwrap();
        let file = dir.path().join("recording.webm");
        for (size, rate, options, most_given) in [
            ("640x360", 10, "-tile-columns 1", 0.75),
            ("1280x720", 30, "-tile-columns 2", 0.75),
            ("608x352", 25, "-aq-mode 0 -tune-content screen", 0.75),
            ("501x303", 10, "", 0.75),
            ("1366x766", 10, "-tile-columns 2", 0.75),
            // What a recorder does not take the time for: large transforms, and all modes.
            ("640x360", 10, "-deadline good -cpu-used 1 -auto-alt-ref 0", 1.1),
            // Left to the decoder: segments, adaption, lossless.
            ("640x360", 10, "-aq-mode 3", 1.1),
            ("640x360", 10, "-frame-parallel 0", 1.1),
            ("640x360", 10, "-lossless 1", 1.1),
        ] {
            encode(size, rate, 9, options, &file);
            let given = compare(&file);
            assert!(given < most_given, "{size} {rate} {options}: {given}");
        }
    }

    #[test]
    fn damage_is_told_as_the_decoder_tells_it() {
        let dir = tempfile::tempdir().unwrap();
        let mut numbers = vp9::tests::Numbers(11);
        for (size, rate, options) in [
            ("320x184", 30, "-g 20"),
            ("200x152", 10, "-g 200"),
            ("192x360", 25, "-deadline good -cpu-used 2"),
        ] {
            let whole = dir.path().join("whole.webm");
            encode(size, rate, 3, options, &whole);
            let bytes = std::fs::read(&whole).unwrap();
            for _ in 0..30 {
                let mut damaged = bytes.clone();
                // Behind the container's header, in headers of frames and anywhere; holes; and what was cut off.
                for _ in 0..=numbers.below(3) {
                    let at = 600 + numbers.below(bytes.len() as u64 - 700) as usize;
                    match numbers.below(3) {
                        0 => damaged[at] ^= 1 << numbers.below(8),
                        1 => damaged[at..at + 20].fill(0),
                        _ => damaged[at] = numbers.below(256) as u8,
                    }
                }
                if numbers.below(8) == 0 {
                    damaged.truncate(600 + numbers.below(bytes.len() as u64 - 600) as usize);
                }
                let file = dir.path().join("damaged.webm");
                std::fs::write(&file, damaged).unwrap();
                compare_damaged(&file);
            }
        }
    }
}
