//! What whoever runs the platform does as the owner, through the commands: figures, the search for leaks, an operator's acts.
//!
//! Here the figures and the operator's acts; apart: the search for leaks.

mod verify;

use chrono::{DateTime, Utc};
use serde_json::{Value, json};
use service::db::{Lease, LeaseSubject};
use service::model_request::{Account, Request, Reserved};
use sqlx::postgres::PgPool;
use tests::database::{OWNER, TestDatabase, seeded};
use tests::program::{Program, Said};

/// Two organizations, and the program as their platform's operator has it.
struct Platform {
    database: TestDatabase,
    pool: PgPool,
    program: Program,
}

impl Platform {
    async fn new() -> Self {
        let database = TestDatabase::with_two_organizations().await.unwrap();
        let pool = database.superuser().await.unwrap();
        let program = Program::with(&[("DATABASE_MIGRATION_URL", &database.url(OWNER))]).unwrap();
        Self {
            database,
            pool,
            program,
        }
    }

    fn run(&self, line: &str) -> Said {
        self.program.run(line.split(' ')).unwrap()
    }

    fn json(&self, line: &str) -> Value {
        let said = self.run(line);
        serde_json::from_str(&said.out).unwrap_or_else(|error| panic!("{error}: {said:?}"))
    }

    async fn sql(&self, sql: &str) {
        sqlx::raw_sql(sqlx::AssertSqlSafe(sql.to_owned()))
            .execute(&self.pool)
            .await
            .unwrap();
    }

    /// Writes past triggers and constraints, as only a fault or an intruder does.
    async fn plant(&self, sql: &str) {
        self.sql(&format!(
            "begin; set local session_replication_role = replica; {sql}; commit"
        ))
        .await;
    }

    /// The operator's entries of an organization's audit log: action, reason, changed fields.
    async fn audited(&self, organization: char) -> Vec<(String, String, Vec<String>)> {
        sqlx::query_as("select action, reason, changed_fields from public.audit_log where organization_id = $1 and actor_system = 'operator' order by at, action")
            .bind(seeded(organization, 1))
            .fetch_all(&self.pool)
            .await
            .unwrap()
    }
}

/// An opportunity that takes so many seconds so many times a day, of low complexity; status and key as given.
fn opportunity(
    org: char,
    analysis: &str,
    session: &str,
    key: &str,
    per_day: i32,
    status: &str,
    currency: &str,
) -> String {
    let basis = if per_day == 0 { "extrapolated" } else { "declared" };
    format!(
        "insert into public.automation_opportunities (analysis_id, session_id, organization_id, process_key, opportunity_type, title, description, currency, status, automation_complexity,
             current_time_per_occurrence_seconds, occurrences_observed, observed_seconds, frequency_basis, occurrences_per_day)
           values ({analysis}, {session}, '{}', '{key}', 'customs', 't', 'd', '{currency}', '{status}', 'low', 36, 5, 600, '{basis}', {per_day});",
        seeded(org, 1)
    )
}

