//! A picture made ready for the program, and the program's table read back into words.

use image::{GrayImage, imageops};

use super::Word;

/// A picture prepared for reading: a PGM file's bytes, and how its coordinates go back. Empty when too small to hold words.
pub(super) struct Sheet {
    pub(super) pixels: Vec<u8>,
    scale: u32,
    left: u32,
    top: u32,
}

impl Sheet {
    pub(super) fn of(picture: &GrayImage) -> Self {
        Self::part(picture, [0, 0, picture.width(), picture.height()])
    }

    pub(super) fn part(picture: &GrayImage, [x0, y0, x1, y1]: [u32; 4]) -> Self {
        let scale = if picture.width() > 2600 { 1 } else { 2 };
        let (width, height) = (x1 - x0, y1 - y0);
        if width < 8 || height < 8 {
            return Self {
                pixels: Vec::new(),
                scale,
                left: x0,
                top: y0,
            };
        }
        let part = imageops::crop_imm(picture, x0, y0, width, height).to_image();
        let mut large = if scale == 1 {
            part
        } else {
            imageops::resize(&part, width * scale, height * scale, imageops::FilterType::CatmullRom)
        };
        if is_dark(&large) {
            imageops::invert(&mut large);
        }
        let mut pixels = format!("P5 {} {} 255\n", large.width(), large.height()).into_bytes();
        pixels.extend_from_slice(large.as_raw());
        Self {
            pixels,
            scale,
            left: x0,
            top: y0,
        }
    }

    /// A word of the sheet in the picture's pixels.
    pub(super) fn place(&self, word: Word) -> Word {
        Word {
            left: self.left + word.left / self.scale,
            top: self.top + word.top / self.scale,
            width: word.width.div_ceil(self.scale),
            height: word.height.div_ceil(self.scale),
            ..word
        }
    }
}

fn is_dark(picture: &GrayImage) -> bool {
    let (sum, count) = picture
        .as_raw()
        .iter()
        .step_by(7)
        .fold((0_u64, 0_u64), |(sum, count), p| (sum + u64::from(*p), count + 1));
    sum < 110 * count.max(1)
}

/// Reads Tesseract's table: level, page, block, paragraph, line, word, left, top, width, height, confidence, text.
pub(super) fn parse(table: &str) -> Vec<(u32, Word)> {
    let mut words = Vec::new();
    for line in table.lines() {
        let cells: Vec<&str> = line.splitn(12, '\t').collect();
        let [level, page, _, _, _, _, left, top, width, height, confidence, text] = cells.as_slice() else {
            continue;
        };
        let text = text.trim();
        if *level != "5" || text.is_empty() {
            continue;
        }
        let numbers = (
            page.parse::<u32>(),
            left.parse::<u32>(),
            top.parse::<u32>(),
            width.parse::<u32>(),
            height.parse::<u32>(),
            confidence.parse::<f32>(),
        );
        if let (Ok(page), Ok(left), Ok(top), Ok(width), Ok(height), Ok(confidence)) = numbers {
            let confidence = (confidence / 100.0).clamp(0.0, 1.0);
            words.push((
                page,
                Word {
                    text: text.to_owned(),
                    confidence,
                    left,
                    top,
                    width,
                    height,
                },
            ));
        }
    }
    words
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_table_is_read_and_noise_left_out() {
        let table = "level\tpage\n5\t1\t1\t1\t1\t1\t20\t10\t81\t24\t96.5\tOrder\n4\t1\t1\t1\t1\t0\t0\t0\t9\t9\t-1\t\n5\t1\t1\t1\t1\t2\tx\t10\t81\t24\t96.5\tbad\n";
        let words = parse(table);
        assert_eq!(words.len(), 1);
        let (page, word) = &words[0];
        let sheet = Sheet {
            pixels: Vec::new(),
            scale: 2,
            left: 100,
            top: 50,
        };
        let word = sheet.place(word.clone());
        assert_eq!(
            (*page, word.left, word.top, word.width, word.height),
            (1, 110, 55, 41, 12)
        );
        assert!((word.confidence - 0.965).abs() < 1e-6);
    }
}
