//! What every change shares: the moment, the request that it came with, its line in the audit log, and its idempotency key.

use chrono::{DateTime, Utc};
use domain::id::{ApiKeyId, UserId};
use sea_orm::{FromQueryResult, Value};
use sha2::{Digest, Sha256};
use uuid::Uuid;

use crate::db::Scope;
use crate::error::{Error, Result};

/// When and by which request something is done.
#[derive(Debug, Clone)]
pub struct Act {
    /// The time.
    pub now: DateTime<Utc>,
    /// The request's id, for the audit log.
    pub request_id: Option<String>,
}

/// What was changed, for the audit log: names only, never contents.
#[derive(Debug, Clone, Copy)]
pub struct Change<'a> {
    /// What was done, such as `recording_session.start`.
    pub action: &'a str,
    /// The kind of row.
    pub subject_type: &'a str,
    /// The row.
    pub subject: Uuid,
    /// Names of the columns or fields that changed.
    pub fields: &'a [&'a str],
}

impl Act {
    /// Writes a line into the audit log, in the same transaction as the change.
    ///
    /// # Errors
    /// Those of the database.
    pub async fn note(&self, scope: &Scope, change: Change<'_>) -> Result<()> {
        let caller = scope.caller()?;
        scope
            .run(
                "insert into public.audit_log (organization_id, at, actor_user_id, actor_api_key_id, action, subject_type, subject_id, request_id, changed_fields)
                 values ($1, $2, $3, $4, $5, $6, $7, $8, string_to_array($9, ','))",
                [
                    caller.member()?.organization.uuid().into(),
                    self.now.into(),
                    caller.user().map(UserId::uuid).into(),
                    caller.api_key().map(ApiKeyId::uuid).into(),
                    change.action.into(),
                    change.subject_type.into(),
                    change.subject.into(),
                    self.request_id.clone().into(),
                    change.fields.join(",").into(),
                ],
            )
            .await
            .map(|_| ())
    }
}

/// The key under which a creating mutation may be repeated within 24 hours, and a digest of what it asked for.
#[derive(Debug, Clone)]
pub struct Once {
    /// Chosen by the client.
    pub key: String,
    /// The mutation.
    pub operation: &'static str,
    /// SHA-256 of its input, in hexadecimal.
    pub request_sha256: String,
}

impl Once {
    /// The key of an input, if it has one. The digest is that of its JSON.
    ///
    /// # Errors
    /// [`Error::Invalid`] for an empty or overlong key.
    pub fn of(key: Option<String>, operation: &'static str, input: &serde_json::Value) -> Result<Option<Self>> {
        let Some(key) = key else { return Ok(None) };
        if key.is_empty() || key.chars().count() > 200 || key.contains('\0') {
            return Err(Error::invalid("input.idempotencyKey", "must have 1 to 200 characters"));
        }
        Ok(Some(Self {
            key,
            operation,
            request_sha256: hex::encode(Sha256::digest(input.to_string())),
        }))
    }

    /// What an earlier request with this key made. Takes the key's lock, so that two at once become one after the other.
    ///
    /// # Errors
    /// [`Error::Conflict`] when it asked for something else.
    pub async fn earlier(&self, scope: &Scope, now: DateTime<Utc>) -> Result<Option<Uuid>> {
        #[derive(FromQueryResult)]
        struct Made {
            request_sha256: String,
            subject_id: Uuid,
        }
        let actor = scope.caller()?.actor.uuid();
        scope
            .run(
                "select pg_advisory_xact_lock(hashtext('newsystem.once'), hashtext($1))",
                [format!("{actor}:{}:{}", self.operation, self.key).into()],
            )
            .await?;
        let made: Option<Made> = scope
            .row(
                "select request_sha256, subject_id from public.idempotency_keys where actor_id = $1 and operation = $2 and key = $3 and created_at > $4",
                [actor.into(), self.operation.into(), self.key.clone().into(), (now - chrono::TimeDelta::hours(24)).into()],
            )
            .await?;
        match made {
            Some(made) if made.request_sha256 != self.request_sha256 => {
                Err(Error::conflict("this idempotencyKey was used for another input"))
            }
            made => Ok(made.map(|made| made.subject_id)),
        }
    }

    /// Keeps what was made, in the same transaction.
    ///
    /// # Errors
    /// Those of the database.
    pub async fn keep(&self, scope: &Scope, subject: Uuid, now: DateTime<Utc>) -> Result<()> {
        let values: [Value; 7] = [
            scope.organization()?.uuid().into(),
            scope.caller()?.actor.uuid().into(),
            self.operation.into(),
            self.key.clone().into(),
            self.request_sha256.clone().into(),
            subject.into(),
            now.into(),
        ];
        scope
            .run(
                // One that was forgotten after its day may lie there still.
                "insert into public.idempotency_keys (organization_id, actor_id, operation, key, request_sha256, subject_id, created_at) values ($1, $2, $3, $4, $5, $6, $7)
                 on conflict (organization_id, actor_id, operation, key) do update set request_sha256 = excluded.request_sha256, subject_id = excluded.subject_id, created_at = excluded.created_at",
                values,
            )
            .await
            .map(|_| ())
    }
}

/// Does something once: answers what an earlier request with the same key made, or makes it and keeps it.
///
/// # Errors
/// Those of `make`, and [`Error::Conflict`] for a key that was used for another input.
pub async fn once<F>(scope: &Scope, once: Option<&Once>, act: &Act, make: F) -> Result<Uuid>
where
    F: AsyncFnOnce() -> Result<Uuid>,
{
    let Some(once) = once else { return make().await };
    if let Some(made) = once.earlier(scope, act.now).await? {
        return Ok(made);
    }
    let subject = make().await?;
    once.keep(scope, subject, act.now).await?;
    Ok(subject)
}
