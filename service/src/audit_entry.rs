//! The audit log, read: who did what to which row, never contents.

use std::sync::Arc;

use chrono::{DateTime, Utc};
use domain::id::{ApiKeyId, AuditEntryId, UserId};
use uuid::Uuid;

use crate::db::Scope;
use crate::error::Result;
use crate::page::{self, Direction, Filter, Key, Kind, Order, Page, Range, Window};
use crate::row::{Wanted, table};
use crate::sql::Sql;

table!("public.audit_log", "audit entry", always [ID], {
    ID = id: AuditEntryId,
    AT = at: DateTime<Utc>,
    ACTOR_USER_ID = actor_user_id: Option<UserId>,
    ACTOR_API_KEY_ID = actor_api_key_id: Option<ApiKeyId>,
    ACTOR_SYSTEM = actor_system: Option<&str>,
    ACTION = action: &str,
    SUBJECT_TYPE = subject_type: &str,
    SUBJECT_ID = subject_id: Option<Uuid>,
    REQUEST_ID = request_id: Option<&str>,
    REASON = reason: Option<&str>,
    CHANGED_FIELDS = changed_fields: Vec<String>,
});

/// The newest first.
pub fn order() -> Order {
    let at = Key {
        name: "at",
        column: Table::AT,
        kind: Kind::Instant,
        nullable: false,
    };
    Order::of("audit_entry", [(at, Direction::Descending)])
}

/// Which entries.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Entries {
    /// Of this person.
    pub actor: Option<UserId>,
    /// About this kind of row.
    pub subject_type: Option<String>,
    /// About this row.
    pub subject: Option<Uuid>,
    /// Of this act.
    pub action: Option<String>,
    /// In this range.
    pub at: Range,
}

impl Filter for Entries {
    fn conditions(&self, sql: &mut Sql) {
        page::is(sql, "actor_user_id", self.actor);
        page::is(sql, "subject_id", self.subject);
        for (column, text) in [
            (" and t.subject_type = ", &self.subject_type),
            (" and t.action = ", &self.action),
        ] {
            if let Some(text) = text {
                sql.push(column).bind(text.replace('\0', ""));
            }
        }
        self.at.conditions(sql, "t.at");
    }
}

/// One page of the log.
///
/// # Errors
/// Those of the database.
pub async fn list(scope: &Scope, wanted: &Wanted, which: &Entries, window: &Arc<Window>) -> Result<Page<Table>> {
    page::list(scope, wanted, which, window).await
}

/// How many entries.
///
/// # Errors
/// Those of the database.
pub async fn count(scope: &Scope, which: &Entries) -> Result<i64> {
    page::count::<Table>(scope, which).await
}
