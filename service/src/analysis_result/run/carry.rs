//! What people entered about earlier opportunities of a session, carried to those that take their place.

use std::collections::BTreeMap;

use domain::id::{AnalysisId, SessionId};
use domain::insight::UNNAMED_PROCESS;
use entity::automation_opportunity::Model;
use sea_orm::EntityTrait;

use crate::db::Scope;
use crate::error::Result;
use crate::valuation::{ReviewerInput, derived_key};

/// From here on two unnamed processes are taken for one: the same title, or half of the steps.
const LIKE: f64 = 0.5;

/// Carries what people entered from the session's reviewed opportunities to those of the same process, and names what has no
/// counterpart. They are those of the current analysis and, since a new interpretation replaces them, this analysis's own.
///
/// # Errors
/// Those of the database.
pub(super) async fn carry(
    scope: &Scope,
    session: SessionId,
    analysis: AnalysisId,
    rows: &mut [Model],
) -> Result<Vec<String>> {
    let reviewed = entity::automation_opportunity::Entity::find()
        .from_raw_sql(crate::db::statement(
            "select o.* from public.automation_opportunities o join public.analysis_results a on a.organization_id = o.organization_id and a.id = o.analysis_id
              where o.session_id = $1 and (a.is_current or a.id = $2) and (o.reviewed_at is not null or o.status <> 'proposed' or o.reviewer_input <> '{}')
              order by o.reviewed_at desc nulls last, o.id",
            [session.uuid().into(), analysis.uuid().into()],
        ))
        .all(scope)
        .await?;
    Ok(place(reviewed, rows))
}

/// `reviewed` are in the order of their reviews, the newest first. Of one analysis each goes to the row that is most like it; of two
/// analyses the newer review counts.
fn place(reviewed: Vec<Model>, rows: &mut [Model]) -> Vec<String> {
    let mut analyses: BTreeMap<AnalysisId, Vec<Model>> = BTreeMap::new();
    for review in reviewed {
        analyses.entry(review.analysis_id).or_default().push(review);
    }
    let mut carried: BTreeMap<usize, Model> = BTreeMap::new();
    let (mut homeless, mut overruled) = (Vec::new(), Vec::new());
    for reviews in analyses.into_values() {
        let places = places(&reviews, rows);
        for (review, place) in reviews.into_iter().zip(places) {
            match place {
                None => homeless.push(review),
                Some(place) => match carried.remove(&place) {
                    None => drop(carried.insert(place, review)),
                    Some(other) => {
                        let (newer, older) = if review.reviewed_at > other.reviewed_at {
                            (review, other)
                        } else {
                            (other, review)
                        };
                        if says(&newer) != says(&older) {
                            overruled.push(format!(
                                "the reviewed opportunity \"{}\" ({}) gave way to a newer review ({})",
                                older.title, older.status, newer.status
                            ));
                        }
                        carried.insert(place, newer);
                    }
                },
            }
        }
    }
    for (place, earlier) in carried {
        if let Some(row) = rows.get_mut(place) {
            lay(earlier, row);
        }
    }
    let mut lost: Vec<String> = homeless
        .into_iter()
        .map(|row| {
            format!(
                "the reviewed opportunity \"{}\" ({}) has no counterpart here and could not be carried over",
                row.title, row.status
            )
        })
        .collect();
    lost.sort_unstable();
    // Both analyses may have the same review.
    lost.dedup();
    lost.extend(overruled);
    lost
}

/// What a person decided and entered, apart from when.
fn says(row: &Model) -> (impl PartialEq + use<>, impl PartialEq + use<>) {
    (
        (row.status, row.reviewer_input.clone(), row.review_note.clone()),
        (row.actual_implementation_cost, row.measured_seconds_after),
    )
}

/// For each review of one analysis the row that it goes to: each row takes one, and the most alike go together first.
fn places(reviews: &[Model], rows: &[Model]) -> Vec<Option<usize>> {
    let mut pairs: Vec<(f64, usize, usize)> = Vec::new();
    for (r, review) in reviews.iter().enumerate() {
        for (place, row) in rows.iter().enumerate() {
            let alike = likeness(review, row);
            let same = derived_key(review) == derived_key(row);
            if same && (derived_key(row) != UNNAMED_PROCESS || alike >= LIKE) {
                pairs.push((alike, r, place));
            }
        }
    }
    pairs.sort_by(|one, other| other.0.total_cmp(&one.0).then((one.1, one.2).cmp(&(other.1, other.2))));
    let mut places = vec![None; reviews.len()];
    let mut taken = vec![false; rows.len()];
    for (_, r, place) in pairs {
        if places[r].is_none() && !taken[place] {
            (places[r], taken[place]) = (Some(place), true);
        }
    }
    places
}

/// 1 for the same title as derived, and the share of all their steps that both have.
fn likeness(one: &Model, other: &Model) -> f64 {
    let title = |row: &Model| {
        let derived = row.record_metadata.pointer("/derived/title");
        let title = derived.and_then(serde_json::Value::as_str).unwrap_or(&row.title);
        title.trim().to_lowercase()
    };
    let common = one
        .workflow_steps
        .iter()
        .filter(|step| other.workflow_steps.contains(step))
        .count();
    let all = one.workflow_steps.len() + other.workflow_steps.len() - common;
    f64::from(u8::from(title(one) == title(other))) + common as f64 / all.max(1) as f64
}

