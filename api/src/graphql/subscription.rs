//! What can be followed. Every stream comes from the hub, which reads once for all who follow; nested fields of a payload load
//! per subscriber, only where asked for, in a read of the event's own.

use std::sync::{Arc, OnceLock};

use async_graphql::{Context, ID, Object, ScalarType as _, Subscription as SubscriptionObject, Value};
use domain::event::EventKind;
use domain::id::{AnalysisId, EventCursor, OrganizationId, SessionId};
use domain::status::{AnalysisStage, AnalysisStatus};
use futures::{Stream, StreamExt as _};
use service::event::{AnalysisState, Event, UploadState};

use super::analysis_result::Analysis;
use super::at_once::{Asked, AtHand, AtOnce, scalar};
use super::context::{InRequest as _, Read, Request};
use super::error::{Failure, Result};
use super::guard::Needs;
use super::node::{Node, node};
use super::page::{get, id};
use super::scalar::{BigInt, DateTime, Decimal};
use crate::http::LastEventId;

/// The snapshot of one event for one subscriber, opened by the first nested field that reads.
#[derive(Default)]
struct OwnRead(OnceLock<Read>);

impl OwnRead {
    fn get(&self, request: &Request) -> Result<Read> {
        if let Some(read) = self.0.get() {
            return Ok(read.clone());
        }
        let read = request.fresh()?;
        Ok(self.0.get_or_init(|| read).clone())
    }
}

/// Where an analysis stands.
pub struct AnalysisProgress {
    analysis: AnalysisId,
    state: Arc<AnalysisState>,
    read: OwnRead,
}

/// Where an analysis stands.
#[Object]
impl AnalysisProgress {
    /// The analysis itself.
    async fn analysis(&self, ctx: &Context<'_>) -> Result<Analysis> {
        get(ctx, &self.read.get(ctx.request()?)?, self.analysis).await
    }

    /// Its status; every change of it is told, in order.
    async fn status(&self) -> AnalysisStatus {
        self.state.status
    }

    /// The stage in hand.
    async fn stage(&self) -> AnalysisStage {
        self.state.stage
    }

    /// Share of the whole, 0 to 1.
    async fn progress(&self) -> f64 {
        self.state.progress
    }

    /// Frames chosen or read so far.
    async fn frames_done(&self) -> i32 {
        self.state.frames_done
    }

    /// Frames in all; null until that is known.
    async fn frames_total(&self) -> Option<i32> {
        self.state.frames_total
    }

    /// USD that models cost so far; null to all but admins and owners, and while nothing was booked.
    async fn cost_usd_so_far(&self, ctx: &Context<'_>) -> Result<Option<Decimal>> {
        let request = ctx.request()?;
        if !request.caller()?.is_manager() {
            return Ok(None);
        }
        let analysis = self.analysis;
        let cost = self
            .read
            .get(request)?
            .load(async |scope| service::model_request::booked(scope, analysis).await)
            .await?;
        Ok(cost.map(Into::into))
    }

    /// A sentence for people; null where there is nothing to say.
    async fn message(&self) -> Option<&str> {
        self.state.message.as_deref()
    }

    /// Since when it stands there.
    async fn at(&self) -> DateTime {
        self.state.at.into()
    }
}

/// Where an upload stands.
pub struct UploadProgress {
    session: SessionId,
    state: Arc<UploadState>,
}

/// Where an upload stands.
#[Object]
impl UploadProgress {
    /// The session.
    async fn session_id(&self) -> ID {
        self.session.uuid().into()
    }

    /// Chunks that are stored.
    async fn chunks_completed(&self) -> i32 {
        self.state.completed
    }

    /// Chunks that failed and were not put again yet.
    async fn chunks_failed(&self) -> i32 {
        self.state.failed
    }

    /// Chunks in all; null until the session is finished.
    async fn chunks_total(&self) -> Option<i32> {
        self.state.total
    }

    /// Bytes of the chunks that are stored.
    async fn bytes_uploaded(&self) -> BigInt {
        self.state.bytes.into()
    }

    /// Since when it stands there.
    async fn at(&self) -> DateTime {
        self.state.at.into()
    }
}

/// Something that happened in the organization.
pub struct OrganizationEvent {
    organization: OrganizationId,
    event: Arc<Event>,
}

impl OrganizationEvent {
    /// The fields that every event has at hand, the same for all who see it.
    pub const AT_HAND: [&str; 9] = [
        "__typename",
        "cursor",
        "sequence",
        "kind",
        "subjectId",
        "from",
        "to",
        "actorApiKeyId",
        "at",
    ];

    /// An event of this organization.
    pub const fn new(organization: OrganizationId, event: Arc<Event>) -> Self {
        Self { organization, event }
    }

    /// The value of a field that is at hand.
    pub fn value(&self, field: &str) -> Option<Value> {
        let event = &self.event;
        Some(match field {
            "__typename" => "OrganizationEvent".into(),
            "cursor" => self.position().ok()?.into(),
            "sequence" => BigInt(event.sequence).to_value(),
            "kind" => event.kind.into(),
            "subjectId" => ID::from(event.subject).to_value(),
            "from" => scalar(event.from.clone()),
            "to" => scalar(event.to.clone()),
            "actorApiKeyId" => scalar(event.key.map(|key| ID::from(key.uuid()))),
            "at" => DateTime(event.at).to_value(),
            _ => return None,
        })
    }

    /// Where to go on from.
    ///
    /// # Errors
    /// INTERNAL for a sequence that the log never has.
    pub fn position(&self) -> Result<String> {
        let cursor = EventCursor::after(self.organization, self.event.sequence)
            .ok_or_else(|| service::Error::internal("a negative sequence"))?;
        Ok(cursor.to_string())
    }
}

