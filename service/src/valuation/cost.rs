//! The costs of an analysis: their row, and the summary that the analysis shows of them.

use chrono::{DateTime, Utc};
use domain::id::{AnalysisId, OrganizationId, SessionId};
use domain::roi::CostAnalysis;
use domain::roi::assumptions::Assumptions;
use entity::cost_analysis;
use rust_decimal::Decimal;
use sea_orm::Value;

use super::Contributed;
use crate::error::{Error, Result};

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
        let contributed = Contributed::all(&costs.processes);
        object.insert("processes".to_owned(), serde_json::to_value(contributed).map_err(json)?);
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
