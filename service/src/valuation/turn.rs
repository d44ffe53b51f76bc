//! Whose turn it is to work out an analysis: reviews, calculations and the job that records it come one after the other.

use domain::id::AnalysisId;
use sea_orm::FromQueryResult;
use uuid::Uuid;

use crate::db::Scope;
use crate::error::Result;

/// Waits for the analyses' turn, which lasts until the commit. Two reviews of one analysis come one after the other, so that each cost
/// analysis sees the other's; so do a review and the job that carries reviews over. Of several analyses the turns are taken in one
/// order; and before any lock of their rows, so that nobody waits for a turn while another waits for a row.
///
/// # Errors
/// Those of the database.
pub(crate) async fn turn(scope: &Scope, analyses: &[AnalysisId]) -> Result<()> {
    let mut ids: Vec<Uuid> = analyses.iter().map(|analysis| analysis.uuid()).collect();
    ids.sort_unstable();
    scope
        .run(
            "select pg_advisory_xact_lock(hashtext('newsystem.valuation'), hashtext(id::text)) from unnest($1::uuid[]) as id",
            [ids.into()],
        )
        .await
        .map(|_| ())
}

/// Whether the analysis is the one that its session counts through; none when there is no such analysis.
///
/// # Errors
/// Those of the database.
pub(crate) async fn is_current(scope: &Scope, analysis: AnalysisId) -> Result<Option<bool>> {
    #[derive(FromQueryResult)]
    struct Current {
        is_current: bool,
    }
    let row: Option<Current> = scope
        .row(
            "select is_current from public.analysis_results where id = $1",
            [analysis.uuid().into()],
        )
        .await?;
    Ok(row.map(|row| row.is_current))
}
