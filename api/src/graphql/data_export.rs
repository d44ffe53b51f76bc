//! Exports of what is stored.

use std::sync::Arc;

use async_graphql::{Context, Enum, ID, Object};
use domain::id::ExportId;
use domain::status::ExportStatus;
use futures::FutureExt as _;
use service::data_export::{self as row, Table};
use service::look::Look;
use service::row::Columns;
use service::signing::Subject;

use super::at_once::AtHand;
use super::context::{InRequest as _, Read};
use super::error::Result;
use super::guard::Needs;
use super::look;
use super::page::{Connection, RowObject, arguments, find, get, id};
use super::scalar::{BigInt, DateTime, Url};
use super::user_profile::Member;

/// What is exported.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Enum)]
pub enum ExportSubject {
    /// Everything about one member.
    Person,
    /// Everything of the organization.
    Organization,
}

/// An export of a person's or of the organization's data.
pub struct DataExport {
    read: Read,
    row: Arc<row::Row>,
}

impl AtHand for DataExport {}

impl RowObject for DataExport {
    type Table = Table;

    fn columns(field: &str) -> Columns {
        match field {
            "subject" | "member" => Table::SUBJECT_USER_ID,
            "status" => Table::STATUS,
            "progress" => Table::PROGRESS,
            "errorMessage" => Table::ERROR_MESSAGE,
            "downloadUrl" => row::DOWNLOADABLE,
            "fileSizeBytes" => Table::FILE_SIZE_BYTES,
            "expiresAt" => Table::EXPIRES_AT,
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

/// An export of a person's or of the organization's data: a ZIP with a JSON file for each table, and the media. Seen by whoever asked
/// for it, as long as that person may have it.
#[Object]
impl DataExport {
    /// Its id.
    async fn id(&self) -> Result<ID> {
        Ok(self.row.id()?.into())
    }

    /// A person's data, or the organization's.
    fn subject(&self) -> Result<ExportSubject> {
        Ok(match self.row.subject_user_id()? {
            Some(_) => ExportSubject::Person,
            None => ExportSubject::Organization,
        })
    }

    /// Whose data; null for the organization's.
    async fn member(&self, ctx: &Context<'_>) -> Result<Option<Member>> {
        match self.row.subject_user_id()? {
            Some(member) => Ok(Some(get(ctx, &self.read, member).await?)),
            None => Ok(None),
        }
    }

    /// Where it stands.
    fn status(&self) -> Result<ExportStatus> {
        Ok(self.row.status()?)
    }

    /// How far it is, 0 to 1.
    fn progress(&self) -> Result<f64> {
        Ok(self.row.progress()?)
    }

    /// Why it could not be made; null unless its status is FAILED.
    fn error_message(&self) -> Result<Option<&str>> {
        Ok(self.row.error_message()?)
    }

    /// Where the archive is: signed for the caller, for an hour, with range requests; null unless it is READY and has not expired.
    fn download_url(&self, ctx: &Context<'_>) -> Result<Option<Url>> {
        let api = self.read.api();
        let now = api.clock.now();
        if !self.row.is_downloadable(now)? {
            return Ok(None);
        }
        look::note(ctx, &self.read, Look::Export, self.row.uuid()?);
        let signed = api
            .signer
            .sign(Subject::Export, self.row.uuid()?, self.read.caller().actor.uuid(), now);
        Ok(Some(Url(signed.url)))
    }

    /// The archive's size in bytes; null before it is READY.
    fn file_size_bytes(&self) -> Result<Option<BigInt>> {
        Ok(self.row.file_size_bytes()?.map(Into::into))
    }

    /// Until when the archive is kept: a day from when it was made; null before it is READY.
    fn expires_at(&self) -> Result<Option<DateTime>> {
        Ok(self.row.expires_at()?.map(Into::into))
    }

    /// When it was asked for.
    fn created_at(&self) -> Result<DateTime> {
        Ok(self.row.created_at()?.into())
    }
}

/// Queries about exports.
#[derive(Default)]
pub struct DataExportQuery;

#[Object]
impl DataExportQuery {
    /// An export by its id; null when there is none that the caller has asked for and may have.
    #[graphql(guard = "Needs::Person")]
    async fn data_export(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "The export's id.", name = "id")] export: ID,
    ) -> Result<Option<DataExport>> {
        find(ctx, &ctx.request()?.read()?, id::<ExportId>(&export, "id")?).await
    }

    /// The exports that the caller has asked for, the newest first; one for each subject, and those under way.
    #[graphql(guard = "Needs::Person")]
    async fn data_exports(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "How many from the start: 20 unless said, 100 at most.")] first: Option<i32>,
        #[graphql(desc = "Only those behind this cursor.")] after: Option<String>,
        #[graphql(desc = "How many from the end, 100 at most.")] last: Option<i32>,
        #[graphql(desc = "Only those before this cursor.")] before: Option<String>,
    ) -> Result<Option<Connection<DataExport>>> {
        let read = ctx.request()?.read()?;
        let connection = Connection::list(
            ctx,
            &read,
            row::order(),
            arguments(first, after, last, before),
            async |scope, columns, window| row::list(scope, columns, window).await,
            |reader| async move { reader.load(async |scope| row::count(scope).await).await }.boxed(),
        );
        Ok(Some(connection.await?))
    }
}
