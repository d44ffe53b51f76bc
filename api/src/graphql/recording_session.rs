//! Recording sessions.

use std::sync::Arc;

use async_graphql::{Context, Enum, ID, InputObject, Object, SimpleObject, Value};
use domain::category::{ClassifiedBy, WorkflowCategory};
use domain::id::{SessionId, UserId};
use domain::status::SessionStatus;
use futures::FutureExt as _;
use service::look::Look;
use service::page::{Below, Direction, Key};
use service::recording_session::{self as row, Sessions, Table};
use service::row::Columns;
use service::shape::Part;
use service::signing::Subject;

use super::analysis_result::Analysis;
use super::at_once::{Asked, AtHand, AtOnce};
use super::audit_entry::AuditEntry;
use super::automation_opportunity::{AutomationOpportunity, OpportunityOrder};
use super::context::{InRequest as _, Read};
use super::error::{Result, alone};
use super::guard::Needs;
use super::loader::{OwnSession, PersonOf};
use super::look;
use super::page::{
    Connection, DateTimeRange, OrderDirection, RowObject, arguments, find, id, newest, optional_id, range,
};
use super::scalar::{BigInt, DateTime, Json, Url};
use super::user_profile::Member;
use super::video_chunk::VideoChunk;
use super::workflow_insight::WorkflowInsight;
use super::written::{Plain, Related};

/// A recording of work on a screen.
pub struct RecordingSession {
    read: Read,
    row: Arc<row::Row>,
}

impl AtHand for RecordingSession {
    fn at_hand(&self, asked: &Asked<'_>) -> Option<Value> {
        Self::plain(asked.field())?.at_hand(&self.row, asked)
    }
}

impl RowObject for RecordingSession {
    type Table = Table;

    fn plain(field: &str) -> Option<Plain> {
        Some(match field {
            "id" => Plain::Column(Table::ID),
            "title" => Plain::Column(Table::TITLE),
            "description" => Plain::Column(Table::DESCRIPTION),
            "status" => Plain::Column(Table::STATUS),
            "workflowType" => Plain::Column(Table::WORKFLOW_TYPE),
            "durationSeconds" => Plain::Column(Table::DURATION_SECONDS),
            "fileSizeBytes" => Plain::Column(Table::FILE_SIZE_BYTES),
            "truncated" => Plain::Column(Table::TRUNCATED),
            "errorMessage" => Plain::Column(Table::ERROR_MESSAGE),
            "declaredOccurrencesPerDay" => Plain::Column(Table::DECLARED_OCCURRENCES_PER_DAY),
            "peopleCount" => Plain::Column(Table::PEOPLE_COUNT),
            "createdAt" => Plain::Column(Table::CREATED_AT),
            "updatedAt" => Plain::Column(Table::UPDATED_AT),
            "completedAt" => Plain::Column(Table::COMPLETED_AT),
            "videoDeletedAt" => Plain::Column(Table::VIDEO_DELETED_AT),
            "framesDeletedAt" => Plain::Column(Table::FRAMES_DELETED_AT),
            _ => return None,
        })
    }

    fn related(field: &Related<'_>) -> Option<Part> {
        match field.field() {
            "analysis" => field.first::<Analysis>(BELOW, service::analysis_result::order(Vec::new())),
            "currentAnalysis" => {
                let current = Below { current: true, ..BELOW };
                field.first::<Analysis>(current, service::analysis_result::order(Vec::new()))
            }
            "analyses" => field.page::<Analysis>(BELOW, &service::analysis_result::order(Vec::new())),
            "opportunities" => {
                let order = OpportunityOrder::order(field.argument("orderBy")?);
                field.page::<AutomationOpportunity>(BELOW, &order)
            }
            _ => None,
        }
    }

