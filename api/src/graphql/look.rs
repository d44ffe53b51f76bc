//! Who was given something personal: addresses of videos, frames and reports, and raw replies, written to the audit log when
//! the fields of an operation have run, before its answer leaves.
//!
//! The operation's snapshots end first, so that none holds a connection while it waits for another.

use std::collections::BTreeSet;
use std::sync::{Arc, Mutex, PoisonError};

use async_graphql::{Context, Data, Pos, Response};
use async_trait::async_trait;
use service::act::Act;
use service::caller::Caller;
use service::look::{self, Look};
use uuid::Uuid;

use super::context::{Api, Read, Request};
use super::error::{self, Failure};
use crate::http::RequestId;
use crate::http::execution::{self, Operation, Operations};

/// What one execution gives out.
#[derive(Clone, Default)]
struct Given(Arc<Mutex<Inner>>);

#[derive(Default)]
struct Inner {
    looks: BTreeSet<(Look, Uuid)>,
    reads: Vec<Read>,
}

/// Notes that this field gives something out. Where no transport is, nobody is told.
pub fn note(ctx: &Context<'_>, read: &Read, look: Look, subject: impl Into<Uuid>) {
    let Some(given) = ctx.data_opt::<Given>() else { return };
    let mut inner = given.0.lock().unwrap_or_else(PoisonError::into_inner);
    if inner.looks.insert((look, subject.into())) {
        inner.reads.push(read.clone());
    }
}

/// Writes down what each execution gave out.
#[derive(Debug, Clone, Copy, Default)]
pub struct Audited;

impl Operations for Audited {
    fn begin(&self, data: &Data) -> Option<Box<dyn Operation>> {
        let request = execution::find::<Request>(data)?;
        let caller = request.caller().ok()?;
        Some(Box::new(Looking {
            given: Given::default(),
            api: request.api().clone(),
            caller: caller.clone(),
            request_id: execution::find::<RequestId>(data).map(ToString::to_string),
        }))
    }
}

struct Looking {
    given: Given,
    api: Api,
    caller: Caller,
    request_id: Option<String>,
}

#[async_trait]
impl Operation for Looking {
    fn attach(&self, data: &mut Data) {
        data.insert(self.given.clone());
    }

    async fn finish(self: Box<Self>, response: &mut Response) {
        let given = std::mem::take(&mut *self.given.0.lock().unwrap_or_else(PoisonError::into_inner));
        if given.looks.is_empty() {
            return;
        }
        for read in given.reads {
            read.reader().end().await;
        }
        let act = Act {
            now: self.api.clock.now(),
            request_id: self.request_id,
        };
        if let Err(fault) = look::note(&self.api.db, &self.caller, given.looks, &act).await {
            // What cannot be written down is not given out.
            if fault.is_fault() {
                error::log(&fault);
            }
            let failure: async_graphql::Error = Failure::of(&fault).into();
            *response = Response::from_errors(vec![failure.into_server_error(Pos::default())]);
        }
    }
}
