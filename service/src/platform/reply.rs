//! The stored replies, to read again what analyses said: the seed document's recovery query, for every shape of reply.

use domain::id::{AnalysisId, SessionId};
use domain::insight::parse::FrameTable;
use domain::span::TimeSpan;
use sqlx::Row as _;
use uuid::Uuid;

use crate::db::Owner;
use crate::error::Result;
use crate::sql::Sql;

/// How many replies are held in memory at once.
const PAGE: i64 = 200;

/// A completed analysis and its reply.
#[derive(Debug, Clone)]
pub struct StoredReply {
    /// The analysis.
    pub analysis: AnalysisId,
    /// Its session.
    pub session: SessionId,
    /// The reply, verbatim; none where it was deleted after its retention time.
    pub raw: Option<serde_json::Value>,
    /// The frames that it cites.
    pub frames: FrameTable,
}

/// Goes through the replies of all completed analyses, by id.
///
/// # Errors
/// Those of the database.
pub async fn each(owner: &Owner, mut see: impl FnMut(StoredReply)) -> Result<()> {
    let scope = owner.snapshot().await?;
    let mut last = Uuid::nil();
    loop {
        let mut sql = Sql::new(
            "select a.id, a.session_id, a.raw_gpt_response, f.indexes, f.starts, f.ends from public.analysis_results a \
             cross join lateral (select array_agg(f.frame_index order by f.frame_index) as indexes, array_agg(f.start_seconds order by f.frame_index) as starts, \
               array_agg(f.end_seconds order by f.frame_index) as ends from public.analysis_frames f where f.organization_id = a.organization_id and f.analysis_id = a.id) f \
             where a.status = 'completed' and a.id > ",
        );
        sql.bind(last).push(" order by a.id limit ").bind(PAGE);
        let rows = sql.rows(&scope).await?;
        for row in &rows {
            last = row.try_get(0)?;
            let indexes: Option<Vec<i32>> = row.try_get(3)?;
            let starts: Option<Vec<f64>> = row.try_get(4)?;
            let ends: Option<Vec<f64>> = row.try_get(5)?;
            let spans = starts.unwrap_or_default().into_iter().zip(ends.unwrap_or_default());
            see(StoredReply {
                analysis: last.into(),
                session: row.try_get::<Uuid, _>(1)?.into(),
                raw: row.try_get(2)?,
                frames: indexes
                    .unwrap_or_default()
                    .into_iter()
                    .zip(spans)
                    .filter_map(|(index, (start, end))| {
                        Some((u32::try_from(index).ok()?, TimeSpan::new(start, end).ok()?))
                    })
                    .collect(),
            });
        }
        if rows.len() < usize::try_from(PAGE).unwrap_or(usize::MAX) {
            return Ok(());
        }
    }
}
