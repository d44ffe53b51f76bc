//! Recording sessions.
//!
//! Here a session as a row, and the small objects that it shows; apart: its many fields, and how sessions are asked for.

mod fields;
mod query;

use std::sync::Arc;

use async_graphql::{SimpleObject, Value};
use domain::id::SessionId;
use service::page::Below;
use service::recording_session::{self as row, Table};
use service::row::Columns;
use service::shape::Part;

use super::analysis_result::Analysis;
use super::at_once::{Asked, AtHand};
use super::automation_opportunity::{AutomationOpportunity, OpportunityOrder};
use super::context::Read;
use super::error::Result;
use super::loader::OwnSession;
use super::page::RowObject;
use super::scalar::{DateTime, Url};
use super::written::{Plain, Related};

pub use query::{RecordingSessionFilter, RecordingSessionOrder, RecordingSessionOrderField, RecordingSessionQuery};

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
