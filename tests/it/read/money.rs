//! What moves money beside people: reading an analysis anew, recording beside a review, and what a session declares.

use std::time::Duration;

use domain::analysis_error::AnalysisErrorCode;
use domain::category::WorkflowCategory;
use domain::id::{AnalysisId, SessionId};
use domain::insight::{Occurrence, OpportunityDraft, Reading};
use domain::roi::Complexity;
use domain::span::TimeSpan;
use serde_json::{Value, json};
use service::analysis_result::run::{self, Begun, Made, Outcome};
use service::db::{Db, Lease};
use service::queue::{Job, JobKind, Verdict};
use tests::database::seeded;
use tokio_util::sync::CancellationToken;

use super::World;

const ANALYSIS: &str = "analysis { status isCurrent errorCode attempts { errorCode } session { status } }";
const IMPACT: &str = "{ businessImpact { annualSavings { identified { amount } implemented { amount } } } }";

fn session() -> SessionId {
    seeded('a', 121).into()
}

fn first() -> AnalysisId {
    seeded('a', 131).into()
}

fn second() -> AnalysisId {
    seeded('a', 132).into()
}

/// A process that was seen so often, each time for so many seconds, one after the other.
fn draft(key: &str, start: f64, each: f64, times: u32) -> OpportunityDraft {
    let span = |n: u32| {
        let from = start + each * f64::from(n);
        TimeSpan::new(from, from + each).unwrap()
    };
    OpportunityDraft {
        process_key: key.to_owned(),
        opportunity_type: WorkflowCategory::OrderEntry,
        title: key.to_owned(),
        description: "d".to_owned(),
        workflow_steps: Vec::new(),
        current_time_per_occurrence_seconds: Some(each),
        occurrences: (0..times)
            .map(|n| Occurrence {
                span: span(n),
                active_seconds: each,
                waiting_seconds: 0.0,
                idle_seconds: 0.0,
            })
            .collect(),
        occurrences_per_day: None,
        automation_complexity: Some(Complexity::Low),
        confidence: None,
        evidence: (0..times).map(span).collect(),
        frames: Vec::new(),
        metadata: json!({}),
    }
}

fn outcome(opportunities: Vec<OpportunityDraft>) -> Outcome {
    Outcome {
        made: Made {
            raw_reply: json!({}),
            gpt_version: "local-1".to_owned(),
            prompt_version: None,
            cost_usd: None,
            prompt_tokens: None,
            completion_tokens: None,
            frames: Vec::new(),
            coverage: 1.0,
            duration_seconds: 1800.0,
            observed_seconds: 1800.0,
            content_sha256: "c".repeat(64),
        },
        reading: Reading {
            opportunities,
            ..Reading::default()
        },
        diagrams: Vec::new(),
        processing_seconds: 1.0,
    }
}

/// A world with a recorded session whose video is gone, and a worker.
struct Desk {
    world: World,
    worker: Db,
}

impl Desk {
    async fn new() -> Self {
        let world = World::new().await;
        let (org, person) = (seeded('a', 1), seeded('a', 13));
        world
            .run(&format!(
                "insert into public.recording_sessions (id, organization_id, user_id, title, status, chunk_count, finished_at, declared_occurrences_per_day, video_deleted_at)
                   values ('{}', '{org}', '{person}', 'S', 'completed', 1, now(), 40, now())",
                session()
            ))
            .await;
        let worker = world.database.worker().await.unwrap();
        Self { world, worker }
    }

    async fn queues(&self, analysis: AnalysisId) {
        self.world
            .run(&format!(
                "insert into public.analysis_results (id, session_id, organization_id) values ('{analysis}', '{}', '{}')",
                session(),
                seeded('a', 1)
            ))
            .await;
    }

    async fn takes_up(&self, analysis: AnalysisId) -> Lease {
        match run::begin(&self.worker, analysis, "by hand").await.unwrap() {
            Begun::Ours { lease, .. } => lease,
            other => panic!("{other:?}"),
        }
    }

    /// Records what an analysis that was taken up came to; the commit is the caller's.
    async fn records(
        &self,
        analysis: AnalysisId,
        lease: &Lease,
        opportunities: Vec<OpportunityDraft>,
    ) -> service::db::Scope {
        let scope = self.worker.worker_scope(lease).await.unwrap();
        let organization = seeded('a', 1).into();
        run::record(
            &scope,
            organization,
            session(),
            analysis,
            &outcome(opportunities),
            &[],
            World::now(),
        )
        .await
        .unwrap();
        scope
    }

