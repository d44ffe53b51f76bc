//! What an outcome says, as rows.

use chrono::{DateTime, NaiveDate, Utc};
use domain::id::{AnalysisId, OrganizationId, SessionId};
use domain::insight::{InsightDraft, OpportunityDraft};
use domain::roi::{EffortBasis, FrequencyBasis};
use domain::status::OpportunityStatus;
use entity::{analysis_frame, automation_opportunity, workflow_insight, workflow_visualization};
use sea_orm::FromQueryResult;
use serde_json::json;

use super::{Outcome, StoredFrame};
use crate::valuation::Standing;

#[derive(FromQueryResult)]
pub(super) struct SessionFacts {
    pub(super) user_id: Option<uuid::Uuid>,
    /// See `valuation::declare`.
    pub(super) declared_occurrences_per_day: Option<f64>,
    pub(super) people_count: i32,
    pub(super) recorded_on: NaiveDate,
}

pub(super) fn draft_row(
    draft: &OpportunityDraft,
    (organization, session, analysis): (OrganizationId, SessionId, AnalysisId),
    facts: &SessionFacts,
    observed_seconds: f64,
    now: DateTime<Utc>,
) -> automation_opportunity::Model {
    automation_opportunity::Model {
        id: uuid::Uuid::now_v7().into(),
        analysis_id: analysis,
        session_id: session,
        organization_id: organization,
        process_key: draft.process_key.chars().take(500).collect(),
        opportunity_type: draft.opportunity_type,
        title: draft.title.clone(),
        description: draft.description.clone(),
        workflow_steps: draft.workflow_steps.clone(),
        current_time_per_occurrence_seconds: draft.current_time_per_occurrence_seconds,
        occurrences_observed: i32::try_from(draft.occurrences.len()).unwrap_or(i32::MAX),
        observed_seconds,
        occurrences_per_day: None,
        frequency_basis: FrequencyBasis::Extrapolated,
        people_count: facts.people_count,
        automation_complexity: draft.automation_complexity,
        implementation_effort_hours: None,
        effort_basis: EffortBasis::Assumed,
        currency: String::new(),
        estimated_cost_savings_monthly: None,
        monthly_savings_low: None,
        monthly_savings_high: None,
        hours_saved_monthly: None,
        estimated_implementation_cost: None,
        roi_percentage: None,
        payback_period_days: None,
        counted: false,
        confidence_score: draft.confidence,
        priority: None,
        priority_reason: None,
        status: OpportunityStatus::Proposed,
        reviewer_input: json!({}),
        reviewed_by: None,
        reviewed_at: None,
        review_note: None,
        dismissal_reason: None,
        implemented_at: None,
        actual_implementation_cost: None,
        measured_seconds_after: None,
        realised_savings_monthly: None,
        evidence: json!(draft.evidence),
        frame_indexes: draft
            .frames
            .iter()
            .filter_map(|index| i32::try_from(*index).ok())
            .collect(),
        record_metadata: json!({
            "derived": {
                "process_key": draft.process_key,
                "title": draft.title,
                "current_time_per_occurrence_seconds": draft.current_time_per_occurrence_seconds,
                "automation_complexity": draft.automation_complexity,
            },
            "occurrences": draft.occurrences,
            "source": draft.metadata,
        }),
        created_at: now,
        updated_at: now,
    }
}

pub(super) fn frame_row(
    frame: &StoredFrame,
    (organization, session, analysis): (OrganizationId, SessionId, AnalysisId),
    now: DateTime<Utc>,
) -> analysis_frame::Model {
    analysis_frame::Model {
        id: uuid::Uuid::now_v7().into(),
        organization_id: organization,
        session_id: session,
        analysis_id: analysis,
        frame_index: frame.index as i32,
        timestamp_seconds: frame.timestamp_seconds,
        start_seconds: frame.span.start_seconds(),
        end_seconds: frame.span.end_seconds(),
        screen: frame.screen as i32,
        width_pixels: frame.width_pixels as i32,
        height_pixels: frame.height_pixels as i32,
        file_path: frame.key.clone(),
        file_size_bytes: frame.bytes as i64,
        redacted: frame.redacted,
        created_at: now,
    }
}

/// The opportunity that an insight is about: the one of its process, else the one that the recording shows at the same time for
/// longest. None where they share no second.
fn about(insight: &InsightDraft, opportunities: &[OpportunityDraft]) -> Option<usize> {
    let process = insight.metadata.get("process_key").and_then(serde_json::Value::as_str);
    let shared = |opportunity: &OpportunityDraft| -> f64 {
        let pairs = insight
            .evidence
            .iter()
            .flat_map(|one| opportunity.evidence.iter().map(|other| one.overlap_seconds(*other)));
        pairs.sum()
    };
    opportunities
        .iter()
        .position(|opportunity| process == Some(opportunity.process_key.as_str()))
        .or_else(|| {
            let longest = opportunities
                .iter()
                .enumerate()
                .map(|(index, opportunity)| (index, shared(opportunity)))
                .filter(|(_, seconds)| *seconds > 0.0)
                .max_by(|one, other| one.1.total_cmp(&other.1))?;
            Some(longest.0)
        })
}

/// `standings` are those of the outcome's opportunities, in their order.
pub(super) fn insight_rows(
    outcome: &Outcome,
    standings: &[Standing],
    (organization, session, analysis): (OrganizationId, SessionId, AnalysisId),
    now: DateTime<Utc>,
) -> Vec<workflow_insight::Model> {
    outcome
        .reading
        .drafts
        .iter()
        .map(|draft| {
            let standing = about(draft, &outcome.reading.opportunities).and_then(|index| standings.get(index));
            let mut metadata = if draft.metadata.is_object() {
                draft.metadata.clone()
            } else {
                json!({})
            };
            if let (Some(object), Some(standing)) = (metadata.as_object_mut(), standing) {
                object.insert("opportunity".to_owned(), standing.process_key.clone().into());
            }
            (draft, standing, metadata)
        })
        .map(|(draft, standing, metadata)| workflow_insight::Model {
            id: uuid::Uuid::now_v7().into(),
            session_id: session,
            analysis_id: Some(analysis),
            organization_id: organization,
            insight_type: draft.insight_type,
            title: draft.title.clone(),
            description: draft.description.clone(),
            confidence_score: draft.confidence,
            time_saved_seconds: draft.time_saved_seconds,
            // An insight alone has neither frequency nor cost: it stands as the opportunity does that it is about.
            roi_score: standing.and_then(|standing| standing.roi_score),
            automation_potential: draft.automation_potential,
            priority: standing.and_then(|standing| standing.priority),
            metadata,
            evidence: json!(draft.evidence),
            created_at: now,
        })
        .collect()
}

pub(super) fn diagram_rows(
    outcome: &Outcome,
    (organization, session, analysis): (OrganizationId, SessionId, AnalysisId),
    now: DateTime<Utc>,
) -> Vec<workflow_visualization::Model> {
    outcome
        .diagrams
        .iter()
        .map(|diagram| workflow_visualization::Model {
            id: uuid::Uuid::now_v7().into(),
            analysis_id: analysis,
            session_id: session,
            organization_id: organization,
            flow_data: diagram.data.clone(),
            visualization_type: diagram.kind,
            layout_algorithm: diagram.layout,
            created_at: now,
        })
        .collect()
}
