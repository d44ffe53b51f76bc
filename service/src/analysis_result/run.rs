//! What the job that makes an analysis does in the database: take the work up, read its inputs, report progress, and record
//! the outcome in one transaction. Everything but taking it up runs in a scope that is bound to the job's lease.

use std::collections::BTreeMap;
use std::time::Duration;

use chrono::{DateTime, NaiveDate, Utc};
use domain::analysis_error::AnalysisErrorCode;
use domain::category::{ClassifiedBy, WorkflowCategory};
use domain::flow::{LayoutAlgorithm, VisualizationType};
use domain::id::{AnalysisId, OrganizationId, SessionId, UserId};
use domain::insight::{OpportunityDraft, Reading};
use domain::roi::Observation;
use domain::roi::cost_analysis;
use domain::roi::{EffortBasis, FrequencyBasis};
use domain::sampling::{Analyser, Sampling};
use domain::span::TimeSpan;
use domain::status::{AnalysisStage, OpportunityStatus};
use entity::{analysis_frame, automation_opportunity, cost_analysis, workflow_insight, workflow_visualization};
use rust_decimal::Decimal;
use sea_orm::{ColumnTrait, EntityTrait, FromQueryResult, IntoActiveModel, QueryFilter, QueryOrder};
use serde_json::json;
use sqlx::Row;
use sqlx::postgres::PgRow;

use crate::db::{Db, Lease, LeaseSubject, Scope};
use crate::error::{Error, Result};
use crate::valuation::{self, Observed, ReviewerInput, Summary};

/// How long a lease lives without being renewed; renewals come every quarter of it.
pub const LEASE: Duration = Duration::from_secs(20);

/// What taking an analysis up came to.
#[derive(Debug, Clone, PartialEq)]
pub enum Begun {
    /// It is ours, under this lease.
    Ours {
        /// The lease.
        lease: Lease,
        /// Its tenant.
        organization: OrganizationId,
        /// Its session.
        session: SessionId,
    },
    /// Another attempt's lease is still alive for so long.
    Wait(Duration),
    /// Finished, cancelled or gone.
    Nothing,
}

/// Takes an analysis up as a new attempt of this worker.
///
/// # Errors
/// Those of the database.
pub async fn begin(db: &Db, analysis: AnalysisId, worker: &str) -> Result<Begun> {
    let system = db.system();
    let row: Option<PgRow> = crate::db::call!(
        system,
        fetch_optional,
        "select attempt, lease, organization_id, session_id, wait_seconds from private.begin_analysis($1, $2, $3)",
        analysis.uuid(),
        worker,
        i32::try_from(LEASE.as_secs()).unwrap_or(i32::MAX),
    );
    let Some(row) = row else { return Ok(Begun::Nothing) };
    match row.try_get("lease")? {
        None => Ok(Begun::Wait(Duration::from_secs_f64(
            row.try_get::<f64, _>("wait_seconds")?.max(0.1),
        ))),
        Some(token) => Ok(Begun::Ours {
            lease: Lease {
                subject: LeaseSubject::Analysis(analysis),
                attempt: row.try_get("attempt")?,
                token,
            },
            organization: OrganizationId::new(row.try_get("organization_id")?),
            session: SessionId::new(row.try_get("session_id")?),
        }),
    }
}

/// Whether the lease lives on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Renewal {
    /// For another [`LEASE`].
    Alive,
    /// Alive, but somebody asked to stop.
    Cancelled,
    /// Another attempt has the work, or it is over: stop, write nothing.
    Lost,
}

/// Renews a lease.
///
/// # Errors
/// Those of the database; the lease may then still be alive.
pub async fn renew(db: &Db, analysis: AnalysisId, lease: &Lease) -> Result<Renewal> {
    let system = db.system();
    let row: PgRow = crate::db::call!(
        system,
        fetch_one,
        "select alive, cancelled from private.renew_lease($1, $2, $3)",
        analysis.uuid(),
        lease.token,
        i32::try_from(LEASE.as_secs()).unwrap_or(i32::MAX),
    );
    Ok(match (row.try_get("alive")?, row.try_get("cancelled")?) {
        (true, false) => Renewal::Alive,
        (true, true) => Renewal::Cancelled,
        (false, _) => Renewal::Lost,
    })
}

