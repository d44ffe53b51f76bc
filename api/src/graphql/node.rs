//! Anything with an id: one statement finds what the ids are, then one per type loads them.

use async_graphql::{Context, ID, Interface};
use service::node::Kind;
use uuid::Uuid;

use super::analysis_frame::AnalysisFrame;
use super::analysis_result::Analysis;
use super::api_key::ApiKey;
use super::automation_opportunity::AutomationOpportunity;
use super::context::Read;
use super::cost_analysis::CostAnalysis;
use super::error::Result;
use super::generated_report::Report;
use super::invitation::Invitation;
use super::loader::KindOf;
use super::organization::Organization;
use super::page::find;
use super::recording_session::RecordingSession;
use super::user_profile::Member;
use super::video_chunk::VideoChunk;
use super::workflow_insight::WorkflowInsight;
use super::workflow_visualization::WorkflowVisualization;

/// Anything that has an id of its own and can be had by it.
#[derive(Interface)]
#[graphql(field(name = "id", ty = "Result<ID>", desc = "The id, unique among all objects."))]
pub enum Node {
    /// An organization.
    Organization(Organization),
    /// A member.
    Member(Member),
    /// An invitation.
    Invitation(Invitation),
    /// A partner's key.
    ApiKey(ApiKey),
    /// A recording session.
    RecordingSession(RecordingSession),
    /// A chunk of a recording.
    VideoChunk(VideoChunk),
    /// An analysis.
    Analysis(Analysis),
    /// A frame.
    AnalysisFrame(AnalysisFrame),
    /// An automation opportunity.
    AutomationOpportunity(AutomationOpportunity),
    /// A cost analysis.
    CostAnalysis(CostAnalysis),
    /// A diagram.
    WorkflowVisualization(WorkflowVisualization),
    /// A workflow insight.
    WorkflowInsight(WorkflowInsight),
    /// A report.
    Report(Report),
}

/// The object with this id, if there is one that the caller may see.
///
/// # Errors
/// Those of the load.
pub async fn node(ctx: &Context<'_>, read: &Read, id: Uuid) -> Result<Option<Node>> {
    let Some(kind) = read.get(KindOf(id)).await? else {
        return Ok(None);
    };
    Ok(match kind {
        Kind::Organization => find(ctx, read, id).await?.map(Node::Organization),
        Kind::Member => find(ctx, read, id).await?.map(Node::Member),
        Kind::Invitation => find(ctx, read, id).await?.map(Node::Invitation),
        Kind::ApiKey => find(ctx, read, id).await?.map(Node::ApiKey),
        Kind::Session => find(ctx, read, id).await?.map(Node::RecordingSession),
        Kind::Chunk => find(ctx, read, id).await?.map(Node::VideoChunk),
        Kind::Analysis => find(ctx, read, id).await?.map(Node::Analysis),
        Kind::Frame => find(ctx, read, id).await?.map(Node::AnalysisFrame),
        Kind::Opportunity => find(ctx, read, id).await?.map(Node::AutomationOpportunity),
        Kind::CostAnalysis => find(ctx, read, id).await?.map(Node::CostAnalysis),
        Kind::Visualization => find(ctx, read, id).await?.map(Node::WorkflowVisualization),
        Kind::Insight => find(ctx, read, id).await?.map(Node::WorkflowInsight),
        Kind::Report => find(ctx, read, id).await?.map(Node::Report),
    })
}
