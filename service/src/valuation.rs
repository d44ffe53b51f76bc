//! What opportunities are worth: from rows to the domain's observations and back. Used when an analysis is recorded, when a
//! person corrects an opportunity, and when costs are calculated anew; the arithmetic itself is [`domain::roi`].

use std::collections::BTreeMap;

use chrono::{DateTime, NaiveDate, Utc};
use domain::category::WorkflowCategory;
use domain::effort::{Hours, PerDay, Seconds};
use domain::id::{AnalysisId, OpportunityId, OrganizationId, SessionId, UserId};
use domain::money::{Cost, Currency};
use domain::roi::CostAnalysis;
use domain::roi::Evidence;
use domain::roi::Pool;
use domain::roi::assumptions::{Assumptions, Overrides};
use domain::roi::{Complexity, EffortBasis, FrequencyBasis, Priority, ValueSource};
use domain::roi::{Observation, Worth, worth};
use domain::roi::{Verdict, priority, roi_score};
use domain::share::Share;
use domain::span::TimeSpan;
use domain::status::OpportunityStatus;
use entity::automation_opportunity;
use entity::cost_analysis;
use rust_decimal::Decimal;
use sea_orm::{FromQueryResult, Value};
use serde::{Deserialize, Serialize};
use serde_json::json;
use sqlx::postgres::PgRow;

use crate::db::Scope;
use crate::error::{Error, Result};
use crate::page::Range;
use crate::row::Decode;
use crate::sql::Sql;

/// What a person entered about an opportunity, apart from what was derived. Absent fields were left alone.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct ReviewerInput {
    /// Another title.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub title: Option<String>,
    /// The process that it really is.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub process_key: Option<String>,
    /// Seconds of one occurrence.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub current_time_per_occurrence_seconds: Option<f64>,
    /// Occurrences per person and working day.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub occurrences_per_day: Option<f64>,
    /// People who do it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub people_count: Option<i32>,
    /// How hard it is to automate.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub automation_complexity: Option<Complexity>,
    /// Hours to build it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub implementation_effort_hours: Option<Decimal>,
    /// A priority that overrides the rule's.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub priority: Option<Priority>,
}

impl ReviewerInput {
    /// From the column; what cannot be read counts as nothing entered.
    pub fn read(stored: &serde_json::Value) -> Self {
        serde_json::from_value(stored.clone()).unwrap_or_default()
    }

    /// Lays what was entered over what was derived.
    pub fn lay_over(&self, row: &mut automation_opportunity::Model) {
        if let Some(title) = &self.title {
            row.title.clone_from(title);
        }
        if let Some(key) = &self.process_key {
            row.process_key.clone_from(key);
        }
        if let Some(seconds) = self.current_time_per_occurrence_seconds {
            row.current_time_per_occurrence_seconds = Some(seconds);
        }
        if let Some(times) = self.occurrences_per_day {
            row.occurrences_per_day = Some(times);
            row.frequency_basis = FrequencyBasis::Declared;
        }
        if let Some(people) = self.people_count {
            row.people_count = people;
        }
        if let Some(complexity) = self.automation_complexity {
            row.automation_complexity = Some(complexity);
        }
        if let Some(hours) = self.implementation_effort_hours {
            row.implementation_effort_hours = Some(hours);
            row.effort_basis = EffortBasis::Entered;
        }
    }
}

#[derive(FromQueryResult)]
struct OrganizationTerms {
    currency: String,
    time_zone: String,
    roi_defaults: serde_json::Value,
}

/// The organization's assumptions: the platform's defaults with what the organization set itself.
///
/// # Errors
/// [`Error::NotFound`] outside a tenant's scope; those of the database.
pub async fn assumptions(scope: &Scope, organization: OrganizationId) -> Result<Assumptions> {
    let terms: OrganizationTerms = scope
        .row(
            "select currency, time_zone, roi_defaults from public.organizations where id = $1",
            [organization.uuid().into()],
        )
        .await?
        .ok_or(Error::NotFound { what: "organization" })?;
    let currency: Currency = terms
        .currency
        .parse()
        .map_err(|_| Error::internal("the organization has an unknown currency"))?;
    let overrides: Overrides = serde_json::from_value(terms.roi_defaults)
        .map_err(|error| Error::internal(format!("the organization's assumptions cannot be read: {error}")))?;
    Assumptions::defaults(currency, &terms.time_zone)
        .with(&overrides, ValueSource::Organization)
        .map_err(|error| Error::internal(format!("the organization's assumptions are out of bounds: {error}")))
}