/// Gives the work back unfinished; it is queued again at once.
///
/// # Errors
/// Those of the database; the work then waits for the lease to end.
pub async fn hand_back(db: &Db, analysis: AnalysisId, lease: &Lease) -> Result<bool> {
    let system = db.system();
    let row: PgRow = crate::db::call!(
        system,
        fetch_one,
        "select private.hand_back_analysis($1, $2) as done",
        analysis.uuid(),
        lease.token
    );
    Ok(row.try_get("done")?)
}

/// What the job works on.
#[derive(Debug, Clone)]
pub struct Inputs {
    /// The organization's rules.
    pub organization: OrganizationRules,
    /// The session's rules.
    pub session: SessionRules,
    /// Which analyser was asked for.
    pub analyser: Analyser,
    /// How frames are chosen.
    pub sampling: Sampling,
    /// The keys of the chunks, in order.
    pub chunks: Vec<String>,
    /// What an earlier completion left, when the analysis is to be read anew instead of being made.
    pub earlier: Option<Earlier>,
}

/// An analysis that was completed before: what reading its reply anew starts from.
#[derive(Debug, Clone)]
pub struct Earlier {
    /// The reply.
    pub raw_reply: serde_json::Value,
    /// Who made it.
    pub gpt_version: String,
    /// With which prompt.
    pub prompt_version: Option<String>,
    /// What it cost, in USD.
    pub cost_usd: Option<Decimal>,
    /// Tokens of the prompt's side.
    pub prompt_tokens: Option<i64>,
    /// Tokens of the answer's side.
    pub completion_tokens: Option<i64>,
    /// Share of the recording that the frames stand for.
    pub coverage: f64,
    /// The recording's length, in seconds.
    pub duration_seconds: f64,
    /// Recorded time without idle time, in seconds.
    pub observed_seconds: f64,
    /// SHA-256 of the recording.
    pub content_sha256: String,
    /// What is kept as evidence.
    pub frames: Vec<StoredFrame>,
}

/// What the organization rules about an analysis.
#[derive(Debug, Clone, FromQueryResult)]
pub struct OrganizationRules {
    /// Whether anything may be sent to a model at all.
    pub remote_analysis_allowed: bool,
    /// USD for one analysis.
    pub model_budget_per_analysis_usd: Decimal,
    /// USD for a calendar month of the organization.
    pub model_budget_monthly_usd: Decimal,
    /// Seconds that a recording may last.
    pub max_recording_seconds: i32,
    /// Of reports and of the analyser's sentences.
    pub locale: String,
}

/// What the session rules about its analysis.
#[derive(Debug, Clone, FromQueryResult)]
pub struct SessionRules {
    /// `{redact_personal_data, blur_passwords, custom_exclusions, allow_remote_analysis, …}`.
    pub privacy_settings: serde_json::Value,
    /// Set when the recording was deleted by its retention.
    pub video_deleted_at: Option<DateTime<Utc>>,
    /// The kind of work, where a person said it.
    pub workflow_type: Option<String>,
}

#[derive(FromQueryResult)]
struct SettingsRow {
    analyser: String,
    frames_per_second: f64,
    max_frames: i32,
    scene_threshold: f64,
}

#[derive(FromQueryResult)]
struct ChunkRow {
    file_path: Option<String>,
}

