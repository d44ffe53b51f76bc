//! The GraphQL schema. One file per noun; each brings a part of [`Queries`], and mutations and subscriptions are merged the
//! same way.
//!
//! - [`context`]: what a resolver has at hand. [`guard`]: who may ask. [`error`]: what a client is told.
//! - [`at_once`]: objects that wait for nothing; [`ready_made`]: events that are written once for all. [`loader`]: relations in batches. [`page`]: connections, and columns by selection. [`scalar`]: values. [`root`]: fields
//!   that fail alone.
//!
//! A field that only shows a column is a plain function: a future less for each value of an answer.
#![expect(
    clippy::too_many_arguments,
    reason = "a field has the arguments that the schema gives it: four of a page, a filter, an order"
)]
#![expect(clippy::unused_async, reason = "the interface Node awaits the ids")]

pub mod at_once;
pub mod context;
pub mod error;
pub mod guard;
pub mod loader;
pub mod look;
pub mod mutation;
pub mod node;
pub mod page;
pub mod ready_made;
pub mod root;
pub mod scalar;
pub mod subscription;
pub mod written;

pub mod analysis_frame;
pub mod analysis_result;
pub mod api_key;
pub mod audit_entry;
pub mod automation_opportunity;
pub mod cost_analysis;
pub mod dashboard;
pub mod data_export;
pub mod generated_report;
pub mod insight;
pub mod invitation;
pub mod organization;
pub mod process_contribution;
pub mod recording_notice;
pub mod recording_session;
pub mod user_profile;
pub mod video_chunk;
pub mod viewer;
pub mod workflow_insight;
pub mod workflow_visualization;

use async_graphql::{MergedObject, Schema, SchemaBuilder};

pub use context::{Api, InRequest, Read, Request};

/// Everything that can be asked.
#[derive(MergedObject, Default)]
#[graphql(name = "Query")]
pub struct Queries(
    viewer::ViewerQuery,
    organization::OrganizationQuery,
    user_profile::MemberQuery,
    invitation::InvitationQuery,
    api_key::ApiKeyQuery,
    recording_notice::RecordingNoticeQuery,
    recording_session::RecordingSessionQuery,
    analysis_result::AnalysisQuery,
    automation_opportunity::OpportunityQuery,
    cost_analysis::CostAnalysisQuery,
    workflow_insight::InsightQuery,
    generated_report::ReportQuery,
    dashboard::DashboardQuery,
    audit_entry::AuditQuery,
    data_export::DataExportQuery,
);

/// [`Queries`], where one refusal never blanks the rest.
pub type Query = root::Root<Queries>;

/// Everything that can be changed; a payload that has been committed is never lost to another field's refusal.
pub type Mutation = root::Root<mutation::Mutation>;

pub use subscription::Subscription;

/// The schema, before the transport has added its extensions and limits.
pub fn schema() -> SchemaBuilder<Query, Mutation, Subscription> {
    Schema::build(Query::default(), Mutation::default(), Subscription).register_output_type::<node::Node>()
}

/// The schema as text, as `schema.graphql` has it.
pub fn sdl() -> String {
    schema().finish().sdl()
}
