//! Reviewing: people accept, dismiss, correct and implement opportunities; whatever they enter moves the money that follows
//! from it, in the same transaction. Earlier cost analyses stay as history.

use std::collections::{BTreeMap, HashMap};

use chrono::{DateTime, Utc};
use domain::id::{AnalysisId, OpportunityId, OrganizationId, SessionId, UserId};
use domain::roi::{
    Assumptions, Complexity, Evidence, MOST_MONEY, Missing, Observation, Priority, cost_analysis, worth,
};
use domain::status::OpportunityStatus;
use entity::{automation_opportunity, cost_analysis as cost_row};
use rust_decimal::Decimal;
use sea_orm::{ActiveModelTrait, ColumnTrait, EntityTrait, FromQueryResult, IntoActiveModel, QueryFilter, QueryOrder};
use serde_json::json;
use uuid::Uuid;

use crate::act::{Act, Change};
use crate::db::Scope;
use crate::error::{Error, Result};
use crate::valuation::{self, Declaration, Observed, PRIORITY_INPUTS, ReviewerInput, Standing, Summary, WORTH};

/// What a reviewer enters; absent fields are left alone.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Review {
    /// What was decided.
    pub status: Option<OpportunityStatus>,
    /// A priority that overrides the rule's.
    pub priority: Option<Priority>,
    /// Another title.
    pub title: Option<String>,
    /// The process that it really is.
    pub process_key: Option<String>,
    /// Seconds of one occurrence.
    pub current_time_per_occurrence_seconds: Option<f64>,
    /// Occurrences per person and working day.
    pub occurrences_per_day: Option<f64>,
    /// People who do it.
    pub people_count: Option<i32>,
    /// How hard it is to automate.
    pub automation_complexity: Option<Complexity>,
    /// Hours to build it.
    pub implementation_effort_hours: Option<Decimal>,
    /// A remark.
    pub note: Option<String>,
    /// Why it was dismissed.
    pub dismissal_reason: Option<String>,
    /// Since when it is implemented; now, where it becomes so without a date.
    pub implemented_at: Option<DateTime<Utc>>,
    /// What building it cost.
    pub actual_implementation_cost: Option<Decimal>,
    /// Seconds of one occurrence since then.
    pub measured_seconds_after: Option<f64>,
}

fn check(review: &Review) -> Result<()> {
    let texts = [
        ("input.title", &review.title, 300),
        ("input.processKey", &review.process_key, 500),
        ("input.note", &review.note, 5_000),
        ("input.dismissalReason", &review.dismissal_reason, 5_000),
    ];
    for (field, text, most) in texts {
        if text
            .as_ref()
            .is_some_and(|text| text.trim().is_empty() || text.chars().count() > most || text.contains('\0'))
        {
            return Err(Error::invalid(field, format!("must have 1 to {most} characters")));
        }
    }
    let numbers = [
        (
            "input.currentTimePerOccurrenceSeconds",
            review.current_time_per_occurrence_seconds,
            86_400.0,
        ),
        ("input.occurrencesPerDay", review.occurrences_per_day, 100_000.0),
        ("input.measuredSecondsAfter", review.measured_seconds_after, 86_400.0),
    ];
    for (field, number, most) in numbers {
        if number.is_some_and(|number| !(number >= 0.0 && number <= most)) {
            return Err(Error::invalid(field, format!("must be between 0 and {most}")));
        }
    }
    if review
        .people_count
        .is_some_and(|people| !(1..=100_000).contains(&people))
    {
        return Err(Error::invalid("input.peopleCount", "must be between 1 and 100,000"));
    }
    for (field, amount, most) in [
        (
            "input.implementationEffortHours",
            review.implementation_effort_hours,
            1_000_000_i64,
        ),
        (
            "input.actualImplementationCost",
            review.actual_implementation_cost,
            100_000_000_000,
        ),
    ] {
        if amount.is_some_and(|amount| amount < Decimal::ZERO || amount > Decimal::from(most)) {
            return Err(Error::invalid(field, format!("must be between 0 and {most}")));
        }
    }
    Ok(())
}

/// The ids of what a review touched.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Reviewed {
    /// The opportunity.
    pub opportunity: OpportunityId,
    /// The cost analysis that was written because of it.
    pub cost_analysis: domain::id::CostAnalysisId,
}