/// Reads what the job works on.
///
/// # Errors
/// [`Error::LeaseLost`] when the lease is over; those of the database.
pub async fn inputs(scope: &Scope, analysis: AnalysisId, session: SessionId) -> Result<Inputs> {
    let settings: SettingsRow = scope
        .row(
            "select analyser, frames_per_second, max_frames, scene_threshold from public.analysis_results where id = $1",
            [analysis.uuid().into()],
        )
        .await?
        .ok_or(Error::LeaseLost)?;
    let organization: OrganizationRules = scope
        .row(
            "select remote_analysis_allowed and not private.remote_analysis_stopped() as remote_analysis_allowed, model_budget_per_analysis_usd, model_budget_monthly_usd, max_recording_seconds, locale from public.organizations",
            [],
        )
        .await?
        .ok_or(Error::LeaseLost)?;
    let session_rules: SessionRules = scope
        .row(
            "select privacy_settings, video_deleted_at, case when classified_by = 'user' then workflow_type end as workflow_type from public.recording_sessions where id = $1",
            [session.uuid().into()],
        )
        .await?
        .ok_or(Error::LeaseLost)?;
    let chunks: Vec<ChunkRow> = scope
        .rows(
            "select c.file_path from public.video_chunks c join public.recording_sessions s on s.organization_id = c.organization_id and s.id = c.session_id
              where c.session_id = $1 and c.upload_status = 'completed' and (s.chunk_count is null or c.chunk_index < s.chunk_count) order by c.chunk_index",
            [session.uuid().into()],
        )
        .await?;
    Ok(Inputs {
        organization,
        session: session_rules,
        analyser: settings
            .analyser
            .parse()
            .map_err(|_| Error::internal("an unknown analyser"))?,
        sampling: Sampling {
            frames_per_second: settings.frames_per_second,
            max_frames: u32::try_from(settings.max_frames).unwrap_or(1),
            scene_threshold: settings.scene_threshold,
        },
        chunks: chunks.into_iter().filter_map(|chunk| chunk.file_path).collect(),
        earlier: earlier(scope, analysis, session).await?,
    })
}

#[derive(FromQueryResult)]
struct EarlierRow {
    raw_gpt_response: serde_json::Value,
    gpt_version: String,
    prompt_version: Option<String>,
    analysis_cost: Option<Decimal>,
    prompt_tokens: Option<i64>,
    completion_tokens: Option<i64>,
    coverage: Option<f64>,
    duration_seconds: Option<f64>,
    observed_seconds: Option<f64>,
    content_sha256: Option<String>,
}

async fn earlier(scope: &Scope, analysis: AnalysisId, session: SessionId) -> Result<Option<Earlier>> {
    let row: Option<EarlierRow> = scope
        .row(
            "select a.raw_gpt_response, a.gpt_version, a.prompt_version, a.analysis_cost, a.prompt_tokens, a.completion_tokens, a.coverage, s.duration_seconds, s.content_sha256,
                    (select max(o.observed_seconds) from public.automation_opportunities o where o.analysis_id = a.id) as observed_seconds
               from public.analysis_results a join public.recording_sessions s on s.organization_id = a.organization_id and s.id = a.session_id
              where a.id = $1 and s.id = $2 and a.raw_gpt_response is not null and a.gpt_version is not null",
            [analysis.uuid().into(), session.uuid().into()],
        )
        .await?;
    let Some(row) = row else { return Ok(None) };
    let frames = analysis_frame::Entity::find()
        .filter(analysis_frame::Column::AnalysisId.eq(analysis))
        .order_by_asc(analysis_frame::Column::FrameIndex)
        .all(scope)
        .await?;
    let duration_seconds = row.duration_seconds.unwrap_or_default();
    Ok(Some(Earlier {
        raw_reply: row.raw_gpt_response,
        gpt_version: row.gpt_version,
        prompt_version: row.prompt_version,
        cost_usd: row.analysis_cost,
        prompt_tokens: row.prompt_tokens,
        completion_tokens: row.completion_tokens,
        coverage: row.coverage.unwrap_or_default(),
        duration_seconds,
        observed_seconds: row.observed_seconds.unwrap_or(duration_seconds),
        content_sha256: row.content_sha256.unwrap_or_default(),
        frames: frames.into_iter().map(stored_frame).collect::<Result<_>>()?,
    }))
}

fn stored_frame(row: analysis_frame::Model) -> Result<StoredFrame> {
    let unreadable = || Error::internal("a stored frame cannot be read");
    Ok(StoredFrame {
        index: u32::try_from(row.frame_index).map_err(|_| unreadable())?,
        timestamp_seconds: row.timestamp_seconds,
        span: TimeSpan::new(row.start_seconds, row.end_seconds).map_err(|_| unreadable())?,
        screen: u32::try_from(row.screen).map_err(|_| unreadable())?,
        width_pixels: row.width_pixels.unsigned_abs(),
        height_pixels: row.height_pixels.unsigned_abs(),
        key: row.file_path,
        bytes: row.file_size_bytes.unsigned_abs(),
        redacted: row.redacted,
    })
}

