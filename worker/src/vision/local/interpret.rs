//! From a stored reply to insights: pure, so that a better rule can be applied to old recordings at no cost.
//!
//! Rules, as stored with their inputs in each draft's metadata:
//!
//! - **Confidence** of a routine: `n / (n + 2)` for its `n` occurrences, times the share of their visits that belong to it,
//!   times the mean confidence of the words that name its screens.
//! - **Complexity**: LOW with at most two applications, six steps and values that are typed over (a copy can be scripted);
//!   HIGH with more than three applications or twelve steps, or when more than a third of the visits lie outside; else MEDIUM.
//! - **Waiting** is a bottleneck from five seconds on; **rework** from the first return to a step that was done.
//! - Below three occurrences nothing is concluded: the pattern is told with "insufficient evidence".

use std::collections::BTreeSet;

use domain::category::{WorkflowCategory, classify};
use domain::insight::{
    ApplicationUse, InsightDraft, InsightType, OpportunityDraft, Reading, Routine, StructuredInsights, Workflow,
    WorkflowStep,
};
use domain::roi::Complexity;
use domain::routine::{ENOUGH_OCCURRENCES, FoundRoutine, Visit, mean, median, mine, process_key};
use domain::span::TimeSpan;
use serde_json::json;

use super::reply::{LocalReply, Screen, Stay};
use super::retype::{self, Retyped};
use super::text;

/// Waiting below this is not worth a line.
const WAITING_SECONDS: f64 = 5.0;
/// Steps that are listed one by one.
const MOST_STEPS: usize = 300;

/// Reads a stored reply.
pub fn interpret(reply: &LocalReply) -> Reading {
    let (visits, stay_of) = visits(reply);
    let retyped = retype::find(reply);
    let book = Book {
        reply,
        retyped: &retyped,
        stay_of: &stay_of,
    };

    let mut reading = Reading {
        insights: StructuredInsights {
            steps: steps(reply),
            applications: applications(reply),
            ..StructuredInsights::default()
        },
        ..Reading::default()
    };
    for found in mine(&visits) {
        book.tell(&found, &mut reading);
    }
    book.waiting(&mut reading);
    book.transfers(&mut reading);
    let everything: Vec<&Screen> = reply.screens.iter().collect();
    reading.category = Some(
        reading
            .insights
            .workflows
            .first()
            .map_or_else(|| category(&everything), |w| w.category),
    );
    reading.insights.description = describe(reply, &reading);
    reading.confidence = (!reply.screens.is_empty()).then(|| {
        let named = mean(&reply.screens.iter().map(|s| s.name_confidence).collect::<Vec<_>>());
        round(named * reply.coverage.clamp(0.0, 1.0))
    });
    reading
}

/// The stays and the excluded times as visits; an excluded time is a screen of its own that nothing equals.
fn visits(reply: &LocalReply) -> (Vec<Visit>, Vec<Option<usize>>) {
    let mut all: Vec<(Visit, Option<usize>)> = reply
        .timeline
        .iter()
        .enumerate()
        .map(|(i, stay)| {
            (
                Visit {
                    screen: stay.screen,
                    span: stay.span,
                    waiting: stay.waiting.clone(),
                    idle: stay.idle.clone(),
                },
                Some(i),
            )
        })
        .collect();
    let first_hidden = reply.screens.iter().map(|s| s.id + 1).max().unwrap_or_default();
    for (hidden, span) in (first_hidden..).zip(&reply.excluded) {
        all.push((
            Visit {
                screen: hidden,
                span: *span,
                waiting: Vec::new(),
                idle: Vec::new(),
            },
            None,
        ));
    }
    all.sort_by(|a, b| a.0.span.start_seconds().total_cmp(&b.0.span.start_seconds()));
    all.into_iter().unzip()
}

fn screen(reply: &LocalReply, id: u32) -> Option<&Screen> {
    reply.screens.iter().find(|s| s.id == id)
}

fn active(stay: &Stay) -> f64 {
    let away: f64 = stay.waiting.iter().chain(&stay.idle).map(|s| s.seconds()).sum();
    (stay.span.seconds() - away).max(0.0)
}

fn waited(stay: &Stay) -> f64 {
    stay.waiting.iter().map(|s| s.seconds()).sum()
}

/// What is done on a screen: typing where typing was seen, reading elsewhere.
fn action(screen: &Screen, typed: bool) -> String {
    let object = if screen.object.is_empty() {
        "unnamed screen"
    } else {
        &screen.object
    };
    match (&screen.command, typed) {
        (Some(command), true) => format!("Fill in {object} ({command})"),
        (None, true) => format!("Fill in {object}"),
        (_, false) => format!("View {object}"),
    }
}

