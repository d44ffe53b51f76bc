//! Demuxing and decoding with ffmpeg. Runs in the child process; see ADR 0005 for what is left out and why.

mod in_place;
mod reading;

use std::ffi::CString;
use std::io::Read;
use std::path::Path;

use ffmpeg_next::codec::{self, Id, threading};
use ffmpeg_next::format::context::Input;
use ffmpeg_next::{self as ffmpeg, Dictionary, Discard, Error, Packet, decoder, format, media};

use super::plan;
use super::{DecodeLimits, Extraction, FrameError, Probe, Progress, Sampling};
use reading::Reading;

/// Above this rate pictures that no other refers to are not decoded.
const FULL_RATE: f64 = 12.0;
/// A time stamp that jumps by more than this is a damaged one.
const JUMP_SECONDS: f64 = 3600.0;
/// Between two packets a container writes at most a few hundred bytes of its own; a hole is larger.
const HOLE_BYTES: i64 = 4096;
/// Errors in a row after which the rest of a file is given up.
const MOST_HOLES: usize = 100;

pub(super) fn fault(error: Error) -> FrameError {
    match error {
        Error::Other { errno: libc::ENOMEM } => FrameError::DecoderCrashed("out of its memory limit".into()),
        other => FrameError::Unreadable(other.to_string()),
    }
}

struct Source {
    input: Input,
    stream: usize,
    codec: Id,
    time_base: f64,
    matroska: bool,
    alone: bool,
}

/// `plain`: its first pictures need not be decoded to learn how far they are reordered.
fn open(path: &Path, limits: &DecodeLimits, plain: bool) -> Result<Source, FrameError> {
    ffmpeg::init().map_err(fault)?;
    ffmpeg::log::set_level(ffmpeg::log::Level::Error);
    let mut head = Vec::with_capacity(domain::container::SNIFF_BYTES);
    std::fs::File::open(path)?
        .take(domain::container::SNIFF_BYTES as u64)
        .read_to_end(&mut head)?;
    let container = domain::container::sniff(&head).ok_or(FrameError::NotAVideo)?;
    let path = path.to_str().ok_or(FrameError::NotAVideo)?;
    let mut options = Dictionary::new();
    // No playlist, no address, no subtitle: only what was sniffed, and only this file.
    options.set("format_whitelist", "matroska,webm,mov,mp4");
    options.set("protocol_whitelist", "file");
    options.set("codec_whitelist", "vp8,vp9,libdav1d,libaom-av1,av1,h264,hevc");
    let matroska = container == domain::container::Container::Matroska;
    let input = if plain && matroska {
        open_by_header(path, options)
    } else {
        format::input_with_dictionary(path, options)
    };
    let input = input.map_err(|error| match error {
        Error::InvalidData => FrameError::NotAVideo,
        other => fault(other),
    })?;
    let streams = input.streams().count();
    let stream = input.streams().best(media::Type::Video).ok_or(FrameError::NotAVideo)?;
    let codec = stream.parameters().id();
    if codec_name(codec).is_none() {
        return Err(FrameError::Unreadable(format!(
            "the codec {} is not supported",
            codec.name()
        )));
    }
    let (index, time_base) = (stream.index(), f64::from(stream.time_base()));
    let source = Source {
        input,
        stream: index,
        codec,
        time_base,
        matroska,
        alone: streams == 1,
    };
    let (width, height) = parameters_size(&source)?;
    if u64::from(width) * u64::from(height) > limits.max_pixels {
        return Err(FrameError::Unreadable(format!(
            "pictures of {width}x{height} are too large"
        )));
    }
    Ok(source)
}

/// Opens a file whose header tells all that is needed, and decodes none of its pictures.
#[expect(unsafe_code, reason = "ffmpeg-next opens no file without decoding some of it")]
fn open_by_header(path: &str, options: Dictionary<'_>) -> Result<Input, Error> {
    let path = CString::new(path).map_err(|_| Error::InvalidData)?;
    // SAFETY: as ffmpeg-next does it; what was opened is closed when the input is dropped, and an error leaves nothing open.
    unsafe {
        let mut context = std::ptr::null_mut();
        let mut options = options.disown();
        let result =
            ffmpeg::ffi::avformat_open_input(&raw mut context, path.as_ptr(), std::ptr::null_mut(), &raw mut options);
        drop(Dictionary::own(options));
        match result {
            0 => Ok(Input::wrap(context)),
            error => Err(Error::from(error)),
        }
    }
}

