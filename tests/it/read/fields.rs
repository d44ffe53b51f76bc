//! Every field of every object, alone and all together: a column that a selection forgets is found here.

use std::collections::BTreeMap;

use serde_json::{Value, json};

use super::World;

const INTROSPECTION: &str = "{ __schema { types { kind name description enumValues { name description } inputFields { name description } possibleTypes { name }
    fields { name description args { name description type { kind name ofType { kind name } } } type { kind name ofType { kind name ofType { kind name ofType { kind name } } } } } } } }";

struct Field {
    name: String,
    arguments: String,
    leaf: bool,
    answer: String,
}

/// Object types of the schema with their fields.
async fn objects(world: &World) -> BTreeMap<String, Vec<Field>> {
    let data = world.data(&world.owner().await, INTROSPECTION).await;
    let types = data["__schema"]["types"].as_array().unwrap();
    let kinds: BTreeMap<&str, &str> = types
        .iter()
        .map(|t| (t["name"].as_str().unwrap(), t["kind"].as_str().unwrap()))
        .collect();
    let mut objects = BTreeMap::new();
    for object in types
        .iter()
        .filter(|t| t["kind"] == "OBJECT" && !t["name"].as_str().unwrap().starts_with("__"))
    {
        let fields = object["fields"].as_array().unwrap().iter().map(|field| {
            let mut inner = &field["type"];
            while inner["ofType"].is_object() {
                inner = &inner["ofType"];
            }
            let answer = inner["name"].as_str().unwrap().to_owned();
            let required = field["args"]
                .as_array()
                .unwrap()
                .iter()
                .any(|argument| argument["type"]["kind"] == "NON_NULL");
            Field {
                name: field["name"].as_str().unwrap().to_owned(),
                arguments: if field["name"] == "visualization" {
                    "(type: TIMELINE)".to_owned()
                } else {
                    assert!(
                        !required || matches!(object["name"].as_str(), Some("Query" | "Mutation" | "Subscription")),
                        "{object}"
                    );
                    String::new()
                },
                leaf: !matches!(kinds[answer.as_str()], "OBJECT" | "INTERFACE"),
                answer,
            }
        });
        objects.insert(object["name"].as_str().unwrap().to_owned(), fields.collect());
    }
    objects
}

/// A selection of all fields of a type, so many levels deep.
fn everything(objects: &BTreeMap<String, Vec<Field>>, name: &str, depth: usize) -> String {
    let mut text = String::from("{ __typename");
    for field in &objects[name] {
        if field.leaf {
            text = format!("{text} {}{}", field.name, field.arguments);
        } else if depth > 0 {
            let below = everything(objects, &field.answer, depth - 1);
            text = format!("{text} {}{} {below}", field.name, field.arguments);
        }
    }
    text + " }"
}

#[tokio::test]
async fn every_field_of_every_node_can_be_asked_alone() {
    let world = World::new().await;
    world.record(2).await;
    world.run("update public.organizations set roi_defaults = '{\"hourly_rate\": \"50\"}' where id = 'aeeeeeee-0000-7000-8000-000000000001'").await;
    let owner = world.owner().await;
    let objects = objects(&world).await;
    let nodes = world
        .data(&owner, "{ __type(name: \"Node\") { possibleTypes { name } } }")
        .await;
    let nodes = nodes["__type"]["possibleTypes"].as_array().unwrap();
    assert_eq!(nodes.len(), 13);
    for node in nodes {
        let name = node["name"].as_str().unwrap();
        let table = match name {
            "Organization" => "organizations",
            "Member" => "user_profiles",
            "Invitation" => "invitations",
            "ApiKey" => "api_keys",
            "RecordingSession" => "recording_sessions",
            "VideoChunk" => "video_chunks",
            "Analysis" => "analysis_results",
            "AnalysisFrame" => "analysis_frames",
            "AutomationOpportunity" => "automation_opportunities",
            "CostAnalysis" => "cost_analyses",
            "WorkflowVisualization" => "workflow_visualizations",
            "WorkflowInsight" => "workflow_insights",
            "Report" => "generated_reports",
            other => panic!("{other} has no table here"),
        };
        let own = if table == "organizations" {
            "id"
        } else {
            "organization_id"
        };
        let sql = format!(
            "select id from public.{table} where {own} = 'aeeeeeee-0000-7000-8000-000000000001' order by created_at, id limit 1"
        );
        let id: uuid::Uuid = sqlx::query_scalar(sqlx::AssertSqlSafe(sql))
            .fetch_one(&world.pool)
            .await
            .unwrap();
        for field in &objects[name] {
            let selection = if field.leaf {
                String::new()
            } else {
                everything(&objects, &field.answer, 1)
            };
            let query = format!(
                "{{ node(id: \"{id}\") {{ __typename ... on {name} {{ {}{} {selection} }} }} }}",
                field.name, field.arguments
            );
            let data = world.data(&owner, &query).await;
            assert_eq!(data["node"]["__typename"], name, "{query}");
        }
    }
}

