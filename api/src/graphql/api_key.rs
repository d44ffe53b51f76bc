//! Keys of partners.

use std::sync::Arc;

use async_graphql::{Context, ID, Object};
use domain::role::Role;
use service::api_key::{self as row, Table};
use service::row::Columns;

use super::at_once::AtHand;
use super::context::{InRequest as _, Read};
use super::error::Result;
use super::guard::Needs;
use super::page::{RowObject, asked};
use super::scalar::DateTime;

/// A partner's key.
pub struct ApiKey {
    row: Arc<row::Row>,
}

impl AtHand for ApiKey {}

impl RowObject for ApiKey {
    type Table = Table;

    fn columns(field: &str) -> Columns {
        match field {
            "name" => Table::NAME,
            "role" => Table::ROLE,
            "readOnly" => Table::READ_ONLY,
            "prefix" => Table::PREFIX,
            "lastUsedAt" => Table::LAST_USED_AT,
            "expiresAt" => Table::EXPIRES_AT,
            "revokedAt" => Table::REVOKED_AT,
            "createdAt" => Table::CREATED_AT,
            _ => Columns::NONE,
        }
    }

    fn of(_: &Read, row: Arc<row::Row>) -> Self {
        Self { row }
    }
}

/// A key with which a partner's program calls the API. Its secret is shown once, when it is made.
#[Object]
impl ApiKey {
    /// Its id.
    pub async fn id(&self) -> Result<ID> {
        Ok(self.row.id()?.into())
    }

    /// What it is for, in the owner's words.
    fn name(&self) -> Result<&str> {
        Ok(self.row.name()?)
    }

    /// What it may do; never members, keys, roles, budgets or permissions, whatever its role.
    fn role(&self) -> Result<Role> {
        Ok(self.row.role()?)
    }

    /// Whether it may only read.
    fn read_only(&self) -> Result<bool> {
        Ok(self.row.read_only()?)
    }

    /// The first characters of its secret, to tell keys apart.
    fn prefix(&self) -> Result<&str> {
        Ok(self.row.prefix()?)
    }

    /// When it was last used, to the minute; null if never.
    fn last_used_at(&self) -> Result<Option<DateTime>> {
        Ok(self.row.last_used_at()?.map(Into::into))
    }

    /// Until when it works; null for no end.
    fn expires_at(&self) -> Result<Option<DateTime>> {
        Ok(self.row.expires_at()?.map(Into::into))
    }

    /// When it was revoked; null while it works.
    fn revoked_at(&self) -> Result<Option<DateTime>> {
        Ok(self.row.revoked_at()?.map(Into::into))
    }

    /// When it was made.
    fn created_at(&self) -> Result<DateTime> {
        Ok(self.row.created_at()?.into())
    }
}

/// Queries about keys.
#[derive(Default)]
pub struct ApiKeyQuery;

#[Object]
impl ApiKeyQuery {
    /// The organization's keys, revoked ones too, the newest first. Owners.
    #[graphql(guard = "Needs::Owner")]
    async fn api_keys(&self, ctx: &Context<'_>) -> Result<Option<Vec<ApiKey>>> {
        let read = ctx.request()?.read()?;
        let columns = asked::<ApiKey>(ctx.field());
        let page = read.load(async |scope| row::list(scope, columns).await).await?;
        Ok(Some(page.rows.into_iter().map(|row| ApiKey::of(&read, row)).collect()))
    }
}
