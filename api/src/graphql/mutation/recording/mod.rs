//! Recording and uploading.
//!
//! Here what a client says (inputs) and hears (payloads); apart, in [`fields`]: what is done in between.

mod fields;

use async_graphql::{Context, ID, InputObject, Object, SimpleObject};
use domain::category::WorkflowCategory;
use domain::id::{AnalysisId, ChunkId, SessionId};
use service::recording_session::record::{PrivacyInput, Receipt};
use service::video_chunk::upload;

use super::super::analysis_result::Analysis;
use super::super::context::Read;
use super::super::error::Result;
use super::super::page::{find, get};
use super::super::recording_session::RecordingSession;
use super::super::scalar::{BigInt, DateTime, Json, Url};
use super::super::video_chunk::VideoChunk;
use super::analysis::AnalysisSettingsInput;

pub use fields::RecordingMutation;

/// How a recording is to be treated. What the organization rules may only become stricter.
#[derive(Debug, Default, InputObject)]
pub struct PrivacySettingsInput {
    /// Cover personal data on frames and in texts, and show no raw video; true where it is left out.
    redact_personal_data: Option<bool>,
    /// Cover passwords; true where it is left out.
    blur_passwords: Option<bool>,
    /// Words, window titles or applications whose screens are dropped whole; at most 100.
    custom_exclusions: Option<Vec<String>>,
    /// False keeps this recording from every model, whatever the organization allows.
    allow_remote_analysis: Option<bool>,
    /// Days until the video is deleted; at most the organization's.
    retain_video_days: Option<i32>,
}

impl From<PrivacySettingsInput> for PrivacyInput {
    fn from(input: PrivacySettingsInput) -> Self {
        Self {
            redact_personal_data: input.redact_personal_data,
            blur_passwords: input.blur_passwords,
            custom_exclusions: input.custom_exclusions,
            allow_remote_analysis: input.allow_remote_analysis,
            retain_video_days: input.retain_video_days,
        }
    }
}

/// A new recording session.
#[derive(Debug, InputObject)]
pub struct StartRecordingSessionInput {
    /// What it is called, 1 to 300 characters.
    title: String,
    /// What it shows, at most 5,000 characters.
    description: Option<String>,
    /// The kind of work; classified by the analysis where it is left out.
    workflow_type: Option<WorkflowCategory>,
    /// The version of the notice that the person was shown: that of `recordingNotice`.
    notice_version: String,
    /// How it is to be treated.
    privacy_settings: Option<PrivacySettingsInput>,
    /// How often one person does this on a working day, as people say: makes the frequency of the process that the recording mainly shows
    /// (the one with most observed seconds) DECLARED. How often its other processes are done is measured or extrapolated.
    declared_occurrences_per_day: Option<f64>,
    /// How many people do this; 1 where it is left out.
    people_count: Option<i32>,
    /// What the recorder says of itself, an object of at most 16 KiB.
    metadata: Option<Json>,
    /// A repeat within 24 hours with the same key answers the first session.
    idempotency_key: Option<String>,
}

/// A chunk to be uploaded.
#[derive(Debug, InputObject)]
pub struct ChunkInput {
    /// Its place in the recording, from 0.
    chunk_index: i32,
    /// Its length in bytes.
    size_bytes: BigInt,
    /// SHA-256 of its bytes, 64 lower-case hexadecimal digits.
    #[graphql(name = "sha256")]
    sha256: String,
    /// Its media type, passed on to the storage.
    content_type: Option<String>,
}

/// Chunks that a client wants to upload.
#[derive(Debug, InputObject)]
pub struct RequestChunkUploadsInput {
    /// The session that they belong to.
    session_id: ID,
    /// Up to 50 chunks.
    chunks: Vec<ChunkInput>,
}

/// Chunks whose bytes a client has put.
#[derive(Debug, InputObject)]
pub struct CompleteChunkUploadsInput {
    /// Up to 50 chunks of one session.
    chunk_ids: Vec<ID>,
}

/// A chunk that a client gave up on.
#[derive(Debug, InputObject)]
pub struct FailChunkUploadInput {
    /// The chunk.
    chunk_id: ID,
    /// Why, for its person; at most 1,000 characters.
    message: String,
}

/// The end of a recording.
#[derive(Debug, InputObject)]
pub struct FinishRecordingSessionInput {
    /// The session.
    session_id: ID,
    /// How many chunks it has: exactly 0 to `chunkCount - 1` must be completed.
    chunk_count: i32,
    /// Whether it is analysed at once.
    #[graphql(default = true)]
    analyze: bool,
    /// How, where it is.
    analysis: Option<AnalysisSettingsInput>,
}

/// What changes about a session; what is left out stays.
#[derive(Debug, InputObject)]
pub struct UpdateRecordingSessionInput {
    /// The session.
    session_id: ID,
    /// What it is called.
    title: Option<String>,
    /// What it shows.
    description: Option<String>,
    /// The kind of work, as a person sees it.
    workflow_type: Option<WorkflowCategory>,
    /// How it is to be treated.
    privacy_settings: Option<PrivacySettingsInput>,
    /// How often one person does this on a working day: the process that the recording mainly shows, the one with most observed seconds.
    declared_occurrences_per_day: Option<f64>,
    /// How many people do this.
    people_count: Option<i32>,
}

/// A consent that is taken back.
#[derive(Debug, InputObject)]
pub struct WithdrawConsentInput {
    /// The session; everything of it is erased.
    session_id: ID,
}

