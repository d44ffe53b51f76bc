//! What left the house for an analysis. Apart because that is kept in a table of its own.

use std::sync::Arc;

use async_graphql::Object;
use service::analysis_result::disclosure;
use service::row::Columns;

use crate::graphql::at_once::AtHand;
use crate::graphql::context::Read;
use crate::graphql::error::Result;
use crate::graphql::page::RowObject;
use crate::graphql::scalar::{BigInt, DateTime};

/// What left the house in one request to a model.
pub struct Disclosure {
    row: Arc<disclosure::Row>,
}

impl AtHand for Disclosure {}

impl RowObject for Disclosure {
    type Table = disclosure::Table;

    fn columns(field: &str) -> Columns {
        use disclosure::Table;
        match field {
            "endpoint" => Table::ENDPOINT,
            "model" => Table::MODEL,
            "frames" => Table::FRAMES,
            "bytes" => Table::BYTES,
            "at" => Table::AT,
            _ => Columns::NONE,
        }
    }

    fn of(_: &Read, row: Arc<disclosure::Row>) -> Self {
        Self { row }
    }
}

/// What left the house in one request to a model.
#[Object]
impl Disclosure {
    /// Where it went.
    fn endpoint(&self) -> Result<&str> {
        Ok(self.row.endpoint()?)
    }

    /// To which model.
    fn model(&self) -> Result<&str> {
        Ok(self.row.model()?)
    }

    /// How many frames were in it.
    fn frames(&self) -> Result<i32> {
        Ok(self.row.frames()?)
    }

    /// How many bytes it had.
    fn bytes(&self) -> Result<BigInt> {
        Ok(self.row.bytes()?.into())
    }

    /// When it was sent.
    fn at(&self) -> Result<DateTime> {
        Ok(self.row.at()?.into())
    }
}
