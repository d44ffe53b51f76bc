//! What happens outside a tenant: the short list of definer functions that a login role may call, and nothing else.
//! A test reads this list back from the catalogue.

use crate::support::step;

step!(up: [PLATFORM, API, MEMBERSHIP, WORKER, QUEUE], down: DOWN);

const PLATFORM: &str = r"
-- What the platform's operator set for everybody (`newsystem admin`): one row, of which the server and the worker see what
-- functions tell.
create table private.platform (
  singleton boolean primary key default true constraint platform_one_row check (singleton),
  remote_analysis_stopped_at timestamptz
);
insert into private.platform default values;
revoke all on private.platform from public;

-- Is everything that would leave the house stopped, whatever organizations allow?
create function private.remote_analysis_stopped() returns boolean language plpgsql stable security definer set search_path = '' as $$
begin
  return exists (select from private.platform where remote_analysis_stopped_at is not null);
end $$;
";

const API: &str = r"
-- Is this database migrated? For processes that are not the owner and must refuse pending steps.
create function private.applied_migrations() returns setof text language plpgsql stable security definer set search_path = '' as $$
begin
  return query execute 'select version::text from newsystem_migration.seaql_migrations order by version';
end $$;

-- Who is this? Also keeps the address that the token carries. Null when the person has no profile.
create function private.sign_in(person uuid, address text) returns table (organization_id uuid, role text, subscription_status text, deletion_requested boolean)
language plpgsql security definer set search_path = '' as $$
begin
  return query select p.organization_id, p.role, o.subscription_status, o.deletion_requested_at is not null
    from public.user_profiles p join public.organizations o on o.id = p.organization_id where p.id = person;
  if address is not null then
    update public.user_profiles p set email = address where p.id = person and p.email is distinct from address;
  end if;
end $$;

-- A partner's key by its hash. The last use is kept to the minute: a write per request would be the hottest row of all.
create function private.key_in(hash text) returns table (id uuid, organization_id uuid, role text, read_only boolean, expires_at timestamptz, subscription_status text, deletion_requested boolean)
language plpgsql security definer set search_path = '' as $$
begin
  return query select k.id, k.organization_id, k.role, k.read_only, k.expires_at, o.subscription_status, o.deletion_requested_at is not null
    from public.api_keys k join public.organizations o on o.id = k.organization_id
   where k.secret_sha256 = hash and k.revoked_at is null and (k.expires_at is null or k.expires_at > now());
  update public.api_keys k set last_used_at = now() where k.secret_sha256 = hash and (k.last_used_at is null or k.last_used_at < now() - interval '1 minute');
end $$;

-- The hub reads an organization's log on from a position; it holds no tenant, so it asks for one organization by name.
create function private.events_after(organization uuid, since bigint, most integer)
returns table (sequence bigint, kind text, subject_id uuid, from_status text, to_status text, actor_user_id uuid, actor_api_key_id uuid, at timestamptz)
language plpgsql stable security definer set search_path = '' as $$
#variable_conflict use_column
begin
  return query select e.sequence, e.kind, e.subject_id, e.from_status, e.to_status, e.actor_user_id, e.actor_api_key_id, e.at
    from public.organization_events e where e.organization_id = organization and e.sequence > since order by e.sequence limit most;
end $$;

-- The newest sequence (0 before the first event) and the oldest that is still kept (null when none is).
create function private.event_bounds(organization uuid) returns table (oldest bigint, newest bigint)
language plpgsql stable security definer set search_path = '' as $$
#variable_conflict use_column
begin
  return query select (select min(e.sequence) from public.organization_events e where e.organization_id = organization),
         coalesce((select c.last_sequence from private.event_counters c where c.organization_id = organization), 0);
end $$;