/// How a query learns which recordings show the same person: the joined table `p` and the column. Jobs and the owner read who it
/// is; members are told without the name, and so come to the same sums whatever their role.
fn recorded_by(scope: &Scope) -> (&'static str, &'static str) {
    if scope.names_people() {
        ("", "s.user_id")
    } else {
        (
            "left join private.recorded_people() p on p.session_id = s.id",
            "lpad(to_hex(p.person), 32, '0')::uuid",
        )
    }
}

/// An opportunity that sums are made of.
#[derive(Debug, Clone)]
pub struct Current {
    /// The kind of work of its session; none while nobody classified it.
    pub workflow_type: Option<WorkflowCategory>,
    /// What the domain sees.
    pub observation: Observation,
}

/// The opportunities of every session's current analysis, of sessions started in this range, in the organization's own currency:
/// what sums over an organization are made of.
///
/// # Errors
/// Those of the database; [`Error::Internal`] when a row holds what the domain does not know.
pub async fn current(scope: &Scope, organization: OrganizationId, during: &Range) -> Result<Vec<Current>> {
    let (people, recorded_by) = recorded_by(scope);
    // The analyses first: there are few of them, and what is joined to each need not be joined to each opportunity.
    let mut sql = Sql::new(
        "with g as materialized (select g.currency, g.time_zone from public.organizations g where g.id = $1), \
         a as materialized (select a.id, coalesce(a.processing_completed_at, a.updated_at) as analysed_at, coalesce(s.content_sha256, s.id::text) as recording, ",
    );
    sql.value(organization.uuid()).push(recorded_by).push(
        " as person, (s.created_at at time zone (select time_zone from g))::date - date '1970-01-01' as day, s.workflow_type \
           from public.analysis_results a join public.recording_sessions s on s.organization_id = a.organization_id and s.id = a.session_id ",
    );
    sql.push(people).push(" where a.organization_id = $1 and a.is_current");
    during.conditions(&mut sql, "s.created_at");
    sql.push(
        ") select o.id, o.process_key, o.analysis_id, a.analysed_at, a.recording, a.person, o.opportunity_type, o.status, o.current_time_per_occurrence_seconds, \
           o.occurrences_observed, o.observed_seconds, a.day, o.evidence, case when o.frequency_basis = 'declared' then o.occurrences_per_day end, o.people_count, \
           o.automation_complexity, case when o.effort_basis = 'entered' then o.implementation_effort_hours end, o.actual_implementation_cost, o.measured_seconds_after, a.workflow_type \
         from a join public.automation_opportunities o on o.organization_id = $1 and o.analysis_id = a.id where o.currency = (select currency from g)",
    );
    sql.rows(scope).await?.iter().map(Current::decode).collect()
}

impl Current {
    fn decode(row: &PgRow) -> Result<Self> {
        let text = |at| -> Result<Option<String>> { Decode::decode(row, at) };
        let day: i32 = Decode::decode(row, 11)?;
        let observation = ObservationRow {
            id: Decode::decode(row, 0)?,
            process_key: Decode::decode(row, 1)?,
            analysis_id: Decode::decode(row, 2)?,
            analysed_at: Decode::decode(row, 3)?,
            recording: Decode::decode(row, 4)?,
            recorded_by: Decode::decode(row, 5)?,
            opportunity_type: Decode::decode(row, 6)?,
            status: Decode::decode(row, 7)?,
            current_time_per_occurrence_seconds: Decode::decode(row, 8)?,
            occurrences_observed: Decode::decode(row, 9)?,
            observed_seconds: Decode::decode(row, 10)?,
            recorded_on: NaiveDate::from_epoch_days(day).unwrap_or_default(),
            evidence: Decode::decode(row, 12)?,
            declared_per_day: Decode::decode(row, 13)?,
            people_count: Decode::decode(row, 14)?,
            automation_complexity: text(15)?,
            entered_effort: Decode::decode(row, 16)?,
            actual_implementation_cost: Decode::decode(row, 17)?,
            measured_seconds_after: Decode::decode(row, 18)?,
        };
        Ok(Self {
            workflow_type: Decode::decode(row, 19)?,
            observation: observation.observation()?,
        })
    }
}

#[derive(FromQueryResult)]
struct ObservationRow {
    id: uuid::Uuid,
    process_key: String,
    analysis_id: uuid::Uuid,
    analysed_at: DateTime<Utc>,
    recording: String,
    recorded_by: Option<uuid::Uuid>,
    opportunity_type: String,
    status: String,
    current_time_per_occurrence_seconds: Option<f64>,
    occurrences_observed: i32,
    observed_seconds: f64,
    recorded_on: NaiveDate,
    evidence: serde_json::Value,
    declared_per_day: Option<f64>,
    people_count: i32,
    automation_complexity: Option<String>,
    entered_effort: Option<Decimal>,
    actual_implementation_cost: Option<Decimal>,
    measured_seconds_after: Option<f64>,
}

