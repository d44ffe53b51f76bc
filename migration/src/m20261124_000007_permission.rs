//! Who may do what: helpers bound to a job's lease, grants per column, policies per command, and the two guards that a
//! policy cannot express (which columns an update touches). The table behind it is docs/permissions.md.

use crate::support::step;

step!(up: [HELPERS, MEMBER, JOB, GUARDS], down: DOWN);

const HELPERS: &str = r"
create function private.own_sessions() returns setof uuid language plpgsql stable security definer set search_path = '' as $$
begin
  return query select id from public.recording_sessions
   where organization_id = private.organization_id()
     and (user_id = private.user_id() or api_key_id = private.api_key_id());
end $$;

-- May the caller erase? An inactive subscription may; a read-only key may not.
create function private.can_erase() returns boolean language plpgsql stable security definer set search_path = '' as $$
begin
  return private.organization_id() is not null
     and (private.api_key_id() is null or exists (select from public.api_keys where id = private.api_key_id() and not read_only));
end $$;

-- The job in hand: {kind, id, attempt, lease}. It answers only while that attempt holds a live lease: tenancy and fence in one.
create function private.job() returns jsonb language plpgsql stable set search_path = '' as $$
begin
  return nullif(current_setting('newsystem.job', true), '')::jsonb;
end $$;

create function private.job_analysis() returns uuid language plpgsql stable security definer set search_path = '' as $$
declare
  job jsonb := private.job();
begin
  return (select id from public.analysis_results
   where job ->> 'kind' = 'analysis' and id = (job ->> 'id')::uuid
     and status is not distinct from 'processing' and attempt = (job ->> 'attempt')::integer
     and lease_token = (job ->> 'lease')::uuid and lease_expires_at > clock_timestamp());
end $$;

create function private.job_report() returns uuid language plpgsql stable security definer set search_path = '' as $$
declare
  job jsonb := private.job();
begin
  return (select id from public.generated_reports
   where job ->> 'kind' = 'report' and id = (job ->> 'id')::uuid
     and status is not distinct from 'generating' and attempt = (job ->> 'attempt')::integer
     and lease_token = (job ->> 'lease')::uuid and lease_expires_at > clock_timestamp());
end $$;

create function private.job_session() returns uuid language plpgsql stable security definer set search_path = '' as $$
begin
  return coalesce(
    (select session_id from public.analysis_results where id = private.job_analysis()),
    (select session_id from public.generated_reports where id = private.job_report()));
end $$;

create function private.job_organization() returns uuid language plpgsql stable security definer set search_path = '' as $$
begin
  return coalesce(
    (select organization_id from public.analysis_results where id = private.job_analysis()),
    (select organization_id from public.generated_reports where id = private.job_report()));
end $$;

-- What the columns' grants withhold, for those who may see it.
create function private.session_people(ids uuid[]) returns table (session_id uuid, user_id uuid) language plpgsql stable security definer set search_path = '' as $$
#variable_conflict use_column
begin
  return query select s.id, s.user_id from public.recording_sessions s
   where s.id = any (ids) and s.organization_id = private.organization_id() and s.user_id is not null
     and (private.is_manager() or s.user_id = private.user_id());
end $$;

-- Which recordings show the same person, without saying whom: a person's day holds only so many hours, in sums that all
-- members see alike.
create function private.recorded_people() returns table (session_id uuid, person integer) language plpgsql stable security definer set search_path = '' as $$
#variable_conflict use_column
begin
  return query select s.id, dense_rank() over (order by s.user_id)::integer from public.recording_sessions s
   where s.organization_id = private.organization_id() and s.user_id is not null;
end $$;

create function private.sessions_of(person uuid) returns setof uuid language plpgsql stable security definer set search_path = '' as $$
begin
  return query select s.id from public.recording_sessions s
   where s.organization_id = private.organization_id() and s.user_id = person
     and (private.is_manager() or person = private.user_id());
end $$;

create function private.analysis_costs(ids uuid[]) returns table (analysis_id uuid, analysis_cost numeric, prompt_tokens bigint, completion_tokens bigint) language plpgsql stable security definer set search_path = '' as $$
#variable_conflict use_column
begin
  return query select a.id, a.analysis_cost, a.prompt_tokens, a.completion_tokens from public.analysis_results a
   where a.id = any (ids) and a.organization_id = private.organization_id() and private.is_manager();
