//! Decoded pictures: held by reference, written as JPEG.

use std::path::Path;
use std::rc::Rc;

use ffmpeg_next::codec::{self, encoder};
use ffmpeg_next::format::Pixel;
use ffmpeg_next::software::scaling;
use ffmpeg_next::util::color::Range;
use ffmpeg_next::util::frame::Video;
use ffmpeg_next::{Packet, Rational};

use super::FrameError;
use super::grid::Luma;
use super::select::Picture;

/// Longest side of a stored picture: the largest that vision models look at.
const LONGEST_SIDE: u32 = 2048;

/// ffmpeg's scale for JPEG from 2 (best) to 31: 3 keeps small text clean (a full HD form takes about 100 KB, a page full of text 550).
const JPEG_SCALE: i32 = 3;

/// A picture whose first plane is 8-bit luma.
#[derive(Clone)]
pub struct Held(Rc<Video>);

impl Held {
    /// Takes a decoder's picture, converting the rare ones that are not planar with 8 bits.
    pub fn new(decoded: Video) -> Result<Self, FrameError> {
        if decoded.width() == 0 || decoded.height() == 0 {
            return Err(FrameError::Unreadable("a picture without size".into()));
        }
        match decoded.format() {
            Pixel::YUV420P
            | Pixel::YUVJ420P
            | Pixel::YUV422P
            | Pixel::YUVJ422P
            | Pixel::YUV444P
            | Pixel::YUVJ444P
            | Pixel::NV12 => Ok(Self(Rc::new(decoded))),
            other => {
                let mut converted = Video::empty();
                scaling::Context::get(
                    other,
                    decoded.width(),
                    decoded.height(),
                    Pixel::YUV420P,
                    decoded.width(),
                    decoded.height(),
                    scaling::Flags::FAST_BILINEAR,
                )
                .and_then(|mut scaler| scaler.run(&decoded, &mut converted))
                .map_err(super::ffmpeg::fault)?;
                Ok(Self(Rc::new(converted)))
            }
        }
    }
}

impl Picture for Held {
    fn luma(&self) -> Luma<'_> {
        Luma {
            data: self.0.data(0),
            stride: self.0.stride(0),
            width: self.0.width() as usize,
            height: self.0.height() as usize,
        }
    }
}

/// Writes pictures as JPEG through ffmpeg's encoder, which takes YUV as it is, without a way round by RGB.
#[derive(Default)]
pub struct JpegWriter {
    encoder: Option<(u32, u32, encoder::video::Encoder)>,
}

impl JpegWriter {
    /// Writes a picture turned clockwise by quarters; answers with its stored size.
    pub fn write(&mut self, picture: &Held, quarter_turns: u8, file: &Path) -> Result<(u32, u32), FrameError> {
        let full = full_range(&picture.0)?;
        let turned = if quarter_turns == 0 {
            full
        } else {
            turn(&full, quarter_turns)
        };
        let size = (turned.width(), turned.height());
        if self
            .encoder
            .as_ref()
            .is_none_or(|(width, height, _)| (*width, *height) != size)
        {
            self.encoder = Some((size.0, size.1, open_encoder(size).map_err(super::ffmpeg::fault)?));
        }
        let Some((_, _, encoder)) = &mut self.encoder else {
            return Err(FrameError::Unreadable("no picture encoder".into()));
        };
        let mut packet = Packet::empty();
        encoder
            .send_frame(&turned)
            .and_then(|()| encoder.receive_packet(&mut packet))
            .map_err(super::ffmpeg::fault)?;
        std::fs::write(file, packet.data().unwrap_or_default())?;
        Ok(size)
    }
}

fn open_encoder((width, height): (u32, u32)) -> Result<encoder::video::Encoder, ffmpeg_next::Error> {
    let codec = encoder::find(codec::Id::MJPEG).ok_or(ffmpeg_next::Error::EncoderNotFound)?;
    let mut encoder = codec::Context::new_with_codec(codec).encoder().video()?;
    encoder.set_width(width);
    encoder.set_height(height);
    encoder.set_format(Pixel::YUVJ420P);
    encoder.set_color_range(Range::JPEG);
    encoder.set_time_base(Rational(1, 25));
    encoder.set_flags(codec::Flags::QSCALE);
    encoder.set_global_quality(JPEG_SCALE * ffmpeg_next::ffi::FF_QP2LAMBDA);
    encoder.open()
}