fn steps(reply: &LocalReply) -> Vec<WorkflowStep> {
    let mut steps: Vec<WorkflowStep> = Vec::new();
    for stay in reply.timeline.iter().take(MOST_STEPS) {
        let Some(screen) = screen(reply, stay.screen) else {
            continue;
        };
        steps.push(WorkflowStep {
            number: steps.len() as u32 + 1,
            action: action(screen, stay.edits >= 2),
            application: (!screen.application.is_empty()).then(|| screen.application.clone()),
            purpose: None,
            data_involved: Vec::new(),
            span: Some(stay.span),
            frames: stay.frames.clone(),
        });
    }
    steps
}

fn applications(reply: &LocalReply) -> Vec<ApplicationUse> {
    let total: f64 = reply.timeline.iter().map(active).sum();
    let names: BTreeSet<&str> = reply
        .screens
        .iter()
        .map(|s| s.application.as_str())
        .filter(|n| !n.is_empty())
        .collect();
    let mut uses: Vec<ApplicationUse> = names
        .into_iter()
        .map(|name| {
            let of = |id: u32| screen(reply, id).is_some_and(|s| s.application == name);
            let seconds: f64 = reply.timeline.iter().filter(|s| of(s.screen)).map(active).sum();
            let objects: BTreeSet<&str> = reply
                .screens
                .iter()
                .filter(|s| s.application == name && !s.object.is_empty())
                .map(|s| s.object.as_str())
                .collect();
            ApplicationUse {
                name: name.to_owned(),
                purpose: (!objects.is_empty()).then(|| objects.into_iter().collect::<Vec<_>>().join(", ")),
                active_seconds: Some(round(seconds)),
                share: (total > 0.0).then(|| round(seconds / total)),
            }
        })
        .collect();
    uses.sort_by(|a, b| {
        b.active_seconds
            .partial_cmp(&a.active_seconds)
            .unwrap_or(std::cmp::Ordering::Equal)
    });
    uses
}

struct Book<'a> {
    reply: &'a LocalReply,
    retyped: &'a [Retyped],
    stay_of: &'a [Option<usize>],
}

