//! Organizations, their members, invitations, keys and notices; the append-only audit log and erasure receipts.

use crate::support::{step, tenant_tables};

step!(up: [UP, &tenant_tables(&[("organizations", true), ("user_profiles", true), ("invitations", true), ("api_keys", true), ("recording_notices", true), ("audit_log", false), ("erasure_receipts", false), ("idempotency_keys", false), ("object_deletions", false)])], down: DOWN);

const UP: &str = r"
create table public.organizations (
  id uuid primary key default gen_random_uuid(),
  name text not null constraint organizations_name_length check (char_length(name) between 1 and 200),
  subscription_tier text not null default 'free' constraint organizations_subscription_tier check (subscription_tier in ('free', 'growth', 'enterprise')),
  subscription_status text not null default 'trial' constraint organizations_subscription_status check (subscription_status in ('active', 'inactive', 'trial')),
  max_users integer not null default 5 constraint organizations_max_users check (max_users >= 1),
  max_recordings_per_month integer not null default 50 constraint organizations_max_recordings check (max_recordings_per_month >= 0),
  max_storage_bytes bigint not null default 21474836480 constraint organizations_max_storage check (max_storage_bytes >= 0),
  max_recording_seconds integer not null default 7200 constraint organizations_max_duration check (max_recording_seconds > 0),
  max_parallel_analyses integer not null default 1 constraint organizations_max_parallel check (max_parallel_analyses between 1 and 64),
  currency text not null default 'EUR' constraint organizations_currency check (currency ~ '^[A-Z]{3}$'),
  locale text not null default 'en' constraint organizations_locale check (locale in ('en', 'nl', 'fr', 'de')),
  time_zone text not null default 'Europe/Amsterdam',
  remote_analysis_allowed boolean not null default false,
  model_budget_monthly_usd numeric(12,6) not null default 50 constraint organizations_monthly_budget check (model_budget_monthly_usd >= 0),
  model_budget_per_analysis_usd numeric(12,6) not null default 2 constraint organizations_analysis_budget check (model_budget_per_analysis_usd >= 0),
  retention_video_days integer not null default 28 constraint organizations_video_days check (retention_video_days between 0 and 3650),
  retention_frame_days integer not null default 365 constraint organizations_frame_days check (retention_frame_days between 0 and 3650),
  retention_raw_reply_days integer constraint organizations_raw_reply_days check (retention_raw_reply_days between 0 and 3650),
  delete_video_after_analysis boolean not null default false,
  -- Only what the organization set itself; every other assumption is the application's default with its source.
  roi_defaults jsonb not null default '{}' constraint organizations_roi_defaults check (jsonb_typeof(roi_defaults) = 'object'),
  deletion_requested_at timestamptz,
  created_at timestamptz not null default now(),
  updated_at timestamptz not null default now()
);

create table public.user_profiles (
  id uuid primary key references auth.users (id) on delete cascade,
  organization_id uuid not null references public.organizations (id) on delete cascade,
  role text not null default 'operator' constraint user_profiles_role check (role in ('owner', 'admin', 'operator')),
  email text,
  first_name text,
  last_name text,
  job_title text,
  created_at timestamptz not null default now(),
  updated_at timestamptz not null default now(),
  unique (organization_id, id)
);
create index user_profiles_created on public.user_profiles (organization_id, created_at, id);

create table public.invitations (
  id uuid primary key default gen_random_uuid(),
  organization_id uuid not null references public.organizations (id) on delete cascade,
  email text not null constraint invitations_email check (email = lower(email) and email like '%_@_%'),
  role text not null constraint invitations_role check (role in ('owner', 'admin', 'operator')),
  -- SHA-256 of the token, in hexadecimal; the token itself is shown once and never stored.
  token_sha256 text not null unique,
  invited_by uuid,
  expires_at timestamptz not null,
  accepted_at timestamptz,
  revoked_at timestamptz,
  created_at timestamptz not null default now(),
  updated_at timestamptz not null default now(),
  unique (organization_id, id),
  foreign key (organization_id, invited_by) references public.user_profiles (organization_id, id) on delete set null (invited_by)
);
create index invitations_created on public.invitations (organization_id, created_at, id);
create index invitations_invited_by on public.invitations (organization_id, invited_by);

create table public.api_keys (
  id uuid primary key default gen_random_uuid(),
  organization_id uuid not null references public.organizations (id) on delete cascade,
  name text not null constraint api_keys_name_length check (char_length(name) between 1 and 200),
  role text not null constraint api_keys_role check (role in ('owner', 'admin', 'operator')),
  read_only boolean not null default true,
  prefix text not null,
  secret_sha256 text not null unique,
  created_by uuid,
  last_used_at timestamptz,
  expires_at timestamptz,
  revoked_at timestamptz,
  created_at timestamptz not null default now(),
  updated_at timestamptz not null default now(),
  unique (organization_id, id),
  foreign key (organization_id, created_by) references public.user_profiles (organization_id, id) on delete set null (created_by)
);
create index api_keys_created on public.api_keys (organization_id, created_at, id);
create index api_keys_created_by on public.api_keys (organization_id, created_by);

