//! Fetching evidence by signed address: the pictures of frames, recordings with range requests, and exports. What the address's actor may
//! no longer see is gone, however long the address would still be good.

use axum::body::Body;
use axum::extract::{Path, Query, State};
use axum::http::{HeaderMap, HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use domain::id::{ApiKeyId, ExportId, FrameId, SessionId, UserId};
use futures::{StreamExt as _, TryStreamExt as _};
use serde::Deserialize;
use service::caller::{Actor, Caller};
use service::signing::Subject;
use service::{analysis_frame, data_export, video_chunk};
use uuid::Uuid;

use super::upload::{fault, refuse};
use crate::graphql::Api;

/// What an address says beside the thing.
#[derive(Debug, Deserialize)]
pub struct Signed {
    actor: Uuid,
    expires: i64,
    signature: String,
}

impl Signed {
    /// Whose eyes the address lends, if it is genuine: a person's, or a key's.
    async fn caller(&self, api: &Api, subject: Subject, id: Uuid) -> Result<Caller, Response> {
        if !api
            .signer
            .verify(subject, id, self.actor, self.expires, &self.signature, api.clock.now())
        {
            return Err(refuse(
                StatusCode::FORBIDDEN,
                "the address is not genuine or has ended: ask for another",
            ));
        }
        let person = api
            .db
            .system()
            .sign_in(UserId::new(self.actor), None)
            .await
            .map_err(|error| fault(&error))?;
        if person.membership.is_some() {
            return Ok(person);
        }
        // The database knows whether there is such a key, and whether it was revoked.
        Ok(Caller {
            actor: Actor::Key(ApiKeyId::new(self.actor)),
            email: None,
            membership: None,
            read_only: true,
        })
    }
}

/// `GET /files/frames/{frame}?actor=…&expires=…&signature=…`: the JPEG.
pub async fn frame(State(api): State<Api>, Path(frame): Path<Uuid>, Query(signed): Query<Signed>) -> Response {
    let caller = match signed.caller(&api, Subject::Frame, frame).await {
        Ok(caller) => caller,
        Err(refusal) => return refusal,
    };
    let found = api
        .db
        .reader(caller)
        .load(async |scope| analysis_frame::file_path(scope, FrameId::new(frame)).await)
        .await;
    let key = match found {
        Ok(Some(key)) => key,
        Ok(None) => return refuse(StatusCode::NOT_FOUND, "no such frame"),
        Err(error) => return fault(&error),
    };
    match api.storage.get(&key).await {
        Ok((size, bytes)) => (
            [
                (header::CONTENT_TYPE, HeaderValue::from_static("image/jpeg")),
                (header::CONTENT_LENGTH, HeaderValue::from(size)),
                (header::CACHE_CONTROL, HeaderValue::from_static("private, max-age=3600")),
            ],
            Body::from_stream(bytes),
        )
            .into_response(),
        Err(error) => fault(&error),
    }
}

/// `GET /files/playback/{session}?actor=…&expires=…&signature=…`: the recording, byte for byte, with range requests.
pub async fn playback(
    State(api): State<Api>,
    Path(session): Path<Uuid>,
    Query(signed): Query<Signed>,
    headers: HeaderMap,
) -> Response {
    let caller = match signed.caller(&api, Subject::Playback, session).await {
        Ok(caller) => caller,
        Err(refusal) => return refusal,
    };
    let found = api
        .db
        .reader(caller)
        .load(async |scope| video_chunk::stored(scope, SessionId::new(session)).await)
        .await;
    let chunks = match found {
        Ok(chunks) if !chunks.is_empty() => chunks,
        Ok(_) => return refuse(StatusCode::NOT_FOUND, "no such recording"),
        Err(error) => return fault(&error),
    };
    let kind = chunks[0].content_type.clone().filter(|kind| kind.starts_with("video/"));
    let kind = kind.and_then(|kind| HeaderValue::from_str(&kind).ok());
    ranged(
        &api,
        &chunks,
        kind.unwrap_or(HeaderValue::from_static("video/webm")),
        &headers,
    )
}

/// `GET /files/exports/{export}?actor=…&expires=…&signature=…`: the archive of an export, with range requests, so that a fetch that
/// breaks off can go on. Whoever may not have it any more, or has left, finds none.
pub async fn export(
    State(api): State<Api>,
    Path(export): Path<Uuid>,
    Query(signed): Query<Signed>,
    headers: HeaderMap,
) -> Response {
    let caller = match signed.caller(&api, Subject::Export, export).await {
        Ok(caller) => caller,
        Err(refusal) => return refusal,
    };
    let now = api.clock.now();
    let found = api
        .db
        .reader(caller)
        .load(async |scope| data_export::file(scope, ExportId::new(export), now).await)
        .await;
    let (key, bytes) = match found {
        Ok(Some(file)) => file,
        Ok(None) => return refuse(StatusCode::NOT_FOUND, "no such export"),
        Err(error) => return fault(&error),
    };
    let archive = video_chunk::StoredChunk {
        key,
        bytes,
        content_type: None,
    };
    let mut response = ranged(&api, &[archive], HeaderValue::from_static("application/zip"), &headers);
    response.headers_mut().insert(
        header::CONTENT_DISPOSITION,
        HeaderValue::from_static("attachment; filename=\"newsystem-export.zip\""),
    );
    response
}

/// Objects one behind the other, or the range of them that is asked for.
fn ranged(api: &Api, objects: &[video_chunk::StoredChunk], kind: HeaderValue, headers: &HeaderMap) -> Response {
    let total: u64 = objects.iter().map(|object| object.bytes).sum();
    let Some(range) = range(headers, total) else {
        return (
            [(header::CONTENT_RANGE, format!("bytes */{total}"))],
            StatusCode::RANGE_NOT_SATISFIABLE,
        )
            .into_response();
    };
    let storage = api.storage.clone();
    let body = futures::stream::iter(within(objects, range.start, range.end))
        .then(move |(key, part)| {
            let storage = storage.clone();
            async move { storage.stream_range(&key, part).await }
        })
        .try_flatten()
        .inspect_err(crate::graphql::error::log)
        .map_err(std::io::Error::other);
    let mut response = Body::from_stream(body).into_response();
    let answer = response.headers_mut();
    answer.insert(header::CONTENT_TYPE, kind);
    answer.insert(header::ACCEPT_RANGES, HeaderValue::from_static("bytes"));
    answer.insert(header::CONTENT_LENGTH, HeaderValue::from(range.end - range.start));
    if headers.contains_key(header::RANGE) {
        if let Ok(shown) = HeaderValue::from_str(&format!(
            "bytes {}-{}/{total}",
            range.start,
            range.end.saturating_sub(1)
        )) {
            answer.insert(header::CONTENT_RANGE, shown);
        }
        *response.status_mut() = StatusCode::PARTIAL_CONTENT;
    }
    response
}

/// The one range that is asked for (RFC 9110, section 14.2), or everything; none where it lies outside. Several ranges at once
/// are answered with everything, which the RFC allows.
fn range(headers: &HeaderMap, total: u64) -> Option<std::ops::Range<u64>> {
    let whole = Some(0..total);
    let Some(text) = headers.get(header::RANGE).and_then(|range| range.to_str().ok()) else {
        return whole;
    };
    let Some((start, end)) = text
        .strip_prefix("bytes=")
        .filter(|spec| !spec.contains(','))
        .and_then(|spec| spec.split_once('-'))
    else {
        return whole;
    };
    match (start.trim().parse::<u64>(), end.trim().parse::<u64>()) {
        (Ok(start), Ok(end)) if start < total && end >= start => Some(start..end.saturating_add(1).min(total)),
        (Ok(start), Err(_)) if end.trim().is_empty() && start < total => Some(start..total),
        (Err(_), Ok(last)) if start.trim().is_empty() && last > 0 => Some(total.saturating_sub(last)..total),
        _ => None,
    }
}

/// The parts of chunks that make up a range of the whole.
fn within(chunks: &[video_chunk::StoredChunk], start: u64, end: u64) -> Vec<(String, std::ops::Range<u64>)> {
    let mut parts = Vec::new();
    let mut from = 0;
    for chunk in chunks {
        let to = from + chunk.bytes;
        if from < end && to > start {
            parts.push((
                chunk.key.clone(),
                start.saturating_sub(from)..(end - from).min(chunk.bytes),
            ));
        }
        from = to;
    }
    parts
}

#[cfg(test)]
mod tests {
    use super::*;

    fn asked(text: &str) -> Option<std::ops::Range<u64>> {
        let mut headers = HeaderMap::new();
        headers.insert(header::RANGE, HeaderValue::from_str(text).unwrap());
        range(&headers, 10)
    }

    #[test]
    fn ranges_are_those_of_the_rfc() {
        assert_eq!(range(&HeaderMap::new(), 10), Some(0..10));
        for (text, expected) in [
            ("bytes=0-3", Some(0..4)),
            ("bytes=4-", Some(4..10)),
            ("bytes=-3", Some(7..10)),
            ("bytes=-30", Some(0..10)),
            ("bytes=2-99", Some(2..10)),
            ("bytes=10-", None),
            ("bytes=-0", None),
            ("bytes=5-2", None),
            ("bytes=0-1,4-5", Some(0..10)),
            ("lines=1-2", Some(0..10)),
        ] {
            assert_eq!(asked(text), expected, "{text}");
        }
    }

    #[test]
    fn a_range_is_made_of_parts_of_chunks() {
        let chunk = |key: &str, bytes| video_chunk::StoredChunk {
            key: key.to_owned(),
            bytes,
            content_type: None,
        };
        let chunks = [chunk("a", 4), chunk("b", 4), chunk("c", 2)];
        let parts = |start, end| within(&chunks, start, end);
        assert_eq!(
            parts(0, 10),
            [("a".to_owned(), 0..4), ("b".to_owned(), 0..4), ("c".to_owned(), 0..2)]
        );
        assert_eq!(parts(3, 5), [("a".to_owned(), 3..4), ("b".to_owned(), 0..1)]);
        assert_eq!(parts(8, 10), [("c".to_owned(), 0..2)]);
        assert_eq!(parts(4, 8), [("b".to_owned(), 0..4)]);
    }
}
