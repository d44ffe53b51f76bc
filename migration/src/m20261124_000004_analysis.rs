//! Analyses, their attempts, frames, disclosures and the ledger of model requests.

use crate::support::{step, tenant_tables};

step!(up: [UP, &tenant_tables(&[("analysis_results", true), ("analysis_attempts", false), ("analysis_frames", false), ("disclosures", false), ("model_requests", true)])], down: DOWN);

const UP: &str = r"
-- The long lists of values are in functions: a check is read anew by every statement that writes, and costs by its length.
create function private.is_analysis_stage(value text) returns boolean language plpgsql immutable set search_path = '' as $$
begin
  return value in ('waiting', 'assembling', 'extracting_frames', 'redacting', 'asking_model', 'interpreting', 'computing_costs', 'storing', 'done');
end $$;
create function private.is_analysis_error_code(value text) returns boolean language plpgsql immutable set search_path = '' as $$
begin
  return value in ('cancelled', 'not_a_video', 'video_unreadable', 'video_too_long', 'video_gone', 'decoder_crashed', 'worker_crashed', 'ocr_missing', 'remote_not_allowed', 'model_unauthorized',
    'model_quota', 'model_refused', 'model_cut_off', 'model_unreadable', 'model_unavailable', 'model_price_unknown', 'budget_exceeded', 'storage_unavailable', 'attempts_exhausted', 'internal');
end $$;

