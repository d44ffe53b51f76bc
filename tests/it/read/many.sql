-- Sessions with everything below them, for organization acme of two_organizations.sql.
do $many$
declare
  org uuid := 'aeeeeeee-0000-7000-8000-000000000001';
  person uuid := 'aeeeeeee-0000-7000-8000-000000000013';
  s uuid; a uuid; r uuid;
begin
  for n in 1..{sessions} loop
    s := gen_random_uuid();
    insert into public.recording_sessions (id, organization_id, user_id, title, description, status, chunk_count, duration_seconds, file_size_bytes, workflow_type, created_at)
      values (s, org, person, 'Recording ' || n, 'No. ' || n, 'completed', 3, n * 10, n * 1000, (array['order_entry', 'customs', 'invoicing'])[1 + n % 3], now() - make_interval(mins => n));
    insert into public.video_chunks (session_id, organization_id, chunk_index, file_size_bytes, upload_status) select s, org, i, 10, 'completed' from generate_series(0, 2) i;
    for version in 0..(n % 2) loop
      a := gen_random_uuid();
      insert into public.analysis_results (id, session_id, organization_id, status, stage, progress, is_current, confidence_score, analysis_cost, prompt_tokens, completion_tokens, automation_opportunities_count, time_savings_hours_weekly, cost_savings_annual, currency,
          processing_time_seconds, frames_analyzed, structured_insights, raw_gpt_response, processing_completed_at, created_at)
        values (a, s, org, 'completed', 'done', 1, version = n % 2, 0.8, 0.25, 1000, 50, 6, 1.5, 1200, 'EUR', 30, 3,
          jsonb_build_object('description', 'Orders are entered.', 'workflows', jsonb_build_array(jsonb_build_object('category', 'order_entry', 'name', 'Order entry')),
            'steps', jsonb_build_array(jsonb_build_object('number', 1, 'action', 'Open order', 'span', jsonb_build_object('start_seconds', 0, 'end_seconds', 4.5), 'frames', jsonb_build_array(0, 1)))),
          '{"reply": 1}', now() - make_interval(mins => n) + make_interval(secs => version + 1), now() - make_interval(mins => n) + make_interval(secs => version));
      insert into public.analysis_attempts (organization_id, session_id, analysis_id, number, worker, cost_usd) values (org, s, a, 1, 'w', 0.25);
      insert into public.disclosures (organization_id, session_id, analysis_id, endpoint, model, frames, bytes) values (org, s, a, 'model.test', 'm', 3, 100);
      insert into public.analysis_frames (organization_id, session_id, analysis_id, frame_index, timestamp_seconds, start_seconds, end_seconds, screen, width_pixels, height_pixels, file_path, file_size_bytes, redacted)
        select org, s, a, i, i, i, i + 1, i, 10, 10, 'f', 5, true from generate_series(0, 2) i;
      insert into public.automation_opportunities (analysis_id, session_id, organization_id, process_key, opportunity_type, title, description, currency, frequency_basis, counted, estimated_cost_savings_monthly,
          monthly_savings_low, monthly_savings_high, hours_saved_monthly, estimated_implementation_cost, roi_percentage, payback_period_days, observed_seconds, occurrences_observed, automation_complexity, current_time_per_occurrence_seconds, occurrences_per_day, priority, evidence, frame_indexes,
          status, reviewed_by, reviewed_at)
        select a, s, org, 'process-' || i, 'order_entry', 'Opportunity ' || i, 'd', 'EUR', 'declared', true, i * 100 + n, i * 90, i * 110, i * 2.5, 1440, i * 100, 90 - i, 60 * n, 4, 'low', 60, 20,
               case when i % 4 = 0 then null else (array['low', 'medium', 'high', 'critical'])[i % 4 + 1] end,
               '[{"start_seconds": 1, "end_seconds": 2.5}]', array[0, 2], case when i = 2 then 'accepted' else 'proposed' end, person, now() from generate_series(1, 6) i;
      insert into public.workflow_insights (session_id, analysis_id, organization_id, insight_type, title, description, evidence, time_saved_seconds) select s, a, org, 'pattern', 'Insight ' || i, 'd', '[{"start_seconds": 0, "end_seconds": 1}]', i from generate_series(1, 2) i;
      insert into public.workflow_visualizations (analysis_id, session_id, organization_id, flow_data, visualization_type, layout_algorithm) values (a, s, org, '{"nodes": [], "edges": []}', 'timeline', 'dagre'), (a, s, org, '{"nodes": [], "edges": []}', 'flow_chart', 'force');
      insert into public.cost_analyses (analysis_id, session_id, organization_id, currency, monthly_savings, annual_savings, current_hourly_rate, assumptions, scenarios)
        values (a, s, org, 'EUR', 100, 1200.5, 45.20, '{}', '[{"name": "base", "adoption": "0.8", "monthly_savings": "100.00", "annual_savings": "1200.00", "net_present_value": "-12.30", "cash_payback_days": null, "cumulative_cash": ["-1440.00", "-1340.00"]}]');
      r := gen_random_uuid();
      insert into public.generated_reports (id, analysis_id, session_id, organization_id, report_type, status, file_url, file_size_bytes) values (r, a, s, org, 'pdf', 'ready', 'reports/x', 1234);
      insert into public.report_links (organization_id, report_id, token_sha256, expires_at) values (org, r, gen_random_uuid()::text, now() + interval '1 day');
    end loop;
  end loop;
end $many$;
analyze;
