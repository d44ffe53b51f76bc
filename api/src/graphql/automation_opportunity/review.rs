//! What people said about an opportunity. Apart because it is shown as an object of its own, although it lies in the same
//! row.

use std::sync::Arc;

use async_graphql::{Context, Object};
use service::automation_opportunity as row;

use crate::graphql::context::Read;
use crate::graphql::error::{Result, alone};
use crate::graphql::page::find;
use crate::graphql::scalar::{DateTime, Money};
use crate::graphql::user_profile::Member;

/// What people said about an opportunity.
pub struct Review {
    pub(super) read: Read,
    pub(super) row: Arc<row::Row>,
}

impl Review {
    fn money(&self, amount: Option<rust_decimal::Decimal>) -> Result<Option<Money>> {
        amount
            .map(|amount| Ok(Money::of(amount, self.row.currency()?)))
            .transpose()
    }
}

/// What people said about an opportunity, the last time.
#[Object]
impl Review {
    /// Who; null once the person has left, and where a key did it.
    async fn by(&self, ctx: &Context<'_>) -> Option<Result<Member>> {
        alone(async {
            match self.row.reviewed_by()? {
                Some(person) => find(ctx, &self.read, person).await,
                None => Ok(None),
            }
        })
        .await
    }

    /// When.
    fn at(&self) -> Result<DateTime> {
        let at = self.row.reviewed_at()?;
        Ok(at
            .ok_or_else(|| service::Error::internal("a review without a time"))?
            .into())
    }

    /// What was noted.
    fn note(&self) -> Result<Option<&str>> {
        Ok(self.row.review_note()?)
    }

    /// Why it was turned down; null unless it was.
    fn dismissal_reason(&self) -> Result<Option<&str>> {
        Ok(self.row.dismissal_reason()?)
    }

    /// Since when it is automated; null unless it is.
    fn implemented_at(&self) -> Result<Option<DateTime>> {
        Ok(self.row.implemented_at()?.map(Into::into))
    }

    /// What building it really cost; null while unknown.
    fn actual_implementation_cost(&self) -> Result<Option<Money>> {
        self.money(self.row.actual_implementation_cost()?)
    }

    /// What an occurrence takes since then, in seconds; null until it is measured.
    fn measured_seconds_after(&self) -> Result<Option<f64>> {
        Ok(self.row.measured_seconds_after()?)
    }

    /// What it really saves a month; null until it is measured.
    fn realised_savings_monthly(&self) -> Result<Option<Money>> {
        self.money(self.row.realised_savings_monthly()?)
    }
}
