//! What the database writes by itself is what the resolvers say, for whoever asks, in one statement.

use api::graphql::page::RowObject;
use api::graphql::{
    Mutation, Query, Request, Subscription, analysis_result::Analysis, automation_opportunity::AutomationOpportunity,
    cost_analysis::CostAnalysis, recording_session::RecordingSession, schema, written::Plain,
};
use api::http::answer;
use api::http::engine::{Bare, Unmerged};
use async_graphql::{Schema, Value as Answer, Variables};
use rand::rngs::StdRng;
use rand::seq::{IndexedRandom as _, SliceRandom as _};
use rand::{RngExt as _, SeedableRng as _};
use serde_json::{Value, json};
use service::caller::Caller;
use tests::app::TestApp;
use tests::database::seeded;

use super::World;

/// The schema of known queries, in whose answers nothing is merged.
pub(super) fn written() -> Schema<Query, Mutation, Subscription> {
    schema().data(Bare).data(Unmerged).finish()
}

#[derive(sea_orm::FromQueryResult)]
struct Setting {
    jit: String,
}

/// Whether the database wrote a part of an answer.
pub(super) fn is_written(answer: &Answer) -> bool {
    match answer {
        Answer::Binary(_) => true,
        Answer::List(list) => list.iter().any(is_written),
        Answer::Object(members) => members.values().any(is_written),
        _ => false,
    }
}

/// Numbers by their value: 12 and 12.0 are one.
fn by_value(json: Value) -> Value {
    match json {
        Value::Number(number) => json!(number.as_f64()),
        Value::Array(list) => list.into_iter().map(by_value).collect(),
        Value::Object(members) => members
            .into_iter()
            .map(|(name, member)| (name, by_value(member)))
            .collect(),
        other => other,
    }
}

struct Ways {
    world: World,
    written: Schema<Query, Mutation, Subscription>,
}

impl Ways {
    async fn new() -> Self {
        Self {
            world: World::new().await,
            written: written(),
        }
    }

    async fn answer(&self, caller: &Caller, query: &str, variables: &Value) -> async_graphql::Response {
        let request = async_graphql::Request::new(query)
            .variables(Variables::from_json(variables.clone()))
            .data(Request::new(self.world.api.clone(), Some(caller.clone())));
        self.written.execute(request).await
    }

    /// The same answer both ways, in the same order of keys; says whether the database wrote of it.
    async fn same(&self, caller: &Caller, query: &str, variables: &Value) -> (Value, bool) {
        let mut resolved = self.world.ask_with(Some(caller), query, variables.clone()).await;
        assert_eq!(resolved.get("errors"), None, "{query}: {resolved:#}");
        let answer = self.answer(caller, query, variables).await;
        assert!(answer.errors.is_empty(), "{query}: {:?}", answer.errors);
        let text = answer::write(&answer).unwrap();
        let mut other: Value = serde_json::from_str(&text).unwrap();
        let (resolved, other) = (by_value(resolved["data"].take()), by_value(other["data"].take()));
        assert_eq!(resolved.to_string(), other.to_string(), "{query}\n{variables}");
        (resolved, is_written(&answer.data))
    }
}

/// A type that the database writes: its list, its fields, and what lies below or above it.
struct Kind {
    name: &'static str,
    plain: fn(&str) -> Option<Plain>,
    parents: &'static [(&'static str, usize)],
    first: &'static [(&'static str, usize)],
    many: &'static [(&'static str, usize)],
}

const KINDS: [Kind; 4] = [
    Kind {
        name: "RecordingSession",
        plain: RecordingSession::plain,
        parents: &[],
        first: &[("analysis", 1), ("currentAnalysis", 1)],
        many: &[("analyses", 1), ("opportunities", 2)],
    },
    Kind {
        name: "Analysis",
        plain: Analysis::plain,
        parents: &[("session", 0)],
        first: &[("costAnalysis", 3)],
        many: &[("opportunities", 2), ("costAnalyses", 3)],
    },
    Kind {
        name: "AutomationOpportunity",
        plain: AutomationOpportunity::plain,
        parents: &[("analysis", 1), ("session", 0)],
        first: &[],
        many: &[],
    },
    Kind {
        name: "CostAnalysis",
        plain: CostAnalysis::plain,
        parents: &[("analysis", 1), ("session", 0)],
        first: &[],
        many: &[],
    },
];
const LISTS: [&str; 4] = ["recordingSessions", "analyses", "opportunities", "costAnalyses"];

/// Selections at random, of the fields that the schema has.
struct Asking {
    random: StdRng,
    fields: Vec<Vec<String>>,
    names: usize,
}

