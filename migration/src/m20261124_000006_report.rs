//! Reports and the links that share them.

use crate::support::{step, tenant_tables};

step!(up: [UP, &tenant_tables(&[("generated_reports", true), ("report_links", false)])], down: DOWN);

const UP: &str = r"
create table public.generated_reports (
  id uuid primary key default gen_random_uuid(),
  analysis_id uuid not null,
  session_id uuid not null,
  organization_id uuid not null,
  report_type text not null constraint generated_reports_type check (report_type in ('pdf', 'excel', 'shareable_link', 'json_export')),
  status text not null default 'queued' constraint generated_reports_status check (status in ('queued', 'generating', 'ready', 'failed')),
  progress double precision not null default 0 constraint generated_reports_progress check (private.is_share(progress)),
  error_message text,
  locale text not null default 'en' constraint generated_reports_locale check (locale in ('en', 'nl', 'fr', 'de')),
  -- The object's key in storage, never an address: an address is signed for each download.
  file_url text,
  file_size_bytes bigint constraint generated_reports_size check (file_size_bytes >= 0),
  -- SHA-256 of the first link's token, in hexadecimal; every link has its own row in report_links.
  access_token text,
  expires_at timestamptz,
  is_public boolean not null default false,
  download_count integer not null default 0 constraint generated_reports_downloads check (download_count >= 0),
  attempt integer not null default 0,
  lease_token uuid,
  lease_expires_at timestamptz,
  requested_by uuid,
  created_at timestamptz not null default now(),
  updated_at timestamptz not null default now(),
  unique (organization_id, id),
  foreign key (organization_id, session_id, analysis_id) references public.analysis_results (organization_id, session_id, id) on delete cascade,
  foreign key (organization_id, requested_by) references public.user_profiles (organization_id, id) on delete set null (requested_by)
);
create index generated_reports_analysis on public.generated_reports (organization_id, analysis_id, created_at desc, id desc);
create index generated_reports_session on public.generated_reports (organization_id, session_id, analysis_id);
create index generated_reports_created on public.generated_reports (organization_id, created_at desc, id desc);
create index generated_reports_requested_by on public.generated_reports (organization_id, requested_by);

create table public.report_links (
  id uuid primary key default gen_random_uuid(),
  organization_id uuid not null,
  report_id uuid not null,
  token_sha256 text not null unique,
  include_frames boolean not null default false,
  created_by uuid,
  expires_at timestamptz not null,
  revoked_at timestamptz,
  download_count integer not null default 0,
  created_at timestamptz not null default now(),
  unique (organization_id, id),
  foreign key (organization_id, report_id) references public.generated_reports (organization_id, id) on delete cascade,
  foreign key (organization_id, created_by) references public.user_profiles (organization_id, id) on delete set null (created_by)
);
create index report_links_report on public.report_links (organization_id, report_id, created_at);
create index report_links_created_by on public.report_links (organization_id, created_by);
";

const DOWN: &str = "drop table public.report_links, public.generated_reports;";
