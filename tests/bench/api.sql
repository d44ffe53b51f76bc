-- Many organizations with many analysed sessions each, for `./dev bench api` and the tests of plan shapes (200 x 100).
--
--   psql -v organizations=200 -v sessions=100 -f tests/bench/api.sql SUPERUSER_URL
--
-- Run it on a migrated database as a superuser: triggers and foreign keys are off while it runs, so it is fast and leaves
-- no events behind. What it writes satisfies every constraint all the same, and is the same on every run.
--
-- Each session: 1 completed analysis with a raw reply (~3 KB), 8 opportunities, 3 insights, 1 cost analysis, 1 chunk,
-- 2 frames, 1 attempt, 1 diagram, 1 disclosure, 1 request to a model, 1 line of the audit log; every tenth a report with a link. Money is worked out as domain::roi does with the Dutch defaults
-- (45.20 an hour, 220 days, adoption 0.8), so that ROI runs from below zero to some thousand percent, around a quarter of it
-- above 300. One opportunity in five has no known frequency and is not counted; eight processes in each session are of 40
-- that an organization has.
--
-- Evidence of neighbouring opportunities overlaps by five seconds, and people's days are fuller than a day: what sums have to cut.
--
-- Ids can be written down: organization n (from 1) is  hex8(n)-0001-7000-8000-000000000000, and below it
--   0002 people (1 owner, 2 admin, 3 to 6 operators), 0003 sessions, 0004 analyses (both: item = number of the session),
--   0005 opportunities (item = session * 16 + 1..8), 0006 cost analyses, 0007 the rest.
-- Session 1 of the first organization: 00000001-0003-7000-8000-000000000001.
\if :{?organizations}
\else
\set organizations 200
\endif
\if :{?sessions}
\else
\set sessions 100
\endif

begin;
set local session_replication_role = replica;
set local synchronous_commit = off;

create function pg_temp.id(organization int, kind int, item int) returns uuid language sql immutable parallel safe as $$
  select (lpad(to_hex(organization), 8, '0') || '-' || lpad(to_hex(kind), 4, '0') || '-7000-8000-' || lpad(to_hex(item), 12, '0'))::uuid
$$;

insert into auth.users (id, email)
  select pg_temp.id(n, 2, p), 'person-' || p || '@organization-' || n || '.test'
    from generate_series(1, :organizations) n, generate_series(1, 6) p;
insert into public.organizations (id, name, subscription_tier, subscription_status, max_users, max_recordings_per_month, created_at)
  select pg_temp.id(n, 1, 0), 'Organization ' || n, 'enterprise', 'active', 100, 1000, now() - interval '1 year'
    from generate_series(1, :organizations) n;
insert into public.user_profiles (id, organization_id, role, email, first_name, last_name)
  select pg_temp.id(n, 2, p), pg_temp.id(n, 1, 0), case p when 1 then 'owner' when 2 then 'admin' else 'operator' end,
         'person-' || p || '@organization-' || n || '.test', 'Person', p::text
    from generate_series(1, :organizations) n, generate_series(1, 6) p;
insert into public.api_keys (id, organization_id, name, role, prefix, secret_sha256)
  select pg_temp.id(n, 7, k), pg_temp.id(n, 1, 0), 'Key ' || k, 'operator', 'ns_bench', 'no secret ' || n || ' ' || k
    from generate_series(1, :organizations) n, generate_series(1, 10) k;
insert into public.invitations (id, organization_id, email, role, token_sha256, invited_by, expires_at)
  select pg_temp.id(n, 7, k), pg_temp.id(n, 1, 0), 'guest-' || k || '@organization-' || n || '.test', 'operator', 'no token ' || n || ' ' || k, pg_temp.id(n, 2, 1), now() + interval '7 days'
    from generate_series(1, :organizations) n, generate_series(1, 10) k;

-- Every session with its ids, and when it was analysed: sixty hours apart.
create temp table base on commit drop as
  select n, s, pg_temp.id(n, 1, 0) as org, pg_temp.id(n, 3, s) as session, pg_temp.id(n, 4, s) as analysis, now() - make_interval(hours => s * 60 + n % 24) as at,
         (array['order_entry', 'shipment_booking', 'customs', 'invoicing', 'tracking'])[1 + (n + s) % 5] as kind
    from generate_series(1, :organizations) n, generate_series(1, :sessions) s;
