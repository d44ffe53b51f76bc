//! Members and invitations.

use async_graphql::{Context, ID, InputObject, Object, SimpleObject};
use domain::id::{InvitationId, OrganizationId, UserId};
use domain::role::Role;
use service::invitation::manage as invitations;
use service::user_profile::manage::{self, Update};

use super::super::context::{InRequest as _, Read};
use super::super::error::Result;
use super::super::invitation::Invitation;
use super::super::organization::Organization;
use super::super::page::{get, id};
use super::super::user_profile::Member;
use super::recording::ErasureReceipt;
use super::{act, once, parts};

/// What a person changes about himself; what is left out stays.
#[derive(Debug, InputObject)]
pub struct UpdateProfileInput {
    /// First name, at most 200 characters.
    first_name: Option<String>,
    /// Last name, at most 200 characters.
    last_name: Option<String>,
    /// What the person does, at most 200 characters.
    job_title: Option<String>,
}

/// Somebody to be invited.
#[derive(Debug, InputObject)]
pub struct InviteMemberInput {
    /// The address; the invitation is for whoever signs in with it.
    email: String,
    /// What the person may do; admins invite operators only.
    role: Role,
    /// A repeat with the same key is refused, since the token is shown once.
    idempotency_key: Option<String>,
}

/// An invitation to be accepted.
#[derive(Debug, InputObject)]
pub struct AcceptInvitationInput {
    /// The token of the invitation.
    token: String,
    /// First name.
    first_name: Option<String>,
    /// Last name.
    last_name: Option<String>,
    /// What the person does.
    job_title: Option<String>,
}

/// An invitation to be revoked.
#[derive(Debug, InputObject)]
pub struct RevokeInvitationInput {
    /// The invitation.
    invitation_id: ID,
}

/// Another role for a member.
#[derive(Debug, InputObject)]
pub struct UpdateMemberRoleInput {
    /// The member; never oneself.
    member_id: ID,
    /// The role.
    role: Role,
}

/// A member to be removed. `eraseRecordings` true erases what this member recorded; false keeps it without the name.
#[derive(Debug, InputObject)]
pub struct RemoveMemberInput {
    /// The member; oneself to leave.
    member_id: ID,
    /// Whether what the member recorded is erased.
    erase_recordings: bool,
}

/// A profile that was changed.
pub struct UpdateProfilePayload {
    read: Read,
    member: UserId,
}

/// A profile that was changed.
#[Object]
impl UpdateProfilePayload {
    /// The member.
    async fn member(&self, ctx: &Context<'_>) -> Result<Member> {
        get(ctx, &self.read, self.member).await
    }
}

/// An invitation that was made.
pub struct InviteMemberPayload {
    read: Read,
    invitation: InvitationId,
    token: String,
}

/// An invitation that was made. The token is shown here once.
#[Object]
impl InviteMemberPayload {
    /// The invitation.
    async fn invitation(&self, ctx: &Context<'_>) -> Result<Invitation> {
        get(ctx, &self.read, self.invitation).await
    }

    /// What the invited person accepts with; shown here once.
    async fn token(&self) -> &str {
        &self.token
    }
}

/// An invitation that was accepted.
pub struct AcceptInvitationPayload {
    read: Read,
    member: UserId,
    organization: OrganizationId,
}

/// An invitation that was accepted.
#[Object]
impl AcceptInvitationPayload {
    /// The new member.
    async fn member(&self, ctx: &Context<'_>) -> Result<Member> {
        get(ctx, &self.read, self.member).await
    }

    /// The organization that the person belongs to now.
    async fn organization(&self, ctx: &Context<'_>) -> Result<Organization> {
        get(ctx, &self.read, self.organization).await
    }
}

/// An invitation that was revoked.
pub struct RevokeInvitationPayload {
    read: Read,
    invitation: InvitationId,
}

/// An invitation that was revoked.
#[Object]
impl RevokeInvitationPayload {
    /// The invitation.
    async fn invitation(&self, ctx: &Context<'_>) -> Result<Invitation> {
        get(ctx, &self.read, self.invitation).await
    }
}

/// A member whose role was changed.
pub struct UpdateMemberRolePayload {
    read: Read,
    member: UserId,
}

/// A member whose role was changed.
#[Object]
impl UpdateMemberRolePayload {
    /// The member.
    async fn member(&self, ctx: &Context<'_>) -> Result<Member> {
        get(ctx, &self.read, self.member).await
    }
}

