//! Calculating costs anew: of one analysis, or of all that are current.

use std::collections::BTreeMap;
use std::time::{Duration, Instant};

use chrono::{DateTime, Utc};
use domain::id::{AnalysisId, OrganizationId, RecalculationId, SessionId};
use domain::roi::{Assumptions, Evidence, Overrides, ValueSource};
use entity::automation_opportunity;
use sea_orm::{ColumnTrait, EntityTrait, FromQueryResult, QueryFilter, QueryOrder};
use sqlx::Row as _;
use sqlx::postgres::PgRow;
use uuid::Uuid;

use super::review::{Sheet, facts, revalue, rows_of, settle};
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

/// Calculates the costs of one analysis anew, with what its session declares now and with other assumptions for this calculation where
/// some are given.
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
    valuation::turn(scope, &[analysis]).await?;
    let assumptions = assumptions(scope, member.organization, overrides).await?;
    let before = rows_of(scope, analysis).await?;
    let mut rows = before.clone();
    if let Some(facts) = facts(scope, &[analysis]).await?.get(&analysis) {
        facts.declare(&mut rows);
    }
    let ids = (member.organization, SessionId::new(found.session_id), analysis);
    let cost = revalue(scope, ids, (before, rows), &assumptions, act.now).await?;
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
/// some are given; noted in the audit log. What was asked for before and is not done yet is done with these. Answers how many
/// analyses are current now.
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
    scope
        .run(
            "select private.request_recalculation($1, $2)",
            [given.into(), act.now.into()],
        )
        .await?;
    queue::enqueue(scope, JobKind::RecalculateCosts, organization.uuid()).await?;
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

/// A recalculation that was taken up so often without moving on is given up: it may be what its workers died of.
const MOST_TRIES: i32 = 10;
/// What all recordings saw of each process is read again when it is older than this: reviews go on meanwhile.
const FRESH: Duration = Duration::from_secs(10);

/// A calculation of all current analyses in a worker's hands. What they share is read once in a while, not for each: the assumptions,
/// and what all recordings saw of each process. So the whole takes time in proportion to the opportunities.
pub struct Recalculation {
    id: RecalculationId,
    organization: OrganizationId,
    lease: Lease,
    shared: Option<(Instant, Assumptions, BTreeMap<String, Evidence>)>,
}

/// What became of a part.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Step {
    /// It is done.
    Part,
    /// There was none left.
    Finished,
    /// Another attempt, or another request, has taken its place.
    Lost,
}

/// Takes an organization's recalculation up as a new attempt, after which an earlier one can write no more; none when there is
/// nothing to do.
///
/// # Errors
/// Those of the database.
pub async fn begin(db: &Db, organization: OrganizationId) -> Result<Option<Recalculation>> {
    let system = db.system();
    let row: Option<PgRow> = call!(
        system,
        fetch_optional,
        "select id, lease, tries from private.begin_recalculation($1)",
        organization.uuid()
    );
    let Some(row) = row else { return Ok(None) };
    let (id, tries): (Uuid, i32) = (row.try_get("id")?, row.try_get("tries")?);
    if tries > MOST_TRIES {
        fail(db, id, "its workers ended without a word, one after the other").await?;
        return Ok(None);
    }
    let id = RecalculationId::new(id);
    Ok(Some(Recalculation {
        id,
        organization,
        lease: Lease {
            subject: LeaseSubject::Recalculation(id),
            attempt: tries,
            token: row.try_get("lease")?,
        },
        shared: None,
    }))
}

impl Recalculation {
    /// Calculates the next part, in one transaction with the mark that it is done.
    ///
    /// # Errors
    /// Those of the database; [`Error::Invalid`] when the assumptions have gone out of bounds since they were given.
    pub async fn next(&mut self, db: &Db, now: DateTime<Utc>) -> Result<Step> {
        #[derive(FromQueryResult)]
        struct Waiting {
            assumptions: serde_json::Value,
            done_to: Option<Uuid>,
            until: Option<Uuid>,
        }
        #[derive(FromQueryResult)]
        struct Current {
            id: Uuid,
            session_id: Uuid,
        }
        let scope = db.worker_scope(&self.lease).await?;
        let waiting: Option<Waiting> = scope
            .row(
                // The token too: a row that was waited for is looked at again by what the statement says, not by what policies said.
                "select assumptions, done_to, until from public.cost_recalculations where id = $1 and lease_token = $2 for update",
                [self.id.uuid().into(), self.lease.token.into()],
            )
            .await?;
        let Some(waiting) = waiting else {
            return Ok(Step::Lost);
        };
        let part: Vec<Current> = scope
            .rows(
                "select id, session_id from public.analysis_results where is_current and ($1::uuid is null or id > $1) and id <= $2::uuid order by id limit $3 for key share",
                [waiting.done_to.into(), waiting.until.into(), PART.into()],
            )
            .await?;
        let (touched, step) = if let Some(last) = part.last() {
            let last = last.id;
            let part: Vec<_> = part.iter().map(|row| (row.session_id.into(), row.id.into())).collect();
            let shared = match self.shared.take().filter(|(read, _, _)| read.elapsed() < FRESH) {
                Some(shared) => shared,
                None => self.read(&scope, waiting.assumptions).await?,
            };
            let (_, assumptions, pooled) = self.shared.insert(shared);
            calculate(&scope, self.organization, &part, (assumptions, pooled), now).await?;
            let moved = scope
                .run(
                    "update public.cost_recalculations set done_to = $2, tries = 0 where id = $1",
                    [self.id.uuid().into(), last.into()],
                )
                .await?;
            (moved, Step::Part)
        } else {
            let gone = scope
                .run(
                    "delete from public.cost_recalculations where id = $1",
                    [self.id.uuid().into()],
                )
                .await?;
            (gone, Step::Finished)
        };
        if touched == 0 {
            return Ok(Step::Lost);
        }
        scope.commit().await?;
        Ok(step)
    }

    async fn read(
        &self,
        scope: &Scope,
        given: serde_json::Value,
    ) -> Result<(Instant, Assumptions, BTreeMap<String, Evidence>)> {
        let overrides: Overrides = serde_json::from_value(given)
            .map_err(|error| Error::internal(format!("stored assumptions cannot be read: {error}")))?;
        let assumptions = assumptions(scope, self.organization, &overrides).await?;
        let observations = valuation::observations(scope, self.organization, Observed::Current).await?;
        let observations: Vec<_> = observations.into_iter().map(|(_, observation)| observation).collect();
        let pooled = valuation::evidence_by_process(&observations, &assumptions);
        Ok((Instant::now(), assumptions, pooled))
    }
}

/// Gives it up; the audit log says so, and why. False when another request has taken its place.
pub(crate) async fn fail(db: &Db, id: Uuid, why: &str) -> Result<bool> {
    let system = db.system();
    let row: PgRow = call!(
        system,
        fetch_one,
        "select private.fail_recalculation($1, $2) as done",
        id,
        why
    );
    Ok(row.try_get("done")?)
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
    valuation::turn(scope, &analyses).await?;
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
        let before = opportunities.remove(analysis).unwrap_or_default();
        let mut rows = before.clone();
        facts.declare(&mut rows);
        sheets.push(Sheet {
            session: *session,
            analysis: *analysis,
            own: facts.observations(&rows)?,
            rows,
            before,
        });
    }
    settle(scope, organization, sheets, pooled, assumptions, now)
        .await
        .map(|_| ())
}
