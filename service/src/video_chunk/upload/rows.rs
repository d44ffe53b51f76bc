//! The rows that every step looks at, and objects that none of them names any more.

use domain::id::{ChunkId, OrganizationId, SessionId};
use sea_orm::FromQueryResult;
use uuid::Uuid;

use crate::db::Scope;
use crate::error::{Error, Result};

#[derive(FromQueryResult)]
pub(super) struct Row {
    pub(super) id: Uuid,
    pub(super) chunk_index: i32,
    pub(super) sha256: Option<String>,
    pub(super) file_size_bytes: i64,
    pub(super) file_path: Option<String>,
    pub(super) upload_status: String,
    pub(super) session_id: Uuid,
}

#[derive(FromQueryResult)]
pub(super) struct SessionRow {
    pub(super) status: String,
    pub(super) chunk_count: Option<i32>,
}

pub(super) async fn lock_session(scope: &Scope, session: SessionId) -> Result<SessionRow> {
    #[derive(FromQueryResult)]
    struct Seen {
        seen: bool,
    }
    let row: Option<SessionRow> = scope
        .row(
            "select status, chunk_count from public.recording_sessions where id = $1 for update",
            [session.uuid().into()],
        )
        .await?;
    if let Some(row) = row {
        return Ok(row);
    }
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
        Err(Error::NotFound {
            what: "recording session",
        })
    }
}

/// Leaves an object that no row names to the worker.
pub(super) async fn delete_later(scope: &Scope, organization: OrganizationId, key: String) -> Result<()> {
    scope
        .run(
            "insert into public.object_deletions (organization_id, object_key) values ($1, $2)",
            [organization.uuid().into(), key.into()],
        )
        .await
        .map(|_| ())
}

pub(super) async fn rows_of(scope: &Scope, chunks: &[ChunkId]) -> Result<Vec<Row>> {
    let ids: Vec<Uuid> = chunks.iter().map(|chunk| chunk.uuid()).collect();
    let rows: Vec<Row> = scope
        .rows(
            "select id, chunk_index, sha256, file_size_bytes, file_path, upload_status, session_id from public.video_chunks where id = any ($1)",
            [ids.into()],
        )
        .await?;
    if chunks
        .iter()
        .any(|chunk| !rows.iter().any(|row| row.id == chunk.uuid()))
    {
        return Err(Error::NotFound { what: "chunk" });
    }
    if rows.iter().any(|row| row.session_id != rows[0].session_id) {
        return Err(Error::invalid("input.chunkIds", "must all be of one session"));
    }
    Ok(rows)
}