impl Asking {
    async fn of(world: &World, seed: u64) -> Self {
        let mut fields = Vec::new();
        for kind in &KINDS {
            let query = format!("{{ __type(name: \"{}\") {{ fields {{ name }} }} }}", kind.name);
            let data = world.data(&world.owner().await, &query).await;
            let all = data["__type"]["fields"].as_array().unwrap();
            let names = all.iter().map(|field| field["name"].as_str().unwrap().to_owned());
            fields.push(names.filter(|name| (kind.plain)(name).is_some()).collect());
        }
        Self {
            random: StdRng::seed_from_u64(seed),
            fields,
            names: 0,
        }
    }

    /// Another name, half of the time.
    fn key(&mut self, name: &str) -> String {
        self.names += 1;
        if self.random.random_bool(0.5) {
            format!("n{}: {name}", self.names)
        } else {
            name.to_owned()
        }
    }

    fn money(&mut self) -> String {
        let all = ["amount", "currency", "__typename", "c: currency", "a: amount amount"];
        let how_many = self.random.random_range(1..4);
        all.sample(&mut self.random, how_many)
            .copied()
            .collect::<Vec<_>>()
            .join(" ")
    }

    fn selection(&mut self, kind: usize, depth: usize) -> String {
        let how_many = self.random.random_range(1..8);
        let fields: Vec<String> = self.fields[kind].sample(&mut self.random, how_many).cloned().collect();
        let mut parts = Vec::new();
        for field in fields {
            let key = self.key(&field);
            match (KINDS[kind].plain)(&field) {
                Some(Plain::Money(..)) => parts.push(format!("{key} {{ {} }}", self.money())),
                _ => parts.push(format!("{key} {key}")),
            }
        }
        if depth > 0 {
            // Rows below a parent are left to the resolvers, who read them once for all siblings.
            let up = if self.random.random_bool(0.1) { depth } else { 1 };
            let parents = KINDS[kind].parents.iter().map(|parent| (parent, up));
            let first = KINDS[kind].first.iter().map(|first| (first, depth));
            for ((field, other), depth) in parents.chain(first) {
                if self.random.random_bool(0.5) {
                    let key = self.key(field);
                    parts.push(format!("{key} {{ {} }}", self.selection(*other, depth - 1)));
                }
            }
            for (field, below) in KINDS[kind].many {
                if self.random.random_bool(0.6) {
                    let key = self.key(field);
                    let arguments = *[
                        "",
                        "(first: 2)",
                        "(first: $n)",
                        "(first: $unset)",
                        "(first: 0, after: null)",
                    ]
                    .choose(&mut self.random)
                    .unwrap();
                    let arguments = if *below == 2 && self.random.random_bool(0.5) {
                        "(first: 3, orderBy: [{ field: PRIORITY, direction: ASC }, { field: PAYBACK_PERIOD }])"
                    } else {
                        arguments
                    };
                    let beside = ["", "__typename "].choose(&mut self.random).unwrap();
                    parts.push(format!(
                        "{key}{arguments} {{ {beside}nodes {{ {} }} }}",
                        self.selection(*below, depth - 1)
                    ));
                }
            }
        }
        parts.push("__typename".to_owned());
        parts.push("... on Node { id }".to_owned());
        parts.shuffle(&mut self.random);
        if self.random.random_bool(0.3) {
            let within = parts.split_off(parts.len() / 2).join(" ");
            parts.push(format!("... on {} {{ {within} }}", KINDS[kind].name));
        }
        parts.join(" ")
    }
}

/// Texts, numbers and instants of every kind that the tables take.
const ODD: &str = r#"
    update public.recording_sessions set title = E'a "quoted" \\ title\nwith a tab\t, a bell \x07 and 😀 </script>', description = null where title like '%1';
    update public.recording_sessions set description = '', duration_seconds = 1e-7, declared_occurrences_per_day = 1234567.125, file_size_bytes = 9007199254740993, workflow_type = null, error_message = 'ünï' where title like '%2';
    update public.recording_sessions set duration_seconds = 'NaN' where title like '%3';
    update public.recording_sessions set duration_seconds = 'Infinity', completed_at = timestamptz '2026-01-01 00:00:00+02', video_deleted_at = timestamptz '2026-01-01 00:00:00.12+00', frames_deleted_at = timestamptz '1970-01-01 00:00:00.000001+00' where title like '%4';
    update public.recording_sessions set duration_seconds = null, truncated = true where title like '%5';
    set session_replication_role = replica;
    update public.analysis_results set currency = null, cost_savings_annual = null where time_savings_hours_weekly = 1.5 and confidence_score = 0.8 and session_id in (select id from public.recording_sessions where title like '%6');
    update public.analysis_results set cost_savings_annual = 0, time_savings_hours_weekly = 0, confidence_score = 0, status = 'failed', error_code = 'no_frames', is_current = false where session_id in (select id from public.recording_sessions where title like '%7');
    update public.automation_opportunities set roi_percentage = 0, hours_saved_monthly = -0.0000, estimated_cost_savings_monthly = -12.30, counted = false where process_key = 'process-3';
    update public.automation_opportunities set roi_percentage = null, estimated_cost_savings_monthly = null, payback_period_days = null where process_key = 'process-4';
    set session_replication_role = default;
