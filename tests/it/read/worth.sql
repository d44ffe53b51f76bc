-- What an organization's processes are worth a month, by hand: facts/workflow-analysis.md, ROI, with the Dutch defaults. Written
-- from the facts and not from domain::roi, to be compared with it. Run as newsystem_member with the claims of a member. Needs
-- PostgreSQL 15 for sums of multiranges.
with seen as (
  select o.process_key, o.analysis_id, o.status, o.people_count, o.occurrences_observed as times, o.observed_seconds::numeric as observed, o.current_time_per_occurrence_seconds::numeric as seconds, o.evidence,
         case when o.frequency_basis = 'declared' then o.occurrences_per_day::numeric end as declared, case when o.effort_basis = 'entered' then o.implementation_effort_hours end as entered,
         array_position(array['low', 'medium', 'high'], o.automation_complexity) as level, o.actual_implementation_cost as actual, o.measured_seconds_after::numeric as after,
         a.processing_completed_at as analysed_at, coalesce(s.content_sha256, s.id::text) as recording, coalesce('1' || lpad(p.person::text, 9, '0'), '2' || coalesce(s.content_sha256, s.id::text)) as person,
         s.workflow_type, (s.created_at at time zone g.time_zone)::date as day, coalesce(o.record_metadata #>> '{derived,process_key}', o.process_key) as derived, o.reviewed_at, o.reviewer_input as input
    from public.automation_opportunities o join public.analysis_results a on a.id = o.analysis_id join public.recording_sessions s on s.id = o.session_id join public.organizations g on g.id = o.organization_id
    left join private.recorded_people() p on p.session_id = s.id
   where a.is_current and o.currency = g.currency
), newest as (
  select distinct on (recording) recording, analysis_id from seen order by recording, analysed_at desc, analysis_id desc
), copy as ( -- opportunities of all copies of a recording, by the process that the newest knows them as; none has two of one
  select s.*, s.analysis_id = n.analysis_id as newest, s.status <> 'proposed' or s.declared is not null or s.entered is not null or s.people_count <> 1 or s.input - '{title,priority}'::text[] <> '{}' as touched,
         case when not exists (select from seen k where k.analysis_id = n.analysis_id and k.derived = s.derived) and exists (select from seen k where k.analysis_id = n.analysis_id and k.derived = s.process_key)
              then s.process_key else s.derived end as heading
    from seen s join newest n on n.recording = s.recording
), entered as ( -- what people entered on any copy, the newest of each field
  select recording, heading, bool_or(newest) or bool_or(touched) as stays,
         (array_agg(status order by reviewed_at desc nulls last, analysed_at desc, analysis_id desc) filter (where status <> 'proposed'))[1] as status,
         (array_agg(process_key order by reviewed_at desc nulls last, analysed_at desc, analysis_id desc) filter (where input ? 'process_key'))[1] as process_key,
         (array_agg(people_count order by reviewed_at desc nulls last, analysed_at desc, analysis_id desc) filter (where input ? 'people_count' or people_count <> 1))[1] as people_count,
         (array_agg(seconds order by reviewed_at desc nulls last, analysed_at desc, analysis_id desc) filter (where input ? 'current_time_per_occurrence_seconds'))[1] as seconds,
         (array_agg(level order by reviewed_at desc nulls last, analysed_at desc, analysis_id desc) filter (where input ? 'automation_complexity'))[1] as level,
         (array_agg(declared order by reviewed_at desc nulls last, analysed_at desc, analysis_id desc) filter (where declared is not null))[1] as declared,
         (array_agg(entered order by reviewed_at desc nulls last, analysed_at desc, analysis_id desc) filter (where entered is not null))[1] as entered,
         (array_agg(actual order by reviewed_at desc nulls last, analysed_at desc, analysis_id desc) filter (where actual is not null))[1] as actual,
         (array_agg(after order by reviewed_at desc nulls last, analysed_at desc, analysis_id desc) filter (where after is not null))[1] as after
    from copy group by recording, heading
), once as ( -- a recording once, through the newest analysis that has the opportunity, with what people entered on any
  select distinct on (c.recording, c.heading) c.recording, coalesce(e.process_key, c.process_key) as process_key, c.analysis_id, coalesce(e.status, c.status) as status, coalesce(e.people_count, c.people_count) as people_count,
         c.times, c.observed, coalesce(e.seconds, c.seconds) as seconds, c.evidence, e.declared, e.entered, coalesce(e.level, c.level) as level, e.actual, e.after, c.analysed_at, c.person, c.workflow_type, c.day
    from copy c join entered e on e.recording = c.recording and e.heading = c.heading
   where e.stays order by c.recording, c.heading, c.analysed_at desc, c.analysis_id desc
), shown as (
  select * from once where status <> 'dismissed'
), process as ( -- at its pooled time and frequency
  select process_key, max(array_position(array['proposed', 'accepted', 'implemented'], status)) as state, sum(times) as times, sum(observed) as observed, count(distinct day) as days,
         (array_agg(workflow_type order by analysed_at desc, analysis_id desc))[1] as workflow_type, max(people_count) as people, max(level) as level,
         coalesce(sum(seconds * times) / nullif(sum(times) filter (where seconds is not null), 0), avg(seconds)) as seconds,
         coalesce(sum(declared * observed) / nullif(sum(observed) filter (where declared is not null), 0), avg(declared)) as declared,
         (array_agg(entered order by analysed_at desc, analysis_id desc) filter (where entered is not null))[1] as entered,
         (array_agg(actual order by analysed_at desc, analysis_id desc) filter (where actual is not null and status = 'implemented'))[1] as actual,
         (array_agg(after order by analysed_at desc, analysis_id desc) filter (where after is not null and status = 'implemented'))[1] as after
    from shown group by process_key
), counted as (
  select *, least(seconds * per_day, 28800) as load,
         case when after is not null then least(greatest((seconds - after) / seconds, 0), 1) else (array[0.80, 0.60, 0.35])[level] * 0.80 end as effect,
         round(coalesce(actual, coalesce(entered, (array[16, 60, 160])[level]) * 90), 2) as cost
    from (select *, case when declared is not null then declared when days >= 2 and observed >= 14400 then times * 28800 / observed end as per_day from process) p
   where times >= 3 and seconds > 0 and level is not null and per_day is not null
), claim as ( -- time that several show belongs to one
  select c.process_key, s.recording, c.state, coalesce(r.spans, '{}'::nummultirange) as spans, coalesce(r.length, 0) as length
    from counted c join shown s on s.process_key = c.process_key
    cross join lateral (select range_agg(numrange((e ->> 'start_seconds')::numeric, (e ->> 'end_seconds')::numeric)) as spans from jsonb_array_elements(s.evidence) e) u
    cross join lateral (select u.spans, (select sum(upper(x) - lower(x)) from unnest(u.spans) x) as length) r
), free as (
  select process_key, length, spans - coalesce(range_agg(spans) over (partition by recording order by state desc, length desc, process_key collate "C" rows between unbounded preceding and 1 preceding), '{}') as own from claim
), share as (
  select process_key, case when sum(length) > 0 then round(sum(coalesce((select sum(upper(x) - lower(x)) from unnest(own) x), 0)) / sum(length), 6) else 1 end as own from free group by process_key
), booked as (
  select distinct on (process_key) process_key, person from (select process_key, person, sum(observed) as observed from shown group by 1, 2) p order by process_key, observed desc, person desc
), fitted as ( -- a person's day holds no more than a day
  select c.*, c.load * s.own * least(1, 28800 / nullif(sum(c.load * s.own) over (partition by b.person), 0)) as fitting
    from counted c join share s using (process_key) join booked b using (process_key) where s.own > 0
), worth as (
  select workflow_type, state, fitting * people * (220 / 12.0) / 3600 * effect as hours, cost from fitted
)
select workflow_type, state::int as state, round(hours, 12) as hours, round(hours * 45.20, 2) - round(cost * 0.18 / 12, 2) as money from worth
