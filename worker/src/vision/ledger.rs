//! The ledger of requests in the database, as the model's client wants it.

use chrono::{DateTime, Utc};
use rust_decimal::Decimal;
use service::model_request::{Account, Reply, Request};

use super::openai::{
    Answered, Budget, Failed, Ledger, LedgerFault, RequestKey, Reservation, Reserved, StoredReply, model_name,
};
use super::price::Usage;

/// The account of one analysis.
pub struct DatabaseLedger {
    /// Whose.
    pub account: Account,
    /// What time it is.
    pub clock: fn() -> DateTime<Utc>,
}

fn fault(error: service::Error) -> LedgerFault {
    match error {
        service::Error::LeaseLost => LedgerFault::LeaseLost,
        other => LedgerFault::Unavailable(Box::new(other)),
    }
}

fn signed(tokens: u64) -> i64 {
    i64::try_from(tokens).unwrap_or(i64::MAX)
}

/// A stored reply as the client kept it: usage is what its columns say, the model's name stands in its body.
fn stored(reply: Reply) -> StoredReply {
    let body = reply.reply.unwrap_or_default();
    let model = serde_json::from_str::<serde_json::Value>(&body)
        .ok()
        .and_then(|body| model_name(&body));
    let usage = reply
        .prompt_tokens
        .zip(reply.completion_tokens)
        .map(|(prompt, completion)| Usage {
            prompt_tokens: prompt.unsigned_abs(),
            completion_tokens: completion.unsigned_abs(),
            ..Usage::default()
        });
    StoredReply {
        body,
        usage,
        cost_usd: reply.cost_usd,
        model,
    }
}

impl Ledger for DatabaseLedger {
    async fn answered(&self) -> Result<Vec<Answered>, LedgerFault> {
        let answered = self.account.answered().await.map_err(fault)?;
        Ok(answered
            .into_iter()
            .map(|line| Answered {
                key: line.request_key,
                model: line.model,
                frames: line.frame_indexes.into_iter().map(i32::unsigned_abs).collect(),
            })
            .collect())
    }

    async fn reserve(&self, reservation: &Reservation) -> Result<Reserved, LedgerFault> {
        let request = Request {
            key: reservation.key.as_str().to_owned(),
            model: reservation.disclosure.model.clone(),
            estimate_usd: reservation.estimate_usd.unwrap_or(Decimal::ZERO),
            estimated_tokens: signed(reservation.estimated_tokens),
            token_ceiling: reservation.token_ceiling,
            endpoint: reservation.disclosure.endpoint.clone(),
            frames: reservation
                .disclosure
                .frames
                .iter()
                .map(|index| i32::try_from(*index).unwrap_or(i32::MAX))
                .collect(),
            bytes: signed(reservation.disclosure.bytes),
        };
        let reserved = self.account.reserve(&request, (self.clock)()).await.map_err(fault)?;
        Ok(match reserved {
            service::model_request::Reserved::Granted { interrupted } => Reserved::Granted { interrupted },
            service::model_request::Reserved::AlreadyStored(reply) => Reserved::AlreadyStored(stored(reply)),
            service::model_request::Reserved::Stopped => Reserved::Stopped,
            service::model_request::Reserved::PrivacyChanged => Reserved::PrivacyChanged,
            service::model_request::Reserved::TokenCeilingReached { left } => Reserved::TokenCeilingReached { left },
            service::model_request::Reserved::AnalysisBudgetExceeded { left_usd } => Reserved::BudgetExceeded {
                budget: Budget::Analysis,
                left_usd,
            },
            service::model_request::Reserved::MonthlyBudgetExceeded { left_usd } => Reserved::BudgetExceeded {
                budget: Budget::Month,
                left_usd,
            },
        })
    }

    async fn store_reply(&self, key: &RequestKey, reply: &StoredReply) -> Result<(), LedgerFault> {
        let reply = Reply {
            reply: Some(reply.body.clone()),
            prompt_tokens: reply.usage.map(|usage| signed(usage.prompt_tokens)),
            completion_tokens: reply.usage.map(|usage| signed(usage.completion_tokens)),
            cost_usd: reply.cost_usd,
        };
        self.account
            .store_reply(key.as_str(), &reply, (self.clock)())
            .await
            .map_err(fault)
    }

    async fn settle_failed(&self, key: &RequestKey, failed: &Failed) -> Result<(), LedgerFault> {
        self.account
            .settle_failed(key.as_str(), &failed.reason, failed.status.is_some(), (self.clock)())
            .await
            .map_err(fault)
    }

    async fn mark_uncertain(&self, key: &RequestKey) -> Result<(), LedgerFault> {
        self.account
            .mark_uncertain(key.as_str(), (self.clock)())
            .await
            .map_err(fault)
    }
}
