//! What happens around each execution: a query, a mutation, or ONE event of a subscription.
//!
//! The schema is built with [`Observe`] as an extension. It tells the transport whether any field ran (an error before
//! that is a request error), keeps the error of a nullable field at that field, calls [`Operations`], and bounds an event's time.

use std::{
    pin::pin,
    sync::{
        Arc, Mutex, PoisonError,
        atomic::{AtomicBool, Ordering},
    },
    task::Poll,
    time::Duration,
};

use async_graphql::{
    Data, Response, ServerError, ServerResult, Value,
    extensions::{Extension, ExtensionContext, ExtensionFactory, NextExecute, NextResolve, ResolveInfo},
};
use async_trait::async_trait;

use super::{
    error::{Code, Refusal},
    request_id::RequestId,
};

/// One execution's own data and its end.
#[async_trait]
pub trait Operation: Send {
    /// Adds the data that resolvers of this execution alone may see.
    fn attach(&self, data: &mut Data);

    /// Called when the fields have run and before the answer leaves. An execution that is cut short (time limit, client gone)
    /// or run anew is dropped instead.
    async fn finish(self: Box<Self>, response: &mut Response);
}

/// Makes an [`Operation`] for each execution.
pub trait Operations: Send + Sync + 'static {
    /// Called before the first field of a query or mutation, and before each event's payload is resolved, with the data of the
    /// request.
    fn begin(&self, data: &Data) -> Option<Box<dyn Operation>>;
}

/// No data per execution.
#[derive(Debug, Clone, Copy, Default)]
pub struct Nothing;

impl Operations for Nothing {
    fn begin(&self, _: &Data) -> Option<Box<dyn Operation>> {
        None
    }
}

/// What the data of a request has of a type.
pub fn find<T: 'static>(data: &Data) -> Option<&T> {
    data.get(&std::any::TypeId::of::<T>())?.downcast_ref()
}

/// In the data of every request: was a field entered, and how long may one event take.
#[derive(Debug, Clone)]
pub(super) struct Execution {
    pub entered: Arc<AtomicBool>,
    /// Bounds each event of a subscription; queries and mutations are bounded from outside.
    pub event_time: Option<Duration>,
}

/// The extension that every schema served by [`super::Transport`] must be built with.
#[derive(Clone)]
pub struct Observe(pub(super) Arc<dyn Operations>);

impl ExtensionFactory for Observe {
    fn create(&self) -> Arc<dyn Extension> {
        Arc::new(Observer {
            operations: Arc::clone(&self.0),
            contained: Mutex::default(),
        })
    }
}

/// One for each request.
struct Observer {
    operations: Arc<dyn Operations>,
    /// Errors of nullable fields, of the execution under way: events of one subscription come one after the other.
    contained: Mutex<Vec<ServerError>>,
}

impl Observer {
    fn contained(&self) -> Vec<ServerError> {
        std::mem::take(&mut *self.contained.lock().unwrap_or_else(PoisonError::into_inner))
    }
}

#[async_trait]
impl Extension for Observer {
    async fn execute(
        &self,
        context: &ExtensionContext<'_>,
        operation_name: Option<&str>,
        next: NextExecute<'_>,
    ) -> Response {
        let execution = context.data_opt::<Execution>();
        if let Some(execution) = execution {
            execution.entered.store(true, Ordering::Release);
        }
        let operation = context.query_data.and_then(|data| self.operations.begin(data));
        let mut data = Data::default();
        if let Some(operation) = &operation {
            operation.attach(&mut data);
        }
        let mut run = pin!(next.run_with_data(context, operation_name, data));
        let limit = execution.and_then(|execution| execution.event_time);
        let mut response = match (futures::poll!(run.as_mut()), limit) {
            // An event that loads nothing needs no clock.
            (Poll::Ready(response), _) => response,
            (Poll::Pending, None) => run.await,
            // Apart: a clock wants memory on a boundary that costs every event's more than the clock itself.
            (Poll::Pending, Some(limit)) => {
                let Ok(response) = Box::pin(tokio::time::timeout(limit, run)).await else {
                    self.contained();
                    return event_took_too_long(context);
                };
                response
            }
        };
        response.errors.extend(self.contained());
        if let Some(operation) = operation {
            operation.finish(&mut response).await;
        }
        response
    }

    async fn resolve(
        &self,
        context: &ExtensionContext<'_>,
        info: ResolveInfo<'_>,
        next: NextResolve<'_>,
    ) -> ServerResult<Option<Value>> {
        let nullable = !info.return_type.ends_with('!');
        match next.run(context, info).await {
            Err(error) if nullable => {
                self.contained
                    .lock()
                    .unwrap_or_else(PoisonError::into_inner)
                    .push(error);
                Ok(None)
            }
            other => other,
        }
    }
}

fn event_took_too_long(context: &ExtensionContext<'_>) -> Response {
    let id = context
        .data_opt::<RequestId>()
        .cloned()
        .unwrap_or_else(RequestId::fresh);
    Response::from_errors(vec![
        Refusal::new(Code::Timeout, "the event took too long to resolve").into_error(&id),
    ])
}