/// Enters a review. Money, summary and a new cost analysis follow in the same transaction.
///
/// # Errors
/// [`Error::NotFound`], [`Error::Forbidden`] for operators, [`Error::Invalid`], [`Error::Conflict`] for a decision that cannot
/// follow the one that stands.
pub async fn update(scope: &Scope, opportunity: OpportunityId, review: &Review, act: &Act) -> Result<Reviewed> {
    let caller = scope.caller()?;
    let member = caller.managing_writer()?;
    check(review)?;
    let found = automation_opportunity::Entity::find_by_id(opportunity)
        .one(scope)
        .await?
        .ok_or(Error::NotFound { what: "opportunity" })?;
    let ids = (member.organization, found.session_id, found.analysis_id);
    valuation::turn(scope, &[found.analysis_id]).await?;
    // What is entered on an analysis that another has replaced would count nowhere.
    if valuation::is_current(scope, found.analysis_id).await? == Some(false) {
        return Err(Error::conflict(
            "a newer analysis of the recording has taken this one's place: look at its opportunities",
        ));
    }
    let before = rows_of(scope, found.analysis_id).await?;
    let mut rows = before.clone();
    let row = rows.iter_mut().find(|row| row.id == opportunity).ok_or_else(replaced)?;
    if let Some(status) = review.status
        && status != row.status
        && !row.status.can_become(status)
    {
        return Err(Error::conflict(format!(
            "an opportunity that is {} cannot become {status}",
            row.status
        )));
    }
    enter(row, review, caller.user(), act.now)?;
    let assumptions = valuation::assumptions(scope, member.organization).await?;
    let cost = revalue(scope, ids, (before, rows), &assumptions, act.now).await?;
    act.note(
        scope,
        Change {
            action: "opportunity.review",
            subject_type: "automation_opportunity",
            subject: opportunity.uuid(),
            fields: &entered(review),
        },
    )
    .await?;
    Ok(Reviewed {
        opportunity,
        cost_analysis: cost,
    })
}

/// What was entered comes to more money than can be kept: through what it costs to build, or through how many do it.
fn out_of_range(seen: &Observation, assumptions: &Assumptions) -> Error {
    let cost = seen
        .effort
        .map(|effort| (effort * assumptions.implementation_rate()).value());
    let field = if cost.is_some_and(|cost| cost >= MOST_MONEY) {
        "input.implementationEffortHours"
    } else {
        "input.peopleCount"
    };
    Error::invalid(field, Missing::OutOfRange.sentence())
}

/// The opportunity was there a moment ago.
fn replaced() -> Error {
    Error::conflict("the analysis has just been read anew: look at its opportunities again")
}

fn entered(review: &Review) -> Vec<&'static str> {
    [
        ("status", review.status.is_some()),
        ("priority", review.priority.is_some()),
        ("title", review.title.is_some()),
        ("process_key", review.process_key.is_some()),
        (
            "current_time_per_occurrence_seconds",
            review.current_time_per_occurrence_seconds.is_some(),
        ),
        ("occurrences_per_day", review.occurrences_per_day.is_some()),
        ("people_count", review.people_count.is_some()),
        ("automation_complexity", review.automation_complexity.is_some()),
        (
            "implementation_effort_hours",
            review.implementation_effort_hours.is_some(),
        ),
        ("review_note", review.note.is_some()),
        ("dismissal_reason", review.dismissal_reason.is_some()),
        ("implemented_at", review.implemented_at.is_some()),
        (
            "actual_implementation_cost",
            review.actual_implementation_cost.is_some(),
        ),
        ("measured_seconds_after", review.measured_seconds_after.is_some()),
    ]
    .into_iter()
    .filter_map(|(name, set)| set.then_some(name))
    .collect()
}

pub(super) async fn rows_of(scope: &Scope, analysis: AnalysisId) -> Result<Vec<automation_opportunity::Model>> {
    Ok(automation_opportunity::Entity::find()
        .filter(automation_opportunity::Column::AnalysisId.eq(analysis))
        .order_by_asc(automation_opportunity::Column::Id)
        .all(scope)
        .await?)
}

