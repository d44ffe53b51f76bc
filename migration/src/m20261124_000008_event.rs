//! Events: every change that a dashboard follows is appended to its organization's log in the transaction that causes it.
//!
//! A statement's events wait in `private.pending_events` until the transaction commits; a deferred trigger then takes the
//! organization's counter and numbers them in one insert. The counter's row lock lasts from there to the commit, so the
//! sequence is gapless and in commit order, and the lock is taken as late as a transaction allows.

use crate::support::step;

step!(up: [LOG, CAUSES], down: DOWN);

const LOG: &str = r"
-- The long lists of values are in functions: a check is read anew by every statement that writes, and costs by its length.
create function private.is_event_kind(value text) returns boolean language plpgsql immutable set search_path = '' as $$
begin
  return value in ('session_created', 'session_changed', 'session_status_changed', 'session_deleted', 'analysis_status_changed', 'opportunity_created', 'opportunity_changed',
    'insights_created', 'cost_analysis_created', 'report_status_changed', 'member_changed', 'organization_changed');
end $$;

create table public.organization_events (
  organization_id uuid not null references public.organizations (id) on delete cascade,
  sequence bigint not null constraint organization_events_sequence check (sequence > 0),
  kind text not null constraint organization_events_kind check (private.is_event_kind(kind)),
  subject_id uuid not null,
  from_status text,
  to_status text,
  actor_user_id uuid,
  actor_api_key_id uuid,
  at timestamptz not null default now(),
  primary key (organization_id, sequence)
);
create index organization_events_at on public.organization_events (organization_id, at);
alter table public.organization_events enable row level security;
revoke all on public.organization_events from public, anon, authenticated, service_role;

create table private.event_counters (
  organization_id uuid primary key references public.organizations (id) on delete cascade,
  last_sequence bigint not null default 0
);
-- Where no insert happens there is nothing to vacuum but the counters' dead versions: keep room for in-page updates.
alter table private.event_counters set (fillfactor = 50, autovacuum_vacuum_scale_factor = 0.0, autovacuum_vacuum_threshold = 500);

-- Not in the write-ahead log: what waits here is gone by the end of its transaction, however that ends.
create unlogged table private.pending_events (
  transaction_id xid8 not null default pg_current_xact_id(),
  id bigint generated always as identity,
  organization_id uuid not null,
  kind text not null,
  subject_id uuid not null,
  from_status text,
  to_status text,
  actor_user_id uuid,
  actor_api_key_id uuid default private.api_key_id(),
  primary key (transaction_id, id)
);
alter table private.pending_events set (autovacuum_vacuum_scale_factor = 0.0, autovacuum_vacuum_threshold = 2000);

-- Switches of the whole installation, set by its operator as the owner.
create table private.switches (name text primary key constraint switches_name check (name in ('supabase_realtime')));

-- On a Supabase project, where the operator wants it: ids and status of new events, to a private channel of the organization. A hint
-- and no more: it may be lost, and its failure is no reason to lose the transaction.
create function private.publish_events(organization uuid, since bigint) returns void language plpgsql security definer set search_path = '' as $$
begin
  if to_regprocedure('realtime.send(jsonb,text,text,boolean)') is null then
    return;
  end if;
  execute 'select realtime.send(jsonb_build_object(''sequence'', e.sequence, ''kind'', upper(e.kind), ''subjectId'', e.subject_id, ''from'', e.from_status, ''to'', e.to_status, ''at'', e.at),
                                ''event'', ''organization:'' || e.organization_id, true)
             from (select * from public.organization_events where organization_id = $1 and sequence > $2 order by sequence) e' using organization, since;
exception when others then
  raise warning 'events were not published: %', sqlerrm;
end $$;

-- Without sequential scans: the table looks empty to the planner, and is full of the dead rows of other transactions.
create function private.flush_events() returns trigger language plpgsql security definer set search_path = '' set enable_seqscan = off as $$
declare
  waiting private.pending_events[];
  organization uuid;
  since bigint;
