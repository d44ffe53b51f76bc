//! A working day in miniature: mail, a warehouse form, a spreadsheet, a web page and a terminal, with what moves on any
//! real screen: caret, clock, mouse, spinner, scrolling, dialogs.

use super::{BLACK, BLUE, Canvas, Colour, GREEN, GREY, INK, NAVY, PALE, Pen, RED, WHITE, Words};

/// One stretch of time in which the script does one thing.
#[derive(Debug, Clone)]
pub struct Scene {
    pub start: f64,
    pub length: f64,
    pub act: Act,
}

#[derive(Debug, Clone)]
pub enum Act {
    /// The mail program with a message open.
    Mail { message: u64 },
    /// The form with so many fields filled; the last one is typed from the start of the scene at 8 characters a second.
    Form { order: u64, filled: usize, typing: bool },
    /// A spreadsheet from a row on; scrolls on by so many rows in the first seconds.
    Sheet { top: u64, scroll: u64 },
    /// A web page; scrolls by so many pixels in the first seconds.
    Web { page: u64, top: i64, scroll: i64 },
    /// A dark terminal with so many lines.
    Terminal { lines: usize },
    /// A dialog over the form.
    Dialog { order: u64, text: u64 },
    /// A busy spinner over the form.
    Waiting { order: u64 },
}

/// A stretch in which only caret, clock, mouse or spinner move.
#[derive(Debug, Clone, Copy)]
pub struct Settled {
    pub start: f64,
    pub end: f64,
}

pub const FIELDS: usize = 10;
const TYPING: f64 = 8.0;
const SCROLLING: f64 = 1.5;

/// The stretches in which a viewer could read the screen, as the script knows them.
pub fn settled(script: &[Scene]) -> Vec<Settled> {
    script
        .iter()
        .map(|scene| {
            let busy = match &scene.act {
                Act::Form {
                    order,
                    filled,
                    typing: true,
                } => field(*order, filled - 1).len() as f64 / TYPING,
                Act::Sheet { scroll, .. } if *scroll > 0 => SCROLLING,
                Act::Web { scroll, .. } if *scroll > 0 => SCROLLING,
                _ => 0.0,
            };
            Settled {
                start: scene.start + busy,
                end: scene.start + scene.length,
            }
        })
        .collect()
}

/// Five minutes: five orders from mail to form, with looking up, waiting and wandering in between.
pub fn day() -> Vec<Scene> {
    let mut script = Vec::new();
    let mut at = 0.0;
    let mut add = |length: f64, act: Act| {
        script.push(Scene { start: at, length, act });
        at += length;
    };
    for order in 0..5 {
        add(5.0, Act::Mail { message: order });
        add(
            3.0,
            Act::Form {
                order,
                filled: 0,
                typing: false,
            },
        );
        for filled in 1..=4 {
            add(
                4.5,
                Act::Form {
                    order,
                    filled,
                    typing: true,
                },
            );
        }
        add(
            6.0,
            Act::Sheet {
                top: 40 * order,
                scroll: 12,
            },
        );
        for filled in 5..=6 {
            add(
                4.5,
                Act::Form {
                    order,
                    filled,
                    typing: true,
                },
            );
        }
        add(2.0, Act::Dialog { order, text: order });
        add(6.0, Act::Waiting { order });
        add(
            5.0,
            Act::Web {
                page: order,
                top: 0,
                scroll: 900,
            },
        );
        add(
            4.0,
            Act::Web {
                page: order,
                top: 900,
                scroll: 700,
            },
        );
        add(
            2.0,
            Act::Terminal {
                lines: 6 + 5 * order as usize,
            },
        );
    }
    script
}

fn field(order: u64, index: usize) -> String {
    let mut words = Words::new(1000 + order * 31 + index as u64);
    words.line(9 + (index * 5) % 11)
}

/// Draws the moment `at` of a script.
pub fn draw(pen: &mut Pen, script: &[Scene], at: f64) -> Canvas {
    let scene = script.iter().rev().find(|scene| scene.start <= at + 1e-6).unwrap();
    let within = at - scene.start;
    let mut canvas = Canvas::new(1920, 1080, WHITE);
    match &scene.act {
        Act::Mail { message } => mail(pen, &mut canvas, *message),
        Act::Form { order, filled, typing } => form(pen, &mut canvas, *order, *filled, typing.then_some(within), at),
        Act::Dialog { order, text } => {
            form(pen, &mut canvas, *order, 6, None, at);
            dialog(pen, &mut canvas, *text);
        }
        Act::Waiting { order } => {
            form(pen, &mut canvas, *order, 6, None, at);
            spinner(&mut canvas, at);
        }
        Act::Sheet { top, scroll } => sheet(pen, &mut canvas, top + (eased(within) * *scroll as f64) as u64),
        Act::Web { page, top, scroll } => web(pen, &mut canvas, *page, top + (eased(within) * *scroll as f64) as i64),
        Act::Terminal { lines } => terminal(pen, &mut canvas, *lines),
    }
    taskbar(pen, &mut canvas, at);
    mouse(&mut canvas, scene, within);
    canvas
}