/// Which opportunities to observe.
#[derive(Debug, Clone, Copy)]
pub enum Observed {
    /// Those of every session's current analysis, without this session's.
    CurrentExcept(SessionId),
    /// Those of every session's current analysis.
    Current,
    /// Those of one analysis, current or not.
    Analysis(AnalysisId),
}

/// Opportunities as the domain sees them, with the rows' ids.
///
/// # Errors
/// Those of the database; [`Error::Internal`] when a row holds what the domain does not know.
pub async fn observations(
    scope: &Scope,
    organization: OrganizationId,
    observed: Observed,
) -> Result<Vec<(OpportunityId, Observation)>> {
    let (people, recorded_by) = recorded_by(scope);
    let (condition, id) = match observed {
        Observed::CurrentExcept(session) => ("a.is_current and s.id <> $2", session.uuid()),
        Observed::Current => ("a.is_current and $2::uuid is not null", organization.uuid()),
        Observed::Analysis(analysis) => ("a.id = $2", analysis.uuid()),
    };
    let sql = format!(
        "select o.id, o.process_key, o.analysis_id, coalesce(a.processing_completed_at, a.updated_at) as analysed_at, coalesce(s.content_sha256, s.id::text) as recording,
                {recorded_by} as recorded_by, o.opportunity_type, o.status, o.current_time_per_occurrence_seconds, o.occurrences_observed, o.observed_seconds,
                (s.created_at at time zone g.time_zone)::date as recorded_on, o.evidence, case when o.frequency_basis = 'declared' then o.occurrences_per_day end as declared_per_day, o.people_count,
                o.automation_complexity, case when o.effort_basis = 'entered' then o.implementation_effort_hours end as entered_effort, o.actual_implementation_cost, o.measured_seconds_after
           from public.automation_opportunities o
           join public.analysis_results a on a.organization_id = o.organization_id and a.id = o.analysis_id
           join public.recording_sessions s on s.organization_id = o.organization_id and s.id = o.session_id
           join public.organizations g on g.id = o.organization_id
           {people}
          where o.organization_id = $1 and {condition} order by o.id"
    );
    let rows: Vec<ObservationRow> = scope.rows(&sql, [organization.uuid().into(), id.into()]).await?;
    rows.into_iter()
        .map(|row| Ok((OpportunityId::new(row.id), row.observation()?)))
        .collect()
}

impl ObservationRow {
    fn observation(self) -> Result<Observation> {
        let unknown = |what: &str| Error::internal(format!("an opportunity holds an unknown {what}"));
        let spans: Vec<TimeSpan> = serde_json::from_value(self.evidence).map_err(|_| unknown("evidence"))?;
        Ok(Observation {
            process_key: self.process_key,
            analysis: AnalysisId::new(self.analysis_id),
            analysed_at: self.analysed_at,
            recording: self.recording,
            recorded_by: self.recorded_by.map(UserId::new),
            category: self
                .opportunity_type
                .parse::<WorkflowCategory>()
                .map_err(|_| unknown("type"))?,
            status: self
                .status
                .parse::<OpportunityStatus>()
                .map_err(|_| unknown("status"))?,
            seconds_per_occurrence: self.current_time_per_occurrence_seconds.and_then(Seconds::from_f64),
            evidence: Evidence {
                occurrences: u32::try_from(self.occurrences_observed).unwrap_or(0),
                observed: Seconds::from_f64(self.observed_seconds).unwrap_or_default(),
                days: [self.recorded_on].into(),
            },
            spans,
            declared_per_day: self.declared_per_day.and_then(PerDay::from_f64),
            people: u32::try_from(self.people_count).unwrap_or(1),
            complexity: self
                .automation_complexity
                .map(|text| text.parse::<Complexity>().map_err(|_| unknown("complexity")))
                .transpose()?,
            effort: self.entered_effort.map(Hours::new),
            actual_cost: self.actual_implementation_cost.map(Cost::new),
            seconds_after: self.measured_seconds_after.and_then(Seconds::from_f64),
        })
    }
}

/// An opportunity as one analysis sees it, before it is a row.
pub fn observation_of(
    row: &automation_opportunity::Model,
    recording: String,
    recorded_by: Option<UserId>,
    recorded_on: NaiveDate,
    analysed_at: DateTime<Utc>,
) -> Result<Observation> {
    ObservationRow {
        id: row.id.uuid(),
        process_key: row.process_key.clone(),
        analysis_id: row.analysis_id.uuid(),
        analysed_at,
        recording,
        recorded_by: recorded_by.map(UserId::uuid),
        opportunity_type: row.opportunity_type.to_string(),
        status: row.status.to_string(),
        current_time_per_occurrence_seconds: row.current_time_per_occurrence_seconds,
        occurrences_observed: row.occurrences_observed,
        observed_seconds: row.observed_seconds,
        recorded_on,
        evidence: row.evidence.clone(),
        declared_per_day: row
            .occurrences_per_day
            .filter(|_| row.frequency_basis == FrequencyBasis::Declared),
        people_count: row.people_count,
        automation_complexity: row.automation_complexity.map(|complexity| complexity.to_string()),
        entered_effort: row
            .implementation_effort_hours
            .filter(|_| row.effort_basis == EffortBasis::Entered),
        actual_implementation_cost: row.actual_implementation_cost,
        measured_seconds_after: row.measured_seconds_after,
    }
    .observation()
}