    fn columns(field: &str) -> Columns {
        match field {
            "classifiedBy" => Table::CLASSIFIED_BY,
            "privacySettings" => Table::PRIVACY_SETTINGS,
            "metadata" => Table::METADATA,
            "consent" => Table::NOTICE_VERSION | Table::CONSENT_AT | Table::CONSENT_WITHDRAWN_AT,
            "playback" => row::WATCHABLE,
            _ => Columns::NONE,
        }
    }

    fn of(read: &Read, row: Arc<row::Row>) -> Self {
        Self {
            read: read.clone(),
            row,
        }
    }
}

/// Whether a session is the caller's own, or the caller sees everybody's.
///
/// # Errors
/// Those of the load.
pub async fn is_own_or_managed(read: &Read, session: SessionId) -> Result<bool> {
    Ok(read.caller().is_manager() || read.get(OwnSession(session.uuid())).await?.is_some())
}

/// A recording of work on a screen, from its first chunk to what analyses found in it.
#[Object]
impl RecordingSession {
    /// Its id.
    pub async fn id(&self) -> Result<ID> {
        Ok(self.row.id()?.into())
    }

    /// Its title.
    fn title(&self) -> Result<&str> {
        Ok(self.row.title()?)
    }

    /// What it shows, in its person's words; null when nothing was said.
    fn description(&self) -> Result<Option<&str>> {
        Ok(self.row.description()?)
    }

    /// Where it stands.
    fn status(&self) -> Result<SessionStatus> {
        Ok(self.row.status()?)
    }

    /// The kind of work; null until someone or something classified it.
    fn workflow_type(&self) -> Result<Option<WorkflowCategory>> {
        Ok(self.row.workflow_type()?)
    }

    /// Who assigned the kind of work; null without one.
    fn classified_by(&self) -> Result<Option<ClassifiedBy>> {
        Ok(self.row.classified_by()?)
    }

    /// Its length in seconds; null until the recording has been probed.
    fn duration_seconds(&self) -> Result<Option<f64>> {
        Ok(self.row.duration_seconds()?)
    }

    /// Bytes of its chunks that have arrived.
    fn file_size_bytes(&self) -> Result<BigInt> {
        Ok(self.row.file_size_bytes()?.into())
    }

    /// Whether it was closed by the sweeper with what had arrived, and not by its person.
    fn truncated(&self) -> Result<bool> {
        Ok(self.row.truncated()?)
    }

    /// Why the recording is unusable; null unless its status is FAILED.
    fn error_message(&self) -> Result<Option<&str>> {
        Ok(self.row.error_message()?)
    }

    /// How it is to be treated.
    fn privacy_settings(&self) -> Result<PrivacySettings> {
        let settings = self.row.privacy()?;
        Ok(PrivacySettings {
            redact_personal_data: settings.redact_personal_data,
            blur_passwords: settings.blur_passwords,
            custom_exclusions: settings.custom_exclusions,
            allow_remote_analysis: settings.allow_remote_analysis,
            retain_video_days: settings.retain_video_days,
        })
    }

    /// What the recording program said about itself and the screen.
    fn metadata(&self) -> Result<Json> {
        Ok(Json(self.row.metadata()?))
    }

    /// The recorded person's consent; null for recordings without one.
    fn consent(&self) -> Result<Option<Consent>> {
        let (Some(notice_version), Some(at)) = (self.row.notice_version()?, self.row.consent_at()?) else {
            return Ok(None);
        };
        Ok(Some(Consent {
            notice_version: notice_version.to_owned(),
            at: at.into(),
            withdrawn_at: self.row.consent_withdrawn_at()?.map(Into::into),
        }))
    }

    /// The recorded person; null to an operator who is not this person, and once the person has left.
    async fn user(&self, ctx: &Context<'_>) -> Option<Result<Member>> {
        alone(async {
            match self.read.get(PersonOf(self.row.uuid()?)).await? {
                Some(person) => find(ctx, &self.read, person).await,
                None => Ok(None),
            }
        })
        .await
    }

