//! One read-only snapshot for all fields of a query operation, opened by its first load, on one connection.

use std::sync::Arc;

use tokio::sync::OnceCell;

use super::{Db, Lease, Scope};
use crate::caller::Caller;
use crate::error::Result;

/// A snapshot of what one caller may see. Cheap to clone; all clones share the transaction.
///
/// A statement that fails poisons it: PostgreSQL refuses everything after the first error of a transaction, so every later
/// load answers that first fault, with one code. What fails otherwise fails alone.
#[derive(Clone)]
pub struct Reader {
    inner: Arc<Inner>,
}

struct Inner {
    db: Db,
    caller: Caller,
    /// The lease of the export that a worker reads for.
    export: Option<Lease>,
    scope: OnceCell<Result<Scope>>,
}

impl Reader {
    pub(super) fn new(db: Db, caller: Caller, export: Option<Lease>) -> Self {
        Self {
            inner: Arc::new(Inner {
                db,
                caller,
                export,
                scope: OnceCell::new(),
            }),
        }
    }

    /// Who is asking.
    pub fn caller(&self) -> &Caller {
        &self.inner.caller
    }

    /// Ends the snapshot and gives its connection back, for what follows an operation; nothing can be loaded any more.
    pub async fn end(&self) {
        if let Some(Ok(scope)) = self.inner.scope.get() {
            scope.end().await;
        }
    }

    /// Runs a load in the snapshot; opens it if this is the first.
    ///
    /// # Errors
    /// Those of the load, and the first fault of any earlier one.
    pub async fn load<T, F>(&self, load: F) -> Result<T>
    where
        F: AsyncFnOnce(&Scope) -> Result<T>,
    {
        let scope = self
            .inner
            .scope
            .get_or_init(|| self.inner.db.read_scope(&self.inner.caller, self.inner.export.as_ref()))
            .await;
        let scope = match scope {
            Ok(scope) => scope,
            Err(fault) => return Err(fault.clone()),
        };
        if let Some(fault) = scope.fault() {
            return Err(fault);
        }
        load(scope).await.map_err(|error| scope.fault().unwrap_or(error))
    }
}
