//! Where everything lies: the one place that spells keys and prefixes.

use domain::id::{AnalysisId, OrganizationId, ReportId, SessionId};

/// The key of one chunk of a recording.
pub fn chunk_key(organization: OrganizationId, session: SessionId, index: i32) -> String {
    format!("organizations/{organization}/recordings/{session}/chunks/{index}")
}

/// The key of a frame kept as evidence.
pub fn frame_key(organization: OrganizationId, session: SessionId, analysis: AnalysisId, index: u32) -> String {
    format!("organizations/{organization}/recordings/{session}/analyses/{analysis}/frames/{index}.jpg")
}

/// Everything that an analysis has stored.
pub fn analysis_prefix(organization: OrganizationId, session: SessionId, analysis: AnalysisId) -> String {
    format!("organizations/{organization}/recordings/{session}/analyses/{analysis}")
}

/// The key of a generated report.
pub fn report_key(organization: OrganizationId, report: ReportId, extension: &'static str) -> String {
    format!("organizations/{organization}/reports/{report}.{extension}")
}

/// All chunks of one session.
pub fn chunks_prefix(organization: OrganizationId, session: SessionId) -> String {
    format!("organizations/{organization}/recordings/{session}/chunks")
}

/// Everything of one session: chunks and frames.
pub fn session_prefix(organization: OrganizationId, session: SessionId) -> String {
    format!("organizations/{organization}/recordings/{session}")
}

/// Everything of one organization.
pub fn organization_prefix(organization: OrganizationId) -> String {
    format!("organizations/{organization}")
}
