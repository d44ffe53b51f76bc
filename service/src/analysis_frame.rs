//! Frames kept as evidence, read. Row security shows them to the recorded person, admins and owners only.

use std::collections::HashMap;

use chrono::{DateTime, Utc};
use domain::id::{AnalysisId, FrameId, SessionId};
use uuid::Uuid;

use crate::db::Scope;
use crate::error::Result;
use crate::page::{Direction, Key, Kind, Order};
use crate::row::{Columns, Relation as _, table};
use crate::sql::Sql;

table!("public.analysis_frames", "frame", always [ID, ANALYSIS_ID, SESSION_ID], {
    ID = id: FrameId,
    ANALYSIS_ID = analysis_id: AnalysisId,
    SESSION_ID = session_id: SessionId,
    FRAME_INDEX = frame_index: i32,
    TIMESTAMP_SECONDS = timestamp_seconds: f64,
    START_SECONDS = start_seconds: f64,
    END_SECONDS = end_seconds: f64,
    SCREEN = screen: i32,
    WIDTH_PIXELS = width_pixels: i32,
    HEIGHT_PIXELS = height_pixels: i32,
    REDACTED = redacted: bool,
    CREATED_AT = created_at: DateTime<Utc>,
});

/// In the order of the recording.
pub fn order() -> Order {
    let index = Key {
        name: "frame_index",
        column: Table::FRAME_INDEX,
        kind: Kind::Int,
        nullable: false,
    };
    Order::of("frame", [(index, Direction::Ascending)])
}

/// The frames at these places of these analyses, of those that the caller may see.
///
/// # Errors
/// Those of the database.
pub async fn at(scope: &Scope, places: &[(Uuid, i32)], columns: Columns) -> Result<HashMap<(Uuid, i32), Row>> {
    let columns = columns | Table::ALWAYS | Table::FRAME_INDEX;
    let mut sql = Sql::new("select ");
    columns.write(&mut sql, Table::COLUMNS);
    let (analyses, indexes): (Vec<Uuid>, Vec<i32>) = places.iter().copied().unzip();
    sql.push(" from public.analysis_frames t join unnest(")
        .bind(analyses)
        .push("::uuid[], ")
        .bind(indexes)
        .push("::integer[]) p(analysis, index) on t.analysis_id = p.analysis and t.frame_index = p.index");
    sql.rows(scope)
        .await?
        .into_iter()
        .map(|row| {
            let row = Row::new(row, columns);
            Ok(((row.analysis_id()?.uuid(), row.frame_index()?), row))
        })
        .collect()
}

/// Where the picture of a frame lies, if the caller may see the frame.
///
/// # Errors
/// Those of the database.
pub async fn file_path(scope: &Scope, frame: FrameId) -> Result<Option<String>> {
    #[derive(sea_orm::FromQueryResult)]
    struct Place {
        file_path: String,
    }
    let row: Option<Place> = scope
        .row(
            "select file_path from public.analysis_frames where id = $1",
            [frame.uuid().into()],
        )
        .await?;
    Ok(row.map(|row| row.file_path))
}
