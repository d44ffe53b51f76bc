//! Drawn recordings: a scene script in JSON becomes a video (ffmpeg draws, libvpx encodes) and its ground truth.
//! The same script gives the same bytes. The format is described in `tests/bench/scenes/README.md`.

#![allow(
    dead_code,
    clippy::allow_attributes,
    clippy::unwrap_used,
    missing_docs,
    reason = "shared by a test and by the benchmark, each of which uses a part"
)]

mod canvas;
pub mod run;
pub mod score;

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::path::Path;
use std::process::Command;

use serde::Deserialize;

use canvas::{Canvas, REGULAR};
use score::{Truth, TruthOccurrence, TruthRoutine, TruthSpan};

#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Scene {
    pub about: String,
    #[serde(default = "size")]
    pub size: [u32; 2],
    #[serde(default = "fps")]
    pub fps: u32,
    #[serde(default)]
    pub dark: bool,
    #[serde(default)]
    pub blur: f64,
    #[serde(default)]
    pub noise: u32,
    #[serde(default)]
    pub caret: bool,
    #[serde(default)]
    pub clock: bool,
    #[serde(default = "threshold")]
    pub idle_threshold_seconds: f64,
    pub screens: BTreeMap<String, Screen>,
    #[serde(default)]
    pub routines: BTreeMap<String, Vec<String>>,
    pub steps: Vec<Step>,
}

const fn size() -> [u32; 2] {
    [1280, 720]
}
const fn fps() -> u32 {
    5
}
const fn threshold() -> f64 {
    60.0
}
const fn whole() -> [f64; 4] {
    [0.0, 0.0, 1.0, 1.0]
}

#[derive(Debug, Clone, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Screen {
    #[serde(default = "whole")]
    pub window: [f64; 4],
    pub title: Option<String>,
    pub head: Option<String>,
    pub menu: Vec<String>,
    pub heading: Option<String>,
    pub rows: Vec<Vec<String>>,
    pub grid: Option<Grid>,
    pub fields: Vec<String>,
    pub text: Vec<String>,
    pub button: Option<String>,
}

#[derive(Debug, Clone, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Grid {
    pub columns: Vec<String>,
    pub rows: u32,
}

#[derive(Debug, Clone, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Step {
    pub show: String,
    pub seconds: f64,
    /// `A3`: the third occurrence of routine A.
    pub of: Option<String>,
    /// Values that stand on the screen: in its fields, or for `{name}` in its texts and rows.
    pub data: BTreeMap<String, String>,
    /// Values that are typed into its fields, in the order of the fields.
    #[serde(rename = "type")]
    pub typed: BTreeMap<String, String>,
    /// A spinner with these words lies over the screen.
    pub busy: Option<String>,
    /// Nothing moves.
    pub still: bool,
    /// Rows by which the content is scrolled, one step in each second.
    pub scroll: u32,
}

impl Scene {
    pub fn read(path: &Path) -> Self {
        let text = std::fs::read_to_string(path).unwrap();
        serde_json::from_str(&text).unwrap_or_else(|e| panic!("{}: {e}", path.display()))
    }

    fn snap(&self, seconds: f64) -> f64 {
        (seconds * f64::from(self.fps)).round() / f64::from(self.fps)
    }

    /// Begin and end of every step.
    fn times(&self) -> Vec<(f64, f64)> {
        let mut at = 0.0;
        self.steps
            .iter()
            .map(|step| {
                let start = at;
                at = self.snap(at + step.seconds);
                (start, at)
            })
            .collect()
    }

    pub fn truth(&self) -> Truth {
        let times = self.times();
        let mut spans: Vec<TruthSpan> = Vec::new();
        let mut neutral = Vec::new();
        let mut routines: BTreeMap<String, TruthRoutine> = self
            .routines
            .iter()
            .map(|(name, screens)| {
                (
                    name.clone(),
                    TruthRoutine {
                        screens: screens.clone(),
                        occurrences: Vec::new(),
                    },
                )
            })
            .collect();
        for (step, (start, end)) in self.steps.iter().zip(&times) {
            assert!(self.screens.contains_key(&step.show), "no screen {}", step.show);
            match spans.last_mut() {
                Some(last) if last.screen == step.show => last.end = *end,
                _ => spans.push(TruthSpan {
                    screen: step.show.clone(),
                    start: *start,
                    end: *end,
                }),
            }
            if step.busy.is_some() {
                neutral.push((*start, *end));
            }
            let Some(of) = &step.of else { continue };
            let (name, number) = of.split_at(1);
            let number: usize = number.parse().unwrap();
            let routine = routines.get_mut(name).unwrap();
            if routine.occurrences.len() < number {
                assert_eq!(
                    routine.occurrences.len() + 1,
                    number,
                    "occurrences are numbered in order"
                );
                routine.occurrences.push(TruthOccurrence {
                    start: *start,
                    ..TruthOccurrence::default()
                });
            }
            let occurrence = &mut routine.occurrences[number - 1];
            occurrence.end = *end;
            let seconds = end - start;
            if step.busy.is_some() {
                occurrence.waiting += seconds;
            } else if step.still && seconds >= self.idle_threshold_seconds {
                occurrence.idle += seconds;
            } else {
                occurrence.active += seconds;
            }
        }
        Truth {
            duration: times.last().map_or(0.0, |t| t.1),
            spans,
            neutral,
            routines: routines.into_values().collect(),
        }
    }

