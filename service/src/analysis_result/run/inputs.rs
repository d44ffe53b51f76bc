//! What the job works on.

use chrono::{DateTime, Utc};
use domain::id::{AnalysisId, SessionId};
use domain::sampling::{Analyser, Sampling};
use domain::span::TimeSpan;
use entity::analysis_frame;
use rust_decimal::Decimal;
use sea_orm::{ColumnTrait, EntityTrait, FromQueryResult, QueryFilter, QueryOrder};

use super::{Made, StoredFrame};
use crate::db::Scope;
use crate::error::{Error, Result};

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
    pub earlier: Option<Made>,
    /// Whether it was completed before: rows name what it has stored.
    pub has_results: bool,
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
    has_results: bool,
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
            "select analyser, frames_per_second, max_frames, scene_threshold, processing_completed_at is not null as has_results from public.analysis_results where id = $1",
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
        has_results: settings.has_results,
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

async fn earlier(scope: &Scope, analysis: AnalysisId, session: SessionId) -> Result<Option<Made>> {
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
    Ok(Some(Made {
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
