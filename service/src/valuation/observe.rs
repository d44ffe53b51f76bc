//! Opportunities as the domain sees them, read from the database or made of a row that is not stored yet.

use chrono::{DateTime, NaiveDate, Utc};
use domain::category::WorkflowCategory;
use domain::effort::{Hours, PerDay, Seconds};
use domain::id::{AnalysisId, OpportunityId, OrganizationId, SessionId, UserId};
use domain::money::Cost;
use domain::roi::{Complexity, EffortBasis, Entered, Evidence, FrequencyBasis, Observation};
use domain::span::TimeSpan;
use domain::status::OpportunityStatus;
use entity::automation_opportunity;
use rust_decimal::Decimal;
use sea_orm::FromQueryResult;
use sqlx::postgres::PgRow;

use super::{ReviewerInput, derived_key};
use crate::db::Scope;
use crate::error::{Error, Result};
use crate::page::Range;
use crate::row::Decode;
use crate::sql::Sql;

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
    sql.push(&format!(
        ") select o.id, o.process_key, o.analysis_id, a.analysed_at, a.recording, a.person, o.opportunity_type, o.status, o.current_time_per_occurrence_seconds, \
           o.occurrences_observed, o.observed_seconds, a.day, o.evidence, case when o.frequency_basis = 'declared' then o.occurrences_per_day end, o.people_count, \
           o.automation_complexity, case when o.effort_basis = 'entered' then o.implementation_effort_hours end, o.actual_implementation_cost, o.measured_seconds_after, a.workflow_type, {DERIVED_KEY}, o.reviewed_at, {REVIEWER_INPUT} \
         from a join public.automation_opportunities o on o.organization_id = $1 and o.analysis_id = a.id where o.currency = (select currency from g)",
    ));
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
            derived_key: Decode::decode(row, 20)?,
            reviewed_at: Decode::decode(row, 21)?,
            reviewer_input: Decode::decode(row, 22)?,
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
    derived_key: String,
    reviewed_at: Option<DateTime<Utc>>,
    reviewer_input: Option<serde_json::Value>,
}

/// The process that a row was derived as. Metadata are large: they are looked at only where a reviewer entered another.
const DERIVED_KEY: &str = "case when o.reviewer_input -> 'process_key' is not null then coalesce(o.record_metadata #>> '{derived,process_key}', o.process_key) else o.process_key end as derived_key";
/// What a reviewer entered, where one did.
const REVIEWER_INPUT: &str = "nullif(o.reviewer_input, '{}') as reviewer_input";

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
                o.automation_complexity, case when o.effort_basis = 'entered' then o.implementation_effort_hours end as entered_effort, o.actual_implementation_cost, o.measured_seconds_after,
                {DERIVED_KEY}, o.reviewed_at, {REVIEWER_INPUT}
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
        let input = self
            .reviewer_input
            .as_ref()
            .map(ReviewerInput::read)
            .unwrap_or_default();
        let people = u32::try_from(self.people_count).unwrap_or(1);
        let entered = Entered {
            at: self.reviewed_at,
            process_key: input.process_key,
            seconds: input.current_time_per_occurrence_seconds.and_then(Seconds::from_f64),
            // On the opportunity, or for the whole recording; one is what nobody entered.
            people: input
                .people_count
                .map_or((people != 1).then_some(people), |_| Some(people)),
            complexity: input.automation_complexity,
        };
        Ok(Observation {
            opportunities: vec![OpportunityId::new(self.id)],
            process_key: self.process_key,
            derived_key: self.derived_key,
            entered,
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
            people,
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
        derived_key: derived_key(row).to_owned(),
        reviewed_at: row.reviewed_at,
        reviewer_input: Some(row.reviewer_input.clone()),
    }
    .observation()
}
