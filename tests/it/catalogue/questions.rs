//! Questions to the catalogue that must find nothing, and one careless migration that each of them finds.

/// What is asked, and the SQL that finds whoever offends.
pub const QUESTIONS: [(&str, &str); 25] = [
    ("kinds of relation that no policy covers", "select relname::text from pg_class where relnamespace = 'public'::regnamespace and relkind in ('v', 'm', 'f', 'S')"),
    ("tables without row security", "select relname::text from pg_class where relnamespace = 'public'::regnamespace and relkind = 'r' and not relrowsecurity"),
    ("tables with forced row security", "select relname::text from pg_class where relnamespace in ('public'::regnamespace, 'private'::regnamespace) and relforcerowsecurity"),
    ("tables without organization_id", "select relname::text from pg_class c where relnamespace = 'public'::regnamespace and relkind = 'r' and relname <> 'organizations'
            and not exists (select from pg_attribute a where a.attrelid = c.oid and attname = 'organization_id' and attnotnull and atttypid = 'uuid'::regtype)"),
    ("tables without an index that leads with the organization", "select relname::text from pg_class c where relnamespace = 'public'::regnamespace and relkind = 'r' and relname <> 'organizations'
            and not exists (select from pg_index i join pg_attribute a on a.attrelid = c.oid and a.attnum = i.indkey[0] where i.indrelid = c.oid and attname = 'organization_id' and indpred is null)"),
    ("tables that do not say when a row was made", "select relname::text from pg_class c where relnamespace = 'public'::regnamespace and relkind = 'r'
            and not exists (select from pg_attribute a where a.attrelid = c.oid and attname in ('created_at', 'at') and attnotnull)"),
    ("an updated_at that nobody keeps", "select relname::text from pg_class c join pg_attribute a on a.attrelid = c.oid and attname = 'updated_at' where relnamespace = 'public'::regnamespace and relkind = 'r'
            and not exists (select from pg_trigger t join pg_proc p on p.oid = tgfoid where tgrelid = c.oid and proname = 'touch' and tgenabled = 'O')"),
    ("granted without a policy", "select relname || ' ' || verb || ' ' || r.name from pg_class c, unnest(array['newsystem_member', 'newsystem_export', 'newsystem_job', 'authenticated']) r (name), unnest(array['SELECT', 'INSERT', 'UPDATE', 'DELETE']) v (verb)
        where relnamespace = 'public'::regnamespace and relkind = 'r' and (case verb when 'DELETE' then has_table_privilege(r.name, c.oid, verb) else has_any_column_privilege(r.name, c.oid, verb) end) and not exists (select from pg_policies p where p.schemaname = 'public' and p.tablename = c.relname and p.cmd = verb and r.name = any (p.roles) and p.permissive = 'PERMISSIVE')"),
    ("a policy without a grant", "select relname || ' ' || verb || ' ' || r.name from pg_class c, unnest(array['newsystem_member', 'newsystem_export', 'newsystem_job', 'authenticated']) r (name), unnest(array['SELECT', 'INSERT', 'UPDATE', 'DELETE']) v (verb)
        where relnamespace = 'public'::regnamespace and relkind = 'r' and exists (select from pg_policies p where p.schemaname = 'public' and p.tablename = c.relname and p.cmd = verb and r.name = any (p.roles) and p.permissive = 'PERMISSIVE') and not (case verb when 'DELETE' then has_table_privilege(r.name, c.oid, verb) else has_any_column_privilege(r.name, c.oid, verb) end)"),
    ("a policy for all commands or for everyone", "select policyname::text from pg_policies where schemaname = 'public' and (cmd = 'ALL' or 'public' = any (roles) or 'anon' = any (roles))"),
    ("a policy that does not ask for the organization", "select policyname::text from pg_policies where schemaname = 'public' and permissive = 'PERMISSIVE' and coalesce(qual, with_check) !~ 'SELECT private\\.(organization_id|job_organization)\\(\\)'"),
    ("a helper that runs once for each row: wrap it in a sub-select", "select policyname::text from pg_policies, unnest(array[qual, with_check]) expression where schemaname = 'public'
            and regexp_replace(expression, '(SELECT|FROM|COALESCE\\(|, ?) ?private\\.\\w+\\(', '', 'g') ~ 'private\\.(?!is_object_of)\\w+\\('"),
    ("what Supabase's clients may do beside reading", "select relname || ' ' || verb from pg_class c, unnest(array['INSERT', 'UPDATE', 'DELETE', 'TRUNCATE', 'REFERENCES', 'TRIGGER']) v (verb)
        where relnamespace = 'public'::regnamespace and relkind = 'r' and (has_table_privilege('authenticated', c.oid, verb) or (verb not in ('DELETE', 'TRUNCATE', 'TRIGGER') and has_any_column_privilege('authenticated', c.oid, verb)))"),
    ("what nobody needs", "select relname || ' ' || verb || ' ' || r.name from pg_class c, unnest(array['newsystem_member', 'newsystem_export', 'newsystem_job', 'newsystem_api', 'newsystem_worker', 'newsystem_queue']) r (name), unnest(array['TRUNCATE', 'REFERENCES', 'TRIGGER']) v (verb)
        where relnamespace in ('public'::regnamespace, 'private'::regnamespace) and relkind = 'r' and has_table_privilege(r.name, c.oid, verb)"),
    ("granted to PUBLIC, anon or service_role", "with ours as (select oid, nspname from pg_namespace where nspname in ('public', 'private', 'newsystem_migration')),
              held as (
                select 'table ' || c.oid::regclass as what, acl from pg_class c join ours on ours.oid = relnamespace, aclexplode(relacl) acl
                union all select 'column ' || attrelid::regclass || '.' || attname, acl from pg_attribute join pg_class c on c.oid = attrelid join ours on ours.oid = relnamespace, aclexplode(attacl) acl
                union all select 'function ' || p.oid::regprocedure, acl from pg_proc p join ours on ours.oid = pronamespace, aclexplode(coalesce(proacl, acldefault('f', proowner))) acl
                union all select 'schema ' || nspname, acl from pg_namespace n join ours using (oid, nspname), aclexplode(coalesce(nspacl, acldefault('n', nspowner))) acl where nspname <> 'public')
         select what || ': ' || (acl).privilege_type from held where (acl).grantee = 0 or (acl).grantee in ('anon'::regrole, 'service_role'::regrole)"),
    ("whoever may make things beside the owner", "select r.rolname || ' ' || n.nspname from pg_roles r, pg_namespace n where nspname in ('public', 'private', 'newsystem_migration')
        and rolname in ('newsystem_api', 'newsystem_worker', 'newsystem_member', 'newsystem_export', 'newsystem_job', 'authenticated', 'anon', 'service_role') and has_schema_privilege(r.oid, n.oid, 'create')"),
    ("roles that may more than they must", "select rolname::text from pg_roles where rolname like 'newsystem\\_%' and rolname not in ('newsystem_owner')
        and (rolsuper or rolbypassrls or rolcreaterole or rolcreatedb or rolreplication or rolinherit or rolcanlogin <> (rolname in ('newsystem_api', 'newsystem_worker', 'newsystem_queue')))"),
    ("functions of ours in an exposed schema", "select proname::text from pg_proc where pronamespace = 'public'::regnamespace"),
    ("functions whose names could be taken over by a search path", "select oid::regprocedure::text from pg_proc where pronamespace = 'private'::regnamespace and not coalesce('search_path=\"\"' = any (proconfig), false)"),
    ("definer functions that nobody chose as such: only these owners", "select oid::regprocedure::text from pg_proc where pronamespace = 'private'::regnamespace and prosecdef and proowner not in ('newsystem_owner'::regrole, 'newsystem_queue'::regrole)"),
    ("foreign keys without an index that begins with their columns", "select conrelid::regclass || ' ' || conname from pg_constraint c where contype = 'f' and connamespace in ('public'::regnamespace, 'private'::regnamespace)
            and not exists (select from pg_index i where i.indrelid = conrelid and indpred is null
              and (select array_agg(k order by k) from unnest((i.indkey::int2[])[0:array_length(conkey, 1) - 1]) k) = (select array_agg(k order by k) from unnest(conkey) k))"),
    ("columns by which a policy chooses rows, without an index, the organization first", "select distinct p.tablename || '.' || a.attname from pg_policies p join pg_attribute a on a.attrelid = ('public.' || p.tablename)::regclass and a.attnum > 0
          where p.schemaname = 'public' and p.qual ~ ('(^|[ (])' || a.attname || ' (=|IN)')
            and not exists (select from pg_index i where i.indrelid = a.attrelid and indpred is null and (i.indkey[0] = a.attnum
              or (i.indkey[1] = a.attnum and i.indkey[0] = (select attnum from pg_attribute o where o.attrelid = a.attrelid and o.attname = 'organization_id'))))"),
    ("constraints that say nothing by their names", "select conrelid::regclass || ' ' || conname from pg_constraint where connamespace in ('public'::regnamespace, 'private'::regnamespace) and conrelid <> 0
            and ((contype = 'c' and conname ~ '_check\\d*$') or conname !~ ('^' || (select relname from pg_class where oid = conrelid) || '_'))"),
    ("foreign keys that could cross organizations", "select conrelid::regclass || ' ' || conname from pg_constraint c where contype = 'f' and connamespace = 'public'::regnamespace and confrelid not in ('public.organizations'::regclass, 'auth.users'::regclass)
            and not exists (select from unnest(conkey, confkey) k (here, there) join pg_attribute a on a.attrelid = conrelid and a.attnum = here join pg_attribute b on b.attrelid = confrelid and b.attnum = there
              where a.attname = 'organization_id' and b.attname = 'organization_id')"),
    ("foreign keys that would empty the organization", "select conname::text from pg_constraint where contype = 'f' and connamespace = 'public'::regnamespace and (confdeltype in ('a', 'r') or (confdeltype = 'n' and (confdelsetcols is null or exists (select from pg_attribute where attrelid = conrelid and attnum = any (confdelsetcols) and attname = 'organization_id'))))"),
];

/// What somebody in a hurry might write.
pub const CARELESS: &str = "
create table public.careless (
  id uuid primary key,
  analysis_id uuid references public.analysis_results (id),
  owner uuid constraint x check (owner is not null),
  updated_at timestamptz not null default now()
);
grant select, insert, truncate on public.careless to newsystem_member, authenticated, anon;
create view public.careless_view as select 1;
alter table public.organizations force row level security;
create policy careless_all on public.video_chunks for all to public using (true);
create policy careless_rows on public.disclosures for delete to newsystem_member using (organization_id = private.organization_id() and endpoint = 'x');
create function public.careless() returns integer language sql as 'select 1';
create function private.careless() returns integer language sql security definer as 'select 1';
grant create on schema private to newsystem_api;
alter role newsystem_worker createdb;
";
