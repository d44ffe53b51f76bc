//! Reports and the links that share them.

use std::sync::Arc;

use async_graphql::{Context, Enum, ID, InputObject, Object};
use domain::id::{AnalysisId, SessionId};
use domain::report::ReportType;
use domain::status::ReportStatus;
use futures::FutureExt as _;
use service::generated_report::{self as row, Reports, Table, link};
use service::look::Look;
use service::page::{Below, Direction, Key};
use service::row::Columns;
use service::signing::Subject;

use super::analysis_result::Analysis;
use super::at_once::AtHand;
use super::context::{InRequest as _, Read};
use super::error::Result;
use super::guard::Needs;
use super::look;
use super::page::{Connection, OrderDirection, RowObject, arguments, get, optional_id, whole};
use super::recording_session::RecordingSession;
use super::scalar::{BigInt, DateTime, Url};

/// A report made from an analysis.
pub struct Report {
    read: Read,
    row: Arc<row::Row>,
}

impl AtHand for Report {}

impl RowObject for Report {
    type Table = Table;

    fn columns(field: &str) -> Columns {
        match field {
            "reportType" => Table::REPORT_TYPE,
            "status" => Table::STATUS,
            "progress" => Table::PROGRESS,
            "errorMessage" => Table::ERROR_MESSAGE,
            "locale" => Table::LOCALE,
            "downloadUrl" => row::DOWNLOADABLE,
            "fileSizeBytes" => Table::FILE_SIZE_BYTES,
            "isPublic" => Table::IS_PUBLIC,
            "expiresAt" => Table::EXPIRES_AT,
            "downloadCount" => Table::DOWNLOAD_COUNT,
            "createdAt" => Table::CREATED_AT,
            _ => Columns::NONE,
        }
    }

    fn of(read: &Read, row: Arc<row::Row>) -> Self {
        Self {
            read: read.clone(),
            row,
        }
    }
}

/// A report made from an analysis. It never names the recorded person.
#[Object]
impl Report {
    /// Its id.
    pub async fn id(&self) -> Result<ID> {
        Ok(self.row.id()?.into())
    }

    /// The analysis that it was made from.
    async fn analysis(&self, ctx: &Context<'_>) -> Result<Analysis> {
        get(ctx, &self.read, self.row.analysis_id()?).await
    }

    /// The recording that it is about.
    async fn session(&self, ctx: &Context<'_>) -> Result<RecordingSession> {
        get(ctx, &self.read, self.row.session_id()?).await
    }

    /// Its form.
    fn report_type(&self) -> Result<ReportType> {
        Ok(self.row.report_type()?)
    }

    /// Where it stands.
    fn status(&self) -> Result<ReportStatus> {
        Ok(self.row.status()?)
    }

    /// How far it is, 0 to 1.
    fn progress(&self) -> Result<f64> {
        Ok(self.row.progress()?)
    }

    /// Why it could not be written; null unless its status is FAILED.
    fn error_message(&self) -> Result<Option<&str>> {
        Ok(self.row.error_message()?)
    }

    /// Its language: en, nl, fr or de.
    fn locale(&self) -> Result<&str> {
        Ok(self.row.locale()?)
    }

    /// Where its file is: signed for the caller, for a quarter of an hour; null unless it is READY and has not expired.
    fn download_url(&self, ctx: &Context<'_>) -> Result<Option<Url>> {
        let api = self.read.api();
        let now = api.clock.now();
        if !self.row.is_downloadable(now)? {
            return Ok(None);
        }
        look::note(ctx, &self.read, Look::Report, self.row.uuid()?);
        let signed = api
            .signer
            .sign(Subject::Report, self.row.uuid()?, self.read.caller().actor.uuid(), now);
        Ok(Some(Url(signed.url)))
    }

    /// Its size in bytes; null before it is READY.
    fn file_size_bytes(&self) -> Result<Option<BigInt>> {
        Ok(self.row.file_size_bytes()?.map(Into::into))
    }

    /// Whether it has been shared by a link.
    fn is_public(&self) -> Result<bool> {
        Ok(self.row.is_public()?)
    }

    /// Until when it is kept; null for as long as its analysis.
    fn expires_at(&self) -> Result<Option<DateTime>> {
        Ok(self.row.expires_at()?.map(Into::into))
    }

    /// How often it was fetched.
    fn download_count(&self) -> Result<i32> {
        Ok(self.row.download_count()?)
    }

    /// The links that share it, revoked ones too, the oldest first. For admins and owners; empty to others.
    async fn links(&self, ctx: &Context<'_>) -> Result<Vec<ReportLink>> {
        whole(ctx, &self.read, self.row.id()?, Below::all("report_id"), link::order()).await
    }

