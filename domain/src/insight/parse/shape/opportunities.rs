//! What could be automated: opportunities, with the words of the reply that were not taken over kept in their metadata.

use serde_json::{Map, Value, json};

use crate::category::WorkflowCategory;
use crate::insight::OpportunityDraft;
use crate::insight::parse::field::{Era, Reader, SENTENCE, Scope, Support, TEXT, TITLE, clean, pick, text, texts};
use crate::roi::Complexity;
use crate::routine::process_key;

impl Reader<'_> {
    pub(super) fn opportunities(&mut self, fields: &Map<String, Value>) -> Vec<OpportunityDraft> {
        let mut drafts = Vec::new();
        for (name, era) in [("opportunities", Era::Current), ("automation_opportunities", Era::Old)] {
            for (place, element) in self.elements(name, pick(fields, &[name])) {
                match element {
                    Value::Object(fields) => {
                        drafts.extend(self.opportunity(&place, fields, element, era));
                    }
                    Value::String(what) if era == Era::Old => {
                        if let Some(title) = clean(what, TITLE) {
                            drafts.push(draft(title, what, Support::default(), json!({ "element": element })));
                        } else {
                            self.leave_out(&place, "has no title");
                        }
                    }
                    _ => self.leave_out(&place, "not an object"),
                }
            }
        }
        drafts
    }

    fn opportunity(
        &mut self,
        place: &str,
        fields: &Map<String, Value>,
        element: &Value,
        era: Era,
    ) -> Option<OpportunityDraft> {
        let what = pick(
            fields,
            &["title", "what", "name", "description", "specific_recommendation"],
        );
        let Some(title) = text(what, TITLE) else {
            self.leave_out(place, "has no title");
            return None;
        };
        let support = self.support(place, fields, era)?;
        let mut parts: Vec<String> = Vec::new();
        for value in [
            what,
            pick(fields, &["description"]),
            pick(fields, &["automation", "how"]),
            pick(fields, &["specific_recommendation"]),
        ] {
            if let Some(part) = text(value, TEXT)
                && part != title
                && !parts.contains(&part)
            {
                parts.push(part);
            }
        }
        let description = clean(&parts.join("\n"), TEXT).unwrap_or_else(|| title.clone());
        let seconds = self
            .duration(
                &format!("{place}.seconds_per_occurrence"),
                pick(fields, &["seconds_per_occurrence"]),
                1.0,
                Scope::Occurrence,
            )
            .or_else(|| {
                let minutes = pick(fields, &["time_per_occurrence_minutes"]);
                self.duration(
                    &format!("{place}.time_per_occurrence_minutes"),
                    minutes,
                    60.0,
                    Scope::Occurrence,
                )
            });
        let saved = pick(fields, &["timeSaved", "time_saved"]);
        let mut stated = Map::new();
        for (name, value) in [
            ("occurrences_seen", pick(fields, &["occurrences_seen"])),
            ("frequency_daily", pick(fields, &["frequency_daily"])),
            ("automation_potential", pick(fields, &["automation_potential"])),
            ("time_saved", saved),
        ] {
            if !value.is_null() {
                stated.insert(name.to_owned(), value.clone());
            }
        }
        if let Some(seconds) = self.duration(&format!("{place}.timeSaved"), saved, f64::NAN, Scope::Unsaid) {
            stated.insert("time_saved_seconds".to_owned(), json!(seconds));
        }
        let steps = texts(pick(fields, &["steps", "workflow_steps"]), SENTENCE);
        let kind = pick(fields, &["category", "workflow_type", "opportunity_type"]);
        let mut opportunity = draft(
            title,
            &description,
            support,
            json!({ "element": element, "stated": stated }),
        );
        opportunity.process_key = key_of(
            &texts(pick(fields, &["applications"]), TITLE),
            &steps,
            &opportunity.title,
        );
        opportunity.workflow_steps = steps;
        opportunity.opportunity_type = self.category(&format!("{place}.category"), kind);
        opportunity.current_time_per_occurrence_seconds = seconds;
        let complexity = pick(
            fields,
            &["complexity", "implementation_complexity", "automation_complexity"],
        );
        opportunity.automation_complexity = self.complexity(&format!("{place}.complexity"), complexity);
        let confidence = pick(fields, &["confidence", "confidence_score"]);
        opportunity.confidence = self.share(&format!("{place}.confidence"), confidence);
        Some(opportunity)
    }

    fn complexity(&mut self, place: &str, value: &Value) -> Option<Complexity> {
        if value.is_null() {
            return None;
        }
        let word = value
            .as_str()
            .map(|word| word.trim().to_lowercase())
            .unwrap_or_default();
        match word.as_str() {
            "low" | "simple" | "easy" => Some(Complexity::Low),
            "medium" | "moderate" => Some(Complexity::Medium),
            "high" | "complex" | "hard" => Some(Complexity::High),
            _ => {
                self.leave_out(place, "not a known complexity");
                None
            }
        }
    }
}

fn draft(title: String, description: &str, support: Support, metadata: Value) -> OpportunityDraft {
    OpportunityDraft {
        process_key: key_of(&[], &[], &title),
        opportunity_type: WorkflowCategory::Other,
        description: clean(description, TEXT).unwrap_or_else(|| title.clone()),
        title,
        workflow_steps: Vec::new(),
        current_time_per_occurrence_seconds: None,
        occurrences: Vec::new(),
        // A reply's frequency is a guess about days that nobody recorded: it stays in the metadata.
        occurrences_per_day: None,
        automation_complexity: None,
        confidence: None,
        evidence: support.evidence,
        frames: support.frames,
        metadata,
    }
}

/// The process that an opportunity is about: its applications, then its steps; its title where there are neither.
fn key_of(applications: &[String], steps: &[String], title: &str) -> String {
    let places = applications.iter().map(|name| (name.as_str(), ""));
    let parts: Vec<_> = places.chain(steps.iter().map(|step| ("", step.as_str()))).collect();
    let key = if parts.is_empty() {
        process_key([("", title)])
    } else {
        process_key(parts)
    };
    key.chars().take(TITLE).collect()
}
