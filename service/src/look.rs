//! Who was given something personal to look at: a line in the audit log, which the recorded person may read.

use uuid::Uuid;

use crate::act::{Act, Change};
use crate::caller::Caller;
use crate::db::Db;
use crate::error::Result;

/// What was given out.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Look {
    /// An address of a recording.
    Video,
    /// Addresses of a session's frames.
    Frames,
    /// A model's reply, unmodified.
    RawReply,
    /// An address of a report's file.
    Report,
    /// An address of an export's archive.
    Export,
}

impl Look {
    /// How the audit log calls it.
    pub const fn action(self) -> &'static str {
        match self {
            Self::Video => "recording_session.watch",
            Self::Frames => "recording_session.frames",
            Self::RawReply => "recording_session.raw_reply",
            Self::Report => "report.download",
            Self::Export => "data_export.download",
        }
    }

    /// The kind of row that the line is about.
    pub const fn subject_type(self) -> &'static str {
        match self {
            Self::Video | Self::Frames | Self::RawReply => "recording_session",
            Self::Report => "report",
            Self::Export => "data_export",
        }
    }
}

/// Writes down what one operation gave out, each once.
///
/// # Errors
/// Those of the database.
pub async fn note(db: &Db, caller: &Caller, looks: impl IntoIterator<Item = (Look, Uuid)>, act: &Act) -> Result<()> {
    let scope = db.scope(caller).await?;
    for (look, subject) in looks {
        let change = Change {
            action: look.action(),
            subject_type: look.subject_type(),
            subject,
            fields: &[],
        };
        act.note(&scope, change).await?;
    }
    scope.commit().await
}
