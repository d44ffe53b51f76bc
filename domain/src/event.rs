//! What a durable event of an organization can be about.

use crate::closed::closed;

closed! {
    /// What happened, in an organization's log of events.
    pub enum EventKind {
        /// A recording was started.
        SessionCreated = "session_created",
        /// A recording's title, category, settings or figures changed.
        SessionChanged = "session_changed",
        /// A recording moved to another status; `from` and `to` say which.
        SessionStatusChanged = "session_status_changed",
        /// A recording and everything derived from it was erased.
        SessionDeleted = "session_deleted",
        /// An analysis was queued or moved to another status; `from` and `to` say which.
        AnalysisStatusChanged = "analysis_status_changed",
        /// An analysis found an automation opportunity.
        OpportunityCreated = "opportunity_created",
        /// An opportunity was reviewed, corrected or worked out anew.
        OpportunityChanged = "opportunity_changed",
        /// An analysis wrote its insights.
        InsightsCreated = "insights_created",
        /// Costs and savings were worked out, for a new analysis or from new assumptions.
        CostAnalysisCreated = "cost_analysis_created",
        /// A report was asked for or moved to another status; `from` and `to` say which.
        ReportStatusChanged = "report_status_changed",
        /// A member joined, left, changed role or changed the profile.
        MemberChanged = "member_changed",
        /// The organization's name, settings, limits or permissions changed.
        OrganizationChanged = "organization_changed",
    }
}
