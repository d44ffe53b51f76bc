//! The audit log.

use std::sync::Arc;

use async_graphql::{Context, ID, InputObject, Object};
use domain::id::UserId;
use futures::FutureExt as _;
use service::audit_entry::{self as row, Entries, Table};
use service::row::Columns;
use uuid::Uuid;

use super::at_once::AtHand;
use super::context::{InRequest as _, Read};
use super::error::{Failure, Result};
use super::guard::Needs;
use super::page::{Connection, DateTimeRange, RowObject, arguments, optional_id, range};
use super::scalar::DateTime;

/// A line of the audit log.
pub struct AuditEntry {
    row: Arc<row::Row>,
}

impl AtHand for AuditEntry {}

impl RowObject for AuditEntry {
    type Table = Table;

    fn columns(field: &str) -> Columns {
        match field {
            "at" => Table::AT,
            "actorUserId" => Table::ACTOR_USER_ID,
            "actorApiKeyId" => Table::ACTOR_API_KEY_ID,
            "actorSystem" => Table::ACTOR_SYSTEM,
            "action" => Table::ACTION,
            "subjectType" => Table::SUBJECT_TYPE,
            "subjectId" => Table::SUBJECT_ID,
            "requestId" => Table::REQUEST_ID,
            "reason" => Table::REASON,
            "changedFields" => Table::CHANGED_FIELDS,
            _ => Columns::NONE,
        }
    }

    fn of(_: &Read, row: Arc<row::Row>) -> Self {
        Self { row }
    }
}

/// Who did what to which row, and which fields changed; never contents.
#[Object]
impl AuditEntry {
    /// Its id.
    fn id(&self) -> Result<ID> {
        Ok(self.row.id()?.into())
    }

    /// When it happened.
    fn at(&self) -> Result<DateTime> {
        Ok(self.row.at()?.into())
    }

    /// The person who did it; null when it was none.
    fn actor_user_id(&self) -> Result<Option<ID>> {
        Ok(self.row.actor_user_id()?.map(Into::into))
    }

    /// The key that did it; null when it was none.
    fn actor_api_key_id(&self) -> Result<Option<ID>> {
        Ok(self.row.actor_api_key_id()?.map(Into::into))
    }

    /// The part of the platform that did it (worker, sweep, operator); null when a person or key did.
    fn actor_system(&self) -> Result<Option<&str>> {
        Ok(self.row.actor_system()?)
    }

    /// What was done.
    fn action(&self) -> Result<&str> {
        Ok(self.row.action()?)
    }

    /// The kind of row that it was done to.
    fn subject_type(&self) -> Result<&str> {
        Ok(self.row.subject_type()?)
    }

    /// The row that it was done to; null for what concerns several.
    fn subject_id(&self) -> Result<Option<ID>> {
        Ok(self.row.subject_id()?.map(Into::into))
    }

    /// The id of the request, as in the log and in `extensions.requestId` of errors.
    fn request_id(&self) -> Result<Option<&str>> {
        Ok(self.row.request_id()?)
    }

    /// Why, where a reason was given.
    fn reason(&self) -> Result<Option<&str>> {
        Ok(self.row.reason()?)
    }

    /// Names of the fields that changed.
    fn changed_fields(&self) -> Result<Vec<String>> {
        Ok(self.row.changed_fields()?)
    }
}

/// Which entries of the audit log; what is left out does not restrict.
#[derive(Default, InputObject)]
pub struct AuditFilter {
    /// Done by this person.
    actor_user_id: Option<ID>,
    /// Done to this kind of row.
    subject_type: Option<String>,
    /// Done to this row.
    subject_id: Option<ID>,
    /// Of this act.
    action: Option<String>,
    /// Done in this range.
    at: Option<DateTimeRange>,
}

impl AuditFilter {
    fn entries(self) -> Result<Entries> {
        let subject = self
            .subject_id
            .map(|id| Uuid::parse_str(&id).map_err(|_| Failure::invalid("filter.subjectId", "not an id")))
            .transpose()?;
        Ok(Entries {
            actor: optional_id::<UserId>(self.actor_user_id.as_ref(), "filter.actorUserId")?,
            subject_type: self.subject_type,
            subject,
            action: self.action,
            at: range(self.at),
        })
    }
}

/// Queries about the audit log.
#[derive(Default)]
pub struct AuditQuery;

#[Object]
impl AuditQuery {
    /// The audit log, the newest entry first. Owners and admins.
    #[graphql(guard = "Needs::Manager")]
    async fn audit_log(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "Which entries.")] filter: Option<AuditFilter>,
        #[graphql(desc = "How many from the start: 20 unless said, 100 at most.")] first: Option<i32>,
        #[graphql(desc = "Only those behind this cursor.")] after: Option<String>,
        #[graphql(desc = "How many from the end, 100 at most.")] last: Option<i32>,
        #[graphql(desc = "Only those before this cursor.")] before: Option<String>,
    ) -> Result<Option<Connection<AuditEntry>>> {
        let read = ctx.request()?.read()?;
        let which = Arc::new(filter.unwrap_or_default().entries()?);
        let counted = Arc::clone(&which);
        let connection = Connection::list(
            ctx,
            &read,
            row::order(),
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