create table public.recording_notices (
  id uuid primary key default gen_random_uuid(),
  organization_id uuid not null references public.organizations (id) on delete cascade,
  version text not null,
  locale text not null constraint recording_notices_locale check (locale in ('en', 'nl', 'fr', 'de')),
  text text not null constraint recording_notices_text check (char_length(text) between 1 and 20000),
  created_by uuid,
  created_at timestamptz not null default now(),
  updated_at timestamptz not null default now(),
  unique (organization_id, version, locale),
  foreign key (organization_id, created_by) references public.user_profiles (organization_id, id) on delete set null (created_by)
);
create index recording_notices_created_by on public.recording_notices (organization_id, created_by);

-- What was done, by whom, to which row, which columns: never contents. Outlives the organization, so no foreign key.
create table public.audit_log (
  id uuid primary key default gen_random_uuid(),
  organization_id uuid not null,
  at timestamptz not null default now(),
  actor_user_id uuid,
  actor_api_key_id uuid,
  -- Where neither a person nor a key acted: 'worker', 'sweep', 'operator'.
  actor_system text,
  action text not null,
  subject_type text not null,
  subject_id uuid,
  request_id text,
  reason text,
  changed_fields text[] not null default '{}'
);
create index audit_log_at on public.audit_log (organization_id, at desc, id desc);
create index audit_log_subject on public.audit_log (organization_id, subject_id, at desc);

-- That something was erased and how much, without what it was. Outlives the organization.
create table public.erasure_receipts (
  id uuid primary key default gen_random_uuid(),
  organization_id uuid not null,
  subject_type text not null,
  subject_id uuid not null,
  reason text not null,
  requested_by uuid,
  at timestamptz not null default now(),
  erased_rows integer not null constraint erasure_receipts_rows check (erased_rows >= 0),
  erased_objects integer not null constraint erasure_receipts_objects check (erased_objects >= 0),
  erased_bytes bigint not null constraint erasure_receipts_bytes check (erased_bytes >= 0)
);
create index erasure_receipts_at on public.erasure_receipts (organization_id, at desc);
create index erasure_receipts_requested_by on public.erasure_receipts (organization_id, requested_by);

-- A repeat within 24 hours gets the first result; another body under the same key is a conflict.
create table public.idempotency_keys (
  organization_id uuid not null references public.organizations (id) on delete cascade,
  -- The user or the key that acted.
  actor_id uuid not null,
  operation text not null,
  key text not null constraint idempotency_keys_key_length check (char_length(key) between 1 and 200),
  request_sha256 text not null,
  subject_id uuid not null,
  created_at timestamptz not null default now(),
  primary key (organization_id, actor_id, operation, key)
);

-- Objects whose rows are gone: deleted from storage by the worker, which removes the line afterwards. Without a foreign
-- key, since it outlives what it names.
create table public.object_deletions (
  id uuid primary key default gen_random_uuid(),
  organization_id uuid not null,
  object_key text not null,
  is_prefix boolean not null default false,
  attempts integer not null default 0,
  due_at timestamptz not null default now(),
  created_at timestamptz not null default now()
);
create index object_deletions_created on public.object_deletions (organization_id, created_at);

-- Helpers of the policies. Definer, so that a policy on user_profiles does not ask itself; wrapped in a sub-select by
-- every policy, so that each runs once per statement.
create function private.organization_id() returns uuid language plpgsql stable security definer set search_path = '' as $$
declare
  claims jsonb := private.claims();
begin
  return case claims ->> 'role'
    when 'authenticated' then (select organization_id from public.user_profiles where id = (claims ->> 'sub')::uuid)
    when 'newsystem_key' then (select organization_id from public.api_keys where id = (claims ->> 'sub')::uuid and revoked_at is null and (expires_at is null or expires_at > now()))
  end;
end $$;

create function private.member_role() returns text language plpgsql stable security definer set search_path = '' as $$
declare
  claims jsonb := private.claims();
begin
  return case claims ->> 'role'
    when 'authenticated' then (select role from public.user_profiles where id = (claims ->> 'sub')::uuid)
    when 'newsystem_key' then (select role from public.api_keys where id = (claims ->> 'sub')::uuid and revoked_at is null and (expires_at is null or expires_at > now()))
  end;
end $$;

create function private.is_manager() returns boolean language plpgsql stable security definer set search_path = '' as $$
begin
  return coalesce(private.member_role() in ('owner', 'admin'), false);
end $$;

-- A key never manages keys, members, roles, budgets or permissions, whatever its role.
create function private.is_owner() returns boolean language plpgsql stable security definer set search_path = '' as $$
begin
  return coalesce(private.user_id() is not null and private.member_role() = 'owner', false);
end $$;

create function private.is_managing_person() returns boolean language plpgsql stable security definer set search_path = '' as $$
begin
  return coalesce(private.user_id() is not null and private.member_role() in ('owner', 'admin'), false);
end $$;

-- May the caller write at all? An inactive subscription reads, exports and erases; a read-only key reads.
create function private.can_write() returns boolean language plpgsql stable security definer set search_path = '' as $$
begin
  return coalesce((select subscription_status <> 'inactive' and deletion_requested_at is null from public.organizations where id = private.organization_id()), false)
     and (private.api_key_id() is null or exists (select from public.api_keys where id = private.api_key_id() and not read_only));
end $$;
revoke execute on all functions in schema private from public;
";

const DOWN: &str = r"
drop function private.can_write(), private.is_managing_person(), private.is_owner(), private.is_manager(), private.member_role(), private.organization_id();
drop table public.object_deletions, public.idempotency_keys, public.erasure_receipts, public.audit_log, public.recording_notices, public.api_keys, public.invitations, public.user_profiles, public.organizations;
";
