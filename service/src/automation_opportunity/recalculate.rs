//! Calculating costs anew: of one analysis, or of all that are current.

use std::collections::BTreeMap;

use chrono::{DateTime, Utc};
use domain::id::{AnalysisId, OrganizationId, RecalculationId, SessionId};
use domain::roi::{Assumptions, Evidence, Overrides, ValueSource};
use entity::automation_opportunity;
use sea_orm::{ColumnTrait, EntityTrait, FromQueryResult, QueryFilter, QueryOrder};
use sqlx::Row as _;
use sqlx::postgres::PgRow;
use uuid::Uuid;

use super::review::{Sheet, facts, lock, revalue, rows_of, settle};
use crate::act::{Act, Change};
use crate::db::{Db, Lease, LeaseSubject, Scope, call};
use crate::error::{Error, Result};
use crate::queue::{self, JobKind};
use crate::valuation::{self, Observed};

/// How many analyses are calculated in one transaction: locks and row versions of a few seconds at most.
const PART: i64 = 50;

async fn assumptions(scope: &Scope, organization: OrganizationId, overrides: &Overrides) -> Result<Assumptions> {
    valuation::assumptions(scope, organization)
        .await?
        .with(overrides, ValueSource::Reviewer)
        .map_err(|error| Error::invalid(format!("input.assumptions.{}", error.field), error.reason))
}

/// Calculates the costs of one analysis anew, with other assumptions for this calculation where some are given.
///
/// # Errors
/// [`Error::NotFound`], [`Error::Forbidden`] for operators, [`Error::Invalid`] for an assumption out of bounds.
pub async fn one(
    scope: &Scope,
    analysis: AnalysisId,
    overrides: &Overrides,
    act: &Act,
) -> Result<domain::id::CostAnalysisId> {
    #[derive(FromQueryResult)]
    struct Id {
        session_id: Uuid,
    }
    let member = scope.caller()?.managing_writer()?;
    let found: Id = scope
        .row(
            "select session_id from public.analysis_results where id = $1 and status = 'completed'",
            [analysis.uuid().into()],
        )
        .await?
        .ok_or(Error::NotFound {
            what: "completed analysis",
        })?;
    lock(scope, &[analysis]).await?;
    let assumptions = assumptions(scope, member.organization, overrides).await?;
    let rows = rows_of(scope, analysis).await?;
    let ids = (member.organization, SessionId::new(found.session_id), analysis);
    let cost = revalue(scope, ids, rows, &assumptions, act.now).await?;
    act.note(
        scope,
        Change {
            action: "cost_analysis.recalculate",
            subject_type: "analysis",
            subject: analysis.uuid(),
            fields: &[],
        },
    )
    .await?;
    Ok(cost)
}

/// Asks for the costs of all current analyses to be calculated anew, by a worker, with other assumptions for this calculation where
/// some are given; noted in the audit log. Answers how many analyses are current now.
///
/// # Errors
/// [`Error::Forbidden`] for operators, [`Error::Invalid`] for an assumption out of bounds; those of the database.
pub async fn all(scope: &Scope, overrides: &Overrides, act: &Act) -> Result<i64> {
    #[derive(FromQueryResult)]
    struct Count {
        count: i64,
    }
    let organization = scope.caller()?.managing_writer()?.organization;
    assumptions(scope, organization, overrides).await?;
    let given = serde_json::to_value(overrides)
        .map_err(|error| Error::internal(format!("assumptions cannot be stored: {error}")))?;
    let id = Uuid::now_v7();
    scope
        .run(
            "insert into public.cost_recalculations (id, organization_id, assumptions, created_at) values ($1, $2, $3, $4)",
            [id.into(), organization.uuid().into(), given.into(), act.now.into()],
        )
        .await?;
    queue::enqueue(scope, JobKind::RecalculateCosts, id).await?;
    act.note(
        scope,
        Change {
            action: "cost_analysis.recalculate_all",
            subject_type: "organization",
            subject: organization.uuid(),
            fields: &[],
        },
    )
    .await?;
    let current: Option<Count> = scope
        .row(
            "select count(*) as count from public.analysis_results where is_current",
            [],
        )
        .await?;
    Ok(current.map_or(0, |current| current.count))
}

/// A calculation of all current analyses in a worker's hands. What they share is read once: the assumptions, and what all recordings
/// saw of each process, which no calculation changes. So the whole takes time in proportion to the opportunities.
pub struct Recalculation {
    id: RecalculationId,
    organization: OrganizationId,
    lease: Lease,
    shared: Option<(Assumptions, BTreeMap<String, Evidence>)>,
}

