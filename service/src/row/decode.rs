//! Which Rust types a column can be read as: a long list that grows with the tables, apart from what reads them.

use chrono::{DateTime, Utc};
use rust_decimal::Decimal;
use sqlx::Row as _;
use sqlx::postgres::{PgRow, PgValueFormat};
use uuid::Uuid;

use super::Kind;
use crate::error::{Error, Result};

/// What a column can be read as.
pub trait Decode<'r>: Sized {
    /// What the column holds, and whether it may be null, where that is a single value.
    const KIND: Option<(Kind, bool)>;

    /// The value at this place of the row.
    ///
    /// # Errors
    /// [`Error::Database`] when the column is of another type.
    fn decode(row: &'r PgRow, at: usize) -> Result<Self>;
}

macro_rules! kind {
    () => {
        None
    };
    ($kind:ident, $nullable:literal) => {
        Some((Kind::$kind, $nullable))
    };
}

macro_rules! decode_plain {
    ($($type:ty $(: $kind:ident)?),+ $(,)?) => { $(
        impl<'r> Decode<'r> for $type {
            const KIND: Option<(Kind, bool)> = kind!($($kind, false)?);

            fn decode(row: &'r PgRow, at: usize) -> Result<Self> {
                Ok(row.try_get(at)?)
            }
        }

        impl<'r> Decode<'r> for Option<$type> {
            const KIND: Option<(Kind, bool)> = kind!($($kind, true)?);

            fn decode(row: &'r PgRow, at: usize) -> Result<Self> {
                Ok(row.try_get(at)?)
            }
        }
    )+ };
}

decode_plain!(
    bool: Truth,
    i32: Int,
    i64: BigInt,
    f64: Float,
    DateTime<Utc>: Instant,
    Uuid: Id,
    String: Text,
    &'r str: Text,
    Vec<String>,
    Vec<i32>,
    serde_json::Value,
);

impl<'r> Decode<'r> for Option<Decimal> {
    const KIND: Option<(Kind, bool)> = kind!(Decimal, true);

    fn decode(row: &'r PgRow, at: usize) -> Result<Self> {
        let mut number: Self = row.try_get(at)?;
        // The driver drops the places of a zero, which the database sent: the last of four fields of 16 bits.
        if let Some(zero) = number.as_mut().filter(|number| number.is_zero())
            && let raw = row.try_get_raw(at)?
            && raw.format() == PgValueFormat::Binary
            && let Ok([_, _, _, _, _, _, high, low]) = raw.as_bytes()
        {
            zero.rescale(u16::from_be_bytes([*high, *low]).into());
        }
        Ok(number)
    }
}

impl<'r> Decode<'r> for Decimal {
    const KIND: Option<(Kind, bool)> = kind!(Decimal, false);

    fn decode(row: &'r PgRow, at: usize) -> Result<Self> {
        let number: Option<Self> = Decode::decode(row, at)?;
        number.ok_or_else(|| Error::internal("a number that cannot be null is null"))
    }
}

macro_rules! decode_ids {
    ($($type:ty),+ $(,)?) => { $(
        impl<'r> Decode<'r> for $type {
            const KIND: Option<(Kind, bool)> = kind!(Id, false);

            fn decode(row: &'r PgRow, at: usize) -> Result<Self> {
                Ok(row.try_get::<Uuid, _>(at)?.into())
            }
        }

        impl<'r> Decode<'r> for Option<$type> {
            const KIND: Option<(Kind, bool)> = kind!(Id, true);

            fn decode(row: &'r PgRow, at: usize) -> Result<Self> {
                Ok(row.try_get::<Option<Uuid>, _>(at)?.map(Into::into))
            }
        }
    )+ };
}

decode_ids!(
    domain::id::AnalysisId,
    domain::id::ApiKeyId,
    domain::id::AttemptId,
    domain::id::AuditEntryId,
    domain::id::ChunkId,
    domain::id::CostAnalysisId,
    domain::id::DisclosureId,
    domain::id::FrameId,
    domain::id::InsightId,
    domain::id::InvitationId,
    domain::id::OpportunityId,
    domain::id::OrganizationId,
    domain::id::RecordingNoticeId,
    domain::id::ReportId,
    domain::id::ExportId,
    domain::id::ReportLinkId,
    domain::id::SessionId,
    domain::id::UserId,
    domain::id::VisualizationId,
);

macro_rules! decode_closed {
    ($($type:ty),+ $(,)?) => { $(
        impl<'r> Decode<'r> for $type {
            const KIND: Option<(Kind, bool)> = kind!(Closed, false);

            fn decode(row: &'r PgRow, at: usize) -> Result<Self> {
                closed(row.try_get::<&str, _>(at)?)
            }
        }

        impl<'r> Decode<'r> for Option<$type> {
            const KIND: Option<(Kind, bool)> = kind!(Closed, true);

            fn decode(row: &'r PgRow, at: usize) -> Result<Self> {
                row.try_get::<Option<&str>, _>(at)?.map(closed).transpose()
            }
        }
    )+ };
}

decode_closed!(
    domain::analysis_error::AnalysisErrorCode,
    domain::category::ClassifiedBy,
    domain::category::WorkflowCategory,
    domain::flow::LayoutAlgorithm,
    domain::flow::VisualizationType,
    domain::insight::InsightType,
    domain::quota::SubscriptionStatus,
    domain::quota::SubscriptionTier,
    domain::report::ReportType,
    domain::roi::Complexity,
    domain::roi::ConfidenceLevel,
    domain::roi::EffortBasis,
    domain::roi::FrequencyBasis,
    domain::roi::Priority,
    domain::role::Role,
    domain::sampling::Analyser,
    domain::sampling::SamplingPreset,
    domain::status::AnalysisStage,
    domain::status::AnalysisStatus,
    domain::status::OpportunityStatus,
    domain::status::ReportStatus,
    domain::status::ExportStatus,
    domain::status::SessionStatus,
    domain::status::UploadStatus,
);

fn closed<T: std::str::FromStr<Err = domain::UnknownValue>>(text: &str) -> Result<T> {
    text.parse()
        .map_err(|unknown: domain::UnknownValue| Error::internal(format!("the database holds `{text}`: {unknown}")))
}
