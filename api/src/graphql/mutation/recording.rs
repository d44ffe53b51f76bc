//! Recording and uploading.

use async_graphql::{Context, ID, InputObject, Object, SimpleObject};
use domain::category::WorkflowCategory;
use domain::id::{AnalysisId, ChunkId, SessionId};
use service::recording_session::record::{self, PrivacyInput, Receipt, Start, Update};
use service::video_chunk::upload::{self, ADDRESS_LIFE, Announced, Uploadable};

use super::super::analysis_result::Analysis;
use super::super::context::{InRequest as _, Read};
use super::super::error::{Failure, Result};
use super::super::page::{find, get, id};
use super::super::recording_session::RecordingSession;
use super::super::scalar::{BigInt, DateTime, Json, Url};
use super::super::video_chunk::VideoChunk;
use super::analysis::{AnalysisSettingsInput, settings};
use super::{act, once, parts};

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
    /// How often one person does this on a working day, as people say; makes the frequency DECLARED.
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
    /// How often one person does this on a working day.
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

/// Recording and uploading.
#[derive(Default)]
pub struct RecordingMutation;

/// Recording and uploading.
#[Object]
impl RecordingMutation {
    /// Starts a recording. Its person has been shown the notice in force, whose version is named.
    async fn start_recording_session(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "The new session.")] input: StartRecordingSessionInput,
    ) -> Result<Option<StartRecordingSessionPayload>> {
        let request = ctx.request()?;
        let act = act(ctx)?;
        let key = once(ctx, input.idempotency_key.as_ref(), "startRecordingSession")?;
        let start = Start {
            title: input.title,
            description: input.description,
            workflow_type: input.workflow_type,
            notice_version: input.notice_version,
            privacy: input.privacy_settings.unwrap_or_default().into(),
            declared_occurrences_per_day: input.declared_occurrences_per_day,
            people_count: input.people_count,
            metadata: input.metadata.map(|metadata| metadata.0),
        };
        let scope = request.scope().await?;
        let session = record::start(&scope, &start, key.as_ref(), &act).await?;
        scope.commit().await?;
        Ok(Some(StartRecordingSessionPayload {
            read: request.fresh()?,
            session,
        }))
    }

    /// Announces chunks, and answers where each goes. Every step of an upload may be repeated, in parallel and out of order.
    async fn request_chunk_uploads(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "The chunks.")] input: RequestChunkUploadsInput,
    ) -> Result<Option<RequestChunkUploadsPayload>> {
        let request = ctx.request()?;
        let session: SessionId = id(&input.session_id, "input.sessionId")?;
        let types: Vec<Option<String>> = input.chunks.iter().map(|chunk| chunk.content_type.clone()).collect();
        let announced: Vec<Announced> = input
            .chunks
            .into_iter()
            .map(|chunk| Announced {
                index: chunk.chunk_index,
                size_bytes: chunk.size_bytes.0,
                sha256: chunk.sha256,
                content_type: chunk.content_type,
            })
            .collect();
        let scope = request.scope().await?;
        let uploadable = upload::announce(&scope, session, &announced, request.api().max_chunk_bytes).await?;
        scope.commit().await?;
        let read = request.fresh()?;
        let mut uploads = Vec::with_capacity(uploadable.len());
        for (upload, content_type) in uploadable.iter().zip(types) {
            let (url, expires_at) = address(request, upload).await?;
            uploads.push(ChunkUpload {
                read: read.clone(),
                chunk: upload.chunk,
                url,
                content_type,
                expires_at,
            });
        }
        Ok(Some(RequestChunkUploadsPayload { uploads }))
    }

    /// Completes chunks whose bytes were put.
    async fn complete_chunk_uploads(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "The chunks.")] input: CompleteChunkUploadsInput,
    ) -> Result<Option<CompleteChunkUploadsPayload>> {
        let request = ctx.request()?;
        let chunks = input
            .chunk_ids
            .iter()
            .map(|chunk| id(chunk, "input.chunkIds"))
            .collect::<Result<Vec<ChunkId>>>()?;
        let (db, caller) = parts(request)?;
        let completed = upload::complete(db, caller, &request.api().storage, &chunks, act(ctx)?.now).await?;
        Ok(Some(CompleteChunkUploadsPayload {
            read: request.fresh()?,
            completed,
        }))
    }

    /// Records that a client gave up on a chunk; it may be announced and put again.
    async fn fail_chunk_upload(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "The chunk.")] input: FailChunkUploadInput,
    ) -> Result<Option<FailChunkUploadPayload>> {
        let request = ctx.request()?;
        let chunk: ChunkId = id(&input.chunk_id, "input.chunkId")?;
        let scope = request.scope().await?;
        upload::fail(&scope, chunk, &input.message, &act(ctx)?).await?;
        scope.commit().await?;
        Ok(Some(FailChunkUploadPayload {
            read: request.fresh()?,
            chunk,
        }))
    }

    /// Finishes a recording of exactly so many chunks, and has it analysed unless told otherwise. Again, it changes nothing.
    async fn finish_recording_session(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "The session and its number of chunks.")] input: FinishRecordingSessionInput,
    ) -> Result<Option<FinishRecordingSessionPayload>> {
        let request = ctx.request()?;
        let session: SessionId = id(&input.session_id, "input.sessionId")?;
        let settings = if input.analyze {
            Some(settings(input.analysis, "input.analysis.")?)
        } else {
            None
        };
        let (db, caller) = parts(request)?;
        let finished = record::finish(
            db,
            caller,
            &request.api().storage,
            session,
            input.chunk_count,
            settings.as_ref(),
            &act(ctx)?,
        )
        .await?;
        Ok(Some(FinishRecordingSessionPayload {
            read: request.fresh()?,
            session,
            analysis: finished.analysis,
        }))
    }

    /// Changes what people say about a session: the recorded person, admins and owners.
    async fn update_recording_session(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "What changes.")] input: UpdateRecordingSessionInput,
    ) -> Result<Option<UpdateRecordingSessionPayload>> {
        let request = ctx.request()?;
        let session: SessionId = id(&input.session_id, "input.sessionId")?;
        let update = Update {
            title: input.title,
            description: input.description,
            workflow_type: input.workflow_type,
            privacy: input.privacy_settings.map(Into::into),
            declared_occurrences_per_day: input.declared_occurrences_per_day,
            people_count: input.people_count,
        };
        let scope = request.scope().await?;
        record::update(&scope, session, &update, &act(ctx)?).await?;
        scope.commit().await?;
        Ok(Some(UpdateRecordingSessionPayload {
            read: request.fresh()?,
            session,
        }))
    }

    /// Takes a consent back: what is under way for the session stops, and everything of it is erased.
    async fn withdraw_consent(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "The session.")] input: WithdrawConsentInput,
    ) -> Result<Option<WithdrawConsentPayload>> {
        let erasure = erase(ctx, &input.session_id, "consent withdrawn").await?;
        Ok(Some(WithdrawConsentPayload {
            session_id: input.session_id,
            erasure,
        }))
    }

    /// Erases a session with everything of it: chunks, frames, replies, analyses, opportunities, reports and links.
    async fn delete_recording_session(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "The session.")] input: DeleteRecordingSessionInput,
    ) -> Result<Option<DeleteRecordingSessionPayload>> {
        let erasure = erase(ctx, &input.session_id, "deleted").await?;
        Ok(Some(DeleteRecordingSessionPayload {
            session_id: input.session_id,
            erasure,
        }))
    }
}

async fn erase(ctx: &Context<'_>, session: &ID, reason: &'static str) -> Result<ErasureReceipt> {
    let request = ctx.request()?;
    let session: SessionId = id(session, "input.sessionId")?;
    let scope = request.scope().await?;
    let receipt = record::erase(&scope, session, reason, &act(ctx)?).await?;
    scope.commit().await?;
    Ok(receipt.into())
}

/// Where a chunk goes: the storage's own address, or one of ours.
async fn address(
    request: &super::super::context::Request,
    upload: &Uploadable,
) -> Result<(String, chrono::DateTime<chrono::Utc>)> {
    let api = request.api();
    let now = api.clock.now();
    if let Some(url) = upload::address(&api.storage, upload).await? {
        let life = chrono::TimeDelta::from_std(ADDRESS_LIFE)
            .map_err(|_| Failure::from(service::Error::internal("no such time")))?;
        return Ok((url.into(), now + life));
    }
    let signed = api.signer.sign_upload(upload.chunk, &upload.expected.sha256, now);
    Ok((signed.url, signed.expires_at))
}
