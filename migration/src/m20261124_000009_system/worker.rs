//! What the worker does across organizations: taking an analysis up and ending it, and what the sweeps find and remove.

pub(super) const WORKER: &str = r"
-- Takes an analysis up. Answers nothing when there is nothing to do (finished, cancelled, gone), and the seconds to wait when
-- another attempt's lease is still alive. `crashes`: attempts since it was queued that ended without a word, this one not counted;
-- the queue gives such a try back, so somebody has to count.
create function private.begin_analysis(analysis uuid, worker_name text, lease_seconds integer)
returns table (attempt integer, lease uuid, organization_id uuid, session_id uuid, wait_seconds double precision, crashes bigint) language plpgsql security definer set search_path = '' as $$
declare
  found_row public.analysis_results;
begin
  select * into found_row from public.analysis_results a where a.id = analysis for update;
  if not found or found_row.status not in ('queued', 'processing') then
    return;
  end if;
  if found_row.status = 'processing' and found_row.lease_expires_at > clock_timestamp() then
    return query select found_row.attempt, null::uuid, found_row.organization_id, found_row.session_id, extract(epoch from found_row.lease_expires_at - clock_timestamp())::double precision, 0::bigint;
    return;
  end if;
  -- Whoever held it before is gone without a word.
  update public.analysis_attempts t set ended_at = coalesce(t.ended_at, now()), error_code = coalesce(t.error_code, 'worker_crashed'), message = coalesce(t.message, 'the worker ended without a word')
   where t.analysis_id = analysis and t.ended_at is null;
  update public.analysis_results a set status = 'processing', stage = case when a.stage = 'done' then 'waiting' else a.stage end, attempt = a.attempt + 1, lease_token = gen_random_uuid(),
         lease_expires_at = clock_timestamp() + make_interval(secs => lease_seconds), processing_started_at = coalesce(a.processing_started_at, now())
   where a.id = analysis
  returning a.attempt, a.lease_token, a.organization_id, a.session_id, 0 into attempt, lease, organization_id, session_id, wait_seconds;
  select count(*) into crashes from public.analysis_attempts t where t.analysis_id = analysis and t.error_code = 'worker_crashed' and t.started_at >= found_row.queued_at;
  update public.recording_sessions s set status = 'processing' where s.id = found_row.session_id and s.status in ('completed', 'failed');
  insert into public.analysis_attempts (organization_id, session_id, analysis_id, number, worker)
    values (found_row.organization_id, found_row.session_id, analysis, (select coalesce(max(t.number), 0) + 1 from public.analysis_attempts t where t.analysis_id = analysis), worker_name);
  return next;
end $$;

-- Keeps the lease alive. `alive` false: lost, stop; `cancelled` true: somebody asked to stop.
create function private.renew_lease(analysis uuid, lease uuid, lease_seconds integer) returns table (alive boolean, cancelled boolean) language plpgsql security definer set search_path = '' as $$
begin
  return query
    with renewed as (
      update public.analysis_results a set lease_expires_at = clock_timestamp() + make_interval(secs => lease_seconds)
       where a.id = analysis and a.lease_token = lease and a.status is not distinct from 'processing' and a.lease_expires_at > clock_timestamp()
      returning a.cancel_requested_at)
    select exists (select from renewed), coalesce((select cancel_requested_at is not null from renewed), false);
end $$;

-- Gives a job back unfinished (shutdown): queued again at once, and the attempt does not count against the file.
create function private.hand_back_analysis(analysis uuid, lease uuid) returns boolean language plpgsql security definer set search_path = '' as $$
begin
  update public.analysis_attempts t set ended_at = now(), message = 'handed back at shutdown'
    from public.analysis_results a where a.id = analysis and a.lease_token = lease and t.analysis_id = a.id and t.ended_at is null;
  update public.analysis_results a set status = 'queued', stage = 'waiting', lease_token = null, lease_expires_at = null where a.id = analysis and a.lease_token = lease and a.status = 'processing';
  return found;
end $$;

-- Fails one analysis from outside a job: its job is exhausted or vanished.
create function private.fail_analysis(analysis uuid, code text, sentence text) returns boolean language plpgsql security definer set search_path = '' as $$
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

-- What the sweeps look for, across organizations; each is then handled in a transaction of its own.
create function private.stale_analyses(most integer) returns table (id uuid, organization_id uuid, status text, attempt integer, queued_at timestamptz) language sql stable security definer set search_path = '' as $$
  select a.id, a.organization_id, a.status, a.attempt, a.queued_at from public.analysis_results a
   where a.status = 'queued' or (a.status = 'processing' and a.lease_expires_at <= clock_timestamp())
   order by a.queued_at limit most