end $$;

create function private.attempt_costs(ids uuid[]) returns table (attempt_id uuid, cost_usd numeric) language plpgsql stable security definer set search_path = '' as $$
#variable_conflict use_column
begin
  return query select a.id, a.cost_usd from public.analysis_attempts a
   where a.id = any (ids) and a.organization_id = private.organization_id() and private.is_manager();
end $$;

create function private.raw_replies(ids uuid[]) returns table (analysis_id uuid, raw_gpt_response jsonb) language plpgsql stable security definer set search_path = '' as $$
#variable_conflict use_column
begin
  return query select a.id, a.raw_gpt_response from public.analysis_results a
   where a.id = any (ids) and a.organization_id = private.organization_id()
     and (private.is_manager() or a.session_id in (select private.own_sessions()));
end $$;

revoke execute on all functions in schema private from public, anon, authenticated, service_role;
grant execute on function private.claims(), private.user_id(), private.api_key_id(), private.organization_id(), private.member_role(), private.is_manager(),
  private.is_owner(), private.is_managing_person(), private.can_write(), private.can_erase(), private.own_sessions(), private.session_people(uuid[]), private.sessions_of(uuid),
  private.analysis_costs(uuid[]), private.attempt_costs(uuid[]), private.raw_replies(uuid[]) to newsystem_member, newsystem_export, authenticated;
-- What the checks of a written row call.
grant execute on function private.is_share(double precision), private.is_workflow_category(text), private.is_analysis_stage(text), private.is_analysis_error_code(text)
  to newsystem_member, authenticated, newsystem_job;
grant execute on function private.is_object_of(uuid, text) to newsystem_member, newsystem_job;
grant execute on function private.recorded_people() to newsystem_member;
grant execute on function private.job(), private.job_analysis(), private.job_report(), private.job_session(), private.job_organization() to newsystem_job;
";

const MEMBER: &str = r"
-- Reading: members and, on a Supabase project, its own clients, under the same policies. Withheld columns are absent here.
grant select (id, name, subscription_tier, subscription_status, max_users, max_recordings_per_month, max_storage_bytes, max_recording_seconds, max_parallel_analyses,
  currency, locale, time_zone, remote_analysis_allowed, model_budget_monthly_usd, model_budget_per_analysis_usd, retention_video_days, retention_frame_days,
  retention_raw_reply_days, delete_video_after_analysis, roi_defaults, deletion_requested_at, created_at, updated_at)
  on public.organizations to newsystem_member, newsystem_export, authenticated;
grant select on public.user_profiles to newsystem_member, newsystem_export, authenticated;
grant select (id, organization_id, email, role, invited_by, expires_at, accepted_at, revoked_at, created_at, updated_at) on public.invitations to newsystem_member, newsystem_export, authenticated;
grant select (id, organization_id, name, role, read_only, prefix, created_by, last_used_at, expires_at, revoked_at, created_at, updated_at) on public.api_keys to newsystem_member, newsystem_export, authenticated;
grant select on public.recording_notices to newsystem_member, newsystem_export, authenticated;
grant select on public.audit_log, public.erasure_receipts to newsystem_member, newsystem_export, authenticated;
grant select on public.idempotency_keys to newsystem_member;
grant select (id, organization_id, title, description, status, duration_seconds, file_size_bytes, workflow_type, classified_by, privacy_settings, metadata, declared_occurrences_per_day,
  people_count, truncated, content_sha256, error_message, notice_version, consent_at, consent_withdrawn_at, chunk_count, last_chunk_at, finished_at, completed_at, video_deleted_at, frames_deleted_at, created_at, updated_at)
  on public.recording_sessions to newsystem_member, newsystem_export, authenticated;
grant select on public.video_chunks to newsystem_member, newsystem_export, authenticated;
grant select (id, session_id, organization_id, status, stage, progress, frames_done, frames_total, progress_message, is_current, analyser, preset, frames_per_second, max_frames, scene_threshold,
  error_code, error_message, gpt_version, prompt_version, frames_analyzed, coverage, structured_insights, confidence_score, processing_time_seconds, automation_opportunities_count,
  time_savings_hours_weekly, cost_savings_annual, currency, attempt, cancel_requested_at, queued_at, processing_started_at, processing_completed_at, created_at, updated_at)
  on public.analysis_results to newsystem_member, newsystem_export, authenticated;
