//! The ledger of requests to a model: a line is committed before each request, its reply stored before it is read. What was
//! answered is never asked for again, and what is spent never exceeds the budgets.
//!
//! Every function is a transaction of its own, in the scope of the job's lease.

use chrono::{DateTime, Utc};
use domain::id::{AnalysisId, OrganizationId, SessionId};
use rust_decimal::Decimal;
use sea_orm::FromQueryResult;
use serde_json::Value;

use crate::analysis_result::run::fence;
use crate::db::{Db, Lease, Scope};
use crate::error::{Error, Result};

/// The job on whose account requests are made.
#[derive(Debug, Clone)]
pub struct Account {
    /// The database, as the worker sees it.
    pub db: Db,
    /// The job's lease.
    pub lease: Lease,
    /// The tenant.
    pub organization: OrganizationId,
    /// The session.
    pub session: SessionId,
    /// The analysis.
    pub analysis: AnalysisId,
    /// The session's privacy settings, as the frames were redacted by them.
    pub privacy: Value,
}

/// A request about to be sent.
#[derive(Debug, Clone)]
pub struct Request {
    /// The same question about the same frames has the same key.
    pub key: String,
    /// The model that is asked.
    pub model: String,
    /// The most that it can cost, in USD; zero where a token ceiling binds instead of a price.
    pub estimate_usd: Decimal,
    /// The most tokens that it can take.
    pub estimated_tokens: i64,
    /// The most tokens that all requests of the analysis may take, over all its attempts.
    pub token_ceiling: Option<u64>,
    /// Where it goes: host and port.
    pub endpoint: String,
    /// The frames that go with it, by index.
    pub frames: Vec<i32>,
    /// How many bytes.
    pub bytes: i64,
}

/// A reply as it is kept.
#[derive(Debug, Clone, PartialEq, FromQueryResult)]
pub struct Reply {
    /// The body, character by character.
    pub reply: Option<String>,
    /// What it used of the prompt's side.
    pub prompt_tokens: Option<i64>,
    /// What it used of the answer's side.
    pub completion_tokens: Option<i64>,
    /// What it cost, in USD.
    pub cost_usd: Option<Decimal>,
}

/// A request that was answered.
#[derive(Debug, Clone, PartialEq, Eq, FromQueryResult)]
pub struct Answered {
    /// Its key.
    pub request_key: String,
    /// The model that was asked.
    pub model: String,
    /// The frames that it asked about, by index.
    pub frame_indexes: Vec<i32>,
}

/// What became of a reservation.
#[derive(Debug, Clone, PartialEq)]
pub enum Reserved {
    /// Committed: send it.
    Granted {
        /// A killed worker left the same request in flight; it is now marked uncertain.
        interrupted: bool,
    },
    /// It was answered before.
    AlreadyStored(Reply),
    /// The session, the organization or the platform's operator has stopped it: nothing more may leave the house.
    Stopped,
    /// The session's privacy settings are others than those that the frames were redacted by.
    PrivacyChanged,
    /// The ceiling of tokens does not cover it.
    TokenCeilingReached {
        /// What is left, in tokens.
        left: u64,
    },
    /// The analysis's own budget does not cover it.
    AnalysisBudgetExceeded {
        /// What is left, in USD.
        left_usd: Decimal,
    },
    /// The organization's budget of this month does not cover it.
    MonthlyBudgetExceeded {
        /// What is left, in USD.
        left_usd: Decimal,
    },
}

#[derive(FromQueryResult)]
struct Spent {
    allowed: bool,
    same_privacy: bool,
    tokens: i64,
    analysis_left: Decimal,
    month_left: Decimal,
}

