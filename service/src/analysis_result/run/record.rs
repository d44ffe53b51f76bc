//! Recording the outcome in one transaction.

use chrono::{DateTime, Utc};
use domain::category::{ClassifiedBy, WorkflowCategory};
use domain::id::{AnalysisId, OrganizationId, SessionId, UserId};
use domain::roi::Observation;
use domain::roi::cost_analysis;
use entity::{analysis_frame, automation_opportunity, cost_analysis, workflow_insight, workflow_visualization};
use sea_orm::{EntityTrait, FromQueryResult, IntoActiveModel};

use super::carry::carry;
use super::lease::{fence, owned};
use super::rows::{SessionFacts, diagram_rows, draft_row, frame_row, insight_rows};
use super::verdict::end_attempt;
use super::{Outcome, StoredFrame};
use crate::db::Scope;
use crate::error::{Error, Result};
use crate::valuation::{self, Declaration, Observed, Standing, Summary};

/// Records the outcome: every row of the analysis, its summary, its session and its status, in one transaction. Running it
/// twice leaves the same rows: what an earlier try left is replaced, but for its cost analyses, which stay as history. Of the objects
/// that lie in the storage for it, those that the outcome does not name are deleted.
///
/// # Errors
/// [`Error::LeaseLost`] when another attempt has the work; those of the database. Nothing is written then.
pub async fn record(
    scope: &Scope,
    organization: OrganizationId,
    session: SessionId,
    analysis: AnalysisId,
    outcome: &Outcome,
    stored: &[String],
    now: DateTime<Utc>,
) -> Result<()> {
    // A review of what is replaced here is either carried over or comes after, and sees what has become of it.
    valuation::turn(scope, &replaced(scope, session, analysis).await?).await?;
    fence(scope, analysis).await?;
    let facts: SessionFacts = scope
        .row(
            "select s.user_id, s.declared_occurrences_per_day, s.people_count, (s.created_at at time zone o.time_zone)::date as recorded_on
               from public.recording_sessions s join public.organizations o on o.id = s.organization_id where s.id = $1",
            [session.uuid().into()],
        )
        .await?
        .ok_or(Error::LeaseLost)?;
    let assumptions = valuation::assumptions(scope, organization).await?;
    let ids = (organization, session, analysis);
    let mut rows: Vec<automation_opportunity::Model> = outcome
        .reading
        .opportunities
        .iter()
        .map(|draft| draft_row(draft, ids, &facts, outcome.made.observed_seconds, now))
        .collect();
    let lost = carry(scope, session, analysis, &mut rows).await?;
    let declaration = Declaration {
        occurrences_per_day: facts.declared_occurrences_per_day,
        people_count: facts.people_count,
    };
    valuation::declare(&mut rows, declaration);

    let own: Vec<Observation> = rows
        .iter()
        .map(|row| {
            valuation::observation_of(
                row,
                outcome.made.content_sha256.clone(),
                facts.user_id.map(UserId::new),
                facts.recorded_on,
                now,
            )
        })
        .collect::<Result<_>>()?;
    let mut everywhere: Vec<Observation> =
        valuation::observations(scope, organization, Observed::CurrentExcept(session))
            .await?
            .into_iter()
            .map(|(_, observation)| observation)
            .collect();
    everywhere.extend(own.iter().cloned());
    let pooled = valuation::evidence_by_process(&everywhere, &assumptions);
    let mut standings = Vec::with_capacity(rows.len());
    for (row, observation) in rows.iter_mut().zip(&own) {
        let worth = valuation::price(row, observation, &pooled, &assumptions);
        standings.push(Standing::of(row, &worth));
    }
    let costs = cost_analysis(&own, &pooled, &assumptions);

    clear(scope, organization, analysis, &outcome.made.frames, stored).await?;
    let count = rows.len();
    insert::<analysis_frame::Entity, _>(
        scope,
        outcome
            .made
            .frames
            .iter()
            .map(|frame| frame_row(frame, ids, now))
            .collect(),
    )
    .await?;
    insert::<automation_opportunity::Entity, _>(scope, rows).await?;
    insert::<workflow_insight::Entity, _>(scope, insight_rows(outcome, &standings, ids, now)).await?;
    insert::<workflow_visualization::Entity, _>(scope, diagram_rows(outcome, ids, now)).await?;
    insert::<cost_analysis::Entity, _>(scope, vec![valuation::cost_row(ids, &costs, &assumptions, now)?]).await?;

    // An older analysis that is read anew says nothing about the kind of work.
    let category = outcome.reading.category;
    scope
        .run(
            "update public.recording_sessions set status = 'completed', completed_at = coalesce(completed_at, $2), duration_seconds = $3, content_sha256 = $4,
                    workflow_type = case when classified_by = 'user' or $5::text is null or not speaks then workflow_type else $5 end,
                    classified_by = case when classified_by = 'user' or $5::text is null or not speaks then classified_by else $6 end
               from (select a.is_current or a.processing_completed_at is null as speaks from public.analysis_results a where a.id = $7) as one
              where id = $1",
            [
                session.uuid().into(),
                now.into(),
                outcome.made.duration_seconds.into(),
                outcome.made.content_sha256.clone().into(),
                category.map(WorkflowCategory::as_str).into(),
                outcome.reading.classified_by.unwrap_or(ClassifiedBy::Rules).as_str().into(),
                analysis.uuid().into(),
            ],
        )
        .await?;
    end_attempt(scope, analysis, None, now).await?;
    complete(
        scope,
        session,
        analysis,
        outcome,
        &Summary::of(&costs, count, &assumptions),
        lost,
        now,
    )
    .await
}

