//! What a session declares about its opportunities, where no reviewer entered something else.

use std::borrow::Cow;
use std::cmp::Reverse;
use std::collections::BTreeMap;

use domain::insight::{Occurrence, UNNAMED_PROCESS};
use domain::roi::FrequencyBasis;
use domain::span::{TimeSpan, union_seconds};
use entity::automation_opportunity::Model;
use serde::de::DeserializeOwned;

use super::ReviewerInput;

/// What was entered on the session.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Declaration {
    /// How often a day one person does what was recorded.
    pub(crate) occurrences_per_day: Option<f64>,
    /// How many people do it.
    pub(crate) people_count: i32,
}

/// Enters the session's declaration into all opportunities of one analysis. How often it is done is about what the recording mainly shows:
/// the process with most observed seconds; how often the others are done nobody has said. A reviewer's entries stand.
pub(crate) fn declare(rows: &mut [Model], session: Declaration) {
    let main = main_process(rows);
    for row in rows {
        let input = ReviewerInput::read(&row.reviewer_input);
        row.people_count = input.people_count.unwrap_or(session.people_count);
        let of_the_process = session
            .occurrences_per_day
            .filter(|_| main.as_deref() == Some(&*process(row)));
        row.occurrences_per_day = input.occurrences_per_day.or(of_the_process);
        row.frequency_basis = if row.occurrences_per_day.is_some() {
            FrequencyBasis::Declared
        } else {
            FrequencyBasis::Extrapolated
        };
    }
}

/// The process with most observed seconds: of its occurrences, and where none were measured of what shows it. The first by name of several.
fn main_process(rows: &[Model]) -> Option<String> {
    let mut processes: BTreeMap<Cow<'_, str>, (f64, Vec<TimeSpan>)> = BTreeMap::new();
    for row in rows {
        let (worked, shown) = processes.entry(process(row)).or_default();
        let occurrences: Vec<Occurrence> = stored(row.record_metadata.get("occurrences"));
        *worked += occurrences.iter().map(|one| one.worked_seconds()).sum::<f64>();
        shown.extend(stored::<Vec<TimeSpan>>(Some(&row.evidence)));
    }
    let seconds = |seconds: f64| seconds.max(0.0).to_bits();
    processes
        .into_iter()
        .max_by_key(|(key, (worked, shown))| {
            (
                seconds(*worked),
                seconds(union_seconds(shown)),
                Reverse(key.clone().into_owned()),
            )
        })
        .map(|(key, _)| key.into_owned())
}

/// Its process; one without a name is its own.
fn process(row: &Model) -> Cow<'_, str> {
    if row.process_key == UNNAMED_PROCESS {
        row.id.to_string().into()
    } else {
        row.process_key.as_str().into()
    }
}

fn stored<T: DeserializeOwned + Default>(json: Option<&serde_json::Value>) -> T {
    json.and_then(|json| T::deserialize(json).ok()).unwrap_or_default()
}