grant select (id, organization_id, session_id, analysis_id, number, worker, started_at, ended_at, error_code, message, created_at) on public.analysis_attempts to newsystem_member, newsystem_export, authenticated;
grant select on public.analysis_frames, public.disclosures to newsystem_member, newsystem_export, authenticated;
grant select (id, organization_id, session_id, analysis_id, model, state, estimate_usd, cost_usd, created_at) on public.model_requests to newsystem_member, newsystem_export, authenticated;
grant select on public.automation_opportunities, public.workflow_insights, public.workflow_visualizations, public.cost_analyses to newsystem_member, newsystem_export, authenticated;
grant select (id, analysis_id, session_id, organization_id, report_type, status, progress, error_message, locale, file_url, file_size_bytes, expires_at, is_public, download_count, created_at, updated_at)
  on public.generated_reports to newsystem_member, newsystem_export, authenticated;
grant select (id, organization_id, report_id, include_frames, created_by, expires_at, revoked_at, download_count, created_at) on public.report_links to newsystem_member, newsystem_export, authenticated;

create policy organizations_read on public.organizations for select to newsystem_member, newsystem_export, authenticated using (id = (select private.organization_id()));
create policy user_profiles_read on public.user_profiles for select to newsystem_member, newsystem_export, authenticated using (organization_id = (select private.organization_id()));
create policy invitations_read on public.invitations for select to newsystem_member, newsystem_export, authenticated using (organization_id = (select private.organization_id()) and (select private.is_managing_person()));
create policy api_keys_read on public.api_keys for select to newsystem_member, newsystem_export, authenticated using (organization_id = (select private.organization_id()) and ((select private.is_owner()) or id = (select private.api_key_id())));
create policy recording_notices_read on public.recording_notices for select to newsystem_member, newsystem_export, authenticated using (organization_id = (select private.organization_id()));
create policy audit_log_read on public.audit_log for select to newsystem_member, newsystem_export, authenticated
  using (organization_id = (select private.organization_id()) and ((select private.is_manager()) or subject_id in (select private.own_sessions())));
create policy erasure_receipts_read on public.erasure_receipts for select to newsystem_member, newsystem_export, authenticated
  using (organization_id = (select private.organization_id()) and ((select private.is_manager()) or requested_by = (select private.user_id())));
create policy idempotency_keys_read on public.idempotency_keys for select to newsystem_member
  using (organization_id = (select private.organization_id()) and actor_id = (select coalesce(private.user_id(), private.api_key_id())));
create policy recording_sessions_read on public.recording_sessions for select to newsystem_member, newsystem_export, authenticated using (organization_id = (select private.organization_id()));
create policy video_chunks_read on public.video_chunks for select to newsystem_member, newsystem_export, authenticated using (organization_id = (select private.organization_id()));
create policy analysis_results_read on public.analysis_results for select to newsystem_member, newsystem_export, authenticated using (organization_id = (select private.organization_id()));
create policy analysis_attempts_read on public.analysis_attempts for select to newsystem_member, newsystem_export, authenticated using (organization_id = (select private.organization_id()));
create policy analysis_frames_read on public.analysis_frames for select to newsystem_member, newsystem_export, authenticated
  using (organization_id = (select private.organization_id()) and ((select private.is_manager()) or session_id in (select private.own_sessions())));
create policy disclosures_read on public.disclosures for select to newsystem_member, newsystem_export, authenticated using (organization_id = (select private.organization_id()));
create policy model_requests_read on public.model_requests for select to newsystem_member, newsystem_export, authenticated using (organization_id = (select private.organization_id()) and (select private.is_manager()));
create policy automation_opportunities_read on public.automation_opportunities for select to newsystem_member, newsystem_export, authenticated using (organization_id = (select private.organization_id()));
create policy workflow_insights_read on public.workflow_insights for select to newsystem_member, newsystem_export, authenticated using (organization_id = (select private.organization_id()));
create policy workflow_visualizations_read on public.workflow_visualizations for select to newsystem_member, newsystem_export, authenticated using (organization_id = (select private.organization_id()));
create policy cost_analyses_read on public.cost_analyses for select to newsystem_member, newsystem_export, authenticated using (organization_id = (select private.organization_id()));
create policy generated_reports_read on public.generated_reports for select to newsystem_member, newsystem_export, authenticated using (organization_id = (select private.organization_id()));
create policy report_links_read on public.report_links for select to newsystem_member, newsystem_export, authenticated using (organization_id = (select private.organization_id()) and (select private.is_manager()));