$$;

create function private.idle_sessions(idle_since timestamptz, most integer) returns table (id uuid, organization_id uuid) language sql stable security definer set search_path = '' as $$
  select s.id, s.organization_id from public.recording_sessions s
   where s.status = 'recording' and coalesce(s.last_chunk_at, s.created_at) < idle_since order by coalesce(s.last_chunk_at, s.created_at) limit most
$$;

-- Closes an idle session with its contiguous chunks; fails it only when its beginning is missing. Answers the chunk count.
create function private.close_idle_session(recording uuid, idle_since timestamptz) returns integer language plpgsql security definer set search_path = '' as $$
declare
  contiguous integer;
begin
  perform from public.recording_sessions s where s.id = recording and s.status = 'recording' and coalesce(s.last_chunk_at, s.created_at) < idle_since for update;
  if not found then
    return null;
  end if;
  select count(*) into contiguous from (
    select c.chunk_index, row_number() over (order by c.chunk_index) - 1 as expected from public.video_chunks c where c.session_id = recording and c.upload_status = 'completed') n
   where n.chunk_index = n.expected;
  if contiguous = 0 then
    update public.recording_sessions set status = 'failed', error_message = 'the beginning of the recording never arrived', finished_at = now(), truncated = true where id = recording;
  else
    update public.recording_sessions s set status = 'processing', chunk_count = contiguous, truncated = true, finished_at = now(),
      file_size_bytes = (select coalesce(sum(c.file_size_bytes), 0) from public.video_chunks c where c.session_id = recording and c.upload_status = 'completed' and c.chunk_index < contiguous)
     where s.id = recording;
    insert into public.analysis_results (session_id, organization_id) select s.id, s.organization_id from public.recording_sessions s where s.id = recording;
  end if;
  -- What came after the gap belongs to no recording any more.
  with beyond as (
    delete from public.video_chunks c where c.session_id = recording and c.chunk_index >= contiguous returning c.organization_id, c.file_path)
  insert into public.object_deletions (organization_id, object_key) select organization_id, file_path from beyond where file_path is not null;
  return contiguous;
end $$;

-- Chunks announced, begun or failed, and left alone.
create function private.abandoned_chunks(untouched_since timestamptz, most integer) returns table (id uuid, organization_id uuid, file_path text) language sql stable security definer set search_path = '' as $$
  select c.id, c.organization_id, c.file_path from public.video_chunks c where c.upload_status in ('pending', 'uploading', 'failed') and c.updated_at < untouched_since order by c.updated_at limit most
$$;

create function private.drop_abandoned_chunk(chunk uuid, untouched_since timestamptz) returns boolean language plpgsql security definer set search_path = '' as $$
begin
  with dropped as (
    delete from public.video_chunks c where c.id = chunk and c.upload_status in ('pending', 'uploading', 'failed') and c.updated_at < untouched_since returning c.organization_id, c.file_path)
  insert into public.object_deletions (organization_id, object_key) select organization_id, file_path from dropped where file_path is not null;
  return found;
end $$;

-- Objects whose rows are gone. Chunks, and whatever lies below a prefix, are deleted twice: at once, and again when no address to
-- put them to is good any more (an hour, and a few minutes for what is under way), since until then somebody may still store one.
-- Frames and reports have no such address, and a job that is repeated writes them anew under the same key: once is all.
create function private.due_object_deletions(most integer) returns table (id uuid, organization_id uuid, object_key text, is_prefix boolean) language sql volatile security definer set search_path = '' as $$
  update public.object_deletions d set attempts = d.attempts + 1
   where d.id in (select o.id from public.object_deletions o where o.due_at <= now() order by o.attempts, o.created_at limit most for update skip locked)
  returning d.id, d.organization_id, d.object_key, d.is_prefix
$$;
create function private.object_deleted(deletion uuid) returns void language plpgsql volatile security definer set search_path = '' as $$
begin
  delete from public.object_deletions where id = deletion and (created_at < now() - interval '70 minutes' or not (is_prefix or position('/chunks/' in object_key) > 0));
  update public.object_deletions set due_at = created_at + interval '71 minutes', attempts = 0 where id = deletion;
end $$;

-- Events older than their retention; the newest of each organization stays, so that a position can be judged.
create function private.forget_events(older_than timestamptz) returns bigint language plpgsql security definer set search_path = '' as $$
declare
  forgotten bigint;
