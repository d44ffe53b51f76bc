//! Chunks of recordings. Where they are stored is never shown.

use std::sync::Arc;

use async_graphql::{Context, ID, Object};
use domain::status::UploadStatus;
use service::row::Columns;
use service::video_chunk::{self as row, Table};

use super::at_once::AtHand;
use super::context::Read;
use super::error::Result;
use super::page::{RowObject, get};
use super::recording_session::RecordingSession;
use super::scalar::{BigInt, DateTime};

/// A piece of a recording.
pub struct VideoChunk {
    read: Read,
    row: Arc<row::Row>,
}

impl AtHand for VideoChunk {}

impl RowObject for VideoChunk {
    type Table = Table;

    fn columns(field: &str) -> Columns {
        match field {
            "chunkIndex" => Table::CHUNK_INDEX,
            "fileSizeBytes" => Table::FILE_SIZE_BYTES,
            "sha256" => Table::SHA256,
            "uploadStatus" => Table::UPLOAD_STATUS,
            "retryCount" => Table::RETRY_COUNT,
            "errorMessage" => Table::ERROR_MESSAGE,
            "createdAt" => Table::CREATED_AT,
            "uploadedAt" => Table::UPLOADED_AT,
            _ => Columns::NONE,
        }
    }

    fn of(read: &Read, row: Arc<row::Row>) -> Self {
        Self {
            read: read.clone(),
            row,
        }
    }
}

/// A piece of a recording, as it is uploaded. Where it is stored is never shown.
#[Object]
impl VideoChunk {
    /// Its id.
    pub async fn id(&self) -> Result<ID> {
        Ok(self.row.id()?.into())
    }

    /// Its place in the recording, from 0.
    fn chunk_index(&self) -> Result<i32> {
        Ok(self.row.chunk_index()?)
    }

    /// Its announced size in bytes.
    fn file_size_bytes(&self) -> Result<BigInt> {
        Ok(self.row.file_size_bytes()?.into())
    }

    /// Its announced SHA-256, in hexadecimal.
    #[graphql(name = "sha256")]
    fn sha256(&self) -> Result<Option<&str>> {
        Ok(self.row.sha256()?)
    }

    /// Where it stands.
    fn upload_status(&self) -> Result<UploadStatus> {
        Ok(self.row.upload_status()?)
    }

    /// How often an upload of it failed.
    fn retry_count(&self) -> Result<i32> {
        Ok(self.row.retry_count()?)
    }

    /// Why the last upload failed; null unless it did.
    fn error_message(&self) -> Result<Option<&str>> {
        Ok(self.row.error_message()?)
    }

    /// The recording that it is a piece of.
    async fn session(&self, ctx: &Context<'_>) -> Result<RecordingSession> {
        get(ctx, &self.read, self.row.session_id()?).await
    }

    /// When it was announced.
    fn created_at(&self) -> Result<DateTime> {
        Ok(self.row.created_at()?.into())
    }

    /// When it was completely stored; null before.
    fn uploaded_at(&self) -> Result<Option<DateTime>> {
        Ok(self.row.uploaded_at()?.map(Into::into))
    }
}