-- Writing: the server's role only; a write grant to Supabase's own role would be a write around quotas, states and audit.
grant update (name, currency, locale, time_zone, remote_analysis_allowed, model_budget_monthly_usd, model_budget_per_analysis_usd, retention_video_days, retention_frame_days,
  retention_raw_reply_days, delete_video_after_analysis, roi_defaults, deletion_requested_at) on public.organizations to newsystem_member;
create policy organizations_write on public.organizations for update to newsystem_member
  using (id = (select private.organization_id()) and (select private.is_managing_person())) with check (id = (select private.organization_id()));

grant update (first_name, last_name, job_title) on public.user_profiles to newsystem_member;
create policy user_profiles_write on public.user_profiles for update to newsystem_member
  using (organization_id = (select private.organization_id()) and id = (select private.user_id())) with check (organization_id = (select private.organization_id()) and id = (select private.user_id()));

grant insert (id, organization_id, email, role, token_sha256, invited_by, expires_at), update (revoked_at) on public.invitations to newsystem_member;
create policy invitations_add on public.invitations for insert to newsystem_member
  with check (organization_id = (select private.organization_id()) and (select private.can_write()) and invited_by = (select private.user_id())
    and ((select private.is_owner()) or (role = 'operator' and (select private.is_managing_person()))));
-- What was revoked stays so: here, and for keys and links.
create policy invitations_write on public.invitations for update to newsystem_member
  using (organization_id = (select private.organization_id()) and (select private.is_managing_person()))
  with check (organization_id = (select private.organization_id()) and (revoked_at is not null or accepted_at is not null));

grant insert (id, organization_id, name, role, read_only, prefix, secret_sha256, created_by, expires_at), update (revoked_at) on public.api_keys to newsystem_member;
create policy api_keys_add on public.api_keys for insert to newsystem_member
  with check (organization_id = (select private.organization_id()) and (select private.is_owner()) and (select private.can_write()) and created_by = (select private.user_id()));
create policy api_keys_write on public.api_keys for update to newsystem_member
  using (organization_id = (select private.organization_id()) and (select private.is_owner()))
  with check (organization_id = (select private.organization_id()) and revoked_at is not null);

grant insert on public.recording_notices to newsystem_member;
create policy recording_notices_add on public.recording_notices for insert to newsystem_member
  with check (organization_id = (select private.organization_id()) and (select private.is_owner()) and (select private.can_write()) and created_by = (select private.user_id()));

grant insert on public.audit_log to newsystem_member;
create policy audit_log_add on public.audit_log for insert to newsystem_member
  with check (organization_id = (select private.organization_id()) and actor_user_id is not distinct from (select private.user_id()) and actor_api_key_id is not distinct from (select private.api_key_id()) and actor_system is null);

grant insert on public.erasure_receipts to newsystem_member;
create policy erasure_receipts_add on public.erasure_receipts for insert to newsystem_member
  with check (organization_id = (select private.organization_id()) and (select private.can_erase()) and requested_by is not distinct from (select private.user_id()));
grant insert on public.object_deletions to newsystem_member;
create policy object_deletions_add on public.object_deletions for insert to newsystem_member
  with check (organization_id = (select private.organization_id()) and (select private.can_erase()) and private.is_object_of(organization_id, object_key));
grant insert, update (request_sha256, subject_id, created_at) on public.idempotency_keys to newsystem_member;
create policy idempotency_keys_add on public.idempotency_keys for insert to newsystem_member
  with check (organization_id = (select private.organization_id()) and (select private.can_erase()) and actor_id = (select coalesce(private.user_id(), private.api_key_id())));
create policy idempotency_keys_write on public.idempotency_keys for update to newsystem_member
  using (organization_id = (select private.organization_id()) and (select private.can_erase()) and actor_id = (select coalesce(private.user_id(), private.api_key_id())))
  with check (organization_id = (select private.organization_id()) and actor_id = (select coalesce(private.user_id(), private.api_key_id())));