    async fn makes(&self, analysis: AnalysisId, opportunities: Vec<OpportunityDraft>) {
        let lease = self.takes_up(analysis).await;
        self.records(analysis, &lease, opportunities)
            .await
            .commit()
            .await
            .unwrap();
    }

    async fn does(&self, mutation: &str, input: Value, selection: &str) -> Value {
        let mut type_name = mutation.to_owned();
        type_name[..1].make_ascii_uppercase();
        let query = format!("mutation ($input: {type_name}Input!) {{ {mutation}(input: $input) {{ {selection} }} }}");
        let owner = self.world.owner().await;
        self.world
            .ask_with(Some(&owner), &query, json!({ "input": input }))
            .await
    }

    async fn must(&self, mutation: &str, input: Value, selection: &str) -> Value {
        let mut reply = self.does(mutation, input, selection).await;
        assert_eq!(reply.get("errors"), None, "{mutation}: {reply:#}");
        reply["data"][mutation].take()
    }

    async fn anew(&self, mutation: &str, analysis: AnalysisId) -> Value {
        let reply = self.must(mutation, json!({ "analysisId": analysis }), ANALYSIS).await;
        reply["analysis"].clone()
    }

    async fn impact(&self) -> Value {
        self.world.data(&self.world.owner().await, IMPACT).await
    }

    /// One value of the rows of an analysis by process, in the order of the processes.
    async fn rows(&self, analysis: AnalysisId, value: &str) -> Value {
        let sql = format!(
            "select jsonb_agg(to_jsonb({value}) order by process_key) from public.automation_opportunities where analysis_id = '{analysis}'"
        );
        sqlx::query_scalar(sqlx::AssertSqlSafe(sql))
            .fetch_one(&self.world.pool)
            .await
            .unwrap()
    }

    async fn number(&self, sql: &str) -> i64 {
        sqlx::query_scalar(sqlx::AssertSqlSafe(sql.to_owned()))
            .fetch_one(&self.world.pool)
            .await
            .unwrap()
    }

    async fn reviews(&self, analysis: AnalysisId, mut review: Value) -> Value {
        let id = self.rows(analysis, "id").await[0].clone();
        review["opportunityId"] = id;
        self.does("updateOpportunity", review, "opportunity { id }").await
    }
}

#[tokio::test]
async fn an_analysis_that_is_read_anew_counts_until_it_has_new_results_and_goes_back_to_them() {
    let desk = Desk::new().await;
    desk.queues(first()).await;
    desk.makes(first(), vec![draft("k", 0.0, 90.0, 12)]).await;
    let reply = desk.reviews(first(), json!({ "status": "IMPLEMENTED" })).await;
    assert_eq!(reply.get("errors"), None, "{reply:#}");
    let before = desk.impact().await;
    assert_ne!(
        before["businessImpact"]["annualSavings"]["implemented"]["amount"],
        "0.00"
    );
    let back = |attempts: Value| json!({ "status": "COMPLETED", "isCurrent": true, "errorCode": null, "attempts": attempts, "session": { "status": "COMPLETED" } });
    let (good, bad) = (json!({ "errorCode": null }), json!({ "errorCode": "MODEL_UNREADABLE" }));

    let queued = desk.anew("reinterpretAnalysis", first()).await;
    assert_eq!(
        (&queued["status"], &queued["isCurrent"]),
        (&json!("QUEUED"), &json!(true))
    );
    assert_eq!(desk.impact().await, before);
    assert_eq!(desk.anew("cancelAnalysis", first()).await, back(json!([good])));
    assert_eq!(desk.impact().await, before);

    desk.anew("reinterpretAnalysis", first()).await;
    let lease = desk.takes_up(first()).await;
    let scope = desk.worker.worker_scope(&lease).await.unwrap();
    assert!(run::inputs(&scope, first(), session()).await.unwrap().has_results);
    run::fail(
        &scope,
        session(),
        first(),
        AnalysisErrorCode::ModelUnreadable,
        None,
        World::now(),
    )
    .await
    .unwrap();
    scope.commit().await.unwrap();
    let ask = format!(
        "{{ analysis(id: \"{}\") {{ {} }} }}",
        first(),
        &ANALYSIS[11..ANALYSIS.len() - 2]
    );
    let seen = desk.world.data(&desk.world.owner().await, &ask).await;
    assert_eq!(seen["analysis"], back(json!([good, bad])));

    // Its workers died: the sweep.
    desk.anew("reinterpretAnalysis", first()).await;
    desk.world
        .run(&format!(
            "select private.fail_analysis('{}', 'worker_crashed', 'x')",
            first()
        ))
        .await;
    let seen = desk.world.data(&desk.world.owner().await, &ask).await;
    assert_eq!(seen["analysis"], back(json!([good, bad])));
    assert_eq!(desk.impact().await, before);

    // And when it comes to new results, what people decided and the earlier cost analyses are there.
    let costs = format!(
        "select count(*) from public.cost_analyses where analysis_id = '{}'",
        first()
    );
    let earlier = desk.number(&costs).await;
    desk.anew("reinterpretAnalysis", first()).await;
    desk.makes(first(), vec![draft("k", 0.0, 90.0, 12)]).await;
    assert_eq!(desk.impact().await, before);
    assert_eq!(desk.number(&costs).await, earlier + 1);
}

