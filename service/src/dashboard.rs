//! Sums over an organization: performance by workflow type, patterns, business impact, usage.
//!
//! What counts is counted by the database; what things are worth is worked out by [`domain::roi`], the one definition, from
//! the opportunities of the newest completed analysis of each session: a recording once however often it was uploaded, a
//! process once at its pooled time and frequency, time that several processes show once, and no more than people have days.
//! In the organization's currency and no other.

use std::collections::BTreeMap;

use chrono::{DateTime, Utc};
use domain::category::WorkflowCategory;
use domain::id::{AnalysisId, OrganizationId};
use domain::roi::{self, Pool, Process, Reviews, Sums};
use rust_decimal::Decimal;

use crate::db::Scope;
use crate::error::{Error, Result};
use crate::page::Range;
use crate::row::Decode;
use crate::sql::Sql;
use crate::valuation::{self, Contributed, Current};

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
    /// One quantity of the three sums, to two decimals.
    pub fn of(sums: &roi::ByState, quantity: impl Fn(&Sums) -> Decimal) -> Self {
        let rounded = |sums: &Sums| {
            let mut sum = quantity(sums);
            sum.rescale(2);
            sum
        };
        Self {
            identified: rounded(&sums.identified),
            accepted: rounded(&sums.accepted),
            implemented: rounded(&sums.implemented),
        }
    }
}

/// An organization's processes, worked out together.
#[derive(Debug, Clone)]
pub struct Worth {
    /// The currency of all money in it.
    pub currency: String,
    /// Each process once.
    pub processes: Vec<Process>,
    /// What people decided.
    pub reviews: Reviews,
    /// The kind of work of each analysis's session, and when the analysis ended.
    kinds: BTreeMap<AnalysisId, (DateTime<Utc>, Option<WorkflowCategory>)>,
}

impl Worth {
    /// The three sums of all.
    pub fn sums(&self) -> roi::ByState {
        roi::ByState::of(&self.processes)
    }

    /// The kind of work of the newest recording that shows a process.
    fn kind(&self, process: &Process) -> Option<WorkflowCategory> {
        let seen = process.analyses.iter();
        let newest = seen.filter_map(|id| self.kinds.get(id).map(|(at, kind)| (*at, *id, *kind)));
        newest
            .max_by_key(|(at, id, _)| (*at, *id))
            .and_then(|(_, _, kind)| kind)
    }
}

/// Works out what an organization's processes are worth, from recordings started in this range: two statements.
///
/// # Errors
/// [`Error::NotFound`] for an organization that the scope does not see; those of the database.
pub async fn worth(scope: &Scope, organization: OrganizationId, during: &Range) -> Result<Worth> {
    let assumptions = valuation::assumptions(scope, organization).await?;
    let mut kinds = BTreeMap::new();
    let observations: Vec<_> = valuation::current(scope, organization, during)
        .await?
        .into_iter()
        .map(
            |Current {
                 workflow_type,
                 observation,
             }| {
                kinds.insert(observation.analysis, (observation.analysed_at, workflow_type));
                observation
            },
        )
        .collect();
    Ok(Worth {
        currency: assumptions.currency().code().to_owned(),
        processes: Pool::of(&observations, &assumptions).processes,
        reviews: Reviews::of(&observations),
        kinds,
    })
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
    /// What each process adds, the highest saving first.
    pub processes: Vec<Contributed>,
}

/// Performance by workflow type, highest potential first.
///
/// # Errors
/// [`Error::Forbidden`] outside an organization; those of the database.
pub async fn performance(scope: &Scope, during: &Range) -> Result<Vec<Performance>> {
    let mut sql = Sql::new(
        "select s.workflow_type, count(*), avg(a.confidence_score), coalesce(sum(a.automation_opportunities_count), 0) \
         from public.analysis_results a join public.recording_sessions s on s.id = a.session_id where a.is_current",
    );
    during.conditions(&mut sql, "s.created_at");
    sql.push(" group by 1");
    let counted = sql.rows(scope).await?;
    let worth = worth(scope, scope.organization()?, during).await?;
    let mut processes: BTreeMap<Option<&str>, Vec<&Process>> = BTreeMap::new();
    for process in &worth.processes {
        let kind = worth.kind(process).map(WorkflowCategory::as_str);
        processes.entry(kind).or_default().push(process);
    }
    let mut rows = counted
        .iter()
        .map(|row| {
            let workflow_type: Option<WorkflowCategory> = Decode::decode(row, 0)?;
            let own = processes
                .remove(&workflow_type.map(WorkflowCategory::as_str))
                .unwrap_or_default();
            let contributed = Contributed::all(own.iter().copied());
            let sums = roi::ByState::of(own);
            Ok(Performance {
                workflow_type,
                recordings: Decode::decode(row, 1)?,
                confidence: Decode::decode(row, 2)?,
                opportunities: Decode::decode(row, 3)?,
                weekly_hours: ByState::of(&sums, |sums| sums.weekly_hours.rounded().value()),
                annual_cost: ByState::of(&sums, |sums| sums.annual_savings.value()),
                currency: worth.currency.clone(),
                processes: contributed,
            })
        })
        .collect::<Result<Vec<_>>>()?;
    rows.sort_by_key(|row| {
        let kind = row.workflow_type.map(WorkflowCategory::as_str);
        std::cmp::Reverse((row.annual_cost.identified, row.recordings, std::cmp::Reverse(kind)))
    });
    Ok(rows)
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
    /// What people decided about opportunities.
    pub reviews: Reviews,
    /// What each process adds, the highest saving first.
    pub processes: Vec<Contributed>,
}

/// The business impact.
///
/// # Errors
/// [`Error::Forbidden`] outside an organization; those of the database.
pub async fn impact(scope: &Scope, during: &Range) -> Result<Impact> {
    let mut sql = Sql::new(
        "select count(*), count(a.id), avg(a.confidence_score) \
         from public.recording_sessions s left join public.analysis_results a on a.session_id = s.id and a.is_current where true",
    );
    during.conditions(&mut sql, "s.created_at");
    let row = sql
        .row(scope)
        .await?
        .ok_or_else(|| Error::internal("a sum without a row"))?;
    let worth = worth(scope, scope.organization()?, during).await?;
    let sums = worth.sums();
    Ok(Impact {
        recordings: Decode::decode(&row, 0)?,
        analyses: Decode::decode(&row, 1)?,
        annual_hours: ByState::of(&sums, |sums| sums.annual_hours.rounded().value()),
        annual_savings: ByState::of(&sums, |sums| sums.annual_savings.value()),
        mean_confidence: Decode::decode(&row, 2)?,
        processes: Contributed::all(&worth.processes),
        reviews: worth.reviews,
        currency: worth.currency,
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