/// A session to be erased.
#[derive(Debug, InputObject)]
pub struct DeleteRecordingSessionInput {
    /// The session; everything of it is erased.
    session_id: ID,
}

/// A session that was started, or started before with the same key.
pub struct StartRecordingSessionPayload {
    read: Read,
    session: SessionId,
}

/// The session that was started.
#[Object]
impl StartRecordingSessionPayload {
    /// The session.
    async fn session(&self, ctx: &Context<'_>) -> Result<RecordingSession> {
        get(ctx, &self.read, self.session).await
    }
}

/// A header that a client sends along.
#[derive(Debug, Clone, SimpleObject)]
pub struct HttpHeader {
    /// Its name.
    name: String,
    /// Its value.
    value: String,
}

/// Where a chunk's bytes go.
pub struct ChunkUpload {
    read: Read,
    chunk: ChunkId,
    url: String,
    content_type: Option<String>,
    expires_at: chrono::DateTime<chrono::Utc>,
}

/// Where a chunk's bytes go: one request with the method, the address and the headers that are named here.
#[Object]
impl ChunkUpload {
    /// The chunk.
    async fn chunk(&self, ctx: &Context<'_>) -> Result<VideoChunk> {
        get(ctx, &self.read, self.chunk).await
    }

    /// The address, good until `expiresAt`.
    async fn url(&self) -> Url {
        Url(self.url.clone())
    }

    /// The method: PUT.
    async fn method(&self) -> &str {
        "PUT"
    }

    /// Headers to send along.
    async fn headers(&self) -> Vec<HttpHeader> {
        let content_type = self
            .content_type
            .clone()
            .unwrap_or_else(|| "application/octet-stream".to_owned());
        vec![HttpHeader {
            name: "content-type".to_owned(),
            value: content_type,
        }]
    }

    /// From then on the address is refused; ask for another.
    async fn expires_at(&self) -> DateTime {
        self.expires_at.into()
    }
}

/// Where chunks go.
#[derive(SimpleObject)]
pub struct RequestChunkUploadsPayload {
    /// One for each chunk, in the order asked for.
    uploads: Vec<ChunkUpload>,
}

/// Chunks that were looked at.
pub struct CompleteChunkUploadsPayload {
    read: Read,
    completed: upload::Completed,
}

/// Chunks that were looked at: COMPLETED where the announced bytes are stored, else FAILED with a message.
#[Object]
impl CompleteChunkUploadsPayload {
    /// The chunks, in the order asked for.
    async fn chunks(&self, ctx: &Context<'_>) -> Result<Vec<VideoChunk>> {
        let mut chunks = Vec::with_capacity(self.completed.chunks.len());
        for found in
            futures::future::join_all(self.completed.chunks.iter().map(|chunk| get(ctx, &self.read, *chunk))).await
        {
            chunks.push(found?);
        }
        Ok(chunks)
    }

    /// Their session.
    async fn session(&self, ctx: &Context<'_>) -> Result<RecordingSession> {
        get(ctx, &self.read, self.completed.session).await
    }
}

/// A chunk that was given up on.
pub struct FailChunkUploadPayload {
    read: Read,
    chunk: ChunkId,
}

/// A chunk that was given up on.
#[Object]
impl FailChunkUploadPayload {
    /// The chunk.
    async fn chunk(&self, ctx: &Context<'_>) -> Result<VideoChunk> {
        get(ctx, &self.read, self.chunk).await
    }
}

/// A recording that was finished.
pub struct FinishRecordingSessionPayload {
    read: Read,
    session: SessionId,
    analysis: Option<AnalysisId>,
}

/// A recording that was finished.
#[Object]
impl FinishRecordingSessionPayload {
    /// The session.
    async fn session(&self, ctx: &Context<'_>) -> Result<RecordingSession> {
        get(ctx, &self.read, self.session).await
    }

    /// The analysis that was queued; null where none was asked for.
    async fn analysis(&self, ctx: &Context<'_>) -> Result<Option<Analysis>> {
        match self.analysis {
            Some(analysis) => find(ctx, &self.read, analysis).await,
            None => Ok(None),
        }
    }
}

/// A session that was changed.
pub struct UpdateRecordingSessionPayload {
    read: Read,
    session: SessionId,
}

/// A session that was changed.
#[Object]
impl UpdateRecordingSessionPayload {
    /// The session.
    async fn session(&self, ctx: &Context<'_>) -> Result<RecordingSession> {
        get(ctx, &self.read, self.session).await
    }
}

/// That something was erased and how much, without what it was.
#[derive(Debug, Clone, SimpleObject)]
pub struct ErasureReceipt {
    /// Its id.
    id: ID,
    /// When.
    at: DateTime,
    /// Rows that are gone.
    rows: i32,
    /// Objects that are deleted from storage.
    objects: i32,
    /// Their bytes.
    bytes: BigInt,
}

impl From<Receipt> for ErasureReceipt {
    fn from(receipt: Receipt) -> Self {
        Self {
            id: receipt.id.into(),
            at: receipt.at.into(),
            rows: receipt.rows,
            objects: receipt.objects,
            bytes: receipt.bytes.into(),
        }
    }
}

/// A session that was erased because its person took the consent back.
#[derive(SimpleObject)]
pub struct WithdrawConsentPayload {
    /// The session that is gone.
    session_id: ID,
    /// What was erased.
    erasure: ErasureReceipt,
}

/// A session that was erased.
#[derive(SimpleObject)]
pub struct DeleteRecordingSessionPayload {
    /// The session that is gone.
    session_id: ID,
    /// What was erased.
    erasure: ErasureReceipt,
}
