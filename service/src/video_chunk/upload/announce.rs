//! Announcing chunks: what will come, whether there is room for it, and the address that each is put to.

use std::time::Duration;

use domain::id::{ChunkId, OrganizationId, SessionId};
use domain::status::SessionStatus;
use sea_orm::FromQueryResult;
use uuid::Uuid;

use super::rows::{Row, delete_later, lock_session};
use crate::db::Scope;
use crate::error::{Error, Result};
use crate::storage::{PresignedMethod, Storage, Stored, chunk_key};

/// Chunks that one request may announce.
pub const MOST_CHUNKS: usize = 50;
/// How long an address to PUT to is good.
pub const ADDRESS_LIFE: Duration = Duration::from_hours(1);

/// A chunk as it is announced.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Announced {
    /// Its place, from 0.
    pub index: i32,
    /// Its length.
    pub size_bytes: i64,
    /// SHA-256 of its bytes, in hexadecimal.
    pub sha256: String,
    /// What it says it is; only passed on.
    pub content_type: Option<String>,
}

/// A chunk that may be uploaded.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Uploadable {
    /// Its row.
    pub chunk: ChunkId,
    /// What was announced.
    pub expected: Stored,
    /// Where its bytes are put.
    pub key: String,
}

fn check(announced: &[Announced], max_chunk_bytes: u64) -> Result<()> {
    if announced.is_empty() || announced.len() > MOST_CHUNKS {
        return Err(Error::invalid(
            "input.chunks",
            format!("must be 1 to {MOST_CHUNKS} chunks"),
        ));
    }
    let mut indexes = std::collections::BTreeSet::new();
    for (place, chunk) in announced.iter().enumerate() {
        let field = |name: &str| format!("input.chunks.{place}.{name}");
        if !(0..100_000).contains(&chunk.index) || !indexes.insert(chunk.index) {
            return Err(Error::invalid(
                field("chunkIndex"),
                "must be between 0 and 99,999, each once",
            ));
        }
        if chunk.size_bytes < 1 || chunk.size_bytes.unsigned_abs() > max_chunk_bytes {
            return Err(Error::invalid(
                field("sizeBytes"),
                format!("must be between 1 and {max_chunk_bytes} bytes"),
            ));
        }
        if chunk.sha256.len() != 64
            || !chunk
                .sha256
                .bytes()
                .all(|byte| byte.is_ascii_digit() || (b'a'..=b'f').contains(&byte))
        {
            return Err(Error::invalid(
                field("sha256"),
                "must be 64 lower-case hexadecimal digits",
            ));
        }
        if chunk
            .content_type
            .as_ref()
            .is_some_and(|text| text.len() > 100 || !text.is_ascii() || text.chars().any(char::is_control))
        {
            return Err(Error::invalid(field("contentType"), "must be a media type"));
        }
    }
    Ok(())
}

/// Announces chunks; answers where each goes. One that is already stored stays as it is.
///
/// # Errors
/// [`Error::Conflict`] for another chunk of a finished session, [`Error::QuotaExceeded`] when the storage is full,
/// [`Error::Invalid`], [`Error::NotFound`], [`Error::Forbidden`].
pub async fn announce(
    scope: &Scope,
    session: SessionId,
    announced: &[Announced],
    max_chunk_bytes: u64,
) -> Result<Vec<Uploadable>> {
    let member = scope.caller()?.writer()?;
    check(announced, max_chunk_bytes)?;
    scope.run("select private.lock_quota()", []).await?;
    let state = lock_session(scope, session).await?;
    let indexes = announced.iter().map(|chunk| chunk.index).collect::<Vec<_>>();
    let rows: Vec<Row> = scope
        .rows(
            "select id, chunk_index, sha256, file_size_bytes, file_path, upload_status, session_id from public.video_chunks where session_id = $1 and chunk_index = any ($2)",
            [session.uuid().into(), indexes.into()],
        )
        .await?;
    let recording = state.status == SessionStatus::Recording.as_str();
    let mut uploads = Vec::with_capacity(announced.len());
    let mut added = 0_i64;
    for chunk in announced {
        let expected = Stored {
            bytes: chunk.size_bytes.unsigned_abs(),
            sha256: chunk.sha256.clone(),
        };
        let existing = rows.iter().find(|row| row.chunk_index == chunk.index);
        let same = existing
            .is_some_and(|row| row.sha256.as_deref() == Some(&chunk.sha256) && row.file_size_bytes == chunk.size_bytes);
        if !recording && !same {
            let count = state
                .chunk_count
                .map_or_else(String::new, |count| format!(" with {count} chunks"));
            return Err(Error::conflict(format!(
                "the session is finished{count}: chunk {} cannot be added or replaced",
                chunk.index
            )));
        }
        let fresh = || {
            let place = chunk_key(member.organization, session, chunk.index);
            format!("{place}-{}", Uuid::now_v7().simple())
        };
        let (id, key) = match existing {
            Some(row) if same => (row.id, row.file_path.as_deref().map_or_else(fresh, put_key)),
            Some(row) => {
                added += chunk.size_bytes - row.file_size_bytes;
                let key = fresh();
                replace(scope, member.organization, row, chunk, &key).await?;
                (row.id, key)
            }
            None => {
                added += chunk.size_bytes;
                let key = fresh();
                (insert(scope, member.organization, session, chunk, &key).await?, key)
            }
        };
        uploads.push(Uploadable {
            chunk: id.into(),
            expected,
            key,
        });
    }
    refuse_full(scope, added).await?;
    Ok(uploads)
}

