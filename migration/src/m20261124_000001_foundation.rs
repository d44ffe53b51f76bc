//! The schema `private` with the helpers that policies call, and, on plain PostgreSQL, what a Supabase project would have.

use crate::support::step;

step!(up: [UP], down: DOWN);

/// On a Supabase project schema `auth` exists, belongs to another role, and must not be touched.
const UP: &str = r"
do $auth$
begin
  if not exists (select from pg_namespace where nspname = 'auth') then
    create schema auth;
    comment on schema auth is 'made by newsystem';
    create table auth.users (
      id uuid primary key default gen_random_uuid(),
      email text,
      created_at timestamptz not null default now(),
      updated_at timestamptz not null default now()
    );
    create function auth.jwt() returns jsonb language sql stable as $$
      select coalesce(nullif(current_setting('request.jwt.claim', true), ''), nullif(current_setting('request.jwt.claims', true), ''))::jsonb
    $$;
    create function auth.uid() returns uuid language sql stable as $$
      select coalesce(nullif(current_setting('request.jwt.claim.sub', true), ''), auth.jwt() ->> 'sub')::uuid
    $$;
    create function auth.role() returns text language sql stable as $$
      select coalesce(nullif(current_setting('request.jwt.claim.role', true), ''), auth.jwt() ->> 'role')
    $$;
    revoke all on schema auth from public;
    revoke all on auth.users from public, anon, authenticated, service_role;
    grant usage on schema auth to anon, authenticated, service_role;
  end if;
end $auth$;

create schema private;
revoke all on schema private from public, anon, authenticated, service_role;
grant usage on schema private to newsystem_api, newsystem_worker, newsystem_member, newsystem_export, newsystem_job, authenticated;
grant create, usage on schema private to newsystem_queue;
grant usage on schema public to newsystem_api, newsystem_worker, newsystem_member, newsystem_export, newsystem_job, authenticated;

create function private.touch() returns trigger language plpgsql set search_path = '' as $$
begin
  new.updated_at := now();
  return new;
end $$;

-- Every statement of a request runs some of these functions, so they are PL/pgSQL: it keeps their plans for the connection's life, where
-- PostgreSQL before 18 parses and plans a function in SQL anew for each statement that calls it, unless it can be inlined (a definer's,
-- or one with a search path of its own, cannot).
--
-- The setting reverts to an empty string, not to null, after a transaction.
create function private.claims() returns jsonb language plpgsql stable set search_path = '' as $$
begin
  -- A worker is nobody, whatever it claims, but the person whose export it holds the lease of.
  if session_user = 'newsystem_worker' then
    return private.export_claims();
  end if;
  return nullif(current_setting('request.jwt.claims', true), '')::jsonb;
end $$;

create function private.user_id() returns uuid language plpgsql stable set search_path = '' as $$
declare
  claims jsonb := private.claims();
begin
  return case when claims ->> 'role' = 'authenticated' then (claims ->> 'sub')::uuid end;
end $$;

-- A key's claims carry a role that no sign-in token can have and PostgREST could not switch to.
create function private.api_key_id() returns uuid language plpgsql stable set search_path = '' as $$
declare
  claims jsonb := private.claims();
begin
  return case when claims ->> 'role' = 'newsystem_key' then (claims ->> 'sub')::uuid end;
end $$;

-- One constant list in one place; the application's list is compared with it by a test.
create function private.is_workflow_category(value text) returns boolean language plpgsql immutable set search_path = '' as $$
begin
  return value = any (array['order_entry', 'shipment_booking', 'customs', 'invoicing', 'inventory', 'tracking', 'claims', 'email', 'master_data', 'reporting', 'other']);
end $$;

create function private.is_share(value double precision) returns boolean language plpgsql immutable set search_path = '' as $$
begin
  return value >= 0 and value <= 1;
end $$;

-- Is this key in storage one of the organization's own? Objects have no row security: what names one must not name another's.
create function private.is_object_of(organization uuid, object_key text) returns boolean language plpgsql immutable set search_path = '' as $$
begin
  return starts_with(object_key, 'organizations/' || organization::text || '/') and position('..' in object_key) = 0;
end $$;

-- In every step that makes functions: default privileges would be an alteration of the owner, who may have other things too.
revoke execute on all functions in schema private from public;
";

const DOWN: &str = r"
drop schema private cascade;
do $auth$
begin
  if obj_description((select oid from pg_namespace where nspname = 'auth'), 'pg_namespace') = 'made by newsystem' then
    drop schema auth cascade;
  end if;
end $auth$;
";
