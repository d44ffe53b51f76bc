//! Keys of partners, read. Row security shows all to owners, and to a key itself.

pub mod manage;

use std::sync::Arc;

use chrono::{DateTime, Utc};
use domain::id::ApiKeyId;
use domain::role::Role;

use crate::db::Scope;
use crate::error::Result;
use crate::page::{self, Direction, Key, Kind, Order, Page, Window};
use crate::row::{Columns, table};

table!("public.api_keys", "API key", always [ID], {
    ID = id: ApiKeyId,
    NAME = name: &str,
    ROLE = role: Role,
    READ_ONLY = read_only: bool,
    PREFIX = prefix: &str,
    LAST_USED_AT = last_used_at: Option<DateTime<Utc>>,
    EXPIRES_AT = expires_at: Option<DateTime<Utc>>,
    REVOKED_AT = revoked_at: Option<DateTime<Utc>>,
    CREATED_AT = created_at: DateTime<Utc>,
    UPDATED_AT = updated_at: DateTime<Utc>,
});

/// The newest first.
pub fn order() -> Order {
    let created = Key {
        name: "created_at",
        column: Table::CREATED_AT,
        kind: Kind::Instant,
        nullable: false,
    };
    Order::of("api_key", [(created, Direction::Descending)])
}

/// All keys, revoked ones too.
///
/// # Errors
/// Those of the database.
pub async fn list(scope: &Scope, columns: Columns) -> Result<Page<Table>> {
    page::list(scope, &columns.into(), &(), &Arc::new(Window::whole(order()))).await
}
