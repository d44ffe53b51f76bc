//! Invitations, read. Row security shows them to persons who are admins or owners.

pub mod manage;

use std::sync::Arc;

use chrono::{DateTime, Utc};
use domain::id::InvitationId;
use domain::role::Role;

use crate::db::Scope;
use crate::error::Result;
use crate::page::{self, Direction, Key, Kind, Order, Page, Window};
use crate::row::{Wanted, table};

table!("public.invitations", "invitation", always [ID], {
    ID = id: InvitationId,
    EMAIL = email: &str,
    ROLE = role: Role,
    EXPIRES_AT = expires_at: DateTime<Utc>,
    ACCEPTED_AT = accepted_at: Option<DateTime<Utc>>,
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
    Order::of("invitation", [(created, Direction::Descending)])
}

/// One page of invitations.
///
/// # Errors
/// Those of the database.
pub async fn list(scope: &Scope, wanted: &Wanted, window: &Arc<Window>) -> Result<Page<Table>> {
    page::list(scope, wanted, &(), window).await
}

/// How many invitations.
///
/// # Errors
/// Those of the database.
pub async fn count(scope: &Scope) -> Result<i64> {
    page::count::<Table>(scope, &()).await
}
