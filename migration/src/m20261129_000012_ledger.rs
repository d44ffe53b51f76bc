//! The ledger of model requests and the log of disclosures outlive the recording, without its contents: otherwise erasing one would
//! refund the month's budget and hide what left the house. And a line says which frames were asked about and what they may take in
//! tokens, so that a reply is found again after limits have changed, and a ceiling holds over all attempts. And every attempt says what
//! it cost, however it ended.

use crate::support::step;

step!(up: [UP, ATTEMPTS], down: DOWN);

const UP: &str = r"
alter table public.model_requests
  alter column session_id drop not null,
  alter column analysis_id drop not null,
  add column frame_indexes integer[] not null default '{}',
  add column estimated_tokens bigint not null default 0 constraint model_requests_estimated_tokens check (estimated_tokens >= 0),
  drop constraint model_requests_organization_id_session_id_analysis_id_fkey,
  drop constraint model_requests_state,
  -- `expired`: it was stored, and its retention has taken the reply.
  add constraint model_requests_state check (state in ('reserved', 'stored', 'failed', 'uncertain', 'expired')),
  add constraint model_requests_organization foreign key (organization_id) references public.organizations (id) on delete cascade,
  add constraint model_requests_analysis foreign key (organization_id, session_id, analysis_id)
    references public.analysis_results (organization_id, session_id, id) on delete set null (session_id, analysis_id);

alter table public.disclosures
  alter column session_id drop not null,
  alter column analysis_id drop not null,
  drop constraint disclosures_organization_id_session_id_analysis_id_fkey,
  add constraint disclosures_organization foreign key (organization_id) references public.organizations (id) on delete cascade,
  add constraint disclosures_analysis foreign key (organization_id, session_id, analysis_id)
    references public.analysis_results (organization_id, session_id, id) on delete set null (session_id, analysis_id);

-- What remains of a request is what it cost. A reply without its text answers nothing any more.
create function private.forget_reply() returns trigger language plpgsql set search_path = '' as $$
begin
  if new.analysis_id is null then
    new.reply := null;
    new.error_message := null;
    new.frame_indexes := '{}';
    if new.state = 'reserved' then
      new.state := 'uncertain';
    end if;
  end if;
  if new.reply is null and new.state = 'stored' then
    new.state := 'expired';
  end if;
  return new;
end $$;
revoke all on function private.forget_reply() from public;
create trigger model_requests_forget before update of analysis_id, reply on public.model_requests for each row execute function private.forget_reply();
";

const ATTEMPTS: &str = r"
-- What the requests of an analysis have cost, or may have, less what its other attempts have booked of it.
create function private.book_attempt() returns trigger language plpgsql security definer set search_path = '' as $$
begin
  select nullif(sum(coalesce(m.cost_usd, m.estimate_usd)) - coalesce((select sum(t.cost_usd) from public.analysis_attempts t where t.analysis_id = new.analysis_id and t.id <> new.id), 0), 0)
    into new.cost_usd from public.model_requests m where m.analysis_id = new.analysis_id and m.state <> 'failed';
  if new.cost_usd < 0 then
    new.cost_usd := 0;
  end if;
  return new;
end $$;
revoke all on function private.book_attempt() from public;
create trigger analysis_attempts_book before update of ended_at on public.analysis_attempts for each row when (old.ended_at is null and new.ended_at is not null) execute function private.book_attempt();
";

const DOWN: &str = r"
drop trigger analysis_attempts_book on public.analysis_attempts;
drop function private.book_attempt();
drop trigger model_requests_forget on public.model_requests;
drop function private.forget_reply();
delete from public.model_requests where analysis_id is null;
delete from public.disclosures where analysis_id is null;
update public.model_requests set state = 'failed' where state = 'expired';
alter table public.model_requests
  drop constraint model_requests_analysis,
  drop constraint model_requests_organization,
  drop constraint model_requests_state,
  drop column estimated_tokens,
  drop column frame_indexes,
  alter column session_id set not null,
  alter column analysis_id set not null,
  add constraint model_requests_state check (state in ('reserved', 'stored', 'failed', 'uncertain')),
  add constraint model_requests_organization_id_session_id_analysis_id_fkey foreign key (organization_id, session_id, analysis_id)
    references public.analysis_results (organization_id, session_id, id) on delete cascade;
alter table public.disclosures
  drop constraint disclosures_analysis,
  drop constraint disclosures_organization,
  alter column session_id set not null,
  alter column analysis_id set not null,
  add constraint disclosures_organization_id_session_id_analysis_id_fkey foreign key (organization_id, session_id, analysis_id)
    references public.analysis_results (organization_id, session_id, id) on delete cascade;
";