"#;

#[tokio::test]
async fn the_database_writes_what_the_resolvers_say() {
    let ways = Ways::new().await;
    let world = &ways.world;
    world.record(12).await;
    let code = world
        .data(
            &world.owner().await,
            "{ __type(name: \"AnalysisErrorCode\") { enumValues { name } } }",
        )
        .await;
    let code = code["__type"]["enumValues"][0]["name"].as_str().unwrap().to_lowercase();
    world.run(&ODD.replace("no_frames", &code)).await;
    // A long statement would be compiled anew each time it runs.
    let scope = world.db().scope(&world.owner().await).await.unwrap();
    let setting = scope.row::<Setting>("select current_setting('jit') as jit", []).await;
    assert_eq!(setting.unwrap().unwrap().jit, "off");
    let callers = [
        world.owner().await,
        world.operator().await,
        world.other_operator().await,
        world.person('b', 11).await,
    ];
    let mut asking = Asking::of(world, 7).await;
    let mut times_written = 0;
    for round in 0..160 {
        let kind = round % 4;
        let selection = asking.selection(kind, 3);
        let query = format!(
            "query($n: Int, $unset: Int) {{ list: {}(first: {}) {{ totalCount nodes {{ {selection} }} pageInfo {{ hasNextPage endCursor startCursor }} }} \
             unused: recordingSessions(first: $unset) {{ totalCount }} other: analyses(first: $n) {{ totalCount }} }}",
            LISTS[kind],
            1 + round % 9,
        );
        let who = usize::from(round % 8 >= 4) * (1 + round % 3);
        let (data, written) = ways.same(&callers[who], &query, &json!({ "n": 1 + round % 5 })).await;
        let rows = data["list"]["nodes"].as_array().unwrap().len();
        times_written += usize::from(written);
        assert!(rows > 0 || who > 0, "{query}: {data}");
    }
    assert!(times_written > 100, "{times_written} of 160");
}

#[tokio::test]
async fn a_list_with_all_that_lies_below_is_one_statement() {
    let ways = Ways::new().await;
    let world = &ways.world;
    world.record(110).await;
    let owner = world.owner().await;
    for (statements, query) in [
        (
            1,
            "{ recordingSessions(first: $n) { nodes { id title status durationSeconds currentAnalysis { id opportunities(first: 5) { nodes { id estimatedCostSavingsMonthly { amount currency } } } costAnalysis { monthlySavings { amount } } } } pageInfo { hasNextPage endCursor } } }",
        ),
        (
            1,
            "{ opportunities(first: $n, filter: { currentOnly: true }, orderBy: [{ field: ROI_PERCENTAGE }]) { nodes { id session { id title } analysis { session { id } } } } }",
        ),
        // What waits is resolved, and what lies below it written.
        (
            4,
            "{ recordingSessions(first: $n, filter: { status: [COMPLETED] }) { nodes { id user { firstName } currentAnalysis { id opportunities { nodes { id } } } } } }",
        ),
        (
            2,
            "{ recordingSessions(first: $n, filter: { status: [COMPLETED] }) { nodes { id consent { at } analyses(first: 2) { nodes { id costAnalysis { id } } pageInfo { endCursor } } } } }",
        ),
    ] {
        for parents in [1, 20, 100] {
            let query = query.replace("$n", &parents.to_string());
            let before = world.db().statements();
            let answer = ways.answer(&owner, &query, &json!({})).await;
            assert!(answer.errors.is_empty(), "{query}: {:?}", answer.errors);
            assert_eq!(world.db().statements() - before, statements, "{query}");
            let (data, written) = ways.same(&owner, &query, &json!({})).await;
            assert!(written, "{query}: {data}");
        }
    }
}

