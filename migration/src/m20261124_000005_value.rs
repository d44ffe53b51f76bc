//! What an analysis is worth: opportunities, insights, diagrams, cost analyses.

use crate::support::{step, tenant_tables};

step!(up: [UP, &tenant_tables(&[("automation_opportunities", true), ("workflow_insights", false), ("workflow_visualizations", false), ("cost_analyses", false)])], down: DOWN);

const UP: &str = r"
create table public.automation_opportunities (
  id uuid primary key default gen_random_uuid(),
  analysis_id uuid not null,
  session_id uuid not null,
  organization_id uuid not null,
  -- The same process in other recordings has the same key; sums count it once.
  process_key text not null constraint automation_opportunities_process_key_length check (char_length(process_key) between 1 and 500),
  opportunity_type text not null constraint automation_opportunities_type check (private.is_workflow_category(opportunity_type)),
  title text not null,
  description text not null,
  workflow_steps text[] not null default '{}',
  current_time_per_occurrence_seconds double precision constraint automation_opportunities_time check (current_time_per_occurrence_seconds >= 0),
  occurrences_observed integer not null default 0 constraint automation_opportunities_observed check (occurrences_observed >= 0),
  observed_seconds double precision not null default 0 constraint automation_opportunities_observed_seconds check (observed_seconds >= 0),
  occurrences_per_day double precision constraint automation_opportunities_frequency check (occurrences_per_day >= 0),
  frequency_basis text not null default 'extrapolated' constraint automation_opportunities_basis check (frequency_basis in ('declared', 'measured', 'extrapolated')),
  people_count integer not null default 1 constraint automation_opportunities_people check (people_count >= 1),
  automation_complexity text constraint automation_opportunities_complexity check (automation_complexity in ('low', 'medium', 'high')),
  implementation_effort_hours numeric(12,2) constraint automation_opportunities_effort check (implementation_effort_hours >= 0),
  effort_basis text not null default 'assumed' constraint automation_opportunities_effort_basis check (effort_basis in ('assumed', 'entered')),
  currency text not null constraint automation_opportunities_currency check (currency ~ '^[A-Z]{3}$'),
  estimated_cost_savings_monthly numeric(14,2),
  monthly_savings_low numeric(14,2),
  monthly_savings_high numeric(14,2),
  -- Potential, base scenario, before rounding into money; null below three occurrences.
  hours_saved_monthly numeric(14,4),
  estimated_implementation_cost numeric(14,2) constraint automation_opportunities_cost check (estimated_implementation_cost >= 0),
  roi_percentage numeric(16,2),
  payback_period_days integer constraint automation_opportunities_payback check (payback_period_days >= 0),
  counted boolean not null default false,
  confidence_score double precision constraint automation_opportunities_confidence check (private.is_share(confidence_score)),
  priority text constraint automation_opportunities_priority check (priority in ('low', 'medium', 'high', 'critical')),
  priority_reason text,
  status text not null default 'proposed' constraint automation_opportunities_status check (status in ('proposed', 'accepted', 'dismissed', 'implemented')),
  -- Entered by people, apart from what was derived: survives a new interpretation, is carried to a new analysis by process_key.
  reviewer_input jsonb not null default '{}' constraint automation_opportunities_reviewer_input check (jsonb_typeof(reviewer_input) = 'object'),
  reviewed_by uuid,
  reviewed_at timestamptz,
  review_note text,
  dismissal_reason text,
  implemented_at timestamptz,
  actual_implementation_cost numeric(14,2) constraint automation_opportunities_actual_cost check (actual_implementation_cost >= 0),
  measured_seconds_after double precision constraint automation_opportunities_after check (measured_seconds_after >= 0),
  realised_savings_monthly numeric(14,2),
  -- [{start_seconds, end_seconds}]: the seconds of the recording that show it.
  evidence jsonb not null default '[]' constraint automation_opportunities_evidence check (jsonb_typeof(evidence) = 'array'),
  frame_indexes integer[] not null default '{}',
  record_metadata jsonb not null default '{}' constraint automation_opportunities_metadata check (jsonb_typeof(record_metadata) = 'object'),
  created_at timestamptz not null default now(),
  updated_at timestamptz not null default now(),
  unique (organization_id, id),
  foreign key (organization_id, session_id, analysis_id) references public.analysis_results (organization_id, session_id, id) on delete cascade,
  foreign key (organization_id, reviewed_by) references public.user_profiles (organization_id, id) on delete set null (reviewed_by)
);
create index idx_automation_opportunities_roi on public.automation_opportunities (organization_id, roi_percentage);
create index automation_opportunities_savings on public.automation_opportunities (organization_id, estimated_cost_savings_monthly desc nulls last, id desc);
create index automation_opportunities_analysis on public.automation_opportunities (organization_id, analysis_id);
create index automation_opportunities_session on public.automation_opportunities (organization_id, session_id, analysis_id);
create index automation_opportunities_process on public.automation_opportunities (organization_id, process_key);
create index automation_opportunities_created on public.automation_opportunities (organization_id, created_at desc, id desc);
create index automation_opportunities_reviewed_by on public.automation_opportunities (organization_id, reviewed_by);