analyze base;

insert into public.recording_sessions (id, organization_id, user_id, title, description, status, duration_seconds, file_size_bytes, workflow_type,
    classified_by, content_sha256, chunk_count, finished_at, completed_at, created_at, updated_at)
  select session, org, pg_temp.id(n, 2, 3 + s % 4), 'Recording ' || s || ' of the morning shift',
         'Orders that came by mail are entered, booked and confirmed.', 'completed', 1800 + s * 37 % 5400, 40000000 + s * 100003,
         kind, 'rules',
         lpad(to_hex(n), 32, '0') || lpad(to_hex(s), 32, '0'), 1, at, at, at - interval '2 hours', at
    from base;
insert into public.video_chunks (id, session_id, organization_id, chunk_index, file_path, file_size_bytes, sha256, content_type, upload_status, uploaded_at)
  select pg_temp.id(n, 7, s), session, org, 0,
         'organizations/' || org || '/recordings/' || session || '/chunks/0', 40000000 + s * 100003,
         lpad(to_hex(n), 32, '0') || lpad(to_hex(s), 32, '0'), 'video/webm', 'completed', now()
    from base;

insert into public.analysis_attempts (id, organization_id, session_id, analysis_id, number, worker, ended_at, cost_usd)
  select pg_temp.id(n, 7, s), org, session, analysis, 1, 'worker', now(), 0.061250
    from base;
insert into public.analysis_frames (id, organization_id, session_id, analysis_id, frame_index, timestamp_seconds, start_seconds, end_seconds, screen, width_pixels, height_pixels, file_path, file_size_bytes, redacted)
  select pg_temp.id(n, 7, s * 16 + i), org, session, analysis, i, i * 40, i * 40, i * 40 + 39, i, 1920, 1080,
         'organizations/' || org || '/recordings/' || session || '/analyses/' || analysis || '/frames/' || i || '.jpg', 120000, true
    from base, generate_series(0, 1) i;

-- i: which opportunity of a session, and when the recording shows it.
create temp table shown on commit drop as
  select i, jsonb_build_array(jsonb_build_object('start_seconds', i * 40, 'end_seconds', i * 40 + 45), jsonb_build_object('start_seconds', 900 + i * 40, 'end_seconds', 945 + i * 40)) as evidence,
         jsonb_build_object('rule', 'routine', 'screens', jsonb_build_array(1, 2)) as metadata
    from generate_series(1, 8) i;