begin
  with taken as (
    delete from private.pending_events where transaction_id = pg_current_xact_id() returning pending_events as event
  )
  select array_agg(event order by (event).id) from taken into waiting;
  if waiting is null then
    return null; -- an earlier row of this transaction took them all
  end if;
  organization := waiting[1].organization_id;
  if cardinality(waiting) > 1 then
    if exists (select from unnest(waiting) w where w.organization_id <> organization) then
      raise exception 'one transaction changed two organizations';
    end if;
  end if;
  update private.event_counters set last_sequence = last_sequence + cardinality(waiting) where organization_id = organization
    returning last_sequence - cardinality(waiting) into since;
  if since is null then
    -- Its first event; or the organization itself is going, and definer triggers run on cascades too: then there is no log to write to.
    insert into private.event_counters as c (organization_id, last_sequence)
      select o.id, cardinality(waiting) from public.organizations o where o.id = organization
      on conflict (organization_id) do update set last_sequence = c.last_sequence + excluded.last_sequence
      returning c.last_sequence - cardinality(waiting) into since;
    if since is null then
      return null;
    end if;
  end if;
  insert into public.organization_events (organization_id, sequence, kind, subject_id, from_status, to_status, actor_user_id, actor_api_key_id, at)
    select w.organization_id, since + row_number() over (order by w.id), w.kind, w.subject_id, w.from_status, w.to_status, w.actor_user_id, w.actor_api_key_id, clock_timestamp()
      from unnest(waiting) w;
  perform pg_notify('newsystem_events', organization::text);
  if exists (select from private.switches where name = 'supabase_realtime') then
    perform private.publish_events(organization, since);
  end if;
  return null;
end $$;
create constraint trigger pending_events_flush after insert on private.pending_events deferrable initially deferred for each row execute function private.flush_events();
";

const CAUSES: &str = r"
create function private.on_session_inserted() returns trigger language plpgsql security definer set search_path = '' as $$
begin
  insert into private.pending_events (organization_id, kind, subject_id, to_status, actor_user_id)
    select organization_id, 'session_created', id, status, private.user_id() from added order by id;
  return null;
end $$;
create trigger recording_sessions_inserted after insert on public.recording_sessions referencing new table as added for each statement execute function private.on_session_inserted();

create function private.on_session_updated() returns trigger language plpgsql security definer set search_path = '' as $$
begin
  insert into private.pending_events (organization_id, kind, subject_id, from_status, to_status, actor_user_id)
    select n.organization_id, 'session_status_changed', n.id, o.status, n.status, private.user_id()
      from changed n join former o on o.id = n.id where o.status <> n.status order by n.id;
  insert into private.pending_events (organization_id, kind, subject_id, actor_user_id)
    select n.organization_id, 'session_changed', n.id, private.user_id()
      from changed n join former o on o.id = n.id
     where row (n.title, n.description, n.workflow_type, n.privacy_settings, n.declared_occurrences_per_day, n.people_count, n.duration_seconds, n.video_deleted_at, n.frames_deleted_at, n.truncated)
        is distinct from row (o.title, o.description, o.workflow_type, o.privacy_settings, o.declared_occurrences_per_day, o.people_count, o.duration_seconds, o.video_deleted_at, o.frames_deleted_at, o.truncated)
     order by n.id;
  return null;
end $$;
create trigger recording_sessions_updated after update on public.recording_sessions referencing old table as former new table as changed for each statement execute function private.on_session_updated();

create function private.on_session_deleted() returns trigger language plpgsql security definer set search_path = '' as $$
begin
  insert into private.pending_events (organization_id, kind, subject_id, from_status, actor_user_id)
    select r.organization_id, 'session_deleted', r.id, r.status, private.user_id() from removed r
     where exists (select from public.organizations o where o.id = r.organization_id) order by r.id;
  return null;
end $$;
create trigger recording_sessions_deleted after delete on public.recording_sessions referencing old table as removed for each statement execute function private.on_session_deleted();

create function private.on_analysis_inserted() returns trigger language plpgsql security definer set search_path = '' as $$
begin
  insert into private.pending_events (organization_id, kind, subject_id, to_status, actor_user_id)
    select organization_id, 'analysis_status_changed', id, status, private.user_id() from added order by id;
  return null;
end $$;
create trigger analysis_results_inserted after insert on public.analysis_results referencing new table as added for each statement execute function private.on_analysis_inserted();

create function private.on_analysis_updated() returns trigger language plpgsql security definer set search_path = '' as $$
begin
  insert into private.pending_events (organization_id, kind, subject_id, from_status, to_status, actor_user_id)
    select n.organization_id, 'analysis_status_changed', n.id, o.status, n.status, private.user_id()
      from changed n join former o on o.id = n.id where o.status <> n.status order by n.id;
  -- Progress is no event: it is on the row, with a doorbell of its own; identical ones in a transaction are merged. A status is told by its event.
  perform pg_notify('newsystem_progress', n.organization_id::text || ':' || n.id::text)
    from changed n join former o on o.id = n.id
   where row (n.progress, n.stage, n.frames_done, n.progress_message) is distinct from row (o.progress, o.stage, o.frames_done, o.progress_message);
  return null;
end $$;
create trigger analysis_results_updated after update on public.analysis_results referencing old table as former new table as changed for each statement execute function private.on_analysis_updated();