    /// How often a day this process is done, as people entered it; null when nobody did.
    fn declared_occurrences_per_day(&self) -> Result<Option<f64>> {
        Ok(self.row.declared_occurrences_per_day()?)
    }

    /// How many people do this process, as people entered it.
    fn people_count(&self) -> Result<i32> {
        Ok(self.row.people_count()?)
    }

    /// When it was started.
    fn created_at(&self) -> Result<DateTime> {
        Ok(self.row.created_at()?.into())
    }

    /// When it was last changed.
    fn updated_at(&self) -> Result<DateTime> {
        Ok(self.row.updated_at()?.into())
    }

    /// When nothing was active on it any more, the last time; null before.
    fn completed_at(&self) -> Result<Option<DateTime>> {
        Ok(self.row.completed_at()?.map(Into::into))
    }

    /// When its video was deleted; null while it is kept.
    fn video_deleted_at(&self) -> Result<Option<DateTime>> {
        Ok(self.row.video_deleted_at()?.map(Into::into))
    }

    /// When its frames were deleted; null while they are kept.
    fn frames_deleted_at(&self) -> Result<Option<DateTime>> {
        Ok(self.row.frames_deleted_at()?.map(Into::into))
    }

    /// Its chunks, in the order of the recording.
    async fn chunks(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "How many from the start: 20 unless said, 100 at most.")] first: Option<i32>,
        #[graphql(desc = "Only those behind this cursor.")] after: Option<String>,
        #[graphql(desc = "How many from the end, 100 at most.")] last: Option<i32>,
        #[graphql(desc = "Only those before this cursor.")] before: Option<String>,
    ) -> Result<Connection<VideoChunk>> {
        Connection::below(
            ctx,
            &self.read,
            self.row.id()?,
            BELOW,
            service::video_chunk::order(),
            arguments(first, after, last, before),
        )
        .await
    }

    /// Its newest analysis; null before the first.
    async fn analysis(&self, ctx: &Context<'_>) -> Option<Result<AtOnce<Analysis>>> {
        alone(async {
            let order = service::analysis_result::order(Vec::new());
            newest(ctx, &self.read, self.row.id()?, BELOW, order).await
        })
        .await
    }

    /// Its newest completed analysis, which is what every sum counts; null before the first.
    async fn current_analysis(&self, ctx: &Context<'_>) -> Option<Result<AtOnce<Analysis>>> {
        alone(async {
            let current = Below { current: true, ..BELOW };
            let order = service::analysis_result::order(Vec::new());
            newest(ctx, &self.read, self.row.id()?, current, order).await
        })
        .await
    }

    /// Its analyses, the newest first.
    async fn analyses(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "How many from the start: 20 unless said, 100 at most.")] first: Option<i32>,
        #[graphql(desc = "Only those behind this cursor.")] after: Option<String>,
        #[graphql(desc = "How many from the end, 100 at most.")] last: Option<i32>,
        #[graphql(desc = "Only those before this cursor.")] before: Option<String>,
    ) -> Result<Connection<Analysis>> {
        Connection::below(
            ctx,
            &self.read,
            self.row.id()?,
            BELOW,
            service::analysis_result::order(Vec::new()),
            arguments(first, after, last, before),
        )
        .await
    }

    /// Opportunities that its analyses found, current and earlier ones, highest potential savings first.
    async fn opportunities(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "The order; by estimatedCostSavingsMonthly, highest first, unless said.")] order_by: Option<
            Vec<OpportunityOrder>,
        >,
        #[graphql(desc = "How many from the start: 20 unless said, 100 at most.")] first: Option<i32>,
        #[graphql(desc = "Only those behind this cursor.")] after: Option<String>,
        #[graphql(desc = "How many from the end, 100 at most.")] last: Option<i32>,
        #[graphql(desc = "Only those before this cursor.")] before: Option<String>,
    ) -> Result<Connection<AutomationOpportunity>> {
        Connection::below(
            ctx,
            &self.read,
            self.row.id()?,
            BELOW,
            OpportunityOrder::order(order_by),
            arguments(first, after, last, before),
        )
        .await
    }

    /// Insights from it, the newest first.
    async fn insights(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "How many from the start: 20 unless said, 100 at most.")] first: Option<i32>,
        #[graphql(desc = "Only those behind this cursor.")] after: Option<String>,
        #[graphql(desc = "How many from the end, 100 at most.")] last: Option<i32>,
        #[graphql(desc = "Only those before this cursor.")] before: Option<String>,
    ) -> Result<Connection<WorkflowInsight>> {
        Connection::below(
            ctx,
            &self.read,
            self.row.id()?,
            BELOW,
            service::workflow_insight::order(Vec::new()),
            arguments(first, after, last, before),
        )
        .await
    }

    /// What was done to it and who looked at its video, frames and raw replies, the newest first. For the recorded person, admins
    /// and owners; empty to others.
    async fn audit_log(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "How many from the start: 20 unless said, 100 at most.")] first: Option<i32>,
        #[graphql(desc = "Only those behind this cursor.")] after: Option<String>,
        #[graphql(desc = "How many from the end, 100 at most.")] last: Option<i32>,
        #[graphql(desc = "Only those before this cursor.")] before: Option<String>,
    ) -> Result<Connection<AuditEntry>> {
        Connection::below(
            ctx,
            &self.read,
            self.row.id()?,
            Below::all("subject_id"),
            service::audit_entry::order(),
            arguments(first, after, last, before),
        )
        .await
    }

    /// A seekable recording with range requests. For the recorded person, admins and owners; watching is audited. Null to others,
    /// while the recording is not whole, once its video is deleted, and where redaction was asked for.
    async fn playback(&self, ctx: &Context<'_>) -> Option<Result<Playback>> {
        alone(async {
            let session = self.row.id()?;
            if !self.row.is_watchable()? || !is_own_or_managed(&self.read, session).await? {
                return Ok(None);
            }
            look::note(ctx, &self.read, Look::Video, session);
            let api = self.read.api();
            let signed = api.signer.sign(
                Subject::Playback,
                session.uuid(),
                self.read.caller().actor.uuid(),
                api.clock.now(),
            );
            Ok(Some(Playback {
                url: Url(signed.url),
                expires_at: signed.expires_at.into(),
            }))
        })
        .await
    }
}

