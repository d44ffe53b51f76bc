//! Calculating the costs of everything current anew: asked for by a manager, done by a worker in parts, each a transaction that
//! moves the row along with the money. The row is gone when it is done, so nothing is done twice and nothing forgotten; whoever asks
//! again takes the place of what is not done yet.

use crate::support::{step, tenant_tables};

step!(up: [TABLE, &tenant_tables(&[("cost_recalculations", true)]), MEMBER, JOB, GUARDS, WORKER], down: DOWN);

const TABLE: &str = r"
create table public.cost_recalculations (
  id uuid primary key default gen_random_uuid(),
  organization_id uuid not null references public.organizations (id) on delete cascade,
  -- What was given for this calculation alone.
  assumptions jsonb not null default '{}',
  -- Analyses up to this one, by id, are done; those behind the other one came after the request, and know what it knows.
  done_to uuid,
  until uuid,
  -- How often it was taken up since it last moved.
  tries integer not null default 0,
  lease_token uuid,
  created_at timestamptz not null default now(),
  updated_at timestamptz not null default now(),
  unique (organization_id, id)
);
create index cost_recalculations_updated on public.cost_recalculations (updated_at);
";

const MEMBER: &str = r"
-- One for each organization: a new one ends the one before, whose worker finds its lease gone.
create function private.request_recalculation(given jsonb, at timestamptz) returns void language plpgsql security definer set search_path = '' as $$
declare
  organization uuid := private.organization_id();
begin
  if organization is null or not private.can_write() or not private.is_manager() then
    raise insufficient_privilege using message = 'only an admin or owner has costs calculated anew';
  end if;
  perform pg_advisory_xact_lock(hashtext('newsystem.recalculation'), hashtext(organization::text));
  delete from public.cost_recalculations r where r.organization_id = organization;
  insert into public.cost_recalculations (organization_id, assumptions, created_at, until)
    select organization, given, at, (select a.id from public.analysis_results a where a.organization_id = organization and a.is_current order by a.id desc limit 1);
end $$;
revoke execute on function private.request_recalculation(jsonb, timestamptz) from public, anon, authenticated, service_role;
grant execute on function private.request_recalculation(jsonb, timestamptz) to newsystem_member;
";

const JOB: &str = r"
-- The recalculation in hand. A lease without an end: there is no work outside of transactions, and a later attempt's takes its place.
create function private.job_recalculation() returns uuid language plpgsql stable security definer set search_path = '' as $$
declare
  job jsonb := private.job();
begin
  return (select id from public.cost_recalculations
   where job ->> 'kind' = 'recalculation' and id = (job ->> 'id')::uuid and lease_token = (job ->> 'lease')::uuid);
end $$;
revoke execute on function private.job_recalculation() from public, anon, authenticated, service_role;
grant execute on function private.job_recalculation() to newsystem_job;

create or replace function private.job_organization() returns uuid language plpgsql stable security definer set search_path = '' as $$
begin
  return coalesce(
    (select organization_id from public.analysis_results where id = private.job_analysis()),
    (select organization_id from public.generated_reports where id = private.job_report()),
    (select organization_id from public.cost_recalculations where id = private.job_recalculation()));
end $$;

grant select, delete on public.cost_recalculations to newsystem_job;
grant update (done_to, tries) on public.cost_recalculations to newsystem_job;
create policy cost_recalculations_job_read on public.cost_recalculations for select to newsystem_job
  using (organization_id = (select private.job_organization()) and id = (select private.job_recalculation()));
create policy cost_recalculations_job_write on public.cost_recalculations for update to newsystem_job
  using (organization_id = (select private.job_organization()) and id = (select private.job_recalculation())) with check (organization_id = (select private.job_organization()));
create policy cost_recalculations_job_remove on public.cost_recalculations for delete to newsystem_job
  using (organization_id = (select private.job_organization()) and id = (select private.job_recalculation()));

-- What a calculation writes: money, in rows that are there, and new cost analyses. It ends no object.
grant update (roi_score, priority) on public.workflow_insights to newsystem_job;
create policy workflow_insights_recalculate_read on public.workflow_insights for select to newsystem_job
  using (organization_id = (select private.job_organization()) and (select private.job_recalculation()) is not null);
create policy workflow_insights_recalculate on public.workflow_insights for update to newsystem_job
  using (organization_id = (select private.job_organization()) and (select private.job_recalculation()) is not null)
  with check (organization_id = (select private.job_organization()) and (select private.job_recalculation()) is not null);
create policy automation_opportunities_recalculate on public.automation_opportunities for update to newsystem_job
  using (organization_id = (select private.job_organization()) and (select private.job_recalculation()) is not null)
  with check (organization_id = (select private.job_organization()) and (select private.job_recalculation()) is not null);
create policy analysis_results_recalculate on public.analysis_results for update to newsystem_job
  using (organization_id = (select private.job_organization()) and is_current and (select private.job_recalculation()) is not null)
  with check (organization_id = (select private.job_organization()) and is_current and (select private.job_recalculation()) is not null);