create function private.on_opportunity_inserted() returns trigger language plpgsql security definer set search_path = '' as $$
begin
  insert into private.pending_events (organization_id, kind, subject_id, to_status, actor_user_id)
    select organization_id, 'opportunity_created', id, status, private.user_id() from added order by id;
  return null;
end $$;
create trigger automation_opportunities_inserted after insert on public.automation_opportunities referencing new table as added for each statement execute function private.on_opportunity_inserted();

create function private.on_opportunity_updated() returns trigger language plpgsql security definer set search_path = '' as $$
begin
  -- Losing a reviewer who left (a foreign key's doing) is no change of the opportunity.
  insert into private.pending_events (organization_id, kind, subject_id, from_status, to_status, actor_user_id)
    select n.organization_id, 'opportunity_changed', n.id, o.status, n.status, private.user_id()
      from changed n join former o on o.id = n.id
     where to_jsonb(n) - '{reviewed_by,updated_at}'::text[] is distinct from to_jsonb(o) - '{reviewed_by,updated_at}'::text[] order by n.id;
  return null;
end $$;
create trigger automation_opportunities_updated after update on public.automation_opportunities referencing old table as former new table as changed for each statement execute function private.on_opportunity_updated();

create function private.on_insights_inserted() returns trigger language plpgsql security definer set search_path = '' as $$
begin
  insert into private.pending_events (organization_id, kind, subject_id, actor_user_id)
    select distinct organization_id, 'insights_created', coalesce(analysis_id, session_id), private.user_id() from added;
  return null;
end $$;
create trigger workflow_insights_inserted after insert on public.workflow_insights referencing new table as added for each statement execute function private.on_insights_inserted();

create function private.on_cost_analysis_inserted() returns trigger language plpgsql security definer set search_path = '' as $$
begin
  insert into private.pending_events (organization_id, kind, subject_id, actor_user_id)
    select organization_id, 'cost_analysis_created', id, private.user_id() from added order by id;
  return null;
end $$;
create trigger cost_analyses_inserted after insert on public.cost_analyses referencing new table as added for each statement execute function private.on_cost_analysis_inserted();

create function private.on_report_inserted() returns trigger language plpgsql security definer set search_path = '' as $$
begin
  insert into private.pending_events (organization_id, kind, subject_id, to_status, actor_user_id)
    select organization_id, 'report_status_changed', id, status, private.user_id() from added order by id;
  return null;
end $$;
create trigger generated_reports_inserted after insert on public.generated_reports referencing new table as added for each statement execute function private.on_report_inserted();

create function private.on_report_updated() returns trigger language plpgsql security definer set search_path = '' as $$
begin
  insert into private.pending_events (organization_id, kind, subject_id, from_status, to_status, actor_user_id)
    select n.organization_id, 'report_status_changed', n.id, o.status, n.status, private.user_id()
      from changed n join former o on o.id = n.id where o.status <> n.status order by n.id;
  return null;
end $$;
create trigger generated_reports_updated after update on public.generated_reports referencing old table as former new table as changed for each statement execute function private.on_report_updated();

-- Whoever is cached is dropped at once: the payload is the person or the key.
create function private.on_member_inserted() returns trigger language plpgsql security definer set search_path = '' as $$
begin
  insert into private.pending_events (organization_id, kind, subject_id, to_status, actor_user_id)
    select organization_id, 'member_changed', id, role, private.user_id() from added order by id;
  perform pg_notify('newsystem_callers', id::text) from added;
  return null;
end $$;
create trigger user_profiles_inserted after insert on public.user_profiles referencing new table as added for each statement execute function private.on_member_inserted();

create function private.on_member_updated() returns trigger language plpgsql security definer set search_path = '' as $$
begin
  insert into private.pending_events (organization_id, kind, subject_id, from_status, to_status, actor_user_id)
    select n.organization_id, 'member_changed', n.id, o.role, n.role, private.user_id() from changed n join former o on o.id = n.id
     where row (n.role, n.first_name, n.last_name, n.job_title, n.organization_id) is distinct from row (o.role, o.first_name, o.last_name, o.job_title, o.organization_id) order by n.id;
  perform pg_notify('newsystem_callers', n.id::text) from changed n join former o on o.id = n.id
   where row (n.role, n.organization_id) is distinct from row (o.role, o.organization_id);
  return null;
end $$;
create trigger user_profiles_updated after update on public.user_profiles referencing old table as former new table as changed for each statement execute function private.on_member_updated();

create function private.on_member_deleted() returns trigger language plpgsql security definer set search_path = '' as $$
begin
  insert into private.pending_events (organization_id, kind, subject_id, from_status, actor_user_id)
    select r.organization_id, 'member_changed', r.id, r.role, private.user_id() from removed r
     where exists (select from public.organizations o where o.id = r.organization_id) order by r.id;
  perform pg_notify('newsystem_callers', id::text) from removed;
  return null;
end $$;
create trigger user_profiles_deleted after delete on public.user_profiles referencing old table as removed for each statement execute function private.on_member_deleted();

create function private.on_key_changed() returns trigger language plpgsql security definer set search_path = '' as $$
begin
  perform pg_notify('newsystem_callers', id::text) from changed;
  return null;
end $$;
create function private.on_key_updated() returns trigger language plpgsql security definer set search_path = '' as $$
begin
  perform pg_notify('newsystem_callers', n.id::text) from changed n join former o on o.id = n.id
   where row (n.revoked_at, n.expires_at, n.role, n.read_only) is distinct from row (o.revoked_at, o.expires_at, o.role, o.read_only);
  return null;
end $$;
create trigger api_keys_updated after update on public.api_keys referencing old table as former new table as changed for each statement execute function private.on_key_updated();
create trigger api_keys_deleted after delete on public.api_keys referencing old table as changed for each statement execute function private.on_key_changed();

create function private.on_organization_updated() returns trigger language plpgsql security definer set search_path = '' as $$
begin
  insert into private.pending_events (organization_id, kind, subject_id, from_status, to_status, actor_user_id)
    select n.id, 'organization_changed', n.id, o.subscription_status, n.subscription_status, private.user_id() from changed n join former o on o.id = n.id
     where to_jsonb(n) - 'updated_at' is distinct from to_jsonb(o) - 'updated_at' order by n.id;
  -- A caller's rights hang on the subscription's state too, a person's and a key's.
  perform pg_notify('newsystem_callers', c.id::text)
    from changed n join former o on o.id = n.id
    join (select id, organization_id from public.user_profiles union all select id, organization_id from public.api_keys) c on c.organization_id = n.id
   where row (n.subscription_status, n.deletion_requested_at) is distinct from row (o.subscription_status, o.deletion_requested_at);
  return null;
end $$;
create trigger organizations_updated after update on public.organizations referencing old table as former new table as changed for each statement execute function private.on_organization_updated();

create function private.on_chunks_changed() returns trigger language plpgsql security definer set search_path = '' as $$
begin
  perform pg_notify('newsystem_uploads', organization_id::text || ':' || session_id::text) from changed group by organization_id, session_id;
  return null;
end $$;
create trigger video_chunks_inserted after insert on public.video_chunks referencing new table as changed for each statement execute function private.on_chunks_changed();
create trigger video_chunks_updated after update on public.video_chunks referencing new table as changed for each statement execute function private.on_chunks_changed();
revoke execute on all functions in schema private from public;
";

const DOWN: &str = r"
drop trigger recording_sessions_inserted on public.recording_sessions;
drop trigger recording_sessions_updated on public.recording_sessions;
drop trigger recording_sessions_deleted on public.recording_sessions;
drop trigger analysis_results_inserted on public.analysis_results;
drop trigger analysis_results_updated on public.analysis_results;
drop trigger automation_opportunities_inserted on public.automation_opportunities;
drop trigger automation_opportunities_updated on public.automation_opportunities;
drop trigger workflow_insights_inserted on public.workflow_insights;
drop trigger cost_analyses_inserted on public.cost_analyses;
drop trigger generated_reports_inserted on public.generated_reports;
drop trigger generated_reports_updated on public.generated_reports;
drop trigger user_profiles_inserted on public.user_profiles;
drop trigger user_profiles_updated on public.user_profiles;
drop trigger user_profiles_deleted on public.user_profiles;
drop trigger api_keys_updated on public.api_keys;
drop trigger api_keys_deleted on public.api_keys;
drop trigger organizations_updated on public.organizations;
drop trigger video_chunks_inserted on public.video_chunks;
drop trigger video_chunks_updated on public.video_chunks;
drop function private.on_session_inserted(), private.on_session_updated(), private.on_session_deleted(), private.on_analysis_inserted(), private.on_analysis_updated(), private.on_opportunity_inserted(),
  private.on_opportunity_updated(), private.on_insights_inserted(), private.on_cost_analysis_inserted(), private.on_report_inserted(), private.on_report_updated(), private.on_member_inserted(),
  private.on_member_updated(), private.on_member_deleted(), private.on_key_changed(), private.on_key_updated(), private.on_organization_updated(), private.on_chunks_changed();
drop table private.pending_events, private.event_counters, private.switches, public.organization_events;
drop function private.flush_events(), private.publish_events(uuid, bigint), private.is_event_kind(text);
";
