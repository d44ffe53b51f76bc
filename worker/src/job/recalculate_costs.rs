//! All current costs of an organization, calculated anew part by part. Whatever ends it, what is done is done: each part is a
//! transaction that moves the recalculation along with the money.

use std::time::Duration;

use chrono::{DateTime, Utc};
use domain::id::OrganizationId;
use service::automation_opportunity::recalculate::{self, Step};
use service::db::Db;
use service::queue::{Job, Verdict};

use super::retry;

/// After a part that failed where others went well, so long is waited before the next try, which costs none.
const PAUSE: Duration = Duration::from_secs(5);

/// Calculates whatever is left to calculate.
pub async fn run(db: &Db, clock: fn() -> DateTime<Utc>, job: &Job) -> Verdict {
    let organization = OrganizationId::new(job.subject);
    let mut parts = 0;
    let error = match calculate(db, clock, organization, job, &mut parts).await {
        Ok(verdict) => return verdict,
        Err(error) => error,
    };
    tracing::warn!(organization.id = %organization, attempt = job.attempt, parts, error = &error as &dyn std::error::Error, "costs could not be calculated anew");
    if parts > 0 {
        Verdict::Later(PAUSE)
    } else {
        retry("a part could not be calculated")
    }
}

async fn calculate(
    db: &Db,
    clock: fn() -> DateTime<Utc>,
    organization: OrganizationId,
    job: &Job,
    parts: &mut u32,
) -> service::Result<Verdict> {
    let Some(mut work) = recalculate::begin(db, organization).await? else {
        return Ok(Verdict::Done);
    };
    while !job.shutdown.is_cancelled() {
        match work.next(db, clock()).await? {
            Step::Part => *parts += 1,
            Step::Finished => {
                tracing::info!(organization.id = %organization, "costs are calculated anew");
                return Ok(Verdict::Done);
            }
            // Not ours to end any more: its job may be in another worker's hands.
            Step::Lost => return Ok(retry("another attempt has taken over")),
        }
    }
    Ok(Verdict::HandedBack)
}