fn enter(
    row: &mut automation_opportunity::Model,
    review: &Review,
    reviewer: Option<UserId>,
    now: DateTime<Utc>,
) -> Result<()> {
    let mut input = ReviewerInput::read(&row.reviewer_input);
    let take = |into: &mut Option<String>, from: &Option<String>| {
        if from.is_some() {
            into.clone_from(from);
        }
    };
    take(&mut input.title, &review.title);
    take(&mut input.process_key, &review.process_key);
    input.current_time_per_occurrence_seconds = review
        .current_time_per_occurrence_seconds
        .or(input.current_time_per_occurrence_seconds);
    input.occurrences_per_day = review.occurrences_per_day.or(input.occurrences_per_day);
    input.people_count = review.people_count.or(input.people_count);
    input.automation_complexity = review.automation_complexity.or(input.automation_complexity);
    input.implementation_effort_hours = review.implementation_effort_hours.or(input.implementation_effort_hours);
    input.priority = review.priority.or(input.priority);
    input.lay_over(row);
    row.reviewer_input =
        serde_json::to_value(&input).map_err(|error| Error::internal(format!("a review cannot be stored: {error}")))?;
    if let Some(status) = review.status {
        row.status = status;
    }
    take(&mut row.review_note, &review.note);
    take(&mut row.dismissal_reason, &review.dismissal_reason);
    row.implemented_at = review.implemented_at.or(row.implemented_at);
    if row.status == OpportunityStatus::Implemented {
        row.implemented_at = row.implemented_at.or(Some(now));
    } else if review.implemented_at.is_some() {
        let why = format!("is for an opportunity that is implemented; this one is {}", row.status);
        return Err(Error::invalid("input.implementedAt", why));
    } else {
        row.implemented_at = None;
    }
    if row.status != OpportunityStatus::Dismissed {
        if review.dismissal_reason.is_some() {
            let why = format!("is for an opportunity that is dismissed; this one is {}", row.status);
            return Err(Error::invalid("input.dismissalReason", why));
        }
        row.dismissal_reason = None;
    }
    row.actual_implementation_cost = review.actual_implementation_cost.or(row.actual_implementation_cost);
    row.measured_seconds_after = review.measured_seconds_after.or(row.measured_seconds_after);
    row.reviewed_by = reviewer;
    row.reviewed_at = Some(now);
    Ok(())
}

/// What the observations of an analysis take from beside its opportunities.
#[derive(FromQueryResult)]
pub(super) struct Facts {
    analysis: Uuid,
    pub(super) is_current: bool,
    content: String,
    recorded_on: chrono::NaiveDate,
    person: Option<Uuid>,
    analysed_at: DateTime<Utc>,
    declared_occurrences_per_day: Option<f64>,
    people_count: i32,
}

pub(super) async fn facts(scope: &Scope, analyses: &[AnalysisId]) -> Result<HashMap<AnalysisId, Facts>> {
    let ids: Vec<Uuid> = analyses.iter().map(|analysis| analysis.uuid()).collect();
    let (people, person) = if scope.names_people() {
        ("", "s.user_id")
    } else {
        (
            "left join private.session_people(array(select r.session_id from public.analysis_results r where r.id = any ($1))) p on p.session_id = s.id",
            "p.user_id",
        )
    };
    let rows: Vec<Facts> = scope
        .rows(
            &format!(
                "select a.id as analysis, a.is_current, coalesce(s.content_sha256, s.id::text) as content, (s.created_at at time zone o.time_zone)::date as recorded_on, {person} as person,
                        coalesce(a.processing_completed_at, a.updated_at) as analysed_at, s.declared_occurrences_per_day, s.people_count
                   from public.analysis_results a join public.recording_sessions s on s.organization_id = a.organization_id and s.id = a.session_id join public.organizations o on o.id = a.organization_id
                   {people} where a.id = any ($1)"
            ),
            [ids.into()],
        )
        .await?;
    Ok(rows
        .into_iter()
        .map(|facts| (AnalysisId::new(facts.analysis), facts))
        .collect())
}

impl Facts {
    /// Enters what the session declares now into the rows of its analysis.
    pub(super) fn declare(&self, rows: &mut [automation_opportunity::Model]) {
        let declaration = Declaration {
            occurrences_per_day: self.declared_occurrences_per_day,
            people_count: self.people_count,
        };
        valuation::declare(rows, declaration);
    }

    /// The opportunities of the analysis as the domain sees them, in the order of the rows.
    pub(super) fn observations(&self, rows: &[automation_opportunity::Model]) -> Result<Vec<Observation>> {
        rows.iter()
            .map(|row| {
                let person = self.person.map(UserId::new);
                valuation::observation_of(row, self.content.clone(), person, self.recorded_on, self.analysed_at)
            })
            .collect()
    }
}

