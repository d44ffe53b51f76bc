with o as (select currency from public.organizations limit 1),
a as (
  select a.id, a.confidence_score, a.automation_opportunities_count, a.processing_completed_at, s.workflow_type, coalesce(s.content_sha256, s.id::text) as recording
    from public.analysis_results a join public.recording_sessions s on s.id = a.session_id where a.is_current),
newest as (select distinct on (recording) id, workflow_type, processing_completed_at from a order by recording, processing_completed_at desc, id desc),
process as (
  select (array_agg(n.workflow_type order by n.processing_completed_at desc, n.id desc))[1] as workflow_type,
         max(case t.status when 'implemented' then 3 when 'accepted' then 2 else 1 end) as state,
         coalesce(sum(t.hours_saved_monthly * t.observed_seconds::numeric) / nullif(sum(t.observed_seconds::numeric), 0), avg(t.hours_saved_monthly)) as hours,
         coalesce(sum(m.money * t.observed_seconds::numeric) / nullif(sum(t.observed_seconds::numeric), 0), avg(m.money)) as money
    from newest n join public.automation_opportunities t on t.analysis_id = n.id
    cross join lateral (select case when t.status = 'implemented' then coalesce(t.realised_savings_monthly, t.estimated_cost_savings_monthly) else t.estimated_cost_savings_monthly end as money) m
   where t.counted and t.status <> 'dismissed' and t.estimated_cost_savings_monthly is not null and t.currency = (select currency from o) group by t.process_key),
worth as (
  select workflow_type, sum(hours) as h1, sum(hours) filter (where state >= 2) as h2, sum(hours) filter (where state = 3) as h3,
         sum(money) as m1, sum(money) filter (where state >= 2) as m2, sum(money) filter (where state = 3) as m3 from process group by 1),
kind as (select workflow_type, count(*) as recordings, avg(confidence_score) as confidence, sum(automation_opportunities_count) as opportunities from a group by 1)
select json_agg(x) from (
  select k.*, round(h1 * 12.0 / 52, 2) as h1, round(h2 * 12.0 / 52, 2) as h2, round(h3 * 12.0 / 52, 2) as h3, round(m1 * 12, 2) as m1, round(m2 * 12, 2) as m2, round(m3 * 12, 2) as m3, (select currency from o) as currency
    from kind k left join worth w on w.workflow_type is not distinct from k.workflow_type order by m1 desc nulls last) x