fn lay(earlier: Model, row: &mut Model) {
    ReviewerInput::read(&earlier.reviewer_input).lay_over(row);
    row.reviewer_input = earlier.reviewer_input;
    row.status = earlier.status;
    row.reviewed_by = earlier.reviewed_by;
    row.reviewed_at = earlier.reviewed_at;
    row.review_note = earlier.review_note;
    row.dismissal_reason = earlier.dismissal_reason;
    row.implemented_at = earlier.implemented_at;
    row.actual_implementation_cost = earlier.actual_implementation_cost;
    row.measured_seconds_after = earlier.measured_seconds_after;
}

#[cfg(test)]
mod tests {
    use chrono::DateTime;
    use domain::category::WorkflowCategory;
    use domain::insight::OpportunityDraft;
    use domain::status::OpportunityStatus::{self, Accepted, Dismissed, Proposed};
    use serde_json::json;
    use uuid::Uuid;

    use super::super::rows::{SessionFacts, draft_row};
    use super::*;

    /// An opportunity of an analysis, as it was derived.
    fn found(analysis: u128, key: &str, title: &str) -> Model {
        let draft = OpportunityDraft {
            process_key: key.to_owned(),
            opportunity_type: WorkflowCategory::Other,
            title: title.to_owned(),
            description: String::new(),
            workflow_steps: Vec::new(),
            current_time_per_occurrence_seconds: None,
            occurrences: Vec::new(),
            occurrences_per_day: None,
            automation_complexity: None,
            confidence: None,
            evidence: Vec::new(),
            frames: Vec::new(),
            metadata: json!({}),
        };
        let facts = SessionFacts {
            user_id: None,
            declared_occurrences_per_day: None,
            people_count: 1,
            recorded_on: chrono::NaiveDate::default(),
        };
        let ids = (
            Uuid::nil().into(),
            Uuid::nil().into(),
            AnalysisId::new(Uuid::from_u128(analysis)),
        );
        draft_row(&draft, ids, &facts, 60.0, DateTime::UNIX_EPOCH)
    }

    fn reviewed(analysis: u128, key: &str, title: &str, status: OpportunityStatus, at: i64) -> Model {
        Model {
            status,
            reviewed_at: DateTime::from_timestamp(at, 0),
            ..found(analysis, key, title)
        }
    }

    /// What becomes of the rows, and how many reviews are named as not carried.
    fn becomes(mut reviews: Vec<Model>, mut rows: Vec<Model>) -> (Vec<OpportunityStatus>, Vec<String>) {
        reviews.sort_by_key(|review| std::cmp::Reverse(review.reviewed_at));
        let lost = place(reviews, &mut rows);
        (rows.iter().map(|row| row.status).collect(), lost)
    }

    #[test]
    fn the_newest_review_of_a_process_wins_and_the_one_that_gave_way_is_named() {
        for (own, current, expected, named) in [
            ((Accepted, 1), (Dismissed, 2), Dismissed, 1),
            ((Accepted, 2), (Dismissed, 1), Accepted, 1),
            // Carried before, and left alone since.
            ((Accepted, 1), (Accepted, 1), Accepted, 0),
        ] {
            let reviews = vec![
                reviewed(1, "k", "t", own.0, own.1),
                reviewed(2, "k", "t", current.0, current.1),
            ];
            let (became, lost) = becomes(reviews, vec![found(1, "k", "t")]);
            assert_eq!((became, lost.len()), (vec![expected], named), "{lost:?}");
        }
    }

    #[test]
    fn two_reviews_under_one_key_go_to_what_they_are_most_like_and_the_one_left_over_is_named() {
        let reviews = || {
            vec![
                reviewed(1, "k", "Copy the order", Accepted, 2),
                reviewed(1, "k", "Copy the label", Dismissed, 1),
            ]
        };
        let rows = vec![found(2, "k", "Copy the label"), found(2, "k", "copy the order ")];
        assert_eq!(becomes(reviews(), rows), (vec![Dismissed, Accepted], vec![]));
        let (became, lost) = becomes(reviews(), vec![found(2, "k", "Copy the label")]);
        assert_eq!(became, [Dismissed]);
        assert!(
            lost.len() == 1 && lost[0].contains("\"Copy the order\" (accepted) has no counterpart"),
            "{lost:?}"
        );
    }

    #[test]
    fn what_has_no_name_is_not_taken_for_something_else_without_one() {
        let reviews = vec![reviewed(1, UNNAMED_PROCESS, "Copy the order", Accepted, 1)];
        let rows = vec![
            found(1, UNNAMED_PROCESS, "Print"),
            found(1, UNNAMED_PROCESS, "Copy the order"),
        ];
        assert_eq!(becomes(reviews.clone(), rows), (vec![Proposed, Accepted], vec![]));
        let (became, lost) = becomes(reviews, vec![found(1, UNNAMED_PROCESS, "Print")]);
        assert_eq!((became, lost.len()), (vec![Proposed], 1));
    }
}