-- Which of these organizations have moved on: one read for all of them, after a gap in the listening.
create function private.event_positions(organizations uuid[]) returns table (organization_id uuid, newest bigint)
language plpgsql stable security definer set search_path = '' as $$
#variable_conflict use_column
begin
  return query select c.organization_id, c.last_sequence from private.event_counters c where c.organization_id = any (organizations);
end $$;

-- What the hub shows of a running analysis and of an upload under way: numbers and states, read once for all who watch. `newest` is the
-- organization's position in the same snapshot, so that the reader knows which events the state contains already.
create function private.analysis_progress(organization uuid, analysis uuid) returns table (session_id uuid, status text, stage text, progress double precision, frames_done integer, frames_total integer, message text, at timestamptz, newest bigint)
language plpgsql stable security definer set search_path = '' as $$
#variable_conflict use_column
begin
  return query select a.session_id, a.status, a.stage, a.progress, a.frames_done, a.frames_total, a.progress_message, a.updated_at,
         coalesce((select c.last_sequence from private.event_counters c where c.organization_id = organization), 0)
    from public.analysis_results a where a.organization_id = organization and a.id = analysis;
end $$;
create function private.upload_progress(organization uuid, recording uuid) returns table (completed bigint, failed bigint, total integer, bytes bigint, at timestamptz)
language plpgsql stable security definer set search_path = '' as $$
#variable_conflict use_column
begin
  return query select count(c.id) filter (where c.upload_status = 'completed'), count(c.id) filter (where c.upload_status = 'failed'), s.chunk_count,
         coalesce(sum(c.file_size_bytes) filter (where c.upload_status = 'completed'), 0)::bigint, greatest(s.updated_at, max(c.updated_at))
    from public.recording_sessions s left join public.video_chunks c on c.organization_id = s.organization_id and c.session_id = s.id
   where s.organization_id = organization and s.id = recording group by s.id;
end $$;

-- What these people and keys may do now: for sockets that stayed open while doorbells may have been missed. Who is absent may nothing.
create function private.callers_now(callers uuid[]) returns table (id uuid, organization_id uuid, role text, read_only boolean, subscription_status text, deletion_requested boolean)
language plpgsql stable security definer set search_path = '' as $$
#variable_conflict use_column
begin
  return query select p.id, p.organization_id, p.role, false, o.subscription_status, o.deletion_requested_at is not null
    from public.user_profiles p join public.organizations o on o.id = p.organization_id where p.id = any (callers)
  union all
  select k.id, k.organization_id, k.role, k.read_only, o.subscription_status, o.deletion_requested_at is not null
    from public.api_keys k join public.organizations o on o.id = k.organization_id
   where k.id = any (callers) and k.revoked_at is null and (k.expires_at is null or k.expires_at > now());
end $$;

-- A chunk behind a signed address: the address is the permission, so nobody is signed in.
create function private.chunk_upload(chunk uuid) returns table (organization_id uuid, session_id uuid, chunk_index integer, file_size_bytes bigint, sha256 text, content_type text, upload_status text, file_path text, session_status text)
language plpgsql stable security definer set search_path = '' as $$
#variable_conflict use_column
begin
  return query select c.organization_id, c.session_id, c.chunk_index, c.file_size_bytes, c.sha256, c.content_type, c.upload_status, c.file_path, s.status
    from public.video_chunks c join public.recording_sessions s on s.id = c.session_id where c.id = chunk;
end $$;

-- Records what became of a PUT to a signed address. False when the chunk is gone, was announced anew, or is already stored.
create function private.record_upload(chunk uuid, hash text, outcome text, message text) returns boolean
language plpgsql security definer set search_path = '' as $$
begin
  if outcome not in ('uploading', 'failed') then
    raise invalid_parameter_value using message = 'an upload is uploading or failed; completing it is the caller''s act';
  end if;
  update public.video_chunks set upload_status = outcome, error_message = message, retry_count = retry_count + (outcome = 'failed')::integer
   where id = chunk and sha256 = hash and upload_status <> 'completed';
  return found;
end $$;

