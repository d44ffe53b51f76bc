//! What the server asks before anybody has a tenant: who this is, what happened, where a chunk goes, which report is shared.

pub(super) const API: &str = r"
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
