//! Coming and going: founding an organization, accepting an invitation, roles, leaving.

pub(super) const MEMBERSHIP: &str = r"
-- A signed-in person without a profile founds an organization and owns it.
create function private.create_organization(organization uuid, person uuid, address text, organization_name text, organization_currency text, organization_locale text, organization_time_zone text,
  first text, last text, job text, once_key text, once_sha256 text, at timestamptz) returns void language plpgsql security definer set search_path = '' as $$
begin
  perform pg_advisory_xact_lock(hashtext('newsystem.person'), hashtext(person::text));
  if exists (select from public.user_profiles where id = person) then
    raise unique_violation using message = 'the person already belongs to an organization', constraint = 'user_profiles_one_organization';
  end if;
  insert into public.organizations (id, name, currency, locale, time_zone) values (organization, organization_name, organization_currency, organization_locale, organization_time_zone);
  insert into public.user_profiles (id, organization_id, role, email, first_name, last_name, job_title) values (person, organization, 'owner', address, first, last, job);
  if once_key is not null then
    insert into public.idempotency_keys (organization_id, actor_id, operation, key, request_sha256, subject_id, created_at) values (organization, person, 'createOrganization', once_key, once_sha256, organization, at);
  end if;
  insert into public.audit_log (organization_id, at, actor_user_id, action, subject_type, subject_id) values (organization, at, person, 'organization.create', 'organization', organization);
end $$;

-- Works once, before it expires, for the address that was invited, while the organization has room.
create function private.accept_invitation(hash text, person uuid, address text, first text, last text, job text) returns uuid language plpgsql security definer set search_path = '' as $$
declare
  invitation public.invitations;
begin
  perform pg_advisory_xact_lock(hashtext('newsystem.person'), hashtext(person::text));
  if exists (select from public.user_profiles where id = person) then
    raise unique_violation using message = 'the person already belongs to an organization', constraint = 'user_profiles_one_organization';
  end if;
  select * into invitation from public.invitations where token_sha256 = hash and accepted_at is null and revoked_at is null and expires_at > now() and email = lower(address) for update;
  if not found then
    return null;
  end if;
  perform pg_advisory_xact_lock(hashtext('newsystem.quota'), hashtext(invitation.organization_id::text));
  if (select count(*) from public.user_profiles where organization_id = invitation.organization_id) >= (select max_users from public.organizations where id = invitation.organization_id) then
    raise check_violation using message = 'the organization has no room for another member', constraint = 'organizations_max_users_reached';
  end if;
  insert into public.user_profiles (id, organization_id, role, email, first_name, last_name, job_title) values (person, invitation.organization_id, invitation.role, address, first, last, job);
  update public.invitations set accepted_at = now() where id = invitation.id;
  insert into public.audit_log (organization_id, actor_user_id, action, subject_type, subject_id) values (invitation.organization_id, person, 'invitation.accept', 'invitation', invitation.id);
  return invitation.organization_id;
end $$;

-- Only an owner changes roles, never his own, and the last owner stays one.
create function private.set_member_role(member uuid, new_role text) returns boolean language plpgsql security definer set search_path = '' as $$
declare
  organization uuid := private.organization_id();
begin
  if not private.is_owner() or member = private.user_id() or not private.can_write() then
    raise insufficient_privilege using message = 'only an owner changes roles, and never his own';
  end if;
  perform pg_advisory_xact_lock(hashtext('newsystem.quota'), hashtext(organization::text));
  if new_role <> 'owner' and not exists (select from public.user_profiles where organization_id = organization and role = 'owner' and id <> member) then
    raise check_violation using message = 'the last owner cannot step down', constraint = 'user_profiles_last_owner';
  end if;
  update public.user_profiles set role = new_role where id = member and organization_id = organization;
  return found;
end $$;

-- An owner removes anyone, an admin removes operators, everyone may leave; the last owner stays.
create function private.remove_member(member uuid) returns boolean language plpgsql security definer set search_path = '' as $$
declare
  organization uuid := private.organization_id();
  leaving text;
begin
  perform pg_advisory_xact_lock(hashtext('newsystem.quota'), hashtext(organization::text));
  select role into leaving from public.user_profiles where id = member and organization_id = organization;
  if not found then
    return false;
  end if;
  if not coalesce(member = private.user_id() or private.is_owner() or (private.is_managing_person() and leaving = 'operator'), false) then
    raise insufficient_privilege using message = 'only an owner removes owners and admins';
  end if;
  if leaving = 'owner' and not exists (select from public.user_profiles where organization_id = organization and role = 'owner' and id <> member) then
    raise check_violation using message = 'the last owner cannot leave', constraint = 'user_profiles_last_owner';
  end if;
  delete from public.user_profiles where id = member and organization_id = organization;
  return true;
end $$;
";