/// What the resolvers know and the database does not is theirs to say.
#[tokio::test]
async fn what_is_not_only_rows_is_resolved() {
    let ways = Ways::new().await;
    let world = &ways.world;
    world.record(3).await;
    let owner = world.owner().await;
    let page = world
        .data(&owner, "{ opportunities(first: 2) { pageInfo { endCursor } } }")
        .await;
    let cursor = json!({ "cursor": page["opportunities"]["pageInfo"]["endCursor"], "yes": true });
    for selection in [
        "id metadata",
        "id consent { at }",
        "id analyses(last: 1) { nodes { id } }",
        "id analyses { edges { node { id } } }",
        "id analyses { nodes { id } totalCount }",
        "id opportunities { nodes { id evidence { startSeconds } } }",
    ] {
        let query = format!(
            "query($yes: Boolean!, $cursor: String) {{ list: recordingSessions(filter: {{ status: [COMPLETED] }}) {{ nodes {{ {selection} }} }} \
             used: opportunities(after: $cursor) @skip(if: $yes) {{ totalCount }} }}"
        );
        let answer = ways.answer(&owner, &query, &cursor).await;
        let Answer::Object(data) = &answer.data else {
            panic!("{query}: {:?}", answer.errors)
        };
        let Answer::Object(list) = &data["list"] else {
            panic!("{query}: {:?}", answer.errors)
        };
        let Answer::List(nodes) = &list["nodes"] else {
            panic!("{query}")
        };
        assert!(nodes.iter().all(|node| matches!(node, Answer::Object(_))), "{query}");
        ways.same(&owner, &query, &cursor).await;
    }
    // What is left out or in is known before anything is read.
    let query = "query($yes: Boolean!) { recordingSessions { nodes { id title @include(if: $yes) status @skip(if: $yes) ... @include(if: $yes) { createdAt } } } }";
    for yes in [true, false] {
        assert!(ways.same(&owner, query, &json!({ "yes": yes })).await.1);
    }
    // Two selections of one list are merged, which what is written cannot be.
    let plain = schema().data(Bare).finish();
    let twice = "{ recordingSessions { nodes { id } } recordingSessions { nodes { title } } }";
    let request = async_graphql::Request::new(twice).data(Request::new(world.api.clone(), Some(owner.clone())));
    let answer = plain.execute(request).await;
    assert!(!is_written(&answer.data));
    assert_eq!(
        serde_json::to_value(&answer.data).unwrap(),
        world.data(&owner, twice).await
    );
}

#[tokio::test]
async fn a_row_that_must_be_there_and_is_not_is_never_null() {
    let ways = Ways::new().await;
    let world = &ways.world;
    world.record(2).await;
    let owner = world.owner().await;
    world
        .run(
            "set session_replication_role = replica; delete from public.recording_sessions where title = 'Recording 1'",
        )
        .await;
    let query = "{ recordingSessions { nodes { id currentAnalysis { id } } } analyses { nodes { id costAnalysis { session { id } } } } }";
    let answer = ways.answer(&owner, query, &json!({})).await;
    assert!(
        !answer.errors.is_empty(),
        "the engine asks the resolvers then: {:?}",
        answer.data
    );
    let said = world.ask(&owner, query).await;
    assert_eq!(said["errors"][0]["extensions"]["code"], "NOT_FOUND", "{said:#}");
    // Nor is another organization's row, to whoever has its id.
    let query = format!(
        "{{ recordingSessions {{ nodes {{ id }} }} recordingSession(id: \"{}\") {{ analyses {{ nodes {{ id session {{ id }} }} }} }} }}",
        seeded('b', 21)
    );
    let (data, _) = ways.same(&owner, &query, &json!({})).await;
    assert_eq!(data["recordingSession"], Value::Null);
}

/// Over HTTP: the first answer is the resolvers', the next ones are written.
#[tokio::test]
async fn an_answer_stays_the_same_once_its_document_is_known() {
    let app = TestApp::start().await;
    let owner = app.founder("ada@acme.test").await;
    let session = owner.starts("One").await;
    // Keys of a stored document are any text: none of them may leave its place.
    let metadata = json!({ "a\":1},\"title\":\"forged\",\"z\":{\"": 1, "C:\\Users": "\n\n", "\n\nevent: x\n": { "\"": [] }, "": 0 });
    app.run(format!(
        "update public.recording_sessions set metadata = $m${metadata}$m$ where id = '{session}'"
    ))
    .await;
    for query in [
        "{ recordingSessions { nodes { id title metadata } } }",
        "{ recordingSessions { nodes { id title status currentAnalysis { id } } pageInfo { endCursor } } viewer { role } }",
        "{ recordingSessions { nodes { x: analysis { a: costAnalysis { id } a: costAnalysis { createdAt } } ... on RecordingSession { x: title } } } }",
        "{ recordingSessions { nodes { x: title ... on RecordingSession { x: createdAt } } } }",
    ] {
        let first = owner.asks(query, json!({})).await;
        assert_eq!(first.get("errors"), None, "{first:#}");
        for _ in 0..3 {
            assert_eq!(
                owner.asks(query, json!({})).await.to_string(),
                first.to_string(),
                "{query}"
            );
        }
        if query.contains("metadata") {
            assert_eq!(first["data"]["recordingSessions"]["nodes"][0]["metadata"], metadata);
        }
    }
}
