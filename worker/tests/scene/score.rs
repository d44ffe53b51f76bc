//! How well a reading matches the ground truth.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

use domain::insight::Reading;
use domain::routine::median;
use serde_json::Value;
use worker::vision::local::LocalReply;

#[derive(Debug, Clone, PartialEq)]
pub struct Truth {
    pub duration: f64,
    pub spans: Vec<TruthSpan>,
    /// Busy overlays: whether one is a screen of its own is a matter of taste, so their edges count neither way.
    pub neutral: Vec<(f64, f64)>,
    pub routines: Vec<TruthRoutine>,
}

#[derive(Debug, Clone, PartialEq)]
pub struct TruthSpan {
    pub screen: String,
    pub start: f64,
    pub end: f64,
}

#[derive(Debug, Clone, PartialEq)]
pub struct TruthRoutine {
    pub screens: Vec<String>,
    pub occurrences: Vec<TruthOccurrence>,
}

#[derive(Debug, Clone, Copy, Default, PartialEq)]
pub struct TruthOccurrence {
    pub start: f64,
    pub end: f64,
    pub active: f64,
    pub waiting: f64,
    pub idle: f64,
}

#[derive(Debug, Clone, PartialEq)]
pub struct Score {
    pub boundary_f1: f64,
    pub v_measure: f64,
    /// Mean over the true routines; none where there are none.
    pub jaccard: Option<f64>,
    /// Sum over the true routines.
    pub count_error: usize,
    /// Occurrences whose both ends are within half a second, of all true ones.
    pub exact_occurrences: (usize, usize),
    /// Of the median active time, worst true routine, as a share.
    pub duration_error: Option<f64>,
    /// Waiting and idle time found, against the truth, in seconds.
    pub waiting_error: f64,
    pub false_routines: usize,
}

impl Truth {
    /// The truth that the demo's recorder wrote.
    pub fn of_demo(path: &Path) -> Self {
        let truth: Value = serde_json::from_str(&std::fs::read_to_string(path).unwrap()).unwrap();
        let number = |v: &Value, key: &str| v[key].as_f64().unwrap();
        let mut spans: Vec<TruthSpan> = Vec::new();
        let mut neutral = Vec::new();
        for span in truth["screens"].as_array().unwrap() {
            let (start, end) = (number(span, "startSeconds"), number(span, "endSeconds"));
            let screen = span["screen"].as_str().unwrap();
            if screen == "wms/wait" {
                neutral.push((start, end));
                spans.last_mut().unwrap().end = end;
            } else {
                spans.push(TruthSpan {
                    screen: screen.to_owned(),
                    start,
                    end,
                });
            }
        }
        let routine = TruthRoutine {
            screens: truth["routine"]["screens"]
                .as_array()
                .unwrap()
                .iter()
                .map(|s| s.as_str().unwrap().to_owned())
                .collect(),
            occurrences: truth["routine"]["occurrences"]
                .as_array()
                .unwrap()
                .iter()
                .map(|o| TruthOccurrence {
                    start: number(o, "startSeconds"),
                    end: number(o, "endSeconds"),
                    active: number(o, "activeSeconds"),
                    waiting: number(o, "waitingSeconds"),
                    idle: number(o, "idleSeconds"),
                })
                .collect(),
        };
        Self {
            duration: number(&truth, "durationSeconds"),
            spans,
            neutral,
            routines: vec![routine],
        }
    }

    fn screen_at(&self, seconds: f64) -> Option<&str> {
        if self.neutral.iter().any(|(a, b)| *a <= seconds && seconds < *b) {
            return None;
        }
        self.spans
            .iter()
            .find(|s| s.start <= seconds && seconds < s.end)
            .map(|s| s.screen.as_str())
    }

    pub fn score(&self, reply: &LocalReply, reading: &Reading) -> Score {
        let true_routines: Vec<&TruthRoutine> = self.routines.iter().filter(|r| r.occurrences.len() >= 2).collect();
        let names = self.names(reply);
        let found = &reading.insights.routines;
        let likeness = |screens: &[u32], truth: &TruthRoutine| {
            let one: BTreeSet<&str> = screens
                .iter()
                .filter_map(|s| names.get(s).map(String::as_str))
                .collect();
            let other: BTreeSet<&str> = truth.screens.iter().map(String::as_str).collect();
            one.intersection(&other).count() as f64 / one.union(&other).count().max(1) as f64
        };
        let (mut jaccard, mut count_error, mut exact, mut of, mut worst, mut waiting) =
            (Vec::new(), 0, 0, 0, None::<f64>, 0.0_f64);
        for truth in &true_routines {
            of += truth.occurrences.len();
            let best = found
                .iter()
                .max_by(|a, b| likeness(&a.screens, truth).total_cmp(&likeness(&b.screens, truth)));
            let Some(best) = best.filter(|b| likeness(&b.screens, truth) > 0.0) else {
                jaccard.push(0.0);
                count_error += truth.occurrences.len();
                worst = Some(1.0);
                continue;
            };
            jaccard.push(likeness(&best.screens, truth));
            count_error += best.occurrences.len().abs_diff(truth.occurrences.len());
            exact += truth
                .occurrences
                .iter()
                .filter(|t| {
                    best.occurrences.iter().any(|f| {
                        (f.span.start_seconds() - t.start).abs() <= 0.5 && (f.span.end_seconds() - t.end).abs() <= 0.5
                    })
                })
                .count();
            let truly = median(&truth.occurrences.iter().map(|o| o.active).collect::<Vec<_>>());
            let error = (best.median_active_seconds - truly).abs() / truly;
            worst = Some(worst.map_or(error, |w: f64| w.max(error)));
            let sums = |f: &dyn Fn(&TruthOccurrence) -> f64| truth.occurrences.iter().map(f).sum::<f64>();
            let measured =
                |f: &dyn Fn(&domain::insight::Occurrence) -> f64| best.occurrences.iter().map(f).sum::<f64>();
            waiting += (measured(&|o| o.waiting_seconds) - sums(&|o| o.waiting)).abs()
                + (measured(&|o| o.idle_seconds) - sums(&|o| o.idle)).abs();
        }
        let false_routines = found
            .iter()
            .filter(|f| f.occurrences.len() >= 3)
            .filter(|f| true_routines.iter().all(|t| likeness(&f.screens, t) < 0.5))
            .count();
        Score {
            boundary_f1: self.boundary_f1(reply),
            v_measure: self.v_measure(reply),
            jaccard: (!jaccard.is_empty()).then(|| domain::routine::mean(&jaccard)),
            count_error,
            exact_occurrences: (exact, of),
            duration_error: worst,
            waiting_error: waiting,
            false_routines,
        }
    }

