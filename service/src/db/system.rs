//! What happens outside a tenant: calls of the definer functions that a login role may execute, one typed function each.

use std::collections::HashMap;

use chrono::{DateTime, Utc};
use domain::id::{ApiKeyId, OrganizationId, UserId};
use domain::quota::SubscriptionStatus;
use domain::role::Role;
use sqlx::Row;
use sqlx::postgres::PgRow;
use uuid::Uuid;

use super::Db;
use crate::caller::{Actor, Caller, Membership};
use crate::error::{Error, Result};

/// The door to the definer functions. Each call is a short transaction of its own.
#[derive(Debug, Clone)]
pub struct System {
    db: Db,
}

/// Makes one call: `call!(self, one|all|run, sql, values…)`.
macro_rules! call {
    ($self:ident, $fetch:ident, $sql:literal $(, $value:expr)* $(,)?) => {{
        let mut transaction = $self.db().begin_system().await?;
        $self.db().count_statement();
        let answer = sqlx::query($sql)$(.bind($value))*.persistent($self.db().persistent()).$fetch(&mut *transaction).await?;
        transaction.commit().await?;
        answer
    }};
}
pub(crate) use call;

/// Makes one call that only reads: `read!(self, sql, values…)`, all rows.
macro_rules! read {
    ($self:ident, $sql:literal $(, $value:expr)* $(,)?) => {
        $self.db().read(|| sqlx::query($sql)$(.bind($value))*).await?
    };
}
pub(crate) use read;

impl System {
    pub(super) const fn new(db: Db) -> Self {
        Self { db }
    }

    pub(crate) const fn db(&self) -> &Db {
        &self.db
    }

    /// Refuses to work as a role that passes row security, or could become one that does: superuser, BYPASSRLS, or owner of a
    /// tenant table.
    ///
    /// # Errors
    /// [`Error::Forbidden`] for such a role.
    pub async fn refuse_powerful_login(&self) -> Result<()> {
        let row: PgRow = call!(
            self,
            fetch_one,
            "select exists (select from pg_roles r where pg_has_role(current_user, r.oid, 'member') and (r.rolsuper or r.rolbypassrls
               or r.oid = (select c.relowner from pg_class c join pg_namespace n on n.oid = c.relnamespace where n.nspname = 'public' and c.relname = 'organizations'))) as powerful"
        );
        if row.try_get::<bool, _>("powerful")? {
            return Err(Error::Forbidden {
                why: "this database role passes row security (superuser, BYPASSRLS or owner): use newsystem_api or newsystem_worker",
            });
        }
        Ok(())
    }

    /// The names of the migrations that the database has.
    ///
    /// # Errors
    /// Those of the database; on an empty one, that the function is missing.
    pub async fn applied_migrations(&self) -> Result<Vec<String>> {
        let rows: Vec<PgRow> = call!(self, fetch_all, "select private.applied_migrations() as version");
        Ok(rows
            .iter()
            .map(|row| row.try_get("version"))
            .collect::<Result<_, sqlx::Error>>()?)
    }

    /// The caller behind a verified sign-in token; keeps the address that it carries.
    ///
    /// # Errors
    /// Those of the database.
    pub async fn sign_in(&self, user: UserId, email: Option<&str>) -> Result<Caller> {
        let row: Option<PgRow> = call!(
            self,
            fetch_optional,
            "select organization_id, role, subscription_status, deletion_requested from private.sign_in($1, $2)",
            user.uuid(),
            email
        );
        Ok(Caller {
            actor: Actor::Person(user),
            email: email.map(str::to_owned),
            membership: row.as_ref().map(membership).transpose()?,
            read_only: false,
        })
    }

    /// The caller behind a partner's key, by the SHA-256 of its secret in hexadecimal, with the key's expiry. Nothing for
    /// an unknown, revoked or expired key.
    ///
    /// # Errors
    /// Those of the database.
    pub async fn key_in(&self, secret_sha256: &str) -> Result<Option<(Caller, Option<DateTime<Utc>>)>> {
        let row: Option<PgRow> = call!(
            self,
            fetch_optional,
            "select id, organization_id, role, read_only, expires_at, subscription_status, deletion_requested from private.key_in($1)",
            secret_sha256
        );
        let Some(row) = row else { return Ok(None) };
        let key: ApiKeyId = row.try_get::<Uuid, _>("id")?.into();
        let caller = Caller {
            actor: Actor::Key(key),
            email: None,
            membership: Some(membership(&row)?),
            read_only: row.try_get("read_only")?,
        };
        Ok(Some((caller, row.try_get("expires_at")?)))
    }

    /// The places that these people and keys have now, and whether a key only reads; who may nothing any more is absent.
    ///
    /// # Errors
    /// Those of the database.
    pub async fn callers_now(&self, callers: &[Uuid]) -> Result<HashMap<Uuid, (Membership, bool)>> {
        let rows: Vec<PgRow> = call!(
            self,
            fetch_all,
            "select id, organization_id, role, read_only, subscription_status, deletion_requested from private.callers_now($1)",
            callers
        );
        rows.iter()
            .map(|row| Ok((row.try_get("id")?, (membership(row)?, row.try_get("read_only")?))))
            .collect()
    }
}

pub(crate) fn membership(row: &PgRow) -> Result<Membership> {
    let unreadable = |what: &str| Error::internal(format!("the database holds an unknown {what}"));
    let role: Role = row
        .try_get::<String, _>("role")?
        .parse()
        .map_err(|_| unreadable("role"))?;
    let status: SubscriptionStatus = row
        .try_get::<String, _>("subscription_status")?
        .parse()
        .map_err(|_| unreadable("subscription status"))?;
    let deletion_requested: bool = row.try_get("deletion_requested")?;
    Ok(Membership {
        organization: OrganizationId::new(row.try_get("organization_id")?),
        role,
        active: status != SubscriptionStatus::Inactive && !deletion_requested,
    })
}
