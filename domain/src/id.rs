//! Ids that cannot be mistaken for one another, and the position in an organization's log of events.

use std::fmt;
use std::num::ParseIntError;
use std::str::FromStr;

use serde::{Deserialize, Serialize};
use uuid::Uuid;

/// A text that is no id.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("not the id of {what}")]
pub struct InvalidId {
    /// What it should have been the id of.
    pub what: &'static str,
}

macro_rules! ids {
    ($( $(#[$meta:meta])* $name:ident of $what:literal; )+) => { $(
        $(#[$meta])*
        #[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
        #[cfg_attr(feature = "db", derive(sea_orm::DeriveValueType))]
        #[cfg_attr(feature = "db", sea_orm(try_getable_array))]
        #[serde(transparent)]
        pub struct $name(Uuid);

        impl $name {
            /// The id of this UUID.
            pub const fn new(uuid: Uuid) -> Self {
                Self(uuid)
            }

            /// The bare UUID, for the doors.
            pub const fn uuid(self) -> Uuid {
                self.0
            }
        }

        impl From<Uuid> for $name {
            fn from(uuid: Uuid) -> Self {
                Self(uuid)
            }
        }

        impl From<$name> for Uuid {
            fn from(id: $name) -> Self {
                id.0
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                self.0.fmt(f)
            }
        }

        impl FromStr for $name {
            type Err = InvalidId;

            fn from_str(text: &str) -> Result<Self, InvalidId> {
                Uuid::parse_str(text).map(Self).map_err(|_| InvalidId { what: $what })
            }
        }

        /// Required of primary keys; no UUID comes from a number, so it always fails, as it does for `Uuid`.
        #[cfg(feature = "db")]
        impl sea_orm::TryFromU64 for $name {
            fn try_from_u64(n: u64) -> Result<Self, sea_orm::DbErr> {
                <Uuid as sea_orm::TryFromU64>::try_from_u64(n).map(Self)
            }
        }

        #[cfg(feature = "graphql")]
        impl TryFrom<&async_graphql::ID> for $name {
            type Error = InvalidId;

            fn try_from(id: &async_graphql::ID) -> Result<Self, InvalidId> {
                id.as_str().parse()
            }
        }
    )+ };
}

ids! {
    /// An organization: the tenant.
    OrganizationId of "an organization";
    /// A person: `auth.users.id`, which is also the id of the person's profile and membership.
    UserId of "a user";
    /// A recording session.
    SessionId of "a recording session";
    /// A chunk of a recording.
    ChunkId of "a video chunk";
    /// An analysis of a session.
    AnalysisId of "an analysis";
    /// One attempt of a worker at an analysis.
    AttemptId of "an attempt";
    /// A frame kept as evidence.
    FrameId of "a frame";
    /// A record of what was sent to a model's endpoint.
    DisclosureId of "a disclosure";
    /// A line in the ledger of requests to a model.
    ModelRequestId of "a model request";
    /// An automation opportunity.
    OpportunityId of "an opportunity";
    /// A workflow insight.
    InsightId of "an insight";
    /// A diagram.
    VisualizationId of "a visualization";
    /// A cost analysis.
    CostAnalysisId of "a cost analysis";
    /// A calculation of all current costs.
    RecalculationId of "a recalculation";
    /// A report.
    ReportId of "a report";
    /// A secret address of a report.
    ReportLinkId of "a report link";
    /// An export of a person's or of an organization's data.
    ExportId of "an export";
    /// An invitation to an organization.
    InvitationId of "an invitation";
    /// A key for programs.
    ApiKeyId of "an API key";
    /// A version of the text shown to a person before recording.
    RecordingNoticeId of "a recording notice";
    /// A receipt for what was erased.
    ErasureReceiptId of "an erasure receipt";
    /// A line in the audit log.
    AuditEntryId of "an audit entry";
}

/// A position in one organization's log of events: the sequence number of the last event seen, 0 before the first.
///
/// Sequence numbers rise by exactly one in commit order. Shown to clients as an opaque text, which names the organization: a
/// cursor of another organization's log would otherwise be taken for a position in this one.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct EventCursor {
    organization: OrganizationId,
    sequence: i64,
}

impl EventCursor {
    /// After the event with this sequence number; none for negative numbers.
    pub const fn after(organization: OrganizationId, sequence: i64) -> Option<Self> {
        if sequence < 0 {
            None
        } else {
            Some(Self { organization, sequence })
        }
    }

    /// Whose log this is a position of.
    pub const fn organization(self) -> OrganizationId {
        self.organization
    }

    /// The sequence number of the last event seen.
    pub const fn sequence(self) -> i64 {
        self.sequence
    }
}

impl fmt::Display for EventCursor {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "e{}.{}", self.sequence, self.organization.uuid().simple())
    }
}

impl FromStr for EventCursor {
    type Err = InvalidId;

    fn from_str(text: &str) -> Result<Self, InvalidId> {
        let invalid = InvalidId { what: "an event" };
        let (digits, organization) = text
            .strip_prefix('e')
            .and_then(|rest| rest.split_once('.'))
            .ok_or(invalid)?;
        let sequence = digits.parse().map_err(|_: ParseIntError| invalid)?;
        let organization = Uuid::parse_str(organization).map_err(|_| invalid)?;
        // `+1` and `01` parse as numbers, braces and hyphens as parts of an id; a cursor has one spelling.
        Self::after(organization.into(), sequence)
            .filter(|cursor| cursor.to_string() == text)
            .ok_or(invalid)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_id_is_its_uuid_in_text_and_json() {
        let text = "7d9c3c4e-52f0-4f7f-9d5b-0d6f4f1f9a01";
        let id: SessionId = text.parse().unwrap();
        assert_eq!(id.to_string(), text);
        assert_eq!(serde_json::to_value(id).unwrap(), serde_json::json!(text));
        assert_eq!(SessionId::from(id.uuid()), id);
        assert_eq!(
            "7d9c".parse::<SessionId>().unwrap_err().to_string(),
            "not the id of a recording session"
        );
    }

    #[test]
    fn a_cursor_has_one_spelling() {
        let organization = OrganizationId::new(Uuid::from_u128(0xa1));
        let cursor = EventCursor::after(organization, 42).unwrap();
        let text = "e42.000000000000000000000000000000a1";
        assert_eq!(cursor.to_string(), text);
        assert_eq!(text.parse(), Ok(cursor));
        for wrong in [
            "42",
            "e42",
            "e42.",
            "e-1.000000000000000000000000000000a1",
            "e+1.000000000000000000000000000000a1",
            "e042.000000000000000000000000000000a1",
            "e42.000000000000000000000000000000A1",
            "e42.00000000-0000-0000-0000-0000000000a1",
            "e42.000000000000000000000000000000a1 ",
            "é1",
        ] {
            assert!(wrong.parse::<EventCursor>().is_err(), "{wrong}");
        }
    }
}
