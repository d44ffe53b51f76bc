//! The worth of one opportunity, written into its row, and what the insights about it take over.

use std::collections::BTreeMap;

use domain::id::AnalysisId;
use domain::roi::assumptions::Assumptions;
use domain::roi::{Evidence, FrequencyBasis, Observation, Pool, Priority, Worth, priority, roi_score, worth};
use domain::share::Share;
use entity::automation_opportunity;
use rust_decimal::Decimal;
use serde_json::json;

use super::ReviewerInput;
use crate::db::Scope;
use crate::error::Result;

/// What all recordings of an organization saw of each process, by what it is pooled as; the same recording counts once.
pub fn evidence_by_process(observations: &[Observation], assumptions: &Assumptions) -> BTreeMap<String, Evidence> {
    Pool::of(observations, assumptions)
        .processes
        .into_iter()
        .map(|process| (process.pooled_as, process.evidence))
        .collect()
}

/// Works an opportunity's worth out and writes it into the row's money columns, with what the priority and the money rest on.
pub fn price(
    row: &mut automation_opportunity::Model,
    observation: &Observation,
    pooled: &BTreeMap<String, Evidence>,
    assumptions: &Assumptions,
) -> Worth {
    let worth = worth(observation, pooled.get(observation.pooled_as().as_ref()), assumptions);
    let confidence = row.confidence_score.and_then(|score| Share::from_f64(score).ok());
    let verdict = priority(&worth, confidence);
    let figures = worth.figures.as_ref().ok();
    assumptions.currency().code().clone_into(&mut row.currency);
    row.occurrences_per_day = worth.frequency.map(|frequency| frequency.per_day.to_f64());
    row.frequency_basis = worth
        .frequency
        .map_or(FrequencyBasis::Extrapolated, |frequency| frequency.basis);
    row.counted = worth.counted;
    row.implementation_effort_hours = worth.effort.map(|hours| hours.value().round_dp(2));
    row.effort_basis = worth.effort_basis;
    row.estimated_implementation_cost = worth.implementation_cost.map(|cost| cost.value().round_dp(2));
    row.estimated_cost_savings_monthly = figures.map(|f| f.monthly_savings.value().round_dp(2));
    row.monthly_savings_low = figures.map(|f| f.monthly_savings_low.value().round_dp(2));
    row.monthly_savings_high = figures.map(|f| f.monthly_savings_high.value().round_dp(2));
    row.hours_saved_monthly = figures.map(|f| f.saved_hours.value().round_dp(4));
    row.payback_period_days = figures
        .and_then(|f| f.payback_days)
        .and_then(|days| i32::try_from(days).ok());
    row.roi_percentage = figures.and_then(|f| f.roi_percentage);
    row.realised_savings_monthly = worth
        .realised
        .map(|realised| realised.monthly_savings.value().round_dp(2));
    let entered = ReviewerInput::read(&row.reviewer_input).priority;
    row.priority = Some(entered.unwrap_or(verdict.priority));
    row.priority_reason = Some(match entered {
        Some(_) => "entered by a reviewer".to_owned(),
        None => verdict.reason.clone(),
    });
    if let Some(metadata) = row.record_metadata.as_object_mut() {
        metadata.insert(PRIORITY_INPUTS.to_owned(), json!(verdict.inputs));
        metadata.insert(WORTH.to_owned(), json!(worth));
    }
    worth
}

/// Where a row's metadata holds what the priority looked at.
pub(crate) const PRIORITY_INPUTS: &str = "priority_inputs";
/// Where a row's metadata holds the worth in full.
pub(crate) const WORTH: &str = "worth";

/// The process that an opportunity was derived as, whatever a reviewer made of it.
pub(crate) fn derived_key(row: &automation_opportunity::Model) -> &str {
    row.record_metadata
        .pointer("/derived/process_key")
        .and_then(serde_json::Value::as_str)
        .unwrap_or(&row.process_key)
}

/// What the insights about an opportunity take over from it.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Standing {
    /// As it was derived: insights name it in `metadata.opportunity`.
    pub(crate) process_key: String,
    /// Annual saving over cost, of the base scenario; none without figures or a cost.
    pub(crate) roi_score: Option<Decimal>,
    /// The reviewer's, else the rule's.
    pub(crate) priority: Option<Priority>,
}

impl Standing {
    /// Of an opportunity that was priced.
    pub(crate) fn of(row: &automation_opportunity::Model, worth: &Worth) -> Self {
        let annual = worth.figures.as_ref().ok().map(|figures| figures.annual_savings);
        Self {
            process_key: derived_key(row).to_owned(),
            roi_score: worth
                .implementation_cost
                .zip(annual)
                .and_then(|(cost, annual)| roi_score(cost, annual)),
            priority: row.priority,
        }
    }
}

/// Brings the insights of analyses in line with the opportunities that they are about.
///
/// # Errors
/// Those of the database.
pub(crate) async fn follow(scope: &Scope, standings: &[(AnalysisId, Standing)]) -> Result<()> {
    let standings: Vec<_> = standings
        .iter()
        .map(|(analysis, standing)| {
            json!({
                "analysis": analysis, "key": standing.process_key, "score": standing.roi_score,
                "priority": standing.priority.map(Priority::as_str),
            })
        })
        .collect();
    scope
        .run(
            "update public.workflow_insights i set roi_score = n.score, priority = n.priority from jsonb_to_recordset($1) as n (analysis uuid, key text, score numeric, priority text)
              where i.analysis_id = n.analysis and i.metadata ->> 'opportunity' = n.key and (i.roi_score, i.priority) is distinct from (n.score, n.priority)",
            [serde_json::Value::from(standings).into()],
        )
        .await
        .map(|_| ())
}