create table public.workflow_insights (
  id uuid primary key default gen_random_uuid(),
  session_id uuid not null,
  analysis_id uuid,
  organization_id uuid not null,
  insight_type text not null constraint workflow_insights_type check (insight_type in ('pattern', 'bottleneck', 'optimization')),
  title text not null,
  description text not null,
  confidence_score double precision constraint workflow_insights_confidence check (private.is_share(confidence_score)),
  time_saved_seconds double precision constraint workflow_insights_time check (time_saved_seconds >= 0),
  roi_score numeric(16,4),
  automation_potential double precision constraint workflow_insights_potential check (private.is_share(automation_potential)),
  priority text constraint workflow_insights_priority check (priority in ('low', 'medium', 'high', 'critical')),
  metadata jsonb not null default '{}' constraint workflow_insights_metadata check (jsonb_typeof(metadata) = 'object'),
  evidence jsonb not null default '[]' constraint workflow_insights_evidence check (jsonb_typeof(evidence) = 'array'),
  created_at timestamptz not null default now(),
  unique (organization_id, id),
  foreign key (organization_id, session_id) references public.recording_sessions (organization_id, id) on delete cascade,
  foreign key (organization_id, session_id, analysis_id) references public.analysis_results (organization_id, session_id, id) on delete cascade
);
create index workflow_insights_session on public.workflow_insights (organization_id, session_id, analysis_id);
create index workflow_insights_analysis on public.workflow_insights (organization_id, analysis_id);
create index workflow_insights_created on public.workflow_insights (organization_id, created_at desc, id desc);

create table public.workflow_visualizations (
  id uuid primary key default gen_random_uuid(),
  analysis_id uuid not null,
  session_id uuid not null,
  organization_id uuid not null,
  flow_data jsonb not null,
  visualization_type text not null constraint workflow_visualizations_type check (visualization_type in ('flow_chart', 'timeline', 'process_map')),
  layout_algorithm text not null constraint workflow_visualizations_layout check (layout_algorithm in ('dagre', 'hierarchical', 'force')),
  created_at timestamptz not null default now(),
  unique (analysis_id, visualization_type, layout_algorithm),
  unique (organization_id, id),
  foreign key (organization_id, session_id, analysis_id) references public.analysis_results (organization_id, session_id, id) on delete cascade
);
create index workflow_visualizations_session on public.workflow_visualizations (organization_id, session_id, analysis_id);
create index workflow_visualizations_analysis on public.workflow_visualizations (organization_id, analysis_id);

create table public.cost_analyses (
  id uuid primary key default gen_random_uuid(),
  analysis_id uuid not null,
  session_id uuid not null,
  organization_id uuid not null,
  currency text not null constraint cost_analyses_currency check (currency ~ '^[A-Z]{3}$'),
  current_monthly_hours numeric(14,2),
  current_monthly_cost numeric(14,2),
  projected_monthly_hours numeric(14,2),
  projected_monthly_cost numeric(14,2),
  total_implementation_cost numeric(14,2),
  monthly_savings numeric(14,2),
  annual_savings numeric(14,2),
  payback_period_days integer constraint cost_analyses_payback check (payback_period_days >= 0),
  roi_percentage numeric(16,2),
  current_hourly_rate numeric(14,2),
  confidence_level text constraint cost_analyses_confidence check (confidence_level in ('low', 'medium', 'high')),
  assumptions jsonb not null constraint cost_analyses_assumptions check (jsonb_typeof(assumptions) = 'object'),
  scenarios jsonb not null default '[]' constraint cost_analyses_scenarios check (jsonb_typeof(scenarios) = 'array'),
  created_at timestamptz not null default now(),
  unique (organization_id, id),
  foreign key (organization_id, session_id, analysis_id) references public.analysis_results (organization_id, session_id, id) on delete cascade
);
create index cost_analyses_analysis on public.cost_analyses (organization_id, analysis_id, created_at desc, id desc);
create index cost_analyses_session on public.cost_analyses (organization_id, session_id, analysis_id);
create index cost_analyses_created on public.cost_analyses (organization_id, created_at desc, id desc);
";

const DOWN: &str = "drop table public.cost_analyses, public.workflow_visualizations, public.workflow_insights, public.automation_opportunities;";
