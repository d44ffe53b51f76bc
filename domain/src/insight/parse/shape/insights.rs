//! What the reply concludes: insights, bottlenecks and optimizations.

use serde_json::{Map, Value, json};

use crate::insight::parse::field::{Era, Reader, TEXT, TITLE, pick, text};
use crate::insight::{InsightDraft, InsightType};

impl Reader<'_> {
    pub(super) fn drafts(&mut self, fields: &Map<String, Value>) -> Vec<InsightDraft> {
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