-- A shared report by its link's hash; counts the download in the same statement that checks the link.
create function private.open_report_link(hash text) returns table (organization_id uuid, report_id uuid, link_id uuid, file_url text, report_type text, include_frames boolean)
language plpgsql security definer set search_path = '' as $$
begin
  return query
    with opened as (
      update public.report_links l set download_count = l.download_count + 1
        from public.generated_reports r
       where l.token_sha256 = hash and l.revoked_at is null and l.expires_at > now() and r.id = l.report_id and r.is_public and r.status = 'ready'
      returning l.organization_id, l.report_id, l.id, r.file_url, r.report_type, l.include_frames)
    select * from opened;
  update public.generated_reports r set download_count = r.download_count + 1 from public.report_links l where l.token_sha256 = hash and r.id = l.report_id and l.revoked_at is null and l.expires_at > now() and r.is_public and r.status = 'ready';
end $$;

-- One lock per organization for everything that is counted against a limit; held until the transaction ends.
create function private.lock_quota() returns void language plpgsql volatile security definer set search_path = '' as $$
begin
  perform pg_advisory_xact_lock(hashtext('newsystem.quota'), hashtext(private.organization_id()::text));
end $$;
";

const MEMBERSHIP: &str = r"
-- A signed-in person without a profile founds an organization and owns it.
create function private.create_organization(organization uuid, person uuid, address text, organization_name text, organization_currency text, organization_locale text, organization_time_zone text,
  first text, last text, job text, once_key text, once_sha256 text, at timestamptz) returns void language plpgsql security definer set search_path = '' as $$
begin
  perform pg_advisory_xact_lock(hashtext('newsystem.person'), hashtext(person::text));
  if exists (select from public.user_profiles where id = person) then
    raise unique_violation using message = 'the person already belongs to an organization', constraint = 'user_profiles_one_organization';
  end if;
  insert into public.organizations (id, name, currency, locale, time_zone) values (organization, organization_name, organization_currency, organization_locale, organization_time_zone);
  insert into public.user_profiles (id, organization_id, role, email, first_name, last_name, job_title) values (person, organization, 'owner', address, first, last, job);
  if once_key is not null then
    insert into public.idempotency_keys (organization_id, actor_id, operation, key, request_sha256, subject_id, created_at) values (organization, person, 'createOrganization', once_key, once_sha256, organization, at);
  end if;
  insert into public.audit_log (organization_id, at, actor_user_id, action, subject_type, subject_id) values (organization, at, person, 'organization.create', 'organization', organization);
end $$;

-- Works once, before it expires, for the address that was invited, while the organization has room.
create function private.accept_invitation(hash text, person uuid, address text, first text, last text, job text) returns uuid language plpgsql security definer set search_path = '' as $$
declare
  invitation public.invitations;
begin
  perform pg_advisory_xact_lock(hashtext('newsystem.person'), hashtext(person::text));
  if exists (select from public.user_profiles where id = person) then
    raise unique_violation using message = 'the person already belongs to an organization', constraint = 'user_profiles_one_organization';
  end if;
  select * into invitation from public.invitations where token_sha256 = hash and accepted_at is null and revoked_at is null and expires_at > now() and email = lower(address) for update;
  if not found then
    return null;
  end if;
  perform pg_advisory_xact_lock(hashtext('newsystem.quota'), hashtext(invitation.organization_id::text));
  if (select count(*) from public.user_profiles where organization_id = invitation.organization_id) >= (select max_users from public.organizations where id = invitation.organization_id) then
    raise check_violation using message = 'the organization has no room for another member', constraint = 'organizations_max_users_reached';
  end if;
  insert into public.user_profiles (id, organization_id, role, email, first_name, last_name, job_title) values (person, invitation.organization_id, invitation.role, address, first, last, job);
  update public.invitations set accepted_at = now() where id = invitation.id;
  insert into public.audit_log (organization_id, actor_user_id, action, subject_type, subject_id) values (invitation.organization_id, person, 'invitation.accept', 'invitation', invitation.id);
  return invitation.organization_id;