create table public.analysis_results (
  id uuid primary key default gen_random_uuid(),
  session_id uuid not null,
  organization_id uuid not null,
  status text not null default 'queued' constraint analysis_results_status check (status in ('queued', 'processing', 'completed', 'failed')),
  stage text not null default 'waiting' constraint analysis_results_stage check (private.is_analysis_stage(stage)),
  progress double precision not null default 0 constraint analysis_results_progress check (private.is_share(progress)),
  frames_done integer not null default 0 constraint analysis_results_frames_done check (frames_done >= 0),
  frames_total integer constraint analysis_results_frames_total check (frames_total >= 0),
  progress_message text,
  -- The newest completed one of its session: what every sum counts.
  is_current boolean not null default false,
  analyser text not null default 'local' constraint analysis_results_analyser check (analyser in ('local', 'remote')),
  preset text not null default 'standard' constraint analysis_results_preset check (preset in ('quick', 'standard', 'detailed', 'forensic', 'custom')),
  frames_per_second double precision not null default 1 constraint analysis_results_fps check (frames_per_second between 0.1 and 3),
  max_frames integer not null default 120 constraint analysis_results_max_frames check (max_frames between 20 and 300),
  scene_threshold double precision not null default 0.2 constraint analysis_results_threshold check (scene_threshold between 0.1 and 0.5),
  error_code text constraint analysis_results_error_code check (private.is_analysis_error_code(error_code)),
  error_message text,
  gpt_version text,
  prompt_version text,
  frames_analyzed integer not null default 0 constraint analysis_results_frames_analyzed check (frames_analyzed >= 0),
  coverage double precision constraint analysis_results_coverage check (private.is_share(coverage)),
  raw_gpt_response jsonb,
  structured_insights jsonb,
  confidence_score double precision constraint analysis_results_confidence check (private.is_share(confidence_score)),
  -- USD.
  analysis_cost numeric(12,6) constraint analysis_results_cost check (analysis_cost >= 0),
  prompt_tokens bigint,
  completion_tokens bigint,
  processing_time_seconds double precision constraint analysis_results_processing_time check (processing_time_seconds >= 0),
  automation_opportunities_count integer not null default 0 constraint analysis_results_count check (automation_opportunities_count >= 0),
  time_savings_hours_weekly numeric(12,2),
  cost_savings_annual numeric(14,2),
  currency text constraint analysis_results_currency check (currency ~ '^[A-Z]{3}$'),
  -- The fence: only the attempt that holds this token, before it expires, may write through the job role.
  attempt integer not null default 0 constraint analysis_results_attempt check (attempt >= 0),
  lease_token uuid,
  lease_expires_at timestamptz,
  cancel_requested_at timestamptz,
  requested_by uuid,
  queued_at timestamptz not null default now(),
  processing_started_at timestamptz,
  processing_completed_at timestamptz,
  created_at timestamptz not null default now(),
  updated_at timestamptz not null default now(),
  unique (organization_id, id),
  unique (organization_id, session_id, id),
  foreign key (organization_id, session_id) references public.recording_sessions (organization_id, id) on delete cascade,
  foreign key (organization_id, requested_by) references public.user_profiles (organization_id, id) on delete set null (requested_by),
  constraint analysis_results_failed_has_code check ((status = 'failed') = (error_code is not null)),
  constraint analysis_results_current_is_completed check (not is_current or status = 'completed'),
  constraint analysis_results_savings_have_currency check (cost_savings_annual is null or currency is not null)
);
-- Whoever knows the id says `status is not distinct from`: with an equation, a plan that was made while little was active would go on reading
-- these two whole when much is.
create unique index analysis_results_one_active on public.analysis_results (session_id) where status in ('queued', 'processing');
create unique index analysis_results_one_current on public.analysis_results (session_id) where is_current;
create index idx_analysis_results_org_status on public.analysis_results (organization_id, status);
create index analysis_results_session on public.analysis_results (organization_id, session_id, created_at desc, id desc);
create index analysis_results_created on public.analysis_results (organization_id, created_at desc, id desc);
create index analysis_results_updated on public.analysis_results (organization_id, updated_at desc, id desc);
create index analysis_results_requested_by on public.analysis_results (organization_id, requested_by);
create index analysis_results_active on public.analysis_results (lease_expires_at) where status in ('queued', 'processing');
create index analysis_results_first_category on public.analysis_results (organization_id, (structured_insights #>> '{workflows,0,category}')) where is_current;
create index analysis_results_workflows on public.analysis_results using gin ((structured_insights -> 'workflows') jsonb_path_ops);

create table public.analysis_attempts (
  id uuid primary key default gen_random_uuid(),
  organization_id uuid not null,
  session_id uuid not null,
  analysis_id uuid not null,
  number integer not null constraint analysis_attempts_number check (number >= 1),
  worker text not null,
  started_at timestamptz not null default now(),
  ended_at timestamptz,
  error_code text constraint analysis_attempts_error_code check (private.is_analysis_error_code(error_code)),
  message text,
  cost_usd numeric(12,6),
  created_at timestamptz not null default now(),
  unique (analysis_id, number),
  unique (organization_id, id),
  foreign key (organization_id, session_id, analysis_id) references public.analysis_results (organization_id, session_id, id) on delete cascade
);
create index analysis_attempts_analysis on public.analysis_attempts (organization_id, analysis_id, number);
create index analysis_attempts_session on public.analysis_attempts (organization_id, session_id, analysis_id);

create table public.analysis_frames (
  id uuid primary key default gen_random_uuid(),
  organization_id uuid not null,
  session_id uuid not null,
  analysis_id uuid not null,
  frame_index integer not null constraint analysis_frames_index check (frame_index >= 0),
  timestamp_seconds double precision not null,
  start_seconds double precision not null,
  end_seconds double precision not null,
  screen integer not null,
  width_pixels integer not null,
  height_pixels integer not null,
  file_path text not null,
  file_size_bytes bigint not null constraint analysis_frames_size check (file_size_bytes >= 0),
  redacted boolean not null,
  created_at timestamptz not null default now(),
  unique (analysis_id, frame_index),
  unique (organization_id, id),
  constraint analysis_frames_span check (start_seconds <= end_seconds),
  foreign key (organization_id, session_id, analysis_id) references public.analysis_results (organization_id, session_id, id) on delete cascade
);
create index analysis_frames_analysis on public.analysis_frames (organization_id, analysis_id, frame_index);
create index analysis_frames_session on public.analysis_frames (organization_id, session_id, analysis_id);

-- What left the house: one line per request that was sent.
create table public.disclosures (
  id uuid primary key default gen_random_uuid(),
  organization_id uuid not null,
  session_id uuid not null,
  analysis_id uuid not null,
  endpoint text not null,
  model text not null,
  frames integer not null constraint disclosures_frames check (frames >= 0),
  bytes bigint not null constraint disclosures_bytes check (bytes >= 0),
  at timestamptz not null default now(),
  created_at timestamptz not null default now(),
  unique (organization_id, id),
  foreign key (organization_id, session_id, analysis_id) references public.analysis_results (organization_id, session_id, id) on delete cascade
);
create index disclosures_analysis on public.disclosures (organization_id, analysis_id, at);
create index disclosures_session on public.disclosures (organization_id, session_id, analysis_id);

-- The ledger: a line is committed before a request is sent, its reply stored verbatim before it is read, so that a reply
-- is never paid for twice. `uncertain` means: was in flight when its worker died.
create table public.model_requests (
  id uuid primary key default gen_random_uuid(),
  organization_id uuid not null,
  session_id uuid not null,
  analysis_id uuid not null,
  request_key text not null,
  model text not null,
  state text not null constraint model_requests_state check (state in ('reserved', 'stored', 'failed', 'uncertain')),
  estimate_usd numeric(12,6) not null constraint model_requests_estimate check (estimate_usd >= 0),
  cost_usd numeric(12,6) constraint model_requests_cost check (cost_usd >= 0),
  prompt_tokens bigint,
  completion_tokens bigint,
  -- Text, not jsonb: byte for byte what came back.
  reply text,
  error_message text,
  settled_at timestamptz,
  created_at timestamptz not null default now(),
  updated_at timestamptz not null default now(),
  unique (organization_id, id),
  foreign key (organization_id, session_id, analysis_id) references public.analysis_results (organization_id, session_id, id) on delete cascade
);
-- One request in flight or answered for a key; those that failed, or of which nobody knows, stay beside it.
create unique index model_requests_one_open on public.model_requests (analysis_id, request_key) where state in ('reserved', 'stored');
create index model_requests_month on public.model_requests (organization_id, created_at);
create index model_requests_analysis on public.model_requests (organization_id, analysis_id, session_id);
";

const DOWN: &str = "drop table public.model_requests, public.disclosures, public.analysis_frames, public.analysis_attempts, public.analysis_results;
drop function private.is_analysis_error_code(text), private.is_analysis_stage(text);";