/// Whether somebody asked to stop; also true when the lease is over. Cheap: one read.
///
/// # Errors
/// Those of the database.
pub async fn cancel_requested(db: &Db, analysis: AnalysisId, lease: &Lease) -> Result<bool> {
    #[derive(FromQueryResult)]
    struct Asked {
        asked: bool,
    }
    let scope = db.worker_scope(lease).await?;
    let row: Option<Asked> = scope
        .row(
            "select cancel_requested_at is not null as asked from public.analysis_results where id = $1",
            [analysis.uuid().into()],
        )
        .await?;
    Ok(row.is_none_or(|row| row.asked))
}

/// How far the job is.
#[derive(Debug, Clone, PartialEq)]
pub struct Progress {
    /// The stage in hand.
    pub stage: AnalysisStage,
    /// Share of the whole, `0..=1`.
    pub progress: f64,
    /// Frames chosen or read so far.
    pub frames_done: i32,
    /// Frames in all, once that is known.
    pub frames_total: Option<i32>,
    /// A sentence for people; never a word from the screen.
    pub message: Option<String>,
}

/// Writes the progress on the row. The worker calls it at most four times a second.
///
/// # Errors
/// [`Error::LeaseLost`]; those of the database.
pub async fn report(db: &Db, analysis: AnalysisId, lease: &Lease, progress: &Progress) -> Result<()> {
    let scope = db.worker_scope(lease).await?;
    let touched = scope
        .run(
            "update public.analysis_results set stage = $2, progress = $3, frames_done = $4, frames_total = $5, progress_message = $6 where id = $1",
            [
                analysis.uuid().into(),
                progress.stage.as_str().into(),
                progress.progress.clamp(0.0, 1.0).into(),
                progress.frames_done.into(),
                progress.frames_total.into(),
                progress.message.clone().into(),
            ],
        )
        .await?;
    if touched == 0 {
        return Err(Error::LeaseLost);
    }
    scope.commit().await
}

/// A frame that was kept and stored as evidence.
#[derive(Debug, Clone, PartialEq)]
pub struct StoredFrame {
    /// Its index in the analysis, from 0.
    pub index: u32,
    /// Its instant in the recording, in seconds.
    pub timestamp_seconds: f64,
    /// The time that it stands for.
    pub span: TimeSpan,
    /// The cluster of equal screens.
    pub screen: u32,
    /// Width in pixels.
    pub width_pixels: u32,
    /// Height in pixels.
    pub height_pixels: u32,
    /// Its key in storage.
    pub key: String,
    /// Its size.
    pub bytes: u64,
    /// Whether anything was covered before it was stored.
    pub redacted: bool,
}

/// A diagram in the form that React Flow takes.
#[derive(Debug, Clone, PartialEq)]
pub struct Diagram {
    /// What it shows.
    pub kind: VisualizationType,
    /// How it is laid out.
    pub layout: LayoutAlgorithm,
    /// `{nodes, edges}`.
    pub data: serde_json::Value,
}

/// All that an analysis came to.
#[derive(Debug, Clone)]
pub struct Outcome {
    /// What was read.
    pub reading: Reading,
    /// The analyser's reply, as it came.
    pub raw_reply: serde_json::Value,
    /// `local-1`, or the model's name as its reply has it.
    pub gpt_version: String,
    /// The version of the prompt, where a model was asked.
    pub prompt_version: Option<String>,
    /// USD, where a model was asked and has a price.
    pub cost_usd: Option<Decimal>,
    /// Tokens of all requests together.
    pub prompt_tokens: Option<i64>,
    /// Tokens of all replies together.
    pub completion_tokens: Option<i64>,
    /// What was kept.
    pub frames: Vec<StoredFrame>,
    /// Share of the recording that they stand for.
    pub coverage: f64,
    /// The recording's length, in seconds.
    pub duration_seconds: f64,
    /// Recorded time without idle time, in seconds.
    pub observed_seconds: f64,
    /// SHA-256 of the whole recording, in hexadecimal.
    pub content_sha256: String,
    /// The diagrams.
    pub diagrams: Vec<Diagram>,
    /// How long this attempt took, in seconds.
    pub processing_seconds: f64,
}