/// Children name their session in this column.
const BELOW: Below = Below::all("session_id");

/// A recording to watch.
#[derive(SimpleObject)]
pub struct Playback {
    /// Where: signed for the caller, with range requests.
    url: Url,
    /// Until when the address works.
    expires_at: DateTime,
}

/// What the recorded person agreed to.
#[derive(SimpleObject)]
pub struct Consent {
    /// The version of the notice that was shown.
    notice_version: String,
    /// When the person agreed.
    at: DateTime,
    /// When the person took it back; null unless that happened.
    withdrawn_at: Option<DateTime>,
}

/// How a recording is to be treated; stricter than the organization's rules, never laxer.
#[derive(SimpleObject)]
pub struct PrivacySettings {
    /// Whether personal data is covered on every frame and in every text before it is stored or sent.
    redact_personal_data: bool,
    /// Whether passwords are covered.
    blur_passwords: bool,
    /// Words and window titles to leave out.
    custom_exclusions: Vec<String>,
    /// Whether its screens may be sent to a model, where the organization allows that.
    allow_remote_analysis: bool,
    /// Days until its video is deleted; null for the organization's rule.
    retain_video_days: Option<i32>,
}

/// Which sessions; what is left out does not restrict.
#[derive(Default, InputObject)]
pub struct RecordingSessionFilter {
    /// In one of these states.
    status: Option<Vec<SessionStatus>>,
    /// Of one of these kinds of work.
    workflow_type: Option<Vec<WorkflowCategory>>,
    /// Of this person; to an operator, others' sessions are none.
    user_id: Option<ID>,
    /// With this text in title or description, upper or lower case.
    search: Option<String>,
    /// Started in this range.
    created: Option<DateTimeRange>,
    /// Changed in this range.
    updated: Option<DateTimeRange>,
}