#[tokio::test]
async fn every_list_gives_everything_two_levels_deep() {
    let world = World::new().await;
    world.record(2).await;
    let owner = world.owner().await;
    let objects = objects(&world).await;
    for root in &objects["Query"] {
        if matches!(
            root.name.as_str(),
            "node" | "nodes" | "recordingSession" | "analysis" | "opportunity" | "costAnalysis" | "dataExport"
        ) {
            continue;
        }
        let query = format!("{{ {} {} }}", root.name, everything(&objects, &root.answer, 3));
        let data = world.data(&owner, &query).await;
        assert!(!data[&root.name].is_null(), "{query}");
    }
}

/// Whatever is beside a field: lists write objects at once where nothing waits (`at_once`), and field by field where something does.
#[tokio::test]
async fn a_field_says_the_same_whatever_is_asked_beside_it() {
    let world = World::new().await;
    world.record(3).await;
    world.run("update public.organizations set roi_defaults = '{\"hourly_rate\": \"50\"}' where id = 'aeeeeeee-0000-7000-8000-000000000001'").await;
    let owner = world.owner().await;
    let objects = objects(&world).await;
    let waits = "analysis";
    for (list, name, foreign) in [
        ("opportunities", "AutomationOpportunity", "CostAnalysis"),
        ("costAnalyses", "CostAnalysis", "AutomationOpportunity"),
    ] {
        let nodes = async |selection: &str| {
            let data = world
                .data(
                    &owner,
                    &format!("{{ {list} {{ nodes {{ {selection} }} edges {{ node {{ {selection} }} }} }} }}"),
                )
                .await;
            let list = &data[list];
            let nodes = list["nodes"].as_array().unwrap().clone();
            assert!(!nodes.is_empty());
            let of_edges: Vec<Value> = list["edges"]
                .as_array()
                .unwrap()
                .iter()
                .map(|edge| edge["node"].clone())
                .collect();
            assert_eq!(nodes, of_edges, "{selection}");
            nodes
        };
        let values =
            |nodes: &[Value], key: &str| -> Vec<Value> { nodes.iter().map(|node| node[key].clone()).collect() };
        for field in objects[name]
            .iter()
            .filter(|field| field.leaf || field.answer == "Money")
        {
            let key = field.name.as_str();
            let selection = if field.leaf {
                key.to_owned()
            } else {
                format!("{key} {{ __typename currency value: amount }}")
            };
            let alone = nodes(&selection).await;
            let beside = nodes(&format!("{selection} {waits} {{ id }}")).await;
            assert_eq!(values(&alone, key), values(&beside, key), "{name}.{key}");
        }
        // Fragments, other names, one key twice, and what is left out.
        let money = if name == "CostAnalysis" {
            "annualSavings"
        } else {
            "estimatedCostSavingsMonthly"
        };
        let selection = format!(
            "__typename ... on Node {{ id ... on {foreign} {{ roiPercentage }} }} own: id id {money} {{ amount }} ... on {name} {{ {money} {{ currency amount @skip(if: true) }} }} createdAt @include(if: false)"
        );
        let alone = nodes(&selection).await;
        let beside = nodes(&format!("{selection} {waits} {{ id }}")).await;
        for (one, other) in alone.iter().zip(&beside) {
            let mut other = other.clone();
            other.as_object_mut().unwrap().remove(waits);
            assert_eq!(*one, other);
            assert_eq!(one["__typename"], name);
            assert_eq!(one["own"], one["id"]);
            assert!(
                one.get("createdAt").is_none() && one.get("roiPercentage").is_none(),
                "{one}"
            );
            assert!(
                one[money].is_null() || one[money]["amount"].is_string() && one[money]["currency"].is_string(),
                "{one}"
            );
        }
        assert_eq!(alone.len(), beside.len());
    }
}

/// A schema with nothing around each field resolves of an object only what waits, and says the same, in the same order.
#[tokio::test]
async fn what_waits_is_resolved_alone_and_stands_where_it_was_asked_for() {
    let world = World::new().await;
    world.record(3).await;
    let owner = world.owner().await;
    let objects = objects(&world).await;
    let bare = api::graphql::schema().data(api::http::engine::Bare).finish();
    let text = async |schema: &async_graphql::Schema<_, _, _>, query: &str| {
        let request =
            async_graphql::Request::new(query).data(api::graphql::Request::new(world.api.clone(), Some(owner.clone())));
        let reply = schema.execute(request).await;
        assert!(reply.errors.is_empty(), "{query}: {:?}", reply.errors);
        serde_json::to_string(&reply).unwrap()
    };
    for (list, name, waits) in [
        (
            "recordingSessions",
            "RecordingSession",
            "currentAnalysis { id status session { id title } }",
        ),
        ("analyses", "Analysis", "costAnalysis { id annualSavings { amount } }"),
        (
            "opportunities",
            "AutomationOpportunity",
            "analysis { id session { id } }",
        ),
        ("costAnalyses", "CostAnalysis", "analysis { id progress }"),
    ] {
        let leaves: Vec<&str> = objects[name]
            .iter()
            .filter(|field| field.leaf)
            .map(|field| field.name.as_str())
            .collect();
        let half = leaves.len() / 2;
        let (first, second) = (leaves[..half].join(" "), leaves[half..].join(" "));
        for selection in [
            format!("{first} {waits} {second}"),
            format!("__typename {waits} ... on {name} {{ {first} }} other: id"),
            format!("... on Node {{ id }} again: {waits} {waits} createdAt"),
            format!("{waits} {waits} id id"),
            format!("id {waits} ... @include(if: false) {{ createdAt }} more: id @skip(if: true)"),
        ] {
            let query = format!("{{ {list} {{ nodes {{ {selection} }} }} }}");
            assert_eq!(text(&bare, &query).await, text(&world.schema, &query).await, "{query}");
        }
    }
}