impl Account {
    /// Reserves the estimate and records what will leave the house, or answers from what is stored.
    ///
    /// # Errors
    /// [`Error::LeaseLost`]; those of the database.
    pub async fn reserve(&self, request: &Request, now: DateTime<Utc>) -> Result<Reserved> {
        let scope = self.db.worker_scope(&self.lease).await?;
        // What is sent is paid for: nobody sends who has lost the work a moment ago.
        fence(&scope, self.analysis).await?;
        // Two jobs of one organization must not both spend what is left.
        scope
            .run(
                "select pg_advisory_xact_lock(hashtext('newsystem.budget'), hashtext($1))",
                [self.organization.to_string().into()],
            )
            .await?;
        let stored: Option<Reply> = scope
            .row(
                "select reply, prompt_tokens, completion_tokens, cost_usd from public.model_requests where analysis_id = $1 and request_key = $2 and state = 'stored'",
                [self.analysis.uuid().into(), request.key.clone().into()],
            )
            .await?;
        if let Some(reply) = stored {
            return Ok(Reserved::AlreadyStored(reply));
        }
        let interrupted = scope
            .run(
                "update public.model_requests set state = 'uncertain', settled_at = $3 where analysis_id = $1 and request_key = $2 and state = 'reserved'",
                [self.analysis.uuid().into(), request.key.clone().into(), now.into()],
            )
            .await?
            > 0;
        let spent: Spent = scope
            .row(
                "select o.remote_analysis_allowed and coalesce((s.privacy_settings ->> 'allow_remote_analysis')::boolean, false) and not private.remote_analysis_stopped() as allowed,
                        s.privacy_settings = $5 as same_privacy,
                        o.model_budget_per_analysis_usd - coalesce(sum(coalesce(m.cost_usd, m.estimate_usd)) filter (where m.analysis_id = $2), 0) as analysis_left,
                        o.model_budget_monthly_usd - coalesce(sum(coalesce(m.cost_usd, m.estimate_usd)) filter (where m.created_at >= date_trunc('month', $3 at time zone o.time_zone) at time zone o.time_zone), 0) as month_left,
                        coalesce(sum(coalesce(m.prompt_tokens + m.completion_tokens, m.estimated_tokens)) filter (where m.analysis_id = $2), 0)::bigint as tokens
                   from public.organizations o join public.recording_sessions s on s.organization_id = o.id and s.id = $4
                   left join public.model_requests m on m.organization_id = o.id and m.state <> 'failed'
                  where o.id = $1 group by o.id, s.id",
                [
                    self.organization.uuid().into(),
                    self.analysis.uuid().into(),
                    now.into(),
                    self.session.uuid().into(),
                    self.privacy.clone().into(),
                ],
            )
            .await?
            .ok_or(Error::LeaseLost)?;
        let tokens_left = request
            .token_ceiling
            .map(|ceiling| ceiling.saturating_sub(spent.tokens.unsigned_abs()));
        let refusal = if !spent.allowed {
            Some(Reserved::Stopped)
        } else if !spent.same_privacy {
            Some(Reserved::PrivacyChanged)
        } else if let Some(left) = tokens_left.filter(|left| request.estimated_tokens.unsigned_abs() > *left) {
            Some(Reserved::TokenCeilingReached { left })
        } else if request.estimate_usd > spent.analysis_left {
            Some(Reserved::AnalysisBudgetExceeded {
                left_usd: spent.analysis_left.max(Decimal::ZERO),
            })
        } else if request.estimate_usd > spent.month_left {
            Some(Reserved::MonthlyBudgetExceeded {
                left_usd: spent.month_left.max(Decimal::ZERO),
            })
        } else {
            None
        };
        if let Some(refusal) = refusal {
            // What was found interrupted stays marked.
            scope.commit().await?;
            return Ok(refusal);
        }
        scope
            .run(
                "insert into public.model_requests (organization_id, session_id, analysis_id, request_key, model, state, estimate_usd, created_at, estimated_tokens, frame_indexes) values ($1, $2, $3, $4, $5, 'reserved', $6, $7, $8, $9)",
                [
                    self.organization.uuid().into(),
                    self.session.uuid().into(),
                    self.analysis.uuid().into(),
                    request.key.clone().into(),
                    request.model.clone().into(),
                    request.estimate_usd.into(),
                    now.into(),
                    request.estimated_tokens.into(),
                    request.frames.clone().into(),
                ],
            )
            .await?;
        scope
            .run(
                "insert into public.disclosures (organization_id, session_id, analysis_id, endpoint, model, frames, bytes, at) values ($1, $2, $3, $4, $5, $6, $7, $8)",
                [
                    self.organization.uuid().into(),
                    self.session.uuid().into(),
                    self.analysis.uuid().into(),
                    request.endpoint.clone().into(),
                    request.model.clone().into(),
                    i32::try_from(request.frames.len()).unwrap_or(i32::MAX).into(),
                    request.bytes.into(),
                    now.into(),
                ],
            )
            .await?;
        scope.commit().await?;
        Ok(Reserved::Granted { interrupted })
    }

