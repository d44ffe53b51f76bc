//! What can go wrong in a use case: refusals, which tell the caller what to do, and faults, whose cause is for the log.

use std::sync::Arc;

use sea_orm::{DbErr, RuntimeErr};

/// The result of a use case.
pub type Result<T, E = Error> = std::result::Result<T, E>;

/// Why a use case did not do what it was asked. Cloned freely: one fault poisons a whole reader.
#[derive(Debug, Clone, thiserror::Error)]
pub enum Error {
    /// Nobody is signed in, or the person has no profile where one is needed.
    #[error("sign in first")]
    Unauthenticated,
    /// The caller's role, or kind (a key), may not do this.
    #[error("{why}")]
    Forbidden {
        /// What would be needed.
        why: &'static str,
    },
    /// Absent, or another organization's: the caller cannot tell which.
    #[error("no {what} with that id")]
    NotFound {
        /// The noun, as in speech.
        what: &'static str,
    },
    /// An argument makes no sense.
    #[error("{reason}")]
    Invalid {
        /// The argument's path in the input, as the schema spells it.
        field: String,
        /// What is wrong with it.
        reason: String,
    },
    /// The state of things forbids it.
    #[error("{why}")]
    Conflict {
        /// Which state, and what to do.
        why: String,
    },
    /// A limit of the organization's plan is reached.
    #[error("{why}")]
    QuotaExceeded {
        /// Which limit, how much, and when it resets.
        why: String,
    },
    /// The organization's subscription is inactive: it may read, export and erase.
    #[error("the subscription is inactive: reading, exporting and erasing only")]
    SubscriptionInactive,
    /// The cursor is older than what is kept.
    #[error("the cursor is older than the events that are kept: load the present state and start anew")]
    CursorExpired,
    /// The subscriber takes events more slowly than they happen.
    #[error("too slow for this stream of events: subscribe again with the last cursor")]
    SlowConsumer,
    /// A part that is needed does not answer now; trying again later helps.
    #[error("{what} is unavailable, try again")]
    Unavailable {
        /// The part.
        what: &'static str,
    },
    /// The database needed longer than a statement may.
    #[error("the request took too long")]
    Timeout,
    /// The job's lease is lost: another attempt owns the work.
    #[error("the lease on this work is lost")]
    LeaseLost,
    /// A fault of the database. The cause is for the log.
    #[error("internal error")]
    Database(#[source] Arc<DbErr>),
    /// A fault of the object storage. The cause is for the log.
    #[error("the object storage is unavailable, try again")]
    Storage(#[source] Arc<object_store::Error>),
    /// A fault of ours, in words for the log.
    #[error("internal error")]
    Internal(Arc<str>),
}

impl Error {
    /// An invalid argument, by its path in the input.
    pub fn invalid(field: impl Into<String>, reason: impl Into<String>) -> Self {
        Self::Invalid {
            field: field.into(),
            reason: reason.into(),
        }
    }

    /// A conflict with the state of things.
    pub fn conflict(why: impl Into<String>) -> Self {
        Self::Conflict { why: why.into() }
    }

    /// A fault of ours.
    pub fn internal(what: impl Into<String>) -> Self {
        Self::Internal(Arc::from(what.into()))
    }

    /// The name of the constraint that the database refused, if that is what happened.
    pub fn constraint(&self) -> Option<&str> {
        match self {
            Self::Database(cause) => postgres_error(cause).and_then(sqlx::postgres::PgDatabaseError::constraint),
            _ => None,
        }
    }

    /// Whether this is a fault (to be logged, with its cause) rather than a refusal.
    pub const fn is_fault(&self) -> bool {
        matches!(
            self,
            Self::Database(_) | Self::Storage(_) | Self::Internal(_) | Self::Unavailable { .. }
        )
    }
}

fn postgres_error(cause: &DbErr) -> Option<&sqlx::postgres::PgDatabaseError> {
    sqlx_error(cause)?.as_database_error()?.try_downcast_ref()
}

fn sqlx_error(cause: &DbErr) -> Option<&sqlx::Error> {
    match cause {
        DbErr::Conn(RuntimeErr::SqlxError(error))
        | DbErr::Exec(RuntimeErr::SqlxError(error))
        | DbErr::Query(RuntimeErr::SqlxError(error)) => Some(error),
        _ => None,
    }
}

/// Whether the connection itself failed, so that a fresh one may succeed.
pub(crate) fn is_connection_fault(error: &sqlx::Error) -> bool {
    match error {
        sqlx::Error::Io(_)
        | sqlx::Error::PoolTimedOut
        | sqlx::Error::PoolClosed
        | sqlx::Error::Protocol(_)
        | sqlx::Error::WorkerCrashed => true,
        // Class 57P: the server is going down, has crashed, or is not yet up; 53300: too many connections; class 08.
        sqlx::Error::Database(cause) => cause
            .code()
            .is_some_and(|code| code.starts_with("57P") || code.starts_with("08") || code == "53300"),
        _ => false,
    }
}

impl From<DbErr> for Error {
    fn from(cause: DbErr) -> Self {
        if matches!(cause, DbErr::ConnectionAcquire(_)) || sqlx_error(&cause).is_some_and(is_connection_fault) {
            return Self::Unavailable { what: "the database" };
        }
        match postgres_error(&cause).map(sqlx::postgres::PgDatabaseError::code) {
            // query_canceled: the statement time-out; lock_not_available: its sibling for locks.
            Some("57014" | "55P03") => Self::Timeout,
            // insufficient_privilege: row security or a guard of the database refused what no guard above did.
            Some("42501") => Self::Forbidden {
                why: "your role does not allow this",
            },
            // disk_full
            Some("53100") => Self::Unavailable {
                what: "the database's disk",
            },
            // serialization_failure, deadlock_detected
            Some("40001" | "40P01") => Self::conflict("somebody else changed this at the same moment, try again"),
            _ => Self::Database(Arc::new(cause)),
        }
    }
}

impl From<sqlx::Error> for Error {
    fn from(cause: sqlx::Error) -> Self {
        DbErr::Query(RuntimeErr::SqlxError(Arc::new(cause))).into()
    }
}

impl From<object_store::Error> for Error {
    fn from(cause: object_store::Error) -> Self {
        Self::Storage(Arc::new(cause))
    }
}