    /// Draws the recording.
    pub fn draw(&self, to: &Path) {
        let dir = tempfile::tempdir().unwrap();
        let mut canvas = Canvas {
            scene: self,
            elements: BTreeMap::new(),
            order: Vec::new(),
        };
        let times = self.times();
        let mut beneath: Vec<usize> = Vec::new();
        for (i, step) in self.steps.iter().enumerate() {
            let is_whole = self.screens[&step.show]
                .window
                .iter()
                .zip(whole())
                .all(|(a, b)| (a - b).abs() < f64::EPSILON);
            if is_whole {
                beneath.clear();
            }
            beneath.retain(|j| self.steps[*j].show != step.show);
            for j in &beneath {
                canvas.screen(&self.steps[*j], times[i], false);
            }
            canvas.screen(step, times[i], true);
            beneath.push(i);
        }
        let duration = times.last().unwrap().1;
        let [width, height] = self.size;
        let desk = if self.dark { "0x101418" } else { "0x46617a" };
        let mut graph = format!("color=c={desk}:s={width}x{height}:r={}:d={duration}[c0];[c0]", self.fps);
        let bar = height - 30;
        write!(graph, "drawbox=x=0:y={bar}:w={width}:h=30:color=0x17232d:t=fill,").unwrap();
        for (number, key) in canvas.order.iter().enumerate() {
            let enable = canvas.elements[key]
                .iter()
                .map(|(a, b)| format!("between(t,{:.3},{:.3})", a - 0.01, b - 0.03))
                .collect::<Vec<_>>()
                .join("+");
            let (kind, rest) = key.split_once('\u{1}').unwrap();
            let rest = rest.split_once('\u{2}').unwrap().1;
            if kind == "text" {
                let (style, said) = rest.split_once('\u{3}').unwrap();
                let file = dir.path().join(format!("{number}.txt"));
                std::fs::write(&file, said).unwrap();
                write!(
                    graph,
                    "drawtext={style}:expansion=none:textfile={}:enable='{enable}',",
                    file.display()
                )
                .unwrap();
            } else {
                write!(graph, "drawbox={rest}:enable='{enable}',").unwrap();
            }
        }
        if self.clock {
            let file = dir.path().join("clock.txt");
            std::fs::write(&file, "%{pts:gmtime:32400:%H\\:%M}").unwrap();
            write!(
                graph,
                "drawtext=fontfile={REGULAR}:fontsize=13:fontcolor=0xd0d8de:x={}:y={}:textfile={},",
                width - 60,
                bar + 9,
                file.display()
            )
            .unwrap();
        }
        if self.blur > 0.0 {
            write!(graph, "gblur=sigma={},", self.blur).unwrap();
        }
        if self.noise > 0 {
            write!(graph, "noise=alls={}:allf=t:all_seed=7,", self.noise).unwrap();
        }
        graph.push_str("format=yuv420p");
        let script = dir.path().join("graph.txt");
        std::fs::write(&script, graph).unwrap();
        let output = Command::new("ffmpeg")
            .args(["-v", "error", "-y", "-filter_complex_script"])
            .arg(&script)
            .args([
                "-c:v",
                "libvpx",
                "-b:v",
                "900k",
                "-crf",
                "14",
                "-deadline",
                "realtime",
                "-cpu-used",
                "8",
                "-g",
                "150",
                "-threads",
                "1",
            ])
            .args(["-fflags", "+bitexact", "-flags:v", "+bitexact", "-f", "webm"])
            .arg(to)
            .output()
            .unwrap();
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    }
}