/// An analysis whose worth is worked out: its rows, and the same as the domain sees them, in one order.
pub(super) struct Sheet {
    pub(super) session: SessionId,
    pub(super) analysis: AnalysisId,
    pub(super) rows: Vec<automation_opportunity::Model>,
    /// The rows as they are stored.
    pub(super) before: Vec<automation_opportunity::Model>,
    pub(super) own: Vec<Observation>,
}

/// Works out anew what the opportunities of an analysis are worth, `before` as they are stored, and writes rows, summary and cost analysis.
pub(super) async fn revalue(
    scope: &Scope,
    ids: (OrganizationId, SessionId, AnalysisId),
    (before, rows): (Vec<automation_opportunity::Model>, Vec<automation_opportunity::Model>),
    assumptions: &Assumptions,
    now: DateTime<Utc>,
) -> Result<domain::id::CostAnalysisId> {
    let (organization, session, analysis) = ids;
    let facts = facts(scope, &[analysis]).await?;
    let facts = facts.get(&analysis).ok_or(Error::NotFound { what: "analysis" })?;
    let own = facts.observations(&rows)?;
    let mut everywhere: Vec<_> = valuation::observations(scope, organization, Observed::CurrentExcept(session))
        .await?
        .into_iter()
        .map(|(_, observation)| observation)
        .collect();
    everywhere.extend(own.iter().cloned());
    let pooled = valuation::evidence_by_process(&everywhere, assumptions);
    for ((row, before), seen) in rows.iter().zip(&before).zip(&own) {
        let changed = row != before;
        if changed
            && worth(seen, pooled.get(seen.pooled_as().as_ref()), assumptions).figures == Err(Missing::OutOfRange)
        {
            return Err(out_of_range(seen, assumptions));
        }
    }
    let sheet = Sheet {
        session,
        analysis,
        rows,
        before,
        own,
    };
    let costs = settle(scope, organization, vec![sheet], &pooled, assumptions, now).await?;
    costs.first().copied().ok_or(Error::NotFound { what: "analysis" })
}

/// The same for any number of analyses, in as many statements as for one, where it is known already what all recordings saw of
/// each process. Answers the cost analyses in the order of the sheets.
pub(super) async fn settle(
    scope: &Scope,
    organization: OrganizationId,
    sheets: Vec<Sheet>,
    pooled: &BTreeMap<String, Evidence>,
    assumptions: &Assumptions,
    now: DateTime<Utc>,
) -> Result<Vec<domain::id::CostAnalysisId>> {
    let (mut changed, mut standings) = (Vec::new(), Vec::new());
    let (mut costs, mut summaries) = (Vec::new(), Vec::new());
    for mut sheet in sheets {
        for ((row, before), observation) in sheet.rows.iter_mut().zip(&sheet.before).zip(&sheet.own) {
            let worth = valuation::price(row, observation, pooled, assumptions);
            standings.push((sheet.analysis, Standing::of(row, &worth)));
            if row != before {
                changed.push(as_json(row));
            }
        }
        let cost = cost_analysis(&sheet.own, pooled, assumptions);
        let summary = Summary::of(&cost, sheet.rows.len(), assumptions);
        summaries.push(json!({
            "id": sheet.analysis, "opportunities": summary.opportunities, "weekly": summary.time_savings_hours_weekly,
            "annual": summary.cost_savings_annual, "currency": summary.currency,
        }));
        let ids = (organization, sheet.session, sheet.analysis);
        costs.push(valuation::cost_row(ids, &cost, assumptions, now)?);
    }
    save(scope, changed).await?;
    valuation::follow(scope, &standings).await?;
    let ids = costs.iter().map(|row| row.id).collect();
    if !costs.is_empty() {
        cost_row::Entity::insert_many(costs.into_iter().map(|row| row.into_active_model().reset_all()))
            .exec_without_returning(scope)
            .await?;
    }
    scope
        .run(
            "update public.analysis_results a set automation_opportunities_count = n.opportunities, time_savings_hours_weekly = n.weekly, cost_savings_annual = n.annual, currency = n.currency
               from jsonb_to_recordset($1) as n (id uuid, opportunities integer, weekly numeric, annual numeric, currency text) where a.id = n.id",
            [serde_json::Value::from(summaries).into()],
        )
        .await?;
    Ok(ids)
}

