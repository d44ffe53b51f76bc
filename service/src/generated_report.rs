//! Reports and the links that share them, read.

use std::sync::Arc;

use chrono::{DateTime, Utc};
use domain::id::{AnalysisId, ReportId, SessionId};
use domain::report::ReportType;
use domain::status::ReportStatus;

use crate::db::Scope;
use crate::error::Result;
use crate::page::{self, Direction, Filter, Key, Kind, Order, Page, Window};
use crate::row::{Columns, Wanted, table};
use crate::sql::Sql;

table!("public.generated_reports", "report", always [ID, ANALYSIS_ID, SESSION_ID], {
    ID = id: ReportId,
    ANALYSIS_ID = analysis_id: AnalysisId,
    SESSION_ID = session_id: SessionId,
    REPORT_TYPE = report_type: ReportType,
    STATUS = status: ReportStatus,
    PROGRESS = progress: f64,
    ERROR_MESSAGE = error_message: Option<&str>,
    LOCALE = locale: &str,
    FILE_URL = file_url: Option<&str>,
    FILE_SIZE_BYTES = file_size_bytes: Option<i64>,
    EXPIRES_AT = expires_at: Option<DateTime<Utc>>,
    IS_PUBLIC = is_public: bool,
    DOWNLOAD_COUNT = download_count: i32,
    CREATED_AT = created_at: DateTime<Utc>,
    UPDATED_AT = updated_at: DateTime<Utc>,
});

/// By when it was asked for.
pub const CREATED_AT: Key = Key {
    name: "created_at",
    column: Table::CREATED_AT,
    kind: Kind::Instant,
    nullable: false,
};

/// The order of a list: newest first unless it says otherwise.
pub fn order(keys: Vec<(Key, Direction)>) -> Order {
    Order::of(
        "report",
        if keys.is_empty() {
            vec![(CREATED_AT, Direction::Descending)]
        } else {
            keys
        },
    )
}

/// What [`Row::is_downloadable`] looks at.
pub const DOWNLOADABLE: Columns = Table::STATUS.and(Table::FILE_URL).and(Table::EXPIRES_AT);

impl Row {
    /// Whether there is a file to be had at this instant.
    ///
    /// # Errors
    /// As the columns'.
    pub fn is_downloadable(&self, now: DateTime<Utc>) -> Result<bool> {
        Ok(self.status()? == ReportStatus::Ready
            && self.file_url()?.is_some()
            && self.expires_at()?.is_none_or(|expiry| expiry > now))
    }
}

/// Which reports.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Reports {
    /// Of this analysis.
    pub analysis: Option<AnalysisId>,
    /// Of this session.
    pub session: Option<SessionId>,
    /// In one of these forms.
    pub report_type: Option<Vec<ReportType>>,
    /// In one of these states.
    pub status: Option<Vec<ReportStatus>>,
}

impl Filter for Reports {
    fn conditions(&self, sql: &mut Sql) {
        page::is(sql, "analysis_id", self.analysis);
        page::is(sql, "session_id", self.session);
        page::one_of(
            sql,
            "report_type",
            self.report_type
                .as_ref()
                .map(|list| list.iter().map(|v| v.as_str()).collect()),
        );
        page::one_of(
            sql,
            "status",
            self.status
                .as_ref()
                .map(|list| list.iter().map(|v| v.as_str()).collect()),
        );
    }
}

/// One page of reports.
///
/// # Errors
/// Those of the database.
pub async fn list(scope: &Scope, wanted: &Wanted, which: &Reports, window: &Arc<Window>) -> Result<Page<Table>> {
    page::list(scope, wanted, which, window).await
}

/// How many reports.
///
/// # Errors
/// Those of the database.
pub async fn count(scope: &Scope, which: &Reports) -> Result<i64> {
    page::count::<Table>(scope, which).await
}

/// A secret address of a report. Row security shows links to admins and owners only.
pub mod link {
    use chrono::{DateTime, Utc};
    use domain::id::{ReportId, ReportLinkId};

    use crate::page::{Direction, Key, Kind, Order};
    use crate::row::table;

    table!("public.report_links", "report link", always [ID, REPORT_ID], {
        ID = id: ReportLinkId,
        REPORT_ID = report_id: ReportId,
        INCLUDE_FRAMES = include_frames: bool,
        EXPIRES_AT = expires_at: DateTime<Utc>,
        REVOKED_AT = revoked_at: Option<DateTime<Utc>>,
        DOWNLOAD_COUNT = download_count: i32,
        CREATED_AT = created_at: DateTime<Utc>,
    });

    /// The oldest first.
    pub fn order() -> Order {
        let created = Key {
            name: "created_at",
            column: Table::CREATED_AT,
            kind: Kind::Instant,
            nullable: false,
        };
        Order::of("report_link", [(created, Direction::Ascending)])
    }
}