#[tokio::test]
async fn everything_is_described() {
    let world = World::new().await;
    let data = world.data(&world.owner().await, INTROSPECTION).await;
    let mut bare = Vec::new();
    let mut check = |path: String, thing: &Value| {
        if thing["description"].as_str().is_none_or(|text| text.trim().len() < 4) {
            bare.push(path);
        }
    };
    for object in data["__schema"]["types"].as_array().unwrap() {
        let name = object["name"].as_str().unwrap();
        if name.starts_with("__")
            || matches!(
                name,
                "Query" | "Mutation" | "Subscription" | "String" | "Int" | "Float" | "Boolean" | "ID"
            )
        {
            continue;
        }
        check(name.to_owned(), object);
        for list in ["fields", "inputFields", "enumValues"] {
            for member in object[list].as_array().into_iter().flatten() {
                let path = format!("{name}.{}", member["name"].as_str().unwrap());
                for argument in member["args"].as_array().into_iter().flatten() {
                    check(format!("{path}({})", argument["name"].as_str().unwrap()), argument);
                }
                check(path, member);
            }
        }
    }
    assert_eq!(bare, Vec::<String>::new(), "without a description");
}

#[tokio::test]
async fn figures_and_instants_are_shown_as_they_are_stored() {
    let world = World::new().await;
    world.record(1).await;
    let owner = world.owner().await;
    let data = world
        .data(
            &owner,
            "{ recordingSessions(filter: { search: \"recording 1\" }) { totalCount nodes { title fileSizeBytes durationSeconds
                 currentAnalysis { isCurrent analysisCostUsd promptTokens costSavingsAnnual { amount currency } rawGptResponse structuredInsights { description steps { number span { endSeconds } frameIds } }
                   costAnalysis { annualSavings { amount currency } scenarios { name adoption netPresentValue { amount } cashPaybackDays cumulativeCash { amount } } }
                   opportunities(first: 1) { nodes { title estimatedCostSavingsMonthly { amount currency } evidence { startSeconds endSeconds } review { by { firstName } } frames { index imageUrl } } }
                   visualization(type: FLOW_CHART) { layoutAlgorithm flowData } } } } }",
        )
        .await;
    let sessions = &data["recordingSessions"];
    assert_eq!(sessions["totalCount"], 1);
    let session = &sessions["nodes"][0];
    assert_eq!(
        (
            &session["title"],
            &session["fileSizeBytes"],
            &session["durationSeconds"]
        ),
        (&json!("Recording 1"), &json!("1000"), &json!(10.0))
    );
    let analysis = &session["currentAnalysis"];
    assert_eq!(analysis["analysisCostUsd"], "0.250000");
    assert_eq!(
        analysis["costSavingsAnnual"],
        json!({ "amount": "1200.00", "currency": "EUR" })
    );
    assert_eq!(analysis["rawGptResponse"], json!({ "reply": 1 }));
    assert_eq!(
        analysis["structuredInsights"]["steps"][0]["frameIds"]
            .as_array()
            .unwrap()
            .len(),
        2
    );
    assert_eq!(analysis["costAnalysis"]["annualSavings"]["amount"], "1200.50");
    assert_eq!(
        analysis["costAnalysis"]["scenarios"],
        json!([{ "name": "BASE", "adoption": 0.8, "netPresentValue": { "amount": "-12.30" }, "cashPaybackDays": null, "cumulativeCash": [{ "amount": "-1440.00" }, { "amount": "-1340.00" }] }])
    );
    let best = &analysis["opportunities"]["nodes"][0];
    assert_eq!(
        (&best["title"], &best["estimatedCostSavingsMonthly"]),
        (
            &json!("Opportunity 6"),
            &json!({ "amount": "601.00", "currency": "EUR" })
        )
    );
    assert_eq!(
        (&best["evidence"][0]["endSeconds"], &best["review"]["by"]["firstName"]),
        (&json!(2.5), &json!("Ollie"))
    );
    let frames: Vec<_> = best["frames"]
        .as_array()
        .unwrap()
        .iter()
        .map(|frame| frame["index"].as_i64().unwrap())
        .collect();
    assert_eq!(frames, [0, 2]);
    assert!(
        best["frames"][0]["imageUrl"]
            .as_str()
            .unwrap()
            .starts_with("https://example.org/files/frames/")
    );
    assert_eq!(
        analysis["visualization"],
        json!({ "layoutAlgorithm": "FORCE", "flowData": { "nodes": [], "edges": [] } })
    );
}
