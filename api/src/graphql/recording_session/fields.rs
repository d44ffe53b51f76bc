//! What can be asked of a session: its fields. Apart from its row because they are many.

use async_graphql::{Context, ID, Object};
use domain::category::{ClassifiedBy, WorkflowCategory};
use domain::status::SessionStatus;
use service::look::Look;
use service::page::Below;
use service::signing::Subject;

use super::{BELOW, Consent, Playback, PrivacySettings, RecordingSession, is_own_or_managed};
use crate::graphql::analysis_result::Analysis;
use crate::graphql::at_once::AtOnce;
use crate::graphql::audit_entry::AuditEntry;
use crate::graphql::automation_opportunity::{AutomationOpportunity, OpportunityOrder};
use crate::graphql::error::{Result, alone};
use crate::graphql::loader::PersonOf;
use crate::graphql::look;
use crate::graphql::page::{Connection, arguments, find, newest};
use crate::graphql::scalar::{BigInt, DateTime, Json, Url};
use crate::graphql::user_profile::Member;
use crate::graphql::video_chunk::VideoChunk;
use crate::graphql::workflow_insight::WorkflowInsight;

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

    /// How often a day the process that it mainly shows is done, as people entered it; null when nobody did.
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