grant insert (id, organization_id, user_id, api_key_id, title, description, workflow_type, classified_by, privacy_settings, metadata, declared_occurrences_per_day, people_count, notice_version, consent_at, created_at, updated_at),
  update (title, description, status, duration_seconds, file_size_bytes, workflow_type, classified_by, privacy_settings, declared_occurrences_per_day, people_count, error_message, consent_withdrawn_at, chunk_count, last_chunk_at, finished_at, completed_at, video_deleted_at, frames_deleted_at, truncated),
  delete on public.recording_sessions to newsystem_member;
create policy recording_sessions_add on public.recording_sessions for insert to newsystem_member
  with check (organization_id = (select private.organization_id()) and (select private.can_write()) and user_id is not distinct from (select private.user_id()) and api_key_id is not distinct from (select private.api_key_id()));
create policy recording_sessions_write on public.recording_sessions for update to newsystem_member
  using (organization_id = (select private.organization_id()) and (select private.can_write()) and ((select private.is_manager()) or id in (select private.own_sessions())))
  with check (organization_id = (select private.organization_id()));
create policy recording_sessions_remove on public.recording_sessions for delete to newsystem_member
  using (organization_id = (select private.organization_id()) and (select private.can_erase()) and ((select private.is_manager()) or id in (select private.own_sessions())));

grant insert (id, session_id, organization_id, chunk_index, file_path, file_size_bytes, sha256, content_type, upload_status),
  update (file_path, file_size_bytes, sha256, content_type, upload_status, retry_count, error_message, uploaded_at), delete on public.video_chunks to newsystem_member;
create policy video_chunks_add on public.video_chunks for insert to newsystem_member
  with check (organization_id = (select private.organization_id()) and (select private.can_write()) and ((select private.is_manager()) or session_id in (select private.own_sessions()))
    and (file_path is null or private.is_object_of(organization_id, file_path)));
create policy video_chunks_write on public.video_chunks for update to newsystem_member
  using (organization_id = (select private.organization_id()) and (select private.can_write()) and ((select private.is_manager()) or session_id in (select private.own_sessions())))
  with check (organization_id = (select private.organization_id()) and (file_path is null or private.is_object_of(organization_id, file_path)));
create policy video_chunks_remove on public.video_chunks for delete to newsystem_member
  using (organization_id = (select private.organization_id()) and (select private.can_erase()) and ((select private.is_manager()) or session_id in (select private.own_sessions())));

grant insert (id, session_id, organization_id, analyser, preset, frames_per_second, max_frames, scene_threshold, requested_by),
  update (status, stage, progress, frames_done, frames_total, progress_message, is_current, error_code, error_message, cancel_requested_at, queued_at, processing_started_at, processing_completed_at,
    automation_opportunities_count, time_savings_hours_weekly, cost_savings_annual, currency) on public.analysis_results to newsystem_member;
create policy analysis_results_add on public.analysis_results for insert to newsystem_member
  with check (organization_id = (select private.organization_id()) and (select private.can_write()) and status = 'queued' and requested_by is not distinct from (select private.user_id())
    and ((select private.is_manager()) or session_id in (select private.own_sessions())));
create policy analysis_results_write on public.analysis_results for update to newsystem_member
  using (organization_id = (select private.organization_id()) and (select private.can_write()) and ((select private.is_manager()) or session_id in (select private.own_sessions())))
  with check (organization_id = (select private.organization_id()));

-- Money figures: admins and owners.
grant update (title, process_key, current_time_per_occurrence_seconds, occurrences_per_day, frequency_basis, people_count, automation_complexity, implementation_effort_hours, effort_basis,
  estimated_cost_savings_monthly, monthly_savings_low, monthly_savings_high, hours_saved_monthly, estimated_implementation_cost, roi_percentage, payback_period_days, counted, priority, priority_reason,
  status, reviewer_input, reviewed_by, reviewed_at, review_note, dismissal_reason, implemented_at, actual_implementation_cost, measured_seconds_after, realised_savings_monthly, record_metadata)
  on public.automation_opportunities to newsystem_member;
create policy automation_opportunities_write on public.automation_opportunities for update to newsystem_member
  using (organization_id = (select private.organization_id()) and (select private.can_write()) and (select private.is_manager())) with check (organization_id = (select private.organization_id()));
