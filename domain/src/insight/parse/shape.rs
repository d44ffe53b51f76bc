//! The shapes that an answer can have: the current one, and those of the system that this one replaces.
//!
//! | What | Now | Replaced system | Its older form |
//! |---|---|---|---|
//! | text | `description` | `natural_description` | - |
//! | work | `workflows` | - | `workflows_detected` |
//! | steps | `steps` | `workflow_steps` | `workflows_detected[].steps_observed` |
//! | applications | `applications` (list) | `applications` (map) | `workflows_detected[].applications_involved` |
//! | patterns | `patterns` (objects) | `patterns` (texts) | `key_insights` |
//! | opportunities | `opportunities` | `automation_opportunities` with `what` | `automation_opportunities` with `workflow_type` |
//!
//! Counts and times that a reply claims about the whole recording (`metrics`, `time_breakdown`) are not taken over.

use serde_json::{Map, Value, json};

use super::field::{Era, Reader, SENTENCE, Scope, Support, TEXT, TITLE, clean, pick, text, texts};
use super::merge::fold_applications;
use super::{FrameTable, Reading};
use crate::category::WorkflowCategory;
use crate::insight::{
    ApplicationUse, InsightDraft, InsightType, OpportunityDraft, StructuredInsights, Workflow, WorkflowStep,
};
use crate::roi::Complexity;
use crate::routine::process_key;
use crate::span::TimeSpan;

/// Properties whose presence makes an object an answer.
const KNOWN: [&str; 10] = [
    "natural_description",
    "steps",
    "workflow_steps",
    "workflows",
    "workflows_detected",
    "opportunities",
    "automation_opportunities",
    "applications",
    "patterns",
    "key_insights",
];

/// Whether this object is an answer rather than a wrapper: at least one known property holds what it should.
pub(super) fn is_answer(fields: &Map<String, Value>) -> bool {
    KNOWN.iter().any(|name| match fields.get(*name) {
        Some(Value::Array(_)) => *name != "natural_description",
        Some(Value::Object(_)) => *name == "applications",
        Some(Value::String(_)) => *name == "natural_description",
        _ => false,
    })
}

/// Reads an answer.
pub(super) fn read(fields: &Map<String, Value>, frames: &FrameTable) -> Reading {
    let mut reader = Reader {
        frames,
        dropped: Vec::new(),
    };
    let older = &reader.elements("workflows_detected", pick(fields, &["workflows_detected"]));
    let mut insights = StructuredInsights {
        description: text(pick(fields, &["description", "natural_description", "summary"]), TEXT).unwrap_or_default(),
        workflows: reader.workflows(fields, older),
        steps: reader.steps(fields, older),
        applications: reader.applications(fields, older),
        patterns: reader.patterns(fields),
        ..StructuredInsights::default()
    };
    let opportunities = reader.opportunities(fields);
    let drafts = reader.drafts(fields);
    let confidence = reader.share("confidence", pick(fields, &["confidence", "confidence_score"]));
    let category = match fields.get("category") {
        Some(value @ Value::String(_)) => Some(reader.category("category", value)),
        _ => None,
    };
    for (name, why) in [
        ("metrics", "claimed counts and times are not taken over"),
        ("time_breakdown", "claimed counts and times are not taken over"),
        ("workflow_chart", "charts are drawn from the steps"),
    ] {
        if fields.get(name).is_some_and(|value| !value.is_null()) {
            reader.leave_out(name, why);
        }
    }
    insights.dropped = reader.dropped;
    Reading {
        insights,
        opportunities,
        drafts,
        confidence,
        category,
    }
}

