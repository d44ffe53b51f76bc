//! Chunks of recordings, read.

pub mod upload;

use chrono::{DateTime, Utc};
use domain::id::{ChunkId, SessionId};
use domain::status::UploadStatus;

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
