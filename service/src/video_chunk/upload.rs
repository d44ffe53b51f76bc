//! Uploading a recording by chunks: announce, put, complete. Every step may be repeated: twice, in parallel, out of order, after
//! a lost answer.
//!
//! Every announcement of other bytes has a key of its own, so that a late PUT, or a late deletion, of what was announced before
//! meets nothing that counts. A folder stores only the announced bytes. A bucket stores whatever is put to a presigned address
//! while that lasts, so completing copies the object to a key that no address names, reads that copy once, and keeps it if it is
//! what was announced. Bytes travel to storage directly (S3) or through `http/upload.rs` (a folder), never through a transaction.

use std::time::Duration;

use chrono::{DateTime, Utc};
use domain::id::{ChunkId, OrganizationId, SessionId};
use domain::status::{SessionStatus, UploadStatus};
use sea_orm::FromQueryResult;
use uuid::Uuid;

use crate::act::Act;
use crate::caller::Caller;
use crate::db::{Db, Scope};
use crate::error::{Error, Result};
use crate::storage::{PresignedMethod, Storage, Stored, chunk_key};

/// Chunks that one request may announce.
pub const MOST_CHUNKS: usize = 50;
/// Objects of a bucket that are read back at the same time.
const VERIFIED_AT_ONCE: usize = 8;
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

#[derive(FromQueryResult)]
struct Row {
    id: Uuid,
    chunk_index: i32,
    sha256: Option<String>,
    file_size_bytes: i64,
    file_path: Option<String>,
    upload_status: String,
    session_id: Uuid,
}

#[derive(FromQueryResult)]
struct SessionRow {
    status: String,
    chunk_count: Option<i32>,
}

async fn lock_session(scope: &Scope, session: SessionId) -> Result<SessionRow> {
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

/// Leaves an object that no row names to the worker.
async fn delete_later(scope: &Scope, organization: OrganizationId, key: String) -> Result<()> {
    scope
        .run(
            "insert into public.object_deletions (organization_id, object_key) values ($1, $2)",
            [organization.uuid().into(), key.into()],
        )
        .await
        .map(|_| ())
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

async fn rows_of(scope: &Scope, chunks: &[ChunkId]) -> Result<Vec<Row>> {
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

/// What a PUT to one of our own addresses is about.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Expected {
    /// Where it goes.
    pub key: String,
    /// What must come.
    pub stored: Stored,
    /// Whether it is there already.
    pub completed: bool,
}

/// Looks up the chunk behind a signed address, which is the permission: nobody is signed in. Nothing for one that is gone or
/// was announced anew.
///
/// # Errors
/// Those of the database.
pub async fn expected(db: &Db, chunk: ChunkId, sha256: &str) -> Result<Option<Expected>> {
    use sqlx::Row as _;
    let system = db.system();
    let row: Option<sqlx::postgres::PgRow> = crate::db::call!(
        system,
        fetch_optional,
        "select file_size_bytes, sha256, upload_status, file_path from private.chunk_upload($1)",
        chunk.uuid()
    );
    let Some(row) = row else { return Ok(None) };
    let announced: Option<String> = row.try_get("sha256")?;
    let key: Option<String> = row.try_get("file_path")?;
    let (Some(announced), Some(key)) = (announced, key) else {
        return Ok(None);
    };
    if announced != sha256 {
        return Ok(None);
    }
    Ok(Some(Expected {
        key,
        stored: Stored {
            bytes: row.try_get::<i64, _>("file_size_bytes")?.unsigned_abs(),
            sha256: announced,
        },
        completed: row.try_get::<&str, _>("upload_status")? == UploadStatus::Completed.as_str(),
    }))
}

/// Records what became of a PUT to one of our own addresses: under way, or failed with a message for its person.
///
/// # Errors
/// Those of the database.
pub async fn note(db: &Db, chunk: ChunkId, sha256: &str, failure: Option<&str>) -> Result<()> {
    let system = db.system();
    let outcome = if failure.is_some() { "failed" } else { "uploading" };
    let _: sqlx::postgres::PgRow = crate::db::call!(
        system,
        fetch_one,
        "select private.record_upload($1, $2, $3, $4) as done",
        chunk.uuid(),
        sha256,
        outcome,
        failure
    );
    Ok(())
}
