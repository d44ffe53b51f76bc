//! Invitations: made by owners and admins, shown once, accepted once, by the person with that address.

use chrono::TimeDelta;
use domain::id::{InvitationId, OrganizationId, UserId};
use domain::role::Role;
use rand::Rng as _;
use sha2::{Digest, Sha256};
use uuid::Uuid;

use crate::act::{Act, Change, Once};
use crate::caller::{Actor, Caller};
use crate::db::{Db, Scope, call};
use crate::error::{Error, Result};
use crate::organization::manage::check_person;

/// How long an invitation is good.
pub const LIFE: TimeDelta = TimeDelta::days(7);

/// A random secret of 256 bits in hexadecimal, behind a prefix, with the SHA-256 that is stored of it.
pub(crate) fn secret(prefix: &str) -> (String, String) {
    let mut bytes = [0_u8; 32];
    rand::rng().fill_bytes(&mut bytes);
    let secret = format!("{prefix}{}", hex::encode(bytes));
    let hash = digest(&secret);
    (secret, hash)
}

/// The SHA-256 of a secret, in hexadecimal.
pub(crate) fn digest(secret: &str) -> String {
    hex::encode(Sha256::digest(secret))
}

/// Invites an address. The token is answered here, once; only its hash is kept.
///
/// # Errors
/// [`Error::Forbidden`] for operators, for keys, and for admins who would invite more than operators; [`Error::Invalid`];
/// [`Error::Conflict`] for a repeated idempotency key, since the token cannot be shown again.
pub async fn create(
    scope: &Scope,
    email: &str,
    role: Role,
    once: Option<&Once>,
    act: &Act,
) -> Result<(InvitationId, String)> {
    let caller = scope.caller()?;
    let member = caller.managing_writer()?;
    let Some(inviter) = caller.user() else {
        return Err(Error::Forbidden {
            why: "a key does not manage members",
        });
    };
    if role != Role::Operator && !caller.is_owner() {
        return Err(Error::Forbidden {
            why: "only an owner invites admins and owners",
        });
    }
    let email = email.trim().to_lowercase();
    let plausible = email.len() <= 320
        && email
            .split_once('@')
            .is_some_and(|(name, host)| !name.is_empty() && host.contains('.') && !host.starts_with('.'))
        && !email
            .chars()
            .any(|character| character.is_whitespace() || character.is_control());
    if !plausible {
        return Err(Error::invalid("input.email", "must be an e-mail address"));
    }
    let (token, hash) = secret("nsi_");
    if let Some(once) = once
        && let Some(earlier) = once.earlier(scope, act.now).await?
    {
        return Err(Error::conflict(format!(
            "the invitation {earlier} was made with this key, and its token was shown then: revoke it and invite again"
        )));
    }
    let id = Uuid::now_v7();
    scope
        .run(
            "insert into public.invitations (id, organization_id, email, role, token_sha256, invited_by, expires_at) values ($1, $2, $3, $4, $5, $6, $7)",
            [
                id.into(),
                member.organization.uuid().into(),
                email.into(),
                role.as_str().into(),
                hash.into(),
                inviter.uuid().into(),
                (act.now + LIFE).into(),
            ],
        )
        .await?;
    if let Some(once) = once {
        once.keep(scope, id, act.now).await?;
    }
    act.note(
        scope,
        Change {
            action: "invitation.create",
            subject_type: "invitation",
            subject: id,
            fields: &["role"],
        },
    )
    .await?;
    Ok((id.into(), token))
}

/// Revokes an invitation; one that was accepted or revoked stays as it is.
///
/// # Errors
/// [`Error::NotFound`], [`Error::Forbidden`].
pub async fn revoke(scope: &Scope, invitation: InvitationId, act: &Act) -> Result<()> {
    let caller = scope.caller()?;
    caller.managing_writer()?;
    if caller.user().is_none() {
        return Err(Error::Forbidden {
            why: "a key does not manage members",
        });
    }
    let touched = scope
        .run(
            "update public.invitations set revoked_at = case when accepted_at is null then coalesce(revoked_at, $2) end where id = $1",
            [invitation.uuid().into(), act.now.into()],
        )
        .await?;
    if touched == 0 {
        return Err(Error::NotFound { what: "invitation" });
    }
    act.note(
        scope,
        Change {
            action: "invitation.revoke",
            subject_type: "invitation",
            subject: invitation.uuid(),
            fields: &["revoked_at"],
        },
    )
    .await
}

/// Accepts an invitation: works once, before it expires, for the person whose token carries the invited address.
///
/// # Errors
/// [`Error::Forbidden`] for a key, [`Error::NotFound`] for a token that is unknown, used, revoked, expired or another's,
/// [`Error::Conflict`] for a person who belongs to an organization, [`Error::QuotaExceeded`] when it is full.
pub async fn accept(
    db: &Db,
    caller: &Caller,
    token: &str,
    names: [Option<&str>; 3],
) -> Result<(UserId, OrganizationId)> {
    let Actor::Person(person) = caller.actor else {
        return Err(Error::Forbidden {
            why: "a key cannot accept an invitation",
        });
    };
    let Some(email) = &caller.email else {
        return Err(Error::Forbidden {
            why: "your sign-in carries no e-mail address: the invitation is for one",
        });
    };
    for (field, text) in ["input.firstName", "input.lastName", "input.jobTitle"]
        .into_iter()
        .zip(names)
    {
        check_person(field, text)?;
    }
    let [first, last, job] = names;
    let system = db.system();
    let accepted: Result<Option<Uuid>> = async {
        use sqlx::Row as _;
        let row: sqlx::postgres::PgRow = call!(
            system,
            fetch_one,
            "select private.accept_invitation($1, $2, $3, $4, $5, $6) as organization_id",
            digest(token),
            person.uuid(),
            email,
            first,
            last,
            job,
        );
        Ok(row.try_get("organization_id")?)
    }
    .await;
    match accepted {
        Ok(Some(organization)) => Ok((person, organization.into())),
        Ok(None) => Err(Error::NotFound {
            what: "open invitation for your address",
        }),
        Err(error) => Err(match error.constraint() {
            Some("user_profiles_one_organization") => Error::conflict("you already belong to an organization"),
            Some("organizations_max_users_reached") => Error::QuotaExceeded {
                why: "the organization has no room for another member".to_owned(),
            },
            _ => error,
        }),
    }
}
