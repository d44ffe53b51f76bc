//! What an organization's plan allows.

use rust_decimal::Decimal;

use crate::closed::closed;

closed! {
    /// The plan that sets an organization's limits. Set by the platform's operator.
    pub enum SubscriptionTier {
        /// For trying out: few members and recordings.
        Free = "free",
        /// For a department.
        Growth = "growth",
        /// For a company; the limits are agreed on and set by the platform's operator.
        Enterprise = "enterprise",
    }

    /// Whether an organization may add recordings and analyses. Set by the platform's operator.
    pub enum SubscriptionStatus {
        /// Everything within the limits is allowed.
        Active = "active",
        /// Reading, exporting and erasing only.
        Inactive = "inactive",
        /// As ACTIVE, before the first payment.
        Trial = "trial",
    }
}

impl SubscriptionStatus {
    /// Whether new recordings, analyses and reports may be started.
    pub const fn may_add(self) -> bool {
        matches!(self, Self::Active | Self::Trial)
    }
}

/// The limits of one organization.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Quota {
    /// Members, invited ones included once they accept.
    pub max_users: u32,
    /// Recordings started in a month of the organization's time zone.
    pub max_recordings_per_month: u32,
    /// Bytes in storage: recordings, frames, reports.
    pub max_storage_bytes: u64,
    /// Seconds of the longest recording.
    pub max_recording_seconds: u32,
    /// Analyses that run at the same time.
    pub max_parallel_analyses: u32,
    /// What remote models may cost in a month, in US dollars. Spent only where an owner allows remote analysis.
    pub model_budget_monthly_usd: Decimal,
    /// What one remote analysis may cost, in US dollars.
    pub model_budget_per_analysis_usd: Decimal,
}

const GIB: u64 = 1 << 30;
const HOUR: u32 = 3600;

impl SubscriptionTier {
    /// What a new organization of this tier starts with: the one table of limits.
    ///
    /// Users and recordings of FREE are those of the system that this one replaces (5 and 50); its budgets are the platform's
    /// defaults (USD 2 an analysis, 50 a month). All others are product settings without a source. A recorded hour is about
    /// 1.5 GiB (3.5 Mbit/s), so FREE stores its 50 recordings at a quarter of an hour each. The platform's operator changes any
    /// of them for any organization.
    pub const fn quota(self) -> Quota {
        match self {
            Self::Free => Quota {
                max_users: 5,
                max_recordings_per_month: 50,
                max_storage_bytes: 20 * GIB,
                max_recording_seconds: 2 * HOUR,
                max_parallel_analyses: 1,
                model_budget_monthly_usd: Decimal::from_parts(50, 0, 0, false, 0),
                model_budget_per_analysis_usd: Decimal::from_parts(2, 0, 0, false, 0),
            },
            Self::Growth => Quota {
                max_users: 50,
                max_recordings_per_month: 500,
                max_storage_bytes: 500 * GIB,
                max_recording_seconds: 8 * HOUR,
                max_parallel_analyses: 4,
                model_budget_monthly_usd: Decimal::from_parts(250, 0, 0, false, 0),
                model_budget_per_analysis_usd: Decimal::from_parts(2, 0, 0, false, 0),
            },
            Self::Enterprise => Quota {
                max_users: 1_000,
                max_recordings_per_month: 10_000,
                max_storage_bytes: 10_000 * GIB,
                max_recording_seconds: 12 * HOUR,
                max_parallel_analyses: 16,
                model_budget_monthly_usd: Decimal::from_parts(2_000, 0, 0, false, 0),
                model_budget_per_analysis_usd: Decimal::from_parts(5, 0, 0, false, 0),
            },
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_tier_allows_at_least_what_the_one_below_allows() {
        for pair in SubscriptionTier::ALL.windows(2) {
            let (less, more) = (pair[0].quota(), pair[1].quota());
            assert!(less.max_users < more.max_users);
            assert!(less.max_recordings_per_month < more.max_recordings_per_month);
            assert!(less.max_storage_bytes < more.max_storage_bytes);
            assert!(less.max_recording_seconds < more.max_recording_seconds);
            assert!(less.max_parallel_analyses < more.max_parallel_analyses);
            assert!(less.model_budget_monthly_usd < more.model_budget_monthly_usd);
            assert!(less.model_budget_per_analysis_usd <= more.model_budget_per_analysis_usd);
        }
    }

    #[test]
    fn a_free_plan_is_that_of_the_system_before() {
        let free = SubscriptionTier::Free.quota();
        assert_eq!((free.max_users, free.max_recordings_per_month), (5, 50));
    }

    #[test]
    fn an_inactive_organization_adds_nothing() {
        let may: Vec<_> = SubscriptionStatus::ALL
            .iter()
            .filter(|status| status.may_add())
            .collect();
        assert_eq!(may, [&SubscriptionStatus::Active, &SubscriptionStatus::Trial]);
    }
}
