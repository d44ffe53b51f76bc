//! Exports of everything that is stored about a person, or of an organization: asked for here, made by a worker ([`run`]), kept
//! for a day, and seen by whoever asked, as long as he may have it.

mod archive;
pub mod run;
mod zip;

use std::sync::Arc;

use chrono::{DateTime, TimeDelta, Utc};
use domain::id::{ExportId, OrganizationId, UserId};
use domain::status::ExportStatus;
use sea_orm::FromQueryResult;
use uuid::Uuid;

use crate::act::{Act, Change};
use crate::caller::Caller;
use crate::db::Scope;
use crate::error::{Error, Result};
use crate::page::{self, Direction, Key, Kind, Order, Page, Window};
use crate::queue::{self, JobKind};
use crate::row::{Columns, Wanted, table};

/// How long an archive is kept, from when it was made.
pub const LIFE: TimeDelta = TimeDelta::hours(24);

table!("public.data_exports", "export", always [ID], {
    ID = id: ExportId,
    SUBJECT_USER_ID = subject_user_id: Option<UserId>,
    STATUS = status: ExportStatus,
    PROGRESS = progress: f64,
    ERROR_MESSAGE = error_message: Option<&str>,
    FILE_PATH = file_path: Option<&str>,
    FILE_SIZE_BYTES = file_size_bytes: Option<i64>,
    EXPIRES_AT = expires_at: Option<DateTime<Utc>>,
    CREATED_AT = created_at: DateTime<Utc>,
});

/// What [`Row::is_downloadable`] looks at.
pub const DOWNLOADABLE: Columns = Table::STATUS.and(Table::FILE_PATH).and(Table::EXPIRES_AT);

impl Row {
    /// Whether there is an archive to be had at this instant.
    ///
    /// # Errors
    /// As the columns'.
    pub fn is_downloadable(&self, now: DateTime<Utc>) -> Result<bool> {
        Ok(self.status()? == ExportStatus::Ready
            && self.file_path()?.is_some()
            && self.expires_at()?.is_some_and(|expiry| expiry > now))
    }
}

/// The newest first.
pub fn order() -> Order {
    let created = Key {
        name: "created_at",
        column: Table::CREATED_AT,
        kind: Kind::Instant,
        nullable: false,
    };
    Order::of("data_export", [(created, Direction::Descending)])
}

/// One page of the caller's exports.
///
/// # Errors
/// Those of the database.
pub async fn list(scope: &Scope, wanted: &Wanted, window: &Arc<Window>) -> Result<Page<Table>> {
    page::list(scope, wanted, &(), window).await
}

/// How many exports the caller has.
///
/// # Errors
/// Those of the database.
pub async fn count(scope: &Scope) -> Result<i64> {
    page::count::<Table>(scope, &()).await
}

/// What is exported.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Subject {
    /// Everything about one member.
    Person(UserId),
    /// Everything of the organization.
    Organization(OrganizationId),
}

impl Subject {
    /// The row that it is about.
    pub const fn uuid(self) -> Uuid {
        match self {
            Self::Person(user) => user.uuid(),
            Self::Organization(organization) => organization.uuid(),
        }
    }

    /// The person, where it is one.
    const fn person(self) -> Option<Uuid> {
        match self {
            Self::Person(user) => Some(user.uuid()),
            Self::Organization(_) => None,
        }
    }

    const fn noun(self) -> &'static str {
        match self {
            Self::Person(_) => "member",
            Self::Organization(_) => "organization",
        }
    }
}

/// Refuses who may not have it: oneself always; a member's by admins and owners; the organization's by owners. Keys never.
///
/// # Errors
/// [`Error::Forbidden`].
fn permit(caller: &Caller, subject: Subject) -> Result<()> {
    caller.member()?;
    let may = match subject {
        Subject::Person(user) => caller.user() == Some(user) || (caller.user().is_some() && caller.is_manager()),
        Subject::Organization(_) => caller.is_owner(),
    };
    if may {
        Ok(())
    } else {
        Err(Error::Forbidden {
            why: "people export their own data, admins and owners a member's, owners the organization's",
        })
    }
}

/// Has an export made, and writes down that it was asked for. While one of the same is being made for the same person, it is that
/// one; when the new one is made, an older one goes.
///
/// # Errors
/// Those of [`permit`], and [`Error::NotFound`] for a person who is no member.
pub async fn request(scope: &Scope, subject: Subject, act: &Act) -> Result<ExportId> {
    #[derive(FromQueryResult)]
    struct There {
        there: bool,
    }
    #[derive(FromQueryResult)]
    struct Made {
        id: Uuid,
    }
    let caller = scope.caller()?;
    permit(caller, subject)?;
    let organization = caller.member()?.organization.uuid();
    let requester = caller.actor.uuid();
    if let Some(person) = subject.person() {
        let row: Option<There> = scope
            .row(
                "select exists (select from public.user_profiles where id = $1) as there",
                [person.into()],
            )
            .await?;
        if !row.is_some_and(|row| row.there) {
            return Err(Error::NotFound { what: "member" });
        }
    }
    let id = Uuid::now_v7();
    let added = scope
        .run(
            "insert into public.data_exports (id, organization_id, subject_user_id, requested_by, created_at) values ($1, $2, $3, $4, $5)
             on conflict (organization_id, requested_by, coalesce(subject_user_id, organization_id)) where status in ('queued', 'generating') do nothing",
            [
                id.into(),
                organization.into(),
                subject.person().into(),
                requester.into(),
                act.now.into(),
            ],
        )
        .await?;
    let id = if added == 1 {
        queue::enqueue(scope, JobKind::ExportData, id).await?;
        id
    } else {
        let under_way: Option<Made> = scope
            .row(
                "select id from public.data_exports where requested_by = $1 and subject_user_id is not distinct from $2 and status in ('queued', 'generating')",
                [requester.into(), subject.person().into()],
            )
            .await?;
        // It ended between the two statements.
        under_way
            .ok_or_else(|| Error::conflict("an export of this has just ended: look at it, or ask again"))?
            .id
    };
    let change = Change {
        action: "data.export",
        subject_type: subject.noun(),
        subject: subject.uuid(),
        fields: &[],
    };
    act.note(scope, change).await?;
    Ok(id.into())
}

/// The archive of one of the caller's exports: its key and its size in bytes. Nothing unless it can be fetched now.
///
/// # Errors
/// Those of the database.
pub async fn file(scope: &Scope, export: ExportId, now: DateTime<Utc>) -> Result<Option<(String, u64)>> {
    #[derive(FromQueryResult)]
    struct File {
        file_path: String,
        file_size_bytes: i64,
    }
    let row: Option<File> = scope
        .row(
            "select file_path, file_size_bytes from public.data_exports where id = $1 and status = 'ready' and file_path is not null and file_size_bytes is not null and expires_at > $2",
            [export.uuid().into(), now.into()],
        )
        .await?;
    Ok(row.map(|row| (row.file_path, row.file_size_bytes.unsigned_abs())))
}