-- x: what was seen and entered; y: hours and cost; z: money.
insert into public.automation_opportunities (id, analysis_id, session_id, organization_id, process_key, opportunity_type, title, description, workflow_steps,
    current_time_per_occurrence_seconds, occurrences_observed, observed_seconds, occurrences_per_day, frequency_basis, people_count, automation_complexity,
    implementation_effort_hours, effort_basis, currency, estimated_cost_savings_monthly, monthly_savings_low, monthly_savings_high, hours_saved_monthly,
    estimated_implementation_cost, roi_percentage, payback_period_days, counted, confidence_score, priority, priority_reason, status, reviewed_by, reviewed_at,
    implemented_at, evidence, frame_indexes, record_metadata, created_at, updated_at)
  select pg_temp.id(n, 5, s * 16 + i), analysis, session, org, 'outlook:open order>wms:enter order ' || x.process,
         (array['order_entry', 'shipment_booking', 'customs', 'invoicing', 'tracking', 'email'])[1 + x.process % 6],
         'Enter order of kind ' || x.process || ' from the mail', 'The fields of the order are copied from the mail into the warehouse system. A connector could read the mail and fill in the form; a person confirms it.',
         array['Open the mail', 'Copy the order number', 'Fill in the form', 'Confirm'],
         x.seconds, x.seen, x.seen * x.seconds * 1.5, x.per_day, case when x.per_day is null then 'extrapolated' else 'declared' end, x.people, x.complexity,
         y.effort, 'assumed', 'EUR', z.monthly, round(z.monthly * 0.7, 2), round(z.monthly * 1.3, 2), round(y.hours, 4),
         y.cost, round((z.monthly * 12 - y.cost) / y.cost * 100, 2), case when z.monthly > 0 then ceil(y.cost * 365 / (z.monthly * 12)) end, x.per_day is not null,
         0.5 + (x.mixed % 50) / 100.0, case when x.per_day is null then 'low' when z.monthly > 900 then 'high' when z.monthly > 250 then 'medium' else 'low' end, 'by what it saves and how sure that is',
         x.status, case when x.status <> 'proposed' then pg_temp.id(n, 2, 2) end, case when x.status <> 'proposed' then now() end, case when x.status = 'implemented' then now() end,
         evidence, array[0, 1], metadata, at, at
    from base cross join shown,
         lateral (select (n * 7919 + s * 104729 + i * 1299709) % 10007 as mixed) w,
         lateral (select w.mixed, (s * 8 + i * 5 + n) % 40 as process, 15 + w.mixed % 286 as seconds, 3 + w.mixed % 17 as seen,
                         case when w.mixed % 5 > 0 then 2 + w.mixed % 59 end as per_day, 1 + w.mixed % 3 as people,
                         (array['low', 'medium', 'high'])[1 + w.mixed / 7 % 3] as complexity,
                         (array['proposed', 'proposed', 'proposed', 'proposed', 'proposed', 'proposed', 'proposed', 'accepted', 'implemented', 'dismissed'])[1 + w.mixed / 11 % 10] as status) x,
         lateral (select (least(x.seconds * coalesce(x.per_day, x.seen), 28800) * x.people * case x.complexity when 'low' then 80 when 'medium' then 60 else 35 end) * (220 * 0.80 / 4320000) as hours,
                         case x.complexity when 'low' then 16 when 'medium' then 60 else 160 end as effort,
                         case x.complexity when 'low' then 16 when 'medium' then 60 else 160 end * 90.00 as cost) y,
         lateral (select round(y.hours * 45.20, 2) - round(y.cost * 0.18 / 12, 2) as monthly) z;
create temp table total on commit drop as
  select analysis_id, sum(hours_saved_monthly) as hours, sum(estimated_cost_savings_monthly) as money, sum(estimated_implementation_cost) as cost
    from public.automation_opportunities where counted and status <> 'dismissed' group by 1;
analyze total;

-- The parts of a reply that all analyses share; each has its own beginning.
create temp table reply on commit drop as
  select jsonb_build_object('analysis', jsonb_build_object('natural_description', 'Orders that came by mail are entered into the warehouse system, one field after the other.', 'workflow_steps', s.steps),
           'usage', jsonb_build_object('prompt_tokens', 18340, 'completion_tokens', 1402)) as raw,
         jsonb_build_object('description', 'Orders that came by mail are entered into the warehouse system, one field after the other.',
           'steps', s.steps, 'applications', '[{"name": "Outlook", "active_seconds": 610.5, "share": 0.42}, {"name": "WMS", "active_seconds": 840.0, "share": 0.58}]'::jsonb,
           'patterns', '["The same customer number is typed three times."]'::jsonb, 'routines', '[]'::jsonb, 'dropped', '[]'::jsonb) as insights
    from (select jsonb_agg(jsonb_build_object('number', i, 'action', 'Copy field ' || i || ' from the mail into the order form', 'application', case when i % 2 = 0 then 'WMS' else 'Outlook' end,
            'purpose', 'The order has to be complete before it is booked.', 'data_involved', jsonb_build_array('order number', 'customer number'),
            'span', jsonb_build_object('start_seconds', i * 40, 'end_seconds', i * 40 + 31.5), 'frames', jsonb_build_array(i % 2))) as steps
            from generate_series(1, 12) i) s;
insert into public.analysis_results (id, session_id, organization_id, status, stage, progress, is_current, analyser, gpt_version, prompt_version, frames_analyzed, coverage, raw_gpt_response,
    structured_insights, confidence_score, analysis_cost, prompt_tokens, completion_tokens, processing_time_seconds, automation_opportunities_count, time_savings_hours_weekly, cost_savings_annual,
    currency, attempt, queued_at, processing_started_at, processing_completed_at, created_at, updated_at)
  select analysis, session, org, 'completed', 'done', 1, true, 'local', 'local-1', 'v1', 40 + s % 60, 0.93,
         r.raw || jsonb_build_object('id', 'reply-' || n || '-' || s), r.insights || jsonb_build_object('workflows', jsonb_build_array(jsonb_build_object(
           'category', kind, 'name', 'Order entry'))),
         0.55 + (n * 7 + s * 13) % 40 / 100.0, 0.061250, 18340, 1402, 41.5 + s % 90, 8, round(t.hours * 12 / 52, 2), t.money * 12, 'EUR', 1, at, at, at + interval '90 seconds', at, at + interval '90 seconds'
    from reply r, base left join total t on t.analysis_id = base.analysis;
