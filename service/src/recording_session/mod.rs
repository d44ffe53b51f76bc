//! Recording sessions, read.

pub mod record;

use std::collections::HashMap;
use std::sync::Arc;

use chrono::{DateTime, Utc};
use domain::category::{ClassifiedBy, WorkflowCategory};
use domain::id::{OrganizationId, SessionId, UserId};
use domain::status::SessionStatus;
use serde::Deserialize;
use uuid::Uuid;

use crate::db::Scope;
use crate::error::Result;
use crate::page::{self, Direction, Filter, Key, Kind, Order, Page, Range, Window};
use crate::row::{Columns, Decode, Wanted, table};
use crate::sql::Sql;

table!("public.recording_sessions", "recording session", always [ID], {
    ID = id: SessionId,
    ORGANIZATION_ID = organization_id: OrganizationId,
    TITLE = title: &str,
    DESCRIPTION = description: Option<&str>,
    STATUS = status: SessionStatus,
    DURATION_SECONDS = duration_seconds: Option<f64>,
    FILE_SIZE_BYTES = file_size_bytes: i64,
    WORKFLOW_TYPE = workflow_type: Option<WorkflowCategory>,
    CLASSIFIED_BY = classified_by: Option<ClassifiedBy>,
    PRIVACY_SETTINGS = privacy_settings: serde_json::Value,
    METADATA = metadata: serde_json::Value,
    DECLARED_OCCURRENCES_PER_DAY = declared_occurrences_per_day: Option<f64>,
    PEOPLE_COUNT = people_count: i32,
    TRUNCATED = truncated: bool,
    ERROR_MESSAGE = error_message: Option<&str>,
    NOTICE_VERSION = notice_version: Option<&str>,
    CONSENT_AT = consent_at: Option<DateTime<Utc>>,
    CONSENT_WITHDRAWN_AT = consent_withdrawn_at: Option<DateTime<Utc>>,
    CHUNK_COUNT = chunk_count: Option<i32>,
    LAST_CHUNK_AT = last_chunk_at: Option<DateTime<Utc>>,
    FINISHED_AT = finished_at: Option<DateTime<Utc>>,
    COMPLETED_AT = completed_at: Option<DateTime<Utc>>,
    VIDEO_DELETED_AT = video_deleted_at: Option<DateTime<Utc>>,
    FRAMES_DELETED_AT = frames_deleted_at: Option<DateTime<Utc>>,
    CREATED_AT = created_at: DateTime<Utc>,
    UPDATED_AT = updated_at: DateTime<Utc>,
});

/// How a recording is to be treated, as stored. What is absent in an older row is at its strictest default.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(default)]
pub struct PrivacySettings {
    /// Cover personal data on every frame and in every text.
    pub redact_personal_data: bool,
    /// Cover passwords.
    pub blur_passwords: bool,
    /// Words and windows to leave out.
    pub custom_exclusions: Vec<String>,
    /// Whether this session may be sent to a model, where the organization allows it.
    pub allow_remote_analysis: bool,
    /// Days until the video is deleted, where stricter than the organization's rule.
    pub retain_video_days: Option<i32>,
}

impl Default for PrivacySettings {
    fn default() -> Self {
        Self {
            redact_personal_data: true,
            blur_passwords: true,
            custom_exclusions: Vec::new(),
            allow_remote_analysis: false,
            retain_video_days: None,
        }
    }
}

impl Row {
    /// The settings of [`Row::privacy_settings`], read.
    ///
    /// # Errors
    /// As the column's.
    pub fn privacy(&self) -> Result<PrivacySettings> {
        Ok(serde_json::from_value(self.privacy_settings()?).unwrap_or_default())
    }

    /// Whether the video can be watched: it is whole, not deleted, and redaction was not asked for.
    ///
    /// # Errors
    /// As the columns'.
    pub fn is_watchable(&self) -> Result<bool> {
        Ok(self.status()? != SessionStatus::Recording
            && self.status()? != SessionStatus::Failed
            && self.chunk_count()?.is_some()
            && self.video_deleted_at()?.is_none()
            && !self.privacy()?.redact_personal_data)
    }
}

/// What [`Row::is_watchable`] looks at.
pub const WATCHABLE: Columns = Table::STATUS
    .and(Table::CHUNK_COUNT)
    .and(Table::VIDEO_DELETED_AT)
    .and(Table::PRIVACY_SETTINGS);

