//! What goes out: a response, and whether anything ran for it. Apart because the transports write it without the engine.

use async_graphql::{Response, ServerError, Value};
use axum::http::StatusCode;

use crate::http::{
    answer,
    error::{Code, Refusal, RequestError, complete},
    request_id::RequestId,
};

/// A response, and whether it is the answer of an execution or the refusal of a request.
#[derive(Debug)]
pub(in crate::http) struct Outcome {
    pub response: Response,
    /// No field ran: there is no `data` entry.
    pub request_error: bool,
    /// Out of time, or a panic: a status of its own.
    pub status: Option<StatusCode>,
}

impl Outcome {
    pub fn refused(refusals: Vec<Refusal>, id: &RequestId) -> Self {
        let status = refusals.iter().find_map(|refusal| refusal.status);
        let errors = refusals.into_iter().map(|refusal| refusal.into_error(id)).collect();
        Self {
            response: Response::from_errors(errors),
            request_error: true,
            status,
        }
    }

    /// The end of a stream that ran and broke off.
    pub fn broken(error: ServerError, id: &RequestId) -> Self {
        finish(Response::from_errors(vec![error]), true, id)
    }

    /// The document for the wire.
    pub fn to_json(&self) -> String {
        let json = if self.request_error {
            serde_json::to_string(&RequestError {
                errors: &self.response.errors,
            })
        } else {
            answer::write(&self.response)
        };
        json.unwrap_or_else(|error| {
            tracing::error!(%error, "a response could not be written as JSON");
            r#"{"errors":[{"message":"internal error","extensions":{"code":"INTERNAL"}}]}"#.to_owned()
        })
    }
}

pub(super) fn finish(mut response: Response, entered: bool, id: &RequestId) -> Outcome {
    complete(&mut response, entered, id);
    let request_error = !entered && response.is_err() && response.data == Value::Null;
    Outcome {
        response,
        request_error,
        status: None,
    }
}

pub(in crate::http) fn panicked(id: &RequestId) -> Outcome {
    // The panic hook has logged where.
    tracing::error!(request.id = %id, "a resolver panicked");
    Outcome::refused(
        vec![Refusal::http(
            StatusCode::INTERNAL_SERVER_ERROR,
            Code::Internal,
            "internal error",
        )],
        id,
    )
}