impl Reader<'_> {
    /// A value of the closed list; anything else is OTHER, not a guess.
    fn category(&mut self, place: &str, value: &Value) -> WorkflowCategory {
        let Some(raw) = value.as_str() else {
            return WorkflowCategory::Other;
        };
        let word = raw.trim().to_lowercase().replace([' ', '-'], "_");
        word.parse().unwrap_or_else(|_| {
            self.leave_out(place, "not a known kind of work, read as other");
            WorkflowCategory::Other
        })
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

    fn workflows(&mut self, fields: &Map<String, Value>, older: &[(String, &Value)]) -> Vec<Workflow> {
        let mut workflows = Vec::new();
        for (place, element) in self.elements("workflows", pick(fields, &["workflows"])) {
            let Value::Object(element) = element else {
                self.leave_out(&place, "not an object");
                continue;
            };
            let Some(name) = text(pick(element, &["name", "title"]), TITLE) else {
                self.leave_out(&place, "has no name");
                continue;
            };
            // Stored insights hold workflows without frames; an answer's cite them.
            let era = if element.contains_key("frames") {
                Era::Current
            } else {
                Era::Old
            };
            if self.support(&place, element, era).is_none() {
                continue;
            }
            workflows.push(Workflow {
                category: self.category(&format!("{place}.category"), pick(element, &["category"])),
                name,
                description: text(pick(element, &["description"]), TEXT),
            });
        }
        for (place, element) in older {
            let Value::Object(element) = element else {
                self.leave_out(place, "not an object");
                continue;
            };
            let kind = pick(element, &["type", "name"]);
            let description = text(pick(element, &["description"]), TEXT);
            let Some(name) = text(kind, TITLE)
                .map(|kind| kind.replace('_', " "))
                .or_else(|| clean(description.as_deref()?, TITLE))
            else {
                self.leave_out(place, "has neither type nor description");
                continue;
            };
            workflows.push(Workflow {
                category: self.category(&format!("{place}.type"), kind),
                name,
                description,
            });
        }
        workflows
    }

    fn steps(&mut self, fields: &Map<String, Value>, older: &[(String, &Value)]) -> Vec<WorkflowStep> {
        let (name, era) = if fields.get("steps").is_some_and(Value::is_array) {
            ("steps", Era::Current)
        } else {
            ("workflow_steps", Era::Old)
        };
        let mut steps = Vec::new();
        for (place, element) in self.elements(name, pick(fields, &[name])) {
            match element {
                Value::Object(element) => steps.extend(self.step(&place, element, era)),
                Value::String(action) if era == Era::Old => match clean(action, SENTENCE) {
                    Some(action) => steps.push(bare_step(action, None)),
                    None => self.leave_out(&place, "has no action"),
                },
                _ => self.leave_out(&place, "not an object"),
            }
        }
        if steps.is_empty() {
            for (_, element) in older {
                let Value::Object(element) = element else {
                    continue;
                };
                let applications = texts(pick(element, &["applications_involved"]), TITLE);
                let only = if let [only] = applications.as_slice() {
                    Some(only.clone())
                } else {
                    None
                };
                let observed = texts(pick(element, &["steps_observed"]), SENTENCE);
                steps.extend(observed.into_iter().map(|action| bare_step(action, only.clone())));
            }
        }
        for (number, step) in steps.iter_mut().enumerate() {
            step.number = number as u32 + 1;
        }
        steps
    }

    fn step(&mut self, place: &str, element: &Map<String, Value>, era: Era) -> Option<WorkflowStep> {
        let Some(action) = text(pick(element, &["action", "description", "step", "name"]), SENTENCE) else {
            self.leave_out(place, "has no action");
            return None;
        };
        let support = self.support(place, element, era)?;
        let stored = || serde_json::from_value::<TimeSpan>(element.get("span")?.clone()).ok();
        Some(WorkflowStep {
            number: 0,
            action,
            application: text(pick(element, &["application", "app"]), TITLE),
            purpose: text(pick(element, &["purpose"]), SENTENCE),
            data_involved: texts(pick(element, &["data_involved", "data"]), TITLE),
            // The first stretch: a frame far from it is another occurrence, not one long step.
            span: support
                .evidence
                .first()
                .copied()
                .or_else(|| self.frames.is_empty().then(stored)?),
            frames: support.frames,
        })
    }

    fn applications(&mut self, fields: &Map<String, Value>, older: &[(String, &Value)]) -> Vec<ApplicationUse> {
        let mut uses = Vec::new();
        match pick(fields, &["applications"]) {
            Value::Object(map) => {
                for (name, details) in map.iter().take(super::field::MOST_ELEMENTS) {
                    let Some(name) = clean(name, TITLE) else {
                        continue;
                    };
                    let purpose = match details {
                        Value::Object(details) => {
                            if self.support("applications", details, Era::Old).is_none() {
                                continue;
                            }
                            text(pick(details, &["purpose"]), SENTENCE)
                        }
                        other => text(other, SENTENCE),
                    };
                    uses.push(application(name, purpose));
                }
            }
            value => {
                for (place, element) in self.elements("applications", value) {
                    match element {
                        Value::Object(element) => {
                            let Some(name) = text(pick(element, &["name", "application"]), TITLE) else {
                                self.leave_out(&place, "has no name");
                                continue;
                            };
                            let era = if element.contains_key("frames") {
                                Era::Current
                            } else {
                                Era::Old
                            };
                            if self.support(&place, element, era).is_some() {
                                uses.push(application(name, text(pick(element, &["purpose"]), SENTENCE)));
                            }
                        }
                        other => match text(other, TITLE) {
                            Some(name) => uses.push(application(name, None)),
                            None => self.leave_out(&place, "has no name"),
                        },
                    }
                }
            }
        }
        for (_, element) in older {
            if let Value::Object(element) = element {
                let names = texts(pick(element, &["applications_involved"]), TITLE);
                uses.extend(names.into_iter().map(|name| application(name, None)));
            }
        }
        fold_applications(uses)
    }

    fn patterns(&mut self, fields: &Map<String, Value>) -> Vec<String> {
        let mut patterns: Vec<String> = Vec::new();
        for name in ["patterns", "key_insights"] {
            for (place, element) in self.elements(name, pick(fields, &[name])) {
                let pattern = match element {
                    Value::Object(element) => {
                        let era = if element.contains_key("frames") {
                            Era::Current
                        } else {
                            Era::Old
                        };
                        if self.support(&place, element, era).is_none() {
                            continue;
                        }
                        text(
                            pick(element, &["description", "pattern", "insight", "name", "title"]),
                            SENTENCE,
                        )
                    }
                    other => text(other, SENTENCE),
                };
                match pattern {
                    Some(pattern) if !patterns.contains(&pattern) => patterns.push(pattern),
                    Some(_) => {}
                    None => self.leave_out(&place, "has no text"),
                }
            }
        }
        patterns
    }

    fn opportunities(&mut self, fields: &Map<String, Value>) -> Vec<OpportunityDraft> {
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

    fn drafts(&mut self, fields: &Map<String, Value>) -> Vec<InsightDraft> {
        let mut drafts = Vec::new();
        let lists = [
            ("insights", None),
            ("bottlenecks", Some(InsightType::Bottleneck)),
            ("optimizations", Some(InsightType::Optimization)),
        ];
        for (name, kind) in lists {
            for (place, element) in self.elements(name, pick(fields, &[name])) {
                drafts.extend(self.insight(&place, element, kind));
            }
        }
        drafts
    }

    fn insight(&mut self, place: &str, element: &Value, kind: Option<InsightType>) -> Option<InsightDraft> {
        let bare = Map::new();
        let (fields, said) = match element {
            Value::Object(fields) => (fields, pick(fields, &["title", "description", "insight"])),
            other => (&bare, other),
        };
        let kind = kind.or_else(|| {
            pick(fields, &["kind", "insight_type", "type"])
                .as_str()?
                .trim()
                .to_lowercase()
                .parse()
                .ok()
        });
        let Some(insight_type) = kind else {
            self.leave_out(place, "not a known kind of insight");
            return None;
        };
        let Some(title) = text(said, TITLE) else {
            self.leave_out(place, "has no title");
            return None;
        };
        let era = if place.starts_with("insights") {
            Era::Current
        } else {
            Era::Old
        };
        let support = self.support(place, fields, era)?;
        Some(InsightDraft {
            insight_type,
            description: text(pick(fields, &["description"]), TEXT).unwrap_or_else(|| title.clone()),
            title,
            confidence: self.share(
                &format!("{place}.confidence"),
                pick(fields, &["confidence", "confidence_score"]),
            ),
            time_saved_seconds: None,
            automation_potential: None,
            evidence: support.evidence,
            metadata: json!({ "element": element }),
        })
    }
}

fn bare_step(action: String, application: Option<String>) -> WorkflowStep {
    WorkflowStep {
        number: 0,
        action,
        application,
        purpose: None,
        data_involved: Vec::new(),
        span: None,
        frames: Vec::new(),
    }
}

fn application(name: String, purpose: Option<String>) -> ApplicationUse {
    ApplicationUse {
        name,
        purpose,
        active_seconds: None,
        share: None,
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
