//! Who is asking, and anything by its id.

use async_graphql::{Context, ID, Object};
use domain::role::Role;
use futures::future::try_join_all;
use uuid::Uuid;

use super::api_key::ApiKey;
use super::context::{InRequest as _, Read};
use super::error::{Result, alone};
use super::guard::Needs;
use super::node::{Node, node};
use super::organization::Organization;
use super::page::find;
use super::user_profile::Member;

/// Who is asking.
pub struct Viewer {
    read: Read,
}

/// Who is asking: a person, or a partner's key.
#[Object]
impl Viewer {
    /// The person's id, as in the sign-in token; for a key, the key's.
    async fn user_id(&self) -> ID {
        self.read.caller().actor.uuid().into()
    }

    /// The address from the sign-in token; null for keys and tokens without one.
    async fn email(&self) -> Option<&str> {
        self.read.caller().email.as_deref()
    }

    /// The person's place in the organization; null for keys, and for a person who belongs to none yet.
    async fn member(&self, ctx: &Context<'_>) -> Option<Result<Member>> {
        alone(async {
            match self
                .read
                .caller()
                .user()
                .filter(|_| self.read.caller().membership.is_some())
            {
                Some(user) => find(ctx, &self.read, user).await,
                None => Ok(None),
            }
        })
        .await
    }

    /// The organization; null for a person who belongs to none yet.
    async fn organization(&self, ctx: &Context<'_>) -> Option<Result<Organization>> {
        alone(async {
            match self.read.caller().membership {
                Some(membership) => find(ctx, &self.read, membership.organization).await,
                None => Ok(None),
            }
        })
        .await
    }

    /// What the caller may do; null for a person who belongs to no organization yet.
    async fn role(&self) -> Option<Role> {
        self.read.caller().membership.map(|membership| membership.role)
    }

    /// The key that is calling; null for persons.
    async fn api_key(&self, ctx: &Context<'_>) -> Option<Result<ApiKey>> {
        alone(async {
            match self.read.caller().api_key() {
                Some(key) => find(ctx, &self.read, key).await,
                None => Ok(None),
            }
        })
        .await
    }
}

/// How many ids `nodes` takes at once.
const MAX_NODES: usize = 100;

/// Queries about the caller, and by bare ids.
#[derive(Default)]
pub struct ViewerQuery;

#[Object]
impl ViewerQuery {
    /// Who is asking.
    #[graphql(guard = "Needs::Known")]
    async fn viewer(&self, ctx: &Context<'_>) -> Result<Viewer> {
        Ok(Viewer {
            read: ctx.request()?.read()?,
        })
    }

    /// Anything by its id; null when there is nothing that the caller may see.
    #[graphql(guard = "Needs::Member")]
    async fn node(&self, ctx: &Context<'_>, #[graphql(desc = "The object's id.")] id: ID) -> Result<Option<Node>> {
        one(ctx, &ctx.request()?.read()?, &id).await
    }

    /// Several things by their ids, in their order; null for each that is nothing that the caller may see.
    #[graphql(guard = "Needs::Member")]
    async fn nodes(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "The objects' ids, 100 at most.")] ids: Vec<ID>,
    ) -> Result<Vec<Option<Node>>> {
        if ids.len() > MAX_NODES {
            return Err(service::Error::invalid("ids", format!("at most {MAX_NODES} at once")).into());
        }
        let read = ctx.request()?.read()?;
        try_join_all(ids.iter().map(|id| one(ctx, &read, id))).await
    }
}

/// What is no id is the id of nothing.
async fn one(ctx: &Context<'_>, read: &Read, id: &ID) -> Result<Option<Node>> {
    match Uuid::parse_str(id) {
        Ok(id) => node(ctx, read, id).await,
        Err(_) => Ok(None),
    }
}
