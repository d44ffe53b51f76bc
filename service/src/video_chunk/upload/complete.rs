//! The end of each chunk: what is stored is what was announced, or the client gave up on it.

use chrono::{DateTime, Utc};
use domain::id::{ChunkId, SessionId};
use domain::status::{SessionStatus, UploadStatus};

use super::MOST_CHUNKS;
use super::rows::{Row, delete_later, lock_session, rows_of};
use crate::act::Act;
use crate::caller::Caller;
use crate::db::{Db, Scope};
use crate::error::{Error, Result};
use crate::storage::Storage;

/// Objects of a bucket that are read back at the same time.
const VERIFIED_AT_ONCE: usize = 8;

/// What completing came to, by chunk.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Completed {
    /// The session that all of them belong to.
    pub session: SessionId,
    /// In the order asked for.
    pub chunks: Vec<ChunkId>,
}

/// Completes chunks whose bytes are stored. What is stored but differs from what was announced is deleted and FAILED; what is
/// not there yet is FAILED too, and may be put again.
///
/// # Errors
/// [`Error::NotFound`], [`Error::Forbidden`], [`Error::Invalid`] for chunks of several sessions or none, [`Error::Conflict`] for one
/// that a finished session is not made of.
pub async fn complete(
    db: &Db,
    caller: &Caller,
    storage: &Storage,
    chunks: &[ChunkId],
    now: DateTime<Utc>,
) -> Result<Completed> {
    let member = caller.writer()?;
    if chunks.is_empty() || chunks.len() > MOST_CHUNKS {
        return Err(Error::invalid(
            "input.chunkIds",
            format!("must be 1 to {MOST_CHUNKS} chunks"),
        ));
    }
    let scope = db.scope(caller).await?;
    let rows = rows_of(&scope, chunks).await?;
    drop(scope);
    let session = SessionId::new(rows[0].session_id);
    let open: Vec<_> = rows
        .iter()
        .filter(|row| row.upload_status != UploadStatus::Completed.as_str())
        .collect();
    let mut verdicts = Vec::with_capacity(open.len());
    for some in open.chunks(VERIFIED_AT_ONCE) {
        let found = futures::future::try_join_all(some.iter().map(|row| verify(storage, row))).await?;
        verdicts.extend(some.iter().copied().zip(found));
    }
    let scope = db.scope(caller).await?;
    let recording = lock_session(&scope, session).await?.status == SessionStatus::Recording.as_str();
    let late = verdicts.first().filter(|_| !recording).map(|(row, _)| row.chunk_index);
    for (row, verdict) in verdicts {
        // Finishing wanted exactly what was completed by then.
        if !recording {
            if let Ok(copy) = verdict
                && row.file_path.as_ref() != Some(&copy)
            {
                delete_later(&scope, member.organization, copy).await?;
            }
            continue;
        }
        let (status, message, key) = match verdict {
            Ok(key) => (UploadStatus::Completed, None, Some(key)),
            Err(message) => (UploadStatus::Failed, Some(message), None),
        };
        // Announced anew meanwhile: what was looked at is no longer what is wanted.
        let touched = scope
            .run(
                "update public.video_chunks set upload_status = $3, error_message = $4, uploaded_at = case when $3 = 'completed' then $5 end, retry_count = retry_count + ($3 = 'failed')::integer,
                        file_path = coalesce($6, file_path)
                  where id = $1 and file_path is not distinct from $2 and upload_status <> 'completed'",
                [
                    row.id.into(),
                    row.file_path.clone().into(),
                    status.as_str().into(),
                    message.into(),
                    now.into(),
                    key.clone().into(),
                ],
            )
            .await?;
        let put = row.file_path.clone();
        // Of what was put and its copy, the one that no row names goes.
        if let (Some(key), Some(put)) = (key, put)
            && key != put
        {
            let superfluous = if touched == 0 { key } else { put };
            delete_later(&scope, member.organization, superfluous).await?;
        }
    }
    scope
        .run(
            "update public.recording_sessions set last_chunk_at = $2,
                    file_size_bytes = (select coalesce(sum(c.file_size_bytes), 0) from public.video_chunks c where c.session_id = $1 and c.upload_status = 'completed')
              where id = $1 and status = 'recording'",
            [session.uuid().into(), now.into()],
        )
        .await?;
    scope.commit().await?;
    if let Some(index) = late {
        return Err(Error::conflict(format!(
            "the session is finished: chunk {index} is no part of it"
        )));
    }
    Ok(Completed {
        session,
        chunks: chunks.to_vec(),
    })
}

/// Whether what is stored is what was announced, and where it lies then. A folder stored nothing else in the first place; of a
/// bucket's object a copy is read once, and both are deleted if they differ.
async fn verify(storage: &Storage, row: &Row) -> Result<Result<String, String>> {
    let (Some(key), Some(sha256)) = (&row.file_path, &row.sha256) else {
        return Ok(Err("the chunk was never announced".to_owned()));
    };
    let absent = || Err("its bytes have not arrived: put them to its address first".to_owned());
    if !storage.presigns() {
        return Ok(if storage.exists(key).await? {
            Ok(key.clone())
        } else {
            absent()
        });
    }
    // Short: some servers put a key into one file name.
    let copy = format!("{key}.{:08x}", rand::random::<u32>());
    let Some(stored) = storage.copy_and_inspect(key, &copy).await? else {
        return Ok(absent());
    };
    if stored.bytes == row.file_size_bytes.unsigned_abs() && stored.sha256 == *sha256 {
        return Ok(Ok(copy));
    }
    storage.delete(&copy).await?;
    storage.delete(key).await?;
    Ok(Err(format!(
        "{} bytes arrived that are not the announced ones; they were deleted",
        stored.bytes
    )))
}

/// Records that a client gave up on a chunk.
///
/// # Errors
/// [`Error::NotFound`], [`Error::Forbidden`], [`Error::Conflict`] for one that is completed.
pub async fn fail(scope: &Scope, chunk: ChunkId, message: &str, act: &Act) -> Result<()> {
    scope.caller()?.writer()?;
    if message.chars().count() > 1_000 || message.contains('\0') {
        return Err(Error::invalid("input.message", "must have at most 1,000 characters"));
    }
    let rows = rows_of(scope, &[chunk]).await?;
    if rows[0].upload_status == UploadStatus::Completed.as_str() {
        return Err(Error::conflict("the chunk is completed"));
    }
    let touched = scope
        .run(
            "update public.video_chunks set upload_status = 'failed', error_message = $2, retry_count = retry_count + 1 where id = $1 and upload_status <> 'completed'",
            [chunk.uuid().into(), message.into()],
        )
        .await?;
    if touched == 0 {
        return Err(Error::Forbidden {
            why: "only the recorded person, an admin or an owner may do this",
        });
    }
    scope
        .run(
            "update public.recording_sessions set last_chunk_at = $2 where id = $1 and status = 'recording'",
            [rows[0].session_id.into(), act.now.into()],
        )
        .await?;
    Ok(())
}
