//! The search for leaks between organizations.
//!
//! The seed document compares sessions of one user in two organizations, and misses a row that was written with a foreign
//! organization's id. Here every reference of every tenant table is followed, whether a constraint stands behind it or not: what
//! a row points at must belong to the row's organization. Objects in storage have no row security, so their keys are compared
//! too. And two people are let in to look, each of whom must see nothing of anybody else's.

use serde::Serialize;
use sqlx::Row as _;
use sqlx::postgres::PgRow;
use uuid::Uuid;

use crate::db::{Owner, Scope};
use crate::error::{Error, Result};
use crate::sql::Sql;

/// What a column of this name points at, in every table: the rule of the schema, which no constraint has to remember.
pub const REFERENCES: [(&str, &str); 10] = [
    ("session_id", "recording_sessions"),
    ("analysis_id", "analysis_results"),
    ("report_id", "generated_reports"),
    ("user_id", "user_profiles"),
    ("subject_user_id", "user_profiles"),
    ("api_key_id", "api_keys"),
    ("requested_by", "user_profiles"),
    ("reviewed_by", "user_profiles"),
    ("created_by", "user_profiles"),
    ("invited_by", "user_profiles"),
];

/// Columns that hold ids and are none of the above, each with how it is judged.
pub const OTHER_IDS: [(&str, &str); 10] = [
    ("id", "the row itself"),
    ("organization_id", "an organization, unless the table outlives it"),
    ("subject_id", "any row of the organization, or one that is gone"),
    ("actor_api_key_id", "a key of the organization, or one that is gone"),
    (
        "actor_user_id",
        "a person, who may have moved to another organization since",
    ),
    ("actor_id", "a person or a key, as above"),
    ("lease_token", "nothing: a secret"),
    ("done_to", "a place in the order of analyses, some of which may be gone"),
    ("until", "as above"),
    ("erasure_receipts.requested_by", "a person, who may have moved since"),
];

/// Tables whose rows outlive their organization.
const OUTLIVING: [&str; 3] = ["audit_log", "erasure_receipts", "object_deletions"];

/// Columns that hold an object's key in storage.
const OBJECT_KEYS: [&str; 3] = ["file_path", "file_url", "object_key"];

/// How many rows are named for each finding.
const EXAMPLES: usize = 5;

/// One comparison.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Check {
    /// The table.
    pub table: String,
    /// What its rows were compared with.
    pub against: String,
    /// Rows compared.
    pub rows: i64,
    /// Rows that belong to one organization and point at another's.
    pub leaks: i64,
    /// Rows that point at nothing.
    pub dangling: i64,
    /// Keys of the first rows found.
    pub examples: Vec<String>,
    /// Why nothing was compared, if so.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub skipped: Option<String>,
}

impl Check {
    /// Whether something was found.
    pub const fn is_clean(&self) -> bool {
        self.leaks == 0 && self.dangling == 0
    }
}

/// A table of the organizations, as the catalogue has it. Names are quoted where they need it.
struct Table {
    name: String,
    columns: Vec<String>,
    /// An expression for the row's key.
    key: String,
    is_secured: bool,
}

impl Table {
    fn has(&self, column: &str) -> bool {
        self.columns.iter().any(|one| one == column)
    }
}

/// Every comparison, of every table.
///
/// # Errors
/// Those of the database.
pub async fn verify(owner: &Owner) -> Result<Vec<Check>> {
    let scope = owner.snapshot().await?;
    let tables = tables(&scope).await?;
    let mut checks = Vec::new();
    for table in &tables {
        if !table.has("organization_id") {
            continue;
        }
        if !OUTLIVING.contains(&table.name.as_str()) {
            checks.push(references(&scope, table, "organization_id", "organizations", true).await?);
        }
        for (column, target) in REFERENCES {
            let moves = table.name == "erasure_receipts" && column == "requested_by";
            if table.has(column) && !moves {
                checks.push(references(&scope, table, column, target, true).await?);
            }
        }
        if table.has("actor_api_key_id") {
            checks.push(references(&scope, table, "actor_api_key_id", "api_keys", false).await?);
        }
        if table.has("subject_id") {
            checks.push(subjects(&scope, table, &tables).await?);
        }
        if table.has("session_id") && table.has("analysis_id") {
            checks.push(same_session(&scope, table).await?);
        }
        for column in OBJECT_KEYS {
            if table.has(column) {
                checks.push(object_keys(&scope, table, column).await?);
            }
        }
    }
    drop(scope);
    checks.extend(row_security(&tables));
    checks.extend(probe(owner, &tables).await?);
    Ok(checks)
}