#[tokio::test]
async fn impact_counts_by_hand_whatever_was_uploaded_or_analysed_twice() {
    let platform = Platform::new().await;
    let id = |org: char, number: u16| format!("'{}'", seeded(org, number));
    let session = |org: char, number: u16, content: &str, at: &str| {
        format!(
            "insert into public.recording_sessions (id, organization_id, title, status, content_sha256, created_at) values ({}, '{}', 'R', 'completed', {content}, '{at}');",
            id(org, number),
            seeded(org, 1)
        )
    };
    let analysis = |org: char, number: u16, of: u16, current: bool, confidence: f64, at: &str| {
        format!(
            "insert into public.analysis_results (id, session_id, organization_id, status, is_current, confidence_score, processing_completed_at) values ({}, {}, '{}', 'completed', {current}, {confidence}, '{at}');",
            id(org, number),
            id(org, of),
            seeded(org, 1)
        )
    };
    // Acme: one recording, uploaded twice; the first upload was analysed twice. Accepted where it was looked at first.
    let same = "repeat('a', 64)";
    let mut sql = session('a', 101, same, "2026-09-30T23:00:00Z");
    sql += &session('a', 102, same, "2026-10-05T10:00:00Z");
    sql += &session('a', 103, "null", "2026-10-06T10:00:00Z");
    sql += &analysis('a', 111, 101, false, 0.1, "2026-10-01T10:00:00Z");
    sql += &analysis('a', 112, 101, true, 0.5, "2026-10-02T10:00:00Z");
    sql += &analysis('a', 113, 102, true, 0.75, "2026-10-07T10:00:00Z");
    sql += &opportunity('a', &id('a', 111), &id('a', 101), "junk", 400, "implemented", "EUR");
    sql += &opportunity('a', &id('a', 112), &id('a', 101), "p", 100, "accepted", "EUR");
    sql += &opportunity('a', &id('a', 113), &id('a', 102), "p", 0, "proposed", "EUR");
    sql += &opportunity('a', &id('a', 113), &id('a', 102), "q", 50, "proposed", "EUR");
    // Globex counts in dollars, and dismissed eight of nine.
    sql.extend([format!(
        "update public.organizations set currency = 'USD', time_zone = 'America/New_York' where id = '{}';",
        seeded('b', 1)
    )]);
    sql += &session('b', 101, "null", "2026-10-20T10:00:00Z");
    sql += &analysis('b', 111, 101, true, 1.0, "2026-10-21T10:00:00Z");
    sql += &opportunity('b', &id('b', 111), &id('b', 101), "p", 100, "implemented", "USD");
    for key in 0..8 {
        sql += &opportunity(
            'b',
            &id('b', 111),
            &id('b', 101),
            &format!("d{key}"),
            100,
            "dismissed",
            "USD",
        );
    }
    platform.plant(&sql).await;

    let shown = platform.json("impact --since 2026-09-01 --until 2026-11-01 --json");
    // An hour a day is 220 / 12 hours a month, of which 0.8 x 0.8 is saved: 140.8 hours a year; times 45.20 less 0.18 / 12 of
    // 16 x 90: 508.75 a month. Half an hour: 70.4 hours and 243.57. In dollars 250 days at 33.19: 160 hours and 420.93.
    assert_eq!(
        shown,
        json!({
            "since": "2026-09-01T00:00:00Z", "until": "2026-11-01T00:00:00Z",
            "active_organizations": 2,
            "recordings_per_month": [{ "month": "2026-09", "recordings": 1 }, { "month": "2026-10", "recordings": 3 }],
            "analyses": 3,
            "annual_hours": { "identified": "371.20", "accepted": "300.80", "implemented": "160.00" },
            "annual_savings": [
                { "currency": "EUR", "identified": "9027.84", "accepted": "6105.00", "implemented": "0.00" },
                { "currency": "USD", "identified": "5051.16", "accepted": "5051.16", "implemented": "5051.16" },
            ],
            "mean_confidence": 0.75, "review_precision": 0.2, "accepted": 2, "dismissed": 8,
        })
    );
    let text = platform.run("impact --since 2026-09-01 --until 2026-11-01").out;
    for line in [
        "Active organizations  2",
        "Review precision      20 % (2 accepted, 8 dismissed)",
        "EUR a year      9,027.84  6,105.00",
    ] {
        assert!(text.contains(line), "{line:?} is not in\n{text}");
    }
}

#[tokio::test]
async fn an_operator_sets_plans_and_undoes_deletions_with_a_reason() {
    let platform = Platform::new().await;
    let acme = seeded('a', 1).to_string();
    let listed = platform.json("admin organizations list --json");
    assert_eq!(listed.as_array().unwrap().len(), 2);
    assert!(platform.run("admin organizations list").out.contains("globex"));

    let set = |more: &str| platform.run(&format!("admin organizations set {acme} {more}"));
    assert_eq!(set("--tier growth").code, Some(2), "no act without a reason");
    assert_eq!(set("--reason bored").code, Some(1), "nothing to set");
    assert_eq!(
        set("--tier growth --status active --max-users 80 --reason contract").code,
        Some(0)
    );
    let shown = platform.json(&format!("admin organizations show {acme} --json"));
    let organization = &shown["organization"];
    let of = |name: &str| organization[name].clone();
    assert_eq!(
        [
            of("subscription_tier"),
            of("subscription_status"),
            of("max_users"),
            of("max_recordings_per_month"),
            of("model_budget_monthly_usd")
        ],
        [
            json!("growth"),
            json!("active"),
            json!(80),
            json!(500),
            json!("250.000000")
        ]
    );
    assert_eq!(set("--budget-month 12.50 --reason thrift").code, Some(0));
    let unknown = platform.run(&format!("admin organizations show {}", seeded('a', 2)));
    assert_eq!(
        (unknown.code, unknown.err.trim()),
        (Some(1), "newsystem: no organization with that id")
    );

    let restore = || platform.run(&format!("admin organizations restore {acme} --reason call"));
    assert!(restore().err.contains("nobody asked for this organization's deletion"));
    platform
        .sql("update public.organizations set deletion_requested_at = now() where name = 'acme'")
        .await;
    assert!(
        platform
            .run("admin organizations list")
            .out
            .contains("to be erased from")
    );
    assert_eq!(restore().code, Some(0));
    let left: Option<DateTime<Utc>> =
        sqlx::query_scalar("select deletion_requested_at from public.organizations where name = 'acme'")
            .fetch_one(&platform.pool)
            .await
            .unwrap();
    assert_eq!(left, None);

    let entries = platform.audited('a').await;
    let acts: Vec<(&str, &str, usize)> = entries
        .iter()
        .map(|(action, reason, fields)| (action.as_str(), reason.as_str(), fields.len()))
        .collect();
    assert_eq!(
        acts,
        [
            ("organization.set", "contract", 9),
            ("organization.set", "thrift", 1),
            ("organization.restore", "call", 1)
        ]
    );
    assert!(platform.audited('b').await.is_empty());
}

