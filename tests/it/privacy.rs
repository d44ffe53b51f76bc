//! docs/privacy.md and the table of tiers, line by line against the code.

use std::collections::BTreeMap;

use chrono::TimeDelta;
use domain::quota::SubscriptionTier;
use serde_json::{Value, json};
use service::signing::Subject;
use tests::app::TestApp;

const PRIVACY: &str = include_str!("../../docs/privacy.md");
const PERMISSIONS: &str = include_str!("../../docs/permissions.md");
const OPERATIONS: &str = include_str!("../../docs/operations.md");

/// Tables of a page below a heading, each line by its first cell.
fn lines(page: &'static str, heading: &str) -> BTreeMap<&'static str, Vec<&'static str>> {
    let (_, section) = page.split_once(heading).unwrap_or_else(|| panic!("no {heading}"));
    let section = section.split("\n## ").next().unwrap();
    let cells =
        |line: &'static str| -> Vec<&'static str> { line.trim_matches('|').split('|').map(str::trim).collect() };
    let rows = section
        .lines()
        .filter(|line| line.starts_with('|') && !line.starts_with("|---"));
    rows.map(cells).map(|cells| (cells[0], cells[1..].to_vec())).collect()
}

fn days(life: TimeDelta) -> String {
    match life.num_days() {
        1 => "1 day".to_owned(),
        days => format!("{days} days"),
    }
}

