//! The message that begins a scope: transaction, role, time-out and claims in one. Built from typed ids only, and quoted by
//! one function.

use domain::id::{AnalysisId, ExportId, RecalculationId, ReportId};
use uuid::Uuid;

use crate::caller::{Actor, Caller};

/// The lease that a job holds on its work: tenancy and fence in one.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Lease {
    /// What the work is about.
    pub subject: LeaseSubject,
    /// The number of this attempt.
    pub attempt: i32,
    /// The secret that this attempt was given.
    pub token: Uuid,
}

/// What a leased job is about.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum LeaseSubject {
    /// An analysis to be made.
    Analysis(AnalysisId),
    /// A report to be written.
    Report(ReportId),
    /// An export to be made.
    Export(ExportId),
    /// Costs to be calculated anew.
    Recalculation(RecalculationId),
}

/// The claims as `PostgREST` would set them, so that the same policies serve both.
fn claims(caller: &Caller) -> String {
    match caller.actor {
        Actor::Person(user) => format!(r#"{{"sub":"{user}","role":"authenticated"}}"#),
        Actor::Key(key) => format!(r#"{{"sub":"{key}","role":"newsystem_key"}}"#),
    }
}

/// The settings of a transaction's statements, where its connection has none.
pub(super) fn settings(milliseconds: Option<u128>) -> String {
    milliseconds.map_or_else(String::new, |milliseconds| {
        format!("; set local statement_timeout = {milliseconds}; set local jit = off")
    })
}

pub(super) fn begin_member(caller: &Caller, timeout_ms: Option<u128>, read_only: bool) -> String {
    let mode = if read_only {
        " isolation level repeatable read read only"
    } else {
        ""
    };
    format!(
        "begin{mode}; set local role newsystem_member{}; set local request.jwt.claims = {}",
        settings(timeout_ms),
        literal(&claims(caller))
    )
}

/// A job's transaction waits for nothing but the database. One that stands idle for longer than this is of a worker whose machine
/// is gone without a word, and what it has locked would keep the next attempt out.
const IDLE_SECONDS: u32 = 10;

pub(super) fn begin_job(lease: &Lease, timeout_ms: Option<u128>) -> String {
    format!(
        "begin; set local role newsystem_job{}; set local idle_in_transaction_session_timeout = '{IDLE_SECONDS}s'; set local newsystem.job = {}",
        settings(timeout_ms),
        literal(&job(lease))
    )
}

/// Whom it reads as is the database's to say: whoever asked for the export of this lease.
pub(super) fn begin_export(lease: &Lease, timeout_ms: Option<u128>) -> String {
    format!(
        "begin isolation level repeatable read read only; set local role newsystem_export{}; set local newsystem.job = {}",
        settings(timeout_ms),
        literal(&job(lease))
    )
}

/// What `private.job()` reads.
fn job(lease: &Lease) -> String {
    let (kind, id) = match lease.subject {
        LeaseSubject::Analysis(id) => ("analysis", id.uuid()),
        LeaseSubject::Report(id) => ("report", id.uuid()),
        LeaseSubject::Export(id) => ("export", id.uuid()),
        LeaseSubject::Recalculation(id) => ("recalculation", id.uuid()),
    };
    format!(
        r#"{{"kind":"{kind}","id":"{id}","attempt":{},"lease":"{}"}}"#,
        lease.attempt, lease.token
    )
}

/// An SQL string literal. `standard_conforming_strings` may be off, so a backslash takes the escape form.
fn literal(text: &str) -> String {
    let quoted = text.replace('\'', "''");
    if quoted.contains('\\') {
        format!("E'{}'", quoted.replace('\\', "\\\\"))
    } else {
        format!("'{quoted}'")
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    /// Reads a literal back as PostgreSQL's lexer would, and what follows it.
    fn lex(sql: &str) -> Option<(String, &str)> {
        let (escapes, rest) = match sql.strip_prefix('E') {
            Some(rest) => (true, rest),
            None => (false, sql),
        };
        let mut characters = rest.strip_prefix('\'')?.char_indices().peekable();
        let mut text = String::new();
        while let Some((at, character)) = characters.next() {
            match character {
                '\'' if matches!(characters.peek(), Some((_, '\''))) => {
                    characters.next();
                    text.push('\'');
                }
                '\'' => return Some((text, &rest[1 + at + 1..])),
                '\\' if escapes => text.push(characters.next()?.1),
                other => text.push(other),
            }
        }
        None
    }

    proptest! {
        #[test]
        fn whatever_is_quoted_comes_back_and_nothing_escapes(text in r#"[a-z'"\\;{} \n-]{0,40}"#) {
            let sql = format!("{}; select 1", literal(&text));
            prop_assert_eq!(lex(&sql), Some((text, "; select 1")));
        }
    }

    #[test]
    fn a_member_begins_with_role_time_out_and_claims() {
        let caller = Caller {
            actor: Actor::Person(Uuid::nil().into()),
            email: None,
            membership: None,
            read_only: false,
        };
        assert_eq!(
            begin_member(&caller, Some(5000), true),
            "begin isolation level repeatable read read only; set local role newsystem_member; set local statement_timeout = 5000; set local jit = off; \
             set local request.jwt.claims = '{\"sub\":\"00000000-0000-0000-0000-000000000000\",\"role\":\"authenticated\"}'"
        );
    }
}
