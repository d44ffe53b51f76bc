//! The text that a person to be recorded is shown.

use async_graphql::{Context, Object, SimpleObject};
use service::recording_notice;

use super::context::InRequest as _;
use super::error::Result;
use super::guard::Needs;

/// The text that a person to be recorded is shown, in one version and language.
#[derive(SimpleObject)]
pub struct RecordingNotice {
    /// The version, to be named when a recording starts.
    version: String,
    /// The language: en, nl, fr or de.
    locale: String,
    /// The text.
    text: String,
}

/// Queries about the notice.
#[derive(Default)]
pub struct RecordingNoticeQuery;

#[Object]
impl RecordingNoticeQuery {
    /// The text that a person to be recorded is shown, in force now: the platform's own until an owner has set one.
    #[graphql(guard = "Needs::Member")]
    async fn recording_notice(
        &self,
        ctx: &Context<'_>,
        #[graphql(
            desc = "The language wished for: en, nl, fr or de; the organization's where there is no text in it."
        )]
        locale: Option<String>,
    ) -> Result<Option<RecordingNotice>> {
        let read = ctx.request()?.read()?;
        let notice = read
            .load(async |scope| recording_notice::in_force(scope, locale.as_deref()).await)
            .await?;
        Ok(Some(RecordingNotice {
            version: notice.version,
            locale: notice.locale,
            text: notice.text,
        }))
    }
}
