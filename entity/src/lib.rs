//! The rows: one file per table, column for column what the migrations made (a test compares them with the catalogue).
//!
//! Relations are not declared here: what belongs together is loaded in batches by `service`, inside a tenant's scope.

pub mod analysis_attempt;
pub mod analysis_frame;
pub mod analysis_result;
pub mod api_key;
pub mod audit_entry;
pub mod automation_opportunity;
pub mod cost_analysis;
pub mod cost_recalculation;
pub mod data_export;
pub mod disclosure;
pub mod erasure_receipt;
pub mod generated_report;
pub mod idempotency_key;
pub mod invitation;
pub mod model_request;
pub mod object_deletion;
pub mod organization;
pub mod organization_event;
pub mod recording_notice;
pub mod recording_session;
pub mod report_link;
pub mod user_profile;
pub mod video_chunk;
pub mod workflow_insight;
pub mod workflow_visualization;
