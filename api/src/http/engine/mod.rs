//! From a request's parameters to a response, the same way for HTTP, WebSocket and server-sent events.
//!
//! Here the checks and the runs; apart: the schemas that are asked, what comes in, and what goes out.

mod incoming;
mod outcome;
mod schemas;

use std::{
    panic::AssertUnwindSafe,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
};

use async_graphql::{
    Data, Executor, Request, Response, ServerError, Value, Variables,
    parser::{parse_query, types::OperationType},
};
use axum::http::StatusCode;
use futures::{FutureExt as _, Stream, StreamExt as _};

use super::{
    documents::{Documents, Known},
    error::{Code, Refusal},
    execution::Execution,
    limits::{
        Limits,
        document::{self, Permission},
        tokens,
        types::Types,
        variables,
    },
    ready_made::{Asked, Events, ReadyMade},
    registered::{Registered, hash},
    request_id::RequestId,
    session::Session,
};

pub(super) use incoming::Incoming;
pub use incoming::LastEventId;
pub(super) use outcome::{Outcome, panicked};
pub use schemas::{Introspection, Schemas};

use outcome::finish;

/// In the data of a schema with nothing around each field.
pub struct Bare;

/// In the data of a request to such a schema in whose answer nothing is put together of two selections: what a field answers with stands
/// there as it is, and may be JSON in a [`Value::Binary`].
pub struct Unmerged;

/// A request that passed every check and has not run.
pub(super) struct Prepared {
    pub kind: OperationType,
    pub id: RequestId,
    /// Whether the schema with suggestions answers.
    open: bool,
    text: Arc<str>,
    document: Arc<Known>,
    operation: Option<String>,
    variables: Variables,
    session: Session,
    cursor: Option<String>,
    entered: Arc<AtomicBool>,
}

impl Prepared {
    /// The request to execute. A second one shares nothing with the first, no snapshot either.
    fn request(&self, event_time: Option<std::time::Duration>) -> Request {
        let mut request = Request::new(self.text.as_ref()).variables(self.variables.clone());
        if let Some(name) = &self.operation {
            request = request.operation_name(name);
        }
        request.set_parsed_query(self.document.tree.clone());
        request.data.insert(Execution {
            entered: Arc::clone(&self.entered),
            event_time,
        });
        request.data.insert(self.id.clone());
        if let Some(cursor) = &self.cursor {
            request.data.insert(LastEventId(cursor.clone()));
        }
        self.session.attach_to(&mut request.data);
        request
    }
}

/// The checks, the schemas and what surrounds them.
pub(super) struct Engine<E> {
    schemas: Schemas<E>,
    types: Types,
    pub limits: Limits,
    introspection: Introspection,
    registered: Registered,
    registered_only: bool,
    ready_made: Option<Arc<dyn ReadyMade>>,
    documents: Documents,
}

impl<E: Executor> Engine<E> {
    pub fn new(
        schemas: Schemas<E>,
        limits: Limits,
        introspection: Introspection,
        registered: Registered,
        registered_only: bool,
        ready_made: Option<Arc<dyn ReadyMade>>,
    ) -> Result<Self, async_graphql::parser::Error> {
        let types = Types::read(&schemas.sdl, &schemas.scalars)?;
        Ok(Self {
            schemas,
            types,
            limits,
            introspection,
            registered,
            registered_only,
            ready_made,
            documents: Documents::default(),
        })
    }

    pub fn sdl(&self) -> &str {
        &self.schemas.sdl
    }

    pub fn may_introspect(&self, session: &Session) -> bool {
        match self.introspection {
            Introspection::Everyone => true,
            Introspection::Known => !session.is_anonymous(),
            Introspection::Nobody => false,
        }
    }

    /// All checks that need no execution.
    pub fn prepare(&self, mut incoming: Incoming, session: &Session, id: &RequestId) -> Result<Prepared, Vec<Refusal>> {
        let text = self.document(&mut incoming)?;
        let document = match self.documents.find(&text) {
            Some(known) => known,
            None => Arc::new(self.parse(&text)?),
        };
        let tree = &document.tree;
        let name = incoming.operation_name.take().filter(|name| !name.is_empty());
        let operation = document::select(tree, name.as_deref(), &self.limits).map_err(|refusal| vec![refusal])?;
        let variables = variables::coerce(&operation.node, incoming.variables, &self.types, &self.limits)?;
        let open = self.may_introspect(session);
        let permission = Permission { introspection: open };
        let complexity = document::check(tree, operation, &variables, &self.types, &self.limits, permission)
            .map_err(|refusal| vec![refusal])?;
        tracing::debug!(request.id = %id, complexity, "operation accepted");
        Ok(Prepared {
            kind: operation.node.ty,
            id: id.clone(),
            open,
            text,
            operation: name,
            variables,
            session: session.clone(),
            cursor: incoming.last_event_id,
            entered: Arc::default(),
            document,
        })
    }

    fn parse(&self, text: &str) -> Result<Known, Vec<Refusal>> {
        tokens::check(text, &self.limits).map_err(|refusal| vec![refusal])?;
        let tree = parse_query(text).map_err(|error| {
            let refusal = Refusal::new(Code::ParseFailed, error.to_string());
            vec![match error.positions().next() {
                Some(position) => refusal.at(position),
                None => refusal,
            }]
        })?;
        Ok(Known::new(tree))
    }

    /// The schema that contains the errors of fields.
    fn careful(&self, prepared: &Prepared) -> &E {
        if prepared.open {
            &self.schemas.open
        } else {
            &self.schemas.closed
        }
    }