/// The columns that a reviewer's doings may change.
fn as_json(row: &automation_opportunity::Model) -> serde_json::Value {
    json!({
        "id": row.id, "title": row.title, "process_key": row.process_key, "current_time_per_occurrence_seconds": row.current_time_per_occurrence_seconds,
        "occurrences_per_day": row.occurrences_per_day, "frequency_basis": row.frequency_basis.as_str(), "people_count": row.people_count,
        "automation_complexity": row.automation_complexity.map(Complexity::as_str), "implementation_effort_hours": row.implementation_effort_hours,
        "effort_basis": row.effort_basis.as_str(), "estimated_cost_savings_monthly": row.estimated_cost_savings_monthly, "monthly_savings_low": row.monthly_savings_low,
        "monthly_savings_high": row.monthly_savings_high, "hours_saved_monthly": row.hours_saved_monthly, "estimated_implementation_cost": row.estimated_implementation_cost,
        "roi_percentage": row.roi_percentage, "payback_period_days": row.payback_period_days, "counted": row.counted, "priority": row.priority.map(Priority::as_str),
        "priority_reason": row.priority_reason, "status": row.status.as_str(), "reviewer_input": row.reviewer_input, "reviewed_by": row.reviewed_by,
        "reviewed_at": row.reviewed_at, "review_note": row.review_note, "dismissal_reason": row.dismissal_reason, "implemented_at": row.implemented_at,
        "actual_implementation_cost": row.actual_implementation_cost, "measured_seconds_after": row.measured_seconds_after,
        "realised_savings_monthly": row.realised_savings_monthly,
        "rests_on": { PRIORITY_INPUTS: row.record_metadata.get(PRIORITY_INPUTS), WORTH: row.record_metadata.get(WORTH) },
    })
}

/// Writes rows made by [`as_json`]: all of them, or none.
async fn save(scope: &Scope, rows: Vec<serde_json::Value>) -> Result<()> {
    let count = rows.len() as u64;
    if count == 0 {
        return Ok(());
    }
    let touched = scope
        .run(
            "update public.automation_opportunities o
                set title = n.title, process_key = n.process_key, current_time_per_occurrence_seconds = n.current_time_per_occurrence_seconds, occurrences_per_day = n.occurrences_per_day,
                    frequency_basis = n.frequency_basis, people_count = n.people_count, automation_complexity = n.automation_complexity, implementation_effort_hours = n.implementation_effort_hours,
                    effort_basis = n.effort_basis, estimated_cost_savings_monthly = n.estimated_cost_savings_monthly, monthly_savings_low = n.monthly_savings_low,
                    monthly_savings_high = n.monthly_savings_high, hours_saved_monthly = n.hours_saved_monthly, estimated_implementation_cost = n.estimated_implementation_cost,
                    roi_percentage = n.roi_percentage, payback_period_days = n.payback_period_days, counted = n.counted, priority = n.priority, priority_reason = n.priority_reason, status = n.status,
                    reviewer_input = n.reviewer_input, reviewed_by = n.reviewed_by, reviewed_at = n.reviewed_at, review_note = n.review_note, dismissal_reason = n.dismissal_reason,
                    implemented_at = n.implemented_at, actual_implementation_cost = n.actual_implementation_cost, measured_seconds_after = n.measured_seconds_after,
                    realised_savings_monthly = n.realised_savings_monthly, record_metadata = o.record_metadata || n.rests_on
               from jsonb_to_recordset($1) as n (id uuid, title text, process_key text, current_time_per_occurrence_seconds double precision, occurrences_per_day double precision, frequency_basis text,
                    people_count integer, automation_complexity text, implementation_effort_hours numeric, effort_basis text, estimated_cost_savings_monthly numeric, monthly_savings_low numeric,
                    monthly_savings_high numeric, hours_saved_monthly numeric, estimated_implementation_cost numeric, roi_percentage numeric, payback_period_days integer, counted boolean, priority text,
                    priority_reason text, status text, reviewer_input jsonb, reviewed_by uuid, reviewed_at timestamptz, review_note text, dismissal_reason text, implemented_at timestamptz,
                    actual_implementation_cost numeric, measured_seconds_after double precision, realised_savings_monthly numeric, rests_on jsonb)
              where o.id = n.id",
            [serde_json::Value::from(rows).into()],
        )
        .await?;
    if touched == count { Ok(()) } else { Err(replaced()) }
}
