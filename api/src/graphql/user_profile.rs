//! Members.

use std::sync::Arc;

use async_graphql::{Context, ID, Object};
use domain::role::Role;
use futures::FutureExt as _;
use service::row::Columns;
use service::user_profile::{self as row, Table};

use super::at_once::AtHand;
use super::context::{InRequest as _, Read};
use super::error::Result;
use super::guard::Needs;
use super::page::{Connection, RowObject, arguments};
use super::scalar::DateTime;

/// A person with a place in the organization.
pub struct Member {
    row: Arc<row::Row>,
}

impl AtHand for Member {}

impl RowObject for Member {
    type Table = Table;

    fn columns(field: &str) -> Columns {
        match field {
            "email" => Table::EMAIL,
            "role" => Table::ROLE,
            "firstName" => Table::FIRST_NAME,
            "lastName" => Table::LAST_NAME,
            "jobTitle" => Table::JOB_TITLE,
            "createdAt" => Table::CREATED_AT,
            _ => Columns::NONE,
        }
    }

    fn of(_: &Read, row: Arc<row::Row>) -> Self {
        Self { row }
    }
}

/// A person with a place in the organization.
#[Object]
impl Member {
    /// The membership's id, which is also the person's.
    pub async fn id(&self) -> Result<ID> {
        Ok(self.row.id()?.into())
    }

    /// The person's id, as in the sign-in token.
    fn user_id(&self) -> Result<ID> {
        Ok(self.row.id()?.into())
    }

    /// The address from the sign-in token, kept at sign-in; null for tokens without one.
    fn email(&self) -> Result<Option<&str>> {
        Ok(self.row.email()?)
    }

    /// What the person may do.
    fn role(&self) -> Result<Role> {
        Ok(self.row.role()?)
    }

    /// The first name, if the person gave one.
    fn first_name(&self) -> Result<Option<&str>> {
        Ok(self.row.first_name()?)
    }

    /// The last name, if the person gave one.
    fn last_name(&self) -> Result<Option<&str>> {
        Ok(self.row.last_name()?)
    }

    /// What the person does, if given.
    fn job_title(&self) -> Result<Option<&str>> {
        Ok(self.row.job_title()?)
    }

    /// When the person joined.
    fn created_at(&self) -> Result<DateTime> {
        Ok(self.row.created_at()?.into())
    }
}

/// Queries about members.
#[derive(Default)]
pub struct MemberQuery;

#[Object]
impl MemberQuery {
    /// The organization's members, who came first first.
    #[graphql(guard = "Needs::Member")]
    async fn members(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "How many from the start: 20 unless said, 100 at most.")] first: Option<i32>,
        #[graphql(desc = "Only those behind this cursor.")] after: Option<String>,
        #[graphql(desc = "How many from the end, 100 at most.")] last: Option<i32>,
        #[graphql(desc = "Only those before this cursor.")] before: Option<String>,
    ) -> Result<Option<Connection<Member>>> {
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
