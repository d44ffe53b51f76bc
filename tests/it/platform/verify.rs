//! The search for leaks: planted ones are found, and no column with an id is passed over. Apart because each is planted past
//! triggers and constraints.

use std::collections::BTreeSet;

use serde_json::{Value, json};
use service::platform::verify::{OTHER_IDS, REFERENCES};
use tests::database::{TestDatabase, seeded};

use super::Platform;

#[tokio::test]
async fn verify_finds_every_planted_leak_and_nothing_before() {
    let platform = Platform::new().await;
    let clean = platform.run("verify");
    assert_eq!(clean.code, Some(0), "{clean:?}");
    assert!(clean.out.contains("No row of one organization points at another's."));

    let (a, b) = (|number| seeded('a', number), |number| seeded('b', number));
    let planted = [
        // A session of acme's operator in globex: what the seed's own query looks for and misses.
        (
            "recording_sessions",
            "user_id: user_profiles",
            b(122),
            format!(
                "insert into public.recording_sessions (id, organization_id, user_id, title) values ('{}', '{}', '{}', 'leak')",
                b(122),
                b(1),
                a(13)
            ),
        ),
        (
            "automation_opportunities",
            "session_id: recording_sessions",
            b(136),
            format!(
                "insert into public.automation_opportunities (id, analysis_id, session_id, organization_id, process_key, opportunity_type, title, description, currency) values ('{}', '{}', '{}', '{}', 'p', 'customs', 't', 'd', 'EUR')",
                b(136),
                b(31),
                a(21),
                b(1)
            ),
        ),
        (
            "cost_analyses",
            "analysis_id: analysis_results",
            a(39),
            format!(
                "update public.cost_analyses set analysis_id = '{}' where id = '{}'",
                b(31),
                a(39)
            ),
        ),
        (
            "report_links",
            "report_id: generated_reports",
            a(42),
            format!(
                "update public.report_links set report_id = '{}' where id = '{}'",
                b(41),
                a(42)
            ),
        ),
        (
            "user_profiles",
            "organization_id: organizations",
            a(12),
            format!(
                "update public.user_profiles set organization_id = '{}' where id = '{}'",
                a(77),
                a(12)
            ),
        ),
        (
            "workflow_insights",
            "session_id: that of its analysis",
            a(37),
            format!(
                "update public.workflow_insights set session_id = '{}' where id = '{}'",
                a(22),
                a(37)
            ),
        ),
        (
            "analysis_frames",
            "file_path: the organization's folder",
            a(33),
            format!(
                "update public.analysis_frames set file_path = replace(file_path, '{}', '{}') where id = '{}'",
                a(1),
                b(1),
                a(33)
            ),
        ),
        (
            "audit_log",
            "subject_id: every table",
            a(19),
            format!(
                "update public.audit_log set subject_id = '{}' where id = '{}'",
                b(21),
                a(19)
            ),
        ),
    ];
    for (_, _, _, sql) in &planted {
        platform.plant(sql).await;
    }
    // Of the walls themselves there is no row to name.
    platform
        .sql("drop policy recording_notices_read on public.recording_notices; create policy careless on public.recording_notices for select to newsystem_member using (true);
              alter table public.disclosures disable row level security")
        .await;
    let said = platform.run("verify --json");
    assert_eq!(said.code, Some(1));
    let found: Value = serde_json::from_str(&said.out).unwrap();
    let at = |table: &str, against: &str| {
        let checks = found["checks"].as_array().unwrap().iter();
        let mut of = checks.filter(|check| check["table"] == table && check["against"] == against);
        of.next()
            .unwrap_or_else(|| panic!("{table} is not compared with {against}"))
            .clone()
    };
    for (table, against, row, _) in &planted {
        let check = at(table, against);
        assert!(
            check["leaks"].as_i64().unwrap() + check["dangling"].as_i64().unwrap() > 0,
            "{check}"
        );
        assert!(
            check["examples"].to_string().contains(&row.to_string()),
            "{check} does not name {row}"
        );
    }
    assert_eq!(at("recording_notices", "what two people see")["leaks"], 2);
    assert_eq!(at("disclosures", "row security is on")["leaks"], 1);
}

#[tokio::test]
async fn verify_reads_every_reply_again_whatever_its_shape() {
    let platform = Platform::new().await;
    let reply = |name: &str| {
        let path = format!("{}/fixtures/replies/{name}.json", env!("CARGO_MANIFEST_DIR"));
        serde_json::from_str::<Value>(&std::fs::read_to_string(path).unwrap()).unwrap()
    };
    for (number, raw) in [
        (51_u16, Some(reply("current"))),
        (52, Some(reply("replaced-wrapped"))),
        (53, Some(json!({ "nothing": "of use" }))),
        (54, None),
    ] {
        sqlx::query("insert into public.analysis_results (id, session_id, organization_id, status, raw_gpt_response) values ($1, $2, $3, 'completed', $4)")
            .bind(seeded('a', number))
            .bind(seeded('a', 21))
            .bind(seeded('a', 1))
            .bind(raw)
            .execute(&platform.pool)
            .await
            .unwrap();
    }
    let replies = platform.json("verify --replies --json")["replies"].clone();
    assert_eq!(
        (&replies["readable"], &replies["unreadable"], &replies["absent"]),
        (&json!(2), &json!(1), &json!(1))
    );
    let listed = replies["listed"].as_array().unwrap();
    for one in &listed[..2] {
        assert!(one["steps"].as_u64().unwrap() > 0, "{one}");
        assert!(!one["description"].as_str().unwrap().is_empty(), "{one}");
    }
    assert_eq!(listed[3]["reason"], "no reply is kept");
    assert!(
        platform
            .run("verify --replies")
            .out
            .contains("Stored replies: 2 readable, 1 unreadable, 1 not kept")
    );
}

#[tokio::test]
async fn no_column_with_an_id_is_passed_over_by_verify() {
    let pool = TestDatabase::create().await.unwrap().superuser().await.unwrap();
    let columns: Vec<String> = sqlx::query_scalar(
        "select distinct a.attname::text from pg_attribute a join pg_class c on c.oid = a.attrelid where c.relnamespace = 'public'::regnamespace and c.relkind = 'r' and a.atttypid = 'uuid'::regtype and a.attnum > 0",
    )
    .fetch_all(&pool)
    .await
    .unwrap();
    let known: BTreeSet<&str> = REFERENCES.iter().chain(&OTHER_IDS).map(|(column, _)| *column).collect();
    let forgotten: Vec<_> = columns
        .iter()
        .filter(|column| !known.contains(column.as_str()))
        .collect();
    assert!(
        forgotten.is_empty(),
        "say in service/platform/verify.rs what these point at: {forgotten:?}"
    );
}