fn eased(within: f64) -> f64 {
    let share = (within / SCROLLING).min(1.0);
    share * share * (3.0 - 2.0 * share)
}

fn window(pen: &mut Pen, canvas: &mut Canvas, title: &str, colour: Colour) {
    canvas.fill(0, 0, 1920, 40, colour);
    pen.write(canvas, 16, 8, 20, WHITE, title);
    canvas.fill(1880, 8, 24, 24, RED);
}

fn taskbar(pen: &mut Pen, canvas: &mut Canvas, at: f64) {
    canvas.fill(0, 1040, 1920, 40, NAVY);
    for slot in 0..6 {
        canvas.fill(60 + slot * 60, 1046, 28, 28, if slot % 2 == 0 { BLUE } else { GREEN });
    }
    let seconds = 9 * 3600 + 1740 + at as u64;
    let clock = format!("{:02}:{:02}:{:02}", seconds / 3600, seconds / 60 % 60, seconds % 60);
    pen.write(canvas, 1800, 1048, 15, WHITE, &clock);
}

/// The mouse moves for the first second of a scene and then rests.
fn mouse(canvas: &mut Canvas, scene: &Scene, within: f64) {
    let mut words = Words::new((scene.start * 10.0) as u64 + 5);
    let mut place = || ((words.number() % 1700 + 60) as f64, (words.number() % 900 + 60) as f64);
    let (from, to) = (place(), place());
    let share = within.min(1.0);
    let x = (from.0 + (to.0 - from.0) * share) as i64;
    let y = (from.1 + (to.1 - from.1) * share) as i64;
    for row in 0..18 {
        canvas.fill(x, y + row, 2 + row * 2 / 3, 1, BLACK);
        canvas.fill(x + 1, y + row, row * 2 / 3, 1, WHITE);
    }
}

fn mail(pen: &mut Pen, canvas: &mut Canvas, message: u64) {
    window(pen, canvas, "Mail - Inbox (14)", BLUE);
    canvas.fill(0, 40, 560, 1000, PALE);
    let mut words = Words::new(7);
    for row in 0..15 {
        let y = 52 + row * 64;
        if row == (message % 15) as i64 {
            canvas.fill(0, y - 6, 560, 62, GREY);
        }
        pen.write(canvas, 20, y, 20, INK, &words.line(34));
        pen.write(canvas, 20, y + 28, 15, INK, &words.line(52));
    }
    let mut words = Words::new(100 + message);
    pen.write(canvas, 600, 70, 30, INK, &words.line(40));
    for line in 0..26 {
        let length = 60 + words.number() as usize % 50;
        pen.write(canvas, 600, 150 + line * 32, 20, INK, &words.line(length));
    }
}

fn form(pen: &mut Pen, canvas: &mut Canvas, order: u64, filled: usize, typing: Option<f64>, at: f64) {
    window(pen, canvas, "Warehouse Manager - Inbound order", NAVY);
    canvas.fill(0, 40, 260, 1000, GREY);
    for row in 0..12 {
        pen.write(
            canvas,
            24,
            70 + row * 48,
            20,
            INK,
            Words::new(300 + row as u64).line(14).as_str(),
        );
    }
    let mut caret = None;
    for index in 0..FIELDS {
        let (x, y) = (330 + (index as i64 % 2) * 780, 120 + (index as i64 / 2) * 150);
        pen.write(canvas, x, y, 20, INK, &Words::new(500 + index as u64).line(16));
        canvas.outline(x, y + 36, 660, 48, 2, GREY);
        if index < filled {
            let mut text = field(order, index);
            if let (Some(within), true) = (typing, index + 1 == filled) {
                text.truncate((within * TYPING) as usize);
            }
            let width = pen.write(canvas, x + 12, y + 46, 20, INK, &text);
            caret = Some((x + 14 + width, y + 44));
        }
    }
    canvas.fill(330, 900, 220, 60, GREEN);
    pen.write(canvas, 380, 914, 20, WHITE, "Save order");
    if let Some((x, y)) = caret
        && ((at * 1000.0) as u64 / 530).is_multiple_of(2)
    {
        canvas.fill(x, y, 2, 30, INK);
    }
}

