//! Members: one's own profile, roles, leaving and removing.

use domain::id::{SessionId, UserId};
use domain::role::Role;
use sea_orm::FromQueryResult;
use uuid::Uuid;

use crate::act::{Act, Change};
use crate::db::Scope;
use crate::error::{Error, Result};
use crate::organization::manage::check_person;
use crate::recording_session::record::{self, Receipt};

/// What a person may change about himself; absent fields are left alone.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Update {
    /// First name.
    pub first_name: Option<String>,
    /// Last name.
    pub last_name: Option<String>,
    /// What the person does.
    pub job_title: Option<String>,
}

/// Changes the caller's own profile.
///
/// # Errors
/// [`Error::Forbidden`] for a key, [`Error::Invalid`].
pub async fn update(scope: &Scope, update: &Update, act: &Act) -> Result<UserId> {
    let caller = scope.caller()?;
    caller.writer()?;
    let Some(user) = caller.user() else {
        return Err(Error::Forbidden {
            why: "a key has no profile",
        });
    };
    for (field, text) in [
        ("input.firstName", &update.first_name),
        ("input.lastName", &update.last_name),
        ("input.jobTitle", &update.job_title),
    ] {
        check_person(field, text.as_deref())?;
    }
    scope
        .run(
            "update public.user_profiles set first_name = coalesce($2, first_name), last_name = coalesce($3, last_name), job_title = coalesce($4, job_title) where id = $1",
            [
                user.uuid().into(),
                update.first_name.clone().into(),
                update.last_name.clone().into(),
                update.job_title.clone().into(),
            ],
        )
        .await?;
    act.note(
        scope,
        Change {
            action: "member.update_profile",
            subject_type: "member",
            subject: user.uuid(),
            fields: &["first_name", "last_name", "job_title"],
        },
    )
    .await?;
    Ok(user)
}

/// Changes a member's role. The database decides: only an owner, never his own, and the last owner stays one.
///
/// # Errors
/// [`Error::Forbidden`], [`Error::NotFound`], [`Error::Conflict`] for the last owner.
pub async fn set_role(scope: &Scope, member: UserId, role: Role, act: &Act) -> Result<()> {
    #[derive(FromQueryResult)]
    struct Done {
        done: bool,
    }
    scope.caller()?.owning_writer()?;
    let done: Option<Done> = scope
        .row(
            "select private.set_member_role($1, $2) as done",
            [member.uuid().into(), role.as_str().into()],
        )
        .await
        .map_err(last_owner)?;
    if !done.is_some_and(|row| row.done) {
        return Err(Error::NotFound { what: "member" });
    }
    act.note(
        scope,
        Change {
            action: "member.set_role",
            subject_type: "member",
            subject: member.uuid(),
            fields: &["role"],
        },
    )
    .await
}

fn last_owner(error: Error) -> Error {
    match error.constraint() {
        Some("user_profiles_last_owner") => {
            Error::conflict("an organization needs an owner: make somebody else one first")
        }
        _ => error,
    }
}

/// Removes a member, or leaves. With `erase_recordings` what the member recorded is erased, else it stays without the name.
///
/// # Errors
/// [`Error::Forbidden`], [`Error::NotFound`], [`Error::Conflict`] for the last owner.
pub async fn remove(scope: &Scope, member: UserId, erase_recordings: bool, act: &Act) -> Result<Option<Receipt>> {
    #[derive(FromQueryResult)]
    struct Done {
        done: bool,
    }
    #[derive(FromQueryResult)]
    struct Id {
        id: Uuid,
    }
    let caller = scope.caller()?;
    caller.eraser()?;
    if caller.user().is_none() {
        return Err(Error::Forbidden {
            why: "a key does not manage members",
        });
    }
    let mut erased: Option<Receipt> = None;
    if erase_recordings {
        let sessions: Vec<Id> = scope
            .rows("select id from private.sessions_of($1) as id", [member.uuid().into()])
            .await?;
        for session in sessions {
            let receipt = record::erase(scope, SessionId::new(session.id), "member removed", act).await?;
            erased = Some(match erased {
                None => receipt,
                Some(sum) => Receipt {
                    rows: sum.rows.saturating_add(receipt.rows),
                    objects: sum.objects.saturating_add(receipt.objects),
                    bytes: sum.bytes.saturating_add(receipt.bytes),
                    ..receipt
                },
            });
        }
    }
    // Written while the caller still has a place: one who leaves has none a moment later.
    act.note(
        scope,
        Change {
            action: "member.remove",
            subject_type: "member",
            subject: member.uuid(),
            fields: &[],
        },
    )
    .await?;
    let done: Option<Done> = scope
        .row("select private.remove_member($1) as done", [member.uuid().into()])
        .await
        .map_err(last_owner)?;
    if !done.is_some_and(|row| row.done) {
        return Err(Error::NotFound { what: "member" });
    }
    Ok(erased)
}