/// Where a chunk's bytes were put, of where they lie: a copy's key is that of the original, a dot and more.
fn put_key(key: &str) -> String {
    key.split_once('.').map_or(key, |(put, _)| put).to_owned()
}

async fn insert(
    scope: &Scope,
    organization: OrganizationId,
    session: SessionId,
    chunk: &Announced,
    key: &str,
) -> Result<Uuid> {
    let id = Uuid::now_v7();
    scope
        .run(
            "insert into public.video_chunks (id, session_id, organization_id, chunk_index, file_path, file_size_bytes, sha256, content_type) values ($1, $2, $3, $4, $5, $6, $7, $8)",
            [
                id.into(),
                session.uuid().into(),
                organization.uuid().into(),
                chunk.index.into(),
                key.into(),
                chunk.size_bytes.into(),
                chunk.sha256.clone().into(),
                chunk.content_type.clone().into(),
            ],
        )
        .await?;
    Ok(id)
}

/// Announces other bytes for an index of a session that is still recording; what was stored for it is deleted.
async fn replace(scope: &Scope, organization: OrganizationId, row: &Row, chunk: &Announced, key: &str) -> Result<()> {
    if let Some(old) = &row.file_path {
        delete_later(scope, organization, old.clone()).await?;
    }
    scope
        .run(
            "update public.video_chunks set file_path = $2, file_size_bytes = $3, sha256 = $4, content_type = $5, upload_status = 'pending', error_message = null, uploaded_at = null where id = $1",
            [
                row.id.into(),
                key.into(),
                chunk.size_bytes.into(),
                chunk.sha256.clone().into(),
                chunk.content_type.clone().into(),
            ],
        )
        .await?;
    Ok(())
}

/// Refuses when what is announced does not fit into the organization's storage. Counted after the rows were written, under the
/// quota's lock.
async fn refuse_full(scope: &Scope, added: i64) -> Result<()> {
    #[derive(FromQueryResult)]
    struct Room {
        most: i64,
        used: i64,
    }
    if added <= 0 {
        return Ok(());
    }
    let room: Room = scope
        .row(
            "select o.max_storage_bytes as most, ((select coalesce(sum(c.file_size_bytes), 0) from public.video_chunks c where c.organization_id = o.id)
                     + (select coalesce(sum(f.file_size_bytes), 0) from public.analysis_frames f where f.organization_id = o.id))::bigint as used from public.organizations o",
            [],
        )
        .await?
        .ok_or(Error::NotFound { what: "organization" })?;
    if room.used > room.most {
        return Err(Error::QuotaExceeded {
            why: format!(
                "the storage of {} bytes is full: delete recordings, or wait for their retention",
                room.most
            ),
        });
    }
    Ok(())
}

/// The address to PUT a chunk to: the storage's own where it presigns, else nothing (the door signs one of its own).
///
/// # Errors
/// [`Error::Storage`].
pub async fn address(storage: &Storage, upload: &Uploadable) -> Result<Option<url::Url>> {
    storage.presign(PresignedMethod::Put, &upload.key, ADDRESS_LIFE).await
}
