//! A ledger of model requests in memory, strict about the order of its calls.

use std::sync::{Mutex, MutexGuard, PoisonError};

use rust_decimal::Decimal;
use worker::vision::openai::{
    Answered, Budget, Disclosure, Failed, Ledger, LedgerFault, RequestKey, Reservation, Reserved, StoredReply,
};
use worker::vision::price::Usage;

/// Where one request stands.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum State {
    /// Committed; nothing is known about it yet.
    Open,
    /// Answered.
    Stored(StoredReply),
    /// Failed without a bill.
    Failed(Failed),
    /// Nobody knows whether it was billed.
    Uncertain,
}

/// One request.
#[derive(Debug, Clone)]
pub struct Row {
    /// What was asked.
    pub key: RequestKey,
    /// What it was estimated at.
    pub estimate_usd: Decimal,
    /// The most tokens that it can take.
    pub estimated_tokens: u64,
    /// What left the house.
    pub disclosure: Disclosure,
    /// Where it stands.
    pub state: State,
}

impl Row {
    /// What it counts for in a budget.
    pub fn counts_usd(&self) -> Decimal {
        match &self.state {
            State::Open | State::Uncertain => self.estimate_usd,
            State::Stored(reply) => reply.cost_usd.unwrap_or(self.estimate_usd),
            State::Failed(_) => Decimal::ZERO,
        }
    }

    /// What it counts for against a ceiling of tokens.
    pub fn counts_tokens(&self) -> u64 {
        match &self.state {
            State::Open | State::Uncertain => self.estimated_tokens,
            State::Stored(reply) => reply.usage.map_or(self.estimated_tokens, Usage::total_tokens),
            State::Failed(_) => 0,
        }
    }
}

/// The ledger of one analysis in one month.
pub struct MemoryLedger {
    rows: Mutex<Vec<Row>>,
    faults: Mutex<u32>,
    analysis_usd: Decimal,
    month_left_usd: Decimal,
}

impl Default for MemoryLedger {
    fn default() -> Self {
        Self::with_budgets(Decimal::from(2), Decimal::from(50))
    }
}

impl MemoryLedger {
    /// A ledger with this much for the analysis and left in the month.
    pub fn with_budgets(analysis_usd: Decimal, month_left_usd: Decimal) -> Self {
        Self {
            rows: Mutex::default(),
            faults: Mutex::default(),
            analysis_usd,
            month_left_usd,
        }
    }

    /// The next so many answers cannot be kept at once.
    pub fn fail_stores(&self, times: u32) {
        *self.faults.lock().unwrap_or_else(PoisonError::into_inner) = times;
    }

    /// Every request, in the order of the reservations.
    pub fn rows(&self) -> Vec<Row> {
        self.lock().clone()
    }

    /// What counts against the budgets.
    pub fn counted_usd(&self) -> Decimal {
        self.lock().iter().map(Row::counts_usd).sum()
    }

    fn lock(&self) -> MutexGuard<'_, Vec<Row>> {
        self.rows.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Closes the open row of the key; there is exactly one, or the caller broke the protocol.
    fn close(&self, key: &RequestKey, state: State) {
        let mut rows = self.lock();
        let mut open: Vec<_> = rows
            .iter_mut()
            .filter(|row| row.key == *key && row.state == State::Open)
            .collect();
        assert_eq!(open.len(), 1, "one open request for {key}");
        open[0].state = state;
    }
}

impl Ledger for MemoryLedger {
    async fn answered(&self) -> Result<Vec<Answered>, LedgerFault> {
        let stored = |row: &Row| {
            matches!(row.state, State::Stored(_)).then(|| Answered {
                key: row.key.to_string(),
                model: row.disclosure.model.clone(),
                frames: row.disclosure.frames.clone(),
            })
        };
        Ok(self.lock().iter().filter_map(stored).collect())
    }

    async fn reserve(&self, reservation: &Reservation) -> Result<Reserved, LedgerFault> {
        let mut rows = self.lock();
        let same = rows.iter_mut().filter(|row| row.key == reservation.key);
        let mut interrupted = false;
        for row in same {
            match &row.state {
                State::Stored(reply) => return Ok(Reserved::AlreadyStored(reply.clone())),
                State::Open => {
                    row.state = State::Uncertain;
                    interrupted = true;
                }
                State::Failed(_) | State::Uncertain => {}
            }
        }
        let estimate_usd = reservation.estimate_usd.unwrap_or_default();
        let spent: Decimal = rows.iter().map(Row::counts_usd).sum();
        for (budget, limit) in [
            (Budget::Analysis, self.analysis_usd),
            (Budget::Month, self.month_left_usd),
        ] {
            let left_usd = limit - spent;
            if estimate_usd > left_usd {
                return Ok(Reserved::BudgetExceeded { budget, left_usd });
            }
        }
        let tokens: u64 = rows.iter().map(Row::counts_tokens).sum();
        let left = reservation.token_ceiling.map(|ceiling| ceiling.saturating_sub(tokens));
        if let Some(left) = left.filter(|left| reservation.estimated_tokens > *left) {
            return Ok(Reserved::TokenCeilingReached { left });
        }
        rows.push(Row {
            key: reservation.key.clone(),
            estimate_usd,
            estimated_tokens: reservation.estimated_tokens,
            disclosure: reservation.disclosure.clone(),
            state: State::Open,
        });
        Ok(Reserved::Granted { interrupted })
    }

    async fn store_reply(&self, key: &RequestKey, reply: &StoredReply) -> Result<(), LedgerFault> {
        {
            let mut faults = self.faults.lock().unwrap_or_else(PoisonError::into_inner);
            if *faults > 0 {
                *faults -= 1;
                return Err(LedgerFault::Unavailable("the database restarts".into()));
            }
        }
        self.close(key, State::Stored(reply.clone()));
        Ok(())
    }

    async fn settle_failed(&self, key: &RequestKey, failed: &Failed) -> Result<(), LedgerFault> {
        self.close(key, State::Failed(failed.clone()));
        Ok(())
    }

    async fn mark_uncertain(&self, key: &RequestKey) -> Result<(), LedgerFault> {
        self.close(key, State::Uncertain);
        Ok(())
    }
}
