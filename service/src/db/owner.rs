//! The owner's door: what whoever runs the platform does outside every tenant. Row security does not bind an owner, so no
//! process that serves or works has one.

use std::time::Duration;

use super::{DatabaseSettings, Db, Scope};
use crate::error::{Error, Result};

/// How long one statement of the owner may take: verifying a large database is no request.
const STATEMENT_TIMEOUT: Duration = Duration::from_mins(10);

/// The database, as the owner of its tables sees it.
#[derive(Debug, Clone)]
pub struct Owner {
    db: Db,
}

impl Owner {
    /// Signs in at `DATABASE_MIGRATION_URL`.
    ///
    /// # Errors
    /// [`Error::Invalid`] for an unreadable URL, [`Error::Unavailable`] when nothing answers.
    pub async fn connect(url: &str) -> Result<Self> {
        let settings = DatabaseSettings {
            max_connections: 2,
            statement_timeout: STATEMENT_TIMEOUT,
            ..DatabaseSettings::new(url)
        };
        Ok(Self {
            db: Db::open(&settings, "DATABASE_MIGRATION_URL").await?,
        })
    }

    /// A read-write transaction.
    ///
    /// # Errors
    /// [`Error::Forbidden`] for a role that row security binds: it would take what it may not see for absent.
    pub async fn scope(&self) -> Result<Scope> {
        self.begin("").await
    }

    /// A read-only transaction that sees one moment of the database.
    ///
    /// # Errors
    /// As [`Owner::scope`].
    pub async fn snapshot(&self) -> Result<Scope> {
        self.begin(" isolation level repeatable read read only").await
    }

    async fn begin(&self, mode: &str) -> Result<Scope> {
        // With row_security off a statement that policies would filter fails, instead of answering with less.
        let transaction = self
            .db
            .begin(format!(
                "begin{mode}; set local row_security = off; set local statement_timeout = {}",
                STATEMENT_TIMEOUT.as_millis()
            ))
            .await?;
        let scope = Scope::new(self.db.clone(), transaction, None, None);
        match scope.run("select from public.organizations limit 1", []).await {
            Ok(_) => Ok(scope),
            Err(Error::Forbidden { .. }) => Err(Error::Forbidden {
                why: "DATABASE_MIGRATION_URL does not sign in as the owner of the tables",
            }),
            Err(error) => Err(error),
        }
    }

    /// Closes every connection.
    pub async fn close(&self) {
        self.db.close().await;
    }
}
