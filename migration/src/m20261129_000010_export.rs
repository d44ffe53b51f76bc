//! Exports of a person's or of an organization's data: asked for by a member, made by a worker that reads as that member while it
//! holds the lease, kept for a day.

use crate::support::{step, tenant_tables};

step!(up: [TABLE, &tenant_tables(&[("data_exports", true)]), LEAVING, MEMBER, WORKER], down: DOWN);

const TABLE: &str = r"
create table public.data_exports (
  id uuid primary key default gen_random_uuid(),
  organization_id uuid not null references public.organizations (id) on delete cascade,
  -- Whose data; null for the organization's.
  subject_user_id uuid,
  requested_by uuid not null,
  status text not null default 'queued' constraint data_exports_status check (status in ('queued', 'generating', 'ready', 'failed')),
  progress double precision not null default 0 constraint data_exports_progress check (private.is_share(progress)),
  error_message text,
  -- The archive's key in storage; each attempt has a folder of its own.
  file_path text,
  file_size_bytes bigint constraint data_exports_size check (file_size_bytes >= 0),
  expires_at timestamptz,
  attempt integer not null default 0,
  lease_token uuid,
  lease_expires_at timestamptz,
  created_at timestamptz not null default now(),
  updated_at timestamptz not null default now(),
  unique (organization_id, id),
  foreign key (organization_id, subject_user_id) references public.user_profiles (organization_id, id) on delete cascade,
  foreign key (organization_id, requested_by) references public.user_profiles (organization_id, id) on delete cascade
);
create index data_exports_requested_by on public.data_exports (organization_id, requested_by, created_at desc, id desc);
create index data_exports_subject on public.data_exports (organization_id, subject_user_id);
create index data_exports_waiting on public.data_exports (created_at) where status in ('queued', 'generating');
create index data_exports_expires on public.data_exports (expires_at) where expires_at is not null;
-- Who asks again while one is being made is given that one.
create unique index data_exports_once on public.data_exports (organization_id, requested_by, coalesce(subject_user_id, organization_id)) where status in ('queued', 'generating');
";

const LEAVING: &str = r"
-- An archive that no row names any more is deleted: as a prefix, for a killed worker leaves half of one, and twice, for one that has
-- lost its lease may complete it after its row is gone.
create function private.leave_archive() returns trigger language plpgsql security definer set search_path = '' as $$
begin
  insert into public.object_deletions (organization_id, object_key, is_prefix) values (old.organization_id, left(old.file_path, -length('/export.zip')), true);
  return null;
end $$;
create trigger data_exports_leave after delete on public.data_exports for each row when (old.file_path is not null) execute function private.leave_archive();
create trigger data_exports_replace after update of file_path on public.data_exports for each row
  when (old.file_path is not null and old.file_path is distinct from new.file_path) execute function private.leave_archive();

-- One at a time, for each organization: asking for an export, ending one, and erasing what one may hold. Who asks while something is
-- being erased waits, and his export reads what is left.
create function private.lock_exports(organization uuid) returns void language plpgsql volatile security definer set search_path = '' as $$
begin
  perform pg_advisory_xact_lock(hashtext('newsystem.exports'), hashtext(organization::text));
end $$;
create function private.wait_for_erasure() returns trigger language plpgsql security definer set search_path = '' as $$
begin
  perform private.lock_exports(new.organization_id);
  return new;
end $$;
create trigger data_exports_wait before insert on public.data_exports for each row execute function private.wait_for_erasure();

-- Erasing a recording, or a person, reaches the archives that hold it: made ones fail, one in the making is made anew, and those that
-- wait hold nothing yet. Retention does not: an archive lives for a day.
create function private.erase_archives() returns trigger language plpgsql security definer set search_path = '' as $$
declare
  organization uuid;
begin
  for organization in select distinct e.organization_id from erased e loop
    perform private.lock_exports(organization);
    -- A person's own exports went with the person, whose row has no user_id: those of the organization are left.
    update public.data_exports e set status = case e.status when 'ready' then 'failed' else 'queued' end, progress = 0, file_path = null, file_size_bytes = null, expires_at = null, lease_token = null, lease_expires_at = null,
           error_message = case e.status when 'ready' then tg_argv[0] || ': export anew' end
     where e.organization_id = organization and e.status in ('generating', 'ready')
       and (e.subject_user_id is null or e.subject_user_id in (select (to_jsonb(r) ->> 'user_id')::uuid from erased r where r.organization_id = organization));
  end loop;
  return null;