create policy cost_analyses_recalculate on public.cost_analyses for insert to newsystem_job
  with check (organization_id = (select private.job_organization()) and (select private.job_recalculation()) is not null);
create policy object_deletions_recalculate on public.object_deletions as restrictive for insert to newsystem_job with check ((select private.job_recalculation()) is null);
";

const GUARDS: &str = r"
-- Which columns an update touches is nothing that a policy can say: a calculation changes money and leaves the rest as it was.
create function private.guard_recalculation() returns trigger language plpgsql set search_path = '' as $$
declare
  money text[] := tg_argv::text[];
begin
  -- Without a list of columns the trigger itself names those that stay.
  if private.job() ->> 'kind' = 'recalculation' and (tg_nargs = 0 or to_jsonb(new) - money is distinct from to_jsonb(old) - money) then
    raise insufficient_privilege using message = 'a recalculation changes money only';
  end if;
  return new;
end $$;
revoke execute on function private.guard_recalculation() from public, anon, authenticated, service_role;
create trigger analysis_results_recalculation before update of status, stage, progress, frames_done, frames_total, progress_message, is_current, error_code, error_message, gpt_version, prompt_version, frames_analyzed,
    coverage, raw_gpt_response, structured_insights, confidence_score, analysis_cost, prompt_tokens, completion_tokens, processing_time_seconds, lease_token, lease_expires_at, queued_at, processing_completed_at
  on public.analysis_results for each row when (current_user = 'newsystem_job') execute function private.guard_recalculation();
create trigger automation_opportunities_recalculation before update on public.automation_opportunities for each row when (current_user = 'newsystem_job')
  execute function private.guard_recalculation('occurrences_per_day', 'frequency_basis', 'implementation_effort_hours', 'effort_basis', 'estimated_cost_savings_monthly', 'monthly_savings_low',
    'monthly_savings_high', 'hours_saved_monthly', 'estimated_implementation_cost', 'roi_percentage', 'payback_period_days', 'counted', 'priority', 'priority_reason', 'realised_savings_monthly', 'updated_at');
";

const WORKER: &str = r"
-- Takes an organization's recalculation up as a new attempt; an earlier one that is still alive can write no more. Nothing when it is done.
create function private.begin_recalculation(organization uuid) returns table (id uuid, lease uuid, tries integer) language plpgsql security definer set search_path = '' as $$
#variable_conflict use_column
begin
  return query update public.cost_recalculations r set tries = r.tries + 1, lease_token = gen_random_uuid() where r.organization_id = organization
    returning r.id, r.lease_token, r.tries;
end $$;

-- What a sweep looks for: recalculations that have not moved for a while, and whose job may have vanished.
create function private.stale_recalculations(before timestamptz, most integer) returns table (id uuid, organization_id uuid) language plpgsql stable security definer set search_path = '' as $$
#variable_conflict use_column
begin
  return query select r.id, r.organization_id from public.cost_recalculations r where r.updated_at < before order by r.updated_at limit most;
end $$;

-- Given up; the audit log says so and why, since whoever asked sees no figures change.
create function private.fail_recalculation(recalculation uuid, why text) returns boolean language plpgsql security definer set search_path = '' as $$
declare
  organization uuid;
begin
  delete from public.cost_recalculations r where r.id = recalculation returning r.organization_id into organization;
  if organization is null then
    return false;
  end if;
  insert into public.audit_log (organization_id, actor_system, action, subject_type, subject_id, reason)
    values (organization, 'worker', 'cost_analysis.recalculate_failed', 'organization', organization, why);
  return true;
end $$;

revoke execute on function private.begin_recalculation(uuid), private.stale_recalculations(timestamptz, integer), private.fail_recalculation(uuid, text) from public, anon, authenticated, service_role;
grant execute on function private.begin_recalculation(uuid), private.stale_recalculations(timestamptz, integer), private.fail_recalculation(uuid, text) to newsystem_worker;
";

const DOWN: &str = r"
drop trigger automation_opportunities_recalculation on public.automation_opportunities;
drop trigger analysis_results_recalculation on public.analysis_results;
drop function private.guard_recalculation();
drop policy object_deletions_recalculate on public.object_deletions;
drop policy workflow_insights_recalculate_read on public.workflow_insights;
drop policy workflow_insights_recalculate on public.workflow_insights;
drop policy automation_opportunities_recalculate on public.automation_opportunities;
drop policy analysis_results_recalculate on public.analysis_results;
drop policy cost_analyses_recalculate on public.cost_analyses;
revoke update (roi_score, priority) on public.workflow_insights from newsystem_job;
drop table public.cost_recalculations;
drop function private.fail_recalculation(uuid, text), private.stale_recalculations(timestamptz, integer), private.begin_recalculation(uuid), private.request_recalculation(jsonb, timestamptz);
create or replace function private.job_organization() returns uuid language plpgsql stable security definer set search_path = '' as $$
begin
  return coalesce(
    (select organization_id from public.analysis_results where id = private.job_analysis()),
    (select organization_id from public.generated_reports where id = private.job_report()));
end $$;
drop function private.job_recalculation();
";
