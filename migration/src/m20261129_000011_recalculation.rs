//! Calculating the costs of everything current anew: asked for by a manager, done by a worker in parts, each a transaction that
//! moves the row along with the money. The row is gone when it is done, so nothing is done twice and nothing forgotten.

use crate::support::{step, tenant_tables};

step!(up: [TABLE, &tenant_tables(&[("cost_recalculations", true)]), MEMBER, JOB, WORKER], down: DOWN);

const TABLE: &str = r"
create table public.cost_recalculations (
  id uuid primary key default gen_random_uuid(),
  organization_id uuid not null references public.organizations (id) on delete cascade,
  -- What was given for this calculation alone.
  assumptions jsonb not null default '{}',
  -- Analyses up to this one, by id, are done.
  done_to uuid,
  attempt integer not null default 0,
  lease_token uuid,
  created_at timestamptz not null default now(),
  updated_at timestamptz not null default now(),
  unique (organization_id, id)
);
create index cost_recalculations_created on public.cost_recalculations (created_at);
";

const MEMBER: &str = r"
grant insert (id, organization_id, assumptions, created_at) on public.cost_recalculations to newsystem_member;
create policy cost_recalculations_add on public.cost_recalculations for insert to newsystem_member
  with check (organization_id = (select private.organization_id()) and (select private.can_write()) and (select private.is_manager()));
";

const JOB: &str = r"
-- The recalculation in hand. A lease without an end: there is no work outside of transactions, and a later attempt's takes its place.
create function private.job_recalculation() returns uuid language plpgsql stable security definer set search_path = '' as $$
declare
  job jsonb := private.job();
begin
  return (select id from public.cost_recalculations
   where job ->> 'kind' = 'recalculation' and id = (job ->> 'id')::uuid and attempt = (job ->> 'attempt')::integer and lease_token = (job ->> 'lease')::uuid);
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
grant update (done_to) on public.cost_recalculations to newsystem_job;
create policy cost_recalculations_job_read on public.cost_recalculations for select to newsystem_job
  using (organization_id = (select private.job_organization()) and id = (select private.job_recalculation()));
create policy cost_recalculations_job_write on public.cost_recalculations for update to newsystem_job
  using (organization_id = (select private.job_organization()) and id = (select private.job_recalculation())) with check (organization_id = (select private.job_organization()));
create policy cost_recalculations_job_remove on public.cost_recalculations for delete to newsystem_job
  using (organization_id = (select private.job_organization()) and id = (select private.job_recalculation()));

-- What a calculation writes: money, in rows that are there, and new cost analyses.
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
  using (organization_id = (select private.job_organization()) and (select private.job_recalculation()) is not null)
  with check (organization_id = (select private.job_organization()) and (select private.job_recalculation()) is not null);
create policy cost_analyses_recalculate on public.cost_analyses for insert to newsystem_job
  with check (organization_id = (select private.job_organization()) and (select private.job_recalculation()) is not null);
";

const WORKER: &str = r"
-- Takes a recalculation up as a new attempt; an earlier one that is still alive can write no more. Nothing when it is done.
create function private.begin_recalculation(recalculation uuid) returns table (attempt integer, lease uuid, organization_id uuid) language plpgsql security definer set search_path = '' as $$
#variable_conflict use_column
begin
  return query update public.cost_recalculations r set attempt = r.attempt + 1, lease_token = gen_random_uuid() where r.id = recalculation
    returning r.attempt, r.lease_token, r.organization_id;
end $$;

-- What a sweep looks for: recalculations whose job may have vanished.
create function private.stale_recalculations(most integer) returns table (id uuid, attempt integer) language plpgsql stable security definer set search_path = '' as $$
#variable_conflict use_column
begin
  return query select r.id, r.attempt from public.cost_recalculations r order by r.created_at limit most;
end $$;

-- Given up; the audit log says so, since whoever asked sees no figures change.
create function private.fail_recalculation(recalculation uuid) returns boolean language plpgsql security definer set search_path = '' as $$
declare
  organization uuid;
begin
  delete from public.cost_recalculations r where r.id = recalculation returning r.organization_id into organization;
  if organization is null then
    return false;
  end if;
  insert into public.audit_log (organization_id, actor_system, action, subject_type, subject_id, reason)
    values (organization, 'sweep', 'cost_analysis.recalculate_failed', 'organization', organization, 'its workers ended without a word, one after the other');
  return true;
end $$;

revoke execute on function private.begin_recalculation(uuid), private.stale_recalculations(integer), private.fail_recalculation(uuid) from public, anon, authenticated, service_role;
grant execute on function private.begin_recalculation(uuid), private.stale_recalculations(integer), private.fail_recalculation(uuid) to newsystem_worker;
";

const DOWN: &str = r"
drop policy workflow_insights_recalculate_read on public.workflow_insights;
drop policy workflow_insights_recalculate on public.workflow_insights;
drop policy automation_opportunities_recalculate on public.automation_opportunities;
drop policy analysis_results_recalculate on public.analysis_results;
drop policy cost_analyses_recalculate on public.cost_analyses;
revoke update (roi_score, priority) on public.workflow_insights from newsystem_job;
drop table public.cost_recalculations;
drop function private.fail_recalculation(uuid), private.stale_recalculations(integer), private.begin_recalculation(uuid);
create or replace function private.job_organization() returns uuid language plpgsql stable security definer set search_path = '' as $$
begin
  return coalesce(
    (select organization_id from public.analysis_results where id = private.job_analysis()),
    (select organization_id from public.generated_reports where id = private.job_report()));
end $$;
drop function private.job_recalculation();
";
