//! Decoded pictures: held by reference, written as JPEG.

use std::path::Path;
use std::rc::Rc;

use ffmpeg_next::format::Pixel;
use ffmpeg_next::software::scaling;
use ffmpeg_next::util::color::Range;
use ffmpeg_next::util::frame::Video;

use super::plane::Plane;
use super::select::Picture;
use super::{FrameError, jpeg, vp9};

/// Longest side of a stored picture: the largest that vision models look at.
const LONGEST_SIDE: u32 = 2048;

/// A picture whose first plane is 8-bit luma.
#[derive(Clone)]
pub struct Held {
    video: Rc<Video>,
    /// Its memory is the decoder's, and may become another picture.
    in_place: bool,
}

impl Held {
    /// Takes a decoder's picture, converting the rare ones that are not planar with 8 bits. `in_place`: it may be changed.
    pub fn new(decoded: Video, in_place: bool) -> Result<Self, FrameError> {
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
            | Pixel::NV12 => Ok(Self {
                in_place: in_place && decoded.format() == Pixel::YUV420P && has_room(&decoded),
                video: Rc::new(decoded),
            }),
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
                Ok(Self {
                    video: Rc::new(converted),
                    in_place: false,
                })
            }
        }
    }
}

impl Picture for Held {
    fn luma(&self) -> Plane<'_> {
        Plane {
            data: self.video.data(0),
            stride: self.video.stride(0),
            width: self.video.width() as usize,
            height: self.video.height() as usize,
        }
    }

    fn apart(&self) -> Self {
        if !self.in_place {
            return self.clone();
        }
        Self {
            video: Rc::new(Video::clone(&self.video)),
            in_place: false,
        }
    }
}

/// Pictures that are changed in the decoder's memory.
impl Held {
    pub fn may_change(&self) -> bool {
        self.in_place
    }

    /// A sum over all samples.
    #[cfg(test)]
    pub fn sum(&self) -> u64 {
        use std::hash::{DefaultHasher, Hasher};
        let mut sum = DefaultHasher::new();
        for plane in planes(&self.video) {
            (0..plane.height).for_each(|y| sum.write(plane.row(y)));
        }
        sum.finish()
    }

    pub fn is(&self, other: &Self) -> bool {
        Rc::ptr_eq(&self.video, &other.video)
    }

    /// Becomes the next picture. `others` are those that it takes from besides.
    pub fn change(&mut self, edits: &vp9::Edits, others: [&Self; 2]) {
        if !self.in_place || others.iter().any(|other| self.is(other)) {
            debug_assert!(false, "a picture that may not be changed");
            return;
        }
        let others = others.map(|other| planes(&other.video));
        edits.apply(&mut self.planes(), others);
    }

    /// Becomes the same picture as another.
    pub fn become_like(&mut self, other: &Self) {
        if !self.in_place || self.is(other) {
            return;
        }
        for (index, plane) in self.planes().planes.into_iter().enumerate() {
            let (source, stride) = (other.video.data(index), other.video.stride(index));
            for (to, from) in plane.data.chunks_mut(plane.stride).zip(source.chunks(stride)) {
                to[..plane.width].copy_from_slice(&from[..plane.width]);
            }
        }
    }

    #[expect(unsafe_code, reason = "the decoder keeps the same memory as its reference")]
    fn planes(&mut self) -> vp9::PictureMut<'_> {
        let video = &self.video;
        vp9::PictureMut {
            planes: [0, 1, 2].map(|index| {
                let whole = whole_blocks(video, index);
                let stride = video.stride(index);
                // SAFETY: a plane of a decoder's picture has room for whole blocks (`has_room`), and is kept by this frame's reference.
                // The decoder has one thread and is not running while this borrow lasts. Slices of the same memory are handed out
                // by `luma` for the length of one comparison only, in this thread; `change` and `become_like` refuse themselves.
                let data = unsafe { std::slice::from_raw_parts_mut((*video.as_ptr()).data[index], stride * whole.1) };
                vp9::PlaneMut {
                    data,
                    stride,
                    width: video.plane_width(index) as usize,
                    height: video.plane_height(index) as usize,
                    whole,
                }
            }),
        }
    }
}

/// Width and height of a plane of 4:2:0 in whole blocks of 8x8 pixels, in samples.
fn whole_blocks(video: &Video, plane: usize) -> (usize, usize) {
    let half = usize::from(plane > 0);
    let whole = |side: u32| (side as usize).next_multiple_of(8) >> half;
    (whole(video.width()), whole(video.height()))
}

/// Whether the memory of a picture in 4:2:0 reaches as far as its whole blocks do.
#[expect(unsafe_code, reason = "ffmpeg-next does not tell how large a picture's memory is")]
fn has_room(video: &Video) -> bool {
    (0..3).all(|plane| {
        let (width, height) = whole_blocks(video, plane);
        let stride = video.stride(plane);
        // SAFETY: the fields of a frame, and of the buffers that it refers to, are read while it lives.
        unsafe {
            let frame = &*video.as_ptr();
            let start = frame.data[plane] as usize;
            let mut buffers = frame.buf.iter().filter_map(|buffer| buffer.as_ref());
            frame.linesize[plane] > 0
                && width <= stride
                && buffers.any(|buffer| {
                    let from = buffer.data as usize;
                    (from..from + buffer.size).contains(&start) && start + stride * height <= from + buffer.size
                })
        }
    })
}

/// Writes a picture as JPEG, turned clockwise by quarters; answers with its stored size.
pub fn write_jpeg(picture: &Held, quarter_turns: u8, file: &Path) -> Result<(u32, u32), FrameError> {
    let fitting = fitting(&picture.video)?;
    let fitting = fitting.as_ref().unwrap_or(&picture.video);
    let turned = (quarter_turns != 0).then(|| turn(fitting, quarter_turns));
    let video = turned.as_ref().unwrap_or(fitting);
    let range = if is_full(&picture.video) || video.format() == Pixel::YUVJ420P {
        jpeg::Range::Full
    } else {
        jpeg::Range::Limited
    };
    std::fs::write(file, jpeg::encode(planes(video), range))?;
    Ok((video.width(), video.height()))
}

fn planes(video: &Video) -> [Plane<'_>; 3] {
    [0, 1, 2].map(|index| Plane {
        data: video.data(index),
        stride: video.stride(index),
        width: video.plane_width(index) as usize,
        height: video.plane_height(index) as usize,
    })
}

fn is_full(picture: &Video) -> bool {
    picture.color_range() == Range::JPEG || picture.format() == Pixel::YUVJ420P
}

/// The picture in 4:2:0 and at a size that may be stored, if it is not.
fn fitting(picture: &Video) -> Result<Option<Video>, FrameError> {
    let (width, height) = (picture.width(), picture.height());
    let longest = width.max(height);
    let is_full = is_full(picture);
    if longest <= LONGEST_SIDE && matches!(picture.format(), Pixel::YUV420P | Pixel::YUVJ420P) {
        return Ok(None);
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
    Ok(Some(full))
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

/// Turned clockwise by quarters.
fn turn(picture: &Video, quarters: u8) -> Video {
    let (width, height) = (picture.width(), picture.height());
    let (to_width, to_height) = if quarters % 2 == 1 {
        (height, width)
    } else {
        (width, height)
    };
    let mut turned = Video::new(picture.format(), to_width, to_height);
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
