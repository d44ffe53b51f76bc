//! Which frames are chosen from a recording, and what counts as a change. Apart because it is about pictures, not files.

use worker::frames::{ChangeKind, Sampling};

use super::{H264, STANDARD, Studio, page, screens, times};
use crate::drawn::{INK, WHITE};

#[test]
fn a_screen_of_two_seconds_is_found_and_a_returning_one_recognized() {
    let mut studio = Studio::new();
    let file = studio.film("visit.mp4", (1280, 720), 100, H264, |pen, canvas, tenth| match tenth {
        40..60 => page(pen, canvas, 8),
        _ => page(pen, canvas, 1),
    });
    let extraction = studio.read(&file);
    assert_eq!(screens(&extraction), [0, 1, 0], "{:?}", times(&extraction));
    let visit = &extraction.frames[1];
    assert!(
        (visit.span.start_seconds - 4.0).abs() < 0.11 && (visit.span.end_seconds - 6.0).abs() < 0.11,
        "{:?}",
        visit.span
    );
    assert_eq!(extraction.frames[0].fingerprint, extraction.frames[2].fingerprint);
}

#[test]
fn one_edited_word_is_a_new_frame_of_the_same_screen() {
    let mut studio = Studio::new();
    let file = studio.film("word.mp4", (1280, 720), 60, H264, |pen, canvas, tenth| {
        page(pen, canvas, 1);
        canvas.fill(600, 600, 400, 60, WHITE);
        pen.write(
            canvas,
            620,
            620,
            15,
            INK,
            if tenth < 30 { "status open" } else { "status paid" },
        );
    });
    let extraction = studio.read(&file);
    assert_eq!(screens(&extraction), [0, 0], "{:?}", times(&extraction));
    assert!((extraction.frames[1].span.start_seconds - 3.0).abs() < 0.11);
    let change = extraction
        .changes
        .iter()
        .find(|change| change.kind == ChangeKind::Text)
        .unwrap();
    assert!((change.at_seconds - 3.0).abs() < 0.11);
    let [x0, y0, x1, y1] = change.region.map(f64::from);
    assert!(x0 > 0.45 && x1 < 0.62 && y0 > 0.82 && y1 < 0.92, "{:?}", change.region);
}

#[test]
fn caret_clock_and_pointer_make_no_frames() {
    let mut studio = Studio::new();
    let file = studio.film("idle.mp4", (1280, 720), 120, H264, |pen, canvas, tenth| {
        page(pen, canvas, 1);
        canvas.fill(600, 580, 680, 140, WHITE);
        if tenth * 100 / 530 % 2 == 0 {
            canvas.fill(700, 600, 2, 24, INK);
        }
        let second = tenth / 10;
        pen.write(canvas, 1180, 690, 15, INK, &format!("09:59:{:02}", 50 + second % 10));
        // The pointer wanders for two seconds.
        let x = 620 + i64::from(tenth.clamp(40, 60) - 40) * 12;
        for row in 0..18 {
            canvas.fill(x, 640 + row, 2 + row * 2 / 3, 1, INK);
        }
    });
    let extraction = studio.read(&file);
    assert_eq!(times(&extraction).len(), 1, "{:?}", times(&extraction));
    assert!(extraction.coverage > 0.99);
    assert!(extraction.changes.len() > 25, "{}", extraction.changes.len());
    let loud: Vec<_> = extraction
        .changes
        .iter()
        .filter(|change| change.kind != ChangeKind::Small)
        .collect();
    assert!(loud.is_empty(), "{loud:?}");
}

#[test]
fn forty_screens_in_twenty_frames_keep_the_tail() {
    let mut studio = Studio::new();
    let file = studio.film("many.mp4", (640, 360), 480, H264, |pen, canvas, tenth| {
        page(pen, canvas, 1 + u64::from(tenth / 12));
    });
    let all = studio.read(&file);
    assert_eq!(all.frames.len(), 40, "{:?}", times(&all));
    for frame in &all.frames {
        std::fs::remove_file(&frame.file).unwrap();
    }
    let few = studio.read_with(
        &file,
        &Sampling {
            max_frames: 20,
            ..STANDARD
        },
    );
    assert_eq!(few.frames.len(), 20);
    assert!(few.frames.first().unwrap().timestamp_seconds < 1.2);
    assert!(few.frames.last().unwrap().timestamp_seconds >= 46.8);
    assert!((few.frames.last().unwrap().span.end_seconds - few.duration_seconds).abs() < 1e-6);
    let covered: f64 = few
        .frames
        .iter()
        .map(|frame| frame.span.end_seconds - frame.span.start_seconds)
        .sum();
    assert!((few.coverage - covered / few.duration_seconds).abs() < 1e-6);
    assert!(
        few.coverage < 0.95,
        "time that no frame stands for is told: {}",
        few.coverage
    );
}