#[tokio::test]
async fn an_older_analysis_that_is_read_anew_takes_no_newer_ones_place_and_no_newer_review() {
    let desk = Desk::new().await;
    desk.queues(first()).await;
    desk.makes(first(), vec![draft("k", 0.0, 90.0, 12)]).await;
    desk.reviews(first(), json!({ "status": "ACCEPTED" })).await;
    desk.queues(second()).await;
    desk.makes(second(), vec![draft("k", 0.0, 90.0, 12)]).await;
    assert_eq!(desk.rows(second(), "status").await, json!(["accepted"]));
    desk.world.api.clock.set(World::now() + chrono::TimeDelta::hours(1));
    desk.reviews(second(), json!({ "status": "DISMISSED" })).await;
    desk.anew("reinterpretAnalysis", first()).await;
    desk.makes(first(), vec![draft("k", 0.0, 90.0, 12)]).await;
    assert_eq!(desk.rows(first(), "status").await, json!(["dismissed"]));
    let current = format!(
        "select count(*) from public.analysis_results where is_current and id = '{}'",
        second()
    );
    assert_eq!(desk.number(&current).await, 1);
    let named = format!(
        "select count(*) from public.analysis_results where id = '{}' and structured_insights ->> 'dropped' like '%gave way to a newer review%'",
        first()
    );
    assert_eq!(desk.number(&named).await, 1);
}

#[tokio::test]
async fn a_review_beside_a_recording_is_carried_over_or_refused() {
    let desk = Desk::new().await;
    desk.queues(first()).await;
    desk.makes(first(), vec![draft("k", 0.0, 90.0, 12)]).await;

    // The review is first, and slow: its row is held.
    desk.queues(second()).await;
    let lease = desk.takes_up(second()).await;
    let mut held = desk.world.pool.begin().await.unwrap();
    sqlx::query("select from public.automation_opportunities where process_key = 'k' for update")
        .execute(&mut *held)
        .await
        .unwrap();
    let reviewing = desk.reviews(first(), json!({ "status": "ACCEPTED" }));
    let recording = async {
        tokio::time::sleep(Duration::from_millis(400)).await;
        let scope = desk.records(second(), &lease, vec![draft("k", 0.0, 90.0, 12)]);
        let letting_go = async {
            tokio::time::sleep(Duration::from_millis(400)).await;
            held.rollback().await.unwrap();
        };
        let (scope, ()) = tokio::join!(scope, letting_go);
        scope.commit().await.unwrap();
    };
    let (reply, ()) = tokio::join!(reviewing, recording);
    assert_eq!(reply.get("errors"), None, "{reply:#}");
    assert_eq!(desk.rows(second(), "status").await, json!(["accepted"]));

    // The recording is first: what is reviewed is replaced.
    desk.anew("reinterpretAnalysis", second()).await;
    let lease = desk.takes_up(second()).await;
    let reviewed = desk.rows(second(), "id").await[0].clone();
    let scope = desk.records(second(), &lease, vec![draft("k", 0.0, 90.0, 12)]).await;
    let costs = desk.number("select count(*) from public.cost_analyses").await;
    let input = json!({ "opportunityId": reviewed, "status": "DISMISSED" });
    let reviewing = desk.does("updateOpportunity", input, "opportunity { id }");
    let recording = async {
        tokio::time::sleep(Duration::from_millis(400)).await;
        scope.commit().await.unwrap();
    };
    let (reply, ()) = tokio::join!(reviewing, recording);
    assert_eq!(reply["errors"][0]["extensions"]["code"], "CONFLICT", "{reply:#}");
    assert_eq!(desk.rows(second(), "status").await, json!(["accepted"]));
    assert_eq!(
        desk.number("select count(*) from public.cost_analyses").await,
        costs + 1,
        "the recording's, and none of the review"
    );
}

