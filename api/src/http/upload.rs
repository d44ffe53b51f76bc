//! Putting a chunk's bytes to one of our own addresses, where the storage is a folder. The address is the permission: it is
//! signed, ends, and names the hash of what it stores. Bytes go to the storage as they come, in constant memory.

use axum::body::Body;
use axum::extract::{Path, Query, State};
use axum::http::{HeaderMap, StatusCode, header};
use axum::response::{IntoResponse, Response};
use domain::id::ChunkId;
use futures::TryStreamExt as _;
use serde::Deserialize;
use service::storage::PutError;
use service::video_chunk::upload;

use crate::graphql::Api;

/// What an address says beside the chunk.
#[derive(Debug, Deserialize)]
pub struct Signed {
    sha256: String,
    expires: i64,
    signature: String,
}

/// `PUT /files/uploads/{chunk}?sha256=…&expires=…&signature=…`: 204 once the announced bytes are stored. Again, it changes nothing.
pub async fn put(
    State(api): State<Api>,
    Path(chunk): Path<uuid::Uuid>,
    Query(signed): Query<Signed>,
    headers: HeaderMap,
    body: Body,
) -> Response {
    let chunk = ChunkId::new(chunk);
    if !api.signer.verify_upload(
        chunk,
        &signed.sha256,
        signed.expires,
        &signed.signature,
        api.clock.now(),
    ) {
        return refuse(
            StatusCode::FORBIDDEN,
            "the address is not genuine or has ended: ask for another",
        );
    }
    let expected = match upload::expected(&api.db, chunk, &signed.sha256).await {
        Ok(Some(expected)) => expected,
        Ok(None) => {
            return refuse(
                StatusCode::GONE,
                "the chunk is gone or was announced anew: ask for another address",
            );
        }
        Err(error) => return fault(&error),
    };
    if expected.completed {
        return StatusCode::NO_CONTENT.into_response();
    }
    let announced = headers
        .get(header::CONTENT_LENGTH)
        .and_then(|length| length.to_str().ok()?.parse::<u64>().ok());
    if announced.is_some_and(|length| length != expected.stored.bytes) {
        return refuse(StatusCode::BAD_REQUEST, "the length is not the announced one");
    }
    // Should the note not be made, the bytes are stored all the same.
    let _ = upload::note(&api.db, chunk, &signed.sha256, None).await;
    let bytes = body.into_data_stream().map_err(std::io::Error::other);
    match api.storage.put_expected(&expected.key, &expected.stored, bytes).await {
        Ok(()) => StatusCode::NO_CONTENT.into_response(),
        Err(error) => {
            let (status, text) = match &error {
                PutError::TooLarge { .. } => (StatusCode::PAYLOAD_TOO_LARGE, "more bytes came than were announced"),
                PutError::Mismatch { .. } => (StatusCode::UNPROCESSABLE_ENTITY, "the bytes are not the announced ones"),
                PutError::Source(_) => (StatusCode::BAD_REQUEST, "the upload broke off"),
                PutError::Full => {
                    tracing::error!(chunk.id = %chunk, "a chunk could not be stored: the storage is full");
                    (
                        StatusCode::INSUFFICIENT_STORAGE,
                        "the server's storage is full: its operator has to make room",
                    )
                }
                PutError::Storage(cause) => {
                    tracing::error!(chunk.id = %chunk, error = cause as &dyn std::error::Error, "a chunk could not be stored");
                    (
                        StatusCode::SERVICE_UNAVAILABLE,
                        "the storage is unavailable: try again later",
                    )
                }
            };
            let _ = upload::note(&api.db, chunk, &signed.sha256, Some(text)).await;
            refuse(status, text)
        }
    }
}

/// A refusal in the form of a GraphQL error document, so that clients read one form only.
pub(super) fn refuse(status: StatusCode, text: &str) -> Response {
    let code = match status {
        StatusCode::FORBIDDEN => "FORBIDDEN",
        StatusCode::NOT_FOUND | StatusCode::GONE => "NOT_FOUND",
        StatusCode::PAYLOAD_TOO_LARGE => "PAYLOAD_TOO_LARGE",
        StatusCode::SERVICE_UNAVAILABLE | StatusCode::INSUFFICIENT_STORAGE => "UNAVAILABLE",
        StatusCode::INTERNAL_SERVER_ERROR => "INTERNAL",
        _ => "BAD_USER_INPUT",
    };
    let document = serde_json::json!({ "errors": [{ "message": text, "extensions": { "code": code } }] });
    (status, axum::Json(document)).into_response()
}

pub(super) fn fault(error: &service::Error) -> Response {
    crate::graphql::error::log(error);
    match error {
        service::Error::Unavailable { .. } | service::Error::Timeout | service::Error::Storage(_) => {
            refuse(StatusCode::SERVICE_UNAVAILABLE, "unavailable now: try again later")
        }
        service::Error::NotFound { .. } => refuse(StatusCode::NOT_FOUND, "no such file"),
        _ => refuse(StatusCode::INTERNAL_SERVER_ERROR, "internal error"),
    }
}
