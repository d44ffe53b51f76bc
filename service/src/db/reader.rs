//! One read-only snapshot for all fields of a query operation, opened by its first load, on one connection.

use std::sync::Arc;

use tokio::sync::OnceCell;

use super::{Db, Scope};
use crate::caller::Caller;
use crate::error::Result;

/// A snapshot of what one caller may see. Cheap to clone; all clones share the transaction.
///
/// A fault of the database poisons it: PostgreSQL refuses everything after the first error of a transaction, so every later
/// load answers that first fault, with one code.
#[derive(Clone)]
pub struct Reader {
    inner: Arc<Inner>,
}

struct Inner {
    db: Db,
    caller: Caller,
    scope: OnceCell<Result<Scope>>,
    fault: OnceCell<crate::Error>,
}

impl Reader {
    pub(super) fn new(db: Db, caller: Caller) -> Self {
        Self {
            inner: Arc::new(Inner {
                db,
                caller,
                scope: OnceCell::new(),
                fault: OnceCell::new(),
            }),
        }
    }

    /// Who is asking.
    pub fn caller(&self) -> &Caller {
        &self.inner.caller
    }

    /// Runs a load in the snapshot; opens it if this is the first.
    ///
    /// # Errors
    /// Those of the load, and the first fault of any earlier one.
    pub async fn load<T, F>(&self, load: F) -> Result<T>
    where
        F: AsyncFnOnce(&Scope) -> Result<T>,
    {
        if let Some(fault) = self.inner.fault.get() {
            return Err(fault.clone());
        }
        let scope = self
            .inner
            .scope
            .get_or_init(|| self.inner.db.read_scope(&self.inner.caller))
            .await;
        let scope = match scope {
            Ok(scope) => scope,
            Err(fault) => return Err(fault.clone()),
        };
        match load(scope).await {
            Ok(value) => Ok(value),
            Err(error) => {
                if poisons(&error) {
                    // The first fault wins; a later one is only its echo.
                    let _ = self.inner.fault.set(error.clone());
                    return Err(self.inner.fault.get().cloned().unwrap_or(error));
                }
                Err(error)
            }
        }
    }
}

/// Whether an error came from the database, after which PostgreSQL refuses the rest of the transaction.
fn poisons(error: &crate::Error) -> bool {
    use crate::Error;
    matches!(error, Error::Database(_) | Error::Timeout | Error::Unavailable { .. })
}