end $$;
create trigger recording_sessions_erase_archives after delete on public.recording_sessions referencing old table as erased for each statement execute function private.erase_archives('a recording in it was erased');
create trigger user_profiles_erase_archives after delete on public.user_profiles referencing old table as erased for each statement execute function private.erase_archives('a person in it was removed');
";

const MEMBER: &str = r"
-- Whom the worker in hand reads as. Everything that asks who is asking comes here, for every connection of the worker's login.
create function private.export_claims() returns jsonb language plpgsql stable security definer set search_path = '' as $$
declare
  job jsonb := private.job();
begin
  if job ->> 'kind' is distinct from 'export' then
    return null;
  end if;
  return (select jsonb_build_object('sub', e.requested_by, 'role', 'authenticated') from public.data_exports e
   where e.id = (job ->> 'id')::uuid and e.status = 'generating' and e.attempt = (job ->> 'attempt')::integer
     and e.lease_token = (job ->> 'lease')::uuid and e.lease_expires_at > clock_timestamp());
end $$;

revoke execute on function private.leave_archive(), private.erase_archives(), private.lock_exports(uuid), private.wait_for_erasure(), private.export_claims() from public, anon, authenticated, service_role;
-- Whoever's statements a trigger or a check of the worker runs in asks who is asking.
grant execute on function private.export_claims() to newsystem_export, newsystem_job;

grant select (id, organization_id, subject_user_id, requested_by, status, progress, error_message, file_path, file_size_bytes, expires_at, created_at, updated_at)
  on public.data_exports to newsystem_member, newsystem_export, authenticated;
grant insert (id, organization_id, subject_user_id, requested_by, created_at) on public.data_exports to newsystem_member;
-- People export their own data, admins and owners a member's, owners the organization's; and what they may not have any more they do not see.
create policy data_exports_read on public.data_exports for select to newsystem_member, newsystem_export, authenticated
  using (organization_id = (select private.organization_id()) and requested_by = (select private.user_id()) and (case when subject_user_id is null then (select private.is_owner()) else subject_user_id = (select private.user_id()) or (select private.is_managing_person()) end));
create policy data_exports_add on public.data_exports for insert to newsystem_member
  with check (organization_id = (select private.organization_id()) and requested_by = (select private.user_id()) and (case when subject_user_id is null then (select private.is_owner()) else subject_user_id = (select private.user_id()) or (select private.is_managing_person()) end));
";

const WORKER: &str = r"
-- Takes an export up. Answers nothing when there is nothing to do, and the seconds to wait while another attempt's lease is alive.
-- The role and the state of the organization say what the person may have now.
create function private.begin_export(export uuid, lease_seconds integer)
returns table (attempt integer, lease uuid, organization_id uuid, requested_by uuid, subject_user_id uuid, file_path text, role text, subscription_status text, deletion_requested boolean, wait_seconds double precision)
language plpgsql security definer set search_path = '' as $$
#variable_conflict use_column
declare
  e public.data_exports;
begin
  select * into e from public.data_exports x where x.id = export for update;
  if not found or e.status not in ('queued', 'generating') then
    return;
  end if;
  if e.status = 'generating' and e.lease_expires_at > clock_timestamp() then
    return query select e.attempt, null::uuid, e.organization_id, e.requested_by, e.subject_user_id, null::text, null::text, null::text, null::boolean,
      extract(epoch from e.lease_expires_at - clock_timestamp())::double precision;
    return;
  end if;
  return query
    with taken as (
      update public.data_exports x set status = 'generating', progress = 0, attempt = x.attempt + 1, lease_token = gen_random_uuid(), lease_expires_at = clock_timestamp() + make_interval(secs => lease_seconds),
             file_path = 'organizations/' || x.organization_id || '/exports/' || x.id || '/' || (x.attempt + 1) || '/export.zip'
       where x.id = export
      returning x.*)
    select t.attempt, t.lease_token, t.organization_id, t.requested_by, t.subject_user_id, t.file_path, p.role, o.subscription_status, o.deletion_requested_at is not null, 0::double precision
      from taken t join public.user_profiles p on p.id = t.requested_by join public.organizations o on o.id = t.organization_id;
end $$;

