//! How sessions are asked for: one by its id, or a list by filter and order. Apart from what one is.

use std::sync::Arc;

use async_graphql::{Context, Enum, ID, InputObject, Object};
use domain::category::WorkflowCategory;
use domain::id::{SessionId, UserId};
use domain::status::SessionStatus;
use futures::FutureExt as _;
use service::page::{Direction, Key};
use service::recording_session::{self as row, Sessions};

use super::RecordingSession;
use crate::graphql::context::InRequest as _;
use crate::graphql::error::Result;
use crate::graphql::guard::Needs;
use crate::graphql::page::{Connection, DateTimeRange, OrderDirection, arguments, find, id, optional_id, range};

/// Which sessions; what is left out does not restrict.
#[derive(Default, InputObject)]
pub struct RecordingSessionFilter {
    /// In one of these states.
    status: Option<Vec<SessionStatus>>,
    /// Of one of these kinds of work.
    workflow_type: Option<Vec<WorkflowCategory>>,
    /// Of this person; to an operator, others' sessions are none.
    user_id: Option<ID>,
    /// With this text in title or description, upper or lower case.
    search: Option<String>,
    /// Started in this range.
    created: Option<DateTimeRange>,
    /// Changed in this range.
    updated: Option<DateTimeRange>,
}

impl RecordingSessionFilter {
    fn sessions(self) -> Result<Sessions> {
        Ok(Sessions {
            status: self.status,
            workflow_type: self.workflow_type,
            user: optional_id::<UserId>(self.user_id.as_ref(), "filter.userId")?,
            search: self.search,
            created: range(self.created),
            updated: range(self.updated),
        })
    }
}

/// What sessions can be ordered by.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Enum)]
pub enum RecordingSessionOrderField {
    /// When it was started.
    CreatedAt,
    /// When it was last changed.
    UpdatedAt,
    /// Its title.
    Title,
    /// Its length.
    Duration,
    /// Its size in bytes.
    FileSize,
}

/// One key of an order of sessions.
#[derive(InputObject)]
pub struct RecordingSessionOrder {
    /// By what.
    field: RecordingSessionOrderField,
    /// Which way.
    #[graphql(default_with = "OrderDirection::Desc")]
    direction: OrderDirection,
}

impl RecordingSessionOrder {
    fn keys(orders: Option<Vec<Self>>) -> Vec<(Key, Direction)> {
        let key = |order: Self| {
            let key = match order.field {
                RecordingSessionOrderField::CreatedAt => row::CREATED_AT,
                RecordingSessionOrderField::UpdatedAt => row::UPDATED_AT,
                RecordingSessionOrderField::Title => row::TITLE,
                RecordingSessionOrderField::Duration => row::DURATION,
                RecordingSessionOrderField::FileSize => row::FILE_SIZE,
            };
            (key, order.direction.into())
        };
        orders.unwrap_or_default().into_iter().map(key).collect()
    }
}

/// Queries about sessions.
#[derive(Default)]
pub struct RecordingSessionQuery;

#[Object]
impl RecordingSessionQuery {
    /// A session by its id; null when there is none that the caller may see.
    #[graphql(guard = "Needs::Member")]
    async fn recording_session(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "The session's id.", name = "id")] session: ID,
    ) -> Result<Option<RecordingSession>> {
        find(ctx, &ctx.request()?.read()?, id::<SessionId>(&session, "id")?).await
    }

    /// The organization's sessions, the newest first unless ordered otherwise.
    #[graphql(guard = "Needs::Member")]
    async fn recording_sessions(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "Which sessions.")] filter: Option<RecordingSessionFilter>,
        #[graphql(desc = "The order, by the first key first; newest first unless said.")] order_by: Option<
            Vec<RecordingSessionOrder>,
        >,
        #[graphql(desc = "How many from the start: 20 unless said, 100 at most.")] first: Option<i32>,
        #[graphql(desc = "Only those behind this cursor.")] after: Option<String>,
        #[graphql(desc = "How many from the end, 100 at most.")] last: Option<i32>,
        #[graphql(desc = "Only those before this cursor.")] before: Option<String>,
    ) -> Result<Option<Connection<RecordingSession>>> {
        let read = ctx.request()?.read()?;
        let which = Arc::new(filter.unwrap_or_default().sessions()?);
        let counted = Arc::clone(&which);
        let connection = Connection::list(
            ctx,
            &read,
            row::order(RecordingSessionOrder::keys(order_by)),
            arguments(first, after, last, before),
            async |scope, columns, window| row::list(scope, columns, &which, window).await,
            move |reader| {
                let which = Arc::clone(&counted);
                async move { reader.load(async |scope| row::count(scope, &which).await).await }.boxed()
            },
        );
        Ok(Some(connection.await?))
    }
}