begin
  delete from public.organization_events e using private.event_counters c
   where c.organization_id = e.organization_id and e.at < older_than and e.sequence < c.last_sequence;
  get diagnostics forgotten = row_count;
  delete from public.idempotency_keys where created_at < now() - interval '24 hours';
  return forgotten;
end $$;

-- Videos, frames and raw replies past their retention: the stricter of session and organization wins. What is kept counts
-- from the end of the recording, a reply from when it came.
create function private.due_retention(at timestamptz, most integer) returns table (session_id uuid, organization_id uuid, video_due boolean, frames_due boolean, raw_replies_due boolean) language sql stable security definer set search_path = '' as $$
  select * from (
    select s.id, s.organization_id,
           s.video_deleted_at is null and (s.finished_at < at - make_interval(days => least(o.retention_video_days, coalesce((s.privacy_settings ->> 'retain_video_days')::integer, o.retention_video_days)))
             or (o.delete_video_after_analysis and exists (select from public.analysis_results c where c.session_id = s.id and c.is_current))) as video,
           -- An analysis that failed may have stored frames that no row names.
           s.finished_at < at - make_interval(days => o.retention_frame_days) and (exists (select from public.analysis_frames f where f.session_id = s.id and f.organization_id = s.organization_id)
             or exists (select from public.analysis_results a where a.session_id = s.id and a.organization_id = s.organization_id and a.status = 'failed' and a.attempt > 0
                  and (s.frames_deleted_at is null or a.processing_completed_at > s.frames_deleted_at))) as frames,
           o.retention_raw_reply_days is not null and (
             exists (select from public.analysis_results a where a.session_id = s.id and a.organization_id = s.organization_id and a.raw_gpt_response is not null
               and a.processing_completed_at < at - make_interval(days => o.retention_raw_reply_days))
             or exists (select from public.model_requests m where m.session_id = s.id and m.organization_id = s.organization_id and m.reply is not null
               and m.created_at < at - make_interval(days => o.retention_raw_reply_days))) as replies
      from public.recording_sessions s join public.organizations o on o.id = s.organization_id
     where s.status <> 'recording' and not exists (select from public.analysis_results a where a.session_id = s.id and a.status in ('queued', 'processing'))) due
   where video or frames or replies limit most
$$;

create function private.apply_retention(recording uuid, video boolean, frames boolean, replies boolean, at timestamptz) returns integer language plpgsql security definer set search_path = '' as $$
declare
  s public.recording_sessions;
  gone_rows integer := 0;
  gone_objects integer := 0;
  gone_bytes bigint := 0;
  part_objects integer;
  part_bytes bigint;
begin
  select * into s from public.recording_sessions r where r.id = recording for update;
  if not found or exists (select from public.analysis_results a where a.session_id = recording and a.status in ('queued', 'processing')) then
    return 0;
  end if;
  if video and s.video_deleted_at is null then
    select count(*), coalesce(sum(c.file_size_bytes), 0) into part_objects, part_bytes from public.video_chunks c where c.session_id = recording and c.upload_status = 'completed';
    insert into public.object_deletions (organization_id, object_key, is_prefix) values (s.organization_id, 'organizations/' || s.organization_id || '/recordings/' || s.id || '/chunks', true);
    delete from public.video_chunks c where c.session_id = recording;
    update public.recording_sessions r set video_deleted_at = at where r.id = recording;
    insert into public.erasure_receipts (organization_id, subject_type, subject_id, reason, at, erased_rows, erased_objects, erased_bytes)
      values (s.organization_id, 'recording_session', recording, 'retention of video', at, part_objects, part_objects, part_bytes);
    gone_objects := gone_objects + part_objects;
  end if;
  if frames then
    select count(*), coalesce(sum(f.file_size_bytes), 0) into part_objects, part_bytes from public.analysis_frames f where f.session_id = recording;
    insert into public.object_deletions (organization_id, object_key, is_prefix)
      select a.organization_id, 'organizations/' || a.organization_id || '/recordings/' || a.session_id || '/analyses/' || a.id, true from public.analysis_results a where a.session_id = recording;
    delete from public.analysis_frames f where f.session_id = recording;
    update public.recording_sessions r set frames_deleted_at = at where r.id = recording;
    insert into public.erasure_receipts (organization_id, subject_type, subject_id, reason, at, erased_rows, erased_objects, erased_bytes)
      values (s.organization_id, 'recording_session', recording, 'retention of frames', at, part_objects, part_objects, part_bytes);
    gone_objects := gone_objects + part_objects;
  end if;
  if replies then
    update public.analysis_results a set raw_gpt_response = null from public.organizations o
     where a.session_id = recording and o.id = a.organization_id and a.raw_gpt_response is not null and a.processing_completed_at < at - make_interval(days => o.retention_raw_reply_days);
    get diagnostics gone_rows = row_count;
    update public.model_requests m set reply = null from public.organizations o
     where m.session_id = recording and o.id = m.organization_id and m.reply is not null and m.created_at < at - make_interval(days => o.retention_raw_reply_days);
    get diagnostics part_objects = row_count;
    insert into public.erasure_receipts (organization_id, subject_type, subject_id, reason, at, erased_rows, erased_objects, erased_bytes)
      values (s.organization_id, 'recording_session', recording, 'retention of raw replies', at, gone_rows + part_objects, 0, 0);
  end if;
  insert into public.audit_log (organization_id, at, actor_system, action, subject_type, subject_id, changed_fields)
    values (s.organization_id, at, 'sweep', 'recording_session.retention', 'recording_session', recording,
      array_remove(array[case when video then 'video' end, case when frames then 'frames' end, case when replies then 'raw_replies' end], null));
  return gone_objects;