fn dialog(pen: &mut Pen, canvas: &mut Canvas, text: u64) {
    canvas.fill(600, 380, 720, 280, WHITE);
    canvas.outline(600, 380, 720, 280, 3, INK);
    canvas.fill(600, 380, 720, 44, BLUE);
    pen.write(canvas, 620, 390, 20, WHITE, "Save order?");
    let mut words = Words::new(900 + text);
    for line in 0..4 {
        pen.write(canvas, 640, 450 + line * 32, 20, INK, &words.line(46));
    }
    canvas.fill(1120, 590, 160, 46, GREEN);
    pen.write(canvas, 1170, 600, 20, WHITE, "OK");
}

fn spinner(canvas: &mut Canvas, at: f64) {
    let step = (at * 10.0).round() as usize % 8;
    for dot in 0..8 {
        let angle = dot as f64 * std::f64::consts::TAU / 8.0;
        let (x, y) = ((940.0 + angle.cos() * 26.0) as i64, (820.0 + angle.sin() * 26.0) as i64);
        canvas.fill(x, y, 10, 10, if dot == step { INK } else { GREY });
    }
}

fn sheet(pen: &mut Pen, canvas: &mut Canvas, top: u64) {
    window(pen, canvas, "Stock 2026.xlsx - Sheets", GREEN);
    canvas.fill(0, 40, 1920, 70, PALE);
    for row in 0..31 {
        let y = 110 + row * 30;
        canvas.fill(0, y, 1920, 1, GREY);
        let line = top + row as u64;
        pen.write(canvas, 8, y + 5, 15, INK, &line.to_string());
        let mut words = Words::new(2000 + line);
        for column in 0..12 {
            let text = if column % 3 == 0 {
                words.line(11)
            } else {
                (words.number() % 100_000).to_string()
            };
            pen.write(canvas, 90 + column * 152, y + 5, 15, INK, &text);
        }
    }
    for column in 0..13 {
        canvas.fill(80 + column * 152, 110, 1, 930, GREY);
    }
}

fn web(pen: &mut Pen, canvas: &mut Canvas, page: u64, top: i64) {
    window(pen, canvas, "Carrier portal - Browser", GREY);
    let mut y = 120 - top;
    for block in 0..12_u64 {
        let mut words = Words::new(3000 + page * 50 + block);
        pen.write(canvas, 300, y, 30, INK, &words.line(36));
        y += 60;
        if block % 3 == 1 {
            picture(canvas, 300, y, page + block);
            y += 260;
        }
        for _ in 0..7 {
            pen.write(canvas, 300, y, 20, INK, &words.line(100));
            y += 30;
        }
        y += 30;
    }
    canvas.fill(0, 0, 1920, 40, GREY);
    canvas.fill(0, 40, 1920, 50, PALE);
    pen.write(canvas, 120, 52, 20, INK, "https://portal.example/shipments");
}

/// Something like a photograph: soft shades and grain.
fn picture(canvas: &mut Canvas, x: i64, y: i64, seed: u64) {
    let mut words = Words::new(seed + 77);
    let mut grain = vec![0_u8; 4096];
    for value in &mut grain {
        *value = (words.number() % 24) as u8;
    }
    for row in 0..240_i64 {
        let line = y + row;
        if line < 0 || line >= canvas.height as i64 {
            continue;
        }
        for column in 0..600_i64 {
            let shade = 90.0 + 50.0 * (column as f64 / 90.0 + seed as f64).sin() + 30.0 * (row as f64 / 40.0).cos();
            let dust = grain[(row as usize * 61 + column as usize * 17) % 4096];
            canvas.y[line as usize * canvas.width + (x + column) as usize] = shade as u8 + dust;
        }
    }
}

fn terminal(pen: &mut Pen, canvas: &mut Canvas, lines: usize) {
    canvas.fill(0, 0, 1920, 1040, BLACK);
    let mut words = Words::new(4000);
    for line in 0..lines.min(40) {
        let length = 40 + words.number() as usize % 80;
        pen.write(
            canvas,
            12,
            12 + line as i64 * 25,
            15,
            GREY,
            &format!("$ {}", words.line(length)),
        );
    }
}
