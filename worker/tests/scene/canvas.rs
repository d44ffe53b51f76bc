//! What a scene's steps put on the screen, as boxes and texts with the times at which they show. Apart from the script and its
//! truth, which do not depend on how a screen looks.

use std::collections::BTreeMap;

use super::{Scene, Step};

pub(super) const REGULAR: &str = "/usr/share/fonts/truetype/dejavu/DejaVuSans.ttf";
const BOLD: &str = "/usr/share/fonts/truetype/dejavu/DejaVuSans-Bold.ttf";

/// What is drawn, each element once with all the times at which it shows; painted in the order of layers.
pub(super) struct Canvas<'a> {
    pub(super) scene: &'a Scene,
    pub(super) elements: BTreeMap<String, Vec<(f64, f64)>>,
    pub(super) order: Vec<String>,
}

struct Pen {
    layer: u32,
    time: (f64, f64),
}

impl Canvas<'_> {
    fn element(&mut self, kind: &str, layer: u32, time: (f64, f64), what: &str) {
        // The layer is part of the identity: what lies beneath at one time may lie on top at another.
        let key = format!("{kind}\u{1}{layer:03}\u{2}{what}");
        let times = self.elements.entry(key.clone()).or_default();
        if times.is_empty() {
            let at = self
                .order
                .partition_point(|k| k.split('\u{1}').nth(1).unwrap()[..3] <= *format!("{layer:03}"));
            self.order.insert(at, key);
        }
        match times.last_mut() {
            Some(last) if (last.1 - time.0).abs() < 0.001 => last.1 = time.1,
            _ => times.push(time),
        }
    }

    fn fill(&mut self, pen: &Pen, area: [f64; 4], colour: &str) {
        let [x, y, w, h] = area.map(|v| v.round() as i64);
        self.element(
            "box",
            pen.layer,
            pen.time,
            &format!("x={x}:y={y}:w={w}:h={h}:color={colour}:t=fill"),
        );
    }

    fn write(&mut self, pen: &Pen, x: f64, y: f64, size: u32, bold: bool, colour: &str, said: &str) {
        if said.is_empty() {
            return;
        }
        let font = if bold { BOLD } else { REGULAR };
        let style = format!(
            "fontfile={font}:fontsize={size}:fontcolor={colour}:x={}:y={}",
            x.round(),
            y.round()
        );
        self.element("text", pen.layer + 1, pen.time, &format!("{style}\u{3}{said}"));
    }

    pub(super) fn screen(&mut self, step: &Step, time: (f64, f64), on_top: bool) {
        let scene = self.scene;
        let screen = &scene.screens[&step.show];
        let [width, height] = scene.size.map(f64::from);
        let height = height - 30.0;
        let [x, y, w, h] = screen.window;
        let (x, y, w, h) = (x * width, y * height, w * width, h * height);
        let (paper, ink, soft, line, accent) = if scene.dark {
            ("0x1c2229", "0xe4e8ec", "0x2a323b", "0x46525e", "0x2b6cb0")
        } else {
            ("0xffffff", "0x1d2730", "0xeef2f5", "0xb9c2ca", "0x135f4a")
        };
        let base = if on_top { 40 } else { 10 };
        let pen = |layer: u32| Pen {
            layer: base + layer,
            time,
        };
        let fill_in = |text: &str| {
            step.data
                .iter()
                .fold(text.to_owned(), |t, (k, v)| t.replace(&format!("{{{k}}}"), v))
        };

        self.fill(&pen(0), [x - 1.0, y - 1.0, w + 2.0, h + 2.0], line);
        self.fill(&pen(1), [x, y, w, h], paper);
        let mut top = y;
        if let Some(title) = &screen.title {
            self.fill(&pen(2), [x, top, w, 30.0], soft);
            self.write(&pen(2), x + 12.0, top + 8.0, 14, false, ink, title);
            self.write(&pen(2), x + w - 30.0, top + 8.0, 14, false, ink, "×");
            top += 30.0;
        }
        if let Some(head) = &screen.head {
            self.fill(&pen(2), [x, top, w, 42.0], accent);
            self.write(&pen(2), x + 16.0, top + 12.0, 18, true, "0xffffff", head);
            top += 42.0;
        }
        let mut left = x + 24.0;
        if !screen.menu.is_empty() {
            self.fill(&pen(2), [x, top, 165.0, y + h - top], soft);
            for (i, item) in screen.menu.iter().enumerate() {
                self.write(&pen(2), x + 16.0, top + 18.0 + 34.0 * i as f64, 14, false, ink, item);
            }
            left = x + 190.0;
        }
        let mut at = top + 18.0;
        if let Some(heading) = &screen.heading {
            self.write(&pen(2), left, at, 21, true, ink, &fill_in(heading));
            at += 44.0;
        }
        let bottom = y + h - 24.0;
        // Scrolled by one row more in each second.
        let slices = if step.scroll > 0 { step.scroll } else { 1 };
        for slice in 0..slices {
            let length = (time.1 - time.0) / f64::from(slices);
            let from = scene.snap(time.0 + length * f64::from(slice));
            let to = if slice + 1 == slices {
                time.1
            } else {
                scene.snap(time.0 + length * f64::from(slice + 1))
            };
            let pen = |layer: u32| Pen {
                layer: base + layer,
                time: (from, to),
            };
            let shift = if step.scroll > 0 { slice as usize * 3 } else { 0 };
            let mut at = at;
            for text in screen.text.iter().skip(shift) {
                if at > bottom {
                    break;
                }
                self.write(&pen(2), left, at, 15, false, ink, &fill_in(text));
                at += 27.0;
            }
            for row in screen.rows.iter().skip(shift) {
                if at > bottom {
                    break;
                }
                let step = (x + w - left - 20.0) / row.len() as f64;
                for (i, cell) in row.iter().enumerate() {
                    self.write(&pen(2), left + step * i as f64, at, 15, false, ink, &fill_in(cell));
                }
                self.fill(&pen(2), [left - 6.0, at + 24.0, x + w - left - 6.0, 1.0], line);
                at += 33.0;
            }
            if let Some(grid) = &screen.grid {
                let cell = (x + w - left - 10.0) / grid.columns.len() as f64;
                for row in 0..=grid.rows {
                    if at > bottom {
                        break;
                    }
                    for (column, name) in grid.columns.iter().enumerate() {
                        let number = row as usize + shift;
                        let said = if row == 0 {
                            name.clone()
                        } else {
                            format!("{}", (number * 7919 + column * 104_729) % 8999 + 1000)
                        };
                        self.write(
                            &pen(2),
                            left + cell * column as f64 + 8.0,
                            at + 6.0,
                            13,
                            row == 0,
                            ink,
                            &said,
                        );
                        self.fill(&pen(2), [left + cell * column as f64, at, 1.0, 26.0], line);
                    }
                    self.fill(&pen(2), [left, at, x + w - left - 10.0, 1.0], line);
                    at += 26.0;
                }
            }
        }
        let mut typing: Vec<(f64, f64, String)> = Vec::new();
        for (i, field) in screen.fields.iter().enumerate() {
            let row = at + 40.0 * i as f64;
            self.write(&pen(2), left, row + 6.0, 15, false, ink, field);
            self.fill(&pen(2), [left + 170.0, row, 320.0, 30.0], line);
            self.fill(&pen(3), [left + 171.0, row + 1.0, 318.0, 28.0], paper);
            if let Some(value) = step.data.get(field) {
                self.write(&pen(4), left + 180.0, row + 6.0, 15, false, ink, value);
            }
            if let Some(value) = step.typed.get(field) {
                typing.push((left + 180.0, row + 6.0, value.clone()));
            }
        }
        if let Some(button) = &screen.button {
            let row = at + 40.0 * screen.fields.len() as f64 + 8.0;
            self.fill(
                &pen(2),
                [left + 170.0, row, 30.0 + 9.0 * button.chars().count() as f64, 34.0],
                accent,
            );
            self.write(&pen(3), left + 184.0, row + 9.0, 15, false, "0xffffff", button);
        }
        if on_top {
            self.type_in(&pen(4), &typing, ink);
            self.move_about(step, time);
            if let Some(busy) = &step.busy {
                self.spin(&pen(6), busy, [x + w / 2.0, y + h / 2.0], paper, ink, accent);
            }
        }
    }

    /// The values appear letter by letter, one field after the other, from half a second after the step's beginning.
    fn type_in(&mut self, pen: &Pen, fields: &[(f64, f64, String)], ink: &str) {
        let letters: usize = fields.iter().map(|f| f.2.chars().count() + 3).sum();
        if letters == 0 {
            return;
        }
        let (start, end) = (pen.time.0 + 0.6, pen.time.1 - 0.8);
        let each = (end - start) / letters as f64;
        let mut at = start;
        for (x, y, value) in fields {
            let count = value.chars().count();
            let mut shown: Option<(f64, usize)> = None;
            for letter in 1..=count {
                let when = self.scene.snap(at + each * letter as f64);
                match shown {
                    Some((since, _)) if when <= since => {}
                    Some((since, n)) => self.write(
                        &Pen {
                            layer: pen.layer,
                            time: (since, when),
                        },
                        *x,
                        *y,
                        15,
                        false,
                        ink,
                        &value.chars().take(n).collect::<String>(),
                    ),
                    None => {}
                }
                shown = Some((when, letter));
            }
            if let Some((since, n)) = shown {
                self.write(
                    &Pen {
                        layer: pen.layer,
                        time: (since, pen.time.1),
                    },
                    *x,
                    *y,
                    15,
                    false,
                    ink,
                    &value.chars().take(n).collect::<String>(),
                );
            }
            at += each * (count + 3) as f64;
        }
        if self.scene.caret
            && let Some((x, y, _)) = fields.first()
        {
            self.blink(pen, x - 4.0, *y, ink);
        }
    }

    fn blink(&mut self, pen: &Pen, x: f64, y: f64, ink: &str) {
        let mut at = pen.time.0;
        while at + 0.6 < pen.time.1 {
            let time = (at, at + 0.6);
            self.fill(&Pen { layer: pen.layer, time }, [x, y - 2.0, 2.0, 20.0], ink);
            at += 1.2;
        }
    }

    /// The pointer moves when the step begins and about every second after, unless the person is away.
    fn move_about(&mut self, step: &Step, time: (f64, f64)) {
        let [width, height] = self.scene.size.map(f64::from);
        let mut at = time.0;
        let mut turn = (time.0 * 10.0) as u64;
        let step_seconds = 1.0 / f64::from(self.scene.fps);
        let moving = if step.still || step.busy.is_some() {
            0.6
        } else {
            f64::INFINITY
        };
        while at < time.1 - 0.001 {
            turn = turn
                .wrapping_mul(6_364_136_223_846_793_005)
                .wrapping_add(1_442_695_040_888_963_407);
            let x = 0.3 * width + ((turn >> 33) % 500) as f64;
            let y = 0.3 * height + ((turn >> 13) % 250) as f64;
            let last = at - time.0 > moving;
            let until = if last {
                time.1
            } else {
                (at + 5.0 * step_seconds).min(time.1)
            };
            let pen = Pen {
                layer: 90,
                time: (at, until),
            };
            self.fill(&pen, [x, y, 4.0, 14.0], "0x000000");
            self.fill(&pen, [x, y, 10.0, 4.0], "0x000000");
            at = until;
        }
    }

    fn spin(&mut self, pen: &Pen, said: &str, [x, y]: [f64; 2], paper: &str, ink: &str, accent: &str) {
        self.fill(pen, [x - 170.0, y - 70.0, 340.0, 140.0], ink);
        self.fill(
            &Pen {
                layer: pen.layer + 1,
                time: pen.time,
            },
            [x - 168.0, y - 68.0, 336.0, 136.0],
            paper,
        );
        self.write(
            &Pen {
                layer: pen.layer + 1,
                time: pen.time,
            },
            x - 5.0 * said.chars().count() as f64,
            y + 26.0,
            16,
            false,
            ink,
            said,
        );
        let each = 1.0 / f64::from(self.scene.fps);
        let (mut at, mut turn) = (pen.time.0, 0_u32);
        while at < pen.time.1 - 0.001 {
            let angle = f64::from(turn) * std::f64::consts::FRAC_PI_4;
            let dot = [
                x + 18.0 * angle.cos() - 6.0,
                y - 24.0 + 18.0 * angle.sin() - 6.0,
                12.0,
                12.0,
            ];
            self.fill(
                &Pen {
                    layer: pen.layer + 2,
                    time: (at, (at + each).min(pen.time.1)),
                },
                dot,
                accent,
            );
            at += each;
            turn += 1;
        }
    }
}
