//! Frames kept as evidence.

use std::sync::Arc;

use async_graphql::{Context, ID, Object};
use service::analysis_frame::{self as row, Table};
use service::look::Look;
use service::row::Columns;
use service::signing::Subject;

use super::analysis_result::Analysis;
use super::at_once::AtHand;
use super::context::Read;
use super::error::Result;
use super::look;
use super::page::{RowObject, get};
use super::scalar::{TimeSpan, Url};

/// A frame kept as evidence.
pub struct AnalysisFrame {
    read: Read,
    row: Arc<row::Row>,
}

impl AtHand for AnalysisFrame {}

impl RowObject for AnalysisFrame {
    type Table = Table;

    fn columns(field: &str) -> Columns {
        match field {
            "index" => Table::FRAME_INDEX,
            "timestampSeconds" => Table::TIMESTAMP_SECONDS,
            "span" => Table::START_SECONDS | Table::END_SECONDS,
            "widthPixels" => Table::WIDTH_PIXELS,
            "heightPixels" => Table::HEIGHT_PIXELS,
            "screen" => Table::SCREEN,
            "redacted" => Table::REDACTED,
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

/// A frame of a recording, chosen by an analysis and kept as evidence. For the recorded person, admins and owners.
#[Object]
impl AnalysisFrame {
    /// Its id.
    pub async fn id(&self) -> Result<ID> {
        Ok(self.row.id()?.into())
    }

    /// Its place among the analysis's frames, from 0.
    fn index(&self) -> Result<i32> {
        Ok(self.row.frame_index()?)
    }

    /// When it was taken, in seconds from the recording's start.
    fn timestamp_seconds(&self) -> Result<f64> {
        Ok(self.row.timestamp_seconds()?)
    }

    /// The stretch of the recording that it stands for.
    fn span(&self) -> Result<TimeSpan> {
        Ok(TimeSpan::between(self.row.start_seconds()?, self.row.end_seconds()?))
    }

    /// Its width in pixels.
    fn width_pixels(&self) -> Result<i32> {
        Ok(self.row.width_pixels()?)
    }

    /// Its height in pixels.
    fn height_pixels(&self) -> Result<i32> {
        Ok(self.row.height_pixels()?)
    }

    /// The analysis that chose it.
    async fn analysis(&self, ctx: &Context<'_>) -> Result<Analysis> {
        get(ctx, &self.read, self.row.analysis_id()?).await
    }

    /// The cluster of equal screens that it belongs to.
    fn screen(&self) -> Result<i32> {
        Ok(self.row.screen()?)
    }

    /// Where its picture is: signed for the caller, for an hour; audited.
    fn image_url(&self, ctx: &Context<'_>) -> Result<Url> {
        look::note(ctx, &self.read, Look::Frames, self.row.session_id()?);
        let api = self.read.api();
        let signed = api.signer.sign(
            Subject::Frame,
            self.row.uuid()?,
            self.read.caller().actor.uuid(),
            api.clock.now(),
        );
        Ok(Url(signed.url))
    }

    /// Whether personal data on it was covered before it was stored.
    fn redacted(&self) -> Result<bool> {
        Ok(self.row.redacted()?)
    }
}
