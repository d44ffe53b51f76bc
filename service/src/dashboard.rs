//! Sums over an organization: performance by workflow type, patterns, business impact, usage. Worked out by the database from
//! the stored figures, in one statement each.
//!
//! Everywhere the same rule: the newest completed analysis of each session; of a recording uploaded several times, one; an
//! opportunity only if its frequency is known (`counted`) and nobody dismissed it; a process once, at the mean of what was
//! stored for it, weighted by the recorded time that shows it; in the organization's currency and no other.

use chrono::{DateTime, Utc};
use domain::category::WorkflowCategory;
use rust_decimal::Decimal;
use sqlx::postgres::PgRow;

use crate::db::Scope;
use crate::error::{Error, Result};
use crate::page::Range;
use crate::row::Decode;
use crate::sql::Sql;

/// Three different sums. Each holds the next.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct ByState {
    /// Potential of everything that was found and not dismissed.
    pub identified: Decimal,
    /// Of these, what people accepted or implemented.
    pub accepted: Decimal,
    /// Of these, what is implemented: the only sum that may be called saved.
    pub implemented: Decimal,
}

impl ByState {
    fn decode(row: &PgRow, at: usize) -> Result<Self> {
        // The driver reads a zero without its decimals.
        let rounded = |mut sum: Decimal| {
            sum.rescale(2);
            sum
        };
        Ok(Self {
            identified: rounded(Decode::decode(row, at)?),
            accepted: rounded(Decode::decode(row, at + 1)?),
            implemented: rounded(Decode::decode(row, at + 2)?),
        })
    }
}

/// The current analyses of recordings of one kind.
#[derive(Debug, Clone, PartialEq)]
pub struct Performance {
    /// The kind; none for recordings that nobody classified.
    pub workflow_type: Option<WorkflowCategory>,
    /// Recordings with a completed analysis.
    pub recordings: i64,
    /// Mean of the analysers' own estimates.
    pub confidence: Option<f64>,
    /// Opportunities in these analyses.
    pub opportunities: i64,
    /// Hours a week.
    pub weekly_hours: ByState,
    /// Money a year.
    pub annual_cost: ByState,
    /// Its currency.
    pub currency: String,
}

/// Analyses, each session's newest completed one, and the opportunities that count, each process once.
fn common(during: &Range) -> Sql {
    let mut sql = Sql::new(
        "with o as (select g.currency from public.organizations g limit 1), \
         a as (select a.id, a.confidence_score, a.automation_opportunities_count, a.processing_completed_at, s.workflow_type, coalesce(s.content_sha256, s.id::text) as recording \
           from public.analysis_results a join public.recording_sessions s on s.id = a.session_id where a.is_current",
    );
    during.conditions(&mut sql, "s.created_at");
    sql.push(
        "), \
         newest as (select distinct on (a.recording) a.id, a.workflow_type, a.processing_completed_at from a order by a.recording, a.processing_completed_at desc, a.id desc), \
         process as (select (array_agg(n.workflow_type order by n.processing_completed_at desc, n.id desc))[1] as workflow_type, \
             max(case t.status when 'implemented' then 3 when 'accepted' then 2 else 1 end) as state, \
             coalesce(sum(t.hours_saved_monthly * t.observed_seconds::numeric) / nullif(sum(t.observed_seconds::numeric), 0), avg(t.hours_saved_monthly)) as hours, \
             coalesce(sum(m.money * t.observed_seconds::numeric) / nullif(sum(t.observed_seconds::numeric), 0), avg(m.money)) as money \
           from newest n join public.automation_opportunities t on t.analysis_id = n.id \
           cross join lateral (select case when t.status = 'implemented' then coalesce(t.realised_savings_monthly, t.estimated_cost_savings_monthly) else t.estimated_cost_savings_monthly end as money) m \
           where t.counted and t.status <> 'dismissed' and t.estimated_cost_savings_monthly is not null and t.currency = (select currency from o) \
           group by t.process_key) ",
    );
    sql
}

/// The three sums of a monthly quantity, times this, to two decimals.
fn states(sql: &mut Sql, quantity: &str, factor: &str) {
    for (index, condition) in ["", " filter (where state >= 2)", " filter (where state = 3)"]
        .iter()
        .enumerate()
    {
        if index > 0 {
            sql.push(", ");
        }
        sql.push("round(coalesce(sum(")
            .push(quantity)
            .push(")")
            .push(condition)
            .push(", 0) * ")
            .push(factor)
            .push(", 2)");
        sql.push(match (quantity, index) {
            ("hours", 0) => " as h1",
            ("hours", 1) => " as h2",
            ("hours", _) => " as h3",
            (_, 0) => " as m1",
            (_, 1) => " as m2",
            (_, _) => " as m3",
        });
    }
}

