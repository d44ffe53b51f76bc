//! What a resolver has at hand: who asks, the database, the clock, the signer, and the snapshot of its operation.
//!
//! - A query field reads through [`Request::read`]: one snapshot for the whole operation.
//! - A mutation field writes in [`Request::scope`], commits, and answers with objects of a [`Request::fresh`] read.
//! - A subscription reads each event through a [`Request::fresh`] read of its own.
//!
//! Objects carry their [`Read`], so a payload or an event never sees the snapshot of another.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, OnceLock};

use async_graphql::Context;
use service::caller::Caller;
use service::clock::Clock;
use service::db::{Db, Reader, Scope};
use service::signing::Signer;
use service::storage::Storage;

use super::error::{self, Failure, Result};
use super::loader::Loaders;
use super::written::Shapes;
use crate::hub::Hub;

/// What one process has for all requests. Cheap to clone.
#[derive(Debug, Clone)]
pub struct Api {
    /// The database, as `newsystem_api` sees it.
    pub db: Db,
    /// Signs addresses of frames, recordings and reports.
    pub signer: Signer,
    /// The time of day.
    pub clock: Clock,
    /// Where recordings, frames and reports lie.
    pub storage: Storage,
    /// The largest chunk of a recording, in bytes.
    pub max_chunk_bytes: u64,
    /// Tells subscriptions what happens.
    pub hub: Hub,
}

/// One operation. The transport puts one into the data of each; a clone is that of another operation and shares no snapshot.
pub struct Request {
    api: Api,
    caller: Option<Caller>,
    read: OnceLock<Read>,
}

impl Clone for Request {
    fn clone(&self) -> Self {
        Self::new(self.api.clone(), self.caller.clone())
    }
}

impl Request {
    /// An operation of this caller; of nobody known without one.
    pub const fn new(api: Api, caller: Option<Caller>) -> Self {
        Self {
            api,
            caller,
            read: OnceLock::new(),
        }
    }

    /// The process's parts.
    pub const fn api(&self) -> &Api {
        &self.api
    }

    /// Who asks.
    ///
    /// # Errors
    /// UNAUTHENTICATED when nobody is signed in.
    pub fn caller(&self) -> Result<&Caller> {
        self.caller
            .as_ref()
            .ok_or_else(|| service::Error::Unauthenticated.into())
    }

    /// The snapshot of this operation, opened by its first load.
    ///
    /// # Errors
    /// As [`Request::caller`].
    pub fn read(&self) -> Result<Read> {
        let caller = self.caller()?;
        Ok(self.read.get_or_init(|| Read::new(&self.api, caller)).clone())
    }

    /// Another snapshot: after a commit, or for one event of a subscription.
    ///
    /// # Errors
    /// As [`Request::caller`].
    pub fn fresh(&self) -> Result<Read> {
        Ok(Read::new(&self.api, self.caller()?))
    }

    /// A read-write transaction; nothing happens until it is committed.
    ///
    /// # Errors
    /// As [`Request::caller`]; UNAVAILABLE when no connection is to be had in time.
    pub async fn scope(&self) -> Result<Scope> {
        Ok(self.api.db.scope(self.caller()?).await?)
    }
}

/// A snapshot with its loaders. Cheap to clone.
#[derive(Clone)]
pub struct Read {
    inner: Arc<Inner>,
}

struct Inner {
    api: Api,
    reader: Reader,
    loaders: Loaders,
    shapes: Shapes,
    logged: Arc<AtomicBool>,
}

impl Read {
    fn new(api: &Api, caller: &Caller) -> Self {
        Self {
            inner: Arc::new(Inner {
                api: api.clone(),
                reader: api.db.reader(caller.clone()),
                loaders: Loaders::default(),
                shapes: Shapes::default(),
                logged: Arc::default(),
            }),
        }
    }

    /// Who asks.
    pub fn caller(&self) -> &Caller {
        self.inner.reader.caller()
    }

    /// The process's parts.
    pub fn api(&self) -> &Api {
        &self.inner.api
    }

    /// The snapshot itself.
    pub fn reader(&self) -> &Reader {
        &self.inner.reader
    }

    pub(super) fn loaders(&self) -> &Loaders {
        &self.inner.loaders
    }

    pub(super) fn shapes(&self) -> &Shapes {
        &self.inner.shapes
    }

    pub(super) fn fault_log(&self) -> FaultLog {
        FaultLog {
            logged: Arc::clone(&self.inner.logged),
        }
    }

    /// Runs a load that no batch covers.
    ///
    /// # Errors
    /// Those of the load. A fault of the snapshot is logged once, however many fields it fails.
    pub async fn load<T, F>(&self, load: F) -> Result<T>
    where
        F: AsyncFnOnce(&Scope) -> service::Result<T>,
    {
        self.reader()
            .load(load)
            .await
            .map_err(|error| self.fault_log().failure(&error))
    }
}

/// Logs the first fault of a snapshot; the later ones are its echo.
#[derive(Clone)]
pub(super) struct FaultLog {
    logged: Arc<AtomicBool>,
}

impl FaultLog {
    pub fn failure(&self, error: &service::Error) -> Failure {
        if error.is_fault() && !self.logged.swap(true, Ordering::Relaxed) {
            error::log(error);
        }
        Failure::of(error)
    }
}

/// The operation that a resolver is part of.
pub trait InRequest {
    /// The operation.
    ///
    /// # Errors
    /// INTERNAL where the transport forgot to say.
    fn request(&self) -> Result<&Request>;
}

impl InRequest for Context<'_> {
    fn request(&self) -> Result<&Request> {
        match self.data_opt::<Request>() {
            Some(request) => Ok(request),
            None => Err(service::Error::internal("an operation without a request").into()),
        }
    }
}