grant insert on public.cost_analyses to newsystem_member;
create policy cost_analyses_add on public.cost_analyses for insert to newsystem_member
  with check (organization_id = (select private.organization_id()) and (select private.can_write()) and (select private.is_manager()));
-- What an insight is worth follows the opportunity that it is about.
grant update (roi_score, priority) on public.workflow_insights to newsystem_member;
create policy workflow_insights_write on public.workflow_insights for update to newsystem_member
  using (organization_id = (select private.organization_id()) and (select private.can_write()) and (select private.is_manager())) with check (organization_id = (select private.organization_id()));

grant insert (id, analysis_id, session_id, organization_id, report_type, locale, expires_at, requested_by), update (is_public, expires_at), delete on public.generated_reports to newsystem_member;
create policy generated_reports_add on public.generated_reports for insert to newsystem_member
  with check (organization_id = (select private.organization_id()) and (select private.can_write()) and requested_by is not distinct from (select private.user_id()));
create policy generated_reports_write on public.generated_reports for update to newsystem_member
  using (organization_id = (select private.organization_id()) and (select private.can_write()) and (select private.is_manager())) with check (organization_id = (select private.organization_id()));
create policy generated_reports_remove on public.generated_reports for delete to newsystem_member
  using (organization_id = (select private.organization_id()) and (select private.can_erase()) and ((select private.is_manager()) or requested_by = (select private.user_id())));
grant insert (id, organization_id, report_id, token_sha256, include_frames, created_by, expires_at), update (revoked_at) on public.report_links to newsystem_member;
create policy report_links_add on public.report_links for insert to newsystem_member
  with check (organization_id = (select private.organization_id()) and (select private.can_write()) and (select private.is_manager()) and created_by is not distinct from (select private.user_id()));
create policy report_links_write on public.report_links for update to newsystem_member
  using (organization_id = (select private.organization_id()) and (select private.can_erase()) and (select private.is_manager()))
  with check (organization_id = (select private.organization_id()) and revoked_at is not null);
";

const JOB: &str = r"
-- A job reads its organization's assumptions and money, its own session and chunks, and writes what it makes.
grant select on public.organizations, public.recording_sessions, public.video_chunks, public.analysis_results, public.analysis_attempts, public.analysis_frames, public.disclosures,
  public.model_requests, public.automation_opportunities, public.workflow_insights, public.workflow_visualizations, public.cost_analyses, public.generated_reports, public.recording_notices to newsystem_job;
grant update (status, duration_seconds, content_sha256, workflow_type, classified_by, error_message, completed_at) on public.recording_sessions to newsystem_job;
grant update (status, stage, progress, frames_done, frames_total, progress_message, is_current, error_code, error_message, gpt_version, prompt_version, frames_analyzed, coverage, raw_gpt_response, structured_insights,
  confidence_score, analysis_cost, prompt_tokens, completion_tokens, processing_time_seconds, automation_opportunities_count, time_savings_hours_weekly, cost_savings_annual, currency, lease_token, lease_expires_at,
  queued_at, processing_completed_at) on public.analysis_results to newsystem_job;
grant update (ended_at, error_code, message, cost_usd) on public.analysis_attempts to newsystem_job;
grant insert, delete on public.analysis_frames, public.automation_opportunities, public.workflow_insights, public.workflow_visualizations, public.cost_analyses to newsystem_job;
grant update on public.automation_opportunities to newsystem_job;
grant insert, delete on public.disclosures to newsystem_job;
grant insert on public.object_deletions to newsystem_job;
grant insert, update on public.model_requests to newsystem_job;
grant update (status, progress, error_message, file_url, file_size_bytes, lease_token, lease_expires_at) on public.generated_reports to newsystem_job;
grant insert on public.audit_log to newsystem_job;

create policy organizations_job on public.organizations for select to newsystem_job using (id = (select private.job_organization()));
create policy recording_notices_job on public.recording_notices for select to newsystem_job using (organization_id = (select private.job_organization()));
create policy recording_sessions_job_read on public.recording_sessions for select to newsystem_job using (organization_id = (select private.job_organization()));
create policy recording_sessions_job_write on public.recording_sessions for update to newsystem_job
  using (organization_id = (select private.job_organization()) and id = (select private.job_session())) with check (organization_id = (select private.job_organization()));