    /// The true name of each found screen: the one that it shares most time with.
    fn names(&self, reply: &LocalReply) -> BTreeMap<u32, String> {
        let mut shared: BTreeMap<u32, BTreeMap<&str, usize>> = BTreeMap::new();
        for (screen, truth) in self.samples(reply) {
            if let (Some(screen), Some(truth)) = (screen, truth) {
                *shared.entry(screen).or_default().entry(truth).or_default() += 1;
            }
        }
        shared
            .into_iter()
            .filter_map(|(screen, times)| {
                times
                    .into_iter()
                    .max_by_key(|(_, n)| *n)
                    .map(|(name, _)| (screen, name.to_owned()))
            })
            .collect()
    }

    /// Found and true screen at every tenth of a second.
    fn samples<'a>(&'a self, reply: &'a LocalReply) -> impl Iterator<Item = (Option<u32>, Option<&'a str>)> {
        (0..(self.duration * 10.0) as usize).map(move |i| {
            let at = i as f64 / 10.0 + 0.05;
            (
                reply.timeline.iter().find(|s| s.span.contains(at)).map(|s| s.screen),
                self.screen_at(at),
            )
        })
    }

    fn boundary_f1(&self, reply: &LocalReply) -> f64 {
        let neutral = |at: f64| self.neutral.iter().any(|(a, b)| a - 0.5 <= at && at <= b + 0.5);
        let truth: Vec<f64> = self.spans.iter().skip(1).map(|s| s.start).collect();
        let mut found: Vec<f64> = reply.timeline.iter().skip(1).map(|s| s.span.start_seconds()).collect();
        let (mut hits, all) = (0, truth.len());
        for at in truth {
            let near = found
                .iter()
                .enumerate()
                .filter(|(_, f)| (*f - at).abs() <= 0.5)
                .min_by(|a, b| (a.1 - at).abs().total_cmp(&(b.1 - at).abs()))
                .map(|(i, _)| i);
            if let Some(i) = near {
                found.remove(i);
                hits += 1;
            }
        }
        let extra = found.iter().filter(|f| !neutral(**f)).count();
        if all + extra == 0 {
            1.0
        } else {
            2.0 * f64::from(hits) / (2.0 * f64::from(hits) + (all as f64 - f64::from(hits)) + extra as f64)
        }
    }

    fn v_measure(&self, reply: &LocalReply) -> f64 {
        let mut joint: BTreeMap<(Option<u32>, &str), f64> = BTreeMap::new();
        for (screen, truth) in self.samples(reply) {
            if let Some(truth) = truth {
                *joint.entry((screen, truth)).or_default() += 1.0;
            }
        }
        let total: f64 = joint.values().sum();
        let mut found: BTreeMap<Option<u32>, f64> = BTreeMap::new();
        let mut truth: BTreeMap<&str, f64> = BTreeMap::new();
        for ((f, t), n) in &joint {
            *found.entry(*f).or_default() += n;
            *truth.entry(*t).or_default() += n;
        }
        let entropy = |counts: Vec<f64>| -counts.iter().map(|n| n / total * (n / total).ln()).sum::<f64>();
        let truth_entropy = entropy(truth.values().copied().collect());
        let found_entropy = entropy(found.values().copied().collect());
        #[expect(clippy::type_complexity, reason = "one entry of the table below, weighed")]
        let conditional = |of: &dyn Fn(&(Option<u32>, &str)) -> f64| {
            -joint.iter().map(|(k, n)| n / total * (n / of(k)).ln()).sum::<f64>()
        };
        let homogeneity = if truth_entropy < 1e-9 {
            1.0
        } else {
            1.0 - conditional(&|k| found[&k.0]) / truth_entropy
        };
        let completeness = if found_entropy < 1e-9 {
            1.0
        } else {
            1.0 - conditional(&|k| truth[k.1]) / found_entropy
        };
        if homogeneity + completeness <= 0.0 {
            0.0
        } else {
            2.0 * homogeneity * completeness / (homogeneity + completeness)
        }
    }
}
