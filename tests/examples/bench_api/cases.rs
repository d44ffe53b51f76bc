//! The requests, each with the SQL that a careful hand would write. Apart because they are the measure, not the measuring.

/// One request, and the SQL that a careful hand would write for the same answer.
pub(super) struct Case {
    pub(super) name: &'static str,
    /// The document; `$id` is a session of the organization, another one each time.
    pub(super) query: &'static str,
    /// The same answer as JSON text, read by `pgbench`; `:id` is the session.
    pub(super) sql: &'static str,
    /// Most times the floor's processor time at 16 connections (issue 3).
    pub(super) target: f64,
    /// Whether each request needs a session that none has used before, and writes.
    pub(super) writes: bool,
}

pub(super) const CASES: [Case; 5] = [
    Case {
        name: "one session",
        query: "query($id: ID!) { recordingSession(id: $id) { id title status workflowType durationSeconds fileSizeBytes createdAt } }",
        sql: "select json_build_object('id', id, 'title', title, 'status', status, 'workflowType', workflow_type, 'durationSeconds', duration_seconds, \
              'fileSizeBytes', file_size_bytes, 'createdAt', created_at) from public.recording_sessions where id = :id",
        target: 3.0,
        writes: false,
    },
    Case {
        name: "dashboard list",
        query: "{ recordingSessions(first: 20) { nodes { id title status workflowType durationSeconds createdAt \
                currentAnalysis { id status confidenceScore costSavingsAnnual { amount currency } automationOpportunitiesCount \
                opportunities(first: 5) { nodes { id title priority roiPercentage estimatedCostSavingsMonthly { amount currency } } } \
                costAnalysis { id monthlySavings { amount currency } annualSavings { amount currency } paybackPeriodDays } } } pageInfo { hasNextPage endCursor } } }",
        sql: "select json_agg(x) from (select s.id, s.title, s.status, s.workflow_type, s.duration_seconds, s.created_at, \
              (select json_build_object('id', a.id, 'status', a.status, 'confidenceScore', a.confidence_score, 'costSavingsAnnual', a.cost_savings_annual, 'currency', a.currency, 'count', a.automation_opportunities_count, \
                'opportunities', (select json_agg(o) from (select t.id, t.title, t.priority, t.roi_percentage, t.estimated_cost_savings_monthly, t.currency from public.automation_opportunities t \
                  where t.analysis_id = a.id order by t.estimated_cost_savings_monthly desc nulls last, t.id desc limit 5) o), \
                'costAnalysis', (select json_build_object('id', c.id, 'monthlySavings', c.monthly_savings, 'annualSavings', c.annual_savings, 'currency', c.currency, 'payback', c.payback_period_days) \
                  from public.cost_analyses c where c.analysis_id = a.id order by c.created_at desc, c.id desc limit 1)) \
                from public.analysis_results a where a.session_id = s.id and a.is_current) as analysis \
              from public.recording_sessions s order by s.created_at desc, s.id desc limit 21) x",
        target: 1.5,
        writes: false,
    },
    Case {
        name: "best opportunities",
        query: "{ opportunities(first: 20, filter: { roiPercentage: { gte: \"300\" }, currentOnly: true }, orderBy: [{ field: ROI_PERCENTAGE }]) { nodes { id title opportunityType priority status \
                roiPercentage paybackPeriodDays hoursSavedMonthly estimatedCostSavingsMonthly { amount currency } session { id title } } pageInfo { hasNextPage endCursor } } }",
        sql: "select json_agg(x) from (select t.id, t.title, t.opportunity_type, t.priority, t.status, t.roi_percentage, t.payback_period_days, t.hours_saved_monthly, t.estimated_cost_savings_monthly, t.currency, s.id as session_id, s.title as session_title \
              from public.automation_opportunities t join public.analysis_results a on a.id = t.analysis_id and a.is_current join public.recording_sessions s on s.id = t.session_id \
              where t.roi_percentage >= 300 order by t.roi_percentage desc nulls last, t.id desc limit 21) x",
        target: 1.6,
        writes: false,
    },
    Case {
        name: "organization performance",
        query: "{ organizationPerformance { workflowType totalRecordings averageConfidence totalOpportunities weeklyHours { identified accepted implemented } \
                annualCost { identified { amount currency } accepted { amount currency } implemented { amount currency } } } }",
        sql: PERFORMANCE,
        target: 1.9,
        writes: false,
    },
    Case {
        name: "enqueue an analysis",
        query: "mutation($id: ID!) { enqueueAnalysis(input: { sessionId: $id }) { analysis { id status } } }",
        sql: "with made as (insert into public.analysis_results (session_id, organization_id, analyser, preset, frames_per_second, max_frames, scene_threshold, requested_by) \
              values (:id, :organization, 'local', 'standard', 1, 300, 0.1, :person) returning id, status), \
              busy as (update public.recording_sessions set status = 'processing' where id = :id and status in ('completed', 'failed')) \
              select json_build_object('id', made.id, 'status', made.status, 'job', private.enqueue('analyze_recording', made.id)::text) from made",
        target: 2.0,
        writes: true,
    },
];

/// What `organizationPerformance` means, as one would write it by hand: the SQL that the sums are tested against, by kind of work.
const PERFORMANCE: &str = concat!(
    "with worth as (",
    include_str!("../../it/read/worth.sql"),
    "), sums as (select workflow_type, round(sum(hours) * 12 / 52, 2) as h1, round(sum(hours) filter (where state >= 2) * 12 / 52, 2) as h2, round(sum(hours) filter (where state = 3) * 12 / 52, 2) as h3, \
       sum(money) * 12 as m1, sum(money) filter (where state >= 2) * 12 as m2, sum(money) filter (where state = 3) * 12 as m3 from worth group by 1), \
     kind as (select s.workflow_type, count(*) as recordings, avg(a.confidence_score) as confidence, coalesce(sum(a.automation_opportunities_count), 0) as opportunities \
       from public.analysis_results a join public.recording_sessions s on s.id = a.session_id where a.is_current group by 1) \
     select json_agg(x) from (select k.*, h1, h2, h3, m1, m2, m3, (select currency from public.organizations limit 1) as currency \
       from kind k left join sums w on w.workflow_type is not distinct from k.workflow_type order by m1 desc nulls last) x"
);
