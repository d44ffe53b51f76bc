//! Enqueueing, the only way into the queue's tables, and at the end who may call which of this step's functions.

pub(super) const QUEUE: &str = r"
-- May the caller have this done? Answers the organization, how many may run at once, and how many attempts it gets.
create function private.enqueue_permission(kind text, subject uuid) returns table (organization_id uuid, parallel integer) language plpgsql stable security definer set search_path = '' as $$
begin
  if kind = 'analyze_recording' then
    return query select a.organization_id, o.max_parallel_analyses from public.analysis_results a join public.organizations o on o.id = a.organization_id
     where a.id = subject and a.status is not distinct from 'queued'
       and ((a.organization_id = private.organization_id() and private.can_write() and (private.is_manager() or a.session_id in (select private.own_sessions())))
            or (a.organization_id = private.job_organization()));
  elsif kind = 'generate_report' then
    return query select r.organization_id, 1 from public.generated_reports r
     where r.id = subject and r.status is not distinct from 'queued' and r.organization_id = private.organization_id() and private.can_write();
  elsif kind = 'export_data' then
    return query select e.organization_id, 1 from public.data_exports e
     where e.id = subject and e.status = 'queued' and e.organization_id = private.organization_id() and e.requested_by = private.user_id();
  elsif kind = 'recalculate_costs' then
    return query select r.organization_id, 1 from public.cost_recalculations r
     where r.organization_id = subject and r.organization_id = private.organization_id() and private.can_write() and private.is_manager();
  end if;
end $$;
grant execute on function private.enqueue_permission(text, uuid) to newsystem_queue;

-- Adds the job in the caller's transaction. A queue per organization and slot caps what runs at once; the priority is the
-- number of the organization's unfinished jobs, so that a thousand queued here never stand before another's first.
create function private.enqueue(kind text, subject uuid) returns void language plpgsql security definer set search_path = '' as $$
declare
  allowed record;
begin
  select * into allowed from private.enqueue_permission(kind, subject);
  if not found then
    raise insufficient_privilege using message = 'no such work of yours to enqueue';
  end if;
  perform private.add_job(kind, subject, allowed.organization_id, allowed.parallel);
end $$;

-- Without sequential scans: a plan that was made for a short queue would be kept for a long one.
create function private.add_job(kind text, subject uuid, organization uuid, parallel integer) returns void language plpgsql security definer set search_path = '' set enable_seqscan = off as $$
declare
  -- Exports and calculations stand in lines of their own: whoever asks for his data or for new figures does not wait for a thousand analyses.
  line text := organization || case kind when 'export_data' then ':exports:' when 'recalculate_costs' then ':costs:' else ':' end;
  slot text;
  waiting bigint;
begin
  -- No plan has more slots than 64; one that has shrunk may have jobs beyond its own.
  with held as (
    select q.queue_name, count(*) as jobs from graphile_worker._private_job_queues q join graphile_worker._private_jobs j on j.job_queue_id = q.id
     where q.queue_name = any (array(select line || n from generate_series(0, 63) n)) and j.attempts < j.max_attempts group by q.queue_name)
  select (select coalesce(sum(jobs), 0) from held), line || n into waiting, slot
    from generate_series(0, parallel - 1) n left join held h on h.queue_name = line || n
   order by coalesce(h.jobs, 0), n limit 1;
  perform graphile_worker.add_job(identifier => kind, payload => json_build_object('id', subject, 'organization_id', organization), queue_name => slot, max_attempts => 3, job_key => kind || ':' || subject,
    priority => least(waiting, 32000)::smallint);
end $$;

-- For the worker's sweep: an analysis whose job vanished is enqueued again, one whose job is exhausted is failed.
create function private.job_state(kind text, subject uuid) returns text language plpgsql stable security definer set search_path = '' as $$
declare
  state text;
begin
  select case when j.attempts >= j.max_attempts and j.locked_at is null then 'exhausted' else 'waiting' end into state
    from graphile_worker._private_jobs j where j.key = kind || ':' || subject;
  return coalesce(state, 'absent');
end $$;

create function private.enqueue_stale(kind text, subject uuid) returns boolean language plpgsql security definer set search_path = '' as $$
declare
  allowed record;
begin
  select * into allowed from private.stale_permission(kind, subject);
  if not found then
    return false;
  end if;
  perform private.add_job(kind, subject, allowed.organization_id, allowed.parallel);
  return true;
end $$;

create function private.stale_permission(kind text, subject uuid) returns table (organization_id uuid, parallel integer) language plpgsql stable security definer set search_path = '' as $$
#variable_conflict use_column
begin
  return query select a.organization_id, o.max_parallel_analyses from public.analysis_results a join public.organizations o on o.id = a.organization_id
   where kind = 'analyze_recording' and a.id = subject and (a.status is not distinct from 'queued' or (a.status is not distinct from 'processing' and a.lease_expires_at <= clock_timestamp()))
  union all
  select e.organization_id, 1 from public.data_exports e
   where kind = 'export_data' and e.id = subject and (e.status = 'queued' or (e.status = 'generating' and e.lease_expires_at <= clock_timestamp()))
  union all
  select r.organization_id, 1 from public.cost_recalculations r where kind = 'recalculate_costs' and r.organization_id = subject;
end $$;
grant execute on function private.stale_permission(text, uuid) to newsystem_queue;

revoke execute on all functions in schema private from public;
alter function private.enqueue(text, uuid) owner to newsystem_queue;
alter function private.add_job(text, uuid, uuid, integer) owner to newsystem_queue;
alter function private.job_state(text, uuid) owner to newsystem_queue;
alter function private.enqueue_stale(text, uuid) owner to newsystem_queue;

grant execute on function private.enqueue(text, uuid) to newsystem_member, newsystem_job;
grant execute on function private.lock_quota(), private.set_member_role(uuid, text), private.remove_member(uuid) to newsystem_member;
grant execute on function private.remote_analysis_stopped() to newsystem_job;
grant execute on function private.applied_migrations() to newsystem_api, newsystem_worker;
grant execute on function private.sign_in(uuid, text), private.key_in(text), private.events_after(uuid, bigint, integer), private.event_bounds(uuid), private.event_positions(uuid[]),
  private.analysis_progress(uuid, uuid), private.upload_progress(uuid, uuid), private.callers_now(uuid[]), private.chunk_upload(uuid), private.record_upload(uuid, text, text, text), private.open_report_link(text),
  private.create_organization(uuid, uuid, text, text, text, text, text, text, text, text, text, text, timestamptz), private.accept_invitation(text, uuid, text, text, text, text) to newsystem_api;
grant execute on function private.begin_analysis(uuid, text, integer), private.renew_lease(uuid, uuid, integer), private.hand_back_analysis(uuid, uuid), private.fail_analysis(uuid, text, text),
  private.stale_analyses(integer), private.idle_sessions(timestamptz, integer), private.close_idle_session(uuid, timestamptz), private.abandoned_chunks(timestamptz, integer),
  private.drop_abandoned_chunk(uuid, timestamptz), private.due_object_deletions(integer), private.object_deleted(uuid), private.forget_events(timestamptz), private.due_retention(timestamptz, integer),
  private.apply_retention(uuid, boolean, boolean, boolean, timestamptz), private.due_erasures(timestamptz, integer), private.erase_organization(uuid, timestamptz, timestamptz), private.job_state(text, uuid), private.enqueue_stale(text, uuid) to newsystem_worker;
";
