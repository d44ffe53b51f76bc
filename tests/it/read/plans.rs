//! How the database goes about representative queries on 200 organizations with 100 sessions each: through an index that leads
//! with the organization, or by the row's own id, and never through all rows of all organizations.
//!
//! The plans are those of the statements themselves, as the server sends them with the member's role and claims: the database
//! explains each one to its client, and this test listens.

use std::collections::BTreeSet;
use std::fmt::Debug;
use std::sync::{Arc, Mutex};

use api::graphql::Request;
use serde_json::Value;
use tests::database::{TestDatabase, seed_many};
use tracing::field::{Field, Visit};
use tracing_subscriber::layer::{Context, Layer, SubscriberExt as _};

use super::{World, batching, written};

/// Queries beside those whose statements are counted: every list in its usual order and with its usual filters.
const MORE: &[(&str, &str)] = &[
    ("an organization", "{ viewer { role organization { id name } } organization { id currency members: name } }"),
    ("members", "{ members(first: 20) { nodes { id role } totalCount } }"),
    ("sessions by change", "{ recordingSessions(first: 20, orderBy: [{ field: UPDATED_AT, direction: DESC }]) { nodes { id } } }"),
    ("sessions of a kind", "{ recordingSessions(first: 20, filter: { workflowType: [CUSTOMS] }) { nodes { id } totalCount } }"),
    ("opportunities by savings", "{ opportunities(first: 20, orderBy: [{ field: ESTIMATED_COST_SAVINGS_MONTHLY, direction: DESC }]) { nodes { id } } }"),
    ("costs", "{ costAnalyses(first: 20) { nodes { id } totalCount } }"),
    ("insights", "{ insights(first: 20) { nodes { id title } } }"),
    ("reports", "{ reports(first: 20) { nodes { id } } }"),
    ("patterns", "{ workflowPatterns { category analyses } }"),
    ("impact", "{ businessImpact { recordings annualHours { identified } reviewPrecision } }"),
    ("usage", "{ usage { recordings members storageBytes modelCostUsd } }"),
    ("the audit log", "{ auditLog(first: 20) { nodes { action } } }"),
    ("things by id", "{ nodes(ids: [\"00000001-0003-7000-8000-000000000001\", \"00000001-0005-7000-8000-000000000011\"]) { id } }"),
];

/// Keeps the explanations that the database sends.
#[derive(Clone, Default)]
struct Explanations(Arc<Mutex<Vec<Value>>>);

impl<S: tracing::Subscriber> Layer<S> for Explanations {
    fn on_event(&self, event: &tracing::Event<'_>, _: Context<'_, S>) {
        if event.metadata().target() == "sqlx::postgres::notice" {
            event.record(&mut self.clone());
        }
    }
}

impl Visit for Explanations {
    fn record_debug(&mut self, field: &Field, value: &dyn Debug) {
        self.record_str(field, &format!("{value:?}"));
    }

    fn record_str(&mut self, field: &Field, value: &str) {
        if let (true, Some((_, plan))) = (field.name() == "message", value.split_once("plan:\n")) {
            self.0.lock().unwrap().push(serde_json::from_str(plan).unwrap());
        }
    }
}

/// A scan: what kind, of which table, through which index and with which condition on it.
struct Scan {
    kind: String,
    table: Option<String>,
    index: Option<String>,
    condition: Option<String>,
}

fn scans(plan: &Value, found: &mut Vec<Scan>) {
    let text = |name: &str| plan[name].as_str().map(str::to_owned);
    let kind = text("Node Type").unwrap_or_default();
    if kind.ends_with("Scan") && (plan.get("Relation Name").is_some() || plan.get("Index Name").is_some()) {
        found.push(Scan { kind, table: text("Relation Name"), index: text("Index Name"), condition: text("Index Cond") });
    }
    for below in plan["Plans"].as_array().into_iter().flatten() {
        scans(below, found);
    }
}