fn codec_name(codec: Id) -> Option<&'static str> {
    match codec {
        Id::VP8 => Some("vp8"),
        Id::VP9 => Some("vp9"),
        Id::AV1 => Some("av1"),
        Id::H264 => Some("h264"),
        Id::HEVC => Some("hevc"),
        _ => None,
    }
}

fn parameters_size(source: &Source) -> Result<(u32, u32), FrameError> {
    let stream = source.input.stream(source.stream).ok_or(FrameError::NotAVideo)?;
    let context = codec::Context::from_parameters(stream.parameters()).map_err(fault)?;
    let video = context.decoder().video().map_err(fault)?;
    Ok((video.width(), video.height()))
}

fn open_decoder(source: &Source, limits: &DecodeLimits, fast: bool) -> Result<decoder::Video, FrameError> {
    let stream = source.input.stream(source.stream).ok_or(FrameError::NotAVideo)?;
    let mut context = codec::Context::from_parameters(stream.parameters()).map_err(fault)?;
    // One thread: two cost 7 % more processor time for the same pictures, and the worker has other analyses to run.
    context.set_threading(threading::Config {
        kind: threading::Type::None,
        count: 1,
        ..threading::Config::default()
    });
    let mut decoder = context.decoder();
    decoder.set_packet_time_base(stream.time_base());
    decoder.skip_loop_filter(Discard::NonKey);
    if fast {
        decoder.skip_frame(Discard::NonReference);
    }
    let mut options = Dictionary::new();
    options.set("max_pixels", &limits.max_pixels.to_string());
    let codec = decoder::find(source.codec)
        .ok_or(Error::DecoderNotFound)
        .map_err(fault)?;
    decoder
        .open_as_with(codec, options)
        .and_then(decoder::Opened::video)
        .map_err(fault)
}

/// How the picture must be turned clockwise for a viewer, in quarters.
fn quarter_turns(source: &Source) -> u8 {
    let Some(stream) = source.input.stream(source.stream) else {
        return 0;
    };
    for side_data in stream.side_data() {
        if side_data.kind() == codec::packet::side_data::Type::DisplayMatrix {
            let entry = |index: usize| {
                side_data
                    .data()
                    .get(index * 4..index * 4 + 4)
                    .and_then(|bytes| bytes.try_into().ok())
                    .map_or(0, i32::from_ne_bytes)
            };
            let degrees = f64::from(entry(1)).atan2(f64::from(entry(0))).to_degrees();
            return (degrees / 90.0).round().rem_euclid(4.0) as u8;
        }
    }
    0
}

/// The next packet. What cannot be demuxed is stepped over: the demuxer finds the next cluster by itself, but reports the
/// hole as an error first.
fn read(packet: &mut Packet, input: &mut Input) -> bool {
    (0..MOST_HOLES)
        .map(|_| packet.read(input))
        .find_map(|result| match result {
            Ok(()) => Some(true),
            Err(Error::Eof) => Some(false),
            Err(_) => None,
        })
        == Some(true)
}

/// The packets of the video, without decoding any.
struct Scan {
    time_base: f64,
    packets: Vec<plan::Packet>,
    start_seconds: f64,
    duration_seconds: f64,
}