/// Performance by workflow type, highest potential first.
///
/// # Errors
/// Those of the database.
pub async fn performance(scope: &Scope, during: &Range) -> Result<Vec<Performance>> {
    let mut sql = common(during);
    sql.push(
        ", kind as (select workflow_type, count(*) as recordings, avg(confidence_score) as confidence, coalesce(sum(automation_opportunities_count), 0) as opportunities from a group by 1), \
         worth as (select workflow_type, ",
    );
    states(&mut sql, "hours", "12.0 / 52");
    sql.push(", ");
    states(&mut sql, "money", "12");
    sql.push(
        " from process group by 1) \
         select k.workflow_type, k.recordings, k.confidence, k.opportunities, \
           coalesce(w.h1, 0.00), coalesce(w.h2, 0.00), coalesce(w.h3, 0.00), coalesce(w.m1, 0.00), coalesce(w.m2, 0.00), coalesce(w.m3, 0.00), (select currency from o) \
         from kind k left join worth w on w.workflow_type is not distinct from k.workflow_type \
         order by coalesce(w.m1, 0) desc, k.recordings desc, k.workflow_type",
    );
    sql.rows(scope)
        .await?
        .iter()
        .map(|row| {
            Ok(Performance {
                workflow_type: Decode::decode(row, 0)?,
                recordings: Decode::decode(row, 1)?,
                confidence: Decode::decode(row, 2)?,
                opportunities: Decode::decode(row, 3)?,
                weekly_hours: ByState::decode(row, 4)?,
                annual_cost: ByState::decode(row, 7)?,
                currency: Decode::decode(row, 10)?,
            })
        })
        .collect()
}

/// The current analyses whose first workflow is of one kind.
#[derive(Debug, Clone, PartialEq)]
pub struct Pattern {
    /// The kind; none where an analysis names none.
    pub category: Option<WorkflowCategory>,
    /// How many analyses.
    pub analyses: i64,
    /// Mean time that they took.
    pub processing_seconds: Option<f64>,
    /// Mean number of frames that they looked at.
    pub frames: Option<f64>,
}

/// Patterns by the category of the first workflow, most analyses first.
///
/// # Errors
/// Those of the database.
pub async fn patterns(scope: &Scope, during: &Range) -> Result<Vec<Pattern>> {
    let mut sql = Sql::new(
        "select a.structured_insights #>> '{workflows,0,category}' as category, count(*), avg(a.processing_time_seconds), avg(a.frames_analyzed)::double precision \
         from public.analysis_results a",
    );
    if *during != Range::default() {
        sql.push(" join public.recording_sessions s on s.id = a.session_id");
    }
    sql.push(" where a.is_current");
    during.conditions(&mut sql, "s.created_at");
    sql.push(" group by 1 order by 2 desc, 1");
    sql.rows(scope)
        .await?
        .iter()
        .map(|row| {
            // What a reply of an older shape calls its category may be none of ours.
            let category: Option<&str> = Decode::decode(row, 0)?;
            Ok(Pattern {
                category: category.and_then(|text| text.parse().ok()),
                analyses: Decode::decode(row, 1)?,
                processing_seconds: Decode::decode(row, 2)?,
                frames: Decode::decode(row, 3)?,
            })
        })
        .collect()
}

/// What analyses have found and people have made of it.
#[derive(Debug, Clone, PartialEq)]
pub struct Impact {
    /// Recordings.
    pub recordings: i64,
    /// Sessions with a completed analysis.
    pub analyses: i64,
    /// Hours a year.
    pub annual_hours: ByState,
    /// Money a year.
    pub annual_savings: ByState,
    /// Its currency.
    pub currency: String,
    /// Mean of the analysers' own estimates.
    pub mean_confidence: Option<f64>,
    /// Opportunities that people accepted or implemented.
    pub accepted: i64,
    /// Opportunities that people dismissed.
    pub dismissed: i64,
}

impl Impact {
    /// Reviews below which a share says nothing.
    const ENOUGH_REVIEWS: i64 = 10;