#[tokio::test]
async fn no_query_goes_through_the_rows_of_all_organizations() {
    let database = TestDatabase::create().await.unwrap();
    seed_many(&database, 200, 100).await.unwrap();
    let pool = database.superuser().await.unwrap();
    // Tables of the tenants. Of organizations themselves there are few, and a page of them is read at once.
    let tables: Vec<String> = sqlx::query_scalar(
        "select c.relname::text from pg_class c where c.relnamespace = 'public'::regnamespace and c.relkind = 'r' and exists (select from pg_attribute a where a.attrelid = c.oid and a.attname = 'organization_id')",
    )
    .fetch_all(&pool)
    .await
    .unwrap();
    // Indexes that lead with the organization, or find one row by its identity.
    let narrow: BTreeSet<String> = sqlx::query_scalar(
        "select i.indexrelid::regclass::text from pg_index i join pg_attribute a on a.attrelid = i.indrelid and a.attnum = i.indkey[0] join pg_class c on c.oid = i.indrelid where c.relnamespace = 'public'::regnamespace and (a.attname = 'organization_id' or i.indisunique)",
    )
    .fetch_all(&pool)
    .await
    .unwrap()
    .into_iter()
    .collect();
    sqlx::raw_sql(sqlx::AssertSqlSafe(format!(
        "alter database {0} set session_preload_libraries = 'auto_explain'; alter database {0} set auto_explain.log_min_duration = 0;
         alter database {0} set auto_explain.log_level = notice; alter database {0} set auto_explain.log_format = json;
         alter database {0} set auto_explain.log_nested_statements = on",
        database.name
    )))
    .execute(&pool)
    .await
    .unwrap();
    let world = World::over(database, false).await;
    let person = uuid::Uuid::parse_str("00000001-0002-7000-8000-000000000001").unwrap();
    let owner = world.db().system().sign_in(person.into(), None).await.unwrap();

    let (schema, mut times_written) = (written::written(), 0);
    let explanations = Explanations::default();
    let listening = tracing::subscriber::set_default(tracing_subscriber::registry().with(explanations.clone()));
    let counted = batching::QUERIES.iter().map(|(name, _, query)| (*name, *query));
    for (_, query) in counted.chain(MORE.iter().copied()) {
        let query = query
            .replace("aeeeeeee-0000-7000-8000-000000000021", "00000001-0003-7000-8000-000000000001")
            .replace("$n", "20");
        world.data(&owner, &query).await;
        // And as the database writes it by itself.
        let request = async_graphql::Request::new(query).data(Request::new(world.api.clone(), Some(owner.clone())));
        let answer = schema.execute(request).await;
        assert!(answer.errors.is_empty(), "{:?}", answer.errors);
        times_written += u32::from(written::is_written(&answer.data));
    }
    // A statement is explained at its end, which comes with the end of its connection at the latest.
    world.db().close().await;
    drop(listening);

    let explanations = explanations.0.lock().unwrap();
    let (mut offences, mut seen) = (BTreeSet::new(), 0);
    for explanation in explanations.iter() {
        let mut found = Vec::new();
        scans(&explanation["Plan"], &mut found);
        for Scan { kind, table, index, condition } in found {
            let of_a_tenant = table.as_ref().is_some_and(|table| tables.contains(table));
            seen += usize::from(of_a_tenant);
            let fine = match &index {
                Some(index) => narrow.contains(index) && condition.is_some(),
                // The heap behind a bitmap is judged by the bitmap's index.
                None => !of_a_tenant || kind == "Bitmap Heap Scan",
            };
            if !fine {
                offences.insert(format!("{kind} of {table:?} through {index:?}:\n{}", explanation["Query Text"].as_str().unwrap_or_default()));
            }
        }
    }
    assert!(times_written >= 10, "{times_written} answers were written by the database");
    assert!(seen > 60, "the plans were heard: {seen} scans of tenant tables");
    let offences: Vec<_> = offences.into_iter().collect();
    assert!(offences.is_empty(), "{}", offences.join("\n\n"));
}
