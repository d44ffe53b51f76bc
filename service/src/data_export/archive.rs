//! What an export contains, as one ZIP that is written while it is read: a JSON file for each table, and the media.
//!
//! Each page of rows is read in a short snapshot under the policies and column grants of whoever asked for the export: it shows nobody
//! more than the API does. No snapshot is open while media are read or the storage is waited for.

use bytes::Bytes;
use chrono::{DateTime, Utc};
use domain::role::Role;
use futures::{Stream, TryStreamExt as _};
use sea_orm::FromQueryResult;
use serde_json::json;
use uuid::Uuid;

use super::Subject;
use super::zip::Archive;
use crate::db::{Reader, Scope};
use crate::error::{Error, Result};
use crate::storage::Storage;

/// Rows that are read at once; fewer where one of them may hold a model's reply.
const PAGE: i64 = 500;
const LARGE_PAGE: i64 = 50;

/// A table, and which of its rows are about a person (`$1`); none where a person's export leaves it out.
struct Exported {
    name: &'static str,
    about: Option<&'static str>,
}

const OF_SESSIONS: Option<&str> = Some("t.session_id in (select private.sessions_of($1))");

const TABLES: [Exported; 21] = [
    exported("organizations", Some("true")),
    exported("recording_notices", Some("true")),
    exported("user_profiles", Some("t.id = $1")),
    exported("invitations", None),
    exported("api_keys", None),
    exported("recording_sessions", Some("t.id in (select private.sessions_of($1))")),
    exported("video_chunks", OF_SESSIONS),
    exported("analysis_results", OF_SESSIONS),
    exported("analysis_attempts", OF_SESSIONS),
    exported("analysis_frames", OF_SESSIONS),
    exported("disclosures", OF_SESSIONS),
    exported("model_requests", None),
    exported("automation_opportunities", OF_SESSIONS),
    exported("workflow_insights", OF_SESSIONS),
    exported("workflow_visualizations", OF_SESSIONS),
    exported("cost_analyses", OF_SESSIONS),
    exported("generated_reports", OF_SESSIONS),
    exported("report_links", None),
    exported("data_exports", Some("t.requested_by = $1")),
    exported("erasure_receipts", Some("t.requested_by = $1")),
    exported(
        "audit_log",
        Some("(t.actor_user_id = $1 or t.subject_id = $1 or t.subject_id in (select private.sessions_of($1)))"),
    ),
];

const fn exported(name: &'static str, about: Option<&'static str>) -> Exported {
    Exported { name, about }
}

#[derive(FromQueryResult)]
struct Line {
    id: Uuid,
    line: String,
}

/// One page of a table as JSON, behind a row.
async fn page(scope: &Scope, exported: &Exported, subject: Subject, behind: Uuid) -> Result<Vec<Line>> {
    #[derive(FromQueryResult)]
    struct Columns {
        columns: Option<String>,
    }
    let condition = match (subject, exported.about) {
        (Subject::Person(_), Some(about)) => about,
        (Subject::Person(_), None) => return Ok(Vec::new()),
        // Row security names the organization; the parameter is used all the same.
        (Subject::Organization(_), _) => "$1::uuid is not null",
    };
    let table = exported.name;
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
    let most = if table == "analysis_results" { LARGE_PAGE } else { PAGE };
    scope
        .rows(
            &format!(
                "select r.id, to_jsonb(r)::text as line from (select {columns}{extra} from public.{table} t where t.id > $2 and {condition} and $1::uuid is not null order by t.id limit {most}) r order by r.id"
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

/// Opens snapshots of whoever asked for the export, as long as he may have it.
pub struct Source<R> {
    /// A new snapshot.
    pub reader: R,
    /// What he was when the export was begun.
    pub role: Role,
}

impl<R: Fn() -> Reader> Source<R> {
    /// Loads something in a snapshot of its own, and asks last whether it was still his: a lease that ends in the midst of a snapshot,
    /// or a role that changes, would leave rows out without a word.
    ///
    /// # Errors
    /// Those of the load, and [`Error::Unavailable`] where it was not.
    pub async fn load<T>(&self, load: impl AsyncFnOnce(&Scope) -> Result<T>) -> Result<T> {
        #[derive(FromQueryResult)]
        struct Still {
            still: bool,
        }
        (self.reader)()
            .load(async |scope| {
                let loaded = load(scope).await?;
                let row: Option<Still> = scope
                    .row(
                        "select coalesce(private.user_id() is not null and private.member_role() = $1, false) as still",
                        [self.role.as_str().into()],
                    )
                    .await?;
                if row.is_some_and(|row| row.still) {
                    Ok(loaded)
                } else {
                    Err(Error::Unavailable {
                        what: "the right to read what is exported",
                    })
                }
            })
            .await
    }
}

/// The archive, as it comes. What the storage has not, although a row names it, is listed in `missing.json`.
pub fn archive<R>(
    source: Source<R>,
    storage: Storage,
    subject: Subject,
    now: DateTime<Utc>,
) -> impl Stream<Item = Result<Bytes>> + Send + 'static
where
    R: Fn() -> Reader + Send + Sync + 'static,
{
    async_stream::try_stream! {
        let mut archive = Archive::new(now);
        for table in &TABLES {
            if matches!(subject, Subject::Person(_)) && table.about.is_none() {
                continue;
            }
            yield archive.begin(format!("{}.json", table.name));
            let (mut behind, mut separator) = (Uuid::nil(), "[\n");
            loop {
                let lines = source.load(async |scope| page(scope, table, subject, behind).await).await?;
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
        let (mut behind, mut missing) = (Uuid::nil(), Vec::new());
        loop {
            let found = source.load(async |scope| media(scope, subject, behind).await).await?;
            let Some((last, found)) = found else { break };
            behind = last;
            for medium in found {
                let mut begun = false;
                for (place, key) in medium.keys.iter().enumerate() {
                    let stream = match storage.get(key).await {
                        Ok((_, stream)) => stream,
                        Err(Error::NotFound { .. }) => {
                            missing.push(json!({ "file": medium.name, "fromPart": place, "ofParts": medium.keys.len() }));
                            break;
                        }
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
        if !missing.is_empty() {
            yield archive.begin("missing.json".to_owned());
            yield archive.data(serde_json::Value::from(missing).to_string().into());
            yield archive.end();
        }
        yield archive.finish();
    }
}
