//! What an export contains, as one ZIP that is written while it is read: a JSON file for each table, and the media.
//!
//! Each page of rows is read in a short snapshot under the policies and column grants of whoever asked for the export: it shows nobody
//! more than the API does. No snapshot is open while media are read or the storage is waited for.

use bytes::Bytes;
use chrono::{DateTime, Utc};
use futures::{Stream, TryStreamExt as _};
use sea_orm::FromQueryResult;
use uuid::Uuid;

use super::Subject;
use super::zip::Archive;
use crate::db::{Reader, Scope};
use crate::error::{Error, Result};
use crate::storage::Storage;

/// Rows that are read at once.
const PAGE: i64 = 500;

/// A table, and which of its rows are about a person (`$1`); none where a person's export leaves it out.
struct Source {
    table: &'static str,
    about: Option<&'static str>,
}

const OF_SESSIONS: Option<&str> = Some("t.session_id in (select private.sessions_of($1))");

const SOURCES: [Source; 21] = [
    source("organizations", Some("true")),
    source("recording_notices", Some("true")),
    source("user_profiles", Some("t.id = $1")),
    source("invitations", None),
    source("api_keys", None),
    source("recording_sessions", Some("t.id in (select private.sessions_of($1))")),
    source("video_chunks", OF_SESSIONS),
    source("analysis_results", OF_SESSIONS),
    source("analysis_attempts", OF_SESSIONS),
    source("analysis_frames", OF_SESSIONS),
    source("disclosures", OF_SESSIONS),
    source("model_requests", None),
    source("automation_opportunities", OF_SESSIONS),
    source("workflow_insights", OF_SESSIONS),
    source("workflow_visualizations", OF_SESSIONS),
    source("cost_analyses", OF_SESSIONS),
    source("generated_reports", OF_SESSIONS),
    source("report_links", None),
    source("data_exports", Some("t.requested_by = $1")),
    source("erasure_receipts", Some("t.requested_by = $1")),
    source(
        "audit_log",
        Some("(t.actor_user_id = $1 or t.subject_id = $1 or t.subject_id in (select private.sessions_of($1)))"),
    ),
];

const fn source(table: &'static str, about: Option<&'static str>) -> Source {
    Source { table, about }
}

#[derive(FromQueryResult)]
struct Line {
    id: Uuid,
    line: String,
}

/// One page of a table as JSON, behind a row.
async fn page(scope: &Scope, source: &Source, subject: Subject, behind: Uuid) -> Result<Vec<Line>> {
    #[derive(FromQueryResult)]
    struct Columns {
        columns: Option<String>,
    }
    let condition = match (subject, source.about) {
        (Subject::Person(_), Some(about)) => about,
        (Subject::Person(_), None) => return Ok(Vec::new()),
        // Row security names the organization; the parameter is used all the same.
        (Subject::Organization(_), _) => "$1::uuid is not null",
    };
    let table = source.table;
    // What the caller's role may not read of a row is no part of its export either. Two columns come by functions of their own.
    let columns: Option<Columns> = scope
        .row(
            "select string_agg('t.' || quote_ident(attname), ', ' order by attnum) as columns from pg_attribute
              where attrelid = $1::text::regclass and attnum > 0 and not attisdropped and has_column_privilege(attrelid, attnum, 'select')",
            [format!("public.{table}").into()],
        )
        .await?;
    let columns = columns.and_then(|row| row.columns).unwrap_or_else(|| "t.id".to_owned());
    let extra = match table {
        "recording_sessions" => ", (select p.user_id from private.session_people(array[t.id]) p) as user_id",
        "analysis_results" => {
            ", (select r.raw_gpt_response from private.raw_replies(array[t.id]) r) as raw_gpt_response"
        }
        _ => "",
    };
    scope
        .rows(
            &format!(
                "select r.id, to_jsonb(r)::text as line from (select {columns}{extra} from public.{table} t where t.id > $2 and {condition} and $1::uuid is not null order by t.id limit {PAGE}) r order by r.id"
            ),
            [subject.uuid().into(), behind.into()],
        )
        .await
}

/// A file of the archive, made of these objects one behind the other.
struct Medium {
    name: String,
    keys: Vec<String>,
}