async fn tables(scope: &Scope) -> Result<Vec<Table>> {
    let rows = Sql::new(
        "select c.relname::text, array(select a.attname::text from pg_attribute a where a.attrelid = c.oid and a.attnum > 0 and not a.attisdropped order by a.attnum), \
           coalesce((select 'concat_ws(''/'', ' || string_agg(format('t.%I', a.attname), ', ' order by array_position(i.indkey::int2[], a.attnum)) || ')' from pg_index i \
              join pg_attribute a on a.attrelid = c.oid and a.attnum = any (i.indkey::int2[]) where i.indrelid = c.oid and i.indisprimary), 't.ctid::text'), \
           c.relrowsecurity \
         from pg_class c where c.relnamespace = 'public'::regnamespace and c.relkind in ('r', 'p') order by c.relname",
    )
    .rows(scope)
    .await?;
    rows.iter()
        .map(|row| {
            Ok(Table {
                name: row.try_get(0)?,
                columns: row.try_get(1)?,
                key: row.try_get(2)?,
                is_secured: row.try_get(3)?,
            })
        })
        .collect()
}

fn quoted(name: &str) -> String {
    format!("\"{}\"", name.replace('"', "\"\""))
}

/// Runs `select key, is a leak, dangles` over all rows of a table.
async fn compare(scope: &Scope, table: &Table, against: String, leaks: &str, dangles: &str, of: &str) -> Result<Check> {
    let mut sql = Sql::new(
        "select count(*), count(*) filter (where leaks), count(*) filter (where dangles), coalesce((array_agg(key) filter (where leaks or dangles))[1:",
    );
    sql.push(&EXAMPLES.to_string()).push("], '{}') from (select ");
    for part in [
        &table.key,
        " as key, ",
        leaks,
        " as leaks, ",
        dangles,
        " as dangles from public.",
    ] {
        sql.push(part);
    }
    sql.push(&quoted(&table.name))
        .push(" t where ")
        .push(of)
        .push(") compared");
    let row = sql
        .row(scope)
        .await?
        .ok_or_else(|| Error::internal("a count without a row"))?;
    check(table, against, &row)
}

fn check(table: &Table, against: String, row: &PgRow) -> Result<Check> {
    Ok(Check {
        table: table.name.clone(),
        against,
        rows: row.try_get(0)?,
        leaks: row.try_get(1)?,
        dangling: row.try_get(2)?,
        examples: row.try_get(3)?,
        skipped: None,
    })
}

/// A column that points at a row of another table.
async fn references(scope: &Scope, table: &Table, column: &str, target: &str, must_exist: bool) -> Result<Check> {
    let (own, parent) = (quoted(column), quoted(target));
    let exists = format!("exists (select from public.{parent} p where p.id = t.{own})");
    // An organization is its own owner: it can only be missing.
    let leaks = if target == "organizations" {
        "false".to_owned()
    } else {
        format!(
            "exists (select from public.{parent} p where p.id = t.{own} and p.organization_id is distinct from t.organization_id)"
        )
    };
    let dangles = if must_exist {
        format!("not {exists}")
    } else {
        "false".to_owned()
    };
    let against = format!("{column}: {target}");
    compare(scope, table, against, &leaks, &dangles, &format!("t.{own} is not null")).await
}

/// What a line of a log is about: a row of the same organization wherever it is found.
async fn subjects(scope: &Scope, table: &Table, tables: &[Table]) -> Result<Check> {
    // People may move from one organization to another.
    let others = tables
        .iter()
        .filter(|one| one.has("id") && one.has("organization_id") && one.name != "user_profiles")
        .map(|other| {
            format!(
                "exists (select from public.{} p where p.id = t.subject_id and p.organization_id <> t.organization_id)",
                quoted(&other.name)
            )
        });
    let itself = "exists (select from public.organizations p where p.id = t.subject_id and p.id <> t.organization_id)";
    let leaks = std::iter::once(itself.to_owned())
        .chain(others)
        .collect::<Vec<_>>()
        .join(" or ");
    let against = "subject_id: every table".to_owned();
    compare(scope, table, against, &leaks, "false", "t.subject_id is not null").await
}

/// A row below an analysis names the session of that analysis.
async fn same_session(scope: &Scope, table: &Table) -> Result<Check> {
    let leaks =
        "exists (select from public.analysis_results p where p.id = t.analysis_id and p.session_id <> t.session_id)";
    let against = "session_id: that of its analysis".to_owned();
    compare(scope, table, against, leaks, "false", "t.analysis_id is not null").await
}