insert into public.workflow_insights (id, session_id, analysis_id, organization_id, insight_type, title, description, confidence_score, time_saved_seconds, roi_score, automation_potential, priority, evidence, created_at)
  select pg_temp.id(n, 7, s * 16 + i), session, analysis, org, (array['pattern', 'bottleneck', 'optimization'])[i],
         'The customer number is typed ' || 2 + s % 5 || ' times', 'It stands in the mail, and is typed into three forms one after the other.', 0.7, 12 * i, 3.25, 0.6, 'medium',
         '[{"start_seconds": 90, "end_seconds": 135}]', at
    from base, generate_series(1, 3) i;
insert into public.workflow_visualizations (id, analysis_id, session_id, organization_id, flow_data, visualization_type, layout_algorithm)
  select pg_temp.id(n, 7, s), analysis, session, org, '{"nodes": [{"id": "1", "position": {"x": 0, "y": 0}, "data": {"label": "Open order"}}], "edges": []}', 'flow_chart', 'dagre'
    from base;
insert into public.cost_analyses (id, analysis_id, session_id, organization_id, currency, current_monthly_hours, current_monthly_cost, projected_monthly_hours, projected_monthly_cost, total_implementation_cost,
    monthly_savings, annual_savings, payback_period_days, roi_percentage, current_hourly_rate, confidence_level, assumptions, scenarios, created_at)
  select pg_temp.id(n, 6, s), analysis, session, org, 'EUR', round(t.hours * 2, 2), round(t.hours * 2 * 45.20, 2), round(t.hours, 2), round(t.hours * 45.20, 2), t.cost, t.money, t.money * 12,
         case when t.money > 0 then ceil(t.cost * 365 / (t.money * 12)) end, round((t.money * 12 - t.cost) / t.cost * 100, 2), 45.20, 'medium',
         '{"hourly_rate": "45.20", "implementation_rate": "90", "adoption": ["0.60", "0.80", "0.95"]}',
         jsonb_build_array(jsonb_build_object('name', 'base', 'adoption', '0.80', 'monthly_savings', t.money::text, 'annual_savings', (t.money * 12)::text, 'net_present_value', '1200.00', 'cash_payback_days', 210, 'cumulative_cash', '[]'::jsonb)),
         at
    from base join total t on t.analysis_id = base.analysis;
insert into public.generated_reports (id, analysis_id, session_id, organization_id, report_type, status, progress, file_url, file_size_bytes, created_at)
  select pg_temp.id(n, 7, s), analysis, session, org, 'pdf', 'ready', 1,
         'organizations/' || org || '/recordings/' || session || '/reports/' || s || '.pdf', 250000, at
    from base where s % 10 = 0;
insert into public.report_links (id, organization_id, report_id, token_sha256, expires_at)
  select pg_temp.id(n, 7, s), org, pg_temp.id(n, 7, s), 'no token ' || n || ' ' || s, now() + interval '7 days'
    from base where s % 10 = 0;
insert into public.disclosures (id, organization_id, session_id, analysis_id, endpoint, model, frames, bytes, at)
  select pg_temp.id(n, 7, s), org, session, analysis, 'model.test', 'm', 40, 4000000, at
    from base;
insert into public.model_requests (id, organization_id, session_id, analysis_id, request_key, model, state, estimate_usd, cost_usd, created_at)
  select pg_temp.id(n, 7, s), org, session, analysis, 'key ' || s, 'm', 'stored', 0.08, 0.061250, at
    from base;
insert into public.audit_log (id, organization_id, at, actor_user_id, action, subject_type, subject_id)
  select pg_temp.id(n, 7, s), org, at, pg_temp.id(n, 2, 3 + s % 4), 'recording_session.start', 'recording_session', session
    from base;
commit;
set default_statistics_target = 30;
analyze;