create policy video_chunks_job on public.video_chunks for select to newsystem_job using (organization_id = (select private.job_organization()) and session_id = (select private.job_session()));
create policy analysis_results_job_read on public.analysis_results for select to newsystem_job using (organization_id = (select private.job_organization()));
-- The other analyses of its session too: the newest completed one takes is_current over.
create policy analysis_results_job_write on public.analysis_results for update to newsystem_job
  using (organization_id = (select private.job_organization()) and session_id = (select private.job_session()) and (select private.job_analysis()) is not null)
  with check (organization_id = (select private.job_organization()));
create policy analysis_attempts_job_read on public.analysis_attempts for select to newsystem_job using (organization_id = (select private.job_organization()) and analysis_id = (select private.job_analysis()));
create policy analysis_attempts_job_write on public.analysis_attempts for update to newsystem_job
  using (organization_id = (select private.job_organization()) and analysis_id = (select private.job_analysis())) with check (organization_id = (select private.job_organization()));
create policy analysis_frames_job_read on public.analysis_frames for select to newsystem_job using (organization_id = (select private.job_organization()) and session_id = (select private.job_session()));
create policy disclosures_job_read on public.disclosures for select to newsystem_job using (organization_id = (select private.job_organization()));
-- A line whose request was never sent is withdrawn while that request is still open; afterwards nothing of the log goes.
create policy disclosures_job_withdraw on public.disclosures for delete to newsystem_job
  using (organization_id = (select private.job_organization()) and analysis_id = (select private.job_analysis())
    and exists (select from public.model_requests m where m.analysis_id = disclosures.analysis_id and m.state = 'reserved' and m.created_at = disclosures.at));
create policy model_requests_job_read on public.model_requests for select to newsystem_job using (organization_id = (select private.job_organization()));
create policy automation_opportunities_job_read on public.automation_opportunities for select to newsystem_job using (organization_id = (select private.job_organization()));
create policy workflow_insights_job_read on public.workflow_insights for select to newsystem_job using (organization_id = (select private.job_organization()) and session_id = (select private.job_session()));
create policy workflow_visualizations_job_read on public.workflow_visualizations for select to newsystem_job using (organization_id = (select private.job_organization()) and session_id = (select private.job_session()));
create policy cost_analyses_job_read on public.cost_analyses for select to newsystem_job using (organization_id = (select private.job_organization()));
create policy generated_reports_job_read on public.generated_reports for select to newsystem_job using (organization_id = (select private.job_organization()) and id = (select private.job_report()));
create policy generated_reports_job_write on public.generated_reports for update to newsystem_job
  using (organization_id = (select private.job_organization()) and id = (select private.job_report()))
  with check (organization_id = (select private.job_organization()) and (file_url is null or private.is_object_of(organization_id, file_url)));
create policy audit_log_job_add on public.audit_log for insert to newsystem_job
  with check (organization_id = (select private.job_organization()) and actor_user_id is null and actor_api_key_id is null and actor_system = 'worker');
create policy object_deletions_job_add on public.object_deletions for insert to newsystem_job with check (organization_id = (select private.job_organization()) and private.is_object_of(organization_id, object_key));
-- The worker writes frames where they belong, and nowhere else.
create policy analysis_frames_job_place on public.analysis_frames as restrictive for insert to newsystem_job with check (private.is_object_of(organization_id, file_path));

