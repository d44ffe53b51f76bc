//! Keys for partners: made and revoked by owners, shown once, kept as a hash.

use chrono::{DateTime, Utc};
use domain::id::ApiKeyId;
use domain::role::Role;
use sea_orm::FromQueryResult;
use uuid::Uuid;

use crate::act::{Act, Change, Once};
use crate::db::Scope;
use crate::error::{Error, Result};
use crate::invitation::manage::secret;

/// What every key begins with.
pub const PREFIX: &str = "ns_";
/// Keys of one organization that are neither revoked nor expired.
const MOST_KEYS: i64 = 20;

/// A new key.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NewKey {
    /// What it is for.
    pub name: String,
    /// What it may do; never manage keys, members or roles.
    pub role: Role,
    /// Whether it only reads.
    pub read_only: bool,
    /// From when on it is refused; never without.
    pub expires_at: Option<DateTime<Utc>>,
}

/// Makes a key. Its secret (256 bits) is answered here, once; only its hash is kept.
///
/// # Errors
/// [`Error::Forbidden`] for all but owners, [`Error::QuotaExceeded`] beyond twenty, [`Error::Invalid`], [`Error::Conflict`] for a
/// repeated idempotency key, since the secret cannot be shown again.
pub async fn create(scope: &Scope, new: &NewKey, once: Option<&Once>, act: &Act) -> Result<(ApiKeyId, String)> {
    #[derive(FromQueryResult)]
    struct Count {
        count: i64,
    }
    let caller = scope.caller()?;
    let member = caller.owning_writer()?;
    if new.name.trim().is_empty() || new.name.chars().count() > 200 || new.name.contains('\0') {
        return Err(Error::invalid("input.name", "must have 1 to 200 characters"));
    }
    if new.expires_at.is_some_and(|at| at <= act.now) {
        return Err(Error::invalid("input.expiresAt", "must be in the future"));
    }
    scope.run("select private.lock_quota()", []).await?;
    if let Some(once) = once
        && let Some(earlier) = once.earlier(scope, act.now).await?
    {
        return Err(Error::conflict(format!(
            "the key {earlier} was made with this idempotencyKey, and its secret was shown then: revoke it and make another"
        )));
    }
    let held: Option<Count> = scope
        .row(
            "select count(*) as count from public.api_keys where revoked_at is null and (expires_at is null or expires_at > $1)",
            [act.now.into()],
        )
        .await?;
    if held.is_some_and(|held| held.count >= MOST_KEYS) {
        return Err(Error::QuotaExceeded {
            why: format!("an organization has at most {MOST_KEYS} keys: revoke one first"),
        });
    }
    let (key, hash) = secret(PREFIX);
    let id = Uuid::now_v7();
    scope
        .run(
            "insert into public.api_keys (id, organization_id, name, role, read_only, prefix, secret_sha256, created_by, expires_at) values ($1, $2, $3, $4, $5, $6, $7, $8, $9)",
            [
                id.into(),
                member.organization.uuid().into(),
                new.name.clone().into(),
                new.role.as_str().into(),
                new.read_only.into(),
                key.chars().take(PREFIX.len() + 6).collect::<String>().into(),
                hash.into(),
                caller.user().map(domain::id::UserId::uuid).into(),
                new.expires_at.into(),
            ],
        )
        .await?;
    if let Some(once) = once {
        once.keep(scope, id, act.now).await?;
    }
    act.note(
        scope,
        Change {
            action: "api_key.create",
            subject_type: "api_key",
            subject: id,
            fields: &["role", "read_only", "expires_at"],
        },
    )
    .await?;
    Ok((id.into(), key))
}

/// Revokes a key, from now on and on open sockets; one that is revoked stays as it is.
///
/// # Errors
/// [`Error::NotFound`], [`Error::Forbidden`].
pub async fn revoke(scope: &Scope, key: ApiKeyId, act: &Act) -> Result<()> {
    let caller = scope.caller()?;
    caller.eraser()?;
    if !caller.is_owner() {
        return Err(Error::Forbidden {
            why: "only an owner may do this",
        });
    }
    let touched = scope
        .run(
            "update public.api_keys set revoked_at = coalesce(revoked_at, $2) where id = $1",
            [key.uuid().into(), act.now.into()],
        )
        .await?;
    if touched == 0 {
        return Err(Error::NotFound { what: "key" });
    }
    act.note(
        scope,
        Change {
            action: "api_key.revoke",
            subject_type: "api_key",
            subject: key.uuid(),
            fields: &["revoked_at"],
        },
    )
    .await
}