/// What all recordings of an organization saw of each process; the same recording counts once.
pub fn evidence_by_process(observations: &[Observation], assumptions: &Assumptions) -> BTreeMap<String, Evidence> {
    Pool::of(observations, assumptions)
        .processes
        .into_iter()
        .map(|process| (process.process_key, process.evidence))
        .collect()
}

/// Works an opportunity's worth out and writes it into the row's money columns.
pub fn price(
    row: &mut automation_opportunity::Model,
    observation: &Observation,
    pooled: Option<&Evidence>,
    assumptions: &Assumptions,
) -> (Worth, Verdict) {
    let worth = worth(observation, pooled, assumptions);
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
    (worth, verdict)
}

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

/// The row of a cost analysis. `assumptions` are stored complete, so that it can be understood years later.
///
/// # Errors
/// [`Error::Internal`] when it cannot be stored as JSON.
pub fn cost_row(
    ids: (OrganizationId, SessionId, AnalysisId),
    costs: &CostAnalysis,
    assumptions: &Assumptions,
    now: DateTime<Utc>,
) -> Result<cost_analysis::Model> {
    let json = |error: serde_json::Error| Error::internal(format!("a cost analysis cannot be stored: {error}"));
    let figures = costs.figures.as_ref();
    let mut stored = serde_json::to_value(assumptions).map_err(json)?;
    if let Some(object) = stored.as_object_mut() {
        object.insert("confidence_reason".to_owned(), costs.confidence_reason.clone().into());
        object.insert("counted".to_owned(), costs.counted.into());
        object.insert("uncounted".to_owned(), costs.uncounted.into());
    }
    let money = |value: Decimal| value.round_dp(2);
    Ok(cost_analysis::Model {
        id: uuid::Uuid::now_v7().into(),
        analysis_id: ids.2,
        session_id: ids.1,
        organization_id: ids.0,
        currency: assumptions.currency().code().to_owned(),
        current_monthly_hours: figures.map(|f| money(f.current_hours.value())),
        current_monthly_cost: figures.map(|f| money(f.current_cost.value())),
        projected_monthly_hours: figures.map(|f| money(f.projected_hours.value())),
        projected_monthly_cost: figures.map(|f| money(f.projected_cost.value())),
        total_implementation_cost: figures.map(|f| money(f.implementation_cost.value())),
        monthly_savings: figures.map(|f| money(f.monthly_savings.value())),
        annual_savings: figures.map(|f| money(f.annual_savings.value())),
        payback_period_days: figures
            .and_then(|f| f.payback_days)
            .and_then(|days| i32::try_from(days).ok()),
        roi_percentage: figures.and_then(|f| f.roi_percentage),
        current_hourly_rate: Some(money(assumptions.hourly_rate().value())),
        confidence_level: Some(costs.confidence),
        assumptions: stored,
        scenarios: serde_json::to_value(&costs.scenarios).map_err(json)?,
        created_at: now,
    })
}

/// The summary columns of an analysis that follow from its costs.
#[derive(Debug, Clone, PartialEq)]
pub struct Summary {
    /// Rows of opportunities.
    pub opportunities: i32,
    /// Potential, base scenario.
    pub time_savings_hours_weekly: Option<Decimal>,
    /// Potential, base scenario.
    pub cost_savings_annual: Option<Decimal>,
    /// The one currency.
    pub currency: String,
}

impl Summary {
    /// Of a cost analysis over so many opportunities.
    pub fn of(costs: &CostAnalysis, opportunities: usize, assumptions: &Assumptions) -> Self {
        Self {
            opportunities: i32::try_from(opportunities).unwrap_or(i32::MAX),
            time_savings_hours_weekly: costs.figures.as_ref().map(|f| f.weekly_hours.value().round_dp(2)),
            cost_savings_annual: costs.figures.as_ref().map(|f| f.annual_savings.value().round_dp(2)),
            currency: assumptions.currency().code().to_owned(),
        }
    }

    /// As bound values, in the order of the fields.
    pub fn values(&self) -> [Value; 4] {
        [
            self.opportunities.into(),
            self.time_savings_hours_weekly.into(),
            self.cost_savings_annual.into(),
            self.currency.clone().into(),
        ]
    }
}
