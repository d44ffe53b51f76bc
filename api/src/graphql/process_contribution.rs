//! From a sum of money to the seconds that show it: what each process adds, and the opportunities that it was pooled from.

use std::sync::Arc;

use async_graphql::{Context, Object};
use domain::category::WorkflowCategory;
use domain::roi::FrequencyBasis;
use domain::status::OpportunityStatus;
use rust_decimal::Decimal as Exact;
use service::page::{DEFAULT_SIZE, MAX_SIZE};
use service::valuation::Contributed;

use super::automation_opportunity::AutomationOpportunity;
use super::context::InRequest as _;
use super::error::{Failure, Result};
use super::loader::ById;
use super::page::{RowObject as _, asked};
use super::scalar::{Decimal, Money};

/// What one process adds to a sum, as it is shown.
pub struct ProcessContribution {
    contributed: Contributed,
    currency: Arc<str>,
}

impl ProcessContribution {
    /// A part of what adds to a sum.
    ///
    /// # Errors
    /// `BAD_USER_INPUT` for a part below or above what is allowed.
    pub fn list(
        contributed: &[Contributed],
        currency: &str,
        first: Option<i32>,
        skip: Option<i32>,
    ) -> Result<Vec<Self>> {
        let currency: Arc<str> = currency.into();
        Ok(part(contributed, first, skip)?
            .iter()
            .map(|one| Self {
                contributed: one.clone(),
                currency: currency.clone(),
            })
            .collect())
    }

    fn money(&self, amount: Exact) -> Money {
        Money::of(amount, &self.currency)
    }
}

/// `first` of a list, after the first `skip`.
fn part<T>(all: &[T], first: Option<i32>, skip: Option<i32>) -> Result<&[T]> {
    let refused = |field, reason| Failure::from(service::Error::invalid(field, reason));
    let first = usize::try_from(first.unwrap_or(DEFAULT_SIZE as i32))
        .ok()
        .filter(|first| (1..=MAX_SIZE as usize).contains(first))
        .ok_or_else(|| refused("first", format!("must be between 1 and {MAX_SIZE}")))?;
    let skip = usize::try_from(skip.unwrap_or(0)).map_err(|_| refused("skip", "must not be negative".to_owned()))?;
    let rest = all.get(skip..).unwrap_or_default();
    Ok(&rest[..first.min(rest.len())])
}

/// What one process adds to a sum, in the base scenario. The savings of all of them add up to the sum to the cent; the evidence of
/// their opportunities shows each in its recordings.
#[Object]
impl ProcessContribution {
    /// The process: its normalised sequence of applications and steps, as corrected by reviewers.
    async fn process_key(&self) -> &str {
        &self.contributed.process_key
    }

    /// The kind of work that its newest observation has.
    async fn category(&self) -> WorkflowCategory {
        self.contributed.category
    }

    /// The furthest that it has come: PROPOSED, ACCEPTED or IMPLEMENTED. It counts as identified, from ACCEPTED on as accepted too.
    async fn status(&self) -> OpportunityStatus {
        self.contributed.status
    }

    /// What its frequency is known from: DECLARED or MEASURED, since nothing else enters a sum.
    async fn frequency_basis(&self) -> FrequencyBasis {
        self.contributed.frequency_basis
    }

    /// How often a person does it on a working day.
    async fn occurrences_per_day(&self) -> f64 {
        self.contributed.occurrences_per_day
    }

    /// How many people do it.
    async fn people_count(&self) -> i32 {
        i32::try_from(self.contributed.people).unwrap_or(i32::MAX)
    }

    /// How often all recordings saw it from beginning to end.
    async fn occurrences_observed(&self) -> i32 {
        i32::try_from(self.contributed.occurrences_observed).unwrap_or(i32::MAX)
    }

    /// Recorded time of the recordings that show it, without idle time, in seconds.
    async fn observed_seconds(&self) -> f64 {
        self.contributed.observed_seconds
    }

    /// Hours saved a month.
    async fn hours_saved_monthly(&self) -> Decimal {
        self.contributed.saved_hours.into()
    }

    /// Saved a month, after upkeep and licences.
    async fn monthly_savings(&self) -> Money {
        self.money(self.contributed.monthly_savings)
    }

    /// Saved a year: twelve months.
    async fn annual_savings(&self) -> Money {
        self.money(self.contributed.monthly_savings * Exact::from(12))
    }

    /// What building its automation costs.
    async fn implementation_cost(&self) -> Money {
        self.money(self.contributed.implementation_cost)
    }

    /// The share of its shown time that no other process claims, 0 to 1: the same seconds count once.
    async fn own_share(&self) -> f64 {
        self.contributed.own_share
    }

    /// Whether it was cut, because a person's day holds only so many hours.
    async fn capped(&self) -> bool {
        self.contributed.capped
    }

    /// How many opportunities it was pooled from when the sum was made.
    async fn opportunities_count(&self) -> i32 {
        i32::try_from(self.contributed.opportunities.len()).unwrap_or(i32::MAX)
    }

    /// The opportunities that it was pooled from, newest first: evidence, frames and recording of each show it. Those that a new reading
    /// has replaced since, or that were erased, are left out.
    async fn opportunities(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "How many, 1 to 100; 20 if not said.")] first: Option<i32>,
        #[graphql(desc = "How many to pass over.")] skip: Option<i32>,
    ) -> Result<Vec<AutomationOpportunity>> {
        let read = ctx.request()?.read()?;
        let columns = asked::<AutomationOpportunity>(ctx.field());
        let wanted = part(&self.contributed.opportunities, first, skip)?;
        let rows = read
            .get_all(wanted.iter().map(|id| ById::new(id.uuid(), columns)))
            .await?;
        Ok(rows
            .into_iter()
            .map(|row| AutomationOpportunity::of(&read, row))
            .collect())
    }
}