#[tokio::test]
async fn what_is_kept_is_kept_as_long_as_the_page_says() {
    let app = TestApp::start().await;
    let owner = app.founder("ada@acme.test").await;
    let seen = owner.sees("{ organization { retention { videoDays frameDays rawReplyDays deleteVideoAfterAnalysis } remoteAnalysisAllowed } }").await;
    let seen = &seen["organization"];
    assert_eq!(seen["remoteAnalysisAllowed"], false, "nothing leaves by default");
    assert_eq!(seen["retention"]["deleteVideoAfterAnalysis"], false);
    let rule = |name: &str| match &seen["retention"][name] {
        Value::Null => "without end".to_owned(),
        kept => format!("{kept} days"),
    };
    let table = lines(PRIVACY, "## What is stored, where, how long");
    let to_accept = format!("{} to accept; the line stays", days(service::invitation::manage::LIFE));
    let to_undo = format!("{} to take it back", days(service::organization::manage::GRACE));
    for (data, kept) in [
        ("raw video", rule("videoDays")),
        ("frames kept as evidence, covered", rule("frameDays")),
        ("a model's raw reply, covered", rule("rawReplyDays")),
        (
            "chunks of an upload that was left half-way",
            days(worker::job::sweep::IDLE),
        ),
        (
            "events of the organization (ids and states, no contents)",
            days(worker::job::sweep::EVENTS_KEPT),
        ),
        ("invitations: e-mail, hash of the token", to_accept),
        ("an organization that asked for its deletion", to_undo),
    ] {
        assert_eq!(table[data][1], kept, "{data}");
    }
    for field in ["videoDays", "frameDays", "rawReplyDays"] {
        let update = |days: i32| json!({ "retention": { field: days } });
        assert_eq!(
            owner
                .refused("updateOrganization", update(3651), "organization { id }")
                .await,
            "BAD_USER_INPUT"
        );
        owner
            .must("updateOrganization", update(3650), "organization { id }")
            .await;
    }
    // Idempotency keys: act.rs, and the sweep that forgets them.
    assert_eq!(table["idempotency keys"][1], "1 day");
    app.run("insert into public.idempotency_keys (organization_id, actor_id, operation, key, request_sha256, subject_id, created_at)
               select id, id, 'x', age::text, 'x', id, now() - age from public.organizations, unnest(array[interval '23 hours', interval '25 hours']) age").await;
    service::sweep::forget_events(app.worker(), chrono::DateTime::UNIX_EPOCH)
        .await
        .unwrap();
    assert_eq!(app.number("select count(*) from public.idempotency_keys").await, 1);
    // Objects that are deleted a second time.
    app.run("insert into public.object_deletions (organization_id, object_key, is_prefix) select id, 'organizations/' || id, true from public.organizations").await;
    service::sweep::delete_objects(app.worker(), app.storage())
        .await
        .unwrap();
    let minutes = app
        .number("select round(extract(epoch from due_at - created_at) / 60)::bigint from public.object_deletions")
        .await;
    assert!(PRIVACY.contains(&format!("again {minutes} minutes later")), "{minutes}");

    let addresses = lines(PRIVACY, "## Who sees what");
    let upload = TimeDelta::from_std(service::video_chunk::upload::ADDRESS_LIFE).unwrap();
    for (what, life) in [
        ("a frame", Subject::Frame.life()),
        ("a video", Subject::Playback.life()),
        ("a report", Subject::Report.life()),
        ("an export", Subject::Export.life()),
        ("an upload", upload),
    ] {
        assert_eq!(addresses[what], [format!("{} minutes", life.num_minutes())], "{what}");
    }
    assert!(minutes > upload.num_minutes(), "when every address has ended");
}

/// docs/permissions.md is compared with the schema and the database by `read::access`; here it is compared with this page.
#[test]
fn who_sees_what_is_what_the_permissions_say() {
    let (ours, theirs) = (
        lines(PRIVACY, "## Who sees what"),
        lines(PERMISSIONS, "## Sensitive fields"),
    );
    for (data, field) in [
        ("who was recorded", "RecordingSession.user"),
        ("video, where no covering was asked for", "RecordingSession.playback"),
        ("frames", "Analysis.frames"),
        ("a model's raw reply", "Analysis.rawGptResponse"),
        ("who looked, and what was done", "RecordingSession.auditLog"),
        ("what models cost", "Analysis.analysisCostUsd"),
    ] {
        let said: Vec<&str> = theirs[field][..4]
            .iter()
            .map(|cell| if *cell == "yes" { "yes" } else { "no" })
            .collect();
        assert_eq!(ours[data], said, "{data}");
    }
}

#[tokio::test]
async fn the_table_of_tiers_is_the_one_in_the_code_and_a_new_organization_starts_with_it() {
    let table = lines(OPERATIONS, "## Tiers");
    let gib = |bytes: u64| format!("{} GiB", bytes >> 30);
    let hours = |seconds: u32| format!("{} h", seconds / 3600);
    let column = |tier: SubscriptionTier| {
        let quota = tier.quota();
        [
            ("members", quota.max_users.to_string()),
            ("recordings a month", quota.max_recordings_per_month.to_string()),
            ("storage", gib(quota.max_storage_bytes)),
            ("longest recording", hours(quota.max_recording_seconds)),
            ("analyses at once", quota.max_parallel_analyses.to_string()),
            (
                "remote model, a month",
                format!("USD {}", quota.model_budget_monthly_usd),
            ),
            (
                "remote model, an analysis",
                format!("USD {}", quota.model_budget_per_analysis_usd),
            ),
        ]
    };
    for (place, tier) in SubscriptionTier::ALL.iter().enumerate() {
        assert_eq!(table["limit"][place], tier.as_str().to_uppercase());
        for (limit, value) in column(*tier) {
            assert_eq!(table[limit][place], value, "{limit} of {tier}");
        }
    }
    assert_eq!(table.len(), 8);

    let app = TestApp::start().await;
    app.founder("ada@acme.test").await;
    let free = SubscriptionTier::Free.quota();
    let row: (i32, i32, i64, i32, i32, String) = sqlx::query_as(
        "select max_users, max_recordings_per_month, max_storage_bytes, max_recording_seconds, max_parallel_analyses,
                trim_scale(model_budget_monthly_usd)::text || ' ' || trim_scale(model_budget_per_analysis_usd)::text from public.organizations",
    )
    .fetch_one(app.pool())
    .await
    .unwrap();
    assert_eq!(
        row,
        (
            i32::try_from(free.max_users).unwrap(),
            i32::try_from(free.max_recordings_per_month).unwrap(),
            i64::try_from(free.max_storage_bytes).unwrap(),
            i32::try_from(free.max_recording_seconds).unwrap(),
            i32::try_from(free.max_parallel_analyses).unwrap(),
            format!(
                "{} {}",
                free.model_budget_monthly_usd, free.model_budget_per_analysis_usd
            ),
        )
    );
}