    /// The text to run: given, or known by its hash.
    fn document(&self, incoming: &mut Incoming) -> Result<Arc<str>, Vec<Refusal>> {
        let persisted = incoming
            .extensions
            .get("persistedQuery")
            .and_then(|query| query.get("sha256Hash"))
            .and_then(|hash| hash.as_str());
        let unknown = |message: &str| vec![Refusal::new(Code::UnknownDocument, message)];
        let text = incoming.query.take().filter(|text| !text.is_empty());
        match (text, persisted) {
            (None, None) => Err(vec![
                Refusal::http(StatusCode::BAD_REQUEST, Code::BadUserInput, "query is required").field("query"),
            ]),
            // The words are what Apollo's client understands as "send the whole document".
            (None, Some(hash)) => self
                .registered
                .get(&hash.to_ascii_lowercase())
                .ok_or_else(|| unknown("PersistedQueryNotFound")),
            (Some(text), persisted) => {
                if let Some(given) = persisted
                    && !given.eq_ignore_ascii_case(&hash(&text))
                {
                    let refusal = Refusal::http(
                        StatusCode::BAD_REQUEST,
                        Code::BadUserInput,
                        "sha256Hash is not the hash of query",
                    );
                    return Err(vec![refusal.field("extensions.persistedQuery.sha256Hash")]);
                }
                if self.registered_only {
                    return self
                        .registered
                        .get(&hash(&text))
                        .ok_or_else(|| unknown("only registered operations are accepted"));
                }
                Ok(text.into())
            }
        }
    }

    /// Runs a query or mutation within the time limit.
    pub async fn execute(&self, prepared: Prepared) -> Outcome {
        let run = AssertUnwindSafe(self.run(&prepared)).catch_unwind();
        // Apart, since a clock wants memory on a boundary that would cost all that is around it more than the clock.
        match Box::pin(tokio::time::timeout(self.limits.execution(), run)).await {
            Ok(Ok(response)) => finish(response, prepared.entered.load(Ordering::Acquire), &prepared.id),
            Ok(Err(_)) => panicked(&prepared.id),
            Err(_) => {
                let message = format!("not finished within {} seconds", self.limits.execution_seconds);
                Outcome::refused(
                    vec![Refusal::http(StatusCode::SERVICE_UNAVAILABLE, Code::Timeout, message)],
                    &prepared.id,
                )
            }
        }
    }

    /// A query that ran without an error before takes the short way, and the careful one again if it has an error this time:
    /// reading twice is the same as reading once.
    async fn run(&self, prepared: &Prepared) -> Response {
        let query = prepared.kind == OperationType::Query;
        let document = &prepared.document;
        let mut written = false;
        if query && document.is_sound() {
            let mut request = prepared.request(None);
            let operation = self.schemas.operations.begin(&request.data);
            if let Some(operation) = &operation {
                operation.attach(&mut request.data);
            }
            written = document.may_be_written();
            if written {
                request.data.insert(Unmerged);
            }
            let mut response = self.schemas.bare.execute(request).await;
            if response.errors.is_empty() {
                if let Some(operation) = operation {
                    operation.finish(&mut response).await;
                }
                return response;
            }
            document.set_sound(false);
            // What is out of reach now is no fault of the way.
            written &= !response.errors.iter().any(|error| is_coded(error, Code::Unavailable));
        }
        let response = self.careful(prepared).execute(prepared.request(None)).await;
        if response.errors.is_empty() {
            document.set_sound(query);
            if written {
                // It failed a moment ago: not to be tried anew with each request.
                document.rest();
            }
            self.documents.keep(&prepared.text, document);
        }
        response
    }

    /// The events of a subscription that is known to have them at hand; none where it has to be run.
    pub async fn ready_made(&self, prepared: &Prepared) -> Option<Events> {
        let ready_made = self.ready_made.as_ref()?;
        if prepared.kind != OperationType::Subscription {
            return None;
        }
        let following = {
            let tree = &prepared.document.tree;
            let mut operations = tree.operations.iter();
            let ((_, operation), None) = (operations.next()?, operations.next()) else {
                return None;
            };
            if !tree.fragments.is_empty() {
                return None;
            }
            let mut data = Data::default();
            prepared.session.attach_to(&mut data);
            ready_made.follow(&Asked {
                operation: &operation.node,
                variables: &prepared.variables,
                data: &data,
                cursor: prepared.cursor.as_deref(),
            })?
        };
        let events = AssertUnwindSafe(following).catch_unwind().await.ok().flatten()?;
        self.documents.keep(&prepared.text, &prepared.document);
        Some(events)
    }

    /// Runs any operation as a stream: one outcome for a query or mutation, one per event for a subscription.
    pub fn stream(self: &Arc<Self>, prepared: Prepared) -> impl Stream<Item = Outcome> + Send + 'static {
        let engine = Arc::clone(self);
        async_stream::stream! {
            if prepared.kind != OperationType::Subscription {
                // Apart, so that the many who follow something keep no room for it.
                yield Box::pin(engine.execute(prepared)).await;
                return;
            }
            let request = prepared.request(Some(engine.limits.execution()));
            let mut events = AssertUnwindSafe(engine.careful(&prepared).execute_stream(request, None)).catch_unwind();
            let Prepared { id, entered, text, document, .. } = prepared;
            let mut unproven = Some((text, document));
            while let Some(event) = events.next().await {
                match event {
                    Ok(response) => {
                        if let Some((text, document)) = unproven.take_if(|_| response.errors.is_empty()) {
                            engine.documents.keep(&text, &document);
                        }
                        yield finish(response, entered.load(Ordering::Acquire), &id);
                    }
                    Err(_) => yield panicked(&id),
                }
            }
        }
    }
}

fn is_coded(error: &ServerError, code: Code) -> bool {
    let given = error.extensions.as_ref().and_then(|extensions| extensions.get("code"));
    matches!(given, Some(Value::String(given)) if given == code.as_str())
}
