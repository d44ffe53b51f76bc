//! The forms in which results leave the platform.

use crate::closed::closed;

closed! {
    /// The form of a report.
    pub enum ReportType {
        /// A document to print or send, with frames as evidence.
        Pdf = "pdf",
        /// A workbook with steps, opportunities, costs and the assumptions as editable cells.
        Excel = "excel",
        /// A page behind a secret address that expires and can be revoked.
        ShareableLink = "shareable_link",
        /// Everything an analysis found, for other programs.
        JsonExport = "json_export",
    }
}
