//! Asking for exports of what is stored.

use async_graphql::{Context, ID, InputObject, Object};
use domain::id::{ExportId, UserId};
use service::data_export::{self, Subject};

use super::super::context::{InRequest as _, Read};
use super::super::data_export::{DataExport, ExportSubject};
use super::super::error::Result;
use super::super::page::{get, optional_id};
use super::act;

/// What to export.
#[derive(Debug, InputObject)]
pub struct ExportDataInput {
    /// A person's data, or the organization's.
    #[graphql(default_with = "ExportSubject::Person")]
    subject: ExportSubject,
    /// Whose, for a person's data; the caller's own where it is left out.
    member_id: Option<ID>,
}

/// An export that is made by a worker.
pub struct ExportDataPayload {
    read: Read,
    export: ExportId,
}

/// An export that is made by a worker.
#[Object]
impl ExportDataPayload {
    /// The export: read its status until it is READY.
    async fn export(&self, ctx: &Context<'_>) -> Result<DataExport> {
        get(ctx, &self.read, self.export).await
    }
}

/// Exports.
#[derive(Default)]
pub struct ExportMutation;

/// Exports.
#[Object]
impl ExportMutation {
    /// Has a copy made of what is stored: people of their own data, admins and owners of a member's, owners of the organization's;
    /// also with an inactive subscription. While one of the same is under way, a repeat answers that one; a new one replaces an older. Audited.
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
        let export = data_export::request(&scope, subject, &act).await?;
        scope.commit().await?;
        Ok(Some(ExportDataPayload {
            read: request.fresh()?,
            export,
        }))
    }
}
