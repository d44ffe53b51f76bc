//! What happens around each execution: a query, a mutation, or ONE event of a subscription.
//!
//! The schema is built with [`Observe`] as an extension. It tells the transport whether any field ran (an error before
//! that is a request error), gives each execution its own data (a Reader with its loaders) and bounds an event's time.

use std::{
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    time::Duration,
};

use async_graphql::{
    Data, Response,
    extensions::{Extension, ExtensionContext, ExtensionFactory, NextExecute},
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

    /// Called when the fields have run. An execution that is cut short (time limit, client gone) is dropped instead.
    async fn finish(self: Box<Self>, response: &mut Response);
}

/// Makes an [`Operation`] for each execution.
pub trait Operations: Send + Sync + 'static {
    /// Called before the first field of a query or mutation, and before each event's payload is resolved.
    fn begin(&self, context: &ExtensionContext<'_>) -> Option<Box<dyn Operation>>;
}

/// No data per execution.
#[derive(Debug, Clone, Copy, Default)]
pub struct Nothing;

impl Operations for Nothing {
    fn begin(&self, _context: &ExtensionContext<'_>) -> Option<Box<dyn Operation>> {
        None
    }
}

/// In the data of every request: was a field entered, and how long may one event take.
#[derive(Debug, Clone)]
pub(super) struct Execution {
    pub entered: Arc<AtomicBool>,
    /// Bounds each event of a subscription; queries and mutations are bounded from outside.
    pub event_time: Option<Duration>,
}

/// The extension that every schema served by [`super::Transport`] must be built with.
pub struct Observe(Arc<dyn Operations>);

impl Observe {
    /// For `Schema::build(..).extension(Observe::new(operations))`.
    pub fn new(operations: impl Operations) -> Self {
        Self(Arc::new(operations))
    }
}

impl ExtensionFactory for Observe {
    fn create(&self) -> Arc<dyn Extension> {
        Arc::new(Observer(Arc::clone(&self.0)))
    }
}

struct Observer(Arc<dyn Operations>);

#[async_trait]
impl Extension for Observer {
    async fn execute(&self, context: &ExtensionContext<'_>, operation_name: Option<&str>, next: NextExecute<'_>) -> Response {
        let execution = context.data_opt::<Execution>();
        if let Some(execution) = execution {
            execution.entered.store(true, Ordering::Release);
        }
        let operation = self.0.begin(context);
        let mut data = Data::default();
        if let Some(operation) = &operation {
            operation.attach(&mut data);
        }
        let run = next.run_with_data(context, operation_name, data);
        let mut response = match execution.and_then(|execution| execution.event_time) {
            None => run.await,
            Some(limit) => match tokio::time::timeout(limit, run).await {
                Ok(response) => response,
                Err(_) => return event_took_too_long(context),
            },
        };
        if let Some(operation) = operation {
            operation.finish(&mut response).await;
        }
        response
    }
}

fn event_took_too_long(context: &ExtensionContext<'_>) -> Response {
    let id = context.data_opt::<RequestId>().cloned().unwrap_or_else(RequestId::fresh);
    Response::from_errors(vec![Refusal::new(Code::Timeout, "the event took too long to resolve").into_error(&id)])
}