#[derive(FromQueryResult)]
struct SessionFacts {
    user_id: Option<uuid::Uuid>,
    declared_occurrences_per_day: Option<f64>,
    people_count: i32,
    recorded_on: NaiveDate,
}

/// Records the outcome: every row of the analysis, its summary, its session and its status, in one transaction. Running it
/// twice leaves the same rows: what an earlier try left is replaced.
///
/// # Errors
/// [`Error::LeaseLost`] when another attempt has the work; those of the database. Nothing is written then.
pub async fn record(
    scope: &Scope,
    organization: OrganizationId,
    session: SessionId,
    analysis: AnalysisId,
    outcome: &Outcome,
    now: DateTime<Utc>,
) -> Result<()> {
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
        .map(|draft| draft_row(draft, ids, &facts, outcome, now))
        .collect();
    let lost = carry(scope, session, analysis, &mut rows).await?;

    let own: Vec<Observation> = rows
        .iter()
        .map(|row| {
            valuation::observation_of(
                row,
                outcome.content_sha256.clone(),
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
    for (row, observation) in rows.iter_mut().zip(&own) {
        let (worth, verdict) = valuation::price(row, observation, pooled.get(&observation.process_key), &assumptions);
        note(row, &json!({ "priority_inputs": verdict.inputs, "worth": worth }));
    }
    let costs = cost_analysis(&own, &pooled, &assumptions);

    clear(scope, analysis, outcome.frames.len()).await?;
    let count = rows.len();
    insert::<analysis_frame::Entity, _>(
        scope,
        outcome.frames.iter().map(|frame| frame_row(frame, ids, now)).collect(),
    )
    .await?;
    insert::<automation_opportunity::Entity, _>(scope, rows).await?;
    insert::<workflow_insight::Entity, _>(scope, insight_rows(outcome, ids, now)).await?;
    insert::<workflow_visualization::Entity, _>(scope, diagram_rows(outcome, ids, now)).await?;
    insert::<cost_analysis::Entity, _>(scope, vec![valuation::cost_row(ids, &costs, &assumptions, now)?]).await?;

    let category = outcome.reading.category;
    scope
        .run(
            "update public.recording_sessions set status = 'completed', completed_at = coalesce(completed_at, $2), duration_seconds = $3, content_sha256 = $4,
                    workflow_type = case when classified_by = 'user' or $5::text is null then workflow_type else $5 end,
                    classified_by = case when classified_by = 'user' or $5::text is null then classified_by else $6 end
              where id = $1",
            [
                session.uuid().into(),
                now.into(),
                outcome.duration_seconds.into(),
                outcome.content_sha256.clone().into(),
                category.map(WorkflowCategory::as_str).into(),
                if outcome.prompt_version.is_some() { ClassifiedBy::Model } else { ClassifiedBy::Rules }.as_str().into(),
            ],
        )
        .await?;
    end_attempt(scope, analysis, None, outcome.cost_usd, now).await?;
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

/// Fails the analysis for good, in its own words.
///
/// # Errors
/// [`Error::LeaseLost`]; those of the database.
pub async fn fail(
    scope: &Scope,
    session: SessionId,
    analysis: AnalysisId,
    code: AnalysisErrorCode,
    duration_seconds: Option<f64>,
    now: DateTime<Utc>,
) -> Result<()> {
    fence(scope, analysis).await?;
    end_attempt(scope, analysis, Some((code, code.sentence())), None, now).await?;
    // A recording that is no video is unusable itself; whatever else went wrong, the recording is as good as before.
    let unusable = matches!(code, AnalysisErrorCode::NotAVideo | AnalysisErrorCode::VideoUnreadable);
    scope
        .run(
            "update public.recording_sessions s set status = case when $2 and not exists (select from public.analysis_results a where a.session_id = s.id and a.is_current) then 'failed' else 'completed' end,
                    error_message = case when $2 then $3 else error_message end, completed_at = coalesce(completed_at, $4), duration_seconds = coalesce($5, duration_seconds)
              where s.id = $1 and s.status = 'processing'",
            [session.uuid().into(), unusable.into(), code.sentence().into(), now.into(), duration_seconds.into()],
        )
        .await?;
    let touched = scope
        .run(
            "update public.analysis_results set status = 'failed', stage = 'done', error_code = $2, error_message = $3, processing_completed_at = $4, lease_token = null, lease_expires_at = null
              where id = $1",
            [analysis.uuid().into(), code.as_str().into(), code.sentence().into(), now.into()],
        )
        .await?;
    owned(touched)
}

/// Puts the analysis back into the queue after a try that may succeed next time; the queue itself brings the job again.
///
/// # Errors
/// [`Error::LeaseLost`]; those of the database.
pub async fn put_back(scope: &Scope, analysis: AnalysisId, code: AnalysisErrorCode, now: DateTime<Utc>) -> Result<()> {
    fence(scope, analysis).await?;
    end_attempt(scope, analysis, Some((code, code.sentence())), None, now).await?;
    let touched = scope
        .run(
            "update public.analysis_results set status = 'queued', stage = 'waiting', progress_message = $2, lease_token = null, lease_expires_at = null where id = $1",
            [analysis.uuid().into(), format!("will be tried again: {}", code.sentence()).into()],
        )
        .await?;
    owned(touched)
}

const fn owned(touched: u64) -> Result<()> {
    if touched == 1 { Ok(()) } else { Err(Error::LeaseLost) }
}

/// Locks the analysis and refuses unless this attempt still owns it: nobody can take it over until the commit.
async fn fence(scope: &Scope, analysis: AnalysisId) -> Result<()> {
    #[derive(FromQueryResult)]
    struct Mine {
        mine: Option<uuid::Uuid>,
    }
    // The row's lock first, the lease's check second: between them nothing can change any more.
    scope
        .run(
            "select id from public.analysis_results where id = $1 for update",
            [analysis.uuid().into()],
        )
        .await?;
    let row: Option<Mine> = scope.row("select private.job_analysis() as mine", []).await?;
    match row.and_then(|row| row.mine) {
        Some(mine) if mine == analysis.uuid() => Ok(()),
        _ => Err(Error::LeaseLost),
    }
}

fn draft_row(
    draft: &OpportunityDraft,
    (organization, session, analysis): (OrganizationId, SessionId, AnalysisId),
    facts: &SessionFacts,
    outcome: &Outcome,
    now: DateTime<Utc>,
) -> automation_opportunity::Model {
    let declared = draft.occurrences_per_day.or(facts.declared_occurrences_per_day);
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
        observed_seconds: outcome.observed_seconds,
        occurrences_per_day: declared,
        frequency_basis: if declared.is_some() {
            FrequencyBasis::Declared
        } else {
            FrequencyBasis::Extrapolated
        },
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

fn note(row: &mut automation_opportunity::Model, more: &serde_json::Value) {
    if let (Some(into), Some(from)) = (row.record_metadata.as_object_mut(), more.as_object()) {
        into.extend(from.clone());
    }
}

/// The process that an opportunity was derived as, whatever a reviewer made of it.
fn derived_key(row: &automation_opportunity::Model) -> &str {
    row.record_metadata
        .pointer("/derived/process_key")
        .and_then(serde_json::Value::as_str)
        .unwrap_or(&row.process_key)
}

/// Carries what people entered from the session's reviewed opportunities to those of the same process, and names what has
/// no counterpart. The analysis's own earlier rows count too: a new interpretation replaces them.
async fn carry(
    scope: &Scope,
    session: SessionId,
    analysis: AnalysisId,
    rows: &mut [automation_opportunity::Model],
) -> Result<Vec<String>> {
    let reviewed = automation_opportunity::Entity::find()
        .from_raw_sql(crate::db::statement(
            "select o.* from public.automation_opportunities o join public.analysis_results a on a.organization_id = o.organization_id and a.id = o.analysis_id
              where o.session_id = $1 and (a.is_current or a.id = $2) and (o.reviewed_at is not null or o.status <> 'proposed' or o.reviewer_input <> '{}') order by (a.id = $2) desc, o.reviewed_at desc nulls last",
            [session.uuid().into(), analysis.uuid().into()],
        ))
        .all(scope)
        .await?;
    let mut by_process: BTreeMap<String, automation_opportunity::Model> = BTreeMap::new();
    for row in reviewed {
        by_process.entry(derived_key(&row).to_owned()).or_insert(row);
    }
    for row in rows.iter_mut() {
        let Some(earlier) = by_process.remove(derived_key(row)) else {
            continue;
        };
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
    Ok(by_process
        .into_values()
        .map(|row| {
            format!(
                "the reviewed opportunity \"{}\" ({}) has no counterpart here and could not be carried over",
                row.title, row.status
            )
        })
        .collect())
}

/// Takes away what an earlier try of this analysis left, and has the objects of superfluous frames deleted.
async fn clear(scope: &Scope, analysis: AnalysisId, frames: usize) -> Result<()> {
    scope
        .run(
            "insert into public.object_deletions (organization_id, object_key) select organization_id, file_path from public.analysis_frames where analysis_id = $1 and frame_index >= $2",
            [analysis.uuid().into(), i32::try_from(frames).unwrap_or(i32::MAX).into()],
        )
        .await?;
    for table in [
        "analysis_frames",
        "automation_opportunities",
        "workflow_insights",
        "workflow_visualizations",
        "cost_analyses",
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

fn frame_row(
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

fn insight_rows(
    outcome: &Outcome,
    (organization, session, analysis): (OrganizationId, SessionId, AnalysisId),
    now: DateTime<Utc>,
) -> Vec<workflow_insight::Model> {
    outcome
        .reading
        .drafts
        .iter()
        .map(|draft| workflow_insight::Model {
            id: uuid::Uuid::now_v7().into(),
            session_id: session,
            analysis_id: Some(analysis),
            organization_id: organization,
            insight_type: draft.insight_type,
            title: draft.title.clone(),
            description: draft.description.clone(),
            confidence_score: draft.confidence,
            time_saved_seconds: draft.time_saved_seconds,
            // Annual saving over cost needs an opportunity's frequency and cost; an insight alone has neither.
            roi_score: None,
            automation_potential: draft.automation_potential,
            priority: None,
            metadata: if draft.metadata.is_object() {
                draft.metadata.clone()
            } else {
                json!({})
            },
            evidence: json!(draft.evidence),
            created_at: now,
        })
        .collect()
}

fn diagram_rows(
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

async fn end_attempt(
    scope: &Scope,
    analysis: AnalysisId,
    error: Option<(AnalysisErrorCode, &str)>,
    cost: Option<Decimal>,
    now: DateTime<Utc>,
) -> Result<()> {
    scope
        .run(
            "update public.analysis_attempts set ended_at = $2, error_code = $3, message = $4, cost_usd = $5 where analysis_id = $1 and ended_at is null",
            [
                analysis.uuid().into(),
                now.into(),
                error.map(|(code, _)| code.as_str()).into(),
                error.map(|(_, sentence)| sentence).into(),
                cost.into(),
            ],
        )
        .await
        .map(|_| ())
}

/// The last statement: afterwards the lease is gone and with it every right to write.
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
            "update public.analysis_results set is_current = false where session_id = $1 and is_current and id <> $2",
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
            "update public.analysis_results set status = 'completed', stage = 'done', progress = 1, progress_message = null, is_current = true, gpt_version = $2, prompt_version = $3, frames_analyzed = $4,
                    frames_done = $4, frames_total = $4, coverage = $5, raw_gpt_response = $6, structured_insights = $7, confidence_score = $8, analysis_cost = $9, prompt_tokens = $10, completion_tokens = $11,
                    processing_time_seconds = $12, automation_opportunities_count = $13, time_savings_hours_weekly = $14, cost_savings_annual = $15, currency = $16, processing_completed_at = $17,
                    lease_token = null, lease_expires_at = null
              where id = $1",
            [
                analysis.uuid().into(),
                outcome.gpt_version.clone().into(),
                outcome.prompt_version.clone().into(),
                i32::try_from(outcome.frames.len()).unwrap_or(i32::MAX).into(),
                outcome.coverage.clamp(0.0, 1.0).into(),
                outcome.raw_reply.clone().into(),
                insights.into(),
                outcome.reading.confidence.map(|confidence| confidence.clamp(0.0, 1.0)).into(),
                outcome.cost_usd.into(),
                outcome.prompt_tokens.into(),
                outcome.completion_tokens.into(),
                outcome.processing_seconds.into(),
                count,
                weekly,
                annual,
                currency,
                now.into(),
            ],
        )
        .await?;
    owned(touched)
}