impl RecordingSessionFilter {
    fn sessions(self) -> Result<Sessions> {
        Ok(Sessions {
            status: self.status,
            workflow_type: self.workflow_type,
            user: optional_id::<UserId>(self.user_id.as_ref(), "filter.userId")?,
            search: self.search,
            created: range(self.created),
            updated: range(self.updated),
        })
    }
}

/// What sessions can be ordered by.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Enum)]
pub enum RecordingSessionOrderField {
    /// When it was started.
    CreatedAt,
    /// When it was last changed.
    UpdatedAt,
    /// Its title.
    Title,
    /// Its length.
    Duration,
    /// Its size in bytes.
    FileSize,
}

/// One key of an order of sessions.
#[derive(InputObject)]
pub struct RecordingSessionOrder {
    /// By what.
    field: RecordingSessionOrderField,
    /// Which way.
    #[graphql(default_with = "OrderDirection::Desc")]
    direction: OrderDirection,
}

impl RecordingSessionOrder {
    fn keys(orders: Option<Vec<Self>>) -> Vec<(Key, Direction)> {
        let key = |order: Self| {
            let key = match order.field {
                RecordingSessionOrderField::CreatedAt => row::CREATED_AT,
                RecordingSessionOrderField::UpdatedAt => row::UPDATED_AT,
                RecordingSessionOrderField::Title => row::TITLE,
                RecordingSessionOrderField::Duration => row::DURATION,
                RecordingSessionOrderField::FileSize => row::FILE_SIZE,
            };
            (key, order.direction.into())
        };
        orders.unwrap_or_default().into_iter().map(key).collect()
    }
}

/// Queries about sessions.
#[derive(Default)]
pub struct RecordingSessionQuery;

#[Object]
impl RecordingSessionQuery {
    /// A session by its id; null when there is none that the caller may see.
    #[graphql(guard = "Needs::Member")]
    async fn recording_session(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "The session's id.", name = "id")] session: ID,
    ) -> Result<Option<RecordingSession>> {
        find(ctx, &ctx.request()?.read()?, id::<SessionId>(&session, "id")?).await
    }

    /// The organization's sessions, the newest first unless ordered otherwise.
    #[graphql(guard = "Needs::Member")]
    async fn recording_sessions(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "Which sessions.")] filter: Option<RecordingSessionFilter>,
        #[graphql(desc = "The order, by the first key first; newest first unless said.")] order_by: Option<
            Vec<RecordingSessionOrder>,
        >,
        #[graphql(desc = "How many from the start: 20 unless said, 100 at most.")] first: Option<i32>,
        #[graphql(desc = "Only those behind this cursor.")] after: Option<String>,
        #[graphql(desc = "How many from the end, 100 at most.")] last: Option<i32>,
        #[graphql(desc = "Only those before this cursor.")] before: Option<String>,
    ) -> Result<Option<Connection<RecordingSession>>> {
        let read = ctx.request()?.read()?;
        let which = Arc::new(filter.unwrap_or_default().sessions()?);
        let counted = Arc::clone(&which);
        let connection = Connection::list(
            ctx,
            &read,
            row::order(RecordingSessionOrder::keys(order_by)),
            arguments(first, after, last, before),
            async |scope, columns, window| row::list(scope, columns, &which, window).await,
            move |reader| {
                let which = Arc::clone(&counted);
                async move { reader.load(async |scope| row::count(scope, &which).await).await }.boxed()
            },
        );
        Ok(Some(connection.await?))
    }
}
