//! What happens around each execution: a query, a mutation, or ONE event of a subscription.
//!
//! The schema is built with [`Observe`] as an extension. It tells the transport whether any field ran (an error before
//! that is a request error), keeps the error of a nullable field at that field, and bounds an event's time.

use std::{
    sync::{
        Arc, Mutex, PoisonError,
        atomic::{AtomicBool, Ordering},
    },
    time::Duration,
};

use async_graphql::{
    Response, ServerError, ServerResult, Value,
    extensions::{Extension, ExtensionContext, ExtensionFactory, NextExecute, NextResolve, ResolveInfo},
};
use async_trait::async_trait;

use super::{
    error::{Code, Refusal},
    request_id::RequestId,
};

/// In the data of every request: was a field entered, and how long may one event take.
#[derive(Debug, Clone)]
pub(super) struct Execution {
    pub entered: Arc<AtomicBool>,
    /// Bounds each event of a subscription; queries and mutations are bounded from outside.
    pub event_time: Option<Duration>,
}

/// The extension that every schema served by [`super::Transport`] must be built with.
#[derive(Debug, Clone, Copy)]
pub struct Observe;

impl ExtensionFactory for Observe {
    fn create(&self) -> Arc<dyn Extension> {
        Arc::new(Observer::default())
    }
}

/// One for each request.
#[derive(Default)]
struct Observer {
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
        let run = next.run(context, operation_name);
        let mut response = if let Some(limit) = execution.and_then(|execution| execution.event_time) {
            let Ok(response) = tokio::time::timeout(limit, run).await else {
                self.contained();
                return event_took_too_long(context);
            };
            response
        } else {
            run.await
        };
        response.errors.extend(self.contained());
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