    /// What was answered for this analysis, by whichever model, in the order of asking.
    ///
    /// # Errors
    /// Those of the database.
    pub async fn answered(&self) -> Result<Vec<Answered>> {
        let scope = self.db.worker_scope(&self.lease).await?;
        scope
            .rows(
                "select request_key, model, frame_indexes from public.model_requests where analysis_id = $1 and state = 'stored' order by created_at, id",
                [self.analysis.uuid().into()],
            )
            .await
    }

    /// Keeps a reply and books its cost in place of the estimate. Again with the same key, it changes nothing.
    ///
    /// # Errors
    /// [`Error::LeaseLost`] when the job no longer owns the analysis; those of the database.
    pub async fn store_reply(&self, key: &str, reply: &Reply, now: DateTime<Utc>) -> Result<()> {
        let scope = self.db.worker_scope(&self.lease).await?;
        let touched = scope
            .run(
                "update public.model_requests set state = 'stored', reply = coalesce(reply, $3), prompt_tokens = coalesce(prompt_tokens, $4), completion_tokens = coalesce(completion_tokens, $5),
                        cost_usd = coalesce(cost_usd, $6), settled_at = coalesce(settled_at, $7)
                  where analysis_id = $1 and request_key = $2 and state in ('reserved', 'stored')",
                [
                    self.analysis.uuid().into(),
                    key.into(),
                    reply.reply.clone().into(),
                    reply.prompt_tokens.into(),
                    reply.completion_tokens.into(),
                    reply.cost_usd.into(),
                    now.into(),
                ],
            )
            .await?;
        settled(touched)?;
        scope.commit().await
    }

    /// Releases the estimate: nothing was billed. What was sent may have been read, so its disclosure stays; where nothing was
    /// sent, nothing was disclosed, and the line goes.
    ///
    /// # Errors
    /// As [`Account::store_reply`].
    pub async fn settle_failed(&self, key: &str, reason: &str, sent: bool, now: DateTime<Utc>) -> Result<()> {
        self.settle(key, "failed", Some(reason), sent, now).await
    }

    /// Closes a request with its estimate still counted: it may have been billed.
    ///
    /// # Errors
    /// As [`Account::store_reply`].
    pub async fn mark_uncertain(&self, key: &str, now: DateTime<Utc>) -> Result<()> {
        self.settle(key, "uncertain", None, true, now).await
    }

    async fn settle(&self, key: &str, state: &str, reason: Option<&str>, sent: bool, now: DateTime<Utc>) -> Result<()> {
        let scope = self.db.worker_scope(&self.lease).await?;
        if !sent {
            // Both lines were written at one instant, and one request is open at a time.
            scope
                .run(
                    "delete from public.disclosures d using public.model_requests m
                      where m.analysis_id = $1 and m.request_key = $2 and m.state = 'reserved' and d.analysis_id = m.analysis_id and d.at = m.created_at",
                    [self.analysis.uuid().into(), key.into()],
                )
                .await?;
        }
        let touched = scope
            .run(
                "update public.model_requests set state = $3, error_message = $4, settled_at = $5 where analysis_id = $1 and request_key = $2 and state = 'reserved'",
                [self.analysis.uuid().into(), key.into(), state.into(), reason.into(), now.into()],
            )
            .await?;
        settled(touched)?;
        scope.commit().await
    }
}

const fn settled(touched: u64) -> Result<()> {
    if touched == 1 { Ok(()) } else { Err(Error::LeaseLost) }
}

/// What models have cost for an analysis so far, in USD, as far as its caller may see it; none while nothing was booked.
///
/// # Errors
/// Those of the database.
pub async fn booked(scope: &Scope, analysis: AnalysisId) -> Result<Option<Decimal>> {
    #[derive(FromQueryResult)]
    struct Booked {
        cost: Option<Decimal>,
    }
    let row: Option<Booked> = scope
        .row(
            "select sum(cost_usd) as cost from public.model_requests where analysis_id = $1",
            [analysis.uuid().into()],
        )
        .await?;
    Ok(row.and_then(|row| row.cost))
}
