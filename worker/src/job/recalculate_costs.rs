//! All current costs of an organization, calculated anew part by part. Whatever ends it, what is done is done: each part is a
//! transaction that moves the recalculation along with the money.

use chrono::{DateTime, Utc};
use domain::id::RecalculationId;
use service::automation_opportunity::recalculate;
use service::db::Db;
use service::queue::{Job, Verdict};

use super::retry;

/// Calculates whatever is left to calculate.
pub async fn run(db: &Db, clock: fn() -> DateTime<Utc>, job: &Job) -> Verdict {
    let id = RecalculationId::new(job.subject);
    match calculate(db, clock, id, job).await {
        Ok(verdict) => verdict,
        Err(error) => {
            tracing::warn!(recalculation.id = %id, attempt = job.attempt, error = &error as &dyn std::error::Error, "costs could not be calculated anew");
            retry("a part could not be calculated")
        }
    }
}

async fn calculate(db: &Db, clock: fn() -> DateTime<Utc>, id: RecalculationId, job: &Job) -> service::Result<Verdict> {
    let Some(mut work) = recalculate::begin(db, id).await? else {
        return Ok(Verdict::Done);
    };
    while !job.shutdown.is_cancelled() {
        if !work.next(db, clock()).await? {
            tracing::info!(recalculation.id = %id, "costs are calculated anew");
            return Ok(Verdict::Done);
        }
    }
    Ok(Verdict::HandedBack)
}