/// An object's key lies in the organization's own folder.
async fn object_keys(scope: &Scope, table: &Table, column: &str) -> Result<Check> {
    let own = quoted(column);
    let leaks = format!("not private.is_object_of(t.organization_id, t.{own})");
    let against = format!("{column}: the organization's folder");
    compare(scope, table, against, &leaks, "false", &format!("t.{own} is not null")).await
}

/// Tables without row security at all: everything in them would be everybody's.
fn row_security(tables: &[Table]) -> impl Iterator<Item = Check> + '_ {
    tables.iter().map(|table| Check {
        table: table.name.clone(),
        against: "row security is on".to_owned(),
        rows: 1,
        leaks: i64::from(!table.is_secured),
        dangling: 0,
        examples: Vec::new(),
        skipped: None,
    })
}

/// Lets a person of each of two organizations look into every table: policies must show nothing of anybody else's.
async fn probe(owner: &Owner, tables: &[Table]) -> Result<Vec<Check>> {
    let scope = owner.scope().await?;
    let people = Sql::new(
        "select p.organization_id, p.id from public.user_profiles p \
         join (select u.organization_id, min(u.id::text)::uuid as id from public.user_profiles u join public.organizations g on g.id = u.organization_id \
               group by 1 order by (select count(*) from public.recording_sessions s where s.organization_id = u.organization_id) desc, 1 limit 2) two on two.id = p.id",
    )
    .rows(&scope)
    .await?;
    let skipped = |why: &str| Check {
        table: "(all)".to_owned(),
        against: "what two people see".to_owned(),
        rows: 0,
        leaks: 0,
        dangling: 0,
        examples: Vec::new(),
        skipped: Some(why.to_owned()),
    };
    if people.len() < 2 {
        return Ok(vec![skipped("there are no two organizations with people")]);
    }
    // The right to become a member is taken for this transaction, which is rolled back.
    if let Err(error) = scope.run("grant newsystem_member to current_user", []).await {
        return match error {
            Error::Forbidden { .. } => Ok(vec![skipped("this owner may not become newsystem_member")]),
            error => Err(error),
        };
    }
    scope.run("set local row_security = on", []).await?;
    let readable = readable(&scope, tables).await?;
    scope.run("set local role newsystem_member", []).await?;
    let mut checks: Vec<Check> = readable
        .iter()
        .map(|table| Check {
            table: table.name.clone(),
            against: "what two people see".to_owned(),
            rows: 0,
            leaks: 0,
            dangling: 0,
            examples: Vec::new(),
            skipped: None,
        })
        .collect();
    for person in &people {
        let (organization, id): (Uuid, Uuid) = (person.try_get(0)?, person.try_get(1)?);
        let claims = format!(r#"{{"sub":"{id}","role":"authenticated"}}"#);
        let mut set = Sql::new("select set_config('request.jwt.claims', ");
        set.bind(claims).push(", true)");
        set.row(&scope).await?;
        for (check, table) in checks.iter_mut().zip(&readable) {
            let column = if table.name == "organizations" {
                "id"
            } else {
                "organization_id"
            };
            let mut sql = Sql::new("select count(*), count(*) filter (where t.");
            sql.push(column)
                .push(" <> ")
                .bind(organization)
                .push(") from public.")
                .push(&quoted(&table.name))
                .push(" t");
            let row = sql
                .row(&scope)
                .await?
                .ok_or_else(|| Error::internal("a count without a row"))?;
            check.rows += row.try_get::<i64, _>(0)?;
            check.leaks += row.try_get::<i64, _>(1)?;
        }
    }
    Ok(checks)
}

/// The tables that a member may read at all.
async fn readable<'t>(scope: &Scope, tables: &'t [Table]) -> Result<Vec<&'t Table>> {
    let mut sql = Sql::new("select array(select n from unnest(");
    let names: Vec<String> = tables
        .iter()
        .filter(|table| table.name == "organizations" || table.has("organization_id"))
        .map(|table| table.name.clone())
        .collect();
    sql.bind(names).push(
        "::text[]) n where has_column_privilege('newsystem_member', format('public.%I', n), case n when 'organizations' then 'id' else 'organization_id' end, 'select'))",
    );
    let row = sql
        .row(scope)
        .await?
        .ok_or_else(|| Error::internal("a list without a row"))?;
    let names: Vec<String> = row.try_get(0)?;
    Ok(tables.iter().filter(|table| names.contains(&table.name)).collect())
}
