//! What was done: workflows, steps, applications and patterns. An older form keeps all but the patterns in one list.

use serde_json::{Map, Value};

use crate::insight::parse::field::{Era, MOST_ELEMENTS, Reader, SENTENCE, TEXT, TITLE, clean, pick, text, texts};
use crate::insight::parse::merge::fold_applications;
use crate::insight::{ApplicationUse, Workflow, WorkflowStep};
use crate::span::TimeSpan;

impl Reader<'_> {
    pub(super) fn workflows(&mut self, fields: &Map<String, Value>, older: &[(String, &Value)]) -> Vec<Workflow> {
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

    pub(super) fn steps(&mut self, fields: &Map<String, Value>, older: &[(String, &Value)]) -> Vec<WorkflowStep> {
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

    pub(super) fn applications(
        &mut self,
        fields: &Map<String, Value>,
        older: &[(String, &Value)],
    ) -> Vec<ApplicationUse> {
        let mut uses = Vec::new();
        match pick(fields, &["applications"]) {
            Value::Object(map) => {
                for (name, details) in map.iter().take(MOST_ELEMENTS) {
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

    pub(super) fn patterns(&mut self, fields: &Map<String, Value>) -> Vec<String> {
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
