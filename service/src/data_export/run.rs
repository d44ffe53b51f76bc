//! What the worker does that makes an export: take it up, read as whoever asked for it, store the archive, tell how it ended.

use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use chrono::{DateTime, Utc};
use domain::id::{ExportId, OrganizationId, UserId};
use futures::TryStreamExt as _;
use sqlx::Row as _;
use sqlx::postgres::PgRow;
use tokio_util::sync::CancellationToken;
use uuid::Uuid;

use super::archive::{self, Source};
use super::{LIFE, Subject, permit};
pub use crate::analysis_result::run::LEASE;
use crate::caller::{Actor, Caller};
use crate::db::{Db, Lease, LeaseSubject, call, membership};
use crate::error::{Error, Result};
use crate::storage::{MOST_STREAMED, Storage};

/// After so many tries that ended without a word, the export is taken to be the cause: the queue gives such tries back.
const MOST_ATTEMPTS: i32 = 10;

/// What taking an export up came to.
#[derive(Debug)]
pub enum Begun {
    /// It is ours.
    Ours(Box<Work>),
    /// Another attempt's lease is still alive for so long.
    Wait(Duration),
    /// Made, failed or gone.
    Nothing,
}

/// An export in hand.
#[derive(Debug)]
pub struct Work {
    export: ExportId,
    lease: Lease,
    caller: Caller,
    subject: Subject,
    key: String,
    /// Bytes of the archive so far, and those of the media that it will hold.
    written: AtomicU64,
    expected: AtomicU64,
}

/// Takes an export up as a new attempt.
///
/// # Errors
/// Those of the database.
pub async fn begin(db: &Db, export: ExportId) -> Result<Begun> {
    let system = db.system();
    let row: Option<PgRow> = call!(
        system,
        fetch_optional,
        "select attempt, lease, organization_id, requested_by, subject_user_id, file_path, role, subscription_status, deletion_requested, wait_seconds
           from private.begin_export($1, $2)",
        export.uuid(),
        seconds(),
    );
    let Some(row) = row else { return Ok(Begun::Nothing) };
    let Some(token) = row.try_get("lease")? else {
        return Ok(Begun::Wait(Duration::from_secs_f64(
            row.try_get::<f64, _>("wait_seconds")?.max(0.1),
        )));
    };
    let subject = match row.try_get::<Option<Uuid>, _>("subject_user_id")? {
        Some(person) => Subject::Person(person.into()),
        None => Subject::Organization(OrganizationId::new(row.try_get("organization_id")?)),
    };
    Ok(Begun::Ours(Box::new(Work {
        export,
        lease: Lease {
            subject: LeaseSubject::Export(export),
            attempt: row.try_get("attempt")?,
            token,
        },
        caller: Caller {
            actor: Actor::Person(UserId::new(row.try_get("requested_by")?)),
            email: None,
            membership: Some(membership(&row)?),
            read_only: true,
        },
        subject,
        key: row.try_get("file_path")?,
        written: AtomicU64::new(0),
        expected: AtomicU64::new(0),
    })))
}

fn seconds() -> i32 {
    i32::try_from(LEASE.as_secs()).unwrap_or(i32::MAX)
}

impl Work {
    /// Makes the archive and stores it; answers its size in bytes. Ends early, without an archive, when `stop` fires.
    ///
    /// # Errors
    /// [`Error::Forbidden`] when whoever asked may not have it any more, [`Error::Conflict`] after too many tries; those of the
    /// database and of the storage.
    pub async fn make(&self, db: &Db, storage: &Storage, now: DateTime<Utc>, stop: &CancellationToken) -> Result<u64> {
        permit(&self.caller, self.subject)?;
        if self.lease.attempt > MOST_ATTEMPTS {
            return Err(Error::conflict("its workers ended without a word, one after the other"));
        }
        let (caller, lease) = (self.caller.clone(), self.lease.clone());
        let db = db.clone();
        let source = Source {
            role: caller.member()?.role,
            reader: move || db.export_reader(caller.clone(), lease.clone()),
        };
        let expected = source
            .load(async |scope| archive::media_bytes(scope, self.subject).await)
            .await?;
        if expected > MOST_STREAMED {
            return Err(Error::conflict(format!(
                "it would hold {} GB, more than the {} GB of one archive: export the members one by one",
                expected / 1_000_000_000,
                MOST_STREAMED / 1_000_000_000
            )));
        }
        self.expected.store(expected, Ordering::Relaxed);
        let pieces = archive::archive(source, storage.clone(), self.subject, now).inspect_ok(|piece| {
            self.written.fetch_add(piece.len() as u64, Ordering::Relaxed);
        });
        storage.put_stream(&self.key, expected, pieces, stop).await
    }

    /// Keeps the lease alive and writes how far it is. False when it is lost: stop, and tell nobody.
    ///
    /// # Errors
    /// Those of the database; the lease may then still be alive.
    pub async fn renew(&self, db: &Db) -> Result<bool> {
        #[expect(clippy::cast_precision_loss, reason = "a share for people to look at")]
        let share = (self.written.load(Ordering::Relaxed) as f64 / self.expected.load(Ordering::Relaxed).max(1) as f64)
            .min(0.99);
        let system = db.system();
        let row: PgRow = call!(
            system,
            fetch_one,
            "select private.renew_export($1, $2, $3, $4) as done",
            self.export.uuid(),
            self.lease.token,
            seconds(),
            share
        );
        Ok(row.try_get("done")?)
    }

    /// Tells that the archive is there, with this size. False when the lease is lost.
    ///
    /// # Errors
    /// Those of the database.
    pub async fn ready(&self, db: &Db, bytes: u64, now: DateTime<Utc>) -> Result<bool> {
        let bytes = i64::try_from(bytes).unwrap_or(i64::MAX);
        self.end(db, "ready", None, Some(bytes), Some(now + LIFE)).await
    }

    /// Fails it with a sentence for whoever asked.
    ///
    /// # Errors
    /// Those of the database.
    pub async fn fail(&self, db: &Db, sentence: &str) -> Result<bool> {
        self.end(db, "failed", Some(sentence), None, None).await
    }

    /// Puts it back into the line, for another attempt or another worker.
    ///
    /// # Errors
    /// Those of the database.
    pub async fn hand_back(&self, db: &Db) -> Result<bool> {
        self.end(db, "queued", None, None, None).await
    }

    async fn end(
        &self,
        db: &Db,
        outcome: &str,
        sentence: Option<&str>,
        bytes: Option<i64>,
        expires: Option<DateTime<Utc>>,
    ) -> Result<bool> {
        let system = db.system();
        let row: PgRow = call!(
            system,
            fetch_one,
            "select private.end_export($1, $2, $3, $4, $5, $6) as done",
            self.export.uuid(),
            self.lease.token,
            outcome,
            sentence,
            bytes,
            expires
        );
        Ok(row.try_get("done")?)
    }
}
