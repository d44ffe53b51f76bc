//! The platform's figures: what the seed document calls "total platform impact", with each recording and process counted once.

use std::collections::BTreeMap;

use domain::id::OrganizationId;
use domain::roi::{self, Reviews};
use rust_decimal::Decimal;
use serde::Serialize;
use uuid::Uuid;

use crate::dashboard::{self, ByState};
use crate::db::Owner;
use crate::error::{Error, Result};
use crate::page::Range;
use crate::row::Decode;
use crate::sql::Sql;

/// Recordings of one calendar month (UTC).
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Month {
    /// `2026-11`.
    pub month: String,
    /// Recordings started in it, analysed or not.
    pub recordings: i64,
}

/// Three sums of money in one currency, a year.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Savings {
    /// ISO 4217.
    pub currency: String,
    /// The sums.
    #[serde(flatten)]
    pub annual: Sums,
}

/// Three sums, each holding the next.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize)]
pub struct Sums {
    /// Potential of everything that was found and not dismissed.
    pub identified: Decimal,
    /// Of these, what people accepted or implemented.
    pub accepted: Decimal,
    /// Of these, what is implemented: the only sum that may be called saved.
    pub implemented: Decimal,
}

impl From<ByState> for Sums {
    fn from(sums: ByState) -> Self {
        Self {
            identified: sums.identified,
            accepted: sums.accepted,
            implemented: sums.implemented,
        }
    }
}

/// The platform's figures about recordings started in a range.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Impact {
    /// Organizations with a completed analysis of such a recording.
    pub active_organizations: usize,
    /// Months with recordings, oldest first.
    pub recordings_per_month: Vec<Month>,
    /// Sessions with a completed analysis.
    pub analyses: i64,
    /// Hours a year, base scenario, over all organizations.
    pub annual_hours: Sums,
    /// Money a year, base scenario; no sum spans currencies.
    pub annual_savings: Vec<Savings>,
    /// Mean of the analysers' own estimates over the newest completed analysis of each session, `0..=1`.
    pub mean_confidence: Option<f64>,
    /// `accepted / (accepted + dismissed)`; none below ten reviews.
    pub review_precision: Option<f64>,
    /// Opportunities that people accepted or implemented.
    pub accepted: u32,
    /// Opportunities that people dismissed.
    pub dismissed: u32,
}

/// Works the figures out, organization by organization, at one moment of the database.
///
/// # Errors
/// Those of the database.
pub async fn impact(owner: &Owner, during: &Range) -> Result<Impact> {
    let scope = owner.snapshot().await?;
    let mut months = Sql::new(
        "select to_char(s.created_at at time zone 'UTC', 'YYYY-MM'), count(*) from public.recording_sessions s where true",
    );
    during.conditions(&mut months, "s.created_at");
    months.push(" group by 1 order by 1");
    let recordings_per_month = months
        .rows(&scope)
        .await?
        .iter()
        .map(|row| {
            Ok(Month {
                month: Decode::decode(row, 0)?,
                recordings: Decode::decode(row, 1)?,
            })
        })
        .collect::<Result<_>>()?;

    let mut seen = Sql::new(
        "select coalesce(array_agg(distinct a.organization_id), '{}'), count(*), avg(a.confidence_score) \
         from public.analysis_results a join public.recording_sessions s on s.organization_id = a.organization_id and s.id = a.session_id where a.is_current",
    );
    during.conditions(&mut seen, "s.created_at");
    let row = seen
        .row(&scope)
        .await?
        .ok_or_else(|| Error::internal("a sum without a row"))?;
    let organizations: Vec<Uuid> = sqlx::Row::try_get(&row, 0)?;

    let mut hours = roi::ByState::default();
    let mut money: BTreeMap<String, roi::ByState> = BTreeMap::new();
    let mut reviews = Reviews::default();
    for organization in &organizations {
        let worth = dashboard::worth(&scope, OrganizationId::new(*organization), during).await?;
        let sums = worth.sums();
        hours = hours.plus(sums);
        let sum = money.entry(worth.currency).or_default();
        *sum = sum.plus(sums);
        reviews = reviews.plus(worth.reviews);
    }
    Ok(Impact {
        active_organizations: organizations.len(),
        recordings_per_month,
        analyses: Decode::decode(&row, 1)?,
        annual_hours: ByState::of(&hours, |sums| sums.annual_hours.rounded().value()).into(),
        annual_savings: money
            .into_iter()
            .map(|(currency, sums)| Savings {
                currency,
                annual: ByState::of(&sums, |sums| sums.annual_savings.value()).into(),
            })
            .collect(),
        mean_confidence: Decode::decode(&row, 2)?,
        review_precision: reviews.precision(),
        accepted: reviews.accepted,
        dismissed: reviews.dismissed,
    })
}