/// The picture in JPEG's range and at a size that may be stored.
fn full_range(picture: &Video) -> Result<Video, FrameError> {
    let (width, height) = (picture.width(), picture.height());
    let longest = width.max(height);
    let is_full = picture.color_range() == Range::JPEG || picture.format() == Pixel::YUVJ420P;
    if longest <= LONGEST_SIDE && matches!(picture.format(), Pixel::YUV420P | Pixel::YUVJ420P) {
        return Ok(if is_full {
            copy(picture, Pixel::YUVJ420P)
        } else {
            stretch(picture)
        });
    }
    let shrink = |side: u32| {
        if longest <= LONGEST_SIDE {
            side
        } else {
            (u64::from(side) * u64::from(LONGEST_SIDE) / u64::from(longest)).max(1) as u32
        }
    };
    // The scaler takes the range from the name of the format.
    let relabelled = match picture.format() {
        Pixel::YUV420P if is_full => Some(copy(picture, Pixel::YUVJ420P)),
        Pixel::YUV422P if is_full => Some(copy(picture, Pixel::YUVJ422P)),
        Pixel::YUV444P if is_full => Some(copy(picture, Pixel::YUVJ444P)),
        _ => None,
    };
    let source = relabelled.as_ref().unwrap_or(picture);
    let mut full = Video::empty();
    scaling::Context::get(
        source.format(),
        width,
        height,
        Pixel::YUVJ420P,
        shrink(width),
        shrink(height),
        scaling::Flags::AREA,
    )
    .and_then(|mut scaler| scaler.run(source, &mut full))
    .map_err(super::ffmpeg::fault)?;
    Ok(full)
}

/// The same samples under another name of their format.
fn copy(picture: &Video, format: Pixel) -> Video {
    let mut copied = Video::new(format, picture.width(), picture.height());
    for plane in 0..3 {
        let (from_stride, to_stride) = (picture.stride(plane), copied.stride(plane));
        let (width, height) = (copied.plane_width(plane) as usize, copied.plane_height(plane) as usize);
        let source = picture.data(plane);
        let target = copied.data_mut(plane);
        for y in 0..height {
            target[y * to_stride..][..width].copy_from_slice(&source[y * from_stride..][..width]);
        }
    }
    copied
}

/// 16..=235 and 16..=240 become 0..=255.
fn stretch(picture: &Video) -> Video {
    let mut full = Video::new(Pixel::YUVJ420P, picture.width(), picture.height());
    for plane in 0..3 {
        let (from_stride, to_stride) = (picture.stride(plane), full.stride(plane));
        let (width, height) = (full.plane_width(plane) as usize, full.plane_height(plane) as usize);
        let source = picture.data(plane);
        let target = full.data_mut(plane);
        for y in 0..height {
            let from = &source[y * from_stride..][..width];
            let to = &mut target[y * to_stride..][..width];
            // The upper half of a product of 16 bits is one instruction for eight samples: 4 * x * factor / 2^16.
            if plane == 0 {
                for (to, from) in to.iter_mut().zip(from) {
                    let above_black = 4 * u16::from(from.saturating_sub(16));
                    *to = (((u32::from(above_black) * 19_078) >> 16) as u16).min(255) as u8;
                }
            } else {
                for (to, from) in to.iter_mut().zip(from) {
                    let from_grey = 4 * (i16::from(*from) - 128);
                    *to = (128 + ((i32::from(from_grey) * 18_651) >> 16) as i16).clamp(0, 255) as u8;
                }
            }
        }
    }
    full
}

/// Turned clockwise by quarters.
fn turn(picture: &Video, quarters: u8) -> Video {
    let (width, height) = (picture.width(), picture.height());
    let (to_width, to_height) = if quarters % 2 == 1 {
        (height, width)
    } else {
        (width, height)
    };
    let mut turned = Video::new(Pixel::YUVJ420P, to_width, to_height);
    for plane in 0..3 {
        let (from_stride, to_stride) = (picture.stride(plane), turned.stride(plane));
        let (width, height) = (
            picture.plane_width(plane) as usize,
            picture.plane_height(plane) as usize,
        );
        let source = picture.data(plane);
        let target = turned.data_mut(plane);
        for y in 0..height {
            for x in 0..width {
                let (to_x, to_y) = match quarters % 4 {
                    1 => (height - 1 - y, x),
                    2 => (width - 1 - x, height - 1 - y),
                    3 => (y, width - 1 - x),
                    _ => (x, y),
                };
                target[to_y * to_stride + to_x] = source[y * from_stride + x];
            }
        }
    }
    turned
}
