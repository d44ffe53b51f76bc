//! A routine that comes back: itself, the pattern, and where there is evidence enough the opportunity and its rework.

use std::collections::BTreeSet;

use domain::insight::{InsightDraft, InsightType, OpportunityDraft, Reading, Routine, Workflow};
use domain::roi::Complexity;
use domain::routine::{ENOUGH_OCCURRENCES, FoundRoutine, mean, median, process_key};
use domain::span::TimeSpan;
use serde_json::json;

use super::measured::{action, active, screen, waited};
use super::{Book, INSUFFICIENT, category, insufficient, round, saved};
use crate::vision::local::reply::{Screen, Stay};
use crate::vision::local::retype::Retyped;

impl Book<'_> {
    /// Writes down a routine: itself, a pattern, and if there is evidence enough an opportunity and its rework.
    pub(super) fn tell(&self, found: &FoundRoutine, reading: &mut Reading) {
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
            told.push_str(INSUFFICIENT);
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
        if !enough {
            return;
        }
        self.rework(found, &name, reading);
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
                "In {affected} of {} occurrences an earlier screen was opened again, {} times and {seconds:.1} s in all.{}",
                found.occurrences.len(),
                back.len(),
                insufficient(back.len())
            ),
            confidence: None,
            time_saved_seconds: saved(seconds / found.occurrences.len() as f64, back.len()),
            automation_potential: None,
            evidence: spans,
            metadata: json!({ "rule": "return to a screen of the routine that had been passed", "returns": back.len(), "seconds": round(seconds) }),
        });
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
