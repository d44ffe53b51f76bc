//! Members, read.

pub mod manage;

use std::sync::Arc;

use chrono::{DateTime, Utc};
use domain::id::{OrganizationId, UserId};
use domain::role::Role;

use crate::db::Scope;
use crate::error::Result;
use crate::page::{self, Direction, Key, Kind, Order, Page, Window};
use crate::row::{Wanted, table};

table!("public.user_profiles", "member", always [ID], {
    ID = id: UserId,
    ORGANIZATION_ID = organization_id: OrganizationId,
    ROLE = role: Role,
    EMAIL = email: Option<&str>,
    FIRST_NAME = first_name: Option<&str>,
    LAST_NAME = last_name: Option<&str>,
    JOB_TITLE = job_title: Option<&str>,
    CREATED_AT = created_at: DateTime<Utc>,
    UPDATED_AT = updated_at: DateTime<Utc>,
});

/// Who came first.
pub fn order() -> Order {
    let created = Key {
        name: "created_at",
        column: Table::CREATED_AT,
        kind: Kind::Instant,
        nullable: false,
    };
    Order::of("member", [(created, Direction::Ascending)])
}

/// One page of members.
///
/// # Errors
/// Those of the database.
pub async fn list(scope: &Scope, wanted: &Wanted, window: &Arc<Window>) -> Result<Page<Table>> {
    page::list(scope, wanted, &(), window).await
}

/// How many members.
///
/// # Errors
/// Those of the database.
pub async fn count(scope: &Scope) -> Result<i64> {
    page::count::<Table>(scope, &()).await
}
