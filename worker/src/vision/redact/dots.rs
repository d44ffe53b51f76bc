//! Password fields: rows of equal discs. Word recognition reads them as anything, so they are looked for in the picture.

use image::GrayImage;

/// Smallest and largest disc, in pixels.
const SIZES: std::ops::RangeInclusive<u32> = 4..=16;
/// Fewest discs in a row.
const FEWEST: usize = 4;

#[derive(Debug, Clone, Copy)]
struct Blob {
    left: u32,
    top: u32,
    right: u32,
    bottom: u32,
    pixels: u32,
}

/// Boxes around rows of at least four equal, evenly spaced discs.
pub fn rows(picture: &GrayImage) -> Vec<[u32; 4]> {
    let mut rows: Vec<[u32; 4]> = Vec::new();
    for dark in [true, false] {
        let mut discs: Vec<Blob> = blobs(picture, dark).into_iter().filter(is_disc).collect();
        discs.sort_by_key(|b| (b.left, b.top));
        let mut used = vec![false; discs.len()];
        for start in 0..discs.len() {
            if used[start] {
                continue;
            }
            let mut row = vec![start];
            let mut pitch: Option<u32> = None;
            for next in start + 1..discs.len() {
                let (last, disc) = (discs[row[row.len() - 1]], discs[next]);
                let step = disc.left.saturating_sub(last.left);
                let size = last.right - last.left;
                let aligned = disc.top.abs_diff(last.top) <= 1 && disc.bottom.abs_diff(last.bottom) <= 1;
                let even = pitch.map_or(step > size && step <= 3 * size, |p| step.abs_diff(p) <= 1 + p / 8);
                if aligned && even && (disc.right - disc.left).abs_diff(size) <= 1 {
                    pitch = pitch.or(Some(step));
                    row.push(next);
                }
            }
            if row.len() >= FEWEST {
                for i in &row {
                    used[*i] = true;
                }
                let (first, last) = (discs[start], discs[row[row.len() - 1]]);
                rows.push([first.left, first.top, last.right, first.bottom.max(last.bottom)]);
            }
        }
    }
    rows
}

/// About as wide as high, and as full as a disc: pi/4 of its box, more when it is small.
fn is_disc(blob: &Blob) -> bool {
    let (width, height) = (blob.right - blob.left, blob.bottom - blob.top);
    let full = f64::from(blob.pixels) / f64::from(width * height);
    SIZES.contains(&width) && width.abs_diff(height) <= 1 && (0.66..=0.97).contains(&full)
}

/// Connected areas that are much darker (or lighter) than the paper around them.
fn blobs(picture: &GrayImage, dark: bool) -> Vec<Blob> {
    let (width, height) = picture.dimensions();
    let pixels = picture.as_raw();
    let ink = |i: usize| {
        if dark { pixels[i] < 110 } else { pixels[i] > 145 }
    };
    let mut seen = vec![false; pixels.len()];
    let mut found = Vec::new();
    let mut stack: Vec<usize> = Vec::new();
    let most = (SIZES.end() * SIZES.end()) as usize;
    for start in 0..pixels.len() {
        if seen[start] || !ink(start) {
            continue;
        }
        seen[start] = true;
        stack.push(start);
        let mut blob = Blob {
            left: width,
            top: height,
            right: 0,
            bottom: 0,
            pixels: 0,
        };
        while let Some(i) = stack.pop() {
            let (x, y) = (i as u32 % width, i as u32 / width);
            blob.left = blob.left.min(x);
            blob.right = blob.right.max(x + 1);
            blob.top = blob.top.min(y);
            blob.bottom = blob.bottom.max(y + 1);
            blob.pixels += 1;
            for (near, inside) in [
                (i.wrapping_sub(1), x > 0),
                (i + 1, x + 1 < width),
                (i.wrapping_sub(width as usize), y > 0),
                (i + width as usize, y + 1 < height),
            ] {
                if inside && !seen[near] && ink(near) {
                    seen[near] = true;
                    stack.push(near);
                }
            }
        }
        if blob.pixels as usize <= most {
            found.push(blob);
        }
    }
    found
}

#[cfg(test)]
mod tests {
    use super::*;
    use image::Luma;

    fn disc(picture: &mut GrayImage, cx: f64, cy: f64, radius: f64, shade: u8) {
        for (x, y, pixel) in picture.enumerate_pixels_mut() {
            if (f64::from(x) + 0.5 - cx).hypot(f64::from(y) + 0.5 - cy) <= radius {
                *pixel = Luma([shade]);
            }
        }
    }

    #[test]
    fn a_row_of_discs_is_found_on_light_and_dark() {
        for (paper, ink) in [(255, 20), (30, 240)] {
            let mut picture = GrayImage::from_pixel(300, 60, Luma([paper]));
            for i in 0..8 {
                disc(&mut picture, 40.0 + 11.0 * f64::from(i), 30.0, 4.0, ink);
            }
            let rows = rows(&picture);
            assert_eq!(rows.len(), 1, "{rows:?}");
            assert!(rows[0][0] <= 37 && rows[0][2] >= 120, "{rows:?}");
        }
    }

    #[test]
    fn a_few_bullets_in_a_list_are_none() {
        let mut picture = GrayImage::from_pixel(300, 200, Luma([255]));
        for i in 0..5 {
            disc(&mut picture, 40.0, 30.0 + 25.0 * f64::from(i), 4.0, 0);
        }
        assert!(rows(&picture).is_empty());
    }
}
