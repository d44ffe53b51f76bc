//! What an id is the id of, for those rows that the caller may see.

use std::collections::HashMap;

use uuid::Uuid;

use crate::db::Scope;
use crate::error::Result;
use crate::row::Decode;
use crate::sql::Sql;

/// The nouns that can be had by a bare id.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Kind {
    /// The organization.
    Organization,
    /// A member.
    Member,
    /// An invitation.
    Invitation,
    /// A partner's key.
    ApiKey,
    /// A recording session.
    Session,
    /// A chunk of a recording.
    Chunk,
    /// An analysis.
    Analysis,
    /// A frame.
    Frame,
    /// An automation opportunity.
    Opportunity,
    /// A cost analysis.
    CostAnalysis,
    /// A diagram.
    Visualization,
    /// A workflow insight.
    Insight,
    /// A report.
    Report,
}

const KINDS: [(Kind, &str); 13] = [
    (Kind::Organization, "organizations"),
    (Kind::Member, "user_profiles"),
    (Kind::Invitation, "invitations"),
    (Kind::ApiKey, "api_keys"),
    (Kind::Session, "recording_sessions"),
    (Kind::Chunk, "video_chunks"),
    (Kind::Analysis, "analysis_results"),
    (Kind::Frame, "analysis_frames"),
    (Kind::Opportunity, "automation_opportunities"),
    (Kind::CostAnalysis, "cost_analyses"),
    (Kind::Visualization, "workflow_visualizations"),
    (Kind::Insight, "workflow_insights"),
    (Kind::Report, "generated_reports"),
];

/// The kinds of these ids, in one statement. Foreign and absent ones are absent alike.
///
/// # Errors
/// Those of the database.
pub async fn kinds(scope: &Scope, ids: &[Uuid]) -> Result<HashMap<Uuid, Kind>> {
    use std::fmt::Write as _;
    let mut text = String::new();
    for (index, (_, table)) in KINDS.iter().enumerate() {
        let union = if index == 0 { "" } else { " union all " };
        // Writing to a string cannot fail.
        let _ = write!(text, "{union}select id, {index} from public.{table} where id = any($1)");
    }
    let mut sql = Sql::new(&text);
    sql.value(ids.to_vec());
    sql.rows(scope)
        .await?
        .iter()
        .filter_map(|row| {
            let found = Uuid::decode(row, 0).and_then(|id| Ok((id, i32::decode(row, 1)?)));
            match found {
                Ok((id, index)) => usize::try_from(index)
                    .ok()
                    .and_then(|at| KINDS.get(at))
                    .map(|(kind, _)| Ok((id, *kind))),
                Err(error) => Some(Err(error)),
            }
        })
        .collect()
}
