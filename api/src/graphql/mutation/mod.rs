//! Everything that can be changed. A mutation field turns its input into domain types, calls one use case in one read-write
//! scope, commits, and answers with objects of a fresh read.

mod analysis;
mod export;
mod organization;
mod people;
mod recording;
mod value;

use async_graphql::{Context, MergedObject};
use service::act::{Act, Once};

use super::context::{InRequest as _, Request};
use super::error::Result;
use crate::http::RequestId;

pub use analysis::AnalysisMutation;
pub use export::ExportMutation;
pub use organization::OrganizationMutation;
pub use people::PeopleMutation;
pub use recording::RecordingMutation;
pub use value::ValueMutation;

/// Everything that can be changed.
#[derive(MergedObject, Default)]
pub struct Mutation(
    OrganizationMutation,
    PeopleMutation,
    RecordingMutation,
    AnalysisMutation,
    ValueMutation,
    ExportMutation,
);

/// The moment and the request of a change.
fn act(ctx: &Context<'_>) -> Result<Act> {
    Ok(Act {
        now: ctx.request()?.api().clock.now(),
        request_id: ctx.data_opt::<RequestId>().map(ToString::to_string),
    })
}

/// The idempotency key of an input; its digest is that of the input as the client wrote it.
fn once(ctx: &Context<'_>, key: Option<&String>, operation: &'static str) -> Result<Option<Once>> {
    // The arguments were resolved once already for the field itself, so they can be resolved.
    let arguments = ctx.field().arguments().unwrap_or_default();
    let input = arguments.into_iter().find(|(name, _)| name == "input");
    let json = input.and_then(|(_, value)| value.into_json().ok()).unwrap_or_default();
    Ok(Once::of(key.cloned(), operation, &json)?)
}

/// The process's parts and the caller, for use cases that open their scopes themselves.
fn parts(request: &Request) -> Result<(&service::db::Db, &service::caller::Caller)> {
    Ok((&request.api().db, request.caller()?))
}
