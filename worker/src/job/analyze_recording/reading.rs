//! From a stored reply and stored rules to what is told; pure.

use std::collections::BTreeMap;
use std::time::Instant;

use domain::flow::{self, LayoutAlgorithm, VisualizationType};
use domain::insight::{self, Reading};
use domain::sampling::Analyser;
use domain::span::TimeSpan;
use service::analysis_result::run::{Diagram, Made, Outcome};

use crate::job::stop::{Stop, failed};
use crate::vision::local::LocalReply;
use crate::vision::redact::Rules;
use crate::vision::stored::{self, Stored};

/// From the stored reply, without looking at the recording or asking anybody; by today's rules, which may be stricter than those
/// that it was made by. A reply that today's reader cannot read comes to nothing, not to results without anything in them.
pub(super) fn read_anew(mut made: Made, rules: &Rules, started: Instant) -> Result<Outcome, Stop> {
    stored::redact_again(&mut made.raw_reply, &mut made.frames, rules);
    let table: insight::parse::FrameTable = made.frames.iter().map(|frame| (frame.index, frame.span)).collect();
    let Stored { local, reading } = stored::read(&made.raw_reply, &table);
    made.observed_seconds = local.as_ref().map_or(made.observed_seconds, observed_seconds);
    let reading = reading.map_err(|error| failed(error.code(), error))?;
    Ok(Outcome {
        diagrams: diagrams(&reading, local.as_ref()),
        reading,
        made,
        processing_seconds: started.elapsed().as_secs_f64(),
    })
}

/// Recorded time without idle time.
pub(super) fn observed_seconds(reply: &LocalReply) -> f64 {
    let idle: f64 = reply
        .timeline
        .iter()
        .flat_map(|stay| &stay.idle)
        .copied()
        .map(TimeSpan::seconds)
        .sum();
    (reply.duration_seconds - idle).max(0.0)
}

/// What the session asks for; what may be sent to a model is covered whatever it asks for.
pub(super) fn rules(privacy: &serde_json::Value, analyser: Analyser) -> Rules {
    let sent = analyser == Analyser::Remote;
    Rules {
        personal_data: sent || flag(privacy, "redact_personal_data", true),
        passwords: sent || flag(privacy, "blur_passwords", true),
        exclusions: privacy
            .get("custom_exclusions")
            .and_then(serde_json::Value::as_array)
            .map(|words| {
                words
                    .iter()
                    .filter_map(serde_json::Value::as_str)
                    .map(str::to_owned)
                    .collect()
            })
            .unwrap_or_default(),
    }
}

pub(super) fn flag(settings: &serde_json::Value, name: &str, absent: bool) -> bool {
    settings
        .get(name)
        .and_then(serde_json::Value::as_bool)
        .unwrap_or(absent)
}

/// Each kind of diagram, in the layout that suits it.
const DIAGRAMS: [(VisualizationType, LayoutAlgorithm); 3] = [
    (VisualizationType::FlowChart, LayoutAlgorithm::Dagre),
    (VisualizationType::Timeline, LayoutAlgorithm::Hierarchical),
    (VisualizationType::ProcessMap, LayoutAlgorithm::Dagre),
];

pub(super) fn diagrams(reading: &Reading, local: Option<&LocalReply>) -> Vec<Diagram> {
    let names: BTreeMap<u32, String> = local
        .iter()
        .flat_map(|reply| &reply.screens)
        .map(|screen| {
            let parts = [screen.object.as_str(), screen.application.as_str()];
            (
                screen.id,
                parts
                    .into_iter()
                    .filter(|part| !part.is_empty())
                    .collect::<Vec<_>>()
                    .join(" · "),
            )
        })
        .filter(|(_, name)| !name.is_empty())
        .collect();
    DIAGRAMS
        .into_iter()
        .filter_map(|(kind, layout)| {
            let data = serde_json::to_value(flow::draw(kind, layout, &reading.insights, &names)).ok()?;
            Some(Diagram { kind, layout, data })
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use domain::analysis_error::AnalysisErrorCode;
    use serde_json::json;

    use super::*;

    #[test]
    fn what_is_sent_is_covered_whatever_the_session_says() {
        let lax = json!({ "redact_personal_data": false, "blur_passwords": false });
        for (privacy, analyser, covered) in [
            (&lax, Analyser::Local, false),
            (&lax, Analyser::Remote, true),
            (&json!({}), Analyser::Local, true),
            (&json!({}), Analyser::Remote, true),
        ] {
            let rules = rules(privacy, analyser);
            assert_eq!(
                (rules.personal_data, rules.passwords),
                (covered, covered),
                "{privacy} {analyser:?}"
            );
        }
    }

    fn made(raw_reply: serde_json::Value) -> Made {
        Made {
            raw_reply,
            gpt_version: "gpt-4o".to_owned(),
            prompt_version: None,
            cost_usd: None,
            prompt_tokens: None,
            completion_tokens: None,
            frames: Vec::new(),
            coverage: 1.0,
            duration_seconds: 60.0,
            observed_seconds: 60.0,
            content_sha256: String::new(),
        }
    }

    #[test]
    fn a_stored_reply_that_cannot_be_read_comes_to_nothing_instead_of_to_no_opportunities() {
        for reply in [json!("so sorry"), json!({ "colour": "blue" }), json!([])] {
            let Err(Stop::Failed { code, again, .. }) =
                read_anew(made(reply.clone()), &Rules::default(), Instant::now())
            else {
                panic!("{reply} is read")
            };
            assert_eq!((code, again), (AnalysisErrorCode::ModelUnreadable, false), "{reply}");
        }
        let read = json!({ "description": "Orders are copied.", "workflows": [], "automation_opportunities": [] });
        assert!(read_anew(made(read), &Rules::default(), Instant::now()).is_ok());
    }
}
