//! Recording sessions and their chunks.

use crate::support::{step, tenant_tables};

step!(up: [UP, &tenant_tables(&[("recording_sessions", true), ("video_chunks", true)])], down: DOWN);

const UP: &str = r#"
create table public.recording_sessions (
  id uuid primary key default gen_random_uuid(),
  organization_id uuid not null references public.organizations (id) on delete cascade,
  -- The recorded person; null once the person left or was forgotten.
  user_id uuid,
  -- Set when a partner's key started the session.
  api_key_id uuid,
  title text not null default 'Workflow Recording' constraint recording_sessions_title_length check (char_length(title) between 1 and 300),
  description text,
  status text not null default 'recording' constraint recording_sessions_status check (status in ('recording', 'processing', 'completed', 'failed')),
  duration_seconds double precision constraint recording_sessions_duration check (duration_seconds >= 0),
  file_size_bytes bigint not null default 0 constraint recording_sessions_size check (file_size_bytes >= 0),
  workflow_type text constraint recording_sessions_workflow_type check (private.is_workflow_category(workflow_type)),
  classified_by text constraint recording_sessions_classified_by check (classified_by in ('user', 'model', 'rules')),
  privacy_settings jsonb not null default '{"redact_personal_data": true, "blur_passwords": true, "custom_exclusions": [], "allow_remote_analysis": true, "retain_video_days": null}'
    constraint recording_sessions_privacy check (jsonb_typeof(privacy_settings) = 'object'),
  metadata jsonb not null default '{}' constraint recording_sessions_metadata check (jsonb_typeof(metadata) = 'object'),
  declared_occurrences_per_day double precision constraint recording_sessions_declared check (declared_occurrences_per_day > 0),
  people_count integer not null default 1 constraint recording_sessions_people check (people_count between 1 and 100000),
  truncated boolean not null default false,
  -- SHA-256 of the whole recording, in hexadecimal: the same recording uploaded twice counts once. Set by the worker.
  content_sha256 text constraint recording_sessions_content check (content_sha256 ~ '^[0-9a-f]{64}$'),
  error_message text,
  notice_version text,
  consent_at timestamptz,
  consent_withdrawn_at timestamptz,
  -- How many chunks the recording has; known once it is finished.
  chunk_count integer constraint recording_sessions_chunk_count check (chunk_count > 0),
  last_chunk_at timestamptz,
  finished_at timestamptz,
  completed_at timestamptz,
  video_deleted_at timestamptz,
  frames_deleted_at timestamptz,
  created_at timestamptz not null default now(),
  updated_at timestamptz not null default now(),
  unique (organization_id, id),
  -- Deleting a user keeps the organization's recordings, without the name.
  foreign key (organization_id, user_id) references public.user_profiles (organization_id, id) on delete set null (user_id),
  foreign key (organization_id, api_key_id) references public.api_keys (organization_id, id) on delete set null (api_key_id)
);
create index idx_recording_sessions_org_user on public.recording_sessions (organization_id, user_id);
create index recording_sessions_api_key on public.recording_sessions (organization_id, api_key_id);
create index recording_sessions_created on public.recording_sessions (organization_id, created_at desc, id desc);
create index recording_sessions_updated on public.recording_sessions (organization_id, updated_at desc, id desc);
create index recording_sessions_workflow_type on public.recording_sessions (organization_id, workflow_type);
-- The sweeps look across organizations for what is due; both sets are small.
create index recording_sessions_open on public.recording_sessions (last_chunk_at) where status = 'recording';
create index recording_sessions_video on public.recording_sessions (finished_at) where video_deleted_at is null;

create table public.video_chunks (
  id uuid primary key default gen_random_uuid(),
  session_id uuid not null,
  organization_id uuid not null,
  chunk_index integer not null constraint video_chunks_index check (chunk_index between 0 and 99999),
  -- The object's key in storage; made of ids and numbers only.
  file_path text,
  file_size_bytes bigint not null constraint video_chunks_size check (file_size_bytes > 0),
  -- Announced by the client, in hexadecimal; compared with the stored bytes.
  sha256 text constraint video_chunks_sha256 check (sha256 ~ '^[0-9a-f]{64}$'),
  content_type text,
  upload_status text not null default 'pending' constraint video_chunks_upload_status check (upload_status in ('pending', 'uploading', 'completed', 'failed')),
  retry_count integer not null default 0 constraint video_chunks_retry_count check (retry_count >= 0),
  error_message text,
  uploaded_at timestamptz,
  created_at timestamptz not null default now(),
  updated_at timestamptz not null default now(),
  unique (session_id, chunk_index),
  unique (organization_id, id),
  foreign key (organization_id, session_id) references public.recording_sessions (organization_id, id) on delete cascade
);
create index video_chunks_session on public.video_chunks (organization_id, session_id, chunk_index);
create index video_chunks_unfinished on public.video_chunks (updated_at) where upload_status <> 'completed';
"#;

const DOWN: &str = "drop table public.video_chunks, public.recording_sessions;";