/// The media of a page of sessions behind one, and the last of these sessions.
async fn media(scope: &Scope, subject: Subject, behind: Uuid) -> Result<Option<(Uuid, Vec<Medium>)>> {
    #[derive(FromQueryResult)]
    struct Session {
        id: Uuid,
        video: bool,
    }
    #[derive(FromQueryResult)]
    struct Object {
        key: String,
        name: String,
    }
    #[derive(FromQueryResult)]
    struct Piece {
        key: String,
        content_type: Option<String>,
    }
    // Raw video is not redacted: where redaction was asked for, only its own person gets it.
    let own = matches!(subject, Subject::Person(user) if scope.caller()?.user() == Some(user));
    let sessions: Vec<Session> = scope
        .rows(
            "select s.id, ($3 or not coalesce((s.privacy_settings ->> 'redact_personal_data')::boolean, true)) as video from public.recording_sessions s
              where s.id > $1 and ($2::uuid is null or s.id in (select private.sessions_of($2))) order by s.id limit 20",
            [behind.into(), subject.person().into(), own.into()],
        )
        .await?;
    let Some(last) = sessions.last().map(|session| session.id) else {
        return Ok(None);
    };
    let mut found = Vec::new();
    for session in &sessions {
        let id = session.id;
        if session.video {
            let pieces: Vec<Piece> = scope
                .rows(
                    "select c.file_path as key, c.content_type from public.video_chunks c join public.recording_sessions s on s.id = c.session_id
                      where c.session_id = $1 and c.upload_status = 'completed' and c.file_path is not null and (s.chunk_count is null or c.chunk_index < s.chunk_count) order by c.chunk_index",
                    [id.into()],
                )
                .await?;
            let kind = pieces.first().and_then(|piece| piece.content_type.as_deref());
            let extension = if kind.is_some_and(|kind| kind.contains("mp4")) {
                "mp4"
            } else {
                "webm"
            };
            found.push(Medium {
                name: format!("recordings/{id}/recording.{extension}"),
                keys: pieces.into_iter().map(|piece| piece.key).collect(),
            });
        }
        let objects: Vec<Object> = scope
            .rows(
                "select f.file_path as key, format('recordings/%s/analyses/%s/frames/%s.jpg', f.session_id, f.analysis_id, f.frame_index) as name from public.analysis_frames f where f.session_id = $1
                 union all
                 select r.file_url, format('recordings/%s/reports/%s', r.session_id, substring(r.file_url from '[^/]*$')) from public.generated_reports r where r.session_id = $1 and r.file_url is not null",
                [id.into()],
            )
            .await?;
        found.extend(objects.into_iter().map(|object| Medium {
            name: object.name,
            keys: vec![object.key],
        }));
    }
    Ok(Some((last, found)))
}

/// How many bytes of media the archive will hold at most: what its progress is measured by.
pub async fn media_bytes(scope: &Scope, subject: Subject) -> Result<u64> {
    #[derive(FromQueryResult)]
    struct Sum {
        bytes: i64,
    }
    let row: Option<Sum> = scope
        .row(
            "with s as (select s.id from public.recording_sessions s where $1::uuid is null or s.id in (select private.sessions_of($1)))
             select ((select coalesce(sum(c.file_size_bytes), 0) from public.video_chunks c where c.session_id in (select id from s) and c.upload_status = 'completed')
                   + (select coalesce(sum(f.file_size_bytes), 0) from public.analysis_frames f where f.session_id in (select id from s))
                   + (select coalesce(sum(r.file_size_bytes), 0) from public.generated_reports r where r.session_id in (select id from s)))::bigint as bytes",
            [subject.person().into()],
        )
        .await?;
    Ok(row.map_or(0, |row| row.bytes.unsigned_abs()))
}

/// The archive, as it comes. `reader` opens a snapshot of whoever asked for it.
pub fn archive(
    reader: impl Fn() -> Reader + Send + 'static,
    storage: Storage,
    subject: Subject,
    now: DateTime<Utc>,
) -> impl Stream<Item = Result<Bytes>> + Send + 'static {
    async_stream::try_stream! {
        let mut archive = Archive::new(now);
        for source in &SOURCES {
            if matches!(subject, Subject::Person(_)) && source.about.is_none() {
                continue;
            }
            yield archive.begin(format!("{}.json", source.table));
            let (mut behind, mut separator) = (Uuid::nil(), "[\n");
            loop {
                let lines = reader().load(async |scope| page(scope, source, subject, behind).await).await?;
                let Some(last) = lines.last() else { break };
                behind = last.id;
                let mut text = String::new();
                for line in &lines {
                    text.push_str(separator);
                    text.push_str(&line.line);
                    separator = ",\n";
                }
                yield archive.data(text.into());
            }
            yield archive.data(Bytes::from_static(if separator == "[\n" { b"[]\n" } else { b"\n]\n" }));
            yield archive.end();
        }
        let mut behind = Uuid::nil();
        while let Some((last, found)) = reader().load(async |scope| media(scope, subject, behind).await).await? {
            behind = last;
            for medium in found {
                let mut begun = false;
                for key in &medium.keys {
                    let stream = match storage.get(key).await {
                        Ok((_, stream)) => stream,
                        // Deleted since its row was read. A recording that loses its middle is none: the export fails.
                        Err(Error::NotFound { .. }) if !begun => break,
                        Err(error) => Err(error)?,
                    };
                    if !begun {
                        yield archive.begin(medium.name.clone());
                        begun = true;
                    }
                    let mut stream = std::pin::pin!(stream);
                    while let Some(piece) = stream.try_next().await? {
                        yield archive.data(piece);
                    }
                }
                if begun {
                    yield archive.end();
                }
            }
        }
        yield archive.finish();
    }
}
