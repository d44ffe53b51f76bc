//! What the packets tell before anything is decoded: how long the recording is, where bytes are missing, and which
//! packets need no decoding. Pure.

use super::select::SETTLE_SECONDS;

/// One packet of the video, in the order of the file.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Packet {
    pub at_seconds: f64,
    pub bytes: usize,
    pub key: bool,
    /// Bytes of the file are missing before this packet.
    pub after_damage: bool,
}

/// What to do with a packet.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Step {
    Decode,
    /// Nothing moves until the next key frame, from which decoding starts afresh.
    Quiet,
    /// The screen is on the move and has not settled when the next key frame comes: there is nothing to keep in between.
    Passing,
    /// Its references are lost; the next key frame is the next thing that can be shown.
    Broken,
}

/// Packets to each side that are looked at to learn how small "nothing happened" is.
const NEIGHBOURS: usize = 50;
/// An encoder spends this many times its usual least on a picture in which a caret blinked (measured with libvpx: 80
/// bytes against 118 and more).
const QUIET_FACTOR: f64 = 1.3;
/// More than this is never nothing.
const QUIET_BYTES: usize = 1500;

/// A packet of so many bytes, and so many times the usual least, redraws a good part of the screen.
const LOUD_BYTES: usize = 4000;
const LOUD_FACTOR: usize = 20;
/// Movement that goes on for longer than this is looked into.
const PASSING_SECONDS: f64 = 3.0;

/// Which packets may be left out. A packet is only left out if no later one refers to it: what follows is a key frame.
pub fn steps(packets: &[Packet], reordered: bool) -> Vec<Step> {
    let mut steps = vec![Step::Decode; packets.len()];
    let mut broken = false;
    for (index, packet) in packets.iter().enumerate() {
        if packet.key {
            broken = false;
        } else if packet.after_damage {
            broken = packets[index..].iter().any(|later| later.key);
        }
        if broken {
            steps[index] = Step::Broken;
        }
    }
    if !reordered {
        for (index, _) in packets.iter().enumerate().skip(1).filter(|(_, packet)| packet.key) {
            let from = passing_from(packets, index);
            for step in &mut steps[from..index] {
                if *step == Step::Decode {
                    *step = Step::Passing;
                }
            }
        }
        let mut before_key = false;
        for index in (0..packets.len()).rev() {
            if packets[index].key {
                before_key = true;
            } else if before_key && steps[index] == Step::Passing {
                // What is left out refers to nothing either.
            } else if before_key && steps[index] == Step::Decode && quiet(packets, index) {
                steps[index] = Step::Quiet;
            } else {
                before_key = false;
            }
        }
    }
    steps
}

/// From where on the screen moves without rest up to this key frame; the key frame itself if it rests before.
fn passing_from(packets: &[Packet], key: usize) -> usize {
    let mut from = key;
    for index in (0..key).rev() {
        let packet = &packets[index];
        if packet.key || packets[from].at_seconds - packet.at_seconds >= SETTLE_SECONDS {
            break;
        }
        if packet.bytes >= LOUD_BYTES && packet.bytes >= LOUD_FACTOR * usual_least(packets, index) {
            from = index;
            if packets[key].at_seconds - packet.at_seconds > PASSING_SECONDS {
                return key;
            }
        }
    }
    from
}

fn quiet(packets: &[Packet], index: usize) -> bool {
    let bytes = packets[index].bytes;
    bytes <= QUIET_BYTES && bytes as f64 <= usual_least(packets, index) as f64 * QUIET_FACTOR
}

fn usual_least(packets: &[Packet], index: usize) -> usize {
    let from = index.saturating_sub(NEIGHBOURS);
    let to = (index + NEIGHBOURS).min(packets.len());
    let mut sizes: Vec<usize> = packets[from..to]
        .iter()
        .filter(|packet| !packet.key)
        .map(|packet| packet.bytes)
        .collect();
    sizes.sort_unstable();
    sizes.get(sizes.len() / 5).copied().unwrap_or(0)
}

/// The usual distance between pictures, for the length of the last one.
pub fn usual_interval(packets: &[Packet]) -> f64 {
    let mut times: Vec<f64> = packets.iter().map(|packet| packet.at_seconds).collect();
    times.sort_by(f64::total_cmp);
    let mut gaps: Vec<f64> = times
        .windows(2)
        .map(|pair| pair[1] - pair[0])
        .filter(|gap| *gap > 0.0)
        .collect();
    gaps.sort_by(f64::total_cmp);
    gaps.get(gaps.len() / 2).copied().unwrap_or(0.0)
}

#[cfg(test)]
mod tests {
    use super::Step::{Broken, Decode, Passing, Quiet};
    use super::*;

    fn packets(sizes: &[(usize, char)]) -> Vec<Packet> {
        sizes
            .iter()
            .enumerate()
            .map(|(index, (bytes, kind))| Packet {
                at_seconds: index as f64 / 10.0,
                bytes: *bytes,
                key: *kind == 'K',
                after_damage: *kind == '!',
            })
            .collect()
    }

    #[test]
    fn only_a_quiet_end_before_a_key_frame_is_left_out() {
        let given = packets(&[
            (90_000, 'K'),
            (80, ' '),
            (82, ' '),
            (300, ' '),
            (80, ' '),
            (79, ' '),
            (90_000, 'K'),
            (80, ' '),
            (81, ' '),
        ]);
        let expected = [Decode, Decode, Decode, Decode, Quiet, Quiet, Decode, Decode, Decode];
        assert_eq!(steps(&given, false), expected);
        assert_eq!(steps(&given, true), [Decode; 9]);
    }

    #[test]
    fn movement_that_runs_into_a_key_frame_is_left_out() {
        let mut sizes = vec![(90_000, 'K')];
        sizes.extend([(80, ' '); 10]);
        sizes.extend([(60_000, ' '), (300, ' '), (70_000, ' '), (80, ' ')]);
        sizes.push((90_000, 'K'));
        sizes.extend([(60_000, ' ')]);
        sizes.extend([(80, ' '); 10]);
        sizes.push((90_000, 'K'));
        let found = steps(&packets(&sizes), false);
        assert_eq!(found[0], Decode);
        assert_eq!(found[1..11], [Quiet; 10]);
        assert_eq!(found[11..15], [Passing; 4]);
        // What rests before the key frame is looked at, once.
        assert_eq!(found[15..17], [Decode; 2]);
        assert_eq!(found[17..27], [Quiet; 10]);
    }

    #[test]
    fn after_damage_the_next_key_frame_is_awaited_if_there_is_one() {
        let given = packets(&[
            (900, 'K'),
            (500, ' '),
            (700, '!'),
            (600, ' '),
            (900, 'K'),
            (500, '!'),
            (500, ' '),
        ]);
        assert_eq!(
            steps(&given, true),
            [Decode, Decode, Broken, Broken, Decode, Decode, Decode]
        );
    }

    #[test]
    fn the_usual_interval_is_the_median_gap() {
        let mut given = packets(&[(1, 'K'), (1, ' '), (1, ' '), (1, ' ')]);
        given[3].at_seconds = 9.0;
        assert!((usual_interval(&given) - 0.1).abs() < 1e-9);
        assert!(usual_interval(&given[..1]).abs() < 1e-9);
    }
}
