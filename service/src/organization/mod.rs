//! The organization, read.

pub mod manage;

use chrono::{DateTime, Utc};
use domain::id::OrganizationId;
use domain::money::Currency;
use domain::quota::{SubscriptionStatus, SubscriptionTier};
use domain::roi::ValueSource;
use domain::roi::assumptions::{Assumptions, Overrides};
use rust_decimal::Decimal;

use crate::error::{Error, Result};
use crate::row::{Columns, table};

table!("public.organizations", "organization", always [ID], {
    ID = id: OrganizationId,
    NAME = name: &str,
    SUBSCRIPTION_TIER = subscription_tier: SubscriptionTier,
    SUBSCRIPTION_STATUS = subscription_status: SubscriptionStatus,
    MAX_USERS = max_users: i32,
    MAX_RECORDINGS_PER_MONTH = max_recordings_per_month: i32,
    MAX_STORAGE_BYTES = max_storage_bytes: i64,
    CURRENCY = currency: &str,
    LOCALE = locale: &str,
    TIME_ZONE = time_zone: &str,
    REMOTE_ANALYSIS_ALLOWED = remote_analysis_allowed: bool,
    MODEL_BUDGET_MONTHLY_USD = model_budget_monthly_usd: Decimal,
    MODEL_BUDGET_PER_ANALYSIS_USD = model_budget_per_analysis_usd: Decimal,
    RETENTION_VIDEO_DAYS = retention_video_days: i32,
    RETENTION_FRAME_DAYS = retention_frame_days: i32,
    RETENTION_RAW_REPLY_DAYS = retention_raw_reply_days: Option<i32>,
    DELETE_VIDEO_AFTER_ANALYSIS = delete_video_after_analysis: bool,
    ROI_DEFAULTS = roi_defaults: serde_json::Value,
    DELETION_REQUESTED_AT = deletion_requested_at: Option<DateTime<Utc>>,
    CREATED_AT = created_at: DateTime<Utc>,
    UPDATED_AT = updated_at: DateTime<Utc>,
});

/// What [`Row::assumptions`] looks at.
pub const ASSUMPTIONS: Columns = Table::CURRENCY.and(Table::TIME_ZONE).and(Table::ROI_DEFAULTS);

impl Row {
    /// What calculations start from: the platform's defaults with what the organization set itself.
    ///
    /// # Errors
    /// As the columns'; [`Error::Internal`] for stored values that are no assumptions.
    pub fn assumptions(&self) -> Result<Assumptions> {
        let currency: Currency = self
            .currency()?
            .parse()
            .map_err(|_| Error::internal("the organization has an unknown currency"))?;
        let overrides: Overrides = serde_json::from_value(self.roi_defaults()?)
            .map_err(|error| Error::internal(format!("the organization's assumptions cannot be read: {error}")))?;
        Assumptions::defaults(currency, self.time_zone()?)
            .with(&overrides, ValueSource::Organization)
            .map_err(|error| Error::internal(format!("the organization's assumptions are out of bounds: {error}")))
    }
}
