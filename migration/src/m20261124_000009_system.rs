//! What happens outside a tenant: the short list of definer functions that a login role may call, and nothing else.
//! A test reads this list back from the catalogue.
//!
//! This file stays beside its folder: the database knows a step by the name of the file that says `step!`.

mod api;
mod membership;
mod queue;
mod worker;

use self::api::API;
use self::membership::MEMBERSHIP;
use self::queue::QUEUE;
use self::worker::WORKER;
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
