//! Invitations.

use std::sync::Arc;

use async_graphql::{Context, ID, Object};
use domain::role::Role;
use futures::FutureExt as _;
use service::invitation::{self as row, Table};
use service::row::Columns;

use super::at_once::AtHand;
use super::context::{InRequest as _, Read};
use super::error::Result;
use super::guard::Needs;
use super::page::{Connection, RowObject, arguments};
use super::scalar::DateTime;

/// An invitation to join the organization.
pub struct Invitation {
    row: Arc<row::Row>,
}

impl AtHand for Invitation {}

impl RowObject for Invitation {
    type Table = Table;

    fn columns(field: &str) -> Columns {
        match field {
            "email" => Table::EMAIL,
            "role" => Table::ROLE,
            "expiresAt" => Table::EXPIRES_AT,
            "acceptedAt" => Table::ACCEPTED_AT,
            "revokedAt" => Table::REVOKED_AT,
            "createdAt" => Table::CREATED_AT,
            _ => Columns::NONE,
        }
    }

    fn of(_: &Read, row: Arc<row::Row>) -> Self {
        Self { row }
    }
}

/// An invitation to join the organization. Its secret token is shown once, when it is made.
#[Object]
impl Invitation {
    /// Its id.
    pub async fn id(&self) -> Result<ID> {
        Ok(self.row.id()?.into())
    }

    /// The address that was invited; only its holder can accept.
    fn email(&self) -> Result<&str> {
        Ok(self.row.email()?)
    }

    /// What the person may do after joining.
    fn role(&self) -> Result<Role> {
        Ok(self.row.role()?)
    }

    /// Until when it can be accepted.
    fn expires_at(&self) -> Result<DateTime> {
        Ok(self.row.expires_at()?.into())
    }

    /// When it was accepted; null while it is open.
    fn accepted_at(&self) -> Result<Option<DateTime>> {
        Ok(self.row.accepted_at()?.map(Into::into))
    }

    /// When it was taken back; null unless it was.
    fn revoked_at(&self) -> Result<Option<DateTime>> {
        Ok(self.row.revoked_at()?.map(Into::into))
    }

    /// When it was made.
    fn created_at(&self) -> Result<DateTime> {
        Ok(self.row.created_at()?.into())
    }
}

/// Queries about invitations.
#[derive(Default)]
pub struct InvitationQuery;

#[Object]
impl InvitationQuery {
    /// Invitations to the organization, the newest first. Persons who are admins or owners.
    #[graphql(guard = "Needs::ManagingPerson")]
    async fn invitations(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "How many from the start: 20 unless said, 100 at most.")] first: Option<i32>,
        #[graphql(desc = "Only those behind this cursor.")] after: Option<String>,
        #[graphql(desc = "How many from the end, 100 at most.")] last: Option<i32>,
        #[graphql(desc = "Only those before this cursor.")] before: Option<String>,
    ) -> Result<Option<Connection<Invitation>>> {
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
