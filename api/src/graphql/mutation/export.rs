//! Exports of what is stored.

use async_graphql::{Context, Enum, ID, InputObject, Object, SimpleObject};
use domain::id::UserId;
use service::export::{self, Subject};
use service::signing;

use super::super::context::InRequest as _;
use super::super::error::Result;
use super::super::page::optional_id;
use super::super::scalar::{DateTime, Url};
use super::act;

/// What is exported.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Enum)]
pub enum ExportSubject {
    /// Everything about one member.
    Person,
    /// Everything of the organization.
    Organization,
}

/// What to export.
#[derive(Debug, InputObject)]
pub struct ExportDataInput {
    /// A person's data, or the organization's.
    #[graphql(default_with = "ExportSubject::Person")]
    subject: ExportSubject,
    /// Whose, for a person's data; the caller's own where it is left out.
    member_id: Option<ID>,
}

/// An export that can be fetched.
#[derive(SimpleObject)]
pub struct ExportDataPayload {
    /// Where: a ZIP with a JSON file for each table and the media, made while it is fetched; signed for the caller.
    url: Url,
    /// Until when the address works.
    expires_at: DateTime,
}

/// Exports.
#[derive(Default)]
pub struct ExportMutation;

/// Exports.
#[Object]
impl ExportMutation {
    /// Exports what is stored: people their own data, admins and owners a member's, owners the organization's; also with an
    /// inactive subscription. Audited.
    async fn export_data(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "What.")] input: ExportDataInput,
    ) -> Result<Option<ExportDataPayload>> {
        let request = ctx.request()?;
        let caller = request.caller()?;
        let member = caller.member()?;
        let subject = match input.subject {
            ExportSubject::Organization => Subject::Organization(member.organization),
            ExportSubject::Person => {
                let whose: Option<UserId> = optional_id(input.member_id.as_ref(), "input.memberId")?;
                Subject::Person(whose.unwrap_or_else(|| caller.actor.uuid().into()))
            }
        };
        let act = act(ctx)?;
        let scope = request.scope().await?;
        export::issue(&scope, subject, &act).await?;
        scope.commit().await?;
        let actor = caller.actor.uuid();
        let signed = request
            .api()
            .signer
            .sign(signing::Subject::Export, subject.uuid(), actor, act.now);
        Ok(Some(ExportDataPayload {
            url: Url(signed.url),
            expires_at: signed.expires_at.into(),
        }))
    }
}
