//! What is found beside routines: waiting, and values that are typed over from one application into another.

use std::collections::BTreeSet;

use domain::insight::{InsightDraft, InsightType, Reading};
use domain::routine::{ENOUGH_OCCURRENCES, median};
use domain::span::TimeSpan;
use serde_json::json;

use super::measured::screen;
use super::{Book, INSUFFICIENT, insufficient, round, saved};
use crate::vision::local::reply::Screen;
use crate::vision::local::retype::Retyped;

/// Waiting below this is not worth a line.
const WAITING_SECONDS: f64 = 5.0;

impl Book<'_> {
    /// Waiting, by the application that was waited for: the busy screen's own, else that of the screen before it.
    pub(super) fn waiting(&self, reading: &mut Reading) {
        let mut by_application: Vec<(String, Vec<TimeSpan>)> = Vec::new();
        let mut before = String::new();
        for stay in &self.reply.timeline {
            let own = screen(self.reply, stay.screen)
                .map(|s| s.application.clone())
                .filter(|a| !a.is_empty());
            let application = own.unwrap_or_else(|| before.clone());
            if !stay.waiting.is_empty() {
                match by_application.iter_mut().find(|(a, _)| *a == application) {
                    Some((_, spans)) => spans.extend(&stay.waiting),
                    None => by_application.push((application.clone(), stay.waiting.clone())),
                }
            }
            before = application;
        }
        for (application, spans) in by_application {
            let spans = domain::span::union(&spans);
            let seconds: f64 = spans.iter().map(|s| s.seconds()).sum();
            if seconds < WAITING_SECONDS {
                continue;
            }
            let longest = spans.iter().map(|s| s.seconds()).fold(0.0, f64::max);
            let name = if application.is_empty() {
                "an unnamed application"
            } else {
                &application
            };
            reading.drafts.push(InsightDraft {
                insight_type: InsightType::Bottleneck,
                title: format!("Waiting for {name}"),
                description: format!("The screen was busy {} times, {seconds:.1} s in all and {longest:.1} s at the longest.{}", spans.len(), insufficient(spans.len())),
                confidence: None,
                time_saved_seconds: saved(seconds / spans.len() as f64, spans.len()),
                automation_potential: None,
                evidence: spans.clone(),
                metadata: json!({ "rule": "busy screen for 5 s or more in all", "times": spans.len(), "seconds": round(seconds), "longest_seconds": round(longest) }),
            });
        }
    }

    /// Values that are typed over, by source and target application; told from two transfers on, concluded from three.
    pub(super) fn transfers(&self, reading: &mut Reading) {
        let mut pairs: Vec<((u32, u32), Vec<&Retyped>)> = Vec::new();
        for transfer in self.retyped {
            let key = (
                self.reply.timeline[transfer.source].screen,
                self.reply.timeline[transfer.target].screen,
            );
            match pairs.iter_mut().find(|(k, _)| *k == key) {
                Some((_, all)) => all.push(transfer),
                None => pairs.push((key, vec![transfer])),
            }
        }
        for ((source, target), transfers) in pairs.into_iter().filter(|(_, t)| t.len() >= 2) {
            let (Some(source), Some(target)) = (screen(self.reply, source), screen(self.reply, target)) else {
                continue;
            };
            let typing: Vec<f64> = transfers
                .iter()
                .map(|t| self.reply.timeline[t.target].typing_seconds)
                .collect();
            let values: Vec<f64> = transfers.iter().map(|t| t.values as f64).collect();
            let labels: BTreeSet<&str> = transfers.iter().flat_map(|t| &t.labels).map(String::as_str).collect();
            let labels: Vec<&str> = labels.into_iter().collect();
            let named = |s: &Screen| {
                if s.application.is_empty() {
                    s.object.clone()
                } else {
                    s.application.clone()
                }
            };
            for step in &mut reading.insights.steps {
                if transfers
                    .iter()
                    .any(|t| Some(self.reply.timeline[t.target].span) == step.span)
                {
                    step.data_involved = labels.iter().map(|l| (*l).to_owned()).collect();
                }
            }
            let fields = if labels.is_empty() {
                String::new()
            } else {
                format!(" ({})", labels.join(", "))
            };
            let told = format!(
                "In {} visits values that {} had just shown were typed into {}{fields}; {:.0} words at the median, {:.1} s of typing.",
                transfers.len(),
                named(source),
                named(target),
                median(&values),
                median(&typing)
            );
            if transfers.len() < ENOUGH_OCCURRENCES {
                reading.insights.patterns.push(told + INSUFFICIENT);
                continue;
            }
            reading.drafts.push(InsightDraft {
                insight_type: InsightType::Optimization,
                title: format!("Typed over from {} to {}", named(source), named(target)),
                description: told,
                confidence: Some(round(transfers.len() as f64 / (transfers.len() as f64 + 2.0))),
                time_saved_seconds: Some(round(median(&typing))),
                automation_potential: None,
                evidence: transfers.iter().map(|t| self.reply.timeline[t.source].span.hull(self.reply.timeline[t.target].span)).collect(),
                metadata: json!({ "rule": "words read on one application's screen appear on another's form while it is filled in",
                    "transfers": transfers.len(), "median_words": median(&values), "labels": labels }),
            });
        }
    }
}