/// Takes a recalculation up as a new attempt, after which an earlier one can write no more; none when it is done.
///
/// # Errors
/// Those of the database.
pub async fn begin(db: &Db, id: RecalculationId) -> Result<Option<Recalculation>> {
    let system = db.system();
    let row: Option<PgRow> = call!(
        system,
        fetch_optional,
        "select attempt, lease, organization_id from private.begin_recalculation($1)",
        id.uuid()
    );
    let Some(row) = row else { return Ok(None) };
    Ok(Some(Recalculation {
        id,
        organization: OrganizationId::new(row.try_get("organization_id")?),
        lease: Lease {
            subject: LeaseSubject::Recalculation(id),
            attempt: row.try_get("attempt")?,
            token: row.try_get("lease")?,
        },
        shared: None,
    }))
}

impl Recalculation {
    /// Calculates the next part, in one transaction with the mark that it is done. False when there was none left, or when a later
    /// attempt has taken over.
    ///
    /// # Errors
    /// Those of the database; [`Error::Invalid`] when the assumptions have gone out of bounds since they were given.
    pub async fn next(&mut self, db: &Db, now: DateTime<Utc>) -> Result<bool> {
        #[derive(FromQueryResult)]
        struct Waiting {
            assumptions: serde_json::Value,
            done_to: Option<Uuid>,
        }
        #[derive(FromQueryResult)]
        struct Current {
            id: Uuid,
            session_id: Uuid,
        }
        let scope = db.worker_scope(&self.lease).await?;
        let waiting: Option<Waiting> = scope
            .row(
                "select assumptions, done_to from public.cost_recalculations where id = $1 for update",
                [self.id.uuid().into()],
            )
            .await?;
        let Some(waiting) = waiting else { return Ok(false) };
        let shared = match self.shared.take() {
            Some(shared) => shared,
            None => self.read(&scope, waiting.assumptions).await?,
        };
        let (assumptions, pooled) = self.shared.insert(shared);
        let part: Vec<Current> = scope
            .rows(
                "select id, session_id from public.analysis_results where is_current and ($1::uuid is null or id > $1) order by id limit $2",
                [waiting.done_to.into(), PART.into()],
            )
            .await?;
        if let Some(last) = part.last() {
            let last = last.id;
            let part: Vec<_> = part.iter().map(|row| (row.session_id.into(), row.id.into())).collect();
            calculate(&scope, self.organization, &part, (assumptions, pooled), now).await?;
            scope
                .run(
                    "update public.cost_recalculations set done_to = $2 where id = $1",
                    [self.id.uuid().into(), last.into()],
                )
                .await?;
        } else {
            scope
                .run(
                    "delete from public.cost_recalculations where id = $1",
                    [self.id.uuid().into()],
                )
                .await?;
        }
        scope.commit().await?;
        Ok(!part.is_empty())
    }

    async fn read(&self, scope: &Scope, given: serde_json::Value) -> Result<(Assumptions, BTreeMap<String, Evidence>)> {
        let overrides: Overrides = serde_json::from_value(given)
            .map_err(|error| Error::internal(format!("stored assumptions cannot be read: {error}")))?;
        let assumptions = assumptions(scope, self.organization, &overrides).await?;
        let observations = valuation::observations(scope, self.organization, Observed::Current).await?;
        let observations: Vec<_> = observations.into_iter().map(|(_, observation)| observation).collect();
        let pooled = valuation::evidence_by_process(&observations, &assumptions);
        Ok((assumptions, pooled))
    }
}

/// Calculates one part. An analysis that is gone or no longer current by now is passed over.
async fn calculate(
    scope: &Scope,
    organization: OrganizationId,
    part: &[(SessionId, AnalysisId)],
    (assumptions, pooled): (&Assumptions, &BTreeMap<String, Evidence>),
    now: DateTime<Utc>,
) -> Result<()> {
    // Reviews of these analyses wait, so that neither overwrites the other.
    let analyses: Vec<AnalysisId> = part.iter().map(|(_, analysis)| *analysis).collect();
    lock(scope, &analyses).await?;
    let facts = facts(scope, &analyses).await?;
    let mut opportunities: BTreeMap<AnalysisId, Vec<automation_opportunity::Model>> = BTreeMap::new();
    let rows = automation_opportunity::Entity::find()
        .filter(automation_opportunity::Column::AnalysisId.is_in(analyses))
        .order_by_asc(automation_opportunity::Column::Id)
        .all(scope)
        .await?;
    for row in rows {
        opportunities.entry(row.analysis_id).or_default().push(row);
    }
    let mut sheets = Vec::with_capacity(part.len());
    for (session, analysis) in part {
        let Some(facts) = facts.get(analysis).filter(|facts| facts.is_current) else {
            continue;
        };
        let rows = opportunities.remove(analysis).unwrap_or_default();
        sheets.push(Sheet {
            session: *session,
            analysis: *analysis,
            own: facts.observations(&rows)?,
            rows,
        });
    }
    settle(scope, organization, sheets, pooled, assumptions, now)
        .await
        .map(|_| ())
}
