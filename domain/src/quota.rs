//! What an organization's plan allows.

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