#[tokio::test]
async fn a_declaration_is_about_the_main_process_and_figures_follow_it_at_a_recalculation() {
    let desk = Desk::new().await;
    desk.queues(first()).await;
    let both = vec![draft("orders", 0.0, 90.0, 12), draft("report", 1200.0, 60.0, 3)];
    desk.makes(first(), both).await;
    let declared =
        |times: i32, people: i32| json!([["declared", times, people, true], ["extrapolated", null, people, false]]);
    let facts = "jsonb_build_array(frequency_basis, case when frequency_basis = 'declared' then occurrences_per_day::integer end, people_count, counted)";
    assert_eq!(desk.rows(first(), facts).await, declared(40, 1));

    // Priorities say what they rest on now, whoever had them worked out.
    let rests = "(record_metadata #>> '{priority_inputs,saved_hours_monthly}')::numeric = round(hours_saved_monthly, 2) and record_metadata #> '{derived,title}' is not null";
    let sums = "hours_saved_monthly";
    let before = desk.rows(first(), sums).await;
    let input = json!({ "sessionId": session(), "declaredOccurrencesPerDay": 80, "peopleCount": 2 });
    desk.must("updateRecordingSession", input, "session { id }").await;
    assert_eq!(desk.rows(first(), sums).await, before);
    desk.must(
        "recalculateCosts",
        json!({ "analysisId": first() }),
        "costAnalysis { id }",
    )
    .await;
    assert_eq!(desk.rows(first(), facts).await, declared(80, 2));
    assert_eq!(desk.rows(first(), rests).await, json!([true, true]));

    let input = json!({ "sessionId": session(), "declaredOccurrencesPerDay": 20, "peopleCount": 3 });
    desk.must("updateRecordingSession", input, "session { id }").await;
    desk.reviews(first(), json!({ "peopleCount": 5 })).await;
    desk.must("recalculateCosts", json!({ "all": true }), "queued").await;
    let job = Job {
        kind: JobKind::RecalculateCosts,
        subject: seeded('a', 1),
        attempt: 1,
        shutdown: CancellationToken::new(),
    };
    let verdict = worker::job::recalculate_costs::run(&desk.worker, World::now, &job).await;
    assert_eq!(verdict, Verdict::Done);
    let expected = json!([["declared", 20, 5, true], ["extrapolated", null, 3, false]]);
    assert_eq!(desk.rows(first(), facts).await, expected);
    assert_eq!(desk.rows(first(), rests).await, json!([true, true]));
}

#[tokio::test]
async fn what_cannot_be_kept_is_refused_and_what_no_longer_holds_goes() {
    let desk = Desk::new().await;
    desk.queues(first()).await;
    desk.makes(first(), vec![draft("k", 0.0, 90.0, 12)]).await;
    desk.must(
        "updateOrganization",
        json!({ "roiDefaults": { "hourlyRate": "10000000", "implementationHourlyRate": "10000000" } }),
        "organization { id }",
    )
    .await;
    for (review, field) in [
        (
            json!({ "implementationEffortHours": "1000000" }),
            "input.implementationEffortHours",
        ),
        (json!({ "peopleCount": 100_000 }), "input.peopleCount"),
        (
            json!({ "implementedAt": "2026-11-01T00:00:00Z" }),
            "input.implementedAt",
        ),
        (json!({ "dismissalReason": "no" }), "input.dismissalReason"),
    ] {
        let reply = desk.reviews(first(), review).await;
        let refusal = &reply["errors"][0]["extensions"];
        assert_eq!(
            (&refusal["code"], &refusal["field"]),
            (&json!("BAD_USER_INPUT"), &json!(field)),
            "{reply:#}"
        );
    }
    for (review, left) in [
        (json!({ "status": "IMPLEMENTED" }), json!([[true, false]])),
        (json!({ "status": "ACCEPTED" }), json!([[false, false]])),
        (
            json!({ "status": "DISMISSED", "dismissalReason": "no" }),
            json!([[false, true]]),
        ),
        (json!({ "status": "PROPOSED" }), json!([[false, false]])),
    ] {
        let reply = desk.reviews(first(), review).await;
        assert_eq!(reply.get("errors"), None, "{reply:#}");
        let kept = "jsonb_build_array(implemented_at is not null, dismissal_reason is not null)";
        assert_eq!(desk.rows(first(), kept).await, left);
    }
}
