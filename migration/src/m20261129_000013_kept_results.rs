//! Results stay until newer ones take their place: an analysis that is read anew keeps its rows, its end and its place in the sums
//! meanwhile, and comes back to them when that is cancelled or fails. And a recalculation writes, with the money, what it rests on.

use crate::support::step;

step!(up: [CURRENT, RECALCULATION], down: DOWN);

const CURRENT: &str = r"
-- `processing_completed_at` of one that is queued or processing says that it was completed before: `enqueue` and `retry` leave it empty.
alter table public.analysis_results
  drop constraint analysis_results_current_is_completed,
  add constraint analysis_results_current_has_results check (not is_current or status <> 'failed');

-- Fails one analysis from outside a job: its job is exhausted or vanished. One with results of its own goes back to them.
create or replace function private.fail_analysis(analysis uuid, code text, sentence text) returns boolean language plpgsql security definer set search_path = '' as $$
declare
  the_session uuid;
begin
  update public.analysis_results a
     set status = case when a.processing_completed_at is null then 'failed' else 'completed' end, stage = 'done', lease_token = null, lease_expires_at = null,
         error_code = case when a.processing_completed_at is null then code end, error_message = case when a.processing_completed_at is null then sentence end,
         progress = case when a.processing_completed_at is null then a.progress else 1 end, progress_message = null,
         processing_completed_at = coalesce(a.processing_completed_at, now())
   where a.id = analysis and (a.status = 'queued' or (a.status = 'processing' and a.lease_expires_at <= clock_timestamp()))
  returning a.session_id into the_session;
  if the_session is null then
    return false;
  end if;
  update public.analysis_attempts t set ended_at = now(), error_code = coalesce(t.error_code, code), message = coalesce(t.message, sentence) where t.analysis_id = analysis and t.ended_at is null;
  update public.recording_sessions s set status = 'completed', completed_at = coalesce(s.completed_at, now()) where s.id = the_session and s.status = 'processing';
  return true;
end $$;
";

const RECALCULATION: &str = r"
-- Of a row's metadata a calculation writes what its priority and its money rest on, and nothing else.
create or replace function private.guard_recalculation() returns trigger language plpgsql set search_path = '' as $$
declare
  money text[] := tg_argv::text[];
begin
  -- Without a list of columns the trigger itself names those that stay.
  if private.job() ->> 'kind' = 'recalculation' and (tg_nargs = 0
    or (to_jsonb(new) #- '{record_metadata,priority_inputs}' #- '{record_metadata,worth}') - money
      is distinct from (to_jsonb(old) #- '{record_metadata,priority_inputs}' #- '{record_metadata,worth}') - money) then
    raise insufficient_privilege using message = 'a recalculation changes money only';
  end if;
  return new;
end $$;
drop trigger automation_opportunities_recalculation on public.automation_opportunities;
create trigger automation_opportunities_recalculation before update on public.automation_opportunities for each row when (current_user = 'newsystem_job')
  execute function private.guard_recalculation('occurrences_per_day', 'frequency_basis', 'people_count', 'implementation_effort_hours', 'effort_basis', 'estimated_cost_savings_monthly',
    'monthly_savings_low', 'monthly_savings_high', 'hours_saved_monthly', 'estimated_implementation_cost', 'roi_percentage', 'payback_period_days', 'counted', 'priority', 'priority_reason',
    'realised_savings_monthly', 'updated_at');
";

const DOWN: &str = r"
drop trigger automation_opportunities_recalculation on public.automation_opportunities;
create or replace function private.guard_recalculation() returns trigger language plpgsql set search_path = '' as $$
declare
  money text[] := tg_argv::text[];
begin
  -- Without a list of columns the trigger itself names those that stay.
  if private.job() ->> 'kind' = 'recalculation' and (tg_nargs = 0 or to_jsonb(new) - money is distinct from to_jsonb(old) - money) then
    raise insufficient_privilege using message = 'a recalculation changes money only';
  end if;
  return new;
end $$;
create trigger automation_opportunities_recalculation before update on public.automation_opportunities for each row when (current_user = 'newsystem_job')
  execute function private.guard_recalculation('occurrences_per_day', 'frequency_basis', 'implementation_effort_hours', 'effort_basis', 'estimated_cost_savings_monthly', 'monthly_savings_low',
    'monthly_savings_high', 'hours_saved_monthly', 'estimated_implementation_cost', 'roi_percentage', 'payback_period_days', 'counted', 'priority', 'priority_reason', 'realised_savings_monthly', 'updated_at');
create or replace function private.fail_analysis(analysis uuid, code text, sentence text) returns boolean language plpgsql security definer set search_path = '' as $$
declare
  the_session uuid;
begin
  update public.analysis_results a set status = 'failed', stage = 'done', error_code = code, error_message = sentence, lease_token = null, lease_expires_at = null, processing_completed_at = now()
   where a.id = analysis and (a.status = 'queued' or (a.status = 'processing' and a.lease_expires_at <= clock_timestamp()))
  returning a.session_id into the_session;
  if the_session is null then
    return false;
  end if;
  update public.analysis_attempts t set ended_at = now(), error_code = coalesce(t.error_code, code), message = coalesce(t.message, sentence) where t.analysis_id = analysis and t.ended_at is null;
  update public.recording_sessions s set status = 'completed', completed_at = coalesce(s.completed_at, now()) where s.id = the_session and s.status = 'processing';
  return true;
end $$;
update public.analysis_results set is_current = false where is_current and status <> 'completed';
alter table public.analysis_results
  drop constraint analysis_results_current_has_results,
  add constraint analysis_results_current_is_completed check (not is_current or status = 'completed');
";