/// The analyses whose reviews are carried over: this one, and the session's current one. Only the job in hand changes which that is.
async fn replaced(scope: &Scope, session: SessionId, analysis: AnalysisId) -> Result<Vec<AnalysisId>> {
    #[derive(FromQueryResult)]
    struct Id {
        id: uuid::Uuid,
    }
    let rows: Vec<Id> = scope
        .rows(
            "select id from public.analysis_results where session_id = $1 and (is_current or id = $2)",
            [session.uuid().into(), analysis.uuid().into()],
        )
        .await?;
    Ok(rows.into_iter().map(|row| AnalysisId::new(row.id)).collect())
}

/// Takes away what an earlier reading of this analysis left (its cost analyses stay as history), and has the objects deleted that are
/// not kept now: those of its rows and those that a try without rows has stored.
async fn clear(
    scope: &Scope,
    organization: OrganizationId,
    analysis: AnalysisId,
    kept: &[StoredFrame],
    stored: &[String],
) -> Result<()> {
    // By key: the indexes of kept frames have gaps where screens were excluded.
    let keys: Vec<String> = kept.iter().map(|frame| frame.key.clone()).collect();
    scope
        .run(
            "insert into public.object_deletions (organization_id, object_key)
             select $1, key from (select file_path as key from public.analysis_frames where analysis_id = $2 union select unnest($3::text[])) as known where key <> all($4::text[])",
            [organization.uuid().into(), analysis.uuid().into(), stored.to_vec().into(), keys.into()],
        )
        .await?;
    for table in [
        "analysis_frames",
        "automation_opportunities",
        "workflow_insights",
        "workflow_visualizations",
    ] {
        scope
            .run(
                &format!("delete from public.{table} where analysis_id = $1"),
                [analysis.uuid().into()],
            )
            .await?;
    }
    Ok(())
}

async fn insert<E, M>(scope: &Scope, rows: Vec<M>) -> Result<()>
where
    E: EntityTrait<Model = M>,
    M: IntoActiveModel<E::ActiveModel>,
    E::ActiveModel: sea_orm::ActiveModelTrait<Entity = E> + Send,
{
    // One statement holds at most 65,535 values; the widest row has about fifty.
    let mut rows = rows.into_iter().map(IntoActiveModel::into_active_model).peekable();
    while rows.peek().is_some() {
        let batch: Vec<E::ActiveModel> = rows.by_ref().take(500).collect();
        E::insert_many(batch.into_iter().map(all_set))
            .exec_without_returning(scope)
            .await?;
    }
    Ok(())
}

/// A model's columns are unchanged to the ORM; all of them are to be inserted.
fn all_set<A: sea_orm::ActiveModelTrait>(model: A) -> A {
    model.reset_all()
}

/// The last statement: afterwards the lease is gone and with it every right to write.
///
/// An analysis that completes for the first time is the newest of its session and becomes current. One that was read anew is as new as
/// it was: it stays what it is, and takes no place from one that was made after it.
async fn complete(
    scope: &Scope,
    session: SessionId,
    analysis: AnalysisId,
    outcome: &Outcome,
    summary: &Summary,
    lost: Vec<String>,
    now: DateTime<Utc>,
) -> Result<()> {
    scope
        .run(
            "update public.analysis_results set is_current = false where session_id = $1 and is_current and id <> $2
                and (select a.processing_completed_at is null from public.analysis_results a where a.id = $2)",
            [session.uuid().into(), analysis.uuid().into()],
        )
        .await?;
    let mut insights = outcome.reading.insights.clone();
    insights.dropped.extend(lost);
    let insights = serde_json::to_value(&insights)
        .map_err(|error| Error::internal(format!("insights cannot be stored: {error}")))?;
    let [count, weekly, annual, currency] = summary.values();
    let touched = scope
        .run(
            "update public.analysis_results set status = 'completed', stage = 'done', progress = 1, progress_message = null, is_current = not exists (select from public.analysis_results c where c.session_id = $18 and c.is_current and c.id <> $1), gpt_version = $2, prompt_version = $3, frames_analyzed = $4,
                    frames_done = $4, frames_total = $4, coverage = $5, raw_gpt_response = $6, structured_insights = $7, confidence_score = $8, analysis_cost = $9, prompt_tokens = $10, completion_tokens = $11,
                    processing_time_seconds = $12, automation_opportunities_count = $13, time_savings_hours_weekly = $14, cost_savings_annual = $15, currency = $16, processing_completed_at = $17,
                    lease_token = null, lease_expires_at = null
              where id = $1",
            [
                analysis.uuid().into(),
                outcome.made.gpt_version.clone().into(),
                outcome.made.prompt_version.clone().into(),
                i32::try_from(outcome.made.frames.len()).unwrap_or(i32::MAX).into(),
                outcome.made.coverage.clamp(0.0, 1.0).into(),
                outcome.made.raw_reply.clone().into(),
                insights.into(),
                outcome.reading.confidence.map(|confidence| confidence.clamp(0.0, 1.0)).into(),
                outcome.made.cost_usd.into(),
                outcome.made.prompt_tokens.into(),
                outcome.made.completion_tokens.into(),
                outcome.processing_seconds.into(),
                count,
                weekly,
                annual,
                currency,
                now.into(),
                session.uuid().into(),
            ],
        )
        .await?;
    owned(touched)
}
