//! What is asked about a session while it is uploaded, and the shape of the answers.

use serde::Deserialize;

pub const START: &str = "\
mutation StartUpload($input: StartRecordingSessionInput!) { startRecordingSession(input: $input) { session { id } } }";

pub const SO_FAR: &str = "\
query UploadedSoFar($id: ID!, $after: String) {
  recordingSession(id: $id) {
    status truncated
    chunks(first: 100, after: $after) { nodes { chunkIndex sha256 uploadStatus } pageInfo { hasNextPage endCursor } }
  }
}";

pub const ARRIVING: &str = "\
subscription Arriving($id: ID!) { uploadProgress(sessionId: $id) { chunksCompleted } }";

pub const FINISH: &str = "\
mutation FinishUpload($input: FinishRecordingSessionInput!) {
  finishRecordingSession(input: $input) { session { id } analysis { id } }
}";

#[derive(Deserialize)]
pub struct Identified {
    pub id: String,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Started {
    pub start_recording_session: OfSession,
}

#[derive(Deserialize)]
pub struct OfSession {
    pub session: Identified,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct SoFar {
    pub recording_session: Option<Session>,
}

#[derive(Deserialize)]
pub struct Session {
    pub status: String,
    pub truncated: bool,
    pub chunks: Chunks,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Chunks {
    pub nodes: Vec<Chunk>,
    pub page_info: PageInfo,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Chunk {
    #[serde(rename = "chunkIndex")]
    pub index: u32,
    pub sha256: Option<String>,
    pub upload_status: String,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct PageInfo {
    pub has_next_page: bool,
    pub end_cursor: Option<String>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Arriving {
    pub upload_progress: Arrived,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Arrived {
    pub chunks_completed: u64,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Finished {
    pub finish_recording_session: OfFinished,
}

#[derive(Deserialize)]
pub struct OfFinished {
    pub session: Identified,
    pub analysis: Option<Identified>,
}
