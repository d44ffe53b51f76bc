//! A session under a lock: whoever changes its state or its settings begins here.

use domain::id::SessionId;
use sea_orm::FromQueryResult;

use crate::db::Scope;
use crate::error::{Error, Result};

/// A session under a lock, as changes of its state see it.
#[derive(Debug, Clone, FromQueryResult)]
pub(super) struct Locked {
    pub(super) status: String,
    pub(super) privacy_settings: serde_json::Value,
    pub(super) chunk_count: Option<i32>,
}

async fn lock(scope: &Scope, session: SessionId) -> Result<Locked> {
    scope
        .row(
            "select status, privacy_settings, chunk_count from public.recording_sessions where id = $1 for update",
            [session.uuid().into()],
        )
        .await?
        .ok_or(Error::NotFound {
            what: "recording session",
        })
}

/// Locks a session that the caller may write: `for update` finds only those that the policy for updates lets through, so what
/// is visible but not found there is another person's.
pub(super) async fn lock_own(scope: &Scope, session: SessionId) -> Result<Locked> {
    #[derive(FromQueryResult)]
    struct Seen {
        seen: bool,
    }
    match lock(scope, session).await {
        Err(Error::NotFound { what }) => {
            let seen: Option<Seen> = scope
                .row(
                    "select exists (select from public.recording_sessions where id = $1) as seen",
                    [session.uuid().into()],
                )
                .await?;
            if seen.is_some_and(|row| row.seen) {
                Err(Error::Forbidden {
                    why: "only the recorded person, an admin or an owner may do this",
                })
            } else {
                Err(Error::NotFound { what })
            }
        }
        locked => locked,
    }
}
