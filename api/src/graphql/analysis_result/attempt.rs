//! The tries of workers at an analysis. Apart because they are rows of a table of their own.

use std::sync::Arc;

use async_graphql::Object;
use domain::analysis_error::AnalysisErrorCode;
use service::analysis_result::attempt;
use service::row::Columns;

use crate::graphql::at_once::AtHand;
use crate::graphql::context::Read;
use crate::graphql::error::{Result, alone};
use crate::graphql::loader::AttemptCostOf;
use crate::graphql::page::RowObject;
use crate::graphql::scalar::{DateTime, Decimal};

/// One try of a worker at an analysis.
pub struct AnalysisAttempt {
    read: Read,
    row: Arc<attempt::Row>,
}

impl AtHand for AnalysisAttempt {}

impl RowObject for AnalysisAttempt {
    type Table = attempt::Table;

    fn columns(field: &str) -> Columns {
        use attempt::Table;
        match field {
            "number" => Table::NUMBER,
            "startedAt" => Table::STARTED_AT,
            "endedAt" => Table::ENDED_AT,
            "errorCode" => Table::ERROR_CODE,
            "message" => Table::MESSAGE,
            _ => Columns::NONE,
        }
    }

    fn of(read: &Read, row: Arc<attempt::Row>) -> Self {
        Self {
            read: read.clone(),
            row,
        }
    }
}

/// One try of a worker at an analysis.
#[Object]
impl AnalysisAttempt {
    /// Its number, from 1.
    fn number(&self) -> Result<i32> {
        Ok(self.row.number()?)
    }

    /// When it began.
    fn started_at(&self) -> Result<DateTime> {
        Ok(self.row.started_at()?.into())
    }

    /// When it ended; null while it runs.
    fn ended_at(&self) -> Result<Option<DateTime>> {
        Ok(self.row.ended_at()?.map(Into::into))
    }

    /// Why it failed; null when it did not.
    fn error_code(&self) -> Result<Option<AnalysisErrorCode>> {
        Ok(self.row.error_code()?)
    }

    /// What was said about its end; null when nothing was.
    fn message(&self) -> Result<Option<&str>> {
        Ok(self.row.message()?)
    }

    /// What it cost, in USD; null while unknown, and to operators.
    async fn cost_usd(&self) -> Option<Result<Decimal>> {
        alone(async {
            if !self.read.caller().is_manager() {
                return Ok(None);
            }
            Ok(self.read.get(AttemptCostOf(self.row.uuid()?)).await?.map(Into::into))
        })
        .await
    }
}