/// A member who was removed.
#[derive(SimpleObject)]
pub struct RemoveMemberPayload {
    /// The member who is gone.
    member_id: ID,
    /// What was erased; null where nothing was to be, or nothing was there.
    erasure: Option<ErasureReceipt>,
}

/// Members and invitations.
#[derive(Default)]
pub struct PeopleMutation;

/// Members and invitations.
#[Object]
impl PeopleMutation {
    /// Changes the caller's own profile.
    async fn update_profile(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "What changes.")] input: UpdateProfileInput,
    ) -> Result<Option<UpdateProfilePayload>> {
        let request = ctx.request()?;
        let update = Update {
            first_name: input.first_name,
            last_name: input.last_name,
            job_title: input.job_title,
        };
        let scope = request.scope().await?;
        let member = manage::update(&scope, &update, &act(ctx)?).await?;
        scope.commit().await?;
        Ok(Some(UpdateProfilePayload {
            read: request.fresh()?,
            member,
        }))
    }

    /// Invites somebody: owners, and admins for operators. The token is answered once; it is good for seven days.
    async fn invite_member(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "Whom, and as what.")] input: InviteMemberInput,
    ) -> Result<Option<InviteMemberPayload>> {
        let request = ctx.request()?;
        let key = once(ctx, input.idempotency_key.as_ref(), "inviteMember")?;
        let scope = request.scope().await?;
        let (invitation, token) =
            invitations::create(&scope, &input.email, input.role, key.as_ref(), &act(ctx)?).await?;
        scope.commit().await?;
        Ok(Some(InviteMemberPayload {
            read: request.fresh()?,
            invitation,
            token,
        }))
    }

    /// Accepts an invitation: a signed-in person who belongs to no organization, with the invited address.
    async fn accept_invitation(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "The token and the person's names.")] input: AcceptInvitationInput,
    ) -> Result<Option<AcceptInvitationPayload>> {
        let request = ctx.request()?;
        let (db, caller) = parts(request)?;
        let names = [
            input.first_name.as_deref(),
            input.last_name.as_deref(),
            input.job_title.as_deref(),
        ];
        let (member, organization) = invitations::accept(db, caller, &input.token, names).await?;
        Ok(Some(AcceptInvitationPayload {
            read: request.fresh()?,
            member,
            organization,
        }))
    }

    /// Revokes an invitation that was not accepted yet: admins and owners.
    async fn revoke_invitation(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "The invitation.")] input: RevokeInvitationInput,
    ) -> Result<Option<RevokeInvitationPayload>> {
        let request = ctx.request()?;
        let invitation: InvitationId = id(&input.invitation_id, "input.invitationId")?;
        let scope = request.scope().await?;
        invitations::revoke(&scope, invitation, &act(ctx)?).await?;
        scope.commit().await?;
        Ok(Some(RevokeInvitationPayload {
            read: request.fresh()?,
            invitation,
        }))
    }

    /// Changes a member's role: owners, never their own; the last owner stays one.
    async fn update_member_role(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "Whose, and which.")] input: UpdateMemberRoleInput,
    ) -> Result<Option<UpdateMemberRolePayload>> {
        let request = ctx.request()?;
        let member: UserId = id(&input.member_id, "input.memberId")?;
        let scope = request.scope().await?;
        manage::set_role(&scope, member, input.role, &act(ctx)?).await?;
        scope.commit().await?;
        request.api().hub.rights_changed(member.uuid());
        Ok(Some(UpdateMemberRolePayload {
            read: request.fresh()?,
            member,
        }))
    }

    /// Removes a member, or leaves: owners anyone, admins operators, everyone oneself; the last owner stays.
    async fn remove_member(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "Whom, and what becomes of the recordings.")] input: RemoveMemberInput,
    ) -> Result<Option<RemoveMemberPayload>> {
        let request = ctx.request()?;
        let member: UserId = id(&input.member_id, "input.memberId")?;
        let scope = request.scope().await?;
        let receipt = manage::remove(&scope, member, input.erase_recordings, &act(ctx)?).await?;
        scope.commit().await?;
        request.api().hub.rights_changed(member.uuid());
        Ok(Some(RemoveMemberPayload {
            member_id: input.member_id,
            erasure: receipt.map(Into::into),
        }))
    }
}