impl Book<'_> {
    /// Writes down a routine: itself, a pattern, an opportunity if there is evidence enough, and its rework.
    fn tell(&self, found: &FoundRoutine, reading: &mut Reading) {
        let screens: Vec<&Screen> = found.screens.iter().filter_map(|id| screen(self.reply, *id)).collect();
        let members: BTreeSet<usize> = found
            .occurrences
            .iter()
            .flat_map(|o| &o.visits)
            .filter_map(|v| self.stay_of[*v])
            .collect();
        let stays: Vec<&Stay> = members.iter().map(|i| &self.reply.timeline[*i]).collect();
        let typed_on =
            |id: u32| stays.iter().filter(|s| s.screen == id && s.edits >= 2).count() * 2 >= found.occurrences.len();
        let transfers: Vec<&Retyped> = self
            .retyped
            .iter()
            .filter(|r| members.contains(&r.source) && members.contains(&r.target))
            .collect();

        let key = process_key(screens.iter().map(|s| (s.application.as_str(), s.object.as_str())));
        let name = self.title(&screens, &transfers, &stays);
        let times: Vec<f64> = found.occurrences.iter().map(|o| o.occurrence.active_seconds).collect();
        let worked: Vec<f64> = found
            .occurrences
            .iter()
            .map(|o| o.occurrence.worked_seconds())
            .collect();
        let waiting: f64 = found.occurrences.iter().map(|o| o.occurrence.waiting_seconds).sum();
        let spans: Vec<TimeSpan> = found.occurrences.iter().map(|o| o.occurrence.span).collect();
        let frames: Vec<u32> = stays.iter().flat_map(|s| &s.frames).copied().collect();
        let n = found.occurrences.len();
        let enough = n >= ENOUGH_OCCURRENCES;
        let named = mean(&screens.iter().map(|s| s.name_confidence).collect::<Vec<_>>());
        let own: usize = found.occurrences.iter().map(|o| o.visits.len()).sum();
        let foreign: usize = found.occurrences.iter().map(|o| o.foreign.len()).sum();
        let regular = own as f64 / (own + foreign).max(1) as f64;
        let confidence = round((n as f64 / (n as f64 + 2.0)) * regular * named);

        reading.insights.routines.push(Routine {
            process_key: key.clone(),
            name: name.clone(),
            screens: found.screens.clone(),
            occurrences: found.occurrences.iter().map(|o| o.occurrence).collect(),
            median_active_seconds: median(&times),
            mean_active_seconds: mean(&times),
        });
        let mut told = format!(
            "{name}: seen {n} times, median {:.1} s and mean {:.1} s of active time, {:.1} s of waiting in all.",
            median(&times),
            mean(&times),
            waiting
        );
        if !enough {
            told.push_str(" Insufficient evidence: fewer than three occurrences, so nothing is concluded.");
        }
        reading.insights.patterns.push(told.clone());
        let metadata = json!({
            "rule": "repeated sequence of screens, not explained by chance", "process_key": key, "occurrences": n,
            "shuffles_as_good_of_99": found.equalled_by_chance, "own_visits": own, "foreign_visits": foreign,
            "name_confidence": round(named), "enough_evidence": enough,
        });
        reading.drafts.push(InsightDraft {
            insight_type: InsightType::Pattern,
            title: name.clone(),
            description: told,
            confidence: Some(confidence),
            time_saved_seconds: None,
            automation_potential: None,
            evidence: spans.clone(),
            metadata: metadata.clone(),
        });
        self.rework(found, &name, reading);
        if !enough {
            return;
        }
        let category = category(&screens);
        let steps: Vec<String> = screens
            .iter()
            .map(|s| {
                let what = action(s, typed_on(s.id));
                if s.application.is_empty() {
                    what
                } else {
                    format!("{}: {what}", s.application)
                }
            })
            .collect();
        let applications: BTreeSet<&str> = screens
            .iter()
            .map(|s| s.application.as_str())
            .filter(|a| !a.is_empty())
            .collect();
        let complexity = complexity(applications.len(), screens.len(), regular, !transfers.is_empty());
        reading.insights.workflows.push(Workflow {
            category,
            name: name.clone(),
            description: Some(steps.join("; ")),
        });
        reading.opportunities.push(OpportunityDraft {
            process_key: key,
            opportunity_type: category,
            title: name.clone(),
            description: format!(
                "Seen {n} times in this recording; each takes {:.1} s on average ({:.1} s active at the median). {}",
                mean(&worked),
                median(&times),
                transfers.first().map_or_else(
                    || "The steps return in the same order.".to_owned(),
                    |_| {
                        let with = found.occurrences.iter().filter(|o| {
                            let own = |stay: usize| o.visits.iter().any(|v| self.stay_of[*v] == Some(stay));
                            transfers.iter().any(|t| own(t.target))
                        });
                        format!("Values are typed over by hand in {} of {n}.", with.count())
                    }
                )
            ),
            workflow_steps: steps,
            current_time_per_occurrence_seconds: Some(mean(&worked)),
            occurrences: found.occurrences.iter().map(|o| o.occurrence).collect(),
            occurrences_per_day: None,
            automation_complexity: Some(complexity),
            confidence: Some(confidence),
            evidence: spans,
            frames,
            metadata: json!({ "analyser": self.reply.version, "confidence": metadata, "complexity": {
                "applications": applications.len(), "steps": screens.len(), "regular": round(regular), "typed_over": !transfers.is_empty() } }),
        });
    }

    /// Application, object and action, as read: where the typing is, and where its values come from.
    fn title(&self, screens: &[&Screen], transfers: &[&Retyped], stays: &[&Stay]) -> String {
        let edits = |s: &&&Screen| {
            stays
                .iter()
                .filter(|stay| stay.screen == s.id)
                .map(|stay| stay.edits)
                .sum::<u32>()
        };
        let target = transfers
            .first()
            .and_then(|t| screen(self.reply, self.reply.timeline[t.target].screen))
            .or_else(|| {
                screens
                    .iter()
                    .max_by_key(|s| (edits(s), std::cmp::Reverse(s.id)))
                    .copied()
            });
        let Some(target) = target else {
            return "Unnamed routine".to_owned();
        };
        let typed = stays.iter().any(|s| s.screen == target.id && s.edits >= 2);
        let mut title = action(target, typed);
        if !target.application.is_empty() {
            title = format!("{title} in {}", target.application);
        }
        let source = transfers
            .first()
            .and_then(|t| screen(self.reply, self.reply.timeline[t.source].screen))
            .or_else(|| {
                screens
                    .iter()
                    .find(|s| s.application != target.application && !s.application.is_empty())
                    .copied()
            });
        if let Some(source) = source.filter(|s| !s.application.is_empty() && s.id != target.id) {
            let object = if source.object.is_empty() {
                String::new()
            } else {
                format!("{} in ", source.object)
            };
            title = format!("{title} from {object}{}", source.application);
        }
        title.chars().take(240).collect()
    }

    fn rework(&self, found: &FoundRoutine, name: &str, reading: &mut Reading) {
        let back: Vec<usize> = found
            .occurrences
            .iter()
            .flat_map(|o| &o.rework)
            .filter_map(|v| self.stay_of[*v])
            .collect();
        if back.is_empty() {
            return;
        }
        let spans: Vec<TimeSpan> = back.iter().map(|i| self.reply.timeline[*i].span).collect();
        let seconds: f64 = back
            .iter()
            .map(|i| active(&self.reply.timeline[*i]) + waited(&self.reply.timeline[*i]))
            .sum();
        let affected = found.occurrences.iter().filter(|o| !o.rework.is_empty()).count();
        reading.drafts.push(InsightDraft {
            insight_type: InsightType::Bottleneck,
            title: format!("Going back: {name}"),
            description: format!(
                "In {affected} of {} occurrences an earlier screen was opened again, {} times and {seconds:.1} s in all.",
                found.occurrences.len(),
                back.len()
            ),
            confidence: None,
            time_saved_seconds: Some(round(seconds / found.occurrences.len() as f64)),
            automation_potential: None,
            evidence: spans,
            metadata: json!({ "rule": "return to a screen of the routine that had been passed", "returns": back.len(), "seconds": round(seconds) }),
        });
    }

    /// Waiting, by the application that was waited for: the busy screen's own, else that of the screen before it.
    fn waiting(&self, reading: &mut Reading) {
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
                description: format!("The screen was busy {} times, {seconds:.1} s in all and {longest:.1} s at the longest.", spans.len()),
                confidence: None,
                time_saved_seconds: Some(round(seconds / spans.len() as f64)),
                automation_potential: None,
                evidence: spans.clone(),
                metadata: json!({ "rule": "busy screen for 5 s or more in all", "times": spans.len(), "seconds": round(seconds), "longest_seconds": round(longest) }),
            });
        }
    }

    /// Values that are typed over, by source and target application; told from two transfers on.
    fn transfers(&self, reading: &mut Reading) {
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
            reading.drafts.push(InsightDraft {
                insight_type: InsightType::Optimization,
                title: format!("Typed over from {} to {}", named(source), named(target)),
                description: format!(
                    "In {} visits values that {} had just shown were typed into {}{fields}; {:.0} words at the median, {:.1} s of typing.",
                    transfers.len(),
                    named(source),
                    named(target),
                    median(&values),
                    median(&typing)
                ),
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

fn complexity(applications: usize, steps: usize, regular: f64, typed_over: bool) -> Complexity {
    if applications > 3 || steps > 12 || regular < 2.0 / 3.0 {
        Complexity::High
    } else if applications <= 2 && steps <= 6 && typed_over {
        Complexity::Low
    } else {
        Complexity::Medium
    }
}

/// The kind of work, from the names and words of the screens where it is done; OTHER rather than a guess.
fn category(screens: &[&Screen]) -> WorkflowCategory {
    let names = screens.iter().flat_map(|s| [s.application.as_str(), s.object.as_str()]);
    let phrases: Vec<String> = screens
        .iter()
        .flat_map(|s| text::phrases(&s.words, 16.0 / 9.0))
        .map(|p| p.text)
        .collect();
    classify(names, phrases.iter().map(String::as_str)).category
}

fn describe(reply: &LocalReply, reading: &Reading) -> String {
    // A sum of nothing is -0.
    let work: f64 = reply.timeline.iter().map(active).sum::<f64>() + 0.0;
    let wait: f64 = reply.timeline.iter().map(waited).sum::<f64>() + 0.0;
    let idle: f64 = reply
        .timeline
        .iter()
        .flat_map(|s| &s.idle)
        .map(|s| s.seconds())
        .sum::<f64>()
        + 0.0;
    let applications: Vec<&str> = reading.insights.applications.iter().map(|a| a.name.as_str()).collect();
    let mut told = format!(
        "{:.0} seconds with {} distinct screens: {work:.0} s active, {wait:.0} s waiting, {idle:.0} s idle.",
        reply.duration_seconds,
        reply.screens.len()
    );
    if !applications.is_empty() {
        told += " Applications as read from the screen: ";
        told += &applications.join(", ");
        told += ".";
    }
    match reading.insights.routines.len() {
        0 => told.push_str(" No sequence of screens comes back more often than chance would have it."),
        1 => told.push_str(" One routine comes back."),
        n => {
            told += " ";
            told += &n.to_string();
            told += " routines come back.";
        }
    }
    if !reply.excluded.is_empty() {
        let hidden: f64 = reply.excluded.iter().map(|s| s.seconds()).sum();
        let left_out = format!(" {hidden:.0} s on excluded screens were left out.");
        told += &left_out;
    }
    told
}

fn round(value: f64) -> f64 {
    (value * 1000.0).round() / 1000.0
}