end $$;

-- Organizations whose deletion was asked for before that, and erasing one: everything but its receipts and its audit log.
create function private.due_erasures(asked_before timestamptz, most integer) returns table (id uuid) language sql stable security definer set search_path = '' as $$
  select o.id from public.organizations o where o.deletion_requested_at < asked_before order by o.deletion_requested_at limit most
$$;

create function private.erase_organization(organization uuid, asked_before timestamptz, at timestamptz) returns boolean language plpgsql security definer set search_path = '' as $$
declare
  gone_rows bigint;
  gone_objects bigint;
  gone_bytes bigint;
begin
  -- Undone, or erased by another sweep, in the meantime.
  perform from public.organizations o where o.id = organization and o.deletion_requested_at < asked_before for update;
  if not found then
    return false;
  end if;
  select 1 + (select count(*) from public.user_profiles t where t.organization_id = organization) + (select count(*) from public.recording_sessions t where t.organization_id = organization)
           + (select count(*) from public.video_chunks t where t.organization_id = organization) + (select count(*) from public.analysis_results t where t.organization_id = organization)
           + (select count(*) from public.analysis_frames t where t.organization_id = organization) + (select count(*) from public.generated_reports t where t.organization_id = organization)
           + (select count(*) from public.automation_opportunities t where t.organization_id = organization) + (select count(*) from public.cost_analyses t where t.organization_id = organization),
         (select count(*) from public.video_chunks t where t.organization_id = organization and t.upload_status = 'completed') + (select count(*) from public.analysis_frames t where t.organization_id = organization)
           + (select count(*) from public.generated_reports t where t.organization_id = organization and t.file_url is not null),
         (select coalesce(sum(t.file_size_bytes), 0) from public.video_chunks t where t.organization_id = organization and t.upload_status = 'completed')
           + (select coalesce(sum(t.file_size_bytes), 0) from public.analysis_frames t where t.organization_id = organization)
           + (select coalesce(sum(t.file_size_bytes), 0) from public.generated_reports t where t.organization_id = organization)
    into gone_rows, gone_objects, gone_bytes;
  insert into public.object_deletions (organization_id, object_key, is_prefix) values (organization, 'organizations/' || organization, true);
  delete from public.organizations o where o.id = organization;
  insert into public.erasure_receipts (organization_id, subject_type, subject_id, reason, at, erased_rows, erased_objects, erased_bytes)
    values (organization, 'organization', organization, 'organization deleted', at, least(gone_rows, 2147483647), least(gone_objects, 2147483647), gone_bytes);
  insert into public.audit_log (organization_id, at, actor_system, action, subject_type, subject_id) values (organization, at, 'sweep', 'organization.erase', 'organization', organization);
  return true;
end $$;

-- The platform operator takes a deletion back while there is something to take back. Nobody but the owner may call it.
create function private.undo_organization_deletion(organization uuid, why text) returns boolean language plpgsql security definer set search_path = '' as $$
begin
  update public.organizations o set deletion_requested_at = null where o.id = organization and o.deletion_requested_at is not null;
  if not found then
    return false;
  end if;
  insert into public.audit_log (organization_id, actor_system, action, subject_type, subject_id, reason, changed_fields)
    values (organization, 'operator', 'organization.undelete', 'organization', organization, why, array['deletion_requested_at']);
  return true;
end $$;
";
