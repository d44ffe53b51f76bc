//! The text that a person to be recorded is shown, read.

use chrono::{DateTime, Utc};

use crate::db::Scope;
use crate::error::Result;
use crate::row::Decode;
use crate::sql::Sql;

/// A version of the notice in one language.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Notice {
    /// Its version, which a session's consent names.
    pub version: String,
    /// `en`, `nl`, `fr` or `de`.
    pub locale: String,
    /// What is shown.
    pub text: String,
    /// Since when.
    pub created_at: DateTime<Utc>,
}

/// The notice in force: the newest in the language asked for, else in the organization's, else the newest of all. None where
/// the organization has none of its own.
///
/// # Errors
/// Those of the database.
pub async fn in_force(scope: &Scope, locale: Option<&str>) -> Result<Option<Notice>> {
    let mut sql = Sql::new(
        "select n.version, n.locale, n.text, n.created_at from public.recording_notices n join public.organizations o on o.id = n.organization_id \
         order by n.locale = ",
    );
    sql.bind(locale.unwrap_or_default().replace('\0', ""))
        .push(" desc, n.locale = o.locale desc, n.created_at desc, n.id desc limit 1");
    sql.row(scope)
        .await?
        .map(|row| {
            Ok(Notice {
                version: Decode::decode(&row, 0)?,
                locale: Decode::decode(&row, 1)?,
                text: Decode::decode(&row, 2)?,
                created_at: Decode::decode(&row, 3)?,
            })
        })
        .transpose()
}