do $policies$
declare name text;
begin
  foreach name in array array['analysis_frames', 'disclosures', 'model_requests', 'automation_opportunities', 'workflow_insights', 'workflow_visualizations', 'cost_analyses'] loop
    execute format('create policy %1$s_job_add on public.%1$s for insert to newsystem_job
      with check (organization_id = (select private.job_organization()) and analysis_id = (select private.job_analysis()))', name);
  end loop;
  foreach name in array array['model_requests', 'automation_opportunities'] loop
    execute format('create policy %1$s_job_write on public.%1$s for update to newsystem_job
      using (organization_id = (select private.job_organization()) and analysis_id = (select private.job_analysis()))', name);
  end loop;
  foreach name in array array['analysis_frames', 'automation_opportunities', 'workflow_insights', 'workflow_visualizations', 'cost_analyses'] loop
    execute format('create policy %1$s_job_remove on public.%1$s for delete to newsystem_job
      using (organization_id = (select private.job_organization()) and analysis_id = (select private.job_analysis()))', name);
  end loop;
end $policies$;
";

const GUARDS: &str = r"
-- Which columns an update touches is nothing that a policy can say.
create function private.guard_organization() returns trigger language plpgsql set search_path = '' as $$
begin
  if current_user in ('newsystem_member', 'authenticated') and row (new.remote_analysis_allowed, new.model_budget_monthly_usd, new.model_budget_per_analysis_usd, new.retention_video_days,
              new.retention_frame_days, new.retention_raw_reply_days, new.delete_video_after_analysis, new.deletion_requested_at, new.currency)
         is distinct from
         row (old.remote_analysis_allowed, old.model_budget_monthly_usd, old.model_budget_per_analysis_usd, old.retention_video_days,
              old.retention_frame_days, old.retention_raw_reply_days, old.delete_video_after_analysis, old.deletion_requested_at, old.currency) then
    -- A statement of its own: a right to call is asked for when the expression is prepared, also of roles that never come here.
    if not private.is_owner() then
      raise insufficient_privilege using message = 'only an owner changes budgets, permissions and retention';
    end if;
  end if;
  return new;
end $$;
create trigger organizations_guard before update on public.organizations for each row execute function private.guard_organization();

create function private.guard_analysis_money() returns trigger language plpgsql set search_path = '' as $$
begin
  if current_user in ('newsystem_member', 'authenticated')
     and row (new.time_savings_hours_weekly, new.cost_savings_annual, new.currency, new.automation_opportunities_count)
         is distinct from row (old.time_savings_hours_weekly, old.cost_savings_annual, old.currency, old.automation_opportunities_count) then
    if not private.is_manager() then
      raise insufficient_privilege using message = 'only an admin or owner changes money figures';
    end if;
  end if;
  return new;
end $$;
create trigger analysis_results_guard before update of time_savings_hours_weekly, cost_savings_annual, currency, automation_opportunities_count on public.analysis_results for each row execute function private.guard_analysis_money();

-- An organization's currency stays once money rows carry it.
create function private.guard_currency() returns trigger language plpgsql security definer set search_path = '' as $$
begin
  if exists (select from public.cost_analyses where organization_id = new.id) or exists (select from public.automation_opportunities where organization_id = new.id) then
    raise check_violation using message = 'the currency cannot change once amounts are stored in it', constraint = 'organizations_currency_in_use';
  end if;
  return new;
end $$;
create trigger organizations_currency_guard before update of currency on public.organizations for each row
  when (new.currency is distinct from old.currency) execute function private.guard_currency();
revoke execute on all functions in schema private from public;
";

const DOWN: &str = r"
do $down$
declare p record;
begin
  for p in select schemaname, tablename, policyname from pg_policies where schemaname = 'public' and tablename in (
    'organizations', 'user_profiles', 'invitations', 'api_keys', 'recording_notices', 'audit_log', 'erasure_receipts', 'idempotency_keys', 'object_deletions', 'recording_sessions', 'video_chunks',
    'analysis_results', 'analysis_attempts', 'analysis_frames', 'disclosures', 'model_requests', 'automation_opportunities', 'workflow_insights', 'workflow_visualizations', 'cost_analyses', 'generated_reports', 'report_links') loop
    execute format('drop policy %I on %I.%I', p.policyname, p.schemaname, p.tablename);
    execute format('revoke all on %I.%I from newsystem_member, newsystem_export, newsystem_job, authenticated', p.schemaname, p.tablename);
  end loop;
end $down$;
drop trigger organizations_currency_guard on public.organizations;
drop trigger organizations_guard on public.organizations;
drop trigger analysis_results_guard on public.analysis_results;
drop function private.guard_currency(), private.guard_analysis_money(), private.guard_organization(), private.raw_replies(uuid[]), private.attempt_costs(uuid[]), private.analysis_costs(uuid[]),
  private.sessions_of(uuid), private.recorded_people(), private.session_people(uuid[]), private.job_organization(), private.job_session(), private.job_report(), private.job_analysis(), private.job(), private.can_erase(), private.own_sessions();
";