end $$;

-- Only an owner changes roles, never his own, and the last owner stays one.
create function private.set_member_role(member uuid, new_role text) returns boolean language plpgsql security definer set search_path = '' as $$
declare
  organization uuid := private.organization_id();
begin
  if not private.is_owner() or member = private.user_id() or not private.can_write() then
    raise insufficient_privilege using message = 'only an owner changes roles, and never his own';
  end if;
  perform pg_advisory_xact_lock(hashtext('newsystem.quota'), hashtext(organization::text));
  if new_role <> 'owner' and not exists (select from public.user_profiles where organization_id = organization and role = 'owner' and id <> member) then
    raise check_violation using message = 'the last owner cannot step down', constraint = 'user_profiles_last_owner';
  end if;
  update public.user_profiles set role = new_role where id = member and organization_id = organization;
  return found;
end $$;

-- An owner removes anyone, an admin removes operators, everyone may leave; the last owner stays.
create function private.remove_member(member uuid) returns boolean language plpgsql security definer set search_path = '' as $$
declare
  organization uuid := private.organization_id();
  leaving text;
begin
  perform pg_advisory_xact_lock(hashtext('newsystem.quota'), hashtext(organization::text));
  select role into leaving from public.user_profiles where id = member and organization_id = organization;
  if not found then
    return false;
  end if;
  if not coalesce(member = private.user_id() or private.is_owner() or (private.is_managing_person() and leaving = 'operator'), false) then
    raise insufficient_privilege using message = 'only an owner removes owners and admins';
  end if;
  if leaving = 'owner' and not exists (select from public.user_profiles where organization_id = organization and role = 'owner' and id <> member) then
    raise check_violation using message = 'the last owner cannot leave', constraint = 'user_profiles_last_owner';
  end if;
  delete from public.user_profiles where id = member and organization_id = organization;
  return true;
end $$;
";

const WORKER: &str = r"
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

const QUEUE: &str = r"
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

const DOWN: &str = r"
drop function private.enqueue_stale(text, uuid), private.stale_permission(text, uuid), private.job_state(text, uuid), private.add_job(text, uuid, uuid, integer), private.enqueue(text, uuid), private.enqueue_permission(text, uuid),
  private.undo_organization_deletion(uuid, text), private.erase_organization(uuid, timestamptz, timestamptz), private.due_erasures(timestamptz, integer), private.apply_retention(uuid, boolean, boolean, boolean, timestamptz), private.due_retention(timestamptz, integer), private.forget_events(timestamptz), private.object_deleted(uuid), private.due_object_deletions(integer),
  private.drop_abandoned_chunk(uuid, timestamptz), private.abandoned_chunks(timestamptz, integer), private.close_idle_session(uuid, timestamptz), private.idle_sessions(timestamptz, integer),
  private.stale_analyses(integer), private.fail_analysis(uuid, text, text), private.hand_back_analysis(uuid, uuid), private.renew_lease(uuid, uuid, integer), private.begin_analysis(uuid, text, integer),
  private.remove_member(uuid), private.set_member_role(uuid, text), private.accept_invitation(text, uuid, text, text, text, text), private.create_organization(uuid, uuid, text, text, text, text, text, text, text, text, text, text, timestamptz),
  private.lock_quota(), private.open_report_link(text), private.record_upload(uuid, text, text, text), private.chunk_upload(uuid), private.upload_progress(uuid, uuid), private.analysis_progress(uuid, uuid), private.callers_now(uuid[]), private.event_positions(uuid[]), private.event_bounds(uuid),
  private.events_after(uuid, bigint, integer), private.key_in(text), private.sign_in(uuid, text), private.applied_migrations(), private.remote_analysis_stopped();
drop table private.platform;
";