/// By when it was started.
pub const CREATED_AT: Key = Key {
    name: "created_at",
    column: Table::CREATED_AT,
    kind: Kind::Instant,
    nullable: false,
};
/// By its last change.
pub const UPDATED_AT: Key = Key {
    name: "updated_at",
    column: Table::UPDATED_AT,
    kind: Kind::Instant,
    nullable: false,
};
/// By its title.
pub const TITLE: Key = Key {
    name: "title",
    column: Table::TITLE,
    kind: Kind::Text,
    nullable: false,
};
/// By its length.
pub const DURATION: Key = Key {
    name: "duration_seconds",
    column: Table::DURATION_SECONDS,
    kind: Kind::Float,
    nullable: true,
};
/// By its size.
pub const FILE_SIZE: Key = Key {
    name: "file_size_bytes",
    column: Table::FILE_SIZE_BYTES,
    kind: Kind::BigInt,
    nullable: false,
};

/// The order of a list: newest first unless it says otherwise.
pub fn order(keys: Vec<(Key, Direction)>) -> Order {
    Order::of(
        "recording_session",
        if keys.is_empty() {
            vec![(CREATED_AT, Direction::Descending)]
        } else {
            keys
        },
    )
}

/// Which sessions.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Sessions {
    /// In one of these states.
    pub status: Option<Vec<SessionStatus>>,
    /// Of one of these kinds.
    pub workflow_type: Option<Vec<WorkflowCategory>>,
    /// Of this person, as far as the caller may know.
    pub user: Option<UserId>,
    /// With this text in title or description.
    pub search: Option<String>,
    /// Started in this range.
    pub created: Range,
    /// Changed in this range.
    pub updated: Range,
}

impl Filter for Sessions {
    fn conditions(&self, sql: &mut Sql) {
        page::one_of(
            sql,
            "status",
            self.status
                .as_ref()
                .map(|list| list.iter().map(|s| s.as_str()).collect()),
        );
        page::one_of(
            sql,
            "workflow_type",
            self.workflow_type
                .as_ref()
                .map(|list| list.iter().map(|w| w.as_str()).collect()),
        );
        if let Some(user) = self.user {
            sql.push(" and t.id in (select private.sessions_of(")
                .bind(user.uuid())
                .push("))");
        }
        if let Some(search) = self.search.as_deref().map(str::trim).filter(|text| !text.is_empty()) {
            let pattern = like(search);
            sql.push(" and (t.title ilike ")
                .bind(pattern.clone())
                .push(" or t.description ilike ")
                .bind(pattern)
                .push(")");
        }
        self.created.conditions(sql, "t.created_at");
        self.updated.conditions(sql, "t.updated_at");
    }
}

/// A pattern for a text anywhere, in which nothing of the text is a wildcard.
fn like(text: &str) -> String {
    let mut pattern = String::with_capacity(text.len() + 2);
    pattern.push('%');
    for character in text.chars().filter(|character| *character != '\0') {
        if matches!(character, '%' | '_' | '\\') {
            pattern.push('\\');
        }
        pattern.push(character);
    }
    pattern.push('%');
    pattern
}

/// One page of sessions.
///
/// # Errors
/// Those of the database.
pub async fn list(scope: &Scope, wanted: &Wanted, which: &Sessions, window: &Arc<Window>) -> Result<Page<Table>> {
    page::list(scope, wanted, which, window).await
}

/// How many sessions.
///
/// # Errors
/// Those of the database.
pub async fn count(scope: &Scope, which: &Sessions) -> Result<i64> {
    page::count::<Table>(scope, which).await
}

/// Who was recorded, of those sessions where the caller may know.
///
/// # Errors
/// Those of the database.
pub async fn people(scope: &Scope, sessions: &[Uuid]) -> Result<HashMap<Uuid, UserId>> {
    let mut sql = Sql::new("select session_id, user_id from private.session_people(");
    sql.bind(sessions.to_vec()).push(")");
    let rows = sql.rows(scope).await?;
    rows.iter()
        .map(|row| Ok((Uuid::decode(row, 0)?, UserId::decode(row, 1)?)))
        .collect()
}

/// Which of these sessions are the caller's own, person or key.
///
/// # Errors
/// Those of the database.
pub async fn own(scope: &Scope, sessions: &[Uuid]) -> Result<Vec<Uuid>> {
    let mut sql = Sql::new("select own from private.own_sessions() own where own = any(");
    sql.bind(sessions.to_vec()).push(")");
    let rows = sql.rows(scope).await?;
    rows.iter().map(|row| Uuid::decode(row, 0)).collect()
}

#[cfg(test)]
mod tests {
    #[test]
    fn a_search_text_has_no_wildcards() {
        assert_eq!(super::like(r"50%_a\b"), r"%50\%\_a\\b%");
    }
}