#[tokio::test]
async fn a_key_that_an_operator_revokes_lets_nobody_in() {
    let platform = Platform::new().await;
    let key = seeded('a', 17);
    let api = platform.database.api().await.unwrap();
    assert!(api.system().key_in("key-w-a").await.unwrap().is_some());
    let revoke = || platform.run(&format!("admin keys revoke {key} --reason leaked"));
    assert_eq!(revoke().code, Some(0));
    assert!(api.system().key_in("key-w-a").await.unwrap().is_none());
    assert!(revoke().err.contains("this key was revoked on"));
    assert_eq!(
        platform.audited('a').await,
        [(
            "api_key.revoke".to_owned(),
            "leaked".to_owned(),
            vec!["revoked_at".to_owned()]
        )]
    );
}

#[tokio::test]
async fn the_switch_stops_the_next_request_to_a_model() {
    let platform = Platform::new().await;
    platform
        .sql("update public.organizations set remote_analysis_allowed = true where name = 'acme'")
        .await;
    let lease = Lease {
        subject: LeaseSubject::Analysis(seeded('a', 31).into()),
        attempt: 1,
        token: seeded('a', 99),
    };
    let (privacy,): (serde_json::Value,) =
        sqlx::query_as("select privacy_settings from public.recording_sessions where id = $1")
            .bind(seeded('a', 21))
            .fetch_one(&platform.pool)
            .await
            .unwrap();
    let account = Account {
        db: platform.database.worker().await.unwrap(),
        lease,
        organization: seeded('a', 1).into(),
        session: seeded('a', 21).into(),
        analysis: seeded('a', 31).into(),
        privacy,
    };
    let ask = async |key: &str| {
        let request = Request {
            key: key.to_owned(),
            model: "m".to_owned(),
            estimate_usd: rust_decimal::Decimal::ZERO,
            endpoint: "model.test".to_owned(),
            estimated_tokens: 1,
            token_ceiling: None,
            frames: vec![0],
            bytes: 1,
        };
        account
            .reserve(&request, DateTime::from_timestamp(1_795_500_000, 0).unwrap())
            .await
            .unwrap()
    };
    assert!(
        platform
            .run("admin remote status")
            .out
            .contains("each organization decides")
    );
    assert!(matches!(ask("one").await, Reserved::Granted { .. }));
    assert_eq!(platform.run("admin remote stop --reason incident").code, Some(0));
    assert_eq!(ask("two").await, Reserved::Stopped);
    assert!(platform.run("admin remote status").out.starts_with("stopped since"));
    assert!(
        platform
            .run("admin remote stop --reason again")
            .err
            .contains("stopped already")
    );
    assert_eq!(platform.run("admin remote allow --reason over").code, Some(0));
    assert!(matches!(ask("two").await, Reserved::Granted { .. }));
    // An owner's own word counts from the next request on too.
    platform
        .sql("update public.organizations set remote_analysis_allowed = false where name = 'acme'")
        .await;
    assert_eq!(ask("three").await, Reserved::Stopped);
    for organization in ['a', 'b'] {
        let entries = platform.audited(organization).await;
        let acts: Vec<&str> = entries.iter().map(|(action, ..)| action.as_str()).collect();
        assert_eq!(
            acts,
            ["platform.stop_remote_analysis", "platform.allow_remote_analysis"]
        );
    }
}

#[tokio::test]
async fn nobody_but_the_owner_is_taken_for_one() {
    let platform = Platform::new().await;
    let program = Program::with(&[("DATABASE_MIGRATION_URL", &platform.database.url("newsystem_api"))]).unwrap();
    let said = program.run(["verify"]).unwrap();
    assert_eq!(said.code, Some(1));
    assert!(said.err.contains("does not sign in as the owner"), "{said:?}");
}
