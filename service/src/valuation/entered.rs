//! What people entered: a reviewer about one opportunity, the organization about all of them.

use domain::id::OrganizationId;
use domain::money::Currency;
use domain::roi::assumptions::{Assumptions, Overrides};
use domain::roi::{Complexity, EffortBasis, FrequencyBasis, Priority, ValueSource};
use entity::automation_opportunity;
use rust_decimal::Decimal;
use sea_orm::FromQueryResult;
use serde::{Deserialize, Serialize};

use crate::db::Scope;
use crate::error::{Error, Result};

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