    /// When it was asked for.
    fn created_at(&self) -> Result<DateTime> {
        Ok(self.row.created_at()?.into())
    }
}

/// A secret address of a report.
pub struct ReportLink {
    row: Arc<link::Row>,
}

impl AtHand for ReportLink {}

impl RowObject for ReportLink {
    type Table = link::Table;

    fn columns(field: &str) -> Columns {
        use link::Table;
        match field {
            "includeFrames" => Table::INCLUDE_FRAMES,
            "expiresAt" => Table::EXPIRES_AT,
            "revokedAt" => Table::REVOKED_AT,
            "downloadCount" => Table::DOWNLOAD_COUNT,
            "createdAt" => Table::CREATED_AT,
            _ => Columns::NONE,
        }
    }

    fn of(_: &Read, row: Arc<link::Row>) -> Self {
        Self { row }
    }
}

/// A secret address of a report, for people without an account. The address itself is shown once, when it is made.
#[Object]
impl ReportLink {
    /// Its id.
    fn id(&self) -> Result<ID> {
        Ok(self.row.id()?.into())
    }

    /// Whether frames of the recording may be seen through it.
    fn include_frames(&self) -> Result<bool> {
        Ok(self.row.include_frames()?)
    }

    /// When it was made.
    fn created_at(&self) -> Result<DateTime> {
        Ok(self.row.created_at()?.into())
    }

    /// Until when it works.
    fn expires_at(&self) -> Result<Option<DateTime>> {
        Ok(Some(self.row.expires_at()?.into()))
    }

    /// When it was revoked; null while it works.
    fn revoked_at(&self) -> Result<Option<DateTime>> {
        Ok(self.row.revoked_at()?.map(Into::into))
    }

    /// How often the report was fetched through it.
    fn download_count(&self) -> Result<i32> {
        Ok(self.row.download_count()?)
    }
}

/// Which reports; what is left out does not restrict.
#[derive(Default, InputObject)]
pub struct ReportFilter {
    /// Of this analysis.
    analysis_id: Option<ID>,
    /// Of this session.
    session_id: Option<ID>,
    /// In one of these forms.
    report_type: Option<Vec<ReportType>>,
    /// In one of these states.
    status: Option<Vec<ReportStatus>>,
}

impl ReportFilter {
    fn reports(self) -> Result<Reports> {
        Ok(Reports {
            analysis: optional_id::<AnalysisId>(self.analysis_id.as_ref(), "filter.analysisId")?,
            session: optional_id::<SessionId>(self.session_id.as_ref(), "filter.sessionId")?,
            report_type: self.report_type,
            status: self.status,
        })
    }
}

/// What reports can be ordered by.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Enum)]
pub enum ReportOrderField {
    /// When it was asked for.
    CreatedAt,
}

/// One key of an order of reports.
#[derive(InputObject)]
pub struct ReportOrder {
    /// By what.
    field: ReportOrderField,
    /// Which way.
    #[graphql(default_with = "OrderDirection::Desc")]
    direction: OrderDirection,
}

impl ReportOrder {
    fn keys(orders: Option<Vec<Self>>) -> Vec<(Key, Direction)> {
        let key = |order: Self| {
            let key = match order.field {
                ReportOrderField::CreatedAt => row::CREATED_AT,
            };
            (key, order.direction.into())
        };
        orders.unwrap_or_default().into_iter().map(key).collect()
    }
}

/// Queries about reports.
#[derive(Default)]
pub struct ReportQuery;

#[Object]
impl ReportQuery {
    /// The organization's reports, the newest first unless ordered otherwise.
    #[graphql(guard = "Needs::Member")]
    async fn reports(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "Which reports.")] filter: Option<ReportFilter>,
        #[graphql(desc = "The order, by the first key first; newest first unless said.")] order_by: Option<
            Vec<ReportOrder>,
        >,
        #[graphql(desc = "How many from the start: 20 unless said, 100 at most.")] first: Option<i32>,
        #[graphql(desc = "Only those behind this cursor.")] after: Option<String>,
        #[graphql(desc = "How many from the end, 100 at most.")] last: Option<i32>,
        #[graphql(desc = "Only those before this cursor.")] before: Option<String>,
    ) -> Result<Option<Connection<Report>>> {
        let read = ctx.request()?.read()?;
        let which = Arc::new(filter.unwrap_or_default().reports()?);
        let counted = Arc::clone(&which);
        let connection = Connection::list(
            ctx,
            &read,
            row::order(ReportOrder::keys(order_by)),
            arguments(first, after, last, before),
            async |scope, columns, window| row::list(scope, columns, &which, window).await,
            move |reader| {
                let which = Arc::clone(&counted);
                async move { reader.load(async |scope| row::count(scope, &which).await).await }.boxed()
            },
        );
        Ok(Some(connection.await?))
    }
}