-- Keeps the lease alive and says how far it is. False: it is lost, stop.
create function private.renew_export(export uuid, lease uuid, lease_seconds integer, share double precision) returns boolean language plpgsql security definer set search_path = '' as $$
begin
  update public.data_exports e set lease_expires_at = clock_timestamp() + make_interval(secs => lease_seconds), progress = greatest(e.progress, share)
   where e.id = export and e.lease_token = lease and e.status = 'generating' and e.lease_expires_at > clock_timestamp();
  return found;
end $$;

-- How it ended: ready with its size, failed with a sentence, or queued again. False where the lease is lost, for then it is another's to say.
-- Once there is a new archive, the same person's older one of the same goes.
create function private.end_export(export uuid, lease uuid, outcome text, sentence text, bytes bigint, expires timestamptz) returns boolean language plpgsql security definer set search_path = '' as $$
declare
  ended public.data_exports;
begin
  if outcome not in ('ready', 'failed', 'queued') then
    raise invalid_parameter_value using message = 'an export ends ready, failed or queued';
  end if;
  perform private.lock_exports(e.organization_id) from public.data_exports e where e.id = export;
  update public.data_exports e set status = outcome, error_message = sentence, file_size_bytes = bytes, expires_at = expires, lease_token = null, lease_expires_at = null,
         progress = case outcome when 'ready' then 1 else 0 end, file_path = case outcome when 'ready' then e.file_path end
   where e.id = export and e.lease_token = lease and e.status = 'generating' and e.lease_expires_at > clock_timestamp()
  returning * into ended;
  if ended.id is null then
    return false;
  end if;
  if outcome = 'ready' then
    delete from public.data_exports e where e.organization_id = ended.organization_id and e.requested_by = ended.requested_by and e.subject_user_id is not distinct from ended.subject_user_id
       and e.id <> ended.id and e.status in ('ready', 'failed');
  end if;
  return true;
end $$;

-- What a sweep looks for: exports that wait, or whose worker died.
create function private.stale_exports(most integer) returns table (id uuid, attempt integer) language plpgsql stable security definer set search_path = '' as $$
#variable_conflict use_column
begin
  return query select e.id, e.attempt from public.data_exports e
   where e.status = 'queued' or (e.status = 'generating' and e.lease_expires_at <= clock_timestamp()) order by e.created_at limit most;
end $$;

create function private.fail_export(export uuid, sentence text) returns boolean language plpgsql security definer set search_path = '' as $$
begin
  update public.data_exports e set status = 'failed', error_message = sentence, file_path = null, lease_token = null, lease_expires_at = null
   where e.id = export and (e.status = 'queued' or (e.status = 'generating' and e.lease_expires_at <= clock_timestamp()));
  return found;
end $$;

-- Archives whose day is over, and what failed longer ago than that.
create function private.forget_exports(at timestamptz) returns bigint language plpgsql security definer set search_path = '' as $$
declare
  forgotten bigint;
begin
  delete from public.data_exports x where x.id in (
    select e.id from public.data_exports e where e.expires_at <= at or (e.status = 'failed' and e.updated_at <= at - interval '1 day') for update skip locked);
  get diagnostics forgotten = row_count;
  return forgotten;
end $$;

revoke execute on function private.begin_export(uuid, integer), private.renew_export(uuid, uuid, integer, double precision), private.end_export(uuid, uuid, text, text, bigint, timestamptz),
  private.stale_exports(integer), private.fail_export(uuid, text), private.forget_exports(timestamptz) from public, anon, authenticated, service_role;
grant execute on function private.begin_export(uuid, integer), private.renew_export(uuid, uuid, integer, double precision), private.end_export(uuid, uuid, text, text, bigint, timestamptz),
  private.stale_exports(integer), private.fail_export(uuid, text), private.forget_exports(timestamptz) to newsystem_worker;
";

const DOWN: &str = r"
drop trigger recording_sessions_erase_archives on public.recording_sessions;
drop trigger user_profiles_erase_archives on public.user_profiles;
drop table public.data_exports;
drop function private.forget_exports(timestamptz), private.fail_export(uuid, text), private.stale_exports(integer), private.end_export(uuid, uuid, text, text, bigint, timestamptz),
  private.renew_export(uuid, uuid, integer, double precision), private.begin_export(uuid, integer), private.export_claims(), private.erase_archives(), private.wait_for_erasure(), private.lock_exports(uuid), private.leave_archive();
";