impl AtHand for OrganizationEvent {
    fn at_hand(&self, asked: &Asked<'_>) -> Option<Value> {
        self.value(asked.field())
    }
}

/// Something that happened in the organization. `cursor` goes into `after`; `sequence` rises by exactly one from event to event,
/// so that a client can see that it has missed nothing (with `kinds` it may skip).
#[Object]
impl OrganizationEvent {
    /// The position to go on from.
    async fn cursor(&self) -> Result<String> {
        self.position()
    }

    /// Its number in the organization's log.
    async fn sequence(&self) -> BigInt {
        self.event.sequence.into()
    }

    /// What happened.
    async fn kind(&self) -> EventKind {
        self.event.kind
    }

    /// The id of what it happened to.
    async fn subject_id(&self) -> ID {
        self.event.subject.into()
    }

    /// What it happened to, as it is now; null where it is gone or the caller may not see it.
    async fn subject(&self, ctx: &Context<'_>) -> Result<Option<Node>> {
        node(ctx, &ctx.request()?.fresh()?, self.event.subject).await
    }

    /// The state that it left; null where it is no change of state.
    async fn from(&self) -> Option<&str> {
        self.event.from.as_deref()
    }

    /// The state that it came to; null where it is no change of state.
    async fn to(&self) -> Option<&str> {
        self.event.to.as_deref()
    }

    /// Who did it; null for workers and keys, and to operators unless they did it themselves, since it would tell who recorded.
    async fn actor_user_id(&self, ctx: &Context<'_>) -> Result<Option<ID>> {
        let caller = ctx.request()?.caller()?;
        let seen = self
            .event
            .actor
            .filter(|actor| caller.is_manager() || caller.user() == Some(*actor));
        Ok(seen.map(|actor| actor.uuid().into()))
    }

    /// The key that did it; null unless one did. A key is nobody's name, so everybody may know.
    async fn actor_api_key_id(&self) -> Option<ID> {
        self.event.key.map(|key| key.uuid().into())
    }

    /// When.
    async fn at(&self) -> DateTime {
        self.event.at.into()
    }
}

/// What can be followed.
#[derive(Default)]
pub struct Subscription;

fn member(request: &Request) -> Result<OrganizationId> {
    Ok(request.caller()?.member()?.organization)
}

/// What can be followed.
#[SubscriptionObject]
impl Subscription {
    /// The analysis as it is now, at once; then each change of status, every one in order, and its progress, at most four times a
    /// second. Ends after a final status.
    #[graphql(guard = "Needs::Member")]
    async fn analysis_progress(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "The analysis.")] analysis_id: ID,
    ) -> Result<impl Stream<Item = Result<AnalysisProgress>> + use<>> {
        let request = ctx.request()?;
        let analysis: AnalysisId = id(&analysis_id, "analysisId")?;
        let states = request.api().hub.analysis(member(request)?, analysis).await?;
        Ok(states.map(move |state| {
            Ok(AnalysisProgress {
                analysis,
                state: state?,
                read: OwnRead::default(),
            })
        }))
    }

    /// Every durable event of the caller's organization, in order. With `after`, what was missed comes first; a position that is
    /// no longer kept is `CURSOR_EXPIRED`.
    #[graphql(guard = "Needs::Member")]
    async fn organization_events(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "The cursor of the last event that was seen; from now on where it is left out.")]
        after: Option<String>,
        #[graphql(desc = "Only events of these kinds.")] kinds: Option<Vec<EventKind>>,
    ) -> Result<impl Stream<Item = Result<AtOnce<OrganizationEvent>>> + use<>> {
        let request = ctx.request()?;
        let organization = member(request)?;
        // An event stream that is taken up again says where it was in a header: newer than what its address was made with.
        let after = ctx.data_opt::<LastEventId>().map(|last| last.0.clone()).or(after);
        let position = after.map(|cursor| position(&cursor, organization)).transpose()?;
        let events = request.api().hub.events(organization, position).await?;
        Ok(events.filter_map(move |event| {
            let event = match event {
                Ok(event) if kinds.as_ref().is_none_or(|kinds| kinds.contains(&event.kind)) => Some(Ok(AtOnce::new(
                    OrganizationEvent::new(organization, Arc::clone(&event.event)),
                ))),
                Ok(_) => None,
                Err(error) => Some(Err(Failure::from(error))),
            };
            std::future::ready(event)
        }))
    }

    /// Chunks of one session as they arrive; the state as it is now comes first.
    #[graphql(guard = "Needs::Member")]
    async fn upload_progress(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "The session.")] session_id: ID,
    ) -> Result<impl Stream<Item = Result<UploadProgress>> + use<>> {
        let request = ctx.request()?;
        let session: SessionId = id(&session_id, "sessionId")?;
        let states = request.api().hub.upload(member(request)?, session).await?;
        Ok(states.map(move |state| Ok(UploadProgress { session, state: state? })))
    }
}

/// The position that a cursor of this organization names.
///
/// # Errors
/// `BAD_USER_INPUT` for what is no cursor, or another organization's.
pub fn position(cursor: &str, organization: OrganizationId) -> Result<i64> {
    let cursor: EventCursor = cursor
        .parse()
        .map_err(|_| Failure::invalid("after", "is no cursor of an event"))?;
    if cursor.organization() != organization {
        return Err(Failure::invalid("after", "is a cursor of another organization"));
    }
    Ok(cursor.sequence())
}
