//! The fields of the mutation: each turns its input into domain types, calls one use case and commits. Apart from the shapes
//! of inputs and payloads, which say nothing of what happens.

use async_graphql::{Context, ID, Object};
use domain::id::{ChunkId, SessionId};
use service::recording_session::record::{self, Start, Update};
use service::video_chunk::upload::{self, ADDRESS_LIFE, Announced, Uploadable};

use super::{
    ChunkUpload, CompleteChunkUploadsInput, CompleteChunkUploadsPayload, DeleteRecordingSessionInput,
    DeleteRecordingSessionPayload, ErasureReceipt, FailChunkUploadInput, FailChunkUploadPayload,
    FinishRecordingSessionInput, FinishRecordingSessionPayload, RequestChunkUploadsInput, RequestChunkUploadsPayload,
    StartRecordingSessionInput, StartRecordingSessionPayload, UpdateRecordingSessionInput,
    UpdateRecordingSessionPayload, WithdrawConsentInput, WithdrawConsentPayload,
};
use crate::graphql::context::{InRequest as _, Request};
use crate::graphql::error::{Failure, Result};
use crate::graphql::mutation::analysis::settings;
use crate::graphql::mutation::{act, once, parts};
use crate::graphql::page::id;

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

    /// Changes what people say about a session: the recorded person, admins and owners. Figures follow declaredOccurrencesPerDay and
    /// peopleCount at the next analysis or recalculateCosts, where no reviewer entered other ones.
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
async fn address(request: &Request, upload: &Uploadable) -> Result<(String, chrono::DateTime<chrono::Utc>)> {
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