fn scan(source: &mut Source, limits: &DecodeLimits) -> Result<Scan, FrameError> {
    let mut times = Vec::new();
    let mut packets: Vec<plan::Packet> = Vec::new();
    let mut longest = 0.0_f64;
    let mut end_of_previous: Option<i64> = None;
    let mut damaged = false;
    let mut packet = Packet::empty();
    while read(&mut packet, &mut source.input) {
        if packet.stream() != source.stream {
            continue;
        }
        let position = packet.position() as i64;
        if source.matroska && source.alone && position >= 0 {
            if end_of_previous.is_some_and(|end| position - end > HOLE_BYTES) {
                damaged = true;
            }
            end_of_previous = Some(position + packet.size() as i64);
        }
        let before: Option<f64> = times.last().copied();
        let stamp = packet
            .pts()
            .or(packet.dts())
            .map(|ticks| ticks as f64 * source.time_base);
        let at = match (stamp, before) {
            (Some(at), Some(before)) if (at - before).abs() > JUMP_SECONDS => before,
            (Some(at), _) => at,
            (None, before) => before.unwrap_or(0.0),
        };
        longest = longest.max(at + packet.duration().max(0) as f64 * source.time_base);
        times.push(at);
        packets.push(plan::Packet {
            at_seconds: at,
            bytes: packet.size(),
            key: packet.is_key(),
            after_damage: std::mem::take(&mut damaged) || packet.is_corrupt(),
        });
        let first = times.first().copied().unwrap_or(at);
        if at - first > limits.max_recording_seconds {
            return Err(FrameError::TooLong {
                limit_seconds: limits.max_recording_seconds,
            });
        }
    }
    let start_seconds = times.iter().copied().fold(f64::INFINITY, f64::min);
    if packets.is_empty() {
        return Err(FrameError::Unreadable("no picture in it".into()));
    }
    for packet in &mut packets {
        packet.at_seconds -= start_seconds;
    }
    let last = packets.iter().map(|packet| packet.at_seconds).fold(0.0, f64::max);
    let duration_seconds = (longest - start_seconds).max(last + plan::usual_interval(&packets));
    Ok(Scan {
        time_base: source.time_base,
        packets,
        start_seconds,
        duration_seconds,
    })
}

/// Length, codec and size of a recording, by its packets.
pub fn probe(path: &Path, limits: &DecodeLimits) -> Result<Probe, FrameError> {
    let mut source = open(path, limits, false)?;
    let (mut width, mut height) = parameters_size(&source)?;
    if quarter_turns(&source) % 2 == 1 {
        std::mem::swap(&mut width, &mut height);
    }
    let scan = scan(&mut source, limits)?;
    Ok(Probe {
        duration_seconds: scan.duration_seconds,
        codec: codec_name(source.codec).unwrap_or_default().into(),
        width_pixels: width,
        height_pixels: height,
    })
}

/// Pictures come and go all the time: their memory is not to be given back to the kernel and cleared by it again for each.
fn keep_memory() {
    #[cfg(target_env = "gnu")]
    {
        const PICTURES: libc::c_int = 256 << 20;
        #[expect(unsafe_code, reason = "a setting of the C library's allocator, which ffmpeg uses")]
        // SAFETY: takes two numbers, and may be called at any time.
        unsafe {
            libc::mallopt(libc::M_MMAP_THRESHOLD, PICTURES);
            libc::mallopt(libc::M_TRIM_THRESHOLD, PICTURES);
        }
    }
}

/// Reads a recording in this process. For the child and for tests: a hostile file can take the process down.
pub fn extract_in_process(
    path: &Path,
    out_dir: &Path,
    sampling: &Sampling,
    limits: &DecodeLimits,
    on_progress: &mut dyn FnMut(Progress),
) -> Result<Extraction, FrameError> {
    keep_memory();
    let mut source = open(path, limits, true)?;
    let scan = scan(&mut source, limits)?;
    let reordered = matches!(source.codec, Id::H264 | Id::HEVC);
    let steps = plan::steps(&scan.packets, reordered);
    // Opened again rather than wound back: seeking needs an index, which a recorder's file does not have. How far pictures are
    // reordered is learned from decoding some.
    let source = open(path, limits, !reordered)?;
    let rate = scan.packets.len() as f64 / scan.duration_seconds.max(0.001);
    let decoder = open_decoder(&source, limits, reordered && rate > FULL_RATE)?;
    let turns = quarter_turns(&source);
    Reading::new(sampling, out_dir, turns).read(source, decoder, &scan, &steps, limits, on_progress)
}
