//! Chunks of recordings, read.

pub mod upload;

use chrono::{DateTime, Utc};
use domain::id::{ChunkId, SessionId};
use domain::status::UploadStatus;

use crate::db::Scope;
use crate::error::Result;
use crate::page::{Direction, Key, Kind, Order};
use crate::row::table;

table!("public.video_chunks", "video chunk", always [ID, SESSION_ID], {
    ID = id: ChunkId,
    SESSION_ID = session_id: SessionId,
    CHUNK_INDEX = chunk_index: i32,
    FILE_SIZE_BYTES = file_size_bytes: i64,
    SHA256 = sha256: Option<&str>,
    CONTENT_TYPE = content_type: Option<&str>,
    UPLOAD_STATUS = upload_status: UploadStatus,
    RETRY_COUNT = retry_count: i32,
    ERROR_MESSAGE = error_message: Option<&str>,
    UPLOADED_AT = uploaded_at: Option<DateTime<Utc>>,
    CREATED_AT = created_at: DateTime<Utc>,
    UPDATED_AT = updated_at: DateTime<Utc>,
});

/// In the order of the recording.
pub fn order() -> Order {
    let index = Key {
        name: "chunk_index",
        column: Table::CHUNK_INDEX,
        kind: Kind::Int,
        nullable: false,
    };
    Order::of("video_chunk", [(index, Direction::Ascending)])
}

/// A chunk that is stored.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StoredChunk {
    /// Its key in storage.
    pub key: String,
    /// Its length.
    pub bytes: u64,
    /// What its client said that it is.
    pub content_type: Option<String>,
}

/// The stored chunks of a finished recording that its caller may watch (the recorded person, admins and owners; not where
/// redaction was asked for, since raw video is not redacted), in order.
///
/// # Errors
/// Those of the database.
pub async fn stored(scope: &Scope, session: SessionId) -> Result<Vec<StoredChunk>> {
    #[derive(sea_orm::FromQueryResult)]
    struct Place {
        file_path: String,
        file_size_bytes: i64,
        content_type: Option<String>,
    }
    let rows: Vec<Place> = scope
        .rows(
            "select c.file_path, c.file_size_bytes, c.content_type from public.video_chunks c join public.recording_sessions s on s.organization_id = c.organization_id and s.id = c.session_id
              where c.session_id = $1 and c.upload_status = 'completed' and c.chunk_index < s.chunk_count and s.status <> 'recording' and s.video_deleted_at is null
                and not coalesce((s.privacy_settings ->> 'redact_personal_data')::boolean, true) and (private.is_manager() or s.id in (select private.own_sessions()))
              order by c.chunk_index",
            [session.uuid().into()],
        )
        .await?;
    Ok(rows
        .into_iter()
        .map(|row| StoredChunk {
            key: row.file_path,
            bytes: row.file_size_bytes.unsigned_abs(),
            content_type: row.content_type,
        })
        .collect())
}
