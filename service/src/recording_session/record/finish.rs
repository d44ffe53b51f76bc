//! The end of a recording: every chunk is there, it is a video, and its analysis is queued where one is asked for.

use domain::container::{SNIFF_BYTES, sniff};
use domain::id::{AnalysisId, SessionId};
use domain::status::SessionStatus;
use sea_orm::FromQueryResult;
use uuid::Uuid;

use super::lock::lock_own;
use crate::act::{Act, Change};
use crate::analysis_result::request::{self, Settings};
use crate::caller::Caller;
use crate::db::{Db, Scope};
use crate::error::{Error, Result};
use crate::storage::Storage;

/// What finishing came to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Finished {
    /// The analysis that was queued, now or by the first call.
    pub analysis: Option<AnalysisId>,
}

#[derive(FromQueryResult)]
struct Arrived {
    chunk_index: i32,
    upload_status: String,
    file_path: Option<String>,
    file_size_bytes: i64,
}

/// Finishes a recording of exactly the chunks `0..chunk_count`, and queues its analysis where that is asked for. Again with the
/// same count, it changes nothing.
///
/// # Errors
/// [`Error::Conflict`] naming what is missing or superfluous, or when it was finished with another count; [`Error::Invalid`]
/// when its first bytes are no video; [`Error::NotFound`], [`Error::Forbidden`].
pub async fn finish(
    db: &Db,
    caller: &Caller,
    storage: &Storage,
    session: SessionId,
    chunk_count: i32,
    analyze: Option<&Settings>,
    act: &Act,
) -> Result<Finished> {
    caller.writer()?;
    if !(1..=100_000).contains(&chunk_count) {
        return Err(Error::invalid("input.chunkCount", "must be between 1 and 100,000"));
    }
    // What is no video is refused before anything is locked: storage is slow, and no transaction waits for it.
    let looking = db.scope(caller).await?;
    let first: Option<Arrived> = looking
        .row(
            "select chunk_index, upload_status, file_path, file_size_bytes from public.video_chunks where session_id = $1 and chunk_index = 0 and upload_status = 'completed'",
            [session.uuid().into()],
        )
        .await?;
    drop(looking);
    if let Some(Arrived {
        file_path: Some(key),
        file_size_bytes,
        ..
    }) = &first
    {
        let end = u64::try_from(*file_size_bytes).unwrap_or(0).min(SNIFF_BYTES as u64);
        let head = storage.get_range(key, 0..end).await?;
        if sniff(&head).is_none() {
            return Err(Error::invalid(
                "input.sessionId",
                "the recording is no video: its first bytes are neither WebM/Matroska nor MP4/QuickTime",
            ));
        }
    }
    let scope = db.scope(caller).await?;
    let locked = lock_own(&scope, session).await?;
    if locked.status != SessionStatus::Recording.as_str() {
        return match locked.chunk_count {
            Some(count) if count == chunk_count => Ok(Finished {
                analysis: newest_analysis(&scope, session).await?,
            }),
            Some(count) => Err(Error::conflict(format!("the session was finished with {count} chunks"))),
            None => Err(Error::conflict(format!("the session is {}", locked.status))),
        };
    }
    let chunks: Vec<Arrived> = scope
        .rows(
            "select chunk_index, upload_status, file_path, file_size_bytes from public.video_chunks where session_id = $1 order by chunk_index",
            [session.uuid().into()],
        )
        .await?;
    let completed: Vec<&Arrived> = chunks
        .iter()
        .filter(|chunk| chunk.upload_status == "completed")
        .collect();
    refuse_gaps(&completed, chunk_count)?;
    if completed.first().map(|chunk| &chunk.file_path) != first.as_ref().map(|chunk| &chunk.file_path) {
        return Err(Error::conflict(
            "somebody else changed this at the same moment, try again",
        ));
    }
    let bytes: i64 = completed.iter().map(|chunk| chunk.file_size_bytes).sum();
    let status = if analyze.is_some() {
        SessionStatus::Processing
    } else {
        SessionStatus::Completed
    };
    scope
        .run(
            "update public.recording_sessions set status = $2, chunk_count = $3, file_size_bytes = $4, finished_at = $5, completed_at = case when $2 = 'completed' then $5 end where id = $1",
            [
                session.uuid().into(),
                status.as_str().into(),
                chunk_count.into(),
                bytes.into(),
                act.now.into(),
            ],
        )
        .await?;
    let analysis = match analyze {
        Some(settings) => Some(request::enqueue(&scope, session, settings, Uuid::now_v7().into()).await?),
        None => None,
    };
    act.note(
        &scope,
        Change {
            action: "recording_session.finish",
            subject_type: "recording_session",
            subject: session.uuid(),
            fields: &["status", "chunk_count"],
        },
    )
    .await?;
    scope.commit().await?;
    Ok(Finished { analysis })
}

/// Refuses unless exactly `0..count` arrived, naming the first that are missing or too many.
fn refuse_gaps(completed: &[&Arrived], count: i32) -> Result<()> {
    let arrived: std::collections::BTreeSet<i32> = completed.iter().map(|chunk| chunk.chunk_index).collect();
    let list = |indexes: Vec<i32>| {
        let shown: Vec<String> = indexes.iter().take(20).map(ToString::to_string).collect();
        let more = indexes.len().saturating_sub(20);
        if more == 0 {
            shown.join(", ")
        } else {
            format!("{} and {more} more", shown.join(", "))
        }
    };
    let missing: Vec<i32> = (0..count).filter(|index| !arrived.contains(index)).collect();
    if !missing.is_empty() {
        return Err(Error::conflict(format!("chunks are missing: {}", list(missing))));
    }
    let superfluous: Vec<i32> = arrived.into_iter().filter(|index| *index >= count).collect();
    if !superfluous.is_empty() {
        return Err(Error::conflict(format!(
            "more chunks arrived than chunkCount says: {}",
            list(superfluous)
        )));
    }
    Ok(())
}

async fn newest_analysis(scope: &Scope, session: SessionId) -> Result<Option<AnalysisId>> {
    #[derive(FromQueryResult)]
    struct Id {
        id: Uuid,
    }
    let row: Option<Id> = scope
        .row(
            "select id from public.analysis_results where session_id = $1 order by created_at desc, id desc limit 1",
            [session.uuid().into()],
        )
        .await?;
    Ok(row.map(|row| row.id.into()))
}
