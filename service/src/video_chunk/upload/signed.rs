//! A PUT to an address of our own: the signature is the permission, so nobody is signed in and no tenant is chosen.

use domain::id::ChunkId;
use domain::status::UploadStatus;

use crate::db::Db;
use crate::error::Result;
use crate::storage::Stored;

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