    /// `accepted / (accepted + dismissed)`; none below ten reviews.
    pub fn review_precision(&self) -> Option<f64> {
        let reviews = self.accepted + self.dismissed;
        (reviews >= Self::ENOUGH_REVIEWS).then(|| self.accepted as f64 / reviews as f64)
    }
}

/// The business impact.
///
/// # Errors
/// Those of the database.
pub async fn impact(scope: &Scope, during: &Range) -> Result<Impact> {
    let mut sql = common(during);
    sql.push(", worth as (select ");
    states(&mut sql, "hours", "12");
    sql.push(", ");
    states(&mut sql, "money", "12");
    sql.push(
        " from process), \
         review as (select count(*) filter (where t.status in ('accepted', 'implemented')) as accepted, count(*) filter (where t.status = 'dismissed') as dismissed \
           from newest n join public.automation_opportunities t on t.analysis_id = n.id), \
         seen as (select count(*) as analyses, avg(confidence_score) as confidence from a) \
         select (select count(*) from public.recording_sessions s where true",
    );
    during.conditions(&mut sql, "s.created_at");
    sql.push(
        "), seen.analyses, h1, h2, h3, m1, m2, m3, (select currency from o), seen.confidence, review.accepted, review.dismissed \
         from worth, review, seen",
    );
    let row = sql
        .row(scope)
        .await?
        .ok_or_else(|| Error::internal("a sum without a row"))?;
    Ok(Impact {
        recordings: Decode::decode(&row, 0)?,
        analyses: Decode::decode(&row, 1)?,
        annual_hours: ByState::decode(&row, 2)?,
        annual_savings: ByState::decode(&row, 5)?,
        currency: Decode::decode(&row, 8)?,
        mean_confidence: Decode::decode(&row, 9)?,
        accepted: Decode::decode(&row, 10)?,
        dismissed: Decode::decode(&row, 11)?,
    })
}

/// How much of its plan an organization uses, in the running month of its own time zone.
#[derive(Debug, Clone, PartialEq)]
pub struct Usage {
    /// `2026-11`.
    pub month: String,
    /// Recordings started this month.
    pub recordings: i64,
    /// How many the plan allows.
    pub max_recordings: i32,
    /// Members.
    pub members: i64,
    /// How many the plan allows.
    pub max_users: i32,
    /// Bytes of recordings, frames and reports that are kept.
    pub storage_bytes: i64,
    /// USD spent on models this month; none for a caller who may not see it.
    pub model_cost_usd: Option<Decimal>,
    /// What may be spent in a month, in USD.
    pub model_budget_usd: Decimal,
}

/// The usage at this instant.
///
/// # Errors
/// [`Error::NotFound`] outside an organization; those of the database.
pub async fn usage(scope: &Scope, now: DateTime<Utc>) -> Result<Usage> {
    let mut sql = Sql::new("with g as (select g.*, date_trunc('month', ");
    // Only the columns that a member may read.
    sql.bind(now).push(
        " at time zone g.time_zone) at time zone g.time_zone as since from (select time_zone, max_recordings_per_month, max_users, model_budget_monthly_usd from public.organizations) g) \
         select to_char(g.since at time zone g.time_zone, 'YYYY-MM'), \
           (select count(*) from public.recording_sessions s where s.created_at >= g.since), g.max_recordings_per_month, \
           (select count(*) from public.user_profiles), g.max_users, \
           ((select coalesce(sum(c.file_size_bytes), 0) from public.video_chunks c where c.upload_status = 'completed') \
             + (select coalesce(sum(f.file_size_bytes), 0) from public.analysis_frames f) \
             + (select coalesce(sum(r.file_size_bytes), 0) from public.generated_reports r))::bigint, \
           case when (select private.is_manager()) then (select coalesce(sum(m.cost_usd), 0) from public.model_requests m where m.created_at >= g.since) end, \
           g.model_budget_monthly_usd from g",
    );
    let row = sql.row(scope).await?.ok_or(Error::NotFound { what: "organization" })?;
    Ok(Usage {
        month: Decode::decode(&row, 0)?,
        recordings: Decode::decode(&row, 1)?,
        max_recordings: Decode::decode(&row, 2)?,
        members: Decode::decode(&row, 3)?,
        max_users: Decode::decode(&row, 4)?,
        storage_bytes: Decode::decode(&row, 5)?,
        model_cost_usd: Decode::decode(&row, 6)?,
        model_budget_usd: Decode::decode(&row, 7)?,
    })
}
